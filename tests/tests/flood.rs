//! A network with more peers, or more ports on one host, than one flow has room for: what Open vSwitch makes of a broadcast.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail as its body does"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use controller::compile::{Engine, HostView};
use controller::model::{Host, Network, Port, Segment, Site, TunnelType};
use tests::PrivateSwitch;
use uuid::Uuid;

const MANY: u32 = 5_000;
const PATIENCE: Duration = Duration::from_secs(30);
/// Numbers of ports on both bridges: towards the other bridge, and the tunnel's on `br-tun`.
const PATCH: u32 = 1;
const TUNNEL: u32 = 2;
/// Numbers of the endpoints' ports on `br-int`, of which the switch has none: it says so of each.
const FIRST_ENDPOINT: u32 = 1_000;
const BROADCAST: &str = "eth(src=02:00:00:00:00:01,dst=ff:ff:ff:ff:ff:ff),eth_type(0x8100),vlan(vid=1,pcp=0),\
                         encap(eth_type(0x1234))";

fn id(kind: u32, n: u32) -> Uuid {
    Uuid::from_u128((u128::from(kind) << 32 | u128::from(n)) << 84)
}

fn address(n: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a01_0000 + n)
}

/// Host 0 of a site with one network, which has a port on each of many hosts and many on this one.
fn compiled() -> Engine {
    let host = |n: u32| Host {
        id: id(1, n),
        name: format!("h{n}"),
        encap_ip: Some(address(n).into()),
        encap_types: TunnelType::ALL.into(),
        bridge_mappings: BTreeMap::new(),
        applied: 0,
        unbound: BTreeMap::new(),
        problems: BTreeMap::new(),
    };
    let network = Network {
        id: id(2, 1),
        name: "net".to_owned(),
        project: String::new(),
        segment: Segment::Tunnel {
            tunnel: TunnelType::Vxlan,
            vni: 7,
        },
        mtu: 1450,
        learning: false,
    };
    let port = |n: u32, host: u32| Port {
        id: id(3, n),
        name: format!("p{n}"),
        network: id(2, 1),
        mac: flows::EthAddr::from_u64(0x0200_0000_0000 + u64::from(n)),
        addresses: controller::model::SmallSet::default(),
        port_security: false,
        hosts: [id(1, host)].into(),
    };
    let there = (1..=MANY).map(|n| port(n, n));
    let here = (MANY + 1..=2 * MANY).map(|n| port(n, 0));
    let site = Site {
        revision: 1,
        hosts: (0..=MANY).map(|n| (id(1, n), host(n))).collect(),
        networks: [(id(2, 1), network)].into(),
        ports: there.chain(here).map(|port| (port.id, port)).collect(),
        ..Site::default()
    };
    let view = HostView {
        host: Some(id(1, 0)),
        bindings: (0..MANY)
            .map(|n| (id(3, MANY + 1 + n), Some(FIRST_ENDPOINT + n)))
            .collect(),
        local_vlans: [(id(2, 1), 1)].into(),
        patch_tun: Some(PATCH),
        patch_int: Some(PATCH),
        tunnels: [(TunnelType::Vxlan, TUNNEL)].into(),
        encap_ip: Some(address(0).into()),
        ..HostView::default()
    };
    Engine::new(&site, view)
}

/// A switch with both bridges and their flows. What leaves by the tunnel's port is only counted.
fn switch() -> PrivateSwitch {
    let switch = PrivateSwitch::start(&[]);
    let engine = compiled();
    for bridge in ["br-int", "br-tun"] {
        let add = format!(
            "add-br {bridge} -- set bridge {bridge} datapath_type=dummy fail_mode=secure \
             -- add-port {bridge} {bridge}-1 -- set interface {bridge}-1 type=dummy ofport_request={PATCH} \
             -- add-port {bridge} {bridge}-2 -- set interface {bridge}-2 type=dummy ofport_request={TUNNEL}"
        );
        let add: Vec<&str> = ["ovs-vsctl"]
            .into_iter()
            .chain(add.split_whitespace())
            .collect();
        switch.succeed(&add);
        let flows = engine.flows(bridge).unwrap().iter();
        let lines: Vec<String> = flows.map(|(entry, _)| entry.flow().to_string()).collect();
        std::fs::write(switch.dir().join("flows"), lines.join("\n") + "\n").unwrap();
        switch.succeed(&[
            "ovs-ofctl",
            "-O",
            "OpenFlow14",
            "--bundle",
            "add-flows",
            bridge,
            "flows",
        ]);
    }
    switch
}

fn text(switch: &PrivateSwitch, argv: &[&str]) -> String {
    String::from_utf8(switch.succeed(argv).stdout).unwrap()
}

#[test]
fn a_broadcast_reaches_every_peer_once() {
    let switch = switch();
    let packet = format!("in_port({PATCH}),{BROADCAST}");
    let trace = text(
        &switch,
        &[
            "ovs-appctl",
            "ofproto/trace",
            "br-tun",
            "in_port=1,dl_vlan=1,dl_dst=ff:ff:ff:ff:ff:ff",
        ],
    );
    assert!(
        !trace.contains(">>>>"),
        "{}",
        trace.lines().find(|line| line.contains(">>>>")).unwrap()
    );
    let reached: BTreeSet<&str> = trace
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("set_field:")?
                .strip_suffix("->tun_dst")
        })
        .collect();
    let expected: BTreeSet<String> = (1..=MANY).map(|n| address(n).to_string()).collect();
    assert_eq!(reached, expected.iter().map(String::as_str).collect());

    switch.succeed(&["ovs-appctl", "netdev-dummy/receive", "br-tun-1", &packet]);
    let deadline = Instant::now() + PATIENCE;
    let sent = || {
        let counters = text(
            &switch,
            &["ovs-ofctl", "-O", "OpenFlow14", "dump-ports", "br-tun", "2"],
        );
        let (_, sent) = counters.split_once("tx pkts=").unwrap();
        let (sent, _) = sent.split_once(',').unwrap();
        sent.parse::<u32>().unwrap()
    };
    while sent() < MANY {
        assert!(Instant::now() < deadline, "{} of {MANY} copies", sent());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(sent(), MANY);
}

#[test]
fn a_broadcast_reaches_every_port_of_the_host_once_and_the_other_hosts() {
    let switch = switch();
    let trace = text(
        &switch,
        &[
            "ovs-appctl",
            "ofproto/trace",
            "br-int",
            &format!("in_port={FIRST_ENDPOINT},dl_dst=ff:ff:ff:ff:ff:ff"),
        ],
    );
    let outputs: Vec<u32> = trace
        .lines()
        .filter_map(|line| line.trim().strip_prefix("output:")?.parse().ok())
        .collect();
    assert_eq!(
        outputs[0], PATCH,
        "to other hosts first, with the local VLAN"
    );
    let expected = (FIRST_ENDPOINT..FIRST_ENDPOINT + MANY).chain([PATCH]);
    assert_eq!(outputs.len(), expected.clone().count());
    assert_eq!(
        outputs.iter().copied().collect::<BTreeSet<u32>>(),
        expected.collect()
    );
    // Each endpoint's port is one that the switch does not have, but for the one that spoke.
    let errors: Vec<&str> = trace
        .lines()
        .filter(|line| line.contains(">>>>") && !line.contains("Nonexistent output port"))
        .collect();
    assert_eq!(errors, [""; 0]);
    assert_eq!(trace.matches("skipping output to input port").count(), 1);
    let with_tag = "push_vlan(vid=1,pcp=0),";
    assert!(
        trace.contains(with_tag),
        "{}",
        trace.lines().last().unwrap()
    );
}
