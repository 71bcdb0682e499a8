//! `heddle network`: networks as people see them.

use clap::Args;
use serde::Serialize;
use uuid::Uuid;

use super::object::{Chosen, Kind, Names, grouped};
use super::render::{joined, lines};
use crate::model::{Segment, Site};
use crate::northbound::Table;

pub(super) const EXAMPLES: &str = "\
Examples:
  heddle network list
  heddle network list -o json | jq -r '.[] | select(.type == \"vxlan\") | .name'
  heddle network show blue                    # with its subnets and ports
  heddle network delete blue --cascade        # with its subnets and ports";

/// The kind of object.
pub(super) struct Networks;

/// Which networks to delete.
#[derive(Debug, Args)]
pub(super) struct Delete {
    #[command(flatten)]
    names: Names,
    /// Delete their ports and subnets too
    #[arg(long)]
    cascade: bool,
}

impl Chosen for Delete {
    fn chosen(&self) -> (&[String], bool) {
        (&self.names.names, self.cascade)
    }
}

/// A network as commands print it.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    name: &'a str,
    id: Uuid,
    project: &'a str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vni: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_network: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<u16>,
    mtu: u16,
    learning: bool,
    subnets: Vec<String>,
    ports: Vec<&'a str>,
    #[serde(skip)]
    segment: &'a Segment,
}

impl Kind for Networks {
    const TABLE: Table = Table::Network;
    const HEADER: &'static [&'static str] =
        &["NAME", "SEGMENT", "MTU", "SUBNETS", "PORTS", "PROJECT"];
    type Delete = Delete;
    type View<'a> = View<'a>;

    fn views(site: &Site) -> Vec<View<'_>> {
        let prefixes = grouped(
            site.subnets
                .values()
                .map(|subnet| (subnet.network, subnet.cidr)),
        );
        let mut ports = grouped(
            site.ports
                .values()
                .map(|port| (port.network, port.name.as_str())),
        );
        site.networks
            .values()
            .map(|network| View {
                name: &network.name,
                id: network.id,
                project: &network.project,
                r#type: network.segment.type_name(),
                vni: match &network.segment {
                    Segment::Tunnel { vni, .. } => Some(*vni),
                    Segment::Vlan { .. } | Segment::Flat { .. } | Segment::Local => None,
                },
                physical_network: network.segment.physical_network(),
                vlan: match &network.segment {
                    Segment::Vlan { vlan, .. } => Some(*vlan),
                    Segment::Tunnel { .. } | Segment::Flat { .. } | Segment::Local => None,
                },
                mtu: network.mtu,
                learning: network.learning,
                subnets: prefixes
                    .get(&network.id)
                    .into_iter()
                    .flatten()
                    .map(ToString::to_string)
                    .collect(),
                ports: ports.remove(&network.id).unwrap_or_default(),
                segment: &network.segment,
            })
            .collect()
    }

    fn names(view: &View<'_>) -> (String, String) {
        (view.name.to_owned(), view.id.to_string())
    }

    fn cells(view: &View<'_>) -> Vec<String> {
        vec![
            view.name.to_owned(),
            view.segment.to_string(),
            view.mtu.to_string(),
            joined(&view.subnets),
            view.ports.len().to_string(),
            joined([view.project]),
        ]
    }

    fn fields(view: &View<'_>) -> Vec<(&'static str, String)> {
        vec![
            ("name", view.name.to_owned()),
            ("id", view.id.to_string()),
            ("project", joined([view.project])),
            ("segment", view.segment.to_string()),
            ("mtu", view.mtu.to_string()),
            ("learning", view.learning.to_string()),
            ("subnets", lines(&view.subnets)),
            ("ports", lines(&view.ports)),
        ]
    }
}
