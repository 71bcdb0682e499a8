//! `OFPT_FLOW_REMOVED`: a flow has gone (OpenFlow 1.5.1, 7.4.2).

use super::oxm::{self, Strictness};
use super::oxs::Oxs;
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError, match_old};
use crate::{Match, Version};

/// Why a flow has gone; numbers as on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RemovedReason(pub u8);

impl RemovedReason {
    /// No packets for too long.
    pub const IDLE_TIMEOUT: Self = Self(0);
    /// Its time was over.
    pub const HARD_TIMEOUT: Self = Self(1);
    /// A controller deleted it.
    pub const DELETE: Self = Self(2);
}

/// A flow that has gone, and what it had counted.
#[derive(Clone, PartialEq, Debug)]
pub struct FlowRemoved {
    /// Which packets it was for.
    pub matches: Match,
    /// Its cookie.
    pub cookie: u64,
    /// Its priority.
    pub priority: u16,
    /// Why it has gone.
    pub reason: RemovedReason,
    /// Its table.
    pub table: u8,
    /// How long it existed: seconds and nanoseconds.
    pub duration: (u32, u32),
    /// Its idle timeout in seconds.
    pub idle_timeout: u16,
    /// Its hard timeout in seconds.
    pub hard_timeout: u16,
    /// Packets it matched; all ones: not known.
    pub packets: u64,
    /// Bytes of those packets; all ones: not known.
    pub bytes: u64,
    /// Counters that are not known (OpenFlow 1.5): OXS entries as they are on the wire.
    pub other_counters: Box<[u8]>,
}

impl FlowRemoved {
    /// Appends the body.
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        match version {
            Version::V10 => {
                match_old::put_v10(out, &self.matches);
                self.put_why(out);
                out.u8(0);
                self.put_duration(out);
                out.u16(self.idle_timeout);
                out.zeros(2);
                self.put_counters(out);
            }
            Version::V15 => {
                out.u8(self.table);
                out.u8(self.reason.0);
                out.u16(self.priority);
                out.u16(self.idle_timeout);
                out.u16(self.hard_timeout);
                out.u64(self.cookie);
                oxm::put_any_match(out, &self.matches, version);
                let counters = Oxs {
                    duration: super::oxs::known_duration(self.duration),
                    idle_age: None,
                    packets: Some(self.packets).filter(|n| *n != u64::MAX),
                    bytes: Some(self.bytes).filter(|n| *n != u64::MAX),
                    flows: None,
                    others: self.other_counters.to_vec(),
                };
                counters.put(out);
            }
            _ => {
                self.put_why(out);
                out.u8(self.table);
                self.put_duration(out);
                out.u16(self.idle_timeout);
                out.u16(self.hard_timeout);
                self.put_counters(out);
                oxm::put_any_match(out, &self.matches, version);
            }
        }
    }

    fn put_why(&self, out: &mut Writer) {
        out.u64(self.cookie);
        out.u16(self.priority);
        out.u8(self.reason.0);
    }

    fn put_duration(&self, out: &mut Writer) {
        out.u32(self.duration.0);
        out.u32(self.duration.1);
    }

    fn put_counters(&self, out: &mut Writer) {
        out.u64(self.packets);
        out.u64(self.bytes);
    }

    /// Appends the body of `NXT_FLOW_REMOVED`.
    pub(super) fn put_nx(&self, out: &mut Writer) {
        self.put_why(out);
        // The table is told one higher, so that 0 is "not known".
        out.u8(self.table.wrapping_add(1));
        self.put_duration(out);
        out.u16(self.idle_timeout);
        let length_at = out.len();
        out.u16(0);
        self.put_counters(out);
        let length = oxm::put_nx_match(out, &self.matches, (0, 0));
        out.set_u16(length_at, length);
    }

    fn empty() -> Self {
        Self {
            matches: Match::new(),
            cookie: 0,
            priority: 0,
            reason: RemovedReason::IDLE_TIMEOUT,
            table: super::ALL_TABLES,
            duration: (0, 0),
            idle_timeout: 0,
            hard_timeout: 0,
            packets: 0,
            bytes: 0,
            other_counters: [].into(),
        }
    }

    fn read_why(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        (self.cookie, self.priority) = (reader.u64()?, reader.u16()?);
        self.reason = RemovedReason(reader.u8()?);
        Ok(())
    }

    fn read_counters(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        (self.packets, self.bytes) = (reader.u64()?, reader.u64()?);
        Ok(())
    }

    /// Reads the body; OpenFlow 1.0 says no table, which is told as [`super::ALL_TABLES`].
    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let mut found = Self::empty();
        match version {
            Version::V10 => {
                found.matches = match_old::read_v10(reader)?;
                found.read_why(reader)?;
                reader.skip(1)?;
                found.duration = (reader.u32()?, reader.u32()?);
                found.idle_timeout = reader.u16()?;
                reader.skip(2)?;
                found.read_counters(reader)?;
            }
            Version::V15 => {
                (found.table, found.reason) = (reader.u8()?, RemovedReason(reader.u8()?));
                found.priority = reader.u16()?;
                (found.idle_timeout, found.hard_timeout) = (reader.u16()?, reader.u16()?);
                found.cookie = reader.u64()?;
                found.matches = oxm::any_match(reader, Strictness::Strict)?;
                let counters = Oxs::read(reader)?;
                found.duration = counters.duration.unwrap_or((u32::MAX, u32::MAX));
                found.packets = counters.packets.unwrap_or(u64::MAX);
                found.bytes = counters.bytes.unwrap_or(u64::MAX);
                found.other_counters = counters.others.into();
            }
            _ => {
                found.read_why(reader)?;
                found.table = reader.u8()?;
                found.duration = (reader.u32()?, reader.u32()?);
                (found.idle_timeout, found.hard_timeout) = (reader.u16()?, reader.u16()?);
                found.read_counters(reader)?;
                found.matches = oxm::any_match(reader, Strictness::Strict)?;
            }
        }
        Ok(found)
    }

    /// Reads the body of `NXT_FLOW_REMOVED`.
    pub(crate) fn read_nx(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut found = Self::empty();
        found.read_why(reader)?;
        found.table = reader.u8()?.wrapping_sub(1);
        found.duration = (reader.u32()?, reader.u32()?);
        found.idle_timeout = reader.u16()?;
        let length = usize::from(reader.u16()?);
        found.read_counters(reader)?;
        found.matches = oxm::nx_match(reader, length, Strictness::Strict)?;
        if !reader.is_empty() {
            return Err(reader.error(OfpError::BAD_LEN));
        }
        Ok(found)
    }
}
