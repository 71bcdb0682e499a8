//! `ssl:` remotes with the certificates of ovs-pki.

use ovsdb_client::connection::Tls;
use ovsdb_client::{Client, Columns, Event, MonitorTable, Options, Remote, Transaction};

use crate::server::{PATIENCE, Pki, SCHEMA, Server, free_port, temp_dir};

/// A server with TLS, where it listens, and its authority.
fn start() -> (Server, Remote, Pki) {
    let dir = temp_dir();
    let pki = Pki::new(dir.path());
    let port = free_port();
    let mut args = pki.server_args();
    args.push(format!("--remote=pssl:{port}:127.0.0.1"));
    let remote = Remote::Ssl {
        host: "127.0.0.1".to_owned(),
        port,
    };
    (Server::start_with(dir, SCHEMA, args), remote, pki)
}

fn client(remote: &Remote, tls: Option<Tls>) -> Client {
    let mut options = Options::new(vec![remote.clone()], "Test").table(MonitorTable::new("Port"));
    options.tls = tls;
    Client::connect(options)
}

async fn refusal(remote: &Remote, tls: Option<Tls>) -> String {
    let mut client = client(remote, tls);
    loop {
        match tokio::time::timeout(PATIENCE, client.next())
            .await
            .expect("an event")
        {
            Event::Disconnected { error, .. } => return error.to_string(),
            Event::Synced(_) => panic!("connected"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn both_sides_prove_who_they_are() {
    let (_server, remote, pki) = start();
    client(&remote, Some(pki.client()))
        .synced(PATIENCE)
        .await
        .unwrap();

    // A name is checked where one is given.
    let named = |name: &str| {
        Some(Tls {
            server_name: Some(name.to_owned()),
            ..pki.client()
        })
    };
    client(&remote, named("server"))
        .synced(PATIENCE)
        .await
        .unwrap();
    let other = refusal(&remote, named("other")).await;
    assert!(other.contains("not valid for name"), "{other}");

    let authority = Tls {
        ca_certificates: pki.other_authority(),
        ..pki.client()
    };
    let unknown = refusal(&remote, Some(authority)).await;
    assert!(
        unknown.contains("UnknownIssuer") || unknown.contains("BadSignature"),
        "{unknown}"
    );

    let absent = Tls {
        private_key: "/nowhere/key.pem".into(),
        ..pki.client()
    };
    let absent = refusal(&remote, Some(absent)).await;
    assert!(absent.starts_with("TLS: /nowhere/key.pem: "), "{absent}");

    let no_files = refusal(&remote, None).await;
    assert_eq!(
        no_files,
        format!("TLS: no keys and certificates given for {remote}")
    );
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_refused() {
    let (_server, remote, pki) = start();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = Remote::Ssl {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr().unwrap().port(),
    };
    let talk = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream
            .write_all(b"{\"method\":\"echo\",\"params\":[],\"id\":1}")
            .await
            .unwrap();
        stream
    });
    let error = refusal(&plain, Some(pki.client())).await;
    assert!(error.contains("corrupt message"), "{error}");
    drop(talk.await.unwrap());
    // And one that does is not asked in plain text.
    let Remote::Ssl { host, port } = remote else {
        panic!("an ssl remote")
    };
    let error = refusal(&Remote::Tcp { host, port }, None).await;
    assert!(!error.is_empty());
}

#[tokio::test]
async fn the_server_is_asked_for_by_name() {
    let (_server, _, pki) = start();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let remote = Remote::Ssl {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr().unwrap().port(),
    };
    let hello = tokio::spawn(async move {
        use tokio::io::AsyncReadExt;
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = vec![0; 4096];
        let count = stream.read(&mut hello).await.unwrap();
        hello.truncate(count);
        hello
    });
    let tls = Tls {
        server_name: Some("db.example".to_owned()),
        ..pki.client()
    };
    let _client = client(&remote, Some(tls));
    let hello = tokio::time::timeout(PATIENCE, hello)
        .await
        .unwrap()
        .unwrap();
    assert!(
        hello.windows(10).any(|part| part == b"db.example"),
        "no server name in {hello:?}"
    );
}

#[tokio::test]
async fn large_transactions_get_through() {
    let (_server, remote, pki) = start();
    let mut client = client(&remote, Some(pki.client()));
    client.synced(PATIENCE).await.unwrap();
    // More than TLS and the socket hold back, in messages whose ends fall anywhere.
    for round in 0..5 {
        let mut transaction = Transaction::new();
        for number in 0..1000 {
            let name = format!("{round}-{number}-{}", "x".repeat(1500 + round));
            transaction.insert("Port", Columns::new().set("name", name));
        }
        client.transact(transaction).await.unwrap();
    }
    assert_eq!(client.replica().table("Port").unwrap().len(), 5000);
}
