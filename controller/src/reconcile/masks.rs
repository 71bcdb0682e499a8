//! How many kinds of match each table of a bridge has: which bits of which fields they look at. Open vSwitch keeps the flows of
//! one kind in one hash table and looks into all of them for a packet that it does not know yet, so their number is what such a
//! packet costs. Counted flow by flow.

use std::collections::BTreeMap;
use std::hash::Hasher;

use flows::Flow;

use crate::model::Settings;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Masks {
    /// Flows by table and kind.
    tables: BTreeMap<u8, BTreeMap<u64, usize>>,
    limit: usize,
    /// There is room in a table that had none.
    has_room_again: bool,
}

impl Default for Masks {
    fn default() -> Self {
        Self {
            tables: BTreeMap::new(),
            limit: Settings::DEFAULT_MASK_LIMIT,
            has_room_again: false,
        }
    }
}

impl Masks {
    /// False if the flow would be one kind too many for its table.
    pub(super) fn has_room_for(&self, flow: &Flow) -> bool {
        self.tables
            .get(&flow.table)
            .is_none_or(|kinds| kinds.len() < self.limit || kinds.contains_key(&kind(flow)))
    }

    pub(super) fn add(&mut self, flow: &Flow) {
        let kinds = self.tables.entry(flow.table).or_default();
        *kinds.entry(kind(flow)).or_default() += 1;
    }

    pub(super) fn remove(&mut self, flow: &Flow) {
        let Some(kinds) = self.tables.get_mut(&flow.table) else {
            return;
        };
        let kind = kind(flow);
        match kinds.get_mut(&kind) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                self.has_room_again |= kinds.len() >= self.limit;
                kinds.remove(&kind);
            }
        }
    }

    /// True if there is room since the last call in a table that had none.
    pub(super) fn take_room(&mut self) -> bool {
        std::mem::take(&mut self.has_room_again)
    }

    /// From now on a table may have so many kinds. Those that it has it keeps.
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.has_room_again |= limit > self.limit;
        self.limit = limit;
    }

    /// How many kinds a table may have.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }
}

/// A number for the kind of the flow's match. Should two kinds have the same, which nobody has anything of, one is not
/// counted.
fn kind(flow: &Flow) -> u64 {
    let mut mixed = Mixed(0);
    flow.matches.hash_mask(&mut mixed);
    mixed.finish()
}

/// Mixes what it is fed into one number, fast; whoever wants to find two things with the same number can.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 =
                (self.0.rotate_left(29) ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
}

#[cfg(test)]
mod tests {
    use flows::{EthAddr, Field, Match};

    use super::*;

    fn flow(table: u8, matches: Match) -> Flow {
        Flow::new(table, 1, matches)
    }

    #[test]
    fn a_kind_is_what_is_looked_at_and_not_what_is_found() {
        let port = |n: u32| Match::new().with(Field::InPort, n);
        let vlan = |n: u16| port(1).with(Field::VlanVid, n);
        let masked = |mask: u16| port(1).with_masked(Field::VlanTci, 0u16, mask);
        let of = |matches| kind(&flow(0, matches));
        assert_eq!(of(port(1)), of(port(2)));
        assert_eq!(of(vlan(0x1001)), of(vlan(0x1002)));
        let different = [
            Match::new(),
            port(1),
            vlan(0x1001),
            masked(0x0fff),
            masked(0x1000),
            Match::new().with(Field::EthSrc, EthAddr([2; 6])),
            Match::new().with(Field::EthDst, EthAddr([2; 6])),
        ];
        let kinds: std::collections::BTreeSet<_> = different.into_iter().map(of).collect();
        assert_eq!(kinds.len(), 7);
    }

    #[test]
    fn a_full_table_has_room_for_the_kinds_that_it_has() {
        let mut masks = Masks {
            limit: 2,
            ..Masks::default()
        };
        let masked = |mask: u16| Match::new().with_masked(Field::VlanTci, 0u16, mask);
        for matches in [masked(1), masked(2), masked(2)] {
            masks.add(&flow(0, matches));
        }
        assert!(masks.has_room_for(&flow(0, masked(2))));
        assert!(!masks.has_room_for(&flow(0, masked(4))));
        assert!(masks.has_room_for(&flow(1, masked(4))), "another table");
        masks.remove(&flow(0, masked(2)));
        assert!(!masks.take_room(), "one of two is left");
        masks.remove(&flow(0, masked(2)));
        assert!(masks.take_room() && !masks.take_room());
        assert!(masks.has_room_for(&flow(0, masked(4))));
    }

    #[test]
    fn a_greater_limit_makes_room_and_a_smaller_one_takes_nothing_away() {
        let mut masks = Masks::default();
        let masked = |mask: u16| Match::new().with_masked(Field::VlanTci, 0u16, mask);
        for matches in [masked(1), masked(2)] {
            masks.add(&flow(0, matches));
        }
        masks.set_limit(1);
        assert!(!masks.take_room());
        assert!(masks.has_room_for(&flow(0, masked(2))), "it has that kind");
        assert!(!masks.has_room_for(&flow(0, masked(4))));
        masks.set_limit(3);
        assert!(masks.take_room());
        assert!(masks.has_room_for(&flow(0, masked(4))));
        masks.set_limit(3);
        assert!(!masks.take_room(), "nothing has changed");
    }
}
