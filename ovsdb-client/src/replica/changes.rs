//! What changed between two moments of a replica.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::{Layout, Row};
use crate::value::Datum;

/// The rows that differ between two transaction boundaries, by table, in the server's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// By table name; none is empty.
    tables: Vec<TableChanges>,
}

#[derive(Clone, Debug, PartialEq)]
struct TableChanges {
    layout: Arc<Layout>,
    rows: Vec<RowChange>,
}

impl TableChanges {
    fn name(&self) -> &str {
        self.layout.table()
    }
}

/// One row that differs.
#[derive(Clone, Debug, PartialEq)]
pub enum RowChange {
    /// The row is new, or has come to match the monitor's condition.
    Inserted {
        /// As it is now.
        new: Row,
    },
    /// At least one column differs.
    Modified {
        /// As it was.
        old: Row,
        /// As it is now.
        new: Row,
    },
    /// The row is gone, or no longer matches the monitor's condition.
    Deleted {
        /// As it was.
        old: Row,
    },
}

impl RowChange {
    /// The row's `_uuid`.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.newest().uuid()
    }

    /// The row before; `None` for an insertion.
    #[must_use]
    pub fn before(&self) -> Option<&Row> {
        match self {
            Self::Inserted { .. } => None,
            Self::Modified { old, .. } | Self::Deleted { old } => Some(old),
        }
    }

    /// The row after; `None` for a deletion.
    #[must_use]
    pub fn after(&self) -> Option<&Row> {
        match self {
            Self::Deleted { .. } => None,
            Self::Modified { new, .. } | Self::Inserted { new } => Some(new),
        }
    }

    /// The row after, or for a deletion before.
    #[must_use]
    pub fn newest(&self) -> &Row {
        match self {
            Self::Inserted { new } | Self::Modified { new, .. } => new,
            Self::Deleted { old } => old,
        }
    }

    /// True when the column has another value than before; for insertions and deletions always.
    #[must_use]
    pub fn changed(&self, column: &str) -> bool {
        match self {
            Self::Modified { old, new } => old.get(column) != new.get(column),
            _ => true,
        }
    }

    /// The columns that differ: name, value before, value after. Empty for insertions and deletions.
    pub fn columns(&self) -> impl Iterator<Item = (&str, Option<&Datum>, &Datum)> {
        let pair = match self {
            Self::Modified { old, new } => Some((old, new)),
            _ => None,
        };
        pair.into_iter().flat_map(|(old, new)| {
            new.columns()
                .map(|(name, datum)| (name, old.get(name), datum))
                .filter(|(_, old, new)| *old != Some(new))
        })
    }
}

impl Changes {
    /// The changes of one table.
    #[must_use]
    pub fn table(&self, name: &str) -> &[RowChange] {
        let place = self
            .tables
            .binary_search_by(|table| table.name().cmp(name))
            .ok();
        place
            .and_then(|place| self.tables.get(place))
            .map_or(&[], |table| table.rows.as_slice())
    }

    /// The tables with changes, by name.
    pub fn tables(&self) -> impl ExactSizeIterator<Item = (&str, &[RowChange])> {
        self.tables
            .iter()
            .map(|table| (table.name(), table.rows.as_slice()))
    }

    /// Every change, by table.
    pub fn iter(&self) -> impl Iterator<Item = &RowChange> {
        self.tables.iter().flat_map(|table| &table.rows)
    }

    /// The number of rows that differ.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.iter().map(|table| table.rows.len()).sum()
    }

    /// True when nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    pub(crate) fn record(&mut self, change: RowChange) {
        let layout = change.newest().layout();
        // Mostly of the table before.
        if let Some(last) = self.tables.last_mut()
            && last.name() == layout.table()
        {
            last.rows.push(change);
            return;
        }
        let place = self
            .tables
            .binary_search_by(|table| table.name().cmp(layout.table()));
        match place {
            Ok(place) => {
                if let Some(table) = self.tables.get_mut(place) {
                    table.rows.push(change);
                }
            }
            Err(place) => {
                let layout = Arc::clone(layout);
                let rows = vec![change];
                self.tables.insert(place, TableChanges { layout, rows });
            }
        }
    }

    /// What several steps come to: each row as before the first and after the last of them, in the order of first
    /// mention; nothing of a row that is as it was.
    pub(crate) fn net(steps: impl IntoIterator<Item = Self>) -> Self {
        struct Net {
            before: Option<Row>,
            after: Option<Row>,
        }
        let mut net: BTreeMap<String, (Vec<Net>, HashMap<Uuid, usize>)> = BTreeMap::new();
        for table in steps.into_iter().flat_map(|step| step.tables) {
            let (rows, places) = net.entry(table.name().to_owned()).or_default();
            for change in table.rows {
                let uuid = change.uuid();
                let (before, after) = match change {
                    RowChange::Inserted { new } => (None, Some(new)),
                    RowChange::Modified { old, new } => (Some(old), Some(new)),
                    RowChange::Deleted { old } => (Some(old), None),
                };
                match places.get(&uuid).and_then(|&place| rows.get_mut(place)) {
                    Some(known) => known.after = after,
                    None => {
                        places.insert(uuid, rows.len());
                        rows.push(Net { before, after });
                    }
                }
            }
        }
        let mut changes = Self::default();
        for row in net.into_values().flat_map(|(rows, _)| rows) {
            match (row.before, row.after) {
                (None, Some(new)) => changes.record(RowChange::Inserted { new }),
                (Some(old), None) => changes.record(RowChange::Deleted { old }),
                (Some(old), Some(new)) if old != new => {
                    changes.record(RowChange::Modified { old, new });
                }
                _ => {}
            }
        }
        changes
    }

    pub(crate) fn extend(&mut self, other: Self) {
        for change in other.tables.into_iter().flat_map(|table| table.rows) {
            self.record(change);
        }
    }
}
