//! What documents make of sites, and every reason for which they make nothing.

use std::collections::BTreeMap;

use super::*;
use crate::model::{Host, Network, Port, Segment};

/// MAC addresses in order, so that expectations can be written down.
fn macs() -> impl FnMut() -> EthAddr {
    let mut next = 0x0200_0000_0000;
    move || {
        next += 1;
        EthAddr::from_u64(next)
    }
}

fn apply(text: &str, before: &Site) -> Result<Site, Vec<Fault>> {
    plan(
        &Document::parse(text).unwrap_or_else(|faults| panic!("{}", faults[0])),
        before,
        &mut macs(),
    )
}

fn site(text: &str) -> Site {
    apply(text, &Site::default()).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

/// What is wrong with `text` on `before`, a line each.
fn faults(text: &str, before: &Site) -> String {
    match apply(text, before) {
        Ok(after) => panic!("accepted {text}: {after:?}"),
        Err(faults) => faults
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

fn network<'a>(site: &'a Site, name: &str) -> &'a Network {
    site.networks
        .values()
        .find(|network| network.name == name)
        .unwrap()
}

fn port<'a>(site: &'a Site, name: &str) -> &'a Port {
    site.ports.values().find(|port| port.name == name).unwrap()
}

fn addresses(port: &Port) -> Vec<String> {
    port.addresses.iter().map(ToString::to_string).collect()
}

const BASE: &str = "
physical_networks: [{name: provider, vlans: [1001-1003]}]
networks:
- {name: blue, type: vxlan, vni: 17}
- {name: wire, type: vlan, physical_network: provider, vlan: 1001}
- {name: bare, type: flat, physical_network: provider}
- {name: empty, type: geneve}
subnets:
- {name: s4, network: blue, cidr: 10.0.0.0/29, gateway: 10.0.0.1}
- {name: s6, network: blue, cidr: 'fd00::/64'}
ports:
- {name: web-1, network: blue, mac: '02:00:00:00:00:aa', addresses: [10.0.0.3]}
";

#[test]
fn numbers_and_addresses_are_chosen_where_left_out() {
    let after = apply(
        "networks: [{name: a, type: vxlan}, {name: b, type: vxlan, vni: 1}, {name: c, type: gre}, {name: d, type: vlan, physical_network: provider}]\n\
         ports: [{name: p1, network: blue}, {name: p2, network: blue}, {name: p3, network: blue, addresses: []}]",
        &site(BASE),
    )
    .unwrap();
    assert_eq!(network(&after, "a").segment.to_string(), "vxlan 2");
    assert_eq!(network(&after, "b").segment.to_string(), "vxlan 1");
    assert_eq!(network(&after, "c").segment.to_string(), "gre 1");
    assert_eq!(
        network(&after, "d").segment.to_string(),
        "vlan 1002 on provider"
    );
    assert_eq!(addresses(port(&after, "p1")), ["10.0.0.2", "fd00::1"]);
    assert_eq!(addresses(port(&after, "p2")), ["10.0.0.4", "fd00::2"]);
    assert!(addresses(port(&after, "p3")).is_empty());
    assert_eq!(port(&after, "p1").mac.to_string(), "02:00:00:00:00:01");
    assert!(port(&after, "p1").port_security);
    assert_eq!(
        (
            network(&after, "a").mtu,
            network(&after, "c").mtu,
            network(&after, "d").mtu
        ),
        (1450, 1458, 1500)
    );
    assert!(!network(&after, "a").learning && network(&after, "d").learning);
}

#[test]
fn the_same_document_again_changes_nothing() {
    let text = format!("{BASE}- {{name: p1, network: blue}}\n");
    let first = site(&text);
    assert_eq!(apply(&text, &first).unwrap(), first);
}

#[test]
fn what_an_entry_leaves_out_stays() {
    let before = site(BASE);
    let after = apply(
        "networks: [{name: blue, mtu: 1400}]\nports: [{name: web-1, network: blue, port_security: false}]",
        &before,
    )
    .unwrap();
    let mut expected = before.clone();
    expected
        .networks
        .get_mut(&network(&before, "blue").id)
        .unwrap()
        .mtu = 1400;
    expected
        .ports
        .get_mut(&port(&before, "web-1").id)
        .unwrap()
        .port_security = false;
    assert_eq!(after, expected);
}

#[test]
fn a_network_without_ports_may_change_its_type() {
    let after = apply("networks: [{name: empty, type: gre}]", &site(BASE)).unwrap();
    assert_eq!(network(&after, "empty").segment.to_string(), "gre 1");
    assert_eq!(network(&after, "empty").mtu, 1458);
}

#[test]
fn two_objects_may_swap_what_only_one_can_have() {
    let before = site(
        "networks: [{name: a, type: vxlan, vni: 1}, {name: b, type: vxlan, vni: 2}, {name: n, type: local}]\n\
         subnets: [{network: n, cidr: 10.0.0.0/24}]\n\
         ports: [{name: p, network: n, mac: '02:00:00:00:00:01', addresses: [10.0.0.1]}, {name: q, network: n, mac: '02:00:00:00:00:02', addresses: [10.0.0.2]}]",
    );
    let after = apply(
        "networks: [{name: a, vni: 2}, {name: b, vni: 1}]\n\
         ports: [{name: p, network: n, mac: '02:00:00:00:00:02', addresses: [10.0.0.2]}, {name: q, network: n, mac: '02:00:00:00:00:01', addresses: [10.0.0.1]}]",
        &before,
    )
    .unwrap();
    assert_eq!(network(&after, "a").segment, network(&before, "b").segment);
    assert_eq!(port(&after, "p").mac, port(&before, "q").mac);
    assert_eq!(port(&after, "p").addresses, port(&before, "q").addresses);
}

#[test]
fn tenants_may_use_the_same_addresses() {
    let after = site(
        "networks: [{name: a, type: vxlan}, {name: b, type: vxlan}]\n\
         subnets: [{network: a, cidr: 10.0.0.0/24}, {network: b, cidr: 10.0.0.0/24}]\n\
         ports: [{name: p, network: a, mac: '02:00:00:00:00:01', addresses: [10.0.0.5]}, {name: q, network: b, mac: '02:00:00:00:00:01', addresses: [10.0.0.5]}]",
    );
    assert_eq!(port(&after, "p").addresses, port(&after, "q").addresses);
}

#[test]
fn a_physical_network_is_known_when_a_host_maps_it() {
    let mut before = Site::default();
    let host = Host {
        id: Uuid::from_u128(1),
        name: "h1".to_owned(),
        encap_ip: None,
        encap_types: BTreeSet::new(),
        bridge_mappings: BTreeMap::from([("lab".to_owned(), "br-eth1".to_owned())]),
        applied: 0,
        unbound: BTreeMap::new(),
        problems: BTreeMap::new(),
    };
    before.hosts.insert(host.id, host);
    let text = "networks: [{name: a, type: vlan, physical_network: lab}]";
    let mut after = apply(text, &before).unwrap();
    assert_eq!(
        network(&after, "a").segment,
        Segment::Vlan {
            physical_network: "lab".to_owned(),
            vlan: 1
        }
    );
    after.hosts.clear();
    assert_eq!(
        apply(text, &after).unwrap(),
        after,
        "the network that is there needs no host to stay"
    );
}

#[test]
fn random_macs_are_local_and_unicast() {
    for _ in 0..100 {
        assert_eq!(random_mac().0[0] & 3, 2);
    }
}

#[test]
fn faults_name_the_thing_and_the_way_out() {
    let before = site(BASE);
    for (text, expected) in [
        (
            "networks: [{name: a}]",
            "1:19: network \"a\" is new and has no type, expected one of vxlan, gre, geneve, vlan, flat, local",
        ),
        (
            "networks: [{name: a, type: vxlan, vni: 16777216}]",
            "1:40: vni 16777216, expected 1 to 16777215 for vxlan",
        ),
        (
            "networks: [{name: a, type: vxlan, vni: 17}]",
            "1:40: vxlan 17 is taken by network \"blue\", expected another vni, or none for the next free one",
        ),
        (
            "networks: [{name: a, type: gre, vni: 5}, {name: b, type: gre, vni: 5}]",
            "1:68: gre 5 is taken by network \"a\", expected another vni, or none for the next free one",
        ),
        (
            "networks: [{name: a, type: vlan, physical_network: provider, vlan: 1001}]",
            "1:68: vlan 1001 on provider is taken by network \"wire\", expected another vlan, or none for the next free one",
        ),
        (
            "networks: [{name: a, type: flat, physical_network: provider}]",
            "1:52: flat on provider is taken by network \"bare\", expected a physical network without a flat network",
        ),
        (
            "networks: [{name: a, type: vlan, physical_network: provider, vlan: 7}]",
            "1:68: vlan 7 is outside the ranges of physical network \"provider\", expected one of 1001-1003",
        ),
        (
            "networks: [{name: a, type: vlan, physical_network: porvider}]",
            "1:52: unknown physical network \"porvider\", expected one that a host maps or physical_networks declares: provider",
        ),
        (
            "networks: [{name: a, type: flat}]",
            "1:19: flat network \"a\" without physical_network, expected the name of one: provider",
        ),
        (
            "networks: [{name: a, type: vlan, physical_network: provider, vni: 5}]",
            "1:67: vni in a vlan network, expected it only in vxlan, gre and geneve networks",
        ),
        (
            "networks: [{name: a, type: vxlan, vlan: 5}]",
            "1:41: vlan in a vxlan network, expected it only in vlan networks",
        ),
        (
            "networks: [{name: a, type: local, physical_network: provider}]",
            "1:53: physical_network in a local network, expected it only in vlan and flat networks",
        ),
        (
            "networks: [{name: blue, vni: 18}]",
            "1:30: network \"blue\" with 1 port(s) can not change from vxlan 17 to vxlan 18, expected the same: delete its ports first, or give the new network another name",
        ),
        (
            "networks: [{name: blue, type: local}]",
            "1:31: network \"blue\" with 1 port(s) can not change from vxlan 17 to local, expected the same: delete its ports first, or give the new network another name",
        ),
        (
            "networks: [{name: blue, mtu: 1279}]\nsubnets: [{name: s6, network: blue, cidr: 'fd00::/64'}]",
            "1:30: mtu 1279 in network \"blue\" with IPv6 subnet \"s6\", expected at least 1280 (RFC 8200)",
        ),
        (
            "networks: [{name: a, type: vlan, physical_network: provider}, {name: b, type: vlan, physical_network: provider}, {name: c, type: vlan, physical_network: provider}]",
            "1:121: no free VLAN on provider is left, expected at least one: extend its vlans, or delete networks that nobody uses",
        ),
        (
            "subnets: [{network: nope, cidr: 10.0.0.0/24}]",
            "1:21: unknown network \"nope\", expected one of this document or of the database: bare, blue, empty, wire",
        ),
        (
            "subnets: [{network: blue, cidr: 10.0.0.0/24}]",
            "1:33: 10.0.0.0/24 overlaps 10.0.0.0/29 of subnet \"s4\", expected subnets of network \"blue\" to be apart",
        ),
        (
            "subnets: [{network: blue, cidr: 10.0.0.4/30}]",
            "1:33: 10.0.0.4/30 overlaps 10.0.0.0/29 of subnet \"s4\", expected subnets of network \"blue\" to be apart",
        ),
        (
            "subnets: [{network: empty, cidr: 10.0.0.0/24, gateway: 10.0.1.1}]",
            "1:56: gateway: 10.0.1.1 is not in 10.0.0.0/24, expected an address of the subnet's endpoints",
        ),
        (
            "subnets: [{name: s4, network: empty, cidr: 10.0.0.0/29}]",
            "1:31: subnet \"s4\" is in network \"blue\" and can not move to \"empty\", expected \"blue\": delete it first, or use another name",
        ),
        (
            "subnets: [{name: s4, network: blue, cidr: 10.0.1.0/29, gateway: 10.0.1.1}]",
            "1:43: port \"web-1\" has 10.0.0.3, which 10.0.1.0/29 would leave outside, expected a prefix that holds it",
        ),
        (
            "ports: [{name: a, network: nope}]",
            "1:28: unknown network \"nope\", expected one of this document or of the database: bare, blue, empty, wire",
        ),
        (
            "ports: [{name: web-1, network: wire}]",
            "1:32: port \"web-1\" is in network \"blue\" and can not move to \"wire\", expected \"blue\": delete it first, or use another name",
        ),
        (
            "ports: [{name: a, network: blue, mac: '02:00:00:00:00:AA'}]",
            "1:39: 02:00:00:00:00:aa is taken by port \"web-1\" of network \"blue\", expected each MAC address once in a network",
        ),
        (
            "ports: [{name: a, network: blue, addresses: [10.0.0.3]}]",
            "1:46: 10.0.0.3 is taken by port \"web-1\" of network \"blue\", expected each address once in a network",
        ),
        (
            "ports: [{name: a, network: blue, addresses: [10.0.0.9]}]",
            "1:46: 10.0.0.9 is in no subnet of network \"blue\", expected an address of 10.0.0.0/29, fd00::/64",
        ),
        (
            "ports: [{name: a, network: empty, addresses: [10.0.0.9]}]",
            "1:47: 10.0.0.9 is in no subnet of network \"empty\", expected an address of a subnet, of which it has none",
        ),
        (
            "ports: [{name: a, network: blue, addresses: [10.0.0.7]}]",
            "1:46: 10.0.0.7 is the broadcast address of 10.0.0.0/29, expected an address of an endpoint",
        ),
        (
            "ports: [{name: a, network: blue}, {name: b, network: blue}, {name: c, network: blue}, {name: d, network: blue}, {name: e, network: blue}]",
            "1:120: no free address in 10.0.0.0/29 of network \"blue\" is left, expected at least one: delete ports that nobody uses, or add a subnet and list addresses",
        ),
    ] {
        assert_eq!(faults(text, &before), expected, "{text}");
    }
}

#[test]
fn all_faults_of_a_stage_are_told() {
    let text =
        "networks: [{name: a, type: vxlan, vni: 17}, {name: b}]\nports: [{name: c, network: a}]";
    assert_eq!(faults(text, &site(BASE)).lines().count(), 2);
}

#[test]
fn a_large_document_takes_linear_time() {
    let mut text =
        "networks: [{name: n, type: vxlan}]\nsubnets: [{network: n, cidr: 10.0.0.0/12}]\nports:\n"
            .to_owned();
    for port in 0..20_000 {
        text += &format!("- {{name: p{port}, network: n}}\n");
    }
    let after = site(&text);
    assert_eq!(after.ports.len(), 20_000);
    assert_eq!(
        after
            .ports
            .values()
            .flat_map(|port| &port.addresses)
            .collect::<BTreeSet<_>>()
            .len(),
        20_000
    );
}
