//! What is known of the packets of a flow while its actions are checked one after the other.

use crate::Match;
use crate::field::{Field, Prerequisite, Slot};
use crate::matching::{Tags, prerequisites_hold};

/// The packet type of Ethernet frames.
const ETHERNET: u32 = 0;
/// The packet type of what a decapsulation has laid bare, which only the packet knows.
const UNKNOWN: u32 = u32::MAX;

/// Packets of a flow.
#[derive(Clone, Default)]
pub(super) struct Packet {
    packet_type: u32,
    /// The Ethernet type of frames; 0 where it is not known.
    pub(super) eth_type: u16,
    /// The IP protocol; 0 where it is not known.
    pub(super) proto: u8,
    /// The VLAN tags, as far as they are known to be there.
    pub(super) tags: Tags,
    is_later_fragment: bool,
    icmp: (u16, u16),
    is_tracked: bool,
    /// Whether an address of the connection is asked for, of either family.
    pub(super) connection_of_v4: bool,
    pub(super) connection_of_v6: bool,
    /// Whether the connection is one that can not be.
    pub(super) is_invalid: bool,
}

impl Packet {
    pub(super) fn of(matches: &Match) -> Self {
        let mut packet = Self {
            tags: Tags::of(matches),
            ..Self::default()
        };
        for entry in matches.entries() {
            let value = || entry.value();
            let short = || u16::try_from(value() & 0xffff).unwrap_or(0);
            match entry.slot {
                Slot::PacketType => packet.packet_type = u32::try_from(value()).unwrap_or(ETHERNET),
                Slot::DlType => packet.eth_type = short(),
                Slot::NwProto => packet.proto = u8::try_from(value()).unwrap_or(0),
                Slot::NwFrag => packet.is_later_fragment = value() & 2 != 0,
                Slot::TpSrc => packet.icmp.0 = short(),
                Slot::TpDst => packet.icmp.1 = short(),
                Slot::CtState => {
                    packet.is_invalid = value() & 0x10 != 0;
                    packet.is_tracked = prerequisites_hold(matches, Prerequisite::Ct);
                }
                Slot::CtNwSrc | Slot::CtNwDst => packet.connection_of_v4 = true,
                Slot::CtIpv6Src | Slot::CtIpv6Dst => packet.connection_of_v6 = true,
                _ => {}
            }
        }
        packet
    }

    /// The Ethernet type, which other packets may have in their packet type.
    pub(super) fn kind(&self) -> u16 {
        match (self.packet_type, self.packet_type >> 16) {
            (ETHERNET, _) => self.eth_type,
            (kind, 1) => u16::try_from(kind & 0xffff).unwrap_or(0),
            _ => 0,
        }
    }

    /// True if packets have the fields that ask for this.
    pub(super) fn has(&self, prerequisite: Prerequisite) -> bool {
        use Prerequisite as P;
        let kind = self.kind();
        let ip = matches!(kind, 0x0800 | 0x86dd);
        let transport = |proto| ip && self.proto == proto && !self.is_later_fragment;
        let icmpv6 = kind == 0x86dd && self.proto == 58;
        match prerequisite {
            P::Always => true,
            P::Ethernet => self.packet_type == ETHERNET,
            P::Arp => matches!(kind, 0x0806 | 0x8035),
            P::Vlan => self.packet_type == ETHERNET && self.tags.any(),
            P::Ipv4 => kind == 0x0800,
            P::Ipv6 => kind == 0x86dd,
            P::Ip => ip,
            P::Mpls => matches!(kind, 0x8847 | 0x8848),
            P::Nsh => kind == 0x894f,
            P::Tcp => transport(6),
            P::Udp => transport(17),
            P::Sctp => transport(132),
            P::Icmpv4 => kind == 0x0800 && self.proto == 1,
            P::Icmpv6 => icmpv6,
            P::Nd => icmpv6 && matches!(self.icmp, (135 | 136, 0)),
            P::NdSolicit => icmpv6 && self.icmp == (135, 0),
            P::NdAdvert => icmpv6 && self.icmp == (136, 0),
            P::Ct => self.is_tracked,
        }
    }

    pub(super) fn become_mpls(&mut self, kind: u16) {
        self.eth_type = kind;
        self.proto = 0;
    }

    pub(super) fn encap(&mut self, packet_type: u32) {
        self.packet_type = packet_type;
        if packet_type >> 16 == 1 {
            self.eth_type = u16::try_from(packet_type & 0xffff).unwrap_or(0);
        }
        if !self.has(Prerequisite::Ip) {
            self.proto = 0;
        }
    }

    pub(super) fn decap(&mut self) {
        if self.packet_type == ETHERNET {
            self.packet_type = 1 << 16 | u32::from(self.eth_type);
        } else {
            self.packet_type = UNKNOWN;
            self.eth_type = u16::MAX;
        }
    }
}

/// True if messages have a number for the field.
pub(super) fn is_on_the_wire(field: Field) -> bool {
    !field.info().wire.is_empty()
}
