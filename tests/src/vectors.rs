//! The records of Open vSwitch's own test suite, which are not part of the repository, and the account of which pass.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The records in a file of the folder of vectors, or `None`, and a line that says so, where there is no such folder:
/// `HEDDLE_VECTORS` names it.
///
/// # Panics
/// If a line is no JSON.
#[must_use]
pub fn records(file: &str) -> Option<Vec<Value>> {
    let dir = std::env::var_os("HEDDLE_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(dir.join(file)) else {
        say("conformance: no vectors (set HEDDLE_VECTORS to run them)");
        return None;
    };
    let records = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    Some(records)
}

/// A line past the capture of the test harness: counts are of interest when all passes, too.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A member that is text.
#[must_use]
pub fn text(record: &Value, name: &str) -> Option<String> {
    record.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// How a record fared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// As Open vSwitch has it.
    Passed,
    /// Otherwise: how.
    Failed(String),
    /// It can not be asked: why not.
    Unasked(&'static str),
}

impl From<Result<(), String>> for Verdict {
    fn from(result: Result<(), String>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Passed)
    }
}

/// Who passed, by kind. Records that do not pass must be listed with a reason; listed ones that pass are an error too.
#[derive(Debug)]
pub struct Account {
    /// What is listed, by id.
    known: BTreeMap<&'static str, &'static str>,
    /// Passed, asked, and not asked by the reason.
    counts: BTreeMap<String, (usize, usize, BTreeMap<&'static str, usize>)>,
    failures: Vec<String>,
    needless: Vec<String>,
}

impl Account {
    /// `unpassed`: a list with an id, a space and a reason in each line, or a comment after `#`.
    #[must_use]
    pub fn new(unpassed: &'static str) -> Self {
        let known = unpassed
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(' '))
            .collect();
        Self {
            known,
            counts: BTreeMap::new(),
            failures: Vec::new(),
            needless: Vec::new(),
        }
    }

    /// True if a record is listed as one that does not pass.
    #[must_use]
    pub fn expects_failure(&self, record: &Value) -> bool {
        text(record, "id").is_some_and(|id| self.known.contains_key(id.as_str()))
    }

    /// Counts a record.
    pub fn add(&mut self, record: &Value, verdict: Verdict) {
        let id = text(record, "id").unwrap_or_default();
        let count = self
            .counts
            .entry(text(record, "kind").unwrap_or_default())
            .or_default();
        match verdict {
            Verdict::Unasked(why) => {
                *count.2.entry(why).or_default() += 1;
                return;
            }
            Verdict::Passed => {
                count.0 += 1;
                if self.known.contains_key(id.as_str()) {
                    self.needless.push(id);
                }
            }
            Verdict::Failed(why) if !self.known.contains_key(id.as_str()) => {
                self.failures.push(format!("{id}: {why}"));
            }
            Verdict::Failed(_) => {}
        }
        count.1 += 1;
    }

    /// Prints the counts and fails if anything is not as listed.
    ///
    /// # Panics
    /// If so.
    pub fn close(mut self) {
        for (kind, (passed, total, unasked)) in &self.counts {
            let mut line = format!("conformance {kind}: {passed}/{total}");
            for (why, count) in unasked {
                line += &format!(", {count} not asked ({why})");
            }
            say(&line);
        }
        self.failures.sort();
        for failure in &self.failures {
            println!("{failure}");
        }
        assert!(
            self.failures.is_empty(),
            "{} records fail without a reason on file",
            self.failures.len()
        );
        assert!(
            self.needless.is_empty(),
            "these pass and are still on file: {:?}",
            self.needless
        );
    }
}
