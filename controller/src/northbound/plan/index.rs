//! What is taken on a site: names, segments, MAC addresses, addresses and prefixes, and what is the next free one.
//! Knows nothing of documents.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound;

use flows::EthAddr;
use ipnet::IpNet;
use uuid::Uuid;

use crate::model::{PhysicalNetwork, Segment, Site, Subnet, TunnelType};

/// Everything of a site that may be there only once, and who has it.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) physical_networks: BTreeMap<String, Uuid>,
    pub(super) networks: BTreeMap<String, Uuid>,
    pub(super) subnets: BTreeMap<String, Uuid>,
    pub(super) ports: BTreeMap<String, Uuid>,
    /// How many ports each network has.
    pub(super) ports_of: BTreeMap<Uuid, usize>,
    /// [`Segment::key`] → network.
    segments: BTreeMap<String, Uuid>,
    /// (network, MAC address) → port.
    macs: BTreeMap<(Uuid, EthAddr), Uuid>,
    /// (network, address) → port.
    addresses: BTreeMap<(Uuid, IpAddr), Uuid>,
    /// (network, first address) → prefix and subnet. The prefixes of a network are apart, so that the neighbours
    /// of an address tell which one holds it.
    prefixes: BTreeMap<(Uuid, IpAddr), (IpNet, Uuid)>,
    /// Below these everything is taken: where the search for a free one goes on.
    next_vni: BTreeMap<TunnelType, u32>,
    next_vlan: BTreeMap<String, u16>,
    next_address: BTreeMap<Uuid, IpAddr>,
}

impl Index {
    pub(super) fn new(site: &Site) -> Self {
        let mut index = Self::default();
        for physical_network in site.physical_networks.values() {
            index
                .physical_networks
                .insert(physical_network.name.clone(), physical_network.id);
        }
        for network in site.networks.values() {
            index.networks.insert(network.name.clone(), network.id);
            index
                .segments
                .insert(network.segment.key(&network.name), network.id);
        }
        for subnet in site.subnets.values() {
            index.subnets.insert(subnet.name.clone(), subnet.id);
            index.prefixes.insert(
                (subnet.network, subnet.cidr.network()),
                (subnet.cidr, subnet.id),
            );
        }
        for port in site.ports.values() {
            index.ports.insert(port.name.clone(), port.id);
            index.macs.insert((port.network, port.mac), port.id);
            for address in &port.addresses {
                index.addresses.insert((port.network, *address), port.id);
            }
            let count = index.ports_of.entry(port.network).or_default();
            *count = count.saturating_add(1);
        }
        index
    }

    pub(super) fn release_segment(&mut self, key: &str) {
        self.segments.remove(key);
    }

    /// Takes a segment for `network`; else tells the network that has it.
    pub(super) fn claim_segment(&mut self, key: String, network: Uuid) -> Result<(), Uuid> {
        match self.segments.get(&key) {
            Some(other) if *other != network => Err(*other),
            _ => {
                self.segments.insert(key, network);
                Ok(())
            }
        }
    }

    /// Takes the lowest free VNI for `network`.
    pub(super) fn allocate_vni(&mut self, tunnel: TunnelType, network: Uuid) -> Option<Segment> {
        let next = self.next_vni.get(&tunnel).copied().unwrap_or(1);
        let vni = (next..=tunnel.max_vni()).find(|vni| {
            !self
                .segments
                .contains_key(&Segment::Tunnel { tunnel, vni: *vni }.key(""))
        })?;
        self.next_vni.insert(tunnel, vni);
        let segment = Segment::Tunnel { tunnel, vni };
        self.segments.insert(segment.key(""), network);
        Some(segment)
    }

    /// Takes the lowest free VLAN id in the ranges of `wire` for `network`.
    pub(super) fn allocate_vlan(
        &mut self,
        name: &str,
        wire: Option<&PhysicalNetwork>,
        network: Uuid,
    ) -> Option<Segment> {
        let all = [PhysicalNetwork::ALL_VLANS];
        let ranges = wire.map_or(&all[..], PhysicalNetwork::ranges);
        let next = self.next_vlan.get(name).copied().unwrap_or(0);
        let segment = |vlan| Segment::Vlan {
            physical_network: name.to_owned(),
            vlan,
        };
        let vlan = ranges
            .iter()
            .flat_map(Clone::clone)
            .find(|vlan| *vlan >= next && !self.segments.contains_key(&segment(*vlan).key("")));
        let Some(vlan) = vlan else {
            self.next_vlan.insert(name.to_owned(), u16::MAX);
            return None;
        };
        self.next_vlan.insert(name.to_owned(), vlan);
        self.segments.insert(segment(vlan).key(""), network);
        Some(segment(vlan))
    }

    pub(super) fn release_prefix(&mut self, network: Uuid, prefix: IpNet) {
        self.prefixes.remove(&(network, prefix.network()));
    }

    /// Takes a prefix for `subnet`; else tells a prefix that shares addresses with it, and whose that is.
    pub(super) fn claim_prefix(
        &mut self,
        network: Uuid,
        prefix: IpNet,
        subnet: Uuid,
    ) -> Result<(), (IpNet, Uuid)> {
        let first = (network, prefix.network());
        let before = self.prefixes.range(..=first).next_back();
        let after = self.prefixes.range(first..).next();
        for ((other_network, _), (other, by)) in before.into_iter().chain(after) {
            let shared = other.contains(&prefix.network()) || prefix.contains(&other.network());
            if *other_network == network && *by != subnet && shared {
                return Err((*other, *by));
            }
        }
        self.prefixes.insert(first, (prefix, subnet));
        Ok(())
    }

    /// The subnet of `network` that holds `address`.
    pub(super) fn subnet_of(&self, network: Uuid, address: IpAddr) -> Option<Uuid> {
        let ((found, _), (prefix, subnet)) =
            self.prefixes.range(..=(network, address)).next_back()?;
        (*found == network && prefix.contains(&address)).then_some(*subnet)
    }

    /// The subnets of `network`, IPv4 first, in the order of their addresses.
    pub(super) fn subnets_of(&self, network: Uuid) -> impl Iterator<Item = (IpNet, Uuid)> {
        let first = Bound::Included((network, IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)));
        self.prefixes
            .range((first, Bound::Unbounded))
            .take_while(move |((found, _), _)| *found == network)
            .map(|(_, held)| *held)
    }

    pub(super) fn release_mac(&mut self, network: Uuid, mac: EthAddr) {
        self.macs.remove(&(network, mac));
    }

    /// Takes a MAC address for `port`; else tells the port that has it.
    pub(super) fn claim_mac(
        &mut self,
        network: Uuid,
        mac: EthAddr,
        port: Uuid,
    ) -> Result<(), Uuid> {
        match self.macs.get(&(network, mac)) {
            Some(other) if *other != port => Err(*other),
            _ => {
                self.macs.insert((network, mac), port);
                Ok(())
            }
        }
    }

    pub(super) fn release_address(&mut self, network: Uuid, address: IpAddr) {
        self.addresses.remove(&(network, address));
    }

    /// Takes an address for `port`; else tells the port that has it.
    pub(super) fn claim_address(
        &mut self,
        network: Uuid,
        address: IpAddr,
        port: Uuid,
    ) -> Result<(), Uuid> {
        match self.addresses.get(&(network, address)) {
            Some(other) if *other != port => Err(*other),
            _ => {
                self.addresses.insert((network, address), port);
                Ok(())
            }
        }
    }

    /// Takes the lowest free address of `subnet` for `port`, never the gateway's.
    pub(super) fn allocate_address(&mut self, subnet: &Subnet, port: Uuid) -> Option<IpAddr> {
        let (first, last) = subnet.usable();
        let mut address = self.next_address.get(&subnet.id).copied().unwrap_or(first);
        while subnet.gateway == Some(address)
            || self.addresses.contains_key(&(subnet.network, address))
        {
            let Some(next) = following(address).filter(|next| *next <= last) else {
                self.next_address.insert(subnet.id, address);
                return None;
            };
            address = next;
        }
        self.next_address.insert(subnet.id, address);
        self.addresses.insert((subnet.network, address), port);
        Some(address)
    }
}

/// The next higher address of the same family.
fn following(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => Some(IpAddr::V4(v4.to_bits().checked_add(1)?.into())),
        IpAddr::V6(v6) => Some(IpAddr::V6(v6.to_bits().checked_add(1)?.into())),
    }
}
