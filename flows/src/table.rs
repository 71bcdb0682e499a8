//! The flows of one switch, each once, in a fixed order. Knows nothing of any switch.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::collections::btree_set;
use std::fmt;

use crate::{Flow, FlowPlace};

/// A set of flows of which each has a place of its own ([`FlowPlace`]), in the order of the places.
#[derive(Clone, Default)]
pub struct FlowTable {
    flows: BTreeSet<Entry>,
}

/// A flow, compared by its place.
#[derive(Clone)]
struct Entry(Flow);

/// What a [`FlowTable`] is looked up by, so that a lookup needs no copy of a flow.
trait Key {
    fn place(&self) -> FlowPlace<'_>;
}

impl Key for Flow {
    fn place(&self) -> FlowPlace<'_> {
        self.place()
    }
}

impl Key for Entry {
    fn place(&self) -> FlowPlace<'_> {
        self.0.place()
    }
}

impl<'a> Borrow<dyn Key + 'a> for Entry {
    fn borrow(&self) -> &(dyn Key + 'a) {
        self
    }
}

impl PartialEq for dyn Key + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for dyn Key + '_ {}

impl PartialOrd for dyn Key + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn Key + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl FlowTable {
    /// No flows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many flows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Adds the flow and returns the one that it replaces.
    pub fn insert(&mut self, flow: Flow) -> Option<Flow> {
        self.flows.replace(Entry(flow)).map(|entry| entry.0)
    }

    /// The flow in the place of `like`.
    #[must_use]
    pub fn get(&self, like: &Flow) -> Option<&Flow> {
        self.flows.get(like as &dyn Key).map(|entry| &entry.0)
    }

    /// Removes and returns the flow in the place of `like`.
    pub fn remove(&mut self, like: &Flow) -> Option<Flow> {
        self.flows.take(like as &dyn Key).map(|entry| entry.0)
    }

    /// The flows in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.flows.iter())
    }
}

/// See [`FlowTable::iter`].
#[derive(Clone)]
pub struct Iter<'a>(btree_set::Iter<'a, Entry>);

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Flow;

    fn next(&mut self) -> Option<&'a Flow> {
        self.0.next().map(|entry| &entry.0)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<'a> IntoIterator for &'a FlowTable {
    type Item = &'a Flow;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<Flow> for FlowTable {
    /// Of flows that replace each other the last holds.
    fn from_iter<I: IntoIterator<Item = Flow>>(flows: I) -> Self {
        let mut out = Self::new();
        for flow in flows {
            out.insert(flow);
        }
        out
    }
}

/// Two tables are equal if their flows are, by meaning ([`Flow::same_as`]).
impl PartialEq for FlowTable {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for FlowTable {}

impl fmt::Debug for FlowTable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Field, Match};

    fn flow(table: u8, priority: u16, port: u32, out: u32) -> Flow {
        Flow::new(table, priority, Match::new().with(Field::InPort, port))
            .doing([Action::output(out)])
    }

    #[test]
    fn a_flow_replaces_the_one_with_its_table_priority_and_match() {
        let mut table = FlowTable::new();
        assert_eq!(table.insert(flow(0, 1, 1, 2)), None);
        assert_eq!(table.insert(flow(0, 1, 1, 3)), Some(flow(0, 1, 1, 2)));
        assert_eq!(table.insert(flow(0, 2, 1, 3)), None);
        assert_eq!(table.insert(flow(1, 1, 1, 3)), None);
        assert_eq!(table.len(), 3);
        assert_eq!(table.get(&flow(0, 1, 1, 9)), Some(&flow(0, 1, 1, 3)));
        assert_eq!(table.remove(&flow(0, 1, 1, 9)), Some(flow(0, 1, 1, 3)));
        assert_eq!(table.remove(&flow(0, 1, 1, 9)), None);
        assert_eq!(table.get(&flow(0, 1, 1, 9)), None);
    }

    #[test]
    fn order_is_table_then_highest_priority_then_match() {
        let table = FlowTable::from_iter([
            flow(1, 9, 1, 1),
            flow(0, 1, 2, 1),
            flow(0, 5, 1, 1),
            flow(0, 1, 1, 1),
        ]);
        let order: Vec<_> = table.iter().map(|f| (f.table, f.priority)).collect();
        assert_eq!(order, [(0, 5), (0, 1), (0, 1), (1, 9)]);
    }
}
