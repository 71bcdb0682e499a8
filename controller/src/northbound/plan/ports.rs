//! Ports of a document: their MAC and IP addresses, given or chosen.

use std::net::IpAddr;

use flows::EthAddr;
use uuid::Uuid;

use super::{LISTED, Planner, first_names};
use crate::model::document::{At, Document, PortEntry, Wrong};
use crate::model::{Port, Site, SmallSet};

/// How many random MAC addresses are tried; a network would need tens of billions of ports for all to be taken.
const MAC_TRIES: usize = 1000;

impl Planner {
    pub(super) fn ports(
        &mut self,
        document: &Document,
        before: &Site,
        new_mac: &mut dyn FnMut() -> EthAddr,
    ) {
        let settled: Vec<_> = document
            .ports
            .iter()
            .filter_map(|entry| {
                let network = self.network_of(&entry.network)?;
                Some((entry, self.settle_port(entry, network)?))
            })
            .collect();
        // What the document replaces is free before anything is taken, so that two ports may swap addresses.
        for (entry, port) in &settled {
            let Some(old) = self.site.ports.get(&port.id) else {
                continue;
            };
            if entry.mac.is_some() {
                self.index.release_mac(old.network, old.mac);
            }
            if entry.addresses.is_some() {
                for address in &old.addresses {
                    self.index.release_address(old.network, *address);
                }
            }
        }
        // What the document names is taken before free ones are looked for.
        for (entry, port) in &settled {
            self.claim(entry, port);
            self.index.ports.insert(port.name.clone(), port.id);
            self.site.ports.insert(port.id, port.clone());
        }
        if self.faults.is_empty() {
            for (entry, port) in settled {
                self.choose(entry, port, before, new_mac);
            }
        }
    }

    /// The port as the entry wants it; a new one without MAC address has that of all zeroes so far.
    fn settle_port(&mut self, entry: &PortEntry, network: Uuid) -> Option<Port> {
        let existing = self
            .index
            .ports
            .get(&entry.name.value)
            .and_then(|id| self.site.ports.get(id))
            .cloned();
        let present = existing.as_ref().map(|old| old.network);
        self.stays("port", &entry.name, present, &entry.network, network)?;
        let mut port = existing.unwrap_or_else(|| Port {
            id: Uuid::new_v4(),
            name: entry.name.value.clone(),
            network,
            mac: EthAddr::default(),
            addresses: SmallSet::default(),
            port_security: true,
            hosts: SmallSet::default(),
        });
        if let Some(mac) = &entry.mac {
            port.mac = mac.value;
        }
        if let Some(addresses) = entry.address_set() {
            port.addresses = addresses.into_iter().collect();
        }
        if let Some(port_security) = entry.port_security {
            port.port_security = port_security;
        }
        Some(port)
    }

    /// Takes the MAC address and the addresses that the entry names.
    fn claim(&mut self, entry: &PortEntry, port: &Port) {
        if let Some(mac) = &entry.mac
            && let Err(other) = self.index.claim_mac(port.network, mac.value, port.id)
        {
            let (by, network) = (self.port_name(other), self.network_name(port.network));
            self.fault(
                mac.place,
                Wrong::MacTaken {
                    mac: mac.value,
                    by,
                    network,
                },
            );
        }
        for address in entry.addresses.iter().flatten() {
            self.claim_address(address, port);
        }
    }

    fn claim_address(&mut self, address: &At<IpAddr>, port: &Port) {
        let network = self.network_name(port.network);
        let subnet = self
            .index
            .subnet_of(port.network, address.value)
            .and_then(|id| self.site.subnets.get(&id));
        let wrong = match subnet.map(|subnet| subnet.check_address(address.value)) {
            None => Wrong::AddressOutside {
                address: address.value,
                network,
                subnets: self.prefixes(port.network),
            },
            Some(Err(error)) => Wrong::Address(error),
            Some(Ok(())) => match self
                .index
                .claim_address(port.network, address.value, port.id)
            {
                Ok(()) => return,
                Err(other) => Wrong::AddressTaken {
                    address: address.value,
                    by: self.port_name(other),
                    network,
                },
            },
        };
        self.fault(address.place, wrong);
    }

    /// Fills in what a new port's entry leaves out.
    fn choose(
        &mut self,
        entry: &PortEntry,
        mut port: Port,
        before: &Site,
        new_mac: &mut dyn FnMut() -> EthAddr,
    ) {
        if before.ports.contains_key(&port.id) {
            return;
        }
        if entry.mac.is_none() {
            let free = (0..MAC_TRIES)
                .map(|_| new_mac())
                .find(|mac| self.index.claim_mac(port.network, *mac, port.id).is_ok());
            match free {
                Some(mac) => port.mac = mac,
                None => {
                    let what = format!("MAC address in network {:?}", entry.network.value);
                    let way_out = "give the port a mac".to_owned();
                    self.fault(entry.name.place, Wrong::Exhausted { what, way_out });
                }
            }
        }
        if entry.addresses.is_none() {
            let subnets: Vec<_> = self
                .index
                .subnets_of(port.network)
                .map(|(_, id)| id)
                .collect();
            for id in subnets {
                let Some(subnet) = self.site.subnets.get(&id) else {
                    continue;
                };
                match self.index.allocate_address(subnet, port.id) {
                    Some(address) => {
                        port.addresses.insert(address);
                    }
                    None => {
                        let what = format!(
                            "address in {} of network {:?}",
                            subnet.cidr, entry.network.value
                        );
                        let way_out =
                            "delete ports that nobody uses, or add a subnet and list addresses"
                                .to_owned();
                        self.fault(entry.name.place, Wrong::Exhausted { what, way_out });
                    }
                }
            }
        }
        self.site.ports.insert(port.id, port);
    }

    fn port_name(&self, id: Uuid) -> String {
        self.site
            .ports
            .get(&id)
            .map_or_else(|| id.to_string(), |port| port.name.clone())
    }

    /// The prefixes of a network for a message.
    fn prefixes(&self, network: Uuid) -> String {
        let prefixes: Vec<_> = self
            .index
            .subnets_of(network)
            .take(LISTED.saturating_add(1))
            .collect();
        if prefixes.is_empty() {
            return "a subnet, of which it has none".to_owned();
        }
        let prefixes: Vec<String> = prefixes
            .iter()
            .map(|(prefix, _)| prefix.to_string())
            .collect();
        first_names(prefixes.iter().map(String::as_str)).join(", ")
    }
}
