//! `NXT_TLV_TABLE_*`: which tunnel option is which metadata field (ovs-fields(7), "Tunnel Metadata").

use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};

/// A tunnel option that is a metadata field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TlvMap {
    /// The option's class.
    pub class: u16,
    /// The option's type.
    pub kind: u8,
    /// The length of its value in bytes, a multiple of 4 up to 124.
    pub len: u8,
    /// The number of the field: `tun_metadata` and this.
    pub index: u16,
}

/// What is done to the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlvCommand {
    /// Adds options.
    Add,
    /// Deletes options.
    Delete,
    /// Deletes all.
    Clear,
}

/// `NXT_TLV_TABLE_MOD`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlvTableMod {
    /// What is done.
    pub command: TlvCommand,
    /// The options.
    pub maps: Vec<TlvMap>,
}

/// `NXT_TLV_TABLE_REPLY`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlvTable {
    /// Bytes of all options together at most.
    pub max_space: u32,
    /// Fields at most.
    pub max_fields: u16,
    /// The options.
    pub maps: Vec<TlvMap>,
}

const MAX_LEN: u8 = 124;
const FIELDS: u16 = 64;

fn put_maps(out: &mut Writer, maps: &[TlvMap]) {
    for map in maps {
        out.u16(map.class);
        out.u8(map.kind);
        out.u8(map.len);
        out.u16(map.index);
        out.zeros(2);
    }
}

/// Reads options to the end.
fn read_maps(reader: &mut Reader<'_>, fields: u16) -> Result<Vec<TlvMap>, DecodeError> {
    let mut found = Vec::new();
    while !reader.is_empty() {
        let place = *reader;
        let map = TlvMap {
            class: reader.u16()?,
            kind: reader.u8()?,
            len: reader.u8()?,
            index: reader.u16()?,
        };
        reader.skip(2)?;
        if !map.len.is_multiple_of(4) || map.len > MAX_LEN {
            return Err(place.error(OfpError::TLV_BAD_OPTION_LEN));
        }
        if map.index >= fields {
            return Err(place.error(OfpError::TLV_BAD_FIELD_INDEX));
        }
        found.push(map);
    }
    Ok(found)
}

impl TlvTableMod {
    pub(super) fn put(&self, out: &mut Writer) {
        out.u16(match self.command {
            TlvCommand::Add => 0,
            TlvCommand::Delete => 1,
            TlvCommand::Clear => 2,
        });
        out.zeros(6);
        put_maps(out, &self.maps);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let command = match reader.u16()? {
            0 => TlvCommand::Add,
            1 => TlvCommand::Delete,
            2 => TlvCommand::Clear,
            _ => return Err(place.error(OfpError::TABLE_BAD_COMMAND)),
        };
        reader.skip(6)?;
        let maps = read_maps(reader, FIELDS)?;
        Ok(Self { command, maps })
    }
}

impl TlvTable {
    pub(super) fn put(&self, out: &mut Writer) {
        out.u32(self.max_space);
        out.u16(self.max_fields);
        out.zeros(10);
        put_maps(out, &self.maps);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (max_space, max_fields) = (reader.u32()?, reader.u16()?);
        reader.skip(10)?;
        Ok(Self {
            max_space,
            max_fields,
            maps: read_maps(reader, max_fields)?,
        })
    }
}
