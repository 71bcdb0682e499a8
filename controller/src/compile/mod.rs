//! Intent and this host's view of itself → the flows that this host must have. Pure: no switch, no clock.
//!
//! Each file compiles one kind of object; every flow's cookie names the object it serves.
//! [`pipeline`] names the tables; `compile(site, view)` of the same input is always the same output.

pub mod pipeline;

mod base;
mod cookie;
mod host;
mod layout;
mod network;
mod port;
mod responder;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use flows::{Action, Flow, Instructions, Match};
use uuid::Uuid;

pub use cookie::{Cookie, Kind};
pub use layout::{
    Layout, LeadsTo, PATCH_INT, PATCH_TUN, PortSpec, int_port, phy_port, tunnel_port,
};
pub use view::{HostView, Provider};

use crate::model::{Host, Network, Port, Segment, Site};
use pipeline::Table;

/// The flows that a host must have, by bridge.
#[derive(Clone, Debug, Default)]
pub struct HostFlows {
    /// Flows of `br-int`.
    pub integration: Vec<Flow>,
    /// Flows of `br-tun`.
    pub tunnel: Vec<Flow>,
    /// Flows that heddle adds to each provider bridge, by bridge name.
    pub providers: BTreeMap<String, Vec<Flow>>,
}

/// Compiles everything for one host.
#[must_use]
pub fn compile(site: &Site, view: &HostView) -> HostFlows {
    let mut out = HostFlows::default();
    base::compile(view, &mut out);
    for host in peers(site, view) {
        host::compile(view, host, &mut out);
    }
    for here in networks_here(site, view) {
        network::compile(view, &here, &mut out);
        for local in &here.local_ports {
            port::compile(&here, local, &mut out);
        }
        if let Some(through) = here.tunnel {
            responder::compile(&here, through, &mut out);
        }
    }
    out
}

/// A network that is present on this host, with all that its flows are made of.
struct NetworkHere<'a> {
    network: &'a Network,
    /// The local VLAN.
    lvid: u16,
    /// The way to other hosts, on `br-int`: `patch-tun` or `int-<bridge>`; none: the network ends here.
    uplink: Option<u32>,
    /// How it travels through `br-tun`; none unless it is a tunnel network and the tunnel port exists.
    tunnel: Option<Tunnel>,
    /// Ports of the network that are plugged in here.
    local_ports: Vec<LocalPort<'a>>,
    /// Ports of the network that are up on other hosts that this host can reach, with those hosts' addresses.
    remote_ports: Vec<RemotePort<'a>>,
    /// Addresses of the other hosts that have the network.
    peers: BTreeSet<IpAddr>,
}

struct LocalPort<'a> {
    port: &'a Port,
    /// None until it is known.
    ofport: Option<u32>,
    /// The port is up on another host as well (a live migration).
    elsewhere: bool,
}

struct RemotePort<'a> {
    port: &'a Port,
    /// Tunnel addresses of the hosts where it is up.
    peers: BTreeSet<IpAddr>,
}

#[derive(Clone, Copy)]
struct Tunnel {
    /// The tunnel port's number on `br-tun`.
    ofport: u32,
    vni: u32,
}

/// Other hosts that end tunnels of some type that this host ends too, over the same IP version.
fn peers<'a>(site: &'a Site, view: &'a HostView) -> impl Iterator<Item = &'a Host> {
    site.hosts
        .values()
        .filter(|host| Some(host.id) != view.host && peer_address(view, host).is_some())
}

/// The address to which this host sends tunnel packets for `host`.
fn peer_address(view: &HostView, host: &Host) -> Option<IpAddr> {
    let (own, theirs) = (view.encap_ip?, host.encap_ip?);
    (own.is_ipv4() == theirs.is_ipv4() && own != theirs).then_some(theirs)
}

fn networks_here<'a>(site: &'a Site, view: &'a HostView) -> Vec<NetworkHere<'a>> {
    let mut here: BTreeMap<Uuid, NetworkHere<'a>> = view
        .local_vlans
        .iter()
        .filter_map(|(id, &lvid)| {
            let network = site.networks.get(id)?;
            let tunnel = match network.segment {
                Segment::Tunnel { tunnel, vni } => view
                    .tunnels
                    .get(&tunnel)
                    .map(|&ofport| Tunnel { ofport, vni }),
                Segment::Vlan { .. } | Segment::Flat { .. } | Segment::Local => None,
            };
            let uplink = match &network.segment {
                Segment::Tunnel { .. } => view.patch_tun,
                Segment::Vlan {
                    physical_network, ..
                }
                | Segment::Flat { physical_network } => view
                    .providers
                    .get(physical_network)
                    .and_then(|provider| provider.int_port),
                Segment::Local => None,
            };
            let network = NetworkHere {
                network,
                lvid,
                uplink,
                tunnel,
                local_ports: Vec::new(),
                remote_ports: Vec::new(),
                peers: BTreeSet::new(),
            };
            Some((*id, network))
        })
        .collect();
    for port in site.ports.values() {
        let Some(here) = here.get_mut(&port.network) else {
            continue;
        };
        let others = || {
            port.hosts
                .iter()
                .filter(|&&id| Some(id) != view.host)
                .filter_map(|id| site.hosts.get(id))
        };
        if let Some(&ofport) = view.bindings.get(&port.id) {
            here.local_ports.push(LocalPort {
                port,
                ofport,
                elsewhere: others().next().is_some(),
            });
        }
        let Some(tunnel) = here.network.segment.tunnel() else {
            continue;
        };
        let peers: BTreeSet<IpAddr> = others()
            .filter(|host| host.encap_types.contains(&tunnel))
            .filter_map(|host| peer_address(view, host))
            .collect();
        if !peers.is_empty() {
            here.peers.extend(&peers);
            here.remote_ports.push(RemotePort { port, peers });
        }
    }
    here.into_values().collect()
}

/// One flow that lives until it is deleted.
fn flow(
    table: Table,
    priority: u16,
    cookie: Cookie,
    matches: Match,
    instructions: Instructions,
) -> Flow {
    Flow::new(table.number, priority, matches)
        .doing(instructions)
        .cookie(cookie.raw())
}

/// Apply `actions`, and that is all.
fn apply(actions: Vec<Action>) -> Instructions {
    Instructions::new().apply(actions)
}

/// Apply `actions`, then go on in `table`.
fn apply_then(actions: Vec<Action>, table: Table) -> Instructions {
    let instructions = if actions.is_empty() {
        Instructions::new()
    } else {
        apply(actions)
    };
    instructions.goto(table.number)
}

/// Forget the packet.
fn drop_packet() -> Instructions {
    Instructions::default()
}

#[cfg(test)]
mod tests;
