//! Counts in `external_ids:count` of the `Open_vSwitch` row, safely beside others who do the same:
//! `cargo run -p ovsdb-client --example count [REMOTE]`.
//!
//! The transaction says what it relies on; when somebody was faster, the replica already shows what they wrote.

use std::time::Duration;

use ovsdb_client::operation::Effects;
use ovsdb_client::{
    Client, Columns, MonitorTable, Mutations, Options, Remote, TransactError, Transaction,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let remote = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "unix:/run/openvswitch/db.sock".to_owned());
    let table = MonitorTable::new("Open_vSwitch").columns(["external_ids"]);
    let mut client =
        Client::connect(Options::new(Remote::list(&remote)?, "Open_vSwitch").table(table));
    loop {
        client.synced(Duration::from_secs(10)).await?;
        let root = client
            .replica()
            .rows("Open_vSwitch")
            .next()
            .ok_or("the database has no root row")?;
        let count: u64 = match root.map_value("external_ids", "count")? {
            Some(text) => text.parse()?,
            None => 0,
        };
        let next = count.saturating_add(1);
        let mut transaction = Transaction::new();
        transaction.wait(
            "Open_vSwitch",
            root.uuid(),
            Columns::new().set("external_ids", root.datum("external_ids")?.clone()),
        );
        let set = Mutations::new().set_keys("external_ids", vec![("count", next.to_string())]);
        transaction
            .mutate("Open_vSwitch", root.uuid(), set)
            .comment("count");
        match client.transact(transaction).await {
            Ok(_) => break println!("{next}"),
            Err(TransactError::TryAgain { .. } | TransactError::NotConnected) => {}
            // The connection broke, but the count is there: ours, or just as good.
            Err(TransactError::Unknown {
                effects: Effects::Present,
            }) => break println!("{next}"),
            Err(TransactError::Unknown { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
