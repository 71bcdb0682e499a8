//! Prints the bridges of this host's Open vSwitch and every change to them:
//! `cargo run -p ovsdb-client --example watch [REMOTE]`.

use std::collections::BTreeSet;

use ovsdb_client::typed::{Strong, TableRow};
use ovsdb_client::{Client, Event, Options, Remote, RowChange};

ovsdb_client::table! {
    /// A bridge.
    struct Bridge in "Bridge" {
        name: String,
        ports: BTreeSet<Strong<Port>>,
    }
}

ovsdb_client::table! {
    /// A port of a bridge.
    struct Port in "Port" {
        name: String,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let remote = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "unix:/run/openvswitch/db.sock".to_owned());
    let options = Options::new(Remote::list(&remote)?, "Open_vSwitch")
        .table(Bridge::monitor())
        .table(Port::monitor());
    let mut client = Client::connect(options);
    loop {
        match client.next().await {
            Event::Synced(changes) | Event::Changed(changes) => {
                for change in changes.table(Bridge::TABLE) {
                    let bridge = Bridge::read(change.newest())?;
                    if let RowChange::Deleted { .. } = change {
                        println!("{} is gone", bridge.name);
                        continue;
                    }
                    let ports = bridge
                        .ports
                        .iter()
                        .filter_map(|port| client.replica().follow(*port));
                    let names: Vec<String> =
                        ports
                            .map(|port| Ok(port?.name))
                            .collect::<Result<_, ovsdb_client::ColumnError>>()?;
                    println!("{}: {}", bridge.name, names.join(", "));
                }
            }
            Event::Disconnected {
                remote,
                error,
                retry_in,
            } => eprintln!("{remote}: {error}; again in {retry_in:?}"),
            _ => {}
        }
    }
}
