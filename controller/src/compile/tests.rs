//! Expected flows as text: a change of behaviour is a change of `expected.flows`.

use std::collections::BTreeSet;

use uuid::Uuid;

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
