//! Flow tables: changing, describing and counting them (OpenFlow 1.5.1, 7.3.4.1, 7.3.5.4, 7.3.5.5, 7.3.5.18, 7.4.5).

use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError, property};
use crate::Version;

/// `OFPT_TABLE_MOD`: what a table is to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableMod {
    /// The table, or [`super::ALL_TABLES`].
    pub table: u8,
    /// Bits of `ofp_table_config` of the version.
    pub config: u32,
    /// Properties (OpenFlow 1.4 and up): 2 eviction, 3 vacancy.
    pub properties: Vec<(u16, Vec<u8>)>,
}

impl TableMod {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        out.u8(self.table);
        out.zeros(3);
        out.u32(self.config);
        if version >= Version::V14 {
            property::put_all(out, &self.properties);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let table = reader.u8()?;
        reader.skip(3)?;
        Ok(Self {
            table,
            config: reader.u32()?,
            properties: property::all(reader)?,
        })
    }
}

/// What a table does (OpenFlow 1.4 and up).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableDesc {
    /// The table.
    pub table: u8,
    /// Bits of `ofp_table_config`.
    pub config: u32,
    /// Properties: 2 eviction, 3 vacancy.
    pub properties: Vec<(u16, Vec<u8>)>,
}

impl TableDesc {
    pub(super) fn put(&self, out: &mut Writer) {
        let start = out.len();
        out.u16(0);
        out.u8(self.table);
        out.u8(0);
        out.u32(self.config);
        property::put_all(out, &self.properties);
        out.fill_len(start, start);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut body = entry(reader)?;
        let table = body.u8()?;
        body.skip(1)?;
        Ok(Self {
            table,
            config: body.u32()?,
            properties: property::all(&mut body)?,
        })
    }
}

/// An entry that begins with its own length; what is behind the length.
fn entry<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, DecodeError> {
    let place = *reader;
    let rest = usize::from(reader.u16()?)
        .checked_sub(2)
        .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
    reader.sub(rest)
}

/// `OFPT_TABLE_STATUS`: a table has become full or has room again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableStatus {
    /// 3: less room than the lower mark; 4: more than the upper one.
    pub reason: u8,
    /// The table.
    pub desc: TableDesc,
}

impl TableStatus {
    pub(super) fn put(&self, out: &mut Writer) {
        out.u8(self.reason);
        out.zeros(7);
        self.desc.put(out);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let reason = reader.u8()?;
        if !matches!(reason, 3 | 4) {
            // A reason that is not known is kept with the rest of the message.
            return Err(place.error(if place.keeps() {
                OfpError::BAD_REASON
            } else {
                OfpError::PROPERTY_BAD_VALUE
            }));
        }
        reader.skip(7)?;
        let desc = TableDesc::read(reader)?;
        Ok(Self { reason, desc })
    }
}

/// What OpenFlow 1.0 to 1.2 say of a table beside its counters, in the bits of the version; what it does not say is 0.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TableAbilities {
    /// Its name, at most 31 bytes.
    pub name: String,
    /// Fields that can be matched (OpenFlow 1.1 and 1.2).
    pub matches: u64,
    /// Fields that can be left out of a match.
    pub wildcards: u64,
    /// Instructions.
    pub instructions: u32,
    /// Actions that can be put into the action set.
    pub write_actions: u32,
    /// Actions that can be done at once.
    pub apply_actions: u32,
    /// Fields that can be set by the action set (OpenFlow 1.2).
    pub write_fields: u64,
    /// Fields that can be set at once (OpenFlow 1.2).
    pub apply_fields: u64,
    /// Bits of the metadata that can be matched and written (OpenFlow 1.2).
    pub metadata: [u64; 2],
    /// Bits of `ofp_table_config` (OpenFlow 1.1 and 1.2).
    pub config: u32,
    /// How many flows it can hold.
    pub max_entries: u32,
}

/// What a table has counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableStats {
    /// The table.
    pub table: u8,
    /// How many flows it has.
    pub active: u32,
    /// How many packets were looked up.
    pub lookups: u64,
    /// How many of them matched a flow.
    pub matched: u64,
    /// What OpenFlow 1.0 to 1.2 say besides.
    pub abilities: Option<TableAbilities>,
}

impl TableStats {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        let none = TableAbilities::default();
        let able = self.abilities.as_ref().unwrap_or(&none);
        let low = |bits: u64| u32::try_from(bits & 0xffff_ffff).unwrap_or(0);
        out.u8(self.table);
        match version {
            Version::V10 => {
                out.zeros(3);
                out.text(&able.name, 32);
                out.u32(low(able.wildcards));
                out.u32(able.max_entries);
            }
            Version::V11 => {
                out.zeros(7);
                out.text(&able.name, 32);
                out.u32(low(able.wildcards));
                out.u32(low(able.matches));
                for bits in [
                    able.instructions,
                    able.write_actions,
                    able.apply_actions,
                    able.config,
                    able.max_entries,
                ] {
                    out.u32(bits);
                }
            }
            Version::V12 => {
                let [readable, writable] = able.metadata;
                out.zeros(7);
                out.text(&able.name, 32);
                out.u64(able.matches);
                out.u64(able.wildcards);
                out.u32(able.write_actions);
                out.u32(able.apply_actions);
                for bits in [able.write_fields, able.apply_fields, readable, writable] {
                    out.u64(bits);
                }
                for bits in [able.instructions, able.config, able.max_entries] {
                    out.u32(bits);
                }
            }
            _ => out.zeros(3),
        }
        out.u32(self.active);
        out.u64(self.lookups);
        out.u64(self.matched);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let table = reader.u8()?;
        let mut able = TableAbilities::default();
        match version {
            Version::V10 => {
                reader.skip(3)?;
                able.name = reader.text(32)?;
                able.wildcards = reader.u32()?.into();
                able.max_entries = reader.u32()?;
            }
            Version::V11 => {
                reader.skip(7)?;
                able.name = reader.text(32)?;
                able.wildcards = reader.u32()?.into();
                able.matches = reader.u32()?.into();
                able.instructions = reader.u32()?;
                able.write_actions = reader.u32()?;
                able.apply_actions = reader.u32()?;
                able.config = reader.u32()?;
                able.max_entries = reader.u32()?;
            }
            Version::V12 => {
                reader.skip(7)?;
                able.name = reader.text(32)?;
                able.matches = reader.u64()?;
                able.wildcards = reader.u64()?;
                able.write_actions = reader.u32()?;
                able.apply_actions = reader.u32()?;
                able.write_fields = reader.u64()?;
                able.apply_fields = reader.u64()?;
                able.metadata = [reader.u64()?, reader.u64()?];
                able.instructions = reader.u32()?;
                able.config = reader.u32()?;
                able.max_entries = reader.u32()?;
            }
            _ => reader.skip(3)?,
        }
        Ok(Self {
            table,
            active: reader.u32()?,
            lookups: reader.u64()?,
            matched: reader.u64()?,
            abilities: (version < Version::V13).then_some(able),
        })
    }
}

/// What a table can do (OpenFlow 1.3 and up).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableFeatures {
    /// The table.
    pub table: u8,
    /// What is done with the features in a request (OpenFlow 1.5); 0 elsewhere.
    pub command: u8,
    /// Bits of `ofp_table_feature_flag` (OpenFlow 1.5); 0 elsewhere.
    pub flags: u32,
    /// Its name, at most 31 bytes.
    pub name: String,
    /// Bits of the metadata that can be matched.
    pub metadata_match: u64,
    /// Bits of the metadata that can be written.
    pub metadata_write: u64,
    /// Bits of `ofp_table_config`; what it can do, from OpenFlow 1.4 on.
    pub capabilities: u32,
    /// How many flows it can hold.
    pub max_entries: u32,
    /// Instructions, next tables, actions and fields, by type (`ofp_table_feature_prop_type`) and data.
    pub properties: Vec<(u16, Vec<u8>)>,
}

impl TableFeatures {
    pub(super) fn put(&self, out: &mut Writer) {
        let start = out.len();
        out.u16(0);
        out.u8(self.table);
        out.u8(self.command);
        out.u32(self.flags);
        out.text(&self.name, 32);
        out.u64(self.metadata_match);
        out.u64(self.metadata_write);
        out.u32(self.capabilities);
        out.u32(self.max_entries);
        property::put_all(out, &self.properties);
        out.fill_len(start, start);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (mut found, mut properties) = Self::read_head(reader)?;
        found.properties = property::all(&mut properties)?;
        Ok(found)
    }

    /// Reads the part that all have, and gives the properties unread.
    pub(crate) fn read_head<'a>(
        reader: &mut Reader<'a>,
    ) -> Result<(Self, Reader<'a>), DecodeError> {
        let place = *reader;
        let bad_len = || place.error(OfpError::PROPERTY_BAD_LEN);
        let length = usize::from({ place }.u16().map_err(|_| bad_len())?);
        if length < 64 || !length.is_multiple_of(8) {
            return Err(bad_len());
        }
        let mut body = reader.sub(length).map_err(|_| bad_len())?;
        body.skip(2)?;
        let head = Self {
            table: body.u8()?,
            command: body.u8()?,
            flags: body.u32()?,
            name: body.text(32)?,
            metadata_match: body.u64()?,
            metadata_write: body.u64()?,
            capabilities: body.u32()?,
            max_entries: body.u32()?,
            properties: Vec::new(),
        };
        Ok((head, body))
    }
}
