//! The table of messages: name, and under which numbers and with which length each stands in which version. Decoder,
//! encoder and printer find their way by it. Facts as `ofp-msgs.h` of Open vSwitch 3.1 states them. Knows no bodies.

use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
use crate::Version::{self, *};

const NICIRA: u32 = 0x2320;
const ONF: u32 = 0x4f4e_4600;

/// What a message is, whatever its version. `Mp`: multipart; `Nx`: the Nicira extension's form beside OpenFlow's own.
#[allow(missing_docs, reason = "each is the message of the same name")]
#[rustfmt::skip]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    FlowMod, MpFlowReply, PacketIn, PacketOut, BarrierRequest, BarrierReply, Hello, Error, EchoRequest, EchoReply,
    FeaturesRequest, FeaturesReply, GetConfigRequest, GetConfigReply, SetConfig, NxPacketIn, PacketIn2, FlowRemoved,
    NxFlowRemoved, PortStatus, NxFlowMod, GroupMod, PortMod, TableMod, QueueGetConfigRequest, QueueGetConfigReply,
    RoleRequest, NxRoleRequest, RoleReply, NxRoleReply, GetAsyncRequest, GetAsyncReply, SetAsync, NxSetAsync,
    NxSetAsync2, MeterMod, RoleStatus, TableStatus, RequestForward, BundleControl, BundleAdd, MpDescRequest,
    MpDescReply, MpFlowRequest, NxMpFlowRequest, NxMpFlowReply, MpAggregateRequest, NxMpAggregateRequest,
    MpAggregateReply, NxMpAggregateReply, MpTableRequest, MpTableReply, MpPortRequest, MpPortReply, MpQueueRequest,
    MpQueueReply, MpGroupRequest, MpGroupReply, MpGroupDescRequest, MpGroupDescReply, MpGroupFeaturesRequest,
    MpGroupFeaturesReply, MpMeterRequest, MpMeterReply, MpMeterConfigRequest, MpMeterConfigReply,
    MpMeterFeaturesRequest, MpMeterFeaturesReply, MpTableFeaturesRequest, MpTableFeaturesReply, MpTableDescRequest,
    MpTableDescReply, MpPortDescRequest, MpPortDescReply, MpQueueDescRequest, MpQueueDescReply,
    MpFlowMonitorRequest, MpFlowMonitorReply, FlowMonitorCancel, FlowMonitorPaused, FlowMonitorResumed,
    SetFlowFormat, FlowModTableId, SetPacketInFormat, FlowAge, SetControllerId, TlvTableMod, TlvTableRequest,
    TlvTableReply, Resume, CtFlushZone, CtFlush, MpIpfixBridgeRequest, MpIpfixBridgeReply, MpIpfixFlowRequest,
    MpIpfixFlowReply,
}

/// Where the numbers of a message stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In the head.
    Type(u8),
    /// In the experimenter's head: who, and which.
    Vendor(u32, u32),
    /// In the multipart head: whether it is a request, and the number of the question.
    Stat(bool, u16),
    /// In the multipart experimenter's head: whether it is a request, who, and which.
    VendorStat(bool, u32, u32),
}

/// A message in some versions.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// As Open vSwitch prints it.
    pub(crate) name: &'static str,
    first: Version,
    last: Version,
    place: Place,
    /// Bytes of the body at least.
    min: usize,
    /// The body may be longer by multiples of this; 0: not at all.
    step: usize,
}

const fn row(
    kind: Kind,
    name: &'static str,
    first: Version,
    last: Version,
    place: Place,
    min: usize,
    step: usize,
) -> Entry {
    Entry {
        kind,
        name,
        first,
        last,
        place,
        min,
        step,
    }
}

impl Entry {
    /// True for a question whose answer may have parts.
    pub(crate) fn is_multipart_request(&self) -> bool {
        matches!(self.place, Stat(true, _) | VendorStat(true, ..))
    }
}

use Kind as K;
use Place::{Stat, Type, Vendor, VendorStat};

// What there is most of comes first.
#[rustfmt::skip]
static TABLE: &[Entry] = &[
    row(K::FlowMod, "OFPT_FLOW_MOD", V10, V10, Type(14), 64, 8),
    row(K::FlowMod, "OFPT_FLOW_MOD", V11, V15, Type(14), 40, 8),
    row(K::BundleAdd, "OFPT_BUNDLE_ADD_MESSAGE", V14, V15, Type(34), 8, 1),
    row(K::BundleAdd, "ONFT_BUNDLE_ADD_MESSAGE", V13, V13, Vendor(ONF, 2301), 8, 1),
    row(K::MpFlowReply, "OFPST_FLOW reply", V10, V10, Stat(false, 1), 0, 1),
    row(K::MpFlowReply, "OFPST_FLOW reply", V11, V12, Stat(false, 1), 0, 1),
    row(K::MpFlowReply, "OFPST_FLOW reply", V13, V14, Stat(false, 1), 0, 1),
    row(K::MpFlowReply, "OFPST_FLOW reply", V15, V15, Stat(false, 1), 0, 1),
    row(K::PacketIn, "OFPT_PACKET_IN", V10, V10, Type(10), 10, 1),
    row(K::PacketIn, "OFPT_PACKET_IN", V11, V11, Type(10), 16, 1),
    row(K::PacketIn, "OFPT_PACKET_IN", V12, V12, Type(10), 8, 1),
    row(K::PacketIn, "OFPT_PACKET_IN", V13, V15, Type(10), 16, 1),
    row(K::PacketOut, "OFPT_PACKET_OUT", V10, V10, Type(13), 8, 1),
    row(K::PacketOut, "OFPT_PACKET_OUT", V11, V14, Type(13), 16, 1),
    row(K::PacketOut, "OFPT_PACKET_OUT", V15, V15, Type(13), 8, 1),
    row(K::BarrierRequest, "OFPT_BARRIER_REQUEST", V10, V10, Type(18), 0, 0),
    row(K::BarrierRequest, "OFPT_BARRIER_REQUEST", V11, V15, Type(20), 0, 0),
    row(K::BarrierReply, "OFPT_BARRIER_REPLY", V10, V10, Type(19), 0, 0),
    row(K::BarrierReply, "OFPT_BARRIER_REPLY", V11, V15, Type(21), 0, 0),
    row(K::Hello, "OFPT_HELLO", V10, V15, Type(0), 0, 1),
    row(K::Error, "OFPT_ERROR", V10, V15, Type(1), 4, 1),
    row(K::EchoRequest, "OFPT_ECHO_REQUEST", V10, V15, Type(2), 0, 1),
    row(K::EchoReply, "OFPT_ECHO_REPLY", V10, V15, Type(3), 0, 1),
    row(K::FeaturesRequest, "OFPT_FEATURES_REQUEST", V10, V15, Type(5), 0, 0),
    row(K::FeaturesReply, "OFPT_FEATURES_REPLY", V10, V10, Type(6), 24, 48),
    row(K::FeaturesReply, "OFPT_FEATURES_REPLY", V11, V12, Type(6), 24, 64),
    row(K::FeaturesReply, "OFPT_FEATURES_REPLY", V13, V15, Type(6), 24, 0),
    row(K::GetConfigRequest, "OFPT_GET_CONFIG_REQUEST", V10, V15, Type(7), 0, 0),
    row(K::GetConfigReply, "OFPT_GET_CONFIG_REPLY", V10, V15, Type(8), 4, 0),
    row(K::SetConfig, "OFPT_SET_CONFIG", V10, V15, Type(9), 4, 0),
    row(K::NxPacketIn, "NXT_PACKET_IN", V10, V15, Vendor(NICIRA, 17), 24, 1),
    row(K::PacketIn2, "NXT_PACKET_IN2", V10, V15, Vendor(NICIRA, 30), 0, 8),
    row(K::FlowRemoved, "OFPT_FLOW_REMOVED", V10, V10, Type(11), 80, 0),
    row(K::FlowRemoved, "OFPT_FLOW_REMOVED", V11, V14, Type(11), 40, 8),
    row(K::FlowRemoved, "OFPT_FLOW_REMOVED", V15, V15, Type(11), 16, 8),
    row(K::NxFlowRemoved, "NXT_FLOW_REMOVED", V10, V15, Vendor(NICIRA, 14), 40, 8),
    row(K::PortStatus, "OFPT_PORT_STATUS", V10, V10, Type(12), 56, 0),
    row(K::PortStatus, "OFPT_PORT_STATUS", V11, V13, Type(12), 72, 0),
    row(K::PortStatus, "OFPT_PORT_STATUS", V14, V15, Type(12), 48, 8),
    row(K::NxFlowMod, "NXT_FLOW_MOD", V10, V15, Vendor(NICIRA, 13), 32, 8),
    row(K::GroupMod, "NXT_GROUP_MOD", V10, V10, Vendor(NICIRA, 31), 16, 8),
    row(K::GroupMod, "OFPT_GROUP_MOD", V11, V14, Type(15), 8, 8),
    row(K::GroupMod, "OFPT_GROUP_MOD", V15, V15, Type(15), 16, 8),
    row(K::PortMod, "OFPT_PORT_MOD", V10, V10, Type(15), 24, 0),
    row(K::PortMod, "OFPT_PORT_MOD", V11, V13, Type(16), 32, 0),
    row(K::PortMod, "OFPT_PORT_MOD", V14, V15, Type(16), 24, 8),
    row(K::TableMod, "OFPT_TABLE_MOD", V11, V13, Type(17), 8, 0),
    row(K::TableMod, "OFPT_TABLE_MOD", V14, V15, Type(17), 8, 8),
    row(K::QueueGetConfigRequest, "OFPT_QUEUE_GET_CONFIG_REQUEST", V10, V10, Type(20), 4, 0),
    row(K::QueueGetConfigRequest, "OFPT_QUEUE_GET_CONFIG_REQUEST", V11, V13, Type(22), 8, 0),
    row(K::QueueGetConfigReply, "OFPT_QUEUE_GET_CONFIG_REPLY", V10, V10, Type(21), 8, 8),
    row(K::QueueGetConfigReply, "OFPT_QUEUE_GET_CONFIG_REPLY", V11, V13, Type(23), 8, 8),
    row(K::RoleRequest, "OFPT_ROLE_REQUEST", V12, V15, Type(24), 16, 0),
    row(K::NxRoleRequest, "NXT_ROLE_REQUEST", V10, V15, Vendor(NICIRA, 10), 4, 0),
    row(K::RoleReply, "OFPT_ROLE_REPLY", V12, V15, Type(25), 16, 0),
    row(K::NxRoleReply, "NXT_ROLE_REPLY", V10, V15, Vendor(NICIRA, 11), 4, 0),
    row(K::GetAsyncRequest, "OFPT_GET_ASYNC_REQUEST", V13, V13, Type(26), 0, 0),
    row(K::GetAsyncRequest, "OFPT_GET_ASYNC_REQUEST", V14, V15, Type(26), 0, 0),
    row(K::GetAsyncReply, "OFPT_GET_ASYNC_REPLY", V13, V13, Type(27), 24, 0),
    row(K::GetAsyncReply, "OFPT_GET_ASYNC_REPLY", V14, V15, Type(27), 0, 8),
    row(K::SetAsync, "OFPT_SET_ASYNC", V13, V13, Type(28), 24, 0),
    row(K::NxSetAsync, "NXT_SET_ASYNC_CONFIG", V10, V15, Vendor(NICIRA, 19), 24, 0),
    row(K::NxSetAsync2, "NXT_SET_ASYNC_CONFIG2", V10, V13, Vendor(NICIRA, 27), 0, 8),
    row(K::SetAsync, "OFPT_SET_ASYNC", V14, V15, Type(28), 0, 8),
    row(K::MeterMod, "OFPT_METER_MOD", V13, V15, Type(29), 8, 8),
    row(K::RoleStatus, "ONFT_ROLE_STATUS", V13, V13, Vendor(ONF, 1911), 16, 8),
    row(K::RoleStatus, "OFPT_ROLE_STATUS", V14, V15, Type(30), 16, 8),
    row(K::TableStatus, "OFPT_TABLE_STATUS", V14, V15, Type(31), 8, 8),
    row(K::RequestForward, "NXT_REQUESTFORWARD", V10, V12, Vendor(NICIRA, 132), 8, 8),
    row(K::RequestForward, "ONFT_REQUESTFORWARD", V13, V13, Vendor(ONF, 2350), 8, 8),
    row(K::RequestForward, "OFPT_REQUESTFORWARD", V14, V15, Type(32), 8, 8),
    row(K::BundleControl, "OFPT_BUNDLE_CONTROL", V14, V15, Type(33), 8, 8),
    row(K::BundleControl, "ONFT_BUNDLE_CONTROL", V13, V13, Vendor(ONF, 2300), 8, 8),
    row(K::MpDescRequest, "OFPST_DESC request", V10, V15, Stat(true, 0), 0, 0),
    row(K::MpDescReply, "OFPST_DESC reply", V10, V15, Stat(false, 0), 1056, 0),
    row(K::MpFlowRequest, "OFPST_FLOW request", V10, V10, Stat(true, 1), 44, 0),
    row(K::MpFlowRequest, "OFPST_FLOW request", V11, V15, Stat(true, 1), 32, 8),
    row(K::NxMpFlowRequest, "NXST_FLOW request", V10, V10, VendorStat(true, NICIRA, 0), 8, 8),
    row(K::NxMpFlowReply, "NXST_FLOW reply", V10, V10, VendorStat(false, NICIRA, 0), 0, 1),
    row(K::MpAggregateRequest, "OFPST_AGGREGATE request", V10, V10, Stat(true, 2), 44, 0),
    row(K::MpAggregateRequest, "OFPST_AGGREGATE request", V11, V14, Stat(true, 2), 32, 8),
    row(K::MpAggregateRequest, "OFPST_AGGREGATE request", V15, V15, Stat(true, 2), 32, 8),
    row(K::NxMpAggregateRequest, "NXST_AGGREGATE request", V10, V10, VendorStat(true, NICIRA, 1), 8, 8),
    row(K::MpAggregateReply, "OFPST_AGGREGATE reply", V10, V14, Stat(false, 2), 24, 0),
    row(K::MpAggregateReply, "OFPST_AGGREGATE reply", V15, V15, Stat(false, 2), 0, 1),
    row(K::NxMpAggregateReply, "NXST_AGGREGATE reply", V10, V10, VendorStat(false, NICIRA, 1), 24, 0),
    row(K::MpTableRequest, "OFPST_TABLE request", V10, V15, Stat(true, 3), 0, 0),
    row(K::MpTableReply, "OFPST_TABLE reply", V10, V10, Stat(false, 3), 0, 64),
    row(K::MpTableReply, "OFPST_TABLE reply", V11, V11, Stat(false, 3), 0, 88),
    row(K::MpTableReply, "OFPST_TABLE reply", V12, V12, Stat(false, 3), 0, 128),
    row(K::MpTableReply, "OFPST_TABLE reply", V13, V15, Stat(false, 3), 0, 24),
    row(K::MpPortRequest, "OFPST_PORT request", V10, V10, Stat(true, 4), 8, 0),
    row(K::MpPortRequest, "OFPST_PORT request", V11, V15, Stat(true, 4), 8, 0),
    row(K::MpPortReply, "OFPST_PORT reply", V10, V10, Stat(false, 4), 0, 104),
    row(K::MpPortReply, "OFPST_PORT reply", V11, V12, Stat(false, 4), 0, 104),
    row(K::MpPortReply, "OFPST_PORT reply", V13, V13, Stat(false, 4), 0, 112),
    row(K::MpPortReply, "OFPST_PORT reply", V14, V15, Stat(false, 4), 0, 8),
    row(K::MpQueueRequest, "OFPST_QUEUE request", V10, V10, Stat(true, 5), 8, 0),
    row(K::MpQueueRequest, "OFPST_QUEUE request", V11, V15, Stat(true, 5), 8, 0),
    row(K::MpQueueReply, "OFPST_QUEUE reply", V10, V10, Stat(false, 5), 0, 32),
    row(K::MpQueueReply, "OFPST_QUEUE reply", V11, V12, Stat(false, 5), 0, 32),
    row(K::MpQueueReply, "OFPST_QUEUE reply", V13, V13, Stat(false, 5), 0, 40),
    row(K::MpQueueReply, "OFPST_QUEUE reply", V14, V15, Stat(false, 5), 0, 8),
    row(K::MpGroupRequest, "NXST_GROUP request", V10, V10, VendorStat(true, NICIRA, 7), 8, 0),
    row(K::MpGroupRequest, "OFPST_GROUP request", V11, V15, Stat(true, 6), 8, 0),
    row(K::MpGroupReply, "NXST_GROUP reply", V10, V10, VendorStat(false, NICIRA, 7), 0, 8),
    row(K::MpGroupReply, "OFPST_GROUP reply", V11, V12, Stat(false, 6), 0, 8),
    row(K::MpGroupReply, "OFPST_GROUP reply", V13, V15, Stat(false, 6), 0, 8),
    row(K::MpGroupDescRequest, "NXST_GROUP_DESC request", V10, V10, VendorStat(true, NICIRA, 8), 8, 0),
    row(K::MpGroupDescRequest, "OFPST_GROUP_DESC request", V11, V14, Stat(true, 7), 0, 0),
    row(K::MpGroupDescRequest, "OFPST_GROUP_DESC request", V15, V15, Stat(true, 7), 8, 0),
    row(K::MpGroupDescReply, "NXST_GROUP_DESC reply", V10, V10, VendorStat(false, NICIRA, 8), 0, 8),
    row(K::MpGroupDescReply, "OFPST_GROUP_DESC reply", V11, V15, Stat(false, 7), 0, 8),
    row(K::MpGroupFeaturesRequest, "NXST_GROUP_FEATURES request", V10, V11, VendorStat(true, NICIRA, 9), 0, 0),
    row(K::MpGroupFeaturesRequest, "OFPST_GROUP_FEATURES request", V12, V15, Stat(true, 8), 0, 0),
    row(K::MpGroupFeaturesReply, "NXST_GROUP_FEATURES reply", V10, V11, VendorStat(false, NICIRA, 9), 40, 0),
    row(K::MpGroupFeaturesReply, "OFPST_GROUP_FEATURES reply", V12, V15, Stat(false, 8), 40, 0),
    row(K::MpMeterRequest, "OFPST_METER request", V13, V15, Stat(true, 9), 8, 0),
    row(K::MpMeterReply, "OFPST_METER reply", V13, V15, Stat(false, 9), 0, 8),
    row(K::MpMeterConfigRequest, "OFPST_METER_CONFIG request", V13, V15, Stat(true, 10), 8, 0),
    row(K::MpMeterConfigReply, "OFPST_METER_CONFIG reply", V13, V15, Stat(false, 10), 0, 8),
    row(K::MpMeterFeaturesRequest, "OFPST_METER_FEATURES request", V13, V15, Stat(true, 11), 0, 0),
    row(K::MpMeterFeaturesReply, "OFPST_METER_FEATURES reply", V13, V15, Stat(false, 11), 16, 0),
    row(K::MpTableFeaturesRequest, "OFPST_TABLE_FEATURES request", V13, V15, Stat(true, 12), 0, 8),
    row(K::MpTableFeaturesReply, "OFPST_TABLE_FEATURES reply", V13, V15, Stat(false, 12), 64, 8),
    row(K::MpTableDescRequest, "OFPST_TABLE_DESC request", V14, V15, Stat(true, 14), 0, 0),
    row(K::MpTableDescReply, "OFPST_TABLE_DESC reply", V14, V15, Stat(false, 14), 8, 8),
    row(K::MpPortDescRequest, "OFPST_PORT_DESC request", V10, V14, Stat(true, 13), 0, 0),
    row(K::MpPortDescRequest, "OFPST_PORT_DESC request", V15, V15, Stat(true, 13), 8, 0),
    row(K::MpPortDescReply, "OFPST_PORT_DESC reply", V10, V10, Stat(false, 13), 0, 48),
    row(K::MpPortDescReply, "OFPST_PORT_DESC reply", V11, V13, Stat(false, 13), 0, 64),
    row(K::MpPortDescReply, "OFPST_PORT_DESC reply", V14, V15, Stat(false, 13), 0, 8),
    row(K::MpQueueDescRequest, "OFPST_QUEUE_DESC request", V14, V15, Stat(true, 15), 8, 0),
    row(K::MpQueueDescReply, "OFPST_QUEUE_DESC reply", V14, V15, Stat(false, 15), 0, 8),
    row(K::MpFlowMonitorRequest, "OFPST_FLOW_MONITOR request", V14, V15, Stat(true, 16), 0, 8),
    row(K::MpFlowMonitorRequest, "ONFST_FLOW_MONITOR request", V13, V13, VendorStat(true, ONF, 1870), 0, 8),
    row(K::MpFlowMonitorRequest, "NXST_FLOW_MONITOR request", V10, V12, VendorStat(true, NICIRA, 2), 0, 8),
    row(K::MpFlowMonitorReply, "OFPST_FLOW_MONITOR reply", V14, V15, Stat(false, 16), 0, 8),
    row(K::MpFlowMonitorReply, "ONFST_FLOW_MONITOR reply", V13, V13, VendorStat(false, ONF, 1870), 0, 8),
    row(K::MpFlowMonitorReply, "NXST_FLOW_MONITOR reply", V10, V12, VendorStat(false, NICIRA, 2), 0, 8),
    row(K::FlowMonitorCancel, "ONFT_FLOW_MONITOR_CANCEL", V13, V13, Vendor(ONF, 1870), 4, 0),
    row(K::FlowMonitorCancel, "NXT_FLOW_MONITOR_CANCEL", V10, V12, Vendor(NICIRA, 21), 4, 0),
    row(K::FlowMonitorPaused, "ONFT_FLOW_MONITOR_PAUSED", V13, V13, Vendor(ONF, 1871), 0, 0),
    row(K::FlowMonitorPaused, "NXT_FLOW_MONITOR_PAUSED", V10, V12, Vendor(NICIRA, 22), 0, 0),
    row(K::FlowMonitorResumed, "ONFT_FLOW_MONITOR_RESUMED", V13, V13, Vendor(ONF, 1872), 0, 0),
    row(K::FlowMonitorResumed, "NXT_FLOW_MONITOR_RESUMED", V10, V12, Vendor(NICIRA, 23), 0, 0),
    row(K::SetFlowFormat, "NXT_SET_FLOW_FORMAT", V10, V10, Vendor(NICIRA, 12), 4, 0),
    row(K::FlowModTableId, "NXT_FLOW_MOD_TABLE_ID", V10, V15, Vendor(NICIRA, 15), 8, 0),
    row(K::SetPacketInFormat, "NXT_SET_PACKET_IN_FORMAT", V10, V15, Vendor(NICIRA, 16), 4, 0),
    row(K::FlowAge, "NXT_FLOW_AGE", V10, V15, Vendor(NICIRA, 18), 0, 0),
    row(K::SetControllerId, "NXT_SET_CONTROLLER_ID", V10, V15, Vendor(NICIRA, 20), 8, 0),
    row(K::TlvTableMod, "NXT_TLV_TABLE_MOD", V10, V15, Vendor(NICIRA, 24), 8, 8),
    row(K::TlvTableRequest, "NXT_TLV_TABLE_REQUEST", V10, V15, Vendor(NICIRA, 25), 0, 0),
    row(K::TlvTableReply, "NXT_TLV_TABLE_REPLY", V10, V15, Vendor(NICIRA, 26), 16, 8),
    row(K::Resume, "NXT_RESUME", V10, V15, Vendor(NICIRA, 28), 0, 8),
    row(K::CtFlushZone, "NXT_CT_FLUSH_ZONE", V10, V15, Vendor(NICIRA, 29), 8, 0),
    row(K::CtFlush, "NXT_CT_FLUSH", V10, V15, Vendor(NICIRA, 32), 8, 8),
    row(K::MpIpfixBridgeRequest, "NXST_IPFIX_BRIDGE request", V10, V15, VendorStat(true, NICIRA, 3), 0, 0),
    row(K::MpIpfixBridgeReply, "NXST_IPFIX_BRIDGE reply", V10, V15, VendorStat(false, NICIRA, 3), 88, 0),
    row(K::MpIpfixFlowRequest, "NXST_IPFIX_FLOW request", V10, V15, VendorStat(true, NICIRA, 4), 0, 0),
    row(K::MpIpfixFlowReply, "NXST_IPFIX_FLOW reply", V10, V15, VendorStat(false, NICIRA, 4), 0, 88),
];

/// Numbers of the two multipart messages.
fn multipart_types(version: u8) -> (u8, u8) {
    if version == V10.wire() {
        (16, 17)
    } else {
        (18, 19)
    }
}

const VENDOR: u8 = 4;
const VENDOR_STAT: u16 = 0xffff;

impl Place {
    /// Bytes of the head up to the body.
    fn head_len(self, version: u8) -> usize {
        match self {
            Self::Type(_) => 8,
            Self::Vendor(..) => 16,
            Self::Stat(..) => {
                if version == V10.wire() {
                    12
                } else {
                    16
                }
            }
            Self::VendorStat(..) => 24,
        }
    }
}

/// True if this is a message with the head of a multipart one.
pub(crate) fn is_multipart(version: u8, kind: u8) -> bool {
    let (request, reply) = multipart_types(version);
    kind == request || kind == reply
}

/// True if this is a question with the head of a multipart message.
pub(crate) fn is_multipart_request(version: u8, kind: u8) -> bool {
    multipart_types(version).0 == kind
}

impl Kind {
    /// True for a question whose answer may have parts.
    pub(crate) fn is_multipart_request(self) -> bool {
        let entry = TABLE.iter().find(|e| e.kind == self);
        entry.is_some_and(Entry::is_multipart_request)
    }
}

/// The flags in the head of a multipart message.
pub(crate) fn multipart_flags(message: &[u8]) -> u16 {
    let mut reader = Reader::new(message, 0);
    reader.skip(10).and_then(|()| reader.u16()).unwrap_or(0)
}

/// The entry whose numbers a message has, whatever its length.
///
/// # Errors
/// If there is none, or if the message is too short to say its numbers.
pub(crate) fn find_partial(message: &[u8]) -> Result<&'static Entry, DecodeError> {
    let mut reader = Reader::new(message, 0);
    let start = reader;
    let (version, kind) = (reader.u8()?, reader.u8()?);
    reader.skip(6)?;
    let (request, _) = multipart_types(version);
    let place = if kind == VENDOR {
        let (vendor, subtype) = (reader.u32()?, reader.u32()?);
        if vendor != NICIRA && vendor != ONF {
            return Err(start.error(OfpError::BAD_VENDOR));
        }
        Vendor(vendor, subtype)
    } else if is_multipart(version, kind) {
        let number = reader.u16()?;
        reader.skip(2)?;
        if version != V10.wire() {
            reader.skip(4)?;
        }
        if number == VENDOR_STAT {
            let (vendor, subtype) = (reader.u32()?, reader.u32()?);
            // OpenFlow 1.0 pads this head to the length of the others.
            if version == V10.wire() && vendor == NICIRA {
                reader.skip(4)?;
            }
            if vendor != NICIRA && (vendor != ONF || version == V10.wire()) {
                return Err(start.error(OfpError::BAD_VENDOR));
            }
            VendorStat(kind == request, vendor, subtype)
        } else {
            Stat(kind == request, number)
        }
    } else {
        Type(kind)
    };
    // These are the same for ever, so that versions yet to come can be refused politely.
    let ageless = matches!((place, version), (Type(0..=3), 1..));
    TABLE
        .iter()
        .find(|e| {
            e.place == place && (ageless || (e.first.wire()..=e.last.wire()).contains(&version))
        })
        .ok_or_else(|| {
            start.error(match place {
                Type(_) => OfpError::BAD_TYPE,
                // What versions yet to come ask is not known to be a question.
                Stat(..) if Version::from_wire(version).is_none() => OfpError::BAD_TYPE,
                Stat(..) => OfpError::BAD_STAT,
                Vendor(..) | VendorStat(..) => OfpError::BAD_SUBTYPE,
            })
        })
}

/// The entry of a whole message, and its body.
///
/// # Errors
/// As [`find_partial`], and `BAD_LEN` if the message can not have that length.
pub(crate) fn find(message: Reader<'_>) -> Result<(&'static Entry, Reader<'_>), DecodeError> {
    let entry = find_partial(message.rest())?;
    let mut body = message;
    let version = body.u8()?;
    body.skip(entry.place.head_len(version).saturating_sub(1))?;
    let fits = match body.len().checked_sub(entry.min) {
        None => false,
        Some(0) => true,
        Some(more) => entry.step != 0 && more.is_multiple_of(entry.step),
    };
    if fits {
        Ok((entry, body))
    } else {
        Err(message.error(OfpError::BAD_LEN))
    }
}

/// The body of a whole message, if it is of this kind and can have that length.
pub(crate) fn body_of<'a>(kind: Kind, message: Reader<'a>) -> Option<Reader<'a>> {
    let (entry, body) = find(message).ok()?;
    (entry.kind == kind).then_some(body)
}

/// The entry of a kind: that of the version, else the last there is.
fn of_kind(kind: Kind, version: Version) -> Option<&'static Entry> {
    let all = || TABLE.iter().filter(|e| e.kind == kind);
    all()
        .find(|e| e.first <= version && version <= e.last)
        .or_else(|| all().next_back())
}

/// The type of messages of this kind, for those that have one of their own in the version; 255 for others.
pub(crate) const fn type_of(kind: Kind, version: Version) -> u8 {
    let mut n = 0;
    while n < TABLE.len() {
        let entry = &TABLE[n];
        if let Type(number) = entry.place
            && entry.kind as u8 == kind as u8
            && entry.first as u8 <= version as u8
            && version as u8 <= entry.last as u8
        {
            return number;
        }
        n += 1;
    }
    u8::MAX
}

/// What the messages are called; one that has several forms comes several times.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|entry| entry.name)
}

/// What a message of this kind is called.
pub(crate) fn name(kind: Kind, version: Version) -> Option<&'static str> {
    of_kind(kind, version).map(|entry| entry.name)
}

/// Appends the head of a message of this kind; the length is for the caller to fill in. A kind that the version does not
/// have gets the numbers that it has in another.
pub(crate) fn put_head(out: &mut Writer, kind: Kind, version: Version, xid: u32, more: bool) {
    let Some(entry) = of_kind(kind, version) else {
        return;
    };
    let plain = |out: &mut Writer, number: u8| {
        out.extend_from_slice(&[version.wire(), number, 0, 0]);
        out.u32(xid);
    };
    match entry.place {
        Type(number) => plain(out, number),
        Vendor(vendor, subtype) => {
            plain(out, VENDOR);
            out.u32(vendor);
            out.u32(subtype);
        }
        Stat(is_request, number) => put_multipart_head(out, is_request, number, version, xid, more),
        VendorStat(is_request, vendor, subtype) => {
            put_multipart_head(out, is_request, VENDOR_STAT, version, xid, more);
            out.u32(vendor);
            out.u32(subtype);
            if version == V10 {
                out.zeros(4);
            }
        }
    }
}

/// Appends the head of a multipart message that is in no table.
pub(crate) fn put_multipart_head(
    out: &mut Writer,
    is_request: bool,
    number: u16,
    version: Version,
    xid: u32,
    more: bool,
) {
    let (request, reply) = multipart_types(version.wire());
    out.u8(version.wire());
    out.u8(if is_request { request } else { reply });
    out.u16(0);
    out.u32(xid);
    out.u16(number);
    out.u16(u16::from(more));
    if version > V10 {
        out.zeros(4);
    }
}

/// Every kind of message with its first and last version in each of its forms.
#[cfg(any(test, feature = "samples"))]
pub(crate) fn kinds() -> impl Iterator<Item = (Kind, Version, Version)> {
    TABLE.iter().map(|e| (e.kind, e.first, e.last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_messages_have_the_same_numbers_in_one_version() {
        for (i, a) in TABLE.iter().enumerate() {
            for b in TABLE.iter().skip(i + 1) {
                let apart = a.place != b.place || a.last < b.first || b.last < a.first;
                assert!(apart, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_head_that_is_written_is_found_again() {
        for entry in TABLE {
            for version in Version::ALL
                .into_iter()
                .filter(|v| entry.first <= *v && *v <= entry.last)
            {
                let mut out = Writer::new();
                put_head(&mut out, entry.kind, version, 7, false);
                let found = find_partial(&out).unwrap();
                assert_eq!(found.kind, entry.kind);
                out.zeros(entry.min);
                assert!(find(Reader::new(&out, 0)).is_ok(), "{entry:?}");
                out.pop();
                assert!(find(Reader::new(&out, 0)).is_err(), "{entry:?}");
            }
        }
    }
}
