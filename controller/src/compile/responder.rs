//! What `br-tun` knows of each address of a tunnel network: the peer that has it, and the answer to ARP and ND.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use flows::{Action, EthAddr, Field, Match};

use super::base::{arp_request, icmpv6, nd};
use super::network::{encapsulate, tagged};
use super::pipeline::tunnel::{ARP_ND, ND_REPLY, UNICAST};
use super::port::to_port;
use super::presence::{Presence, Tunnel};
use super::{HostFlows, Unit, apply, apply_then, drop_packet, flow};
use crate::model::Port;

/// A port that is up on other hosts that this host can reach, at these addresses.
pub(super) fn remote(
    here: &Presence,
    through: Tunnel,
    port: &Port,
    peers: &BTreeSet<IpAddr>,
    out: &mut HostFlows,
) {
    let cookie = Unit::Port(port.id).cookie();
    let actions = encapsulate(through, peers);
    let to_port = to_port(here, port);
    out.tunnel
        .push(flow(UNICAST, 100, cookie, to_port, apply(actions)));
    for &address in &port.addresses {
        let answered = match address {
            IpAddr::V4(address) => apply(arp_reply(address, port.mac)),
            IpAddr::V6(address) => apply_then(nd_advertise(address, port.mac), ND_REPLY),
        };
        out.tunnel
            .push(flow(ARP_ND, 100, cookie, request(here, address), answered));
    }
}

/// A port that is here and nowhere else: br-int has flooded the request to the ports of this host, and nobody else has
/// the address.
pub(super) fn local(here: &Presence, port: &Port, out: &mut HostFlows) {
    let cookie = Unit::Port(port.id).cookie();
    for &address in &port.addresses {
        out.tunnel.push(flow(
            ARP_ND,
            120,
            cookie,
            request(here, address),
            drop_packet(),
        ));
    }
}

/// `arp,arp_op=1,arp_tpa=…` or `icmp6,icmp_type=135,nd_target=…` in the network.
fn request(here: &Presence, address: IpAddr) -> Match {
    let here = tagged(here.lvid);
    match address {
        IpAddr::V4(address) => arp_request(here).with(Field::ArpTpa, address),
        IpAddr::V6(address) => {
            icmpv6(here, nd::NEIGHBOR_SOLICITATION).with(Field::NdTarget, address)
        }
    }
}

/// Turns an ARP request for `address` into the reply (RFC 826) and sends it back.
fn arp_reply(address: Ipv4Addr, mac: EthAddr) -> Vec<Action> {
    vec![
        Action::copy(Field::EthSrc, Field::EthDst),
        Action::set_field(Field::EthSrc, mac),
        Action::set_field(Field::ArpOp, 2u16),
        Action::copy(Field::ArpSha, Field::ArpTha),
        Action::copy(Field::ArpSpa, Field::ArpTpa),
        Action::set_field(Field::ArpSha, mac),
        Action::set_field(Field::ArpSpa, address),
        Action::output(flows::Port::IN_PORT),
    ]
}

/// Turns a neighbor solicitation for `address` into the first half of an advertisement (RFC 4861, 4.4).
fn nd_advertise(address: Ipv6Addr, mac: EthAddr) -> Vec<Action> {
    vec![
        Action::copy(Field::EthSrc, Field::EthDst),
        Action::set_field(Field::EthSrc, mac),
        Action::copy(Field::Ipv6Src, Field::Ipv6Dst),
        Action::set_field(Field::Ipv6Src, address),
        Action::set_field(Field::Icmpv6Type, nd::NEIGHBOR_ADVERTISEMENT),
    ]
}
