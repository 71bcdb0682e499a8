//! A steady stream of probes from one station to another, every one of them counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::ear::Ear;
use super::matrix::ping;
use super::payload::{Carrier, Nonce, Probe, Sighting};
use super::talk::Mouth;
use crate::shared::lock;
use crate::station::Station;
use crate::{Error, Result, wait};

/// How long a stream may take to start, and its last packet to arrive.
const PATIENCE: Duration = Duration::from_secs(20);
const LAST: Duration = Duration::from_secs(1);

/// A running stream. Ends when dropped, too.
pub struct Stream {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU32>,
    counts: Arc<Mutex<Counts>>,
    ears: Vec<Ear>,
    sender: Option<JoinHandle<Result<()>>>,
}

/// How often each sequence number was seen.
#[derive(Default)]
struct Counts {
    requests: BTreeMap<u32, u32>,
    replies: BTreeMap<u32, u32>,
}

/// What became of a stream's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Requests that left the sender.
    pub sent: u32,
    /// Requests that never arrived.
    pub lost: u32,
    /// Requests without a reply, the lost ones among them.
    pub unanswered: u32,
    /// Requests or replies that arrived more than once.
    pub duplicated: u32,
    /// The most packets lost in a row.
    pub longest_gap: u32,
    /// The last request that has no reply, counted from 0.
    pub last_unanswered: Option<u32>,
}

impl Stream {
    /// Waits until `to` answers `from`, then sends `per_second` echo requests a second until it is told to stop.
    ///
    /// # Errors
    /// When the stations do not reach each other at all, or lack an address of that IP version.
    pub fn start(from: &Station, to: &Station, v6: bool, per_second: u32) -> Result<Self> {
        ping(from, to, PATIENCE)?;
        let address = to
            .address(v6)
            .ok_or_else(|| Error::unexpected(to.name(), "no address", "one of that IP version"))?;
        let nonce = Nonce::new();
        let counts = Arc::<Mutex<Counts>>::default();
        let (at_sender, at_receiver) = (Arc::clone(&counts), Arc::clone(&counts));
        let (from_id, to_id) = (from.id(), to.id());
        let ears = vec![
            Ear::start(to, nonce, move |Sighting { probe, reply }| {
                if !reply {
                    *lock(&at_receiver)
                        .requests
                        .entry(probe.sequence)
                        .or_default() += 1;
                }
            })?,
            Ear::start(from, nonce, move |Sighting { probe, reply }| {
                if reply {
                    *lock(&at_sender).replies.entry(probe.sequence).or_default() += 1;
                }
            })?,
        ];
        let mouth = Mouth::open(from)?;
        let (stop, sent) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU32::new(0)),
        );
        let (stopped, counter) = (Arc::clone(&stop), Arc::clone(&sent));
        let interval = Duration::from_secs(1) / per_second.max(1);
        let sender = thread::spawn(move || {
            let mut due = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                let sequence = counter.load(Ordering::Relaxed);
                let probe = Probe {
                    nonce,
                    carrier: Carrier::Echo,
                    v6,
                    from: from_id,
                    to: to_id,
                    sequence,
                    sent: 0,
                };
                if mouth.echo(address, &probe)? {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
                // What a busy machine holds up is not made up for: a burst might fill a queue and lose by itself.
                let now = Instant::now();
                due = (due + interval).max(now);
                thread::sleep(due.saturating_duration_since(now));
            }
            Ok(())
        });
        Ok(Self {
            stop,
            sent,
            counts,
            ears,
            sender: Some(sender),
        })
    }

    /// How many requests have left so far.
    #[must_use]
    pub fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Waits until `count` more requests have left.
    ///
    /// # Errors
    /// When the sender has stopped.
    pub fn wait_for(&self, count: u32) -> Result<()> {
        let goal = self.sent().saturating_add(count);
        wait::until_true("the stream goes on", PATIENCE + LAST * count / 50, || {
            Ok(self.sent() >= goal)
        })
    }

    /// Stops sending, waits for the last packet, and counts.
    ///
    /// # Errors
    /// When the sender could not send.
    pub fn stop(mut self) -> Result<Report> {
        self.end_sender()?;
        let sent = self.sent();
        let last = sent.saturating_sub(1);
        // A lost last packet is a count, not an error.
        let _ = wait::until_true("the last reply", LAST, || {
            Ok(lock(&self.counts).replies.contains_key(&last))
        });
        self.ears.clear();
        Ok(lock(&self.counts).report(sent))
    }

    fn end_sender(&mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        match self.sender.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(()),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(sender) = self.sender.take() {
            // Nobody asked how it went.
            let _ = sender.join();
        }
    }
}

impl Counts {
    fn report(&self, sent: u32) -> Report {
        let mut report = Report {
            sent,
            lost: 0,
            unanswered: 0,
            duplicated: 0,
            longest_gap: 0,
            last_unanswered: None,
        };
        let mut gap = 0;
        for sequence in 0..sent {
            let requests = self.requests.get(&sequence).copied().unwrap_or_default();
            let replies = self.replies.get(&sequence).copied().unwrap_or_default();
            gap = if replies == 0 { gap + 1 } else { 0 };
            if replies == 0 {
                report.last_unanswered = Some(sequence);
            }
            report.longest_gap = report.longest_gap.max(gap);
            report.lost += u32::from(requests == 0);
            report.unanswered += u32::from(replies == 0);
            report.duplicated +=
                requests.saturating_sub(1) + replies.saturating_sub(requests.max(1));
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_gaps_and_duplicates_are_told_apart() {
        let mut counts = Counts::default();
        // 0 fine; 1 and 2 lost; 3 arrived twice and so was answered twice; 4 arrived, reply lost; 5 fine but reply doubled.
        counts.requests.extend([(0, 1), (3, 2), (4, 1), (5, 1)]);
        counts.replies.extend([(0, 1), (3, 2), (5, 2)]);
        let report = counts.report(6);
        assert_eq!(
            report,
            Report {
                sent: 6,
                lost: 2,
                unanswered: 3,
                duplicated: 2,
                longest_gap: 2,
                last_unanswered: Some(4),
            }
        );
    }
}
