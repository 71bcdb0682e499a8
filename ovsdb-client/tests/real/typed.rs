//! Structs for rows, against a real schema.

use std::collections::{BTreeMap, BTreeSet};

use ovsdb_client::typed::{Maybe, Ranged, Strong, TableRow, Weak};
use ovsdb_client::value::Real;
use ovsdb_client::{Client, Event, MonitorTable, Options, Transaction};

use crate::server::{PATIENCE, SCHEMA, Server};

ovsdb_client::enumeration! {
    /// What an interface is.
    enum Kind { Plain = "", Vxlan = "vxlan", Gre = "gre" }
}

ovsdb_client::enumeration! {
    /// Fewer than the schema has.
    enum Few { Vxlan = "vxlan" }
}

ovsdb_client::table! {
    struct Interface in "Interface" {
        name: String,
        what = "kind": Kind,
    }
}

ovsdb_client::table! {
    struct Port in "Port" {
        name: String,
        tag: Option<Ranged<0, 4095>>,
        up: bool,
        ratio: Real,
        seq: i64,
        trunks: BTreeSet<i64>,
        external_ids: BTreeMap<String, String>,
        interfaces: BTreeSet<Strong<Interface>>,
        colour: Maybe<String>,
    }
}

ovsdb_client::table! {
    struct Wrong in "Port" {
        name: i64,
        tag: Option<Ranged<0, 100>>,
        up: Option<bool>,
        seq: Ranged<0, 1>,
        trunks: BTreeMap<i64, i64>,
        external_ids: BTreeSet<String>,
        interfaces: BTreeSet<Weak<Interface>>,
        colour: String,
    }
}

ovsdb_client::table! {
    struct WrongInterface in "Interface" {
        kind: Few,
    }
}

#[tokio::test]
async fn structs_are_written_and_read() {
    let server = Server::start(SCHEMA);
    let options = Options::new(vec![server.remote()], "Test")
        .table(Port::monitor())
        .table(Interface::monitor());
    let mut client = Client::connect(options);
    client.synced(PATIENCE).await.unwrap();
    let interface = Interface {
        name: "i".to_owned(),
        what: Kind::Vxlan,
    };
    let mut transaction = Transaction::new();
    let row = transaction.insert("Interface", interface.columns());
    let mut port = Port {
        name: "p".to_owned(),
        tag: Ranged::new(7),
        up: true,
        ratio: Real::try_from(0.5).unwrap(),
        seq: -1,
        trunks: BTreeSet::from([2, 3]),
        external_ids: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
        interfaces: BTreeSet::new(),
        colour: Maybe(None),
    };
    transaction.insert("Port", port.columns().set("interfaces", row));
    let committed = client.transact(transaction).await.unwrap();

    port.interfaces
        .insert(Strong::new(committed.uuid(row).unwrap()));
    let read: Vec<Port> = client.replica().typed().map(|row| row.unwrap().1).collect();
    assert_eq!(read, [port]);
    let reference = *read[0].interfaces.first().unwrap();
    assert_eq!(client.replica().follow(reference), Some(Ok(interface)));
    assert!(Ranged::<0, 4095>::new(4096).is_none());
}

#[tokio::test]
async fn every_difference_between_struct_and_schema_is_named() {
    let server = Server::start(SCHEMA);
    let options = Options::new(vec![server.remote()], "Test")
        .table(Wrong::monitor())
        .table(WrongInterface::monitor());
    let mut client = Client::connect(options);
    let error = loop {
        if let Event::Disconnected { error, .. } = tokio::time::timeout(PATIENCE, client.next())
            .await
            .expect("an event")
        {
            break error.to_string();
        }
    };
    let problems: Vec<&str> = error
        .split_once("does not fit: ")
        .unwrap()
        .1
        .split("; ")
        .collect();
    assert_eq!(
        problems,
        [
            "no column Port.colour",
            "Port.name: expected integer, found string",
            "Port.tag: allows integers that are not from 0 to 100",
            "Port.up: expected optional boolean, found boolean",
            "Port.seq: allows integers that are not from 0 to 1",
            "Port.trunks: expected map of integer to integer, found set of integer",
            "Port.external_ids: expected set of string, found map of string to string",
            "Port.interfaces: expected a weak reference to Interface, found a strong one to Interface",
            "Interface.kind: allows , gre, which this program does not know",
        ]
    );
    // Read otherwise than monitored, a row says what is wrong.
    let options = Options::new(vec![server.remote()], "Test")
        .table(MonitorTable::new("Interface").columns(["kind"]));
    let mut client = Client::connect(options);
    client.synced(PATIENCE).await.unwrap();
    assert!(client.replica().typed::<Interface>().next().is_none());
}
