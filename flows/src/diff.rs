//! The smallest set of changes that makes one flow table another. Compares flows by meaning, not by text or bytes.

use std::cmp::Ordering;

use crate::{Flow, FlowTable};

/// One change of a flow table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Add a flow that is not there.
    Add(&'a Flow),
    /// Put a flow in the place of another. The OpenFlow command is `add` too: `modify`
    /// would leave cookie, timeouts and flags as they were (OpenFlow 1.5.1, 6.4).
    Replace {
        /// What is there.
        old: &'a Flow,
        /// What shall be.
        new: &'a Flow,
    },
    /// Delete this flow, strictly.
    Delete(&'a Flow),
}

/// The changes from `have` to `want`: additions and replacements in the order of the table, then deletions.
#[must_use]
pub fn diff<'a>(have: &'a FlowTable, want: &'a FlowTable) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    let mut deletions = Vec::new();
    let (mut have, mut want) = (have.iter().peekable(), want.iter().peekable());
    loop {
        let order = match (have.peek(), want.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.place().cmp(&new.place()),
        };
        match order {
            Ordering::Less => deletions.extend(have.next().map(Change::Delete)),
            Ordering::Greater => changes.extend(want.next().map(Change::Add)),
            Ordering::Equal => {
                if let (Some(old), Some(new)) = (have.next(), want.next())
                    && old != new
                {
                    changes.push(Change::Replace { old, new });
                }
            }
        }
    }
    changes.append(&mut deletions);
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Field, Match};

    fn flow(port: u32, cookie: u64, action: Action) -> Flow {
        Flow::new(0, 1, Match::new().with(Field::InPort, port))
            .cookie(cookie)
            .doing([action])
    }

    #[test]
    fn only_what_differs_changes_and_deletions_come_last() {
        let have = FlowTable::from_iter([
            flow(1, 7, Action::output(1)),
            flow(2, 7, Action::output(1)),
            flow(4, 7, Action::output(1)),
            flow(5, 7, Action::output(1)),
        ]);
        let want = FlowTable::from_iter([
            flow(2, 7, Action::output(1)),
            flow(3, 7, Action::output(1)),
            flow(4, 7, Action::output(2)),
            flow(5, 8, Action::output(1)),
        ]);
        let changes = diff(&have, &want);
        assert_eq!(
            changes,
            [
                Change::Add(&flow(3, 7, Action::output(1))),
                Change::Replace {
                    old: &flow(4, 7, Action::output(1)),
                    new: &flow(4, 7, Action::output(2))
                },
                Change::Replace {
                    old: &flow(5, 7, Action::output(1)),
                    new: &flow(5, 8, Action::output(1))
                },
                Change::Delete(&flow(1, 7, Action::output(1))),
            ]
        );
        assert_eq!(diff(&want, &want), []);
    }

    #[test]
    fn another_spelling_is_no_change() {
        let mac = crate::EthAddr([2, 0, 0, 0, 0, 1]);
        let have = FlowTable::from_iter([flow(1, 7, Action::ModDlSrc(mac))]);
        let want = FlowTable::from_iter([flow(1, 7, Action::set_field(Field::EthSrc, mac))]);
        assert_eq!(diff(&have, &want), []);
    }
}
