//! Values: atoms, and the sets and maps of atoms that a column holds (RFC 7047 §5.1).
//!
//! Owns their canonical form, order and JSON encoding. Decoding needs a type and is in [`decode`]; the
//! differences of update2 are in [`difference`]. Knows nothing of tables.

mod atom;
pub mod decode;
pub mod difference;

pub use atom::{Atom, AtomType, Real, RealError};

use std::fmt;
use std::slice;

use serde::ser::{Serialize, SerializeTuple, Serializer};
use uuid::Uuid;

/// The value of one column of one row: a set or a map of atoms.
///
/// Always canonical: sorted by [`Atom`]'s order without duplicates, so that two equal values are `==`. A scalar is a
/// set of one; an absent optional is the empty set.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Datum(Content);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Content {
    /// A set of exactly one: by far the most frequent, and stored in place.
    One(Atom),
    /// A set of none or of two and more.
    Set(Box<[Atom]>),
    Map(Box<[(Atom, Atom)]>),
}

impl Datum {
    /// The set of `atom` alone: a scalar.
    #[must_use]
    pub fn scalar(atom: impl Into<Atom>) -> Self {
        Self(Content::One(atom.into()))
    }

    /// The empty set.
    #[must_use]
    pub fn empty_set() -> Self {
        Self(Content::Set(Box::default()))
    }

    /// The empty map.
    #[must_use]
    pub fn empty_map() -> Self {
        Self(Content::Map(Box::default()))
    }

    /// The set of `atoms`; duplicates fall together.
    #[must_use]
    pub fn set(mut atoms: Vec<Atom>) -> Self {
        if atoms.len() > 1 {
            atoms.sort_unstable();
            atoms.dedup();
        }
        if atoms.len() == 1
            && let Some(only) = atoms.pop()
        {
            return Self(Content::One(only));
        }
        Self(Content::Set(atoms.into_boxed_slice()))
    }

    /// The map of `pairs`; of several pairs with one key the last stays.
    #[must_use]
    pub fn map(mut pairs: Vec<(Atom, Atom)>) -> Self {
        if pairs.len() > 1 {
            pairs.reverse();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            pairs.dedup_by(|later, kept| later.0 == kept.0);
        }
        Self(Content::Map(pairs.into_boxed_slice()))
    }

    /// The elements of a set in order; `None` for a map.
    #[must_use]
    pub fn as_set(&self) -> Option<&[Atom]> {
        match &self.0 {
            Content::One(atom) => Some(slice::from_ref(atom)),
            Content::Set(atoms) => Some(atoms),
            Content::Map(_) => None,
        }
    }

    /// The pairs of a map in the order of their keys; `None` for a set.
    #[must_use]
    pub fn as_map(&self) -> Option<&[(Atom, Atom)]> {
        match &self.0 {
            Content::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The only element of a set of exactly one.
    #[must_use]
    pub fn as_scalar(&self) -> Option<&Atom> {
        match &self.0 {
            Content::One(atom) => Some(atom),
            _ => None,
        }
    }

    /// The value at `key` of a map.
    #[must_use]
    pub fn get(&self, key: &Atom) -> Option<&Atom> {
        let pairs = self.as_map()?;
        let at = pairs.binary_search_by(|(k, _)| k.cmp(key)).ok()?;
        pairs.get(at).map(|(_, value)| value)
    }

    /// The number of elements or pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Content::One(_) => 1,
            Content::Set(atoms) => atoms.len(),
            Content::Map(pairs) => pairs.len(),
        }
    }

    /// True for the empty set and the empty map.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Approximate heap and inline size in bytes, for bounds on memory.
    #[must_use]
    pub fn size(&self) -> usize {
        let heap: usize = match &self.0 {
            Content::One(atom) => atom.heap_size(),
            Content::Set(atoms) => atoms
                .iter()
                .map(|a| size_of::<Atom>() + a.heap_size())
                .sum(),
            Content::Map(pairs) => pairs
                .iter()
                .map(|(k, v)| 2 * size_of::<Atom>() + k.heap_size() + v.heap_size())
                .sum(),
        };
        size_of::<Self>() + heap
    }
}

impl fmt::Debug for Datum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The text form of `ovs-vsctl`: `[a, b]` for sets, `{k=v}` for maps, a scalar alone.
impl fmt::Display for Datum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Content::One(atom) => write!(out, "{atom}"),
            Content::Set(atoms) => {
                out.write_str("[")?;
                for (i, atom) in atoms.iter().enumerate() {
                    write!(out, "{}{atom}", if i == 0 { "" } else { ", " })?;
                }
                out.write_str("]")
            }
            Content::Map(pairs) => {
                out.write_str("{")?;
                for (i, (key, value)) in pairs.iter().enumerate() {
                    write!(out, "{}{key}={value}", if i == 0 { "" } else { ", " })?;
                }
                out.write_str("}")
            }
        }
    }
}

/// The `<value>` notation of RFC 7047 §5.1: an atom, `["set", [...]]` or `["map", [[k, v], ...]]`.
impl Serialize for Datum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = match &self.0 {
            Content::One(atom) => return atom.serialize(serializer),
            _ => serializer.serialize_tuple(2)?,
        };
        match &self.0 {
            Content::Map(pairs) => {
                pair.serialize_element("map")?;
                pair.serialize_element(&**pairs)?;
            }
            _ => {
                pair.serialize_element("set")?;
                pair.serialize_element(self.as_set().unwrap_or_default())?;
            }
        }
        pair.end()
    }
}

impl<A: Into<Atom>> From<A> for Datum {
    fn from(atom: A) -> Self {
        Self::scalar(atom)
    }
}

impl FromIterator<Uuid> for Datum {
    fn from_iter<I: IntoIterator<Item = Uuid>>(uuids: I) -> Self {
        Self::set(uuids.into_iter().map(Atom::Uuid).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_maps_are_canonical() {
        let set = Datum::set(vec![3.into(), 1.into(), 3.into()]);
        assert_eq!(set.as_set().unwrap(), [Atom::Integer(1), Atom::Integer(3)]);
        assert_eq!(Datum::set(vec![7.into(), 7.into()]), Datum::scalar(7));
        let map = Datum::map(vec![
            ("b".into(), 1.into()),
            ("a".into(), 2.into()),
            ("b".into(), 3.into()),
        ]);
        assert_eq!(map.to_string(), "{a=2, b=3}");
        assert_eq!(map.get(&"b".into()), Some(&Atom::Integer(3)));
        assert_ne!(Datum::empty_set(), Datum::empty_map());
    }

    #[test]
    fn json_is_the_notation_of_the_rfc() {
        let json = |datum: &Datum| serde_json::to_string(datum).unwrap();
        assert_eq!(json(&Datum::scalar("x")), "\"x\"");
        assert_eq!(json(&Datum::empty_set()), r#"["set",[]]"#);
        assert_eq!(
            json(&Datum::map(vec![("k".into(), Uuid::nil().into())])),
            r#"["map",[["k",["uuid","00000000-0000-0000-0000-000000000000"]]]]"#
        );
    }

    #[test]
    fn a_datum_is_as_small_as_an_atom() {
        assert_eq!(size_of::<Atom>(), 24);
        assert_eq!(size_of::<Datum>(), 24);
    }
}
