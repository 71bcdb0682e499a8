//! A whole site of heddle in a lab: hosts, a northbound database and an agent on every host, started and stopped. Knows heddle as a
//! user does: by its program, its settings and what its commands print.

mod commands;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::host::{Host, HostPlan};
use crate::lab::Lab;
use crate::process::Process;
use crate::shared::lock;
use crate::wire::Wire;
use crate::{Error, Result, binary, wait};

pub use commands::{Ended, HostView, PortView};

/// How long heddle may take for what a person would wait for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running site.
pub struct Site {
    // Hosts and agents are declared before the lab: it ends last.
    agents: Mutex<BTreeMap<String, Process>>,
    northbound: Mutex<Option<Process>>,
    hosts: Vec<Arc<Host>>,
    wires: Vec<Wire>,
    binary: PathBuf,
    remote: String,
    lab: Lab,
}

impl Site {
    /// Boots a lab with `hosts` hosts, each with a provider bridge `br-NAME` on a shared wire for each name in `providers`, a
    /// northbound database and all agents.
    ///
    /// # Errors
    /// When a part of it does not come up.
    pub fn start(purpose: &str, hosts: u8, providers: &[&str]) -> Result<Self> {
        let lab = Lab::new(purpose)?;
        let mut plan = HostPlan::new();
        for name in providers {
            plan = plan.provider(&lab.wire(name)?);
        }
        let site = Self::boot(lab, hosts, plan)?;
        site.start_heddle()?;
        Ok(site)
    }

    /// Boots hosts as planned in a lab, that know where the northbound database will be; starts neither it nor agents.
    ///
    /// # Errors
    /// When a host does not come up or there is no `heddle` program.
    pub fn boot(lab: Lab, hosts: u8, plan: HostPlan) -> Result<Self> {
        let binary = binary::heddle()?.to_owned();
        let remote = format!("unix:{}", lab.dir().join("northbound/nb.sock").display());
        let wires = plan.wires().cloned().collect();
        let hosts = lab.hosts(hosts, &plan.northbound(&remote))?;
        Ok(Self {
            agents: Mutex::default(),
            northbound: Mutex::default(),
            hosts,
            wires,
            binary,
            remote,
            lab,
        })
    }

    /// Starts the northbound database and every host's agent, and waits until all hosts have registered.
    ///
    /// # Errors
    /// When one of them does not come up.
    pub fn start_heddle(&self) -> Result<()> {
        self.start_database()?;
        self.hosts
            .iter()
            .try_for_each(|host| self.start_agent(host))?;
        self.wait_for_hosts()
    }

    /// The lab that it is in.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The hosts, `h1` first.
    #[must_use]
    pub fn hosts(&self) -> &[Arc<Host>] {
        &self.hosts
    }

    /// The host `hN`.
    ///
    /// # Errors
    /// When there is none.
    pub fn host(&self, number: u8) -> Result<&Arc<Host>> {
        let at = usize::from(number).checked_sub(1);
        at.and_then(|at| self.hosts.get(at))
            .ok_or_else(|| Error::unexpected("host", format!("h{number}"), "one that was booted"))
    }

    /// A wire that the hosts have provider bridges on.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn wire(&self, name: &str) -> Result<&Wire> {
        let wire = self.wires.iter().find(|wire| wire.name() == name);
        wire.ok_or_else(|| Error::unexpected("wire", name, "one that the hosts were planned with"))
    }

    /// Where the northbound database is.
    #[must_use]
    pub fn remote(&self) -> &str {
        &self.remote
    }

    /// The program under test.
    #[must_use]
    pub fn binary(&self) -> &std::path::Path {
        &self.binary
    }

    /// Starts the northbound database, with what it held before.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_database(&self) -> Result<()> {
        let dir = self.lab.shared().make_dir("northbound")?;
        let mut command = Command::new(&self.binary);
        command
            .args(["db", "serve", "--init", "--db"])
            .arg(dir.join("nb.db"));
        command.arg("--remote").arg(format!("p{}", self.remote));
        let process = Process::start(
            self.lab.fabric(),
            "the northbound database",
            command,
            &dir.join("northbound.log"),
        )?;
        let socket = dir.join("nb.sock");
        wait::until_true(
            "the northbound database accepts connections",
            PATIENCE,
            || {
                process.check()?;
                Ok(std::os::unix::net::UnixStream::connect(&socket).is_ok())
            },
        )?;
        *lock(&self.northbound) = Some(process);
        Ok(())
    }

    /// Ends the northbound database.
    ///
    /// # Errors
    /// When it does not run or does not end.
    pub fn stop_database(&self) -> Result<()> {
        match lock(&self.northbound).take() {
            Some(process) => process.end(Signal::SIGTERM),
            None => Err(Error::unexpected(
                "the northbound database",
                "not running",
                "running",
            )),
        }
    }

    /// Starts the agent of a host.
    ///
    /// # Errors
    /// When the program can not be started.
    pub fn start_agent(&self, host: &Host) -> Result<()> {
        let dir = self.lab.shared().make_dir(host.name())?;
        let mut command = Command::new(&self.binary);
        command.args(["agent", "--ovs", &host.remote(), "--runtime-dir"]);
        command.arg(&dir).arg("--state-dir").arg(&dir);
        command.env(
            "RUST_LOG",
            std::env::var("HEDDLE_LAB_LOG").unwrap_or_else(|_| "info".to_owned()),
        );
        let name = format!("the agent of {}", host.name());
        let process = Process::start(host.namespace(), &name, command, &dir.join("agent.log"))?;
        lock(&self.agents).insert(host.name().to_owned(), process);
        Ok(())
    }

    /// Ends the agent of a host with `signal`.
    ///
    /// # Errors
    /// When it does not run or does not end.
    pub fn stop_agent(&self, host: &Host, signal: Signal) -> Result<()> {
        match lock(&self.agents).remove(host.name()) {
            Some(process) => process.end(signal),
            None => Err(Error::unexpected(
                format!("the agent of {}", host.name()),
                "not running",
                "running",
            )),
        }
    }

    /// [`Error::Died`] if an agent has ended by itself.
    ///
    /// # Errors
    /// See above.
    pub fn check_agents(&self) -> Result<()> {
        lock(&self.agents).values().try_for_each(Process::check)
    }

    /// What the agent of a host has logged, over all its starts.
    ///
    /// # Errors
    /// When it was never started.
    pub fn agent_log(&self, host: &Host) -> Result<String> {
        let path = self.lab.dir().join(host.name()).join("agent.log");
        std::fs::read_to_string(&path).map_err(Error::io(format!("read {}", path.display())))
    }
}

impl Site {
    /// Copies all logs, and what switches and database hold at this moment, to a directory below the system's temporary one.
    ///
    /// # Errors
    /// When a file can not be copied.
    pub fn save_logs(&self) -> Result<PathBuf> {
        self.write_state();
        self.lab.save_logs()
    }

    /// Puts beside each host's logs what its switch holds. A host may be what failed, so errors are written down like answers.
    fn write_state(&self) {
        let text = |answer: Result<String>| answer.unwrap_or_else(|error| error.to_string());
        for host in &self.hosts {
            let mut state = text(host.vsctl("show"));
            for bridge in host.vsctl("list-br").unwrap_or_default().lines() {
                let flows = text(host.ofctl("--names dump-flows", bridge, &[]));
                state += &format!("\n--- {bridge}\n{flows}");
            }
            let _ = std::fs::write(self.lab.dir().join(host.name()).join("state.txt"), state);
        }
        let state = ["host", "port"]
            .map(|kind| text(self.heddle(&[kind, "show"])))
            .join("\n");
        let _ = std::fs::write(self.lab.dir().join("northbound").join("state.txt"), state);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The lab, which is dropped next, saves it with the logs.
            self.write_state();
        }
    }
}
