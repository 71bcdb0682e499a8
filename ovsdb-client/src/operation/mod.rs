//! Transactions (RFC 7047 §5.2): building them, and reading what the server made of them.
//!
//! Knows no connection and no schema: the server checks names and types, and its answer is told with the operation,
//! table and column that it is about.

mod condition;
mod operand;
mod outcome;

pub use condition::{Condition, Function, Where};
pub use operand::{Columns, Mutations, NewRow, Operand, Term};
pub use outcome::{Committed, Effects, OperationError, TransactError};

use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};
use uuid::Uuid;

/// The name of a transaction among those of one client, in the order of submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub(crate) u64);

/// Operations that happen together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    operations: Vec<Operation>,
    inserts: u32,
}

/// One operation of a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Insert {
        table: String,
        columns: Columns,
        row: NewRow,
        uuid: Uuid,
        random: bool,
    },
    Update {
        table: String,
        rows: Where,
        columns: Columns,
    },
    Mutate {
        table: String,
        rows: Where,
        mutations: Mutations,
    },
    Delete {
        table: String,
        rows: Where,
    },
    Wait {
        table: String,
        rows: Where,
        columns: Vec<String>,
        equal: bool,
        expected: Vec<Columns>,
        timeout_ms: u64,
    },
    Select {
        table: String,
        rows: Where,
        columns: Vec<String>,
    },
    Comment {
        text: String,
    },
    Assert {
        lock: String,
    },
    Abort,
}

impl Transaction {
    /// A transaction without operations.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// True when no operation was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The number of operations.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Inserts a row (§5.2.1). The handle refers to it in this transaction and names its uuid in the
    /// [outcome](Committed::uuid). The uuid is chosen here, so that a broken connection leaves no doubt whether the row
    /// came to be.
    pub fn insert(&mut self, table: &str, columns: Columns) -> NewRow {
        self.push_insert(Uuid::new_v4(), true, table, columns)
    }

    /// Inserts a row with the `_uuid` given (ovsdb-server(7) §5.2.1, since Open vSwitch 2.13).
    pub fn insert_as(&mut self, uuid: Uuid, table: &str, columns: Columns) -> NewRow {
        self.push_insert(uuid, false, table, columns)
    }

    fn push_insert(&mut self, uuid: Uuid, random: bool, table: &str, columns: Columns) -> NewRow {
        let row = NewRow(self.inserts);
        self.inserts = self.inserts.saturating_add(1);
        self.operations.push(Operation::Insert {
            table: table.to_owned(),
            columns,
            row,
            uuid,
            random,
        });
        row
    }

    /// Sets columns of rows (§5.2.3): of one by its uuid or handle, or of all that meet a [`Condition`].
    pub fn update(&mut self, table: &str, rows: impl Into<Where>, columns: Columns) -> &mut Self {
        self.operations.push(Operation::Update {
            table: table.to_owned(),
            rows: rows.into(),
            columns,
        });
        self
    }

    /// Adds to and takes from sets, maps and numbers of rows (§5.2.4).
    pub fn mutate(
        &mut self,
        table: &str,
        rows: impl Into<Where>,
        mutations: Mutations,
    ) -> &mut Self {
        self.operations.push(Operation::Mutate {
            table: table.to_owned(),
            rows: rows.into(),
            mutations,
        });
        self
    }

    /// Deletes rows (§5.2.5).
    pub fn delete(&mut self, table: &str, rows: impl Into<Where>) -> &mut Self {
        self.operations.push(Operation::Delete {
            table: table.to_owned(),
            rows: rows.into(),
        });
        self
    }

    /// Guards the transaction (§5.2.6, timeout 0): unless every row that `rows` selects has these values, and there is at
    /// least one, nothing happens and the outcome is [`TransactError::TryAgain`].
    pub fn wait(&mut self, table: &str, rows: impl Into<Where>, columns: Columns) -> &mut Self {
        self.wait_for(table, rows, true, vec![columns], Duration::ZERO)
    }

    /// Guards the transaction: no row may be selected by `rows`.
    pub fn wait_absent(&mut self, table: &str, rows: impl Into<Where>) -> &mut Self {
        self.wait_for(table, rows, true, Vec::new(), Duration::ZERO)
    }

    /// Guards the transaction: the selected rows, cut to the columns named in `expected`, are just `expected`
    /// (`equal`), or anything else (not `equal`). The server holds the whole transaction back until then, but at most for
    /// `timeout`, in steps of a millisecond; [`Client::cancel`](crate::Client::cancel) ends the wait.
    pub fn wait_for(
        &mut self,
        table: &str,
        rows: impl Into<Where>,
        equal: bool,
        expected: Vec<Columns>,
        timeout: Duration,
    ) -> &mut Self {
        let columns = match expected.first() {
            Some(first) => first.names().map(str::to_owned).collect(),
            None => vec!["_uuid".to_owned()],
        };
        self.operations.push(Operation::Wait {
            table: table.to_owned(),
            rows: rows.into(),
            columns,
            equal,
            expected,
            timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX >> 1),
        });
        self
    }

    /// Reads columns of rows as they are at this point of the transaction (§5.2.2); none named: all. The number that
    /// is returned finds them in [`Committed::rows`].
    pub fn select<'c>(
        &mut self,
        table: &str,
        rows: impl Into<Where>,
        columns: impl IntoIterator<Item = &'c str>,
    ) -> usize {
        let columns = columns.into_iter().map(str::to_owned).collect();
        self.operations.push(Operation::Select {
            table: table.to_owned(),
            rows: rows.into(),
            columns,
        });
        self.operations.len().saturating_sub(1)
    }

    /// A line for the database's log (§5.2.9).
    pub fn comment(&mut self, text: &str) -> &mut Self {
        self.operations.push(Operation::Comment {
            text: text.to_owned(),
        });
        self
    }

    /// Fails unless this client owns the lock (§5.2.10).
    pub fn assert_lock(&mut self, lock: &str) -> &mut Self {
        self.operations.push(Operation::Assert {
            lock: lock.to_owned(),
        });
        self
    }

    /// Fails always (§5.2.8): a trial run.
    pub fn abort(&mut self) -> &mut Self {
        self.operations.push(Operation::Abort);
        self
    }

    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// How long its guards may hold it back.
    pub(crate) fn longest_wait(&self) -> Duration {
        let waits = self.operations.iter().map(|operation| match operation {
            Operation::Wait { timeout_ms, .. } => *timeout_ms,
            _ => 0,
        });
        Duration::from_millis(waits.max().unwrap_or(0))
    }

    /// The whole `transact` request, on one line.
    pub(crate) fn request(&self, database: &str, id: &str) -> Result<Vec<u8>, serde_json::Error> {
        struct Params<'t>(&'t str, &'t [Operation]);

        impl Serialize for Params<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeSeq;
                let mut seq = serializer.serialize_seq(Some(self.1.len().saturating_add(1)))?;
                seq.serialize_element(self.0)?;
                for operation in self.1 {
                    seq.serialize_element(operation)?;
                }
                seq.end()
            }
        }

        #[derive(serde::Serialize)]
        struct Request<'t> {
            method: &'static str,
            params: Params<'t>,
            id: &'t str,
        }

        let mut bytes = Vec::with_capacity(512);
        let request = Request {
            method: "transact",
            params: Params(database, &self.operations),
            id,
        };
        serde_json::to_writer(&mut bytes, &request)?;
        Ok(bytes)
    }
}

impl Operation {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Insert { .. } => "insert",
            Self::Update { .. } => "update",
            Self::Mutate { .. } => "mutate",
            Self::Delete { .. } => "delete",
            Self::Wait { .. } => "wait",
            Self::Select { .. } => "select",
            Self::Comment { .. } => "comment",
            Self::Assert { .. } => "assert",
            Self::Abort => "abort",
        }
    }

    pub(crate) fn table(&self) -> Option<&str> {
        match self {
            Self::Insert { table, .. }
            | Self::Update { table, .. }
            | Self::Mutate { table, .. }
            | Self::Delete { table, .. }
            | Self::Wait { table, .. }
            | Self::Select { table, .. } => Some(table),
            Self::Comment { .. } | Self::Assert { .. } | Self::Abort => None,
        }
    }

    /// The columns that the operation names, for finding the one that an error is about.
    pub(crate) fn columns(&self) -> Vec<&str> {
        match self {
            Self::Insert { columns, .. } | Self::Update { columns, .. } => {
                columns.names().collect()
            }
            Self::Mutate { mutations, .. } => mutations.names().collect(),
            Self::Wait { columns, .. } | Self::Select { columns, .. } => {
                columns.iter().map(String::as_str).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("op", self.name())?;
        if let Some(table) = self.table() {
            map.serialize_entry("table", table)?;
        }
        match self {
            Self::Insert {
                columns, row, uuid, ..
            } => {
                map.serialize_entry("uuid-name", &row.name())?;
                map.serialize_entry("uuid", uuid)?;
                map.serialize_entry("row", columns)?;
            }
            Self::Update { rows, columns, .. } => {
                map.serialize_entry("where", rows)?;
                map.serialize_entry("row", columns)?;
            }
            Self::Mutate {
                rows, mutations, ..
            } => {
                map.serialize_entry("where", rows)?;
                map.serialize_entry("mutations", mutations)?;
            }
            Self::Delete { rows, .. } => map.serialize_entry("where", rows)?,
            Self::Wait {
                rows,
                columns,
                equal,
                expected,
                timeout_ms,
                ..
            } => {
                map.serialize_entry("timeout", timeout_ms)?;
                map.serialize_entry("where", rows)?;
                map.serialize_entry("columns", columns)?;
                map.serialize_entry("until", if *equal { "==" } else { "!=" })?;
                map.serialize_entry("rows", expected)?;
            }
            Self::Select { rows, columns, .. } => {
                map.serialize_entry("where", rows)?;
                if !columns.is_empty() {
                    map.serialize_entry("columns", columns)?;
                }
            }
            Self::Comment { text } => map.serialize_entry("comment", text)?,
            Self::Assert { lock } => map.serialize_entry("lock", lock)?,
            Self::Abort => {}
        }
        map.end()
    }
}
