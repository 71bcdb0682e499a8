//! Local VLANs: which one each network has on this host.
//!
//! They are kept in the `Port` rows of the endpoints, so they survive restarts of everything. A local VLAN
//! means the same network on `br-int`, `br-tun` and every provider bridge, and these do not change at the
//! same instant: a number is given away again only when no flow on any bridge mentions it any more.
//!
//! Anybody can write to those rows. While the agent runs the numbers in force are those that it has read or given
//! itself, and a row that says otherwise is put right; an agent that starts does not believe a row that gives a network
//! a number which flows have for another.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::observed::Observed;
use crate::model::INTEGRATION_BRIDGE;

/// IEEE 802.1Q, table 9-2: 0 is no VLAN, 4095 is reserved.
const FIRST: u16 = 1;
const LAST: u16 = 4094;

/// Reads the local VLANs that the endpoints' `Port` rows agree on.
///
/// Where rows contradict each other (somebody edited them) the first in the order of port names holds, so
/// that two networks never share a number.
#[must_use]
pub fn recorded(observed: &Observed) -> BTreeMap<Uuid, u16> {
    with_recorded(BTreeMap::new(), observed, |_, _| true)
}

/// What is `in_force`, and of what [`recorded`] reads of other networks and numbers that which is `possible`.
pub(super) fn with_recorded(
    in_force: BTreeMap<Uuid, u16>,
    observed: &Observed,
    possible: impl Fn(Uuid, u16) -> bool,
) -> BTreeMap<Uuid, u16> {
    let mut by_network = in_force;
    let mut taken: BTreeSet<u16> = by_network.values().copied().collect();
    let ports = observed
        .bridges
        .get(INTEGRATION_BRIDGE)
        .into_iter()
        .flat_map(|bridge| bridge.ports.values());
    for (network, tag) in ports.filter_map(|port| port.local_vlan()) {
        let is_new = !by_network.contains_key(&network) && !taken.contains(&tag);
        if is_new && possible(network, tag) {
            taken.insert(tag);
            by_network.insert(network, tag);
        }
    }
    by_network
}

/// Gives numbers to networks that have none.
#[derive(Debug, Default)]
pub struct Allocator {
    last: u16,
}

impl Allocator {
    /// The next number that is neither `recorded` nor `mentioned` by a flow on any bridge; none when there is none.
    ///
    /// Numbers go round: one that was just given back is the last to be given away again.
    pub fn allocate(
        &mut self,
        recorded: &BTreeMap<Uuid, u16>,
        mentioned: &BTreeSet<u16>,
    ) -> Option<u16> {
        let taken: BTreeSet<u16> = recorded.values().chain(mentioned).copied().collect();
        let start = if self.last == 0 {
            taken.iter().copied().max().unwrap_or(0)
        } else {
            self.last
        };
        let found = (start.saturating_add(1)..=LAST)
            .chain(FIRST..=LAST)
            .find(|tag| !taken.contains(tag))?;
        self.last = found;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_round_and_never_meet() {
        let mut allocator = Allocator::default();
        let none = BTreeMap::new();
        assert_eq!(allocator.allocate(&none, &BTreeSet::new()), Some(1));
        assert_eq!(
            allocator.allocate(&none, &BTreeSet::new()),
            Some(2),
            "1 was just given back: it comes last"
        );
        assert_eq!(allocator.allocate(&none, &BTreeSet::from([3, 4])), Some(5));
        let recorded = BTreeMap::from([(Uuid::from_u128(1), 4094)]);
        assert_eq!(allocator.allocate(&recorded, &BTreeSet::new()), Some(6));
        assert_eq!(
            Allocator::default().allocate(&recorded, &BTreeSet::new()),
            Some(1),
            "after the last comes the first"
        );
        let full: BTreeSet<u16> = (FIRST..=LAST).collect();
        assert_eq!(allocator.allocate(&none, &full), None);
        let mut all_but_one = full;
        all_but_one.remove(&77);
        assert_eq!(allocator.allocate(&none, &all_but_one), Some(77));
    }
}
