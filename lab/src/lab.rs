//! [`Lab`]: the owner of everything. Makes wires, hosts, endpoints; takes all of it down when dropped.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use crate::endpoint::Endpoint;
use crate::host::{Host, HostPlan};
use crate::namespace::Namespace;
use crate::outside::Outside;
use crate::shared::Shared;
use crate::station::Identity;
use crate::wire::Wire;
use crate::{Error, Result};

/// One lab. Dropping it ends every process and removes every namespace, interface and file it has made, and nothing else;
/// so do SIGINT and SIGTERM. When it is dropped by a panic, the logs are kept and the panic's output says where.
pub struct Lab {
    shared: Arc<Shared>,
    fabric: Namespace,
    underlay: Wire,
    hosts: std::sync::atomic::AtomicU8,
}

impl Lab {
    /// An empty lab with nothing but the underlay wire. `purpose` names saved logs.
    ///
    /// # Errors
    /// When this is not root, or `ip` or the kernel refuse.
    pub fn new(purpose: &str) -> Result<Self> {
        if !nix::unistd::geteuid().is_root() {
            return Err(Error::unexpected(
                "user",
                nix::unistd::geteuid().to_string(),
                "root: namespaces need it",
            ));
        }
        let shared = Shared::create(purpose)?;
        let started = Namespace::create(&shared, "fabric").and_then(|fabric| {
            fabric.set("net/ipv6/conf/default/disable_ipv6", "1")?;
            let underlay = Wire::create(&fabric, "underlay")?;
            Ok((fabric, underlay))
        });
        match started {
            Ok((fabric, underlay)) => Ok(Self {
                shared,
                fabric,
                underlay,
                hosts: 0.into(),
            }),
            Err(error) => {
                shared.tear_down()?;
                Err(error)
            }
        }
    }

    /// Its name, unique on this machine: namespaces are called `hl-ID-...`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.shared.id()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The directory of everything in it, one directory a host.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.shared.dir()
    }

    /// The wire that carries the tunnels.
    #[must_use]
    pub fn underlay(&self) -> &Wire {
        &self.underlay
    }

    /// The namespace of the wires; also the place for programs that need no host.
    #[must_use]
    pub fn fabric(&self) -> &Namespace {
        &self.fabric
    }

    /// A new shared wire.
    ///
    /// # Errors
    /// When the name is longer than 13 characters or taken.
    pub fn wire(&self, name: &str) -> Result<Wire> {
        Wire::create(&self.fabric, name)
    }

    /// Boots `count` hosts at once, named `h1`, `h2`, ... in the order of making.
    ///
    /// # Errors
    /// The first host that does not come up.
    pub fn hosts(&self, count: u8, plan: &HostPlan) -> Result<Vec<Arc<Host>>> {
        let first = self
            .hosts
            .fetch_add(count, std::sync::atomic::Ordering::Relaxed);
        let numbers: Vec<u8> = (1..=count).map(|n| first.saturating_add(n)).collect();
        in_parallel(&numbers, |number| {
            Host::start(&self.shared, &self.underlay, *number, plan).map(Arc::new)
        })
    }

    /// Plugs a new endpoint into a host's `br-int`, and waits for the bridge if it is not there yet.
    ///
    /// # Errors
    /// When an endpoint of that name exists, or `ip` or `ovs-vsctl` refuse.
    pub fn plug(&self, host: &Arc<Host>, identity: Identity) -> Result<Endpoint> {
        Endpoint::plug_new(&self.shared, host, identity)
    }

    /// A machine on a wire that speaks untagged frames.
    ///
    /// # Errors
    /// As [`plug`](Self::plug).
    pub fn outside(&self, wire: &Wire, identity: Identity) -> Result<Outside> {
        Outside::untagged(&self.shared, wire, identity)
    }

    /// A machine on a wire that speaks 802.1Q with this VLAN id.
    ///
    /// # Errors
    /// As [`plug`](Self::plug).
    pub fn outside_vlan(&self, wire: &Wire, vlan: u16, identity: Identity) -> Result<Outside> {
        Outside::tagged(&self.shared, wire, vlan, identity)
    }

    /// Leaves everything up when the lab is dropped; `heddle-lab down` removes it.
    ///
    /// # Errors
    /// When the ledger can not be written.
    pub fn keep(&self) -> Result<()> {
        self.shared.keep()
    }

    /// Takes the lab down now, with an error if something stays.
    ///
    /// # Errors
    /// The first thing that could not be removed.
    pub fn tear_down(self) -> Result<()> {
        self.shared.tear_down()
    }

    /// Copies all logs to a directory below the system's temporary one.
    ///
    /// # Errors
    /// When a file can not be copied.
    pub fn save_logs(&self) -> Result<PathBuf> {
        self.shared.save_logs()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        Shared::stay_if_interrupted();
        if self.shared.is_kept() {
            return;
        }
        if thread::panicking() {
            match self.shared.save_logs() {
                Ok(dir) => eprintln!("lab {}: logs are in {}", self.id(), dir.display()),
                Err(error) => eprintln!("lab {}: no logs: {error}", self.id()),
            }
        }
        if let Err(error) = self.shared.tear_down() {
            eprintln!("lab {}: {error}", self.id());
        }
    }
}

/// `work` on every item at once, a thread each; the results in order.
///
/// # Errors
/// The first error, in order.
pub fn in_parallel<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let workers: Vec<_> = items
            .iter()
            .map(|item| scope.spawn(|| work(item)))
            .collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Result<T>>| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        // Every thread is joined before the first error counts.
        let results: Vec<_> = workers.into_iter().map(join).collect();
        results.into_iter().collect()
    })
}
