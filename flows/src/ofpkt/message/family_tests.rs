//! Round trips and truncation of groups, meters, ports, tables, queues, monitors and what else a switch is asked.

use crate::ofpkt::*;
use crate::{Action, EthAddr, Field, FieldValue, Flow, Match, Port, Version};
use std::net::Ipv4Addr;

fn flow() -> Flow {
    let matches = Match::new()
        .with(Field::InPort, Port(4))
        .with(Field::EthType, 0x0800u16);
    let mut flow = Flow::new(3, 9, matches)
        .cookie(7)
        .doing([Action::output(Port(1))]);
    flow.idle_timeout = 5;
    flow
}

fn groups(version: Version) -> Vec<Body> {
    let modern = matches!(version, Version::V10 | Version::V15);
    let mut bucket = Bucket::new(0, [Action::output(Port(2))]);
    bucket.weight = 100;
    let mut other = Bucket::new(1, [Action::output(Port(3)), Action::output(Port(4))]);
    other.weight = 50;
    let mut desc = GroupDesc {
        group: 77,
        kind: GroupType::SELECT,
        buckets: vec![bucket, other],
        selection: None,
        properties: Vec::new(),
    };
    if modern {
        desc.selection = Some(SelectionMethod {
            method: "hash".into(),
            param: 3,
            fields: vec![
                (Field::IpDst, FieldValue(0xffff_ff00)),
                (Field::TcpSrc, FieldValue(0xffff)),
            ],
        });
    }
    let change = |command, desc: &GroupDesc| {
        Body::GroupMod(GroupMod {
            command,
            bucket: ALL_BUCKETS,
            desc: desc.clone(),
        })
    };
    let mut watched = Bucket::new(0, [Action::output(Port(2))]);
    watched.watch_port = Port(2);
    watched.watch_group = 5;
    let failover = GroupDesc {
        kind: GroupType::FAST_FAILOVER,
        buckets: vec![watched],
        selection: None,
        ..desc.clone()
    };
    let stats = GroupStats {
        group: 77,
        ref_count: 2,
        duration: (!matches!(version, Version::V11 | Version::V12)).then_some((3, 4)),
        packets: 5,
        bytes: 6,
        buckets: vec![(1, 2), (3, 4)],
    };
    let features = GroupFeatures {
        types: 15,
        capabilities: 7,
        max_groups: [1, 2, 3, 4],
        actions: [5, 6, 7, 8],
    };
    vec![
        change(GroupModCommand::ADD, &desc),
        change(GroupModCommand::ADD_OR_MODIFY, &failover),
        Body::MultipartRequest(MultipartRequest::Group(77)),
        Body::MultipartRequest(MultipartRequest::GroupDesc(if modern {
            77
        } else {
            ALL_GROUPS
        })),
        Body::MultipartRequest(MultipartRequest::GroupFeatures),
        Body::MultipartReply(MultipartReply::GroupDesc(vec![desc, failover]), true),
        Body::MultipartReply(MultipartReply::Group(vec![stats.clone(), stats]), false),
        Body::MultipartReply(MultipartReply::GroupFeatures(features), false),
    ]
}

fn ports_and_queues(version: Version) -> Vec<Body> {
    let properties = |data: &[u8]| {
        if version >= Version::V14 {
            vec![(9, data.to_vec())]
        } else {
            Vec::new()
        }
    };
    let port = PortStats {
        port: Port::LOCAL,
        packets: [1, 2],
        bytes: [3, 4],
        dropped: [5, 6],
        errors: [7, 8],
        ethernet: Some([9, 10, 11, 12]),
        duration: (version >= Version::V13).then_some((13, 14)),
        properties: properties(&[1, 2, 3]),
    };
    let change = PortMod {
        port: Port(3),
        hw_addr: EthAddr([2, 0, 0, 0, 0, 1]),
        config: 1,
        mask: 5,
        advertise: Some(32),
        properties: properties(&[1, 2, 3, 4]),
    };
    let queue = QueueStats {
        port: Port(1),
        queue: 2,
        bytes: 3,
        packets: 4,
        errors: 5,
        duration: (version >= Version::V13).then_some((6, 7)),
        properties: properties(&[]),
    };
    let config = QueueConfig {
        port: Port(1),
        queue: 2,
        min_rate: Some(500),
        max_rate: None,
        properties: vec![(7, vec![1, 2, 3, 4, 5, 6, 7, 8])],
    };
    let asked = QueueRequest {
        port: Port::ANY,
        queue: ALL_QUEUES,
    };
    let mut bodies = vec![
        Body::PortMod(change),
        Body::MultipartRequest(MultipartRequest::PortStats(Port::ANY)),
        Body::MultipartReply(MultipartReply::PortStats(vec![port.clone(), port]), false),
        Body::MultipartRequest(MultipartRequest::Queue(asked)),
        Body::MultipartReply(MultipartReply::Queue(vec![queue.clone(), queue]), false),
    ];
    if version >= Version::V14 {
        bodies.push(Body::MultipartRequest(MultipartRequest::QueueDesc(asked)));
        bodies.push(Body::MultipartReply(
            MultipartReply::QueueDesc(vec![config]),
            false,
        ));
    } else {
        bodies.push(Body::QueueGetConfigRequest(Port(1)));
        let port = Port(1);
        let queues = vec![config];
        bodies.push(Body::QueueGetConfigReply(QueueConfigs { port, queues }));
    }
    bodies
}

fn tables_and_meters(version: Version) -> Vec<Body> {
    let mut able = TableAbilities {
        name: "classifier".into(),
        wildcards: 0x3f_ffff,
        max_entries: 1_000_000,
        ..TableAbilities::default()
    };
    if version > Version::V10 {
        able.matches = 1;
        able.instructions = 2;
        able.write_actions = 3;
        able.apply_actions = 4;
        able.config = 5;
    }
    if version == Version::V12 {
        able.write_fields = 6;
        able.apply_fields = 7;
        able.metadata = [8, 9];
    }
    let stats = TableStats {
        table: 1,
        active: 2,
        lookups: 3,
        matched: 4,
        abilities: (version < Version::V13).then_some(able),
    };
    let properties = vec![(2, vec![0, 0, 0, 1])];
    let mut bodies = vec![
        Body::MultipartRequest(MultipartRequest::Table),
        Body::MultipartReply(MultipartReply::Table(vec![stats.clone(), stats]), false),
    ];
    if version > Version::V10 {
        bodies.push(Body::TableMod(TableMod {
            table: 2,
            config: 3,
            properties: if version >= Version::V14 {
                properties.clone()
            } else {
                Vec::new()
            },
        }));
    }
    if version >= Version::V13 {
        let band = |remark| MeterBand {
            remark,
            rate: 1024,
            burst_size: 128,
            other: None,
        };
        let config = MeterConfig {
            meter: 5,
            flags: MeterFlags(13),
            bands: vec![band(None), band(Some(2))],
        };
        let features = TableFeatures {
            table: 1,
            command: 0,
            flags: 0,
            name: "one".into(),
            metadata_match: 2,
            metadata_write: 3,
            capabilities: 4,
            max_entries: 5,
            properties: vec![(0, vec![0, 1, 0, 4])],
        };
        let counted = MeterStats {
            meter: 5,
            flows: 6,
            packets: 7,
            bytes: 8,
            duration: (9, 10),
            bands: vec![(11, 12)],
        };
        let meter_features = MeterFeatures {
            max_meters: 1,
            band_types: 2,
            capabilities: 3,
            max_bands: 4,
            max_color: 5,
        };
        let change = |command| {
            Body::MeterMod(MeterMod {
                command,
                config: config.clone(),
            })
        };
        bodies.push(change(MeterModCommand::Add));
        bodies.push(change(MeterModCommand::Modify));
        bodies.push(Body::MultipartRequest(MultipartRequest::Meter(ALL_METERS)));
        bodies.push(Body::MultipartRequest(MultipartRequest::MeterConfig(5)));
        bodies.push(Body::MultipartRequest(MultipartRequest::MeterFeatures));
        bodies.push(Body::MultipartReply(
            MultipartReply::Meter(vec![counted]),
            false,
        ));
        bodies.push(Body::MultipartReply(
            MultipartReply::MeterConfig(vec![config.clone(), config]),
            false,
        ));
        bodies.push(Body::MultipartReply(
            MultipartReply::MeterFeatures(meter_features),
            false,
        ));
        bodies.push(Body::MultipartRequest(MultipartRequest::TableFeatures(
            Vec::new(),
        )));
        bodies.push(Body::MultipartReply(
            MultipartReply::TableFeatures(vec![features.clone(), features]),
            true,
        ));
    }
    if version >= Version::V14 {
        let desc = TableDesc {
            table: 3,
            config: 4,
            properties,
        };
        bodies.push(Body::MultipartRequest(MultipartRequest::TableDesc));
        bodies.push(Body::MultipartReply(
            MultipartReply::TableDesc(vec![desc.clone()]),
            false,
        ));
        bodies.push(Body::TableStatus(TableStatus { reason: 3, desc }));
    }
    bodies
}

fn told(version: Version) -> Vec<Body> {
    let request = FlowMonitorRequest {
        id: 1,
        command: 0,
        flags: 0x1f,
        out_port: Port::LOCAL,
        out_group: ANY_GROUP,
        table: 2,
        matches: flow().matches,
    };
    let full = |event| FlowUpdate::Full(event, 0, Box::new(flow()));
    let mut updates = vec![
        full(FlowEvent::Added),
        full(FlowEvent::Modified),
        FlowUpdate::Abbreviated(5),
    ];
    if version >= Version::V14 {
        updates.extend([
            full(FlowEvent::Initial),
            FlowUpdate::Paused,
            FlowUpdate::Resumed,
        ]);
    }
    let ipfix = IpfixStats {
        flows: 1,
        ip_packets: [2, 3],
        collector_set: 4,
        ..IpfixStats::default()
    };
    let map = TlvMap {
        class: 0xffff,
        kind: 3,
        len: 16,
        index: 63,
    };
    let tuple = CtTuple {
        src: Some(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped()),
        dst_port: Some(80),
        icmp_type: Some(3),
        others: vec![(99, vec![1])],
        ..CtTuple::default()
    };
    let mut bodies = vec![
        Body::MultipartRequest(MultipartRequest::FlowMonitor(vec![
            request.clone(),
            request,
        ])),
        Body::MultipartReply(MultipartReply::FlowMonitor(updates), true),
        Body::MultipartRequest(MultipartRequest::IpfixFlow),
        Body::MultipartReply(MultipartReply::IpfixBridge(vec![ipfix]), false),
        Body::MultipartReply(MultipartReply::IpfixFlow(vec![ipfix, ipfix]), false),
        Body::TlvTableMod(TlvTableMod {
            command: TlvCommand::Add,
            maps: vec![map, map],
        }),
        Body::TlvTableRequest,
        Body::TlvTableReply(TlvTable {
            max_space: 256,
            max_fields: 64,
            maps: vec![map],
        }),
        Body::CtFlush(CtFlush {
            ip_proto: 6,
            original: Some(tuple),
            reply: Some(CtTuple::default()),
            zone: Some(13),
            others: vec![(77, vec![1, 2])],
        }),
    ];
    if version < Version::V14 {
        bodies.extend([
            Body::FlowMonitorCancel(3),
            Body::FlowMonitorPaused,
            Body::FlowMonitorResumed,
        ]);
    }
    if version >= Version::V13 {
        bodies.push(Body::RoleStatus(RoleStatus {
            role: Role::Slave,
            reason: 1,
            generation_id: 5,
            properties: vec![(3, vec![1, 2, 3, 4])],
        }));
    }
    if version != Version::V10 {
        let inner = groups(version).into_iter().next().unwrap();
        bodies.push(Body::RequestForward(Box::new(Message::new(
            version, 9, inner,
        ))));
    }
    bodies
}

fn messages(version: Version) -> impl Iterator<Item = Message> {
    let bodies = groups(version)
        .into_iter()
        .chain(ports_and_queues(version))
        .chain(tables_and_meters(version))
        .chain(told(version));
    bodies.map(move |body| Message::new(version, 1, body))
}

#[test]
fn every_family_round_trips_in_every_version() {
    for version in Version::ALL {
        for message in messages(version) {
            let bytes = message.encode();
            assert_eq!(
                Message::decode(&bytes).as_ref(),
                Ok(&message),
                "{version} {bytes:02x?}"
            );
            assert!(message.name().is_some());
        }
    }
}

#[test]
fn every_family_cut_anywhere_is_an_error_and_never_a_panic() {
    for message in Version::ALL.into_iter().flat_map(messages) {
        let bytes = message.encode();
        for length in 0..bytes.len() {
            let mut cut = bytes[..length].to_vec();
            assert!(
                Message::decode(&cut).is_err(),
                "{message:?} cut to {length}"
            );
            if length >= 8 {
                let honest = u16::try_from(length).unwrap().to_be_bytes();
                cut[2..4].copy_from_slice(&honest);
                let _ = Message::decode(&cut);
            }
        }
    }
}

#[test]
fn any_byte_may_lie() {
    // Inner lengths, counts and types: each byte set to what most often breaks decoders.
    for message in Version::ALL.into_iter().flat_map(messages) {
        let bytes = message.encode();
        for at in 8..bytes.len() {
            for lie in [0, 1, 3, 7, 0x7f, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = lie;
                if let Ok(decoded) = Message::decode(&changed) {
                    let again = decoded.encode();
                    assert_eq!(
                        Message::decode(&again).map(|m| m.encode()),
                        Ok(again),
                        "{changed:02x?}"
                    );
                }
            }
        }
    }
}

#[test]
fn errors_that_quote_errors_do_not_exhaust_the_stack() {
    let mut message = Message::new(Version::V13, 1, Body::EchoRequest(Vec::new())).encode();
    while message.len() < 60_000 {
        let error = ErrorMessage {
            kind: 1,
            code: 6,
            experimenter: None,
            data: message,
            nicira: None,
        };
        message = Message::new(Version::V13, 1, Body::Error(error)).encode();
    }
    assert!(Message::decode(&message).is_ok());
    let text = crate::text::print_message(&message, 2, &crate::text::Names::default());
    assert_eq!(text.matches("OFPBRC_BAD_LEN").count(), 9);
}
