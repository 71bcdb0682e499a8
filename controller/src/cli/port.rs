//! `heddle port`.

use std::net::IpAddr;

use clap::Subcommand;
use serde::Serialize;
use uuid::Uuid;

use super::object::{Delete, named, read_site};
use super::render::{Output, joined};
use super::{Failure, Global};
use crate::model::{Port, Site};
use crate::northbound::Table;

const EXAMPLES: &str = "\
Examples:
  heddle port list
  heddle port show web-1                      its addresses, and the hosts where it is up
  heddle port delete web-1 web-2
An interface becomes a port on the host where it is plugged in:
  ovs-vsctl add-port br-int tap0 -- set Interface tap0 external_ids:iface-id=web-1";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum Command {
    /// List all ports
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show ports and where they are up
    Show {
        /// Their names [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Delete ports, all of them or none
    Delete {
        #[command(flatten)]
        delete: Delete,
    },
}

/// A port as commands print it.
#[derive(Debug, Serialize)]
struct View<'a> {
    name: &'a str,
    id: Uuid,
    network: &'a str,
    mac: String,
    addresses: Vec<IpAddr>,
    port_security: bool,
    up: bool,
    hosts: Vec<&'a str>,
}

impl<'a> View<'a> {
    fn new(port: &'a Port, site: &'a Site) -> Self {
        let mut hosts: Vec<_> = port
            .hosts
            .iter()
            .filter_map(|id| site.hosts.get(id))
            .map(|host| host.name.as_str())
            .collect();
        hosts.sort_unstable();
        Self {
            name: &port.name,
            id: port.id,
            network: site.networks.get(&port.network).map_or("", |network| &network.name),
            mac: port.mac.to_string(),
            addresses: port.addresses.iter().copied().collect(),
            port_security: port.port_security,
            up: !hosts.is_empty(),
            hosts,
        }
    }

    /// `up on h1`, or `down`.
    fn state(&self) -> String {
        if self.up {
            format!("up on {}", joined(&self.hosts))
        } else {
            "down".to_owned()
        }
    }
}

impl Command {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let (names, output, list) = match self {
            Self::List { output } => (Vec::new(), output, true),
            Self::Show { names, output } => (names, output, false),
            Self::Delete { delete } => return delete.run(global, Table::Port, false).await,
        };
        let site = read_site(global).await?;
        let ports = named(site.ports.values(), &names, Table::Port, |port| &port.name)?;
        let views: Vec<_> = ports.into_iter().map(|port| View::new(port, &site)).collect();
        if list {
            return output.list(&views, &["NAME", "NETWORK", "MAC", "ADDRESSES", "STATE"], |view| {
                vec![
                    view.name.to_owned(),
                    view.network.to_owned(),
                    view.mac.clone(),
                    joined(&view.addresses),
                    view.state(),
                ]
            });
        }
        output.each(&views, |view| {
            vec![
                ("name", view.name.to_owned()),
                ("id", view.id.to_string()),
                ("network", view.network.to_owned()),
                ("mac", view.mac.clone()),
                ("addresses", joined(&view.addresses)),
                (
                    "port security",
                    if view.port_security { "on" } else { "off" }.to_owned(),
                ),
                ("state", view.state()),
            ]
        })
    }
}
