//! `cargo lab bench flows`: the flow language and the codec on the flows of a large host, each figure against its limit, or
//! against `ovs-ofctl` on the same file in the same rounds. One JSON object a line on standard output, with `ratio` = `value` /
//! `against_value`; each figure is the median of several rounds. What a figure misses is said on standard error.
//!
//! Figures of the library are per second of one core's time (the thread's, schedstat: proc(5)), so that what else a machine
//! does counts little; those of commands are wall times of whole processes. Memory is the growth of a process's resident set
//! from before it reads the first line of a dump until it holds all flows of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a bench fails as a test does"
)]

mod figures;
mod large;

use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use controller::compile::Engine;
use flows::ofpkt::{Body, FlowMod, FlowStats, Message, MultipartReply};
use flows::text::{Names, parse_flow_stats};
use flows::{Flow, Version};

use figures::{Bench, Goal, cpu_seconds, median, resident, seconds};
use large::A_LARGE_HOST;

const BENCH: Bench = Bench("flows");
const FLOWS: usize = 100_000;
const ROUNDS: usize = 7;
/// Passes over all flows in a round of the library's: the kernel brings a thread's time up to date every few milliseconds.
const PASSES: usize = 5;
/// The argument by which this program starts itself, to hold the flows of a file and nothing else.
const HOLD: &str = "--hold-flows-of";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, file, ..] = &arguments[..]
        && word == HOLD
    {
        return println!("{}", hold(Path::new(file)));
    }
    let flows = a_large_host();
    let dump: Vec<String> = flows.iter().map(as_dumped).collect();
    library(&flows, &dump);
    memory(&dump);
    commands(&flows);
}

/// What the library does on one core.
fn library(flows: &[Flow], dump: &[String]) {
    let names = Names::default();
    let parse = per_second(|| {
        for line in dump {
            black_box(parse_flow_stats(line, &names).unwrap());
        }
    });
    BENCH.beside(
        "text_parse",
        parse,
        "flows/s",
        ("limit", 1e6),
        Goal::AtLeast(1.0),
    );

    let mut text = String::new();
    let print = per_second(|| {
        for flow in flows {
            text.clear();
            flow.write_text(&mut text, &names);
            black_box(&text);
        }
    });
    BENCH.beside(
        "text_print",
        print,
        "flows/s",
        ("text_parse", parse),
        Goal::AtLeast(1.0),
    );

    let change = |flow: &Flow| Body::FlowMod(Box::new(FlowMod::add(flow.clone())));
    let messages: Vec<Message> = flows
        .iter()
        .map(|flow| Message::new(Version::V14, 1, change(flow)))
        .collect();
    let mut bytes = Vec::new();
    let encode = per_second(|| {
        bytes.clear();
        for message in &messages {
            message.encode_into(&mut bytes);
        }
        black_box(&bytes);
    });
    BENCH.beside(
        "flow_mod_encode",
        encode,
        "messages/s",
        ("limit", 3e6),
        Goal::AtLeast(1.0),
    );

    let replies = replies(flows);
    let decode = per_second(|| {
        for reply in &replies {
            black_box(Message::decode(reply).unwrap());
        }
    });
    BENCH.beside(
        "flow_stats_decode",
        decode,
        "entries/s",
        ("limit", 2e6),
        Goal::AtLeast(1.0),
    );
}

/// What the flows of a dump take, in a process that has nothing else.
fn memory(dump: &[String]) {
    let file = written(dump);
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this)
        .arg(HOLD)
        .arg(file.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    let grown: u64 = String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    BENCH.beside(
        "memory_of_100000_flows",
        grown as f64 / 1e6,
        "MB",
        ("limit", 30.0),
        Goal::AtMost(1.0),
    );
}

/// By how many bytes this process grows while it reads the flows of a dump.
fn hold(file: &Path) -> u64 {
    let names = Names::default();
    let mut lines = BufReader::new(std::fs::File::open(file).unwrap());
    let mut line = String::new();
    // What is made once is no flow's.
    black_box(parse_flow_stats("actions=drop", &names).unwrap());
    let before = resident();
    let mut held = Vec::with_capacity(FLOWS);
    while lines.read_line(&mut line).unwrap() > 0 {
        held.push(parse_flow_stats(&line, &names).unwrap().flow);
        line.clear();
    }
    assert_eq!(black_box(&held).len(), FLOWS);
    resident().saturating_sub(before)
}

/// Commands, each a whole process that reads the same file and prints it, in turns with `ovs-ofctl`.
fn commands(flows: &[Flow]) {
    let lines: Vec<String> = flows.iter().map(ToString::to_string).collect();
    let file = written(&lines);
    let heddle = lab::heddle().unwrap();
    for (name, ours, theirs) in [
        ("command_parse_flow", &[][..], &[][..]),
        ("command_parse_ofctl", &["-o", "ofctl"], &[]),
        (
            "command_parse_ofctl_14",
            &["-o", "ofctl", "-O", "OpenFlow14"],
            &["-O", "OpenFlow14"],
        ),
        ("command_parse_hex", &["-o", "hex"], &[]),
    ] {
        let rounds = (0..ROUNDS).map(|_| {
            let ours = command(
                Command::new(heddle)
                    .args(["flow", "parse"])
                    .args(ours)
                    .arg(file.path()),
            );
            let theirs = command(
                Command::new("ovs-ofctl")
                    .args(theirs)
                    .arg("parse-flows")
                    .arg(file.path()),
            );
            (ours, theirs)
        });
        let (ours, theirs): (Vec<f64>, Vec<f64>) = rounds.unzip();
        let peer = ("ovs-ofctl parse-flows", &theirs[..]);
        BENCH.rounds(name, &ours, "flows/s", peer, Goal::AtLeast(3.0));
    }
}

fn written(lines: &[String]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines.join("\n") + "\n").unwrap();
    file
}

/// The flows of a large host, cut to [`FLOWS`].
fn a_large_host() -> Vec<Flow> {
    let site = A_LARGE_HOST.site();
    let engine = Engine::new(&site, A_LARGE_HOST.view(&site, 500));
    let all = engine.bridges().flat_map(|(_, flows)| {
        let sorted: std::collections::BTreeSet<_> = flows.iter().collect();
        sorted.into_iter().map(|(entry, _)| entry.flow().clone())
    });
    let mut flows: Vec<Flow> = all.collect();
    assert!(flows.len() >= FLOWS, "{}", flows.len());
    flows.truncate(FLOWS);
    flows
}

/// The flow as `ovs-ofctl dump-flows` prints it.
fn as_dumped(flow: &Flow) -> String {
    let text = flow.to_string();
    let (cookie, rest) = text.split_once(", ").unwrap();
    format!(
        " {cookie}, duration=719.214s, table={}, n_packets=1234, n_bytes=98765, {rest}",
        flow.table
    )
    .replace(
        &format!("n_bytes=98765, table={}, ", flow.table),
        "n_bytes=98765, ",
    )
}

/// All flows as the parts of one answer, each as long as a message may be.
fn replies(flows: &[Flow]) -> Vec<Vec<u8>> {
    let stats = |flow: &Flow| FlowStats {
        duration: (719, 214_000_000),
        packets: 1234,
        bytes: 98765,
        ..FlowStats::new(flow.clone())
    };
    let reply = |part: &[Flow]| {
        let stats = MultipartReply::Flow(part.iter().map(stats).collect());
        Message::new(Version::V14, 1, Body::MultipartReply(stats, true)).encode()
    };
    flows.chunks(200).map(reply).collect()
}

/// Flows per second of a command.
fn command(command: &mut Command) -> f64 {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    FLOWS as f64 / seconds(|| assert!(command.status().unwrap().success()))
}

/// Flows per second of this thread's time, in the median of several rounds.
fn per_second(mut round: impl FnMut()) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let took = cpu_seconds(|| (0..PASSES).for_each(|_| round()));
        (PASSES * FLOWS) as f64 / took
    });
    median(rounds)
}
