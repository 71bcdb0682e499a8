//! A flow that several owners share, compared by its place in a flow table. What is equal by meaning is held once:
//! what shall be, what is there and what is on its way point to the same flow.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use flows::Flow;

/// A map by place.
pub type EntryMap<V> = HashMap<Entry, V, BuildHasherDefault<Hashed>>;
/// A set of entries in different places.
pub type EntrySet = HashSet<Entry, BuildHasherDefault<Hashed>>;

/// Nobody outside knows which places have the same hash.
static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Takes the hash that an entry has already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

/// A flow that several owners share; `==` is that of the flow.
#[derive(Clone)]
pub struct SharedFlow(Arc<Placed>);

struct Placed {
    flow: Flow,
    /// Of its place: a flow is looked up many times, in several tables.
    hash: u64,
}

impl From<Flow> for SharedFlow {
    fn from(flow: Flow) -> Self {
        let hash = KEYS.hash_one(flow.place());
        Self(Arc::new(Placed { flow, hash }))
    }
}

impl Deref for SharedFlow {
    type Target = Flow;

    fn deref(&self) -> &Flow {
        &self.0.flow
    }
}

impl PartialEq for SharedFlow {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl Eq for SharedFlow {}

impl fmt::Debug for SharedFlow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}

/// A flow whose `==`, order and hash are those of its place ([`flows::FlowPlace`]). What two entries do is compared by `a.flow() == b.flow()`.
///
/// It is no more than a pointer, for there are several tables of a hundred thousand of them.
#[derive(Clone, Debug)]
pub struct Entry(SharedFlow);

impl Entry {
    /// The flow's entry.
    #[must_use]
    pub fn new(flow: Flow) -> Self {
        Self(flow.into())
    }

    /// The flow.
    #[must_use]
    pub fn flow(&self) -> &Flow {
        &self.0
    }

    /// The flow, for one more owner.
    #[must_use]
    pub fn shared(&self) -> SharedFlow {
        self.0.clone()
    }

    /// True if both are one flow in memory.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.0, &other.0.0)
    }

    /// True if both flows do the same, in the same place and for the same owner.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn place_hash(&self) -> u64 {
        self.0.0.hash
    }
}

impl From<SharedFlow> for Entry {
    fn from(flow: SharedFlow) -> Self {
        Self(flow)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.is(other)
            || self.place_hash() == other.place_hash()
                && self.flow().place() == other.flow().place()
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
        if self.is(other) {
            return Ordering::Equal;
        }
        self.flow().place().cmp(&other.flow().place())
    }
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.place_hash());
    }
}
