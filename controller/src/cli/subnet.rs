//! `heddle subnet`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use clap::Subcommand;
use serde::Serialize;
use uuid::Uuid;

use super::object::{Delete, grouped, named, read_site};
use super::render::{Output, or_dash};
use super::{Failure, Global};
use crate::model::{Site, Subnet};
use crate::northbound::Table;

const EXAMPLES: &str = "\
Examples:
  heddle subnet list
  heddle subnet show blue-10.0.0.0/24 -o yaml
  heddle subnet delete blue-10.0.0.0/24";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum Command {
    /// List all subnets
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show subnets and how full they are
    Show {
        /// Their names [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Delete subnets without ports, all of them or none
    Delete {
        #[command(flatten)]
        delete: Delete,
    },
}

/// A subnet as commands print it.
#[derive(Debug, Serialize)]
struct View<'a> {
    name: &'a str,
    id: Uuid,
    network: &'a str,
    cidr: String,
    gateway: Option<IpAddr>,
    used: usize,
}

impl<'a> View<'a> {
    fn new(subnet: &'a Subnet, site: &'a Site, addresses: &BTreeMap<Uuid, Vec<IpAddr>>) -> Self {
        let taken = addresses.get(&subnet.network).into_iter().flatten();
        Self {
            name: &subnet.name,
            id: subnet.id,
            network: site.networks.get(&subnet.network).map_or("", |network| &network.name),
            cidr: subnet.cidr.to_string(),
            gateway: subnet.gateway,
            used: taken.filter(|address| subnet.cidr.contains(*address)).count(),
        }
    }
}

impl Command {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let (names, output, list) = match self {
            Self::List { output } => (Vec::new(), output, true),
            Self::Show { names, output } => (names, output, false),
            Self::Delete { delete } => return delete.run(global, Table::Subnet, false).await,
        };
        let site = read_site(global).await?;
        let subnets = named(site.subnets.values(), &names, Table::Subnet, |subnet| &subnet.name)?;
        let taken = site
            .ports
            .values()
            .flat_map(|port| port.addresses.iter().map(|address| (port.network, *address)));
        let taken = grouped(taken);
        let views: Vec<_> = subnets
            .into_iter()
            .map(|subnet| View::new(subnet, &site, &taken))
            .collect();
        if list {
            return output.list(&views, &["NAME", "NETWORK", "CIDR", "GATEWAY", "USED"], |view| {
                vec![
                    view.name.to_owned(),
                    view.network.to_owned(),
                    view.cidr.clone(),
                    or_dash(view.gateway),
                    view.used.to_string(),
                ]
            });
        }
        output.each(&views, |view| {
            vec![
                ("name", view.name.to_owned()),
                ("id", view.id.to_string()),
                ("network", view.network.to_owned()),
                ("cidr", view.cidr.clone()),
                ("gateway", or_dash(view.gateway)),
                ("used", view.used.to_string()),
            ]
        })
    }
}
