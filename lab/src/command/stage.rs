//! Progress: a line for each stage of something long, with the time it took.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Stages as they go by.
pub(super) struct Stages {
    start: Instant,
}

impl Stages {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Says what begins, does it, says how long it took and what `work` has to say about it.
    pub(super) fn run<T>(
        &self,
        what: &str,
        work: impl FnOnce() -> anyhow::Result<(T, String)>,
    ) -> anyhow::Result<T> {
        let live = std::io::stdout().is_terminal();
        if live {
            print!("         {what} ...");
            // Only the look of the progress depends on it.
            let _ = std::io::stdout().flush();
        }
        let begun = Instant::now();
        let result = work();
        if live {
            print!("\r\x1b[K");
        }
        let (value, note) = result?;
        let note = if note.is_empty() {
            note
        } else {
            format!(": {note}")
        };
        println!("{:>6.2} s {what}{note}", begun.elapsed().as_secs_f64());
        Ok(value)
    }

    pub(super) fn total(&self) -> Duration {
        self.start.elapsed()
    }
}
