//! OpenFlow for Open vSwitch: wire codec, flow language, tables and their difference. No sockets, no clock.
//!
//! A [`Flow`] is a [`Match`] with [`Instructions`] made of [`Action`]s; all of them speak of [`Field`]s, whose names, widths
//! and numbers stand in one table ([`field`]). All versions of OpenFlow from 1.0 to 1.5 are read and written, with the
//! extensions of Open vSwitch; text is the syntax of `ovs-ofctl`, both ways.
//!
//! # Quick start
//!
//! A flow from text, made by hand, compared by what it does, sent, and received:
//!
//! ```
//! use flows::ofpkt::{Body, FlowMod, Message};
//! use flows::{Action, EthAddr, Field, Flow, Match, Port, Version};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let read = flows::text::parse_flow(
//!     "table=20, priority=100,dl_vlan=7,dl_dst=02:00:00:00:00:01 actions=strip_vlan,load:0x2a->NXM_NX_TUN_ID[],output:3",
//! )?;
//! let matches = Match::new()
//!     .with(Field::DlVlan, 7u16)
//!     .with(Field::EthDst, EthAddr([2, 0, 0, 0, 0, 1]));
//! let made = Flow::new(20, 100, matches).doing([
//!     Action::PopVlan,
//!     Action::set_field(Field::TunId, 42u8),
//!     Action::output(Port(3)),
//! ]);
//! // Spelled in other ways, they are one flow.
//! assert_eq!(read, made);
//! assert_eq!(
//!     made.to_string(),
//!     "table=20, priority=100,dl_vlan=7,dl_dst=02:00:00:00:00:01 actions=pop_vlan,set_field:0x2a->tun_id,output:3",
//! );
//!
//! let bytes = Message::new(Version::V14, 1, Body::FlowMod(Box::new(FlowMod::add(made.clone())))).encode();
//! let Body::FlowMod(change) = Message::decode(&bytes)?.body else { unreachable!() };
//! assert_eq!(change.flow, made);
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! | for | see |
//! |---|---|
//! | flows and their parts | [`Flow`], [`Match`], [`Instructions`], [`Action`] and the parts of actions in [`action`] |
//! | what a field is called, how wide it is, what it needs | [`Field`], [`field::FieldInfo`] |
//! | text in the syntax of `ovs-ofctl` | [`text::parse_flow`], [`text::parse_flow_mod`], [`text::parse_flow_stats`], [`Flow::write_text`], [`text::Names`] |
//! | messages on the wire | [`ofpkt::Message`], [`ofpkt::Body`]; [`ofpkt::take`] cuts them out of a stream |
//! | a message as `ovs-ofctl ofp-print` tells it | [`text::print_message`] |
//! | a change of flows from a flow that stays where it is, alone or for a bundle | [`ofpkt::FlowChange`], [`ofpkt::BundleAddHead`] |
//! | matches and actions alone, in bytes | [`ofpkt::pieces`] |
//! | tables of flows, and the changes from one to another | [`FlowTable`], [`diff`] |
//! | whether two spellings do the same | `==` of [`Flow`], [`canonical_actions`] |
//! | whether one flow would replace another | `==` of [`Flow::place`] |
//!
//! Two examples stand beside the crate: `learning_switch`, a controller that switches connect to, and `dump_reader`, which
//! reads what `ovs-ofctl dump-flows` prints.
//!
//! # What it promises
//!
//! - Any bytes and any text give a value or a typed error that says where and why ([`ofpkt::DecodeError`],
//!   [`text::ParseError`]), in linear time and bounded memory, without a panic.
//! - What is not known (a field, an action, an instruction, a message) is kept as bytes, in its place, printed as such and
//!   encoded again.
//! - A decoded message encodes to the same bytes, a printed flow parses to the same flow.
//! - Flows are small: 100,000 of a large host take about 25 MB, an action two words.
//!
//! Where a specification is meant it is named: OpenFlow is that of the Open Networking Foundation, version 1.5.1 unless
//! another is said; `ovs-fields(7)`, `ovs-actions(7)` and `ovs-ofctl(8)` are the manual pages of Open vSwitch 3.1.

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
pub use flow::{DEFAULT_PRIORITY, Flow, FlowFlags, FlowPlace, Instructions, WriteMetadata};
pub use matching::{FieldMatch, FieldValue, Fields, Match, UnknownField};
pub use port::Port;
pub use semantics::canonical_actions;
pub use table::FlowTable;
pub use version::Version;
