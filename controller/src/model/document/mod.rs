//! The YAML document of intent: physical networks, networks, subnets and ports as somebody wrote them, each value
//! with its place in the text. Knows what a value may look like by itself; what it means beside the rest of the
//! site is for `northbound` to judge.

mod fault;
mod node;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use flows::EthAddr;
use ipnet::IpNet;

pub use fault::{Fault, Wrong};

use super::NetworkType;

/// The largest document, in bytes.
pub const MAX_BYTES: usize = 32 << 20;

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
}

impl Place {
    /// Where the document begins: the place of what is wrong with all of it.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands in the document; with YAML aliases, where it was written.
    pub place: Place,
}

/// What a document asks for. What an entry leaves out stays as it is, or is chosen when the object is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Under `physical_networks`.
    pub physical_networks: Vec<PhysicalNetworkEntry>,
    /// Under `networks`.
    pub networks: Vec<NetworkEntry>,
    /// Under `subnets`.
    pub subnets: Vec<SubnetEntry>,
    /// Under `ports`.
    pub ports: Vec<PortEntry>,
}

/// One of `physical_networks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhysicalNetworkEntry {
    /// `name`.
    pub name: At<String>,
    /// `vlans`: in order and apart.
    pub vlans: Option<Vec<RangeInclusive<u16>>>,
}

/// One of `networks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkEntry {
    /// `name`.
    pub name: At<String>,
    /// `project`.
    pub project: Option<String>,
    /// `type`.
    pub network_type: Option<At<NetworkType>>,
    /// `vni`, at least 1.
    pub vni: Option<At<u32>>,
    /// `physical_network`.
    pub physical_network: Option<At<String>>,
    /// `vlan`, 1 to 4094.
    pub vlan: Option<At<u16>>,
    /// `mtu` in bytes, at least 68.
    pub mtu: Option<At<u16>>,
    /// `learning`.
    pub learning: Option<bool>,
}

/// One of `subnets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetEntry {
    /// `name`, or `NETWORK-CIDR` where there is none.
    pub name: At<String>,
    /// `network`: the name of one.
    pub network: At<String>,
    /// `cidr`, which [`check_prefix`](super::check_prefix) accepts.
    pub cidr: At<IpNet>,
    /// `gateway`.
    pub gateway: Option<At<IpAddr>>,
}

/// One of `ports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortEntry {
    /// `name`.
    pub name: At<String>,
    /// `network`: the name of one.
    pub network: At<String>,
    /// `mac`: unicast.
    pub mac: Option<At<EthAddr>>,
    /// `addresses`, each once.
    pub addresses: Option<Vec<At<IpAddr>>>,
    /// `port_security`.
    pub port_security: Option<bool>,
}

impl PortEntry {
    /// The addresses without their places.
    #[must_use]
    pub fn address_set(&self) -> Option<BTreeSet<IpAddr>> {
        self.addresses
            .as_ref()
            .map(|addresses| addresses.iter().map(|address| address.value).collect())
    }
}

impl Document {
    /// Reads a YAML document.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text; only the first where it is not YAML.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        read::document(text)
    }
}
