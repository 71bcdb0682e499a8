//! Multipart messages: questions to a switch whose answers may need several messages (OpenFlow 1.5.1, 7.3.5).

use super::flow_stats::{FlowStats, FlowStatsRequest};
use super::port_desc::PortDesc;
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
use crate::{Port, Version};

/// A question.
#[derive(Clone, PartialEq, Debug)]
pub enum MultipartRequest {
    /// What the switch is.
    Desc,
    /// Flows.
    Flow(FlowStatsRequest),
    /// The sum of what flows have counted.
    Aggregate(FlowStatsRequest),
    /// The switch's ports; one of them from OpenFlow 1.5 on.
    PortDesc(Port),
    /// Anything else: the number of the question and its body.
    Other(u16, Vec<u8>),
}

/// An answer, or a part of it.
#[derive(Clone, PartialEq, Debug)]
pub enum MultipartReply {
    /// What the switch is.
    Desc(SwitchDesc),
    /// Flows.
    Flow(Vec<FlowStats>),
    /// The sum of what flows have counted.
    Aggregate(AggregateStats),
    /// The switch's ports.
    PortDesc(Vec<PortDesc>),
    /// Anything else: the number of the answer and its body.
    Other(u16, Vec<u8>),
}

/// Who made the switch; each text is cut to its size on the wire.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SwitchDesc {
    /// Who made it; 255 bytes.
    pub manufacturer: String,
    /// The hardware; 255 bytes.
    pub hardware: String,
    /// The software; 255 bytes.
    pub software: String,
    /// The serial number; 31 bytes.
    pub serial: String,
    /// What the operator calls it; 255 bytes.
    pub datapath: String,
}

/// The sum of what flows have counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AggregateStats {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// Flows.
    pub flows: u32,
}

const DESC: u16 = 0;
const FLOW: u16 = 1;
const AGGREGATE: u16 = 2;
const PORT_DESC: u16 = 13;

/// Flags and padding after the number of the question.
fn put_head(out: &mut Writer, kind: u16, more: bool, version: Version) {
    out.u16(kind);
    out.u16(u16::from(more));
    if version > Version::V10 {
        out.zeros(4);
    }
}

fn read_head(reader: &mut Reader<'_>, version: Version) -> Result<(u16, bool), DecodeError> {
    let (kind, flags) = (reader.u16()?, reader.u16()?);
    if version > Version::V10 {
        reader.skip(4)?;
    }
    Ok((kind, flags & 1 != 0))
}

/// True if flows of this version are described by the structures of OpenFlow 1.2 to 1.4.
fn modern_flows(version: Version) -> bool {
    (Version::V12..=Version::V14).contains(&version)
}

impl MultipartRequest {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        let kind = match self {
            Self::Desc => DESC,
            Self::Flow(_) => FLOW,
            Self::Aggregate(_) => AGGREGATE,
            Self::PortDesc(_) => PORT_DESC,
            Self::Other(kind, _) => *kind,
        };
        put_head(out, kind, false, version);
        match self {
            Self::Desc => {}
            Self::Flow(request) | Self::Aggregate(request) => request.put(out, version),
            Self::PortDesc(port) => {
                if version >= Version::V15 {
                    out.u32(port.0);
                    out.zeros(4);
                }
            }
            Self::Other(_, body) => out.extend_from_slice(body),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let (kind, _) = read_head(reader, version)?;
        Ok(match kind {
            DESC => Self::Desc,
            FLOW if version >= Version::V12 => Self::Flow(FlowStatsRequest::read(reader)?),
            AGGREGATE if version >= Version::V12 => Self::Aggregate(FlowStatsRequest::read(reader)?),
            PORT_DESC => {
                let port = if version >= Version::V15 {
                    Port(reader.u32()?)
                } else {
                    Port::ANY
                };
                reader.skip(reader.len())?;
                Self::PortDesc(port)
            }
            other => Self::Other(other, reader.bytes(reader.len())?.to_vec()),
        })
    }
}

impl MultipartReply {
    pub(super) fn put(&self, out: &mut Writer, more: bool, version: Version) {
        let kind = match self {
            Self::Desc(_) => DESC,
            Self::Flow(_) => FLOW,
            Self::Aggregate(_) => AGGREGATE,
            Self::PortDesc(_) => PORT_DESC,
            Self::Other(kind, _) => *kind,
        };
        put_head(out, kind, more, version);
        match self {
            Self::Desc(desc) => {
                for (text, size) in [
                    (&desc.manufacturer, 256),
                    (&desc.hardware, 256),
                    (&desc.software, 256),
                    (&desc.serial, 32),
                    (&desc.datapath, 256),
                ] {
                    out.text(text, size);
                }
            }
            Self::Flow(flows) => flows.iter().for_each(|flow| flow.put(out, version)),
            Self::Aggregate(sum) => {
                out.u64(sum.packets);
                out.u64(sum.bytes);
                out.u32(sum.flows);
                out.zeros(4);
            }
            Self::PortDesc(ports) => ports.iter().for_each(|port| port.put(out, version)),
            Self::Other(_, body) => out.extend_from_slice(body),
        }
    }

    /// The answer, and whether more of it follows.
    pub(super) fn read(reader: &mut Reader<'_>, version: Version) -> Result<(Self, bool), DecodeError> {
        let (kind, more) = read_head(reader, version)?;
        let place = *reader;
        let reply = match kind {
            DESC => Self::Desc(SwitchDesc {
                manufacturer: reader.text(256)?,
                hardware: reader.text(256)?,
                software: reader.text(256)?,
                serial: reader.text(32)?,
                datapath: reader.text(256)?,
            }),
            FLOW if modern_flows(version) => {
                let mut flows = Vec::with_capacity(reader.len() / 128);
                while !reader.is_empty() {
                    flows.push(FlowStats::read(reader, version)?);
                }
                Self::Flow(flows)
            }
            AGGREGATE if version < Version::V15 => {
                let sum = AggregateStats {
                    packets: reader.u64()?,
                    bytes: reader.u64()?,
                    flows: reader.u32()?,
                };
                reader.skip(4)?;
                Self::Aggregate(sum)
            }
            PORT_DESC => {
                let mut ports = Vec::new();
                while !reader.is_empty() {
                    ports.push(PortDesc::read(reader, version)?);
                }
                Self::PortDesc(ports)
            }
            other => Self::Other(other, reader.bytes(reader.len())?.to_vec()),
        };
        if !reader.is_empty() {
            return Err(place.error(OfpError::BAD_LEN));
        }
        Ok((reply, more))
    }
}
