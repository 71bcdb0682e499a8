//! Rows and typed access to their columns.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::schema::ColumnType;
use crate::value::{Atom, Datum};

/// What of a table is replicated: its name and the monitored columns with their types.
#[derive(Debug, PartialEq)]
pub struct Layout {
    table: String,
    columns: Box<[LayoutColumn]>,
}

#[derive(Debug, PartialEq)]
struct LayoutColumn {
    name: Box<str>,
    column_type: ColumnType,
    default: Datum,
}

impl Layout {
    /// The layout of `table` with these columns.
    #[must_use]
    pub fn new(table: &str, columns: BTreeMap<String, ColumnType>) -> Self {
        let columns = columns.into_iter().map(|(name, column_type)| LayoutColumn {
            name: name.into_boxed_str(),
            default: column_type.default_datum(),
            column_type,
        });
        Self {
            table: table.to_owned(),
            columns: columns.collect(),
        }
    }

    /// The name of the table.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The monitored columns, sorted by name, with their types.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, &ColumnType)> {
        self.columns
            .iter()
            .map(|column| (&*column.name, &column.column_type))
    }

    /// The place of a column in rows of this layout.
    #[must_use]
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns
            .binary_search_by(|known| (*known.name).cmp(column))
            .ok()
    }

    /// The type of the column at `position`.
    #[must_use]
    pub fn column_type(&self, position: usize) -> Option<&ColumnType> {
        self.columns.get(position).map(|column| &column.column_type)
    }

    pub(crate) fn defaults(&self) -> Vec<Datum> {
        self.columns
            .iter()
            .map(|column| column.default.clone())
            .collect()
    }
}

/// A row at one moment. Cheap to clone; it never changes, a later state is another `Row`.
#[derive(Clone)]
pub struct Row(Arc<RowContent>);

struct RowContent {
    uuid: Uuid,
    layout: Arc<Layout>,
    data: Box<[Datum]>,
}

/// A column that is not what the caller takes it for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{table}.{column} of row {row}: expected {expected}, found {found}")]
pub struct ColumnError {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The row's `_uuid`.
    pub row: Uuid,
    /// What the caller asked for.
    pub expected: &'static str,
    /// The column's type, or that it is not replicated.
    pub found: String,
}

impl Row {
    /// A row of `layout`; `None` unless there is one datum for each of its columns.
    #[must_use]
    pub fn new(uuid: Uuid, layout: Arc<Layout>, data: Vec<Datum>) -> Option<Self> {
        (data.len() == layout.columns.len()).then(|| {
            Self(Arc::new(RowContent {
                uuid,
                layout,
                data: data.into_boxed_slice(),
            }))
        })
    }

    /// The row's `_uuid`.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.0.uuid
    }

    /// The name of the row's table.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.0.layout.table
    }

    /// The columns and types of the row.
    #[must_use]
    pub fn layout(&self) -> &Arc<Layout> {
        &self.0.layout
    }

    /// The columns with their values, sorted by name.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, &Datum)> {
        self.0
            .layout
            .columns
            .iter()
            .zip(&self.0.data)
            .map(|(column, datum)| (&*column.name, datum))
    }

    /// The value of a column; `None` when the column is not replicated.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&Datum> {
        self.0.data.get(self.0.layout.position(column)?)
    }

    pub(crate) fn data(&self) -> &[Datum] {
        &self.0.data
    }

    /// The value of a column.
    ///
    /// # Errors
    /// The column is not replicated.
    pub fn datum(&self, column: &str) -> Result<&Datum, ColumnError> {
        self.get(column)
            .ok_or_else(|| self.fault(column, "a replicated column"))
    }

    /// A string.
    ///
    /// # Errors
    /// The column is not exactly one string.
    pub fn string(&self, column: &str) -> Result<&str, ColumnError> {
        self.scalar(column, "a string", Atom::as_str)
    }

    /// At most one string.
    ///
    /// # Errors
    /// The column is not a set of at most one string.
    pub fn optional_string(&self, column: &str) -> Result<Option<&str>, ColumnError> {
        self.optional(column, "at most one string", Atom::as_str)
    }

    /// A set of strings.
    ///
    /// # Errors
    /// The column is not a set of strings.
    pub fn strings(&self, column: &str) -> Result<BTreeSet<&str>, ColumnError> {
        self.set(column, "a set of strings", Atom::as_str)
    }

    /// An integer.
    ///
    /// # Errors
    /// The column is not exactly one integer.
    pub fn integer(&self, column: &str) -> Result<i64, ColumnError> {
        self.scalar(column, "an integer", Atom::as_integer)
    }

    /// At most one integer.
    ///
    /// # Errors
    /// The column is not a set of at most one integer.
    pub fn optional_integer(&self, column: &str) -> Result<Option<i64>, ColumnError> {
        self.optional(column, "at most one integer", Atom::as_integer)
    }

    /// A set of integers.
    ///
    /// # Errors
    /// The column is not a set of integers.
    pub fn integers(&self, column: &str) -> Result<BTreeSet<i64>, ColumnError> {
        self.set(column, "a set of integers", Atom::as_integer)
    }

    /// A real.
    ///
    /// # Errors
    /// The column is not exactly one real.
    pub fn real(&self, column: &str) -> Result<f64, ColumnError> {
        self.scalar(column, "a real", Atom::as_real)
    }

    /// At most one real.
    ///
    /// # Errors
    /// The column is not a set of at most one real.
    pub fn optional_real(&self, column: &str) -> Result<Option<f64>, ColumnError> {
        self.optional(column, "at most one real", Atom::as_real)
    }

    /// A boolean.
    ///
    /// # Errors
    /// The column is not exactly one boolean.
    pub fn boolean(&self, column: &str) -> Result<bool, ColumnError> {
        self.scalar(column, "a boolean", Atom::as_boolean)
    }

    /// At most one boolean.
    ///
    /// # Errors
    /// The column is not a set of at most one boolean.
    pub fn optional_boolean(&self, column: &str) -> Result<Option<bool>, ColumnError> {
        self.optional(column, "at most one boolean", Atom::as_boolean)
    }

    /// A UUID or reference.
    ///
    /// # Errors
    /// The column is not exactly one UUID.
    pub fn uuid_column(&self, column: &str) -> Result<Uuid, ColumnError> {
        self.scalar(column, "a uuid", Atom::as_uuid)
    }

    /// At most one UUID or reference.
    ///
    /// # Errors
    /// The column is not a set of at most one UUID.
    pub fn optional_uuid(&self, column: &str) -> Result<Option<Uuid>, ColumnError> {
        self.optional(column, "at most one uuid", Atom::as_uuid)
    }

    /// A set of UUIDs or references.
    ///
    /// # Errors
    /// The column is not a set of UUIDs.
    pub fn uuids(&self, column: &str) -> Result<BTreeSet<Uuid>, ColumnError> {
        self.set(column, "a set of uuids", Atom::as_uuid)
    }

    /// A map of strings to strings, such as `external_ids`.
    ///
    /// # Errors
    /// The column is not such a map.
    pub fn map_string_string(&self, column: &str) -> Result<BTreeMap<&str, &str>, ColumnError> {
        self.map(
            column,
            "a map of strings to strings",
            Atom::as_str,
            Atom::as_str,
        )
    }

    /// A map of strings to integers.
    ///
    /// # Errors
    /// The column is not such a map.
    pub fn map_string_integer(&self, column: &str) -> Result<BTreeMap<&str, i64>, ColumnError> {
        self.map(
            column,
            "a map of strings to integers",
            Atom::as_str,
            Atom::as_integer,
        )
    }

    /// A map of strings to UUIDs or references.
    ///
    /// # Errors
    /// The column is not such a map.
    pub fn map_string_uuid(&self, column: &str) -> Result<BTreeMap<&str, Uuid>, ColumnError> {
        self.map(
            column,
            "a map of strings to uuids",
            Atom::as_str,
            Atom::as_uuid,
        )
    }

    /// A map of integers to UUIDs or references, such as `queues`.
    ///
    /// # Errors
    /// The column is not such a map.
    pub fn map_integer_uuid(&self, column: &str) -> Result<BTreeMap<i64, Uuid>, ColumnError> {
        self.map(
            column,
            "a map of integers to uuids",
            Atom::as_integer,
            Atom::as_uuid,
        )
    }

    /// The value at `key` of a map of strings to strings, without building the map.
    ///
    /// # Errors
    /// The column is not such a map.
    pub fn map_value(&self, column: &str, key: &str) -> Result<Option<&str>, ColumnError> {
        const EXPECTED: &str = "a map of strings to strings";
        let datum = self.datum(column)?;
        if datum.as_map().is_none() {
            return Err(self.fault(column, EXPECTED));
        }
        datum
            .get(&key.into())
            .map(|value| value.as_str().ok_or_else(|| self.fault(column, EXPECTED)))
            .transpose()
    }

    fn scalar<'r, T>(
        &'r self,
        column: &str,
        expected: &'static str,
        take: impl Fn(&'r Atom) -> Option<T>,
    ) -> Result<T, ColumnError> {
        self.get(column)
            .and_then(Datum::as_scalar)
            .and_then(take)
            .ok_or_else(|| self.fault(column, expected))
    }

    fn optional<'r, T>(
        &'r self,
        column: &str,
        expected: &'static str,
        take: impl Fn(&'r Atom) -> Option<T>,
    ) -> Result<Option<T>, ColumnError> {
        match self.get(column).and_then(Datum::as_set) {
            Some([]) => Ok(None),
            Some([atom]) => take(atom)
                .map(Some)
                .ok_or_else(|| self.fault(column, expected)),
            _ => Err(self.fault(column, expected)),
        }
    }

    fn set<'r, T: Ord>(
        &'r self,
        column: &str,
        expected: &'static str,
        take: impl Fn(&'r Atom) -> Option<T>,
    ) -> Result<BTreeSet<T>, ColumnError> {
        let atoms = self
            .get(column)
            .and_then(Datum::as_set)
            .ok_or_else(|| self.fault(column, expected))?;
        atoms
            .iter()
            .map(|atom| take(atom).ok_or_else(|| self.fault(column, expected)))
            .collect()
    }

    fn map<'r, K: Ord, V>(
        &'r self,
        column: &str,
        expected: &'static str,
        key: impl Fn(&'r Atom) -> Option<K>,
        value: impl Fn(&'r Atom) -> Option<V>,
    ) -> Result<BTreeMap<K, V>, ColumnError> {
        let pairs = self
            .get(column)
            .and_then(Datum::as_map)
            .ok_or_else(|| self.fault(column, expected))?;
        pairs
            .iter()
            .map(|(k, v)| Some((key(k)?, value(v)?)))
            .collect::<Option<_>>()
            .ok_or_else(|| self.fault(column, expected))
    }

    pub(crate) fn fault(&self, column: &str, expected: &'static str) -> ColumnError {
        let layout = &self.0.layout;
        let found = layout
            .position(column)
            .and_then(|at| layout.column_type(at));
        ColumnError {
            table: layout.table.clone(),
            column: column.to_owned(),
            row: self.0.uuid,
            expected,
            found: found.map_or_else(
                || "no such column among those monitored".to_owned(),
                ToString::to_string,
            ),
        }
    }
}

/// Equal uuid, table, columns and values.
impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.uuid == other.0.uuid
                && self.0.data == other.0.data
                && (Arc::ptr_eq(&self.0.layout, &other.0.layout)
                    || self.0.layout == other.0.layout))
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} ", self.table(), self.uuid())?;
        out.debug_map().entries(self.columns()).finish()
    }
}
