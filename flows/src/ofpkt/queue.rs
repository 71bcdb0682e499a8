//! Queues: how they are set up and what they have counted (OpenFlow 1.3.5, 7.3.6 and 7.3.5.8; OpenFlow 1.5.1, 7.3.5.7
//! and 7.3.5.8).

use super::oxs::known_duration;
use super::port_stats::checked_port;
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError, property};
use crate::{Port, Version};

/// The queue that stands for all (`OFPQ_ALL`).
pub const ALL_QUEUES: u32 = u32::MAX;

/// Which queues are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueRequest {
    /// The port, or [`Port::ANY`].
    pub port: Port,
    /// The queue, or [`ALL_QUEUES`].
    pub queue: u32,
}

impl QueueRequest {
    pub(super) fn put(self, out: &mut Writer, version: Version) {
        if version == Version::V10 {
            // OpenFlow 1.0 says "all" where later versions say "any".
            let port = if self.port == Port::ANY {
                Port::ALL
            } else {
                self.port
            };
            out.u16(port.to_u16().unwrap_or(u16::MAX));
            out.zeros(2);
        } else {
            out.u32(self.port.0);
        }
        out.u32(self.queue);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let port = if version == Version::V10 {
            let port = Port::from_u16(reader.u16()?);
            reader.skip(2)?;
            if port == Port::ALL { Port::ANY } else { port }
        } else {
            checked_port(reader)?
        };
        Ok(Self {
            port,
            queue: reader.u32()?,
        })
    }
}

/// What a queue has counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueStats {
    /// Its port.
    pub port: Port,
    /// Its number.
    pub queue: u32,
    /// Bytes sent.
    pub bytes: u64,
    /// Packets sent.
    pub packets: u64,
    /// Packets dropped.
    pub errors: u64,
    /// How long it has existed, in seconds and nanoseconds (OpenFlow 1.3 and up).
    pub duration: Option<(u32, u32)>,
    /// Properties (OpenFlow 1.4 and up): type and data.
    pub properties: Vec<(u16, Vec<u8>)>,
}

impl QueueStats {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        let start = out.len();
        if version >= Version::V14 {
            out.zeros(8);
        }
        if version == Version::V10 {
            out.u16(self.port.to_u16().unwrap_or(u16::MAX));
            out.zeros(2);
        } else {
            out.u32(self.port.0);
        }
        out.u32(self.queue);
        out.u64(self.bytes);
        out.u64(self.packets);
        out.u64(self.errors);
        if version >= Version::V13 {
            let (seconds, nanoseconds) = self.duration.unwrap_or((u32::MAX, u32::MAX));
            out.u32(seconds);
            out.u32(nanoseconds);
        }
        if version >= Version::V14 {
            for (kind, data) in &self.properties {
                property::put(out, *kind, data);
            }
            out.fill_len(start, start);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        if version < Version::V14 {
            return Self::read_fixed(reader, version);
        }
        let place = *reader;
        let rest = usize::from(reader.u16()?)
            .checked_sub(2)
            .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let mut body = reader.sub(rest)?;
        body.skip(6)?;
        let mut found = Self::read_fixed(&mut body, version)?;
        while !body.is_empty() {
            let (kind, data) = property::next(&mut body)?;
            found.properties.push((kind, data.rest().to_vec()));
        }
        Ok(found)
    }

    /// Reads the part that has the same length in each, but for its head.
    pub(crate) fn read_fixed(
        reader: &mut Reader<'_>,
        version: Version,
    ) -> Result<Self, DecodeError> {
        let port = if version == Version::V10 {
            let port = Port::from_u16(reader.u16()?);
            reader.skip(2)?;
            port
        } else {
            checked_port(reader)?
        };
        let mut found = Self {
            port,
            queue: reader.u32()?,
            bytes: reader.u64()?,
            packets: reader.u64()?,
            errors: reader.u64()?,
            duration: None,
            properties: Vec::new(),
        };
        if version >= Version::V13 {
            found.duration = known_duration((reader.u32()?, reader.u32()?));
        }
        Ok(found)
    }
}

/// How a queue is set up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueConfig {
    /// Its port.
    pub port: Port,
    /// Its number.
    pub queue: u32,
    /// The rate that it always gets, in tenths of a percent of the port's; above 1000: off.
    pub min_rate: Option<u16>,
    /// The rate that it never exceeds, in tenths of a percent of the port's; above 1000: off.
    pub max_rate: Option<u16>,
    /// Other properties: type and data.
    pub properties: Vec<(u16, Vec<u8>)>,
}

const MIN_RATE: u16 = 1;
const MAX_RATE: u16 = 2;

impl QueueConfig {
    fn new(port: Port, queue: u32) -> Self {
        Self {
            port,
            queue,
            min_rate: None,
            max_rate: None,
            properties: Vec::new(),
        }
    }

    fn rates(&self) -> impl Iterator<Item = (u16, u16)> {
        let rates = [(MIN_RATE, self.min_rate), (MAX_RATE, self.max_rate)];
        rates
            .into_iter()
            .filter_map(|(kind, rate)| rate.map(|rate| (kind, rate)))
    }

    /// Appends an entry of `OFPMP_QUEUE_DESC` (OpenFlow 1.4 and up).
    pub(super) fn put_desc(&self, out: &mut Writer) {
        let start = out.len();
        out.u32(self.port.0);
        out.u32(self.queue);
        out.zeros(8);
        for (kind, rate) in self.rates() {
            // Numbers of 16 bits are padded within their property.
            property::put(out, kind, &(u32::from(rate) << 16).to_be_bytes());
        }
        property::put_all(out, &self.properties);
        out.fill_len(start, start + 8);
    }

    /// Reads an entry of `OFPMP_QUEUE_DESC`.
    pub(crate) fn read_desc(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let mut head = reader.sub(16)?;
        let mut found = Self::new(checked_port(&mut head)?, head.u32()?);
        let len = usize::from(head.u16()?);
        let rest = len
            .checked_sub(16)
            .filter(|rest| rest.is_multiple_of(8))
            .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let mut body = reader.sub(rest)?;
        while !body.is_empty() {
            let (kind, mut data) = property::next(&mut body)?;
            let place = data;
            let mut rate = || {
                data.u16()
                    .map_err(|_| place.error(OfpError::PROPERTY_BAD_LEN))
            };
            match kind {
                MIN_RATE => found.min_rate = Some(rate()?),
                MAX_RATE => found.max_rate = Some(rate()?),
                kind => found.properties.push((kind, place.rest().to_vec())),
            }
        }
        Ok(found)
    }

    /// Appends a queue of `OFPT_QUEUE_GET_CONFIG_REPLY` (OpenFlow 1.0 to 1.3).
    fn put_config(&self, out: &mut Writer, version: Version) {
        let start = out.len();
        out.u32(self.queue);
        let length_at = if version < Version::V12 {
            out.zeros(4);
            start + 4
        } else {
            out.u32(self.port.0);
            out.zeros(8);
            start + 8
        };
        for (kind, rate) in self.rates() {
            out.u16(kind);
            out.u16(16);
            out.zeros(4);
            out.u16(rate);
            out.zeros(6);
        }
        for (kind, data) in &self.properties {
            let start = out.len();
            out.u16(*kind);
            out.zeros(6);
            out.extend_from_slice(data);
            out.fill_len(start, start + 2);
        }
        out.fill_len(start, length_at);
    }

    /// Reads a queue of `OFPT_QUEUE_GET_CONFIG_REPLY`.
    pub(crate) fn read_config(
        reader: &mut Reader<'_>,
        port: Port,
        version: Version,
    ) -> Result<Self, DecodeError> {
        let place = *reader;
        let mut found = Self::new(port, reader.u32()?);
        let head = if version < Version::V12 {
            8
        } else {
            found.port = Port(reader.u32()?);
            16
        };
        let len = usize::from(reader.u16()?);
        reader.skip(if head == 8 { 2 } else { 6 })?;
        let rest = len
            .checked_sub(head)
            .filter(|_| len.is_multiple_of(8))
            .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let mut body = reader.sub(rest)?;
        while !body.is_empty() {
            let place = body;
            let (kind, len) = (body.u16()?, usize::from(body.u16()?));
            body.skip(4)?;
            let rest = len
                .checked_sub(8)
                .filter(|_| len.is_multiple_of(8))
                .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
            let mut data = body.sub(rest)?;
            match kind {
                MIN_RATE | MAX_RATE if len != 16 => return Err(place.error(OfpError::BAD_LEN)),
                MIN_RATE => found.min_rate = Some(data.u16()?),
                MAX_RATE => found.max_rate = Some(data.u16()?),
                kind => found.properties.push((kind, data.rest().to_vec())),
            }
        }
        Ok(found)
    }
}

/// `OFPT_QUEUE_GET_CONFIG_REPLY`: the queues of a port (OpenFlow 1.0 to 1.3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueConfigs {
    /// The port.
    pub port: Port,
    /// Its queues.
    pub queues: Vec<QueueConfig>,
}

/// Appends the port of `OFPT_QUEUE_GET_CONFIG_REQUEST`.
pub(super) fn put_config_request(out: &mut Writer, port: Port, version: Version) {
    if version == Version::V10 {
        out.u16(port.to_u16().unwrap_or(u16::MAX));
        out.zeros(2);
    } else {
        out.u32(port.0);
        out.zeros(4);
    }
}

/// Reads the port of `OFPT_QUEUE_GET_CONFIG_REQUEST`.
pub(crate) fn read_config_request(
    reader: &mut Reader<'_>,
    version: Version,
) -> Result<Port, DecodeError> {
    let place = *reader;
    let port = if version == Version::V10 {
        let port = Port::from_u16(reader.u16()?);
        reader.skip(2)?;
        port
    } else {
        let port = checked_port(reader)?;
        reader.skip(4)?;
        port
    };
    if port.0 < Port::MAX.0 || (port == Port::ANY && version > Version::V10) {
        Ok(port)
    } else {
        Err(place.error(OfpError::QUEUE_BAD_PORT))
    }
}

impl QueueConfigs {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        if version == Version::V10 {
            out.u16(self.port.to_u16().unwrap_or(u16::MAX));
            out.zeros(6);
        } else {
            out.u32(self.port.0);
            out.zeros(4);
        }
        self.queues
            .iter()
            .for_each(|queue| queue.put_config(out, version));
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let port = if version == Version::V10 {
            let port = Port::from_u16(reader.u16()?);
            reader.skip(6)?;
            port
        } else {
            // Of a port without queues Open vSwitch does not look at the number.
            let port = Port(reader.u32()?);
            reader.skip(4)?;
            port
        };
        let mut queues = Vec::new();
        while !reader.is_empty() {
            queues.push(QueueConfig::read_config(reader, port, version)?);
        }
        Ok(Self { port, queues })
    }
}
