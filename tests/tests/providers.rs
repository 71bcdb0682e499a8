//! Networks on the operator's wires: flat and VLAN, with machines on them that know nothing of heddle.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use std::collections::BTreeSet;
use std::sync::Arc;

use lab::probe::{self, Expect, all_pairs};
use lab::{Endpoint, Host, Identity, Outside, PATIENCE, Site, Station};
use tests::Document;

fn outside_identity(name: &str, n: u8, v4: &str, v6: &str) -> Identity {
    let addresses = [format!("{v4}.254/24"), format!("{v6}::fe/64")];
    let addresses = addresses.each_ref().map(String::as_str);
    Identity::new(name, &format!("02:00:00:00:01:{n:02x}"), &addresses)
        .unwrap()
        .mtu(1500)
}

fn stations<'a>(endpoints: &'a [Endpoint], outside: &'a [Outside]) -> Vec<&'a Station> {
    endpoints
        .iter()
        .map(Endpoint::station)
        .chain(outside.iter().map(|machine| &**machine))
        .collect()
}

#[test]
fn two_flat_networks_on_two_nics_of_each_host() {
    let site = Site::start("flat", 2, &["provider", "inside"]).unwrap();
    let document = Document::new()
        .network(
            "provider",
            "type: flat, physical_network: provider",
            "10.1.0",
            "fd00:1",
            &["p1", "p2"],
        )
        .network(
            "inside",
            "type: flat, physical_network: inside",
            "10.2.0",
            "fd00:2",
            &["i1", "i2"],
        );
    site.apply(&document.to_string()).unwrap();
    let endpoints = [("p1", 1), ("p2", 2), ("i1", 1), ("i2", 2)]
        .map(|(port, host)| site.plug(port, host).unwrap());
    let wires = [site.wire("provider").unwrap(), site.wire("inside").unwrap()];
    let outside = [
        site.lab()
            .outside(wires[0], outside_identity("op", 1, "10.1.0", "fd00:1"))
            .unwrap(),
        site.lab()
            .outside(wires[1], outside_identity("oi", 2, "10.2.0", "fd00:2"))
            .unwrap(),
    ];
    let captures = wires.map(|wire| wire.capture().unwrap());
    let stations = stations(&endpoints, &outside);
    let network = ['p', 'p', 'i', 'i', 'p', 'i'];
    let expect = |a: usize, b: usize| {
        if network[a] == network[b] {
            Expect::Reach
        } else {
            Expect::Apart
        }
    };
    all_pairs(&stations, expect, PATIENCE)
        .unwrap()
        .check()
        .unwrap();
    for capture in captures {
        capture
            .wait_for("a frame on the wire", PATIENCE, |frame| {
                frame.ip().is_some()
            })
            .unwrap();
        assert_eq!(
            capture.count(|frame| frame.vlan().is_some()),
            0,
            "a tag on a flat network's wire"
        );
    }
    probe::transfer(stations[0], stations[1], false, 50_000_000).unwrap();
    probe::transfer(stations[5], stations[2], true, 5_000_000).unwrap();
}

#[test]
fn vlan_1001_on_a_trunk_with_a_machine_that_speaks_8021q() {
    let site = Site::start("vlan", 2, &["provider"]).unwrap();
    let vlan = "type: vlan, physical_network: provider, vlan: 1001";
    let chosen = "type: vlan, physical_network: provider";
    let document = Document::new()
        .wire("provider", "1001-2000")
        .network("office", vlan, "10.1.0", "fd00:1", &["o1", "o2"])
        .network("yard", chosen, "10.1.0", "fd00:1", &["y1", "y2"]);
    site.apply(&document.to_string()).unwrap();
    // In another order on each host, so that the hosts number the networks differently.
    let [o1, y1, y2, o2] = [("o1", 1), ("y1", 1), ("y2", 2), ("o2", 2)]
        .map(|(port, host)| site.plug(port, host).unwrap());
    assert_ne!(
        local_vlan(&o1),
        local_vlan(&o2),
        "the test wants different local VLANs for one network"
    );
    let wire = site.wire("provider").unwrap();
    let outside = [
        site.lab()
            .outside_vlan(
                wire,
                1001,
                outside_identity("tagged", 1, "10.1.0", "fd00:1"),
            )
            .unwrap(),
        site.lab()
            .outside(wire, outside_identity("untagged", 2, "10.1.0", "fd00:1"))
            .unwrap(),
    ];
    let endpoints = [o1, o2, y1, y2];
    let capture = wire.capture().unwrap();
    let stations = stations(&endpoints, &outside);
    let network = ['o', 'o', 'y', 'y', 'o', 'u'];
    // The untagged machine hears what is on the trunk, with its tags; the others must not hear it.
    let expect = |a: usize, b: usize| match (network[a], network[b]) {
        (_, 'u') => Expect::Ignore,
        (a, b) if a == b => Expect::Reach,
        _ => Expect::Apart,
    };
    all_pairs(&stations, expect, PATIENCE)
        .unwrap()
        .check()
        .unwrap();

    let untagged = outside[1].mac();
    let tags: BTreeSet<_> = capture
        .frames()
        .iter()
        .filter(|frame| frame.source() != Some(untagged))
        .map(|frame| frame.vlan())
        .collect();
    assert_eq!(
        tags,
        BTreeSet::from([Some(1001), Some(1002)]),
        "only provider VLANs on the wire"
    );
    drop(capture);
    probe::transfer(stations[0], stations[1], false, 50_000_000).unwrap();
    probe::transfer(stations[4], stations[1], false, 5_000_000).unwrap();
}

/// The tag of the endpoint's port in `br-int`: the local VLAN of its network on its host.
fn local_vlan(endpoint: &Endpoint) -> u16 {
    let text = endpoint
        .host()
        .unwrap()
        .vsctl(&format!("get Port {} tag", endpoint.tap().unwrap()))
        .unwrap();
    text.trim().parse().unwrap()
}

/// What a host's operator runs over the same bridge goes on working, and does not see heddle's networks nor they it.
#[test]
fn the_hosts_own_traffic_over_a_provider_bridge_goes_on() {
    let site = Site::start("shared", 2, &["provider"]).unwrap();
    let own = |(host, n): (&Arc<Host>, u8)| {
        let (mac, address) = (
            format!("02:00:00:00:02:{n:02x}"),
            format!("198.51.100.{n}/24"),
        );
        let identity = Identity::new(host.name(), &mac, &[&address]).unwrap();
        Station::start(host.namespace(), "br-provider", identity).unwrap()
    };
    let hosts: Vec<_> = site.hosts().iter().zip(1..).map(own).collect();
    probe::ping(&hosts[0], &hosts[1], PATIENCE).unwrap();
    let vlan = "type: vlan, physical_network: provider, vlan: 1001";
    site.apply(
        &Document::new()
            .network("office", vlan, "10.1.0", "fd00:1", &["o1", "o2"])
            .to_string(),
    )
    .unwrap();
    let endpoints = [site.plug("o1", 1).unwrap(), site.plug("o2", 2).unwrap()];
    probe::ping(&endpoints[0], &endpoints[1], PATIENCE).unwrap();
    let stations = [&hosts[0], &hosts[1], endpoints[0].station(), &endpoints[1]];
    let expect = |a: usize, b: usize| {
        // In a host's namespace one hears all that passes its interfaces; only what the host's own machine sends is of interest.
        match (a / 2, b / 2) {
            (x, y) if x == y => Expect::Reach,
            (0, 1) => Expect::Apart,
            _ => Expect::Ignore,
        }
    };
    all_pairs(&stations, expect, PATIENCE)
        .unwrap()
        .check()
        .unwrap();
}
