//! The addresses of a network.

use std::net::IpAddr;

use ipnet::IpNet;
use uuid::Uuid;

/// An IPv4 or IPv6 prefix of a network, from which its ports have their addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The row's `_uuid` in the northbound database.
    pub id: Uuid,
    /// Unique on the site.
    pub name: String,
    /// The network's `_uuid`.
    pub network: Uuid,
    /// The prefix, with no host bits set.
    pub cidr: IpNet,
    /// The router's address, inside `cidr`; never allocated to a port.
    pub gateway: Option<IpAddr>,
}
