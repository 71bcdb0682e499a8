//! `heddle db`, an absent database, and the help texts.

use std::process::Command;

use crate::server::{HEDDLE, Outcome, Server, heddle};

#[test]
fn every_command_has_help_with_examples() {
    for command in [
        "",
        "db init",
        "db serve",
        "apply",
        "network",
        "subnet",
        "port",
        "host",
        "physical-network",
        "wait",
    ] {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = heddle(&arguments, "").ok();
        assert!(
            help.contains("Examples:\n") && help.contains("Usage: heddle"),
            "{help}"
        );
        assert!(help.lines().all(|line| line.len() <= 100), "{help}");
    }
}

#[test]
fn unknown_commands_are_bad_input() {
    let err = heddle(&["netwrok"], "").failed(2);
    assert!(err.contains("unrecognized subcommand 'netwrok'"), "{err}");
    assert_eq!(heddle(&["--timeout", "x", "wait"], "").code, Some(2));
}

#[test]
fn init_creates_and_never_overwrites() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("deep/nb.db");
    let file = file.to_str().unwrap();
    assert_eq!(
        heddle(&["db", "init", "--db", file], "").ok(),
        format!("created {file}: `heddle db serve` serves it\n")
    );
    let before = std::fs::read(file).unwrap();
    assert_eq!(
        heddle(&["db", "init", "--db", file], "").failed(1),
        format!(
            "heddle: {file} exists already: `heddle db serve` serves it; to begin anew, move it away first\n"
        )
    );
    assert_eq!(std::fs::read(file).unwrap(), before);
}

#[test]
fn serve_names_the_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nb.db");
    let file = file.to_str().unwrap();
    assert_eq!(
        heddle(&["db", "serve", "--db", file], "").failed(1),
        format!(
            "heddle: there is no database {file}: `heddle db init` creates it, or add --init\n"
        )
    );
    let err = heddle(&["db", "serve", "--db", file, "--remote", "unix:x"], "").failed(2);
    assert!(
        err.contains("expected punix:FILE, ptcp:PORT[:ADDRESS] or pssl:PORT[:ADDRESS]"),
        "{err}"
    );
}

#[test]
fn a_machine_without_open_vswitch_is_told_what_to_install() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nb.db");
    let bare = |command: &str| {
        let mut heddle = Command::new(HEDDLE);
        heddle.args(["db", command, "--db"]).arg(&file);
        if command == "serve" {
            heddle.arg("--remote").arg(format!(
                "punix:{}",
                directory.path().join("nb.sock").display()
            ));
        }
        Outcome::from(heddle.env("PATH", "").output().unwrap())
    };
    let expected = "heddle: Open vSwitch's database programs are not installed: `apt-get install openvswitch-switch`\n";
    assert_eq!(bare("init").failed(1), expected);
    std::fs::write(&file, "").unwrap();
    let err = bare("serve").failed(1);
    assert!(err.ends_with(expected), "{err}");
}

#[test]
fn the_schema_is_printed() {
    let schema: serde_json::Value =
        serde_json::from_str(&heddle(&["db", "schema"], "").ok()).unwrap();
    assert_eq!(schema["name"], "Heddle_Northbound");
}

#[test]
fn an_absent_database_is_named_with_the_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let remote = format!("unix:{}", directory.path().join("nb.sock").display());
    let err = heddle(
        &["--nb", &remote, "--timeout", "0.3", "network", "list"],
        "",
    )
    .failed(1);
    assert!(
        err.starts_with(&format!(
            "heddle: no northbound database at {remote} after 0.3 s"
        )),
        "{err}"
    );
    assert!(err.contains("No such file or directory"), "{err}");
    assert!(err.contains("`heddle db serve`"), "{err}");
    let err = heddle(&["--nb", "gopher:x", "network", "list"], "").failed(2);
    assert!(err.contains("gopher:x"), "{err}");
}

#[test]
fn a_database_that_does_not_answer_has_a_deadline() {
    let server = Server::start();
    server.freeze();
    let err = server
        .run(&["--timeout", "0.3", "network", "list"])
        .failed(1);
    let expected = format!(
        "heddle: no northbound database at {} after 0.3 s: it does not answer;",
        server.remote()
    );
    assert!(err.starts_with(&expected), "{err}");
}

#[test]
fn another_database_is_not_taken_for_ours() {
    let server = Server::start();
    let other = server.path().join("other.db");
    let schema = server.path().join("other.ovsschema");
    std::fs::write(
        &schema,
        r#"{"name":"Other","tables":{"T":{"columns":{"c":{"type":"string"}}}}}"#,
    )
    .unwrap();
    let created = std::process::Command::new("ovsdb-tool")
        .arg("create")
        .arg(&other)
        .arg(&schema)
        .status()
        .unwrap();
    assert!(created.success());
    let socket = server.path().join("other.sock");
    let mut process = std::process::Command::new("ovsdb-server")
        .arg(&other)
        .arg(format!("--remote=punix:{}", socket.display()))
        .args([
            "--unixctl=none",
            "-vconsole:off",
            "-vsyslog:off",
            "-vfile:off",
        ])
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !socket.exists() && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let outcome = heddle(
        &[
            "--nb",
            &format!("unix:{}", socket.display()),
            "--timeout",
            "2",
            "network",
            "list",
        ],
        "",
    );
    let _ = process.kill();
    let _ = process.wait();
    let err = outcome.failed(1);
    assert!(err.contains("Heddle_Northbound"), "{err}");
}
