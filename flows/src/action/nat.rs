//! `ct` and `nat`: connection tracking and address translation (ovs-actions(7), "The ct action").

use super::{Action, Subfield};
use std::net::IpAddr;

/// The zone of a connection: a number, or what a subfield holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CtZone {
    /// A fixed zone.
    Number(u16),
    /// 16 bits of a field.
    Field(Subfield),
}

/// `ct(...)`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ct {
    /// Whether the connection is remembered.
    pub commit: bool,
    /// Whether it is remembered as begun by this packet, whatever was known of it (with `commit`).
    pub force: bool,
    /// The zone.
    pub zone: CtZone,
    /// The table in which a copy goes on with the state known; 255: none.
    pub recirc_table: u8,
    /// The number of the application helper: 21 ftp, 69 tftp; 0 none.
    pub alg: u16,
    /// `nat` at most once and first, then writes of `ct_mark` and `ct_label`.
    pub actions: Box<[Action]>,
    /// Address translation.
    pub nat: Option<Nat>,
}

/// Which address is translated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NatDirection {
    /// The source.
    Src,
    /// The destination.
    Dst,
}

/// `nat(...)`; without a direction: as the connection was committed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Nat {
    /// The flags as they are on the wire: 1 src, 2 dst, 4 persistent, 8 hash, 16 random.
    pub flags: u16,
    /// Which address is translated.
    pub direction: Option<NatDirection>,
    /// First and last address.
    pub addresses: Option<(IpAddr, Option<IpAddr>)>,
    /// First and last port; the last one 0 if not said.
    pub ports: Option<(u16, Option<u16>)>,
}
