//! `heddle port`: ports as people see them.

use std::net::IpAddr;

use serde::Serialize;
use uuid::Uuid;

use super::object::{Kind, Names};
use super::render::joined;
use crate::model::Site;
use crate::northbound::Table;

pub(super) const EXAMPLES: &str = "\
Examples:
  heddle port list
  heddle port show web-1                      # its addresses, and the hosts where it is up
  heddle port delete web-1 web-2

An interface is a port on the host where it is plugged in:
  ovs-vsctl add-port br-int tap0 -- set Interface tap0 external_ids:iface-id=web-1";

/// The kind of object.
pub(super) struct Ports;

/// A port as commands print it.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    name: &'a str,
    id: Uuid,
    network: &'a str,
    mac: String,
    addresses: Vec<IpAddr>,
    port_security: bool,
    up: bool,
    hosts: Vec<&'a str>,
}

impl View<'_> {
    /// `up on h1`, or `down`.
    fn state(&self) -> String {
        if self.up {
            format!("up on {}", joined(&self.hosts))
        } else {
            "down".to_owned()
        }
    }
}

impl Kind for Ports {
    const TABLE: Table = Table::Port;
    const HEADER: &'static [&'static str] = &["NAME", "NETWORK", "MAC", "ADDRESSES", "STATE"];
    type Delete = Names;
    type View<'a> = View<'a>;

    fn views(site: &Site) -> Vec<View<'_>> {
        site.ports
            .values()
            .map(|port| {
                let hosts = port.hosts.iter().filter_map(|id| site.hosts.get(id));
                let mut hosts: Vec<_> = hosts.map(|host| host.name.as_str()).collect();
                hosts.sort_unstable();
                View {
                    name: &port.name,
                    id: port.id,
                    network: site
                        .networks
                        .get(&port.network)
                        .map_or("", |network| &network.name),
                    mac: port.mac.to_string(),
                    addresses: port.addresses.iter().copied().collect(),
                    port_security: port.port_security,
                    up: !hosts.is_empty(),
                    hosts,
                }
            })
            .collect()
    }

    fn names(view: &View<'_>) -> (String, String) {
        (view.name.to_owned(), view.id.to_string())
    }

    fn cells(view: &View<'_>) -> Vec<String> {
        let (name, network) = (view.name.to_owned(), view.network.to_owned());
        vec![
            name,
            network,
            view.mac.clone(),
            joined(&view.addresses),
            view.state(),
        ]
    }

    fn fields(view: &View<'_>) -> Vec<(&'static str, String)> {
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
    }
}
