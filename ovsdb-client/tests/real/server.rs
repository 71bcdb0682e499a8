//! Private ovsdb-servers in temporary directories, ended with the values that own them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovsdb_client::Remote;
use ovsdb_client::connection::Tls;

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
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A child process that ends with its owner.
pub(crate) struct Process(Child);

impl Process {
    /// An ovsdb-server with its files in `dir`, named after `name`, once its control socket answers.
    pub(crate) fn ovsdb_server(dir: &Path, name: &str, args: &[String]) -> Self {
        let control = dir.join(format!("{name}.ctl"));
        let _ = std::fs::remove_file(&control);
        let child = Command::new("ovsdb-server")
            .arg("--no-chdir")
            .arg(format!("--unixctl={}", control.display()))
            .arg(format!(
                "--log-file={}",
                dir.join(format!("{name}.log")).display()
            ))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Open vSwitch is installed");
        let process = Self(child);
        wait_for("the control socket", || {
            std::os::unix::net::UnixStream::connect(&control).is_ok()
        });
        process
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        run(Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.0.id().to_string()));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for a condition.
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A port of the loopback interface that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Runs a command that must succeed; its output.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().expect("the command is installed");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A directory for servers.
pub(crate) fn temp_dir() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("ovsdb-client-")
        .tempdir()
        .unwrap()
}

/// A running ovsdb-server with one database, on a socket of its directory.
pub(crate) struct Server {
    dir: tempfile::TempDir,
    process: Option<Process>,
    extra: Vec<String>,
}

impl Server {
    /// Creates a database of `schema` and serves it.
    pub(crate) fn start(schema: &str) -> Self {
        Self::start_with(temp_dir(), schema, Vec::new())
    }

    /// The same in a given directory, with more arguments.
    pub(crate) fn start_with(dir: tempfile::TempDir, schema: &str, extra: Vec<String>) -> Self {
        std::fs::write(dir.path().join("schema"), schema).unwrap();
        run(Command::new("ovsdb-tool")
            .arg("create")
            .arg(dir.path().join("db"))
            .arg(dir.path().join("schema")));
        let mut server = Self {
            dir,
            process: None,
            extra,
        };
        server.restart();
        server
    }

    /// Serves the database again.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let mut args = vec![format!("--remote=punix:{}", self.socket().display())];
        args.extend(self.extra.iter().cloned());
        args.push(self.dir.path().join("db").display().to_string());
        self.process = Some(Process::ovsdb_server(self.dir.path(), "server", &args));
    }

    /// Kills the server.
    pub(crate) fn stop(&mut self) {
        self.process = None;
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

/// Keys and certificates of one authority, made by ovs-pki.
pub(crate) struct Pki {
    dir: PathBuf,
}

impl Pki {
    /// An authority with a certificate for `server` and one for `client`.
    pub(crate) fn new(dir: &Path) -> Self {
        let pki = Self {
            dir: dir.join("pki"),
        };
        std::fs::create_dir(&pki.dir).unwrap();
        pki.ovs_pki(&["init"]);
        pki.ovs_pki(&["-u", "req+sign", "server", "switch"]);
        pki.ovs_pki(&["-u", "req+sign", "client", "switch"]);
        pki
    }

    fn ovs_pki(&self, args: &[&str]) {
        let mut command = Command::new("ovs-pki");
        let authorities = format!("--dir={}", self.dir.join("authorities").display());
        run(command
            .current_dir(&self.dir)
            .arg(authorities)
            .args(["-B", "2048"])
            .args(args));
    }

    /// The authority's certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.dir.join("authorities/switchca/cacert.pem")
    }

    /// The authority of controllers: another one, which signed nothing here.
    pub(crate) fn other_authority(&self) -> PathBuf {
        self.dir.join("authorities/controllerca/cacert.pem")
    }

    /// What `--private-key` and its kin need for a server.
    pub(crate) fn server_args(&self) -> Vec<String> {
        vec![
            format!(
                "--private-key={}",
                self.dir.join("server-privkey.pem").display()
            ),
            format!(
                "--certificate={}",
                self.dir.join("server-cert.pem").display()
            ),
            format!("--ca-cert={}", self.authority().display()),
        ]
    }

    /// What a client needs.
    pub(crate) fn client(&self) -> Tls {
        Tls {
            private_key: self.dir.join("client-privkey.pem"),
            certificate: self.dir.join("client-cert.pem"),
            ca_certificates: self.authority(),
            server_name: None,
        }
    }
}
