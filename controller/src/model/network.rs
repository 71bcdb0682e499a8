//! Networks and how each one travels between hosts.

use std::fmt;
use std::ops::RangeInclusive;

use uuid::Uuid;

use super::TunnelType;

/// One layer-2 broadcast domain. What is in one network never reaches another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The row's `_uuid` in the northbound database.
    pub id: Uuid,
    /// Unique on the site.
    pub name: String,
    /// The tenant that owns the network; empty when nobody in particular.
    pub project: String,
    /// How the network is told apart from others between hosts.
    pub segment: Segment,
    /// Largest IP packet, in bytes, that endpoints should send.
    pub mtu: u16,
    /// Hosts learn MAC addresses behind each other, and unknown unicast is flooded, on each host to the ports without port
    /// security. Otherwise the database is the only source of addresses, and tunnels carry no unknown unicast.
    pub learning: bool,
}

/// What carries a [`Network`] between hosts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A tunnel of this type with the network's number as its key: the 24-bit VNI of VXLAN (RFC 7348)
    /// and Geneve (RFC 8926), the 32-bit key of GRE (RFC 2890).
    Tunnel {
        /// The encapsulation.
        tunnel: TunnelType,
        /// VNI or key; at least 1.
        vni: u32,
    },
    /// IEEE 802.1Q on a physical network.
    Vlan {
        /// Name of the physical network.
        physical_network: String,
        /// VLAN id, 1 to 4094.
        vlan: u16,
    },
    /// Untagged on a physical network.
    Flat {
        /// Name of the physical network.
        physical_network: String,
    },
    /// Nothing: ports reach only ports on the same host.
    Local,
}

impl Segment {
    /// The tunnel type, if it is a tunnel.
    #[must_use]
    pub fn tunnel(&self) -> Option<TunnelType> {
        match self {
            Self::Tunnel { tunnel, .. } => Some(*tunnel),
            Self::Vlan { .. } | Self::Flat { .. } | Self::Local => None,
        }
    }

    /// The physical network, if it is on one.
    #[must_use]
    pub fn physical_network(&self) -> Option<&str> {
        match self {
            Self::Vlan {
                physical_network, ..
            }
            | Self::Flat { physical_network } => Some(physical_network),
            Self::Tunnel { .. } | Self::Local => None,
        }
    }

    /// The spelling that no two networks of a site may share: `vxlan/17`, `vlan/provider/1001`, `flat/provider`, and for
    /// a local network, which shares nothing with any other, `local/` and the `name` of the network.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        match self {
            Self::Tunnel { tunnel, vni } => format!("{tunnel}/{vni}"),
            Self::Vlan {
                physical_network,
                vlan,
            } => format!("vlan/{physical_network}/{vlan}"),
            Self::Flat { physical_network } => format!("flat/{physical_network}"),
            Self::Local => format!("local/{name}"),
        }
    }

    /// The largest IP packet, in bytes, that fits where the wires carry IP packets of 1500 bytes (IEEE 802.3) and
    /// tunnels run over IPv4: what a network has when nobody says otherwise.
    #[must_use]
    pub fn default_mtu(&self) -> u16 {
        match self {
            // IPv4 20, UDP 8, VXLAN or Geneve 8, inner Ethernet 14.
            Self::Tunnel {
                tunnel: TunnelType::Vxlan | TunnelType::Geneve,
                ..
            } => 1450,
            // IPv4 20, GRE with a key 8, inner Ethernet 14.
            Self::Tunnel {
                tunnel: TunnelType::Gre,
                ..
            } => 1458,
            Self::Vlan { .. } | Self::Flat { .. } | Self::Local => 1500,
        }
    }

    /// The kind of network, without its numbers.
    #[must_use]
    pub fn network_type(&self) -> NetworkType {
        match self {
            Self::Tunnel { tunnel, .. } => NetworkType::Tunnel(*tunnel),
            Self::Vlan { .. } => NetworkType::Vlan,
            Self::Flat { .. } => NetworkType::Flat,
            Self::Local => NetworkType::Local,
        }
    }

    /// The network type as the YAML and the database call it: `vxlan`, `gre`, `geneve`, `vlan`, `flat` or `local`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.network_type().name()
    }
}

/// The kinds of network: a [`Segment`] without its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetworkType {
    /// [`Segment::Tunnel`] of this type.
    Tunnel(TunnelType),
    /// [`Segment::Vlan`].
    Vlan,
    /// [`Segment::Flat`].
    Flat,
    /// [`Segment::Local`].
    Local,
}

impl NetworkType {
    /// Every type.
    pub const ALL: [Self; 6] = [
        Self::Tunnel(TunnelType::Vxlan),
        Self::Tunnel(TunnelType::Gre),
        Self::Tunnel(TunnelType::Geneve),
        Self::Vlan,
        Self::Flat,
        Self::Local,
    ];

    /// What documents and the database call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tunnel(tunnel) => tunnel.name(),
            Self::Vlan => "vlan",
            Self::Flat => "flat",
            Self::Local => "local",
        }
    }

    /// The type called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for NetworkType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// `vxlan 17`, `vlan 1001 on provider`, `flat on provider`, `local`.
impl fmt::Display for Segment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tunnel { tunnel, vni } => write!(out, "{tunnel} {vni}"),
            Self::Vlan {
                physical_network,
                vlan,
            } => write!(out, "vlan {vlan} on {physical_network}"),
            Self::Flat { physical_network } => write!(out, "flat on {physical_network}"),
            Self::Local => out.write_str("local"),
        }
    }
}

/// A wire that hosts share, by name; each host maps it to a provider bridge of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhysicalNetwork {
    /// The row's `_uuid` in the northbound database.
    pub id: Uuid,
    /// Unique on the site.
    pub name: String,
    /// The VLAN ids on this wire that belong to heddle, in order and apart; empty: every one.
    pub vlans: Vec<RangeInclusive<u16>>,
}

impl PhysicalNetwork {
    /// The VLAN ids that IEEE 802.1Q leaves to users.
    pub const ALL_VLANS: RangeInclusive<u16> = 1..=4094;

    /// The ranges of VLAN ids from which networks on this wire may have theirs.
    #[must_use]
    pub fn ranges(&self) -> &[RangeInclusive<u16>] {
        const ALL: &[RangeInclusive<u16>] = &[PhysicalNetwork::ALL_VLANS];
        if self.vlans.is_empty() {
            ALL
        } else {
            &self.vlans
        }
    }
}
