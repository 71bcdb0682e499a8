//! `OFPT_PACKET_OUT`: a packet from the controller (OpenFlow 1.5.1, 7.3.6).

use super::actions::{self, Context};
use super::oxm::{self, Strictness};
use super::port_stats::checked_port;
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
use crate::field::Slot;
use crate::{Action, Field, Match, Port, Version};

/// A packet from the controller and what is done with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PacketOut {
    /// The buffered packet, or [`super::NO_BUFFER`].
    pub buffer_id: u32,
    /// The port it is taken to have come from (`in_port`; [`Port::CONTROLLER`] for none), and from OpenFlow 1.5 on other metadata.
    pub metadata: Match,
    /// What is done with it.
    pub actions: Vec<Action>,
    /// The packet, if it is not buffered.
    pub data: Vec<u8>,
}

impl PacketOut {
    /// Sends `data` as if it had come from `in_port`.
    #[must_use]
    pub fn new(in_port: Port, actions: impl Into<Vec<Action>>, data: impl Into<Vec<u8>>) -> Self {
        let metadata = Match::new().with(Field::InPortOxm, in_port);
        Self {
            buffer_id: super::NO_BUFFER,
            metadata,
            actions: actions.into(),
            data: data.into(),
        }
    }

    /// The port it is taken to have come from.
    #[must_use]
    pub fn in_port(&self) -> Port {
        let value = self.metadata.get(Field::InPortOxm).map(|f| f.value);
        value
            .and_then(|v| u32::try_from(v).ok())
            .map_or(Port::ANY, Port)
    }

    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        out.u32(self.buffer_id);
        match version {
            Version::V10 => out.u16(self.in_port().to_u16().unwrap_or(u16::MAX)),
            Version::V15 => {}
            _ => out.u32(self.in_port().0),
        }
        let length_at = out.len();
        out.u16(0);
        match version {
            Version::V10 => {}
            Version::V15 => {
                out.zeros(2);
                oxm::put_ofp_match(out, &self.metadata, version);
            }
            _ => out.zeros(6),
        }
        let start = out.len();
        let none = Match::new();
        actions::put_list(out, &self.actions, &mut Context::new(version, &none));
        out.fill_len(start, length_at);
        out.extend_from_slice(&self.data);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let buffer_id = reader.u32()?;
        let place = *reader;
        let in_port = match version {
            Version::V10 => Some(Port::from_u16(reader.u16()?)),
            Version::V15 => None,
            _ => Some(checked_port(reader)?),
        };
        let length = usize::from(reader.u16()?);
        let metadata = match in_port {
            Some(port) => {
                if version != Version::V10 {
                    reader.skip(6)?;
                }
                Match::new().with(Field::InPortOxm, port)
            }
            None => {
                reader.skip(2)?;
                let place = *reader;
                let metadata = oxm::ofp_match(reader, Strictness::Loose)?;
                if !place.keeps() && !metadata.entries().all(|entry| is_pipeline(entry.slot)) {
                    return Err(place.error(OfpError::PIPELINE_FIELDS_ONLY));
                }
                if !place.keeps() && metadata.get(Field::InPortOxm).is_none() {
                    return Err(place.error(OfpError::BAD_PORT));
                }
                metadata
            }
        };
        if !length.is_multiple_of(8) {
            return Err(place.error(OfpError::BAD_LEN));
        }
        let list = reader.sub(length)?;
        let actions = actions::read_list(list, version, 0)?;
        let port = metadata
            .get(Field::InPortOxm)
            .map(|f| f.value)
            .and_then(|v| u32::try_from(v).ok());
        // A packet comes from a port, from the bridge itself, or from nowhere.
        let from = port.map_or(Port::ANY, Port);
        let fine =
            from.0 < Port::MAX.0 || matches!(from, Port::LOCAL | Port::ANY | Port::CONTROLLER);
        if !fine {
            return Err(place.error(OfpError::BAD_PORT));
        }
        Ok(Self {
            buffer_id,
            metadata,
            actions,
            data: reader.bytes(reader.len())?.to_vec(),
        })
    }
}

/// True for what a packet has with it rather than in it (OpenFlow 1.5.1, 7.3.6).
fn is_pipeline(slot: Slot) -> bool {
    use Slot as S;
    let registers = (S::Reg0..=S::Reg15).contains(&slot);
    let options = (S::TunMetadata0..=S::TunMetadata63).contains(&slot);
    registers
        || options
        || matches!(
            slot,
            S::InPort
                | S::Metadata
                | S::PacketType
                | S::TunId
                | S::TunSrc
                | S::TunDst
                | S::TunIpv6Src
                | S::TunIpv6Dst
                | S::TunFlags
                | S::TunGbpId
                | S::TunGbpFlags
                | S::TunErspanVer
                | S::TunErspanIdx
                | S::TunErspanDir
                | S::TunErspanHwid
                | S::TunGtpuFlags
                | S::TunGtpuMsgtype
        )
}
