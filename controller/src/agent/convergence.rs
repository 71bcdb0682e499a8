//! The convergence clock: how far behind the intent this host is, in revisions and in time. It is told the time.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::counters::Histogram;

/// Revisions that wait are remembered one by one up to this many; a later one then shares the place of the last.
const REMEMBERED: usize = 256;

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct Convergence {
    /// The newest revision that was read.
    seen: Option<u64>,
    /// The newest that was applied.
    applied: Option<u64>,
    /// Revisions that are not applied, and since when they are known; oldest first.
    waiting: VecDeque<(u64, Instant)>,
    /// From the reading of a revision to its last acknowledged flow.
    pub(super) latency: Histogram,
}

impl Convergence {
    /// The intent was read; `revision` may be one that was read before.
    pub(super) fn seen(&mut self, revision: u64, now: Instant) {
        if self.seen == Some(revision) {
            return;
        }
        // Another database, or one that was restored: its numbers have nothing to do with those before.
        if self.seen.is_some_and(|seen| revision < seen) {
            self.waiting.clear();
            self.applied = None;
        }
        self.seen = Some(revision);
        let full = self.waiting.len() >= REMEMBERED;
        match self.waiting.back_mut() {
            Some((last, _)) if full => *last = revision,
            _ => self.waiting.push_back((revision, now)),
        }
    }

    /// Everything that `revision` says is acknowledged by the switch.
    pub(super) fn applied(&mut self, revision: u64, now: Instant) {
        self.applied = Some(revision);
        while let Some((waiting, since)) = self.waiting.front() {
            if *waiting > revision {
                return;
            }
            self.latency.observe(now.saturating_duration_since(*since));
            self.waiting.pop_front();
        }
    }

    /// The newest revision that was read.
    pub(super) fn newest_seen(&self) -> Option<u64> {
        self.seen
    }

    /// The newest revision that was applied.
    pub(super) fn newest_applied(&self) -> Option<u64> {
        self.applied
    }

    /// For how many seconds the oldest revision that is not applied has been known; 0 when all are applied.
    pub(super) fn lag(&self, now: Instant) -> f64 {
        self.waiting.front().map_or(0.0, |(_, since)| {
            now.saturating_duration_since(*since).as_secs_f64()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_lag_is_that_of_the_oldest_revision_that_waits() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut clock = Convergence::default();
        assert!(clock.lag(at(9)) == 0.0);
        clock.seen(4, at(0));
        clock.seen(4, at(1));
        clock.seen(7, at(2));
        assert!((clock.lag(at(3)) - 3.0).abs() < 1e-6);
        clock.applied(4, at(3));
        assert_eq!(
            (clock.newest_seen(), clock.newest_applied()),
            (Some(7), Some(4))
        );
        assert!((clock.lag(at(3)) - 1.0).abs() < 1e-6);
        clock.applied(7, at(4));
        clock.applied(7, at(5));
        assert!(clock.lag(at(9)) == 0.0);
        assert_eq!(clock.latency.count, 2);
        assert!((clock.latency.sum - 5.0).abs() < 1e-6);
    }

    #[test]
    fn a_database_with_smaller_numbers_starts_anew() {
        let now = Instant::now();
        let mut clock = Convergence::default();
        clock.seen(1_000, now);
        clock.applied(1_000, now);
        clock.seen(2, now);
        assert_eq!(clock.newest_applied(), None);
        assert!(clock.lag(now + Duration::from_secs(1)) > 0.0);
    }

    #[test]
    fn what_waits_is_bounded() {
        let now = Instant::now();
        let mut clock = Convergence::default();
        for revision in 0..10_000 {
            clock.seen(revision, now);
        }
        assert_eq!(clock.waiting.len(), REMEMBERED);
        clock.applied(9_998, now);
        assert!(clock.lag(now + Duration::from_secs(1)) > 0.0, "9999 waits");
        clock.applied(9_999, now);
        assert!(clock.lag(now + Duration::from_secs(1)) == 0.0);
    }
}
