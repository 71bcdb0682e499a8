//! Round trips and truncation of messages.

use crate::ofpkt::*;
use crate::{Action, EthAddr, Field, Flow, Instructions, Match, Port, Version};
use std::net::{Ipv4Addr, Ipv6Addr};

fn flow() -> Flow {
    let matches = Match::new()
        .with(Field::InPort, Port(4))
        .with(Field::EthType, 0x0806u16)
        .with(Field::ArpOp, 1u16)
        .with(Field::ArpTpa, Ipv4Addr::new(10, 0, 0, 1))
        .with_masked(Field::VlanTci, 0x1005u16, 0x1fffu16);
    let mac = EthAddr([2, 0, 0, 0, 0, 1]);
    Flow::new(21, 100, matches)
        .cookie(0x0123_4567_89ab_cdef)
        .doing(
            Instructions::new()
                .apply([
                    Action::copy(Field::EthSrc, Field::EthDst),
                    Action::set_field(Field::EthSrc, mac),
                    Action::set_field(Field::ArpOp, 2u16),
                    Action::copy(Field::ArpSha, Field::ArpTha),
                    Action::set_field(Field::ArpSha, mac),
                    Action::set_field(Field::TunId, 77u64),
                    Action::set_field(Field::TunIpv6Dst, Ipv6Addr::LOCALHOST),
                    Action::resubmit_table(10),
                    Action::output(Port::IN_PORT),
                ])
                .goto(22),
        )
}

fn messages(version: Version) -> Vec<Message> {
    let stats = FlowStats {
        duration: (3, 5_000_000),
        packets: 7,
        bytes: 8,
        ..FlowStats::new(flow())
    };
    let port = PortDesc {
        port: Port(1),
        hw_addr: EthAddr([2, 0, 0, 0, 0, 9]),
        name: "tap0".into(),
        config: 0,
        state: 4,
        features: [1, 2, 3, 4],
        speeds: [100, 1000],
        properties: Vec::new(),
        ethernet: true,
    };
    let control =
        |kind| BundleControl::new(3, kind, BundleFlags::ATOMIC.with(BundleFlags::ORDERED));
    let mut bodies = vec![
        Body::Hello(Hello::offering(&[Version::V13, Version::V14])),
        Body::Hello(Hello {
            versions: (2 << version.wire()) - 2,
        }),
        Body::EchoRequest(vec![1, 2, 3]),
        Body::EchoReply(Vec::new()),
        Body::FeaturesRequest,
        Body::GetConfigReply(SwitchConfig {
            flags: 0,
            miss_send_len: 128,
        }),
        Body::Error(ErrorMessage {
            kind: 1,
            code: 6,
            experimenter: None,
            data: vec![9; 64],
            nicira: None,
        }),
        Body::FlowMod(Box::new(FlowMod::add(flow()))),
        Body::MultipartRequest(MultipartRequest::Flow(FlowStatsRequest::with_cookie(5, 7))),
        Body::MultipartReply(MultipartReply::Flow(vec![stats.clone(), stats]), true),
        Body::MultipartRequest(MultipartRequest::PortDesc(Port::ANY)),
        Body::MultipartReply(MultipartReply::PortDesc(vec![port.clone()]), false),
        Body::PortStatus(PortStatus {
            change: PortChange::Modify,
            desc: port,
        }),
        Body::BarrierRequest,
        Body::BarrierReply,
        Body::RoleRequest(RoleMessage {
            role: Role::Master,
            generation_id: 4,
        }),
        Body::PacketOut(PacketOut::new(
            Port::CONTROLLER,
            [Action::output(Port(1))],
            [1, 2, 3, 4],
        )),
        Body::PacketIn(PacketIn {
            buffer_id: NO_BUFFER,
            total_len: 4,
            reason: 1,
            table: 2,
            cookie: 3,
            metadata: Match::new().with(Field::InPort, Port(5)),
            data: vec![1, 2, 3, 4],
        }),
        Body::FlowRemoved(FlowRemoved {
            matches: flow().matches,
            cookie: 5,
            priority: 6,
            reason: RemovedReason::DELETE,
            table: 7,
            duration: (8, 9),
            idle_timeout: 10,
            hard_timeout: 11,
            packets: 12,
            bytes: 13,
            other_counters: [].into(),
        }),
        Body::Other(99, vec![1, 2, 3]),
    ];
    if version != Version::V11 {
        // OpenFlow 1.1 has no word for all tables.
        bodies.push(Body::FlowMod(Box::new(FlowMod::delete_by_cookie(
            5,
            u64::MAX,
        ))));
    }
    if version >= Version::V14 {
        let inner = Message::new(version, 1, Body::FlowMod(Box::new(FlowMod::add(flow()))));
        let flags = BundleFlags::ATOMIC;
        bodies.push(Body::BundleControl(control(BundleControlKind::OpenRequest)));
        bodies.push(Body::BundleAdd(BundleAdd::new(3, flags, inner)));
    }
    bodies
        .into_iter()
        .map(|body| Message::new(version, 1, body))
        .collect()
}

#[test]
fn every_message_round_trips() {
    for version in [Version::V13, Version::V14] {
        for message in messages(version) {
            let bytes = message.encode();
            assert_eq!(
                Message::decode(&bytes).as_ref(),
                Ok(&message),
                "{bytes:02x?}"
            );
        }
    }
}

/// Messages that only Nicira's extension has, and Nicira's forms of others.
fn nicira(version: Version) -> Vec<Message> {
    let packet = PacketIn {
        buffer_id: NO_BUFFER,
        total_len: 4,
        reason: 1,
        table: 2,
        cookie: 3,
        metadata: Match::new()
            .with(Field::InPort, Port(5))
            .with(Field::Reg0, 7u32),
        data: vec![1, 2, 3, 4],
    };
    let packet2 = PacketIn2 {
        data: vec![9; 20],
        full_len: Some(64),
        buffer_id: None,
        table: Some(3),
        cookie: Some(5),
        reason: Some(1),
        metadata: Some(packet.metadata.clone()),
        userdata: vec![1, 2, 3],
        continuation: Some(vec![0x80, 3, 0, 4, 0, 0, 0, 0]),
        others: vec![(77, vec![1, 2, 3, 4, 5])],
    };
    let mut bodies = vec![
        Body::NxPacketIn(packet),
        Body::PacketIn2(packet2.clone()),
        Body::Resume(packet2),
        Body::NxRoleRequest(Role::Equal),
        Body::NxRoleReply(Role::Slave),
        Body::NxSetAsync(AsyncConfig {
            masks: [
                (Some(1), Some(2)),
                (Some(3), Some(4)),
                (Some(5), Some(6)),
                (None, None),
                (None, None),
                (None, None),
            ],
            others: Vec::new(),
        }),
        Body::FlowModTableId(true),
        Body::SetPacketInFormat(2),
        Body::FlowAge,
        Body::SetControllerId(9),
        Body::CtFlushZone(10),
    ];
    if version == Version::V10 {
        bodies.push(Body::SetFlowFormat(2));
        let flow =
            Flow::new(3, 9, Match::new().with(Field::Reg3, 4u32)).doing([Action::output(Port(1))]);
        let stats = FlowStats {
            duration: (3, 5_000_000),
            idle_age: Some(1),
            packets: 7,
            bytes: 8,
            ..FlowStats::new(flow)
        };
        bodies.push(Body::MultipartRequest(MultipartRequest::NxFlow(
            FlowStatsRequest::with_cookie(5, 7),
        )));
        bodies.push(Body::MultipartReply(
            MultipartReply::NxFlow(vec![stats.clone(), stats]),
            true,
        ));
        bodies.push(Body::MultipartReply(
            MultipartReply::NxAggregate(AggregateStats::default()),
            false,
        ));
    }
    bodies
        .into_iter()
        .map(|body| Message::new(version, 1, body))
        .collect()
}

#[test]
fn every_message_of_every_version_is_written_again_as_it_was_read() {
    for version in Version::ALL {
        for message in messages(version).into_iter().chain(nicira(version)) {
            let bytes = message.encode();
            let decoded =
                Message::decode(&bytes).unwrap_or_else(|e| panic!("{e}: {message:?} {bytes:02x?}"));
            assert_eq!(decoded.encode(), bytes, "{message:?}");
        }
    }
}

#[test]
fn messages_of_nicira_round_trip() {
    for version in Version::ALL {
        for message in nicira(version) {
            assert_eq!(Message::decode(&message.encode()).as_ref(), Ok(&message));
        }
    }
}

#[test]
fn what_is_not_known_is_kept() {
    for version in Version::ALL {
        for body in [
            Body::Other(4, vec![0, 0, 0, 1, 0, 0, 0, 2, 3, 4]),
            Body::MultipartRequest(MultipartRequest::Other(0x1234, vec![1, 2, 3])),
            Body::MultipartReply(
                MultipartReply::Other(0xffff, vec![0, 0, 0, 1, 0, 0, 0, 2, 3, 4]),
                true,
            ),
        ] {
            let message = Message::new(version, 7, body);
            assert_eq!(Message::decode(&message.encode()).as_ref(), Ok(&message));
            assert_eq!(message.name(), None);
        }
    }
}

#[test]
fn a_message_cut_anywhere_is_an_error_and_never_a_panic() {
    let all = Version::ALL
        .into_iter()
        .flat_map(|v| messages(v).into_iter().chain(nicira(v)));
    for message in all {
        let bytes = message.encode();
        for length in 0..bytes.len() {
            let mut cut = bytes[..length].to_vec();
            assert!(
                Message::decode(&cut).is_err(),
                "{message:?} cut to {length}"
            );
            if length >= 8 {
                // The same with a length in the head that agrees: a value or an error, but no panic.
                let honest = u16::try_from(length).unwrap().to_be_bytes();
                cut[2..4].copy_from_slice(&honest);
                let _ = Message::decode(&cut);
            }
        }
    }
}
