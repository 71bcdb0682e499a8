//! Ports: where endpoints meet networks.

use std::net::IpAddr;

use flows::EthAddr;
use uuid::Uuid;

use super::SmallSet;

/// The place of one endpoint (a VM's or container's interface) in one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The row's `_uuid` in the northbound database.
    pub id: Uuid,
    /// Unique on the site.
    pub name: String,
    /// The network's `_uuid`.
    pub network: Uuid,
    /// Unique in the network.
    pub mac: EthAddr,
    /// Each unique in the network.
    pub addresses: SmallSet<IpAddr>,
    /// The endpoint may send only from `mac` and speak ARP and ND only for `addresses` (and its own
    /// EUI-64 link-local address).
    pub port_security: bool,
    /// The hosts (`_uuid`) where the port is plugged in and its flows are acknowledged. Two during a
    /// live migration: both then receive what is sent to the port.
    pub hosts: SmallSet<Uuid>,
}
