//! The rows of one table and its indexes.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;

use uuid::Uuid;

use super::{Layout, Row};
use crate::value::Datum;

/// The replicated rows of a table.
#[derive(Debug)]
pub struct TableReplica {
    layout: Arc<Layout>,
    rows: BTreeMap<Uuid, Row>,
    indexes: Vec<Index>,
}

/// The rows by the values of some columns.
#[derive(Debug)]
struct Index {
    columns: Vec<String>,
    positions: Vec<usize>,
    /// By a hash of the values: tables are long, and the values are in the rows.
    entries: BTreeSet<(u64, Uuid)>,
    /// Nobody outside knows which values have the same hash.
    keys: RandomState,
}

impl Index {
    fn entry(&self, row: &Row) -> (u64, Uuid) {
        (self.hash(self.values(row)), row.uuid())
    }

    fn values<'r>(&self, row: &'r Row) -> impl Iterator<Item = &'r Datum> {
        self.positions.iter().filter_map(|&at| row.data().get(at))
    }

    fn hash<'d>(&self, values: impl Iterator<Item = &'d Datum>) -> u64 {
        let mut hasher = self.keys.build_hasher();
        values.for_each(|value| value.hash(&mut hasher));
        hasher.finish()
    }
}

impl TableReplica {
    /// An empty table with an index for each list of columns that are all in the layout.
    pub(super) fn new(layout: Arc<Layout>, indexes: &[Vec<String>]) -> Self {
        let indexes = indexes.iter().filter_map(|columns| {
            let positions = columns
                .iter()
                .map(|column| layout.position(column))
                .collect::<Option<_>>()?;
            Some(Index {
                columns: columns.clone(),
                positions,
                entries: BTreeSet::new(),
                keys: RandomState::new(),
            })
        });
        let indexes = indexes.collect();
        Self {
            layout,
            rows: BTreeMap::new(),
            indexes,
        }
    }

    /// The same rows, waiting for the full picture in another layout.
    pub(super) fn with_layout(self, layout: Arc<Layout>, indexes: &[Vec<String>]) -> Self {
        if *self.layout == *layout && self.indexes.iter().map(|index| &index.columns).eq(indexes) {
            return self;
        }
        // Rows of the old layout stay as they are: equal columns in another layout are another row, which is reported.
        let mut table = Self::new(layout, indexes);
        if *self.layout == *table.layout {
            self.rows.into_values().for_each(|row| {
                table.insert(row);
            });
        } else {
            table.rows = self.rows;
        }
        table
    }

    /// The monitored columns and their types.
    #[must_use]
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The rows in the order of their `_uuid`.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &Row> {
        self.rows.values()
    }

    /// The row with this `_uuid`.
    #[must_use]
    pub fn row(&self, uuid: Uuid) -> Option<&Row> {
        self.rows.get(&uuid)
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True when there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows whose `columns` have these `values`, in the order of their `_uuid`: by the index over just these
    /// columns if there is one, else by a scan.
    pub fn find<'t>(
        &'t self,
        columns: &[&str],
        values: &[Datum],
    ) -> impl Iterator<Item = &'t Row> + use<'t> {
        let index = self
            .indexes
            .iter()
            .find(|index| index.columns.iter().eq(columns));
        let found: Vec<&'t Row> = match index {
            Some(index) => {
                let hash = index.hash(values.iter());
                let alike = index
                    .entries
                    .range((hash, Uuid::nil())..=(hash, Uuid::max()));
                alike
                    .filter_map(|(_, uuid)| self.rows.get(uuid))
                    .filter(|row| self.is_indexed(row) && index.values(row).eq(values))
                    .collect()
            }
            None => {
                let matches = |row: &&Row| {
                    columns
                        .iter()
                        .zip(values)
                        .all(|(c, v)| row.get(c) == Some(v))
                };
                self.rows.values().filter(matches).collect()
            }
        };
        found.into_iter()
    }

    pub(super) fn insert(&mut self, row: Row) -> Option<Row> {
        for index in &mut self.indexes {
            let entry = index.entry(&row);
            index.entries.insert(entry);
        }
        let uuid = row.uuid();
        let new = row.clone();
        let old = self.rows.insert(uuid, row)?;
        if self.is_indexed(&old) {
            for index in &mut self.indexes {
                let (was, is) = (index.entry(&old), index.entry(&new));
                if was != is {
                    index.entries.remove(&was);
                }
            }
        }
        Some(old)
    }

    /// A row of an earlier layout was never indexed in this one.
    fn is_indexed(&self, row: &Row) -> bool {
        Arc::ptr_eq(row.layout(), &self.layout) || **row.layout() == *self.layout
    }

    /// Gives up the room that is left in a tree when its entries come one by one.
    pub(super) fn pack(&mut self) {
        self.rows = std::mem::take(&mut self.rows).into_iter().collect();
        for index in &mut self.indexes {
            index.entries = std::mem::take(&mut index.entries).into_iter().collect();
        }
    }

    pub(super) fn remove(&mut self, uuid: Uuid) -> Option<Row> {
        let old = self.rows.remove(&uuid)?;
        if self.is_indexed(&old) {
            for index in &mut self.indexes {
                let entry = index.entry(&old);
                index.entries.remove(&entry);
            }
        }
        Some(old)
    }
}
