//! The flow language and the codec against the installed `ovs-ofctl`, on flows and messages by chance.
//!
//! The seed is printed. A run has fixed seeds; `HEDDLE_SEED` gives another, `HEDDLE_SEED=new` one that nobody had before,
//! `HEDDLE_FLOWS` and `HEDDLE_MESSAGES` say how many of them each has, `HEDDLE_SHOWN` how many differences are shown.
//! Where ovs-ofctl is not installed, the test says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod deviations;
mod messages;

use std::io::Write;
use std::path::Path;

use flows::Version;
use flows::ofpkt::{Body, FlowMod, FlowModCommand, Message};
use flows::text::{Names, check_change_for, parse_flow_mod, print_message};
use tests::flow_text::FlowText;
use tests::judge::{self, Protocol};
use tests::random::{Random, new_seed};

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The number in an environment variable.
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The seeds of a run: those that stay, or the one that is asked for.
fn seeds() -> Vec<u64> {
    match std::env::var("HEDDLE_SEED").as_deref() {
        Err(_) => vec![1, 7],
        Ok("new") => vec![new_seed()],
        Ok(seed) => vec![seed.parse().expect("HEDDLE_SEED is a number or new")],
    }
}

/// How a flow fares differently.
enum Difference {
    OnlyWeRefuse(String),
    OnlyTheyRefuse(String),
    Text { have: String, want: String },
    Bytes { have: Vec<u8>, want: Vec<u8> },
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OnlyWeRefuse(why) => write!(out, "  only we refuse it: {why}"),
            Self::OnlyTheyRefuse(why) => write!(out, "  only we take it: {why}"),
            Self::Text { have, want } => write!(out, "  have {have}  want {want}"),
            Self::Bytes { have, want } => {
                write!(out, "  have {}\n  want {}", hex(have), hex(want))
            }
        }
    }
}

/// What is not alike.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn flow(&mut self, protocol: Protocol, line: &str, difference: &Difference) {
        if deviations::reason(protocol, line, difference).is_none() {
            let (_, format) = protocol.names();
            self.0.push(format!("{format}: {line}\n{difference}"));
        }
    }

    fn report(self, seed: u64, total: usize) {
        let shown = variable("HEDDLE_SHOWN").unwrap_or(20) as usize;
        assert!(
            self.0.is_empty(),
            "HEDDLE_SEED={seed}: {} of {total} differ:\n{}",
            self.0.len(),
            self.0[..self.0.len().min(shown)].join("\n")
        );
    }
}

/// What we make of a line in a protocol, or why nothing.
fn ours(line: &str, protocol: Protocol) -> Result<FlowMod, String> {
    let mut change =
        parse_flow_mod(line, FlowModCommand::Add, &Names::default()).map_err(|e| e.to_string())?;
    check_change_for(&change, protocol.version)?;
    if protocol.version == Version::V10 {
        if !protocol.nicira && change.needs_nicira_form() {
            return Err("this needs Nicira's form".to_owned());
        }
        change.nicira_form = protocol.nicira;
        change.table_said = true;
    }
    Ok(change)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The canonical text says the same flow, and is written again as it is.
fn again(line: &str, change: &FlowMod, found: &mut Differences) {
    let text = change.to_text(&Names::default());
    let second = match parse_flow_mod(&text, FlowModCommand::Add, &Names::default()) {
        Ok(second) => second,
        Err(e) => {
            let text = format!("{line}\n  is written as {text}\n  which is none: {e}");
            return found.0.push(text);
        }
    };
    let mut first = change.flow.clone();
    if first.table == 0 && change.command == FlowModCommand::Add {
        // To say the first table is to say nothing.
        first.table = second.flow.table;
    }
    let text_again = second.to_text(&Names::default());
    // Leading zeros of a tunnel option are part of its length, but not of its number.
    let same = second.flow == first && text_again == text || line.contains("tun_metadata");
    if !same || second.command != change.command {
        found.0.push(format!(
            "{line}\n  is written as {text}\n  which is {text_again}"
        ));
    }
}

fn one_batch(protocol: Protocol, dir: &Path, texts: &[String], found: &mut Differences) {
    let mut taken: Vec<(&str, FlowMod)> = Vec::new();
    let mut refusals = 0;
    for line in texts {
        match ours(line, protocol) {
            Ok(change) => taken.push((line, change)),
            Err(ours) => {
                // Each of these needs a process of its own: some have to do for all.
                refusals += 1;
                if refusals % 3 == 0 && judge::flow_mods(protocol, dir, &[line]).is_ok() {
                    found.flow(protocol, line, &Difference::OnlyWeRefuse(ours));
                }
            }
        }
    }
    let mut refused = Vec::new();
    let mut lines: Vec<&str> = taken.iter().map(|(line, _)| *line).collect();
    let sent = judge::send(protocol, dir, &mut lines, &mut refused);
    for (line, why) in refused {
        found.flow(protocol, line, &Difference::OnlyTheyRefuse(why));
    }
    let printed = judge::print_messages(dir, &sent, 0);
    let mut left = taken.iter();
    for ((line, printed), sent) in lines.iter().zip(&printed).zip(&sent) {
        // What was refused has fallen out in between.
        let Some((_, change)) = left.by_ref().find(|(text, _)| text == line) else {
            panic!("{line} is lost");
        };
        again(line, change, found);
        let xid = u32::from_be_bytes([sent[4], sent[5], sent[6], sent[7]]);
        let body = Body::FlowMod(Box::new(change.clone()));
        let bytes = Message::new(protocol.version, xid, body).encode();
        let text = print_message(&bytes, 2, &Names::default());
        // What can not be read is shown with its bytes: these are compared as bytes.
        let first = |text: &str| text.lines().next().map(str::to_owned);
        if first(&text) != first(printed) {
            let (have, want) = (text, printed.clone());
            found.flow(protocol, line, &Difference::Text { have, want });
        } else if bytes != *sent {
            let (have, want) = (bytes, sent.clone());
            found.flow(protocol, line, &Difference::Bytes { have, want });
        } else if text != *printed {
            let (have, want) = (text, printed.clone());
            found.flow(protocol, line, &Difference::Text { have, want });
        }
    }
}

#[test]
fn flows_as_text_and_as_bytes() {
    if !judge::is_installed() {
        return say("differential: no ovs-ofctl 3.1");
    }
    for seed in seeds() {
        let total = variable("HEDDLE_FLOWS").unwrap_or(10_000) as usize;
        say(&format!("differential: HEDDLE_SEED={seed}, {total} flows"));
        let mut random = Random::new(seed);
        let texts: Vec<String> = (0..total)
            .map(|_| FlowText::new(&mut random).line())
            .collect();
        let mut found = Differences::default();
        let share = total.div_ceil(Protocol::ALL.len());
        let shares: Vec<_> = Protocol::ALL.into_iter().zip(texts.chunks(share)).collect();
        // Half of the time is spent in other processes, so that two of us keep two cores busy.
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..2)
                .map(|which| {
                    let shares = &shares;
                    scope.spawn(move || {
                        let dir = tempfile::tempdir().unwrap();
                        let mut found = Differences::default();
                        for (protocol, share) in shares.iter().skip(which).step_by(2) {
                            for batch in share.chunks(400) {
                                one_batch(*protocol, dir.path(), batch, &mut found);
                            }
                        }
                        found
                    })
                })
                .collect();
            for worker in workers {
                found.0.extend(worker.join().unwrap().0);
            }
        });
        found.report(seed, total);
    }
}
