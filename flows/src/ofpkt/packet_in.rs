//! `OFPT_PACKET_IN`: a packet for the controller (OpenFlow 1.5.1, 7.4.1).

use super::DecodeError;
use super::oxm::{self, Strictness};
use super::wire::{Put, Reader, Writer};
use crate::{Match, Version};

/// A packet for the controller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PacketIn {
    /// Where the switch keeps the packet, or [`super::NO_BUFFER`].
    pub buffer_id: u32,
    /// Bytes of the whole packet, of which `data` may have fewer.
    pub total_len: u16,
    /// Why: 0 no flow matched, 1 an action, 2 the TTL was exhausted.
    pub reason: u8,
    /// The table of the flow.
    pub table: u8,
    /// The cookie of the flow; all ones if there is none.
    pub cookie: u64,
    /// Where it came from (`in_port`), and other metadata of the pipeline.
    pub metadata: Match,
    /// The packet.
    pub data: Vec<u8>,
}

impl PacketIn {
    /// Appends the body for OpenFlow 1.3 and up.
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        out.u32(self.buffer_id);
        out.u16(self.total_len);
        out.u8(self.reason);
        out.u8(self.table);
        out.u64(self.cookie);
        oxm::put_ofp_match(out, &self.metadata, version);
        out.zeros(2);
        out.extend_from_slice(&self.data);
    }

    /// Reads the body for OpenFlow 1.3 and up.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (buffer_id, total_len) = (reader.u32()?, reader.u16()?);
        let (reason, table, cookie) = (reader.u8()?, reader.u8()?, reader.u64()?);
        let metadata = oxm::ofp_match(reader, Strictness::Loose)?;
        reader.skip(2)?;
        let data = reader.bytes(reader.len())?.to_vec();
        Ok(Self {
            buffer_id,
            total_len,
            reason,
            table,
            cookie,
            metadata,
            data,
        })
    }
}
