//! What the agent of a host writes: its own row, and where ports are up. None of it is intent, so none of it moves the
//! revision or needs its guard.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ovsdb_client::operation::{Columns, Condition, Mutations, Operand, Transaction};
use uuid::Uuid;

use super::change::Table;
use super::transaction::integer;
use crate::model::{Host, TunnelType};

/// What a host says of itself when its agent starts or its settings change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Unique on the site.
    pub name: String,
    /// Where other hosts send their tunnel packets.
    pub encap_ip: Option<IpAddr>,
    /// The tunnel types it takes part in.
    pub encap_types: BTreeSet<TunnelType>,
    /// Physical network → provider bridge.
    pub bridge_mappings: BTreeMap<String, String>,
}

/// What a host has achieved and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The newest revision whose flows are acknowledged.
    pub applied: u64,
    /// Interface name → `iface-id` of interfaces that name no port.
    pub unbound: BTreeMap<String, String>,
    /// What keeps a part of the host from working, by the thing it is about, with the way out.
    pub problems: BTreeMap<String, String>,
}

/// Makes the host's row say what `registration` says: adds to `transaction` what is needed, nothing where `row` says it
/// already. The row is inserted where there is none of that name; should another have inserted one meanwhile, the
/// transaction fails as one to try again.
pub fn register(transaction: &mut Transaction, row: Option<&Host>, registration: &Registration) {
    let table = Table::Host.name();
    let Some(host) = row else {
        let name = registration.name.as_str();
        transaction.wait_absent(table, Condition::equal("name", name));
        transaction.insert(table, settings(registration).set("name", name));
        return;
    };
    let same = host.encap_ip == registration.encap_ip
        && host.encap_types == registration.encap_types
        && host.bridge_mappings == registration.bridge_mappings;
    if !same {
        transaction.update(table, host.id, settings(registration));
    }
}

fn settings(registration: &Registration) -> Columns {
    let address = registration.encap_ip.map(|address| address.to_string());
    Columns::new()
        .set("encap_ip", address.as_deref())
        .set(
            "encap_types",
            Operand::set(registration.encap_types.iter().map(|tunnel| tunnel.name())),
        )
        .set("bridge_mappings", texts(&registration.bridge_mappings))
}

fn texts(map: &BTreeMap<String, String>) -> Operand {
    Operand::map(
        map.iter()
            .map(|(key, value)| (key.as_str(), value.as_str())),
    )
}

/// Makes the host's row say what `report` says: adds to `transaction` the columns in which `host` differs.
pub fn report(transaction: &mut Transaction, host: &Host, report: &Report) {
    let mut columns = Columns::new();
    if host.applied != report.applied {
        columns = columns.set("applied", integer(report.applied));
    }
    if host.unbound != report.unbound {
        columns = columns.set("unbound", texts(&report.unbound));
    }
    if host.problems != report.problems {
        columns = columns.set("problems", texts(&report.problems));
    }
    if !columns.is_empty() {
        transaction.update(Table::Host.name(), host.id, columns);
    }
}

/// Says that `port` is up on `host`, beside the hosts where it is up already.
pub fn port_up(transaction: &mut Transaction, port: Uuid, host: Uuid) {
    transaction.mutate(
        Table::Port.name(),
        port,
        Mutations::new().insert("hosts", host),
    );
}

/// Says that `port` is no longer up on `host`.
pub fn port_down(transaction: &mut Transaction, port: Uuid, host: Uuid) {
    transaction.mutate(
        Table::Port.name(),
        port,
        Mutations::new().delete("hosts", host),
    );
}
