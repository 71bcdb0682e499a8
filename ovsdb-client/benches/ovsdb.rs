//! `cargo lab bench ovsdb`: the client against a real ovsdb-server, beside `ovsdb-client dump`, the Python IDL and a bare
//! socket, in one run on the same server. One JSON object a line: medians of several rounds, in the units their names say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovsdb_client::rpc::Framer;
use ovsdb_client::{Client, Columns, Event, MonitorTable, Options, Remote, Transaction};
use serde_json::{Value, json};
use uuid::Uuid;

const SCHEMA: &str = r#"{"name": "Bench", "version": "1.0.0", "tables": {
  "Port": {"isRoot": true, "columns": {
    "name": {"type": "string"},
    "tag": {"type": {"key": "integer", "min": 0, "max": 1}},
    "seq": {"type": "integer"},
    "up": {"type": "boolean"},
    "addresses": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
    "external_ids": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}}}}}}"#;

const ROWS: usize = 200_000;
const TRANSACTIONS: usize = 1000;

/// What the Python IDL needs for the same rows; prints seconds and resident KiB.
const PYTHON: &str = r"
import sys, time
import ovs.db.idl, ovs.poller
remote, schema = sys.argv[1:]
helper = ovs.db.idl.SchemaHelper(schema)
helper.register_all()
start = time.monotonic()
idl = ovs.db.idl.Idl(remote, helper)
while not idl.has_ever_connected():
    if idl.run():
        continue
    poller = ovs.poller.Poller()
    idl.wait(poller)
    poller.block()
took = time.monotonic() - start
rss = [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmRSS')][0]
print(took, rss, len(idl.tables['Port'].rows))
";

struct Server {
    dir: tempfile::TempDir,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("ovsdb-bench-")
            .tempdir()
            .unwrap();
        let file = |name: &str| dir.path().join(name);
        std::fs::write(file("schema"), SCHEMA).unwrap();
        let created = Command::new("ovsdb-tool")
            .arg("create")
            .args([file("db"), file("schema")])
            .status()
            .unwrap();
        assert!(created.success());
        let process = Command::new("ovsdb-server")
            .args(["--no-chdir", "--log-file=/dev/null"])
            .arg(format!("--remote=punix:{}", file("sock").display()))
            .arg(format!("--unixctl={}", file("ctl").display()))
            .arg(file("db"))
            .stderr(Stdio::null())
            .spawn()
            .expect("Open vSwitch is installed");
        let server = Self { dir, process };
        let deadline = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(server.socket()).is_err() {
            assert!(Instant::now() < deadline, "ovsdb-server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("sock")
    }

    fn remote(&self) -> Remote {
        Remote::Unix(self.socket())
    }
}

/// A socket with nothing around it.
struct Bare {
    stream: UnixStream,
    framer: Framer,
    buffer: Vec<u8>,
}

impl Bare {
    fn connect(server: &Server) -> Self {
        Self {
            stream: UnixStream::connect(server.socket()).unwrap(),
            framer: Framer::new(1 << 30),
            buffer: vec![0; 1 << 16],
        }
    }

    /// Sends a request and waits for its reply.
    fn call(&mut self, request: &[u8]) {
        self.stream.write_all(request).unwrap();
        self.reply();
    }

    /// Reads until a reply, past updates.
    fn reply(&mut self) {
        while !self.message().windows(9).any(|part| part == b"\"result\":") {}
    }

    fn message(&mut self) -> Vec<u8> {
        loop {
            if let Some(message) = self.framer.next_message().unwrap() {
                return message.to_vec();
            }
            let count = self.stream.read(&mut self.buffer).unwrap();
            assert!(count > 0, "the server left");
            self.framer.push(&self.buffer[..count]);
        }
    }

    fn monitor(&mut self) {
        let request = json!({"method": "monitor_cond_since", "id": "m",
            "params": ["Bench", "m", {"Port": [{}]}, Uuid::nil()]});
        self.call(request.to_string().as_bytes());
    }
}

fn insert(number: usize) -> Value {
    json!({"op": "insert", "table": "Port", "row": {
        "name": format!("port-{number}"), "tag": number % 4096, "seq": number, "up": number.is_multiple_of(2),
        "addresses": ["set", [format!("02:00:00:{:02x}:{:02x}:{:02x}", number >> 16 & 255, number >> 8 & 255, number & 255),
            format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255)]],
        "external_ids": ["map", [["iface-id", format!("vm-{number}")], ["owner", "bench"]]]}})
}

fn fill(server: &Server) {
    let mut bare = Bare::connect(server);
    for start in (0..ROWS).step_by(1000) {
        let mut params = vec![json!("Bench")];
        params.extend((start..start + 1000).map(insert));
        bare.call(
            json!({"method": "transact", "params": params, "id": "t"})
                .to_string()
                .as_bytes(),
        );
    }
}

fn options(remote: Remote) -> Options {
    Options::new(vec![remote], "Bench").table(MonitorTable::new("Port"))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

async fn synced(remote: Remote) -> Client {
    let mut client = Client::connect(options(remote));
    client.synced(Duration::from_secs(100)).await.unwrap();
    while !matches!(client.next().await, Event::Synced(_)) {}
    client
}

/// Runs as a process of its own: seconds to the first full picture, and what it then takes in KiB.
fn sync_child(remote: &str) {
    let remote: Remote = remote.parse().unwrap();
    runtime().block_on(async {
        let start = Instant::now();
        let client = synced(remote).await;
        let took = start.elapsed().as_secs_f64();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let kib = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        println!(
            "{took} {} {} {}",
            kib("VmRSS"),
            client.replica().table("Port").unwrap().len(),
            kib("VmHWM")
        );
    });
}

/// The numbers that a child process prints.
fn numbers(command: &mut Command) -> Option<Vec<f64>> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    String::from_utf8(output.stdout)
        .ok()?
        .split_whitespace()
        .map(|number| number.parse().ok())
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn first_sync(server: &Server) {
    let remote = server.remote().to_string();
    let (mut dump, mut ours, mut resident, mut peak) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        let start = Instant::now();
        let status = Command::new("ovsdb-client")
            .args(["dump", &remote, "Bench"])
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
        dump.push(start.elapsed().as_secs_f64());
        let child =
            numbers(Command::new(std::env::current_exe().unwrap()).args(["--sync-child", &remote]))
                .unwrap();
        assert_eq!(child[2] as usize, ROWS);
        ours.push(child[0]);
        resident.push(child[1]);
        peak.push(child[3]);
    }
    let schema = server.dir.path().join("schema");
    let mut python = Command::new("/usr/bin/python3");
    let python = numbers(python.args(["-c", PYTHON, &remote]).arg(schema));
    let (dump, ours, resident) = (median(dump), median(ours), median(resident));
    println!(
        "{}",
        json!({"bench": "first_sync", "rows": ROWS, "ovsdb_client_dump_s": dump, "heddle_s": ours,
            "ratio": ours / dump, "heddle_rss_kib": resident, "heddle_peak_kib": median(peak),
            "python_idl_s": python.as_ref().map(|p| p[0]), "python_idl_rss_kib": python.as_ref().map(|p| p[1]),
            "memory_ratio": python.as_ref().map(|p| resident / p[1])})
    );
}

fn update(uuid: Uuid, seq: usize) -> Transaction {
    let mut transaction = Transaction::new();
    transaction.update(
        "Port",
        uuid,
        Columns::new().set("seq", i64::try_from(seq).unwrap()),
    );
    transaction
}

/// The same update as bytes.
fn update_bytes(uuid: Uuid, seq: usize) -> Vec<u8> {
    format!(
        r#"{{"method":"transact","params":["Bench",{{"op":"update","table":"Port","where":[["_uuid","==",["uuid","{uuid}"]]],"row":{{"seq":{seq}}}}}],"id":"c{seq}"}}"#
    )
    .into_bytes()
}

async fn dependent(client: &mut Client, uuid: Uuid, first: usize) {
    for seq in first..first + TRANSACTIONS {
        client.transact(update(uuid, seq)).await.unwrap();
    }
}

async fn pipelined(client: &mut Client, uuid: Uuid, first: usize) {
    for seq in first..first + TRANSACTIONS {
        client.submit(update(uuid, seq));
    }
    let mut done = 0;
    while done < TRANSACTIONS {
        if let Event::TransactionDone { outcome, .. } = client.next().await {
            outcome.unwrap();
            done += 1;
        }
    }
}

/// On a server with few rows: what counts is the way there and back.
fn transactions() {
    let server = Server::start();
    let runtime = runtime();
    let mut client = runtime.block_on(synced(server.remote()));
    let mut insert = Transaction::new();
    let row = insert.insert("Port", Columns::new().set("name", "p"));
    let uuid = runtime
        .block_on(client.transact(insert))
        .unwrap()
        .uuid(row)
        .unwrap();
    let mut bare = Bare::connect(&server);
    let mut monitored = Bare::connect(&server);
    monitored.monitor();
    let mut seq = 1;
    let mut rounds = [const { Vec::new() }; 5];
    for _ in 0..9 {
        for (kind, round) in rounds.iter_mut().enumerate() {
            let start = Instant::now();
            match kind {
                0 | 1 => {
                    let bare = if kind == 0 { &mut bare } else { &mut monitored };
                    for _ in 0..TRANSACTIONS {
                        seq += 1;
                        bare.call(&update_bytes(uuid, seq));
                    }
                }
                2 => {
                    let mut sender = monitored.stream.try_clone().unwrap();
                    let first = seq;
                    let send = std::thread::spawn(move || {
                        for seq in first..first + TRANSACTIONS {
                            sender.write_all(&update_bytes(uuid, seq)).unwrap();
                        }
                    });
                    seq += TRANSACTIONS;
                    for _ in 0..TRANSACTIONS {
                        monitored.reply();
                    }
                    send.join().unwrap();
                }
                _ => {
                    let first = seq + 1;
                    seq += TRANSACTIONS;
                    // As programs do it: the client is owned by a task.
                    let task = runtime.spawn(async move {
                        if kind == 3 {
                            dependent(&mut client, uuid, first).await;
                        } else {
                            pipelined(&mut client, uuid, first).await;
                        }
                        client
                    });
                    client = runtime.block_on(task).unwrap();
                }
            }
            round.push(start.elapsed().as_secs_f64() * 1e6 / TRANSACTIONS as f64);
            // What the others have caused meanwhile is not part of the next round.
            runtime.block_on(async {
                while tokio::time::timeout(Duration::from_millis(5), client.next())
                    .await
                    .is_ok()
                {}
            });
        }
    }
    let [bare, monitored, bare_pipelined, dependent, pipelined] = rounds.map(median);
    println!(
        "{}",
        json!({"bench": "transactions", "bare_us": bare, "bare_monitored_us": monitored, "bare_pipelined_us": bare_pipelined, "heddle_us": dependent,
            "heddle_pipelined_us": pipelined, "over_bare": dependent / bare, "over_bare_monitored": dependent / monitored,
            "pipelined_gain": dependent / pipelined})
    );
}

/// From a change's transaction to its event, with all the rows in the replica; beside a bare monitor.
fn latency(server: &Server) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let (ready, wait) = std::sync::mpsc::channel();
    let remote = server.remote();
    let subscriber = std::thread::spawn(move || {
        runtime().block_on(async {
            let mut client = synced(remote).await;
            let uuid = client.replica().rows("Port").next().unwrap().uuid();
            ready.send(uuid).unwrap();
            loop {
                if let Event::Changed(changes) = client.next().await {
                    let seq = changes.table("Port")[0]
                        .after()
                        .unwrap()
                        .integer("seq")
                        .unwrap();
                    if sender.send((seq, Instant::now())).is_err() {
                        return;
                    }
                }
            }
        });
    });
    let uuid = wait.recv().unwrap();
    let mut writer = Bare::connect(server);
    let mut monitor = Bare::connect(server);
    monitor.monitor();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..2000 {
        let seq = 1_000_000 + round;
        let start = Instant::now();
        writer.call(&update_bytes(uuid, seq));
        monitor.message();
        bare.push(start.elapsed().as_secs_f64() * 1e6);
        let (seen, at) = receiver.recv().unwrap();
        assert_eq!(seen, i64::try_from(seq).unwrap());
        ours.push(at.duration_since(start).as_secs_f64() * 1e6);
    }
    drop(receiver);
    writer.call(&update_bytes(uuid, 0));
    subscriber.join().unwrap();
    println!(
        "{}",
        json!({"bench": "latency", "rows": ROWS, "bare_monitor_us": median(bare), "heddle_us": median(ours)})
    );
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, flag, remote] = args.as_slice()
        && flag == "--sync-child"
    {
        return sync_child(remote);
    }
    transactions();
    if args.iter().any(|arg| arg == "--transactions") {
        return;
    }
    let server = Server::start();
    fill(&server);
    first_sync(&server);
    latency(&server);
}
