//! A flow that several owners share, compared by its place in a flow table. What is equal by meaning is held once:
//! what shall be, what is there and what is on its way point to the same flow.

use std::cmp::{Ordering, Reverse};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use flows::{Flow, Match};

/// A flow whose `==`, order and hash are those of table, priority and match (OpenFlow 1.5.1, 6.4: an added flow replaces
/// the one that has the same). What two entries do is compared by `a.flow() == b.flow()`.
#[derive(Clone, Debug)]
pub struct Entry(Arc<Flow>);

impl Entry {
    /// The flow's entry.
    #[must_use]
    pub fn new(flow: Flow) -> Self {
        Self(Arc::new(flow))
    }

    /// The flow.
    #[must_use]
    pub fn flow(&self) -> &Flow {
        &self.0
    }

    /// The flow, for one more owner.
    #[must_use]
    pub fn shared(&self) -> Arc<Flow> {
        Arc::clone(&self.0)
    }

    /// True if both are one flow in memory.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// True if both flows do the same, in the same place and for the same owner.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.is(other) || self.0 == other.0
    }

    fn key(&self) -> (u8, Reverse<u16>, &Match) {
        (self.0.table, Reverse(self.0.priority), &self.0.matches)
    }
}

impl From<Arc<Flow>> for Entry {
    fn from(flow: Arc<Flow>) -> Self {
        Self(flow)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By table, highest priority first, then match.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}
