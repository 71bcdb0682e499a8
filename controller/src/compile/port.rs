//! A port that is plugged in on this host: into its network, past the checks of port security, and out again.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use flows::{Action, EthAddr, Field, Flow, Match};

use super::base::{arp, icmpv6, nd};
use super::network::{tag, tagged, untagged};
use super::pipeline::integration::{ARP_SPOOF, CLASSIFY, FORWARD, MAC_SPOOF};
use super::presence::Presence;
use super::{Cookie, HostFlows, Unit, apply, apply_then, flow};
use crate::model::Port;

/// `elsewhere`: the port is up on another host as well (a live migration).
pub(super) fn compile(
    here: &Presence,
    port: &Port,
    ofport: u32,
    elsewhere: bool,
    out: &mut HostFlows,
) {
    let cookie = Unit::Port(port.id).cookie();
    let from_port = || Match::new().with(Field::InPort, ofport);
    let checked = if port.port_security {
        ARP_SPOOF
    } else {
        FORWARD
    };
    let classified = apply_then(vec![tag(here.lvid)], checked);
    out.integration.push(flow(
        CLASSIFY,
        100,
        cookie,
        untagged(from_port()),
        classified,
    ));
    if port.port_security {
        port_security(cookie, from_port, port, &mut out.integration);
    }
    out.integration.push(flow(
        FORWARD,
        100,
        cookie,
        to_port(here, port),
        apply(deliver(here, ofport, elsewhere)),
    ));
}

/// A packet in the network, for the port.
pub(super) fn to_port(here: &Presence, port: &Port) -> Match {
    tagged(here.lvid).with(Field::EthDst, port.mac)
}

fn deliver(here: &Presence, ofport: u32, elsewhere: bool) -> Vec<Action> {
    let mut actions = Vec::new();
    // Open vSwitch never sends a packet back where it came from, so this is a copy for the other host
    // only when the sender is on this one.
    if elsewhere {
        actions.extend(here.uplink.map(Action::output));
    }
    actions.push(Action::PopVlan);
    actions.push(Action::output(ofport));
    actions
}

/// What the port may say: ARP (RFC 826) and ND (RFC 4861) about its own addresses, frames from its own MAC.
fn port_security(cookie: Cookie, from_port: impl Fn() -> Match, port: &Port, out: &mut Vec<Flow>) {
    let mut allow = |matches: Match| {
        out.push(flow(
            ARP_SPOOF,
            100,
            cookie,
            matches,
            apply_then(vec![], MAC_SPOOF),
        ));
    };
    // RFC 5227, 1.1: an ARP probe has no sender address, and nobody may learn from it.
    let ipv4 = port.addresses.iter().filter_map(|address| match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    });
    for address in ipv4.chain([Ipv4Addr::UNSPECIFIED]) {
        allow(
            arp(from_port())
                .with(Field::ArpSha, port.mac)
                .with(Field::ArpSpa, address),
        );
    }
    // An option that is not there reads as zero.
    let link_layer_addresses = [port.mac, EthAddr::default()];
    for address in ipv6_addresses(port) {
        for mac in link_layer_addresses {
            let solicitation = icmpv6(from_port(), nd::NEIGHBOR_SOLICITATION)
                .with(Field::Ipv6Src, address)
                .with(Field::NdSll, mac);
            allow(solicitation);
            let advertisement = icmpv6(from_port(), nd::NEIGHBOR_ADVERTISEMENT)
                .with(Field::NdTarget, address)
                .with(Field::NdTll, mac);
            allow(advertisement);
        }
        allow(icmpv6(from_port(), nd::ROUTER_SOLICITATION).with(Field::Ipv6Src, address));
    }
    let nobody = Ipv6Addr::UNSPECIFIED;
    allow(
        icmpv6(from_port(), nd::NEIGHBOR_SOLICITATION)
            .with(Field::Ipv6Src, nobody)
            .with(Field::NdSll, EthAddr::default()),
    );
    allow(icmpv6(from_port(), nd::ROUTER_SOLICITATION).with(Field::Ipv6Src, nobody));
    let own_mac = from_port().with(Field::EthSrc, port.mac);
    out.push(flow(
        MAC_SPOOF,
        100,
        cookie,
        own_mac,
        apply_then(vec![], FORWARD),
    ));
}

fn ipv6_addresses(port: &Port) -> BTreeSet<Ipv6Addr> {
    let given = port.addresses.iter().filter_map(|address| match address {
        IpAddr::V6(address) => Some(*address),
        IpAddr::V4(_) => None,
    });
    given.chain([link_local(port.mac)]).collect()
}

/// The link-local address that a host makes of its MAC address (RFC 4291, appendix A).
fn link_local(mac: EthAddr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0.map(u16::from);
    Ipv6Addr::new(
        0xfe80,
        0,
        0,
        0,
        (a ^ 2) << 8 | b,
        c << 8 | 0xff,
        0xfe00 | d,
        e << 8 | f,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_is_eui64() {
        let mac: EthAddr = "02:00:00:ab:cd:01".parse().unwrap();
        assert_eq!(
            link_local(mac),
            "fe80::ff:feab:cd01".parse::<Ipv6Addr>().unwrap()
        );
        let mac: EthAddr = "52:54:00:12:34:56".parse().unwrap();
        assert_eq!(
            link_local(mac),
            "fe80::5054:ff:fe12:3456".parse::<Ipv6Addr>().unwrap()
        );
    }
}
