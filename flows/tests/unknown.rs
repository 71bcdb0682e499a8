//! What this crate does not know of OpenFlow is kept as bytes: read, written again as it was, printed, and read from its text.
//! A switch is asked more strictly: there the same is an error.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use flows::ofpkt::{
    Body, BundleControlKind, FlowMod, FlowModCommand, FlowRemoved, FlowStats, FlowUpdate, Message,
    MultipartReply, PacketIn, PortChange, PortDesc, PortStatus, RemovedReason,
};
use flows::text::{Names, parse_flow, parse_match, print_message};
use flows::{Action, EthAddr, Flow, FlowTable, Instructions, Match, Port, Version};

/// Fields of no release: one of Nicira's that is masked, one of OpenFlow's own, one of an experimenter's.
const FIELDS: &str = "oxm(class=0x0001,field=120,value=0x00000010,mask=0x000000f0)";
const UNKNOWN: [&str; 3] = [
    "oxm(class=0x0001,field=127,value=0x0010,mask=0x00f0)",
    "oxm(class=0x8000,field=99,value=0x010203)",
    "oxm(class=0xffff,experimenter=0x00001234,field=5,value=0xff)",
];

/// An action and an instruction of an experimenter that nobody is.
const ACTION: &str = "unknown(ff.ff.00.10.00.00.12.34.00.00.00.00.00.00.00.07)";
const INSTRUCTION: &str = "instruction(ff.ff.00.10.00.00.12.34.00.00.00.00.00.00.00.08)";

fn modern() -> impl Iterator<Item = Version> {
    Version::ALL.into_iter().filter(|v| *v >= Version::V12)
}

/// A flow that has one of each unknown thing.
fn flow() -> Flow {
    let text = format!(
        "table=3,priority=7,tcp,in_port=1,nw_dst=10.0.0.1,{} actions=output:2,{ACTION},clone({ACTION},output:3),\
         goto_table:5,{INSTRUCTION}",
        UNKNOWN.join(",")
    );
    parse_flow(&text).unwrap()
}

fn reply(version: Version, flows: &[Flow]) -> Vec<u8> {
    let stats = flows.iter().cloned().map(FlowStats::new).collect();
    Message::new(
        version,
        1,
        Body::MultipartReply(MultipartReply::Flow(stats), false),
    )
    .encode()
}

fn flows_of(bytes: &[u8]) -> Vec<Flow> {
    match Message::decode(bytes).unwrap().body {
        Body::MultipartReply(MultipartReply::Flow(stats), _) => {
            stats.into_iter().map(|stats| stats.flow).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_flow_of_a_later_release_is_read_written_and_printed() {
    for version in modern() {
        let known = Flow::new(0, 1, Match::new()).doing([Action::output(1u32)]);
        let bytes = reply(version, &[flow(), known.clone()]);
        let read = flows_of(&bytes);
        assert_eq!(read, [flow(), known], "{version}");
        assert_eq!(Message::decode(&bytes).unwrap().encode(), bytes);
        let text = read.first().unwrap().to_string();
        for part in UNKNOWN.iter().chain(&[ACTION, INSTRUCTION]) {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert_eq!(&parse_flow(&text).unwrap(), read.first().unwrap());
        // As Open vSwitch prints a message, the same is an error, for which it has no name in OpenFlow 1.5.
        let error = match version {
            Version::V15 => "<invalid>",
            _ => "OFPBMC_BAD_FIELD",
        };
        let printed = print_message(&bytes, 1, &Names::default());
        assert!(
            printed.contains(&format!("***decode error: {error}***")),
            "{printed}"
        );
    }
}

#[test]
fn what_is_unknown_stays_in_its_place_and_is_equal_in_any() {
    // ip, then a field that nobody knows, then ip_proto.
    let entries = unhex("80000a020800 80018a0401020304 8000140106");
    let mut removed =
        Message::new(Version::V14, 1, Body::FlowRemoved(removed(Match::new()))).encode();
    removed.truncate(48);
    removed.extend([0, 1, 0, u8::try_from(4 + entries.len()).unwrap()]);
    removed.extend(&entries);
    removed.resize(removed.len().next_multiple_of(8), 0);
    set_length(&mut removed);
    let message = Message::decode(&removed).unwrap();
    assert_eq!(message.encode(), removed);
    let Body::FlowRemoved(FlowRemoved { matches, .. }) = message.body else {
        panic!("another message");
    };
    assert_eq!(matches.unknown().count(), 1);
    let from_text = parse_match(&matches.to_string()).unwrap();
    assert_eq!(from_text, matches);
    assert_eq!(from_text.cmp(&matches), std::cmp::Ordering::Equal);
}

fn removed(matches: Match) -> FlowRemoved {
    FlowRemoved {
        matches,
        cookie: 0,
        priority: 1,
        reason: RemovedReason::DELETE,
        table: 3,
        duration: (1, 2),
        idle_timeout: 0,
        hard_timeout: 0,
        packets: 3,
        bytes: 4,
        other_counters: [].into(),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    text.replace(' ', "")
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn set_length(bytes: &mut [u8]) {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    bytes
        .iter_mut()
        .skip(2)
        .zip(length)
        .for_each(|(b, l)| *b = l);
}

#[test]
fn every_message_with_a_match_keeps_its_unknown_fields() {
    let matches = flow().matches;
    for version in modern() {
        let mut packet = PacketIn {
            buffer_id: u32::MAX,
            total_len: 1,
            reason: 1,
            table: 3,
            cookie: 4,
            metadata: parse_match(&format!("in_port=1,{FIELDS}")).unwrap(),
            data: vec![0],
        };
        if version < Version::V13 {
            packet.cookie = u64::MAX;
        }
        let removed = removed(matches.clone());
        let mut bodies = vec![
            Body::PacketIn(packet.clone()),
            Body::NxPacketIn(packet),
            Body::FlowRemoved(removed.clone()),
            Body::NxFlowRemoved(removed),
            Body::FlowMod(Box::new(FlowMod::new(FlowModCommand::Delete, flow()))),
        ];
        if version >= Version::V13 {
            let update = FlowUpdate::Full(
                flows::ofpkt::FlowEvent::Added,
                0,
                Box::new(Flow {
                    priority: 0x8000,
                    ..flow()
                }),
            );
            let update = if version >= Version::V14 {
                update
            } else {
                FlowUpdate::Full(flows::ofpkt::FlowEvent::Added, 0, Box::new(flow()))
            };
            bodies.push(Body::MultipartReply(
                MultipartReply::FlowMonitor(vec![update]),
                false,
            ));
        }
        for body in bodies {
            let message = Message::new(version, 1, body);
            let bytes = message.encode();
            let read = Message::decode(&bytes).unwrap_or_else(|e| panic!("{e}: {message:?}"));
            assert_eq!(read.encode(), bytes, "{message:?}");
            assert!(
                format!("{read:?}").contains("UnknownField"),
                "{message:?} lost it"
            );
        }
    }
}

#[test]
fn a_switch_refuses_what_it_does_not_know() {
    let with = |text: &str| {
        let change = FlowMod::add(parse_flow(text).unwrap());
        let bytes = Message::new(Version::V14, 1, Body::FlowMod(Box::new(change))).encode();
        assert!(Message::decode(&bytes).is_ok());
        Message::decode_strict(&bytes).unwrap_err().error.name()
    };
    assert_eq!(
        with("oxm(class=0x8000,field=99,value=0x010203) actions=drop"),
        "OFPBMC_BAD_FIELD"
    );
    assert_eq!(with(&format!("actions={ACTION}")), "OFPBAC_BAD_VENDOR");
    assert_eq!(
        with(&format!("actions=output:1,{INSTRUCTION}")),
        "OFPBIC_BAD_EXPERIMENTER"
    );
}

#[test]
fn numbers_that_are_unknown_make_no_message_unreadable() {
    let mut status = Message::new(
        Version::V14,
        1,
        Body::PortStatus(PortStatus {
            change: PortChange::Add,
            desc: PortDesc {
                port: Port(1),
                hw_addr: EthAddr([2, 0, 0, 0, 0, 9]),
                name: "tap0".into(),
                config: 0,
                state: 4,
                features: [1, 2, 3, 4],
                speeds: [100, 1000],
                properties: vec![(9, vec![1, 2, 3])],
                ethernet: true,
            },
        }),
    )
    .encode();
    status
        .iter_mut()
        .skip(8)
        .take(1)
        .for_each(|reason| *reason = 9);
    for mut bytes in [
        status,
        // Bundle control of type 9, with a property.
        unhex("0521 0000 00000001 00000001 0009 0003 ffff 0008 0000abcd"),
        // A role of 77.
        unhex("0519 0000 00000001 0000004d 00000000 0000000000000005"),
        // A meter change of command 6.
        unhex("051d 0000 00000001 0006 0001 00000001"),
        // Asynchronous messages with a property of type 40.
        unhex("051b 0000 00000001 0028 0008 00000003"),
        // A question in several parts.
        unhex("0512 0000 00000001 000c 0001 00000000"),
        // A flow monitor's event 9 beside one that is known.
        unhex("0513 0000 00000001 0010 0000 00000000 0008 0009 00000001 0008 0004 000000ff"),
        // A meter with a band of an experimenter's, longer than the others, beside one that drops.
        unhex(
            "0513 0000 00000001 000a 0000 00000000 0030 0001 00000007 ffff 0018 00000400 00000010 00001234 0102030405060708 \
             0001 0010 00000400 00000010 00000000",
        ),
        // A bucket with a property of type 7, in a group that chooses as nobody knows.
        unhex(
            "0613 0000 00000001 0007 0000 00000000 0050 0000 00000001 0010 000000000000 0010 0000 00000000 0007 0008 00000001 \
             ffff 0030 0000154d 00000001 00000000 726f756e640000000000000000000000 0000000000000001 0000000000000000",
        ),
        // A flow of OpenFlow 1.5 that has counted what nobody knows.
        unhex(
            "0613 0000 00000001 0001 0000 00000000 0030 0000 00 00 0001 0000 0000 0000 0000 0000000000000000 \
             0001 0004 00000000 0000 000c 8002c604 00000001 00000000",
        ),
    ] {
        set_length(&mut bytes);
        match Message::decode(&bytes) {
            Ok(message) => assert_eq!(message.encode(), bytes, "{message:?}"),
            Err(e) => panic!("{e}: {bytes:02x?}"),
        }
    }
    let bundle = unhex("0521001000000001 0000000100090003");
    let Body::BundleControl(control) = Message::decode_strict(&bundle).unwrap().body else {
        panic!("another message");
    };
    assert_eq!(control.kind, BundleControlKind::Other(9));
    assert_eq!(
        print_message(&bundle, 1, &Names::default()),
        "OFPT_BUNDLE_CONTROL (OF1.4) (xid=0x1):\n bundle_id=0x1 type= flags=atomic ordered\n"
    );
}

#[test]
fn a_foreign_flow_is_told_apart_from_a_broader_one() {
    let broader = Flow::new(3, 7, parse_match("tcp,in_port=1,nw_dst=10.0.0.1").unwrap());
    let foreign = Flow {
        instructions: Instructions::default(),
        ..flow()
    };
    assert_ne!(foreign, broader);
    let have = FlowTable::from_iter([foreign.clone(), broader.clone()]);
    assert_eq!(have.len(), 2);
    let want = FlowTable::from_iter(flows_of(&reply(
        Version::V14,
        std::slice::from_ref(&foreign),
    )));
    assert_eq!(
        flows::diff::diff(&have, &want),
        [flows::diff::Change::Delete(&broader)]
    );
    // Another unknown action is another flow.
    let other = flow().to_string().replace("00.07)", "00.09)");
    assert_ne!(parse_flow(&other).unwrap(), flow());
}
