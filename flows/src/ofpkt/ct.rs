//! `ct` and `nat` on the wire (`NXAST_CT`, `NXAST_NAT`).

use super::actions::{Context, NICIRA, check_subfield, end, put_list, read_any};
use super::nicira::{begin, packed};
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError, oxm};
use crate::action::{Ct, CtZone, Nat, NatDirection, Subfield};
use crate::field::Field;
use crate::{Action, Version};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const IPV4_MIN: u16 = 1;
const IPV4_MAX: u16 = 2;
const IPV6_MIN: u16 = 4;
const IPV6_MAX: u16 = 8;
const PROTO_MIN: u16 = 16;
const PROTO_MAX: u16 = 32;

pub(super) fn put(out: &mut Writer, ct: &Ct, context: &mut Context<'_>) {
    let start = begin(out, 35);
    out.u16(u16::from(ct.commit) | u16::from(ct.force) << 1);
    match ct.zone {
        CtZone::Number(zone) => {
            out.u32(0);
            out.u16(zone);
        }
        CtZone::Field(part) => {
            oxm::put_field(out, part.field);
            out.u16(packed(part));
        }
    }
    out.u8(ct.recirc_table);
    out.zeros(3);
    out.u16(ct.alg);
    if let Some(nat) = &ct.nat {
        put_nat(out, nat);
    }
    put_list(out, &ct.actions, &mut context.clone());
    end(out, start);
}

fn put_nat(out: &mut Writer, nat: &Nat) {
    let start = begin(out, 36);
    out.zeros(2);
    out.u16(nat.flags);
    let present = out.len();
    out.u16(0);
    let mut ranges = 0;
    // Open vSwitch takes an address or a port of 0 for none.
    let mut address = |out: &mut Writer, ip: IpAddr, v4: u16, v6: u16| match ip {
        ip if ip.is_unspecified() => {}
        IpAddr::V4(ip) => {
            ranges |= v4;
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            ranges |= v6;
            out.extend_from_slice(&ip.octets());
        }
    };
    if let Some((first, last)) = nat.addresses {
        address(out, first, IPV4_MIN, IPV6_MIN);
        if let Some(last) = last {
            address(out, last, IPV4_MAX, IPV6_MAX);
        }
    }
    let (first, last) = nat.ports.unwrap_or_default();
    let ports = [(Some(first), PROTO_MIN), (last, PROTO_MAX)];
    for (port, bit) in ports {
        if let Some(port) = port.filter(|port| *port != 0) {
            ranges |= bit;
            out.u16(port);
        }
    }
    out.set_u16(present, ranges);
    end(out, start);
}

pub(super) fn read(body: &mut Reader<'_>, version: Version, depth: u8) -> Result<Ct, DecodeError> {
    let place = *body;
    let bad = |error| place.error(error);
    let flags = body.u16()?;
    if flags & 3 == 2 || (flags & !3 != 0 && place.keeps()) {
        return Err(bad(OfpError::ACTION_BAD_ARGUMENT));
    }
    let mut header = *body;
    let zone_src = header.u32()?;
    let zone = if zone_src == 0 {
        body.skip(4)?;
        CtZone::Number(body.u16()?)
    } else {
        let field = oxm::short_field(body)?;
        let packed = body.u16()?;
        let part = Subfield::part(field, packed >> 6, (packed & 0x3f) + 1);
        check_subfield(part).map_err(bad)?;
        if part.bits != 16 {
            return Err(bad(OfpError::ACTION_BAD_SET_LEN));
        }
        CtZone::Field(part)
    };
    let recirc_table = body.u8()?;
    body.skip(3)?;
    let alg = body.u16()?;
    let mut ct = Ct {
        commit: flags & 1 != 0,
        force: flags & 2 != 0,
        zone,
        recirc_table,
        alg,
        actions: [].into(),
        nat: None,
    };
    ct.nat = leading_nat(body)?;
    let inner = body.sub(body.len())?;
    ct.actions = read_any(inner, version, depth + 1)?.into();
    for action in &ct.actions {
        let allowed = matches!(action, Action::SetField(set) if matches!(set.field(), Field::CtMark | Field::CtLabel))
            || matches!(action, Action::Unknown(_))
            || matches!(action, Action::Move { dst, .. } | Action::CopyField { dst, .. } if matches!(dst.field, Field::CtMark | Field::CtLabel));
        if !allowed {
            return Err(bad(OfpError::ACTION_BAD_ARGUMENT));
        }
    }
    // Where to translate to, and what to set, is only said when the connection is remembered.
    let translates = |nat: &Nat| nat.flags != 0 || nat.addresses.is_some();
    let remembers = ct.nat.as_ref().is_some_and(translates) || !ct.actions.is_empty();
    if !ct.commit && remembers && !place.keeps() {
        return Err(bad(OfpError::ACTION_BAD_ARGUMENT));
    }
    Ok(ct)
}

/// The `nat` that stands first among the actions of a `ct`.
fn leading_nat(body: &mut Reader<'_>) -> Result<Option<Nat>, DecodeError> {
    let mut head = *body;
    let (Ok(0xffff), Ok(len), Ok(NICIRA), Ok(36)) =
        (head.u16(), head.u16(), head.u32(), head.u16())
    else {
        return Ok(None);
    };
    let len = usize::from(len);
    if len < 16 || len % 8 != 0 || len > body.len() {
        return Err(body.error(OfpError::ACTION_BAD_LEN));
    }
    let mut nat = body.sub(len)?;
    nat.skip(10)?;
    read_nat(&mut nat).map(Some)
}

/// Reads what follows the subtype of a `nat`.
pub(super) fn read_nat(body: &mut Reader<'_>) -> Result<Nat, DecodeError> {
    let place = *body;
    let bad = |_| place.error(OfpError::ACTION_BAD_ARGUMENT);
    let wrong = || Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
    if place.keeps() {
        body.zeros(2, OfpError::ACTION_BAD_ARGUMENT)?;
    } else {
        body.skip(2)?;
    }
    let (flags, ranges) = (body.u16()?, body.u16()?);
    let has = |bit: u16| ranges & bit != 0;
    let direction = match flags & 3 {
        0 => None,
        1 => Some(NatDirection::Src),
        2 => Some(NatDirection::Dst),
        _ => return wrong(),
    };
    if flags & !0x1f != 0
        || (flags & 8 != 0 && flags & 16 != 0)
        || (has(IPV4_MIN | IPV4_MAX) && has(IPV6_MIN | IPV6_MAX))
        || (!has(IPV4_MIN) && has(IPV4_MAX))
        || (!has(IPV6_MIN) && has(IPV6_MAX))
        || (!has(PROTO_MIN) && has(PROTO_MAX))
        || (!has(IPV4_MIN | IPV6_MIN) && has(PROTO_MIN))
        || (ranges & !0x3f != 0 && place.keeps())
    {
        return wrong();
    }
    let mut nat = Nat {
        flags,
        direction,
        addresses: None,
        ports: None,
    };
    if has(IPV4_MIN) {
        let mut next = || body.u32().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
        let first = next().map_err(bad)?;
        let last = has(IPV4_MAX).then(next).transpose().map_err(bad)?;
        nat.addresses = Some((first, last));
    } else if has(IPV6_MIN) {
        let mut next = || {
            body.u128()
                .map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)))
        };
        let first = next().map_err(bad)?;
        let last = has(IPV6_MAX).then(next).transpose().map_err(bad)?;
        nat.addresses = Some((first, last));
    }
    // Open vSwitch takes the address 0 for none.
    let none = |first: IpAddr| first.is_unspecified() && !place.keeps();
    if nat
        .addresses
        .is_some_and(|(first, last)| none(first) || last.is_some_and(|last| last < first))
    {
        return wrong();
    }
    if has(PROTO_MIN) {
        let mut next = || body.u16();
        let first = next().map_err(bad)?;
        let last = has(PROTO_MAX).then(next).transpose().map_err(bad)?;
        if first == 0 || last.is_some_and(|last| last < first) {
            return wrong();
        }
        nat.ports = Some((first, last));
    }
    Ok(nat)
}
