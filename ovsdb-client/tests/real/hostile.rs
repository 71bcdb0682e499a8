//! Servers that mean harm, and the client that goes on with an honest one after them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ovsdb_client::{Client, Columns, Event, MonitorTable, Options, Transaction};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use uuid::Uuid;

use crate::proxy::{Mischief, Proxy, handshake, handshake_as};
use crate::server::{PATIENCE, SCHEMA, Server};

const MIB: usize = 1 << 20;

/// The connection stays until the client leaves: what it does about it is for it to say.
async fn until_left(stream: &mut UnixStream) {
    while let Ok(1..) = stream.read(&mut [0; 4096]).await {}
}

fn after_handshake(bytes: Vec<u8>) -> Mischief {
    Box::new(move |mut stream: UnixStream| {
        Box::pin(async move {
            handshake(&mut stream).await;
            // The client may leave in the middle.
            let _ = stream.write_all(&bytes).await;
            until_left(&mut stream).await;
        })
    })
}

fn update(row: Uuid, update: serde_json::Value) -> Vec<u8> {
    json!({"method": "update3", "params": ["data", Uuid::nil(), {"Port": {row.to_string(): update}}], "id": null})
        .to_string()
        .into_bytes()
}

/// Sends a string without end, and counts what it could send.
fn endless(sent: Arc<AtomicUsize>) -> Mischief {
    Box::new(move |mut stream: UnixStream| {
        Box::pin(async move {
            let _ = stream.write_all(b"{\"method\":\"").await;
            let chunk = vec![b'x'; MIB];
            while sent.load(Ordering::SeqCst) < 1024 * MIB && stream.write_all(&chunk).await.is_ok()
            {
                sent.fetch_add(MIB, Ordering::SeqCst);
            }
        })
    })
}

#[tokio::test]
async fn every_mischief_is_told_and_survived() {
    let server = Server::start(SCHEMA);
    let sent = Arc::new(AtomicUsize::new(0));
    let half: Mischief = Box::new(|mut stream: UnixStream| {
        Box::pin(async move {
            stream.write_all(b"{\"id\":\"set_db").await.unwrap();
            stream.shutdown().await.unwrap();
            until_left(&mut stream).await;
        })
    });
    let row = Uuid::from_u128(1);
    let cases: Vec<(Mischief, &str)> = vec![
        (half, "the server closed the connection"),
        (
            endless(Arc::clone(&sent)),
            "a message longer than 4194304 bytes",
        ),
        (
            after_handshake("{\"a\":".repeat(1000).into_bytes()),
            "nested deeper than 64",
        ),
        (
            after_handshake(b"HTTP/1.1 400 Bad Request".to_vec()),
            "expected a JSON object, found byte 0x48",
        ),
        (
            after_handshake(b"{\"id\":\"c99\",\"result\":[],\"error\":null}".to_vec()),
            "which was never made",
        ),
        (
            after_handshake(update(row, json!({"modify": {"name": "x"}}))),
            "modified, but it was never there",
        ),
        (
            after_handshake(update(row, json!({"delete": null}))),
            "deleted, but it was never there",
        ),
        (
            after_handshake(update(row, json!({"insert": {"name": 1}}))),
            "the server sent a malformed update",
        ),
        (
            after_handshake(
                json!({"method": "update3", "params": ["data", Uuid::nil(), {"Wall": {}}], "id": null})
                    .to_string()
                    .into_bytes(),
            ),
            "the server sent a malformed update",
        ),
        (
            after_handshake(b"{\"id\" \"c1\": {}}".to_vec()),
            "the server sent a malformed message: byte 5: expected a colon",
        ),
    ];
    let (mischief, words): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let proxy = Proxy::start(server.socket(), mischief);
    let mut options = Options::new(vec![proxy.remote()], "Test").table(MonitorTable::new("Port"));
    options.max_message = 4 * MIB;
    options.max_backoff = Duration::from_millis(100);
    let mut client = Client::connect(options.clone());

    // A connection beside it is not disturbed.
    options.remotes = vec![server.remote()];
    let mut other = Client::connect(options);
    other.synced(PATIENCE).await.unwrap();
    for (number, words) in words.into_iter().enumerate() {
        loop {
            match tokio::time::timeout(PATIENCE, client.next())
                .await
                .expect("an event")
            {
                Event::Disconnected { error, .. } => {
                    assert!(
                        error.to_string().contains(words),
                        "{error} instead of {words}"
                    );
                    break;
                }
                Event::Changed(changes) => panic!("a change: {changes:?}"),
                _ => {}
            }
        }
        let mut transaction = Transaction::new();
        transaction.insert("Port", Columns::new().set("name", number.to_string()));
        other.transact(transaction).await.unwrap();
    }
    client.synced(PATIENCE).await.unwrap();
    assert_eq!(client.replica().table("Port").unwrap().len(), 10);
    assert!(
        sent.load(Ordering::SeqCst) < 16 * MIB,
        "{} bytes taken",
        sent.load(Ordering::SeqCst)
    );
}

#[tokio::test]
async fn what_the_program_does_not_take_is_not_read_from_the_server() {
    const COUNT: usize = 20_000;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let flood: Mischief = Box::new(move |mut stream: UnixStream| {
        Box::pin(async move {
            handshake(&mut stream).await;
            for number in 0..COUNT {
                let row = Uuid::from_u128(number as u128 + 1);
                let bytes = update(row, json!({"insert": {"name": "x".repeat(4000)}}));
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
                counter.fetch_add(bytes.len(), Ordering::SeqCst);
            }
            std::future::pending().await
        })
    });
    let proxy = Proxy::start("/nowhere".into(), vec![flood]);
    let mut options = Options::new(vec![proxy.remote()], "Test").table(MonitorTable::new("Port"));
    options.max_unread = MIB;
    let mut client = Client::connect(options);
    client.synced(PATIENCE).await.unwrap();

    // The program sleeps until the server gets no further: 80 MB would have gone through long since.
    let mut before = usize::MAX;
    while sent.load(Ordering::SeqCst) != before {
        before = sent.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(before < 8 * MIB, "{before} bytes taken");

    let mut rows = 0;
    while rows < COUNT {
        if let Event::Changed(changes) = tokio::time::timeout(PATIENCE, client.next())
            .await
            .expect("an event")
        {
            rows += changes.len();
        }
    }
    assert_eq!(client.replica().table("Port").unwrap().len(), COUNT);
}

/// Reads from a client until there is a message with this method, and answers echoes.
async fn read_method(stream: &mut UnixStream, method: &str) -> serde_json::Value {
    let mut framer = ovsdb_client::rpc::Framer::new(MIB);
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the client left");
        framer.push(&buffer[..count]);
        while let Some(frame) = framer.next_message().unwrap() {
            let message: serde_json::Value = serde_json::from_slice(frame.bytes()).unwrap();
            if message["method"] == method || (method == "reply" && message.get("result").is_some())
            {
                return message;
            }
        }
    }
}

#[tokio::test]
async fn a_program_that_is_busy_elsewhere_is_still_connected() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let server: Mischief = Box::new(move |mut stream: UnixStream| {
        Box::pin(async move {
            handshake(&mut stream).await;
            let echo = json!({"method": "echo", "params": ["alive?"], "id": "echo"});
            stream.write_all(echo.to_string().as_bytes()).await.unwrap();
            let reply = read_method(&mut stream, "reply").await;
            let request = read_method(&mut stream, "transact").await;
            tell.send((reply, request)).unwrap();
            until_left(&mut stream).await;
        })
    });
    let proxy = Proxy::start("/nowhere".into(), vec![server]);
    let options = Options::new(vec![proxy.remote()], "Test").table(MonitorTable::new("Port"));
    let mut client = Client::connect(options);
    client.synced(PATIENCE).await.unwrap();
    // It comes and goes, and looks at nothing for long; then it submits, and waits for something else.
    for _ in 0..10 {
        let _ = tokio::time::timeout(Duration::from_millis(1), client.next()).await;
    }
    let mut transaction = Transaction::new();
    transaction.insert("Port", Columns::new().set("name", "p"));
    client.submit(transaction);
    let (reply, request) = tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap();
    assert_eq!(reply["result"], json!(["alive?"]));
    assert_eq!(request["params"][1]["op"], "insert");
    drop(client);
}

#[tokio::test]
async fn the_connection_ends_with_the_client() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let server: Mischief = Box::new(move |mut stream: UnixStream| {
        Box::pin(async move {
            handshake(&mut stream).await;
            until_left(&mut stream).await;
            tell.send(()).unwrap();
        })
    });
    let proxy = Proxy::start("/nowhere".into(), vec![server]);
    let options = Options::new(vec![proxy.remote()], "Test").table(MonitorTable::new("Port"));
    let mut client = Client::connect(options);
    client.synced(PATIENCE).await.unwrap();
    drop(client);
    tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap();
}

#[tokio::test]
async fn events_that_nobody_takes_become_the_net_change() {
    let server = Server::start(SCHEMA);
    let mut options = Options::new(vec![server.remote()], "Test").table(MonitorTable::new("Port"));
    let mut writer = Client::connect(options.clone());
    writer.synced(PATIENCE).await.unwrap();
    options.max_unread = 16 << 10;
    let mut client = Client::connect(options);
    client.synced(PATIENCE).await.unwrap();

    // Rows that come, change and mostly go, while the client only writes.
    let mut rows = Vec::new();
    for number in 0..300_i64 {
        let mut transaction = Transaction::new();
        let name = format!("{number}-{}", "x".repeat(500));
        let row = transaction.insert("Port", Columns::new().set("name", name));
        if number % 10 != 0
            && let Some(last) = rows.pop()
        {
            transaction.delete("Port", last);
        }
        let uuid = writer
            .transact(transaction)
            .await
            .unwrap()
            .uuid(row)
            .unwrap();
        rows.push(uuid);
        let mut transaction = Transaction::new();
        transaction.update("Port", uuid, Columns::new().set("seq", number));
        client.transact(transaction).await.unwrap();
    }
    assert_eq!(client.replica().table("Port").unwrap().len(), rows.len());
    assert!(rows.len() < 60);

    // What is told adds up to what there is, in far fewer steps.
    let mut shadow = std::collections::BTreeMap::new();
    let (mut events, mut changed) = (0, 0);
    while !client.replica().rows("Port").eq(shadow.values()) {
        let event = tokio::time::timeout(PATIENCE, client.next())
            .await
            .expect("an event");
        events += 1;
        if let Event::Synced(changes) | Event::Changed(changes) = event {
            for change in changes.iter() {
                changed += 1;
                assert_eq!(shadow.get(&change.uuid()), change.before());
                match change.after() {
                    Some(row) => shadow.insert(change.uuid(), row.clone()),
                    None => shadow.remove(&change.uuid()),
                };
            }
        }
    }
    assert!(
        events < 200 && changed < 300,
        "{events} events, {changed} rows"
    );
}

/// A member of a cluster whose log is at `index`, and what it says to a client that wants to go on.
fn member(index: i64, rows: serde_json::Value, resumed: bool, stays: bool) -> Mischief {
    Box::new(move |mut stream: UnixStream| {
        Box::pin(async move {
            let id = Uuid::from_u128(1);
            handshake_as(&mut stream, |request| {
                let result = match request["method"].as_str().unwrap() {
                    "get_schema" if request["params"][0] == "_Server" => json!({"name": "_Server", "tables": {
                        "Database": {"columns": {"name": {"type": "string"}, "model": {"type": "string"},
                            "connected": {"type": "boolean"}, "leader": {"type": "boolean"},
                            "cid": {"type": {"key": "uuid", "min": 0}}, "index": {"type": {"key": "integer", "min": 0}}}}}}),
                    "monitor_cond" => json!({"Database": {id.to_string(): {"initial": {"name": "Test",
                        "model": "clustered", "connected": true, "leader": true, "cid": ["uuid", id], "index": index}}}}),
                    "monitor_cond_since" => json!([resumed, Uuid::from_u128(2), rows]),
                    _ => return None,
                };
                Some((result, serde_json::Value::Null))
            })
            .await;
            if stays {
                until_left(&mut stream).await;
            }
        })
    })
}

#[tokio::test]
async fn a_reader_never_goes_back_to_a_member_that_is_behind() {
    let row = Uuid::from_u128(9);
    let rows = json!({"Port": {row.to_string(): {"initial": {"name": "p"}}}});
    let members = vec![
        member(5, rows, false, false),
        // The old picture, without the row, from a follower that has not heard of it yet.
        member(4, json!({}), false, true),
        member(5, json!({}), true, true),
    ];
    let proxy = Proxy::start("/nowhere".into(), members);
    let options = Options::new(vec![proxy.remote()], "Test").table(MonitorTable::new("Port"));
    let mut client = Client::connect(options);
    let mut story = Vec::new();
    while story.len() < 4 {
        let event = tokio::time::timeout(PATIENCE, client.next()).await;
        match event.expect("an event") {
            Event::Synced(changes) => story.push(format!("synced {}", changes.len())),
            Event::Disconnected { error, .. } => story.push(error.to_string()),
            _ => {}
        }
        assert!(client.replica().row("Port", row).is_some() || story.is_empty());
    }
    assert_eq!(
        story,
        [
            "synced 1",
            "the server closed the connection",
            "the server is behind: its log is at 4, but 5 was seen before",
            "synced 0"
        ]
    );
}
