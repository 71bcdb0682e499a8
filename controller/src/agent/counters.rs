//! What has happened since the agent started, in numbers. The agent's loop moves them; no clock, no socket, no text here.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::reconcile::reconciler::FlowMod;

/// The conversation with one peer: a database, or a bridge.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Peer {
    /// There is a session now, and all that the peer holds is known.
    pub connected: bool,
    /// Sessions that have begun.
    pub sessions: u64,
    /// Attempts that failed and sessions that ended; each is followed by another attempt.
    pub failures: u64,
    /// Why there is no session; none while there is one, and before the first attempt has ended.
    pub error: Option<String>,
}

impl Peer {
    /// A session has begun.
    pub(super) fn began(&mut self) {
        self.connected = true;
        self.sessions = self.sessions.saturating_add(1);
        self.error = None;
    }

    /// There is no session, or no more. True if that is news: the same failure again and again is told once.
    pub(super) fn failed(&mut self, error: String) -> bool {
        let news = self.connected || self.error.as_ref() != Some(&error);
        self.connected = false;
        self.failures = self.failures.saturating_add(1);
        self.error = Some(error);
        news
    }
}

/// What was sent to one bridge, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Programming {
    /// Flows that the switch was told to add, or to put in another's place.
    pub added: u64,
    /// Flows that it was told to delete.
    pub deleted: u64,
    /// Networks whose learned flows it was told to forget.
    pub forgotten: u64,
    /// Flows of heddle's that others had deleted or altered, and that were put right.
    pub repaired: u64,
    /// Bundles that it has committed.
    pub acknowledged: u64,
    /// Bundles that it has refused.
    pub refused: u64,
    /// From a bundle's way to the switch to its acknowledgement.
    pub latency: Histogram,
}

impl Programming {
    /// These changes are on their way.
    pub(super) fn sent(&mut self, changes: &[FlowMod]) {
        for change in changes {
            let count = match change {
                FlowMod::Add(_) => &mut self.added,
                FlowMod::Delete(_) => &mut self.deleted,
                FlowMod::Forget(_) => &mut self.forgotten,
            };
            *count = count.saturating_add(1);
        }
    }
}

/// Upper bounds of a [`Histogram`]'s buckets, in seconds; what is longer is in a bucket of its own.
pub const BOUNDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// How often something took how long.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Histogram {
    /// The sum of all times, in seconds.
    pub sum: f64,
    /// How many times; each is in one bucket.
    pub count: u64,
    /// How many in each bucket of [`BOUNDS`], and behind them those that were longer than all.
    pub buckets: [u64; BOUNDS.len() + 1],
}

impl Histogram {
    /// It took so long once more.
    pub(super) fn observe(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        let at = BOUNDS.partition_point(|bound| *bound < seconds);
        if let Some(bucket) = self.buckets.get_mut(at) {
            *bucket = bucket.saturating_add(1);
        }
        self.sum += seconds;
        self.count = self.count.saturating_add(1);
    }

    /// The smallest bound that at least half of the times are within; none before the first, or when it is beyond all.
    #[must_use]
    pub fn median_bound(&self) -> Option<f64> {
        let mut below = 0;
        let half = self.count.div_ceil(2);
        let bound = BOUNDS.iter().zip(&self.buckets).find(|(_, count)| {
            below += **count;
            below >= half
        });
        bound.filter(|_| self.count > 0).map(|(bound, _)| *bound)
    }
}

/// Everything that is counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counters {
    /// The switch's database.
    pub(super) switch: Peer,
    /// The northbound database.
    pub(super) northbound: Peer,
    /// OpenFlow, by bridge.
    pub(super) bridges: BTreeMap<String, (Peer, Programming)>,
    /// Transactions with the switch's database: those that it took, those that it did not.
    pub(super) transactions: (u64, u64),
    /// Edits of heddle's rows in the switch's database by others, that were put right.
    pub(super) repairs: u64,
    /// Reports that the northbound database took, and did not.
    pub(super) reports: (u64, u64),
    /// Signals to read everything anew.
    pub(super) reloads: u64,
    /// Writings of the last known intent.
    pub(super) intent_files: u64,
}

impl Counters {
    /// The counters of one bridge.
    pub(super) fn bridge(&mut self, bridge: &str) -> &mut (Peer, Programming) {
        self.bridges.entry(bridge.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_bucket_that_holds_it() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.median_bound(), None);
        for millis in [0, 1, 1, 7, 60_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        assert_eq!(histogram.buckets, [1, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(histogram.count, 5);
        assert!((histogram.sum - 60.009).abs() < 1e-9);
        assert_eq!(histogram.median_bound(), Some(0.001));
    }

    #[test]
    fn a_peer_counts_sessions_and_failures() {
        let mut peer = Peer::default();
        assert!(peer.failed("gone".to_owned()));
        peer.began();
        assert_eq!((peer.connected, peer.sessions, peer.failures), (true, 1, 1));
        assert_eq!(peer.error, None);
        assert!(peer.failed("closed".to_owned()));
        assert!(!peer.failed("closed".to_owned()), "the same again");
        assert_eq!((peer.connected, peer.failures), (false, 3));
        assert_eq!(peer.error.as_deref(), Some("closed"));
    }
}
