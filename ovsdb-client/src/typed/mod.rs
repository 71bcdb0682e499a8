//! Rows as Rust structs: declared once with [`table!`](crate::table), checked against the server's schema at connect,
//! read from the replica and written in transactions.
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//! use ovsdb_client::typed::{Maybe, Ranged, Strong, TableRow};
//!
//! ovsdb_client::enumeration! {
//!     /// How a port is tagged.
//!     pub enum VlanMode { Access = "access", Trunk = "trunk" }
//! }
//!
//! ovsdb_client::table! {
//!     /// A port of a bridge.
//!     pub struct Port in "Port" {
//!         pub name: String,
//!         pub tag: Option<Ranged<0, 4095>>,
//!         pub mode = "vlan_mode": Option<VlanMode>,
//!         pub interfaces: BTreeSet<Strong<Interface>>,
//!         pub external_ids: BTreeMap<String, String>,
//!         /// Servers of before Open vSwitch 2.8 lack it.
//!         pub protected: Maybe<bool>,
//!     }
//! }
//!
//! ovsdb_client::table! {
//!     /// What a port is made of.
//!     pub struct Interface in "Interface" { pub name: String }
//! }
//!
//! let tables = [Port::monitor(), Interface::monitor()];
//! assert_eq!(tables.each_ref().map(|table| table.name()), ["Port", "Interface"]);
//! ```

mod column;
mod declare;

pub use column::{
    Column, Maybe, Ranged, Scalar, Strong, Weak, check_enumeration, check_scalar, read_column,
};

use uuid::Uuid;

use crate::monitor::MonitorTable;
use crate::operation::Columns;
use crate::replica::{ColumnError, Replica, Row};

/// A struct that mirrors a table; made by [`table!`](crate::table).
pub trait TableRow: Sized {
    /// The table.
    const TABLE: &'static str;

    /// The request for just the columns of the struct. A server on which one is missing or of another type is refused
    /// with a [`SchemaMismatch`](crate::monitor::SchemaMismatch) that names it.
    fn monitor() -> MonitorTable;

    /// The struct of a row.
    ///
    /// # Errors
    /// A column is not what the struct says; this can be only where the table is monitored otherwise than by
    /// [`monitor`](Self::monitor), or a string is none of an [`enumeration!`](crate::enumeration) that the schema does not
    /// restrict.
    fn read(row: &Row) -> Result<Self, ColumnError>;

    /// The columns for `insert` and `update`; a [`Maybe`] that is not known is left out.
    fn columns(&self) -> Columns;
}

impl Replica {
    /// The rows of a table as structs, with their `_uuid`.
    pub fn typed<T: TableRow>(&self) -> impl Iterator<Item = Result<(Uuid, T), ColumnError>> {
        self.rows(T::TABLE)
            .map(|row| Ok((row.uuid(), T::read(row)?)))
    }

    /// The row that a reference leads to; `None` when it is not replicated.
    #[must_use]
    pub fn follow<T: TableRow>(
        &self,
        reference: impl Into<Reference<T>>,
    ) -> Option<Result<T, ColumnError>> {
        self.row(T::TABLE, reference.into().0).map(T::read)
    }
}

/// The `_uuid` of a row of a table.
pub struct Reference<T>(Uuid, std::marker::PhantomData<T>);

impl<T> From<Strong<T>> for Reference<T> {
    fn from(reference: Strong<T>) -> Self {
        Self(reference.uuid(), std::marker::PhantomData)
    }
}

impl<T> From<Weak<T>> for Reference<T> {
    fn from(reference: Weak<T>) -> Self {
        Self(reference.uuid(), std::marker::PhantomData)
    }
}
