//! What can be wrong with a document, each with one sentence that says what was found and what was expected.

use std::fmt;
use std::net::IpAddr;

use flows::{EthAddr, EthAddrError};
use ipnet::IpNet;

use super::Place;
use crate::model::{AddressError, NameError, NetworkType, PrefixError, VlanRangeError};

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the document.
    pub place: Place,
    /// What.
    pub wrong: Wrong,
}

/// `LINE:COLUMN: what was found, expected what`.
impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}:{}: {}",
            self.place.line, self.place.column, self.wrong
        )
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Not YAML, or more nesting or aliases than a document may have.
    #[error("{0}")]
    Yaml(String),
    /// Nothing in the document.
    #[error(
        "an empty document, expected at least one of physical_networks, networks, subnets, ports"
    )]
    Empty,
    /// A field that the object does not have.
    #[error("unknown field {field:?} in {owner}, expected one of {expected}")]
    UnknownField {
        /// What was found.
        field: String,
        /// The object: `a port`.
        owner: &'static str,
        /// The fields that it has.
        expected: String,
    },
    /// A value of another shape.
    #[error("{field}: {found}, expected {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What belongs there.
        expected: String,
    },
    /// A field that the object needs.
    #[error("{owner} without {field}, expected {expected}")]
    Missing {
        /// The object: `a port`.
        owner: String,
        /// The field.
        field: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// Not a name.
    #[error("{0}")]
    Name(#[from] NameError),
    /// Not a MAC address.
    #[error("{0}")]
    Mac(#[from] EthAddrError),
    /// A MAC address of no single endpoint.
    #[error(
        "{0} is not the MAC address of one endpoint, expected a unicast address such as 02:00:00:00:00:01"
    )]
    MacNotUnicast(EthAddr),
    /// Not a range of VLANs.
    #[error("{0}")]
    VlanRange(#[from] VlanRangeError),
    /// Not a prefix for a subnet.
    #[error("{0}")]
    Prefix(#[from] PrefixError),
    /// The same name twice in a document.
    #[error("{kind} {name:?} for the second time, expected each name once: the first is at {}:{}", .first.line, .first.column)]
    Repeated {
        /// The object: `port`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Where the first stands.
        first: Place,
    },
    /// The same address twice in one port.
    #[error("{0} for the second time, expected each address once")]
    RepeatedAddress(IpAddr),
    /// A network that is neither in the document nor in the database.
    #[error(
        "unknown network {found:?}, expected one of this document or of the database{}",
        known_list(.known)
    )]
    UnknownNetwork {
        /// What was found.
        found: String,
        /// Some that there are.
        known: Vec<String>,
    },
    /// A physical network that nobody has heard of.
    #[error(
        "unknown physical network {found:?}, expected one that a host maps or physical_networks declares{}",
        known_list(.known)
    )]
    UnknownPhysicalNetwork {
        /// What was found.
        found: String,
        /// Some that there are.
        known: Vec<String>,
    },
    /// A new network of no type.
    #[error(
        "network {name:?} is new and has no type, expected one of vxlan, gre, geneve, vlan, flat, local"
    )]
    NoType {
        /// The network.
        name: String,
    },
    /// A field of another type of network.
    #[error("{field} in a {found} network, expected it only in {expected} networks")]
    FieldOfOtherType {
        /// The field.
        field: &'static str,
        /// The type that the network has.
        found: NetworkType,
        /// The types that have the field.
        expected: &'static str,
    },
    /// A network on a wire that does not say which.
    #[error("{found} network {name:?} without physical_network, expected the name of one{}", known_list(.known))]
    NoPhysicalNetwork {
        /// The type of the network.
        found: NetworkType,
        /// The network.
        name: String,
        /// Some that there are.
        known: Vec<String>,
    },
    /// A VNI larger than its field in the packet.
    #[error("vni {vni}, expected 1 to {max} for {tunnel}")]
    VniRange {
        /// What was found.
        vni: u32,
        /// The type of the network.
        tunnel: NetworkType,
        /// The largest.
        max: u32,
    },
    /// A segment that another network has.
    #[error("{segment} is taken by network {by:?}, expected {expected}")]
    SegmentTaken {
        /// The segment as people say it.
        segment: String,
        /// The network that has it.
        by: String,
        /// How to get a free one.
        expected: &'static str,
    },
    /// A VLAN that belongs to others.
    #[error(
        "vlan {vlan} is outside the ranges of physical network {physical_network:?}, expected one of {ranges}"
    )]
    VlanOutsideRanges {
        /// What was found.
        vlan: u16,
        /// The wire.
        physical_network: String,
        /// Its ranges.
        ranges: String,
    },
    /// Nothing left to choose from.
    #[error("no free {what} is left, expected at least one: {way_out}")]
    Exhausted {
        /// What is used up.
        what: String,
        /// What to do.
        way_out: String,
    },
    /// Ports stand in the way of another segment.
    #[error(
        "network {name:?} with {ports} port(s) can not change from {old} to {new}, expected the same: \
         delete its ports first, or give the new network another name"
    )]
    SegmentInUse {
        /// The network.
        name: String,
        /// How many ports it has.
        ports: usize,
        /// Its segment.
        old: String,
        /// What the document asks for.
        new: String,
    },
    /// A subnet or port can not move to another network.
    #[error(
        "{kind} {name:?} is in network {old:?} and can not move to {new:?}, expected {old:?}: delete it first, or use another name"
    )]
    NetworkChanged {
        /// `subnet` or `port`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Its network.
        old: String,
        /// What the document asks for.
        new: String,
    },
    /// Too small a packet for IPv6.
    #[error(
        "mtu {mtu} in network {network:?} with IPv6 subnet {subnet:?}, expected at least 1280 (RFC 8200)"
    )]
    MtuForIpv6 {
        /// What was found.
        mtu: u16,
        /// The network.
        network: String,
        /// The subnet.
        subnet: String,
    },
    /// Subnets of one network share addresses.
    #[error(
        "{cidr} overlaps {other} of subnet {by:?}, expected subnets of network {network:?} to be apart"
    )]
    Overlap {
        /// What was found.
        cidr: IpNet,
        /// The other prefix.
        other: IpNet,
        /// The other subnet.
        by: String,
        /// Their network.
        network: String,
    },
    /// A gateway that ports could not reach.
    #[error("gateway: {0}, expected an address of the subnet's endpoints")]
    Gateway(AddressError),
    /// A subnet that leaves an existing port behind.
    #[error(
        "port {port:?} has {address}, which {cidr} would leave outside, expected a prefix that holds it"
    )]
    PortLeftOutside {
        /// The port.
        port: String,
        /// Its address.
        address: IpAddr,
        /// The new prefix.
        cidr: IpNet,
    },
    /// A MAC address that another port of the network has.
    #[error(
        "{mac} is taken by port {by:?} of network {network:?}, expected each MAC address once in a network"
    )]
    MacTaken {
        /// What was found.
        mac: EthAddr,
        /// The port that has it.
        by: String,
        /// Their network.
        network: String,
    },
    /// An address that another port of the network has.
    #[error(
        "{address} is taken by port {by:?} of network {network:?}, expected each address once in a network"
    )]
    AddressTaken {
        /// What was found.
        address: IpAddr,
        /// The port that has it.
        by: String,
        /// Their network.
        network: String,
    },
    /// An address in no subnet of the port's network.
    #[error("{address} is in no subnet of network {network:?}, expected an address of {subnets}")]
    AddressOutside {
        /// What was found.
        address: IpAddr,
        /// The port's network.
        network: String,
        /// Its prefixes.
        subnets: String,
    },
    /// The network or broadcast address.
    #[error("{0}, expected an address of an endpoint")]
    Address(AddressError),
}

/// `: a, b, c`, or that there are none. Hosts write some of these names, and a message goes to a terminal.
fn known_list(known: &[String]) -> String {
    if known.is_empty() {
        " (there are none yet)".to_owned()
    } else {
        format!(": {}", known.join(", ").replace(char::is_control, "?"))
    }
}
