//! A flow that several owners share, compared by its place in a flow table. What is equal by meaning is held once:
//! what shall be, what is there and what is on its way point to the same flow.

use std::cmp::{Ordering, Reverse};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use flows::{Flow, Match};

/// A flow whose `==`, order and hash are those of table, priority and match (OpenFlow 1.5.1, 6.4: an added flow replaces
/// the one that has the same). What two entries do is compared by `a.flow() == b.flow()`.
#[derive(Clone, Debug)]
pub struct Entry {
    flow: Arc<Flow>,
    /// Of its place: a flow is looked up many times, in several tables.
    hash: u64,
}

impl Entry {
    /// The flow's entry.
    #[must_use]
    pub fn new(flow: Flow) -> Self {
        Self::from(Arc::new(flow))
    }

    /// The flow.
    #[must_use]
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The flow, for one more owner.
    #[must_use]
    pub fn shared(&self) -> Arc<Flow> {
        Arc::clone(&self.flow)
    }

    /// True if both are one flow in memory.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.flow, &other.flow)
    }

    /// True if both flows do the same, in the same place and for the same owner.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.is(other) || self.flow == other.flow
    }
}

fn place(flow: &Flow) -> (u8, Reverse<u16>, &Match) {
    (flow.table, Reverse(flow.priority), &flow.matches)
}

impl From<Arc<Flow>> for Entry {
    fn from(flow: Arc<Flow>) -> Self {
        let mut hasher = DefaultHasher::new();
        place(&flow).hash(&mut hasher);
        let hash = hasher.finish();
        Self { flow, hash }
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || self.hash == other.hash && place(&self.flow) == place(&other.flow)
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
        if self.is(other) {
            return Ordering::Equal;
        }
        place(&self.flow).cmp(&place(&other.flow))
    }
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}
