//! `heddle wait`.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::database::Database;
use super::render::{emit, joined};
use super::{Failure, Global};
use crate::model::Site;

/// How long hosts have.
const HOSTS_TIMEOUT: Duration = Duration::from_secs(30);

const EXAMPLES: &str = "\
Examples:
  heddle wait                                 # until every host has what the database says now
  heddle wait --host h1 --host h2             # until these have registered and have it
  heddle wait --port web-1 --timeout 60       # first until the port is up somewhere";

/// What to wait for.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Wait for this host only, also for it to register; can be given more than once [default: all]
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Wait for this port to be up first; can be given more than once
    #[arg(long, value_name = "NAME")]
    port: Vec<String>,
}

impl Arguments {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut database = Database::connect(global).await?;
        self.for_ports(&mut database, global).await?;
        // A number of its own makes hosts look at everything once more, also at what was plugged in meanwhile.
        let revision = database.bump().await?;
        for_revision(&mut database, global, revision, &self.host).await
    }

    async fn for_ports(&self, database: &mut Database, global: &Global) -> Result<(), Failure> {
        let site = database.site()?;
        let known: BTreeSet<&str> = site.ports.values().map(|port| port.name.as_str()).collect();
        if let Some(unknown) = self.port.iter().find(|name| !known.contains(name.as_str())) {
            return Err(Failure::failed(format_args!(
                "there is no port {unknown:?}: `heddle port list` shows those there are"
            )));
        }
        let timeout = global.timeout.unwrap_or(HOSTS_TIMEOUT);
        let deadline = Instant::now() + timeout;
        let down = |site: &Site| {
            let up: BTreeSet<&str> = site
                .ports
                .values()
                .filter(|port| !port.hosts.is_empty())
                .map(|port| port.name.as_str())
                .collect();
            self.port
                .iter()
                .filter(|name| !up.contains(name.as_str()))
                .cloned()
                .collect::<Vec<_>>()
        };
        let left = database.until(deadline, down).await?;
        if left.is_empty() {
            return Ok(());
        }
        Err(Failure::failed(format_args!(
            "not up after {} s: port {}; its interface needs external_ids:iface-id=NAME, and `heddle host show` tells \
             what hosts lack",
            timeout.as_secs_f64(),
            joined(&left)
        )))
    }
}

/// Waits until these hosts, or all, have acknowledged `revision`.
pub(super) async fn for_revision(
    database: &mut Database,
    global: &Global,
    revision: u64,
    hosts: &[String],
) -> Result<(), Failure> {
    let timeout = global.timeout.unwrap_or(HOSTS_TIMEOUT);
    let started = Instant::now();
    let mut waited_for = 0;
    let lagging = |site: &Site| {
        waited_for = if hosts.is_empty() {
            site.hosts.len()
        } else {
            hosts.len()
        };
        lag(site, revision, hosts)
    };
    let left = database.until(started + timeout, lagging).await?;
    if left.is_empty() {
        let taken = started.elapsed().as_millis();
        return emit(&match waited_for {
            0 => format!("no host has registered: revision {revision} waits for the first\n"),
            _ => format!("{waited_for} host(s) have revision {revision} after {taken} ms\n"),
        });
    }
    Err(Failure::failed(format_args!(
        "revision {revision} is not everywhere after {} s: {}; `heddle host show` tells more",
        timeout.as_secs_f64(),
        joined(&left)
    )))
}

/// The hosts that have not acknowledged `revision`, and how far they are.
fn lag(site: &Site, revision: u64, hosts: &[String]) -> Vec<String> {
    let behind =
        |applied: u64, name: &str| (applied < revision).then(|| format!("{name} has {applied}"));
    if hosts.is_empty() {
        let mut all: Vec<_> = site
            .hosts
            .values()
            .filter_map(|host| behind(host.applied, &host.name))
            .collect();
        all.sort();
        return all;
    }
    let find = |name: &String| site.hosts.values().find(|host| host.name == *name);
    let one = |name: &String| match find(name) {
        Some(host) => behind(host.applied, name),
        None => Some(format!("{name} has never registered")),
    };
    hosts.iter().filter_map(one).collect()
}
