//! What all parts of one lab share: its name, its directory, its ledger. Tears the lab down, also on SIGINT and SIGTERM.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::{fs, thread};

use tokio::signal::unix::{SignalKind, signal};

use crate::ledger::{self, Ledger, ProcessId};
use crate::{Error, Result};

/// The labs of this process that stand, for the signal handler.
static STANDING: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// A signal has come: the handler tears down and ends the process, and nobody else should say why things fail meanwhile.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The common part of a lab.
pub(crate) struct Shared {
    id: String,
    purpose: String,
    dir: PathBuf,
    ledger: Mutex<Ledger>,
    children: Mutex<Vec<Arc<Mutex<Child>>>>,
    next: AtomicU32,
    keep: AtomicBool,
}

impl Shared {
    pub(crate) fn create(purpose: &str) -> Result<Arc<Self>> {
        watch_signals();
        ledger::remove_abandoned()?;
        let (id, ledger) = Ledger::create()?;
        let dir = ledger.dir().to_owned();
        let shared = Arc::new(Self {
            id,
            purpose: purpose.to_owned(),
            dir,
            ledger: Mutex::new(ledger),
            children: Mutex::default(),
            next: AtomicU32::new(0),
            keep: AtomicBool::new(false),
        });
        lock(&STANDING).push(Arc::downgrade(&shared));
        Ok(shared)
    }

    /// Unique among the labs that stand on this machine.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Where processes of the lab keep their files; short, so that sockets fit in.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A directory for one part of the lab.
    pub(crate) fn make_dir(&self, name: &str) -> Result<PathBuf> {
        let dir = self.dir.join(name);
        self.ledger().check_open()?;
        fs::create_dir_all(&dir).map_err(Error::io(format!("make {}", dir.display())))?;
        Ok(dir)
    }

    /// The next number that nothing else in the lab has.
    pub(crate) fn number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// Leaves everything up when the owner ends.
    pub(crate) fn keep(&self) -> Result<()> {
        self.ledger().keep()?;
        self.keep.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Does not return once a signal has come.
    pub(crate) fn stay_if_interrupted() {
        while INTERRUPTED.load(Ordering::SeqCst) {
            thread::park();
        }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.keep.load(Ordering::Relaxed)
    }

    /// Ends and removes all that the lab has made. Nothing can be made in it afterwards.
    pub(crate) fn tear_down(&self) -> Result<()> {
        self.ledger().close();
        let Some(lab) = ledger::find(&self.id)? else {
            return Ok(());
        };
        let removed = lab.tear_down();
        for child in lock(&self.children).drain(..) {
            // Its exit status is taken so that no zombie stays. One that would not even be killed is not waited for.
            let mut child = lock(&child);
            if !ProcessId::of(child.id().cast_signed()).is_some_and(ProcessId::is_alive) {
                let _ = child.wait();
            }
        }
        removed
    }

    /// Takes note of a child whose exit status somebody has to take in the end.
    pub(crate) fn adopt(&self, child: &Arc<Mutex<Child>>) {
        lock(&self.children).push(Arc::clone(child));
    }

    /// Copies the logs to a place that outlives the lab.
    pub(crate) fn save_logs(&self) -> Result<PathBuf> {
        let to = std::env::temp_dir().join(format!("heddle-lab-{}-{}", self.purpose, self.id));
        for part in fs::read_dir(&self.dir)
            .map_err(Error::io(format!("read {}", self.dir.display())))?
            .flatten()
        {
            let Ok(files) = fs::read_dir(part.path()) else {
                continue;
            };
            for file in files.flatten() {
                let is_log = file
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "log" || extension == "txt");
                if !is_log {
                    continue;
                }
                let target = to.join(part.file_name());
                fs::create_dir_all(&target)
                    .map_err(Error::io(format!("make {}", target.display())))?;
                let copied = fs::copy(file.path(), target.join(file.file_name()));
                copied.map_err(Error::io(format!("copy {}", file.path().display())))?;
            }
        }
        Ok(to)
    }
}

/// A lock that a panic in another thread does not spoil: all that it guards stays whole at every step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From the first lab on, SIGINT and SIGTERM tear down what stands and then end the process.
fn watch_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        thread::spawn(|| match wait_for_signal() {
            Ok(number) => {
                INTERRUPTED.store(true, Ordering::SeqCst);
                let standing: Vec<_> = lock(&STANDING).iter().filter_map(Weak::upgrade).collect();
                for lab in standing.iter().filter(|lab| !lab.is_kept()) {
                    if let Err(error) = lab.tear_down() {
                        eprintln!("lab {}: {error}", lab.id);
                    }
                }
                std::process::exit(128 + number);
            }
            Err(error) => eprintln!("signals will not tear the lab down: {error}"),
        });
    });
}

/// Waits for SIGINT or SIGTERM; its number.
fn wait_for_signal() -> std::io::Result<i32> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
        })
    })
}
