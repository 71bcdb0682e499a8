//! Entries of matches from the wire: each is checked as Open vSwitch checks it, and added to the match.

use super::super::wire::{Reader, Unknown};
use super::super::{DecodeError, OfpError};
use super::{header, rank};
use crate::field::{Field, Masking, Place, Prerequisite, Slot};
use crate::matching::{Stored, number, prerequisites_hold};
use crate::{Match, Port};

/// What Open vSwitch does with fields that it does not know. Where they are kept ([`super::wire::Unknown`]) it does not matter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// They are an error.
    Strict,
    /// They are passed over, as in what is said of a packet.
    Loose,
}

/// A match with the cookie that NXM may hold, and its mask.
pub(crate) type MatchAndCookie = (Match, Option<(u64, u64)>);

/// Reads entries to the end, among which there may be a cookie.
pub(crate) fn read_match(
    reader: Reader<'_>,
    strictness: Strictness,
) -> Result<MatchAndCookie, DecodeError> {
    let mut cookie = None;
    let matches = read_entries(reader, strictness, Some(&mut cookie))?;
    Ok((matches, cookie))
}

/// Reads entries to the end; where no cookie can be it is a field that is not known.
pub(crate) fn read_entries(
    mut reader: Reader<'_>,
    strictness: Strictness,
    mut cookie: Option<&mut Option<(u64, u64)>>,
) -> Result<Match, DecodeError> {
    let mut matches = Match::new();
    while !reader.is_empty() {
        // Zeros where an entry could be are the rest of a length that counts the padding, as some switches have it.
        if reader.keeps() && reader.len() >= 4 && reader.rest().iter().all(|b| *b == 0) {
            break;
        }
        entry(&mut reader, &mut matches, cookie.as_deref_mut(), strictness)?;
    }
    Ok(matches)
}

/// Reads one entry.
#[inline]
fn entry(
    reader: &mut Reader<'_>,
    matches: &mut Match,
    cookie: Option<&mut Option<(u64, u64)>>,
    strictness: Strictness,
) -> Result<(), DecodeError> {
    let place = *reader;
    let bad_len = |_| place.error(OfpError::MATCH_BAD_LEN);
    let header = header(reader).map_err(bad_len)?;
    let payload = reader.bytes(header.len).map_err(bad_len)?;
    // The cookie has the number of mpls_ttl, told apart by its length.
    if header.class == 1
        && header.number == COOKIE
        && let Some(cookie) = cookie
        && let Some((value, mask)) = read_cookie(header.masked, payload)
    {
        if value & !mask != 0 && !place.keeps() {
            return Err(place.error(OfpError::MATCH_BAD_WILDCARDS));
        }
        if cookie
            .replace((value, mask))
            .is_some_and(|(_, mask)| mask != 0)
        {
            return Err(place.error(OfpError::MATCH_DUP_FIELD));
        }
        return Ok(());
    }
    // What is kept as it is needs no indulgence.
    let strictness = if place.keeps() {
        Strictness::Strict
    } else {
        strictness
    };
    let longest = MAX_TUN_METADATA << u8::from(header.masked);
    let read = match header.field {
        Some(_) if place.keeps() && payload.len() > longest => Err(OfpError::MATCH_BAD_VALUE),
        Some(field) => read_field(matches, field, header.masked, payload, strictness),
        None => Err(OfpError::MATCH_BAD_FIELD),
    };
    let Err(error) = read else {
        return Ok(());
    };
    if place.keeps() {
        return match header.field {
            Some(_) if error == OfpError::MATCH_BAD_FIELD => {
                Err(place.error(OfpError::MATCH_BAD_LEN))
            }
            _ => keep(matches, place, *reader),
        };
    }
    if error == OfpError::MATCH_BAD_FIELD {
        // Open vSwitch looks at the mask first.
        let (value, mask) = payload.split_at(payload.len() / 2);
        if header.masked && has_loose_bits(value, mask) {
            return Err(place.error(OfpError::MATCH_BAD_WILDCARDS));
        }
        if strictness == Strictness::Loose {
            return Ok(());
        }
    }
    Err(place.error(error))
}

/// True if a value has bits that its mask does not have.
pub(crate) fn has_loose_bits(value: &[u8], mask: &[u8]) -> bool {
    value.iter().zip(mask).any(|(v, m)| v & !m != 0)
}

/// Adds entries to a match; what is not known is kept.
pub(crate) fn add_entries(matches: &mut Match, entries: &[u8]) -> Result<(), DecodeError> {
    let mut reader = Reader::new(entries, 0).minding(Unknown::Keep);
    while !reader.is_empty() {
        entry(&mut reader, matches, None, Strictness::Strict)?;
    }
    Ok(())
}

/// Keeps the entry from `from` to `to` as it is, behind what was read before it.
fn keep(matches: &mut Match, mut from: Reader<'_>, to: Reader<'_>) -> Result<(), DecodeError> {
    let place = from;
    let entry = from.bytes(from.len().saturating_sub(to.len()))?;
    // A mask is as long as its value.
    let [_, _, kind, length, ..] = entry else {
        return Err(place.error(OfpError::MATCH_BAD_LEN));
    };
    if kind & length & 1 == 1 {
        return Err(place.error(OfpError::MATCH_BAD_LEN));
    }
    let arp = matches!(matches.eth_type(), Some(0x0806 | 0x8035));
    let ranks = matches.entries().map(|e| rank(e.slot, arp));
    let after = ranks.max().map_or(0, |highest| highest.saturating_add(1));
    matches.push_raw(after, entry);
    Ok(())
}

/// `NXM_NX_COOKIE`: not a field of packets, but how OpenFlow 1.0 with NXM filters flows by cookie.
pub(crate) const COOKIE: u8 = 30;

fn read_cookie(masked: bool, payload: &[u8]) -> Option<(u64, u64)> {
    let (value, rest) = payload.split_first_chunk::<8>()?;
    let mask = if masked {
        u64::from_be_bytes(*rest.first_chunk()?)
    } else {
        u64::MAX
    };
    let used = if masked { 16 } else { 8 };
    (payload.len() == used).then_some((u64::from_be_bytes(*value), mask))
}

/// The bytes of the longest tunnel option.
const MAX_TUN_METADATA: usize = 124;

/// Checks one entry and adds it. What one packet is said to have needs nothing else to be said.
fn read_field(
    matches: &mut Match,
    field: Field,
    masked: bool,
    payload: &[u8],
    strictness: Strictness,
) -> Result<(), OfpError> {
    let info = field.info();
    if !masked && let Some(stored) = Stored::of(field, payload) {
        if strictness == Strictness::Strict && !prerequisites_hold(matches, info.prerequisite) {
            return Err(OfpError::MATCH_BAD_PREREQ);
        }
        if matches.add_stored(field, &stored) {
            if info.prerequisite == Prerequisite::Ethernet {
                matches.remove_ethernet();
            }
            return Ok(());
        }
    }
    let len = if masked {
        payload.len() / 2
    } else {
        payload.len()
    };
    let (value_bytes, mask_bytes) = payload.split_at_checked(len).unwrap_or_default();
    if field.is_tun_metadata() {
        // What is longer than the longest option is cut; of 128 bytes and more Open vSwitch does not know what it is.
        if !masked && len >= 0x80 {
            return Err(OfpError::MATCH_BAD_FIELD);
        }
        if masked && has_loose_bits(value_bytes, mask_bytes) {
            return Err(OfpError::MATCH_BAD_WILDCARDS);
        }
        if matches.get(field).is_some() {
            return Err(OfpError::MATCH_DUP_FIELD);
        }
        let most = len.min(MAX_TUN_METADATA);
        let mask = masked.then(|| mask_bytes.get(..most).unwrap_or_default());
        matches.set_wide(field, value_bytes.get(..most).unwrap_or_default(), mask);
        return Ok(());
    }
    if len != usize::from(info.bytes) {
        return Err(OfpError::MATCH_BAD_FIELD);
    }
    let value = number(value_bytes);
    let all = number(&[0xff; 16]) >> (8 * (16 - len.min(16)));
    let mask = match mask_bytes.get(..len) {
        Some(bytes) if masked => number(bytes),
        _ => all,
    };
    if value & !mask != 0 {
        return Err(OfpError::MATCH_BAD_WILDCARDS);
    }
    if masked
        && info.masking == Masking::Exact
        && mask != 0
        && mask & field.value_mask() != field.value_mask()
    {
        return Err(OfpError::MATCH_BAD_MASK);
    }
    if !is_valid(field, value) {
        return Err(OfpError::MATCH_BAD_VALUE);
    }
    if strictness == Strictness::Strict && !prerequisites_hold(matches, info.prerequisite) {
        return Err(OfpError::MATCH_BAD_PREREQ);
    }
    // Fields of several protocols are one where they share their bits.
    let is_double = match info.place {
        Place::Whole => matches.has(info.slot),
        _ => matches.get(field).is_some(),
    };
    if is_double || (field == Field::PacketType && is_of_ethernet(matches)) {
        return Err(OfpError::MATCH_DUP_FIELD);
    }
    if field == Field::PacketType && value == 0 && mask != 0 {
        matches.put(Slot::PacketType, 0, u128::MAX);
        return Ok(());
    }
    matches.set(field, value, mask);
    // A field of Ethernet frames asks for them, also where it asks for nothing else.
    if info.prerequisite == Prerequisite::Ethernet {
        if is_of_ethernet(matches) {
            matches.remove_ethernet();
        } else {
            matches.put(Slot::PacketType, 0, u128::MAX);
        }
    }
    Ok(())
}

/// True if a field is matched that only Ethernet frames have.
fn is_of_ethernet(matches: &Match) -> bool {
    let fields = [Slot::DlType, Slot::VlanTci, Slot::DlSrc, Slot::DlDst];
    fields.into_iter().any(|slot| matches.has(slot))
}

/// True if a match can say that the field has this value: no bits that it does not have.
pub(crate) fn is_valid(field: Field, value: u128) -> bool {
    match field {
        Field::VlanVid => value & !0x1fff == 0,
        Field::NwTos => value & !0xfc == 0,
        Field::ArpOp => value <= 0xff,
        Field::CtState => value & !0xff == 0,
        Field::NshTtl => value <= 63,
        Field::NshMdtype => matches!(value, 1 | 2),
        Field::InPortOxm | Field::ActsetOutput => {
            u32::try_from(value).is_ok_and(|v| Port(v).to_u16().is_some())
        }
        _ => value & !field.value_mask() == 0,
    }
}
