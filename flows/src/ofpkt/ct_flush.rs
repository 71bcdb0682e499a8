//! `NXT_CT_FLUSH`: forgetting the connections that match (Open vSwitch's `nicira-ext.h`).

use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError, property};
use std::net::Ipv6Addr;

/// One direction of a connection; what is `None` is not compared.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CtTuple {
    /// Where packets come from; an IPv4 address as one mapped into IPv6.
    pub src: Option<Ipv6Addr>,
    /// Where they go to.
    pub dst: Option<Ipv6Addr>,
    /// The port they come from.
    pub src_port: Option<u16>,
    /// The port they go to.
    pub dst_port: Option<u16>,
    /// The identifier of ICMP.
    pub icmp_id: Option<u16>,
    /// The type of ICMP.
    pub icmp_type: Option<u8>,
    /// The code of ICMP.
    pub icmp_code: Option<u8>,
    /// Properties that are not known: type and data.
    pub others: Vec<(u16, Vec<u8>)>,
}

/// Which connections are forgotten.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CtFlush {
    /// The IP protocol; 0: any.
    pub ip_proto: u8,
    /// The direction in which they began.
    pub original: Option<CtTuple>,
    /// The other direction.
    pub reply: Option<CtTuple>,
    /// The zone.
    pub zone: Option<u16>,
    /// Properties that are not known (such as marks and labels of releases after 3.1): type and data.
    pub others: Vec<(u16, Vec<u8>)>,
}

const ORIGINAL: u16 = 0;
const REPLY: u16 = 1;
const ZONE: u16 = 2;

/// Appends a number of 16 bits, which is padded within its property.
fn put16(out: &mut Writer, kind: u16, value: u16) {
    property::put(out, kind, &(u32::from(value) << 16).to_be_bytes());
}

/// The number of 16 bits of a property, whose padding is the property's own.
fn read16(data: Reader<'_>) -> Result<u16, DecodeError> {
    let mut reader = data;
    let value = reader
        .u16()
        .map_err(|_| data.error(OfpError::PROPERTY_BAD_LEN))?;
    if reader.is_empty() || reader.len() == 2 {
        Ok(value)
    } else {
        Err(data.error(OfpError::PROPERTY_BAD_LEN))
    }
}

fn address(mut data: Reader<'_>) -> Result<Ipv6Addr, DecodeError> {
    if data.len() == 16 {
        Ok(Ipv6Addr::from_bits(data.u128()?))
    } else {
        Err(data.error(OfpError::PROPERTY_BAD_LEN))
    }
}

impl CtTuple {
    fn put(&self, out: &mut Writer, kind: u16) {
        let start = out.len();
        out.u16(kind);
        out.zeros(6);
        for (kind, address) in [(0, self.src), (1, self.dst)] {
            if let Some(address) = address {
                property::put(out, kind, &address.octets());
            }
        }
        for (kind, number) in [(2, self.src_port), (3, self.dst_port), (4, self.icmp_id)] {
            if let Some(number) = number {
                put16(out, kind, number);
            }
        }
        for (kind, number) in [(5, self.icmp_type), (6, self.icmp_code)] {
            if let Some(number) = number {
                property::put(out, kind, &[number]);
            }
        }
        property::put_all(out, &self.others);
        out.fill_len(start, start + 2);
        out.pad8(start);
    }

    fn read(mut data: Reader<'_>, family: &mut Option<bool>) -> Result<Self, DecodeError> {
        let place = data;
        data.skip(4)
            .map_err(|_| place.error(OfpError::PROPERTY_BAD_LEN))?;
        let mut found = Self::default();
        while !data.is_empty() {
            let place = data;
            let (kind, data) = property::next(&mut data)?;
            match kind {
                0 | 1 => {
                    let address = address(data)?;
                    let v4 =
                        (!address.is_unspecified()).then(|| address.to_ipv4_mapped().is_some());
                    if v4.is_some() && family.is_some() && v4 != *family {
                        return Err(place.error(OfpError::PROPERTY_BAD_VALUE));
                    }
                    *family = v4;
                    *(if kind == 0 {
                        &mut found.src
                    } else {
                        &mut found.dst
                    }) = Some(address);
                }
                2 => found.src_port = Some(read16(data)?),
                3 => found.dst_port = Some(read16(data)?),
                4 => found.icmp_id = Some(read16(data)?),
                5 => found.icmp_type = Some(property::u8(data)?),
                6 => found.icmp_code = Some(property::u8(data)?),
                other => found.others.push((other, data.rest().to_vec())),
            }
        }
        Ok(found)
    }
}

impl CtFlush {
    pub(super) fn put(&self, out: &mut Writer) {
        out.u8(self.ip_proto);
        out.zeros(7);
        for (kind, tuple) in [(ORIGINAL, &self.original), (REPLY, &self.reply)] {
            if let Some(tuple) = tuple {
                tuple.put(out, kind);
            }
        }
        if let Some(zone) = self.zone {
            put16(out, ZONE, zone);
        }
        property::put_all(out, &self.others);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut found = Self {
            ip_proto: reader.u8()?,
            ..Self::default()
        };
        reader.zeros(7, OfpError::MUST_BE_ZERO)?;
        // Two addresses in a row are of one family, IPv4 if true.
        let mut family = None;
        while !reader.is_empty() {
            let (kind, data) = property::next(reader)?;
            match kind {
                ORIGINAL => found.original = Some(CtTuple::read(data, &mut family)?),
                REPLY => found.reply = Some(CtTuple::read(data, &mut family)?),
                ZONE => found.zone = Some(read16(data)?),
                other => found.others.push((other, data.rest().to_vec())),
            }
        }
        Ok(found)
    }
}
