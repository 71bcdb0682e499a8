//! `NXT_CT_FLUSH`: forgetting tracked connections that have given addresses and ports.

use super::Printed;
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{DecodeError, OfpError, next_property};
use crate::text::number::{ipv4, ipv6};
use std::fmt::Write;

/// One direction of a connection; 0 stands for "any".
#[derive(Default)]
struct Tuple {
    src: u128,
    dst: u128,
    /// Source and destination port; for ICMP the id is in the first.
    ports: [u16; 2],
    /// ICMP type and code.
    icmp: [u8; 2],
}

/// True for `::ffff:a.b.c.d`, an IPv4 address in the form of IPv6.
fn is_mapped(address: u128) -> bool {
    address >> 32 == 0xffff
}

/// What is known of the family: `None` until the first address.
fn add_address(reader: &mut Reader<'_>, family: &mut Option<bool>) -> Result<u128, DecodeError> {
    let place = *reader;
    let address = reader.u128()?;
    if address != 0 {
        let v4 = is_mapped(address);
        if family.is_some_and(|known| known != v4) {
            return Err(place.error(OfpError::PROPERTY_BAD_VALUE));
        }
        *family = Some(v4);
    }
    Ok(address)
}

fn tuple(mut reader: Reader<'_>, family: &mut Option<bool>) -> Result<Tuple, DecodeError> {
    let mut found = Tuple::default();
    reader.skip(4)?;
    while !reader.is_empty() {
        let (kind, mut data) = next_property(&mut reader)?;
        match kind {
            0 => found.src = add_address(&mut data, family)?,
            1 => found.dst = add_address(&mut data, family)?,
            2 | 4 => found.ports[0] = data.u16()?,
            3 => found.ports[1] = data.u16()?,
            5 => found.icmp[0] = data.u8()?,
            6 => found.icmp[1] = data.u8()?,
            _ => {}
        }
    }
    Ok(found)
}

fn write(out: &mut String, found: &Tuple, v4: bool, proto: u8) {
    let family = if v4 { "nw" } else { "ipv6" };
    for (name, address) in [("src", found.src), ("dst", found.dst)] {
        let _ = write!(
            out,
            "{}ct_{family}_{name}=",
            if name == "dst" { "," } else { "" }
        );
        if is_mapped(address) {
            ipv4(out, address)
        } else {
            ipv6(out, address)
        }
    }
    let [src, dst] = found.ports;
    let [kind, code] = found.icmp;
    let _ = match proto {
        1 | 58 => write!(out, ",icmp_id={src},icmp_type={kind},icmp_code={code}"),
        _ => write!(out, ",ct_tp_src={src},ct_tp_dst={dst}"),
    };
}

pub(super) fn ct_flush(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    let proto = reader.u8()?;
    reader.zeros(7, OfpError::MUST_BE_ZERO)?;
    let (mut zone, mut family) = (0, None);
    let (mut original, mut reply) = (Tuple::default(), Tuple::default());
    while !reader.is_empty() {
        let (kind, mut data) = next_property(reader)?;
        match kind {
            0 => original = tuple(data, &mut family)?,
            1 => reply = tuple(data, &mut family)?,
            2 => zone = data.u16()?,
            _ => {}
        }
    }
    let v4 = family.unwrap_or(false);
    let _ = write!(out, " zone={zone} '");
    write(out, &original, v4, proto);
    let _ = write!(out, ",ct_nw_proto={proto}' '");
    write(out, &reply, v4, proto);
    out.push('\'');
    Ok(())
}
