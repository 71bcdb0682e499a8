//! When the last known intent is written to its file, and when it is used: so that an agent that starts while the northbound
//! database is out of reach keeps the host working, endpoints that are plugged in meanwhile included.
//!
//! # When it is written
//!
//! Some time after the intent has changed ([`DELAY`]), at most once in [`INTERVAL`], and when the agent is told to stop.
//! What hosts report of themselves is no intent. Disks are slow, so another thread writes, and the loop goes on.
//!
//! # When it is used
//!
//! All of these must hold; otherwise the agent does what it does without a file: it changes nothing and waits.
//!
//! 1. The northbound database has not answered in this life of the agent, for [`GRACE`] since the settings are known.
//!    Once it answers it alone counts, from then on.
//! 2. The file is whole, and was written for this host's name and for just these remotes.
//! 3. It is not behind. From the moment that newer intent is acted on until the file has it, the agent's lock (on a
//!    file system in memory, so that this costs nothing) notes that the file is behind; then it notes the file's checksum.
//!    A file that is older than the flows of the switch would take away what it does not know: it is not used. Only after
//!    the machine has been started anew, when there are no flows to lose, does a file without such a note count.
//!
//! So a file is never a reason to take away what a newer intent has put there. With it, all works as with a database but
//! that nothing is reported.

use std::path::PathBuf;
use std::time::Duration;

use ovsdb_client::replica::Row;
use ovsdb_client::{Changes, RowChange};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

use super::Agent;
use super::intent_file::{self, IntentFileError, Kept, Origin, is_kept};
use super::status::Source;
use crate::model::Settings;
use crate::northbound::Mirror;

/// How long after a change the file is written: others often follow.
const DELAY: Duration = Duration::from_secs(1);
/// The least time between two writings, and before the next try after one that failed.
const INTERVAL: Duration = Duration::from_secs(10);
/// How long the northbound database has before the file is used.
const GRACE: Duration = Duration::from_secs(5);
/// How long an agent that was told to stop waits for the file to be written.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// What the lock notes of a file that is not what is acted on: as long as a checksum.
const BEHIND: &str = "behind----------";

/// What came of work on another thread.
#[derive(Debug)]
pub(super) enum Outcome {
    Written(std::io::Result<String>),
    Read(Result<Option<Box<Kept>>, IntentFileError>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recall {
    /// The file may be needed.
    Before,
    /// It will be needed then.
    At(Instant),
    /// It is being read, was read, or will not be needed.
    Done,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Keeper {
    path: PathBuf,
    boot: String,
    /// What the agent before this one has noted.
    noted: Option<String>,
    recall: Recall,
    /// The file is behind.
    changed: bool,
    /// When it may be written.
    write_at: Option<Instant>,
    writing: bool,
    outcomes: (
        mpsc::UnboundedSender<Outcome>,
        mpsc::UnboundedReceiver<Outcome>,
    ),
}

impl Keeper {
    pub(super) fn new(path: PathBuf, noted: Option<String>) -> Self {
        // A machine that does not say has one boot: then only the note counts.
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self {
            path,
            boot: boot.trim().to_owned(),
            noted,
            recall: Recall::Before,
            changed: false,
            write_at: None,
            writing: false,
            outcomes: mpsc::unbounded_channel(),
        }
    }

    /// What came of work on another thread. Cancel-safe.
    pub(super) async fn outcome(&mut self) -> Option<Outcome> {
        self.outcomes.1.recv().await
    }

    /// When something is due even if nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let read = match self.recall {
            Recall::At(at) => Some(at),
            Recall::Before | Recall::Done => None,
        };
        let write = self.write_at.filter(|_| !self.writing);
        [read, write].into_iter().flatten().min()
    }

    /// Why a file is not to be used here, if so.
    fn objection(&self, settings: &Settings, kept: &Kept) -> Option<String> {
        let Origin {
            host,
            remotes,
            boot,
            ..
        } = &kept.origin;
        if *host != settings.host {
            return Some(format!(
                "it was written for the host {host:?}, and this one is {:?}",
                settings.host
            ));
        }
        if *remotes != remotes_of(settings) {
            return Some(format!(
                "it came from {}, and the database is elsewhere now",
                remotes.join(",")
            ));
        }
        let flows_are_gone = !self.boot.is_empty() && *boot != self.boot;
        if !flows_are_gone && self.noted.as_ref() != Some(&kept.checksum) {
            return Some("it may be older than what is on the switch".to_owned());
        }
        None
    }
}

/// The remotes as the file has them.
fn remotes_of(settings: &Settings) -> Vec<String> {
    settings.nb.iter().map(ToString::to_string).collect()
}

/// True if what the file holds is another after these changes.
fn concern_intent(changes: &Changes) -> bool {
    let differs = |change: &RowChange| match change {
        RowChange::Inserted { .. } | RowChange::Deleted { .. } => true,
        RowChange::Modified { new, .. } => change
            .columns()
            .any(|(column, _, _)| is_kept(new.table(), column)),
    };
    changes.iter().any(differs)
}

impl Agent {
    /// The northbound database has said something, for the first time if `synced`. To be called before anything is done
    /// with it.
    pub(super) fn intent_changed(&mut self, changes: &Changes, synced: bool) {
        if synced || concern_intent(changes) {
            self.intent_is_behind();
        }
        self.keeper.recall = Recall::Done;
    }

    /// What is acted on is not what the file says.
    fn intent_is_behind(&mut self) {
        if !self.keeper.changed {
            self.keeper.changed = true;
            self.note(BEHIND);
        }
        let at = Instant::now() + DELAY;
        self.keeper.write_at.get_or_insert(at);
    }

    fn note(&mut self, text: &str) {
        if let Err(error) = self.options.runtime.note(text) {
            warn!("the agent's lock takes no note: {error}");
        }
    }

    /// Does what is due for the file.
    pub(super) fn keep_intent(&mut self, now: Instant) {
        if self.keeper.recall == Recall::Before && self.settings.is_some() {
            self.keeper.recall = Recall::At(now + GRACE);
        }
        if matches!(self.keeper.recall, Recall::At(at) if at <= now) {
            self.keeper.recall = Recall::Done;
            let (path, outcome) = (self.keeper.path.clone(), self.keeper.outcomes.0.clone());
            spawn_blocking(move || {
                let read = intent_file::read(&path).map(|kept| kept.map(Box::new));
                // The agent has ended when nobody takes it.
                let _ = outcome.send(Outcome::Read(read));
            });
        }
        if !self.keeper.writing && self.keeper.write_at.is_some_and(|at| at <= now) {
            self.keeper.write_at = None;
            self.write_intent();
        }
    }

    fn write_intent(&mut self) {
        let (Some(settings), Some(northbound)) = (&self.settings, &self.northbound) else {
            return;
        };
        // Rows of a database that has not answered yet are none.
        if !northbound.known {
            return;
        }
        let origin = Origin {
            host: settings.host.clone(),
            remotes: remotes_of(settings),
            boot: self.keeper.boot.clone(),
            revision: self
                .mirror
                .as_ref()
                .map_or(0, |mirror| mirror.site().revision),
        };
        // To copy a row is to count a reference.
        let tables = northbound.client.replica().tables();
        let rows: Vec<Row> = tables
            .flat_map(|(_, table)| table.rows().cloned())
            .collect();
        (self.keeper.changed, self.keeper.writing) = (false, true);
        let (path, outcome) = (self.keeper.path.clone(), self.keeper.outcomes.0.clone());
        spawn_blocking(move || {
            let written = intent_file::write(&path, &origin, &rows);
            // The agent has ended when nobody takes it.
            let _ = outcome.send(Outcome::Written(written));
        });
    }

    /// Takes what came of work on another thread.
    pub(super) fn intent_outcome(&mut self, outcome: Outcome) {
        let path = self.keeper.path.display().to_string();
        match outcome {
            Outcome::Written(written) => {
                self.keeper.writing = false;
                let now = Instant::now();
                match written {
                    Ok(checksum) => {
                        debug!(path, "the last known intent is kept");
                        (self.counters.intent_files, self.intent_file_error) =
                            (self.counters.intent_files.saturating_add(1), None);
                        // A change that came meanwhile has noted that the file is behind, and it is.
                        if !self.keeper.changed {
                            self.note(&checksum);
                        }
                    }
                    Err(error) => {
                        let error = error.to_string();
                        if self.intent_file_error.as_ref() != Some(&error) {
                            warn!(
                                path,
                                "the last known intent can not be kept: {error}; trying again"
                            );
                        }
                        self.intent_file_error = Some(error);
                        self.keeper.changed = true;
                    }
                }
                if self.keeper.changed {
                    self.keeper.write_at = Some(now + INTERVAL);
                }
            }
            Outcome::Read(read) => self.recall(&path, read),
        }
    }

    fn recall(&mut self, path: &str, read: Result<Option<Box<Kept>>, IntentFileError>) {
        let Some(settings) = &self.settings else {
            return;
        };
        // The database was faster.
        if self.mirror.is_some() {
            return;
        }
        let kept = match read {
            Ok(Some(kept)) => kept,
            Ok(None) => {
                info!(
                    path,
                    "no northbound database, and no last known intent: nothing is changed until it answers"
                );
                return;
            }
            Err(error) => {
                warn!(path, "the last known intent is not used: {error}");
                return;
            }
        };
        if let Some(objection) = self.keeper.objection(settings, &kept) {
            warn!(path, "the last known intent is not used: {objection}");
            return;
        }
        let mirror = Mirror::new(&kept.replica);
        let site = mirror.site();
        warn!(
            path,
            revision = site.revision,
            ports = site.ports.len(),
            "no northbound database: going on with the last known intent"
        );
        self.convergence.seen(site.revision, Instant::now());
        self.source = Source::File;
        self.reconciler.site_replaced();
        self.mirror = Some(mirror);
    }

    /// That the last known intent can not be kept, as a problem of the host.
    pub(super) fn intent_file_problem(&self) -> Option<(String, String)> {
        let error = self.intent_file_error.as_ref()?;
        let message = format!("the last known intent can not be kept: {error}");
        Some((self.keeper.path.display().to_string(), message))
    }

    /// Writes what is not in the file yet, if the disk is not too slow for somebody who waits for the end.
    pub(super) async fn keep_intent_at_last(&mut self) {
        let finish = async {
            for _ in 0..2 {
                if !self.keeper.writing && self.keeper.changed {
                    self.write_intent();
                }
                while self.keeper.writing {
                    match self.keeper.outcome().await {
                        Some(outcome) => self.intent_outcome(outcome),
                        None => return,
                    }
                }
            }
        };
        if timeout(STOP_PATIENCE, finish).await.is_err() {
            warn!("the last known intent was not kept in time");
        }
    }
}
