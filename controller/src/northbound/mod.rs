//! The northbound database: its schema, its rows as a [`Site`](crate::model::Site), and the transactions that write
//! intent. Allocation happens in the writing transaction and is guarded by the revision of the site.

mod change;
mod plan;
mod remove;

pub use change::{Action, Cell, Change, Table, changes};
pub use plan::{plan, random_mac};
pub use remove::{RemoveError, remove};
