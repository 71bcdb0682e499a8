//! The replica: an in-memory copy of the monitored tables, moved from one transaction boundary to the next.
//!
//! It takes decoded updates and returns what changed. It knows no connection and never guesses: an update that does not
//! fit what it holds is an error, after which only a new full picture helps.

mod changes;
mod row;
mod table;

pub use changes::{Changes, RowChange};
pub use row::{ColumnError, Layout, Row};
pub use table::TableReplica;

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::monitor::{Plan, RowUpdate, TableUpdates};
use crate::value::{Datum, difference};

/// An update that contradicts the replica: the server and we no longer speak of the same rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{table} row {row}: {problem}")]
pub struct ReplicaError {
    /// The table.
    pub table: String,
    /// The row's `_uuid`.
    pub row: Uuid,
    /// What does not fit.
    pub problem: &'static str,
}

/// The monitored tables of a database.
#[derive(Debug, Default)]
pub struct Replica {
    tables: BTreeMap<String, TableReplica>,
}

impl Replica {
    /// A replica that no connection moves, with the rows of a full picture, such as one that a program has kept.
    ///
    /// # Errors
    /// The picture modifies or deletes rows, or has a table or columns that the plan has not.
    pub fn still(plan: &Plan, picture: TableUpdates) -> Result<Self, ReplicaError> {
        let mut replica = Self::default();
        replica.set_layouts(&plan.layouts);
        replica.replace(picture)?;
        Ok(replica)
    }

    /// The rows of a table; `None` when it is not monitored, or before the first connection.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableReplica> {
        self.tables.get(name)
    }

    /// The monitored tables by name.
    pub fn tables(&self) -> impl ExactSizeIterator<Item = (&str, &TableReplica)> {
        self.tables
            .iter()
            .map(|(name, table)| (name.as_str(), table))
    }

    /// The rows of a table by `_uuid`; none when it is not monitored.
    pub fn rows(&self, table: &str) -> impl Iterator<Item = &Row> {
        self.table(table).into_iter().flat_map(TableReplica::rows)
    }

    /// One row.
    #[must_use]
    pub fn row(&self, table: &str, uuid: Uuid) -> Option<&Row> {
        self.table(table)?.row(uuid)
    }

    /// The first row, by `_uuid`, whose `column` equals `value`; by an index if there is one, else by a scan.
    #[must_use]
    pub fn find(&self, table: &str, column: &str, value: impl Into<Datum>) -> Option<&Row> {
        self.table(table)?.find(&[column], &[value.into()]).next()
    }

    /// Makes room for these tables; rows of tables that stay are kept until the next full picture.
    pub(crate) fn set_layouts(&mut self, layouts: &[(Arc<Layout>, Vec<Vec<String>>)]) -> Changes {
        let mut changes = Changes::default();
        let mut old = std::mem::take(&mut self.tables);
        for (layout, indexes) in layouts {
            let table = match old.remove(layout.table()) {
                Some(table) => table.with_layout(Arc::clone(layout), indexes),
                None => TableReplica::new(Arc::clone(layout), indexes),
            };
            self.tables.insert(layout.table().to_owned(), table);
        }
        for table in old.values() {
            table
                .rows()
                .for_each(|row| changes.record(RowChange::Deleted { old: row.clone() }));
        }
        changes
    }

    /// Replaces everything by the full picture in `updates`; what is equal stays and is not reported.
    pub(crate) fn replace(&mut self, updates: TableUpdates) -> Result<Changes, ReplicaError> {
        let mut gone: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
        let mut named = updates.tables.iter().peekable();
        for (name, table) in &self.tables {
            while named
                .next_if(|update| update.layout.table() < name.as_str())
                .is_some()
            {}
            let update = named.next_if(|update| update.layout.table() == name);
            let mut present: Vec<Uuid> = update.map_or(Vec::new(), |u| {
                u.rows.iter().map(|(uuid, _)| *uuid).collect()
            });
            present.sort_unstable();
            let absent = table
                .rows()
                .map(Row::uuid)
                .filter(|uuid| present.binary_search(uuid).is_err());
            let absent: Vec<Uuid> = absent.collect();
            if !absent.is_empty() {
                gone.insert(name.clone(), absent);
            }
        }
        let mut changes = Changes::default();
        for (name, rows) in gone {
            if let Some(table) = self.tables.get_mut(&name) {
                rows.into_iter()
                    .filter_map(|uuid| table.remove(uuid))
                    .for_each(|old| {
                        changes.record(RowChange::Deleted { old });
                    });
            }
        }
        self.apply_into(updates, &mut changes)?;
        // There are a hundred thousand rows in it, and it is held for as long as the program runs.
        self.tables.values_mut().for_each(TableReplica::pack);
        Ok(changes)
    }

    /// Moves over one update of the server.
    pub(crate) fn apply(&mut self, updates: TableUpdates) -> Result<Changes, ReplicaError> {
        let mut changes = Changes::default();
        self.apply_into(updates, &mut changes)?;
        Ok(changes)
    }

    fn apply_into(
        &mut self,
        updates: TableUpdates,
        changes: &mut Changes,
    ) -> Result<(), ReplicaError> {
        for update in updates.tables {
            let layout = update.layout;
            let fault = |row, problem| ReplicaError {
                table: layout.table().to_owned(),
                row,
                problem,
            };
            let Some(table) = self.tables.get_mut(layout.table()) else {
                let row = update.rows.first().map_or(Uuid::nil(), |(uuid, _)| *uuid);
                return Err(fault(row, "an update for a table that is not monitored"));
            };
            for (uuid, update) in update.rows {
                let data = match update {
                    RowUpdate::Delete => {
                        let old = table
                            .remove(uuid)
                            .ok_or_else(|| fault(uuid, "deleted, but it was never there"))?;
                        changes.record(RowChange::Deleted { old });
                        continue;
                    }
                    RowUpdate::Insert(data) => data,
                    RowUpdate::Modify(columns) => {
                        let old = table
                            .row(uuid)
                            .ok_or_else(|| fault(uuid, "modified, but it was never there"))?;
                        modified(old, &layout, columns).map_err(|problem| fault(uuid, problem))?
                    }
                };
                let row = Row::new(uuid, Arc::clone(&layout), data)
                    .ok_or_else(|| fault(uuid, "not all monitored columns"))?;
                if table.row(uuid).is_none_or(|old| *old != row) {
                    changes.record(match table.insert(row.clone()) {
                        Some(old) => RowChange::Modified { old, new: row },
                        None => RowChange::Inserted { new: row },
                    });
                }
            }
        }
        Ok(())
    }
}

fn modified(
    old: &Row,
    layout: &Layout,
    columns: Vec<(usize, Datum)>,
) -> Result<Vec<Datum>, &'static str> {
    let mut data = old.data().to_vec();
    for (position, change) in columns {
        let column_type = layout.column_type(position).ok_or("no such column")?;
        let datum = data.get_mut(position).ok_or("no such column")?;
        if column_type.is_single() {
            *datum = change;
        } else {
            let new = difference::apply(datum, &change).ok_or("a set as difference of a map")?;
            if !column_type.allows_count(new.len()) {
                return Err(
                    "a difference leads to more or fewer elements than the column may hold",
                );
            }
            *datum = new;
        }
    }
    Ok(data)
}
