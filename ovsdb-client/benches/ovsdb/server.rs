//! A private ovsdb-server and clients of it.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovsdb_client::{Client, Columns, Event, MonitorTable, Options, Remote, Transaction};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bare::Bare;

const SCHEMA: &str = r#"{"name": "Bench", "version": "1.0.0", "tables": {
  "Port": {"isRoot": true, "columns": {
    "name": {"type": "string"},
    "tag": {"type": {"key": "integer", "min": 0, "max": 1}},
    "seq": {"type": "integer"},
    "up": {"type": "boolean"},
    "addresses": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
    "external_ids": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}}}}}}"#;

/// The rows of a filled database.
pub(crate) const ROWS: usize = 200_000;

/// A running server; it ends with its owner.
pub(crate) struct Server {
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
    /// A server of an empty database.
    pub(crate) fn start() -> Self {
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

    /// The path of the socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("sock")
    }

    /// The file of the schema.
    pub(crate) fn schema(&self) -> PathBuf {
        self.dir.path().join("schema")
    }

    /// The address of the socket.
    pub(crate) fn remote(&self) -> Remote {
        Remote::Unix(self.socket())
    }

    /// The process's number.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Inserts [`ROWS`] rows.
    pub(crate) fn fill(&self) {
        let mut bare = Bare::connect(self);
        for start in (0..ROWS).step_by(1000) {
            let mut params = vec![json!("Bench")];
            params.extend((start..start + 1000).map(insert));
            let request = json!({"method": "transact", "params": params, "id": "t"});
            bare.call(request.to_string().as_bytes());
        }
    }

    /// Inserts one row.
    pub(crate) fn one_row(&self) -> Uuid {
        crate::runtime().block_on(async {
            let mut client = synced(self.remote()).await;
            let mut insert = Transaction::new();
            let row = insert.insert("Port", Columns::new().set("name", "p"));
            client.transact(insert).await.unwrap().uuid(row).unwrap()
        })
    }
}

fn insert(number: usize) -> Value {
    json!({"op": "insert", "table": "Port", "row": {
        "name": format!("port-{number}"), "tag": number % 4096, "seq": number, "up": number.is_multiple_of(2),
        "addresses": ["set", [format!("02:00:00:{:02x}:{:02x}:{:02x}", number >> 16 & 255, number >> 8 & 255, number & 255),
            format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255)]],
        "external_ids": ["map", [["iface-id", format!("vm-{number}")], ["owner", "bench"]]]}})
}

/// A client that holds the whole database.
pub(crate) async fn synced(remote: Remote) -> Client {
    let options = Options::new(vec![remote], "Bench").table(MonitorTable::new("Port"));
    let mut client = Client::connect(options);
    client.synced(Duration::from_secs(100)).await.unwrap();
    while !matches!(client.next().await, Event::Synced(_)) {}
    client
}

/// The update of one row that all the benches make, as a transaction.
pub(crate) fn update(uuid: Uuid, seq: usize) -> Transaction {
    let mut transaction = Transaction::new();
    let seq = i64::try_from(seq).unwrap();
    transaction.update("Port", uuid, Columns::new().set("seq", seq));
    transaction
}

/// The same update as bytes.
pub(crate) fn update_bytes(uuid: Uuid, seq: usize) -> Vec<u8> {
    format!(
        r#"{{"method":"transact","params":["Bench",{{"op":"update","table":"Port","where":[["_uuid","==",["uuid","{uuid}"]]],"row":{{"seq":{seq}}}}}],"id":"c{seq}"}}"#
    )
    .into_bytes()
}

/// The CPU time of a process, in seconds (proc(5), `schedstat`).
pub(crate) fn cpu_seconds(path: &Path) -> f64 {
    let text = std::fs::read_to_string(path).unwrap();
    let nanoseconds: f64 = text.split_whitespace().next().unwrap().parse().unwrap();
    nanoseconds / 1e9
}
