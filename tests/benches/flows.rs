//! `cargo lab bench flows`: the flow language and the codec on the flows of a large host, beside `ovs-ofctl` on the same file
//! in the same run. One JSON object a line; each figure is the median of several rounds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a bench fails as a test does"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use controller::compile::{HostView, Provider, compile};
use controller::model::{Host, Network, Port, Segment, Site, TunnelType};
use flows::ofpkt::{Body, FlowMod, FlowStats, Message, MultipartReply};
use flows::text::Names;
use flows::{Flow, Version};
use uuid::Uuid;

const FLOWS: usize = 100_000;
const ROUNDS: usize = 7;

fn main() {
    let flows = a_large_host();
    let dump: Vec<String> = flows.iter().map(as_dumped).collect();
    let names = Names::default();

    let took = median(|| {
        for line in &dump {
            black_box(flows::text::parse_flow_stats(line, &names).unwrap());
        }
    });
    figure("text_parse", per_second(took), "flows/s", None);

    let mut text = String::new();
    let took = median(|| {
        for flow in &flows {
            text.clear();
            std::fmt::Write::write_fmt(&mut text, format_args!("{flow}")).unwrap();
            black_box(&text);
        }
    });
    figure("text_print", per_second(took), "flows/s", None);

    let messages: Vec<Message> = flows
        .iter()
        .map(|flow| {
            Message::new(
                Version::V14,
                1,
                Body::FlowMod(Box::new(FlowMod::add(flow.clone()))),
            )
        })
        .collect();
    let mut bytes = Vec::new();
    let took = median(|| {
        bytes.clear();
        for message in &messages {
            message.encode_into(&mut bytes);
        }
        black_box(&bytes);
    });
    figure("flow_mod_encode", per_second(took), "messages/s", None);

    let replies = replies(&flows);
    let took = median(|| {
        for reply in &replies {
            black_box(Message::decode(reply).unwrap());
        }
    });
    figure("flow_stats_decode", per_second(took), "entries/s", None);

    let before = resident();
    let held: Vec<Flow> = dump
        .iter()
        .map(|line| flows::text::parse_flow_stats(line, &names).unwrap().flow)
        .collect();
    let memory = resident().saturating_sub(before);
    figure("memory_of_100000_flows", memory as f64 / 1e6, "MB", None);
    drop(held);

    // The commands, each a whole process that reads the same file and prints it.
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines: Vec<String> = flows.iter().map(ToString::to_string).collect();
    std::fs::write(file.path(), lines.join("\n") + "\n").unwrap();
    let heddle = command(
        Command::new(lab::heddle().unwrap())
            .args(["flow", "parse", "-o", "ofctl"])
            .arg(file.path()),
    );
    let ofctl = command(
        Command::new("ovs-ofctl")
            .args(["-O", "OpenFlow14", "parse-flows"])
            .arg(file.path()),
    );
    figure(
        "command_parse",
        heddle,
        "s",
        Some(("ovs-ofctl parse-flows", ofctl)),
    );
}

/// The flows of a host with 20 VXLAN networks that reach over 60 hosts, cut to [`FLOWS`].
fn a_large_host() -> Vec<Flow> {
    let id = |n: usize| Uuid::from_u128((n as u128 + 1) << 84);
    let host = |n: usize| Host {
        id: id(n),
        name: format!("h{n}"),
        encap_ip: Some([10, 1, 0, u8::try_from(n + 1).unwrap()].into()),
        encap_types: TunnelType::ALL.into(),
        bridge_mappings: BTreeMap::new(),
        applied: 0,
        unbound: BTreeMap::new(),
        problems: BTreeMap::new(),
    };
    let network = |n: usize| Network {
        id: id(1000 + n),
        name: format!("n{n}"),
        project: String::new(),
        segment: Segment::Tunnel {
            tunnel: TunnelType::Vxlan,
            vni: u32::try_from(n + 1).unwrap(),
        },
        mtu: 1450,
        learning: false,
    };
    let port = |n: usize| Port {
        id: id(2000 + n),
        name: format!("p{n}"),
        network: id(1000 + n % 20),
        mac: flows::EthAddr::from_u64(0x0200_0000_0000 + n as u64),
        addresses: [
            std::net::Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(n).unwrap()).into(),
            std::net::Ipv6Addr::from_bits((0xfd00 << 112) + n as u128).into(),
        ]
        .into(),
        port_security: true,
        hosts: [id(n % 60)].into(),
    };
    let site = Site {
        revision: 1,
        hosts: (0..60).map(|n| (id(n), host(n))).collect(),
        networks: (0..20).map(|n| (id(1000 + n), network(n))).collect(),
        ports: (0..34_000).map(|n| (id(2000 + n), port(n))).collect(),
        ..Site::default()
    };
    let here = site
        .ports
        .values()
        .filter(|port| port.hosts.contains(&id(0)))
        .take(500);
    let view = HostView {
        host: Some(id(0)),
        bindings: here
            .zip(100..)
            .map(|(port, ofport)| (port.id, Some(ofport)))
            .collect(),
        local_vlans: (0..20)
            .map(|n| (id(1000 + n), u16::try_from(n + 1).unwrap()))
            .collect(),
        patch_tun: Some(1),
        patch_int: Some(1),
        tunnels: [(TunnelType::Vxlan, 2)].into(),
        encap_ip: Some([10, 1, 0, 1].into()),
        providers: [(
            "provider".to_owned(),
            Provider {
                bridge: "br-eth1".to_owned(),
                int_port: Some(2),
                phy_port: Some(1),
            },
        )]
        .into(),
    };
    let host = compile(&site, &view);
    let mut flows: Vec<Flow> = host.integration.into_iter().chain(host.tunnel).collect();
    assert!(flows.len() >= FLOWS, "{}", flows.len());
    flows.truncate(FLOWS);
    flows
}

/// The flow as `ovs-ofctl dump-flows` prints it.
fn as_dumped(flow: &Flow) -> String {
    let text = flow.to_string();
    let (cookie, rest) = text.split_once(", ").unwrap();
    format!(
        " {cookie}, duration=719.214s, table={}, n_packets=1234, n_bytes=98765, {rest}",
        flow.table
    )
    .replace(
        &format!("n_bytes=98765, table={}, ", flow.table),
        "n_bytes=98765, ",
    )
}

/// All flows as the parts of one answer, each as long as a message may be.
fn replies(flows: &[Flow]) -> Vec<Vec<u8>> {
    let stats = |flow: &Flow| FlowStats {
        duration: (719, 214_000_000),
        packets: 1234,
        bytes: 98765,
        ..FlowStats::new(flow.clone())
    };
    let reply = |part: &[Flow]| {
        let stats = MultipartReply::Flow(part.iter().map(stats).collect());
        Message::new(Version::V14, 1, Body::MultipartReply(stats, true)).encode()
    };
    flows.chunks(200).map(reply).collect()
}

fn median(mut round: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn command(command: &mut Command) -> f64 {
    command.stdout(Stdio::null());
    median(|| assert!(command.status().unwrap().success())).as_secs_f64()
}

fn per_second(took: Duration) -> f64 {
    FLOWS as f64 / took.as_secs_f64()
}

/// Bytes of this process in memory (proc(5), `VmRSS`).
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn figure(figure: &str, value: f64, unit: &str, against: Option<(&str, f64)>) {
    let mut line =
        serde_json::json!({"bench": "flows", "figure": figure, "value": value, "unit": unit});
    if let Some((against, other)) = against {
        line["against"] = against.into();
        line["against_value"] = other.into();
        line["ratio"] = (value / other).into();
    }
    println!("{line}");
}
