//! What a session says of the flows of a bridge: those that are there when it begins, what others do to them afterwards, and
//! what that means to heddle.

use flows::Flow;

/// A piece of the list of a bridge's flows that a session begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A list begins: what was listed before belongs to a session that has never begun.
    Nothing,
    /// These are there besides.
    Flows(Vec<Flow>),
    /// What was listed of this table may be wrong, and comes again.
    Again(u8),
}

/// A change of a bridge's flows that this session has not asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The flow is there now, in place of the one with its table, priority and match if there was one.
    There(Flow),
    /// The flow is gone.
    Gone(Flow),
}

/// Whose work the change undoes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// One of heddle's flows is deleted.
    Deleted(Flow),
    /// One of heddle's flows is another now: this one.
    Altered(Flow),
    /// A flow that is not heddle's has come to a place where heddle has none.
    Foreign(Flow),
}
