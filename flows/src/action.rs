//! Actions: what a flow does with a packet. Each keeps the spelling it came in (see [`SetSpelling`]), so that text and wire
//! are reproduced exactly; whether two spellings do the same is for `semantics`. Knows neither text nor wire.

mod learn;
mod nat;
mod rare;
mod set_field;

pub use learn::{Learn, LearnSource, LearnSpec, LearnTarget};
pub use nat::{Ct, CtZone, Nat, NatDirection};
pub use rare::RareList;
pub(crate) use set_field::load_segments;
pub use set_field::{SetField, SetSpelling, ValueBytes};

use crate::field::Field;
use crate::{EthAddr, Port};
use std::net::Ipv4Addr;

/// Some bits of a field, as in `NXM_NX_REG0[0..15]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Subfield {
    /// The field.
    pub field: Field,
    /// How many bits above the least significant one it begins.
    pub offset: u16,
    /// How many bits it has.
    pub bits: u16,
}

impl Subfield {
    /// The whole of a field.
    #[must_use]
    pub fn whole(field: Field) -> Self {
        Self {
            field,
            offset: 0,
            bits: field.bits(),
        }
    }

    /// `bits` bits from bit `offset` on.
    #[must_use]
    pub fn part(field: Field, offset: u16, bits: u16) -> Self {
        Self {
            field,
            offset,
            bits,
        }
    }

    /// True if these are all bits of the field.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.offset == 0 && self.bits == self.field.bits()
    }

    /// The mask of these bits within the field.
    #[must_use]
    pub fn mask(self) -> u128 {
        crate::field::low_bits(self.bits)
            .checked_shl(u32::from(self.offset))
            .unwrap_or(0)
    }
}

impl From<Field> for Subfield {
    fn from(field: Field) -> Self {
        Self::whole(field)
    }
}

/// What `controller` sends and where (ovs-actions(7), "The controller action").
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Controller {
    /// Why, as the packet-in will say it.
    pub reason: u8,
    /// Bytes of the packet at most; 0xffff for all of it.
    pub max_len: u16,
    /// The controller connection it is for; 0 for those that did not set an id.
    pub controller_id: u16,
    /// Data that goes along, given back by a resume.
    pub userdata: Box<[u8]>,
    /// Whether processing stops until the controller resumes it.
    pub pause: bool,
    /// The meter that limits it, if not the default one.
    pub meter_id: Option<u32>,
    /// True if the shorter `NXAST_CONTROLLER` was (or must be) used although `NXAST_CONTROLLER2` could say the same.
    pub old_form: bool,
}

/// The hash over a packet's fields that `multipath` and `bundle` use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(
    missing_docs,
    reason = "each has the name that ovs-actions(7) gives it"
)]
pub enum HashFields {
    EthSrc,
    SymmetricL4,
    SymmetricL3L4,
    SymmetricL3L4Udp,
    NwSrc,
    NwDst,
    SymmetricL3,
    /// A number that Open vSwitch 3.1 does not know.
    Other(u16),
}

/// `multipath`: chooses one of several links by a hash and writes its number.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Multipath {
    /// What is hashed.
    pub fields: HashFields,
    /// Base of the hash.
    pub basis: u16,
    /// 0 modulo_n, 1 hash_threshold, 2 hrw, 3 iter_hash.
    pub algorithm: u16,
    /// The number of links less one.
    pub max_link: u16,
    /// Depends on the algorithm.
    pub arg: u32,
    /// Where the number goes.
    pub dst: Subfield,
}

/// `bundle` and `bundle_load`: chooses one of several ports by a hash.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Bundle {
    /// What is hashed.
    pub fields: HashFields,
    /// Base of the hash.
    pub basis: u16,
    /// 0 active_backup, 1 hrw.
    pub algorithm: u16,
    /// The ports to choose from.
    pub members: Box<[Port]>,
    /// Where the chosen port's number goes; without it the packet is sent there.
    pub dst: Option<Subfield>,
}

/// `sample`: sends samples of packets to a collector.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Sample {
    /// The number of 65535 packets that are sampled, less... at least 1.
    pub probability: u16,
    /// The set of collectors.
    pub collector_set_id: u32,
    /// Put into each record.
    pub obs_domain_id: u32,
    /// Put into each record.
    pub obs_point_id: u32,
    /// The port at which it is sampled, `Port::ANY` if not said.
    pub sampling_port: Port,
    /// 0 unsaid, 1 ingress, 2 egress.
    pub direction: u8,
    /// The revision of the action: 1, 2 or 3, as it was on the wire.
    pub revision: u8,
}

/// `encap`: adds a header of a new kind.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Encap {
    /// The new packet type: namespace << 16 | type.
    pub packet_type: u32,
    /// The header size; 0 unless the type says otherwise.
    pub hdr_size: u16,
    /// Properties: class, type and data.
    pub properties: Box<[EncapProperty]>,
}

/// A property of `encap`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct EncapProperty {
    /// 4 is the network service header.
    pub class: u16,
    /// 1 is the metadata type, 2 a metadata TLV.
    pub kind: u8,
    /// What follows the 4-byte head of the property, without padding.
    pub data: Box<[u8]>,
}

/// What is done with a packet; names and meanings follow ovs-actions(7).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Action {
    /// To a port, or a reserved one such as [`Port::NORMAL`]; to the controller see [`Action::Controller`].
    Output(Port),
    /// To a port that is not the controller, with a limit of bytes that means nothing there but is kept.
    OutputMaxLen(Port, u16),
    /// To the controller by a plain output action, at most so many bytes (0xffff: all).
    OutputController(u16),
    /// To the controller by Open vSwitch's own action.
    Controller(Box<Controller>),
    /// To the port whose number a subfield holds, at most so many bytes if it is the controller.
    OutputReg(Subfield, u16),
    /// To a port, cut to so many bytes.
    OutputTrunc(Port, u32),
    /// To a queue of a port.
    Enqueue(Port, u32),
    /// To a group.
    Group(u32),
    /// To one of several ports, chosen by a hash.
    Bundle(Box<Bundle>),
    /// Writes a field or some bits of it: `set_field` and `load`.
    SetField(SetField),
    /// Copies bits from one field to another: `move` (and `copy_field`).
    Move {
        /// From here.
        src: Subfield,
        /// To here; as many bits.
        dst: Subfield,
    },
    /// The same as `Move` in the ONF's form for OpenFlow 1.3 and 1.4.
    CopyField {
        /// From here.
        src: Subfield,
        /// To here; as many bits.
        dst: Subfield,
    },
    /// Pushes bits on the stack.
    Push(Subfield),
    /// Pops bits from the stack.
    Pop(Subfield),
    /// `delete_field`: removes a tunnel metadata field.
    DeleteField(Field),
    /// `mod_vlan_vid`: sets the VLAN id, pushing a tag if there is none.
    ModVlanVid(u16),
    /// `set_vlan_vid`: sets the VLAN id of a tagged packet.
    SetVlanVid(u16),
    /// `set_vlan_pcp`: sets the VLAN priority of a tagged packet.
    SetVlanPcp(u8),
    /// `mod_vlan_pcp`: sets the VLAN priority, pushing a tag if there is none.
    ModVlanPcp(u8),
    /// `mod_dl_src`.
    ModDlSrc(EthAddr),
    /// `mod_dl_dst`.
    ModDlDst(EthAddr),
    /// `mod_nw_src`.
    ModNwSrc(Ipv4Addr),
    /// `mod_nw_dst`.
    ModNwDst(Ipv4Addr),
    /// `mod_nw_tos`: the DSCP in its place in the byte.
    ModNwTos(u8),
    /// `mod_nw_ecn`.
    ModNwEcn(u8),
    /// `mod_nw_ttl`.
    ModNwTtl(u8),
    /// `mod_tp_src`: the TCP, UDP or SCTP source port.
    ModTpSrc(u16),
    /// `mod_tp_dst`: the TCP, UDP or SCTP destination port.
    ModTpDst(u16),
    /// `set_tunnel`: sets a tunnel id of 32 bits.
    SetTunnel(u32),
    /// `set_tunnel64`: sets a tunnel id of 64 bits.
    SetTunnel64(u64),
    /// `set_mpls_label`.
    SetMplsLabel(u32),
    /// `set_mpls_tc`.
    SetMplsTc(u8),
    /// `set_mpls_ttl`.
    SetMplsTtl(u8),
    /// `strip_vlan`: OpenFlow 1.0's spelling of `pop_vlan`.
    StripVlan,
    /// `pop_vlan`: removes the outer VLAN tag, if there is one.
    PopVlan,
    /// Adds a VLAN tag of this Ethernet type: 0x8100 or 0x88a8.
    PushVlan(u16),
    /// Adds an MPLS label of this Ethernet type.
    PushMpls(u16),
    /// Removes an MPLS label; the Ethernet type of what remains.
    PopMpls(u16),
    /// Decrements the IP TTL; packets whose TTL is exhausted go to these controllers (empty: id 0, the plain action).
    DecTtl(RareList<u16>),
    /// Decrements the MPLS TTL.
    DecMplsTtl,
    /// Decrements the TTL of the network service header.
    DecNshTtl,
    /// Chooses the queue of later outputs.
    SetQueue(u32),
    /// Undoes `SetQueue`.
    PopQueue,
    /// Looks the packet up again: with another port of arrival, in another table.
    Resubmit {
        /// The port of arrival to pretend; [`Port::IN_PORT`] for the present one.
        port: Port,
        /// The table; 255 for the present one.
        table: u8,
        /// With the connection tracking tuple in place of the packet's (`ct`).
        ct: bool,
    },
    /// The same with another port of arrival in the present table, in the older form that has no table
    /// (`NXAST_RESUBMIT`).
    ResubmitPort(Port),
    /// Adds a flow made from the packet.
    Learn(Box<Learn>),
    /// Part `clause` (from 0) of `n_clauses` of a conjunctive match.
    Conjunction {
        /// The id that `conj_id` matches.
        id: u32,
        /// Which clause this flow is part of, from 0.
        clause: u8,
        /// How many clauses there are.
        n_clauses: u8,
    },
    /// Chooses a link by a hash.
    Multipath(Box<Multipath>),
    /// Bytes that mean nothing to the switch.
    Note(RareList<u8>),
    /// Stops here.
    Exit,
    /// Takes the packet through the switch's slow path: Open vSwitch's own tests ask for it.
    DebugSlow,
    /// Takes the packet through the tables once more: Open vSwitch's own tests ask for it.
    DebugRecirc,
    /// Samples packets for a collector.
    Sample(Box<Sample>),
    /// Shortens timeouts when a TCP connection ends: idle, hard (seconds).
    FinTimeout(u16, u16),
    /// Connection tracking.
    Ct(Box<Ct>),
    /// Forgets the connection tracking state of the packet.
    CtClear,
    /// Does these with a copy of the packet.
    Clone(RareList<Action>),
    /// Whether the packet is larger than so many bytes, into a bit.
    CheckPktLarger(u16, Subfield),
    /// Adds a header of a new kind.
    Encap(Box<Encap>),
    /// Removes the outermost header; the packet type that remains, if said.
    Decap(Option<u32>),
    /// The meter action of OpenFlow 1.5, in a place where it can not be the instruction.
    Meter(u32),
    /// Something Open vSwitch 3.1 does not know, as it is on the wire, head included.
    Unknown(RareList<u8>),
}

impl Action {
    /// `set_field:value->field`, the whole field. See [`SetField`] for masks and fields wider than 128 bits.
    #[must_use]
    pub fn set_field(field: Field, value: impl Into<crate::FieldValue>) -> Self {
        Self::SetField(SetField::new(field, value.into().0, u128::MAX))
    }

    /// `set_field:value/mask->field`.
    #[must_use]
    pub fn set_field_masked(
        field: Field,
        value: impl Into<crate::FieldValue>,
        mask: impl Into<crate::FieldValue>,
    ) -> Self {
        Self::SetField(SetField::new(field, value.into().0, mask.into().0))
    }

    /// `move:src->dst`; both must have the same number of bits.
    #[must_use]
    pub fn copy(src: impl Into<Subfield>, dst: impl Into<Subfield>) -> Self {
        Self::Move {
            src: src.into(),
            dst: dst.into(),
        }
    }

    /// `resubmit(,table)`: looks the packet up again in `table`.
    #[must_use]
    pub fn resubmit_table(table: u8) -> Self {
        Self::Resubmit {
            port: Port::IN_PORT,
            table,
            ct: false,
        }
    }

    /// `output:port`; to the controller it is [`Action::OutputController`] of whole packets.
    #[must_use]
    pub fn output(port: impl Into<Port>) -> Self {
        match port.into() {
            Port::CONTROLLER => Self::OutputController(0xffff),
            port => Self::Output(port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred thousand flows are held in so many megabytes because of it.
    #[test]
    fn an_action_has_two_words() {
        assert_eq!(size_of::<Action>(), 16);
    }
}

#[cfg(test)]
mod recorded_tests;
