//! The difference between the flows a switch has and those it shall have: the smallest change that makes them equal.

use crate::ofpkt::{FlowMod, FlowModCommand};
use crate::{Flow, FlowTable};
use std::cmp::Ordering;

/// What has to change, each list in the order of table, priority and match.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Difference {
    /// Flows that are wanted and absent.
    pub adds: Vec<Flow>,
    /// Flows that are there but do something else, as they are wanted. A new cookie, timeout or flag needs an add, which
    /// replaces the flow and starts its counters anew; see [`Difference::flow_mods`].
    pub modifies: Vec<Modify>,
    /// Flows that are there and not wanted, as they are.
    pub deletes: Vec<Flow>,
}

/// A flow that is to be changed.
#[derive(Clone, PartialEq, Debug)]
pub struct Modify {
    /// The flow as it is wanted.
    pub flow: Flow,
    /// True if only its instructions differ, so that it can keep its counters.
    pub instructions_only: bool,
}

impl Difference {
    /// True if nothing has to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.adds.is_empty() && self.modifies.is_empty() && self.deletes.is_empty()
    }

    /// The change as messages: adds, then modifies, then deletes, so that no packet meets a gap.
    pub fn flow_mods(&self) -> impl Iterator<Item = FlowMod> + '_ {
        let adds = self.adds.iter().cloned().map(FlowMod::add);
        let modifies = self.modifies.iter().map(|modify| {
            let command = if modify.instructions_only {
                FlowModCommand::ModifyStrict
            } else {
                FlowModCommand::Add
            };
            FlowMod::new(command, modify.flow.clone())
        });
        let deletes = self.deletes.iter().cloned().map(FlowMod::delete_strict);
        adds.chain(modifies).chain(deletes)
    }
}

/// What has to change for `have` to become `want`; flows that mean the same are left alone however they are spelled.
#[must_use]
pub fn diff(have: &FlowTable, want: &FlowTable) -> Difference {
    let mut difference = Difference::default();
    let (mut old, mut new) = (have.entries().peekable(), want.entries().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return difference,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let before = if order == Ordering::Greater { None } else { old.next() };
        let after = if order == Ordering::Less { None } else { new.next() };
        match (before, after) {
            (Some((_, before)), None) => difference.deletes.push(before.clone()),
            (None, Some((_, after))) => difference.adds.push(after.clone()),
            (Some((_, before)), Some((_, after))) if before != after => {
                let relabelled = Flow {
                    instructions: after.instructions.clone(),
                    ..before.clone()
                };
                difference.modifies.push(Modify {
                    flow: after.clone(),
                    instructions_only: &relabelled == after,
                });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Field, Match, Port};

    fn flow(port: u32, actions: &[Action]) -> Flow {
        Flow::new(0, 10, Match::new().with(Field::InPort, Port(port))).doing(actions.to_vec())
    }

    #[test]
    fn only_what_differs_changes_and_adds_come_first() {
        let mac = crate::EthAddr([2, 0, 0, 0, 0, 1]);
        let have: FlowTable = [
            flow(1, &[Action::ModDlSrc(mac)]),
            flow(2, &[Action::output(Port(1))]),
            flow(3, &[]),
            flow(5, &[]).cookie(1),
        ]
        .into_iter()
        .collect();
        let want: FlowTable = [
            flow(1, &[Action::set_field(Field::EthSrc, mac)]),
            flow(2, &[Action::output(Port(2))]),
            flow(4, &[]),
            flow(5, &[]).cookie(2),
        ]
        .into_iter()
        .collect();
        let difference = diff(&have, &want);
        assert_eq!(difference.adds, [flow(4, &[])]);
        assert_eq!(difference.deletes, [flow(3, &[])]);
        let kinds: Vec<_> = difference.modifies.iter().map(|m| m.instructions_only).collect();
        assert_eq!(kinds, [true, false]);
        let commands: Vec<_> = difference.flow_mods().map(|m| m.command).collect();
        assert_eq!(
            commands,
            [
                FlowModCommand::Add,
                FlowModCommand::ModifyStrict,
                FlowModCommand::Add,
                FlowModCommand::DeleteStrict
            ]
        );
        assert!(diff(&want, &want).is_empty());
    }
}
