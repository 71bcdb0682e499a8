//! Atoms: the five scalar types of RFC 7047 §5.1, in one total order.

use std::fmt;

use serde::ser::{Serialize, SerializeTuple, Serializer};
use uuid::Uuid;

/// One scalar. The order is by type, then by value: numbers by size, strings by bytes, as ovsdb-server sorts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A signed 64-bit integer.
    Integer(i64),
    /// A finite IEEE 754 double.
    Real(Real),
    /// True or false.
    Boolean(bool),
    /// Unicode text.
    String(Box<str>),
    /// A reference to a row, or any UUID.
    Uuid(Uuid),
}

/// The type of an [`Atom`], `<atomic-type>` of RFC 7047 §3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AtomType {
    /// `"integer"`
    Integer,
    /// `"real"`
    Real,
    /// `"boolean"`
    Boolean,
    /// `"string"`
    String,
    /// `"uuid"`
    Uuid,
}

/// A finite double with a total order; there is one zero.
#[derive(Clone, Copy, Debug)]
pub struct Real(f64);

/// A double that is infinite or not a number has no place in OVSDB.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a finite number")]
pub struct RealError(pub f64);

impl Real {
    /// The number itself.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Real {
    type Error = RealError;

    fn try_from(number: f64) -> Result<Self, RealError> {
        if !number.is_finite() {
            return Err(RealError(number));
        }
        Ok(Self(if number == 0.0 { 0.0 } else { number }))
    }
}

impl From<i32> for Real {
    fn from(number: i32) -> Self {
        Self(f64::from(number))
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Real {}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Real {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl std::hash::Hash for Real {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl AtomType {
    /// Every type.
    pub const ALL: [Self; 5] = [
        Self::Integer,
        Self::Real,
        Self::Boolean,
        Self::String,
        Self::Uuid,
    ];

    /// The name in a schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Uuid => "uuid",
        }
    }

    /// The type called `name` in a schema.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|atom| atom.name() == name)
    }

    /// The value of a column that nobody has set (RFC 7047 §5.2.1).
    #[must_use]
    pub fn default_atom(self) -> Atom {
        match self {
            Self::Integer => Atom::Integer(0),
            Self::Real => Atom::Real(Real(0.0)),
            Self::Boolean => Atom::Boolean(false),
            Self::String => Atom::String(Box::default()),
            Self::Uuid => Atom::Uuid(Uuid::nil()),
        }
    }
}

impl fmt::Display for AtomType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Atom {
    /// The type.
    #[must_use]
    pub fn atom_type(&self) -> AtomType {
        match self {
            Self::Integer(_) => AtomType::Integer,
            Self::Real(_) => AtomType::Real,
            Self::Boolean(_) => AtomType::Boolean,
            Self::String(_) => AtomType::String,
            Self::Uuid(_) => AtomType::Uuid,
        }
    }

    /// The text of a string atom.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an integer atom.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The number of a real atom.
    #[must_use]
    pub fn as_real(&self) -> Option<f64> {
        match self {
            Self::Real(number) => Some(number.get()),
            _ => None,
        }
    }

    /// The truth of a boolean atom.
    #[must_use]
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The UUID of a uuid atom.
    #[must_use]
    pub fn as_uuid(&self) -> Option<Uuid> {
        match self {
            Self::Uuid(uuid) => Some(*uuid),
            _ => None,
        }
    }

    pub(super) fn heap_size(&self) -> usize {
        self.as_str().map_or(0, str::len)
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(out, "{number}"),
            Self::Real(number) => write!(out, "{}", number.get()),
            Self::Boolean(truth) => write!(out, "{truth}"),
            Self::String(text) if is_word(text) => out.write_str(text),
            Self::String(text) => write!(out, "{text:?}"),
            Self::Uuid(uuid) => write!(out, "{uuid}"),
        }
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// True for text that can not be taken for another atom and needs no quotes in the text form.
fn is_word(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && text != "true"
        && text != "false"
        && Uuid::try_parse(text).is_err()
}

/// Without a point where it is whole, as ovsdb-server writes it.
impl Serialize for Real {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "what the cast changes is not equal after the cast back"
        )]
        let whole = self.0 as i64;
        #[allow(
            clippy::cast_precision_loss,
            reason = "below 1e15 a double holds every whole number"
        )]
        if self.0.abs() < 1e15 && whole as f64 == self.0 {
            serializer.serialize_i64(whole)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl Serialize for Atom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Real(number) => number.serialize(serializer),
            Self::Boolean(truth) => serializer.serialize_bool(*truth),
            Self::String(text) => serializer.serialize_str(text),
            Self::Uuid(uuid) => {
                let mut pair = serializer.serialize_tuple(2)?;
                pair.serialize_element("uuid")?;
                pair.serialize_element(uuid)?;
                pair.end()
            }
        }
    }
}

impl From<i64> for Atom {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<i32> for Atom {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u32> for Atom {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u16> for Atom {
    fn from(number: u16) -> Self {
        Self::Integer(number.into())
    }
}

impl From<Real> for Atom {
    fn from(number: Real) -> Self {
        Self::Real(number)
    }
}

impl From<bool> for Atom {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl From<&str> for Atom {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Atom {
    fn from(text: String) -> Self {
        Self::String(text.into_boxed_str())
    }
}

impl From<&String> for Atom {
    fn from(text: &String) -> Self {
        Self::String(text.as_str().into())
    }
}

impl From<Uuid> for Atom {
    fn from(uuid: Uuid) -> Self {
        Self::Uuid(uuid)
    }
}
