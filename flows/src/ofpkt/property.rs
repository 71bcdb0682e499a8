//! Properties: the typed pieces that OpenFlow 1.4 and up append to many structures (OpenFlow 1.5.1, 7.2.1.2).

use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};

/// Appends a property: type, length, data, padding.
pub(crate) fn put(out: &mut Writer, kind: u16, data: &[u8]) {
    let start = out.len();
    out.u16(kind);
    out.u16(0);
    out.extend_from_slice(data);
    out.fill_len(start, start + 2);
    out.pad8(start);
}

/// Appends properties.
pub(crate) fn put_all(out: &mut Writer, properties: &[(u16, Vec<u8>)]) {
    for (kind, data) in properties {
        put(out, *kind, data);
    }
}

/// Reads properties to the end: type and data.
pub(crate) fn all(reader: &mut Reader<'_>) -> Result<Vec<(u16, Vec<u8>)>, DecodeError> {
    let mut found = Vec::new();
    while !reader.is_empty() {
        let (kind, data) = next(reader)?;
        found.push((kind, data.rest().to_vec()));
    }
    Ok(found)
}

/// Reads a property with its padding: its type and what is in it. One of type 0xffff is an experimenter's, and begins with
/// whose it is.
pub(crate) fn next<'a>(reader: &mut Reader<'a>) -> Result<(u16, Reader<'a>), DecodeError> {
    next_of(reader, 0xffff)
}

/// The same where experimenters have all types from `first_experimenter` on.
pub(crate) fn next_of<'a>(
    reader: &mut Reader<'a>,
    first_experimenter: u16,
) -> Result<(u16, Reader<'a>), DecodeError> {
    let place = *reader;
    let bad = |_| place.error(OfpError::PROPERTY_BAD_LEN);
    let kind = reader.u16().map_err(bad)?;
    let len = usize::from(reader.u16().map_err(bad)?);
    let data = len
        .checked_sub(4)
        .ok_or_else(|| place.error(OfpError::PROPERTY_BAD_LEN))?;
    let body = reader.sub(data).map_err(bad)?;
    reader.skip(len.next_multiple_of(8) - len).map_err(bad)?;
    if kind >= first_experimenter {
        let mut experimenter = body;
        let number = experimenter.u32().map_err(bad)?;
        experimenter.skip(4).map_err(bad)?;
        if number == 0 {
            return Err(place.error(OfpError::PROPERTY_BAD_EXPERIMENTER));
        }
    }
    Ok((kind, body))
}

/// The one number of a property: 1 byte. To Open vSwitch more may follow it.
pub(crate) fn u8(mut data: Reader<'_>) -> Result<u8, DecodeError> {
    if data.keeps() || data.is_empty() {
        exactly(data, 1)?;
    }
    data.u8()
}

/// The one number of a property: 4 bytes.
pub(crate) fn u32(mut data: Reader<'_>) -> Result<u32, DecodeError> {
    exactly(data, 4)?;
    data.u32()
}

/// The one number of a property: 8 bytes, behind 4 that align it.
pub(crate) fn u64(mut data: Reader<'_>) -> Result<u64, DecodeError> {
    exactly(data, 12)?;
    data.skip(4)?;
    data.u64()
}

fn exactly(data: Reader<'_>, len: usize) -> Result<(), DecodeError> {
    if data.len() == len {
        Ok(())
    } else {
        Err(data.error(OfpError::PROPERTY_BAD_LEN))
    }
}
