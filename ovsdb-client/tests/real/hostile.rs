//! Servers that mean harm, and the client that goes on with an honest one after them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ovsdb_client::{Client, Columns, Event, MonitorTable, Options, Transaction};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use uuid::Uuid;

use crate::proxy::{Mischief, Proxy, handshake};
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
    for words in words {
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
        transaction.insert("Port", Columns::new().set("name", words));
        other.transact(transaction).await.unwrap();
    }
    client.synced(PATIENCE).await.unwrap();
    assert_eq!(client.replica().table("Port").unwrap().len(), 8);
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
