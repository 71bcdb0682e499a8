//! The events that the program has not taken: as they came up to a limit, beyond it their net content.
//!
//! A program that only calls `transact` never takes an event, and is sent changes all the same. It knows no connection.

use std::collections::{BTreeMap, VecDeque};

use super::Event;
use crate::operation::{Committed, TransactError, TransactionId};
use crate::replica::Changes;

/// What an event takes at least, in bytes.
const EVENT_SIZE: usize = 256;

/// The queue.
#[derive(Debug)]
pub(super) struct Backlog {
    entries: VecDeque<Entry>,
    /// The size of all of them in bytes, as far as is known.
    size: usize,
    /// That of the outcomes among them.
    outcomes: usize,
    /// Beyond, they are merged.
    limit: usize,
    /// The least limit.
    least_limit: usize,
}

#[derive(Debug)]
enum Entry {
    Event {
        event: Event,
        size: usize,
    },
    Outcome {
        event: Event,
        size: usize,
    },
    /// Transactions in a row that were not sent, for one reason.
    Unsent {
        next: u64,
        last: u64,
        error: TransactError,
    },
}

impl Entry {
    fn size(&self) -> usize {
        match self {
            Self::Event { size, .. } | Self::Outcome { size, .. } => *size,
            Self::Unsent { .. } => EVENT_SIZE,
        }
    }
}

impl Backlog {
    /// A queue that merges events of more than `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            size: 0,
            outcomes: 0,
            limit,
            least_limit: limit,
        }
    }

    /// The bytes of the transactions whose outcomes are waiting.
    pub(super) fn outcomes(&self) -> usize {
        self.outcomes
    }

    /// Adds an event that so many bytes have told.
    pub(super) fn push(&mut self, event: Event, size: usize) {
        let size = size.max(EVENT_SIZE);
        self.add(Entry::Event { event, size });
    }

    /// Adds the outcome of a transaction that was sent in so many bytes; 0: it was not sent.
    pub(super) fn push_outcome(
        &mut self,
        id: u64,
        outcome: Result<Committed, TransactError>,
        size: usize,
    ) {
        match (outcome, self.entries.back_mut()) {
            (Err(found), Some(Entry::Unsent { last, error, .. }))
                if size == 0 && *error == found && last.checked_add(1) == Some(id) =>
            {
                *last = id;
            }
            (Err(error), _) if size == 0 => self.add(Entry::Unsent {
                next: id,
                last: id,
                error,
            }),
            (outcome, _) => {
                let size = size.max(EVENT_SIZE);
                self.outcomes = self.outcomes.saturating_add(size);
                let id = TransactionId(id);
                let event = Event::TransactionDone { id, outcome };
                self.add(Entry::Outcome { event, size });
            }
        }
    }

    fn add(&mut self, entry: Entry) {
        self.size = self.size.saturating_add(entry.size());
        self.entries.push_back(entry);
        if self.size > self.limit {
            self.merge();
            self.limit = self.size.saturating_mul(2).max(self.least_limit);
        }
    }

    /// The next event.
    pub(super) fn pop(&mut self) -> Option<Event> {
        if let Some(Entry::Unsent { next, last, error }) = self.entries.front_mut()
            && next < last
        {
            let event = Event::TransactionDone {
                id: TransactionId(*next),
                outcome: Err(error.clone()),
            };
            *next = next.saturating_add(1);
            return Some(event);
        }
        let entry = self.entries.pop_front()?;
        self.size = self.size.saturating_sub(entry.size());
        if self.entries.is_empty() {
            self.limit = self.least_limit;
        }
        Some(match entry {
            Entry::Event { event, .. } => event,
            Entry::Outcome { event, size } => {
                self.outcomes = self.outcomes.saturating_sub(size);
                event
            }
            Entry::Unsent { next, error, .. } => Event::TransactionDone {
                id: TransactionId(next),
                outcome: Err(error),
            },
        })
    }

    /// Makes of all changes one, of all disconnections the last, and keeps the last word on each lock. What was told of
    /// a transaction before its outcome still is.
    fn merge(&mut self) {
        let mut steps: Vec<Changes> = Vec::new();
        let (mut bytes, mut synced) = (0_usize, false);
        let (mut disconnected, mut connected) = (None, None);
        // Whether the replica was synced after the last disconnection, or is still to be.
        let mut whole = true;
        let mut locks = BTreeMap::new();
        let mut conditions = None;
        let mut outcomes: Vec<Entry> = Vec::new();
        for entry in std::mem::take(&mut self.entries) {
            let (event, size) = match entry {
                Entry::Event { event, size } => (event, size),
                outcome => {
                    join(&mut outcomes, outcome);
                    continue;
                }
            };
            match event {
                Event::Synced(changes) => {
                    (synced, whole) = (true, true);
                    steps.push(changes);
                    bytes = bytes.saturating_add(size);
                }
                Event::Changed(changes) => {
                    steps.push(changes);
                    bytes = bytes.saturating_add(size);
                }
                Event::Disconnected { .. } => {
                    locks.clear();
                    (connected, whole) = (None, false);
                    disconnected = Some(event);
                }
                Event::Connected { .. } => connected = Some(event),
                Event::Lock { name, owned } => {
                    locks.insert(name, owned);
                }
                Event::ConditionsChanged => conditions = Some(event),
                // An outcome is no plain event.
                Event::TransactionDone { .. } => {}
            }
        }
        let before: usize = steps.iter().map(Changes::len).sum();
        let any = !steps.is_empty();
        let net = Changes::net(steps);
        let size = (bytes / before.max(1)).saturating_mul(net.len());
        let changes = match synced {
            true => Some(Event::Synced(net)),
            false => Some(Event::Changed(net)).filter(|_| any),
        };
        let changes = changes.map(|event| (event, size));
        let status = [disconnected, connected].map(|event| event.map(|event| (event, 0)));
        let [disconnected, connected] = status;
        let ordered = match whole {
            true => [disconnected, connected, changes],
            false => [changes, disconnected, connected],
        };
        let locks = locks
            .into_iter()
            .map(|(name, owned)| (Event::Lock { name, owned }, 0));
        let events = ordered.into_iter().flatten().chain(locks);
        let events = events.chain(conditions.map(|event| (event, 0)));
        self.entries = events
            .map(|(event, size)| Entry::Event {
                event,
                size: size.max(EVENT_SIZE),
            })
            .chain(outcomes)
            .collect();
        self.size = self.entries.iter().map(Entry::size).sum();
    }
}

/// Adds an entry, to the last one if both are of transactions in a row that were not sent.
fn join(entries: &mut Vec<Entry>, entry: Entry) {
    if let Entry::Unsent {
        next,
        last: until,
        error,
    } = &entry
        && let Some(Entry::Unsent {
            last, error: known, ..
        }) = entries.last_mut()
        && known == error
        && last.checked_add(1) == Some(*next)
    {
        *last = *until;
        return;
    }
    entries.push(entry);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap as Map;
    use std::sync::Arc;
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::Remote;
    use crate::connection::ConnectionError;
    use crate::replica::{Layout, Row, RowChange};

    fn row(uuid: u128, name: &str) -> Row {
        let schema = serde_json::json!({"name": "D", "tables": {"T": {"columns": {"a": {"type": "string"}}}}});
        let schema = crate::schema::Schema::from_json(&schema).unwrap();
        let column_type = schema.tables["T"].columns["a"].column_type.clone();
        let layout = Layout::new("T", Map::from([("a".to_owned(), column_type)]));
        Row::new(Uuid::from_u128(uuid), Arc::new(layout), vec![name.into()]).unwrap()
    }

    fn changes(all: impl IntoIterator<Item = (Option<Row>, Option<Row>)>) -> Changes {
        let mut changes = Changes::default();
        for (old, new) in all {
            changes.record(match (old, new) {
                (Some(old), Some(new)) => RowChange::Modified { old, new },
                (None, Some(new)) => RowChange::Inserted { new },
                (Some(old), None) => RowChange::Deleted { old },
                (None, None) => unreachable!(),
            });
        }
        changes
    }

    fn drain(backlog: &mut Backlog) -> Vec<String> {
        let name = |row: &Row| row.string("a").unwrap().to_owned();
        let words = |changes: &Changes| {
            let words = changes.iter().map(|change| {
                let (before, after) = (change.before().map(name), change.after().map(name));
                format!("{before:?}>{after:?}")
                    .replace("Some", "")
                    .replace("None", "-")
            });
            words.collect::<Vec<_>>().join(" ")
        };
        let mut told = Vec::new();
        while let Some(event) = backlog.pop() {
            told.push(match event {
                Event::Synced(changes) => format!("synced {}", words(&changes)),
                Event::Changed(changes) => format!("changed {}", words(&changes)),
                Event::Disconnected { retry_in, .. } => format!("disconnected {retry_in:?}"),
                Event::Connected { .. } => "connected".to_owned(),
                Event::Lock { name, owned } => format!("lock {name} {owned}"),
                Event::ConditionsChanged => "conditions".to_owned(),
                Event::TransactionDone { id, outcome } => {
                    format!("done {} {}", id.0, outcome.is_ok())
                }
            });
        }
        assert_eq!((backlog.size, backlog.outcomes), (0, 0));
        told
    }

    fn disconnected(seconds: u64) -> Event {
        Event::Disconnected {
            remote: "unix:/x".parse::<Remote>().unwrap(),
            error: ConnectionError::Closed,
            retry_in: Duration::from_secs(seconds),
        }
    }

    fn connected() -> Event {
        Event::Connected {
            remote: "unix:/x".parse::<Remote>().unwrap(),
        }
    }

    #[test]
    fn what_is_not_too_much_is_told_as_it_came() {
        let mut backlog = Backlog::new(1 << 20);
        let change = || Event::Changed(changes([(None, Some(row(1, "x")))]));
        backlog.push(change(), 10);
        backlog.push_outcome(7, Ok(Committed::default()), 10);
        backlog.push(change(), 10);
        assert_eq!(backlog.outcomes(), EVENT_SIZE);
        assert_eq!(
            drain(&mut backlog),
            ["changed ->(\"x\")", "done 7 true", "changed ->(\"x\")"]
        );
    }

    #[test]
    fn what_is_too_much_is_told_as_the_net_change() {
        let mut backlog = Backlog::new(0);
        backlog.limit = usize::MAX;
        let steps = [
            changes([(None, Some(row(1, "a"))), (None, Some(row(2, "b")))]),
            changes([
                (Some(row(1, "a")), Some(row(1, "c"))),
                (Some(row(2, "b")), None),
                (Some(row(3, "d")), Some(row(3, "e"))),
                (Some(row(4, "f")), None),
            ]),
            changes([
                (Some(row(3, "e")), Some(row(3, "d"))),
                (None, Some(row(4, "g"))),
                (Some(row(5, "h")), Some(row(5, "i"))),
                (Some(row(6, "k")), Some(row(6, "l"))),
            ]),
            changes([(Some(row(5, "i")), None)]),
        ];
        for (at, changes) in (0..).zip(steps) {
            backlog.push(Event::Changed(changes), 1000);
            backlog.push_outcome(at, Ok(Committed::default()), 300);
        }
        backlog.push(
            Event::Lock {
                name: "l".into(),
                owned: true,
            },
            0,
        );
        backlog.push(
            Event::Lock {
                name: "l".into(),
                owned: false,
            },
            0,
        );
        backlog.merge();
        let expected = [
            "changed ->(\"c\") (\"f\")>(\"g\") (\"h\")>- (\"k\")>(\"l\")",
            "lock l false",
            "done 0 true",
            "done 1 true",
            "done 2 true",
            "done 3 true",
        ];
        assert_eq!(drain(&mut backlog), expected);
    }

    #[test]
    fn a_disconnection_is_told_before_or_after_the_rows_as_it_was() {
        for (back, expected) in [
            (
                true,
                &["disconnected 2s", "connected", "synced ->(\"a\")"][..],
            ),
            (false, &["synced ->(\"a\")", "disconnected 2s", "connected"]),
        ] {
            let mut backlog = Backlog::new(0);
            backlog.limit = usize::MAX;
            backlog.push(
                Event::Lock {
                    name: "l".into(),
                    owned: true,
                },
                0,
            );
            backlog.push(Event::Synced(changes([(None, Some(row(1, "a")))])), 0);
            backlog.push(disconnected(1), 0);
            backlog.push(disconnected(2), 0);
            backlog.push(connected(), 0);
            if back {
                backlog.push(Event::Synced(Changes::default()), 0);
            }
            backlog.merge();
            assert_eq!(drain(&mut backlog), expected);
        }
    }

    #[test]
    fn it_stays_small_whatever_comes() {
        let mut backlog = Backlog::new(10_000);
        for number in 0..10_000 {
            backlog.push(Event::Changed(changes([(None, Some(row(1, "a")))])), 100);
            backlog.push(Event::Changed(changes([(Some(row(1, "a")), None)])), 100);
            backlog.push_outcome(number, Err(TransactError::NotConnected), 0);
            backlog.push(disconnected(1), 0);
            assert!(
                backlog.size <= 20_000 + number as usize / 4,
                "{}",
                backlog.size
            );
            assert!(backlog.entries.len() < 100, "{}", backlog.entries.len());
        }
    }
}
