//! `heddle host`: hosts as people see them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;
use uuid::Uuid;

use super::object::{Kind, Names, grouped};
use super::render::{joined, lines};
use crate::model::Site;
use crate::northbound::Table;

pub(super) const EXAMPLES: &str = "\
Examples:
  heddle host list                            # who is behind, and who has problems
  heddle host show h1                         # its bridges, its unbound interfaces, its problems
  heddle host delete h3                       # a machine that is gone: others stop sending to it

A host whose agent runs comes back when it is deleted.";

/// The kind of object.
pub(super) struct Hosts;

/// A host as commands print it.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    name: &'a str,
    id: Uuid,
    encap_ip: Option<IpAddr>,
    encap_types: Vec<&'static str>,
    bridge_mappings: &'a BTreeMap<String, String>,
    applied: u64,
    revision: u64,
    ports: Vec<&'a str>,
    unbound: &'a BTreeMap<String, String>,
    problems: &'a BTreeMap<String, String>,
}

impl View<'_> {
    /// `7 of 9`, or `9 (up to date)`.
    fn progress(&self) -> String {
        if self.applied >= self.revision {
            format!("{} (up to date)", self.applied)
        } else {
            format!("{} of {}", self.applied, self.revision)
        }
    }
}

/// A line for each pair. Interfaces are named by others than us: what would move the cursor is not shown.
fn pairs(map: &BTreeMap<String, String>, between: &str) -> String {
    lines(
        map.iter()
            .map(|(key, value)| format!("{key}{between}{value}").replace(char::is_control, "?")),
    )
}

impl Kind for Hosts {
    const TABLE: Table = Table::Host;
    const HEADER: &'static [&'static str] = &[
        "NAME",
        "TUNNEL ADDRESS",
        "REVISION",
        "PORTS",
        "UNBOUND",
        "PROBLEMS",
    ];
    type Delete = Names;
    type View<'a> = View<'a>;

    fn views(site: &Site) -> Vec<View<'_>> {
        let up = site
            .ports
            .values()
            .flat_map(|port| port.hosts.iter().map(|host| (*host, port.name.as_str())));
        let mut ports = grouped(up);
        site.hosts
            .values()
            .map(|host| View {
                name: &host.name,
                id: host.id,
                encap_ip: host.encap_ip,
                encap_types: host
                    .encap_types
                    .iter()
                    .map(|tunnel| tunnel.name())
                    .collect(),
                bridge_mappings: &host.bridge_mappings,
                applied: host.applied,
                revision: site.revision,
                ports: ports.remove(&host.id).unwrap_or_default(),
                unbound: &host.unbound,
                problems: &host.problems,
            })
            .collect()
    }

    fn names(view: &View<'_>) -> (String, String) {
        (view.name.to_owned(), view.id.to_string())
    }

    fn cells(view: &View<'_>) -> Vec<String> {
        vec![
            view.name.to_owned(),
            joined(view.encap_ip),
            view.progress(),
            view.ports.len().to_string(),
            view.unbound.len().to_string(),
            view.problems.len().to_string(),
        ]
    }

    fn fields(view: &View<'_>) -> Vec<(&'static str, String)> {
        vec![
            ("name", view.name.to_owned()),
            ("id", view.id.to_string()),
            ("tunnel address", joined(view.encap_ip)),
            ("tunnel types", joined(&view.encap_types)),
            ("bridges", pairs(view.bridge_mappings, " on ")),
            ("revision", view.progress()),
            ("ports", joined(&view.ports)),
            ("unbound", pairs(view.unbound, " names no port: iface-id=")),
            ("problems", pairs(view.problems, ": ")),
        ]
    }
}
