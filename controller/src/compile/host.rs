//! Another host: which tunnel packets are taken as its own.

use std::net::IpAddr;

use flows::{Field, Match};

use super::pipeline::tunnel;
use super::{Cookie, HostFlows, HostView, Kind, apply_then, flow};
use crate::model::Host;

pub(super) fn compile(view: &HostView, host: &Host, out: &mut HostFlows) {
    let Some(address) = super::peer_address(view, host) else {
        return;
    };
    for (&tunnel, &ofport) in &view.tunnels {
        if !host.encap_types.contains(&tunnel) {
            continue;
        }
        let from = Match::new().with(Field::InPort, ofport);
        let from = match address {
            IpAddr::V4(address) => from.with(Field::TunSrc, address),
            IpAddr::V6(address) => from.with(Field::TunIpv6Src, address),
        };
        let cookie = Cookie::new(Kind::Host, host.id);
        out.tunnel.push(flow(
            tunnel::CLASSIFY,
            100,
            cookie,
            from,
            apply_then(vec![], tunnel::to_lvid(tunnel)),
        ));
    }
}
