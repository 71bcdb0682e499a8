//! A set of flows as a switch holds them: at most one for each table, priority and match.

use crate::{Flow, Match};
use std::collections::BTreeMap;

/// What makes a flow unique in a switch.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FlowKey {
    /// The table.
    pub table: u8,
    /// The priority.
    pub priority: u16,
    /// The match.
    pub matches: Match,
}

impl FlowKey {
    /// The key of a flow.
    #[must_use]
    pub fn of(flow: &Flow) -> Self {
        Self {
            table: flow.table,
            priority: flow.priority,
            matches: flow.matches.clone(),
        }
    }
}

/// Flows by key, in the order of table, priority and match.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FlowTable {
    flows: BTreeMap<FlowKey, Flow>,
}

impl FlowTable {
    /// No flows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a flow and gives back the one whose place it takes.
    pub fn insert(&mut self, flow: Flow) -> Option<Flow> {
        self.flows.insert(FlowKey::of(&flow), flow)
    }

    /// Removes a flow.
    pub fn remove(&mut self, key: &FlowKey) -> Option<Flow> {
        self.flows.remove(key)
    }

    /// The flow with this key.
    #[must_use]
    pub fn get(&self, key: &FlowKey) -> Option<&Flow> {
        self.flows.get(key)
    }

    /// How many flows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// The flows in order of table, priority and match.
    pub fn iter(&self) -> impl Iterator<Item = &Flow> {
        self.flows.values()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&FlowKey, &Flow)> {
        self.flows.iter()
    }
}

impl FromIterator<Flow> for FlowTable {
    fn from_iter<I: IntoIterator<Item = Flow>>(flows: I) -> Self {
        Self {
            flows: flows.into_iter().map(|flow| (FlowKey::of(&flow), flow)).collect(),
        }
    }
}

impl Extend<Flow> for FlowTable {
    fn extend<I: IntoIterator<Item = Flow>>(&mut self, flows: I) {
        self.flows
            .extend(flows.into_iter().map(|flow| (FlowKey::of(&flow), flow)));
    }
}
