//! Multipart messages: questions to a switch whose answers may need several messages (OpenFlow 1.5.1, 7.3.5).

use super::DecodeError;
use super::flow_stats::{FlowStats, FlowStatsRequest};
use super::oxs::Oxs;
use super::port_desc::PortDesc;
use super::registry::Kind;
use super::wire::{Put, Reader, Writer};
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
    /// Flows, asked for in Nicira's form.
    NxFlow(FlowStatsRequest),
    /// The sum of what flows have counted, asked for in Nicira's form.
    NxAggregate(FlowStatsRequest),
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
    /// Flows, in Nicira's form.
    NxFlow(Vec<FlowStats>),
    /// The sum of what flows have counted, in Nicira's form.
    NxAggregate(AggregateStats),
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

impl MultipartRequest {
    /// Its entry in the table of messages.
    pub(super) fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Desc => Kind::MpDescRequest,
            Self::Flow(_) => Kind::MpFlowRequest,
            Self::NxFlow(_) => Kind::NxMpFlowRequest,
            Self::Aggregate(_) => Kind::MpAggregateRequest,
            Self::NxAggregate(_) => Kind::NxMpAggregateRequest,
            Self::PortDesc(_) => Kind::MpPortDescRequest,
            Self::Other(..) => return None,
        })
    }

    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        match self {
            Self::Desc => {}
            Self::Flow(request) | Self::Aggregate(request) => request.put(out, version),
            Self::NxFlow(request) | Self::NxAggregate(request) => request.put_nx(out, version),
            Self::PortDesc(port) => {
                if version >= Version::V15 {
                    out.u32(port.0);
                    out.zeros(4);
                }
            }
            Self::Other(_, body) => out.extend_from_slice(body),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, version: Version, kind: Kind) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            Kind::MpDescRequest => Self::Desc,
            Kind::MpFlowRequest => Self::Flow(FlowStatsRequest::read(reader, version)?),
            Kind::NxMpFlowRequest => Self::NxFlow(FlowStatsRequest::read_nx(reader)?),
            Kind::MpAggregateRequest => Self::Aggregate(FlowStatsRequest::read(reader, version)?),
            Kind::NxMpAggregateRequest => Self::NxAggregate(FlowStatsRequest::read_nx(reader)?),
            Kind::MpPortDescRequest => Self::PortDesc(read_port_desc_request(reader, version)?),
            _ => return Ok(None),
        }))
    }
}

/// Which port is asked for; before OpenFlow 1.5 all are.
pub(crate) fn read_port_desc_request(reader: &mut Reader<'_>, version: Version) -> Result<Port, DecodeError> {
    if version < Version::V15 {
        return Ok(Port::ANY);
    }
    let port = Port(reader.u32()?);
    reader.skip(4)?;
    Ok(port)
}

/// Reads entries to the end.
fn list<T>(
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut found = Vec::new();
    while !reader.is_empty() {
        found.push(read(reader)?);
    }
    Ok(found)
}

impl SwitchDesc {
    fn put(&self, out: &mut Writer) {
        for (text, size) in [
            (&self.manufacturer, 256),
            (&self.hardware, 256),
            (&self.software, 256),
            (&self.serial, 32),
            (&self.datapath, 256),
        ] {
            out.text(text, size);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            manufacturer: reader.text(256)?,
            hardware: reader.text(256)?,
            software: reader.text(256)?,
            serial: reader.text(32)?,
            datapath: reader.text(256)?,
        })
    }
}

impl AggregateStats {
    fn put(self, out: &mut Writer, version: Version) {
        if version >= Version::V15 {
            let counters = Oxs {
                packets: Some(self.packets),
                bytes: Some(self.bytes),
                flows: Some(self.flows),
                ..Oxs::default()
            };
            return counters.put(out);
        }
        out.u64(self.packets);
        out.u64(self.bytes);
        out.u32(self.flows);
        out.zeros(4);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        if version >= Version::V15 {
            let counters = Oxs::read(reader)?;
            return Ok(Self {
                packets: counters.packets.unwrap_or(u64::MAX),
                bytes: counters.bytes.unwrap_or(u64::MAX),
                flows: counters.flows.unwrap_or(u32::MAX),
            });
        }
        let sum = Self {
            packets: reader.u64()?,
            bytes: reader.u64()?,
            flows: reader.u32()?,
        };
        reader.skip(4)?;
        Ok(sum)
    }
}

impl MultipartReply {
    /// Its entry in the table of messages.
    pub(super) fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Desc(_) => Kind::MpDescReply,
            Self::Flow(_) => Kind::MpFlowReply,
            Self::NxFlow(_) => Kind::NxMpFlowReply,
            Self::Aggregate(_) => Kind::MpAggregateReply,
            Self::NxAggregate(_) => Kind::NxMpAggregateReply,
            Self::PortDesc(_) => Kind::MpPortDescReply,
            Self::Other(..) => return None,
        })
    }

    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        match self {
            Self::Desc(desc) => desc.put(out),
            Self::Flow(flows) => flows.iter().for_each(|flow| flow.put(out, version)),
            Self::NxFlow(flows) => flows.iter().for_each(|flow| flow.put_nx(out, version)),
            Self::Aggregate(sum) => sum.put(out, version),
            Self::NxAggregate(sum) => sum.put(out, Version::V10),
            Self::PortDesc(ports) => ports.iter().for_each(|port| port.put(out, version)),
            Self::Other(_, body) => out.extend_from_slice(body),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, version: Version, kind: Kind) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            Kind::MpDescReply => Self::Desc(SwitchDesc::read(reader)?),
            Kind::MpFlowReply => Self::Flow(list(reader, |r| FlowStats::read(r, version))?),
            Kind::NxMpFlowReply => Self::NxFlow(list(reader, |r| FlowStats::read_nx(r, version))?),
            Kind::MpAggregateReply => Self::Aggregate(AggregateStats::read(reader, version)?),
            Kind::NxMpAggregateReply => Self::NxAggregate(AggregateStats::read(reader, Version::V10)?),
            Kind::MpPortDescReply => Self::PortDesc(list(reader, |r| PortDesc::read(r, version))?),
            _ => return Ok(None),
        }))
    }
}
