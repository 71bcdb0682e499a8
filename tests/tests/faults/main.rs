//! Schedules of faults in virtual time: the real OpenFlow sessions and the real reconciler against a simulated switch and
//! simulated databases, with no sockets and no clock. Each schedule follows from its seed alone: a run has the seeds from
//! `FIRST` (0) on, `SCHEDULES` of them (10,000); `SEED=n cargo test -p tests --test faults` replays one.
//!
//! | who                     | what goes wrong                                                                              |
//! |-------------------------|----------------------------------------------------------------------------------------------|
//! | the switch              | is slow, byte by byte; refuses the n-th flow of a bundle, or its commit; hangs up in the middle of one, or before it says that it is made; pauses its monitor; leaves out, alters or makes up a flow in a list; restarts with no flows and other port numbers |
//! | its database            | tells of changes late; makes nothing of a transaction                                       |
//! | somebody at the switch  | deletes, alters and adds flows, or deletes all; deletes bridges and ports of heddle's; changes their options, fail modes and marks, and the tags and notes of endpoints' ports; numbers ports anew |
//! | the northbound database | is out of reach, while intent changes and endpoints come and go                              |
//! | the agent               | ends at any instant and starts again, with the last known intent or without                 |
//!
//! After everything that may change how the switch forwards no packet of a network leaves by a port, VLAN or VNI of another.
//! In the end, when nothing goes wrong any more, the flow tables are those of a host that was set up from scratch, and an agent
//! that starts anew changes nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a simulation fails as a test does"
)]

mod database;
mod host;
mod packets;
mod schedule;
mod switch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many schedules a run has.
const SCHEDULES: u64 = 10_000;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text}: not a number")),
    )
}

#[test]
fn whatever_fails_no_packet_strays_and_the_switch_ends_as_from_scratch() {
    if let Some(seed) = number("SEED") {
        schedule::run(seed);
        return;
    }
    let first = number("FIRST").unwrap_or(0);
    let end = first + number("SCHEDULES").unwrap_or(SCHEDULES);
    let next = AtomicU64::new(first);
    let failed: Vec<u64> = std::thread::scope(|scope| {
        let worker = || {
            let mut failed = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end || !failed.is_empty() {
                    return failed;
                }
                if catch_unwind(AssertUnwindSafe(|| schedule::run(seed))).is_err() {
                    failed.push(seed);
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect()
    });
    assert_eq!(failed, [0; 0], "replay one with SEED=n");
}

#[test]
#[should_panic(expected = "came out of tap11 of br-int")]
fn a_packet_that_strays_is_found() {
    schedule::run_with_a_leak();
}
