//! Rows of the northbound database as a [`Site`]. Any program may have written them: a row that makes no sense is left
//! out and reported, and the rest of the site is as good as ever.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{AddrParseError, IpAddr};

use flows::{EthAddr, EthAddrError};
use ipnet::{AddrParseError as PrefixParseError, IpNet};
use ovsdb_client::replica::{ColumnError, Replica, Row};
use uuid::Uuid;

use super::change::Table;
use super::mirror::Mirror;
use crate::model::{
    AddressError, Host, NameError, Network, NetworkType, PhysicalNetwork, Port, PrefixError,
    Segment, Site, Subnet, TunnelType, VlanRangeError, check_name, check_physical_network_name,
    check_prefix, merge_ranges, parse_range,
};

/// The table of the revision and of settings.
pub(super) const GLOBAL: &str = "NB_Global";

/// What the database says, as far as it makes sense.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The rows that make sense.
    pub site: Site,
    /// The rows that do not.
    pub left_out: Vec<LeftOut>,
}

/// A row that was left out, or a part of it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}{} {name:?} ({id}) is left out", .part.map(|part| format!("{part} of ")).unwrap_or_default(), .table.noun())]
pub struct LeftOut {
    /// Where it is.
    pub table: Table,
    /// Its `_uuid`.
    pub id: Uuid,
    /// Its name, as far as it has one.
    pub name: String,
    /// The column that was left out; none: the whole row.
    pub part: Option<&'static str>,
    /// Why.
    pub source: RowError,
}

/// Why a row makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RowError {
    /// The schema of the database is not ours.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// Not a name.
    #[error("its name: {0}")]
    Name(#[from] NameError),
    /// Not a range of VLANs.
    #[error("vlans: {0}")]
    VlanRange(#[from] VlanRangeError),
    /// Not a type of network.
    #[error("type {0:?}, expected one of vxlan, gre, geneve, vlan, flat, local")]
    NetworkType(String),
    /// Not a tunnel type.
    #[error("tunnel type {0:?}, expected one of vxlan, gre, geneve")]
    TunnelType(String),
    /// A number that does not fit.
    #[error("{column} {found}, expected {low} to {high}")]
    Number {
        /// The column.
        column: &'static str,
        /// What was found.
        found: i64,
        /// The smallest.
        low: u32,
        /// The largest.
        high: u32,
    },
    /// The unique spelling disagrees with the columns that it is made of. Were it believed, two networks could share a
    /// segment behind the back of the database's index.
    #[error("segment {found:?}, expected {expected:?} as the other columns have it")]
    SegmentKey {
        /// What was found.
        found: String,
        /// What belongs there.
        expected: String,
    },
    /// Its network is unknown or was left out.
    #[error("its network {0} is not there or was left out")]
    NoNetwork(Uuid),
    /// Not a prefix.
    #[error("cidr {found:?}: {source}")]
    Cidr {
        /// What was found.
        found: String,
        /// Why not.
        source: PrefixParseError,
    },
    /// Not a prefix for a subnet.
    #[error("cidr: {0}")]
    Prefix(#[from] PrefixError),
    /// Not an address.
    #[error("{found:?}: {source}")]
    Address {
        /// What was found.
        found: String,
        /// Why not.
        source: AddrParseError,
    },
    /// Not the address of one endpoint or host.
    #[error("{0} is not a unicast address")]
    NotUnicast(IpAddr),
    /// A gateway outside its subnet.
    #[error("gateway: {0}")]
    Gateway(#[from] AddressError),
    /// Not a MAC address.
    #[error(transparent)]
    Mac(#[from] EthAddrError),
    /// A MAC address of no single endpoint.
    #[error("mac {0} is not the MAC address of one endpoint")]
    MacNotUnicast(EthAddr),
    /// The index of the database compares letters.
    #[error("mac {found:?}, expected {expected} in lower case and with all digits")]
    MacSpelling {
        /// What was found.
        found: String,
        /// The same as it is to be written.
        expected: EthAddr,
    },
    /// Two ports of a network have the same address.
    #[error("{address} is also an address of port {by:?} of its network")]
    AddressTaken {
        /// What both have.
        address: IpAddr,
        /// The other port.
        by: String,
    },
}

/// Reads the whole site. Tables that are not replicated are empty.
#[must_use]
pub fn site(replica: &Replica) -> Reading {
    let (site, left_out) = Mirror::new(replica).into_parts();
    Reading { site, left_out }
}

/// The number of the newest intent transaction; 0 before the first.
pub(super) fn revision(replica: &Replica) -> u64 {
    let found = replica
        .rows(GLOBAL)
        .next()
        .and_then(|row| row.integer("revision").ok());
    found
        .and_then(|found| u64::try_from(found).ok())
        .unwrap_or_default()
}

fn name(row: &Row) -> Result<String, RowError> {
    let name = row.string("name")?;
    check_name(name)?;
    Ok(name.to_owned())
}

/// An integer column that fits `low..=high`.
fn number(row: &Row, column: &'static str, low: u32, high: u32) -> Result<u32, RowError> {
    let found = row.integer(column)?;
    u32::try_from(found)
        .ok()
        .filter(|number| (low..=high).contains(number))
        .ok_or(RowError::Number {
            column,
            found,
            low,
            high,
        })
}

/// The address of one endpoint or host.
fn address(text: &str) -> Result<IpAddr, RowError> {
    let address: IpAddr = text.parse().map_err(|source| RowError::Address {
        found: text.to_owned(),
        source,
    })?;
    if address.is_multicast() || address.is_unspecified() {
        return Err(RowError::NotUnicast(address));
    }
    Ok(address)
}

pub(super) fn physical_network(row: &Row) -> Result<PhysicalNetwork, RowError> {
    let name = name(row)?;
    check_physical_network_name(&name)?;
    let ranges = row
        .strings("vlans")?
        .into_iter()
        .map(parse_range)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(PhysicalNetwork {
        id: row.uuid(),
        name,
        vlans: merge_ranges(ranges),
    })
}

pub(super) fn network(row: &Row) -> Result<Network, RowError> {
    let name = name(row)?;
    let type_name = row.string("type")?;
    let network_type = NetworkType::from_name(type_name)
        .ok_or_else(|| RowError::NetworkType(type_name.to_owned()))?;
    let physical_network = || {
        let name = row.string("physical_network")?;
        check_physical_network_name(name)?;
        Ok::<_, RowError>(name.to_owned())
    };
    let segment = match network_type {
        NetworkType::Tunnel(tunnel) => Segment::Tunnel {
            tunnel,
            vni: number(row, "segmentation_id", 1, tunnel.max_vni())?,
        },
        NetworkType::Vlan => {
            let (low, high) = PhysicalNetwork::ALL_VLANS.into_inner();
            let vlan = number(row, "segmentation_id", u32::from(low), u32::from(high))?;
            Segment::Vlan {
                physical_network: physical_network()?,
                vlan: u16::try_from(vlan).unwrap_or(high),
            }
        }
        NetworkType::Flat => Segment::Flat {
            physical_network: physical_network()?,
        },
        NetworkType::Local => Segment::Local,
    };
    let (found, expected) = (row.string("segment")?, segment.key(&name));
    if found != expected {
        return Err(RowError::SegmentKey {
            found: found.to_owned(),
            expected,
        });
    }
    let mtu = number(row, "mtu", 68, u32::from(u16::MAX))?;
    Ok(Network {
        id: row.uuid(),
        name,
        project: row.string("project")?.to_owned(),
        segment,
        mtu: u16::try_from(mtu).unwrap_or(u16::MAX),
        learning: row.boolean("learning")?,
    })
}

/// The network that a row refers to.
fn network_of(row: &Row, networks: &BTreeMap<Uuid, Network>) -> Result<Uuid, RowError> {
    let id = row.uuid_column("network")?;
    if networks.contains_key(&id) {
        Ok(id)
    } else {
        Err(RowError::NoNetwork(id))
    }
}

pub(super) fn subnet(row: &Row, networks: &BTreeMap<Uuid, Network>) -> Result<Subnet, RowError> {
    let text = row.string("cidr")?;
    let cidr: IpNet = text.parse().map_err(|source| RowError::Cidr {
        found: text.to_owned(),
        source,
    })?;
    check_prefix(&cidr)?;
    let gateway = row.optional_string("gateway")?.map(address).transpose()?;
    let subnet = Subnet {
        id: row.uuid(),
        name: name(row)?,
        network: network_of(row, networks)?,
        cidr,
        gateway,
    };
    if let Some(gateway) = gateway {
        subnet.check_address(gateway)?;
    }
    Ok(subnet)
}

/// Whether another port has one of its addresses is not looked at.
pub(super) fn port(row: &Row, networks: &BTreeMap<Uuid, Network>) -> Result<Port, RowError> {
    let text = row.string("mac")?;
    let mac: EthAddr = text.parse()?;
    if mac.is_multicast() || mac == EthAddr::default() {
        return Err(RowError::MacNotUnicast(mac));
    }
    if mac.to_string() != text {
        return Err(RowError::MacSpelling {
            found: text.to_owned(),
            expected: mac,
        });
    }
    Ok(Port {
        id: row.uuid(),
        name: name(row)?,
        network: network_of(row, networks)?,
        mac,
        addresses: row
            .strings("addresses")?
            .into_iter()
            .map(address)
            .collect::<Result<_, _>>()?,
        port_security: row.boolean("port_security")?,
        hosts: row.uuids("hosts")?.into_iter().collect(),
    })
}

/// A host that says something unknown of its tunnels is still a host: it has the rest, and the agent that it belongs to
/// finds its row and corrects it.
pub(super) fn host(row: &Row, left_out: &mut Vec<LeftOut>) -> Result<Host, RowError> {
    let owned = |map: BTreeMap<&str, &str>| -> BTreeMap<String, String> {
        map.into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    };
    let name = name(row)?;
    let mut without = |part, source| {
        left_out.push(LeftOut {
            table: Table::Host,
            id: row.uuid(),
            name: name.clone(),
            part: Some(part),
            source,
        });
    };
    let mut encap_types = BTreeSet::new();
    for found in row.strings("encap_types")? {
        match TunnelType::from_name(found) {
            Some(tunnel) => {
                encap_types.insert(tunnel);
            }
            None => without("encap_types", RowError::TunnelType(found.to_owned())),
        }
    }
    let mut encap_ip = None;
    if let Some(text) = row.optional_string("encap_ip")? {
        match address(text) {
            Ok(found) => encap_ip = Some(found),
            Err(source) => without("encap_ip", source),
        }
    }
    Ok(Host {
        id: row.uuid(),
        name,
        encap_ip,
        encap_types,
        bridge_mappings: owned(row.map_string_string("bridge_mappings")?),
        applied: u64::try_from(row.integer("applied")?).unwrap_or_default(),
        unbound: owned(row.map_string_string("unbound")?),
        problems: owned(row.map_string_string("problems")?),
    })
}
