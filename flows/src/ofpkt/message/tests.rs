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
    Flow::new(21, 100, matches).cookie(0x0123_4567_89ab_cdef).doing(
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
        flow: flow(),
        duration: (3, 5_000_000),
        idle_age: None,
        hard_age: None,
        packets: 7,
        bytes: 8,
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
    let control = |kind| BundleControl {
        bundle_id: 3,
        kind,
        flags: BundleFlags::ATOMIC.with(BundleFlags::ORDERED),
    };
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
        Body::FlowMod(Box::new(FlowMod::delete_by_cookie(5, u64::MAX))),
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
        }),
        Body::Other(99, vec![1, 2, 3]),
    ];
    if version >= Version::V14 {
        let inner = Message::new(version, 1, Body::FlowMod(Box::new(FlowMod::add(flow()))));
        let flags = BundleFlags::ATOMIC;
        bodies.push(Body::BundleControl(control(BundleControlKind::OpenRequest)));
        bodies.push(Body::BundleAdd(BundleAdd {
            bundle_id: 3,
            flags,
            message: Box::new(inner),
        }));
    }
    bodies.into_iter().map(|body| Message::new(version, 1, body)).collect()
}

#[test]
fn every_message_round_trips() {
    for version in [Version::V13, Version::V14] {
        for message in messages(version) {
            let bytes = message.encode();
            assert_eq!(Message::decode(&bytes).as_ref(), Ok(&message), "{bytes:02x?}");
        }
    }
}

#[test]
fn a_message_cut_anywhere_is_an_error_and_never_a_panic() {
    for message in messages(Version::V14) {
        let bytes = message.encode();
        for length in 0..bytes.len() {
            let mut cut = bytes[..length].to_vec();
            assert!(Message::decode(&cut).is_err(), "{message:?} cut to {length}");
            if length >= 8 {
                // The same with a length in the head that agrees: a value or an error, but no panic.
                let honest = u16::try_from(length).unwrap().to_be_bytes();
                cut[2..4].copy_from_slice(&honest);
                let _ = Message::decode(&cut);
            }
        }
    }
}
