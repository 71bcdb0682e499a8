//! Objects of intent for unit tests, told apart by small numbers.

use std::collections::BTreeMap;

use flows::EthAddr;
use uuid::Uuid;

use super::{Host, Network, Port, Segment, TunnelType};

/// The `_uuid` of object `n`: different numbers make different cookies.
pub(crate) fn id(n: u128) -> Uuid {
    Uuid::from_u128(n << 84)
}

/// Host `n`, which takes part in every type of tunnel.
pub(crate) fn host(n: u128, address: &str) -> Host {
    Host {
        id: id(n),
        name: format!("h{n}"),
        encap_ip: Some(address.parse().unwrap()),
        encap_types: TunnelType::ALL.into(),
        bridge_mappings: BTreeMap::new(),
        applied: 0,
        unbound: BTreeMap::new(),
        problems: BTreeMap::new(),
    }
}

/// Network `n`.
pub(crate) fn network(n: u128, segment: Segment) -> Network {
    Network {
        id: id(n),
        name: format!("net{n}"),
        project: String::new(),
        segment,
        mtu: 1450,
        learning: false,
    }
}

/// Port `n` of a network, 10.0.0.n and fd00::n, up on these hosts.
pub(crate) fn port(n: u128, network: u128, hosts: &[u128]) -> Port {
    Port {
        id: id(n),
        name: format!("port{n}"),
        network: id(network),
        mac: EthAddr::from_u64(0x0200_0000_0000 + n as u64),
        addresses: [
            format!("10.0.0.{n}").parse().unwrap(),
            format!("fd00::{n}").parse().unwrap(),
        ]
        .into(),
        port_security: true,
        hosts: hosts.iter().map(|n| id(*n)).collect(),
    }
}
