//! Ports as a switch describes them, and `OFPT_PORT_STATUS` (OpenFlow 1.5.1, 7.2.1 and 7.4.3).

use super::port_stats::checked_port;
use super::property;
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
use crate::{EthAddr, Port, Version};

/// A port of a switch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortDesc {
    /// Its number.
    pub port: Port,
    /// Its Ethernet address.
    pub hw_addr: EthAddr,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// Bits of `ofp_port_config`: 1 administratively down.
    pub config: u32,
    /// Bits of `ofp_port_state`: 1 no physical link.
    pub state: u32,
    /// What it is doing now, advertises, supports, and what its peer advertises: bits of `ofp_port_features`.
    pub features: [u32; 4],
    /// Current and highest speed in kbit/s (OpenFlow 1.1 and up).
    pub speeds: [u32; 2],
    /// Other properties (OpenFlow 1.4 and up): type and data.
    pub properties: Vec<(u16, Vec<u8>)>,
    /// False if OpenFlow 1.4 or up said nothing of features and speeds.
    pub ethernet: bool,
}

impl PortDesc {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        let start = out.len();
        if version == Version::V10 {
            out.u16(self.port.to_u16().unwrap_or(u16::MAX));
            out.extend_from_slice(&self.hw_addr.0);
            out.text(&self.name, 16);
            out.u32(self.config);
            out.u32(self.state);
            self.features.iter().for_each(|bits| out.u32(*bits));
            return;
        }
        out.u32(self.port.0);
        out.zeros(4);
        out.extend_from_slice(&self.hw_addr.0);
        out.zeros(2);
        out.text(&self.name, 16);
        out.u32(self.config);
        out.u32(self.state);
        if version < Version::V14 {
            self.features
                .iter()
                .chain(&self.speeds)
                .for_each(|bits| out.u32(*bits));
            return;
        }
        if self.ethernet {
            out.u16(0);
            out.u16(32);
            out.zeros(4);
            self.features
                .iter()
                .chain(&self.speeds)
                .for_each(|bits| out.u32(*bits));
        }
        super::property::put_all(out, &self.properties);
        out.fill_len(start, start + 4);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        if version == Version::V10 {
            let port = Port::from_u16(reader.u16()?);
            let (hw_addr, name) = (reader.eth()?, reader.text(16)?);
            let (config, state) = (reader.u32()?, reader.u32()?);
            let features = [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
            let none = Vec::new();
            return Ok(Self {
                port,
                hw_addr,
                name,
                config,
                state,
                features,
                speeds: [0; 2],
                properties: none,
                ethernet: true,
            });
        }
        let place = *reader;
        let port = Port(reader.u32()?);
        let length = usize::from(reader.u16()?);
        let rest = match version {
            Version::V14 | Version::V15 => length
                .checked_sub(40)
                .filter(|_| length <= place.len())
                .ok_or_else(|| place.error(OfpError::BAD_LEN))?,
            _ => 0,
        };
        if !place.keeps() {
            checked_port(&mut place.clone())?;
        }
        reader.skip(2)?;
        let hw_addr = reader.eth()?;
        reader.skip(2)?;
        let name = reader.text(16)?;
        let (config, state) = (reader.u32()?, reader.u32()?);
        let mut desc = Self {
            port,
            hw_addr,
            name,
            config,
            state,
            features: [0; 4],
            speeds: [0; 2],
            properties: Vec::new(),
            ethernet: version < Version::V14,
        };
        if version < Version::V14 {
            desc.read_link(reader)?;
            return Ok(desc);
        }
        let mut properties = reader.sub(rest)?;
        while !properties.is_empty() {
            let place = properties;
            let (kind, mut data) = property::next(&mut properties)?;
            if kind == 0 {
                if data.len() != 28 {
                    return Err(place.error(OfpError::PROPERTY_BAD_LEN));
                }
                data.skip(4)?;
                desc.read_link(&mut data)?;
                desc.ethernet = true;
            } else {
                desc.properties.push((kind, data.rest().to_vec()));
            }
        }
        Ok(desc)
    }

    fn read_link(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        for bits in self.features.iter_mut().chain(&mut self.speeds) {
            *bits = reader.u32()?;
        }
        Ok(())
    }
}

/// What happened to a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortChange {
    /// It was added.
    Add,
    /// It was removed.
    Delete,
    /// It changed.
    Modify,
}

/// `OFPT_PORT_STATUS`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortStatus {
    /// What happened.
    pub change: PortChange,
    /// The port as it is, or last was.
    pub desc: PortDesc,
}

impl PortStatus {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        out.u8(match self.change {
            PortChange::Add => 0,
            PortChange::Delete => 1,
            PortChange::Modify => 2,
        });
        out.zeros(7);
        self.desc.put(out, version);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let place = *reader;
        let change = match reader.u8()? {
            0 => PortChange::Add,
            1 => PortChange::Delete,
            2 => PortChange::Modify,
            _ => return Err(place.error(OfpError::BAD_REASON)),
        };
        reader.skip(7)?;
        Ok(Self {
            change,
            desc: PortDesc::read(reader, version)?,
        })
    }
}
