//! `OFPT_PACKET_IN`: a packet for the controller (OpenFlow 1.5.1, 7.4.1); `NXT_PACKET_IN2`, which says more, and
//! `NXT_RESUME`, by which a packet that was stopped goes on.

use super::oxm::{self, Strictness};
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError, property};
use crate::{Field, Match, Port, Version};

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
    /// The port it came from.
    #[must_use]
    pub fn in_port(&self) -> Port {
        let value = self.metadata.get(Field::InPortOxm).map(|f| f.value);
        value
            .and_then(|v| u32::try_from(v).ok())
            .map_or(Port::ANY, Port)
    }

    /// Appends the body.
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        out.u32(self.buffer_id);
        match version {
            Version::V10 => {
                out.u16(self.total_len);
                out.u16(self.in_port().to_u16().unwrap_or(u16::MAX));
                out.u8(self.reason);
                out.u8(0);
            }
            Version::V11 => {
                out.u32(self.in_port().0);
                out.u32(self.in_port().0);
                out.u16(self.total_len);
                out.u8(self.reason);
                out.u8(self.table);
            }
            _ => {
                out.u16(self.total_len);
                out.u8(self.reason);
                out.u8(self.table);
                if version >= Version::V13 {
                    out.u64(self.cookie);
                }
                oxm::put_ofp_match(out, &self.metadata, version);
                out.zeros(2);
            }
        }
        out.extend_from_slice(&self.data);
    }

    /// Reads the body.
    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let buffer_id = reader.u32()?;
        let mut found = Self {
            buffer_id,
            total_len: 0,
            reason: 0,
            table: 0,
            cookie: u64::MAX,
            metadata: Match::new(),
            data: Vec::new(),
        };
        match version {
            Version::V10 => {
                found.total_len = reader.u16()?;
                found.metadata = Match::new().with(Field::InPortOxm, Port::from_u16(reader.u16()?));
                found.reason = reader.u8()?;
                reader.skip(1)?;
            }
            Version::V11 => {
                let place = *reader;
                let port = Port(reader.u32()?);
                if port.to_u16().is_none() {
                    return Err(place.error(OfpError::ACTION_BAD_OUT_PORT));
                }
                reader.skip(4)?;
                found.metadata = Match::new().with(Field::InPortOxm, port);
                found.total_len = reader.u16()?;
                (found.reason, found.table) = (reader.u8()?, reader.u8()?);
            }
            _ => {
                found.total_len = reader.u16()?;
                (found.reason, found.table) = (reader.u8()?, reader.u8()?);
                if version >= Version::V13 {
                    found.cookie = reader.u64()?;
                }
                found.metadata = oxm::ofp_match(reader, Strictness::Loose)?;
                reader.skip(2)?;
            }
        }
        found.data = reader.bytes(reader.len())?.to_vec();
        Ok(found)
    }

    /// Appends the body of `NXT_PACKET_IN`.
    pub(super) fn put_nx(&self, out: &mut Writer) {
        out.u32(self.buffer_id);
        out.u16(self.total_len);
        out.u8(self.reason);
        out.u8(self.table);
        out.u64(self.cookie);
        let length_at = out.len();
        out.zeros(8);
        let length = oxm::put_nx_match(out, &self.metadata, (0, 0));
        out.set_u16(length_at, length);
        out.zeros(2);
        out.extend_from_slice(&self.data);
    }

    /// Reads the body of `NXT_PACKET_IN`.
    pub(crate) fn read_nx(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (buffer_id, total_len) = (reader.u32()?, reader.u16()?);
        let (reason, table, cookie) = (reader.u8()?, reader.u8()?, reader.u64()?);
        let length = usize::from(reader.u16()?);
        reader.skip(6)?;
        let metadata = oxm::nx_match(reader, length, Strictness::Loose)?;
        reader.skip(2)?;
        Ok(Self {
            buffer_id,
            total_len,
            reason,
            table,
            cookie,
            metadata,
            data: reader.bytes(reader.len())?.to_vec(),
        })
    }
}

/// `NXT_PACKET_IN2` and `NXT_RESUME`: a packet with what the switch knew of it; what is `None` was not said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PacketIn2 {
    /// The packet, or its first bytes.
    pub data: Vec<u8>,
    /// Bytes of the whole packet, if `data` is not all of it.
    pub full_len: Option<u32>,
    /// Where the switch keeps the packet.
    pub buffer_id: Option<u32>,
    /// The table of the flow.
    pub table: Option<u8>,
    /// The cookie of the flow.
    pub cookie: Option<u64>,
    /// Why: 0 no flow matched, 1 an action, 2 the TTL was exhausted.
    pub reason: Option<u8>,
    /// Where it came from (`in_port`), and other metadata of the pipeline.
    pub metadata: Option<Match>,
    /// What the `controller` action was told to send along.
    pub userdata: Vec<u8>,
    /// How the switch will go on when it gets the message back: properties that only it understands.
    pub continuation: Option<Vec<u8>>,
    /// Properties that are not known: type and data.
    pub others: Vec<(u16, Vec<u8>)>,
}

mod kind {
    pub(super) const PACKET: u16 = 0;
    pub(super) const FULL_LEN: u16 = 1;
    pub(super) const BUFFER_ID: u16 = 2;
    pub(super) const TABLE: u16 = 3;
    pub(super) const COOKIE: u16 = 4;
    pub(super) const REASON: u16 = 5;
    pub(super) const METADATA: u16 = 6;
    pub(super) const USERDATA: u16 = 7;
    pub(super) const CONTINUATION: u16 = 8;
}

impl PacketIn2 {
    /// Appends the body of a packet for the controller, or of one that `resumes`.
    pub(super) fn put(&self, out: &mut Writer, version: Version, resumes: bool) {
        property::put(out, kind::PACKET, &self.data);
        if let Some(len) = self.full_len {
            property::put(out, kind::FULL_LEN, &len.to_be_bytes());
        }
        if let Some(id) = self.buffer_id {
            property::put(out, kind::BUFFER_ID, &id.to_be_bytes());
        }
        if let Some(table) = self.table {
            property::put(out, kind::TABLE, &[table]);
        }
        if let Some(cookie) = self.cookie {
            let mut data = vec![0; 4];
            data.u64(cookie);
            property::put(out, kind::COOKIE, &data);
        }
        if let Some(reason) = self.reason {
            property::put(out, kind::REASON, &[reason]);
        }
        if let Some(metadata) = &self.metadata {
            let mut data = Writer::new();
            oxm::put_match_as_oxm(&mut data, metadata, version);
            property::put(out, kind::METADATA, &data);
        }
        let userdata = |out: &mut Writer| {
            if !self.userdata.is_empty() {
                property::put(out, kind::USERDATA, &self.userdata);
            }
        };
        // In the order in which Open vSwitch writes them: a switch ends with the user's data, `ovs-ofctl` with the rest.
        if resumes {
            userdata(out);
        }
        property::put_all(out, &self.others);
        if let Some(continuation) = &self.continuation {
            let mut data = vec![0; 4];
            data.extend_from_slice(continuation);
            property::put(out, kind::CONTINUATION, &data);
        }
        if !resumes {
            userdata(out);
        }
    }

    /// Reads the body.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = *reader;
        let mut found = Self::default();
        while !reader.is_empty() {
            let (kind, mut data) = property::next(reader)?;
            match kind {
                kind::PACKET => found.data = data.rest().to_vec(),
                kind::FULL_LEN => found.full_len = Some(property::u32(data)?),
                kind::BUFFER_ID => found.buffer_id = Some(property::u32(data)?),
                kind::TABLE => found.table = Some(property::u8(data)?),
                kind::COOKIE => found.cookie = Some(property::u64(data)?),
                kind::REASON => found.reason = Some(property::u8(data)?),
                kind::METADATA => {
                    found.metadata = Some(oxm::read_entries(data, Strictness::Loose, None)?)
                }
                kind::USERDATA => found.userdata = data.rest().to_vec(),
                kind::CONTINUATION => {
                    let place = data;
                    data.skip(4)
                        .map_err(|_| place.error(OfpError::PROPERTY_BAD_LEN))?;
                    found.continuation = Some(data.rest().to_vec());
                }
                other => found.others.push((other, data.rest().to_vec())),
            }
        }
        let len = u32::try_from(found.data.len()).unwrap_or(u32::MAX);
        if len == 0 || found.full_len.is_some_and(|full| full != 0 && full < len) {
            return Err(start.error(OfpError::BAD_LEN));
        }
        Ok(found)
    }
}
