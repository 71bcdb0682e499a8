//! The written record of what a lab has made on the machine, so that it can be taken down from anywhere: by the lab itself,
//! by the signal handler, by `heddle-lab down`, or by the next lab after a crash. An entry is written before the thing is made.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{Error, Result, tool};

/// Where every lab has its directory.
pub(crate) const ROOT: &str = "/run/heddle-lab";

/// How long a process may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// A process, told apart from later ones that get the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProcessId {
    /// Its number; each process of a lab leads a process group of the same number.
    pub(crate) pid: i32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub(crate) started: u64,
}

impl ProcessId {
    /// The running process with this number.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        stat(pid).map(|(_, started)| Self { pid, started })
    }

    /// Still there and not a zombie.
    pub(crate) fn is_alive(self) -> bool {
        stat(self.pid)
            .is_some_and(|(state, started)| started == self.started && state != "Z" && state != "X")
    }

    /// Sends `signal` to the process's group, if the process is still the one that was recorded.
    pub(crate) fn signal_group(self, signal: Signal) {
        if stat(self.pid).is_some_and(|(_, started)| started == self.started) {
            // It can only have gone in this very moment, which is what the caller wants.
            let _ = kill(Pid::from_raw(-self.pid), signal);
        }
    }
}

/// State and start time of a process.
fn stat(pid: i32) -> Option<(String, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, field 2, may hold spaces and parentheses.
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.to_owned();
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
}

/// The record of one lab, `ROOT/ID/ledger`.
pub(crate) struct Ledger {
    dir: PathBuf,
    file: File,
    closed: bool,
}

impl Ledger {
    /// Makes the directory of a new lab, with a name that no other lab has.
    pub(crate) fn create() -> Result<(String, Self)> {
        fs::create_dir_all(ROOT).map_err(Error::io(format!("make {ROOT}")))?;
        let pid = std::process::id();
        for n in 0..u32::MAX {
            let id = format!("{pid:x}-{n}");
            let dir = Path::new(ROOT).join(&id);
            match fs::create_dir(&dir) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(source) => {
                    return Err(Error::Io {
                        what: format!("make {}", dir.display()),
                        source,
                    });
                }
            }
            let path = dir.join("ledger");
            let file = OpenOptions::new().create_new(true).append(true).open(&path);
            let file = file.map_err(Error::io(format!("make {}", path.display())))?;
            let mut ledger = Self {
                dir,
                file,
                closed: false,
            };
            let owner = ProcessId::of(i32::try_from(pid).unwrap_or_default());
            ledger.write(&format!(
                "owner {pid} {}",
                owner.map_or(0, |owner| owner.started)
            ))?;
            return Ok((id, ledger));
        }
        Err(Error::Ended)
    }

    /// The lab's directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A namespace that is about to be made.
    pub(crate) fn namespace(&mut self, name: &str) -> Result<()> {
        self.write(&format!("namespace {name}"))
    }

    /// A process that has just been started, by a caller that has held the ledger since before.
    pub(crate) fn process(&mut self, id: ProcessId) -> Result<()> {
        self.write(&format!("process {} {}", id.pid, id.started))
    }

    /// The lab outlives its owner on purpose.
    pub(crate) fn keep(&mut self) -> Result<()> {
        self.write("keep")
    }

    /// Refuses from now on whatever would make something new.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Nothing new may be made.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.closed {
            Err(Error::Ended)
        } else {
            Ok(())
        }
    }

    fn write(&mut self, line: &str) -> Result<()> {
        self.check_open()?;
        writeln!(self.file, "{line}").map_err(Error::io(format!(
            "write {}",
            self.dir.join("ledger").display()
        )))
    }
}

/// A lab as its ledger describes it.
pub struct Found {
    /// The name of its directory.
    pub id: String,
    /// It was left up on purpose.
    pub kept: bool,
    owner: Option<ProcessId>,
    namespaces: Vec<String>,
    processes: BTreeSet<ProcessId>,
}

impl Found {
    /// The process that built the lab is still there.
    #[must_use]
    pub fn in_use(&self) -> bool {
        // A ledger without its first line is being written at this moment.
        self.owner.is_none_or(ProcessId::is_alive)
    }

    /// How many processes and namespaces it may still have.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (
            self.processes.iter().filter(|id| id.is_alive()).count(),
            self.namespaces.len(),
        )
    }

    /// Ends the processes, removes the namespaces with all interfaces in them, and the directory.
    ///
    /// # Errors
    /// The first thing that could not be removed; the rest is removed all the same.
    pub fn tear_down(&self) -> Result<()> {
        end(&self.processes);
        end(&self.unlisted());
        let mut first = Ok(());
        for name in &self.namespaces {
            let path = Path::new("/run/netns").join(name);
            if path.exists() {
                let removed = tool::run("ip", ["netns", "del", name]).map(drop);
                // Another process may take down the same abandoned lab at the same moment.
                first = first.and(if path.exists() { removed } else { Ok(()) });
            }
        }
        let dir = Path::new(ROOT).join(&self.id);
        let removed = match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Io {
                what: format!("remove {}", dir.display()),
                source: error,
            }),
            _ => Ok(()),
        };
        // Only the last lab can remove the common directory; for the others it is not empty.
        let _ = fs::remove_dir(ROOT);
        first.and(removed)
    }
}

impl Found {
    /// Processes in the lab's namespaces that are not in the ledger: their owner was killed between their start and the
    /// line about them.
    fn unlisted(&self) -> BTreeSet<ProcessId> {
        let mut found = BTreeSet::new();
        for name in &self.namespaces {
            // A namespace that is gone has no processes.
            let pids = tool::run("ip", ["netns", "pids", name]).unwrap_or_default();
            found.extend(
                pids.lines()
                    .filter_map(|pid| ProcessId::of(pid.trim().parse().ok()?)),
            );
        }
        found
    }
}

/// Asks all processes to end at once, and kills those that do not.
fn end(processes: &BTreeSet<ProcessId>) {
    for id in processes {
        id.signal_group(Signal::SIGTERM);
        // A stopped process acts on no other signal.
        id.signal_group(Signal::SIGCONT);
    }
    let start = Instant::now();
    while processes.iter().any(|id| id.is_alive()) {
        if start.elapsed() > GRACE {
            for id in processes {
                id.signal_group(Signal::SIGKILL);
            }
        }
        if start.elapsed() > GRACE * 2 {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Every lab on this machine, whoever built it.
///
/// # Errors
/// When the directory or a ledger can not be read.
pub fn find_all() -> Result<Vec<Found>> {
    let entries = match fs::read_dir(ROOT) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(Error::Io {
                what: format!("read {ROOT}"),
                source,
            });
        }
    };
    let mut labs = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io(format!("read {ROOT}")))?;
        labs.extend(find(&entry.file_name().to_string_lossy())?);
    }
    Ok(labs)
}

/// The lab with this name; none when it has gone.
pub(crate) fn find(id: &str) -> Result<Option<Found>> {
    let path = Path::new(ROOT).join(id).join("ledger");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(Error::Io {
                what: format!("read {}", path.display()),
                source,
            });
        }
    };
    Ok(Some(read(id, &text)))
}

fn read(id: &str, text: &str) -> Found {
    let mut lab = Found {
        id: id.to_owned(),
        kept: false,
        owner: None,
        namespaces: Vec::new(),
        processes: BTreeSet::new(),
    };
    let process = |pid: &str, started: &str| {
        Some(ProcessId {
            pid: pid.parse().ok()?,
            started: started.parse().ok()?,
        })
    };
    for line in text.lines() {
        match *line.split(' ').collect::<Vec<_>>() {
            ["owner", pid, started] => lab.owner = process(pid, started),
            ["namespace", name] => lab.namespaces.push(name.to_owned()),
            ["process", pid, started] => lab.processes.extend(process(pid, started)),
            ["keep"] => lab.kept = true,
            // The last line of a crashed writer may be cut short; what it was about to make does not exist yet.
            _ => {}
        }
    }
    lab
}

/// Takes down what labs left behind whose owner was killed before it could: neither in use nor kept.
///
/// # Errors
/// The first thing that could not be removed.
pub(crate) fn remove_abandoned() -> Result<()> {
    for lab in find_all()?.iter().filter(|lab| !lab.kept && !lab.in_use()) {
        lab.tear_down()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_read_up_to_the_line_that_was_cut_short() {
        let lab = read(
            "ab-0",
            "owner 1 7\nnamespace hl-ab-0-h1\nprocess 4000000 9\nkeep\nname",
        );
        assert_eq!(
            (lab.kept, lab.namespaces.len(), lab.processes.len()),
            (true, 1, 1)
        );
        assert_eq!(lab.owner, Some(ProcessId { pid: 1, started: 7 }));
        assert!(!lab.in_use(), "process 1 did not start at tick 7");
        assert_eq!(lab.size(), (0, 1));
    }

    #[test]
    fn a_process_is_told_apart_from_a_later_one_with_its_number() {
        let own = ProcessId::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.is_alive());
        assert!(
            !ProcessId {
                started: own.started + 1,
                ..own
            }
            .is_alive()
        );
    }
}
