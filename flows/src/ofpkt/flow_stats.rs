//! Flows as a switch lists them, and the requests that ask for them (OpenFlow 1.5.1, 7.3.5.2 to 7.3.5.5).

use super::oxm::{self, Strictness};
use super::wire::{Put, Reader, Writer};
use super::{ALL_TABLES, ANY_GROUP, DecodeError, OfpError, instructions};
use crate::{Flow, FlowFlags, Match, Port, Version};

/// Which flows are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlowStatsRequest {
    /// The table, or [`ALL_TABLES`].
    pub table: u8,
    /// Only flows that output to this port; [`Port::ANY`]: all.
    pub out_port: Port,
    /// Only flows that output to this group; [`ANY_GROUP`]: all.
    pub out_group: u32,
    /// The cookie to compare.
    pub cookie: u64,
    /// The bits of the cookie that must be equal; 0: all flows.
    pub cookie_mask: u64,
    /// Only flows that this match covers.
    pub matches: Match,
}

impl FlowStatsRequest {
    /// All flows of all tables.
    #[must_use]
    pub fn all() -> Self {
        Self {
            table: ALL_TABLES,
            out_port: Port::ANY,
            out_group: ANY_GROUP,
            cookie: 0,
            cookie_mask: 0,
            matches: Match::new(),
        }
    }

    /// All flows whose cookie equals `cookie` in the bits of `mask`.
    #[must_use]
    pub fn with_cookie(cookie: u64, mask: u64) -> Self {
        Self {
            cookie,
            cookie_mask: mask,
            ..Self::all()
        }
    }

    /// Appends the body for OpenFlow 1.2 and up.
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        out.u8(self.table);
        out.zeros(3);
        out.u32(self.out_port.0);
        out.u32(self.out_group);
        out.zeros(4);
        out.u64(self.cookie);
        out.u64(self.cookie_mask);
        oxm::put_ofp_match(out, &self.matches, version);
    }

    /// Reads the body for OpenFlow 1.2 and up.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let table = reader.u8()?;
        reader.skip(3)?;
        let out_port = Port(reader.u32()?);
        let out_group = reader.u32()?;
        reader.skip(4)?;
        let (cookie, cookie_mask) = (reader.u64()?, reader.u64()?);
        if out_port.to_u16().is_none() {
            return Err(place.error(OfpError::ACTION_BAD_OUT_PORT));
        }
        let matches = oxm::ofp_match(reader, Strictness::Strict)?;
        Ok(Self {
            table,
            out_port,
            out_group,
            cookie,
            cookie_mask,
            matches,
        })
    }
}

/// A flow with what it has counted.
#[derive(Clone, PartialEq, Debug)]
pub struct FlowStats {
    /// The flow.
    pub flow: Flow,
    /// How long it has existed: seconds and nanoseconds.
    pub duration: (u32, u32),
    /// Seconds since its last packet, where the switch says it.
    pub idle_age: Option<u32>,
    /// Seconds since it was added or changed, where the switch says it.
    pub hard_age: Option<u32>,
    /// Packets it matched; all ones: not known.
    pub packets: u64,
    /// Bytes of those packets; all ones: not known.
    pub bytes: u64,
}

impl FlowStats {
    /// Appends an entry for OpenFlow 1.2 to 1.4.
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        let start = out.len();
        let flow = &self.flow;
        out.u16(0);
        out.u8(flow.table);
        out.u8(0);
        out.u32(self.duration.0);
        out.u32(self.duration.1);
        out.u16(flow.priority);
        out.u16(flow.idle_timeout);
        out.u16(flow.hard_timeout);
        out.u16(if version >= Version::V13 { flow.flags.0 } else { 0 });
        out.u16(if version >= Version::V14 { flow.importance } else { 0 });
        out.zeros(2);
        out.u64(flow.cookie);
        out.u64(self.packets);
        out.u64(self.bytes);
        oxm::put_ofp_match(out, &flow.matches, version);
        instructions::put(out, &flow.instructions, &flow.matches, version);
        out.fill_len(start, start);
    }

    /// Reads an entry of OpenFlow 1.2 to 1.4.
    pub(super) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let place = *reader;
        let length = usize::from(reader.u16()?);
        let rest = length
            .checked_sub(2)
            .filter(|_| length >= 56)
            .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let mut entry = reader.sub(rest)?;
        let table = entry.u8()?;
        entry.skip(1)?;
        let duration = (entry.u32()?, entry.u32()?);
        let (priority, idle_timeout, hard_timeout) = (entry.u16()?, entry.u16()?, entry.u16()?);
        let (flags, importance) = (entry.u16()?, entry.u16()?);
        entry.skip(2)?;
        let (cookie, packets, bytes) = (entry.u64()?, entry.u64()?, entry.u64()?);
        let matches = oxm::ofp_match(&mut entry, Strictness::Loose)?;
        let instructions = instructions::read(entry, version)?;
        let flow = Flow {
            matches,
            instructions,
            cookie,
            priority,
            idle_timeout,
            hard_timeout,
            importance: if version >= Version::V14 { importance } else { 0 },
            flags: FlowFlags(if version >= Version::V13 { flags } else { 0 }),
            table,
        };
        Ok(Self {
            flow,
            duration,
            idle_age: None,
            hard_age: None,
            packets,
            bytes,
        })
    }
}
