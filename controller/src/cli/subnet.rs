//! `heddle subnet`: subnets as people see them.

use std::net::IpAddr;

use serde::Serialize;
use uuid::Uuid;

use super::object::{Kind, Names, grouped};
use super::render::joined;
use crate::model::Site;
use crate::northbound::Table;

pub(super) const EXAMPLES: &str = "\
Examples:
  heddle subnet list                          # with how many addresses are in use
  heddle subnet show blue-10.0.0.0/24 -o yaml
  heddle subnet delete blue-10.0.0.0/24";

/// The kind of object.
pub(super) struct Subnets;

/// A subnet as commands print it.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    name: &'a str,
    id: Uuid,
    network: &'a str,
    cidr: String,
    gateway: Option<IpAddr>,
    used: usize,
}

impl Kind for Subnets {
    const TABLE: Table = Table::Subnet;
    const HEADER: &'static [&'static str] = &["NAME", "NETWORK", "CIDR", "GATEWAY", "USED"];
    type Delete = Names;
    type View<'a> = View<'a>;

    fn views(site: &Site) -> Vec<View<'_>> {
        let addresses = site
            .ports
            .values()
            .flat_map(|port| port.addresses.iter().map(|at| (port.network, *at)));
        let taken = grouped(addresses);
        // The addresses are in order, so those of a prefix are one after the other.
        let used = |network: &Uuid, first: IpAddr, last: IpAddr| {
            let taken = taken.get(network).map(Vec::as_slice).unwrap_or_default();
            let before = taken.partition_point(|address| *address < first);
            taken
                .partition_point(|address| *address <= last)
                .saturating_sub(before)
        };
        site.subnets
            .values()
            .map(|subnet| View {
                name: &subnet.name,
                id: subnet.id,
                network: site
                    .networks
                    .get(&subnet.network)
                    .map_or("", |network| &network.name),
                cidr: subnet.cidr.to_string(),
                gateway: subnet.gateway,
                used: used(
                    &subnet.network,
                    subnet.cidr.network(),
                    subnet.cidr.broadcast(),
                ),
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
            view.cidr.clone(),
            joined(view.gateway),
            view.used.to_string(),
        ]
    }

    fn fields(view: &View<'_>) -> Vec<(&'static str, String)> {
        vec![
            ("name", view.name.to_owned()),
            ("id", view.id.to_string()),
            ("network", view.network.to_owned()),
            ("cidr", view.cidr.clone()),
            ("gateway", joined(view.gateway)),
            ("used", view.used.to_string()),
        ]
    }
}
