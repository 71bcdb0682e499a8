//! Flows that are read, written and read again.

use super::*;

#[test]
fn canonical_text_reads_back_as_itself() {
    for text in [
        "actions=drop",
        "cookie=0x12, table=1, priority=10,ip,in_port=4,dl_vlan=5,dl_dst=02:00:00:00:00:01,nw_src=10.0.0.0/8 actions=output:3",
        "idle_timeout=3, send_flow_rem, arp,arp_spa=1.1.1.1,arp_op=1 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],IN_PORT",
        "tcp6,ipv6_src=fd00::/64,tp_dst=0x10/0xf0 actions=set_field:1/3->reg1,resubmit(,4),resubmit:3",
        "actions=learn(table=2,cookie=0x3,limit=10,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],\
         load:0->NXM_OF_VLAN_TCI[],output:NXM_OF_IN_PORT[])",
        "ip actions=ct(commit,zone=5,nat(src=1.1.1.1-1.1.1.3:3-5,persistent,hash),exec(set_field:0x1->ct_mark))",
        "actions=meter:4,output:2,clear_actions,write_actions(output:3),write_metadata:0x4/0x5,goto_table:3",
        "ct_state=+est-rel+trk,ip actions=NORMAL",
        "tun_metadata0=0x1234/0xff0f actions=controller(id=5,userdata=01.02,pause)",
    ] {
        let flow = parse_flow(text).unwrap();
        let canonical = flow.to_string();
        assert_eq!(
            parse_flow(&canonical).unwrap().to_string(),
            canonical,
            "{text}"
        );
    }
}

#[test]
fn faults_have_a_place() {
    for (text, column) in [
        ("in_port=1,nonsense=3 actions=drop", 11),
        ("in_port=1 actions=output:2,nonsense", 28),
        ("priority=99999 actions=drop", 10),
        ("ip,nw_src=1.2.3 actions=drop", 11),
        ("in_port=1", 10),
    ] {
        assert_eq!(parse_flow(text).unwrap_err().column, column, "{text}");
    }
}

#[test]
fn commands_stand_in_front() {
    let read = |text| parse_flow_mod(text, FlowModCommand::Add, &Names::default()).unwrap();
    assert_eq!(
        read("delete_strict table=3,priority=5,ip").command,
        FlowModCommand::DeleteStrict
    );
    assert_eq!(read("modify cookie=1/3 actions=drop").cookie_mask, 3);
    assert_eq!(read("ip actions=drop").command, FlowModCommand::Add);
    assert!(
        parse_flow_mod(
            "delete ip actions=drop",
            FlowModCommand::Add,
            &Names::default()
        )
        .is_err()
    );
}

#[test]
fn changes_are_written_and_read_back() {
    for text in [
        "delete",
        "delete table=0, ip,nw_src=10.0.0.1",
        "delete_strict cookie=0x1/0xff, table=3, priority=7,in_port=LOCAL",
        "modify table=0, cookie=0x5, tcp actions=drop",
        "delete out_port=3, table=0, tcp",
        "table=3, priority=9,arp actions=output:1",
    ] {
        let read =
            |text: &str| parse_flow_mod(text, FlowModCommand::Add, &Names::default()).unwrap();
        assert_eq!(read(text).to_text(&Names::default()), text);
        assert_eq!(read(&read(text).to_text(&Names::default())), read(text));
    }
    assert!(
        parse_flow_mod(
            "delete priority=3,ip",
            FlowModCommand::Add,
            &Names::default()
        )
        .is_err()
    );
}

#[test]
fn what_a_version_has_no_words_for_is_refused() {
    use crate::Version::{V10, V11, V13, V14};
    let check =
        |text: &str, version| crate::text::check_for(&parse_flow(text).unwrap(), version).is_ok();
    for (text, version, fine) in [
        ("actions=push_vlan:0x8100,output:1", V10, false),
        ("actions=push_vlan:0x8100,output:1", V11, true),
        ("actions=clone(push_vlan:0x8100,output:1)", V10, false),
        ("actions=encap(ethernet)", V11, false),
        ("actions=meter:1,output:1", V11, false),
        ("actions=meter:1,output:1", V13, true),
        ("actions=clear_actions", V10, false),
        ("actions=strip_vlan", V10, true),
        ("actions=strip_vlan", V14, false),
        ("dl_vlan=3 actions=strip_vlan", V14, true),
    ] {
        assert_eq!(check(text, version), fine, "{text} in {version}");
    }
}
