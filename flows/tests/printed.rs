//! Messages and what `ovs-ofctl ofp-print` of Open vSwitch 3.1 printed of them, for what no other test has: sets of actions by
//! their bits, table statistics of OpenFlow 1.1 and 1.2, writes of parts of fields.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use flows::text::{Names, print_message};

/// Bytes in hexadecimal, the verbosity, and the text.
const PRINTED: &[(&str, u8, &str)] = &[
    (
        "021301180000000100030000000000000000000000000000636c6173736966696572000000000000000000000000000000000000000000 \
         00000003ff000003ff0000001f01ffffff01ffffff00000000000f424000000005000000000000000a0000000000000009010000000000 \
         00000000000000000000000000000000000000000000000000000000000000000000000003ff000003ff0000001f01ffffff01ffffff00 \
         000000000f424000000005000000000000000a000000000000000902000000000000007800000000000000000000000000000000000000 \
         00000000000000000000000000000005000003ff0000001f0000000700000007000000020000000900000006000000000000000a000000 \
         0000000009",
        1,
        r#"OFPST_TABLE reply (OF1.1) (xid=0x1):
  table 0 ("classifier"):
    active=5, lookup=10, matched=9
    config=controller
    max_entries=1000000
    instructions (table miss and others):
      instructions: apply_actions write_actions write_metadata goto_table
      Write-Actions and Apply-Actions features:
        actions: output group set_vlan_vid set_vlan_pcp strip_vlan push_vlan mod_dl_src mod_dl_dst mod_nw_src mod_nw_dst mod_nw_tos mod_nw_ecn mod_nw_ttl mod_tp_src mod_tp_dst dec_ttl set_mpls_label set_mpls_tc set_mpls_ttl dec_mpls_ttl push_mpls pop_mpls set_queue
    matching:
      exact match or wildcard: in_port eth_type vlan_{vid,pcp} mpls_{label,tc} nw_{proto,tos} tcp_{src,dst}

  table 1: ditto

  table 2 ("x"):
    active=6, lookup=10, matched=9
    config=drop
    max_entries=9
    instructions (table miss and others):
      (same instructions)
      Write-Actions and Apply-Actions features:
        actions: output set_vlan_vid set_vlan_pcp
    (same matching)
"#,
    ),
    (
        "031301900000000100030000000000000000000000000000636c6173736966696572000000000000000000000000000000000000000000 \
         000000000000000fff00000000000000ff0000000300000001000000000000000700000000000000030000000000000005000000000000 \
         00060000003e000000010000000a00000005000000000000000a0000000000000009010000000000000078000000000000000000000000 \
         000000000000000000000000000000000000000000000000000fff00000000000000ff0000000300000001000000000000000700000000 \
         00000003000000000000000500000000000000060000003e000000010000000a00000005000000000000000a0000000000000009020000 \
         000000000000000000000000000000000000000000000000000000000000000000000000000000000000000fff00000000000000ff0000 \
         00030000000100000000000000070000000000000003000000000000000500000000000000060000003e000000010000000b0000000500 \
         0000000000000a0000000000000009",
        1,
        r#"OFPST_TABLE reply (OF1.2) (xid=0x1):
  table 0 ("classifier"):
    active=5, lookup=10, matched=9
    metadata: match=0x5 write=0x6
    config=continue
    max_entries=10
    instructions (table miss and others):
      instructions: apply_actions clear_actions write_actions write_metadata goto_table
      Write-Actions features:
        actions: output
        supported on Set-Field: metadata in_port_oxm
      Apply-Actions features:
        actions: output
        supported on Set-Field: in_port_oxm
    matching:
      exact match or wildcard: metadata in_port_oxm eth_{src,dst,type} vlan_{vid,pcp}
      must exact match: ip_src nw_proto ip_dscp nw_ecn

  table 1 ("x"): ditto
  table 2:
    active=5, lookup=10, matched=9
    metadata: match=0x5 write=0x6
    config=continue
    max_entries=11
    (same instructions)
    (same matching)
"#,
    ),
    (
        "0111004000000001ffff00000000232000000009000000000000000f0000000f0000000100000002000000030000000400000fffffffff \
         ff0000000000000003",
        1,
        r#"NXST_GROUP_FEATURES reply (xid=0x1):
 Group table:
    Types:  0xf
    Capabilities:  0xf
    all group:
       max_groups=0x1
       actions: output enqueue set_vlan_vid set_vlan_pcp strip_vlan mod_dl_src mod_dl_dst mod_nw_src mod_nw_dst mod_nw_tos mod_tp_src mod_tp_dst
    select group:
       max_groups=0x2
       actions: output enqueue set_vlan_vid set_vlan_pcp strip_vlan mod_dl_src mod_dl_dst mod_nw_src mod_nw_dst mod_nw_tos mod_tp_src mod_tp_dst
    indirect group:
       max_groups=0x3
       actions: <none>
    fast failover group:
       max_groups=0x4
       actions: output set_vlan_vid
"#,
    ),
    (
        "051300380000000100080000000000000000000f0000000f0000000100000002000000030000000400000fffffffffff00000000000000 \
         03",
        1,
        r#"OFPST_GROUP_FEATURES reply (OF1.4) (xid=0x1):
 Group table:
    Types:  0xf
    Capabilities:  0xf
    all group:
       max_groups=0x1
       actions: output
    select group:
       max_groups=0x2
       actions: output group set_field strip_vlan push_vlan mod_nw_ttl dec_ttl set_mpls_ttl dec_mpls_ttl push_mpls pop_mpls set_queue
    indirect group:
       max_groups=0x3
       actions: <none>
    fast failover group:
       max_groups=0x4
       actions: output
"#,
    ),
    (
        "0104005000000000000023200000000d00000000000000000003000000008000ffffffffffff0000001c00000000000000013d10000000 \
         00000000050000000000000007000100040000000300000000",
        3,
        r#"NXT_FLOW_MOD (xid=0x0): DEL NXM_NX_COOKIE_W(0000000000000005/0000000000000007), NXM_NX_REG0(00000003) cookie:0x5/0x7 actions=drop
"#,
    ),
    (
        "060e006800000000000000000000000000000000000000000000000000008000ffffffffffffffffffffffff000000000001000a80000a \
         0208000000000000000004002800000000001900108000130201030000000000000019001000000b0214fc000000000000",
        1,
        r#"OFPT_FLOW_MOD (OF1.5) (xid=0x0): ADD ip actions=set_field:1/0x3->nw_ecn,set_field:20/0xfc->nw_tos
"#,
    ),
    (
        "040e006000000000000000000000000000000000000000000000000000008000ffffffffffffffffffffffff0000000000010004000000 \
         000004002800000000ffff00100000232000210001510212ff00190010000152011200000000000000",
        1,
        r#"OFPT_FLOW_MOD (OF1.3) (xid=0x0): ADD actions=set_field:0x12/0xff->tun_metadata0,set_field:0x12->tun_metadata1
"#,
    ),
    (
        "060e005800000000000000000000000000000000000000000000000000008000ffffffffffffffffffffffff000000000001000c80000d \
         04100010000000000000040018000000000019001080000d0400050fff00000000",
        1,
        r#"OFPT_FLOW_MOD (OF1.5) (xid=0x0): ***decode error: OFPBAC_BAD_SET_ARGUMENT***
00000000  06 0e 00 58 00 00 00 00-00 00 00 00 00 00 00 00 |...X............|
00000010  00 00 00 00 00 00 00 00-00 00 00 00 00 00 80 00 |................|
00000020  ff ff ff ff ff ff ff ff-ff ff ff ff 00 00 00 00 |................|
00000030  00 01 00 0c 80 00 0d 04-10 00 10 00 00 00 00 00 |................|
00000040  00 04 00 18 00 00 00 00-00 19 00 10 80 00 0d 04 |................|
00000050  00 05 0f ff 00 00 00 00-                        |........        |
"#,
    ),
    (
        "040e007000000000000000000000000000000000000000000000000000008000ffffffffffffffffffffffff000000000001000c80000d \
         0410001000000000000004003000000000ffff0018000023200007000b80000c0200000000000000050019001080000c02100600000000 \
         0000",
        1,
        r#"OFPT_FLOW_MOD (OF1.3) (xid=0x0): ADD vlan_tci=0x1000/0x1000 actions=load:0x5->OXM_OF_VLAN_VID[],set_field:4102->vlan_vid
"#,
    ),
];

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn messages_are_printed_as_ovs_ofctl_prints_them() {
    for (hex, verbosity, text) in PRINTED {
        assert_eq!(
            print_message(&unhex(hex), *verbosity, &Names::default()),
            *text
        );
    }
}

#[test]
fn instructions_are_known_in_capitals_too() {
    let flow = flows::text::parse_flow("actions=METER:4,output:2,Goto_Table:3").unwrap();
    assert_eq!(flow.instructions.meter, Some(4));
    assert_eq!(flow.instructions.goto_table, Some(3));
    assert!(flows::text::parse_flow("actions=meteR:4,output:2,meteR:4").is_err());
}
