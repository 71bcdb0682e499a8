//! What the service manager is told, by the protocol of sd_notify(3): ready, alive, how it goes, reloading, stopping.
//! Decides what is due; it is told the time and what the agent is at. Without a service manager nothing is ever due.
//!
//! The host is ready when all that is known is on the switch. A host whose northbound database or switch is away must not
//! keep others from starting, nor fail: after [`READY_AFTER`] it is ready as it is, and the status says what it waits for.
//!
//! A service manager that does not read never holds up the agent: what must reach it waits and is sent again.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::Instant;
use tracing::warn;

/// How long the start, or a reload, waits for all that is known to be on the switch.
const READY_AFTER: Duration = Duration::from_secs(10);
/// The status is told at most so often.
const STATUS_PAUSE: Duration = Duration::from_secs(1);
/// The service manager that has not read what it was told is told again after so long.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// A status is at most so many characters.
const STATUS_LENGTH: usize = 200;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Supervisor {
    /// There is somebody to tell.
    present: bool,
    /// Where: a path, or a name in the abstract namespace after `@`.
    socket: OsString,
    /// What could not be sent yet and must not be lost, and when the next attempt is.
    unsent: VecDeque<String>,
    retry_at: Instant,
    /// How often to say that the loop is alive, and when the next time is.
    alive: Option<(Duration, Instant)>,
    /// The latest time to be ready; none once it is.
    ready_by: Option<Instant>,
    /// The status that was told last, and since when another may be.
    told: (String, Instant),
    /// There is another status.
    stale: bool,
    /// Telling has failed, and that was logged.
    failed: bool,
}

impl Supervisor {
    /// The one that the environment names.
    pub(super) fn from_environment(now: Instant) -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET");
        let mut out = Self::new(socket.is_some(), sd_notify::watchdog_enabled(), now);
        out.socket = socket.unwrap_or_default();
        out
    }

    fn new(present: bool, watchdog: Option<Duration>, now: Instant) -> Self {
        let alive = watchdog.filter(|time| present && !time.is_zero());
        Self {
            present,
            socket: OsString::new(),
            unsent: VecDeque::new(),
            retry_at: now,
            // Half of the time that it has, as sd_watchdog_enabled(3) advises.
            alive: alive.map(|time| (time / 2, now)),
            ready_by: present.then(|| now + READY_AFTER),
            told: (String::new(), now),
            stale: false,
            failed: false,
        }
    }

    /// True if it is worth while to make a status.
    pub(super) fn listens(&self) -> bool {
        self.present
    }

    /// When something is due even if nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let alive = self.alive.map(|(_, at)| at);
        let status = self.stale.then_some(self.told.1);
        let retry = (!self.unsent.is_empty()).then_some(self.retry_at);
        [alive, self.ready_by, status, retry]
            .into_iter()
            .flatten()
            .min()
    }

    /// What is due now. `settled`: all that is known is on the switch.
    fn due<'s>(&mut self, now: Instant, settled: bool, status: &'s str) -> Vec<NotifyState<'s>> {
        let mut out = Vec::new();
        if !self.present {
            return out;
        }
        if let Some((every, at)) = &mut self.alive
            && *at <= now
        {
            *at = now + *every;
            out.push(NotifyState::Watchdog);
        }
        let ready = self.ready_by.is_some_and(|by| settled || by <= now);
        self.stale = self.told.0 != status;
        if self.stale && (ready || self.told.1 <= now) {
            self.stale = false;
            self.told = (status.to_owned(), now + STATUS_PAUSE);
            out.push(NotifyState::Status(status));
        }
        if ready {
            self.ready_by = None;
            out.push(NotifyState::Ready);
        }
        out
    }

    /// Tells what is due.
    pub(super) fn tell(&mut self, now: Instant, settled: bool, status: &str) {
        let status = line(status);
        let states = self.due(now, settled, &status);
        self.send(now, &states);
    }

    /// Everything is read anew from now on; the next time that all is settled is the end of it.
    pub(super) fn reloading(&mut self, now: Instant) {
        if !self.present {
            return;
        }
        self.ready_by = Some(now + READY_AFTER);
        let mut states = vec![NotifyState::Reloading];
        // Type=notify-reload needs both in one message (sd_notify(3)).
        states.extend(NotifyState::monotonic_usec_now());
        self.send(now, &states);
    }

    /// The agent ends.
    pub(super) fn stopping(&mut self, now: Instant) {
        if self.present {
            self.send(now, &[NotifyState::Stopping]);
        }
    }

    fn send(&mut self, now: Instant, states: &[NotifyState<'_>]) {
        let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
        if !lines.is_empty() {
            self.unsent.push_back(lines.join("\n"));
        }
        while let Some(message) = self.unsent.front() {
            match transmit(&self.socket, message.as_bytes()) {
                Ok(()) => self.failed = false,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // That all is well, and how, is soon told again.
                    let lasting = |message: &String| {
                        ["READY", "RELOADING", "STOPPING"]
                            .iter()
                            .any(|state| message.contains(&format!("{state}=1")))
                    };
                    self.unsent.retain(lasting);
                    // Of many reloads the last ones count.
                    while self.unsent.len() > 8 {
                        self.unsent.pop_front();
                    }
                    self.told.0.clear();
                    self.retry_at = now + RETRY_PAUSE;
                    return;
                }
                Err(error) => {
                    if !self.failed {
                        warn!("the service manager can not be told: {error}");
                    }
                    self.failed = true;
                }
            }
            self.unsent.pop_front();
        }
    }
}

/// Sends a message of sd_notify(3), or fails: never waits.
fn transmit(socket: &OsString, message: &[u8]) -> io::Result<()> {
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    let datagram = UnixDatagram::unbound()?;
    datagram.set_nonblocking(true)?;
    datagram.send_to_addr(message, &address).map(drop)
}

/// One line of bounded length: what an error says may come from far away.
fn line(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(STATUS_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(supervisor: &mut Supervisor, now: Instant, settled: bool, status: &str) -> String {
        let states = supervisor.due(now, settled, status);
        let texts: Vec<_> = states.iter().map(ToString::to_string).collect();
        texts.join(" ")
    }

    #[test]
    fn ready_when_settled_or_after_a_while() {
        let start = Instant::now();
        let mut settled = Supervisor::new(true, None, start);
        assert_eq!(said(&mut settled, start, false, "a"), "STATUS=a");
        assert_eq!(said(&mut settled, start, false, "a"), "");
        // The status that goes with it is told at once.
        assert_eq!(said(&mut settled, start, true, "b"), "STATUS=b READY=1");
        assert_eq!(said(&mut settled, start, true, "b"), "");
        assert_eq!(settled.deadline(), None);

        let mut alone = Supervisor::new(true, None, start);
        assert_eq!(alone.deadline(), Some(start + READY_AFTER));
        let later = start + READY_AFTER;
        assert_eq!(
            said(&mut alone, later, false, "no database"),
            "STATUS=no database READY=1"
        );
    }

    #[test]
    fn a_status_waits_for_its_turn_and_the_newest_is_told() {
        let start = Instant::now();
        let mut supervisor = Supervisor::new(true, None, start);
        said(&mut supervisor, start, true, "1");
        for status in ["2", "3", "4"] {
            assert_eq!(said(&mut supervisor, start, true, status), "");
        }
        let turn = supervisor.deadline().unwrap();
        assert_eq!(turn, start + STATUS_PAUSE);
        assert_eq!(said(&mut supervisor, turn, true, "4"), "STATUS=4");
        assert_eq!(supervisor.deadline(), None);
    }

    #[test]
    fn the_watchdog_is_fed_at_half_time() {
        let start = Instant::now();
        let mut supervisor = Supervisor::new(true, Some(Duration::from_secs(8)), start);
        assert_eq!(said(&mut supervisor, start, true, ""), "WATCHDOG=1 READY=1");
        assert_eq!(
            said(&mut supervisor, start + Duration::from_secs(3), true, ""),
            ""
        );
        let half = start + Duration::from_secs(4);
        assert_eq!(supervisor.deadline(), Some(half));
        assert_eq!(said(&mut supervisor, half, true, ""), "WATCHDOG=1");
        assert_eq!(supervisor.deadline(), Some(start + Duration::from_secs(8)));
    }

    #[test]
    fn a_reload_ends_with_ready() {
        let start = Instant::now();
        let mut supervisor = Supervisor::new(true, None, start);
        said(&mut supervisor, start, true, "");
        supervisor.ready_by = Some(start + READY_AFTER);
        assert_eq!(said(&mut supervisor, start, false, ""), "");
        assert_eq!(said(&mut supervisor, start, true, ""), "READY=1");
    }

    #[test]
    fn nobody_there_is_told_nothing() {
        let start = Instant::now();
        let mut supervisor = Supervisor::new(false, Some(Duration::from_secs(1)), start);
        assert!(!supervisor.listens());
        assert_eq!(said(&mut supervisor, start + READY_AFTER, true, "x"), "");
        assert_eq!(supervisor.deadline(), None);
    }

    #[test]
    fn a_status_is_one_short_line() {
        let shown = line(&format!("a\nREADY=1\n{}", "é".repeat(1_000)));
        assert!(shown.starts_with("a READY=1 é"), "{shown}");
        assert_eq!(shown.chars().count(), STATUS_LENGTH);
    }

    #[test]
    fn who_does_not_read_holds_up_nothing_and_misses_nothing_that_lasts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let start = Instant::now();
        let mut supervisor = Supervisor::new(true, Some(Duration::from_secs(2)), start);
        supervisor.socket = path.into();
        let mut now = start;
        // Far more than a socket holds.
        for _ in 0..2_000 {
            now += Duration::from_secs(1);
            supervisor.tell(now, false, &now.elapsed().as_nanos().to_string());
        }
        supervisor.ready_by = Some(now);
        supervisor.tell(now, true, "");
        assert!(!supervisor.unsent.is_empty());
        assert!(supervisor.unsent.len() < 4);
        let mut buffer = [0; 1_000];
        while manager.recv(&mut buffer).is_ok() {}
        let retry = supervisor.deadline().unwrap();
        supervisor.tell(retry, true, "");
        let mut last = String::new();
        while let Ok(length) = manager.recv(&mut buffer) {
            last.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        assert!(last.contains("READY=1"), "{last}");
        assert!(supervisor.unsent.is_empty());
    }
}
