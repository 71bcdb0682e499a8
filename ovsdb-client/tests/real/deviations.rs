//! Where ovsdb-server goes beyond RFC 7047 or away from it (ovsdb-server(7)), and what the client makes of it.

use std::process::Command;

use ovsdb_client::connection::CallError;
use ovsdb_client::{Client, Columns, Event, MonitorTable, Options, RowChange, Transaction};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{PATIENCE, SCHEMA, Server, run};

async fn connect(server: &Server) -> Client {
    let mut options = Options::new(vec![server.remote()], "Test");
    options.every_table = true;
    let mut client = Client::connect(options);
    client.synced(PATIENCE).await.unwrap();
    client
}

async fn next(client: &mut Client) -> Event {
    tokio::time::timeout(PATIENCE, client.next())
        .await
        .expect("an event")
}

/// Sends text as it is and returns the first reply.
async fn raw(server: &Server, text: &str) -> serde_json::Value {
    let mut stream = tokio::net::UnixStream::connect(server.socket())
        .await
        .unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut framer = ovsdb_client::rpc::Framer::new(1 << 20);
    let mut buffer = [0; 4096];
    loop {
        if let Some(frame) = framer.next_message().unwrap() {
            return serde_json::from_slice(frame.bytes()).unwrap();
        }
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the server left");
        framer.push(&buffer[..count]);
    }
}

#[tokio::test]
async fn of_two_members_with_one_name_the_last_counts() {
    let server = Server::start(SCHEMA);
    let insert = r#"{"method":"transact","id":1,"params":["Test",
        {"op":"insert","table":"Port","row":{"name":"first","name":"second","seq":1}}]}"#;
    assert_eq!(raw(&server, insert).await["error"], json!(null));
    let client = connect(&server).await;
    assert!(client.replica().find("Port", "name", "first").is_none());
    assert!(client.replica().find("Port", "name", "second").is_some());
}

#[tokio::test]
async fn a_schema_needs_no_version_and_weak_references_are_mutable() {
    let server = Server::start(
        r#"{"name": "Test", "tables": {
            "A": {"isRoot": true, "columns": {"n": {"type": "integer"}}},
            "B": {"isRoot": true, "columns": {"a": {"mutable": false, "type":
                {"key": {"type": "uuid", "refTable": "A", "refType": "weak"}, "min": 0, "max": "unlimited"}}}}}}"#,
    );
    let mut client = connect(&server).await;
    let schema = client.schema().unwrap();
    assert_eq!(schema.version, None);
    assert!(schema.tables["B"].columns["a"].mutable);
    let mut transaction = Transaction::new();
    let a = transaction.insert("A", Columns::new());
    transaction.insert("B", Columns::new().set("a", a));
    let a = client.transact(transaction).await.unwrap().uuid(a).unwrap();
    while !matches!(next(&mut client).await, Event::Changed(_)) {}
    let mut transaction = Transaction::new();
    transaction.delete("A", a);
    client.transact(transaction).await.unwrap();
    let Event::Changed(changes) = next(&mut client).await else {
        panic!("not the change")
    };
    let [RowChange::Modified { old, new }] = changes.table("B") else {
        panic!("{changes:?}")
    };
    assert_eq!(old.uuids("a").unwrap().len(), 1);
    assert!(new.uuids("a").unwrap().is_empty());
}

#[tokio::test]
async fn a_monitor_with_a_name_in_use_is_refused() {
    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let again = client
        .call("monitor_cond", &json!(["Test", "data", {"Port": [{}]}]))
        .await;
    let Err(CallError::Refused(error)) = again else {
        panic!("{again:?}")
    };
    assert!(
        error.to_string().contains("duplicate monitor ID"),
        "{error}"
    );
    assert!(client.is_synced());
}

#[tokio::test]
async fn a_map_with_a_key_twice_is_refused() {
    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let row = json!({"name": "p", "external_ids": ["map", [["k", "1"], ["k", "2"]]]});
    let result = client
        .call(
            "transact",
            &json!(["Test", {"op": "insert", "table": "Port", "row": row}]),
        )
        .await
        .unwrap();
    assert_eq!(result[0]["error"], "ovsdb error", "{result}");
}

#[tokio::test]
async fn wait_comment_and_commit_return_empty_objects() {
    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let operations = json!(["Test", {"op": "comment", "comment": "c"}, {"op": "commit", "durable": false},
        {"op": "wait", "timeout": 0, "table": "Port", "where": [], "columns": ["name"], "until": "==", "rows": []}]);
    assert_eq!(
        client.call("transact", &operations).await.unwrap(),
        json!([{}, {}, {}])
    );
    let mut transaction = Transaction::new();
    transaction.comment("c").wait_absent("Port", Vec::new());
    client.transact(transaction).await.unwrap();
}

#[tokio::test]
async fn a_database_that_goes_and_comes_back_is_followed() {
    let server = Server::start(SCHEMA);
    let mut client = connect(&server).await;
    let mut transaction = Transaction::new();
    transaction.insert("Port", Columns::new().set("name", "p"));
    client.transact(transaction).await.unwrap();
    while !matches!(next(&mut client).await, Event::Changed(_)) {}

    let control = server.socket().with_file_name("server.ctl");
    let appctl = |args: &[&str]| {
        run(Command::new("ovs-appctl")
            .arg("-t")
            .arg(&control)
            .args(args))
    };
    appctl(&["ovsdb-server/remove-db", "Test"]);
    loop {
        if let Event::Disconnected { error, .. } = next(&mut client).await
            && error.to_string().contains("no database Test")
        {
            break;
        }
    }
    assert_eq!(client.replica().table("Port").unwrap().len(), 1);
    let database = server.socket().with_file_name("db");
    appctl(&["ovsdb-server/add-db", &database.display().to_string()]);
    loop {
        if let Event::Synced(changes) = next(&mut client).await {
            assert!(changes.is_empty(), "{changes:?}");
            break;
        }
    }
}

#[tokio::test]
async fn an_explicit_uuid_is_the_row_s() {
    let server = Server::start(SCHEMA);
    let mut client = Client::connect(
        Options::new(vec![server.remote()], "Test").table(MonitorTable::new("Port")),
    );
    client.synced(PATIENCE).await.unwrap();
    let uuid = uuid::Uuid::from_u128(0xabc);
    let insert = |name: &str| {
        let mut transaction = Transaction::new();
        transaction.insert_as(uuid, "Port", Columns::new().set("name", name));
        transaction
    };
    client.transact(insert("p")).await.unwrap();
    assert_eq!(
        client
            .replica()
            .row("Port", uuid)
            .unwrap()
            .string("name")
            .unwrap(),
        "p"
    );
    let twice = client.transact(insert("q")).await.unwrap_err().to_string();
    assert!(
        twice.starts_with("insert (operation 0) of Port: duplicate uuid: "),
        "{twice}"
    );
}
