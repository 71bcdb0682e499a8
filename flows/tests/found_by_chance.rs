//! What heddle once read, refused or said otherwise than Open vSwitch 3.1, found on flows and messages by chance (see
//! `differential_openflow` of the package `tests`), with what `ovs-ofctl parse-flow` and `ofp-print` make of each.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use flows::Version;
use flows::ofpkt::{Body, FlowModCommand, Message};
use flows::text::{Names, check_change_for, parse_flow_mod, print_message};

/// A version, a flow, and the FLOW_MOD as it is printed, without what stands before the command.
const FLOWS: &[(Version, &str, &str)] = &[
    (
        Version::V10,
        "actions=enqueue::1:2",
        "ADD actions=enqueue:1:2",
    ),
    (
        Version::V10,
        "actions=enqueue:1q2",
        "ADD actions=enqueue:1:2",
    ),
    (
        Version::V14,
        "actions=learn(priority=010,idle_timeout=0x10,hard_timeout=-1,fin_idle_timeout=65537,fin_hard_timeout=7s,limit=4294967297)",
        "ADD actions=learn(table=1,hard_timeout=65535,fin_idle_timeout=1,fin_hard_timeout=7,priority=10,limit=1)",
    ),
    (
        Version::V13,
        "actions=set_field:*->tun_metadata59",
        "ADD actions=set_field:ANY->tun_metadata59",
    ),
    (
        Version::V15,
        "dl_vlan=5,actions=set_field:4980/0x1fff->vlan_vid",
        "ADD dl_vlan=5 actions=set_field:4980/0x1fff->vlan_vid",
    ),
    (
        Version::V12,
        "dl_vlan=3,dl_vlan_pcp=2,vlan_vid=0/2,actions=mod_vlan_pcp:0",
        "ADD vlan_tci=0x0000/0x0002 actions=push_vlan:0x8100,set_field:0->vlan_pcp",
    ),
    (
        Version::V13,
        "vlan_tci=0x6000/0xe000,actions=drop",
        "ADD actions=drop",
    ),
    (
        Version::V14,
        "ip,packet_type=(1,21888),ip_ecn=0,actions=drop",
        "***decode error: OFPBMC_BAD_PREREQ***",
    ),
    (
        Version::V13,
        "actions=load:0x7db4->vlan_tci[],mod_vlan_pcp:7",
        "ADD actions=load:0x7db4->NXM_OF_VLAN_TCI[],set_field:7->vlan_pcp",
    ),
    (
        Version::V13,
        "actions=load:0x7f->vlan_tci[6..12],mod_vlan_vid:1882",
        "ADD actions=load:0x7f->NXM_OF_VLAN_TCI[6..12],set_field:5978->vlan_vid",
    ),
    (
        Version::V14,
        "dl_vlan=7,actions=set_field:0x0->vlan_tci,clone(mod_vlan_vid:2280)",
        "ADD dl_vlan=7 actions=set_field:0->vlan_tci,clone(push_vlan:0x8100,set_field:6376->vlan_vid)",
    ),
    (
        Version::V15,
        "dl_vlan=3,actions=push_vlan:0x88a8,pop_vlan,mod_vlan_vid:512",
        "ADD dl_vlan=3 actions=push_vlan:0x88a8,pop_vlan,set_field:4608->vlan_vid",
    ),
    (
        Version::V14,
        "vlan_vid=0x1000/0x1000,dl_vlan_pcp=0x6/0,actions=drop",
        "ADD actions=drop",
    ),
    (
        Version::V14,
        "dl_vlan=3,dl_vlan_pcp=2,dl_vlan=*,actions=drop",
        "ADD dl_vlan_pcp=2 actions=drop",
    ),
    (
        Version::V15,
        "dl_vlan=3,dl_vlan_pcp=2,vlan_vid=2259/0,actions=drop",
        "ADD dl_vlan_pcp=2 actions=drop",
    ),
    (
        Version::V10,
        "icmp6,icmp_type=136,tp_src=8/10053,actions=drop",
        "ADD icmp6,icmp_type=0 actions=drop",
    ),
    (
        Version::V13,
        "actions=load:5->tun_metadata36[52..101]",
        "ADD actions=set_field:0x50000000000000/0x3ffffffffffff0000000000000->tun_metadata36",
    ),
    (
        Version::V13,
        "ip,actions=ct(commit,nat(src=1.1.1.1-1.1.1.1:5-5))",
        "ADD ip actions=ct(commit,nat(src=1.1.1.1:5))",
    ),
    (
        Version::V13,
        "ip,actions=ct(commit,nat(src=0.0.0.0))",
        "ADD ip actions=ct(commit,nat(src))",
    ),
    (
        Version::V13,
        "ip,actions=ct(commit,nat(src=01.1.1.1:0,persistent))",
        "ADD ip actions=ct(commit,nat(src=1.1.1.1,persistent))",
    ),
    (
        Version::V13,
        "ip,actions=ct(commit,nat(dst,hash))",
        "ADD ip actions=ct(commit,nat(dst))",
    ),
    (
        Version::V13,
        "actions=mod_vlan_pcp:7,encap(nsh(md_type=2,tlv(0x1000,10,0x123456678)))",
        "ADD actions=push_vlan:0x8100,set_field:7->vlan_pcp,encap(nsh(md_type=2,tlv(0x1000,10,0x12345667)))",
    ),
    (
        Version::V13,
        "actions=resubmit(,23,,ct)",
        "ADD actions=resubmit(,23)",
    ),
    (
        Version::V13,
        "actions=bundle(nw_dst,44,HRW,OFPORT,members",
        "ADD actions=bundle(nw_dst,44,hrw,ofport,members:)",
    ),
    (
        Version::V13,
        "actions=bundle(nw_dst 44 hrw ofport slaves:[1,2] 3)",
        "ADD actions=bundle(nw_dst,44,hrw,ofport,members:1,2,3)",
    ),
    (
        Version::V13,
        "actions=multipath(ETH_SRC,50,Modulo_N,1,0,reg0[])",
        "ADD actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[])",
    ),
    (Version::V13, "dl_type=,actions=drop", "ADD actions=drop"),
    (
        Version::V13,
        "reg0=0x,actions=drop",
        "ADD reg0=0 actions=drop",
    ),
    (
        Version::V13,
        "metadata=-1,actions=drop",
        "ADD metadata=0xffffffffffffffff actions=drop",
    ),
    (
        Version::V13,
        "actions=load:0x->reg0[]",
        "ADD actions=load:0->NXM_NX_REG0[]",
    ),
    (
        Version::V13,
        "actions=controller(meter_id=0,id=5)",
        "ADD actions=controller(id=5)",
    ),
    (
        Version::V13,
        "ip,nw_src=010.1.1.1,actions=drop",
        "ADD ip,nw_src=10.1.1.1 actions=drop",
    ),
];

/// Flows that are none.
const REFUSED: &[&str] = &[
    "tun_flags=1/3,actions=drop",
    "ct_state=1/0x1ff,actions=drop",
    "tcp,tcp_flags=1/0x1fff,actions=drop",
    "actions=enqueue:1::2",
    "reg0=,tun_id,ip,nw_src=,actions=drop",
    "ip,actions=mod_nw_src:0.00.16.0",
    "actions=clone(conjunction(7,1/2),output:1)",
    "actions=move:NXM_NX_CT_LABEL[32..103]->ct_label[26..97]",
    "tun_metadata46=1,tun_metadata46=*,actions=drop",
    "actions=output:NxM_OF_ETH_DST[6..44]",
    "actions=bundle_load(symmetric_l3l4,41628,active_backup,ofport,reg1[3..18],slaves::37446)",
    "in_port=1/1,actions=drop",
    "in_port=,actions=drop",
    "REG0=1,actions=drop",
    "dp_hash=any,actions=drop",
    "actions=set_field:1->EXT",
];

#[test]
fn flows_are_said_as_open_vswitch_says_them() {
    for (version, text, want) in FLOWS {
        let change = parse_flow_mod(text, FlowModCommand::Add, &Names::default())
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        check_change_for(&change, *version).unwrap_or_else(|error| panic!("{text}: {error}"));
        let bytes = Message::new(*version, 1, Body::FlowMod(Box::new(change))).encode();
        let have = print_message(&bytes, 0, &Names::default());
        let (_, have) = have.split_once("(xid=0x1): ").unwrap();
        // Of what a switch refuses the bytes follow.
        assert_eq!(have.lines().next(), Some(*want), "{text}");
    }
}

#[test]
fn what_is_no_flow_is_refused() {
    for text in REFUSED {
        let read = parse_flow_mod(text, FlowModCommand::Add, &Names::default());
        assert!(read.is_err(), "{text} is read as {read:?}");
    }
}

/// Messages with what is printed of each, to the error if there is one: behind it stand the bytes.
const MESSAGES: &str = include_str!("recorded/spoiled.tsv");

#[test]
fn messages_are_told_as_open_vswitch_tells_them() {
    for line in MESSAGES.lines() {
        let (digits, want) = line.split_once('\t').unwrap();
        let want = want.replace("\\n", "\n").replace("\\\\", "\\");
        let bytes: Vec<u8> = (0..digits.len() / 2)
            .map(|n| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        let have = print_message(&bytes, 2, &Names::default());
        let told = match want.contains("***decode error") {
            true => have.get(..want.len()).unwrap_or(&have),
            false => &have,
        };
        assert_eq!(told, want, "{digits}");
    }
}

/// Neither a mask of the whole id nor bits that are written to the whole tag are lost.
#[test]
fn the_mask_of_a_write_is_part_of_its_bytes() {
    let bytes = |text: &str| {
        let change = parse_flow_mod(text, FlowModCommand::Add, &Names::default()).unwrap();
        Message::new(Version::V15, 0, Body::FlowMod(Box::new(change))).encode()
    };
    let has = |text: &str, entry: &[u8]| bytes(text).windows(entry.len()).any(|part| part == entry);
    let masked = "dl_vlan=5,actions=set_field:884/8191->vlan_vid";
    assert!(has(masked, &[0x80, 0, 0x0d, 4, 0x03, 0x74, 0x1f, 0xff]));
    let whole = "dl_vlan=5,actions=set_field:884->vlan_vid";
    assert!(has(whole, &[0x80, 0, 0x0c, 2, 0x03, 0x74, 0, 0]));
}

/// A range of one address is told as that address, but has other bytes.
#[test]
fn a_range_of_one_is_kept_and_is_the_same_flow() {
    let flow = |text: &str| flows::text::parse_flow(text).unwrap();
    let range = flow("ip,actions=ct(commit,nat(src=1.1.1.1-1.1.1.1:5-5))");
    let one = flow("ip,actions=ct(commit,nat(src=1.1.1.1:5))");
    assert_eq!(range, one);
    assert_ne!(range.instructions, one.instructions);
    assert_ne!(one, flow("ip,actions=ct(commit,nat(src=1.1.1.1:5-6))"));
}
