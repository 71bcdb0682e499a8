//! Reading a normalised match field by field: each slot is shown as the fields that the rest of the match makes of it.

use super::{Entries, Match, VLAN_CFI, registers};
use crate::field::{Field, Place, Slot};
use std::fmt;

/// What a match requires of one field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FieldMatch<'a> {
    /// The field.
    pub field: Field,
    /// The value; no bit is set outside `mask`.
    pub value: u128,
    /// The bits that must be equal.
    pub mask: u128,
    /// Value and mask of a tunnel metadata field, which may be wider than 128 bits; empty for other fields.
    pub wide: (&'a [u8], Option<&'a [u8]>),
}

impl FieldMatch<'_> {
    /// True if every bit of the field must match.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        if self.field.is_tun_metadata() {
            self.wide.1.is_none()
        } else {
            self.mask == full_mask(self.field)
        }
    }
}

/// The mask of an exact match: for `vlan_vid` it has OXM's "tagged" bit besides the 12 of the id.
fn full_mask(field: Field) -> u128 {
    match field {
        Field::VlanVid => 0x1fff,
        Field::NwTos => 0xfc,
        _ => field.value_mask(),
    }
}

impl fmt::Debug for FieldMatch<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}={:#x}/{:#x}", self.field, self.value, self.mask)
    }
}

impl Match {
    /// What the match requires of `field`; `None` if nothing, or if the slot is another field's in this match
    /// (`tcp_dst` of a match of UDP).
    #[must_use]
    pub fn get(&self, field: Field) -> Option<FieldMatch<'_>> {
        let info = field.info();
        let found = |value, mask| {
            (mask != 0).then_some(FieldMatch {
                field,
                value,
                mask,
                wide: (&[], None),
            })
        };
        match info.place {
            Place::Whole if field.is_tun_metadata() => {
                let entry = self.entry(info.slot)?;
                let wide = (entry.value_bytes, entry.mask_bytes);
                Some(FieldMatch {
                    field,
                    value: entry.value(),
                    mask: entry.mask(),
                    wide,
                })
            }
            Place::Whole => {
                let (value, mask) = self.slot(info.slot)?;
                let port_view = info.slot == Slot::InPort;
                if !port_view && self.owner(info.slot) != field {
                    return None;
                }
                found(value & field.value_mask(), mask & field.value_mask())
            }
            Place::Bits(shift) => {
                let (value, mask) = self.slot(info.slot)?;
                if field == Field::NwTos {
                    return found(value & 0xfc, mask & 0xfc);
                }
                found(
                    (value >> shift) & field.full_mask(),
                    (mask >> shift) & field.full_mask(),
                )
            }
            Place::Vlan => {
                let (value, mask) = self.slot(Slot::VlanTci)?;
                match field {
                    Field::VlanVid => found(value & 0x1fff, mask & 0x1fff),
                    Field::DlVlan if value & VLAN_CFI != 0 => found(value & 0xfff, mask & 0xfff),
                    Field::DlVlan => None,
                    _ => found((value >> 13) & 7, (mask >> 13) & 7),
                }
            }
            Place::Regs => {
                let parts =
                    registers(info.slot, info.bytes).map(|slot| self.slot(slot).unwrap_or((0, 0)));
                let (value, mask) =
                    parts.fold((0, 0), |(v, m), (pv, pm)| (v << 32 | pv, m << 32 | pm));
                found(value, mask)
            }
        }
    }

    /// The fields of the match in storage order, each in its plainest view (`reg0`, never `xreg0`; `vlan_tci`). Those that
    /// are not in the field table are told by [`Match::unknown`].
    #[must_use]
    pub fn iter(&self) -> Fields<'_> {
        Fields {
            of: self,
            entries: self.entries(),
            parts: &[],
        }
    }

    /// The field that a slot stands for, given what else is matched.
    pub(crate) fn owner(&self, slot: Slot) -> Field {
        let arp = || matches!(self.eth_type(), Some(0x0806 | 0x8035));
        match slot {
            Slot::NwSrc if arp() => Field::ArpSpa,
            Slot::NwDst if arp() => Field::ArpTpa,
            Slot::NwProto if arp() => Field::ArpOp,
            Slot::TpSrc | Slot::TpDst => {
                let first = slot == Slot::TpSrc;
                let pick = |a, b| if first { a } else { b };
                match (self.nw_proto(), self.eth_type()) {
                    (Some(17), _) => pick(Field::UdpSrc, Field::UdpDst),
                    (Some(132), _) => pick(Field::SctpSrc, Field::SctpDst),
                    (Some(1), Some(0x0800)) => pick(Field::IcmpType, Field::IcmpCode),
                    (Some(58), Some(0x86dd)) => pick(Field::Icmpv6Type, Field::Icmpv6Code),
                    _ => pick(Field::TcpSrc, Field::TcpDst),
                }
            }
            _ => plain_view(slot),
        }
    }
}

/// The field that is a slot's plainest view; where several protocols share a slot, that of IP or TCP.
#[inline]
pub(crate) fn plain_view(slot: Slot) -> Field {
    match slot {
        Slot::NwSrc => Field::IpSrc,
        Slot::NwDst => Field::IpDst,
        Slot::NwProto => Field::NwProto,
        Slot::TpSrc => Field::TcpSrc,
        Slot::TpDst => Field::TcpDst,
        _ => slot.whole(),
    }
}

/// Iterator over the fields of a match, see [`Match::iter`].
#[derive(Clone)]
pub struct Fields<'a> {
    of: &'a Match,
    entries: Entries<'a>,
    parts: &'static [Field],
}

impl<'a> Iterator for Fields<'a> {
    type Item = FieldMatch<'a>;

    fn next(&mut self) -> Option<FieldMatch<'a>> {
        loop {
            while let Some((&field, rest)) = self.parts.split_first() {
                self.parts = rest;
                if let Some(found) = self.of.get(field) {
                    return Some(found);
                }
            }
            let entry = self.entries.next()?;
            match entry.slot {
                Slot::NwTos => self.parts = &[Field::IpDscp, Field::NwEcn],
                Slot::MplsLse => {
                    self.parts = &[
                        Field::MplsLabel,
                        Field::MplsTc,
                        Field::MplsBos,
                        Field::MplsTtl,
                    ];
                }
                slot => return self.of.get(self.of.owner(slot)),
            }
        }
    }
}

impl<'a> IntoIterator for &'a Match {
    type Item = FieldMatch<'a>;
    type IntoIter = Fields<'a>;

    fn into_iter(self) -> Fields<'a> {
        self.iter()
    }
}

impl fmt::Debug for Match {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set()
            .entries(self.iter())
            .entries(self.unknown())
            .finish()
    }
}
