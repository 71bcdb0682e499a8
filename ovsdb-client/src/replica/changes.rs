//! What changed between two moments of a replica.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Row;
use crate::value::Datum;

/// The rows that differ between two transaction boundaries, by table, in the server's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    tables: BTreeMap<String, Vec<RowChange>>,
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
        self.tables.get(name).map_or(&[], Vec::as_slice)
    }

    /// The tables with changes, by name.
    pub fn tables(&self) -> impl ExactSizeIterator<Item = (&str, &[RowChange])> {
        self.tables
            .iter()
            .map(|(name, changes)| (name.as_str(), changes.as_slice()))
    }

    /// Every change, by table.
    pub fn iter(&self) -> impl Iterator<Item = &RowChange> {
        self.tables.values().flatten()
    }

    /// The number of rows that differ.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.values().map(Vec::len).sum()
    }

    /// True when nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    pub(crate) fn record(&mut self, change: RowChange) {
        let table = change.newest().table();
        match self.tables.get_mut(table) {
            Some(changes) => changes.push(change),
            None => {
                self.tables.insert(table.to_owned(), vec![change]);
            }
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        for (table, mut changes) in other.tables {
            self.tables.entry(table).or_default().append(&mut changes);
        }
    }
}
