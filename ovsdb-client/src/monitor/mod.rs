//! Monitors: which tables and columns are replicated, the request for them, and the updates that come back.
//!
//! Covers `monitor` (RFC 7047 §4.1.5), `monitor_cond` and `monitor_cond_since` (ovsdb-server(7) §4.1.12, §4.1.15).
//! Decoding is in [`decode`]; applying is the replica's.

pub mod decode;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::operation::Condition;
use crate::replica::Layout;
use crate::schema::{ColumnType, Schema};
use crate::value::Datum;

/// Judges a column's type; the error says what was expected.
pub type TypeCheck = fn(&ColumnType) -> Result<(), String>;

/// A table to replicate.
#[derive(Clone, Debug)]
pub struct MonitorTable {
    name: String,
    columns: Option<Vec<String>>,
    optional_columns: Vec<String>,
    optional: bool,
    conditions: Vec<Condition>,
    indexes: Vec<Vec<String>>,
    expected: Vec<(String, TypeCheck)>,
}

impl MonitorTable {
    /// The table with all its columns, until [`columns`](Self::columns) names some.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            columns: None,
            optional_columns: Vec::new(),
            optional: false,
            conditions: Vec::new(),
            indexes: Vec::new(),
            expected: Vec::new(),
        }
    }

    /// The columns to replicate, which the server must have.
    #[must_use]
    pub fn columns<'c>(mut self, columns: impl IntoIterator<Item = &'c str>) -> Self {
        self.columns
            .get_or_insert_default()
            .extend(columns.into_iter().map(str::to_owned));
        self
    }

    /// Columns to replicate where the server has them.
    #[must_use]
    pub fn optional_columns<'c>(mut self, columns: impl IntoIterator<Item = &'c str>) -> Self {
        self.columns.get_or_insert_default();
        self.optional_columns
            .extend(columns.into_iter().map(str::to_owned));
        self
    }

    /// The server may lack the table: then it is simply not in the replica.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Replicates only rows that meet this condition or another one given; without any, all rows.
    #[must_use]
    pub fn condition(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Replaces the conditions; none: all rows.
    pub(crate) fn set_conditions(&mut self, conditions: Vec<Condition>) {
        self.conditions = conditions;
    }

    /// Keeps an index over these columns, for [`Replica::find`](crate::Replica::find).
    #[must_use]
    pub fn index<'c>(mut self, columns: impl IntoIterator<Item = &'c str>) -> Self {
        self.indexes
            .push(columns.into_iter().map(str::to_owned).collect());
        self
    }

    /// Refuses servers on which `check` finds fault with the type of a column.
    #[must_use]
    pub fn expect(mut self, column: &str, check: TypeCheck) -> Self {
        self.expected.push((column.to_owned(), check));
        self
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The server's schema lacks what the program needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("database {database} (schema version {version}) does not fit: {}", problems.join("; "))]
pub struct SchemaMismatch {
    /// The database.
    pub database: String,
    /// Its schema's version, or `none`.
    pub version: String,
    /// Each missing table, missing column and changed type.
    pub problems: Vec<String>,
}

/// The monitored tables as the schema of one server allows.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Each table's layout and the columns of its indexes, by table name.
    pub layouts: Vec<(Arc<Layout>, Vec<Vec<String>>)>,
    by_name: BTreeMap<String, Arc<Layout>>,
    requests: Map<String, Value>,
}

impl Plan {
    /// Checks what is wanted against what the server has.
    ///
    /// # Errors
    /// Everything that is missing, at once.
    pub fn new(schema: &Schema, tables: &[MonitorTable]) -> Result<Self, SchemaMismatch> {
        let mut problems = Vec::new();
        let mut layouts = BTreeMap::new();
        let mut requests = Map::new();
        for wanted in tables {
            let Some(table) = schema.tables.get(&wanted.name) else {
                if !wanted.optional {
                    problems.push(format!("no table {}", wanted.name));
                }
                continue;
            };
            let names: BTreeSet<&String> = match &wanted.columns {
                None => table.columns.keys().collect(),
                Some(columns) => {
                    let missing = columns
                        .iter()
                        .filter(|column| !table.columns.contains_key(*column));
                    problems.extend(
                        missing.map(|column| format!("no column {}.{column}", wanted.name)),
                    );
                    columns.iter().chain(&wanted.optional_columns).collect()
                }
            };
            let columns: BTreeMap<String, ColumnType> = names
                .into_iter()
                .filter_map(|name| {
                    Some((name.clone(), table.columns.get(name)?.column_type.clone()))
                })
                .collect();
            for (name, check) in &wanted.expected {
                if let Some(Err(problem)) = columns.get(name).map(check) {
                    problems.push(format!("{}.{name}: {problem}", wanted.name));
                }
            }
            let mut indexes: Vec<Vec<String>> = table.indexes.clone();
            indexes.extend(
                wanted
                    .indexes
                    .iter()
                    .filter(|index| !table.indexes.contains(index))
                    .cloned(),
            );
            indexes.retain(|index| index.iter().all(|column| columns.contains_key(column)));
            let mut request = Map::new();
            request.insert("columns".to_owned(), columns.keys().cloned().collect());
            if !wanted.conditions.is_empty() {
                request.insert("where".to_owned(), json!(wanted.conditions));
            }
            requests.insert(wanted.name.clone(), json!([request]));
            layouts.insert(
                wanted.name.clone(),
                (Arc::new(Layout::new(&wanted.name, columns)), indexes),
            );
        }
        if !problems.is_empty() {
            let version = schema.version.clone().unwrap_or_else(|| "none".to_owned());
            return Err(SchemaMismatch {
                database: schema.name.clone(),
                version,
                problems,
            });
        }
        let by_name = layouts
            .iter()
            .map(|(name, (layout, _))| (name.clone(), Arc::clone(layout)))
            .collect();
        Ok(Self {
            layouts: layouts.into_values().collect(),
            by_name,
            requests,
        })
    }

    /// The `<monitor-cond-requests>` object.
    #[must_use]
    pub fn requests(&self) -> &Map<String, Value> {
        &self.requests
    }

    /// True when rows of both have the same columns and the same rows are asked for, so that one can go on where the
    /// other ended.
    #[must_use]
    pub fn continues(&self, earlier: &Self) -> bool {
        self.by_name == earlier.by_name && self.requests == earlier.requests
    }

    /// The `<monitor-cond-update-requests>` that lead from this plan to `next`: tables with other conditions.
    #[must_use]
    pub fn condition_changes(&self, next: &Self) -> Map<String, Value> {
        let where_of = |request: &Value| {
            request
                .pointer("/0/where")
                .cloned()
                .unwrap_or_else(|| json!([true]))
        };
        let changed = next.requests.iter().filter_map(|(table, request)| {
            let (old, new) = (where_of(self.requests.get(table)?), where_of(request));
            (old != new).then(|| (table.clone(), json!([{"where": new}])))
        });
        changed.collect()
    }

    pub(crate) fn layout(&self, table: &str) -> Option<&Arc<Layout>> {
        self.by_name.get(table)
    }
}

/// A decoded update: `<table-updates>` or `<table-updates2>`.
#[derive(Debug, Default)]
pub struct TableUpdates {
    /// Sorted by table name, each table once.
    pub tables: Vec<TableUpdate>,
}

/// The rows of one table in an update.
#[derive(Debug)]
pub struct TableUpdate {
    /// The table and its columns.
    pub layout: Arc<Layout>,
    /// In the server's order.
    pub rows: Vec<(Uuid, RowUpdate)>,
}

/// What an update says of one row.
#[derive(Debug)]
pub enum RowUpdate {
    /// The row with all its columns: initial, inserted, or in the first form of update also modified.
    Insert(Vec<Datum>),
    /// Differences to some columns, by position in the layout.
    Modify(Vec<(usize, Datum)>),
    /// The row is gone.
    Delete,
}
