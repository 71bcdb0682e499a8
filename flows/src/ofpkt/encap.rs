//! `encap` on the wire (`NXAST_ENCAP`) and its properties.

use super::actions::end;
use super::nicira::begin;
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
use crate::action::{Encap, EncapProperty};

/// The packet type that stands for "whatever the header says" in `decap`.
pub(super) const NEXT_PROTO: u32 = 0xfffe;

pub(super) fn put(out: &mut Writer, encap: &Encap) {
    let start = begin(out, 46);
    out.u16(encap.hdr_size);
    out.u32(encap.packet_type);
    for property in &encap.properties {
        let at = out.len();
        out.u16(property.class);
        out.u8(property.kind);
        out.u8(0);
        out.extend_from_slice(&property.data);
        // The length of a metadata TLV counts its value with padding, that of the metadata type does not.
        let used = out.len() - at;
        let len = if property.kind == 1 {
            used
        } else {
            used.next_multiple_of(8)
        };
        out.pad8(at);
        if let Some(place) = out.get_mut(at + 3) {
            *place = u8::try_from(len).unwrap_or(u8::MAX);
        }
    }
    end(out, start);
}

pub(super) fn read(body: &mut Reader<'_>) -> Result<Encap, DecodeError> {
    let place = *body;
    let hdr_size = body.u16()?;
    let packet_type = body.u32()?;
    if !matches!(packet_type, 0 | 0x0001_894f | 0x0001_8847 | 0x0001_8848) {
        return Err(place.error(OfpError::ACTION_BAD_HEADER_TYPE));
    }
    let mut properties = Vec::new();
    while !body.is_empty() {
        let at = *body;
        let (class, kind, len) = (body.u16()?, body.u8()?, usize::from(body.u8()?));
        let padded = len.next_multiple_of(8);
        if len < 4 || padded - 4 > body.len() {
            return Err(at.error(OfpError::ACTION_BAD_LEN));
        }
        if class != 4 || !matches!(kind, 1 | 2) {
            return Err(at.error(OfpError::ACTION_UNKNOWN_ED_PROP));
        }
        let mut data = body.sub(padded - 4)?;
        let data = if kind == 1 {
            // Open vSwitch takes a type that the length leaves out for a part of it all the same.
            if len > 8 || (len != 5 && at.keeps()) {
                return Err(at.error(OfpError::ACTION_BAD_ED_PROP));
            }
            data.bytes(1)?
        } else {
            let mut head = data;
            head.skip(3)?;
            let size = usize::from(head.u8()?);
            if len != 8 + size.next_multiple_of(8) {
                return Err(at.error(OfpError::ACTION_BAD_ED_PROP));
            }
            data.bytes(size + 4)?
        };
        properties.push(EncapProperty {
            class,
            kind,
            data: data.into(),
        });
    }
    Ok(Encap {
        packet_type,
        hdr_size,
        properties: properties.into(),
    })
}
