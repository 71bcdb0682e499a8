//! Rows of the switch's `Open_vSwitch` database ↔ plain types. Decides nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ovsdb_client::connection::Tls;
use ovsdb_client::{
    ColumnError, Columns, Condition, MonitorTable, Mutations, Operand, Replica, Row, Transaction,
};

use super::layout::Change;
use super::observed::{Bridge, Interface, NETWORK_KEY, OWNED_KEY, Observed, PROTOCOL, Port};

/// The database that `ovs-vswitchd` follows.
pub const DATABASE: &str = "Open_vSwitch";

/// The tables and columns that heddle looks at.
#[must_use]
pub fn tables() -> [MonitorTable; 5] {
    [
        MonitorTable::new("Open_vSwitch").columns(["bridges", "external_ids"]),
        MonitorTable::new("Bridge").columns([
            "name",
            "fail_mode",
            "protocols",
            "datapath_type",
            "datapath_id",
            "ports",
        ]),
        MonitorTable::new("Port").columns(["name", "tag", "external_ids", "interfaces"]),
        MonitorTable::new("Interface").columns([
            "name",
            "type",
            "options",
            "external_ids",
            "ofport",
            "error",
        ]),
        MonitorTable::new("SSL")
            .columns(["private_key", "certificate", "ca_cert"])
            .optional(),
    ]
}

/// The keys and certificates of the switch itself, from its `SSL` table (ovs-vswitchd.conf.db(5)).
#[must_use]
pub fn tls(replica: &Replica) -> Option<Tls> {
    let row = replica.rows("SSL").next()?;
    let file = |column| row.string(column).ok().map(PathBuf::from);
    Some(Tls {
        private_key: file("private_key")?,
        certificate: file("certificate")?,
        ca_certificates: file("ca_cert")?,
        server_name: None,
    })
}

/// Reads what the database says; none before it has its one row of `Open_vSwitch`.
///
/// # Errors
///
/// A column is missing or of another type than ovs-vswitchd.conf.db(5) says.
pub fn observe(replica: &Replica) -> Result<Option<Observed>, ColumnError> {
    let Some(root) = replica.rows("Open_vSwitch").next() else {
        return Ok(None);
    };
    let mut observed = Observed {
        root: root.uuid(),
        external_ids: strings(root, "external_ids")?,
        ..Observed::default()
    };
    for row in root
        .uuids("bridges")?
        .into_iter()
        .filter_map(|id| replica.row("Bridge", id))
    {
        let mut bridge = Bridge {
            id: row.uuid(),
            fail_mode: row
                .optional_string("fail_mode")?
                .unwrap_or_default()
                .to_owned(),
            protocols: row
                .strings("protocols")?
                .into_iter()
                .map(str::to_owned)
                .collect(),
            datapath_type: row.string("datapath_type")?.to_owned(),
            datapath_id: row.optional_string("datapath_id")?.map(str::to_owned),
            ports: BTreeMap::new(),
        };
        for row in row
            .uuids("ports")?
            .into_iter()
            .filter_map(|id| replica.row("Port", id))
        {
            bridge
                .ports
                .insert(row.string("name")?.to_owned(), port(replica, row)?);
        }
        observed
            .bridges
            .insert(row.string("name")?.to_owned(), bridge);
    }
    Ok(Some(observed))
}

fn port(replica: &Replica, row: &Row) -> Result<Port, ColumnError> {
    let mut port = Port {
        id: row.uuid(),
        tag: row
            .optional_integer("tag")?
            .and_then(|tag| u16::try_from(tag).ok()),
        external_ids: strings(row, "external_ids")?,
        interfaces: BTreeMap::new(),
    };
    for row in row
        .uuids("interfaces")?
        .into_iter()
        .filter_map(|id| replica.row("Interface", id))
    {
        let interface = Interface {
            id: row.uuid(),
            kind: row.string("type")?.to_owned(),
            options: strings(row, "options")?,
            external_ids: strings(row, "external_ids")?,
            // -1: ovs-vswitchd could not make the interface.
            ofport: row
                .optional_integer("ofport")?
                .and_then(|number| u32::try_from(number).ok()),
            error: row.optional_string("error")?.map(str::to_owned),
        };
        port.interfaces
            .insert(row.string("name")?.to_owned(), interface);
    }
    Ok(port)
}

fn strings(row: &Row, column: &str) -> Result<BTreeMap<String, String>, ColumnError> {
    let map = row.map_string_string(column)?;
    Ok(map
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect())
}

/// The changes as one transaction. It is guarded: a bridge or port that is added must still be absent, and everything
/// else refers to rows by `_uuid`, so nothing happens twice and nothing happens to a row that has gone.
#[must_use]
pub fn transaction(observed: &Observed, changes: &[Change]) -> Transaction {
    let mut out = Transaction::new();
    out.comment("heddle agent");
    let add_port =
        |out: &mut Transaction, table: &str, name: &str, interface: Columns, port: Columns| {
            out.wait_absent(table, Condition::equal("name", name));
            let interface = out.insert("Interface", interface.set("name", name));
            out.insert("Port", port.set("name", name).set("interfaces", interface))
        };
    for change in changes {
        match change {
            Change::AddBridge {
                name,
                datapath_type,
            } => {
                let local = Columns::new().set("type", "internal");
                let port = add_port(&mut out, "Bridge", name, local, Columns::new());
                let bridge = Columns::new()
                    .set("name", name.as_str())
                    .set("fail_mode", "secure")
                    .set("datapath_type", datapath_type.as_str())
                    .set("ports", port)
                    .set("external_ids", owned());
                let bridge = out.insert("Bridge", bridge);
                out.mutate(
                    "Open_vSwitch",
                    observed.root,
                    Mutations::new().insert("bridges", bridge),
                );
            }
            Change::SecureBridge { bridge } => {
                out.update("Bridge", *bridge, Columns::new().set("fail_mode", "secure"));
            }
            Change::AllowProtocol { bridge } => {
                let more = Mutations::new().insert("protocols", PROTOCOL);
                out.mutate("Bridge", *bridge, more);
            }
            Change::MarkPort { port } => {
                let mark = Mutations::new().set_keys("external_ids", vec![(OWNED_KEY, "true")]);
                out.mutate("Port", *port, mark);
            }
            Change::AddPort {
                bridge,
                name,
                kind,
                options,
            } => {
                let interface = Columns::new()
                    .set("type", kind.as_str())
                    .set("options", Operand::map(options.clone()));
                let port = add_port(
                    &mut out,
                    "Port",
                    name,
                    interface,
                    Columns::new().set("external_ids", owned()),
                );
                out.mutate("Bridge", *bridge, Mutations::new().insert("ports", port));
            }
            Change::SetOptions { interface, options } => {
                out.update(
                    "Interface",
                    *interface,
                    Columns::new().set("options", Operand::map(options.clone())),
                );
            }
            Change::DeletePort { bridge, port } => {
                out.mutate("Bridge", *bridge, Mutations::new().delete("ports", *port));
            }
            Change::SetLocalVlan { port, local_vlan } => {
                let tag = local_vlan.map(|(_, tag)| i64::from(tag));
                out.update("Port", *port, Columns::new().set("tag", tag));
                let external_ids = match local_vlan {
                    Some((network, _)) => Mutations::new()
                        .set_keys("external_ids", vec![(NETWORK_KEY, network.to_string())]),
                    None => Mutations::new().delete("external_ids", Operand::set([NETWORK_KEY])),
                };
                out.mutate("Port", *port, external_ids);
            }
        }
    }
    out
}

fn owned() -> Operand {
    Operand::map([(OWNED_KEY, "true")])
}
