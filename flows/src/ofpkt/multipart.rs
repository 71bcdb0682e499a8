//! Multipart messages: questions to a switch whose answers may need several messages (OpenFlow 1.5.1, 7.3.5).

use super::DecodeError;
use super::flow_stats::{FlowStats, FlowStatsRequest};
use super::group::{ALL_GROUPS, GroupDesc, GroupFeatures, GroupStats};
use super::ipfix::IpfixStats;
use super::meter::{MeterConfig, MeterFeatures, MeterStats};
use super::monitor::{FlowMonitorRequest, FlowUpdate};
use super::oxs::Oxs;
use super::port_desc::PortDesc;
use super::port_stats::{self, PortStats};
use super::queue::{QueueConfig, QueueRequest, QueueStats};
use super::registry::Kind;
use super::table::{TableDesc, TableFeatures, TableStats};
use super::wire::{Put, Reader, Writer};
use crate::{Port, Version};

/// A question (OpenFlow 1.5.1, 7.3.5): one variant a type, by its name without `OFPMP_` (before OpenFlow 1.3 `OFPST_`).
#[derive(Clone, PartialEq, Debug)]
pub enum MultipartRequest {
    /// What the switch is.
    ///
    /// `DESC`.
    Desc,
    /// Flows.
    ///
    /// `FLOW` (`OFPMP_FLOW_DESC` in 1.5).
    Flow(FlowStatsRequest),
    /// The sum of what flows have counted.
    ///
    /// `AGGREGATE`.
    Aggregate(FlowStatsRequest),
    /// Flows, asked for in Nicira's form.
    ///
    /// `NXST_FLOW` (nicira-ext.h).
    NxFlow(FlowStatsRequest),
    /// The sum of what flows have counted, asked for in Nicira's form.
    ///
    /// `NXST_AGGREGATE` (nicira-ext.h).
    NxAggregate(FlowStatsRequest),
    /// The switch's ports; one of them from OpenFlow 1.5 on.
    ///
    /// `PORT_DESC`.
    PortDesc(Port),
    /// What tables have counted.
    ///
    /// `TABLE`.
    Table,
    /// What a port, or any, has counted.
    ///
    /// `PORT`.
    PortStats(Port),
    /// What queues have counted.
    ///
    /// `QUEUE`.
    Queue(QueueRequest),
    /// How queues are set up (OpenFlow 1.4 and up).
    ///
    /// `QUEUE_DESC`.
    QueueDesc(QueueRequest),
    /// What a group, or any, has counted.
    ///
    /// `GROUP`, in 1.0 `NXST_GROUP`.
    Group(u32),
    /// The groups; one of them from OpenFlow 1.5 on and in 1.0.
    ///
    /// `GROUP_DESC`, in 1.0 `NXST_GROUP_DESC`.
    GroupDesc(u32),
    /// Which groups there can be.
    ///
    /// `GROUP_FEATURES`, in 1.0 and 1.1 `NXST_GROUP_FEATURES`.
    GroupFeatures,
    /// What a meter, or all, has counted.
    ///
    /// `METER`.
    Meter(u32),
    /// A meter, or all.
    ///
    /// `METER_CONFIG`.
    MeterConfig(u32),
    /// Which meters there can be.
    ///
    /// `METER_FEATURES`.
    MeterFeatures,
    /// What tables can do, or shall do.
    ///
    /// `TABLE_FEATURES`.
    TableFeatures(Vec<TableFeatures>),
    /// What tables do (OpenFlow 1.4 and up).
    ///
    /// `TABLE_DESC`.
    TableDesc,
    /// To be told how flows change.
    ///
    /// `FLOW_MONITOR`, in 1.3 `ONFST_FLOW_MONITOR`, before `NXST_FLOW_MONITOR`.
    FlowMonitor(Vec<FlowMonitorRequest>),
    /// What the bridge's exporter of flow records has counted.
    ///
    /// `NXST_IPFIX_BRIDGE` (ofp-msgs.h).
    IpfixBridge,
    /// What the exporters of flow records have counted.
    ///
    /// `NXST_IPFIX_FLOW` (ofp-msgs.h).
    IpfixFlow,
    /// Anything else: the number of the question and its body.
    Other(u16, Vec<u8>),
}

/// An answer, or a part of it (OpenFlow 1.5.1, 7.3.5): one variant a type, by its name without `OFPMP_` (before OpenFlow 1.3
/// `OFPST_`).
#[derive(Clone, PartialEq, Debug)]
pub enum MultipartReply {
    /// What the switch is.
    ///
    /// `DESC`.
    Desc(SwitchDesc),
    /// Flows.
    ///
    /// `FLOW` (`OFPMP_FLOW_DESC` in 1.5).
    Flow(Vec<FlowStats>),
    /// The sum of what flows have counted.
    ///
    /// `AGGREGATE`.
    Aggregate(AggregateStats),
    /// Flows, in Nicira's form.
    ///
    /// `NXST_FLOW` (nicira-ext.h).
    NxFlow(Vec<FlowStats>),
    /// The sum of what flows have counted, in Nicira's form.
    ///
    /// `NXST_AGGREGATE` (nicira-ext.h).
    NxAggregate(AggregateStats),
    /// The switch's ports.
    ///
    /// `PORT_DESC`.
    PortDesc(Vec<PortDesc>),
    /// What tables have counted.
    ///
    /// `TABLE`.
    Table(Vec<TableStats>),
    /// What ports have counted.
    ///
    /// `PORT`.
    PortStats(Vec<PortStats>),
    /// What queues have counted.
    ///
    /// `QUEUE`.
    Queue(Vec<QueueStats>),
    /// How queues are set up.
    ///
    /// `QUEUE_DESC`.
    QueueDesc(Vec<QueueConfig>),
    /// What groups have counted.
    ///
    /// `GROUP`, in 1.0 `NXST_GROUP`.
    Group(Vec<GroupStats>),
    /// The groups.
    ///
    /// `GROUP_DESC`, in 1.0 `NXST_GROUP_DESC`.
    GroupDesc(Vec<GroupDesc>),
    /// Which groups there can be.
    ///
    /// `GROUP_FEATURES`, in 1.0 and 1.1 `NXST_GROUP_FEATURES`.
    GroupFeatures(GroupFeatures),
    /// What meters have counted.
    ///
    /// `METER`.
    Meter(Vec<MeterStats>),
    /// The meters.
    ///
    /// `METER_CONFIG`.
    MeterConfig(Vec<MeterConfig>),
    /// Which meters there can be.
    ///
    /// `METER_FEATURES`.
    MeterFeatures(MeterFeatures),
    /// What tables can do.
    ///
    /// `TABLE_FEATURES`.
    TableFeatures(Vec<TableFeatures>),
    /// What tables do.
    ///
    /// `TABLE_DESC`.
    TableDesc(Vec<TableDesc>),
    /// How flows have changed.
    ///
    /// `FLOW_MONITOR`, in 1.3 `ONFST_FLOW_MONITOR`, before `NXST_FLOW_MONITOR`.
    FlowMonitor(Vec<FlowUpdate>),
    /// What the bridge's exporter of flow records has counted.
    ///
    /// `NXST_IPFIX_BRIDGE` (ofp-msgs.h).
    IpfixBridge(Vec<IpfixStats>),
    /// What the exporters of flow records have counted.
    ///
    /// `NXST_IPFIX_FLOW` (ofp-msgs.h).
    IpfixFlow(Vec<IpfixStats>),
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
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AggregateStats {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// Flows.
    pub flows: u32,
    /// Counters that are not known (OpenFlow 1.5): OXS entries as they are on the wire.
    pub other_counters: Box<[u8]>,
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
            Self::Table => Kind::MpTableRequest,
            Self::PortStats(_) => Kind::MpPortRequest,
            Self::Queue(_) => Kind::MpQueueRequest,
            Self::QueueDesc(_) => Kind::MpQueueDescRequest,
            Self::Group(_) => Kind::MpGroupRequest,
            Self::GroupDesc(_) => Kind::MpGroupDescRequest,
            Self::GroupFeatures => Kind::MpGroupFeaturesRequest,
            Self::Meter(_) => Kind::MpMeterRequest,
            Self::MeterConfig(_) => Kind::MpMeterConfigRequest,
            Self::MeterFeatures => Kind::MpMeterFeaturesRequest,
            Self::TableFeatures(_) => Kind::MpTableFeaturesRequest,
            Self::TableDesc => Kind::MpTableDescRequest,
            Self::FlowMonitor(_) => Kind::MpFlowMonitorRequest,
            Self::IpfixBridge => Kind::MpIpfixBridgeRequest,
            Self::IpfixFlow => Kind::MpIpfixFlowRequest,
            Self::Other(..) => return None,
        })
    }

    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        match self {
            Self::Desc
            | Self::Table
            | Self::GroupFeatures
            | Self::MeterFeatures
            | Self::TableDesc
            | Self::IpfixBridge
            | Self::IpfixFlow => {}
            Self::PortStats(port) => port_stats::put_request(out, *port, version),
            Self::Queue(request) | Self::QueueDesc(request) => request.put(out, version),
            Self::GroupDesc(_) if version > Version::V10 && version < Version::V15 => {}
            Self::Group(number)
            | Self::GroupDesc(number)
            | Self::Meter(number)
            | Self::MeterConfig(number) => {
                out.u32(*number);
                out.zeros(4);
            }
            Self::TableFeatures(tables) => tables.iter().for_each(|table| table.put(out)),
            Self::FlowMonitor(requests) => requests
                .iter()
                .for_each(|request| request.put(out, version)),
            Self::Flow(request) | Self::Aggregate(request) => request.put(out, version),
            Self::NxFlow(request) | Self::NxAggregate(request) => request.put_nx(out),
            Self::PortDesc(port) => {
                if version >= Version::V15 {
                    out.u32(port.0);
                    out.zeros(4);
                }
            }
            Self::Other(_, body) => out.extend_from_slice(body),
        }
    }

    pub(super) fn read(
        reader: &mut Reader<'_>,
        version: Version,
        kind: Kind,
    ) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            Kind::MpDescRequest => Self::Desc,
            Kind::MpFlowRequest => Self::Flow(FlowStatsRequest::read(reader, version)?),
            Kind::NxMpFlowRequest => Self::NxFlow(FlowStatsRequest::read_nx(reader)?),
            Kind::MpAggregateRequest => Self::Aggregate(FlowStatsRequest::read(reader, version)?),
            Kind::NxMpAggregateRequest => Self::NxAggregate(FlowStatsRequest::read_nx(reader)?),
            Kind::MpTableRequest => Self::Table,
            Kind::MpPortRequest => Self::PortStats(port_stats::read_request(reader, version)?),
            Kind::MpQueueRequest => Self::Queue(QueueRequest::read(reader, version)?),
            Kind::MpQueueDescRequest => Self::QueueDesc(QueueRequest::read(reader, version)?),
            Kind::MpGroupRequest => Self::Group(read_number(reader)?),
            Kind::MpGroupDescRequest if version > Version::V10 && version < Version::V15 => {
                Self::GroupDesc(ALL_GROUPS)
            }
            Kind::MpGroupDescRequest => Self::GroupDesc(read_number(reader)?),
            Kind::MpGroupFeaturesRequest => Self::GroupFeatures,
            Kind::MpMeterRequest => Self::Meter(read_number(reader)?),
            Kind::MpMeterConfigRequest => Self::MeterConfig(read_number(reader)?),
            Kind::MpMeterFeaturesRequest => Self::MeterFeatures,
            Kind::MpTableFeaturesRequest => Self::TableFeatures(list(reader, TableFeatures::read)?),
            Kind::MpTableDescRequest => Self::TableDesc,
            Kind::MpFlowMonitorRequest => {
                Self::FlowMonitor(list(reader, |r| FlowMonitorRequest::read(r, version))?)
            }
            Kind::MpIpfixBridgeRequest => Self::IpfixBridge,
            Kind::MpIpfixFlowRequest => Self::IpfixFlow,
            Kind::MpPortDescRequest => Self::PortDesc(read_port_desc_request(reader, version)?),
            _ => return Ok(None),
        }))
    }
}

/// The number of a group or meter, and padding.
fn read_number(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    let number = reader.u32()?;
    reader.skip(4)?;
    Ok(number)
}

/// Which port is asked for; before OpenFlow 1.5 all are.
pub(crate) fn read_port_desc_request(
    reader: &mut Reader<'_>,
    version: Version,
) -> Result<Port, DecodeError> {
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
        let before = reader.len();
        let entry = read(reader)?;
        if found.is_empty() {
            // The others are likely as long; what an entry takes in memory is in proportion to its bytes.
            let used = before.saturating_sub(reader.len()).max(1);
            found.reserve_exact(1 + reader.len() / used);
        }
        found.push(entry);
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
    fn put(&self, out: &mut Writer, version: Version) {
        if version >= Version::V15 {
            let counters = Oxs {
                packets: Some(self.packets).filter(|n| *n != u64::MAX),
                bytes: Some(self.bytes).filter(|n| *n != u64::MAX),
                flows: Some(self.flows).filter(|n| *n != u32::MAX),
                others: self.other_counters.to_vec(),
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
                other_counters: counters.others.into(),
            });
        }
        let sum = Self {
            packets: reader.u64()?,
            bytes: reader.u64()?,
            flows: reader.u32()?,
            other_counters: [].into(),
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
            Self::Table(_) => Kind::MpTableReply,
            Self::PortStats(_) => Kind::MpPortReply,
            Self::Queue(_) => Kind::MpQueueReply,
            Self::QueueDesc(_) => Kind::MpQueueDescReply,
            Self::Group(_) => Kind::MpGroupReply,
            Self::GroupDesc(_) => Kind::MpGroupDescReply,
            Self::GroupFeatures(_) => Kind::MpGroupFeaturesReply,
            Self::Meter(_) => Kind::MpMeterReply,
            Self::MeterConfig(_) => Kind::MpMeterConfigReply,
            Self::MeterFeatures(_) => Kind::MpMeterFeaturesReply,
            Self::TableFeatures(_) => Kind::MpTableFeaturesReply,
            Self::TableDesc(_) => Kind::MpTableDescReply,
            Self::FlowMonitor(_) => Kind::MpFlowMonitorReply,
            Self::IpfixBridge(_) => Kind::MpIpfixBridgeReply,
            Self::IpfixFlow(_) => Kind::MpIpfixFlowReply,
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
            Self::Table(tables) => tables.iter().for_each(|table| table.put(out, version)),
            Self::PortStats(ports) => ports.iter().for_each(|port| port.put(out, version)),
            Self::Queue(queues) => queues.iter().for_each(|queue| queue.put(out, version)),
            Self::QueueDesc(queues) => queues.iter().for_each(|queue| queue.put_desc(out)),
            Self::Group(groups) => groups.iter().for_each(|group| group.put(out, version)),
            Self::GroupDesc(groups) => groups.iter().for_each(|group| group.put(out, version)),
            Self::GroupFeatures(features) => features.put(out),
            Self::Meter(meters) => meters.iter().for_each(|meter| meter.put(out)),
            Self::MeterConfig(meters) => meters.iter().for_each(|meter| meter.put(out)),
            Self::MeterFeatures(features) => features.put(out),
            Self::TableFeatures(tables) => tables.iter().for_each(|table| table.put(out)),
            Self::TableDesc(tables) => tables.iter().for_each(|table| table.put(out)),
            Self::FlowMonitor(updates) => {
                updates.iter().for_each(|update| update.put(out, version))
            }
            Self::IpfixBridge(stats) | Self::IpfixFlow(stats) => {
                stats.iter().for_each(|s| s.put(out))
            }
            Self::Other(_, body) => out.extend_from_slice(body),
        }
    }

    pub(super) fn read(
        reader: &mut Reader<'_>,
        version: Version,
        kind: Kind,
    ) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            Kind::MpDescReply => Self::Desc(SwitchDesc::read(reader)?),
            Kind::MpFlowReply => Self::Flow(list(reader, |r| FlowStats::read(r, version))?),
            Kind::NxMpFlowReply => Self::NxFlow(list(reader, |r| FlowStats::read_nx(r, version))?),
            Kind::MpAggregateReply => Self::Aggregate(AggregateStats::read(reader, version)?),
            Kind::NxMpAggregateReply => {
                Self::NxAggregate(AggregateStats::read(reader, Version::V10)?)
            }
            Kind::MpTableReply => Self::Table(list(reader, |r| TableStats::read(r, version))?),
            Kind::MpPortReply => Self::PortStats(list(reader, |r| PortStats::read(r, version))?),
            Kind::MpQueueReply => Self::Queue(list(reader, |r| QueueStats::read(r, version))?),
            Kind::MpQueueDescReply => Self::QueueDesc(list(reader, QueueConfig::read_desc)?),
            Kind::MpGroupReply => Self::Group(list(reader, |r| GroupStats::read(r, version))?),
            Kind::MpGroupDescReply => {
                Self::GroupDesc(list(reader, |r| GroupDesc::read(r, version))?)
            }
            Kind::MpGroupFeaturesReply => Self::GroupFeatures(GroupFeatures::read(reader)?),
            Kind::MpMeterReply => Self::Meter(list(reader, MeterStats::read)?),
            Kind::MpMeterConfigReply => Self::MeterConfig(list(reader, MeterConfig::read)?),
            Kind::MpMeterFeaturesReply => Self::MeterFeatures(MeterFeatures::read(reader)?),
            Kind::MpTableFeaturesReply => Self::TableFeatures(list(reader, TableFeatures::read)?),
            Kind::MpTableDescReply => Self::TableDesc(list(reader, TableDesc::read)?),
            Kind::MpFlowMonitorReply => {
                Self::FlowMonitor(list(reader, |r| FlowUpdate::read(r, version))?)
            }
            Kind::MpIpfixBridgeReply => Self::IpfixBridge(list(reader, IpfixStats::read)?),
            Kind::MpIpfixFlowReply => Self::IpfixFlow(list(reader, IpfixStats::read)?),
            Kind::MpPortDescReply => Self::PortDesc(list(reader, |r| PortDesc::read(r, version))?),
            _ => return Ok(None),
        }))
    }
}
