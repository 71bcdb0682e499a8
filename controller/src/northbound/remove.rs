//! Taking objects off a site, with what may go along and what stands in the way.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::change::Table;
use crate::model::Site;

/// Why something can not be deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoveError {
    /// There is none of that name.
    #[error("there is no {noun} {name:?}: `heddle {command} list` shows those there are")]
    Unknown {
        /// What was asked for.
        noun: &'static str,
        /// Its name.
        name: String,
        /// The command for such things.
        command: String,
    },
    /// Ports or subnets are in the network.
    #[error(
        "network {name:?} has {ports} port(s) and {subnets} subnet(s): delete them first, or all at once with --cascade"
    )]
    NetworkInUse {
        /// The network.
        name: String,
        /// How many ports it has.
        ports: usize,
        /// How many subnets it has.
        subnets: usize,
    },
    /// Ports have addresses of the subnet.
    #[error(
        "subnet {name:?} holds addresses of {ports} port(s), such as {port:?}: delete them, or give them other addresses, first"
    )]
    SubnetInUse {
        /// The subnet.
        name: String,
        /// How many ports.
        ports: usize,
        /// One of them.
        port: String,
    },
    /// Networks are on the physical network.
    #[error("physical network {name:?} carries network {network:?}: delete its networks first")]
    PhysicalNetworkInUse {
        /// The physical network.
        name: String,
        /// A network on it.
        network: String,
    },
}

/// `before` without the objects of `table` that `names` tells; with `cascade`, without the ports and subnets of
/// deleted networks too.
///
/// # Errors
/// The first name that is unknown or in use.
pub fn remove(
    before: &Site,
    table: Table,
    names: &[String],
    cascade: bool,
) -> Result<Site, RemoveError> {
    let mut site = before.clone();
    let known = by_name(before, table);
    for name in names {
        let id = *known
            .get(name.as_str())
            .ok_or_else(|| RemoveError::Unknown {
                noun: table.noun(),
                name: name.clone(),
                command: table.noun().replace(' ', "-"),
            })?;
        match table {
            Table::PhysicalNetwork => remove_physical_network(&mut site, id, name)?,
            Table::Network => remove_network(&mut site, id, name, cascade)?,
            Table::Subnet => remove_subnet(&mut site, id, name)?,
            Table::Port => {
                site.ports.remove(&id);
            }
            Table::Host => {
                site.hosts.remove(&id);
                for port in site.ports.values_mut() {
                    port.hosts.remove(&id);
                }
            }
        }
    }
    Ok(site)
}

/// The rows of a table by name.
fn by_name(site: &Site, table: Table) -> BTreeMap<&str, Uuid> {
    match table {
        Table::PhysicalNetwork => site
            .physical_networks
            .values()
            .map(|row| (row.name.as_str(), row.id))
            .collect(),
        Table::Network => site
            .networks
            .values()
            .map(|row| (row.name.as_str(), row.id))
            .collect(),
        Table::Subnet => site
            .subnets
            .values()
            .map(|row| (row.name.as_str(), row.id))
            .collect(),
        Table::Port => site
            .ports
            .values()
            .map(|row| (row.name.as_str(), row.id))
            .collect(),
        Table::Host => site
            .hosts
            .values()
            .map(|row| (row.name.as_str(), row.id))
            .collect(),
    }
}

fn remove_physical_network(site: &mut Site, id: Uuid, name: &str) -> Result<(), RemoveError> {
    let on_it = site
        .networks
        .values()
        .find(|network| network.segment.physical_network() == Some(name));
    if let Some(network) = on_it {
        return Err(RemoveError::PhysicalNetworkInUse {
            name: name.to_owned(),
            network: network.name.clone(),
        });
    }
    site.physical_networks.remove(&id);
    Ok(())
}

fn remove_network(site: &mut Site, id: Uuid, name: &str, cascade: bool) -> Result<(), RemoveError> {
    let ports = site
        .ports
        .values()
        .filter(|port| port.network == id)
        .count();
    let subnets = site
        .subnets
        .values()
        .filter(|subnet| subnet.network == id)
        .count();
    if !cascade && (ports > 0 || subnets > 0) {
        return Err(RemoveError::NetworkInUse {
            name: name.to_owned(),
            ports,
            subnets,
        });
    }
    site.ports.retain(|_, port| port.network != id);
    site.subnets.retain(|_, subnet| subnet.network != id);
    site.networks.remove(&id);
    Ok(())
}

fn remove_subnet(site: &mut Site, id: Uuid, name: &str) -> Result<(), RemoveError> {
    let Some(subnet) = site.subnets.remove(&id) else {
        return Ok(());
    };
    let holders: BTreeSet<&str> = site
        .ports
        .values()
        .filter(|port| port.network == subnet.network)
        .filter(|port| {
            port.addresses
                .iter()
                .any(|address| subnet.cidr.contains(address))
        })
        .map(|port| port.name.as_str())
        .collect();
    match holders.first() {
        None => Ok(()),
        Some(port) => Err(RemoveError::SubnetInUse {
            name: name.to_owned(),
            ports: holders.len(),
            port: (*port).to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::document::Document;
    use crate::northbound::{changes, plan, random_mac};

    fn site() -> Site {
        let text = "physical_networks: [{name: provider}]\n\
            networks: [{name: blue, type: vxlan}, {name: wire, type: flat, physical_network: provider}]\n\
            subnets: [{name: s, network: blue, cidr: 10.0.0.0/24}]\n\
            ports: [{name: p, network: blue}, {name: q, network: wire}]";
        plan(
            &Document::parse(text).unwrap(),
            &Site::default(),
            &mut random_mac,
        )
        .unwrap()
    }

    fn refused(table: Table, name: &str) -> String {
        remove(&site(), table, &[name.to_owned()], false)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_in_use_stays_and_the_way_out_is_told() {
        assert_eq!(
            refused(Table::Port, "x"),
            "there is no port \"x\": `heddle port list` shows those there are"
        );
        assert_eq!(
            refused(Table::Network, "blue"),
            "network \"blue\" has 1 port(s) and 1 subnet(s): delete them first, or all at once with --cascade"
        );
        assert_eq!(
            refused(Table::Subnet, "s"),
            "subnet \"s\" holds addresses of 1 port(s), such as \"p\": delete them, or give them other addresses, first"
        );
        assert_eq!(
            refused(Table::PhysicalNetwork, "provider"),
            "physical network \"provider\" carries network \"wire\": delete its networks first"
        );
    }

    #[test]
    fn cascade_takes_all_of_the_network_and_no_more() {
        let before = site();
        let after = remove(&before, Table::Network, &["blue".to_owned()], true).unwrap();
        let mut deleted: Vec<_> = changes(&before, &after)
            .into_iter()
            .map(|change| change.name)
            .collect();
        deleted.sort();
        assert_eq!(deleted, ["blue", "p", "s"]);
    }
}
