//! OpenFlow for Open vSwitch: wire codec, flow language, tables and their difference. No sockets, no clock.
//!
//! A [`Flow`] is a [`Match`] with [`Instructions`] made of [`Action`]s; all of them speak of [`Field`]s, whose names, widths
//! and numbers stand in one table ([`field`]). `Display` writes them as `ovs-ofctl` does.

pub mod action;
pub mod diff;
mod eth_addr;
pub mod field;
mod flow;
mod matching;
pub mod ofpkt;
mod port;
mod raw;
mod semantics;
mod table;
pub mod text;
mod version;

pub use action::{Action, Subfield};
pub use eth_addr::{EthAddr, EthAddrError};
pub use field::Field;
pub use flow::{DEFAULT_PRIORITY, Flow, FlowFlags, Instructions, WriteMetadata};
pub use matching::{FieldMatch, FieldValue, Fields, Match, UnknownField};
pub use port::Port;
pub use semantics::canonical_actions;
pub use table::FlowTable;
pub use version::Version;
