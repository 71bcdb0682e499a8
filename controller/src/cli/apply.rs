//! `heddle apply`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};

use clap::Args;

use super::database::Database;
use super::render::{emit, joined};
use super::{Failure, Global, wait};
use crate::model::document::{Document, Fault, MAX_BYTES};
use crate::model::{Site, show_range};
use crate::northbound::{Action, Change, Committed, Table, changes, plan, random_mac};

const EXAMPLES: &str = "\
Examples:
  heddle apply -f networks.yaml               # make it so
  heddle apply -f networks.yaml --dry-run     # say what would change
  heddle apply -f networks.yaml --wait        # make it so, and wait until every host has it
  echo 'networks: [{name: blue, type: vxlan}]' | heddle apply -f -

A document has these lists; what is in [brackets] can be left out:
  physical_networks:  name [vlans]            wires that hosts map to bridges
  networks:           name type [vni physical_network vlan mtu learning project]
                      type is one of vxlan, gre, geneve, vlan, flat, local
  subnets:            network cidr [gateway name]
  ports:              name network [mac addresses port_security]

For example:
  networks:
  - {name: blue, type: vxlan}
  subnets:
  - {network: blue, cidr: 10.0.0.0/24}
  ports:
  - {name: web-1, network: blue}
  - {name: web-2, network: blue, addresses: [10.0.0.20]}

Objects are known by their names. Those that exist are changed where the document says so;
those that it does not name stay as they are. Numbers and addresses that are left out of new
objects are chosen from those that are free.";

/// How many changes are told one by one.
const TOLD: usize = 50;
/// How many faults are told.
const FAULTS: usize = 50;

/// What to apply.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The YAML document, or - for standard input
    #[arg(short, long, value_name = "FILE")]
    file: String,
    /// Wait until every host has what was applied
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
    /// Say what would change and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Arguments {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let file = if self.file == "-" {
            "stdin"
        } else {
            &self.file
        };
        let text = read(&self.file)
            .map_err(|problem| Failure::input(format_args!("{file}: {problem}")))?;
        let document = Document::parse(&text).map_err(|faults| told(file, &faults))?;
        let mut database = Database::connect(global).await?;
        let planned = |site: &Site| {
            plan(&document, site, &mut random_mac).map_err(|faults| told(file, &faults))
        };
        if self.dry_run {
            let before = database.site()?;
            let after = planned(&before)?;
            let changes = changes(&before, &after);
            let done = Committed {
                revision: before.revision,
                after,
                changes,
            };
            return emit(&format!(
                "{}dry run: nothing was written\n",
                summary(&done, "would be ")
            ));
        }
        let done = database.commit(planned).await?;
        let revision = done.revision;
        let verdict = if done.changes.is_empty() {
            "nothing changed: the database has it all already, "
        } else {
            ""
        };
        emit(&format!(
            "{}{verdict}revision {revision}\n",
            summary(&done, "")
        ))?;
        if self.wait {
            wait::for_revision(&mut database, global, revision, &[]).await
        } else {
            Ok(())
        }
    }
}

/// Reads the whole document, but no more than one may have.
fn read(file: &str) -> Result<String, String> {
    let limit = u64::try_from(MAX_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    let outcome = if file == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|open| open.take(limit).read_to_end(&mut bytes))
    };
    outcome.map_err(|error| format!("{error}, expected a YAML document"))?;
    if bytes.len() > MAX_BYTES {
        return Err(format!(
            "more than {} MiB, expected less: split the document",
            MAX_BYTES >> 20
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error
            .as_bytes()
            .get(..error.utf8_error().valid_up_to())
            .unwrap_or_default();
        let line = good
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            .saturating_add(1);
        format!("line {line} is not UTF-8, expected a YAML document in UTF-8")
    })
}

/// Every fault as `FILE:LINE:COLUMN: what was found, expected what`.
fn told(file: &str, faults: &[Fault]) -> Failure {
    let mut lines: Vec<String> = faults
        .iter()
        .take(FAULTS)
        .map(|fault| format!("{file}:{fault}"))
        .collect();
    if let Some(more) = faults.len().checked_sub(FAULTS).filter(|more| *more > 0) {
        lines.push(format!("{file}: and {more} more"));
    }
    Failure::Input(lines)
}

/// What was done, one line each, or in numbers where that would be long.
fn summary(done: &Committed, would: &str) -> String {
    let mut text = String::new();
    if done.changes.len() <= TOLD {
        for change in &done.changes {
            let _ = writeln!(
                text,
                "{would}{} {} {}{}",
                verb(change),
                change.table.noun(),
                change.name,
                details(change, &done.after)
            );
        }
        return text;
    }
    let mut counts: BTreeMap<(Table, &str), usize> = BTreeMap::new();
    for change in &done.changes {
        let count = counts.entry((change.table, verb(change))).or_default();
        *count = count.saturating_add(1);
    }
    for ((table, verb), count) in counts {
        let plural = if count == 1 { "" } else { "s" };
        let _ = writeln!(text, "{would}{verb} {count} {}{plural}", table.noun());
    }
    text
}

fn verb(change: &Change) -> &'static str {
    match change.action {
        Action::Created(_) => "created",
        Action::Changed(_) => "changed",
        Action::Deleted => "deleted",
    }
}

/// What a created object is like, and which columns of a changed one differ.
fn details(change: &Change, after: &Site) -> String {
    match &change.action {
        Action::Created(_) => created(change, after)
            .map(|text| format!(": {text}"))
            .unwrap_or_default(),
        Action::Changed(columns) => {
            // The segment says all that these say.
            let derived = ["type", "physical_network", "segmentation_id"];
            let told = columns
                .iter()
                .filter(|(column, ..)| !derived.contains(column));
            let told = told.map(|(column, old, new)| format!("{column} {old} -> {new}"));
            format!(": {}", told.collect::<Vec<_>>().join("; "))
        }
        Action::Deleted => String::new(),
    }
}

fn created(change: &Change, after: &Site) -> Option<String> {
    let network = |id| after.networks.get(&id).map_or("", |network| &network.name);
    Some(match change.table {
        Table::PhysicalNetwork => {
            let wire = after.physical_networks.get(&change.id)?;
            format!("vlans {}", joined(wire.ranges().iter().map(show_range)))
        }
        Table::Network => {
            let network = after.networks.get(&change.id)?;
            format!("{}, mtu {}", network.segment, network.mtu)
        }
        Table::Subnet => {
            let subnet = after.subnets.get(&change.id)?;
            format!("{} of {}", subnet.cidr, network(subnet.network))
        }
        Table::Port => {
            let port = after.ports.get(&change.id)?;
            let addresses = port
                .addresses
                .iter()
                .map(|address| format!(", {address}"))
                .collect::<String>();
            format!("in {}, {}{addresses}", network(port.network), port.mac)
        }
        Table::Host => return None,
    })
}
