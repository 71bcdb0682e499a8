//! A cluster of three servers with TLS, and a relay: what was acknowledged stays, and nobody goes back in time.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ovsdb_client::connection::Tls;
use ovsdb_client::{
    Client, Columns, Event, MonitorTable, Mutations, Options, Remote, ServerChoice, TransactError,
    Transaction,
};
use tempfile::TempDir;

use crate::oracle;
use crate::server::{PATIENCE, Pki, Process, SCHEMA, free_port, run, temp_dir, wait_for};

struct Member {
    raft_port: u16,
    port: u16,
    generation: u32,
    process: Option<Process>,
}

/// Three members and a relay.
struct Cluster {
    dir: TempDir,
    pki: Pki,
    members: Vec<Member>,
    relay_port: u16,
    _relay: Option<Process>,
}

fn ssl(port: u16) -> String {
    format!("ssl:127.0.0.1:{port}")
}

impl Cluster {
    fn start() -> Self {
        let dir = temp_dir();
        let pki = Pki::new(dir.path());
        let member = || Member {
            raft_port: free_port(),
            port: free_port(),
            generation: 0,
            process: None,
        };
        let members = vec![member(), member(), member()];
        let mut cluster = Self {
            dir,
            pki,
            members,
            relay_port: free_port(),
            _relay: None,
        };
        let schema = cluster.dir.path().join("schema");
        std::fs::write(&schema, SCHEMA).unwrap();
        let mut create = Command::new("ovsdb-tool");
        create
            .arg("create-cluster")
            .arg(cluster.database(0))
            .arg(&schema)
            .arg(ssl(cluster.members[0].raft_port));
        run(&mut create);
        cluster.serve(0);
        for at in 1..3 {
            cluster.join(at, 0);
        }
        let sources: Vec<String> = cluster
            .members
            .iter()
            .map(|member| ssl(member.port))
            .collect();
        let mut args = cluster.pki.server_args();
        args.push(format!("--remote=pssl:{}:127.0.0.1", cluster.relay_port));
        args.push(format!("relay:Test:{}", sources.join(",")));
        cluster._relay = Some(Process::ovsdb_server(cluster.dir.path(), "relay", &args));
        cluster
    }

    fn name(&self, at: usize) -> String {
        format!("m{at}-{}", self.members[at].generation)
    }

    fn database(&self, at: usize) -> std::path::PathBuf {
        self.dir.path().join(format!("{}.db", self.name(at)))
    }

    /// Adds a member by way of another.
    fn join(&mut self, at: usize, by: usize) {
        let mut join = Command::new("ovsdb-tool");
        join.arg("join-cluster").arg(self.database(at)).arg("Test");
        join.arg(ssl(self.members[at].raft_port))
            .arg(ssl(self.members[by].raft_port));
        run(&mut join);
        self.serve(at);
        wait_for("the member joins", || {
            self.status(at).contains("Status: cluster member")
        });
    }

    fn serve(&mut self, at: usize) {
        let mut args = self.pki.server_args();
        args.push(format!("--remote=pssl:{}:127.0.0.1", self.members[at].port));
        args.push(self.database(at).display().to_string());
        self.members[at].process = Some(Process::ovsdb_server(
            self.dir.path(),
            &self.name(at),
            &args,
        ));
    }

    /// What a member answers to a command, also when it is an error.
    fn appctl(&self, at: usize, command: &str) -> String {
        let control = self.dir.path().join(format!("{}.ctl", self.name(at)));
        let output = Command::new("ovs-appctl")
            .arg("-t")
            .arg(control)
            .args([command, "Test"])
            .output()
            .unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    fn status(&self, at: usize) -> String {
        self.appctl(at, "cluster/status")
    }

    fn leader(&self) -> usize {
        let mut leader = None;
        wait_for("a leader", || {
            leader = (0..3).find(|&at| {
                self.members[at].process.is_some() && self.status(at).contains("Role: leader")
            });
            leader.is_some()
        });
        leader.unwrap()
    }

    fn remotes(&self, relay: bool) -> Vec<Remote> {
        let ports = if relay {
            vec![self.relay_port]
        } else {
            self.members.iter().map(|member| member.port).collect()
        };
        ports
            .into_iter()
            .map(|port| Remote::Ssl {
                host: "127.0.0.1".to_owned(),
                port,
            })
            .collect()
    }

    fn oracle_args(&self) -> Vec<String> {
        fn arg(name: &str, path: &Path) -> String {
            format!("--{name}={}", path.display())
        }
        let Tls {
            private_key,
            certificate,
            ca_certificates,
            ..
        } = self.pki.client();
        vec![
            arg("private-key", &private_key),
            arg("certificate", &certificate),
            arg("ca-cert", &ca_certificates),
        ]
    }
}

/// What one writer shares with the test.
#[derive(Default)]
struct Progress {
    acknowledged: AtomicU64,
    stop: AtomicBool,
}

fn connect(cluster: &Cluster, server: ServerChoice, relay: bool) -> Client {
    let mut options = Options::new(cluster.remotes(relay), "Test")
        .server(server)
        .tls(cluster.pki.client());
    options = options
        .table(MonitorTable::new("Port"))
        .table(MonitorTable::new("Interface"));
    options.probe_interval = Some(Duration::from_secs(1));
    options.max_backoff = Duration::from_millis(500);
    options.reply_patience = Duration::from_secs(3);
    Client::connect(options)
}

/// Writes numbered rows and counts up a row of its own until it is told to stop; reads everybody's counters all the
/// while. Returns the client and the names of the rows that were acknowledged.
async fn write(
    mut client: Client,
    writer: usize,
    progress: Arc<Progress>,
) -> (Client, BTreeSet<String>) {
    let mut acknowledged = BTreeSet::new();
    let mut seen = std::collections::BTreeMap::<uuid::Uuid, i64>::new();
    let mut number = 0_u64;
    let mut counter = None;
    let mut waiting = None;
    loop {
        let stop = progress.stop.load(Ordering::SeqCst);
        if stop && waiting.is_none() && client.is_synced() {
            return (client, acknowledged);
        }
        if waiting.is_none() && client.is_synced() {
            let name = format!("w{writer}-{number}");
            let mut transaction = Transaction::new();
            let row = transaction.insert("Port", Columns::new().set("name", name.as_str()));
            if let Some(counter) = counter {
                transaction.mutate("Port", counter, Mutations::new().add("seq", 1));
            }
            waiting = Some((client.submit(transaction), row, name));
            number += 1;
        }
        // A stopped cluster is silent: the writer looks up now and then whether it is to end.
        let Ok(event) = tokio::time::timeout(Duration::from_millis(200), client.next()).await
        else {
            continue;
        };
        match event {
            Event::TransactionDone { id, outcome } => {
                let (expected, row, name) = waiting.take().expect("a transaction");
                assert_eq!(id, expected);
                match outcome {
                    Ok(committed) => {
                        let uuid = committed.uuid(row).unwrap();
                        assert!(
                            client.replica().row("Port", uuid).is_some(),
                            "{name} was told, but is not there"
                        );
                        counter.get_or_insert(uuid);
                        acknowledged.insert(name);
                        progress.acknowledged.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(TransactError::Unknown { .. } | TransactError::NotConnected) => {}
                    Err(error) => panic!("{name}: {error}"),
                }
            }
            Event::Synced(changes) | Event::Changed(changes) => {
                for change in changes.table("Port") {
                    let row = change.after().expect("nobody deletes");
                    let seq = row.integer("seq").unwrap();
                    let before = seen.insert(row.uuid(), seq);
                    assert!(
                        before.is_none_or(|before| before <= seq),
                        "writer {writer} went back: {before:?} to {seq}"
                    );
                }
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_whatever_happens_to_the_members() {
    let mut cluster = Cluster::start();
    let kinds = [
        (ServerChoice::Leader, false),
        (ServerChoice::Leader, false),
        (ServerChoice::Any, false),
        (ServerChoice::Any, true),
    ];
    let writers: Vec<_> = kinds
        .into_iter()
        .enumerate()
        .map(|(at, (server, relay))| {
            let progress = Arc::new(Progress::default());
            let client = connect(&cluster, server, relay);
            (
                Arc::clone(&progress),
                tokio::spawn(write(client, at, progress)),
            )
        })
        .collect();
    let advance = |what: &str| {
        let marks: Vec<u64> = writers
            .iter()
            .map(|(progress, _)| progress.acknowledged.load(Ordering::SeqCst))
            .collect();
        wait_for(what, || {
            assert!(
                !writers.iter().any(|(_, task)| task.is_finished()),
                "{what}: a writer ended"
            );
            writers
                .iter()
                .zip(&marks)
                .all(|((p, _), mark)| p.acknowledged.load(Ordering::SeqCst) >= mark + 20)
        });
    };
    tokio::task::block_in_place(|| {
        advance("all members");

        let leader = cluster.leader();
        cluster.members[leader].process = None;
        advance("the leader killed");
        cluster.serve(leader);

        let leader = cluster.leader();
        cluster.members[leader]
            .process
            .as_ref()
            .unwrap()
            .signal("STOP");
        advance("the leader stopped");
        cluster.members[leader]
            .process
            .as_ref()
            .unwrap()
            .signal("CONT");
        advance("the leader back");

        let leader = cluster.leader();
        let (gone, other) = ((leader + 1) % 3, (leader + 2) % 3);
        cluster.appctl(gone, "cluster/leave");
        wait_for("the member leaves", || {
            let status = cluster.status(gone);
            status.contains("Status: left cluster") || status.contains("unknown cluster")
        });
        cluster.members[gone].process = None;
        advance("a member removed");
        cluster.members[gone].generation += 1;
        cluster.join(gone, other);
        advance("a member added");
    });
    let mut acknowledged = BTreeSet::new();
    let mut clients = Vec::new();
    for (progress, task) in writers {
        progress.stop.store(true, Ordering::SeqCst);
        let (client, names) = tokio::time::timeout(PATIENCE, task)
            .await
            .expect("the writer ends")
            .unwrap();
        acknowledged.extend(names);
        clients.push(client);
    }

    let schema = Arc::clone(clients[0].schema().unwrap());
    let truth = oracle::dump(
        &ssl(cluster.members[cluster.leader()].port),
        &schema,
        &cluster.oracle_args(),
    );
    let mut names: Vec<String> = truth["Port"]
        .values()
        .map(|row| {
            row["name"]
                .as_scalar()
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "a row twice");
    let missing: Vec<&String> = acknowledged
        .iter()
        .filter(|name| names.binary_search(name).is_err())
        .collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
    for (at, client) in clients.iter_mut().enumerate() {
        let equal = async {
            while oracle::of_replica(client.replica()) != truth {
                client.next().await;
            }
        };
        tokio::time::timeout(PATIENCE, equal)
            .await
            .unwrap_or_else(|_| panic!("replica {at} is not the database"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_resumes_where_another_ended() {
    let mut cluster = Cluster::start();
    // A relay is as good as the leader, to which it passes writes on.
    connect(&cluster, ServerChoice::Leader, true)
        .synced(PATIENCE)
        .await
        .unwrap();
    let mut client = connect(&cluster, ServerChoice::Leader, false);
    client.synced(PATIENCE).await.unwrap();
    let mut transaction = Transaction::new();
    for number in 0..100 {
        transaction.insert("Port", Columns::new().set("name", format!("p{number}")));
    }
    client.transact(transaction).await.unwrap();
    tokio::task::block_in_place(|| {
        let leader = cluster.leader();
        cluster.members[leader].process = None;
    });
    let synced = async {
        let mut lost = false;
        loop {
            match client.next().await {
                Event::Disconnected { .. } => lost = true,
                Event::Synced(changes) if lost => return changes,
                _ => {}
            }
        }
    };
    let changes = tokio::time::timeout(PATIENCE, synced)
        .await
        .expect("another leader");
    assert!(changes.is_empty(), "{changes:?}");
    assert_eq!(client.replica().table("Port").unwrap().len(), 100);
}
