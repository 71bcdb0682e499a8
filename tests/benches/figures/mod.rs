//! How the benches measure, and tell what they have measured: one JSON object a line on standard output, each with the same
//! members in the order in which people read them. What misses its goal is said on standard error, too.

#![allow(dead_code, unreachable_pub, reason = "each bench uses a part of it")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A bench, by its name.
pub struct Bench(pub &'static str);

/// What a ratio should be: of a figure to what it is measured against.
#[derive(Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Bench {
    /// A figure that stands alone.
    pub fn tell(&self, figure: &str, value: f64, unit: &str) {
        self.line(figure, value, unit, None);
    }

    /// A figure beside a limit, or what another has done in the same run.
    pub fn beside(&self, figure: &str, value: f64, unit: &str, other: (&str, f64), goal: Goal) {
        let (against, other) = other;
        self.judged(figure, value, unit, (against, other, value / other), goal);
    }

    /// A figure of several rounds beside another's in the same rounds: medians, and the median of the ratios, which need not be
    /// that of the medians.
    pub fn rounds(
        &self,
        figure: &str,
        values: &[f64],
        unit: &str,
        other: (&str, &[f64]),
        goal: Goal,
    ) {
        let (against, others) = other;
        let ratios = values.iter().zip(others).map(|(ours, other)| ours / other);
        let ratio = median(ratios);
        let other = median(others.iter().copied());
        let value = median(values.iter().copied());
        self.judged(figure, value, unit, (against, other, ratio), goal);
    }

    fn judged(&self, figure: &str, value: f64, unit: &str, other: (&str, f64, f64), goal: Goal) {
        self.line(figure, value, unit, Some(other));
        let (against, _, ratio) = other;
        let missed = match goal {
            Goal::AtLeast(least) => ratio < least,
            Goal::AtMost(most) => ratio > most,
        };
        if missed {
            eprintln!("{figure} misses its goal: {value} {unit} is {ratio:.2} of {against}");
        }
    }

    fn line(&self, figure: &str, value: f64, unit: &str, other: Option<(&str, f64, f64)>) {
        let (against, other, ratio) = match other {
            Some((against, other, ratio)) => (json!(against), json!(other), json!(ratio)),
            None => (Value::Null, Value::Null, Value::Null),
        };
        println!(
            r#"{{"bench":{},"figure":{},"value":{},"unit":{},"against":{against},"against_value":{other},"ratio":{ratio}}}"#,
            json!(self.0),
            json!(figure),
            json!(value),
            json!(unit),
        );
    }
}

/// The middle one.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How long the work takes by the clock, in seconds.
pub fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// How long this thread is busy with the work, in seconds of a CPU.
pub fn cpu_seconds(work: impl FnOnce()) -> f64 {
    let start = cpu_time();
    work();
    (cpu_time() - start).as_secs_f64()
}

/// What this thread has had of a CPU so far (proc(5), `schedstat`): on a busy machine it says more than a clock.
pub fn cpu_time() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = schedstat.split(' ').next().unwrap();
    Duration::from_nanos(nanoseconds.parse().unwrap())
}

/// What all threads of a process have had of a CPU so far, in seconds (proc(5), `schedstat`).
pub fn cpu_of(pid: &str) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanoseconds = threads.map(|thread| {
        let text = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse::<f64>().unwrap()
    });
    nanoseconds.sum::<f64>() / 1e9
}

/// How long the main thread of a process was ready and waited for a CPU so far, in milliseconds (proc(5), `schedstat`).
pub fn waited_for_cpu(pid: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
    let nanoseconds = text.split(' ').nth(1).unwrap();
    nanoseconds.parse::<f64>().unwrap() / 1e6
}

/// Bytes of this process in memory (proc(5), `VmRSS`).
pub fn resident() -> u64 {
    memory_of("self", "VmRSS")
}

/// Bytes of a process in memory, by its number; `what` is `VmRSS`, or `VmHWM` for the most that it ever had (proc(5)).
pub fn memory_of(process: &str, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let mut lines = status.lines().filter_map(|line| line.split_once(':'));
    let (_, text) = lines.find(|(name, _)| *name == what).unwrap();
    text.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// The number of the process whose program or first argument is `word`, and that was told of the directory.
pub fn process(word: &str, directory: &str) -> String {
    let is_it = |pid: &String| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let words: Vec<&str> = line.split('\0').collect();
        words.iter().take(2).any(|it| it.ends_with(word)) && line.contains(directory)
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    let mut pids = processes.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    pids.find(is_it).unwrap()
}
