//! A switch of a test's own: ovsdb-server and ovs-vswitchd without a datapath of the kernel, with all their files in one
//! directory. Knows nothing of OpenFlow.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to start or answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A database server and a switch; dropped, they are gone with all their files.
pub struct PrivateSwitch {
    dir: tempfile::TempDir,
    children: Vec<Child>,
}

impl PrivateSwitch {
    /// Starts both, without a bridge; `options` are more options of ovs-vswitchd.
    ///
    /// # Panics
    /// If they do not start.
    #[must_use]
    pub fn start(options: &[String]) -> Self {
        let mut switch = Self {
            dir: tempfile::tempdir().unwrap(),
            children: Vec::new(),
        };
        let database = switch.dir().join("conf.db");
        switch.succeed(&[
            "ovsdb-tool",
            "create",
            &database.display().to_string(),
            "/usr/share/openvswitch/vswitch.ovsschema",
        ]);
        switch.spawn("ovsdb-server", &["--remote=punix:db.sock".into()]);
        switch.succeed(&["ovs-vsctl", "--no-wait", "init"]);
        let mut all = vec![
            "--disable-system".to_owned(),
            "--disable-system-route".to_owned(),
            "--enable-dummy".to_owned(),
        ];
        all.extend_from_slice(options);
        switch.spawn("ovs-vswitchd", &all);
        switch
    }

    /// Where its files and sockets are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A program that finds this switch, in its directory.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.dir())
            .env("OVS_RUNDIR", self.dir())
            .env("OVS_LOGDIR", self.dir())
            .env("OVS_DBDIR", self.dir())
            .env("OVS_SYSCONFDIR", self.dir())
            .env("OVS_CTL_TIMEOUT", PATIENCE.as_secs().to_string());
        command
    }

    /// Runs a program to its end.
    ///
    /// # Panics
    /// If it can not be run or fails.
    pub fn succeed(&self, argv: &[&str]) -> Output {
        let (program, arguments) = argv.split_first().unwrap();
        let output = self.command(program).args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{argv:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// Starts a server and waits until it takes commands.
    fn spawn(&mut self, program: &str, options: &[String]) {
        let child = self
            .command(program)
            .args(options)
            .args(["--no-chdir", "--pidfile"])
            .arg(format!("--log-file={program}.log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let control = self.dir().join(format!("{program}.{}.ctl", child.id()));
        self.children.push(child);
        let deadline = Instant::now() + PATIENCE;
        let pid = self.dir().join(format!("{program}.pid"));
        while !(control.exists() && pid.exists()) {
            assert!(Instant::now() < deadline, "{program} does not start");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for PrivateSwitch {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
