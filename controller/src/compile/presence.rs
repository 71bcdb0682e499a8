//! How a network and its ports are on this host: all that their flows are made of, taken from intent and view.

use std::collections::BTreeSet;
use std::net::IpAddr;

use uuid::Uuid;

use super::{HostView, Provider};
use crate::model::{Host, Network, Segment, TunnelType};

/// A network that is present on this host. What of the view its flows and those of its ports are made of is all in here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Presence {
    /// The network's `_uuid`.
    pub(super) network: Uuid,
    pub(super) learning: bool,
    /// The local VLAN.
    pub(super) lvid: u16,
    /// The way to other hosts, on `br-int`: `patch-tun` or `int-<bridge>`; none: the network ends here.
    pub(super) uplink: Option<u32>,
    pub(super) way: Way,
}

/// How a network travels between hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Not at all, or the host lacks what it takes.
    None,
    /// Through `br-tun`.
    Tunnel(Tunnel),
    /// Over a provider bridge.
    Wire {
        bridge: Provider,
        /// The provider VLAN; none: untagged.
        vlan: Option<u16>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tunnel {
    pub(super) kind: TunnelType,
    /// The tunnel port's number on `br-tun`.
    pub(super) ofport: u32,
    pub(super) vni: u32,
    /// Of a network that learns: the address of this host, and `patch-int` on `br-tun`.
    pub(super) learn: Option<(IpAddr, u32)>,
}

impl Presence {
    /// None unless the network has a local VLAN.
    pub(super) fn of(network: &Network, view: &HostView) -> Option<Self> {
        let lvid = *view.local_vlans.get(&network.id)?;
        let wire = |physical_network, vlan| {
            let provider: Option<&Provider> = view.providers.get(physical_network);
            let way = provider.map_or(Way::None, |provider| Way::Wire {
                bridge: provider.clone(),
                vlan,
            });
            (provider.and_then(|provider| provider.int_port), way)
        };
        let (uplink, way) = match &network.segment {
            &Segment::Tunnel { tunnel: kind, vni } => {
                let way = view.tunnels.get(&kind).map_or(Way::None, |&ofport| {
                    Way::Tunnel(Tunnel {
                        kind,
                        ofport,
                        vni,
                        learn: (view.encap_ip.zip(view.patch_int)).filter(|_| network.learning),
                    })
                });
                (view.patch_tun, way)
            }
            Segment::Vlan {
                physical_network,
                vlan,
            } => wire(physical_network, Some(*vlan)),
            Segment::Flat { physical_network } => wire(physical_network, None),
            Segment::Local => (None, Way::None),
        };
        Some(Self {
            network: network.id,
            learning: network.learning,
            lvid,
            uplink,
            way,
        })
    }

    pub(super) fn tunnel(&self) -> Option<Tunnel> {
        match self.way {
            Way::Tunnel(tunnel) => Some(tunnel),
            Way::None | Way::Wire { .. } => None,
        }
    }
}

/// Another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// Where this host sends tunnel packets for it; none: the two have no tunnels.
    address: Option<IpAddr>,
    types: BTreeSet<TunnelType>,
}

impl Peer {
    /// None for this host itself.
    pub(super) fn of(host: &Host, view: &HostView) -> Option<Self> {
        let address = view.encap_ip.zip(host.encap_ip).and_then(|(own, theirs)| {
            (own.is_ipv4() == theirs.is_ipv4() && own != theirs).then_some(theirs)
        });
        (Some(host.id) != view.host).then(|| Self {
            address,
            types: host.encap_types.clone(),
        })
    }

    /// Where tunnels of this type to the host end.
    pub(super) fn address(&self, tunnel: TunnelType) -> Option<IpAddr> {
        self.address.filter(|_| self.types.contains(&tunnel))
    }
}

/// A port that is plugged in here, as its network needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plugged {
    /// On `br-int`; none until it is known.
    pub(super) ofport: Option<u32>,
    pub(super) port_security: bool,
}
