//! What holds of every site, whatever documents it was made from.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ipnet::IpNet;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// A document of a few names that often get in each other's way.
fn document() -> impl Strategy<Value = String> {
    let lists = (
        prop::collection::vec(physical_network(), 0..2),
        prop::collection::vec(network(), 0..4),
        prop::collection::vec(subnet(), 0..4),
        prop::collection::vec(port(), 0..5),
    );
    lists.prop_map(|(physical_networks, networks, subnets, ports)| {
        let mut text = String::new();
        for (list, entries) in [
            ("physical_networks", physical_networks),
            ("networks", networks),
            ("subnets", subnets),
            ("ports", ports),
        ] {
            let _ = writeln!(text, "{list}: [{}]", entries.join(", "));
        }
        text
    })
}

/// `field: VALUE`, or nothing: most documents leave most fields out.
fn field(name: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::option::weighted(0.4, select(values)).prop_map(move |value| {
        value
            .map(|value| format!(", {name}: {value}"))
            .unwrap_or_default()
    })
}

fn physical_network() -> impl Strategy<Value = String> {
    (
        select(&["w1", "w2"][..]),
        field("vlans", &["[1-2]", "[2-4, 9]", "[]"]),
    )
        .prop_map(|(name, vlans)| format!("{{name: {name}{vlans}}}"))
}

fn network() -> impl Strategy<Value = String> {
    let types = &[
        "vxlan", "vxlan", "gre", "geneve", "vlan", "vlan", "flat", "local",
    ];
    let fields = (
        select(&["n1", "n2", "n3", "n4"][..]),
        prop::option::weighted(0.8, select(&types[..])),
        field("vni", &["1", "2", "16777216"]),
        field("physical_network", &["w1", "w2"]),
        field("vlan", &["1", "2", "3"]),
        field("mtu", &["1000", "1280", "9000"]),
    );
    fields.prop_map(|(name, kind, vni, physical_network, vlan, mtu)| {
        let kind = kind
            .map(|kind| format!(", type: {kind}"))
            .unwrap_or_default();
        // A field of another type is a fault; most entries are to have none.
        let vni = if kind.contains("vlan") || kind.contains("flat") || kind.contains("local") {
            ""
        } else {
            &vni
        };
        let wire = kind.contains("type: vlan") || kind.contains("flat");
        let physical_network = if wire { &physical_network } else { "" };
        let vlan = if kind.contains("type: vlan") {
            &vlan
        } else {
            ""
        };
        format!("{{name: {name}{kind}{vni}{physical_network}{vlan}{mtu}}}")
    })
}

fn subnet() -> impl Strategy<Value = String> {
    let prefixes = &[
        "10.0.0.0/30",
        "10.0.0.0/29",
        "10.0.0.8/29",
        "10.0.0.6/31",
        "'fd00::/126'",
        "'fd00::/64'",
    ];
    let fields = (
        field("name", &["s1", "s2"]),
        select(&["n1", "n2", "n3"][..]),
        select(&prefixes[..]),
        field("gateway", &["10.0.0.1", "10.0.0.9", "'fd00::1'"]),
    );
    fields.prop_map(|(name, network, cidr, gateway)| {
        format!("{{network: {network}, cidr: {cidr}{name}{gateway}}}")
    })
}

fn port() -> impl Strategy<Value = String> {
    let fields = (
        select(&["p1", "p2", "p3", "p4", "p5"][..]),
        select(&["n1", "n2", "n3"][..]),
        field("mac", &["'02:00:00:00:00:01'", "'02:00:00:00:00:02'"]),
        field(
            "addresses",
            &["[]", "[10.0.0.1]", "[10.0.0.2, 'fd00::2']", "[10.0.0.10]"],
        ),
    );
    fields.prop_map(|(name, network, mac, addresses)| {
        format!("{{name: {name}, network: {network}{mac}{addresses}}}")
    })
}

/// Fails when two of `all` are equal.
fn distinct<T: Ord + std::fmt::Debug>(what: &str, all: impl IntoIterator<Item = T>) {
    let mut seen = BTreeSet::new();
    for one in all {
        assert!(!seen.contains(&one), "{what} {one:?} twice");
        seen.insert(one);
    }
}

fn check(site: &Site) {
    distinct(
        "physical network",
        site.physical_networks.values().map(|wire| &wire.name),
    );
    distinct(
        "network",
        site.networks.values().map(|network| &network.name),
    );
    distinct("subnet", site.subnets.values().map(|subnet| &subnet.name));
    distinct("port", site.ports.values().map(|port| &port.name));
    distinct(
        "segment",
        site.networks
            .values()
            .map(|network| network.segment.key(&network.name)),
    );
    distinct(
        "MAC address",
        site.ports.values().map(|port| (port.network, port.mac)),
    );
    distinct(
        "address",
        site.ports
            .values()
            .flat_map(|port| port.addresses.iter().map(|at| (port.network, *at))),
    );
    for (id, subnet) in &site.subnets {
        let network = site.networks.get(&subnet.network).unwrap();
        assert!(
            network.mtu >= 1280 || matches!(subnet.cidr, IpNet::V4(_)),
            "{subnet:?} in {network:?}"
        );
        assert_eq!(
            subnet
                .gateway
                .map(|gateway| subnet.check_address(gateway))
                .unwrap_or(Ok(())),
            Ok(())
        );
        for (other_id, other) in &site.subnets {
            let apart = !subnet.cidr.contains(&other.cidr) && !other.cidr.contains(&subnet.cidr);
            assert!(
                id == other_id || other.network != subnet.network || apart,
                "{subnet:?} and {other:?}"
            );
        }
    }
    for port in site.ports.values() {
        assert!(site.networks.contains_key(&port.network));
        assert!(!port.mac.is_multicast() && port.mac != EthAddr::default());
        for address in &port.addresses {
            let mut subnets = site
                .subnets
                .values()
                .filter(|subnet| subnet.network == port.network);
            assert!(
                subnets.any(|subnet| subnet.check_address(*address).is_ok()),
                "{port:?}"
            );
        }
    }
}

/// Where documents begin: what they refer to is often there.
fn base() -> Site {
    let text = "physical_networks: [{name: w1, vlans: [1-3]}]\n\
        networks: [{name: n1, type: vxlan}, {name: n2, type: vlan, physical_network: w1}, {name: n3, type: local}]\n\
        subnets: [{name: s1, network: n1, cidr: 10.0.0.0/29}, {network: n1, cidr: 'fd00::/64'}, {network: n2, cidr: 10.0.0.0/29}]";
    plan(
        &Document::parse(text).unwrap(),
        &Site::default(),
        &mut few_macs(),
    )
    .unwrap()
}

/// A few MAC addresses in turn, so that chosen ones meet chosen and given ones.
fn few_macs() -> impl FnMut() -> EthAddr {
    let mut next = 0;
    move || {
        next += 1;
        EthAddr::from_u64(0x0200_0000_0000 + next % 8)
    }
}

proptest! {
    #[test]
    fn every_site_is_sound_and_every_document_settles(documents in prop::collection::vec(document(), 1..8)) {
        let mut site = base();
        for text in documents {
            let Ok(document) = Document::parse(&text) else { continue };
            let Ok(after) = plan(&document, &site, &mut few_macs()) else { continue };
            check(&after);
            let again = plan(&document, &after, &mut few_macs());
            prop_assert_eq!(again.as_ref(), Ok(&after), "{}", text);
            site = after;
        }
    }

    #[test]
    fn no_text_is_too_strange_to_be_read(text in "[ -~\n]{0,200}|\\PC{0,60}|([a-z]{1,5}: |- |\\[|\\{|&a |\\*a|<<: |'|\"|\n {0,4}){0,30}") {
        let _ = Document::parse(&text);
    }
}

#[test]
fn the_random_documents_are_often_accepted() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let base = base();
    let (mut accepted, mut objects) = (0, 0);
    for _ in 0..1000 {
        let text = document().new_tree(&mut runner).unwrap().current();
        let Ok(document) = Document::parse(&text) else {
            continue;
        };
        if let Ok(site) = plan(&document, &base, &mut few_macs()) {
            accepted += 1;
            objects += site.ports.len();
        }
    }
    assert!(
        accepted > 50 && objects > 50,
        "{accepted} accepted with {objects} objects"
    );
}
