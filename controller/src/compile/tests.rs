//! Expected flows as text: a change of behaviour is a change of `expected.flows`.

use std::collections::BTreeSet;

use flows::ofpkt::{Body, FlowMod, Message};
use flows::{Field, Version};
use uuid::Uuid;

use super::pipeline::Table;
use super::*;
use crate::model::sample::{host, id, network, port};
use crate::model::{INTEGRATION_BRIDGE, Segment, Site, TUNNEL_BRIDGE, TunnelType};

/// A host of a site with one network of each kind. Port 11 is here, 12 on two other hosts, 13 here and on another;
/// 21 is here on a network that learns, without port security; 31, 41 and 51 are here on vlan, flat and local networks.
pub(super) fn site() -> (Site, HostView) {
    let on = |physical_network: &str| physical_network.to_owned();
    let mut networks = [
        network(
            1,
            Segment::Tunnel {
                tunnel: TunnelType::Vxlan,
                vni: 1001,
            },
        ),
        network(
            2,
            Segment::Tunnel {
                tunnel: TunnelType::Geneve,
                vni: 1002,
            },
        ),
        network(
            3,
            Segment::Vlan {
                physical_network: on("provider"),
                vlan: 1003,
            },
        ),
        network(
            4,
            Segment::Flat {
                physical_network: on("inside"),
            },
        ),
        network(5, Segment::Local),
    ];
    networks[1].learning = true;
    let mut ports = [
        port(11, 1, &[0x100]),
        port(12, 1, &[0x102, 0x103]),
        port(13, 1, &[0x100, 0x102]),
        port(21, 2, &[0x100]),
        port(22, 2, &[0x103]),
        port(31, 3, &[0x100]),
        port(41, 4, &[]),
        port(51, 5, &[]),
    ];
    ports[3].port_security = false;
    let hosts = [
        host(0x100, "192.0.2.1"),
        host(0x102, "192.0.2.2"),
        host(0x103, "192.0.2.3"),
        host(0x104, "fd00::4"),
    ];
    let site = Site {
        revision: 1,
        networks: networks.map(|network| (network.id, network)).into(),
        ports: ports.map(|port| (port.id, port)).into(),
        hosts: hosts.map(|host| (host.id, host)).into(),
        ..Site::default()
    };
    let provider = |bridge: &str, int_port, phy_port| Provider {
        bridge: bridge.to_owned(),
        int_port: Some(int_port),
        phy_port: Some(phy_port),
    };
    let view = HostView {
        host: Some(id(0x100)),
        bindings: [
            (11, 111),
            (13, 113),
            (21, 121),
            (31, 131),
            (41, 141),
            (51, 151),
        ]
        .map(|(n, o)| (id(n), Some(o)))
        .into(),
        local_vlans: [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]
            .map(|(n, lvid)| (id(n), lvid))
            .into(),
        patch_tun: Some(1),
        patch_int: Some(1),
        tunnels: [(TunnelType::Vxlan, 2), (TunnelType::Geneve, 3)].into(),
        encap_ip: Some("192.0.2.1".parse().unwrap()),
        providers: [
            ("provider".to_owned(), provider("br-eth1", 2, 7)),
            ("inside".to_owned(), provider("br-eth2", 3, 8)),
        ]
        .into(),
    };
    (site, view)
}

fn all(engine: &Engine) -> impl Iterator<Item = &Flow> {
    engine
        .bridges()
        .flat_map(|(_, flows)| flows.iter().map(|(entry, _)| entry.flow()))
}

/// A line a flow: bridge, table name, flow.
fn show(engine: &Engine) -> String {
    let mut out = String::new();
    let mut names: Vec<&str> = engine.bridges().map(|(name, _)| name).collect();
    names.sort_by_key(|name| (*name != INTEGRATION_BRIDGE, *name != TUNNEL_BRIDGE, *name));
    for name in names {
        let tables = match name {
            INTEGRATION_BRIDGE => &pipeline::integration::TABLES[..],
            TUNNEL_BRIDGE => &pipeline::tunnel::TABLES,
            _ => &pipeline::provider::TABLES,
        };
        let flows = engine.flows(name).unwrap();
        let sorted: BTreeSet<(&Entry, Unit)> = flows.iter().collect();
        for (entry, unit) in sorted {
            assert!(
                flows.of(unit).iter().any(|wanted| wanted.is(entry)),
                "{name}: {entry:?} is not what {unit:?} wants"
            );
            let table = tables
                .iter()
                .find(|table| table.number == entry.flow().table)
                .expect("a table of the pipeline");
            out += &format!("{name} {}: {}\n", table.name, entry.flow());
        }
    }
    out
}

#[test]
fn flows_are_as_expected() {
    let (site, view) = site();
    let found = show(&Engine::new(&site, view));
    let expected = include_str!("expected.flows");
    for (number, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "expected.flows:{}", number + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

/// Network 1 of [`site`] with so many peers and ports here besides, alone.
fn large(peers: u32, ports: u32) -> Engine {
    let (mut site, mut view) = site();
    let another = |n: u32, up_on: u128| crate::model::Port {
        id: id(0x20_0000 + u128::from(n)),
        mac: flows::EthAddr::from_u64(0x0200_0100_0000 + u64::from(n)),
        addresses: crate::model::SmallSet::default(),
        ..port(12, 1, &[up_on])
    };
    for n in 0..peers {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + n);
        let peer = host(0x10_0000 + u128::from(n), &address.to_string());
        let there = another(n, 0x10_0000 + u128::from(n));
        site.ports.insert(there.id, there);
        site.hosts.insert(peer.id, peer);
    }
    for n in 0..ports {
        let here = another(0x1_0000 + n, 0x100);
        view.bindings.insert(here.id, Some(1_000 + n));
        site.ports.insert(here.id, here);
    }
    Engine::new(&site, view)
}

/// What a broadcast in local VLAN 1 comes to, from this table on: each output with the VLAN tag and the peer it has then.
fn broadcast(flows: &BridgeFlows, table: Table) -> Vec<(u32, bool, Option<Action>)> {
    let mut out = Vec::new();
    let (mut part, mut tagged, mut to) = (0, true, None);
    follow(flows, table, &mut part, &mut tagged, &mut to, &mut out);
    out
}

fn follow(
    flows: &BridgeFlows,
    table: Table,
    part: &mut u32,
    tagged: &mut bool,
    to: &mut Option<Action>,
    out: &mut Vec<(u32, bool, Option<Action>)>,
) {
    let in_network_1 = |flow: &&Flow| {
        let part_is = Match::new().with(Field::Reg0, *part);
        let part_is = part_is.get(Field::Reg0);
        let matched = flow.matches.get(Field::Reg0);
        flow.table == table.number
            && flow.cookie == Unit::Network(id(1)).cookie().raw()
            && (matched.is_none() || matched == part_is)
    };
    let found = flows.iter().map(|(entry, _)| entry.flow());
    let found = found.filter(in_network_1).max_by_key(|flow| flow.priority);
    assert!(*tagged, "it is in no local VLAN any more");
    for action in found.iter().flat_map(|flow| flow.instructions.apply.iter()) {
        match action {
            Action::Output(port) => out.push((port.0, *tagged, to.clone())),
            Action::PopVlan => *tagged = false,
            Action::SetField(set) if set.field() == Field::Reg0 => {
                *part = u32::try_from(set.value()).unwrap();
            }
            Action::SetField(set) if set.field() == Field::TunDst => *to = Some(action.clone()),
            Action::SetField(_) => {}
            _ => {
                assert!(out.is_empty(), "Open vSwitch may resubmit no more");
                follow(flows, table, part, tagged, to, out);
            }
        }
    }
}

#[test]
fn a_flood_to_thousands_fits_into_messages_and_reaches_each_once() {
    for (peers, ports) in [(5_000, 10), (10, 5_000), (500, 1_998), (501, 1_999)] {
        let engine = large(peers, ports);
        for flow in all(&engine) {
            let add = FlowMod::add(flow.clone());
            let length = Message::new(Version::V14, 1, Body::FlowMod(Box::new(add)))
                .encode()
                .len();
            assert!(length < 0xf000, "{length} bytes");
        }
        let found = broadcast(
            engine.flows(TUNNEL_BRIDGE).unwrap(),
            pipeline::tunnel::FLOOD,
        );
        assert!(
            found
                .iter()
                .all(|(port, tagged, _)| (*port, *tagged) == (2, false))
        );
        let reached: BTreeSet<_> = found.iter().map(|(_, _, to)| format!("{to:?}")).collect();
        // Besides those that the site has anyway.
        assert_eq!(
            (reached.len(), found.len()),
            (peers as usize + 2, peers as usize + 2)
        );

        let found = broadcast(
            engine.flows(INTEGRATION_BRIDGE).unwrap(),
            pipeline::integration::FORWARD,
        );
        assert_eq!(
            found[0],
            (1, true, None),
            "other hosts, with the local VLAN"
        );
        let local: BTreeSet<_> = found[1..]
            .iter()
            .map(|(port, tagged, _)| (*port, *tagged))
            .collect();
        let expected = (1_000..1_000 + ports)
            .chain([111, 113])
            .map(|port| (port, false));
        assert_eq!(local, expected.collect());
        assert_eq!(found.len(), ports as usize + 3);
    }
}

#[test]
fn nothing_known_means_only_drops() {
    let engine = Engine::new(&Site::default(), HostView::default());
    assert_eq!(engine.bridges().count(), 2);
    for flow in all(&engine) {
        let harmless = flow
            .instructions
            .apply
            .iter()
            .all(|action| !matches!(action, Action::Output(port) if port.0 < 0xff00));
        assert!(harmless, "{flow}");
    }
}

#[test]
fn every_flow_is_owned_and_names_its_object() {
    let (site, view) = site();
    let engine = Engine::new(&site, view);
    let objects: BTreeSet<Uuid> = site
        .networks
        .keys()
        .chain(site.ports.keys())
        .chain(site.hosts.keys())
        .copied()
        .collect();
    for flow in all(&engine) {
        let cookie = Cookie::from_raw(flow.cookie).expect("heddle's cookie");
        let served = objects.iter().filter(|id| cookie.serves(**id)).count();
        assert_eq!(served, usize::from(cookie != Cookie::BASE), "{flow}");
    }
    for (_, flows) in engine.bridges() {
        for (entry, unit) in flows.iter() {
            assert_eq!(entry.flow().cookie, unit.cookie().raw());
        }
    }
}

#[test]
fn goto_table_only_leads_on() {
    let (site, view) = site();
    for flow in all(&Engine::new(&site, view)) {
        assert!(
            flow.instructions
                .goto_table
                .is_none_or(|table| table > flow.table),
            "{flow}"
        );
    }
}
