//! What ports have counted (OpenFlow 1.5.1, 7.3.5.6).

use super::oxs::known_duration;
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError, property};
use crate::{Port, Version};

/// What a port has counted; all ones stand for "not known".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortStats {
    /// The port.
    pub port: Port,
    /// Packets received and sent.
    pub packets: [u64; 2],
    /// Bytes received and sent.
    pub bytes: [u64; 2],
    /// Packets dropped on receipt and on sending.
    pub dropped: [u64; 2],
    /// Errors on receipt and on sending.
    pub errors: [u64; 2],
    /// Frame alignment errors, overruns, CRC errors and collisions; `None` where OpenFlow 1.4 or up says none.
    pub ethernet: Option<[u64; 4]>,
    /// How long the port has existed, in seconds and nanoseconds (OpenFlow 1.3 and up).
    pub duration: Option<(u32, u32)>,
    /// Other properties (OpenFlow 1.4 and up): type and data.
    pub properties: Vec<(u16, Vec<u8>)>,
}

impl PortStats {
    /// A port that has counted nothing.
    #[must_use]
    pub fn new(port: Port) -> Self {
        Self {
            port,
            packets: [0; 2],
            bytes: [0; 2],
            dropped: [0; 2],
            errors: [0; 2],
            ethernet: None,
            duration: None,
            properties: Vec::new(),
        }
    }

    /// The counters that every version has, in the order of the wire.
    fn counters(&mut self) -> impl Iterator<Item = &mut u64> {
        self.packets
            .iter_mut()
            .chain(&mut self.bytes)
            .chain(&mut self.dropped)
            .chain(&mut self.errors)
    }

    fn put_counters(&self, out: &mut Writer) {
        let all = self.packets.iter().chain(&self.bytes).chain(&self.dropped);
        all.chain(&self.errors).for_each(|n| out.u64(*n));
    }

    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        let start = out.len();
        let (seconds, nanoseconds) = self.duration.unwrap_or((u32::MAX, u32::MAX));
        if version >= Version::V14 {
            out.zeros(4);
            out.u32(self.port.0);
            out.u32(seconds);
            out.u32(nanoseconds);
            self.put_counters(out);
            if let Some(ethernet) = &self.ethernet {
                let mut data = vec![0; 4];
                ethernet.iter().for_each(|n| data.u64(*n));
                property::put(out, 0, &data);
            }
            for (kind, data) in &self.properties {
                property::put(out, *kind, data);
            }
            out.fill_len(start, start);
            return;
        }
        if version == Version::V10 {
            out.u16(self.port.to_u16().unwrap_or(u16::MAX));
            out.zeros(6);
        } else {
            out.u32(self.port.0);
            out.zeros(4);
        }
        self.put_counters(out);
        self.ethernet
            .unwrap_or([u64::MAX; 4])
            .iter()
            .for_each(|n| out.u64(*n));
        if version == Version::V13 {
            out.u32(seconds);
            out.u32(nanoseconds);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let mut found = Self::new(Port::ANY);
        if version >= Version::V14 {
            found.read_modern(reader)?;
            return Ok(found);
        }
        let place = *reader;
        if version == Version::V10 {
            found.port = Port::from_u16(reader.u16()?);
            reader.skip(6)?;
        } else {
            found.port = checked_port(reader)?;
            reader.skip(4)?;
        }
        let mut ethernet = [0; 4];
        for counter in found.counters().chain(&mut ethernet) {
            *counter = reader.u64().map_err(|_| place.error(OfpError::BAD_LEN))?;
        }
        found.ethernet = Some(ethernet);
        if version == Version::V13 {
            found.duration = known_duration((reader.u32()?, reader.u32()?));
        }
        Ok(found)
    }

    fn read_modern(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let place = *reader;
        let rest = usize::from(reader.u16()?)
            .checked_sub(2)
            .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let mut body = reader.sub(rest)?;
        body.skip(2)?;
        self.port = checked_port(&mut body)?;
        self.duration = known_duration((body.u32()?, body.u32()?));
        for counter in self.counters() {
            *counter = body.u64()?;
        }
        while !body.is_empty() {
            let place = body;
            let (kind, mut data) = property::next(&mut body)?;
            if kind == 0 {
                if data.len() != 36 {
                    return Err(place.error(OfpError::PROPERTY_BAD_LEN));
                }
                data.skip(4)?;
                self.ethernet = Some([data.u64()?, data.u64()?, data.u64()?, data.u64()?]);
            } else {
                self.properties.push((kind, data.rest().to_vec()));
            }
        }
        Ok(())
    }
}

/// A port of 32 bits, which must be one that OpenFlow 1.0 could name too.
pub(crate) fn checked_port(reader: &mut Reader<'_>) -> Result<Port, DecodeError> {
    let place = *reader;
    let port = Port(reader.u32()?);
    if port.to_u16().is_some() {
        Ok(port)
    } else {
        Err(place.error(OfpError::ACTION_BAD_OUT_PORT))
    }
}

/// Appends a port as statistics are asked for by it.
pub(super) fn put_request(out: &mut Writer, port: Port, version: Version) {
    if version == Version::V10 {
        out.u16(port.to_u16().unwrap_or(u16::MAX));
        out.zeros(6);
    } else {
        out.u32(port.0);
        out.zeros(4);
    }
}

/// Reads the port that statistics are asked for by.
pub(crate) fn read_request(reader: &mut Reader<'_>, version: Version) -> Result<Port, DecodeError> {
    if version == Version::V10 {
        let port = Port::from_u16(reader.u16()?);
        reader.skip(6)?;
        Ok(port)
    } else {
        let port = checked_port(reader)?;
        reader.skip(4)?;
        Ok(port)
    }
}
