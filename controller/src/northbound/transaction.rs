//! Changes of intent as one transaction, guarded by the revision of the site that they were computed from.

use ovsdb_client::operation::{Columns, Operand, Transaction, Where};
use uuid::Uuid;

use super::change::{Action, Cell, Change};
use super::rows::GLOBAL;

/// What the guard of a transaction relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The `_uuid` of the row of `NB_Global`; a new database has none.
    pub(super) global: Option<Uuid>,
    /// Its revision; 0 where there is no row.
    pub(super) revision: u64,
}

impl Seen {
    /// The revision that a transaction which relies on this one makes.
    pub(super) fn next(self) -> u64 {
        self.revision.saturating_add(1)
    }
}

/// Writes `changes`, or nothing when another revision than `seen` is there by then.
pub(super) fn transaction(seen: Seen, changes: &[Change]) -> Transaction {
    let mut transaction = Transaction::new();
    let next = Columns::new().set("revision", integer(seen.next()));
    match seen.global {
        Some(global) => {
            transaction.wait(
                GLOBAL,
                global,
                Columns::new().set("revision", integer(seen.revision)),
            );
            transaction.update(GLOBAL, global, next);
        }
        None => {
            transaction.wait_absent(GLOBAL, Where::all());
            transaction.insert(GLOBAL, next);
        }
    }
    for change in changes {
        let table = change.table.name();
        match &change.action {
            Action::Created(columns) => {
                transaction.insert_as(
                    change.id,
                    table,
                    row(columns.iter().map(|(column, cell)| (*column, cell))),
                );
            }
            Action::Changed(columns) => {
                let new = columns.iter().map(|(column, _, new)| (*column, new));
                transaction.update(table, change.id, row(new));
            }
            Action::Deleted => {
                transaction.delete(table, change.id);
            }
        }
    }
    transaction
}

fn row<'c>(cells: impl Iterator<Item = (&'static str, &'c Cell)>) -> Columns {
    cells.fold(Columns::new(), |columns, (column, cell)| {
        columns.set(column, operand(cell))
    })
}

fn operand(cell: &Cell) -> Operand {
    match cell {
        Cell::Text(text) => text.as_str().into(),
        Cell::Optional(text) => text.as_deref().into(),
        Cell::Texts(texts) => Operand::set(texts.iter().map(String::as_str)),
        Cell::Number(number) => integer(*number),
        Cell::Flag(flag) => (*flag).into(),
        Cell::Reference(id) => (*id).into(),
    }
}

/// A number as OVSDB has it; those beyond its range do not occur before the year 292 billion.
pub(super) fn integer(number: u64) -> Operand {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}
