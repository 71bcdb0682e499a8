//! Bytes and text that nobody meant: whatever comes, the answer is a value or an error, and it comes soon. What is read is
//! also written again, so that the printers see what the readers let through.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use flows::Version;
use flows::ofpkt::{Body, Message, pieces};
use flows::text::{
    Names, format_entries, parse_entries, parse_flow, parse_flow_mod, print_message,
};

/// Flows that between them use every kind of action.
const FLOWS: &[&str] = &[
    "table=1,priority=5,tcp,in_port=LOCAL,dl_vlan=5,tp_dst=80/0xfff0,actions=load:5->reg0,set_field:1/3->reg1,output:2",
    "actions=learn(table=2,limit=10,cookie=3,NXM_OF_VLAN_TCI[0..11],eth_dst=eth_src,load:0->NXM_OF_VLAN_TCI[],output:in_port)",
    "ip,actions=ct(commit,zone=5,table=3,nat(src=1.1.1.1-1.1.1.3:3-5,hash),exec(set_field:1->ct_mark,load:3->ct_label[3..5]))",
    "actions=clone(output:1,resubmit(,3)),check_pkt_larger(100)->reg0[3],sample(probability=1,sampling_port=3,egress)",
    "actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[]),bundle_load(nw_src,0,hrw,ofport,reg0[],members:1,2)",
    "actions=controller(reason=invalid_ttl,max_len=100,id=5,userdata=01.02,pause,meter_id=4),note:01.02,exit",
    "actions=encap(nsh(md_type=2,tlv(0x1000,10,0x12345678))),decap(packet_type(ns=0,type=0))",
    "actions=meter:4,output:2,clear_actions,write_actions(output:3,group:5),write_metadata:4/5,goto_table:3",
    "tun_metadata0=0x1234/0xff0f,tun_id=5,ct_state=+trk-new actions=push:reg0[1..3],pop:reg1[],delete_field:tun_metadata0",
    "icmp6,icmpv6_type=135,nd_target=fd00::1 actions=move:NXM_NX_ND_TARGET[]->NXM_NX_XXREG0[]",
    "conj_id=3 actions=conjunction(1,2/3),conjunction(4,1/2)",
    "packet_type=(1,0x894f),nsh_spi=4,actions=drop",
    "mpls,mpls_label=3,mpls_bos=1 actions=dec_mpls_ttl,pop_mpls:0x0800,fin_timeout(idle_timeout=3),enqueue:1:2",
];

/// A small generator of numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    /// Changes some bytes, cuts or repeats a part.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => bytes.extend_from_within(at..),
                2 => bytes.iter_mut().skip(at).take(1).for_each(|b| *b = 0),
                3 => bytes.iter_mut().skip(at).take(2).for_each(|b| *b = 0xff),
                _ => {
                    let value = u8::try_from(self.next() & 0xff).unwrap();
                    bytes.iter_mut().skip(at).take(1).for_each(|b| *b = value);
                }
            }
        }
    }
}

#[test]
fn spoiled_messages_are_read_or_refused() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for text in FLOWS {
        let change =
            parse_flow_mod(text, flows::ofpkt::FlowModCommand::Add, &Names::default()).unwrap();
        for version in Version::ALL {
            let whole = Message::new(version, 1, Body::FlowMod(Box::new(change.clone()))).encode();
            for _ in 0..100 {
                let mut bytes = whole.clone();
                numbers.spoil(&mut bytes);
                // Now and then the type is another one, and the length in the head agrees.
                if numbers.below(2) == 0 {
                    let kind = u8::try_from(numbers.below(40)).unwrap();
                    bytes.iter_mut().skip(1).take(1).for_each(|b| *b = kind);
                }
                let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
                bytes
                    .iter_mut()
                    .skip(2)
                    .zip(length)
                    .for_each(|(b, l)| *b = l);
                if let Ok(message) = Message::decode(&bytes) {
                    let again = message.encode();
                    assert!(
                        again.len() <= bytes.len() * 16 + 4096,
                        "{} bytes from {}",
                        again.len(),
                        bytes.len()
                    );
                }
                assert!(print_message(&bytes, 4, &Names::default()).ends_with('\n'));
                let body = bytes.get(8..).unwrap_or_default();
                let _ = pieces::decode_actions(body, version);
                let _ = pieces::decode_entries(body, false);
                assert!(!format_entries(body).is_empty());
            }
        }
    }
}

#[test]
fn spoiled_text_is_read_or_refused() {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for text in FLOWS {
        for _ in 0..2000 {
            let mut bytes = text.as_bytes().to_vec();
            numbers.spoil(&mut bytes);
            let spoiled = String::from_utf8_lossy(&bytes);
            let _ = parse_entries(&spoiled);
            let Ok(flow) = parse_flow(&spoiled) else {
                continue;
            };
            // What is read once is read again from what is written.
            let written = flow.to_string();
            let again = parse_flow(&written)
                .unwrap_or_else(|e| panic!("{spoiled:?} is written as {written:?}: {e}"));
            assert_eq!(again.to_string(), written, "from {spoiled:?}");
        }
    }
}

/// Texts of everything else that is read, whole dumps among them.
const TEXTS: &[&str] = &[
    "group_id=1,type=select,selection_method=hash,fields(eth_dst,ip_src=255.255.255.0),bucket=weight:5,actions=output:1,bucket=bucket_id:7,watch_port:2,2",
    "insert_bucket group_id=1,command_bucket_id=last,bucket=bucket_id:3,set_field:1->reg0,resubmit(,3)",
    "OFPST_GROUP reply (OF1.3) (xid=0x2):\n group_id=1,duration=2.5s,ref_count=0,packet_count=1,byte_count=2,bucket0:packet_count=1,byte_count=2,bucket3:packet_count=1,byte_count=2",
    " Group table:\n    Types:  0xf\n    Capabilities:  0x7\n    all group:\n       max_groups=0xffffff00\n       actions: output group set_field",
    "meter=1 kbps burst stats bands=\ntype=drop rate=1 burst_size=2\ntype=dscp_remark rate=3 burst_size=4 prec_level=5\n\nmeter=2 pktps bands=",
    "meter:1 flow_count:1 packet_in_count:2 byte_in_count:3 duration:4.5s bands:\n0: packet_count:6 byte_count:7\n1: packet_count:8 byte_count:9",
    "max_meter:9 max_bands:8 max_color:1\nband_types: drop dscp_remark\ncapabilities: kbps pktps burst stats",
    "  table 0 (\"main\"):\n    metadata: match=0xff write=0xff\n    max_entries=1000\n    instructions (table miss and others):\n      next tables: 1-253\n      instructions: meter apply_actions\n      Write-Actions and Apply-Actions features:\n        actions: output group\n        supported on Set-Field: tun_{id,gbp_{id,flags},metadata0...metadata63} reg0...reg15\n    matching:\n      arbitrary mask: eth_{src,dst}\n\n  tables 1...252: ditto\n\n  table 253:\n    (same features)",
    "in_port=1 packet=00010203040500102030405012340000 metadata=5,actions=output:2",
    "{class=0xffff,type=0,len=4}->tun_metadata0,{class=1,type=0x80,len=124}->tun_metadata63",
    "!own,table=3,out_port=2,tcp,in_port=1",
];

#[test]
fn spoiled_dumps_and_commands_are_read_or_refused() {
    use flows::ofpkt::{GroupModCommand, MeterModCommand};
    use flows::text;
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    let names = Names::default();
    for whole in TEXTS {
        for round in 0..500 {
            let mut bytes = whole.as_bytes().to_vec();
            if round > 0 {
                numbers.spoil(&mut bytes);
            }
            let spoiled = String::from_utf8_lossy(&bytes);
            for command in [GroupModCommand::ADD, GroupModCommand::DELETE] {
                if let Ok(change) = text::parse_group_mod(&spoiled, command, &names) {
                    let told = change.to_text(&names);
                    let again = text::parse_group_mod(&told, command, &names);
                    assert_eq!(again.unwrap(), change, "{told}");
                }
            }
            for group in text::parse_group_dump(&spoiled, &names).unwrap_or_default() {
                let told = group.to_text(&names);
                assert_eq!(text::parse_group(&told, &names).unwrap(), group, "{told}");
            }
            let counted = text::parse_group_stats_dump(&spoiled).unwrap_or_default();
            assert!(
                counted
                    .iter()
                    .all(|group| group.buckets.len() <= spoiled.len() * 4)
            );
            let _ = text::parse_group_features(&spoiled, Version::V13);
            if let Ok(change) = text::parse_meter_mod(&spoiled, MeterModCommand::Add) {
                let told = change.config.to_text();
                let again = text::parse_meter_mod(&told, MeterModCommand::Add);
                assert_eq!(again.unwrap(), change, "{told}");
            }
            let _ = text::parse_meter_dump(&spoiled);
            let _ = text::parse_meter_stats_dump(&spoiled);
            let _ = text::parse_meter_features(&spoiled);
            let _ = text::parse_packet_out(&spoiled, &names);
            let _ = text::parse_tlv_maps(&spoiled);
            let _ = text::parse_flow_monitor(&spoiled, Version::V14, &names);
            if let Ok(tables) = text::parse_table_features_dump(&spoiled, Version::V13) {
                assert!(tables.len() <= 255);
                assert!(text::format_table_features(&tables, Version::V13).is_ok());
            }
        }
    }
}

#[test]
fn nesting_has_a_limit() {
    let deep = format!(
        "actions={}output:1{}",
        "clone(".repeat(5000),
        ")".repeat(5000)
    );
    assert!(parse_flow(&deep).is_err());
    let mut bytes = Vec::new();
    for _ in 0..200 {
        // An action clone that holds the one before.
        let mut outer = vec![0xff, 0xff, 0, 0, 0, 0, 0x23, 0x20, 0, 42, 0, 0, 0, 0, 0, 0];
        outer.extend_from_slice(&bytes);
        let length = u16::try_from(outer.len()).unwrap().to_be_bytes();
        outer
            .iter_mut()
            .skip(2)
            .zip(length)
            .for_each(|(b, l)| *b = l);
        bytes = outer;
    }
    assert!(pieces::decode_actions(&bytes, Version::V14).is_err());
}
