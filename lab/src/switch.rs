//! One Open vSwitch installation: an ovsdb-server with a switch database and an ovs-vswitchd, in one namespace and one directory.
//! Knows nothing of what the bridges are for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::namespace::Namespace;
use crate::process::Process;
use crate::shared::lock;
use crate::{Error, Result, tool, wait};

/// Where Debian puts the schema of the switch database.
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// How long a daemon may take to answer after its start, on a busy machine.
const START: Duration = Duration::from_secs(20);

/// A running Open vSwitch on the userspace datapath.
pub struct Switch {
    name: String,
    namespace: Namespace,
    dir: PathBuf,
    database: Mutex<Option<Process>>,
    daemon: Mutex<Option<Process>>,
}

impl Switch {
    /// Starts both daemons, with an empty database.
    pub(crate) fn start(namespace: &Namespace, name: &str) -> Result<Self> {
        let dir = namespace.shared().make_dir(name)?;
        let switch = Self {
            name: name.to_owned(),
            namespace: namespace.clone(),
            dir,
            database: Mutex::new(None),
            daemon: Mutex::new(None),
        };
        tool::run(
            "ovsdb-tool",
            [
                OsStr::new("create"),
                switch.dir.join("conf.db").as_os_str(),
                OsStr::new(SCHEMA),
            ],
        )?;
        switch.start_database()?;
        switch.vsctl("--no-wait init")?;
        switch.start_daemon()?;
        Ok(switch)
    }

    /// The directory with its sockets: `db.sock` and, for each bridge, `BRIDGE.mgmt`.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The remote of its database, as OVS programs and heddle write it.
    #[must_use]
    pub fn remote(&self) -> String {
        format!("unix:{}", self.dir.join("db.sock").display())
    }

    /// Starts ovsdb-server on the database as it stands.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_database(&self) -> Result<()> {
        let mut command = self.command("ovsdb-server");
        command
            .arg("conf.db")
            .arg(format!("--remote=p{}", self.remote()))
            .args(DAEMON);
        let process = self.start_process("ovsdb-server", command)?;
        self.wait_for_socket("db.sock", &process)?;
        *lock(&self.database) = Some(process);
        Ok(())
    }

    /// Starts ovs-vswitchd and waits until it has applied the database.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_daemon(&self) -> Result<()> {
        let mut command = self.command("ovs-vswitchd");
        command.arg(self.remote()).args(DAEMON);
        let process = self.start_process("ovs-vswitchd", command)?;
        // `init` with waiting returns once the daemon has acknowledged the newest configuration.
        let first = self.vsctl("init");
        process.check()?;
        first?;
        *lock(&self.daemon) = Some(process);
        Ok(())
    }

    /// Ends ovsdb-server with `signal`; the switch keeps forwarding.
    ///
    /// # Errors
    /// When it does not run or does not end.
    pub fn end_database(&self, signal: Signal) -> Result<()> {
        self.end(&self.database, "ovsdb-server", signal)
    }

    /// Ends ovs-vswitchd with `signal`; its flows are lost.
    ///
    /// # Errors
    /// When it does not run or does not end.
    pub fn end_daemon(&self, signal: Signal) -> Result<()> {
        self.end(&self.daemon, "ovs-vswitchd", signal)
    }

    fn end(&self, slot: &Mutex<Option<Process>>, program: &str, signal: Signal) -> Result<()> {
        match lock(slot).take() {
            Some(process) => process.end(signal),
            None => Err(Error::Died {
                name: format!("{program} of {}", self.name),
                log: String::new(),
            }),
        }
    }

    /// `ovs-vsctl` on this switch, the arguments as one line. Waits until the switch has done what was asked.
    ///
    /// # Errors
    /// What `ovs-vsctl` says, or that it took more than 20 s.
    pub fn vsctl(&self, args: &str) -> Result<String> {
        self.vsctl_args(tool::words(args))
    }

    /// [`vsctl`](Self::vsctl) with arguments that hold spaces.
    ///
    /// # Errors
    /// As [`vsctl`](Self::vsctl).
    pub fn vsctl_args<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<String> {
        let mut command = self.command("ovs-vsctl");
        command
            .arg(format!("--db={}", self.remote()))
            .arg(format!("--timeout={}", START.as_secs()))
            .args(args);
        tool::output(&mut command)
    }

    /// `ovs-ofctl COMMAND BRIDGE ARGS`.
    ///
    /// # Errors
    /// What `ovs-ofctl` says.
    pub fn ofctl(&self, command: &str, bridge: &str, args: &[&str]) -> Result<String> {
        let target = format!("unix:{}", self.dir.join(format!("{bridge}.mgmt")).display());
        let mut ofctl = self.command("ovs-ofctl");
        ofctl
            .args(["-O", "OpenFlow13"])
            .args(tool::words(command))
            .arg(target)
            .args(args);
        tool::output(&mut ofctl)
    }

    /// `ovs-appctl` on ovs-vswitchd.
    ///
    /// # Errors
    /// What `ovs-appctl` says.
    pub fn appctl(&self, args: &[&str]) -> Result<String> {
        let mut command = self.command("ovs-appctl");
        command
            .arg(format!(
                "--target={}",
                self.dir.join("ovs-vswitchd.ctl").display()
            ))
            .args(args);
        tool::output(&mut command)
    }

    /// Flows of a bridge in the syntax of `ovs-ofctl`, a line each, sorted, without statistics.
    ///
    /// # Errors
    /// What `ovs-ofctl` says.
    pub fn flows(&self, bridge: &str) -> Result<Vec<String>> {
        let text = self.ofctl("--no-stats --no-names dump-flows", bridge, &[])?;
        let mut flows: Vec<_> = text
            .lines()
            .filter(|l| l.contains("actions="))
            .map(|l| l.trim().to_owned())
            .collect();
        flows.sort();
        Ok(flows)
    }

    /// How many packets have come in that the switch never saw, for it did not run for longer than the kernel keeps packets
    /// for it: a port's socket has room for some 256 small ones (`net.core.rmem_default`). It stands still while the machine
    /// is busy elsewhere, or while it waits for the kernel's lock on network devices (RTNL), which whoever removes
    /// namespaces may hold for seconds.
    ///
    /// # Errors
    /// What `ss` says.
    pub fn unread_packets(&self) -> Result<u64> {
        let arguments = ["--packet", "--memory", "--numeric", "--no-header"];
        let text = self.namespace.run(|| tool::run("ss", arguments))?;
        // ss(8): skmem:(r0,rb212992,...,d0), where d is what was dropped before it was read.
        let sockets = text.split("skmem:(").skip(1);
        let dropped = sockets.filter_map(|socket| {
            let (memory, _) = socket.split_once(')')?;
            let (_, dropped) = memory.rsplit_once(",d")?;
            dropped.parse::<u64>().ok()
        });
        Ok(dropped.sum())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = if program == "ovs-vswitchd" {
            // The priority that ovs-ctl(8) gives it.
            let mut command = Command::new("nice");
            command.args(["-n", "-10", program]);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.dir);
        for variable in ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"] {
            command.env(variable, &self.dir);
        }
        if program.starts_with("ovs-vswitchd") || program.starts_with("ovsdb-server") {
            command.arg(format!(
                "--unixctl={}",
                self.dir.join(format!("{program}.ctl")).display()
            ));
            command.arg(format!(
                "--log-file={}",
                self.dir.join(format!("{program}.log")).display()
            ));
        }
        command
    }

    fn start_process(&self, program: &str, command: Command) -> Result<Process> {
        let log = self.dir.join(format!("{program}.out.log"));
        Process::start(
            &self.namespace,
            &format!("{program} of {}", self.name),
            command,
            &log,
        )
    }

    fn wait_for_socket(&self, name: &str, process: &Process) -> Result<()> {
        let path = self.dir.join(name);
        wait::until_true(
            &format!("{} accepts connections", path.display()),
            START,
            || {
                process.check()?;
                Ok(std::os::unix::net::UnixStream::connect(&path).is_ok())
            },
        )
    }
}

/// Options of both daemons: nothing to the system's log or the terminal.
const DAEMON: [&str; 2] = ["-vsyslog:off", "-vconsole:warn"];
