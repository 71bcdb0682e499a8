//! The flows of one bridge, each with the unit that owns it. Knows nothing of what the units are made of.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use uuid::Uuid;

use super::{Cookie, Entry, EntryMap, Kind};
use flows::Flow;

/// What owns flows: all flows of one unit are compiled together, and together only.
///
/// Where two units want the same place in a flow table the lower one has it, and the other gets it when the lower goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// The pipeline itself.
    Base,
    /// A network.
    Network(Uuid),
    /// A port, be it here or elsewhere.
    Port(Uuid),
    /// Another host.
    Host(Uuid),
}

impl Unit {
    /// The cookie of its flows.
    #[must_use]
    pub fn cookie(self) -> Cookie {
        match self {
            Self::Base => Cookie::BASE,
            Self::Network(id) => Cookie::new(Kind::Network, id),
            Self::Port(id) => Cookie::new(Kind::Port, id),
            Self::Host(id) => Cookie::new(Kind::Host, id),
        }
    }
}

/// The flows that one bridge must have.
#[derive(Clone, Default)]
pub struct BridgeFlows {
    /// What the switch must have, and the unit whose it is.
    flows: EntryMap<Unit>,
    /// What units want in places that lower ones have.
    shadowed: EntryMap<BTreeMap<Unit, Entry>>,
    /// What each unit wants, in order.
    units: HashMap<Unit, Box<[Entry]>>,
}

impl BridgeFlows {
    /// How many flows the switch must have.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// What the switch must have in the place of `like`, and the unit whose it is.
    #[must_use]
    pub fn get(&self, like: &Entry) -> Option<(&Entry, Unit)> {
        self.flows
            .get_key_value(like)
            .map(|(entry, unit)| (entry, *unit))
    }

    /// All flows with their units, in no order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Entry, Unit)> {
        self.flows.iter().map(|(entry, unit)| (entry, *unit))
    }

    /// The units that want something, in no order.
    pub fn units(&self) -> impl Iterator<Item = Unit> {
        self.units.keys().copied()
    }

    /// The flows of a unit, in order.
    pub fn in_place(&self, unit: Unit) -> impl Iterator<Item = &Entry> {
        let has_place =
            move |entry: &&Entry| self.shadowed.is_empty() || self.flows.get(*entry) == Some(&unit);
        self.of(unit).iter().filter(has_place)
    }

    /// What a unit wants, whether it has the place or not.
    #[must_use]
    pub fn of(&self, unit: Unit) -> &[Entry] {
        self.units.get(&unit).map_or(&[], |entries| entries)
    }

    /// Makes `flows` all that the unit wants; of several in one place the first counts. What is `there` already is taken
    /// for it. Adds to `touched` every place in which something may be different now.
    pub(super) fn replace(
        &mut self,
        unit: Unit,
        flows: Vec<Flow>,
        there: impl Fn(&Entry) -> Option<Entry>,
        touched: &mut Vec<Entry>,
    ) {
        let before = self.units.remove(&unit).unwrap_or_default();
        let flows = flows.into_iter().map(Entry::new).map(|entry| {
            let known = there(&entry).filter(|known| known.same_as(&entry));
            known.unwrap_or(entry)
        });
        let mut after: Vec<Entry> = flows.collect();
        after.sort();
        after.dedup();
        let mut old = before.into_iter().peekable();
        for entry in &mut after {
            while let Some(gone) = old.next_if(|old| old < entry) {
                self.retract(unit, &gone);
                touched.push(gone);
            }
            if let Some(old) = old.next_if(|old| old == entry) {
                if old.same_as(entry) {
                    *entry = old;
                    continue;
                }
                self.retract(unit, &old);
            }
            self.claim(unit, entry.clone());
            touched.push(entry.clone());
        }
        for gone in old {
            self.retract(unit, &gone);
            touched.push(gone);
        }
        if !after.is_empty() {
            self.units.insert(unit, after.into());
        }
    }

    fn claim(&mut self, unit: Unit, entry: Entry) {
        match self.flows.get(&entry) {
            None => drop(self.flows.insert(entry, unit)),
            Some(&lower) if lower < unit => self.shadow(unit, entry),
            // Removed first, for a map keeps its old key, and the flow is in the key.
            Some(_) => {
                if let Some((shadowed, higher)) = self.flows.remove_entry(&entry) {
                    self.shadow(higher, shadowed);
                }
                self.flows.insert(entry, unit);
            }
        }
    }

    fn shadow(&mut self, unit: Unit, entry: Entry) {
        let place = self.shadowed.entry(entry.clone()).or_default();
        place.insert(unit, entry);
    }

    fn retract(&mut self, unit: Unit, entry: &Entry) {
        let has_place = self.flows.get(entry) == Some(&unit);
        if has_place {
            self.flows.remove(entry);
        }
        let Some(waiting) = self.shadowed.get_mut(entry) else {
            return;
        };
        if !has_place {
            waiting.remove(&unit);
        } else if let Some((next, entry)) = waiting.pop_first() {
            self.flows.insert(entry, next);
        }
        if waiting.is_empty() {
            self.shadowed.remove(entry);
        }
    }
}

impl fmt::Debug for BridgeFlows {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted: BTreeMap<&Entry, &Unit> = self.flows.iter().collect();
        out.debug_list()
            .entries(sorted.into_keys().map(Entry::flow))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use flows::{Action, Field, Match};

    use super::*;

    fn flow(in_port: u32, out: u32) -> Flow {
        Flow::new(0, 1, Match::new().with(Field::InPort, in_port)).doing([Action::output(out)])
    }

    fn unit(n: u128) -> Unit {
        Unit::Port(Uuid::from_u128(n))
    }

    fn outputs(flows: &BridgeFlows) -> Vec<Flow> {
        let sorted: std::collections::BTreeSet<&Entry> = flows.flows.keys().collect();
        sorted
            .into_iter()
            .map(|entry| entry.flow().clone())
            .collect()
    }

    #[test]
    fn the_lowest_unit_has_the_place_whatever_the_order() {
        for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [3, 1, 2]] {
            let mut flows = BridgeFlows::default();
            let touched = &mut Vec::new();
            for n in order {
                flows.replace(unit(n), vec![flow(7, n as u32)], |_| None, touched);
            }
            assert_eq!(outputs(&flows), [flow(7, 1)], "{order:?}");
            flows.replace(unit(2), vec![flow(7, 22)], |_| None, touched);
            assert_eq!(outputs(&flows), [flow(7, 1)], "{order:?}");
            flows.replace(unit(1), vec![], |_| None, touched);
            assert_eq!(outputs(&flows), [flow(7, 22)], "{order:?}");
            flows.replace(unit(3), vec![], |_| None, touched);
            flows.replace(unit(2), vec![], |_| None, touched);
            assert!(flows.is_empty() && flows.shadowed.is_empty() && flows.units.is_empty());
        }
    }

    #[test]
    fn only_what_changes_is_touched_and_what_stays_is_the_same_flow() {
        let mut flows = BridgeFlows::default();
        let mut touched = Vec::new();
        flows.replace(
            unit(1),
            vec![flow(3, 1), flow(1, 1), flow(2, 1)],
            |_| None,
            &mut touched,
        );
        assert_eq!(touched.len(), 3);
        let stays = flows.of(unit(1)).first().unwrap().clone();
        touched.clear();
        flows.replace(
            unit(1),
            vec![flow(1, 1), flow(2, 2), flow(4, 1)],
            |_| None,
            &mut touched,
        );
        let touched: Vec<Flow> = touched.iter().map(|entry| entry.flow().clone()).collect();
        assert_eq!(touched, [flow(2, 2), flow(3, 1), flow(4, 1)]);
        assert!(flows.of(unit(1)).first().unwrap().is(&stays));
        assert_eq!(outputs(&flows), [flow(1, 1), flow(2, 2), flow(4, 1)]);
    }

    #[test]
    fn what_is_there_is_taken_if_it_is_the_same() {
        let mut flows = BridgeFlows::default();
        let there = Entry::new(flow(1, 5));
        let known = |_: &Entry| Some(there.clone());
        flows.replace(unit(1), vec![flow(1, 5)], known, &mut Vec::new());
        assert!(flows.of(unit(1)).first().unwrap().is(&there));
        flows.replace(unit(1), vec![flow(1, 6)], known, &mut Vec::new());
        assert_eq!(outputs(&flows), [flow(1, 6)]);
    }

    #[test]
    fn of_several_in_one_place_the_first_counts() {
        let mut flows = BridgeFlows::default();
        flows.replace(
            unit(1),
            vec![flow(1, 5), flow(1, 6)],
            |_| None,
            &mut Vec::new(),
        );
        assert_eq!(outputs(&flows), [flow(1, 5)]);
    }
}
