//! Flows as a switch lists them, and the requests that ask for them (OpenFlow 1.5.1, 7.3.5.2 to 7.3.5.5).

use super::oxm::{self, Strictness};
use super::oxs::Oxs;
use super::wire::{Put, Reader, Writer};
use super::{ALL_TABLES, ANY_GROUP, DecodeError, OfpError, instructions, match_old};
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

    /// Appends the body.
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        if version == Version::V10 {
            match_old::put_v10(out, &self.matches);
            out.u8(self.table);
            out.zeros(1);
            out.u16(self.out_port.to_u16().unwrap_or(u16::MAX));
            return;
        }
        out.u8(self.table);
        out.zeros(3);
        out.u32(self.out_port.0);
        out.u32(self.out_group);
        out.zeros(4);
        out.u64(self.cookie);
        out.u64(self.cookie_mask);
        oxm::put_any_match(out, &self.matches, version);
    }

    /// Appends the body of `NXST_FLOW` and `NXST_AGGREGATE`.
    pub(super) fn put_nx(&self, out: &mut Writer) {
        out.u16(self.out_port.to_u16().unwrap_or(u16::MAX));
        let length_at = out.len();
        out.u16(0);
        out.u8(self.table);
        out.zeros(3);
        let length = oxm::put_nx_match(out, &self.matches, (self.cookie, self.cookie_mask));
        out.set_u16(length_at, length);
    }

    /// Reads the body.
    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        if version == Version::V10 {
            let matches = match_old::read_v10(reader)?;
            let table = reader.u8()?;
            reader.skip(1)?;
            let out_port = Port::from_u16(reader.u16()?);
            return Ok(Self {
                table,
                out_port,
                matches,
                ..Self::all()
            });
        }
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
        let matches = oxm::any_match(reader, Strictness::Strict)?;
        Ok(Self {
            table,
            out_port,
            out_group,
            cookie,
            cookie_mask,
            matches,
        })
    }

    /// Reads the body of `NXST_FLOW` and `NXST_AGGREGATE`.
    pub(crate) fn read_nx(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let out_port = Port::from_u16(reader.u16()?);
        let length = usize::from(reader.u16()?);
        let table = reader.u8()?;
        reader.skip(3)?;
        let (matches, cookie) = oxm::nx_match_and_cookie(reader, length, Strictness::Strict)?;
        if !reader.is_empty() {
            return Err(reader.error(OfpError::BAD_LEN));
        }
        let (cookie, cookie_mask) = cookie.unwrap_or((0, 0));
        Ok(Self {
            table,
            out_port,
            out_group: ANY_GROUP,
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
    /// Counters that are not known (OpenFlow 1.5): OXS entries as they are on the wire.
    pub other_counters: Box<[u8]>,
}

impl FlowStats {
    /// A flow that has just been added and has counted nothing.
    #[must_use]
    pub fn new(flow: Flow) -> Self {
        Self {
            flow,
            duration: (0, 0),
            idle_age: None,
            hard_age: None,
            packets: 0,
            bytes: 0,
            other_counters: [].into(),
        }
    }

    /// Appends an entry.
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        let start = out.len();
        let flow = &self.flow;
        match version {
            Version::V10 => {
                out.u16(0);
                out.u8(flow.table);
                out.u8(0);
                match_old::put_v10(out, &flow.matches);
                self.put_ages(out);
                out.zeros(6);
                out.u64(flow.cookie);
                out.u64(self.packets);
                out.u64(self.bytes);
            }
            Version::V15 => {
                out.u16(0);
                out.u16(0);
                out.u8(flow.table);
                out.u8(0);
                out.u16(flow.priority);
                out.u16(flow.idle_timeout);
                out.u16(flow.hard_timeout);
                out.u16(flow.flags.0);
                out.u16(flow.importance);
                out.u64(flow.cookie);
                oxm::put_ofp_match(out, &flow.matches, version);
                self.oxs().put(out);
            }
            _ => {
                out.u16(0);
                out.u8(flow.table);
                out.u8(0);
                self.put_ages(out);
                out.u16(if version >= Version::V13 {
                    flow.flags.0
                } else {
                    0
                });
                out.u16(if version >= Version::V14 {
                    flow.importance
                } else {
                    0
                });
                out.zeros(2);
                out.u64(flow.cookie);
                out.u64(self.packets);
                out.u64(self.bytes);
                oxm::put_ofp_match(out, &flow.matches, version);
            }
        }
        instructions::put(out, &flow.instructions, &flow.matches, version);
        out.fill_len(start, start);
    }

    /// Duration, priority and timeouts, in the order of the older versions.
    fn put_ages(&self, out: &mut Writer) {
        out.u32(self.duration.0);
        out.u32(self.duration.1);
        out.u16(self.flow.priority);
        out.u16(self.flow.idle_timeout);
        out.u16(self.flow.hard_timeout);
    }

    fn oxs(&self) -> Oxs {
        Oxs {
            duration: super::oxs::known_duration(self.duration),
            idle_age: self.idle_age,
            packets: Some(self.packets).filter(|n| *n != u64::MAX),
            bytes: Some(self.bytes).filter(|n| *n != u64::MAX),
            flows: None,
            others: self.other_counters.to_vec(),
        }
    }

    /// Appends an entry of `NXST_FLOW`.
    pub(super) fn put_nx(&self, out: &mut Writer, version: Version) {
        // Ages are told one higher, so that 0 is "not known"; what does not fit is told as the most.
        let age = |age: Option<u32>| match age {
            None => 0,
            Some(age) => u16::try_from(age.saturating_add(1)).unwrap_or(u16::MAX),
        };
        let start = out.len();
        let flow = &self.flow;
        out.u16(0);
        out.u8(flow.table);
        out.u8(0);
        self.put_ages(out);
        let length_at = out.len();
        out.u16(0);
        out.u16(age(self.idle_age));
        out.u16(age(self.hard_age));
        out.u64(flow.cookie);
        out.u64(self.packets);
        out.u64(self.bytes);
        let length = oxm::put_nx_match(out, &flow.matches, (0, 0));
        out.set_u16(length_at, length);
        instructions::put(out, &flow.instructions, &flow.matches, version);
        out.fill_len(start, start);
    }

    /// Reads an entry.
    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let fixed = match version {
            Version::V10 => 88,
            Version::V15 => 24,
            _ => 48,
        };
        let place = *reader;
        let mut entry = reader.sub(fixed)?;
        let length = usize::from(entry.u16()?);
        if length < fixed {
            return Err(place.error(OfpError::BAD_LEN));
        }
        let mut found = Self::new(Flow::default());
        let flow = &mut found.flow;
        if version == Version::V15 {
            entry.skip(2)?;
            flow.table = entry.u8()?;
            entry.skip(1)?;
            flow.priority = entry.u16()?;
            (flow.idle_timeout, flow.hard_timeout) = (entry.u16()?, entry.u16()?);
            flow.flags = FlowFlags(entry.u16()?);
            flow.importance = entry.u16()?;
            flow.cookie = entry.u64()?;
            flow.matches = oxm::any_match(reader, Strictness::Strict)?;
            check_flags(place, flow.flags, version)?;
            let stats = Oxs::read(reader)?;
            found.duration = stats.duration.unwrap_or((u32::MAX, u32::MAX));
            found.idle_age = stats.idle_age;
            found.packets = stats.packets.unwrap_or(u64::MAX);
            found.bytes = stats.bytes.unwrap_or(u64::MAX);
            found.other_counters = stats.others.into();
        } else {
            flow.table = entry.u8()?;
            entry.skip(1)?;
            if version == Version::V10 {
                flow.matches = match_old::read_v10(&mut entry)?;
            }
            found.duration = (entry.u32()?, entry.u32()?);
            flow.priority = entry.u16()?;
            (flow.idle_timeout, flow.hard_timeout) = (entry.u16()?, entry.u16()?);
            let (flags, importance) = (entry.u16()?, entry.u16()?);
            entry.skip(2)?;
            flow.cookie = entry.u64()?;
            (found.packets, found.bytes) = (entry.u64()?, entry.u64()?);
            if version > Version::V10 {
                flow.matches = oxm::any_match(reader, Strictness::Strict)?;
            }
            if version >= Version::V13 {
                flow.flags = FlowFlags(flags);
                check_flags(place, flow.flags, version)?;
            }
            if version >= Version::V14 {
                flow.importance = importance;
            }
        }
        flow.instructions = instructions::pull(reader, left(place, *reader, length), version)?;
        Ok(found)
    }

    /// Reads an entry of `NXST_FLOW`.
    pub(crate) fn read_nx(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let place = *reader;
        let mut entry = reader.sub(48)?;
        let whole = usize::from(entry.u16()?);
        let mut found = Self::new(Flow::default());
        let flow = &mut found.flow;
        flow.table = entry.u8()?;
        entry.skip(1)?;
        found.duration = (entry.u32()?, entry.u32()?);
        flow.priority = entry.u16()?;
        (flow.idle_timeout, flow.hard_timeout) = (entry.u16()?, entry.u16()?);
        let length = usize::from(entry.u16()?);
        found.idle_age = u32::from(entry.u16()?).checked_sub(1);
        found.hard_age = u32::from(entry.u16()?).checked_sub(1);
        flow.cookie = entry.u64()?;
        (found.packets, found.bytes) = (entry.u64()?, entry.u64()?);
        if whole < 48 + length.next_multiple_of(8) {
            return Err(place.error(OfpError::BAD_LEN));
        }
        flow.matches = oxm::nx_match(reader, length, Strictness::Strict)?;
        flow.instructions = instructions::pull(reader, left(place, *reader, whole), version)?;
        Ok(found)
    }
}

/// Passes over what stands before the instructions in an entry of OpenFlow 1.5.
pub(crate) fn skip_modern_head(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let place = *reader;
    let mut head = reader.sub(24)?;
    if head.u16()? < 24 {
        return Err(place.error(OfpError::BAD_LEN));
    }
    oxm::any_match(reader, Strictness::Strict)?;
    Oxs::read(reader).map(drop)
}

/// How much is left of an entry of `length` bytes that begins at `start`, when all before `here` is read; `None` if that is
/// more than the entry has.
pub(super) fn left(start: Reader<'_>, here: Reader<'_>, length: usize) -> Option<usize> {
    length.checked_sub(start.len().checked_sub(here.len())?)
}

fn check_flags(place: Reader<'_>, flags: FlowFlags, version: Version) -> Result<(), DecodeError> {
    if place.keeps() || flags.0 & !super::flow_mod::known_flags(version) == 0 {
        Ok(())
    } else {
        Err(place.error(OfpError::FLOW_BAD_FLAGS))
    }
}
