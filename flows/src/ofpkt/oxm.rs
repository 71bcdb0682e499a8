//! Matches on the wire as OXM and NXM entries (OpenFlow 1.5.1, 7.2.3).

use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
use crate::field::{Field, Slot, WireId};
use crate::matching::{Entry, PrerequisitesMet, is_absent};
use crate::{Match, Port, Version};
use smallvec::SmallVec;

mod decode;

pub(crate) use decode::{
    COOKIE, MatchAndCookie, Strictness, add_entries, has_loose_bits, is_valid, read_entries,
    read_match,
};

/// Appends the 4 bytes of a header (8 with an experimenter) of a value of `len` bytes.
#[inline]
pub(crate) fn put_header(out: &mut Writer, id: &WireId, masked: bool, len: usize) {
    let (_, experimenter) = id.class.numbers();
    let mut length = if masked { len * 2 } else { len };
    if experimenter.is_some() {
        length += 4;
    }
    let [c1, c2, kind, _] = id.header;
    let length = u8::try_from(length).unwrap_or(u8::MAX);
    out.extend_from_slice(&[c1, c2, kind | u8::from(masked), length]);
    if let Some(experimenter) = experimenter {
        out.u32(experimenter);
    }
}

/// Appends the header of a field's whole value.
#[inline]
fn put_whole_header(out: &mut Writer, id: &WireId) {
    out.extend_from_slice(&id.header);
    if let ([0xff, 0xff, ..], (_, Some(experimenter))) = (id.header, id.class.numbers()) {
        out.u32(experimenter);
    }
}

/// The header of a field's whole value in a version, if four bytes can say it.
#[inline]
pub(crate) fn short_header(field: Field, version: Version) -> Option<[u8; 4]> {
    let id = field.wire_id(version)?;
    (!matches!(id.header, [0xff, 0xff, ..])).then_some(id.header)
}

/// The header of a field's whole value, as actions name fields; Nicira's own name first.
pub(crate) fn put_field(out: &mut Writer, field: Field) {
    put_field_for(out, field, Version::V10);
}

/// The same with the name that a version prefers.
pub(crate) fn put_field_for(out: &mut Writer, field: Field, version: Version) {
    // Tunnel metadata is named with the length it has where nothing else is known.
    if let Some(id) = field.wire_id(version) {
        put_whole_header(out, id);
    }
}

/// True if the field's header needs no experimenter id, so that the older actions can name it.
pub(crate) fn has_short_header(field: Field) -> bool {
    field
        .info()
        .wire
        .first()
        .is_some_and(|id| id.class.numbers().1.is_none())
}

/// A header as it was read.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    pub(crate) field: Option<Field>,
    pub(crate) class: u16,
    pub(crate) number: u8,
    pub(crate) masked: bool,
    /// Bytes that follow the header (and the experimenter id).
    pub(crate) len: usize,
}

/// Reads a header.
#[inline]
pub(crate) fn header(reader: &mut Reader<'_>) -> Result<Header, DecodeError> {
    let place = *reader;
    let [c1, c2, kind, length] = reader.u32()?.to_be_bytes();
    let class = u16::from_be_bytes([c1, c2]);
    let mut len = usize::from(length);
    let mut experimenter = None;
    if class == 0xffff {
        experimenter = Some(reader.u32()?);
        len = len
            .checked_sub(4)
            .ok_or_else(|| place.error(OfpError::MATCH_BAD_LEN))?;
    }
    let number = kind >> 1;
    Ok(Header {
        field: Field::from_wire(class, number, experimenter),
        class,
        number,
        masked: kind & 1 == 1,
        len,
    })
}

/// The field that a header names where there is no value, as in actions.
pub(crate) fn field(reader: &mut Reader<'_>) -> Result<Field, DecodeError> {
    let place = *reader;
    let header = header(reader).map_err(|_| place.error(OfpError::MATCH_BAD_LEN))?;
    let len = if header.masked {
        header.len / 2
    } else {
        header.len
    };
    match header.field {
        Some(field) if is_length(field, len) => match header.masked {
            false => Ok(field),
            true => Err(place.error(OfpError::MATCH_BAD_MASK)),
        },
        _ => Err(place.error(OfpError::MATCH_BAD_FIELD)),
    }
}

/// True if a header can say this length of the value of a field. Options of tunnels have any that has seven bits: with more
/// Open vSwitch does not know them.
pub(crate) fn is_length(field: Field, len: usize) -> bool {
    len == usize::from(field.info().bytes) || (field.is_tun_metadata() && len < 0x80)
}

/// The field of a header of 4 bytes, as the oldest actions name fields: with a mask or without, and never an experimenter's.
pub(crate) fn short_field(reader: &mut Reader<'_>) -> Result<Field, DecodeError> {
    let place = *reader;
    let unknown = || place.error(OfpError::ACTION_BAD_SET_TYPE);
    let (class, kind) = (reader.u16()?, reader.u8()?);
    let (masked, len) = (kind & 1 == 1, usize::from(reader.u8()?));
    let len = if masked { len / 2 } else { len };
    let field = Field::from_wire(class, kind >> 1, None).ok_or_else(unknown)?;
    if is_length(field, len) && (!masked || !place.keeps()) {
        Ok(field)
    } else {
        Err(unknown())
    }
}

/// Where an entry comes on the wire: Open vSwitch's order, which puts prerequisites before what needs them.
#[inline]
pub(crate) fn rank(slot: Slot, arp: bool) -> u8 {
    match slot {
        Slot::NwProto if arp => 12,
        _ => RANKS.get(slot as usize).copied().unwrap_or(u8::MAX),
    }
}

/// The rank of each slot, in matches of other packets than those of ARP.
static RANKS: [u8; Slot::ALL.len()] = {
    let mut ranks = [0; Slot::ALL.len()];
    let mut n = 0;
    while n < ranks.len() {
        ranks[n] = rank_of(Slot::ALL[n]);
        n += 1;
    }
    ranks
};

const fn rank_of(slot: Slot) -> u8 {
    use Slot as S;
    match slot {
        S::PacketType => 0,
        S::DpHash => 1,
        S::RecircId => 2,
        S::ConjId => 3,
        S::SkbPriority => 4,
        S::InPort => 5,
        S::ActsetOutput => 6,
        S::DlSrc => 7,
        S::DlDst => 8,
        S::DlType => 9,
        S::VlanTci => 10,
        S::MplsLse => 11,
        S::NwSrc | S::Ipv6Src => 13,
        S::NwDst | S::Ipv6Dst => 14,
        S::ArpSha => 16,
        S::ArpTha => 17,
        S::NwFrag => 18,
        S::NwTos => 19,
        S::NwTtl => 20,
        S::Ipv6Label => 21,
        S::NwProto => 22,
        S::TpSrc => 23,
        S::TpDst => 24,
        S::TcpFlags => 25,
        S::NdReserved => 26,
        S::NdTarget => 27,
        S::NdOptionsType => 28,
        S::NdSll => 29,
        S::NdTll => 30,
        S::TunId => 40,
        S::TunFlags => 41,
        S::TunSrc => 42,
        S::TunDst => 43,
        S::TunIpv6Src => 44,
        S::TunIpv6Dst => 45,
        S::TunGbpId => 46,
        S::TunGbpFlags => 47,
        slot if is_between(slot, S::TunMetadata0, S::TunMetadata63) => {
            48 + slot as u8 - S::TunMetadata0 as u8
        }
        S::TunErspanIdx => 112,
        S::TunErspanVer => 113,
        S::TunErspanDir => 114,
        S::TunErspanHwid => 115,
        S::TunGtpuFlags => 116,
        S::TunGtpuMsgtype => 117,
        S::NshFlags => 118,
        S::NshTtl => 119,
        S::NshMdtype => 120,
        S::NshNp => 121,
        S::NshSpi => 122,
        S::NshSi => 123,
        S::NshC1 => 124,
        S::NshC2 => 125,
        S::NshC3 => 126,
        S::NshC4 => 127,
        slot if is_between(slot, S::Reg0, S::Reg15) => 128 + slot as u8 - S::Reg0 as u8,
        S::PktMark => 144,
        S::CtState => 145,
        S::CtZone => 146,
        S::CtMark => 147,
        S::CtLabel => 148,
        S::CtNwSrc => 149,
        S::CtIpv6Src => 150,
        S::CtNwDst => 151,
        S::CtIpv6Dst => 152,
        S::CtNwProto => 153,
        S::CtTpSrc => 154,
        S::CtTpDst => 155,
        _ => 156,
    }
}

const fn is_between(slot: Slot, first: Slot, last: Slot) -> bool {
    slot as u8 >= first as u8 && slot as u8 <= last as u8
}

/// Appends the entries of a match, without padding. OpenFlow 1.0 and 1.1 get NXM.
pub(crate) fn put_match(out: &mut Writer, matches: &Match, version: Version) {
    put_entries(out, matches, version, version < Version::V12);
}

/// Appends the entries of a match as OXM has them also in OpenFlow 1.0 and 1.1, where Open vSwitch has them only in what it
/// tells: the fields that NXM has in other forms are OXM's, the rest are called by the oldest name.
pub(crate) fn put_match_as_oxm(out: &mut Writer, matches: &Match, version: Version) {
    put_entries(out, matches, version, false);
}

fn put_entries(out: &mut Writer, matches: &Match, version: Version, nxm: bool) {
    let eth_type = matches.eth_type();
    let arp = matches!(eth_type, Some(0x0806 | 0x8035));
    // Where each entry is, behind its rank in the top byte.
    let mut order: SmallVec<[usize; 8]> = SmallVec::new();
    let (mut met, mut has_all) = (PrerequisitesMet::default(), true);
    for (at, entry) in matches.placed_entries() {
        has_all = has_all && met.admits(&entry);
        order.push(usize::from(rank(entry.slot, arp)) << 24 | at);
    }
    order.sort_unstable();
    // OpenFlow 1.5 has registers in pairs.
    let wide = version >= Version::V15;
    let mut raw = matches.raw();
    let mut next_raw = raw.next();
    for &ranked in &order {
        let (rank, at) = (ranked >> 24, ranked & 0xff_ffff);
        while let Some((after, piece)) = next_raw
            && usize::from(after) <= rank
        {
            out.extend_from_slice(piece);
            next_raw = raw.next();
        }
        // What packets of this match do not have can not be said; Open vSwitch leaves it out.
        let entry = matches.entry_at(at);
        match entry.filter(|entry| has_all || !is_absent(matches, entry.slot)) {
            // Nearly all.
            Some(entry) if entry.mask_bytes.is_none() && entry.slot.has_one_view() && !wide => {
                put_whole(out, entry.slot.whole(), entry.value_bytes, version);
            }
            Some(entry) => put_entry(out, matches, &entry, version, nxm),
            None => {}
        }
    }
    next_raw
        .into_iter()
        .chain(raw)
        .for_each(|(_, piece)| out.extend_from_slice(piece));
}

/// Appends a number of `len` bytes, at most 16, and its mask if there is one.
#[inline]
fn put_number(out: &mut Writer, value: u128, mask: Option<u128>, len: usize) {
    if let (Ok(short), None) = (u64::try_from(value), mask) {
        let [_, _, c, d, e, f, g, h] = short.to_be_bytes();
        match len {
            1 => return out.push(h),
            2 => return out.extend_from_slice(&[g, h]),
            4 => return out.extend_from_slice(&[e, f, g, h]),
            6 => return out.extend_from_slice(&[c, d, e, f, g, h]),
            8 => return out.u64(short),
            _ => {}
        }
    }
    // The bytes of each begin at the top of 16; the mask overwrites what of them is not the value's.
    let shift = 8 * u32::try_from(16_usize.saturating_sub(len)).unwrap_or(0);
    let top = |number: u128| number.checked_shl(shift).unwrap_or(0).to_be_bytes();
    let mut bytes = [0; 32];
    if let Some(place) = bytes.first_chunk_mut() {
        *place = top(value);
    }
    let mut used = len.min(16);
    if let Some(mask) = mask {
        if let Some(place) = bytes
            .get_mut(used..)
            .and_then(|rest| rest.first_chunk_mut())
        {
            *place = top(mask);
        }
        used *= 2;
    }
    out.extend_from_slice(bytes.split_at(used).0);
}

/// Appends one entry, of a whole value as it is.
#[inline]
fn put_whole(out: &mut Writer, field: Field, value: &[u8], version: Version) {
    let Some(id) = field.wire_id(version) else {
        return;
    };
    put_whole_header(out, id);
    match *value {
        [a, b] => out.extend_from_slice(&[a, b]),
        [a, b, c, d] => out.extend_from_slice(&[a, b, c, d]),
        [a, b, c, d, e, f] => out.extend_from_slice(&[a, b, c, d, e, f]),
        _ => out.extend_from_slice(value),
    }
}

/// Appends one entry, of a number.
#[inline]
pub(crate) fn put_value(
    out: &mut Writer,
    field: Field,
    value: u128,
    mask: Option<u128>,
    version: Version,
) {
    let Some(id) = field.wire_id(version) else {
        return;
    };
    let len = usize::from(field.info().bytes);
    put_header(out, id, mask.is_some(), len);
    put_number(out, value, mask, len);
}

#[inline(never)]
fn put_entry(out: &mut Writer, matches: &Match, entry: &Entry<'_>, version: Version, nxm: bool) {
    let value_and_mask = || (entry.value(), entry.mask());
    let part = |field: Field, shift: u32, bits: u128, out: &mut Writer| {
        let (value, mask) = value_and_mask();
        if (mask >> shift) & bits != 0 {
            let part_mask = (mask >> shift) & bits;
            put_value(
                out,
                field,
                (value >> shift) & bits,
                (part_mask != bits).then_some(part_mask),
                version,
            );
        }
    };
    match entry.slot {
        Slot::VlanTci if nxm => {
            let mask = entry.mask_bytes.map(|_| entry.mask());
            put_value(out, Field::VlanTci, entry.value(), mask, version);
        }
        Slot::VlanTci if entry.mask_bytes == Some(&[0x1f, 0xff]) => {
            put_whole(out, Field::VlanVid, entry.value_bytes, version);
        }
        Slot::VlanTci => {
            let (value, mask) = value_and_mask();
            let vid_mask = mask & 0x1fff;
            if vid_mask != 0 {
                // With the "tagged" bit alone or all bits the mask is said or left out; OXM has 13 bits.
                let masked = (vid_mask != 0x1fff).then_some(vid_mask);
                put_value(out, Field::VlanVid, value & 0x1fff, masked, version);
            }
            // A priority can only be said of a tag: Open vSwitch leaves it out where none is asked for, and so do we
            // (`text::absent_fields` tells of it).
            if mask & 0xe000 != 0 && value & 0x1fff != 0 {
                put_value(out, Field::VlanPcp, (value >> 13) & 7, None, version);
            }
        }
        Slot::NwTos => {
            let (value, mask) = value_and_mask();
            if mask & 0xfc != 0 {
                if nxm {
                    put_value(out, Field::NwTos, value & 0xfc, None, version);
                } else {
                    put_value(out, Field::IpDscp, value >> 2, None, version);
                }
            }
            part(Field::NwEcn, 0, 3, out);
        }
        Slot::MplsLse => {
            part(Field::MplsTc, 9, 7, out);
            part(Field::MplsBos, 8, 1, out);
            part(Field::MplsTtl, 0, 0xff, out);
            part(Field::MplsLabel, 12, 0xf_ffff, out);
        }
        Slot::InPort if nxm => {
            let port = Port(u32::try_from(entry.value()).unwrap_or(u32::MAX))
                .to_u16()
                .unwrap_or(u16::MAX);
            put_value(out, Field::InPort, u128::from(port), None, version);
        }
        // Open vSwitch 3.1 matches of these only the bits that are set in the value.
        Slot::TunErspanVer
        | Slot::TunErspanDir
        | Slot::TunErspanHwid
        | Slot::TunGtpuFlags
        | Slot::TunGtpuMsgtype => {
            let (value, mask) = value_and_mask();
            let said = value & mask;
            if said != 0 {
                let masked = (said != 0xff).then_some(said);
                put_value(out, matches.owner(entry.slot), value, masked, version);
            }
        }
        // States that do not exist are always left out of the mask.
        Slot::CtState => {
            let (value, mask) = value_and_mask();
            put_value(out, Field::CtState, value, Some(mask), version);
        }
        Slot::TpSrc | Slot::TpDst if matches.nw_proto() == Some(2) => {}
        slot if slot >= Slot::Reg0 && slot <= Slot::Reg15 && version >= Version::V15 => {
            put_wide_register(out, matches, entry, version);
        }
        slot => {
            let field = matches.owner(slot);
            let bytes = entry.value_bytes;
            if !field.is_tun_metadata() && bytes.len() != usize::from(field.info().bytes) {
                // These are asked for whole: of a part of the type of a message of ICMP Open vSwitch says that the rest is 0.
                put_value(out, field, entry.value(), None, version);
            } else if let Some(id) = field.wire_id(version) {
                put_header(out, id, entry.mask_bytes.is_some(), bytes.len());
                out.extend_from_slice(bytes);
                out.extend_from_slice(entry.mask_bytes.unwrap_or_default());
            }
        }
    }
}

/// OpenFlow 1.5 has registers in pairs; the pair is written with its first member.
fn put_wide_register(out: &mut Writer, matches: &Match, entry: &Entry<'_>, version: Version) {
    let index = (entry.slot as u8).saturating_sub(Slot::Reg0 as u8);
    let first = entry.slot.offset(0);
    let even = if index.is_multiple_of(2) {
        first
    } else {
        Slot::from_index((entry.slot as u8).saturating_sub(1))
    };
    let Some(even) = even else { return };
    if !index.is_multiple_of(2) && matches.slot(even).is_some() {
        return;
    }
    let wide = Field::Xreg0 as u8 + index / 2;
    let Some(field) = Field::ALL.get(usize::from(wide)).copied() else {
        return;
    };
    let high = matches.slot(even).unwrap_or((0, 0));
    let low = even
        .offset(1)
        .and_then(|slot| matches.slot(slot))
        .unwrap_or((0, 0));
    let (value, mask) = (high.0 << 32 | low.0, high.1 << 32 | low.1);
    put_value(
        out,
        field,
        value,
        (mask != u128::from(u64::MAX)).then_some(mask),
        version,
    );
}

/// Appends an `ofp_match` of OpenFlow 1.2 and up: type, length, entries, padding. Open vSwitch lists its flows so in 1.1, too.
pub(crate) fn put_ofp_match(out: &mut Writer, matches: &Match, version: Version) {
    let start = out.len();
    out.u16(1);
    out.u16(0);
    put_match_as_oxm(out, matches, version);
    out.fill_len(start, start + 2);
    out.pad8(start);
}

/// Reads an `ofp_match` of OpenFlow 1.2 and up, padding included.
pub(crate) fn ofp_match(
    reader: &mut Reader<'_>,
    strictness: Strictness,
) -> Result<Match, DecodeError> {
    let place = *reader;
    let bad_len = |_| place.error(OfpError::MATCH_BAD_LEN);
    let (kind, len) = (
        reader.u16().map_err(bad_len)?,
        reader.u16().map_err(bad_len)?,
    );
    let len = usize::from(len);
    let entries = len
        .checked_sub(4)
        .ok_or_else(|| place.error(OfpError::MATCH_BAD_LEN))?;
    if kind != 1 {
        return Err(place.error(OfpError::MATCH_BAD_TYPE));
    }
    let body = reader.sub(entries).map_err(bad_len)?;
    skip_padding(reader, len).map_err(bad_len)?;
    read_entries(body, strictness, None)
}

/// Passes over the padding behind `len` bytes. Open vSwitch does not look at it.
fn skip_padding(reader: &mut Reader<'_>, len: usize) -> Result<(), DecodeError> {
    let padding = len.next_multiple_of(8) - len;
    if reader.keeps() {
        reader.zeros(padding, OfpError::MATCH_BAD_LEN)
    } else {
        reader.skip(padding)
    }
}

/// Appends the match of any version from 1.1 on.
pub(crate) fn put_any_match(out: &mut Writer, matches: &Match, version: Version) {
    if version == Version::V11 {
        super::match_old::put_v11(out, matches);
    } else {
        put_ofp_match(out, matches, version);
    }
}

/// Reads the match of any version from 1.1 on. Its type tells that of 1.1 from that of 1.2, whatever the version.
pub(crate) fn any_match(
    reader: &mut Reader<'_>,
    strictness: Strictness,
) -> Result<Match, DecodeError> {
    let mut head = *reader;
    match (head.u16(), head.u16()) {
        (Ok(0), Ok(_)) => super::match_old::read_v11(reader),
        (Ok(2..), Ok(_)) => Err(reader.error(OfpError::MATCH_BAD_TYPE)),
        _ => ofp_match(reader, strictness),
    }
}

/// Appends `NXM_NX_COOKIE`: of the value the bits that are compared, since a switch refuses others.
pub(crate) fn put_cookie(out: &mut Writer, value: u64, mask: u64) {
    let value = value & mask;
    let masked = mask != u64::MAX;
    out.u16(0x0001);
    out.u8(COOKIE << 1 | u8::from(masked));
    out.u8(if masked { 16 } else { 8 });
    out.u64(value);
    if masked {
        out.u64(mask);
    }
}

/// Reads `length` bytes of NXM entries and their padding.
pub(crate) fn nx_match(
    reader: &mut Reader<'_>,
    length: usize,
    strictness: Strictness,
) -> Result<Match, DecodeError> {
    read_entries(nx_entries(reader, length)?, strictness, None)
}

/// The same where a cookie can be among them.
pub(crate) fn nx_match_and_cookie(
    reader: &mut Reader<'_>,
    length: usize,
    strictness: Strictness,
) -> Result<MatchAndCookie, DecodeError> {
    read_match(nx_entries(reader, length)?, strictness)
}

fn nx_entries<'a>(reader: &mut Reader<'a>, length: usize) -> Result<Reader<'a>, DecodeError> {
    let place = *reader;
    let bad_len = |_| place.error(OfpError::MATCH_BAD_LEN);
    let body = reader.sub(length).map_err(bad_len)?;
    skip_padding(reader, length).map_err(bad_len)?;
    Ok(body)
}

/// Appends NXM entries and their padding, with a cookie to compare if its mask is not 0; returns their length.
pub(crate) fn put_nx_match(out: &mut Writer, matches: &Match, cookie: (u64, u64)) -> u16 {
    let start = out.len();
    if cookie.1 != 0 {
        put_cookie(out, cookie.0, cookie.1);
    }
    // Whatever the version of the message is.
    put_match(out, matches, Version::V10);
    let len = u16::try_from(out.len().saturating_sub(start)).unwrap_or(u16::MAX);
    out.pad8(start);
    len
}
