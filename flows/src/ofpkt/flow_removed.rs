//! `OFPT_FLOW_REMOVED`: a flow has gone (OpenFlow 1.5.1, 7.4.2).

use super::oxm::{self, Strictness};
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
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
}

impl FlowRemoved {
    /// Appends the body for OpenFlow 1.2 to 1.4.
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        out.u64(self.cookie);
        out.u16(self.priority);
        out.u8(self.reason.0);
        out.u8(self.table);
        out.u32(self.duration.0);
        out.u32(self.duration.1);
        out.u16(self.idle_timeout);
        out.u16(self.hard_timeout);
        out.u64(self.packets);
        out.u64(self.bytes);
        oxm::put_ofp_match(out, &self.matches, version);
    }

    /// Reads the body for OpenFlow 1.2 to 1.4.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (cookie, priority) = (reader.u64()?, reader.u16()?);
        let place = *reader;
        let (reason, table) = (reader.u8()?, reader.u8()?);
        if reason > 5 {
            return Err(place.error(OfpError::BAD_REASON));
        }
        let duration = (reader.u32()?, reader.u32()?);
        let (idle_timeout, hard_timeout) = (reader.u16()?, reader.u16()?);
        let (packets, bytes) = (reader.u64()?, reader.u64()?);
        let matches = oxm::ofp_match(reader, Strictness::Loose)?;
        let reason = RemovedReason(reason);
        Ok(Self {
            matches,
            cookie,
            priority,
            reason,
            table,
            duration,
            idle_timeout,
            hard_timeout,
            packets,
            bytes,
        })
    }
}
