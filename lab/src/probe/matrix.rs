//! All pairs at once: who reached whom, who must not have, and how long it took.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::ear::Ear;
use super::payload::{Carrier, Nonce, Probe, Sighting};
use super::talk::{Mouth, forbidden_frames};
use crate::lab::in_parallel;
use crate::shared::lock;
use crate::station::Station;
use crate::{Error, Result};

/// How often every forbidden pair is probed.
const FORBIDDEN_ROUNDS: u32 = 3;
/// How often every allowed pair is probed at least: the last times without the floods of the forbidden ones, for a fair round trip.
const ROUNDS: u32 = 6;
/// From one round to the next.
const PACE: Duration = Duration::from_millis(120);
/// How often a sender looks whether it is done.
const TICK: Duration = Duration::from_millis(5);
/// How long a packet that should not arrive may take to do so after the last one was sent.
const GRACE: Duration = Duration::from_millis(150);

/// What shall be true of packets from one station to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// They arrive and are answered.
    Reach,
    /// None ever arrives, not even one that is sent to everybody.
    Apart,
    /// Not asked.
    Ignore,
}

/// What happened between one station and another in one IP version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Something the first has sent has been at the other.
    pub arrived: bool,
    /// The shortest time from a request to its reply; none without a reply from the right one.
    pub rtt: Option<Duration>,
}

/// The judgement on one pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Reached, as it should; the longer of the IP versions' round-trip times.
    Reached(Duration),
    /// Should have been reached, and was not, in at least one IP version.
    Lost,
    /// Kept apart, as it should.
    Apart,
    /// A packet arrived that must not.
    Leaked,
    /// Not asked.
    Ignored,
}

/// The result of [`all_pairs`]. Rows and columns are the stations in the order given.
#[derive(Clone, Debug)]
pub struct Matrix {
    names: Vec<String>,
    expected: BTreeMap<(usize, usize), Expect>,
    outcomes: BTreeMap<(usize, usize, bool), Outcome>,
}

impl Matrix {
    /// The names of the stations.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What happened; none if it was not asked or one of the two has no such address.
    #[must_use]
    pub fn outcome(&self, from: usize, to: usize, v6: bool) -> Option<Outcome> {
        self.outcomes.get(&(from, to, v6)).copied()
    }

    /// Both IP versions together.
    #[must_use]
    pub fn verdict(&self, from: usize, to: usize) -> Verdict {
        let outcomes: Vec<_> = [false, true]
            .into_iter()
            .filter_map(|v6| self.outcome(from, to, v6))
            .collect();
        match self.expected.get(&(from, to)) {
            None | Some(Expect::Ignore) => Verdict::Ignored,
            Some(Expect::Apart) if outcomes.iter().any(|outcome| outcome.arrived) => {
                Verdict::Leaked
            }
            Some(Expect::Apart) => Verdict::Apart,
            // Two stations without an IP version in common can not reach each other.
            Some(Expect::Reach) if outcomes.is_empty() => Verdict::Lost,
            Some(Expect::Reach) => {
                let rtts = outcomes.iter().map(|outcome| outcome.rtt);
                let slowest = rtts
                    .into_iter()
                    .try_fold(Duration::ZERO, |most, rtt| Some(most.max(rtt?)));
                slowest.map_or(Verdict::Lost, Verdict::Reached)
            }
        }
    }

    /// Every ordered pair with its verdict.
    pub fn verdicts(&self) -> impl Iterator<Item = (&str, &str, Verdict)> {
        self.expected
            .keys()
            .map(|&(from, to)| (self.name(from), self.name(to), self.verdict(from, to)))
    }

    fn name(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    /// A line for each pair that is not as it should be; empty when all is well.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for &(from, to) in self.expected.keys() {
            let (verdict, names) = (
                self.verdict(from, to),
                format!("{} -> {}", self.name(from), self.name(to)),
            );
            for v6 in [false, true] {
                let Some(outcome) = self.outcome(from, to, v6) else {
                    continue;
                };
                let version = if v6 { "IPv6" } else { "IPv4" };
                match verdict {
                    Verdict::Leaked if outcome.arrived => {
                        faults.push(format!(
                            "{names}: LEAK, a packet arrived that must not ({version})"
                        ));
                    }
                    Verdict::Lost if outcome.rtt.is_none() && outcome.arrived => {
                        faults.push(format!(
                            "{names}: requests arrive, no reply comes back ({version})"
                        ));
                    }
                    Verdict::Lost if outcome.rtt.is_none() => {
                        faults.push(format!("{names}: not reached ({version})"))
                    }
                    _ => {}
                }
            }
        }
        faults
    }

    /// An error with all faults, if there are any.
    ///
    /// # Errors
    /// See above.
    pub fn check(&self) -> Result<()> {
        let faults = self.faults();
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::unexpected(
            "probes",
            faults.join("\n"),
            "every pair as it should be",
        ))
    }
}

/// Probes every ordered pair in IPv4 and IPv6, all at the same time, until all that should be reached has been or `patience` is
/// over.
///
/// # Errors
/// When a station can not send or listen. An unreached station is no error but a verdict.
pub fn all_pairs(
    stations: &[&Station],
    expect: impl Fn(usize, usize) -> Expect + Sync,
    patience: Duration,
) -> Result<Matrix> {
    run(Run::new(stations, &expect, ROUNDS), stations, patience)
}

fn run(run: Run, stations: &[&Station], patience: Duration) -> Result<Matrix> {
    let ears: Vec<_> = stations
        .iter()
        .map(|station| run.listen(station))
        .collect::<Result<_>>()?;
    let numbers: Vec<_> = (0..stations.len()).collect();
    in_parallel(&numbers, |from| run.talk(stations, *from, patience))?;
    if run.expected.values().any(|expect| *expect == Expect::Apart) {
        // The absence of a packet can not be waited for in another way.
        thread::sleep(GRACE);
    }
    drop(ears);
    Ok(run.matrix(stations))
}

/// Waits until `to` has answered `from` in every IP version that both have; the round-trip time.
///
/// # Errors
/// When it does not within `patience`.
pub fn ping(from: &Station, to: &Station, patience: Duration) -> Result<Duration> {
    let expect = |a, b| {
        if (a, b) == (0, 1) {
            Expect::Reach
        } else {
            Expect::Ignore
        }
    };
    let stations = [from, to];
    let matrix = run(Run::new(&stations, &expect, 1), &stations, patience)?;
    matrix.check()?;
    match matrix.verdict(0, 1) {
        Verdict::Reached(rtt) => Ok(rtt),
        other => Err(Error::unexpected("ping", format!("{other:?}"), "an answer")),
    }
}

/// A run that is under way.
struct Run {
    nonce: Nonce,
    start: Instant,
    expected: BTreeMap<(usize, usize), Expect>,
    /// How often every allowed pair is probed at least.
    rounds: u32,
    /// By station numbers of the sender and the intended receiver, and IP version.
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// (sender, where it arrived, IPv6).
    arrived: BTreeSet<(u32, u32, bool)>,
    /// (sender, intended receiver, IPv6) of requests that arrived where they should.
    delivered: BTreeSet<(u32, u32, bool)>,
    /// Shortest round trip of (sender, intended receiver, IPv6).
    rtt: BTreeMap<(u32, u32, bool), Duration>,
}

impl Run {
    fn new(stations: &[&Station], expect: &dyn Fn(usize, usize) -> Expect, rounds: u32) -> Self {
        let mut expected = BTreeMap::new();
        for from in 0..stations.len() {
            for to in (0..stations.len()).filter(|to| *to != from) {
                expected.insert((from, to), expect(from, to));
            }
        }
        Self {
            nonce: Nonce::new(),
            start: Instant::now(),
            expected,
            rounds,
            seen: Arc::default(),
        }
    }

    fn listen(&self, station: &Station) -> Result<Ear> {
        let (seen, start, at) = (Arc::clone(&self.seen), self.start, station.id());
        Ear::start(station, self.nonce, move |Sighting { probe, reply }| {
            let now = start.elapsed();
            let key = (probe.from, probe.to, probe.v6);
            let mut seen = lock(&seen);
            if !reply {
                seen.arrived.insert((probe.from, at, probe.v6));
                if probe.to == at {
                    seen.delivered.insert(key);
                }
            } else if probe.from == at {
                let rtt = now.saturating_sub(Duration::from_nanos(probe.sent));
                seen.rtt
                    .entry(key)
                    .and_modify(|best| *best = rtt.min(*best))
                    .or_insert(rtt);
            } else {
                // Who answers need not be whom it was meant for: another station of the asker's network may have that address. But
                // wherever this is, it was sent in the asker's network.
                seen.arrived.insert((probe.from, at, probe.v6));
            }
        })
    }

    fn probe(&self, from: &Station, to: &Station, v6: bool, sequence: u32) -> Probe {
        let sent = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Probe {
            nonce: self.nonce,
            carrier: Carrier::Echo,
            v6,
            from: from.id(),
            to: to.id(),
            sequence,
            sent,
        }
    }

    /// Sends what one station has to send.
    fn talk(&self, stations: &[&Station], from: usize, patience: Duration) -> Result<()> {
        let Some(sender) = stations.get(from) else {
            return Ok(());
        };
        let mouth = Mouth::open(sender)?;
        let raw = sender.raw()?;
        for round in 0.. {
            for (to, target) in stations.iter().enumerate() {
                let expect = self.expect(from, to);
                for v6 in [false, true] {
                    let probe = self.probe(sender, target, v6, round);
                    match (expect, sender.address(v6).and(target.address(v6))) {
                        (Expect::Reach, Some(address))
                            if round < self.rounds || !self.reached(sender, target, v6) =>
                        {
                            mouth.echo(address, &probe)?;
                        }
                        (Expect::Apart, Some(_)) if round < FORBIDDEN_ROUNDS => {
                            for frame in forbidden_frames(sender, target, &probe)? {
                                raw.send(&frame)?;
                            }
                        }
                        _ => {}
                    }
                }
            }
            let next = Instant::now() + PACE;
            let forbidden = (0..stations.len()).any(|to| self.expect(from, to) == Expect::Apart);
            let last = round + 1
                >= if forbidden {
                    self.rounds.max(FORBIDDEN_ROUNDS)
                } else {
                    self.rounds
                };
            while Instant::now() < next {
                if last && self.reached_all(stations, from) || self.start.elapsed() >= patience {
                    return Ok(());
                }
                thread::sleep(TICK);
            }
        }
        Ok(())
    }

    fn expect(&self, from: usize, to: usize) -> Expect {
        self.expected
            .get(&(from, to))
            .copied()
            .unwrap_or(Expect::Ignore)
    }

    /// Every station that this one should reach has answered.
    fn reached_all(&self, stations: &[&Station], from: usize) -> bool {
        let Some(sender) = stations.get(from) else {
            return true;
        };
        let missing = |to: usize, target: &Station, v6: bool| {
            let asked = sender.address(v6).and(target.address(v6)).is_some();
            asked && self.expect(from, to) == Expect::Reach && !self.reached(sender, target, v6)
        };
        let mut targets = stations.iter().enumerate();
        !targets.any(|(to, target)| missing(to, target, false) || missing(to, target, true))
    }

    fn reached(&self, from: &Station, to: &Station, v6: bool) -> bool {
        let key = (from.id(), to.id(), v6);
        let seen = lock(&self.seen);
        seen.delivered.contains(&key) && seen.rtt.contains_key(&key)
    }

    fn matrix(self, stations: &[&Station]) -> Matrix {
        let seen = lock(&self.seen);
        let mut outcomes = BTreeMap::new();
        for (&(from, to), &expect) in &self.expected {
            let (Some(sender), Some(target)) = (stations.get(from), stations.get(to)) else {
                continue;
            };
            for v6 in [false, true] {
                if expect == Expect::Ignore || sender.address(v6).and(target.address(v6)).is_none()
                {
                    continue;
                }
                let key = (sender.id(), target.id(), v6);
                // A reply counts only if the request has been where it should: otherwise somebody else with that address answered.
                let rtt = seen
                    .rtt
                    .get(&key)
                    .copied()
                    .filter(|_| seen.delivered.contains(&key));
                outcomes.insert(
                    (from, to, v6),
                    Outcome {
                        arrived: seen.arrived.contains(&key),
                        rtt,
                    },
                );
            }
        }
        drop(seen);
        let names = stations
            .iter()
            .map(|station| station.name().to_owned())
            .collect();
        Matrix {
            names,
            expected: self.expected,
            outcomes,
        }
    }
}
