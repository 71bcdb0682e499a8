//! Actions from the wire: each is checked as Open vSwitch checks it, in the order in which it does.

use super::super::wire::Reader;
use super::super::{DecodeError, OfpError, nicira, oxm};
use super::{MAX_DEPTH, NICIRA, ONF};
use crate::action::{SetField, Subfield};
use crate::field::{Access, Field};
use crate::matching::{VLAN_CFI, number};
use crate::{Action, EthAddr, Port, Version};
use std::net::Ipv4Addr;

/// Reads actions to the end, as they stand outside of `ct`.
pub(crate) fn read_list(
    reader: Reader<'_>,
    version: Version,
    depth: u8,
) -> Result<Vec<Action>, DecodeError> {
    let actions = read_any(reader, version, depth)?;
    if reader.keeps() {
        return Ok(actions);
    }
    if actions.iter().any(needs_ct) {
        return Err(reader.error(OfpError::ACTION_BAD_SET_ARGUMENT));
    }
    // ovs-actions(7), "The conjunction action": nothing else but notes may stand beside it.
    let joins = |action: &Action| matches!(action, Action::Conjunction { .. });
    let alone = |action: &Action| joins(action) || matches!(action, Action::Note(_));
    if actions.iter().any(joins) && !actions.iter().all(alone) {
        return Err(reader.error(OfpError::ACTION_BAD_CONJUNCTION));
    }
    Ok(actions)
}

/// True for writes of a connection's own fields, which only `ct` can do.
pub(crate) fn needs_ct(action: &Action) -> bool {
    let field = match action {
        Action::SetField(set) => set.field(),
        Action::Move { dst, .. } | Action::CopyField { dst, .. } => dst.field,
        _ => return false,
    };
    matches!(field, Field::CtMark | Field::CtLabel)
}

/// How many actions there are, as far as their lengths can be ones.
pub(crate) fn count(reader: Reader<'_>) -> usize {
    let mut rest = reader.rest();
    let mut found = 0;
    while let [_, _, a, b, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([a, b]));
        match rest.get(length..) {
            Some(behind) if length >= 8 => rest = behind,
            _ => break,
        }
        found += 1;
    }
    found
}

/// Reads actions to the end.
pub(crate) fn read_any(
    mut reader: Reader<'_>,
    version: Version,
    depth: u8,
) -> Result<Vec<Action>, DecodeError> {
    if depth > MAX_DEPTH {
        return Err(reader.error(OfpError::ACTION_TOO_MANY));
    }
    let mut actions = Vec::with_capacity(count(reader));
    while !reader.is_empty() {
        actions.push(read(&mut reader, version, depth)?);
    }
    Ok(actions)
}

/// True for errors that say that something is not known, not that it is malformed.
fn is_unknown(error: OfpError) -> bool {
    matches!(
        error,
        OfpError::ACTION_BAD_TYPE
            | OfpError::ACTION_BAD_VENDOR
            | OfpError::ACTION_BAD_VENDOR_TYPE
            | OfpError::ACTION_BAD_ARGUMENT
            | OfpError::ACTION_BAD_OUT_PORT
            | OfpError::ACTION_BAD_SET_TYPE
            | OfpError::ACTION_BAD_SET_ARGUMENT
            | OfpError::ACTION_BAD_SET_MASK
            | OfpError::ACTION_BAD_CONJUNCTION
            | OfpError::ACTION_BAD_HEADER_TYPE
            | OfpError::ACTION_UNKNOWN_ED_PROP
            | OfpError::ACTION_TOO_MANY
            | OfpError::INSTRUCTION_UNSUP
            | OfpError::MATCH_BAD_FIELD
            | OfpError::MATCH_BAD_MASK
            | OfpError::PROPERTY_BAD_TYPE
    )
}

/// Reads one action. What is kept because it is not known is also what no version so far has a meaning for, and what is
/// nested deeper than any switch has it.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    version: Version,
    depth: u8,
) -> Result<Action, DecodeError> {
    let place = *reader;
    let Some(&[k1, k2, l1, l2]) = reader.rest().first_chunk() else {
        return Err(place.error(OfpError::ACTION_BAD_LEN));
    };
    let kind = u16::from_be_bytes([k1, k2]);
    let len = usize::from(u16::from_be_bytes([l1, l2]));
    let extension = kind == 0xffff && !place.keeps();
    if len < 8 || len % 8 != 0 || len > reader.len() || (extension && len < 16) {
        // That the type is not known is told first.
        let error = unknown_type(place, version).filter(|_| !place.keeps());
        return Err(place.error(error.unwrap_or(OfpError::ACTION_BAD_LEN)));
    }
    let whole = reader.sub(len)?;
    let mut body = whole;
    body.skip(4)?;
    let read = if kind == 0xffff {
        let vendor = body.u32()?;
        match vendor {
            NICIRA => nicira::read(&mut body, version, depth),
            ONF if version >= Version::V13 && version < Version::V15 => read_onf(&mut body),
            ONF => Err(place.error(OfpError::ACTION_BAD_VENDOR_TYPE)),
            _ => Err(place.error(OfpError::ACTION_BAD_VENDOR)),
        }
    } else if version == Version::V10 {
        read_v10(kind, &mut body)
    } else {
        read_v11(kind, &mut body, version)
    };
    // Fields that say nothing of actions are told in the words of actions.
    match read {
        Err(e) if place.keeps() && is_unknown(e.error) => Ok(Action::Unknown(whole.rest().into())),
        Err(e) if e.error == OfpError::BAD_LEN => Err(place.error(OfpError::ACTION_BAD_LEN)),
        read => read,
    }
}

/// The error of an action whose type is not known, whatever its length.
fn unknown_type(mut whole: Reader<'_>, version: Version) -> Option<OfpError> {
    let kind = whole.u16().ok()?;
    whole.skip(2).ok()?;
    let mut rest = whole.sub(4).ok()?;
    let read = if kind == 0xffff {
        let vendor = rest.u32().ok()?;
        let mut subtype = whole.sub(2);
        match (vendor, &mut subtype) {
            (NICIRA, Ok(body)) => nicira::read(body, version, 0),
            (ONF, Ok(body)) if version >= Version::V13 && version < Version::V15 => read_onf(body),
            (NICIRA | ONF, Err(_)) => return None,
            (ONF, _) => return Some(OfpError::ACTION_BAD_VENDOR_TYPE),
            _ => return Some(OfpError::ACTION_BAD_VENDOR),
        }
    } else {
        let mut nothing = Reader::new(&[], 0);
        match version {
            Version::V10 => read_v10(kind, &mut nothing),
            _ => read_v11(kind, &mut nothing, version),
        }
    };
    let error = read.err()?.error;
    matches!(
        error,
        OfpError::ACTION_BAD_TYPE | OfpError::ACTION_BAD_VENDOR_TYPE
    )
    .then_some(error)
}

fn read_onf(body: &mut Reader<'_>) -> Result<Action, DecodeError> {
    let place = *body;
    if body.u16()? != 3200 {
        return Err(place.error(OfpError::ACTION_BAD_VENDOR_TYPE));
    }
    body.skip(2)?;
    read_copy(body).map(|(src, dst)| Action::CopyField { src, dst })
}

fn read_copy(body: &mut Reader<'_>) -> Result<(Subfield, Subfield), DecodeError> {
    let place = *body;
    let bits = body.u16()?;
    let (src_offset, dst_offset) = (body.u16()?, body.u16()?);
    match body.keeps() {
        true => body.zeros(2, OfpError::MUST_BE_ZERO)?,
        false => body.skip(2)?,
    }
    let src = Subfield::part(oxm::field(body)?, src_offset, bits);
    let dst = Subfield::part(oxm::field(body)?, dst_offset, bits);
    body.zeros(body.len(), OfpError::MUST_BE_ZERO)?;
    check_move(src, dst).map_err(|e| place.error(e))?;
    Ok((src, dst))
}

/// Checks what both forms of `move` ask for.
pub(crate) fn check_move(src: Subfield, dst: Subfield) -> Result<(), OfpError> {
    check_subfield(src)?;
    check_subfield(dst)?;
    if dst.field.info().access == Access::ReadOnly {
        return Err(OfpError::ACTION_BAD_SET_ARGUMENT);
    }
    Ok(())
}

/// Checks that the bits are bits of the field.
pub(crate) fn check_subfield(part: Subfield) -> Result<(), OfpError> {
    let end = u32::from(part.offset) + u32::from(part.bits);
    if part.bits == 0 || end > u32::from(part.field.bits()) {
        Err(OfpError::ACTION_BAD_SET_LEN)
    } else {
        Ok(())
    }
}

/// Demands an exact length of the rest of an action and reads it.
fn exactly<const N: usize>(body: &mut Reader<'_>) -> Result<[u8; N], DecodeError> {
    let place = *body;
    if body.len() != N {
        return Err(place.error(OfpError::ACTION_BAD_LEN));
    }
    let bytes = body.bytes(N)?;
    bytes
        .first_chunk()
        .copied()
        .ok_or_else(|| place.error(OfpError::ACTION_BAD_LEN))
}

/// An action with nothing but padding.
fn bare(body: &mut Reader<'_>, action: Action) -> Result<Action, DecodeError> {
    exactly::<4>(body)?;
    Ok(action)
}

fn output_to(port: Port, max_len: u16) -> Action {
    match (port, max_len) {
        (Port::CONTROLLER, _) => Action::OutputController(max_len),
        (_, 0) => Action::Output(port),
        _ => Action::OutputMaxLen(port, max_len),
    }
}

fn read_v10(kind: u16, body: &mut Reader<'_>) -> Result<Action, DecodeError> {
    let place = *body;
    Ok(match kind {
        0 => {
            let [a, b, c, d] = exactly(body)?;
            let port = Port::from_u16(u16::from_be_bytes([a, b]));
            check_port(port).map_err(|e| place.error(e))?;
            output_to(port, u16::from_be_bytes([c, d]))
        }
        1 => {
            let [a, b, _, _] = exactly(body)?;
            let vid = u16::from_be_bytes([a, b]);
            if vid > 0xfff {
                return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
            }
            Action::ModVlanVid(vid)
        }
        2 => {
            let [pcp, _, _, _] = exactly(body)?;
            if pcp > 7 {
                return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
            }
            Action::ModVlanPcp(pcp)
        }
        3 => bare(body, Action::StripVlan)?,
        4 => read_mac(body, Action::ModDlSrc)?,
        5 => read_mac(body, Action::ModDlDst)?,
        6 => Action::ModNwSrc(Ipv4Addr::from(exactly::<4>(body)?)),
        7 => Action::ModNwDst(Ipv4Addr::from(exactly::<4>(body)?)),
        8 => read_tos(body)?,
        9 => read_tp(body, Action::ModTpSrc)?,
        10 => read_tp(body, Action::ModTpDst)?,
        11 => {
            let bytes: [u8; 12] = exactly(body)?;
            let [a, b, _, _, _, _, _, _, c, d, e, f] = bytes;
            let port = Port::from_u16(u16::from_be_bytes([a, b]));
            let reserved = port.0 >= Port::MAX.0 && port != Port::IN_PORT && port != Port::LOCAL;
            if reserved {
                return Err(place.error(OfpError::ACTION_BAD_OUT_PORT));
            }
            Action::Enqueue(port, u32::from_be_bytes([c, d, e, f]))
        }
        _ => return Err(place.error(OfpError::ACTION_BAD_TYPE)),
    })
}

fn read_mac(body: &mut Reader<'_>, make: fn(EthAddr) -> Action) -> Result<Action, DecodeError> {
    let [a, b, c, d, e, f, ..] = exactly::<12>(body)?;
    Ok(make(EthAddr([a, b, c, d, e, f])))
}

fn read_tos(body: &mut Reader<'_>) -> Result<Action, DecodeError> {
    let place = *body;
    let [tos, _, _, _] = exactly(body)?;
    if tos & 3 != 0 {
        return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
    }
    Ok(Action::ModNwTos(tos))
}

fn read_tp(body: &mut Reader<'_>, make: fn(u16) -> Action) -> Result<Action, DecodeError> {
    let [a, b, _, _] = exactly(body)?;
    Ok(make(u16::from_be_bytes([a, b])))
}

/// Checks that packets can be sent to a port: reserved numbers without a meaning are refused.
pub(crate) fn check_port(port: Port) -> Result<(), OfpError> {
    let reserved = port.0 >= Port::MAX.0;
    let known = port.name().is_some() && port != Port::ANY && port != Port::UNSET;
    if reserved && !known {
        Err(OfpError::ACTION_BAD_OUT_PORT)
    } else {
        Ok(())
    }
}

fn read_v11(kind: u16, body: &mut Reader<'_>, version: Version) -> Result<Action, DecodeError> {
    let place = *body;
    // Later versions set fields otherwise, but Open vSwitch still takes these; they would not be written as they were.
    let old = version == Version::V11 || !body.keeps();
    Ok(match kind {
        0 => {
            let [a, b, c, d, e, f, ..] = exactly::<12>(body)?;
            let port = Port(u32::from_be_bytes([a, b, c, d]));
            if port.to_u16().is_none() {
                return Err(place.error(OfpError::ACTION_BAD_OUT_PORT));
            }
            check_port(port).map_err(|e| place.error(e))?;
            output_to(port, u16::from_be_bytes([e, f]))
        }
        1 if old => {
            let [a, b, _, _] = exactly(body)?;
            let vid = u16::from_be_bytes([a, b]);
            if vid > 0xfff {
                return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
            }
            Action::SetVlanVid(vid)
        }
        2 if old => {
            let [pcp, _, _, _] = exactly(body)?;
            if pcp > 7 {
                return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
            }
            Action::SetVlanPcp(pcp)
        }
        3 if old => read_mac(body, Action::ModDlSrc)?,
        4 if old => read_mac(body, Action::ModDlDst)?,
        5 if old => Action::ModNwSrc(Ipv4Addr::from(exactly::<4>(body)?)),
        6 if old => Action::ModNwDst(Ipv4Addr::from(exactly::<4>(body)?)),
        7 if old => read_tos(body)?,
        8 if old => {
            let [ecn, _, _, _] = exactly(body)?;
            if ecn > 3 {
                return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
            }
            Action::ModNwEcn(ecn)
        }
        9 if old => read_tp(body, Action::ModTpSrc)?,
        10 if old => read_tp(body, Action::ModTpDst)?,
        13 if old => Action::SetMplsLabel(u32::from_be_bytes(exactly(body)?)),
        14 if old => {
            let [tc, _, _, _] = exactly(body)?;
            Action::SetMplsTc(tc)
        }
        15 => {
            let [ttl, _, _, _] = exactly(body)?;
            Action::SetMplsTtl(ttl)
        }
        16 => bare(body, Action::DecMplsTtl)?,
        17 => {
            let [a, b, _, _] = exactly(body)?;
            let kind = u16::from_be_bytes([a, b]);
            if !matches!(kind, 0x8100 | 0x88a8) {
                return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
            }
            Action::PushVlan(kind)
        }
        18 => bare(body, Action::PopVlan)?,
        19 => {
            let [a, b, _, _] = exactly(body)?;
            let kind = u16::from_be_bytes([a, b]);
            if !matches!(kind, 0x8847 | 0x8848) {
                return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
            }
            Action::PushMpls(kind)
        }
        20 => {
            let [a, b, _, _] = exactly(body)?;
            Action::PopMpls(u16::from_be_bytes([a, b]))
        }
        21 => Action::SetQueue(u32::from_be_bytes(exactly(body)?)),
        22 => Action::Group(u32::from_be_bytes(exactly(body)?)),
        23 => {
            let [ttl, _, _, _] = exactly(body)?;
            Action::ModNwTtl(ttl)
        }
        24 => bare(body, Action::DecTtl([].into()))?,
        25 if version >= Version::V12 => {
            let form = if version < Version::V15 {
                SetForm::Whole
            } else {
                SetForm::Masked
            };
            Action::SetField(read_set_field(body, form)?)
        }
        28 if version >= Version::V15 => {
            read_copy(body).map(|(src, dst)| Action::Move { src, dst })?
        }
        29 if version >= Version::V15 => Action::Meter(u32::from_be_bytes(exactly(body)?)),
        _ => return Err(place.error(OfpError::ACTION_BAD_TYPE)),
    })
}

/// Which action it is that writes a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetForm {
    /// `OFPAT_SET_FIELD` before OpenFlow 1.5, which writes whole fields.
    Whole,
    /// `OFPAT_SET_FIELD` of OpenFlow 1.5, which has masks.
    Masked,
    /// `NXAST_REG_LOAD2`, whose values Open vSwitch does not check.
    Load,
}

/// Reads the OXM entry of a `set_field` and its padding.
pub(crate) fn read_set_field(
    body: &mut Reader<'_>,
    form: SetForm,
) -> Result<SetField, DecodeError> {
    let place = *body;
    let bad = |error| place.error(error);
    let header = oxm::header(body).map_err(|_| bad(OfpError::MATCH_BAD_LEN))?;
    let half = if header.masked {
        header.len / 2
    } else {
        header.len
    };
    // Open vSwitch takes the highest bit of a length for a part of the number of the field, and no length for no field.
    let field = header
        .field
        .filter(|field| half > 0 || field.is_tun_metadata())
        .filter(|_| header.masked || header.len < 0x80)
        .ok_or_else(|| bad(OfpError::ACTION_BAD_SET_TYPE))?;
    if !oxm::is_length(field, half) {
        return Err(bad(OfpError::ACTION_BAD_SET_LEN));
    }
    let payload = body
        .bytes(header.len)
        .map_err(|_| bad(OfpError::MATCH_BAD_LEN))?;
    let mut rest = *body;
    body.skip(body.len())?;
    let mut padding = || match rest.keeps() {
        true => rest.zeros(rest.len(), OfpError::MUST_BE_ZERO),
        false => rest.zeros(rest.len(), OfpError::ACTION_BAD_SET_ARGUMENT),
    };
    let info = field.info();
    // Nearly all writes are of a whole field, in whose bytes every value is one.
    if !header.masked && info.as_is && info.access == Access::ReadWrite {
        padding()?;
        return Ok(SetField::whole(field, number(payload)));
    }
    let (value, mask) = payload.split_at_checked(half).unwrap_or((payload, &[]));
    let mask = if header.masked {
        mask.get(..half).unwrap_or(mask)
    } else {
        [0xff; 255].split_at(half.min(255)).0
    };
    if header.masked && value.iter().zip(mask).any(|(v, m)| v & !m != 0) {
        return Err(place.error(OfpError::MATCH_BAD_WILDCARDS));
    }
    if header.masked && form == SetForm::Whole {
        return Err(place.error(OfpError::ACTION_BAD_SET_MASK));
    }
    padding()?;
    if field.info().access == Access::ReadOnly {
        return Err(place.error(OfpError::ACTION_BAD_SET_ARGUMENT));
    }
    if field.is_tun_metadata() {
        if value.len() > 124 {
            return Err(place.error(OfpError::MATCH_BAD_LEN));
        }
        let mask = header.masked.then_some(mask);
        return Ok(SetField::wide(field, value, mask));
    }
    // A VLAN id is written to a tag that is there (OpenFlow 1.5.1, 7.2.3.7).
    let valid = oxm::is_valid(field, number(value))
        && (field != Field::VlanVid || number(value) & VLAN_CFI != 0);
    // Where a packet came in can not be said by the action of OpenFlow itself.
    let port = field == Field::InPortOxm && !place.keeps();
    if form != SetForm::Load && (!valid || port) {
        return Err(place.error(OfpError::ACTION_BAD_SET_ARGUMENT));
    }
    Ok(SetField::new(field, number(value), number(mask)))
}
