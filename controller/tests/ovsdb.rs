//! `heddle ovsdb` against a real ovsdb-server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail as its body does"
)]

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SCHEMA: &str = r#"{"name": "Test", "version": "1.0.0", "tables": {
  "Other": {"isRoot": true, "columns": {"n": {"type": "integer"}}},
  "Port": {"isRoot": true, "columns": {
    "name": {"type": "string"},
    "tag": {"type": {"key": "integer", "min": 0, "max": 1}},
    "trunks": {"type": {"key": "integer", "min": 0, "max": "unlimited"}},
    "external_ids": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}}}}}}"#;

/// A child process that ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Server {
    dir: tempfile::TempDir,
    _process: Process,
}

impl Server {
    fn start() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("heddle-ovsdb-")
            .tempdir()
            .unwrap();
        let file = |name: &str| dir.path().join(name);
        std::fs::write(file("schema"), SCHEMA).unwrap();
        let created = Command::new("ovsdb-tool")
            .arg("create")
            .args([file("db"), file("schema")])
            .status();
        assert!(created.expect("Open vSwitch is installed").success());
        let child = Command::new("ovsdb-server")
            .args(["--no-chdir", "--log-file=/dev/null"])
            .arg(format!("--remote=punix:{}", file("sock").display()))
            .arg(format!("--unixctl={}", file("ctl").display()))
            .arg(file("db"))
            .stderr(Stdio::null())
            .spawn();
        let process = Process(child.unwrap());
        let deadline = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(file("sock")).is_err() {
            assert!(Instant::now() < deadline, "ovsdb-server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self {
            dir,
            _process: process,
        }
    }

    fn remote(&self) -> String {
        format!("unix:{}", self.dir.path().join("sock").display())
    }

    fn transact(&self, operations: &str) {
        let output = Command::new("ovsdb-client")
            .args(["transact", &self.remote(), operations])
            .output()
            .unwrap();
        assert!(
            output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("error"),
            "{output:?}"
        );
    }

    /// `heddle ovsdb VERB REMOTE Test ARGS`: exit code, output, errors. UUIDs are told as `UUID`.
    fn heddle(&self, verb: &str, args: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_heddle"))
            .args(["ovsdb", verb, &self.remote()])
            .args(args)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| anonymous(&String::from_utf8(bytes).unwrap());
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }
}

/// `text` with every UUID as `UUID` and without the blanks that pad cells.
fn anonymous(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match rest.get(..36).filter(|word| {
            word.matches('-').count() == 4
                && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
        }) {
            Some(_) => {
                result += "UUID";
                rest = &rest[36..];
            }
            None => {
                result.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    result
}

const INSERT: &str = r#"["Test", {"op": "insert", "table": "Port", "row": {"name": "p0", "tag": 5,
    "trunks": ["set", [1, 2]], "external_ids": ["map", [["a", "b c"]]]}}]"#;

#[test]
fn rows_are_listed_and_dumped_in_every_form() {
    let server = Server::start();
    server.transact(INSERT);
    let output = |verb: &str, args: &[&str]| {
        let (code, out, err) = server.heddle(verb, args);
        assert_eq!((code, err.as_str()), (0, ""));
        out
    };
    assert_eq!(
        output("list", &["Test"]),
        "table  rows\nOther  0\nPort   1\n"
    );
    assert_eq!(
        output("list", &["Test", "Port"]),
        "_uuid         UUID\nexternal_ids  {a=\"b c\"}\nname          p0\ntag           5\ntrunks        [1, 2]\n"
    );
    assert_eq!(
        output("dump", &["Test", "-o", "csv"]),
        "Other\n_uuid,n\n\nPort\n_uuid,external_ids,name,tag,trunks\nUUID,\"{a=\"\"b c\"\"}\",p0,5,\"[1, 2]\"\n"
    );
    assert_eq!(
        output("dump", &["Test", "Port", "tag", "name", "-o", "csv"]),
        "_uuid,tag,name\nUUID,5,p0\n"
    );
    let json: serde_json::Value =
        serde_json::from_str(&output("dump", &["Test", "Port", "-o", "json"])).unwrap();
    let row = serde_json::json!({"_uuid": "UUID", "name": "p0", "tag": 5, "trunks": [1, 2], "external_ids": {"a": "b c"}});
    assert_eq!(json, serde_json::json!({"Port": [row]}));
}

#[test]
fn what_does_not_exist_is_named() {
    let server = Server::start();
    let (code, out, err) = server.heddle("dump", &["Test", "Wall"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.ends_with("database Test (schema version 1.0.0) does not fit: no table Wall\n"),
        "{err}"
    );
    let (code, _, err) = server.heddle("dump", &["Nothing"]);
    assert!(
        code == 1 && err.ends_with("the server has no database Nothing\n"),
        "{err}"
    );
    let bad = Command::new(env!("CARGO_BIN_EXE_heddle"))
        .args(["ovsdb", "dump", "tcp:", "Test"])
        .output()
        .unwrap();
    assert_eq!(bad.status.code(), Some(2));
}

#[test]
fn changes_are_printed_as_they_come() {
    let server = Server::start();
    server.transact(INSERT);
    let mut watch = Process(
        Command::new(env!("CARGO_BIN_EXE_heddle"))
            .args(["ovsdb", "watch", &server.remote(), "Test", "--initial"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(watch.0.stdout.take().unwrap()).lines();
    let mut next = || anonymous(&lines.next().unwrap().unwrap());
    assert_eq!(
        next(),
        "Port UUID inserted external_ids={a=\"b c\"} name=p0 tag=5 trunks=[1, 2]"
    );
    server.transact(
        r#"["Test", {"op": "update", "table": "Port", "where": [], "row": {"tag": ["set", []]}}]"#,
    );
    assert_eq!(next(), "Port UUID modified tag: 5 -> []");
    server.transact(r#"["Test", {"op": "delete", "table": "Port", "where": []}]"#);
    assert_eq!(
        next(),
        "Port UUID deleted external_ids={a=\"b c\"} name=p0 tag=[] trunks=[1, 2]"
    );
}
