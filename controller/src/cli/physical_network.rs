//! `heddle physical-network`: declarations of physical networks as people see them.

use serde::Serialize;
use uuid::Uuid;

use super::object::{Kind, Names, grouped};
use super::render::joined;
use crate::model::{Site, show_range};
use crate::northbound::Table;

pub(super) const EXAMPLES: &str = "\
Examples:
  heddle physical-network list
  heddle physical-network show provider       # its networks, and the hosts that map it
  heddle physical-network delete provider     # forget its VLAN ranges; hosts may still map it";

/// The kind of object.
pub(super) struct PhysicalNetworks;

/// A physical network as commands print it.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    name: &'a str,
    id: Uuid,
    vlans: Vec<String>,
    networks: Vec<&'a str>,
    hosts: Vec<&'a str>,
}

impl Kind for PhysicalNetworks {
    const TABLE: Table = Table::PhysicalNetwork;
    const HEADER: &'static [&'static str] = &["NAME", "VLANS", "NETWORKS", "HOSTS"];
    type Delete = Names;
    type View<'a> = View<'a>;

    fn views(site: &Site) -> Vec<View<'_>> {
        let on_wires = site.networks.values();
        let on_wires = on_wires.filter_map(|network| {
            Some((network.segment.physical_network()?, network.name.as_str()))
        });
        let networks = grouped(on_wires);
        let mapped = site.hosts.values().flat_map(|host| {
            host.bridge_mappings
                .keys()
                .map(|wire| (wire.as_str(), host.name.as_str()))
        });
        let hosts = grouped(mapped);
        site.physical_networks
            .values()
            .map(|wire| View {
                name: &wire.name,
                id: wire.id,
                vlans: wire.ranges().iter().map(show_range).collect(),
                networks: networks
                    .get(wire.name.as_str())
                    .cloned()
                    .unwrap_or_default(),
                hosts: hosts.get(wire.name.as_str()).cloned().unwrap_or_default(),
            })
            .collect()
    }

    fn names(view: &View<'_>) -> (String, String) {
        (view.name.to_owned(), view.id.to_string())
    }

    fn cells(view: &View<'_>) -> Vec<String> {
        let (networks, hosts) = (
            view.networks.len().to_string(),
            view.hosts.len().to_string(),
        );
        vec![view.name.to_owned(), joined(&view.vlans), networks, hosts]
    }

    fn fields(view: &View<'_>) -> Vec<(&'static str, String)> {
        vec![
            ("name", view.name.to_owned()),
            ("id", view.id.to_string()),
            ("vlans", joined(&view.vlans)),
            ("networks", joined(&view.networks)),
            ("hosts", joined(&view.hosts)),
        ]
    }
}
