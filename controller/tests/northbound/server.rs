//! A northbound database in a directory of its own, and commands that talk to it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The program under test.
pub(crate) const HEDDLE: &str = env!("CARGO_BIN_EXE_heddle");

/// How long a server has to start: a deadline for failure, not an expectation.
const START: Duration = Duration::from_secs(20);

/// A served database; ends with it.
pub(crate) struct Server {
    directory: tempfile::TempDir,
    process: Child,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Outcome {
    /// The standard output of a command that worked.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// The standard error of a command that ended with `code` and printed nothing else.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, "");
        self.err
    }
}

/// Runs `heddle` without any environment of the machine's.
pub(crate) fn heddle(arguments: &[&str], input: &str) -> Outcome {
    let mut child = Command::new(HEDDLE)
        .args(arguments)
        .env_remove("HEDDLE_NB")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap().into()
}

impl Server {
    pub(crate) fn start() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("heddle-nb-")
            .tempdir()
            .unwrap();
        let process = Command::new(HEDDLE)
            .args(["db", "serve", "--init", "--db"])
            .arg(directory.path().join("nb.db"))
            .arg("--remote")
            .arg(format!(
                "punix:{}",
                directory.path().join("nb.sock").display()
            ))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { directory, process };
        let deadline = Instant::now() + START;
        while !server.socket().exists() {
            assert!(Instant::now() < deadline, "the server does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// Stops the server where it stands: connections are taken, but nothing is answered.
    pub(crate) fn freeze(&self) {
        let stopped = Command::new("kill")
            .args(["-STOP", &self.process.id().to_string()])
            .status()
            .unwrap();
        assert!(stopped.success());
    }

    /// Ends the server; its database stays.
    pub(crate) fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("nb.sock")
    }

    /// What `--nb` takes.
    pub(crate) fn remote(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    /// Runs a command on this database.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(arguments, "")
    }

    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Outcome {
        let remote = self.remote();
        let arguments: Vec<&str> = ["--nb", remote.as_str()]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        heddle(&arguments, input)
    }

    pub(crate) fn apply(&self, document: &str) -> Outcome {
        self.run_with(&["apply", "-f", "-"], document)
    }

    /// What a command prints as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["-o", "json"]).collect();
        serde_json::from_str(&self.run(&arguments).ok()).unwrap()
    }

    /// Another program's transaction.
    pub(crate) fn transact(&self, operations: serde_json::Value) -> serde_json::Value {
        let mut transaction = vec![serde_json::json!("Heddle_Northbound")];
        transaction.extend(operations.as_array().unwrap().iter().cloned());
        let output = Command::new("ovsdb-client")
            .args([
                "transact",
                &self.remote(),
                &serde_json::Value::Array(transaction).to_string(),
            ])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let results: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        for result in results.as_array().unwrap() {
            assert!(result.get("error").is_none(), "{results}");
        }
        results
    }

    /// The number of the newest intent transaction.
    pub(crate) fn revision(&self) -> i64 {
        let found =
            self.transact(serde_json::json!([{"op": "select", "table": "NB_Global", "where": []}]));
        found[0]["rows"][0]["revision"].as_i64().unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
