//! Processes that belong to a lab: started in a namespace, as the leader of their own process group, with a log.

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::ledger::ProcessId;
use crate::namespace::Namespace;
use crate::shared::lock;
use crate::{Error, Result, tool, wait};

/// A running program of the lab.
pub struct Process {
    name: String,
    id: ProcessId,
    child: Arc<Mutex<Child>>,
    log: PathBuf,
}

impl Process {
    /// Starts `command` in `namespace`; what it prints is added to the file `log`.
    pub(crate) fn start(
        namespace: &Namespace,
        name: &str,
        mut command: Command,
        log: &Path,
    ) -> Result<Self> {
        let what = format!("start `{}`", tool::line(&command));
        let file = OpenOptions::new().create(true).append(true).open(log);
        let file = file.map_err(Error::io(format!("write {}", log.display())))?;
        let again = file
            .try_clone()
            .map_err(Error::io(format!("write {}", log.display())))?;
        command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(again)
            .process_group(0);
        // The ledger is held from before the start until the process is in it: a tear-down never misses one.
        let mut ledger = namespace.shared().ledger();
        ledger.check_open()?;
        let child = namespace.run(|| command.spawn().map_err(Error::io(what)))?;
        let id = i32::try_from(child.id()).ok().and_then(ProcessId::of);
        let id = id.ok_or_else(|| Error::Died {
            name: name.to_owned(),
            log: tail(log),
        })?;
        ledger.process(id)?;
        drop(ledger);
        let child = Arc::new(Mutex::new(child));
        namespace.shared().adopt(&child);
        Ok(Self {
            name: name.to_owned(),
            id,
            child,
            log: log.to_owned(),
        })
    }

    /// [`Error::Died`] when it has ended.
    ///
    /// # Errors
    /// See above.
    pub fn check(&self) -> Result<()> {
        if self.id.is_alive() {
            return Ok(());
        }
        Err(Error::Died {
            name: self.name.clone(),
            log: tail(&self.log),
        })
    }

    /// Sends `signal` to it and what it has started.
    pub fn signal(&self, signal: Signal) {
        self.id.signal_group(signal);
    }

    /// Sends `signal` and waits until it has ended.
    ///
    /// # Errors
    /// When it does not end.
    pub fn end(&self, signal: Signal) -> Result<()> {
        self.signal(signal);
        wait::until_true(
            &format!("{} ends", self.name),
            Duration::from_secs(10),
            || Ok(!self.id.is_alive()),
        )?;
        lock(&self.child)
            .wait()
            .map(drop)
            .map_err(Error::io(format!("wait for {}", self.name)))
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(15)..)
        .unwrap_or_default()
        .join("\n")
}
