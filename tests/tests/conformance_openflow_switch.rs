//! The flows that heddle's pipeline is made of, sent to a real ovs-vswitchd and read back: what comes back must mean the
//! same and, encoded again, be the same bytes. The switch is private to the test: own database, own directory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::net::{Ipv4Addr, Ipv6Addr};

use flows::action::{Learn, LearnSource, LearnSpec, LearnTarget};
use flows::ofpkt::{
    Body, BundleAdd, BundleControl, BundleControlKind, BundleFlags, FlowMod, FlowStatsRequest,
    Message, MultipartReply, MultipartRequest,
};
use flows::{
    Action, EthAddr, Field, Flow, FlowTable, Instructions, Match, Port, Subfield, Version,
};
use tests::{Connection, PrivateSwitch};

/// A bridge of the test's own.
struct Bridge {
    switch: PrivateSwitch,
}

impl Bridge {
    fn start() -> Self {
        let switch = PrivateSwitch::start(&[]);
        let add = "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure";
        switch.succeed(&add.split(' ').collect::<Vec<_>>());
        // The group that a flow of the pipeline sends to: the switch must know it first.
        let group = "ovs-ofctl -OOpenFlow14 add-group br0 group_id=9,type=all,bucket=output:1";
        switch.succeed(&group.split(' ').collect::<Vec<_>>());
        Self { switch }
    }

    fn connect(&self, version: Version) -> Connection {
        Connection::open(&self.switch.dir().join("br0.mgmt"), version).unwrap()
    }
}

/// Makes a change that must not be refused.
fn change(connection: &mut Connection, body: Body, of: &dyn std::fmt::Display) {
    let refusal = connection.change(body).unwrap();
    assert_eq!(refusal, None, "refused: {of}");
}

fn flows_of(connection: &mut Connection, request: FlowStatsRequest) -> Vec<Flow> {
    let question = Body::MultipartRequest(MultipartRequest::Flow(request));
    let mut flows = Vec::new();
    for part in connection.ask_parts(question).unwrap() {
        let MultipartReply::Flow(part) = part else {
            panic!("{part:?}");
        };
        flows.extend(part.into_iter().map(|stats| stats.flow));
    }
    flows
}

fn set(field: Field, value: impl Into<flows::FieldValue>) -> Action {
    Action::set_field(field, value)
}

fn learned() -> Learn {
    let spec = |source, target| LearnSpec { source, target };
    let vid = Subfield::part(Field::VlanTci, 0, 12);
    Learn {
        table: 20,
        priority: 1,
        cookie: 0x77,
        hard_timeout: 300,
        limit: 1000,
        specs: [
            spec(LearnSource::Field(vid), LearnTarget::Match(vid)),
            spec(
                LearnSource::Field(Field::EthSrc.into()),
                LearnTarget::Match(Field::EthDst.into()),
            ),
            spec(
                LearnSource::value(0, 16),
                LearnTarget::Load(Field::VlanTci.into()),
            ),
            spec(
                LearnSource::Field(Field::TunId.into()),
                LearnTarget::Load(Field::TunId.into()),
            ),
            spec(
                LearnSource::Field(Field::InPort.into()),
                LearnTarget::Output,
            ),
        ]
        .into(),
        ..Learn::default()
    }
}

/// One flow for each thing the pipeline does.
fn pipeline() -> Vec<Flow> {
    let mac = EthAddr([0xfa, 0x16, 0x3e, 0, 0, 1]);
    let v6 = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
    let v4 = Ipv4Addr::new(10, 0, 0, 1);
    let group_bit = EthAddr([1, 0, 0, 0, 0, 0]);
    let arp = Match::new().with(Field::EthType, 0x0806u16);
    let tcp = Match::new()
        .with(Field::EthType, 0x0800u16)
        .with(Field::NwProto, 6u8)
        .with(Field::TcpDst, 80u16);
    let solicit = Match::new()
        .with(Field::EthType, 0x86ddu16)
        .with(Field::NwProto, 58u8)
        .with(Field::Icmpv6Type, 135u8)
        .with(Field::DlVlan, 3u16)
        .with(Field::NdTarget, v6);
    let tunnel = Match::new().with(Field::TunId, 100u64);
    let flows = vec![
        Flow::new(0, 100, Match::new().with(Field::InPort, Port(1)))
            .doing(Instructions::new().apply([Action::ModVlanVid(5)]).goto(60)),
        Flow::new(
            0,
            90,
            Match::new().with_masked(Field::VlanTci, 0u16, 0x1fffu16),
        )
        .doing([
            Action::PushVlan(0x8100),
            set(Field::VlanVid, 0x1005u16),
            Action::output(Port::NORMAL),
        ]),
        Flow::new(
            0,
            80,
            Match::new().with_masked(Field::VlanTci, 0u16, 0x0fffu16),
        )
        .doing([Action::output(Port(5))]),
        Flow::new(
            0,
            70,
            Match::new()
                .with(Field::DlVlan, 9u16)
                .with(Field::VlanPcp, 3u8),
        )
        .doing([set(Field::VlanVid, 0x1007u16), Action::output(Port(2))]),
        Flow::new(4, 1, tunnel.clone().with(Field::TunSrc, v4))
            .doing([Action::ModVlanVid(1), Action::resubmit_table(10)]),
        Flow::new(4, 1, tunnel.with(Field::TunIpv6Src, v6)).doing([
            Action::ModVlanVid(1),
            Action::StripVlan,
            Action::output(Port(5)),
        ]),
        Flow::new(10, 1, Match::new())
            .doing([Action::Learn(Box::new(learned())), Action::output(Port(2))]),
        Flow::new(
            20,
            2,
            Match::new()
                .with(Field::DlVlan, 3u16)
                .with(Field::EthDst, mac),
        )
        .doing([
            Action::StripVlan,
            set(Field::TunId, 0x64u64),
            set(Field::TunDst, v4),
            Action::output(Port(3)),
            set(Field::TunIpv6Dst, v6),
            Action::output(Port(4)),
        ]),
        Flow::new(
            21,
            1,
            arp.clone()
                .with(Field::ArpTpa, v4)
                .with(Field::ArpOp, 1u16)
                .with(Field::DlVlan, 3u16),
        )
        .doing([
            Action::copy(Field::EthSrc, Field::EthDst),
            set(Field::EthSrc, mac),
            set(Field::ArpOp, 2u16),
            Action::copy(Field::ArpSha, Field::ArpTha),
            Action::copy(Field::ArpSpa, Field::ArpTpa),
            set(Field::ArpSha, mac),
            set(Field::ArpSpa, v4),
            Action::output(Port::IN_PORT),
        ]),
        Flow::new(21, 1, solicit.clone().with(Field::Icmpv6Code, 0u8)).doing([
            Action::copy(Field::EthSrc, Field::EthDst),
            set(Field::EthSrc, mac),
            Action::copy(Field::Ipv6Src, Field::Ipv6Dst),
            set(Field::Ipv6Src, v6),
            set(Field::Icmpv6Type, 136u8),
            set(Field::NdReserved, 0x6000_0000u32),
            set(Field::NdOptionsType, 2u8),
            set(Field::NdTarget, v6),
            set(Field::NdSll, mac),
            Action::output(Port::IN_PORT),
        ]),
        Flow::new(
            24,
            3,
            arp.with(Field::InPort, Port(7))
                .with(Field::ArpSpa, v4)
                .with(Field::ArpSha, mac),
        )
        .doing(Instructions::new().goto(25)),
        Flow::new(24, 4, solicit.with(Field::NdSll, mac)).doing(Instructions::new().goto(25)),
        Flow::new(
            60,
            5,
            Match::new().with_masked(Field::EthDst, group_bit, group_bit),
        )
        .doing([
            Action::output(Port(1)),
            Action::output(Port::FLOOD),
            Action::output(Port::LOCAL),
        ]),
        Flow::new(
            60,
            6,
            Match::new()
                .with(Field::Reg5, 4u32)
                .with_masked(Field::Metadata, 1u64, 3u64),
        )
        .doing(
            Instructions::new()
                .apply([
                    Action::set_field_masked(Field::Reg1, 0x50u32, 0xf0u32),
                    Action::OutputController(128),
                ])
                .write([Action::Group(9)])
                .metadata(8, 12)
                .clear()
                .goto(61),
        ),
        Flow::new(60, 7, tcp).doing([
            Action::DecTtl([].into()),
            Action::copy(Field::TcpSrc, Subfield::part(Field::Reg0, 3, 16)),
        ]),
    ];
    (1u64..)
        .zip(flows)
        .map(|(n, flow)| flow.cookie(0x4845_0000_0000_0000 | n))
        .collect()
}

#[test]
fn a_real_switch_gives_back_the_flows_it_was_given() {
    let bridge = Bridge::start();
    let want = pipeline();
    for version in [Version::V13, Version::V14] {
        let mut connection = bridge.connect(version);
        for flow in &want {
            let add = Body::FlowMod(Box::new(FlowMod::add(flow.clone())));
            change(&mut connection, add, flow);
        }
        let have: FlowTable = flows_of(&mut connection, FlowStatsRequest::all())
            .into_iter()
            .collect();
        let wanted: FlowTable = want.iter().cloned().collect();
        let changes = flows::diff::diff(&have, &wanted);
        assert!(changes.is_empty(), "{version}: {changes:#?}");

        let ours = FlowStatsRequest::with_cookie(want[3].cookie, u64::MAX);
        assert_eq!(flows_of(&mut connection, ours), want[3..4]);
        for delete in [
            FlowMod::delete_strict(want[0].clone()),
            FlowMod::delete_by_cookie(0x4845 << 48, 0xffff << 48),
        ] {
            change(&mut connection, Body::FlowMod(Box::new(delete)), &"delete");
        }
        assert_eq!(flows_of(&mut connection, FlowStatsRequest::all()), []);
    }
}

#[test]
fn a_bundle_is_applied_whole() {
    let bridge = Bridge::start();
    let mut connection = bridge.connect(Version::V14);
    let flags = BundleFlags::ATOMIC.with(BundleFlags::ORDERED);
    let control = |connection: &mut Connection, kind| {
        let control = BundleControl::new(1, kind, flags);
        let answer = connection.ask(Body::BundleControl(control)).unwrap();
        let [(bytes, reply)] = &answer[..] else {
            panic!("{answer:?}");
        };
        assert_eq!(reply.encode(), *bytes);
        match &reply.body {
            Body::BundleControl(control) => control.kind,
            _ => panic!("{reply:?}"),
        }
    };
    assert_eq!(
        control(&mut connection, BundleControlKind::OpenRequest),
        BundleControlKind::OpenReply
    );
    let want = pipeline();
    for flow in &want {
        let xid = connection.next_xid();
        let add = Body::FlowMod(Box::new(FlowMod::add(flow.clone())));
        let add = BundleAdd::new(1, flags, Message::new(Version::V14, xid, add));
        connection.send_as(xid, Body::BundleAdd(add)).unwrap();
    }
    assert_eq!(
        flows_of(&mut connection, FlowStatsRequest::all()),
        [],
        "nothing before the commit"
    );
    assert_eq!(
        control(&mut connection, BundleControlKind::CommitRequest),
        BundleControlKind::CommitReply
    );
    let have: FlowTable = flows_of(&mut connection, FlowStatsRequest::all())
        .into_iter()
        .collect();
    let wanted: FlowTable = want.into_iter().collect();
    assert_eq!(flows::diff::diff(&have, &wanted), []);
}

#[test]
fn a_switch_says_what_it_is() {
    let bridge = Bridge::start();
    for version in [Version::V13, Version::V14, Version::V15] {
        let mut connection = bridge.connect(version);
        for body in [
            Body::FeaturesRequest,
            Body::GetConfigRequest,
            Body::MultipartRequest(MultipartRequest::Desc),
            Body::MultipartRequest(MultipartRequest::PortDesc(Port::ANY)),
        ] {
            connection.send(body.clone()).unwrap();
            let (bytes, reply) = connection.receive().unwrap();
            assert_eq!(reply.encode(), bytes, "{body:?}");
            match reply.body {
                Body::FeaturesReply(features) => assert_ne!(features.datapath_id, 0),
                Body::GetConfigReply(config) => assert_eq!(config.flags, 0),
                Body::MultipartReply(MultipartReply::Desc(desc), false) => {
                    assert_eq!(desc.hardware, "Open vSwitch");
                }
                Body::MultipartReply(MultipartReply::PortDesc(ports), false) => {
                    assert_eq!(
                        ports.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(),
                        ["br0"]
                    );
                    assert_eq!(ports[0].port, Port::LOCAL);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
