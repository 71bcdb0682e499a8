//! Network namespaces: made with `ip netns add`, entered by plain threads. Knows nothing of switches.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use nix::sched::{CloneFlags, setns};

use crate::shared::Shared;
use crate::{Error, Result, tool};

/// One network namespace of a lab. It goes when the lab goes.
#[derive(Clone)]
pub struct Namespace {
    name: String,
    path: PathBuf,
    shared: Arc<Shared>,
}

impl Namespace {
    /// Makes a namespace whose interfaces keep quiet: no address autoconfiguration, no duplicate address detection.
    pub(crate) fn create(shared: &Arc<Shared>, short: &str) -> Result<Self> {
        let name = format!("hl-{}-{short}", shared.id());
        {
            let mut ledger = shared.ledger();
            ledger.namespace(&name)?;
            tool::run("ip", ["netns", "add", &name])?;
        }
        let path = Path::new("/run/netns").join(&name);
        let namespace = Self {
            name,
            path,
            shared: Arc::clone(shared),
        };
        namespace.set("net/ipv6/conf/default/accept_ra", "0")?;
        namespace.set("net/ipv6/conf/default/autoconf", "0")?;
        namespace.set("net/ipv6/conf/default/accept_dad", "0")?;
        namespace.set("net/ipv6/conf/default/router_solicitations", "0")?;
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Its name for `ip netns exec`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Runs `work` in the namespace, on a thread of its own, and waits for it. Sockets that it opens and processes that it
    /// starts belong to the namespace for ever.
    ///
    /// # Errors
    /// When the namespace can not be entered, or `work`'s own error.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                self.enter()?;
                work()
            });
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Moves the calling thread into the namespace, for good.
    pub(crate) fn enter(&self) -> Result<()> {
        let file =
            File::open(&self.path).map_err(Error::io(format!("open namespace {}", self.name)))?;
        setns(file, CloneFlags::CLONE_NEWNET)
            .map_err(Error::errno(format!("enter namespace {}", self.name)))
    }

    /// `ip -n NAMESPACE ARGS`, the arguments as one line.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn ip(&self, args: &str) -> Result<String> {
        tool::run(
            "ip",
            ["-n", &self.name].into_iter().chain(tool::words(args)),
        )
    }

    /// Writes the kernel parameter `key` (a path below `/proc/sys`) of this namespace.
    ///
    /// # Errors
    /// When there is no such parameter or the value is refused.
    pub fn set(&self, key: &str, value: &str) -> Result<()> {
        let path = Path::new("/proc/sys").join(key);
        let what = format!("set {key} to {value} in namespace {}", self.name);
        self.run(|| fs::write(path, value).map_err(Error::io(what)))
    }

    /// Turns off the checksum and segmentation offload of sending on `nic`: packets between userspace switches must be whole.
    pub(crate) fn offload_off(&self, nic: &str) -> Result<()> {
        self.run(|| tool::run("ethtool", ["-K", nic, "tx", "off"]).map(drop))
    }
}
