//! `heddle db`: the northbound database as a file and as a server. The server is Open vSwitch's own.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::render::emit;
use super::{Failure, Global};
use crate::northbound::SCHEMA;

const EXAMPLES_INIT: &str = "\
Examples:
  heddle db init                              # /var/lib/heddle/nb.db
  heddle db init --db ./nb.db                 # a database to try things with";

const EXAMPLES_SERVE: &str = "\
Examples:
  heddle db serve --init
      on this machine's socket /run/heddle/nb.sock, where the other commands look for it
  heddle db serve --remote punix:/run/heddle/nb.sock --remote ptcp:6650:192.0.2.1
      for other hosts too: `heddle --nb tcp:192.0.2.1:6650 network list`
  heddle db serve --remote pssl:6641 --private-key db-privkey.pem --certificate db-cert.pem --ca-cert cacert.pem
      with TLS, for whoever has a certificate of the same authority
  heddle db serve --init --db ./nb.db --remote punix:./nb.sock
      to try things: `heddle --nb unix:./nb.sock network list`";

/// What to do when Open vSwitch is not there.
const INSTALL: &str =
    "Open vSwitch's database programs are not installed: `apt-get install openvswitch-switch`";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create an empty northbound database
    #[command(after_help = EXAMPLES_INIT)]
    Init(File),
    /// Serve the database with ovsdb-server, in the foreground
    #[command(after_help = EXAMPLES_SERVE)]
    Serve(Serve),
    /// Print the schema of the database
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct File {
    /// The file that holds the database
    #[arg(long, default_value = "/var/lib/heddle/nb.db", value_name = "FILE")]
    db: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    file: File,
    /// Where to listen: punix:FILE, ptcp:PORT[:ADDRESS] or pssl:PORT[:ADDRESS]; can be given more than once
    #[arg(
        long,
        default_value = "punix:/run/heddle/nb.sock",
        value_name = "REMOTE"
    )]
    remote: Vec<String>,
    /// Create the database first if there is none
    #[arg(long)]
    init: bool,
}

impl Command {
    pub(super) fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Init(file) => {
                create(&file.db)?;
                emit(&format!(
                    "created {}: `heddle db serve` serves it\n",
                    file.db.display()
                ))
            }
            Self::Serve(serve) => serve.run(global),
            Self::Schema => emit(SCHEMA),
        }
    }
}

/// Creates an empty database.
fn create(db: &Path) -> Result<(), Failure> {
    if db.symlink_metadata().is_ok() {
        return Err(Failure::failed(format_args!(
            "{0} exists already: `heddle db serve` serves it; to begin anew, move it away first",
            db.display()
        )));
    }
    parent(db)?;
    let mut tool = process::Command::new("ovsdb-tool")
        .arg("create")
        .arg(db)
        .arg("/dev/stdin")
        .stdin(process::Stdio::piped())
        .stderr(process::Stdio::piped())
        .spawn()
        .map_err(|error| not_started("ovsdb-tool", &error))?;
    if let Some(mut stdin) = tool.stdin.take() {
        stdin
            .write_all(SCHEMA.as_bytes())
            .context("ovsdb-tool did not take the schema")?;
    }
    let output = tool
        .wait_with_output()
        .context("ovsdb-tool could not be waited for")?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::failed(format_args!(
        "{} could not be created: {}",
        db.display(),
        said.trim()
    )))
}

/// Makes sure that the directory of a file is there.
fn parent(file: &Path) -> Result<(), Failure> {
    let Some(parent) = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    else {
        return Ok(());
    };
    fs::create_dir_all(parent)
        .with_context(|| {
            format!(
                "directory {} could not be made: run as root, or name another place",
                parent.display()
            )
        })
        .map_err(Failure::from)
}

fn not_started(program: &str, error: &std::io::Error) -> Failure {
    if error.kind() == ErrorKind::NotFound {
        Failure::failed(INSTALL)
    } else {
        Failure::failed(format_args!("{program} could not be started: {error}"))
    }
}

impl Serve {
    /// Becomes ovsdb-server, so that signals and the exit status are the server's own.
    fn run(self, global: &Global) -> Result<(), Failure> {
        let tls = global.tls.tls()?;
        if let Some(remote) = self
            .remote
            .iter()
            .find(|remote| remote.starts_with("pssl:"))
            && tls.is_none()
        {
            return Err(Failure::input(format_args!(
                "--remote {remote}: TLS needs --private-key, --certificate and --ca-cert; `ovs-pki` makes them (ovs-pki(8))"
            )));
        }
        let db = &self.file.db;
        if let Some(active) = self.remote.iter().find(|remote| !remote.starts_with('p')) {
            return Err(Failure::input(format_args!(
                "--remote {active:?}, expected punix:FILE, ptcp:PORT[:ADDRESS] or pssl:PORT[:ADDRESS]: the server listens, commands connect"
            )));
        }
        if !db.exists() {
            if !self.init {
                return Err(Failure::failed(format_args!(
                    "there is no database {}: `heddle db init` creates it, or add --init",
                    db.display()
                )));
            }
            create(db)?;
        }
        let mut control = "none".to_owned();
        for remote in &self.remote {
            if let Some(socket) = remote.strip_prefix("punix:") {
                parent(Path::new(socket))?;
                control = format!("{socket}.ctl");
            }
        }
        let mut server = process::Command::new("ovsdb-server");
        server.arg(db).arg(format!("--unixctl={control}")).args([
            "-vsyslog:off",
            "-vfile:off",
            "-vconsole:warn",
        ]);
        for remote in &self.remote {
            server.arg(format!("--remote={remote}"));
        }
        if let Some(tls) = tls {
            for (flag, file) in [
                ("--private-key", tls.private_key),
                ("--certificate", tls.certificate),
                ("--ca-cert", tls.ca_certificates),
            ] {
                server.arg(flag).arg(file);
            }
        }
        eprintln!(
            "starting ovsdb-server for {} on {}",
            db.display(),
            self.remote.join(", ")
        );
        Err(not_started("ovsdb-server", &server.exec()))
    }
}
