//! `OFPT_PORT_MOD`: changing a port (OpenFlow 1.5.1, 7.3.4.4).

use super::port_stats::checked_port;
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError, property};
use crate::{EthAddr, Port, Version};

/// A change of a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortMod {
    /// The port.
    pub port: Port,
    /// Its address, which must be the one it has.
    pub hw_addr: EthAddr,
    /// The new bits of `ofp_port_config`.
    pub config: u32,
    /// The bits that change.
    pub mask: u32,
    /// What it shall advertise: bits of `ofp_port_features`; `None` or 0: no change.
    pub advertise: Option<u32>,
    /// Other properties (OpenFlow 1.4 and up): type and data.
    pub properties: Vec<(u16, Vec<u8>)>,
}

impl PortMod {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        if version == Version::V10 {
            out.u16(self.port.to_u16().unwrap_or(u16::MAX));
            out.extend_from_slice(&self.hw_addr.0);
        } else {
            out.u32(self.port.0);
            out.zeros(4);
            out.extend_from_slice(&self.hw_addr.0);
            out.zeros(2);
        }
        out.u32(self.config);
        out.u32(self.mask);
        if version < Version::V14 {
            out.u32(self.advertise.unwrap_or(0));
            out.zeros(4);
            return;
        }
        if let Some(advertise) = self.advertise {
            property::put(out, 0, &advertise.to_be_bytes());
        }
        property::put_all(out, &self.properties);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let (port, hw_addr) = if version == Version::V10 {
            (Port::from_u16(reader.u16()?), reader.eth()?)
        } else {
            let port = checked_port(reader)?;
            reader.skip(4)?;
            let address = reader.eth()?;
            reader.skip(2)?;
            (port, address)
        };
        let mut found = Self {
            port,
            hw_addr,
            config: reader.u32()?,
            mask: reader.u32()?,
            advertise: None,
            properties: Vec::new(),
        };
        if version < Version::V14 {
            found.advertise = Some(reader.u32()?);
            reader.skip(4)?;
            return Ok(found);
        }
        while !reader.is_empty() {
            let place = *reader;
            let (kind, data) = property::next(reader)?;
            match kind {
                0 if found.advertise.is_some() => {
                    return Err(place.error(OfpError::PROPERTY_DUP_TYPE));
                }
                0 => found.advertise = Some(property::u32(data)?),
                kind => found.properties.push((kind, data.rest().to_vec())),
            }
        }
        Ok(found)
    }
}
