//! TLS between the programs: the northbound database served with it, commands and the agent that reach it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail as its body does"
)]

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A child process that ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Keys and certificates by ovs-pki, and a directory for everything else.
struct Site {
    dir: tempfile::TempDir,
}

fn run(command: &mut Command) {
    let output = command.output().expect("Open vSwitch is installed");
    assert!(output.status.success(), "{command:?}: {output:?}");
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("heddle-tls-")
            .tempdir()
            .unwrap();
        let site = Self { dir };
        for args in [
            &["init"][..],
            &["-u", "req+sign", "db", "switch"],
            &["-u", "req+sign", "host", "switch"],
        ] {
            let authorities = format!("--dir={}", site.file("authorities").display());
            let mut pki = Command::new("ovs-pki");
            run(pki
                .current_dir(site.dir.path())
                .args([&authorities, "-B", "2048"])
                .args(args));
        }
        site
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Key, certificate and authority of `name`.
    fn files(&self, name: &str) -> [PathBuf; 3] {
        [
            self.file(&format!("{name}-privkey.pem")),
            self.file(&format!("{name}-cert.pem")),
            self.file("authorities/switchca/cacert.pem"),
        ]
    }

    fn flags(&self, name: &str) -> Vec<String> {
        let [key, certificate, authority] = self.files(name).map(|file| file.display().to_string());
        [
            "--private-key",
            &key,
            "--certificate",
            &certificate,
            "--ca-cert",
            &authority,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// `heddle db serve` with TLS on a port of the loopback interface.
    fn serve(&self) -> (Process, String) {
        let port = free_port();
        let mut serve = heddle();
        serve
            .args(["db", "serve", "--init", "--db"])
            .arg(self.file("nb.db"))
            .arg(format!("--remote=pssl:{port}:127.0.0.1"))
            .args(self.flags("db"))
            .stderr(Stdio::null());
        let server = Process(serve.spawn().unwrap());
        wait_for("the northbound database", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        (server, format!("ssl:127.0.0.1:{port}"))
    }
}

fn heddle() -> Command {
    let mut heddle = Command::new(env!("CARGO_BIN_EXE_heddle"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HEDDLE_") {
            heddle.env_remove(name);
        }
    }
    heddle
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn commands_reach_a_northbound_database_with_tls() {
    let site = Site::new();
    let (_server, nb) = site.serve();
    let yaml = site.file("site.yaml");
    std::fs::write(&yaml, "networks:\n- {name: blue, type: geneve}\n").unwrap();
    let applied = heddle()
        .args(["--nb", &nb, "apply", "-f"])
        .arg(&yaml)
        .args(site.flags("host"))
        .output()
        .unwrap();
    assert_eq!(applied.status.code(), Some(0), "{applied:?}");

    // By environment variables, and without heddle's own schema.
    let [key, certificate, authority] = site.files("host");
    let mut list = heddle();
    let list = list
        .args(["ovsdb", "dump", &nb, "Heddle_Northbound", "Network", "name"])
        .args(["-o", "csv"])
        .env("HEDDLE_PRIVATE_KEY", key)
        .env("HEDDLE_CERTIFICATE", certificate)
        .env("HEDDLE_CA_CERT", authority)
        .output()
        .unwrap();
    let (code, out, err) = told(&list);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains(",blue\n"), "{out}");

    // An authority that has signed nothing here.
    let mut flags = site.flags("host");
    *flags.last_mut().unwrap() = site
        .file("authorities/controllerca/cacert.pem")
        .display()
        .to_string();
    let refused = heddle()
        .args(["--nb", &nb, "--timeout", "1", "network", "list"])
        .args(flags)
        .output()
        .unwrap();
    let (code, _, err) = told(&refused);
    assert_eq!(code, Some(1));
    assert!(err.contains("certificate"), "{err}");
}

#[test]
fn what_is_wrong_with_the_files_is_named_before_anything_is_tried() {
    let site = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = site.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let empty = file("empty.pem", "");
    let absent = site.path().join("absent.pem").display().to_string();
    let nb = "ssl:127.0.0.1:1";
    let fails = |args: &[&str], code: i32, words: &[&str]| {
        let (found, _, err) = told(&heddle().args(args).output().unwrap());
        assert_eq!(found, Some(code), "{args:?}: {err}");
        for words in words {
            assert!(err.contains(words), "{args:?}: {err} lacks {words}");
        }
    };
    fails(
        &["--nb", nb, "network", "list"],
        2,
        &["--nb ssl:127.0.0.1:1", "--private-key", "ovs-pki"],
    );
    fails(
        &["ovsdb", "list", nb, "Open_vSwitch"],
        2,
        &["REMOTE ssl:127.0.0.1:1", "--ca-cert"],
    );
    fails(
        &["agent", "--ovs", nb, "--rundir", "/tmp"],
        2,
        &["--ovs ssl:127.0.0.1:1", "--certificate"],
    );
    fails(
        &["db", "serve", "--init", "--remote", "pssl:0"],
        2,
        &["--remote pssl:0", "--private-key"],
    );
    fails(
        &["--nb", nb, "--private-key", &empty, "network", "list"],
        2,
        &["--certificate (or HEDDLE_CERTIFICATE) and --ca-cert (or HEDDLE_CA_CERT) is missing"],
    );
    let all = |key: &str| {
        let args = ["--nb", nb, "-p", key, "-c", &empty, "-C", &empty];
        args.map(str::to_owned).to_vec()
    };
    let with = |key: &str, code: i32, words: &[&str]| {
        let mut args = all(key);
        args.extend(["--timeout", "1", "network", "list"].map(str::to_owned));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        fails(&args, code, words);
    };
    with(
        &absent,
        2,
        &["--private-key", "absent.pem: No such file", "ovs-pki"],
    );
}

/// A switch's database without a switch, with heddle's settings and the switch's own keys.
fn switch_database(site: &Site, nb: &str) -> (Process, String) {
    let (db, socket) = (site.file("ovs.db"), site.file("db.sock"));
    run(Command::new("ovsdb-tool")
        .arg("create")
        .arg(&db)
        .arg("/usr/share/openvswitch/vswitch.ovsschema"));
    let server = Command::new("ovsdb-server")
        .args(["--no-chdir", "--log-file=/dev/null"])
        .arg(format!("--remote=punix:{}", socket.display()))
        .arg(format!("--unixctl={}", site.file("ovs.ctl").display()))
        .arg(db)
        .stderr(Stdio::null())
        .spawn();
    let server = Process(server.unwrap());
    wait_for("the switch's database", || socket.exists());
    let remote = format!("unix:{}", socket.display());
    let vsctl = |args: &[&Path]| {
        run(Command::new("ovs-vsctl")
            .arg(format!("--db={remote}"))
            .arg("--no-wait")
            .args(args));
    };
    vsctl(&[Path::new("init")]);
    let [key, certificate, authority] = site.files("host");
    vsctl(&[Path::new("set-ssl"), &key, &certificate, &authority]);
    let setting = format!("external_ids:heddle-nb=\"{nb}\"");
    vsctl(&["set", "Open_vSwitch", ".", &setting].map(Path::new));
    (server, remote)
}

#[test]
fn the_agent_uses_the_keys_of_the_switch() {
    let site = Site::new();
    let (_server, nb) = site.serve();
    let (_switch, ovs) = switch_database(&site, &nb);
    let mut agent = Process(
        heddle()
            .args(["agent", "--ovs", &ovs, "--runtime-dir"])
            .arg(site.file("run"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let (tell, told) = std::sync::mpsc::channel();
    let lines = BufReader::new(agent.0.stderr.take().unwrap()).lines();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    loop {
        let line = told
            .recv_timeout(PATIENCE)
            .expect("the agent says something");
        assert!(!line.contains("needs a key"), "{line}");
        if line.contains("connected to the northbound database") && line.contains("ssl:") {
            return;
        }
    }
}
