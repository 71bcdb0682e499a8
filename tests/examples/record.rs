//! Records what the installed Open vSwitch does with flows of our own and says of itself, for the test of the `flows` crate that
//! replays it without Open vSwitch: `cargo run -p tests --example record`. A record is a line of `flows/tests/recorded/*.tsv`:
//! form, text (of flows), the bytes that a switch receives or sends, what ofp-print writes of them (`\n` for line feeds).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "whoever records looks at what went wrong"
)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use flows::field::{Format, Prerequisite};
use flows::ofpkt::{
    ALL_GROUPS, ALL_METERS, ALL_QUEUES, ALL_TABLES, ANY_GROUP, Body, FlowMod, FlowModCommand,
    FlowMonitorRequest, FlowStatsRequest, Message, MultipartRequest, QueueRequest,
};
use flows::text::{Names, check_change_for, parse_flow_mod};
use flows::{Action, Field, Match, Port, Version};
use tests::flow_text::FlowText;
use tests::judge::{self, Protocol};
use tests::random::Random;
use tests::{Connection, PrivateSwitch};

/// How many flows are tried; of these only those stay that show something new.
const TRIED: usize = 15_000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/tests/recorded");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(folder.join("flows.tsv"), recorded_flows(dir.path())).unwrap();
    std::fs::write(folder.join("messages.tsv"), recorded_messages(dir.path())).unwrap();
}

/// What we make of a line in a protocol, if it can be said there.
fn ours(line: &str, protocol: Protocol) -> Option<FlowMod> {
    let mut change = parse_flow_mod(line, FlowModCommand::Add, &Names::default()).ok()?;
    check_change_for(&change, protocol.version).ok()?;
    if protocol.version == Version::V10 {
        if !protocol.nicira && change.needs_nicira_form() {
            return None;
        }
        change.nicira_form = protocol.nicira;
        change.table_said = true;
    }
    Some(change)
}

/// What a flow shows: fields that it matches, with a mask or without, and kinds of actions and of what they write.
fn shows(change: &FlowMod) -> Vec<String> {
    let mut found: Vec<String> = change
        .flow
        .matches
        .iter()
        .map(|field| format!("{}{}", field.field, if field.is_exact() { "" } else { "/" }))
        .collect();
    let written = change.flow.instructions.write.iter().flatten();
    for action in change.flow.instructions.apply.iter().chain(written) {
        kinds(action, &mut found);
    }
    found
}

fn kinds(action: &Action, found: &mut Vec<String>) {
    let name = format!("{action:?}");
    let kind = name.split(['(', ' ', '{']).next().unwrap_or_default();
    match action {
        Action::SetField(set) => found.push(format!("{kind} {}", set.field())),
        Action::Clone(inner) => inner.iter().for_each(|inner| kinds(inner, found)),
        _ => {}
    }
    found.push(kind.to_owned());
}

fn recorded_flows(dir: &Path) -> String {
    let mut out = String::new();
    // What 1.2 and 1.4 have is in 1.3 and 1.5.
    let apart = |p: &Protocol| !matches!(p.version, Version::V12 | Version::V14);
    for protocol in Protocol::ALL.into_iter().filter(apart) {
        let mut random = Random::new(2026);
        let mut shown: BTreeMap<String, u32> = BTreeMap::new();
        let mut lines: Vec<String> = Vec::new();
        for _ in 0..TRIED {
            let line = FlowText::new(&mut random).line();
            let Some(change) = ours(&line, protocol).filter(|_| line.len() < 130) else {
                continue;
            };
            let new = shows(&change);
            if new.iter().any(|what| !shown.contains_key(what)) {
                for what in new {
                    *shown.entry(what).or_default() += 1;
                }
                lines.push(line);
            }
        }
        if protocol.version == Version::V13 {
            // Chance does not know them all.
            lines.extend(Field::ALL.iter().map(|field| one_field(*field)));
        }
        let mut kept: Vec<&str> = lines.iter().map(String::as_str).collect();
        let sent = judge::send(protocol, dir, &mut kept, &mut Vec::new());
        let printed = judge::print_messages(dir, &sent, 0);
        for ((line, sent), printed) in kept.iter().zip(&sent).zip(&printed) {
            let xid = u32::from_be_bytes([sent[4], sent[5], sent[6], sent[7]]);
            let change = ours(line, protocol).unwrap();
            let body = Body::FlowMod(Box::new(change));
            // The differential test has the table of deliberate differences.
            if Message::new(protocol.version, xid, body).encode() == *sent {
                let (_, format) = protocol.names();
                record(&mut out, format, line, sent, printed);
            }
        }
    }
    out
}

/// A flow that matches a field of packets that have it.
fn one_field(field: Field) -> String {
    use Prerequisite as P;
    let info = field.info();
    let packets = match info.prerequisite {
        P::Always | P::Ethernet => "",
        P::Arp => "arp,",
        P::Vlan => "dl_vlan=1,",
        P::Ipv4 | P::Ip => "ip,",
        P::Ipv6 => "ipv6,",
        P::Mpls => "mpls,",
        P::Nsh => "dl_type=0x894f,",
        P::Tcp => "tcp,",
        P::Udp => "udp,",
        P::Sctp => "sctp,",
        P::Icmpv4 => "icmp,",
        P::Icmpv6 => "icmp6,",
        P::Nd | P::NdSolicit => "icmp6,icmp_type=135,icmp_code=0,",
        P::NdAdvert => "icmp6,icmp_type=136,icmp_code=0,",
        P::Ct if info.format == Format::Ipv6 => "ct_state=+trk+est,ipv6,",
        P::Ct => "ct_state=+trk+est,ip,",
    };
    let value = match info.format {
        Format::Decimal | Format::Hex | Format::Port | Format::Port16 => "1",
        Format::Ethernet => "02:00:00:00:00:01",
        Format::Ipv4 => "10.0.0.1",
        Format::Ipv6 => "fd00::1",
        Format::Frag => "first",
        Format::TunnelFlags => "oam",
        Format::TcpFlags => "syn",
        Format::CtState => "+trk",
        Format::PacketType => "(1,0x800)",
    };
    format!("{packets}{}={value},actions=drop", info.name)
}

fn record(out: &mut String, form: &str, text: &str, bytes: &[u8], printed: &str) {
    let printed = printed.replace('\\', "\\\\").replace('\n', "\\n");
    let _ = writeln!(out, "{form}\t{text}\t{}\t{printed}", hex(bytes));
}

/// Everything that a switch can be asked, of one that has something of everything.
fn recorded_messages(dir: &Path) -> String {
    let switch = PrivateSwitch::start(&[]);
    for command in [
        "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure other-config:datapath-id=0000000000000001 \
         -- add-port br0 p1 -- set interface p1 type=dummy ofport_request=1 -- add-port br0 p2 -- set interface p2 type=dummy \
         ofport_request=2",
        "ovs-ofctl -OOpenFlow15 add-group br0 group_id=1,type=select,selection_method=dp_hash,bucket=bucket_id:1,weight:5,actions=output:1,bucket=bucket_id:2,weight:7,actions=output:2",
        "ovs-ofctl -OOpenFlow13 add-group br0 group_id=2,type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2",
        "ovs-ofctl -OOpenFlow13 add-meter br0 meter=1,kbps,burst,stats,band=type=drop,rate=1000,burst_size=100",
        "ovs-ofctl -OOpenFlow13 add-meter br0 meter=2,pktps,band=type=drop,rate=5",
        "ovs-ofctl add-tlv-map br0 {class=0xffff,type=0,len=4}->tun_metadata0",
        "ovs-ofctl add-flow br0 table=0,priority=5,tcp,tp_dst=80,idle_timeout=100,send_flow_rem,actions=resubmit(,1)",
        "ovs-ofctl add-flow br0 table=1,cookie=0x5,ip,nw_src=10.0.0.0/8,actions=mod_vlan_vid:3,output:2",
        "ovs-ofctl -OOpenFlow13 add-flow br0 table=2,in_port=1,actions=meter:1,write_actions(group:1),goto_table:3",
    ] {
        switch.succeed(&command.split_whitespace().collect::<Vec<_>>());
    }
    let mut found: Vec<(Version, Vec<u8>)> = Vec::new();
    for version in Version::ALL {
        let mut connection = Connection::open(&switch.dir().join("br0.mgmt"), version).unwrap();
        for body in questions() {
            let monitor = matches!(
                body,
                Body::MultipartRequest(MultipartRequest::FlowMonitor(_))
            );
            // Open vSwitch can not read the answers that it gives in these versions.
            if monitor && matches!(version, Version::V11 | Version::V12) {
                continue;
            }
            found.push((version, Message::new(version, 7, body.clone()).encode()));
            let answers = connection.ask(body).unwrap();
            found.extend(answers.into_iter().map(|(bytes, _)| (version, bytes)));
        }
    }
    found.dedup();
    let bytes: Vec<Vec<u8>> = found.iter().map(|(_, bytes)| bytes.clone()).collect();
    let printed = judge::print_messages(dir, &bytes, 0);
    let mut out = String::new();
    for ((version, bytes), printed) in found.iter().zip(&printed) {
        // Ten tables or 254 that are alike show the same.
        if bytes.len() <= 4096 {
            record(&mut out, &version.to_string(), "", bytes, printed);
        }
    }
    out
}

fn questions() -> Vec<Body> {
    let queue = QueueRequest {
        port: Port::ANY,
        queue: ALL_QUEUES,
    };
    let monitor = FlowMonitorRequest {
        id: 3,
        command: 0,
        flags: 31,
        out_port: Port::ANY,
        out_group: ANY_GROUP,
        table: ALL_TABLES,
        matches: Match::new(),
    };
    let mut bodies = vec![
        Body::EchoRequest(vec![1, 2, 3]),
        Body::FeaturesRequest,
        Body::GetConfigRequest,
        Body::BarrierRequest,
        Body::GetAsyncRequest,
        Body::TlvTableRequest,
        Body::QueueGetConfigRequest(Port(1)),
    ];
    let asked = [
        MultipartRequest::Desc,
        MultipartRequest::Flow(FlowStatsRequest::all()),
        MultipartRequest::Aggregate(FlowStatsRequest::all()),
        MultipartRequest::NxFlow(FlowStatsRequest::all()),
        MultipartRequest::NxAggregate(FlowStatsRequest::all()),
        MultipartRequest::PortDesc(Port::ANY),
        MultipartRequest::Table,
        MultipartRequest::PortStats(Port::ANY),
        MultipartRequest::Queue(queue),
        MultipartRequest::QueueDesc(queue),
        MultipartRequest::Group(ALL_GROUPS),
        MultipartRequest::GroupDesc(ALL_GROUPS),
        MultipartRequest::GroupFeatures,
        MultipartRequest::Meter(ALL_METERS),
        MultipartRequest::MeterConfig(ALL_METERS),
        MultipartRequest::MeterFeatures,
        MultipartRequest::TableFeatures(Vec::new()),
        MultipartRequest::TableDesc,
        MultipartRequest::FlowMonitor(vec![monitor]),
        MultipartRequest::IpfixBridge,
        MultipartRequest::IpfixFlow,
    ];
    bodies.extend(asked.into_iter().map(Body::MultipartRequest));
    bodies
}
