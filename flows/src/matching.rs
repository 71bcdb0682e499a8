//! Matches in normal form: which packets a flow is for. Knows the field table; knows neither text nor wire.

mod bytes;
mod prerequisite;
mod stored;
mod tags;
mod unknown;
mod view;

pub(crate) use prerequisite::{PrerequisitesMet, is_absent, prerequisites_hold};
pub(crate) use stored::Stored;
pub(crate) use tags::Tags;
pub use unknown::UnknownField;
pub(crate) use view::plain_view;
pub use view::{FieldMatch, Fields};

use crate::EthAddr;
use crate::field::{Field, Place, Slot};
use bytes::Bytes;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The value of a field as one unsigned number, the first byte on the wire being the most significant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FieldValue(pub u128);

macro_rules! value_from_number {
    ($($number:ty),*) => { $(impl From<$number> for FieldValue {
        fn from(number: $number) -> Self { Self(u128::from(number)) }
    })* };
}
value_from_number!(u8, u16, u32, u64, u128, bool);

impl From<EthAddr> for FieldValue {
    fn from(address: EthAddr) -> Self {
        Self(u128::from(address.to_u64()))
    }
}

impl From<Ipv4Addr> for FieldValue {
    fn from(address: Ipv4Addr) -> Self {
        Self(u128::from(address.to_bits()))
    }
}

impl From<Ipv6Addr> for FieldValue {
    fn from(address: Ipv6Addr) -> Self {
        Self(address.to_bits())
    }
}

impl From<IpAddr> for FieldValue {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => v4.into(),
            IpAddr::V6(v6) => v6.into(),
        }
    }
}

impl From<crate::Port> for FieldValue {
    fn from(port: crate::Port) -> Self {
        Self(u128::from(port.0))
    }
}

/// Which packets a flow is for: a conjunction of masked comparisons, in normal form.
///
/// Two matches are equal exactly if they name the same bits: `vlan_vid` and `vlan_tci`, `nw_src` and `arp_spa`, `xreg0`
/// and `reg0` are views of the same storage, values hold no bits outside their masks, and empty masks leave nothing behind.
/// Fields that are not in the field table count as they are on the wire, in their order ([`Match::unknown`]).
///
/// Stored as a sorted run of entries `slot, length | masked << 7, value, mask if masked`, so that comparing, hashing and
/// copying are those of a short byte string.
#[derive(Clone, Default)]
pub struct Match {
    bytes: Bytes,
}

impl PartialEq for Match {
    fn eq(&self, other: &Self) -> bool {
        *self.bytes == *other.bytes && self.bytes.raw() == other.bytes.raw()
    }
}

impl Eq for Match {}

impl PartialOrd for Match {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Match {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let known = self.bytes.cmp(&other.bytes);
        known.then_with(|| self.bytes.raw().cmp(&other.bytes.raw()))
    }
}

impl Hash for Match {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
        self.bytes.raw().hash(state);
    }
}

const MASKED: u8 = 0x80;

/// How many bytes an entry has, by its second byte.
#[inline]
fn entry_size(length: u8) -> usize {
    let value = usize::from(length & !MASKED);
    2 + if length & MASKED == 0 {
        value
    } else {
        value * 2
    }
}

/// `CFI` of a VLAN tag: set in `vlan_tci` and OXM's `vlan_vid` for every tagged packet.
pub(crate) const VLAN_CFI: u128 = 0x1000;

impl Match {
    /// The match of every packet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// True for the match of every packet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.bytes.raw().is_none()
    }

    /// The match with `field` equal to `value` besides; see [`Match::set`].
    #[must_use]
    pub fn with(mut self, field: Field, value: impl Into<FieldValue>) -> Self {
        self.set(field, value.into().0, u128::MAX);
        self
    }

    /// The match with the bits of `field` in `mask` equal to those of `value` besides; see [`Match::set`].
    #[must_use]
    pub fn with_masked(
        mut self,
        field: Field,
        value: impl Into<FieldValue>,
        mask: impl Into<FieldValue>,
    ) -> Self {
        self.set(field, value.into().0, mask.into().0);
        self
    }

    /// Requires the bits of `field` in `mask` to be those of `value`, in place of what was required of that field before.
    /// Bits that the field does not have are ignored; an empty mask lifts the requirement. Prerequisites are not added.
    ///
    /// Views of the VLAN tag: `dl_vlan` is the 12-bit id of a tagged packet; `vlan_vid` is OXM's form, in which 0x1000
    /// stands for "tagged" and 0 for "untagged"; `dl_vlan_pcp` and `vlan_pcp` imply "tagged"; `vlan_tci` is the 16-bit tag.
    pub fn set(&mut self, field: Field, value: u128, mask: u128) {
        let info = field.info();
        match info.place {
            Place::Whole if field.is_tun_metadata() => {
                let value = value.to_be_bytes();
                let skip = value
                    .iter()
                    .take_while(|b| **b == 0)
                    .count()
                    .min(value.len() - 1);
                let (_, value) = value.split_at(skip);
                self.set_wide(field, value, Some(mask.to_be_bytes().split_at(skip).1));
            }
            Place::Whole if field == Field::InPort => {
                // Both the 16-bit and the 32-bit number of a reserved port are taken.
                let port = u16::try_from(value)
                    .map_or(value, |short| u128::from(crate::Port::from_u16(short).0));
                self.put(
                    Slot::InPort,
                    port & 0xffff_ffff,
                    if mask == 0 { 0 } else { 0xffff_ffff },
                );
            }
            // Ethernet is what a packet is unless another type is asked for.
            Place::Whole if field == Field::PacketType && value == 0 => self.remove(info.slot),
            Place::Whole if mask & field.value_mask() == field.value_mask() => {
                self.put(info.slot, value & field.value_mask(), info.slot.full_mask());
            }
            Place::Whole => self.put(
                info.slot,
                value & mask & field.value_mask(),
                mask & field.value_mask(),
            ),
            Place::Bits(shift) => {
                // NXM's nw_tos is the DSCP in its place in the byte, the others are bare numbers.
                let (value, mask) = if field == Field::NwTos {
                    (value >> 2, mask >> 2)
                } else {
                    (value, mask)
                };
                let bits = if field == Field::NwTos {
                    0x3f
                } else {
                    field.full_mask()
                };
                self.merge(
                    info.slot,
                    (value & mask & bits) << shift,
                    (mask & bits) << shift,
                    bits << shift,
                );
            }
            Place::Vlan => self.set_vlan(field, value, mask),
            Place::Regs => {
                for (i, slot) in registers(info.slot, info.bytes).enumerate() {
                    let shift = usize::from(info.bytes) * 8 - 32 * (i + 1);
                    let part = (mask >> shift) & 0xffff_ffff;
                    self.put(slot, (value >> shift) & part, part);
                }
            }
        }
    }

    fn set_vlan(&mut self, field: Field, value: u128, mask: u128) {
        // Whether there is a tag is asked for as long as one of its parts is.
        if mask == 0 {
            let (lifted, other) = match field {
                Field::DlVlan | Field::VlanVid => (0xfff, 0xe000),
                _ => (0xe000, 0xfff),
            };
            let asked = self.slot(Slot::VlanTci).map_or(0, |(_, mask)| mask);
            let area = if asked & other == 0 { 0xffff } else { lifted };
            return self.merge(Slot::VlanTci, 0, 0, area);
        }
        match field {
            Field::DlVlan => {
                let vid = mask & 0xfff;
                let cfi = if vid == 0 { 0 } else { VLAN_CFI };
                self.merge(Slot::VlanTci, (value & vid) | cfi, vid | cfi, 0x1fff);
            }
            Field::VlanVid => {
                self.merge(Slot::VlanTci, value & mask & 0x1fff, mask & 0x1fff, 0x1fff)
            }
            _ => {
                let pcp = mask & 7;
                let cfi = if pcp == 0 { 0 } else { VLAN_CFI };
                self.merge(
                    Slot::VlanTci,
                    ((value & pcp) << 13) | cfi,
                    (pcp << 13) | cfi,
                    0xe000 | cfi,
                );
            }
        }
    }

    /// Requires a tunnel metadata field, which has up to 124 bytes, to be `value` in the bits of `mask` (`None`: all).
    /// The lengths say how long the field is and must be equal; other fields are not touched.
    pub fn set_wide(&mut self, field: Field, value: &[u8], mask: Option<&[u8]>) {
        if field.is_tun_metadata()
            && value.len() <= 124
            && mask.is_none_or(|m| m.len() == value.len())
        {
            // A mask of no bytes asks for nothing but the presence of the field.
            let mask = mask.filter(|m| m.is_empty() || m.iter().any(|b| *b != 0xff));
            self.put_bytes(field.info().slot, value, mask);
        }
    }

    /// Replaces the bits `area` of a slot.
    fn merge(&mut self, slot: Slot, value: u128, mask: u128, area: u128) {
        let (old_value, old_mask) = self.slot(slot).unwrap_or((0, 0));
        self.put(slot, old_value & !area | value, old_mask & !area | mask);
    }

    /// Replaces a slot; `value` must lie inside `mask`.
    pub(crate) fn put(&mut self, slot: Slot, value: u128, mask: u128) {
        let full = slot.full_mask();
        let mask = mask & full;
        if mask == 0 {
            return self.remove(slot);
        }
        // The bytes of a number begin at the top of 16; a mask overwrites what of them is not the value's.
        let len = slot.bytes().min(16);
        let shift = 8 * u32::try_from(16 - len).unwrap_or(0);
        let top = |number: u128| number.checked_shl(shift).unwrap_or(0).to_be_bytes();
        let mut entry = [0; 2 + 32];
        let [slot_byte, length, numbers @ ..] = &mut entry;
        *slot_byte = slot as u8;
        *length = u8::try_from(len).unwrap_or(0);
        if let Some(place) = numbers.first_chunk_mut() {
            *place = top(value & mask);
        }
        if mask != full {
            *length |= MASKED;
            if let Some(place) = numbers
                .get_mut(len..)
                .and_then(|rest| rest.first_chunk_mut())
            {
                *place = top(mask);
            }
        }
        let size = entry_size(*length);
        self.put_entry(slot, entry.split_at(size).0);
    }

    /// Adds a slot of which all bits of `value` are required, or those of `mask`, if it is not empty; it must be as long and
    /// leave no bit of the value out. False, and nothing is added, if something is required of the slot already.
    #[inline]
    fn add(&mut self, slot: Slot, value: &[u8], mask: &[u8]) -> bool {
        let place = self.place(slot);
        if !place.is_empty() {
            return false;
        }
        let length = u8::try_from(value.len()).unwrap_or(0x7f);
        let masked = if mask.is_empty() { 0 } else { MASKED };
        self.bytes
            .insert(place.start, [slot as u8, length | masked], value, mask);
        true
    }

    /// True if something is required of the slot.
    #[inline]
    pub(crate) fn has(&self, slot: Slot) -> bool {
        !self.place(slot).is_empty()
    }

    fn put_bytes(&mut self, slot: Slot, value: &[u8], mask: Option<&[u8]>) {
        let length = u8::try_from(value.len()).unwrap_or(0x7f);
        let mut entry = Vec::with_capacity(2 + 2 * value.len());
        entry.push(slot as u8);
        entry.push(length | if mask.is_some() { MASKED } else { 0 });
        match mask {
            None => entry.extend_from_slice(value),
            Some(mask) => {
                entry.extend(value.iter().zip(mask).map(|(v, m)| v & m));
                entry.extend_from_slice(mask);
            }
        }
        self.put_entry(slot, &entry);
    }

    fn put_entry(&mut self, slot: Slot, entry: &[u8]) {
        self.bytes.replace(self.place(slot), entry);
    }

    /// Where the entry of a slot is; an empty place if there is none.
    #[inline]
    fn place(&self, slot: Slot) -> std::ops::Range<usize> {
        let mut at = 0;
        let mut rest: &[u8] = &self.bytes;
        while let Some(&[found, length]) = rest.first_chunk() {
            let size = entry_size(length);
            if found >= slot as u8 {
                return at..at + if found == slot as u8 { size } else { 0 };
            }
            at += size;
            rest = rest.get(size..).unwrap_or_default();
        }
        at..at
    }

    /// Requires nothing of the slot any more.
    pub(crate) fn remove(&mut self, slot: Slot) {
        self.bytes.replace(self.place(slot), &[]);
    }

    /// Does not ask for Ethernet frames by their packet type any more, because a field that is matched does.
    #[inline]
    pub(crate) fn remove_ethernet(&mut self) {
        if matches!(self.slot(Slot::PacketType), Some((0, _))) {
            self.remove(Slot::PacketType);
        }
    }

    /// Where both an Ethernet type and a packet type of that namespace are asked for, the one in the packet type counts, as for
    /// Open vSwitch: packets that are no Ethernet frames have no other.
    pub(crate) fn tell_eth_type_by_packet_type(&mut self) {
        if self.has(Slot::DlType)
            && let Some((packet_type, _)) = self.slot(Slot::PacketType)
            && packet_type >> 16 == 1
        {
            self.put(Slot::DlType, packet_type & 0xffff, 0xffff);
        }
    }

    /// Requires nothing of the field any more.
    pub fn remove_field(&mut self, field: Field) {
        if field.is_tun_metadata() {
            self.remove(field.info().slot);
        } else {
            self.set(field, 0, 0);
        }
    }

    pub(crate) fn entries(&self) -> Entries<'_> {
        Entries { rest: &self.bytes }
    }

    /// Feeds the hasher which bits the match looks at, and not what it wants to find there: a packet classifier holds flows of
    /// the same bits together.
    pub fn hash_mask<H: Hasher>(&self, state: &mut H) {
        for entry in self.entries() {
            let mask = entry.mask_bytes.unwrap_or_default();
            let lengths = [entry.value_bytes, mask].map(|part| part.len() as u8);
            state.write(&[entry.slot as u8]);
            state.write(&lengths);
            state.write(mask);
        }
        for field in self.unknown() {
            (field.class, field.experimenter, field.number, field.mask).hash(state);
        }
    }

    /// The entries, each with the place where [`Match::entry_at`] finds it again.
    pub(crate) fn placed_entries(&self) -> impl Iterator<Item = (usize, Entry<'_>)> {
        let mut entries = self.entries();
        std::iter::from_fn(move || {
            let at = self.bytes.len().checked_sub(entries.rest.len())?;
            Some((at, entries.next()?))
        })
    }

    /// The entry at a place.
    #[inline]
    pub(crate) fn entry_at(&self, at: usize) -> Option<Entry<'_>> {
        let rest = self.bytes.get(at..)?;
        Entries { rest }.next()
    }

    /// Value and mask of a slot of fixed width.
    #[inline]
    pub(crate) fn slot(&self, slot: Slot) -> Option<(u128, u128)> {
        match *self.bytes.get(self.place(slot))? {
            [_, length, ref numbers @ ..] if length & MASKED != 0 => {
                let (value, mask) = numbers.split_at(numbers.len() / 2);
                Some((number(value), number(mask)))
            }
            [_, _, ref value @ ..] => Some((number(value), slot.full_mask())),
            _ => None,
        }
    }

    /// The entry of a slot.
    #[inline]
    pub(crate) fn entry(&self, slot: Slot) -> Option<Entry<'_>> {
        let place = self.place(slot);
        if place.is_empty() {
            return None;
        }
        let rest = self.bytes.get(place)?;
        Entries { rest }.next()
    }

    /// The Ethernet type, if it is fixed: by `eth_type` or by a `packet_type` of the Ethertype namespace.
    #[must_use]
    pub fn eth_type(&self) -> Option<u16> {
        // The slots of both are neighbours, in this order, and are matched whole.
        let at = self.place(Slot::PacketType).start;
        match *self.bytes.get(at..)? {
            [slot, 2, a, b, ..] if slot == Slot::DlType as u8 => Some(u16::from_be_bytes([a, b])),
            [slot, 4, 0, 1, a, b, ..] if slot == Slot::PacketType as u8 => {
                Some(u16::from_be_bytes([a, b]))
            }
            _ => None,
        }
    }

    /// The IP protocol (or ARP operation), if it is fixed.
    #[must_use]
    pub fn nw_proto(&self) -> Option<u8> {
        match *self.bytes.get(self.place(Slot::NwProto))? {
            [_, 1, proto] => Some(proto),
            _ => None,
        }
    }
}

/// The slots of the 32-bit registers that make up a wider one of `bytes` bytes.
fn registers(first: Slot, bytes: u8) -> impl Iterator<Item = Slot> {
    (0..bytes / 4).filter_map(move |i| first.offset(i))
}

/// One entry of a match as it is stored.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) slot: Slot,
    pub(crate) value_bytes: &'a [u8],
    pub(crate) mask_bytes: Option<&'a [u8]>,
}

impl Entry<'_> {
    #[inline]
    pub(crate) fn value(&self) -> u128 {
        number(self.value_bytes)
    }

    #[inline]
    pub(crate) fn mask(&self) -> u128 {
        self.mask_bytes
            .map_or_else(|| self.slot.full_mask(), number)
    }
}

/// Big-endian bytes as a number; of more than 16 bytes the last 16.
#[inline]
pub(crate) fn number(bytes: &[u8]) -> u128 {
    match *bytes {
        [a] => u128::from(a),
        [a, b] => u128::from(u16::from_be_bytes([a, b])),
        [a, b, c, d] => u128::from(u32::from_be_bytes([a, b, c, d])),
        [a, b, c, d, e, f] => u128::from(u64::from_be_bytes([0, 0, a, b, c, d, e, f])),
        [a, b, c, d, e, f, g, h] => u128::from(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        _ => match <[u8; 16]>::try_from(bytes) {
            Ok(bytes) => u128::from_be_bytes(bytes),
            Err(_) => bytes.iter().fold(0, |acc, &b| acc << 8 | u128::from(b)),
        },
    }
}

#[derive(Clone)]
pub(crate) struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let (&[slot, length], rest) = self.rest.split_first_chunk::<2>()?;
        let (value_bytes, rest) = rest.split_at_checked(usize::from(length & !MASKED))?;
        let (mask_bytes, rest) = if length & MASKED == 0 {
            (None, rest)
        } else {
            let (mask, rest) = rest.split_at_checked(value_bytes.len())?;
            (Some(mask), rest)
        };
        self.rest = rest;
        Some(Entry {
            slot: Slot::from_index(slot)?,
            value_bytes,
            mask_bytes,
        })
    }
}

#[cfg(test)]
mod tests;
