//! Subnets of a document: apart from each other, and no smaller than the ports that are in them.

use std::net::IpAddr;

use ipnet::IpNet;
use uuid::Uuid;

use super::{ByNetwork, Planner};
use crate::model::document::{Document, Place, SubnetEntry, Wrong};
use crate::model::{Site, Subnet};

impl Planner {
    pub(super) fn subnets(&mut self, document: &Document) {
        let settled: Vec<_> = document
            .subnets
            .iter()
            .filter_map(|entry| {
                let network = self.network_of(&entry.network)?;
                Some((entry, self.settle_subnet(entry, network)?))
            })
            .collect();
        for (_, subnet) in &settled {
            if let Some(old) = self.site.subnets.get(&subnet.id) {
                self.index.release_prefix(old.network, old.cidr);
            }
        }
        for (entry, subnet) in settled {
            if let Err((other, by)) =
                self.index
                    .claim_prefix(subnet.network, subnet.cidr, subnet.id)
            {
                let by = self
                    .site
                    .subnets
                    .get(&by)
                    .map_or_else(|| by.to_string(), |subnet| subnet.name.clone());
                let network = self.network_name(subnet.network);
                self.fault(
                    entry.cidr.place,
                    Wrong::Overlap {
                        cidr: subnet.cidr,
                        other,
                        by,
                        network,
                    },
                );
            } else {
                self.index.subnets.insert(subnet.name.clone(), subnet.id);
                self.site.subnets.insert(subnet.id, subnet);
            }
        }
        self.mtus(document);
    }

    fn settle_subnet(&mut self, entry: &SubnetEntry, network: Uuid) -> Option<Subnet> {
        let existing = self
            .index
            .subnets
            .get(&entry.name.value)
            .and_then(|id| self.site.subnets.get(id))
            .cloned();
        let present = existing.as_ref().map(|old| old.network);
        self.stays("subnet", &entry.name, present, &entry.network, network)?;
        let gateway = entry.gateway.as_ref().map(|gateway| gateway.value);
        let gateway = gateway.or(existing.as_ref().and_then(|old| old.gateway));
        let id = existing.map_or_else(Uuid::new_v4, |old| old.id);
        let subnet = Subnet {
            id,
            name: entry.name.value.clone(),
            network,
            cidr: entry.cidr.value,
            gateway,
        };
        if let Some(Err(error)) = gateway.map(|gateway| subnet.check_address(gateway)) {
            let place = entry
                .gateway
                .as_ref()
                .map_or(entry.cidr.place, |gateway| gateway.place);
            self.fault(place, Wrong::Gateway(error));
            return None;
        }
        Some(subnet)
    }

    /// IPv6 needs packets of 1280 bytes (RFC 8200, 5) in every network of the document.
    fn mtus(&mut self, document: &Document) {
        /// IPv6's smallest link.
        const IPV6_MIN: u16 = 1280;
        let mut places: ByNetwork<Place> = ByNetwork::new();
        for entry in &document.subnets {
            if let Some(id) = self.index.networks.get(&entry.network.value) {
                places.insert(*id, entry.cidr.place);
            }
        }
        for entry in &document.networks {
            if let (Some(id), Some(mtu)) = (self.index.networks.get(&entry.name.value), &entry.mtu)
            {
                places.insert(*id, mtu.place);
            }
        }
        for (id, place) in places {
            let Some(network) = self
                .site
                .networks
                .get(&id)
                .filter(|network| network.mtu < IPV6_MIN)
            else {
                continue;
            };
            let mut subnets = self.index.subnets_of(id);
            let Some((_, subnet)) = subnets.find(|(prefix, _)| matches!(prefix, IpNet::V6(_)))
            else {
                continue;
            };
            let subnet = self
                .site
                .subnets
                .get(&subnet)
                .map(|subnet| subnet.name.clone())
                .unwrap_or_default();
            let (mtu, network) = (network.mtu, network.name.clone());
            drop(subnets);
            self.fault(
                place,
                Wrong::MtuForIpv6 {
                    mtu,
                    network,
                    subnet,
                },
            );
        }
    }

    /// Faults a subnet that was changed so that a port has an address in none.
    pub(super) fn left_behind(&mut self, document: &Document, before: &Site) {
        let mut shrunk: ByNetwork<Vec<(IpNet, &SubnetEntry)>> = ByNetwork::new();
        for entry in &document.subnets {
            let id = self.index.subnets.get(&entry.name.value);
            if let Some(old) = id
                .and_then(|id| before.subnets.get(id))
                .filter(|old| old.cidr != entry.cidr.value)
            {
                shrunk
                    .entry(old.network)
                    .or_default()
                    .push((old.cidr, entry));
            }
        }
        if shrunk.is_empty() {
            return;
        }
        let mut faults = Vec::new();
        for port in self.site.ports.values() {
            let Some(changed) = shrunk.get(&port.network) else {
                continue;
            };
            for address in port
                .addresses
                .iter()
                .filter(|address| self.homeless(port.network, **address))
            {
                let Some((_, entry)) = changed.iter().find(|(old, _)| old.contains(address)) else {
                    continue;
                };
                let (name, cidr) = (port.name.clone(), entry.cidr.value);
                faults.push((
                    entry.cidr.place,
                    Wrong::PortLeftOutside {
                        port: name,
                        address: *address,
                        cidr,
                    },
                ));
            }
        }
        for (place, wrong) in faults {
            self.fault(place, wrong);
        }
    }

    fn homeless(&self, network: Uuid, address: IpAddr) -> bool {
        let subnet = self
            .index
            .subnet_of(network, address)
            .and_then(|id| self.site.subnets.get(&id));
        subnet.is_none_or(|subnet| subnet.check_address(address).is_err())
    }
}
