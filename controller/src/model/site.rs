//! The whole intent, or the part of it that a host must know.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Host, Network, PhysicalNetwork, Port, Subnet};

/// Everything the northbound database says at one moment, by `_uuid`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// The number of the newest intent transaction. Writers guard against each other with it, and hosts
    /// acknowledge it ([`Host::applied`]).
    pub revision: u64,
    /// The wires.
    pub physical_networks: BTreeMap<Uuid, PhysicalNetwork>,
    /// The networks.
    pub networks: BTreeMap<Uuid, Network>,
    /// The subnets.
    pub subnets: BTreeMap<Uuid, Subnet>,
    /// The ports.
    pub ports: BTreeMap<Uuid, Port>,
    /// The hosts.
    pub hosts: BTreeMap<Uuid, Host>,
}

impl Site {
    /// The host of that name. Looks at all of them.
    #[must_use]
    pub fn host_named(&self, name: &str) -> Option<&Host> {
        self.hosts.values().find(|host| host.name == name)
    }
}
