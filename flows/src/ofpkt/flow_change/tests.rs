//! Changes of flows are written as they are meant, and read back as a switch reads them.

use super::super::properties::noise;
use super::super::samples::{self, Choices};
use super::super::wire::Reader;
use super::*;
use crate::action::{SetField, SetSpelling, Subfield};
use crate::ofpkt::{Body, BundleAdd, BundleAddHead, BundleFlags, DecodeError, Message, OfpError};
use crate::text::parse_flow;
use crate::{Action, Field};

const HEAD: BundleAddHead = BundleAddHead {
    version: Version::V14,
    xid: 7,
    bundle_id: 3,
    flags: BundleFlags::ATOMIC,
};

/// Flows as a controller has them by the ten thousand, which are read back at one look.
const PLAIN: &[&str] = &[
    "cookie=0x68,table=20,priority=100,dl_vlan=1,dl_dst=02:00:00:00:00:0c,actions=pop_vlan,set_field:0x3e9->tun_id,set_field:192.0.2.2->tun_dst,output:2,set_field:192.0.2.3->tun_dst,output:2",
    "cookie=0x69,table=21,priority=100,arp,dl_vlan=2,arp_tpa=10.0.0.22,arp_op=1,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:02:00:00:00:00:16->eth_src,set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:02:00:00:00:00:16->arp_sha,set_field:10.0.0.22->arp_spa,IN_PORT",
    "table=21,priority=100,icmp6,dl_vlan=1,icmp_type=135,nd_target=fd00::13,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:02:00:00:00:00:0d->eth_src,move:NXM_NX_IPV6_SRC[]->NXM_NX_IPV6_DST[],set_field:fd00::13->ipv6_src,set_field:136->icmpv6_type,goto_table:23",
    "table=24,priority=100,icmp6,in_port=111,icmp_type=136,nd_target=fd00::11,nd_tll=02:00:00:00:00:0b,actions=goto_table:25",
    "table=24,priority=100,arp,in_port=111,arp_spa=10.0.0.11,arp_sha=02:00:00:00:00:0b,actions=goto_table:25",
    "table=4,priority=100,tun_id=0x3e9,vlan_tci=0x0000/0x1fff,actions=set_field:7->reg5,goto_table:10",
    "priority=100,tun_src=192.0.2.2,in_port=2,actions=NORMAL",
    "table=3,priority=100,tcp,nw_src=10.0.0.1,tp_dst=80,idle_timeout=3,hard_timeout=4,importance=5,send_flow_rem,actions=move:NXM_NX_REG1[0..15]->NXM_NX_REG2[16..31],LOCAL",
    "table=3,priority=0,actions=drop",
];

/// Flows of which a part is said otherwise than plainly.
const OTHERS: &[&str] = &[
    "table=1,priority=9,ip,nw_src=10.0.0.0/8,cookie=0x12,actions=mod_vlan_vid:3,output:2",
    "table=2,importance=5,send_flow_rem,reg0=1/3,actions=write_metadata:1/3,goto_table:9",
    "idle_timeout=3,ip,dl_vlan=4,actions=ct(commit,zone=1,exec(set_field:1->ct_mark)),note:01",
    "priority=100,in_port=3,vlan_tci=0x0000/0x0fff,actions=set_field:0x1004->vlan_tci,goto_table:60",
    "priority=100,in_port=7,dl_vlan=3,actions=set_field:5099->vlan_vid,NORMAL",
    "table=10,dl_vlan=2,dl_src=00:00:00:00:00:00/01:00:00:00:00:00,actions=learn(table=20,idle_timeout=300,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:0->NXM_OF_VLAN_TCI[],output:NXM_OF_IN_PORT[]),output:1",
    "table=23,icmp6,icmp_type=136,actions=set_field:1610612736->nd_reserved,set_field:2->nd_options_type,move:NXM_OF_ETH_SRC[]->NXM_NX_ND_TLL[],IN_PORT",
    "table=21,priority=7,actions=resubmit(,20)",
    "table=5,ip,ct_state=+trk+est,ct_mark=5,actions=load:1->NXM_NX_REG0[0..3],CONTROLLER:128",
    "priority=0,actions=drop",
];

fn flows() -> Vec<Flow> {
    let texts = PLAIN.iter().chain(OTHERS);
    texts.map(|text| parse_flow(text).unwrap()).collect()
}

/// A change of a borrowed flow, and the same of an owned one.
fn changes(flow: &Flow) -> [(FlowChange<'_>, FlowMod); 3] {
    let deleted = FlowMod {
        cookie_mask: u64::MAX,
        ..FlowMod::delete_strict(flow.clone())
    };
    [
        (FlowChange::add(flow), FlowMod::add(flow.clone())),
        (
            FlowChange::delete_strict(flow, 0),
            FlowMod::delete_strict(flow.clone()),
        ),
        (FlowChange::delete_strict(flow, u64::MAX), deleted),
    ]
}

fn written(change: FlowChange<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    HEAD.encode_into(change, &mut bytes);
    bytes
}

#[test]
fn a_borrowed_flow_is_written_as_an_owned_one() {
    for flow in flows() {
        for (borrowed, owned) in changes(&flow) {
            for version in Version::ALL {
                let mut bytes = Vec::new();
                borrowed.encode_into(version, 7, &mut bytes);
                let owned = Message::new(version, 7, Body::FlowMod(Box::new(owned.clone())));
                assert_eq!(bytes, owned.encode(), "{borrowed:?}");
            }
            let message = Message::new(HEAD.version, HEAD.xid, Body::FlowMod(Box::new(owned)));
            let add = BundleAdd::new(HEAD.bundle_id, HEAD.flags, message);
            let whole = Message::new(HEAD.version, HEAD.xid, Body::BundleAdd(add));
            assert_eq!(written(borrowed), whole.encode());
        }
    }
}

#[test]
fn a_change_is_read_back_where_nothing_of_it_has_changed() {
    for flow in flows() {
        for (change, _) in changes(&flow) {
            let bytes = written(change);
            assert_eq!(HEAD.reads_back(change, &bytes), Ok(true), "{change:?}");
            let meant = Message::decode_strict(&bytes);
            for at in 0..bytes.len() {
                let mut other = bytes.clone();
                other[at] ^= 1;
                let read = Message::decode_strict(&other);
                let said = HEAD.reads_back(change, &other);
                let expected = read.clone().map(|_| read == meant);
                assert_eq!(said, expected, "byte {at} of {change:?}");
                let cut = bytes.get(..at).unwrap();
                assert!(
                    HEAD.reads_back(change, cut).is_err(),
                    "{at} bytes of {change:?}"
                );
            }
        }
    }
}

#[test]
fn other_changes_are_told_apart() {
    let flows = flows();
    let all: Vec<_> = flows.iter().flat_map(changes).collect();
    for (i, (written_one, _)) in all.iter().enumerate() {
        for (k, (meant, _)) in all.iter().enumerate() {
            let said = HEAD.reads_back(*meant, &written(*written_one));
            assert_eq!(said, Ok(i == k), "{written_one:?} {meant:?}");
        }
    }
    let flow = flows.first().unwrap();
    let bytes = written(FlowChange::add(flow));
    let other = BundleAddHead {
        bundle_id: 4,
        ..HEAD
    };
    assert_eq!(other.reads_back(FlowChange::add(flow), &bytes), Ok(false));
    // A deletion of another spelling is one of another flow.
    let tags = [
        "vlan_tci=0/0x1fff,actions=drop",
        "vlan_tci=0/0xffff,actions=drop",
    ];
    let [a, b] = tags.map(|text| parse_flow(text).unwrap());
    assert_eq!(a, b);
    let bytes = written(FlowChange::delete_strict(&a, 0));
    assert_eq!(
        HEAD.reads_back(FlowChange::delete_strict(&a, 0), &bytes),
        Ok(true)
    );
    assert_eq!(
        HEAD.reads_back(FlowChange::delete_strict(&b, 0), &bytes),
        Ok(false)
    );
}

/// What the decoder alone makes of a message.
fn decoded(change: FlowChange<'_>, bytes: &[u8]) -> Result<bool, DecodeError> {
    let message = Message::decode_strict(bytes)?;
    let Body::BundleAdd(add) = message.body else {
        return Ok(false);
    };
    let said = BundleAddHead {
        version: message.version,
        xid: message.xid,
        bundle_id: add.bundle_id,
        flags: add.flags,
    };
    let inner = add.message;
    let Body::FlowMod(found) = &inner.body else {
        return Ok(false);
    };
    Ok((said, inner.version) == (HEAD, HEAD.version) && change.is_said_by(found))
}

/// Holds what is said of a message against what the decoder makes of it.
fn is_told_as_decoded(change: FlowChange<'_>, bytes: &[u8]) {
    let said = HEAD.reads_back(change, bytes);
    assert_eq!(said, decoded(change, bytes), "{change:?}\n{bytes:02x?}");
}

/// The body of the change in a message.
fn body(bytes: &[u8]) -> Reader<'_> {
    Reader::new(bytes.get(24..).unwrap(), 24)
}

#[test]
fn plain_flows_are_read_back_at_one_look() {
    for text in PLAIN {
        let flow = parse_flow(text).unwrap();
        for (change, _) in changes(&flow) {
            let bytes = written(change);
            assert!(change.is_plainly_in(body(&bytes)), "{text}");
        }
    }
}

/// A tunnel option of as many bytes as one can have, of which the first is not the last 128 bits'.
const LONG: [u8; 124] = [7; 124];

/// What a flow can have besides, or not have, each alone.
fn altered(flow: &Flow) -> Vec<Flow> {
    let mut found = Vec::new();
    let mut alter = |change: &dyn Fn(&mut Flow)| {
        let mut other = flow.clone();
        change(&mut other);
        found.push(other);
    };
    alter(&|f| f.table = super::ALL_TABLES);
    alter(&|f| f.instructions.write = Some([].into()));
    alter(&|f| f.instructions.write = Some([Action::Output(Port(1))].into()));
    alter(&|f| f.instructions.write_metadata = Instructions::new().metadata(1, 3).write_metadata);
    alter(&|f| f.instructions.meter = Some(1));
    alter(&|f| f.instructions.clear = true);
    alter(&|f| f.instructions.goto_table = Some(77));
    alter(&|f| f.instructions.goto_table = None);
    alter(&|f| {
        f.instructions
            .push_raw(0, &[0xff, 0xff, 0, 16, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0])
    });
    alter(&|f| f.matches.push_raw(200, &[0x12, 0x34, 2, 1, 0]));
    alter(&|f| f.matches.remove_field(Field::InPortOxm));
    alter(&|f| f.matches.set(Field::Reg9, 1, u128::MAX));
    alter(&|f| f.matches.set(Field::EthDst, 1, 1));
    alter(&|f| f.matches.set(Field::EthDst, 1, u128::MAX));
    for mask in [0xfff, 0x1fff, 0xffff] {
        alter(&|f| f.matches.set(Field::VlanTci, 0, mask));
    }
    let list = |f: &Flow| f.instructions.apply.to_vec();
    alter(&|f| f.instructions.apply = [].into());
    alter(&|f| f.instructions.apply = list(f).into_iter().skip(1).collect());
    alter(&|f| f.instructions.apply = list(f).into_iter().rev().skip(1).rev().collect());
    let actions = [
        Action::Output(Port(7)),
        Action::OutputMaxLen(Port(7), 9),
        Action::PopVlan,
        Action::StripVlan,
        Action::SetField(SetField::wide(Field::TunMetadata3, &LONG, None)),
        Action::set_field(
            Field::TunMetadata3,
            0x0707_0707_0707_0707_0707_0707_0707_0707u128,
        ),
        Action::set_field(Field::Ipv6Src, 1u8),
        Action::set_field(Field::Ipv6Src, 1u128 << 64),
        Action::set_field_masked(Field::Ipv6Src, 1u128 << 64, 1u128 << 64),
        Action::set_field_masked(Field::Reg3, 0x10u8, 0xf0u8),
        Action::SetField(SetField::new(Field::Reg3, 5, u128::MAX).spelled(SetSpelling::Load)),
        Action::set_field(Field::Reg3, 5u8),
        Action::set_field(Field::VlanVid, 5u8),
        Action::set_field(Field::VlanVid, 0x1005u16),
        Action::set_field(Field::VlanTci, 0x1005u16),
        Action::set_field(Field::InPort, 5u8),
        Action::set_field(Field::InPortOxm, 5u8),
        Action::set_field(Field::InPortOxm, 0x1_0005u32),
        Action::set_field(Field::CtMark, 5u8),
        Action::set_field(Field::DpHash, 5u8),
        Action::set_field(Field::ArpOp, 0x102u16),
        Action::set_field(Field::Ipv6Label, 0x12_3456u32),
        Action::copy(Field::Reg3, Field::Reg4),
        Action::copy(Field::TunMetadata3, Field::TunMetadata4),
        Action::copy(Field::EthSrc, Field::NshC1),
        Action::CopyField {
            src: Field::Reg3.into(),
            dst: Field::Reg4.into(),
        },
    ];
    for action in actions {
        alter(&|f| {
            let mut more = list(f);
            more.push(action.clone());
            f.instructions.apply = more.into();
        });
    }
    found
}

#[test]
fn flows_that_are_nearly_the_same_are_told_apart_as_they_are_decoded() {
    for flow in flows() {
        let all = altered(&flow);
        let [plain, deletion] = [
            written(FlowChange::add(&flow)),
            written(FlowChange::delete_strict(&flow, 0)),
        ];
        // A deletion that says what its flow does.
        let owned = FlowMod::new(FlowModCommand::DeleteStrict, flow.clone());
        let talkative = written(FlowChange::from(&owned));
        is_told_as_decoded(FlowChange::delete_strict(&flow, 0), &talkative);
        for other in &all {
            is_told_as_decoded(FlowChange::add(other), &plain);
            is_told_as_decoded(FlowChange::add(other), &deletion);
            is_told_as_decoded(FlowChange::delete_strict(other, 0), &plain);
            is_told_as_decoded(FlowChange::delete_strict(other, 0), &deletion);
            let bytes = written(FlowChange::add(other));
            for meant in all.iter().chain([&flow]) {
                is_told_as_decoded(FlowChange::add(meant), &bytes);
            }
            for at in 0..bytes.len() {
                let mut wrong = bytes.clone();
                wrong[at] = !wrong[at];
                is_told_as_decoded(FlowChange::add(other), &wrong);
            }
        }
    }
}

#[test]
fn what_only_a_decoder_notices_is_noticed() {
    let [mut flow, metadata] = [
        "reg0=1,actions=set_field:7->reg1,set_field:8->reg2",
        "reg0=1,actions=set_field:7->tun_metadata3",
    ]
    .map(|text| parse_flow(text).unwrap());
    // Actions without their padding, two of which have a length that actions can have.
    let bytes = written(FlowChange::add(&flow));
    let [_, actions] = borders(&bytes);
    let [first, second, _] = actions[..] else {
        panic!("{actions:?}");
    };
    let mut uneven = bytes.clone();
    uneven.drain(second + 12..second + 16);
    uneven.drain(first + 12..first + 16);
    for (length, less) in [
        (2, 8),
        (18, 8),
        (first - 6, 8),
        (first + 2, 4),
        (second - 2, 4),
    ] {
        uneven[length + 1] -= less;
    }
    assert!(HEAD.reads_back(FlowChange::add(&flow), &uneven).is_err());
    is_told_as_decoded(FlowChange::add(&flow), &uneven);
    // One action where there were two, with a number where its padding should be.
    let mut padded = bytes.clone();
    padded.drain(first + 8..first + 16);
    padded[first + 3] = 24;
    let rest = padded.get_mut(first + 8..first + 24).unwrap();
    rest.copy_from_slice(&7u128.to_be_bytes());
    for (length, less) in [(2, 8), (18, 8), (first - 6, 8)] {
        padded[length + 1] -= less;
    }
    let one = parse_flow("reg0=1,actions=set_field:7->reg1").unwrap();
    let said = HEAD.reads_back(FlowChange::add(&one), &padded);
    assert_eq!(said.unwrap_err().error, OfpError::ACTION_BAD_SET_ARGUMENT);
    // A flow of all tables.
    let mut all = bytes.clone();
    all[40] = super::ALL_TABLES;
    flow.table = super::ALL_TABLES;
    assert!(HEAD.reads_back(FlowChange::add(&flow), &all).is_err());
    // The end of a long option is not all of it.
    let mut long = metadata.clone();
    long.instructions = Instructions::new().apply([Action::SetField(SetField::wide(
        Field::TunMetadata3,
        &LONG,
        None,
    ))]);
    let bytes = written(FlowChange::add(&long));
    assert_eq!(HEAD.reads_back(FlowChange::add(&long), &bytes), Ok(true));
    // Heads of other versions.
    for version in [Version::V13, Version::V14, Version::V15] {
        let head = BundleAddHead { version, ..HEAD };
        let mut bytes = Vec::new();
        head.encode_into(FlowChange::add(&one), &mut bytes);
        for reader in [Version::V13, Version::V14, Version::V15] {
            let reader = BundleAddHead {
                version: reader,
                ..HEAD
            };
            let said = reader.reads_back(FlowChange::add(&one), &bytes);
            assert_eq!(said, Ok(reader == head));
        }
    }
}

/// Where in a message entries of the match begin, and where actions do; each with the end.
fn borders(bytes: &[u8]) -> [Vec<usize>; 2] {
    let byte = |at: usize| usize::from(*bytes.get(at).unwrap());
    let (mut entries, mut actions) = (vec![68], Vec::new());
    let end = 64 + byte(66) * 256 + byte(67);
    while let Some(&at) = entries.last()
        && at < end
    {
        entries.push(at + 4 + byte(at + 3));
    }
    let instructions = end.next_multiple_of(8);
    if bytes.get(instructions..instructions + 2) == Some(&[0, 4]) {
        actions.push(instructions + 8);
        let end = instructions + byte(instructions + 2) * 256 + byte(instructions + 3);
        while let Some(&at) = actions.last()
            && at < end
        {
            actions.push(at + byte(at + 2) * 256 + byte(at + 3));
        }
    }
    [entries, actions]
}

#[test]
fn parts_in_another_order_and_parts_said_twice_are_told_as_they_are_decoded() {
    for flow in flows() {
        let change = FlowChange::add(&flow);
        let bytes = written(change);
        for places in borders(&bytes) {
            let pairs = |from: usize| places.iter().copied().filter(move |at| *at > from);
            for first in pairs(0) {
                for second in pairs(first) {
                    for end in pairs(second) {
                        let mut other = bytes.clone();
                        other
                            .get_mut(first..end)
                            .unwrap()
                            .rotate_left(second - first);
                        is_told_as_decoded(change, &other);
                        if end - second == second - first {
                            let mut other = bytes.clone();
                            other.copy_within(first..second, second);
                            is_told_as_decoded(change, &other);
                        }
                    }
                }
            }
        }
    }
}

/// A flow by chance, mostly of parts that are said plainly, which need not be ones that a switch would take.
fn by_chance(c: &mut Choices<'_>, known: &[Flow]) -> Flow {
    let field = |c: &mut Choices<'_>| {
        let any = c.pick(Field::ALL);
        let plain = any.info().as_is || c.below(8) == 0;
        if plain { any } else { Field::TunId }
    };
    let part = |c: &mut Choices<'_>, of: Field, bits| {
        let offset = if c.below(4) > 0 { 0 } else { c.u16() % 40 };
        Subfield::part(of, offset, bits)
    };
    let action = |c: &mut Choices<'_>| match c.below(16) {
        0 => samples::action(c, HEAD.version, 0),
        1 => Action::Output(Port(0u32.wrapping_sub(u32::from(c.u8() % 12)))),
        2 => Action::Output(Port(c.u32())),
        3 | 4 => Action::PopVlan,
        5..=8 => Action::Output(c.port()),
        9..=12 => Action::set_field(field(c), c.u128()),
        _ => {
            let (src, other) = (field(c), field(c));
            let dst = if other.bits() < src.bits() {
                src
            } else {
                other
            };
            let bits = if c.below(4) > 0 {
                src.bits()
            } else {
                c.u16() % 40
            };
            Action::Move {
                src: part(c, src, bits),
                dst: part(c, dst, bits),
            }
        }
    };
    let mut matches = match c.below(4) {
        0 => samples::matches(c, HEAD.version),
        _ => c.pick(known).matches,
    };
    for _ in 0..c.below(3) {
        matches.set(field(c), c.u128(), u128::MAX);
    }
    let instructions = match c.below(8) {
        0 => samples::instructions(c, HEAD.version),
        _ => Instructions {
            goto_table: c.maybe(Choices::u8),
            ..Instructions::new().apply(c.list(4, action))
        },
    };
    Flow {
        cookie: c.u64(),
        priority: c.u16(),
        importance: c.u16(),
        flags: FlowFlags(u16::from(c.u8()) >> c.below(8)),
        table: c.u8(),
        matches,
        instructions,
        ..Flow::default()
    }
}

#[test]
fn flows_by_chance_are_told_as_they_are_decoded() {
    let (known, mut plain, mut read) = (flows(), 0, 0);
    for seed in 0..3000 {
        let entropy: Vec<u8> = noise(seed).take(400).collect();
        let mut choices = Choices::new(&entropy);
        let flow = by_chance(&mut choices, &known);
        let c = &mut choices;
        let command = c.pick(&[
            FlowModCommand::Add,
            FlowModCommand::Modify,
            FlowModCommand::DeleteStrict,
        ]);
        let rare = |c: &mut Choices<'_>| (c.below(8) == 0).then(|| c.u32());
        let owned = FlowMod {
            cookie_mask: c.u64(),
            new_cookie: rare(c).map(u64::from),
            out_port: Port(rare(c).unwrap_or(u32::MAX)),
            out_group: c.u32(),
            ..FlowMod::new(command, flow.clone())
        };
        let add = FlowChange::add(&flow);
        for change in [add, FlowChange::from(&owned)] {
            let bytes = written(change);
            is_told_as_decoded(change, &bytes);
            plain += u32::from(change.is_plainly_in(body(&bytes)));
            read += u32::from(HEAD.reads_back(change, &bytes) == Ok(true));
            for (at, bit) in (0..bytes.len()).zip(noise(seed + 9)) {
                let mut other = bytes.clone();
                other[at] ^= 1 << (bit % 8);
                is_told_as_decoded(change, &other);
            }
        }
    }
    assert!(plain > 1000 && read > plain, "{plain} plain of {read}");
}
