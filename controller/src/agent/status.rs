//! What a running agent says of itself: one picture, which `heddle agent status` prints and the metrics are made of.
//!
//! The JSON of `heddle agent status --json` is [`Status`]: its keys are the names of the fields. Keys are added with time
//! and none changes its meaning; a reader that meets an unknown one goes on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Agent;
use super::counters::{Histogram, Peer, Programming};
use crate::compile::Kind;
use crate::compile::pipeline::{self, Table};
use crate::model::{INTEGRATION_BRIDGE, TUNNEL_BRIDGE};
use crate::reconcile::observed::Interface;

/// See the [module](self).
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Status {
    /// The version of the program.
    pub version: String,
    /// The host's name on the site; none before settings are known.
    pub host: Option<String>,
    /// When the agent started, in seconds since 1970 (UTC), by the clock as it was then.
    pub started: f64,
    /// For how many seconds it has been running.
    pub uptime: f64,
    /// Resident memory, in bytes.
    pub memory: u64,
    /// What it is at.
    pub state: State,
    /// What it waits for, while it is [`State::Waiting`].
    pub waiting_for: Option<String>,
    /// The intent, and how far it is applied.
    pub intent: Intent,
    /// The switch's database.
    pub switch: Peer,
    /// The northbound database.
    pub northbound: Peer,
    /// The remotes of the northbound database.
    pub northbound_remotes: Vec<String>,
    /// The bridges that are programmed, by name.
    pub bridges: BTreeMap<String, Bridge>,
    /// The ports that are plugged in here, by name.
    pub ports: Vec<Port>,
    /// Interface name → `iface-id` of interfaces that name no port.
    pub unbound: BTreeMap<String, String>,
    /// What keeps a part of the host from working, by the thing it is about, with the way out.
    pub problems: BTreeMap<String, String>,
    /// What is counted, beside what the peers and bridges have.
    pub counters: Totals,
}

/// What the agent is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for something that it needs.
    #[default]
    Waiting,
    /// Changes are on their way.
    Working,
    /// All that is known is on the switch.
    Applied,
}

/// The intent, and how far it is applied.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Intent {
    /// Where it came from.
    pub source: Source,
    /// The newest revision that was read.
    pub revision: Option<u64>,
    /// The newest revision whose flows the switch has acknowledged.
    pub applied: Option<u64>,
    /// For how many seconds the oldest revision that is not applied has been known; 0 when all are.
    pub lag: f64,
    /// From the reading of a revision to the acknowledgement of its last flow.
    pub latency: Histogram,
}

/// Where the intent came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// There is none yet.
    #[default]
    None,
    /// The northbound database, in this life of the agent.
    Database,
    /// The file of the last known intent: the database is out of reach since the agent started.
    File,
}

/// One bridge.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Bridge {
    /// Its OpenFlow session.
    #[serde(flatten)]
    pub session: Peer,
    /// A bundle is on its way.
    pub programming: bool,
    /// heddle's flows that the switch has acknowledged, by table and the kind of object that they serve.
    pub flows: Vec<Flows>,
    /// What was sent.
    pub programmed: Programming,
}

/// Flows of one table that serve one kind of object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Flows {
    /// The table's number.
    pub table: u8,
    /// Its name.
    pub name: String,
    /// `base`, `network`, `port` or `host`.
    pub owner: String,
    /// How many.
    pub count: u64,
}

/// A port that is plugged in here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its `_uuid`.
    pub id: String,
    /// The interface that is it.
    pub interface: String,
    /// Its flows are acknowledged.
    pub up: bool,
    /// What it waits for while it is not up.
    pub waits_for: Option<String>,
}

/// What is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Totals {
    /// Transactions that the switch's database took.
    pub switch_transactions: u64,
    /// Transactions that it did not take.
    pub switch_transactions_refused: u64,
    /// Edits of heddle's bridges and ports in its database by others, that were put right.
    pub switch_repairs: u64,
    /// Reports that the northbound database took.
    pub reports: u64,
    /// Reports that it did not take.
    pub reports_refused: u64,
    /// Signals to read everything anew.
    pub reloads: u64,
    /// How often the last known intent was written to its file.
    pub intent_files: u64,
    /// How often everything was compiled anew: at the start, and never again while all is well.
    pub full_recompiles: u64,
    /// Units (networks, ports, hosts, ...) whose flows were compiled.
    pub compiled_units: u64,
}

impl Bridge {
    /// How many flows of heddle's the switch has acknowledged.
    #[must_use]
    pub fn flow_count(&self) -> u64 {
        self.flows.iter().map(|flows| flows.count).sum()
    }
}

/// The picture of an agent as it is now.
pub(super) fn look(agent: &Agent, now: Instant) -> Status {
    let waiting_for = waiting_for(agent);
    let (seen, applied) = (
        agent.convergence.newest_seen(),
        agent.convergence.newest_applied(),
    );
    let state = match &waiting_for {
        Some(_) => State::Waiting,
        None if agent.report.applied.is_some() && applied == seen => State::Applied,
        None => State::Working,
    };
    let counters = &agent.counters;
    let compiled = agent.reconciler.compiled();
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: agent
            .settings
            .as_ref()
            .map(|settings| settings.host.clone()),
        started: agent.started.1,
        uptime: now.saturating_duration_since(agent.started.0).as_secs_f64(),
        memory: resident_memory(),
        state,
        waiting_for,
        intent: Intent {
            source: agent.source,
            revision: seen,
            applied,
            lag: agent.convergence.lag(now),
            latency: agent.convergence.latency.clone(),
        },
        switch: counters.switch.clone(),
        northbound: counters.northbound.clone(),
        northbound_remotes: agent
            .northbound
            .iter()
            .flat_map(|northbound| &northbound.remotes)
            .map(ToString::to_string)
            .collect(),
        bridges: bridges(agent),
        ports: ports(agent),
        unbound: agent.report.unbound.clone(),
        problems: problems(agent),
        counters: Totals {
            switch_transactions: counters.transactions.0,
            switch_transactions_refused: counters.transactions.1,
            switch_repairs: counters.repairs,
            reports: counters.reports.0,
            reports_refused: counters.reports.1,
            reloads: counters.reloads,
            intent_files: counters.intent_files,
            full_recompiles: compiled.full_recompiles,
            compiled_units: compiled.units,
        },
    }
}

/// What the last step found, or while there was none what is wrong already.
fn problems(agent: &Agent) -> BTreeMap<String, String> {
    let mut out = agent.report.problems.clone();
    out.extend(agent.setting_errors.clone());
    out.extend(agent.link_errors.clone());
    out.extend(agent.intent_file_problem());
    out
}

/// Whether all that is known is on the switch, and one line for the service manager.
pub(super) fn summary(agent: &Agent) -> (bool, String) {
    if let Some(what) = waiting_for(agent) {
        return (false, format!("waiting for {what}"));
    }
    let report = &agent.report;
    let (seen, applied) = (
        agent.convergence.newest_seen(),
        agent.convergence.newest_applied(),
    );
    let settled = report.applied.is_some() && applied == seen;
    let (up, plugged) = (report.up.len(), report.plugged.len());
    let mut text = match seen {
        Some(revision) if settled => format!("revision {revision} is applied"),
        Some(revision) => format!("applying revision {revision}"),
        None => "no revision yet".to_owned(),
    };
    text += &format!("; {up} ports up, {} waiting", plugged.saturating_sub(up));
    if agent.source == Source::File {
        text += "; no northbound database, last known intent";
    } else if !agent.counters.northbound.connected {
        text += "; no northbound database";
    }
    if !report.problems.is_empty() {
        text += &format!("; {} problems", report.problems.len());
    }
    let fresh = agent.counters.northbound.connected || agent.source == Source::File;
    (settled && fresh, text)
}

/// What an agent that can not go on waits for.
pub(super) fn waiting_for(agent: &Agent) -> Option<String> {
    let absent = |what: &str, peer: &Peer| match &peer.error {
        Some(error) => format!("{what}: {error}"),
        None => format!("{what}: no answer yet"),
    };
    if agent.observed.is_none() {
        return Some(absent("the switch's database", &agent.counters.switch));
    }
    if agent.settings.is_none() {
        let wrong = agent.setting_errors.values().next();
        return Some(wrong.map_or("settings".to_owned(), |error| {
            format!("settings that are right: {error}")
        }));
    }
    if agent.mirror.is_none() {
        return Some(absent(
            "the northbound database",
            &agent.counters.northbound,
        ));
    }
    let mut silent = agent.links.keys().filter_map(|bridge| {
        let (peer, _) = agent.counters.bridges.get(bridge)?;
        (!peer.connected).then(|| absent(&format!("an OpenFlow session with {bridge}"), peer))
    });
    silent.next()
}

fn bridges(agent: &Agent) -> BTreeMap<String, Bridge> {
    let mut out: BTreeMap<String, Bridge> = agent
        .counters
        .bridges
        .iter()
        .map(|(name, (session, programmed))| {
            let bridge = Bridge {
                session: session.clone(),
                programming: agent.sent.get(name).is_some_and(|sent| !sent.is_empty()),
                flows: Vec::new(),
                programmed: programmed.clone(),
            };
            (name.clone(), bridge)
        })
        .collect();
    for (name, table, kind, count) in agent.reconciler.flow_counts() {
        if let Some(bridge) = out.get_mut(name) {
            bridge.flows.push(Flows {
                table,
                name: table_name(name, table).to_owned(),
                owner: owner(kind).to_owned(),
                count,
            });
        }
    }
    out
}

fn table_name(bridge: &str, number: u8) -> &'static str {
    let tables: &[Table] = match bridge {
        INTEGRATION_BRIDGE => &pipeline::integration::TABLES,
        TUNNEL_BRIDGE => &pipeline::tunnel::TABLES,
        _ => &pipeline::provider::TABLES,
    };
    tables
        .iter()
        .find(|table| table.number == number)
        .map_or("", |table| table.name)
}

fn owner(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Base) => "base",
        Some(Kind::Network) => "network",
        Some(Kind::Port) => "port",
        Some(Kind::Host) => "host",
        Some(Kind::Learned) => "learned",
        None => "unknown",
    }
}

fn ports(agent: &Agent) -> Vec<Port> {
    let (Some(mirror), Some(observed)) = (&agent.mirror, &agent.observed) else {
        return Vec::new();
    };
    let site = mirror.site();
    let on_bridge = observed
        .bridges
        .get(INTEGRATION_BRIDGE)
        .into_iter()
        .flat_map(|bridge| bridge.ports.values())
        .flat_map(|port| &port.interfaces);
    let by_iface_id: BTreeMap<&str, (&String, &Interface)> = on_bridge
        .filter_map(|(name, interface)| {
            Some((
                interface.external_ids.get("iface-id")?.as_str(),
                (name, interface),
            ))
        })
        .collect();
    let mut out: Vec<Port> = agent
        .report
        .plugged
        .iter()
        .filter_map(|id| {
            let port = site.ports.get(id)?;
            let network = site
                .networks
                .get(&port.network)
                .map(|network| &network.name);
            let found = by_iface_id
                .get(port.name.as_str())
                .or_else(|| by_iface_id.get(id.to_string().as_str()));
            let up = agent.report.up.contains(id);
            let problem = |about: &String| agent.report.problems.get(about).cloned();
            let waits_for = || {
                found
                    .and_then(|(name, _)| problem(name))
                    .or_else(|| problem(&port.name))
                    .or_else(|| network.and_then(problem))
                    .or_else(|| {
                        let numbered =
                            found.is_some_and(|(_, interface)| interface.ofport.is_some());
                        (!numbered)
                            .then(|| "Open vSwitch to give the interface a number".to_owned())
                    })
                    .or_else(|| waiting_for(agent))
                    .unwrap_or_else(|| "its flows, which are on their way".to_owned())
            };
            Some(Port {
                name: port.name.clone(),
                id: id.to_string(),
                interface: found.map(|(name, _)| (*name).clone()).unwrap_or_default(),
                up,
                waits_for: (!up).then(waits_for),
            })
        })
        .collect();
    out.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

/// `VmRSS` of proc_pid_status(5), in bytes; 0 where the kernel does not say.
fn resident_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| {
        let value = line.strip_prefix("VmRSS:")?;
        value
            .trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()
    });
    kilobytes.unwrap_or_default().saturating_mul(1024)
}
