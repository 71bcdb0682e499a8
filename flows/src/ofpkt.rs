//! OpenFlow on the wire: messages to bytes and back, in versions 1.0 to 1.5 with the extensions of Open vSwitch.
//!
//! [`take`] cuts one message out of what a connection has delivered, [`Message::decode`] reads it, [`Message::encode`]
//! writes one. Knows no sockets.
//!
//! What this crate does not know, such as a field or an action of a later release, is kept as bytes and written again as it
//! was: types and questions in [`Body::Other`] and its like, fields in [`Match::unknown`](crate::Match::unknown), actions in
//! [`Action::Unknown`](crate::Action::Unknown), instructions in [`Instructions::unknown`](crate::Instructions::unknown),
//! properties where they stand. What is malformed is a [`DecodeError`] that says where and why: lengths that lie, padding
//! that is none, structures that end too early.
//!
//! A controller lives with switches that know more than it does, but a switch can not do what it does not know. So there are
//! two ways to read. [`Message::decode`] is the controller's, for what a switch says. [`Message::decode_strict`], the parts of
//! [`pieces`] and [`crate::text::print_message`] are Open vSwitch's own: what it would refuse is the error that it answers.

mod actions;
mod bundle;
mod config;
pub(crate) mod continuation;
mod ct;
mod ct_flush;
mod encap;
mod error;
mod error_message;
mod error_table;
mod features;
mod flow_change;
mod flow_mod;
mod flow_removed;
mod flow_stats;
mod framing;
mod group;
mod hello;
mod instructions;
mod ipfix;
mod learn;
mod match_old;
mod message;
mod meter;
mod monitor;
mod multipart;
mod nicira;
pub(crate) mod oxm;
mod oxs;
mod packet_in;
mod packet_out;
pub mod pieces;
mod port_desc;
mod port_mod;
mod port_stats;
#[cfg(test)]
mod properties;
mod property;
mod queue;
pub(crate) mod registry;
mod role;
#[cfg(any(test, feature = "samples"))]
#[cfg_attr(
    not(test),
    allow(
        dead_code,
        unused_imports,
        reason = "tests of this crate use more of it"
    )
)]
mod samples;
mod table;
mod tlv;
#[cfg(test)]
mod total;
pub(crate) mod wire;

pub use bundle::{BundleAdd, BundleAddHead, BundleControl, BundleControlKind, BundleFlags};
pub use config::SwitchConfig;
pub use ct_flush::{CtFlush, CtTuple};
pub use error::{DecodeError, OfpError};
pub use error_message::ErrorMessage;
pub use features::SwitchFeatures;
pub use flow_change::FlowChange;
pub use flow_mod::{FlowMod, FlowModCommand};
pub use flow_removed::{FlowRemoved, RemovedReason};
pub(crate) use flow_stats::skip_modern_head;
pub use flow_stats::{FlowStats, FlowStatsRequest};
pub use framing::{FrameError, take};
pub use group::{
    ALL_BUCKETS, ALL_GROUPS, Bucket, GroupDesc, GroupFeatures, GroupMod, GroupModCommand,
    GroupStats, GroupType, SelectionMethod,
};
pub use hello::Hello;
pub use ipfix::IpfixStats;
pub use message::{Body, Message};
pub use meter::{
    ALL_METERS, MAX_METER, MeterBand, MeterConfig, MeterFeatures, MeterFlags, MeterMod,
    MeterModCommand, MeterStats,
};
pub use monitor::{FlowEvent, FlowMonitorRequest, FlowUpdate};
pub use multipart::{AggregateStats, MultipartReply, MultipartRequest, SwitchDesc};
pub use packet_in::{PacketIn, PacketIn2};
pub use packet_out::PacketOut;
pub use port_desc::{PortChange, PortDesc, PortStatus};
pub use port_mod::PortMod;
pub use port_stats::PortStats;
pub use queue::{ALL_QUEUES, QueueConfig, QueueConfigs, QueueRequest, QueueStats};
pub use role::{AsyncConfig, Role, RoleMessage, RoleStatus};
pub use table::{TableAbilities, TableDesc, TableFeatures, TableMod, TableStats, TableStatus};
pub use tlv::{TlvCommand, TlvMap, TlvTable, TlvTableMod};

/// The buffer id of a message that has no buffer (`OFP_NO_BUFFER`).
pub const NO_BUFFER: u32 = u32::MAX;
/// The group that stands for any (`OFPG_ANY`).
pub const ANY_GROUP: u32 = u32::MAX;
/// The table that stands for all (`OFPTT_ALL`).
pub const ALL_TABLES: u8 = 255;

pub(crate) use actions::{needs_ct, needs_newer_form};
pub(crate) use match_old::fits_v11;
pub(crate) use oxm::{has_short_header, is_valid as is_valid_value};
pub(crate) use port_stats::{checked_port, read_request as read_port_request};
pub(crate) use property::{next as next_property, put as put_property};
pub(crate) use queue::read_config_request as read_queue_config_request;

/// A message of any kind and version, made of bytes by chance: for tests that compare this codec with another one.
#[cfg(feature = "samples")]
#[must_use]
pub fn sample(bytes: &[u8]) -> Message {
    samples::any_message(bytes)
}

/// What the messages are called that this crate knows, whatever their version; see [`Message::name`].
pub fn messages() -> impl Iterator<Item = &'static str> {
    registry::names()
}

/// Adds an entry of NXM or OXM to a match, also one that is not known.
pub(crate) fn add_entry(matches: &mut crate::Match, entry: &[u8]) -> Result<(), DecodeError> {
    oxm::add_entries(matches, entry)
}
