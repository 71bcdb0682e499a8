//! Groups, meters and tables as text, against Open vSwitch itself: what `ovs-ofctl` takes and refuses is taken and refused, what it
//! makes of it is the same, and what it dumps of a real switch is read and, printed again, the same text.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::process::Command;

use flows::Version;
use flows::ofpkt::{
    Body, GroupModCommand, Message, MeterModCommand, MultipartReply, MultipartRequest,
    TableFeatures,
};
use flows::text::{
    Names, format_table_features, parse_group_dump, parse_group_features, parse_group_mod,
    parse_group_stats_dump, parse_meter_dump, parse_meter_features, parse_meter_mod,
    parse_meter_stats_dump, parse_packet_out, parse_table_features_dump, parse_tlv_maps,
    print_message,
};
use tests::{Connection, PrivateSwitch};

/// Groups of every kind, well said and not.
const GROUPS: [&str; 46] = [
    "group_id=1,type=all",
    "group_id=1,type=all,bucket=output:1",
    "group_id=1 type=all bucket=1,2,3",
    "group_id=0,type=all,bucket=actions=output:1,output:2,bucket=actions=drop",
    "group_id=4294967040,type=select,bucket=weight:5,1,bucket=weight=0,actions=2,bucket=3",
    "group_id=2,type=select,selection_method=hash,bucket=output:1",
    "group_id=2,type=select,selection_method=hash,fields=eth_dst,bucket=output:1",
    "group_id=2,type=select,selection_method=hash,fields(eth_dst,ip_src=255.255.255.0,tcp_dst),bucket=output:1",
    "group_id=2,type=select,selection_method=hash,selection_method_param=0x10,fields(ip_dst),bucket=1",
    "group_id=2,type=select,selection_method=dp_hash,selection_method_param=7,bucket=1",
    "group_id=3,type=indirect,bucket=set_field:00:00:00:00:00:01->eth_dst,output:7",
    "group_id=3,type=indirect",
    "group_id=4,type=ff,bucket=watch_port:1,actions=1,bucket=watch_group:5,actions=group:5",
    "group_id=4,type=fast_failover,bucket=watch_port:controller,controller",
    "group_id=5,type=all,bucket=bucket_id:9,actions=1,bucket=bucket_id=0,2",
    "group_id=5,type=all,bucket=load:0x5->NXM_NX_REG0[],resubmit(,7)",
    "group_id=5,type=all,bucket=ct(commit,zone=1),2",
    "group_id=5,type=all,bucket=action=learn(table=1,in_port=5,output:reg0[0..15]),1",
    "group_id=5,type=all,bucket=push_vlan:0x8100,set_field:4097->vlan_vid,output:1",
    "group_id=5,type=all,bucket=actions=",
    "group_id=5,type=all,bucket=drop",
    "group_id=5,type=all,bucket=WEIGHT=0,ACTIONS=1",
    "type=all,bucket=1",
    "group_id=1,bucket=1",
    "group_id=1,type=other,bucket=1",
    "group_id=4294967041,type=all,bucket=1",
    "group_id=x,type=all,bucket=1",
    "group_id=1,type=all,bucket=",
    "group_id=1,type=all,bucket=weight:1",
    "group_id=1,type=all,bucket=weight:1,actions=1",
    "group_id=1,type=all,bucket=actions=clear_actions",
    "group_id=1,type=all,bucket=actions=goto_table:1",
    "group_id=1,type=all,bucket=actions=drop,1",
    "group_id=1,type=all,bucket=flub",
    "group_id=1,type=indirect,bucket=1,bucket=2",
    "group_id=1,type=ff,bucket=1",
    "group_id=1,type=ff,bucket=watch_port:flood,1",
    "group_id=1,type=all,bucket=bucket_id:4294967041,actions=1",
    "group_id=1,type=all,bucket=watch_group:4294967295,actions=1",
    "group_id=1,type=select,fields(eth_dst),bucket=1",
    "group_id=1,type=select,selection_method_param=1,bucket=1",
    "group_id=1,type=select,selection_method=hash,fields(eth_dst,eth_dst),bucket=1",
    "group_id=1,type=select,selection_method=hash,fields(flub),bucket=1",
    "group_id=1,type=select,selection_method=hash,fields(ip_dst=0.0.0.0),bucket=1",
    "group_id=1,type=all,command_bucket_id=1,bucket=1",
    "group_id=1,type=all,bukket=1",
];

#[test]
fn groups_are_taken_and_refused_as_by_ovs_ofctl() {
    for text in GROUPS {
        let out = Command::new("ovs-ofctl")
            .args(["-O", "OpenFlow15", "parse-group", text])
            .output()
            .unwrap();
        let theirs = String::from_utf8_lossy(&out.stdout).into_owned();
        let ours = parse_group_mod(text, GroupModCommand::ADD, &Names::default());
        match (out.status.success(), ours) {
            (true, Ok(change)) => {
                let body = Body::GroupMod(change.clone());
                let bytes = Message::new(Version::V15, 1, body).encode();
                let have = print_message(&bytes, 0, &Names::default());
                let want: Vec<&str> = theirs.lines().skip(2).collect();
                assert_eq!(have.trim_end(), want.join("\n"), "{text}");
                let told = change.to_text(&Names::default());
                let again = parse_group_mod(&told, GroupModCommand::ADD, &Names::default());
                assert_eq!(again, Ok(change), "{told}");
            }
            (false, Err(_)) => {}
            (taken, ours) => {
                let why = String::from_utf8_lossy(&out.stderr);
                panic!("{text}: ovs-ofctl takes it: {taken} {why}, heddle: {ours:?}");
            }
        }
    }
}

/// Meters and what is like them, well said and not.
const METERS: [&str; 24] = [
    "meter=1 kbps bands=type=drop rate=1000",
    "meter=1,pktps,stats,bands=type=drop,rate=1",
    "meter:1 kbps bands=type=drop rate=1",
    "kbps meter=all bands=type=drop rate=1",
    "meter=controller kbps burst band=type=drop rate=1 burst_size=2",
    "meter=slowpath pktps bands=type=drop rate=1 type=drop rate=2",
    "meter=4294901760 kbps bands=type=dscp_remark rate=1 prec_level=7",
    "meter=0x10 kbps bands=\n  type=drop\n  rate=1",
    "meter=1 stats bands=type=drop rate=1",
    "meter=1 kbps",
    "meter=1 kbps bands=",
    "meter=1 bands=type=drop rate=1",
    "meter=0 kbps bands=type=drop rate=1",
    "meter=4294901761 kbps bands=type=drop rate=1",
    "meter=any kbps bands=type=drop rate=1",
    "kbps bands=type=drop rate=1",
    "meter=1 kbps bands=rate=1",
    "meter=1 kbps bands=type=mark rate=1",
    "meter=1 kbps bands=type=drop",
    "meter=1 kbps bands=type=drop rate=1 burst_size=1",
    "meter=1 kbps burst bands=type=drop rate=1",
    "meter=1 kbps bands=type=dscp_remark rate=1",
    "meter=1 kbps bands=type=drop rate=1 prec_level=1",
    "meter=1 kbps flub=1 bands=type=drop rate=1",
];

/// Whether the real `ovs-ofctl` takes a text, and what it says: only then does it look for the bridge, which is not there.
fn taken(command: &str, text: &str) -> (bool, String) {
    let empty = tempfile::tempdir().unwrap();
    let options = [
        "-O",
        "OpenFlow13",
        "--no-names",
        command,
        "no-such-bridge",
        text,
    ];
    let out = Command::new("ovs-ofctl")
        .args(options)
        .env("OVS_RUNDIR", empty.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    (said.contains("no-such-bridge is not a bridge"), said)
}

/// Packets to send, well said and not.
const PACKETS: [&str; 18] = [
    "in_port=1 packet=0001020304050010203040501234 actions=2",
    "packet=0001020304050010203040501234",
    "in_port=controller,packet=0001020304050010203040501234,action=drop",
    "in_port=local packet=0001020304050010203040501234 actions=controller,1",
    "in_port=none packet=0001020304050010203040501234 actions=set_field:1->reg0,resubmit(,3)",
    "in_port=1 packet=0001020304050010203040501234 metadata=5,reg0=1,tun_id=3,actions=table",
    "packet_type(0,0x0) packet=0001020304050010203040501234 actions=1",
    "packet_type=(1,0x800) packet=0001020304050010203040501234 actions=1",
    "in_port=1 actions=2",
    "in_port=flood packet=0001020304050010203040501234 actions=2",
    "in_port=flub packet=0001020304050010203040501234 actions=2",
    "in_port packet=0001020304050010203040501234 actions=2",
    "packet=00",
    "packet=000102030405001020304050123x",
    "ip_dst=1.2.3.4 packet=0001020304050010203040501234 actions=2",
    "in_port=1 packet=0001020304050010203040501234 actions=flub",
    "in_port=1 packet=0001020304050010203040501234 actions=clear_actions",
    "flub=1 packet=0001020304050010203040501234 actions=2",
];

#[test]
fn packets_to_send_are_taken_and_refused_as_by_ovs_ofctl() {
    for text in PACKETS {
        let (taken, said) = taken("packet-out", text);
        let ours = parse_packet_out(text, &Names::default());
        assert_eq!(ours.is_ok(), taken, "{text}: {said} {ours:?}");
    }
}

#[test]
fn tunnel_options_are_taken_and_refused_as_by_ovs_ofctl() {
    for text in [
        "{class=0xffff,type=0,len=4}->tun_metadata0",
        "{class=1,type=0x80,len=124}->tun_metadata63,{class=2,type=3,len=8}->tun_metadata1",
        "{class=1,type=1,len=4}",
        "{type=1,class=1,len=4}->tun_metadata0",
        "{class=1,type=1,len=4}->reg0",
        "flub",
    ] {
        let (taken, said) = taken("add-tlv-map", text);
        let ours = parse_tlv_maps(text);
        assert_eq!(ours.is_ok(), taken, "{text}: {said} {ours:?}");
    }
}

#[test]
fn meters_are_taken_and_refused_as_by_ovs_ofctl() {
    for text in METERS {
        let (taken, said) = taken("add-meter", text);
        let ours = parse_meter_mod(text, MeterModCommand::Add);
        assert_eq!(ours.is_ok(), taken, "{text}: {said} {ours:?}");
        if let Ok(change) = ours {
            let told = change.config.to_text();
            assert_eq!(
                parse_meter_mod(&told, MeterModCommand::Add),
                Ok(change),
                "{told}"
            );
        }
    }
}

/// A bridge with groups and meters, all of them made by the real `ovs-ofctl`.
fn bridge() -> PrivateSwitch {
    let switch = PrivateSwitch::start(&[]);
    switch.succeed(&[
        "ovs-vsctl",
        "add-br",
        "br0",
        "--",
        "set",
        "bridge",
        "br0",
        "datapath_type=dummy",
        "protocols=[OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,OpenFlow14,OpenFlow15]",
    ]);
    for group in [
        "group_id=1,type=all,bucket=output:1,output:2,bucket=actions=drop",
        "group_id=2,type=select,selection_method=hash,fields(eth_dst,ip_src=255.255.255.0),bucket=weight:5,1,bucket=2",
        "group_id=3,type=indirect,bucket=set_field:00:00:00:00:00:01->eth_dst,group:1",
        "group_id=4,type=ff,bucket=watch_port:1,actions=1,bucket=watch_group:1,actions=group:1",
        "group_id=5,type=select,bucket=bucket_id:77,actions=ct(commit,zone=5),resubmit(,3)",
    ] {
        switch.succeed(&["ovs-ofctl", "-OOpenFlow15", "add-group", "br0", group]);
    }
    for meter in [
        "meter=1 kbps burst stats bands=type=drop rate=1000 burst_size=200",
        "meter=2 pktps bands=type=drop rate=5",
        "meter=controller pktps stats bands=type=drop rate=7",
    ] {
        switch.succeed(&["ovs-ofctl", "-OOpenFlow13", "add-meter", "br0", meter]);
    }
    switch
}

#[test]
fn dumps_of_a_real_switch_are_read_and_printed_again() {
    let switch = bridge();
    for version in Version::ALL {
        let option = format!("-OOpenFlow1{}", version.wire() - 1);
        let dump = |command: &str| {
            let out = switch.succeed(&["ovs-ofctl", &option, command, "br0"]);
            String::from_utf8(out.stdout).unwrap()
        };
        let same = |text: &str, reply: MultipartReply| {
            let body = Body::MultipartReply(reply, false);
            let bytes = Message::new(version, 2, body).encode();
            let have = print_message(&bytes, 1, &Names::default());
            // The head has the transaction id.
            let rest = |text: &str| text.lines().skip(1).collect::<Vec<_>>().join("\n");
            assert_eq!(rest(&have), rest(text), "{version}");
        };
        let text = dump("dump-groups");
        let groups = parse_group_dump(&text, &Names::default()).unwrap();
        assert_eq!(groups.len(), 5, "{text}");
        same(&text, MultipartReply::GroupDesc(groups));

        let text = dump("dump-group-stats");
        let stats = parse_group_stats_dump(&text).unwrap();
        assert_eq!(stats.len(), 5, "{text}");
        same(&text, MultipartReply::Group(stats));

        let text = dump("dump-group-features");
        let features = parse_group_features(&text, version).unwrap();
        assert_ne!(features.actions, [0; 4]);
        same(&text, MultipartReply::GroupFeatures(features));

        if version < Version::V13 {
            continue;
        }
        let text = dump("dump-meters");
        let meters = parse_meter_dump(&text).unwrap();
        assert_eq!(meters.len(), 3, "{text}");
        same(&text, MultipartReply::MeterConfig(meters));

        let text = dump("meter-stats");
        let stats = parse_meter_stats_dump(&text).unwrap();
        assert_eq!(stats.len(), 3, "{text}");
        same(&text, MultipartReply::Meter(stats));

        let text = dump("meter-features");
        let features = parse_meter_features(&text).unwrap();
        assert_ne!(features.max_meters, 0);
        same(&text, MultipartReply::MeterFeatures(features));
    }
}

#[test]
fn tables_of_a_real_switch_are_read_and_printed_again() {
    let switch = bridge();
    switch.succeed(&[
        "ovs-vsctl",
        "--",
        "--id=@t",
        "create",
        "Flow_Table",
        "name=main",
        "flow_limit=1024",
        "--",
        "set",
        "bridge",
        "br0",
        "flow_tables:3=@t",
    ]);
    for version in [Version::V13, Version::V14, Version::V15] {
        let option = format!("-OOpenFlow1{}", version.wire() - 1);
        let out = switch.succeed(&["ovs-ofctl", &option, "dump-table-features", "br0"]);
        let text = String::from_utf8(out.stdout).unwrap();
        let tables = parse_table_features_dump(&text, version).unwrap();
        assert_eq!(tables.len(), 254);
        assert_eq!(format_table_features(&tables, version).unwrap(), text);

        // What the text says is what the switch has said: the same properties, if perhaps in another order of fields.
        let socket = switch.dir().join("br0.mgmt");
        let mut connection = Connection::open(&socket, version).unwrap();
        let question = MultipartRequest::TableFeatures(Vec::new());
        let parts = connection.ask_parts(Body::MultipartRequest(question));
        let mut real = Vec::new();
        for part in parts.unwrap() {
            let MultipartReply::TableFeatures(part) = part else {
                panic!("{part:?}");
            };
            real.extend(part);
        }
        for (read, real) in tables.iter().zip(&real) {
            let sizes = |table: &TableFeatures| {
                let mut all: Vec<(u16, usize)> = table
                    .properties
                    .iter()
                    .map(|(kind, data)| (*kind, data.len()))
                    .collect();
                all.sort_unstable();
                all
            };
            assert_eq!(sizes(read), sizes(real), "{version} table {}", real.table);
            assert_eq!((read.table, &read.name), (real.table, &real.name));
        }
    }
}
