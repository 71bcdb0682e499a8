//! `heddle physical-network`.

use clap::Subcommand;
use serde::Serialize;
use uuid::Uuid;

use super::object::{Delete, named, read_site};
use super::render::{Output, joined};
use super::{Failure, Global};
use crate::model::{PhysicalNetwork, Site, show_range};
use crate::northbound::Table;

const EXAMPLES: &str = "\
Examples:
  heddle physical-network list
  heddle physical-network delete provider     forget its VLAN ranges; hosts may still map it";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum Command {
    /// List all declared physical networks
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show declared physical networks, their networks and the hosts that map them
    Show {
        /// Their names [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Delete declarations without networks, all of them or none
    Delete {
        #[command(flatten)]
        delete: Delete,
    },
}

/// A physical network as commands print it.
#[derive(Debug, Serialize)]
struct View<'a> {
    name: &'a str,
    id: Uuid,
    vlans: Vec<String>,
    networks: Vec<&'a str>,
    hosts: Vec<&'a str>,
}

impl<'a> View<'a> {
    fn new(wire: &'a PhysicalNetwork, site: &'a Site) -> Self {
        let networks = site
            .networks
            .values()
            .filter(|network| network.segment.physical_network() == Some(wire.name.as_str()));
        let mut networks: Vec<_> = networks.map(|network| network.name.as_str()).collect();
        networks.sort_unstable();
        let hosts = site
            .hosts
            .values()
            .filter(|host| host.bridge_mappings.contains_key(&wire.name));
        let mut hosts: Vec<_> = hosts.map(|host| host.name.as_str()).collect();
        hosts.sort_unstable();
        Self {
            name: &wire.name,
            id: wire.id,
            vlans: wire.ranges().iter().map(show_range).collect(),
            networks,
            hosts,
        }
    }
}

impl Command {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let (names, output, list) = match self {
            Self::List { output } => (Vec::new(), output, true),
            Self::Show { names, output } => (names, output, false),
            Self::Delete { delete } => return delete.run(global, Table::PhysicalNetwork, false).await,
        };
        let site = read_site(global).await?;
        let wires = named(
            site.physical_networks.values(),
            &names,
            Table::PhysicalNetwork,
            |wire| &wire.name,
        )?;
        let views: Vec<_> = wires.into_iter().map(|wire| View::new(wire, &site)).collect();
        if list {
            return output.list(&views, &["NAME", "VLANS", "NETWORKS", "HOSTS"], |view| {
                vec![
                    view.name.to_owned(),
                    joined(&view.vlans),
                    view.networks.len().to_string(),
                    view.hosts.len().to_string(),
                ]
            });
        }
        output.each(&views, |view| {
            vec![
                ("name", view.name.to_owned()),
                ("id", view.id.to_string()),
                ("vlans", joined(&view.vlans)),
                ("networks", joined(&view.networks)),
                ("hosts", joined(&view.hosts)),
            ]
        })
    }
}
