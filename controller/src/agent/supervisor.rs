//! What the service manager is told, by the protocol of sd_notify(3): ready, alive, how it goes, reloading, stopping.
//! Decides what is due; it is told the time and what the agent is at. Without a service manager nothing is ever due.
//!
//! The host is ready when all that is known is on the switch. A host whose northbound database or switch is away must not
//! keep others from starting, nor fail: after [`READY_AFTER`] it is ready as it is, and the status says what it waits for.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::Instant;
use tracing::warn;

/// How long the start, or a reload, waits for all that is known to be on the switch.
const READY_AFTER: Duration = Duration::from_secs(10);
/// The status is told at most so often.
const STATUS_PAUSE: Duration = Duration::from_secs(1);
/// A status is at most so many characters.
const STATUS_LENGTH: usize = 200;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Supervisor {
    /// There is somebody to tell.
    present: bool,
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
        let present = std::env::var_os("NOTIFY_SOCKET").is_some();
        Self::new(present, sd_notify::watchdog_enabled(), now)
    }

    fn new(present: bool, watchdog: Option<Duration>, now: Instant) -> Self {
        let alive = watchdog.filter(|time| present && !time.is_zero());
        Self {
            present,
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
        [alive, self.ready_by, status].into_iter().flatten().min()
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
        self.send(&states);
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
        self.send(&states);
    }

    /// The agent ends.
    pub(super) fn stopping(&mut self) {
        if self.present {
            self.send(&[NotifyState::Stopping]);
        }
    }

    fn send(&mut self, states: &[NotifyState<'_>]) {
        if states.is_empty() {
            return;
        }
        let failed = sd_notify::notify(states);
        if let Err(error) = &failed
            && !self.failed
        {
            warn!("the service manager can not be told: {error}");
        }
        self.failed = failed.is_err();
    }
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
}
