//! Large sites. Knows nothing of what is measured on them.

#![allow(dead_code, unreachable_pub, reason = "each bench uses a part of it")]

pub mod host;

use std::collections::BTreeMap;

use controller::compile::{HostView, Provider};
use controller::model::{Host, Network, Port, Segment, Site, TunnelType};
use uuid::Uuid;

/// A site of VXLAN networks: port `n` is in network `n % networks` and up on host `n / run % hosts`.
pub struct Shape {
    pub hosts: usize,
    pub networks: usize,
    pub ports: usize,
    /// So many ports, one after the other, are on the same host.
    pub run: usize,
}

pub fn host_id(n: usize) -> Uuid {
    Uuid::from_u128((n as u128 + 1) << 84)
}

pub fn network_id(n: usize) -> Uuid {
    Uuid::from_u128((n as u128 + 0x10_0001) << 84)
}

pub fn port_id(n: usize) -> Uuid {
    Uuid::from_u128((n as u128 + 0x20_0001) << 84)
}

impl Shape {
    pub fn port(&self, n: usize) -> Port {
        let number = u32::try_from(n).unwrap();
        Port {
            id: port_id(n),
            name: format!("p{n}"),
            network: network_id(n % self.networks),
            mac: flows::EthAddr::from_u64(0x0200_0000_0000 + n as u64),
            addresses: [
                std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).into(),
                std::net::Ipv6Addr::from_bits((0xfd00 << 112) + n as u128).into(),
            ]
            .into(),
            port_security: true,
            hosts: [host_id(n / self.run % self.hosts)].into(),
        }
    }

    pub fn site(&self) -> Site {
        let host = |n: usize| Host {
            id: host_id(n),
            name: format!("h{n}"),
            encap_ip: Some(
                std::net::Ipv4Addr::from_bits(0x0a01_0001 + u32::try_from(n).unwrap()).into(),
            ),
            encap_types: TunnelType::ALL.into(),
            bridge_mappings: BTreeMap::new(),
            applied: 0,
            unbound: BTreeMap::new(),
            problems: BTreeMap::new(),
        };
        let network = |n: usize| Network {
            id: network_id(n),
            name: format!("n{n}"),
            project: String::new(),
            segment: Segment::Tunnel {
                tunnel: TunnelType::Vxlan,
                vni: u32::try_from(n + 1).unwrap(),
            },
            mtu: 1450,
            learning: false,
        };
        Site {
            revision: 1,
            hosts: (0..self.hosts).map(|n| (host_id(n), host(n))).collect(),
            networks: (0..self.networks)
                .map(|n| (network_id(n), network(n)))
                .collect(),
            ports: (0..self.ports)
                .map(|n| (port_id(n), self.port(n)))
                .collect(),
            ..Site::default()
        }
    }

    /// Host 0, with at most `plugged` of its ports plugged in.
    pub fn view(&self, site: &Site, plugged: usize) -> HostView {
        let here = || {
            site.ports
                .values()
                .filter(|port| port.hosts.contains(&host_id(0)))
                .take(plugged)
        };
        let networks: std::collections::BTreeSet<Uuid> = here().map(|port| port.network).collect();
        HostView {
            host: Some(host_id(0)),
            bindings: here()
                .zip(100..)
                .map(|(port, ofport)| (port.id, Some(ofport)))
                .collect(),
            local_vlans: networks.into_iter().zip(1..).collect(),
            patch_tun: Some(1),
            patch_int: Some(1),
            tunnels: [(TunnelType::Vxlan, 2)].into(),
            encap_ip: Some([10, 1, 0, 1].into()),
            providers: [(
                "provider".to_owned(),
                Provider {
                    bridge: "br-eth1".to_owned(),
                    int_port: Some(2),
                    phy_port: Some(1),
                },
            )]
            .into(),
        }
    }
}

/// A host with more than 100,000 flows: 20 networks that reach over 61 hosts.
pub const A_LARGE_HOST: Shape = Shape {
    hosts: 61,
    networks: 20,
    ports: 31_000,
    run: 1,
};
