//! Another host: which tunnel packets are taken as its own.

use std::net::IpAddr;

use flows::{Field, Match};
use uuid::Uuid;

use super::pipeline::tunnel;
use super::presence::Peer;
use super::{HostFlows, HostView, Unit, apply_then, flow};

pub(super) fn compile(view: &HostView, id: Uuid, peer: &Peer, out: &mut HostFlows) {
    let cookie = Unit::Host(id).cookie();
    for (&tunnel, &ofport) in &view.tunnels {
        let Some(address) = peer.address(tunnel) else {
            continue;
        };
        let from = Match::new().with(Field::InPort, ofport);
        let from = match address {
            IpAddr::V4(address) => from.with(Field::TunSrc, address),
            IpAddr::V6(address) => from.with(Field::TunIpv6Src, address),
        };
        out.tunnel.push(flow(
            tunnel::CLASSIFY,
            100,
            cookie,
            from,
            apply_then(vec![], tunnel::to_lvid(tunnel)),
        ));
    }
}
