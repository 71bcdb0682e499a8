//! The client against a real ovsdb-server.

use crate::server::{PATIENCE, SCHEMA, Server};
use ovsdb_client::operation::{Effects, Function};
use ovsdb_client::{
    Changes, Client, Columns, Condition, Event, MonitorTable, Mutations, Options, RowChange,
    TransactError, Transaction,
};

fn options(server: &Server) -> Options {
    Options::new(vec![server.remote()], "Test")
        .table(MonitorTable::new("Port"))
        .table(MonitorTable::new("Interface"))
}

async fn connect(server: &Server) -> Client {
    let mut client = Client::connect(options(server));
    client.synced(PATIENCE).await.unwrap();
    client
}

/// The next event, in time.
async fn next(client: &mut Client) -> Event {
    tokio::time::timeout(PATIENCE, client.next())
        .await
        .expect("an event")
}

/// Skips events until the replica is synced, and returns what changed with it.
async fn next_synced(client: &mut Client) -> Changes {
    loop {
        if let Event::Synced(changes) = next(client).await {
            return changes;
        }
    }
}

fn names(client: &Client) -> Vec<String> {
    let mut names: Vec<String> = client
        .replica()
        .rows("Port")
        .map(|row| row.string("name").unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// The words of the next failure to connect.
async fn failure(client: &mut Client) -> String {
    loop {
        if let Event::Disconnected { error, .. } = next(client).await {
            return error.to_string();
        }
    }
}

fn port(name: &str) -> Columns {
    Columns::new().set("name", name)
}

#[tokio::test]
async fn a_transaction_is_in_the_replica_before_its_outcome() {
    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let mut transaction = Transaction::new();
    let interface = transaction.insert(
        "Interface",
        Columns::new().set("name", "p0").set("kind", "vxlan"),
    );
    let row = transaction.insert(
        "Port",
        port("p0")
            .set("tag", Some(7))
            .set("trunks", vec![3, 1, 2])
            .set("interfaces", interface)
            .set(
                "external_ids",
                [("a", "b")]
                    .into_iter()
                    .collect::<std::collections::BTreeMap<_, _>>(),
            ),
    );
    transaction.comment("one port");
    let committed = client.transact(transaction).await.unwrap();
    let uuid = committed.uuid(row).unwrap();
    let row = client.replica().row("Port", uuid).unwrap();
    assert_eq!(row.string("name").unwrap(), "p0");
    assert_eq!(row.optional_integer("tag").unwrap(), Some(7));
    assert_eq!(
        row.integers("trunks")
            .unwrap()
            .into_iter()
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(row.map_value("external_ids", "a").unwrap(), Some("b"));
    assert_eq!(
        row.uuids("interfaces").unwrap().first(),
        committed.uuid(interface).as_ref()
    );
    assert_eq!(
        row.string("tag").unwrap_err().to_string(),
        format!("Port.tag of row {uuid}: expected a string, found optional integer")
    );
    assert_eq!(
        row.string("colour").unwrap_err().to_string(),
        format!(
            "Port.colour of row {uuid}: expected a string, found no such column among those monitored"
        )
    );
    assert_eq!(
        client.replica().find("Port", "name", "p0").unwrap().uuid(),
        uuid
    );
    assert_eq!(
        client.replica().find("Port", "tag", 7).unwrap().uuid(),
        uuid
    );
    assert!(client.replica().find("Port", "name", "p1").is_none());
}

#[tokio::test]
async fn events_come_in_the_order_of_the_server() {
    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    assert!(matches!(next(&mut client).await, Event::Connected { .. }));
    assert!(matches!(next(&mut client).await, Event::Synced(changes) if changes.is_empty()));

    let mut transaction = Transaction::new();
    let row = transaction.insert("Port", port("p0").set("trunks", vec![1, 2]));
    let id = client.submit(transaction);
    let Event::Changed(changes) = next(&mut client).await else {
        panic!("not the change")
    };
    assert!(matches!(
        changes.table("Port"),
        [RowChange::Inserted { .. }]
    ));
    let Event::TransactionDone { id: done, outcome } = next(&mut client).await else {
        panic!("not the outcome")
    };
    assert_eq!(done, id);
    let uuid = outcome.unwrap().uuid(row).unwrap();

    let mut transaction = Transaction::new();
    let mutations = Mutations::new()
        .insert("trunks", vec![3])
        .delete("trunks", vec![1])
        .add("seq", 5)
        .set_keys("external_ids", vec![("k", "v")]);
    transaction.mutate("Port", uuid, mutations);
    client.submit(transaction);
    let Event::Changed(changes) = next(&mut client).await else {
        panic!("not the change")
    };
    let [change] = changes.table("Port") else {
        panic!("one row")
    };
    let columns: Vec<String> = change
        .columns()
        .map(|(name, old, new)| format!("{name}: {} -> {new}", old.unwrap()))
        .collect();
    assert_eq!(
        columns,
        [
            "external_ids: {} -> {k=v}",
            "seq: 0 -> 5",
            "trunks: [1, 2] -> [2, 3]"
        ]
    );
    assert!(!change.changed("name"));
    assert!(matches!(
        next(&mut client).await,
        Event::TransactionDone { .. }
    ));

    let mut transaction = Transaction::new();
    transaction.delete("Port", uuid);
    client.transact(transaction).await.unwrap();
    assert!(
        matches!(next(&mut client).await, Event::Changed(changes) if matches!(changes.table("Port"), [RowChange::Deleted { .. }]))
    );
    assert!(client.replica().table("Port").unwrap().is_empty());
}

#[tokio::test]
async fn a_guard_that_does_not_hold_means_try_again() {
    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let mut transaction = Transaction::new();
    let row = transaction.insert("Port", port("p0"));
    let uuid = client
        .transact(transaction)
        .await
        .unwrap()
        .uuid(row)
        .unwrap();

    let guarded = |seq: i64| {
        let mut transaction = Transaction::new();
        transaction.wait("Port", uuid, Columns::new().set("seq", seq));
        transaction.update("Port", uuid, Columns::new().set("seq", seq + 1));
        transaction
    };
    client.transact(guarded(0)).await.unwrap();
    assert_eq!(
        client.transact(guarded(0)).await,
        Err(TransactError::TryAgain { operation: 0 })
    );
    client.transact(guarded(1)).await.unwrap();

    let absent = || {
        let mut transaction = Transaction::new();
        transaction.wait_absent("Port", Condition::equal("name", "p1"));
        transaction.insert("Port", port("p1"));
        transaction
    };
    client.transact(absent()).await.unwrap();
    assert_eq!(
        client.transact(absent()).await,
        Err(TransactError::TryAgain { operation: 0 })
    );
}

#[tokio::test]
async fn errors_name_operation_table_and_column() {
    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let mut message = async |build: &dyn Fn(&mut Transaction)| {
        let mut transaction = Transaction::new();
        transaction.comment("first");
        build(&mut transaction);
        client.transact(transaction).await.unwrap_err().to_string()
    };
    let insert = |columns: Columns| {
        move |t: &mut Transaction| {
            t.insert("Port", columns.clone());
        }
    };
    assert_eq!(
        message(&insert(port("p").set("tag", 5000))).await,
        "insert (operation 1) of Port: constraint violation: 5000 is not in the valid range 0 to 4095 (inclusive)"
    );
    assert!(
        message(&insert(port("p").set("colour", "red")))
            .await
            .starts_with("insert (operation 1) of Port.colour: unknown column: ")
    );
    let twice = message(&|t| {
        t.insert("Port", port("p"));
        t.insert("Port", port("p"));
    });
    let twice = twice.await;
    assert!(
        twice.starts_with("commit of Port.name: constraint violation: "),
        "{twice}"
    );
    assert!(
        message(&|t| {
            t.insert("Wall", Columns::new());
        })
        .await
        .contains("of Wall")
    );
}

#[tokio::test]
async fn selected_rows_and_counts_are_in_the_outcome() {
    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let mut transaction = Transaction::new();
    for i in 0..5 {
        transaction.insert("Port", port(&format!("p{i}")).set("seq", i));
    }
    client.transact(transaction).await.unwrap();
    let mut transaction = Transaction::new();
    transaction.update(
        "Port",
        Condition::new("seq", Function::Less, 2),
        Columns::new().set("up", true),
    );
    let select = transaction.select("Port", Condition::equal("up", true), ["name"]);
    let committed = client.transact(transaction).await.unwrap();
    assert_eq!(committed.count(0), Some(2));
    let mut names: Vec<&str> = committed
        .rows(select)
        .unwrap()
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["p0", "p1"]);
}

#[tokio::test]
async fn after_a_reconnect_only_the_net_difference_is_told() {
    let mut server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let mut transaction = Transaction::new();
    for name in ["same", "changed", "gone"] {
        transaction.insert("Port", port(name));
    }
    client.transact(transaction).await.unwrap();

    server.stop();
    loop {
        if let Event::Disconnected { .. } = next(&mut client).await {
            break;
        }
    }
    assert_eq!(
        client.replica().table("Port").unwrap().len(),
        3,
        "the replica stays"
    );
    let id = client.submit(Transaction::new());
    assert!(matches!(next(&mut client).await,
        Event::TransactionDone { id: done, outcome: Err(TransactError::NotConnected) } if done == id));

    // Somebody else writes before our client is back: only this may be told.
    server.restart();
    let other = connect(&server);
    let mut other = other.await;
    let mut transaction = Transaction::new();
    transaction.delete("Port", Condition::equal("name", "gone"));
    transaction.update(
        "Port",
        Condition::equal("name", "changed"),
        Columns::new().set("seq", 9),
    );
    transaction.insert("Port", port("new"));
    other.transact(transaction).await.unwrap();

    let mut told = Vec::new();
    while told.len() < 3 {
        let changes = match next(&mut client).await {
            Event::Synced(changes) | Event::Changed(changes) => changes,
            _ => continue,
        };
        told.extend(changes.iter().map(|change| {
            let kind = match change {
                RowChange::Inserted { .. } => "inserted",
                RowChange::Modified { .. } => "modified",
                RowChange::Deleted { .. } => "deleted",
            };
            format!("{kind} {}", change.newest().string("name").unwrap())
        }));
    }
    told.sort();
    assert_eq!(told, ["deleted gone", "inserted new", "modified changed"]);
}

#[tokio::test]
async fn a_lost_reply_is_resolved_by_the_replica() {
    let mut server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let mut transaction = Transaction::new();
    let row = transaction.insert("Port", port("p0"));
    let uuid = client
        .transact(transaction)
        .await
        .unwrap()
        .uuid(row)
        .unwrap();
    next_synced(&mut client).await;

    // The server is stopped in the middle of its work: some replies are lost, others are not.
    let ids: Vec<_> = (0..500)
        .map(|i| {
            let mut transaction = Transaction::new();
            let row = transaction.insert("Port", port(&format!("n{i}")));
            transaction.update("Port", uuid, Columns::new().set("seq", i));
            (client.submit(transaction), row, format!("n{i}"))
        })
        .collect();
    tokio::task::yield_now().await;
    server.stop();
    let mut outcomes = std::collections::BTreeMap::new();
    let mut restarted = false;
    while outcomes.len() < ids.len() {
        match next(&mut client).await {
            Event::TransactionDone { id, outcome } => {
                assert!(outcomes.insert(id, outcome).is_none(), "told twice")
            }
            Event::Disconnected { .. } if !restarted => {
                server.restart();
                restarted = true;
            }
            _ => {}
        }
    }
    for (id, row, name) in ids {
        let found = client.replica().find("Port", "name", name.as_str());
        match &outcomes[&id] {
            Ok(committed) => assert_eq!(found.map(|row| row.uuid()), committed.uuid(row), "{name}"),
            Err(
                TransactError::Unknown {
                    effects: Effects::Absent,
                }
                | TransactError::NotConnected,
            ) => {
                assert!(found.is_none(), "{name}");
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_schema_that_does_not_fit_is_told_in_full() {
    let server = Server::start(SCHEMA);
    let options = Options::new(vec![server.remote()], "Test")
        .table(
            MonitorTable::new("Port")
                .columns(["name", "colour"])
                .optional_columns(["taste"]),
        )
        .table(MonitorTable::new("Wall"))
        .table(MonitorTable::new("Fence").optional());
    let mut client = Client::connect(options);
    let error = failure(&mut client).await;
    assert!(
        error.ends_with("database Test (schema version 1.0.0) does not fit: no column Port.colour; no table Wall"),
        "{error}"
    );
    let mut client = Client::connect(Options::new(vec![server.remote()], "Nothing"));
    let error = failure(&mut client).await;
    assert!(
        error.ends_with("the server has no database Nothing"),
        "{error}"
    );
}

#[tokio::test]
async fn only_rows_that_meet_a_condition_are_replicated() {
    let server = Server::start(SCHEMA);
    let table = MonitorTable::new("Port")
        .columns(["name", "tag"])
        .condition(Condition::includes("tag", 1))
        .condition(Condition::includes("tag", 2));
    let mut client = Client::connect(Options::new(vec![server.remote()], "Test").table(table));
    client.synced(PATIENCE).await.unwrap();
    let mut transaction = Transaction::new();
    for tag in 1..=3 {
        transaction.insert("Port", port(&format!("p{tag}")).set("tag", tag));
    }
    client.transact(transaction).await.unwrap();
    assert_eq!(names(&client), ["p1", "p2"]);
    let mut transaction = Transaction::new();
    transaction.update(
        "Port",
        Condition::equal("name", "p3"),
        Columns::new().set("tag", 1),
    );
    transaction.update(
        "Port",
        Condition::equal("name", "p1"),
        Columns::new().set("tag", 3),
    );
    client.transact(transaction).await.unwrap();
    assert_eq!(names(&client), ["p2", "p3"]);
}

#[tokio::test]
async fn conditions_change_under_way_and_hold_after_a_reconnect() {
    let mut server = Server::start(SCHEMA);
    let table = MonitorTable::new("Port")
        .columns(["name", "tag"])
        .condition(Condition::includes("tag", 1));
    let mut client = Client::connect(Options::new(vec![server.remote()], "Test").table(table));
    client.synced(PATIENCE).await.unwrap();
    let mut transaction = Transaction::new();
    for tag in 1..=3 {
        transaction.insert("Port", port(&format!("p{tag}")).set("tag", tag));
    }
    client.transact(transaction).await.unwrap();
    client.set_conditions(
        "Port",
        vec![Condition::includes("tag", 2), Condition::includes("tag", 3)],
    );
    while !matches!(next(&mut client).await, Event::ConditionsChanged) {}
    assert_eq!(names(&client), ["p2", "p3"]);

    server.restart();
    while !matches!(next(&mut client).await, Event::Disconnected { .. }) {}
    let changes = next_synced(&mut client).await;
    assert!(changes.is_empty(), "{changes:?}");
    client.set_conditions("Port", Vec::new());
    while !matches!(next(&mut client).await, Event::ConditionsChanged) {}
    assert_eq!(names(&client), ["p1", "p2", "p3"]);
}

#[tokio::test]
async fn a_lock_goes_from_hand_to_hand() {
    let server = Server::start(SCHEMA);
    let (mut first, mut second) = (connect(&server).await, connect(&server).await);
    assert!(first.lock("l").await.unwrap());
    assert!(!second.lock("l").await.unwrap());
    let mut transaction = Transaction::new();
    transaction.assert_lock("l");
    assert!(
        matches!(second.transact(transaction.clone()).await, Err(TransactError::Refused(error)) if error.error == "not owner")
    );
    first.transact(transaction.clone()).await.unwrap();
    first.unlock("l").await.unwrap();
    while !matches!(next(&mut second).await, Event::Lock { name, owned: true } if name == "l") {}
    second.transact(transaction).await.unwrap();
    first.steal("l").await.unwrap();
    while !matches!(next(&mut second).await, Event::Lock { name, owned: false } if name == "l") {}
}

#[tokio::test]
async fn a_transaction_held_back_can_be_cancelled() {
    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let mut transaction = Transaction::new();
    let absent = Condition::equal("name", "absent");
    transaction.wait_for("Port", absent, true, vec![port("absent")], PATIENCE * 10);
    let id = client.submit(transaction);
    assert_eq!(
        client.databases().await.unwrap(),
        ["Test", "_Server"],
        "the server has read what came before"
    );
    client.cancel(id);
    loop {
        if let Event::TransactionDone { id: done, outcome } = next(&mut client).await {
            assert_eq!(done, id);
            assert!(
                matches!(outcome, Err(TransactError::Refused(error)) if error.error == "canceled")
            );
            return;
        }
    }
}

#[tokio::test]
async fn a_conversion_brings_the_new_schema() {
    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let mut transaction = Transaction::new();
    transaction.insert("Port", port("p0"));
    client.transact(transaction).await.unwrap();
    let mut schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    schema["version"] = "2.0.0".into();
    schema["tables"]["Port"]["columns"]["colour"] = serde_json::json!({"type": "string"});
    client.convert(&schema).await.unwrap();
    loop {
        next_synced(&mut client).await;
        if client.schema().unwrap().version.as_deref() == Some("2.0.0") {
            break;
        }
    }
    let row = client.replica().find("Port", "name", "p0").unwrap();
    assert_eq!(row.string("colour").unwrap(), "");
}

#[tokio::test]
async fn any_method_of_the_server_can_be_called() {
    use ovsdb_client::connection::CallError;
    use serde_json::json;

    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let id = client.call("get_server_id", &json!([])).await.unwrap();
    assert!(uuid::Uuid::try_parse(id.as_str().unwrap()).is_ok(), "{id}");
    assert_eq!(client.databases().await.unwrap(), ["Test", "_Server"]);
    let schema = client.call("get_schema", &json!(["Test"])).await.unwrap();
    assert_eq!(schema["name"], "Test");
    let echo = json!([{"a": [1, "b"]}]);
    assert_eq!(client.call("echo", &echo).await.unwrap(), echo);
    assert!(matches!(
        client.call("dance", &json!([])).await,
        Err(CallError::Refused(_))
    ));
    // And the connection is as good as before.
    let mut transaction = Transaction::new();
    transaction.insert("Port", port("p0"));
    client.transact(transaction).await.unwrap();
}
