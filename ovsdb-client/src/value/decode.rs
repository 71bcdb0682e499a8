//! Decoding of `<value>` (RFC 7047 §5.1) straight from JSON text into a [`Datum`] of a known type, without an
//! intermediate tree.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Unexpected, Visitor};
use uuid::Uuid;

use super::{Atom, AtomType, Datum, Real};
use crate::schema::ColumnType;

/// Decodes one value of a column. The types of the atoms are checked, the number of elements only where `counted`:
/// a difference may hold more or fewer.
#[derive(Clone, Copy)]
pub struct DatumSeed<'t> {
    column: &'t ColumnType,
    counted: bool,
}

impl<'t> DatumSeed<'t> {
    /// A whole value of a column of this type.
    #[must_use]
    pub fn whole(column: &'t ColumnType) -> Self {
        Self {
            column,
            counted: true,
        }
    }

    /// A difference to a value of a column of this type.
    #[must_use]
    pub fn difference(column: &'t ColumnType) -> Self {
        Self {
            column,
            counted: column.is_single(),
        }
    }

    fn finish<E: serde::de::Error>(self, datum: Datum) -> Result<Datum, E> {
        if self.counted && !self.column.allows_count(datum.len()) {
            return Err(E::invalid_length(datum.len(), &self));
        }
        Ok(datum)
    }

    fn one<E: serde::de::Error>(self, atom: Result<Atom, E>) -> Result<Datum, E> {
        if self.column.value.is_some() {
            return Err(E::custom(format_args!(
                "a scalar where {} was expected",
                self.column
            )));
        }
        self.finish(Datum::scalar(atom?))
    }
}

impl<'de> DeserializeSeed<'de> for DatumSeed<'_> {
    type Value = Datum;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Datum, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DatumSeed<'_> {
    type Value = Datum;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.column)
    }

    fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<Datum, E> {
        self.one(AtomSeed(self.column.key.atom).visit_bool(v))
    }

    fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<Datum, E> {
        self.one(AtomSeed(self.column.key.atom).visit_i64(v))
    }

    fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<Datum, E> {
        self.one(AtomSeed(self.column.key.atom).visit_u64(v))
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Datum, E> {
        self.one(AtomSeed(self.column.key.atom).visit_f64(v))
    }

    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Datum, E> {
        self.one(AtomSeed(self.column.key.atom).visit_str(v))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Datum, S::Error> {
        let tag = seq
            .next_element_seed(TagSeed)?
            .ok_or_else(|| S::Error::invalid_length(0, &self))?;
        let missing = |seed: &Self| S::Error::invalid_length(1, seed);
        let datum = match (tag, &self.column.value) {
            (Tag::Set, None) => {
                let atoms = seq
                    .next_element_seed(SetSeed(self.column.key.atom))?
                    .ok_or_else(|| missing(&self))?;
                let count = atoms.len();
                let datum = Datum::set(atoms);
                if datum.len() != count {
                    return Err(S::Error::custom("a set with a duplicate"));
                }
                self.finish(datum)?
            }
            // The server writes an empty map as `["map",[]]`, but takes `["set",[]]` for it too.
            (Tag::Map, Some(value)) => {
                let seed = MapSeed(self.column.key.atom, value.atom);
                let pairs = seq.next_element_seed(seed)?.ok_or_else(|| missing(&self))?;
                let count = pairs.len();
                let datum = Datum::map(pairs);
                if datum.len() != count {
                    return Err(S::Error::custom("a map with a duplicate key"));
                }
                self.finish(datum)?
            }
            (Tag::Set, Some(_)) => {
                let atoms = seq
                    .next_element_seed(SetSeed(self.column.key.atom))?
                    .ok_or_else(|| missing(&self))?;
                if !atoms.is_empty() {
                    return Err(S::Error::custom(format_args!(
                        "a set where {} was expected",
                        self.column
                    )));
                }
                self.finish(Datum::empty_map())?
            }
            (Tag::Uuid, None) if self.column.key.atom == AtomType::Uuid => {
                let uuid = seq
                    .next_element_seed(UuidSeed)?
                    .ok_or_else(|| missing(&self))?;
                self.finish(Datum::scalar(uuid))?
            }
            (tag, _) => {
                return Err(S::Error::custom(format_args!(
                    "a {} where {} was expected",
                    tag.name(),
                    self.column
                )));
            }
        };
        end_of(seq)?;
        Ok(datum)
    }
}

fn end_of<'de, S: SeqAccess<'de>>(mut seq: S) -> Result<(), S::Error> {
    match seq.next_element::<serde::de::IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(S::Error::custom("an element too many in a tagged value")),
    }
}

#[derive(Clone, Copy)]
enum Tag {
    Set,
    Map,
    Uuid,
}

impl Tag {
    fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Map => "map",
            Self::Uuid => "uuid",
        }
    }
}

struct TagSeed;

impl<'de> DeserializeSeed<'de> for TagSeed {
    type Value = Tag;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tag, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for TagSeed {
    type Value = Tag;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("\"set\", \"map\" or \"uuid\"")
    }

    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Tag, E> {
        [Tag::Set, Tag::Map, Tag::Uuid]
            .into_iter()
            .find(|tag| tag.name() == v)
            .ok_or_else(|| E::invalid_value(Unexpected::Str(v), &self))
    }
}

struct UuidSeed;

impl<'de> DeserializeSeed<'de> for UuidSeed {
    type Value = Uuid;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Uuid, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for UuidSeed {
    type Value = Uuid;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a UUID")
    }

    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Uuid, E> {
        Uuid::try_parse(v).map_err(|_| E::invalid_value(Unexpected::Str(v), &self))
    }
}

/// Decodes one atom of the given type.
#[derive(Clone, Copy)]
pub(crate) struct AtomSeed(pub(crate) AtomType);

impl AtomSeed {
    fn wrong<E: serde::de::Error>(self, found: Unexpected<'_>) -> E {
        E::invalid_type(found, &self)
    }
}

impl<'de> DeserializeSeed<'de> for AtomSeed {
    type Value = Atom;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Atom, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AtomSeed {
    type Value = Atom;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }

    fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<Atom, E> {
        if self.0 == AtomType::Boolean {
            Ok(Atom::Boolean(v))
        } else {
            Err(self.wrong(Unexpected::Bool(v)))
        }
    }

    fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<Atom, E> {
        match self.0 {
            AtomType::Integer => Ok(Atom::Integer(v)),
            // ovsdb-server writes a whole real without a point.
            #[allow(
                clippy::cast_precision_loss,
                reason = "beyond 2^53 it rounds as every double does"
            )]
            AtomType::Real => Real::try_from(v as f64).map(Atom::Real).map_err(E::custom),
            _ => Err(self.wrong(Unexpected::Signed(v))),
        }
    }

    fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<Atom, E> {
        match i64::try_from(v) {
            Ok(number) => self.visit_i64(number),
            #[allow(
                clippy::cast_precision_loss,
                reason = "only a real can be so large, and that rounds"
            )]
            Err(_) => self.visit_f64(v as f64),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Atom, E> {
        match self.0 {
            AtomType::Real => Real::try_from(v).map(Atom::Real).map_err(E::custom),
            // JSON has one kind of number: 1e3 and 1.0 are integers to ovsdb-server.
            #[allow(
                clippy::cast_possible_truncation,
                reason = "below 2^53 the cast is exact"
            )]
            AtomType::Integer if v.fract() == 0.0 && v.abs() < 9_007_199_254_740_992.0 => {
                Ok(Atom::Integer(v as i64))
            }
            _ => Err(self.wrong(Unexpected::Float(v))),
        }
    }

    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Atom, E> {
        if self.0 == AtomType::String {
            Ok(Atom::String(v.into()))
        } else {
            Err(self.wrong(Unexpected::Str(v)))
        }
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Atom, S::Error> {
        if self.0 != AtomType::Uuid {
            return Err(self.wrong(Unexpected::Seq));
        }
        match seq.next_element_seed(TagSeed)? {
            Some(Tag::Uuid) => {}
            _ => return Err(S::Error::custom("expected [\"uuid\", ...]")),
        }
        let uuid = seq
            .next_element_seed(UuidSeed)?
            .ok_or_else(|| S::Error::invalid_length(1, &self))?;
        end_of(seq)?;
        Ok(Atom::Uuid(uuid))
    }
}

struct SetSeed(AtomType);

impl<'de> DeserializeSeed<'de> for SetSeed {
    type Value = Vec<Atom>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Atom>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for SetSeed {
    type Value = Vec<Atom>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "an array of {}", self.0)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Vec<Atom>, S::Error> {
        let mut atoms = Vec::new();
        while let Some(atom) = seq.next_element_seed(AtomSeed(self.0))? {
            atoms.push(atom);
        }
        Ok(atoms)
    }
}

#[derive(Clone, Copy)]
struct MapSeed(AtomType, AtomType);

impl<'de> DeserializeSeed<'de> for MapSeed {
    type Value = Vec<(Atom, Atom)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for MapSeed {
    type Value = Vec<(Atom, Atom)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "an array of pairs of {} and {}", self.0, self.1)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = seq.next_element_seed(PairSeed(self.0, self.1))? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

struct PairSeed(AtomType, AtomType);

impl<'de> DeserializeSeed<'de> for PairSeed {
    type Value = (Atom, Atom);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PairSeed {
    type Value = (Atom, Atom);

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a pair of {} and {}", self.0, self.1)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
        let key = seq
            .next_element_seed(AtomSeed(self.0))?
            .ok_or_else(|| S::Error::invalid_length(0, &self))?;
        let value = seq
            .next_element_seed(AtomSeed(self.1))?
            .ok_or_else(|| S::Error::invalid_length(1, &self))?;
        end_of(seq)?;
        Ok((key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::BaseType;

    fn decode(column: &ColumnType, json: &str) -> Result<String, String> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        DatumSeed::whole(column)
            .deserialize(&mut deserializer)
            .map(|d| d.to_string())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn scalars_sets_and_maps() {
        let scalar = |atom| ColumnType::scalar(BaseType::new(atom));
        let set = ColumnType::set(BaseType::new(AtomType::Integer));
        let map = ColumnType::map(
            BaseType::new(AtomType::String),
            BaseType::new(AtomType::Uuid),
        );
        assert_eq!(decode(&scalar(AtomType::Integer), "1.0").unwrap(), "1");
        assert_eq!(decode(&scalar(AtomType::Real), "1").unwrap(), "1");
        assert_eq!(
            decode(&scalar(AtomType::String), r#"["set",["a b"]]"#).unwrap(),
            "\"a b\""
        );
        assert_eq!(decode(&set, "5").unwrap(), "5");
        assert_eq!(decode(&set, r#"["set",[2,1]]"#).unwrap(), "[1, 2]");
        assert_eq!(
            decode(
                &map,
                r#"["map",[["k",["uuid","00000000-0000-0000-0000-000000000001"]]]]"#
            )
            .unwrap(),
            "{k=00000000-0000-0000-0000-000000000001}"
        );
    }

    #[test]
    fn what_is_not_of_the_type_is_refused() {
        let integer = ColumnType::scalar(BaseType::new(AtomType::Integer));
        for json in [
            "\"x\"",
            "true",
            "1.5",
            "1e300",
            "9223372036854775808",
            "null",
            "{}",
            "[]",
            r#"["set"]"#,
            r#"["set",[1,2]]"#,
            r#"["set",[]]"#,
            r#"["map",[]]"#,
            r#"["set",[1],2]"#,
            r#"["uuid","x"]"#,
            r#"["set",[1,1]]"#,
        ] {
            assert!(decode(&integer, json).is_err(), "{json}");
        }
    }
}
