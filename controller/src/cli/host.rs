//! `heddle host`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use clap::Subcommand;
use serde::Serialize;
use uuid::Uuid;

use super::object::{Delete, grouped, named, read_site};
use super::render::{Output, joined, or_dash};
use super::{Failure, Global};
use crate::model::Host;
use crate::northbound::Table;

const EXAMPLES: &str = "\
Examples:
  heddle host list                            who is behind, and who has problems
  heddle host show h1                         its bridges, its unbound interfaces, its problems
  heddle host delete h3                       a machine that is gone: others stop sending to it";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum Command {
    /// List all hosts
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show hosts with their interfaces that name no port, and their problems
    Show {
        /// Their names [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Delete hosts, all of them or none; one whose agent runs comes back
    Delete {
        #[command(flatten)]
        delete: Delete,
    },
}

/// A host as commands print it.
#[derive(Debug, Serialize)]
struct View<'a> {
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

impl<'a> View<'a> {
    fn new(host: &'a Host, revision: u64, ports: &BTreeMap<Uuid, Vec<&'a str>>) -> Self {
        Self {
            name: &host.name,
            id: host.id,
            encap_ip: host.encap_ip,
            encap_types: host.encap_types.iter().map(|tunnel| tunnel.name()).collect(),
            bridge_mappings: &host.bridge_mappings,
            applied: host.applied,
            revision,
            ports: ports.get(&host.id).cloned().unwrap_or_default(),
            unbound: &host.unbound,
            problems: &host.problems,
        }
    }

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
    let line = |(key, value)| format!("{key}{between}{value}").replace(char::is_control, "?");
    or_dash(Some(map.iter().map(line).collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty()))
}

impl Command {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let (names, output, list) = match self {
            Self::List { output } => (Vec::new(), output, true),
            Self::Show { names, output } => (names, output, false),
            Self::Delete { delete } => return delete.run(global, Table::Host, false).await,
        };
        let site = read_site(global).await?;
        let hosts = named(site.hosts.values(), &names, Table::Host, |host| &host.name)?;
        let ports = site.ports.values();
        let up = ports.flat_map(|port| port.hosts.iter().map(|host| (*host, port.name.as_str())));
        let mut ports = grouped(up);
        ports.values_mut().for_each(|ports| ports.sort_unstable());
        let views: Vec<_> = hosts
            .into_iter()
            .map(|host| View::new(host, site.revision, &ports))
            .collect();
        if list {
            let header = ["NAME", "TUNNEL ADDRESS", "REVISION", "PORTS", "UNBOUND", "PROBLEMS"];
            return output.list(&views, &header, |view| {
                vec![
                    view.name.to_owned(),
                    or_dash(view.encap_ip),
                    view.progress(),
                    view.ports.len().to_string(),
                    view.unbound.len().to_string(),
                    view.problems.len().to_string(),
                ]
            });
        }
        output.each(&views, |view| {
            vec![
                ("name", view.name.to_owned()),
                ("id", view.id.to_string()),
                ("tunnel address", or_dash(view.encap_ip)),
                ("tunnel types", joined(&view.encap_types)),
                ("bridges", pairs(view.bridge_mappings, " on ")),
                ("revision", view.progress()),
                ("ports", joined(&view.ports)),
                ("unbound", pairs(view.unbound, " names no port: iface-id=")),
                ("problems", pairs(view.problems, ": ")),
            ]
        })
    }
}
