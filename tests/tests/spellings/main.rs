//! Flows that are one flow in different spellings compare equal, and flows that are not do not: spellings that are made by rule
//! ([`pairs`]), and those that a real switch makes of a flow that it was given in one version and lists in another ([`live`]).
//!
//! The seed is printed. A run has a fixed seed; `HEDDLE_SEED` gives another, `HEDDLE_SEED=new` one that nobody had before,
//! `HEDDLE_FLOWS` says how many flows there are, `HEDDLE_SHOWN` how many failures are shown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod live;
mod pairs;

use std::io::Write;

use tests::random::new_seed;

/// What a run goes by.
struct Run {
    name: &'static str,
    seed: u64,
    flows: usize,
    shown: usize,
    failures: Vec<String>,
}

impl Run {
    /// A run of `flows` flows where the environment says nothing else.
    fn new(name: &'static str, flows: usize) -> Self {
        let variable = |name| std::env::var(name).ok();
        let number = |name| Some(variable(name)?.parse().expect("a number"));
        let seed = match variable("HEDDLE_SEED").as_deref() {
            Some("new") => new_seed(),
            _ => number("HEDDLE_SEED").unwrap_or(1) as u64,
        };
        let flows = number("HEDDLE_FLOWS").unwrap_or(flows);
        let run = Self {
            name,
            seed,
            flows,
            shown: number("HEDDLE_SHOWN").unwrap_or(20),
            failures: Vec::new(),
        };
        run.say(&format!("HEDDLE_SEED={seed}, {flows} flows"));
        run
    }

    fn say(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{}: {text}", self.name);
    }

    /// Ends the run, with a panic if anything failed.
    fn end(self) {
        let shown = &self.failures[..self.failures.len().min(self.shown)];
        assert!(
            shown.is_empty(),
            "{}: HEDDLE_SEED={}: {} failures:\n{}",
            self.name,
            self.seed,
            self.failures.len(),
            shown.join("\n")
        );
    }
}
