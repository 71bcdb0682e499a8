//! What became of a transaction: reading the reply (RFC 7047 §4.1.3), and after a broken connection judging by the
//! replica.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::operand::{Mutator, resolve};
use super::{NewRow, Operation, Transaction};
use crate::replica::Replica;
use crate::value::Datum;

/// A transaction that happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committed {
    inserted: BTreeMap<NewRow, Uuid>,
    results: Vec<Value>,
}

impl Committed {
    /// The `_uuid` of a row that the transaction inserted.
    #[must_use]
    pub fn uuid(&self, row: NewRow) -> Option<Uuid> {
        self.inserted.get(&row).copied()
    }

    /// The number of rows that the operation (counted from 0) changed or deleted.
    #[must_use]
    pub fn count(&self, operation: usize) -> Option<u64> {
        self.results.get(operation)?.get("count")?.as_u64()
    }

    /// The rows that a `select` read, as JSON (RFC 7047 §5.1 `<row>`).
    #[must_use]
    pub fn rows(&self, operation: usize) -> Option<&[Value]> {
        self.results
            .get(operation)?
            .get("rows")?
            .as_array()
            .map(Vec::as_slice)
    }
}

/// A transaction that did not happen, or of which nobody can tell.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TransactError {
    /// A `wait` did not hold. The replica has caught up with what made it fail: look again, and try again.
    #[error(
        "what the transaction relied on has changed (operation {operation}): look again and retry"
    )]
    TryAgain {
        /// The `wait`, counted from 0.
        operation: usize,
    },
    /// The server refused it; nothing happened.
    #[error(transparent)]
    Refused(#[from] Box<OperationError>),
    /// There was no synced connection; it was never sent.
    #[error("not connected to the database: the transaction was not sent")]
    NotConnected,
    /// Too much is waiting to be sent; it was never sent.
    #[error("too many transactions are waiting to be sent: this one was not sent")]
    Overloaded,
    /// The connection broke before the reply came, or that of a relay or of a cluster's member on the way. The replica,
    /// synced anew since in the first case, shows this of it.
    #[error("the connection broke before the reply: {effects}")]
    Unknown {
        /// Whether the replica shows what the transaction asked for.
        effects: Effects,
    },
    /// The reply was not one of RFC 7047 §4.1.3; whether the transaction happened is not known.
    #[error("a malformed reply: {0}")]
    Malformed(String),
    /// The client's connection task has ended.
    #[error("the client is closed")]
    Closed,
}

impl TransactError {
    /// The error of a transaction that nobody here has cancelled. A relay that loses its source, and a member that loses
    /// its leader, answer what they have passed on with an error although it may happen.
    pub(crate) fn or_unknown(self) -> Self {
        match self {
            Self::Refused(error)
                if matches!(error.error.as_str(), "canceled" | "cluster error") =>
            {
                Self::Unknown {
                    effects: Effects::Undecided,
                }
            }
            other => other,
        }
    }
}

/// What the replica shows of a transaction whose reply was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effects {
    /// Everything that the transaction asked for is so; it or another one did it.
    Present,
    /// Something that it asked for is not so: it did not happen, or was undone since; in a cluster it may still be on
    /// its way.
    Absent,
    /// The replica can not tell, because the transaction touches what is not replicated or counts.
    Undecided,
}

impl std::fmt::Display for Effects {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Present => "the database is as the transaction wanted it",
            Self::Absent => "the database is not as the transaction wanted it",
            Self::Undecided => "the database does not tell whether it happened",
        })
    }
}

/// An `<error>` of the server, with the operation that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationError {
    /// The operation's place in the transaction, counted from 0; `None`: the commit as a whole.
    pub operation: Option<usize>,
    /// The operation's name, or `commit`.
    pub name: &'static str,
    /// The table that it is about.
    pub table: Option<String>,
    /// The column that the server's words name.
    pub column: Option<String>,
    /// The error: a name of RFC 7047 §3.1 or of ovsdb-server(7), such as `constraint violation`.
    pub error: String,
    /// The server's explanation.
    pub details: String,
}

impl std::error::Error for OperationError {}

impl std::fmt::Display for OperationError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name)?;
        if let Some(operation) = self.operation {
            write!(out, " (operation {operation})")?;
        }
        if let Some(table) = &self.table {
            write!(out, " of {table}")?;
            if let Some(column) = &self.column {
                write!(out, ".{column}")?;
            }
        }
        write!(out, ": {}", self.error)?;
        if self.details.is_empty() {
            Ok(())
        } else {
            write!(out, ": {}", self.details)
        }
    }
}

impl Transaction {
    /// What the server's reply says of this transaction: `result` or `error` of the JSON-RPC response.
    pub(crate) fn outcome(
        &self,
        reply: Result<Vec<Value>, Value>,
    ) -> Result<Committed, TransactError> {
        let results = match reply {
            Ok(results) => results,
            Err(error) => return Err(self.refused(None, &error)),
        };
        for (at, result) in results.iter().enumerate() {
            if result.get("error").is_some_and(|error| !error.is_null()) {
                let operation = self.operations().get(at);
                if result.get("error").and_then(Value::as_str) == Some("timed out")
                    && matches!(operation, Some(Operation::Wait { .. }))
                {
                    return Err(TransactError::TryAgain { operation: at });
                }
                return Err(self.refused(Some(at), result));
            }
        }
        if results.len() < self.operations().len() {
            let found = results.len();
            return Err(TransactError::Malformed(format!(
                "{found} results for {} operations",
                self.len()
            )));
        }
        let mut inserted = BTreeMap::new();
        for (operation, result) in self.operations().iter().zip(&results) {
            if let Operation::Insert { row, .. } = operation {
                let uuid = result
                    .get("uuid")
                    .and_then(|pair| Uuid::try_parse(pair.get(1)?.as_str()?).ok());
                let uuid = uuid
                    .ok_or_else(|| TransactError::Malformed("an insert without uuid".to_owned()))?;
                inserted.insert(*row, uuid);
            }
        }
        Ok(Committed { inserted, results })
    }

    fn refused(&self, at: Option<usize>, error: &Value) -> TransactError {
        let operation = at.and_then(|at| Some((at, self.operations().get(at)?)));
        let word =
            |value: &Map<String, Value>, name: &str| value.get(name)?.as_str().map(str::to_owned);
        let (error, details) = match error {
            Value::Object(object) => {
                let details = [word(object, "details"), word(object, "syntax")];
                let details: Vec<String> = details.into_iter().flatten().collect();
                (
                    word(object, "error").unwrap_or_default(),
                    details.join(": "),
                )
            }
            Value::String(text) => (text.clone(), String::new()),
            other => (other.to_string(), String::new()),
        };
        let column = self.named_column(operation.map(|(_, operation)| operation), &details);
        let table = match operation {
            Some((_, operation)) => operation.table().map(str::to_owned),
            None => self
                .operations()
                .iter()
                .filter_map(Operation::table)
                .find(|t| names(&details, t))
                .map(str::to_owned),
        };
        TransactError::Refused(Box::new(OperationError {
            operation: operation.map(|(at, _)| at),
            name: operation.map_or("commit", |(_, operation)| operation.name()),
            table,
            column,
            error,
            details,
        }))
    }

    fn named_column(&self, operation: Option<&Operation>, details: &str) -> Option<String> {
        let operations = operation.map_or(self.operations(), std::slice::from_ref);
        let mut columns: Vec<&str> = operations.iter().flat_map(Operation::columns).collect();
        // "No column colour in table Port": a name that the schema lacks is quoted as well.
        columns.sort_by_key(|column| std::cmp::Reverse(column.len()));
        columns
            .into_iter()
            .find(|column| names(details, column))
            .map(str::to_owned)
    }

    /// The transaction as committed, if the replica proves it: a uuid that was chosen at random by this transaction can
    /// be there only because of it.
    pub(crate) fn proven(&self, replica: &Replica) -> Option<Committed> {
        let there = |operation: &Operation| match operation {
            Operation::Insert {
                table,
                uuid,
                random: true,
                ..
            } => replica.row(table, *uuid).is_some(),
            _ => false,
        };
        let inserted = self.chosen_uuids();
        self.operations().iter().any(there).then_some(Committed {
            inserted,
            results: Vec::new(),
        })
    }

    fn chosen_uuids(&self) -> BTreeMap<NewRow, Uuid> {
        let inserts = self
            .operations()
            .iter()
            .filter_map(|operation| match operation {
                Operation::Insert { row, uuid, .. } => Some((*row, *uuid)),
                _ => None,
            });
        inserts.collect()
    }

    /// What the replica, synced after the connection broke, shows of this transaction.
    pub(crate) fn judge(&self, replica: &Replica) -> Result<Committed, TransactError> {
        if let Some(committed) = self.proven(replica) {
            return Ok(committed);
        }
        let uuids = self.chosen_uuids();
        let uuid_of = |row: NewRow| uuids.get(&row).copied();
        let mut effects = Effects::Undecided;
        for operation in self.operations() {
            match show(operation, replica, &uuid_of) {
                None => {}
                Some(Effects::Present) if effects == Effects::Undecided => {
                    effects = Effects::Present
                }
                Some(Effects::Present) => {}
                Some(Effects::Absent) => {
                    return Err(TransactError::Unknown {
                        effects: Effects::Absent,
                    });
                }
                Some(Effects::Undecided) => {
                    return Err(TransactError::Unknown {
                        effects: Effects::Undecided,
                    });
                }
            }
        }
        Err(TransactError::Unknown { effects })
    }
}

/// True when `word` stands in `text` between characters that belong to no identifier.
fn names(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|found| found == word)
}

/// Whether the replica shows the effect of one operation; `None` for operations without one.
fn show(
    operation: &Operation,
    replica: &Replica,
    uuid_of: &impl Fn(NewRow) -> Option<Uuid>,
) -> Option<Effects> {
    let is = |holds: bool| {
        Some(if holds {
            Effects::Present
        } else {
            Effects::Absent
        })
    };
    let undecided = Some(Effects::Undecided);
    let row_of = |rows: &super::Where| {
        rows.only_row()
            .and_then(|operand| resolve(operand, uuid_of))
            .and_then(|datum| datum.as_scalar()?.as_uuid())
    };
    match operation {
        Operation::Insert { table, uuid, .. } => match replica.table(table) {
            Some(rows) => is(rows.row(*uuid).is_some()),
            None => undecided,
        },
        Operation::Delete { table, rows } => match (replica.table(table), row_of(rows)) {
            (Some(table), Some(uuid)) => is(table.row(uuid).is_none()),
            _ => undecided,
        },
        Operation::Update {
            table,
            rows,
            columns,
        } => {
            let (Some(table), Some(uuid)) = (replica.table(table), row_of(rows)) else {
                return undecided;
            };
            let Some(row) = table.row(uuid) else {
                return is(false);
            };
            let mut all = true;
            for (column, operand) in columns.iter() {
                let (Some(found), Some(wanted)) = (row.get(column), resolve(operand, uuid_of))
                else {
                    return undecided;
                };
                all &= *found == wanted || (found.is_empty() && wanted.is_empty());
            }
            is(all)
        }
        Operation::Mutate {
            table,
            rows,
            mutations,
        } => {
            let (Some(table), Some(uuid)) = (replica.table(table), row_of(rows)) else {
                return undecided;
            };
            let Some(row) = table.row(uuid) else {
                return is(false);
            };
            let mut all = true;
            for (column, mutator, operand) in &mutations.0 {
                let (Some(found), Some(wanted)) = (row.get(column), resolve(operand, uuid_of))
                else {
                    return undecided;
                };
                match mutator {
                    Mutator::Add | Mutator::Subtract => return undecided,
                    Mutator::Insert => all &= contains(found, &wanted, true),
                    // A later insert of the same keys is the other half of replacing them.
                    Mutator::Delete => {
                        let reinserted = mutations
                            .0
                            .iter()
                            .any(|(c, m, _)| c == column && *m == Mutator::Insert);
                        all &= reinserted || contains(found, &wanted, false);
                    }
                }
            }
            is(all)
        }
        Operation::Wait { .. }
        | Operation::Select { .. }
        | Operation::Comment { .. }
        | Operation::Assert { .. }
        | Operation::Abort => None,
    }
}

/// True when every element (or key, or pair) of `parts` is in `whole` exactly if `present`.
fn contains(whole: &Datum, parts: &Datum, present: bool) -> bool {
    match (parts.as_map(), whole.as_map(), whole.as_set()) {
        (Some(parts), Some(_), _) => parts
            .iter()
            .all(|(k, v)| (whole.get(k) == Some(v)) == present),
        (None, Some(_), _) => parts
            .as_set()
            .unwrap_or_default()
            .iter()
            .all(|key| whole.get(key).is_some() == present),
        (None, None, Some(whole)) => parts
            .as_set()
            .unwrap_or_default()
            .iter()
            .all(|atom| whole.binary_search(atom).is_ok() == present),
        _ => false,
    }
}
