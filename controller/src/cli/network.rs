//! `heddle network`.

use std::collections::BTreeMap;

use clap::Subcommand;
use ipnet::IpNet;
use serde::Serialize;
use uuid::Uuid;

use super::object::{Delete, grouped, named, read_site};
use super::render::{Output, joined, or_dash};
use super::{Failure, Global};
use crate::model::{Network, Segment, Site};
use crate::northbound::Table;

const EXAMPLES: &str = "\
Examples:
  heddle network list
  heddle network list -o json | jq -r '.[] | select(.type == \"vxlan\") | .name'
  heddle network show blue
  heddle network delete blue --cascade        with its ports and subnets";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum Command {
    /// List all networks
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show networks with their subnets and ports
    Show {
        /// Their names [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Delete networks, all of them or none
    Delete {
        #[command(flatten)]
        delete: Delete,
        /// Delete their ports and subnets too
        #[arg(long)]
        cascade: bool,
    },
}

/// A network as commands print it.
#[derive(Debug, Serialize)]
struct View<'a> {
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

/// What is in the networks of a site.
struct Inside<'a> {
    prefixes: BTreeMap<Uuid, Vec<IpNet>>,
    ports: BTreeMap<Uuid, Vec<&'a str>>,
}

impl<'a> Inside<'a> {
    fn new(site: &'a Site) -> Self {
        let mut prefixes = grouped(site.subnets.values().map(|subnet| (subnet.network, subnet.cidr)));
        prefixes.values_mut().for_each(|prefixes| prefixes.sort());
        let mut ports = grouped(site.ports.values().map(|port| (port.network, port.name.as_str())));
        ports.values_mut().for_each(|ports| ports.sort_unstable());
        Self { prefixes, ports }
    }
}

impl<'a> View<'a> {
    fn new(network: &'a Network, inside: &Inside<'a>) -> Self {
        let (vni, vlan) = match &network.segment {
            Segment::Tunnel { vni, .. } => (Some(*vni), None),
            Segment::Vlan { vlan, .. } => (None, Some(*vlan)),
            Segment::Flat { .. } | Segment::Local => (None, None),
        };
        let prefixes = inside.prefixes.get(&network.id).into_iter().flatten();
        Self {
            name: &network.name,
            id: network.id,
            project: &network.project,
            r#type: network.segment.type_name(),
            vni,
            physical_network: network.segment.physical_network(),
            vlan,
            mtu: network.mtu,
            learning: network.learning,
            subnets: prefixes.map(ToString::to_string).collect(),
            ports: inside.ports.get(&network.id).cloned().unwrap_or_default(),
            segment: &network.segment,
        }
    }
}

impl Command {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let (names, output, list) = match self {
            Self::List { output } => (Vec::new(), output, true),
            Self::Show { names, output } => (names, output, false),
            Self::Delete { delete, cascade } => return delete.run(global, Table::Network, cascade).await,
        };
        let site = read_site(global).await?;
        let networks = named(site.networks.values(), &names, Table::Network, |network| &network.name)?;
        let inside = Inside::new(&site);
        let views: Vec<_> = networks
            .into_iter()
            .map(|network| View::new(network, &inside))
            .collect();
        if list {
            let header = ["NAME", "SEGMENT", "MTU", "SUBNETS", "PORTS", "PROJECT"];
            return output.list(&views, &header, |view| {
                vec![
                    view.name.to_owned(),
                    view.segment.to_string(),
                    view.mtu.to_string(),
                    joined(&view.subnets),
                    view.ports.len().to_string(),
                    joined([view.project].into_iter().filter(|project| !project.is_empty())),
                ]
            });
        }
        output.each(&views, |view| {
            vec![
                ("name", view.name.to_owned()),
                ("id", view.id.to_string()),
                ("project", view.project.to_owned()),
                ("segment", view.segment.to_string()),
                ("mtu", view.mtu.to_string()),
                ("learning", view.learning.to_string()),
                (
                    "subnets",
                    or_dash(Some(view.subnets.join("\n")).filter(|text| !text.is_empty())),
                ),
                (
                    "ports",
                    or_dash(Some(view.ports.join("\n")).filter(|text| !text.is_empty())),
                ),
            ]
        })
    }
}
