//! A private ovsdb-server in a temporary directory, ended with the value that owns it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovsdb_client::Remote;

/// A schema with every kind of column.
pub(crate) const SCHEMA: &str = r#"{
  "name": "Test", "version": "1.0.0", "tables": {
    "Port": {"isRoot": true, "indexes": [["name"]], "columns": {
      "name": {"type": "string", "mutable": true},
      "tag": {"type": {"key": {"type": "integer", "minInteger": 0, "maxInteger": 4095}, "min": 0, "max": 1}},
      "up": {"type": "boolean"},
      "ratio": {"type": "real"},
      "seq": {"type": "integer"},
      "trunks": {"type": {"key": "integer", "min": 0, "max": "unlimited"}},
      "external_ids": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
      "interfaces": {"type": {"key": {"type": "uuid", "refTable": "Interface"}, "min": 0, "max": "unlimited"}}}},
    "Interface": {"columns": {
      "name": {"type": "string"},
      "kind": {"type": {"key": {"type": "string", "enum": ["set", ["", "vxlan", "gre"]]}}}}}}}"#;

/// How long a condition may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running ovsdb-server.
pub(crate) struct Server {
    dir: tempfile::TempDir,
    process: Option<Child>,
    extra: Vec<String>,
}

impl Server {
    /// Creates a database of `schema` and serves it.
    pub(crate) fn start(schema: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("ovsdb-client-").tempdir().unwrap();
        std::fs::write(dir.path().join("schema"), schema).unwrap();
        run(Command::new("ovsdb-tool")
            .arg("create")
            .arg(dir.path().join("db"))
            .arg(dir.path().join("schema")));
        let mut server = Self {
            dir,
            process: None,
            extra: Vec::new(),
        };
        server.restart();
        server
    }

    /// Serves the database, after [`stop`](Self::stop) or from the start.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let child = Command::new("ovsdb-server")
            .arg("--no-chdir")
            .arg(format!("--remote=punix:{}", self.socket().display()))
            .arg(format!("--unixctl={}", self.dir.path().join("ctl").display()))
            .arg(format!("--log-file={}", self.dir.path().join("log").display()))
            .args(&self.extra)
            .arg(self.dir.path().join("db"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Open vSwitch is installed");
        self.process = Some(child);
        let deadline = Instant::now() + PATIENCE;
        while std::os::unix::net::UnixStream::connect(self.socket()).is_err() {
            assert!(Instant::now() < deadline, "ovsdb-server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills the server.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.process.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let _ = std::fs::remove_file(self.socket());
    }

    /// The path of the socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("sock")
    }

    /// The address of the socket.
    pub(crate) fn remote(&self) -> Remote {
        Remote::Unix(self.socket())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("Open vSwitch is installed");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
