//! Conditions (RFC 7047 §5.1 `<condition>`): which rows an operation or a monitor is about.

use serde::ser::{Serialize, SerializeTuple, Serializer};
use uuid::Uuid;

use super::{NewRow, Operand};

/// A test of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The column; `_uuid` too.
    pub column: String,
    /// The test.
    pub function: Function,
    /// What it is tested against.
    pub value: Operand,
}

/// The test of a [`Condition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Contains every element given.
    Includes,
    /// Contains no element given.
    Excludes,
    /// A number less than that given.
    Less,
    /// A number less than or equal to that given.
    LessOrEqual,
    /// A number greater than that given.
    Greater,
    /// A number greater than or equal to that given.
    GreaterOrEqual,
}

impl Function {
    fn name(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Includes => "includes",
            Self::Excludes => "excludes",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Condition {
    /// `column` compared with `value` by `function`.
    #[must_use]
    pub fn new(column: &str, function: Function, value: impl Into<Operand>) -> Self {
        Self {
            column: column.to_owned(),
            function,
            value: value.into(),
        }
    }

    /// `column` equals `value`.
    #[must_use]
    pub fn equal(column: &str, value: impl Into<Operand>) -> Self {
        Self::new(column, Function::Equal, value)
    }

    /// `column` contains every element of `value`.
    #[must_use]
    pub fn includes(column: &str, value: impl Into<Operand>) -> Self {
        Self::new(column, Function::Includes, value)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut parts = serializer.serialize_tuple(3)?;
        parts.serialize_element(&self.column)?;
        parts.serialize_element(self.function.name())?;
        parts.serialize_element(&self.value)?;
        parts.end()
    }
}

/// The rows that an operation is about: those that meet all conditions; without any, every row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Where(Vec<Condition>);

impl Where {
    /// Every row of the table.
    #[must_use]
    pub fn all() -> Self {
        Self(Vec::new())
    }

    /// The row, when it is selected by nothing but its `_uuid`.
    pub(crate) fn only_row(&self) -> Option<&Operand> {
        match self.0.as_slice() {
            [
                Condition {
                    column,
                    function: Function::Equal,
                    value,
                },
            ] if column == "_uuid" => Some(value),
            _ => None,
        }
    }
}

impl Serialize for Where {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl From<Uuid> for Where {
    fn from(uuid: Uuid) -> Self {
        Self(vec![Condition::equal("_uuid", uuid)])
    }
}

impl From<NewRow> for Where {
    fn from(row: NewRow) -> Self {
        Self(vec![Condition::equal("_uuid", row)])
    }
}

impl From<Condition> for Where {
    fn from(condition: Condition) -> Self {
        Self(vec![condition])
    }
}

impl From<Vec<Condition>> for Where {
    fn from(conditions: Vec<Condition>) -> Self {
        Self(conditions)
    }
}
