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
    /// Source and destination port; the id of ICMP is in the first, its code and type are the two bytes of the second,
    /// whatever the protocol: what is said last counts.
    ports: [u16; 2],
}

/// True for `::ffff:a.b.c.d`, an IPv4 address in the form of IPv6.
fn is_mapped(address: u128) -> bool {
    address >> 32 == 0xffff
}

/// Two addresses in a row are of one family: `None` after one that is not said.
fn add_address(mut data: Reader<'_>, family: &mut Option<bool>) -> Result<u128, DecodeError> {
    let place = data;
    let address = data
        .u128()
        .map_err(|_| place.error(OfpError::PROPERTY_BAD_LEN))?;
    let v4 = (address != 0).then(|| is_mapped(address));
    if v4.is_some() && family.is_some() && v4 != *family {
        return Err(place.error(OfpError::PROPERTY_BAD_VALUE));
    }
    *family = v4;
    Ok(address)
}

/// The number of 16 bits with which a property begins.
fn u16_of(mut data: Reader<'_>) -> Result<u16, DecodeError> {
    let place = data;
    data.u16()
        .map_err(|_| place.error(OfpError::PROPERTY_BAD_LEN))
}

/// The number of 8 bits with which a property begins.
fn u8_of(mut data: Reader<'_>) -> Result<u8, DecodeError> {
    let place = data;
    data.u8()
        .map_err(|_| place.error(OfpError::PROPERTY_BAD_LEN))
}

fn read_tuple(
    found: &mut Tuple,
    mut reader: Reader<'_>,
    family: &mut Option<bool>,
) -> Result<(), DecodeError> {
    let place = reader;
    reader
        .skip(4)
        .map_err(|_| place.error(OfpError::PROPERTY_BAD_LEN))?;
    while !reader.is_empty() {
        let (kind, data) = next_property(&mut reader)?;
        let [src, dst] = &mut found.ports;
        match kind {
            0 => found.src = add_address(data, family)?,
            1 => found.dst = add_address(data, family)?,
            2 | 4 => *src = u16_of(data)?,
            3 => *dst = u16_of(data)?,
            5 => *dst = *dst & 0xff00 | u16::from(u8_of(data)?),
            6 => *dst = *dst & 0xff | u16::from(u8_of(data)?) << 8,
            _ => {}
        }
    }
    Ok(())
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
    let [code, kind] = dst.to_be_bytes();
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
        let (kind, data) = next_property(reader)?;
        match kind {
            0 => read_tuple(&mut original, data, &mut family)?,
            1 => read_tuple(&mut reply, data, &mut family)?,
            2 => zone = u16_of(data)?,
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
