//! Hosts: the hypervisors that run an agent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use uuid::Uuid;

/// A hypervisor, as its agent has registered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The row's `_uuid` in the northbound database.
    pub id: Uuid,
    /// Unique on the site.
    pub name: String,
    /// Where the other hosts send their tunnel packets; none: the host takes no part in tunnel networks.
    pub encap_ip: Option<IpAddr>,
    /// The tunnel types that the host takes part in.
    pub encap_types: BTreeSet<TunnelType>,
    /// Physical network → provider bridge.
    pub bridge_mappings: BTreeMap<String, String>,
    /// The newest [`Site::revision`](super::Site::revision) whose flows this host has acknowledged.
    pub applied: u64,
    /// Interface name → `iface-id` of interfaces that name no port: they stay dropped.
    pub unbound: BTreeMap<String, String>,
    /// What keeps a part of the host from working, by the thing it is about, with the way out.
    pub problems: BTreeMap<String, String>,
}

/// The encapsulations of Open vSwitch's tunnel ports that heddle uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelType {
    /// VXLAN, RFC 7348.
    Vxlan,
    /// GRE with a key, RFC 2784 and RFC 2890.
    Gre,
    /// Geneve, RFC 8926.
    Geneve,
}

impl TunnelType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Vxlan, Self::Gre, Self::Geneve];

    /// The name that is also Open vSwitch's `Interface.type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::Gre => "gre",
            Self::Geneve => "geneve",
        }
    }

    /// The largest VNI or key: 24 bits, or 32 for GRE.
    #[must_use]
    pub fn max_vni(self) -> u32 {
        match self {
            Self::Vxlan | Self::Geneve => 0x00ff_ffff,
            Self::Gre => u32::MAX,
        }
    }

    /// The type called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tunnel| tunnel.name() == name)
    }
}

impl fmt::Display for TunnelType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
