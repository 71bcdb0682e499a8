//! The northbound database: its schema, its rows as a [`Site`](crate::model::Site), and the transactions that write
//! intent. Allocation happens in the writing transaction and is guarded by the revision of the site.

mod change;
mod commit;
mod host;
mod mirror;
mod plan;
mod remove;
mod rows;
mod schema;
mod transaction;

pub use change::{Action, Cell, Change, Table, changes};
pub use commit::{CommitError, Committed, bump, commit};
pub use host::{Registration, Report, port_down, port_up, register, report};
pub use mirror::{Mirror, Update};
pub use plan::{plan, random_mac};
pub use remove::{RemoveError, remove};
pub use rows::{LeftOut, Reading, RowError, site};
pub use schema::{DATABASE, SCHEMA, tables};
