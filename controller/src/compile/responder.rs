//! What `br-tun` knows of each address of a tunnel network: the peer that has it, and the answer to ARP and ND.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use flows::{Action, EthAddr, Field, Match, Port};

use super::base::{arp_request, icmpv6, nd};
use super::network::{encapsulate, tagged};
use super::pipeline::tunnel::{ARP_ND, ND_REPLY, UNICAST};
use super::port::to_port;
use super::{Cookie, HostFlows, Kind, NetworkHere, Tunnel, apply, apply_then, drop_packet, flow};

pub(super) fn compile(here: &NetworkHere<'_>, through: Tunnel, out: &mut HostFlows) {
    for remote in &here.remote_ports {
        let cookie = Cookie::new(Kind::Port, remote.port.id);
        let actions = encapsulate(through, &remote.peers);
        out.tunnel.push(flow(
            UNICAST,
            100,
            cookie,
            to_port(here, remote.port),
            apply(actions),
        ));
        for &address in &remote.port.addresses {
            let answered = match address {
                IpAddr::V4(address) => apply(arp_reply(address, remote.port.mac)),
                IpAddr::V6(address) => apply_then(nd_advertise(address, remote.port.mac), ND_REPLY),
            };
            out.tunnel
                .push(flow(ARP_ND, 100, cookie, request(here, address), answered));
        }
    }
    // br-int has flooded the request to the ports of this host, and nobody else has the address.
    for local in here.local_ports.iter().filter(|local| !local.elsewhere) {
        let cookie = Cookie::new(Kind::Port, local.port.id);
        for &address in &local.port.addresses {
            out.tunnel.push(flow(
                ARP_ND,
                120,
                cookie,
                request(here, address),
                drop_packet(),
            ));
        }
    }
}

/// `arp,arp_op=1,arp_tpa=…` or `icmp6,icmp_type=135,nd_target=…` in the network.
fn request(here: &NetworkHere<'_>, address: IpAddr) -> Match {
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
        Action::output(Port::IN_PORT),
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
