//! Whole messages: of every kind, in every version that has it.

use super::{Choices, flows, list, matches, tables};
use crate::ofpkt::registry::Kind;
use crate::ofpkt::{
    ALL_GROUPS, AggregateStats, AsyncConfig, Body, BundleAdd, BundleControl, BundleControlKind,
    BundleFlags, CtFlush, CtTuple, ErrorMessage, FlowMod, Hello, IpfixStats, Message,
    MeterFeatures, MultipartReply as Reply, MultipartRequest as Request, PacketIn, PacketIn2,
    PacketOut, PortChange, PortStatus, QueueConfigs, QueueRequest, Role, RoleMessage, RoleStatus,
    SwitchConfig, SwitchDesc, SwitchFeatures, TableMod, TableStatus, TlvCommand, TlvMap, TlvTable,
    TlvTableMod,
};
use crate::{Field, Match, Port, Version};
use std::net::Ipv6Addr;

/// A message of the kind.
pub(in crate::ofpkt) fn message(c: &mut Choices<'_>, kind: Kind, version: Version) -> Message {
    let xid = c.u32();
    let body = body(c, kind, version, xid);
    Message::new(version, xid, body)
}

fn role(c: &mut Choices<'_>) -> RoleMessage {
    RoleMessage {
        role: c.pick(&[Role::NoChange, Role::Equal, Role::Master, Role::Slave]),
        generation_id: c.u64(),
    }
}

fn nx_role(c: &mut Choices<'_>) -> Role {
    c.pick(&[Role::Equal, Role::Master, Role::Slave])
}

/// Bodies of messages; a kind without one does not compile.
fn body(c: &mut Choices<'_>, kind: Kind, version: Version, xid: u32) -> Body {
    let more = c.flag();
    let request = Body::MultipartRequest;
    let reply = |reply| Body::MultipartReply(reply, more);
    match kind {
        Kind::Hello => Body::Hello(Hello {
            versions: c.u32() & !1 | 2,
        }),
        Kind::Error => Body::Error(error(c, version)),
        Kind::EchoRequest => Body::EchoRequest(c.bytes(20)),
        Kind::EchoReply => Body::EchoReply(c.bytes(20)),
        Kind::BarrierRequest => Body::BarrierRequest,
        Kind::BarrierReply => Body::BarrierReply,
        Kind::FeaturesRequest => Body::FeaturesRequest,
        Kind::FeaturesReply => Body::FeaturesReply(features(c, version)),
        Kind::GetConfigRequest => Body::GetConfigRequest,
        Kind::GetConfigReply => Body::GetConfigReply(config(c)),
        Kind::SetConfig => Body::SetConfig(config(c)),
        Kind::PacketIn => Body::PacketIn(packet_in(c, version, false)),
        Kind::NxPacketIn => Body::NxPacketIn(packet_in(c, version, true)),
        Kind::PacketIn2 => Body::PacketIn2(packet_in2(c, version)),
        Kind::Resume => Body::Resume(packet_in2(c, version)),
        Kind::PacketOut => Body::PacketOut(packet_out(c, version)),
        Kind::FlowRemoved => Body::FlowRemoved(flows::removed(c, version, false)),
        Kind::NxFlowRemoved => Body::NxFlowRemoved(flows::removed(c, version, true)),
        Kind::PortStatus => Body::PortStatus(PortStatus {
            change: c.pick(&[PortChange::Add, PortChange::Delete, PortChange::Modify]),
            desc: tables::port_desc(c, version),
        }),
        Kind::FlowMod => Body::FlowMod(Box::new(flows::flow_mod(c, version, false))),
        Kind::NxFlowMod => Body::FlowMod(Box::new(flows::flow_mod(c, version, true))),
        Kind::GroupMod => Body::GroupMod(tables::group_mod(c, version)),
        Kind::PortMod => Body::PortMod(tables::port_mod(c, version)),
        Kind::TableMod => Body::TableMod(TableMod {
            table: c.u8(),
            config: c.u32(),
            properties: if version >= Version::V14 {
                c.properties(2)
            } else {
                Vec::new()
            },
        }),
        Kind::QueueGetConfigRequest => Body::QueueGetConfigRequest(c.plain_port()),
        Kind::QueueGetConfigReply => {
            let port = c.plain_port();
            let queues = c.list(3, |c| tables::queue(c, Some(port)));
            Body::QueueGetConfigReply(QueueConfigs { port, queues })
        }
        Kind::RoleRequest => Body::RoleRequest(role(c)),
        Kind::NxRoleRequest => Body::NxRoleRequest(nx_role(c)),
        Kind::RoleReply => Body::RoleReply(role(c)),
        Kind::NxRoleReply => Body::NxRoleReply(nx_role(c)),
        Kind::GetAsyncRequest => Body::GetAsyncRequest,
        Kind::GetAsyncReply => Body::GetAsyncReply(asynchronous(c, version >= Version::V14)),
        Kind::SetAsync if version >= Version::V14 => Body::SetAsync(asked(c, version)),
        Kind::SetAsync => Body::SetAsync(asynchronous(c, false)),
        Kind::NxSetAsync => Body::NxSetAsync(asynchronous(c, false)),
        Kind::NxSetAsync2 => Body::NxSetAsync2(asked(c, version)),
        Kind::MeterMod => Body::MeterMod(tables::meter_mod(c)),
        Kind::RoleStatus => Body::RoleStatus(RoleStatus {
            role: c.pick(&[Role::Equal, Role::Master, Role::Slave]),
            reason: c.u8(),
            generation_id: c.u64(),
            properties: c.properties(0),
        }),
        Kind::TableStatus => Body::TableStatus(TableStatus {
            reason: c.pick(&[3, 4]),
            desc: tables::table_desc(c),
        }),
        Kind::RequestForward => {
            let body = Body::GroupMod(tables::group_mod(c, version));
            Body::RequestForward(Box::new(Message::new(version, c.u32(), body)))
        }
        Kind::BundleControl => {
            let kind = c.pick(&[
                BundleControlKind::OpenRequest,
                BundleControlKind::CommitReply,
                BundleControlKind::Other(9),
            ]);
            let mut control = BundleControl::new(c.u32(), kind, BundleFlags(c.u16()));
            if c.unknown {
                control.properties = vec![0xff, 0xff, 0, 8, c.u8(), 0, 0, 0];
            }
            Body::BundleControl(control)
        }
        Kind::BundleAdd => {
            let change: FlowMod = flows::flow_mod(c, version, false);
            let inner = Message::new(version, xid, Body::FlowMod(Box::new(change)));
            let mut add = BundleAdd::new(c.u32(), BundleFlags(c.u16()), inner);
            if c.unknown {
                add.properties = c.bytes(20);
            }
            Body::BundleAdd(add)
        }
        Kind::FlowMonitorCancel => Body::FlowMonitorCancel(c.u32()),
        Kind::FlowMonitorPaused => Body::FlowMonitorPaused,
        Kind::FlowMonitorResumed => Body::FlowMonitorResumed,
        Kind::SetFlowFormat => Body::SetFlowFormat(c.u32()),
        Kind::FlowModTableId => Body::FlowModTableId(c.flag()),
        Kind::SetPacketInFormat => Body::SetPacketInFormat(c.u32()),
        Kind::FlowAge => Body::FlowAge,
        Kind::SetControllerId => Body::SetControllerId(c.u16()),
        Kind::TlvTableMod => Body::TlvTableMod(TlvTableMod {
            command: c.pick(&[TlvCommand::Add, TlvCommand::Delete, TlvCommand::Clear]),
            maps: c.list(3, |c| tlv(c, 64)),
        }),
        Kind::TlvTableRequest => Body::TlvTableRequest,
        Kind::TlvTableReply => Body::TlvTableReply(TlvTable {
            max_space: c.u32(),
            max_fields: 64,
            maps: c.list(3, |c| tlv(c, 64)),
        }),
        Kind::CtFlushZone => Body::CtFlushZone(c.u16()),
        Kind::CtFlush => Body::CtFlush(ct_flush(c)),
        Kind::MpDescRequest => request(Request::Desc),
        Kind::MpDescReply => reply(Reply::Desc(SwitchDesc {
            manufacturer: c.text(40),
            hardware: c.text(40),
            software: c.text(40),
            serial: c.text(31),
            datapath: c.text(40),
        })),
        Kind::MpFlowRequest => request(Request::Flow(flows::stats_request(c, version, false))),
        Kind::NxMpFlowRequest => request(Request::NxFlow(flows::stats_request(c, version, true))),
        Kind::MpAggregateRequest => {
            request(Request::Aggregate(flows::stats_request(c, version, false)))
        }
        Kind::NxMpAggregateRequest => {
            request(Request::NxAggregate(flows::stats_request(c, version, true)))
        }
        Kind::MpFlowReply => reply(Reply::Flow(c.list(3, |c| flows::stats(c, version, false)))),
        Kind::NxMpFlowReply => reply(Reply::NxFlow(c.list(3, |c| flows::stats(c, version, true)))),
        Kind::MpAggregateReply => reply(Reply::Aggregate(aggregate(c))),
        Kind::NxMpAggregateReply => reply(Reply::NxAggregate(aggregate(c))),
        Kind::MpTableRequest => request(Request::Table),
        Kind::MpTableReply => reply(Reply::Table(c.list(3, |c| tables::table_stats(c, version)))),
        Kind::MpPortRequest => request(Request::PortStats(c.plain_port())),
        Kind::MpPortReply => reply(Reply::PortStats(
            c.list(3, |c| tables::port_stats(c, version)),
        )),
        Kind::MpQueueRequest => request(Request::Queue(queue_request(c))),
        Kind::MpQueueReply => reply(Reply::Queue(c.list(3, |c| tables::queue_stats(c, version)))),
        Kind::MpGroupRequest => request(Request::Group(c.u32())),
        Kind::MpGroupReply => reply(Reply::Group(c.list(3, |c| tables::group_stats(c, version)))),
        Kind::MpGroupDescRequest => {
            let all = version > Version::V10 && version < Version::V15;
            request(Request::GroupDesc(if all { ALL_GROUPS } else { c.u32() }))
        }
        Kind::MpGroupDescReply => reply(Reply::GroupDesc(c.list(3, |c| tables::group(c, version)))),
        Kind::MpGroupFeaturesRequest => request(Request::GroupFeatures),
        Kind::MpGroupFeaturesReply => reply(Reply::GroupFeatures(tables::group_features(c))),
        Kind::MpMeterRequest => request(Request::Meter(c.u32())),
        Kind::MpMeterReply => reply(Reply::Meter(c.list(3, tables::meter_stats))),
        Kind::MpMeterConfigRequest => request(Request::MeterConfig(c.u32())),
        Kind::MpMeterConfigReply => reply(Reply::MeterConfig(c.list(3, tables::meter))),
        Kind::MpMeterFeaturesRequest => request(Request::MeterFeatures),
        Kind::MpMeterFeaturesReply => reply(Reply::MeterFeatures(MeterFeatures {
            max_meters: c.u32(),
            band_types: c.u32(),
            capabilities: c.u32(),
            max_bands: c.u8(),
            max_color: c.u8(),
        })),
        Kind::MpTableFeaturesRequest => {
            request(Request::TableFeatures(c.list(2, tables::table_features)))
        }
        Kind::MpTableFeaturesReply => {
            let mut all = vec![tables::table_features(c)];
            all.extend(c.list(2, tables::table_features));
            reply(Reply::TableFeatures(all))
        }
        Kind::MpTableDescRequest => request(Request::TableDesc),
        Kind::MpTableDescReply => {
            let mut all = vec![tables::table_desc(c)];
            all.extend(c.list(2, tables::table_desc));
            reply(Reply::TableDesc(all))
        }
        Kind::MpPortDescRequest => request(Request::PortDesc(if version >= Version::V15 {
            c.plain_port()
        } else {
            Port::ANY
        })),
        Kind::MpPortDescReply => reply(Reply::PortDesc(
            c.list(3, |c| tables::port_desc(c, version)),
        )),
        Kind::MpQueueDescRequest => request(Request::QueueDesc(queue_request(c))),
        Kind::MpQueueDescReply => reply(Reply::QueueDesc(c.list(3, |c| tables::queue(c, None)))),
        Kind::MpFlowMonitorRequest => request(Request::FlowMonitor(
            c.list(2, |c| flows::monitor_request(c, version)),
        )),
        Kind::MpFlowMonitorReply => {
            reply(Reply::FlowMonitor(c.list(3, |c| flows::update(c, version))))
        }
        Kind::MpIpfixBridgeRequest => request(Request::IpfixBridge),
        Kind::MpIpfixBridgeReply => reply(Reply::IpfixBridge(vec![ipfix(c)])),
        Kind::MpIpfixFlowRequest => request(Request::IpfixFlow),
        Kind::MpIpfixFlowReply => reply(Reply::IpfixFlow(c.list(3, ipfix))),
    }
}

fn error(c: &mut Choices<'_>, version: Version) -> ErrorMessage {
    let mut found = ErrorMessage {
        kind: c.u16() % 20,
        code: c.u16(),
        experimenter: None,
        data: c.bytes(20),
        nicira: None,
    };
    if c.flag() {
        found.experimenter = Some(c.u32());
        if version >= Version::V12 {
            found.kind = 0xffff;
        } else {
            (found.kind, found.code) = (0xb0c2, 0);
            found.nicira = Some((c.u16(), c.u16()));
        }
    }
    found
}

fn features(c: &mut Choices<'_>, version: Version) -> SwitchFeatures {
    SwitchFeatures {
        datapath_id: c.u64(),
        n_buffers: c.u32(),
        n_tables: c.u8(),
        auxiliary_id: if version >= Version::V13 { c.u8() } else { 0 },
        capabilities: c.u32(),
        actions: c.u32(),
        ports: if version < Version::V13 {
            c.list(2, |c| tables::port_desc(c, version))
        } else {
            Vec::new()
        },
    }
}

fn config(c: &mut Choices<'_>) -> SwitchConfig {
    SwitchConfig {
        flags: c.u16(),
        miss_send_len: c.u16(),
    }
}

fn packet_in(c: &mut Choices<'_>, version: Version, nicira: bool) -> PacketIn {
    let old = version < Version::V12 && !nicira;
    PacketIn {
        buffer_id: c.u32(),
        total_len: c.u16(),
        reason: c.u8(),
        table: if version == Version::V10 && !nicira {
            0
        } else {
            c.u8()
        },
        cookie: if nicira || version >= Version::V13 {
            c.u64()
        } else {
            u64::MAX
        },
        metadata: if old || version == Version::V11 {
            Match::new().with(Field::InPortOxm, c.plain_port())
        } else {
            matches(c, version)
        },
        data: c.bytes(20),
    }
}

fn packet_in2(c: &mut Choices<'_>, version: Version) -> PacketIn2 {
    let mut data = vec![1];
    data.extend(c.bytes(20));
    PacketIn2 {
        data,
        full_len: c.maybe(|c| u32::from(c.u16()) + 100),
        buffer_id: c.maybe(Choices::u32),
        table: c.maybe(Choices::u8),
        cookie: c.maybe(Choices::u64),
        reason: c.maybe(Choices::u8),
        metadata: if version == Version::V11 {
            None
        } else {
            // Its entries are OXM in every version.
            c.maybe(|c| matches(c, version.max(Version::V12)))
        },
        userdata: c.bytes(9),
        continuation: c.maybe(|c| c.bytes(9)),
        others: c.properties(20),
    }
}

fn packet_out(c: &mut Choices<'_>, version: Version) -> PacketOut {
    let port = c.pick(&[Port(1), Port::LOCAL, Port::CONTROLLER]);
    let mut found = PacketOut::new(port, list(c, 4, version, 0), c.bytes(20));
    found.buffer_id = c.u32();
    found
}

fn asynchronous(c: &mut Choices<'_>, properties: bool) -> AsyncConfig {
    let mut found = AsyncConfig::default();
    for (n, masks) in found.masks.iter_mut().enumerate() {
        if properties {
            *masks = (c.maybe(Choices::u32), c.maybe(Choices::u32));
        } else if n < 3 {
            *masks = (Some(c.u32()), Some(c.u32()));
        }
    }
    if properties && c.unknown {
        found.others = c.properties(30);
    }
    found
}

/// What can be asked for: reasons that there are.
fn asked(c: &mut Choices<'_>, version: Version) -> AsyncConfig {
    let mut found = asynchronous(c, true);
    for (n, (slave, master)) in found.masks.iter_mut().enumerate() {
        let known = AsyncConfig::reasons(n, version);
        *slave = slave.map(|mask| mask & known);
        *master = master.map(|mask| mask & known);
    }
    found
}

fn tlv(c: &mut Choices<'_>, fields: u16) -> TlvMap {
    TlvMap {
        class: c.u16(),
        kind: c.u8(),
        len: c.u8() % 32 * 4,
        index: c.u16() % fields,
    }
}

fn ct_flush(c: &mut Choices<'_>) -> CtFlush {
    // All addresses are of one family.
    let v6 = |c: &mut Choices<'_>| Ipv6Addr::from_bits(1 << 120 | u128::from(c.u64()));
    let tuple = |c: &mut Choices<'_>| CtTuple {
        src: c.maybe(v6),
        dst: c.maybe(v6),
        src_port: c.maybe(Choices::u16),
        dst_port: c.maybe(Choices::u16),
        icmp_id: c.maybe(Choices::u16),
        icmp_type: c.maybe(Choices::u8),
        icmp_code: c.maybe(Choices::u8),
        others: c.properties(20),
    };
    CtFlush {
        ip_proto: c.u8(),
        original: c.maybe(tuple),
        reply: c.maybe(tuple),
        zone: c.maybe(Choices::u16),
        others: c.properties(20),
    }
}

fn aggregate(c: &mut Choices<'_>) -> AggregateStats {
    AggregateStats {
        packets: c.u64(),
        bytes: c.u64(),
        flows: c.u32(),
        other_counters: [].into(),
    }
}

fn queue_request(c: &mut Choices<'_>) -> QueueRequest {
    QueueRequest {
        port: c.plain_port(),
        queue: c.u32(),
    }
}

fn ipfix(c: &mut Choices<'_>) -> IpfixStats {
    IpfixStats {
        flows: c.u64(),
        current_flows: c.u64(),
        packets: c.u64(),
        ip_packets: [c.u64(), c.u64()],
        errors: c.u64(),
        ip_errors: [c.u64(), c.u64()],
        sent: c.u64(),
        send_errors: c.u64(),
        collector_set: c.u32(),
    }
}
