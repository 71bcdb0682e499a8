//! Schemas (RFC 7047 §3.2): tables, columns and their types, as `get_schema` tells them.
//!
//! Follows ovsdb-server where it deviates: the version may be absent.

mod parse;
mod write;

pub use parse::SchemaError;

use std::collections::BTreeMap;
use std::fmt;

use crate::value::{Atom, AtomType, Datum, Real};

/// The schema of a database.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// The name of the database.
    pub name: String,
    /// `x.y.z`; ovsdb-server serves schemas without one.
    pub version: Option<String>,
    /// The tables by name.
    pub tables: BTreeMap<String, TableSchema>,
}

/// The schema of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSchema {
    /// The columns by name, without `_uuid` and `_version`.
    pub columns: BTreeMap<String, ColumnSchema>,
    /// False: its rows are set by insert only, an extension of ovsdb-server.
    pub mutable: bool,
    /// The most rows; `None`: no limit.
    pub max_rows: Option<u64>,
    /// Whether rows stay without a strong reference to them.
    pub is_root: bool,
    /// Sets of columns whose values together are unique in the table.
    pub indexes: Vec<Vec<String>>,
}

/// The schema of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSchema {
    /// The type of its values.
    pub column_type: ColumnType,
    /// True: not in the database file, lost at the server's restart. ovsdb-server keeps columns with strong references to
    /// tables that are no roots whatever the schema says, because the rows live by them.
    pub ephemeral: bool,
    /// False: set by insert only. ovsdb-server takes columns with weak references as mutable whatever the schema says.
    pub mutable: bool,
}

/// The type of a column, `<type>` of RFC 7047 §3.2.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnType {
    /// Elements of the set, or keys of the map.
    pub key: BaseType,
    /// Values of the map; `None`: a set.
    pub value: Option<BaseType>,
    /// The fewest elements: 0 or 1.
    pub min: u32,
    /// The most elements; `None`: unlimited.
    pub max: Option<u32>,
}

/// The type of an atom with its constraint, `<base-type>` of RFC 7047 §3.2.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseType {
    /// The type.
    pub atom: AtomType,
    /// What restricts it.
    pub constraint: Constraint,
}

/// The constraint of a [`BaseType`].
#[derive(Clone, Debug, PartialEq)]
pub enum Constraint {
    /// Every value of the type.
    None,
    /// One of these.
    Enum(Datum),
    /// An integer in an inclusive range.
    Integer(Option<i64>, Option<i64>),
    /// A real in an inclusive range.
    Real(Option<Real>, Option<Real>),
    /// A string with a length in Unicode scalar values in an inclusive range.
    Length(Option<u32>, Option<u32>),
    /// The `_uuid` of a row of this table.
    Reference {
        /// The table.
        table: String,
        /// Strong references keep the row alive and must name one; weak ones vanish with it.
        strength: Strength,
    },
}

/// The strength of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// The row must exist and is kept.
    Strong,
    /// The reference goes when the row goes.
    Weak,
}

impl fmt::Display for Strength {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Strong => "strong",
            Self::Weak => "weak",
        })
    }
}

impl BaseType {
    /// Every value of a type.
    #[must_use]
    pub fn new(atom: AtomType) -> Self {
        Self {
            atom,
            constraint: Constraint::None,
        }
    }

    /// Whether an atom of the type meets the constraint. What references lead to only the server knows.
    #[must_use]
    pub fn allows(&self, atom: &Atom) -> bool {
        fn within<T: PartialOrd>(value: T, min: &Option<T>, max: &Option<T>) -> bool {
            min.as_ref().is_none_or(|min| value >= *min)
                && max.as_ref().is_none_or(|max| value <= *max)
        }
        match (&self.constraint, atom) {
            _ if atom.atom_type() != self.atom => false,
            (Constraint::Enum(allowed), atom) => allowed
                .as_set()
                .is_some_and(|allowed| allowed.binary_search(atom).is_ok()),
            (Constraint::Integer(min, max), Atom::Integer(number)) => within(*number, min, max),
            (Constraint::Real(min, max), Atom::Real(number)) => within(*number, min, max),
            (Constraint::Length(min, max), Atom::String(text)) => within(
                u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
                min,
                max,
            ),
            _ => true,
        }
    }

    /// The value of a column that nobody has set: the type's default, even where the constraint does not allow it.
    #[must_use]
    pub fn default_atom(&self) -> Atom {
        self.atom.default_atom()
    }
}

impl ColumnType {
    /// Exactly one atom.
    #[must_use]
    pub fn scalar(key: BaseType) -> Self {
        Self {
            key,
            value: None,
            min: 1,
            max: Some(1),
        }
    }

    /// At most one atom.
    #[must_use]
    pub fn optional(key: BaseType) -> Self {
        Self {
            key,
            value: None,
            min: 0,
            max: Some(1),
        }
    }

    /// Any number of atoms.
    #[must_use]
    pub fn set(key: BaseType) -> Self {
        Self {
            key,
            value: None,
            min: 0,
            max: None,
        }
    }

    /// Any number of pairs.
    #[must_use]
    pub fn map(key: BaseType, value: BaseType) -> Self {
        Self {
            key,
            value: Some(value),
            min: 0,
            max: None,
        }
    }

    /// True when `count` elements are within the bounds.
    #[must_use]
    pub fn allows_count(&self, count: usize) -> bool {
        u32::try_from(count).is_ok_and(|count| count >= self.min)
            && self.max.is_none_or(|max| count <= max as usize)
    }

    /// True for a set of at most one: its difference in update2 is the new value (ovsdb-server(7) §4.1.14).
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.value.is_none() && self.max == Some(1)
    }

    /// True for exactly one atom.
    #[must_use]
    pub fn is_scalar(&self) -> bool {
        self.is_single() && self.min == 1
    }

    /// The value of a column that nobody has set (RFC 7047 §5.2.1): what update2 leaves out of a new row.
    #[must_use]
    pub fn default_datum(&self) -> Datum {
        match (&self.value, self.min) {
            (None, 0) => Datum::empty_set(),
            (None, _) => Datum::scalar(self.key.default_atom()),
            (Some(_), 0) => Datum::empty_map(),
            (Some(value), _) => Datum::map(vec![(self.key.default_atom(), value.default_atom())]),
        }
    }
}

/// In words: `string`, `set of integer`, `optional uuid`, `map of string to string`.
impl fmt::Display for ColumnType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(out, "map of {} to {}", self.key.atom, value.atom)?,
            None if self.is_scalar() => return write!(out, "{}", self.key.atom),
            None if self.is_single() => return write!(out, "optional {}", self.key.atom),
            None => write!(out, "set of {}", self.key.atom)?,
        }
        match (self.min, self.max) {
            (0, None) => Ok(()),
            (min, None) => write!(out, " with at least {min}"),
            (min, Some(max)) => write!(out, " with {min} to {max}"),
        }
    }
}
