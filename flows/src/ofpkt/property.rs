//! Properties: the typed pieces that OpenFlow 1.4 and up append to many structures (OpenFlow 1.5.1, 7.2.1.2).

use super::wire::Reader;
use super::{DecodeError, OfpError};

/// Reads a property with its padding: its type and what is in it.
pub(crate) fn next<'a>(reader: &mut Reader<'a>) -> Result<(u16, Reader<'a>), DecodeError> {
    let place = *reader;
    let bad = |_| place.error(OfpError::PROPERTY_BAD_LEN);
    let kind = reader.u16().map_err(bad)?;
    let len = usize::from(reader.u16().map_err(bad)?);
    let data = len
        .checked_sub(4)
        .ok_or_else(|| place.error(OfpError::PROPERTY_BAD_LEN))?;
    let body = reader.sub(data).map_err(bad)?;
    reader.skip(len.next_multiple_of(8) - len).map_err(bad)?;
    Ok((kind, body))
}

/// The one number of a property, which fills it: 1 byte.
pub(crate) fn u8(mut data: Reader<'_>) -> Result<u8, DecodeError> {
    exactly(data, 1)?;
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
