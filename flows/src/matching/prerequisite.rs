//! What a match must say for a field to exist in its packets. Knows the field table.

use super::{Entry, Match, VLAN_CFI};
use crate::field::{Field, Prerequisite, Slot};

/// True if the match so far says that packets have what `prerequisite` asks for.
pub(crate) fn prerequisites_hold(matches: &Match, prerequisite: Prerequisite) -> bool {
    let ip = || matches!(matches.eth_type(), Some(0x0800 | 0x86dd));
    let proto = |number| matches.nw_proto() == Some(number);
    // Later fragments have no transport header.
    let whole = || {
        matches
            .slot(Slot::NwFrag)
            .is_none_or(|(value, _)| value & 2 == 0)
    };
    let icmpv6 = || matches.eth_type() == Some(0x86dd) && proto(58);
    let nd = |types: &[u8]| {
        let kind = |entry: Entry<'_>| match (entry.value_bytes, entry.mask_bytes) {
            ([0, kind], None) => types.contains(kind),
            _ => false,
        };
        icmpv6()
            && matches.entry(Slot::TpSrc).is_some_and(kind)
            && matches
                .entry(Slot::TpDst)
                .is_none_or(|code| code.value_bytes == [0, 0])
    };
    match prerequisite {
        Prerequisite::Always => true,
        Prerequisite::Ethernet => matches
            .slot(Slot::PacketType)
            .is_none_or(|(kind, _)| kind == 0),
        Prerequisite::Arp => matches!(matches.eth_type(), Some(0x0806 | 0x8035)),
        Prerequisite::Vlan => matches
            .slot(Slot::VlanTci)
            .is_some_and(|(v, m)| v & m & 0x1000 != 0),
        Prerequisite::Ipv4 => matches.eth_type() == Some(0x0800),
        Prerequisite::Ipv6 => matches.eth_type() == Some(0x86dd),
        Prerequisite::Ip => ip(),
        Prerequisite::Mpls => matches!(matches.eth_type(), Some(0x8847 | 0x8848)),
        Prerequisite::Nsh => matches.eth_type() == Some(0x894f),
        Prerequisite::Tcp => ip() && proto(6) && whole(),
        Prerequisite::Udp => ip() && proto(17) && whole(),
        Prerequisite::Sctp => ip() && proto(132) && whole(),
        Prerequisite::Icmpv4 => matches.eth_type() == Some(0x0800) && proto(1),
        Prerequisite::Icmpv6 => icmpv6(),
        Prerequisite::Nd => nd(&[135, 136]),
        Prerequisite::NdSolicit => nd(&[135]),
        Prerequisite::NdAdvert => nd(&[136]),
        Prerequisite::Ct => matches.slot(Slot::CtState).is_some_and(|(value, mask)| {
            const VALID: u128 = 0x01 | 0x02 | 0x04 | 0x08 | 0x40 | 0x80;
            value & VALID != 0 || (value & 0x20 != 0 && mask & 0x10 != 0 && value & 0x10 == 0)
        }),
    }
}

/// True if a requirement goes into no message, because packets of the match need not have the field. Open vSwitch does not ask
/// for all that a field needs, but lets a switch refuse ports of later fragments, and the network service header of other
/// packets.
#[inline]
pub(crate) fn is_absent(matches: &Match, slot: Slot) -> bool {
    use Prerequisite as P;
    // All before are of every packet, or sent whatever packets they are of.
    if slot <= Slot::DlDst {
        // But Open vSwitch has no words for a connection of no protocol, nor for the ports of one.
        let of_connection = matches!(slot, Slot::CtNwProto | Slot::CtTpSrc | Slot::CtTpDst);
        return of_connection
            && matches
                .slot(Slot::CtNwProto)
                .is_none_or(|(value, _)| value == 0);
    }
    let ip = || matches!(matches.eth_type(), Some(0x0800 | 0x86dd));
    let proto = |number| ip() && matches.nw_proto() == Some(number);
    let there = match matches.owner(slot).info().prerequisite {
        P::Nsh | P::Ethernet => true,
        _ if slot == Slot::Ipv6Label => ip(),
        P::Tcp => proto(6),
        P::Udp => proto(17),
        P::Sctp => proto(132),
        other => prerequisites_hold(matches, other),
    };
    !there
}

/// The prerequisites that the entries of a match so far meet: what packets have by them.
#[derive(Default)]
pub(crate) struct PrerequisitesMet {
    ip: bool,
    v6: bool,
    arp: bool,
    ports: bool,
    icmp6: bool,
    /// The type of a message of neighbor discovery.
    nd: u8,
}

impl PrerequisitesMet {
    /// True of nearly all entries that are not [absent](is_absent), asked one after the other.
    #[inline]
    pub(crate) fn admits(&mut self, entry: &Entry<'_>) -> bool {
        match entry.slot {
            Slot::PacketType | Slot::CtNwProto | Slot::CtTpSrc | Slot::CtTpDst => false,
            Slot::DlType => {
                self.v6 = entry.value_bytes == [0x86, 0xdd];
                self.ip = self.v6 || entry.value_bytes == [0x08, 0x00];
                self.arp = entry.value_bytes == [0x08, 0x06];
                true
            }
            slot if slot <= Slot::DlDst => true,
            Slot::NwSrc | Slot::NwDst => self.arp || (self.ip && !self.v6),
            Slot::Ipv6Src | Slot::Ipv6Dst => self.v6,
            Slot::ArpSha | Slot::ArpTha => self.arp,
            Slot::NwProto => {
                self.ports = self.ip
                    && match entry.value_bytes {
                        [1] => !self.v6,
                        [58] => {
                            self.icmp6 = self.v6;
                            self.v6
                        }
                        [proto] => matches!(proto, 6 | 17 | 132),
                        _ => false,
                    };
                self.ip || self.arp
            }
            Slot::TpSrc => {
                if let ([0, kind @ (135 | 136)], true, None) =
                    (entry.value_bytes, self.icmp6, entry.mask_bytes)
                {
                    self.nd = *kind;
                }
                self.ports
            }
            Slot::TpDst => {
                if entry.value_bytes != [0, 0] {
                    self.nd = 0;
                }
                self.ports
            }
            Slot::NdTarget => self.nd != 0,
            Slot::NdSll => self.nd == 135,
            Slot::NdTll => self.nd == 136,
            Slot::NwTos | Slot::NwTtl | Slot::NwFrag => self.ip,
            _ => false,
        }
    }
}

impl Match {
    /// The fields that are left out of messages, because packets of the match need not have them: `nw_src` where the match
    /// does not ask for IPv4 (ovs-fields(7), "Prerequisites"). Fields that share their bits are told as one of them.
    pub fn absent(&self) -> impl Iterator<Item = Field> {
        self.absent_slots().map(|slot| self.owner(slot))
    }

    /// True if the priority of a VLAN tag is asked for that packets need not have: the matches of OpenFlow 1.2 and up leave it
    /// out.
    pub(crate) fn has_priority_without_tag(&self) -> bool {
        self.slot(Slot::VlanTci).is_some_and(|(value, mask)| {
            value & 0x1fff == 0 && mask & VLAN_CFI == 0 && mask & 0xe000 != 0
        })
    }

    fn absent_slots(&self) -> impl Iterator<Item = Slot> {
        let slots = self.entries().map(|entry| entry.slot);
        slots.filter(|slot| is_absent(self, *slot))
    }

    /// True of nearly all matches of which nothing is absent: one look at each entry tells.
    pub(crate) fn has_all(&self) -> bool {
        let mut met = PrerequisitesMet::default();
        self.entries().all(|entry| met.admits(&entry))
    }

    /// Lifts what is required of [absent](Match::absent) fields, as Open vSwitch does.
    pub fn remove_absent(&mut self) {
        if !self.has_all() {
            let absent: Vec<Slot> = self.absent_slots().collect();
            absent.into_iter().for_each(|slot| self.remove(slot));
        }
    }
}
