//! Records what the installed Open vSwitch does with flows of our own and says of itself, for the test of the `flows` crate that
//! replays it without Open vSwitch: `cargo run -p tests --example record`. A record is a line of `flows/tests/recorded/*.tsv`:
//! form, text (of flows), the bytes that a switch receives or sends, what ofp-print writes of them (`\n` for line feeds).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "whoever records looks at what went wrong"
)]

#[path = "record/conversation.rs"]
mod conversation;
#[path = "record/made.rs"]
mod made;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use flows::field::{Format, Prerequisite};
use flows::ofpkt::{Body, FlowMod, FlowModCommand, Message};
use flows::text::{Names, check_change_for, parse_flow_mod};
use flows::{Action, Field, Version};
use tests::flow_text::FlowText;
use tests::judge::{self, Protocol};
use tests::random::Random;

/// Flows that are recorded in any case.
const LISTED: &str = include_str!("../../flows/tests/recorded/actions.txt");

/// How many flows are tried; of these only those stay that show something new.
const TRIED: usize = 15_000;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/tests/recorded");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(folder.join("flows.tsv"), recorded_flows(dir.path())).unwrap();
    std::fs::write(folder.join("messages.tsv"), recorded_messages(dir.path())).unwrap();
}

/// What we make of a line in a protocol, if it can be said there.
fn ours(line: &str, protocol: Protocol) -> Option<FlowMod> {
    let mut change = parse_flow_mod(line, FlowModCommand::Add, &Names::default()).ok()?;
    check_change_for(&change, protocol.version).ok()?;
    if protocol.version == Version::V10 {
        if !protocol.nicira && change.needs_nicira_form() {
            return None;
        }
        change.nicira_form = protocol.nicira;
        change.table_said = true;
    }
    Some(change)
}

/// What a flow shows: fields that it matches, with a mask or without, and kinds of actions and of what they write.
fn shows(change: &FlowMod) -> Vec<String> {
    let mut found: Vec<String> = change
        .flow
        .matches
        .iter()
        .map(|field| format!("{}{}", field.field, if field.is_exact() { "" } else { "/" }))
        .collect();
    let written = change.flow.instructions.write.iter().flatten();
    for action in change.flow.instructions.apply.iter().chain(written) {
        kinds(action, &mut found);
    }
    found
}

fn kinds(action: &Action, found: &mut Vec<String>) {
    let name = format!("{action:?}");
    let kind = name.split(['(', ' ', '{']).next().unwrap_or_default();
    match action {
        Action::SetField(set) => found.push(format!("{kind} {}", set.field())),
        Action::Clone(inner) => inner.iter().for_each(|inner| kinds(inner, found)),
        _ => {}
    }
    found.push(kind.to_owned());
}

fn recorded_flows(dir: &Path) -> String {
    let mut out = String::new();
    // What 1.2 and 1.4 have is in 1.3 and 1.5.
    let apart = |p: &Protocol| !matches!(p.version, Version::V12 | Version::V14);
    for protocol in Protocol::ALL.into_iter().filter(apart) {
        let mut random = Random::new(2026);
        let mut shown: BTreeMap<String, u32> = BTreeMap::new();
        let mut lines: Vec<String> = Vec::new();
        for _ in 0..TRIED {
            let line = FlowText::new(&mut random).line();
            let Some(change) = ours(&line, protocol).filter(|_| line.len() < 130) else {
                continue;
            };
            let new = shows(&change);
            if new.iter().any(|what| !shown.contains_key(what)) {
                for what in new {
                    *shown.entry(what).or_default() += 1;
                }
                lines.push(line);
            }
        }
        if protocol.version == Version::V13 {
            // Chance does not know them all.
            lines.extend(Field::ALL.iter().map(|field| one_field(*field)));
        }
        let listed = LISTED.lines().filter(|line| ours(line, protocol).is_some());
        lines.extend(listed.map(str::to_owned));
        let mut kept: Vec<&str> = lines.iter().map(String::as_str).collect();
        let sent = judge::send(protocol, dir, &mut kept, &mut Vec::new());
        let printed = judge::print_messages(dir, &sent, 0);
        for ((line, sent), printed) in kept.iter().zip(&sent).zip(&printed) {
            let xid = u32::from_be_bytes([sent[4], sent[5], sent[6], sent[7]]);
            let change = ours(line, protocol).unwrap();
            let body = Body::FlowMod(Box::new(change));
            // The differential test has the table of deliberate differences.
            if Message::new(protocol.version, xid, body).encode() == *sent {
                let (_, format) = protocol.names();
                record(&mut out, format, line, sent, printed);
            }
        }
    }
    out
}

/// A flow that matches a field of packets that have it.
fn one_field(field: Field) -> String {
    use Prerequisite as P;
    let info = field.info();
    let packets = match info.prerequisite {
        P::Always | P::Ethernet => "",
        P::Arp => "arp,",
        P::Vlan => "dl_vlan=1,",
        P::Ipv4 | P::Ip => "ip,",
        P::Ipv6 => "ipv6,",
        P::Mpls => "mpls,",
        P::Nsh => "dl_type=0x894f,",
        P::Tcp => "tcp,",
        P::Udp => "udp,",
        P::Sctp => "sctp,",
        P::Icmpv4 => "icmp,",
        P::Icmpv6 => "icmp6,",
        P::Nd | P::NdSolicit => "icmp6,icmp_type=135,icmp_code=0,",
        P::NdAdvert => "icmp6,icmp_type=136,icmp_code=0,",
        P::Ct if info.format == Format::Ipv6 => "ct_state=+trk+est,ipv6,",
        P::Ct => "ct_state=+trk+est,ip,",
    };
    let value = match info.format {
        Format::Decimal | Format::Hex | Format::Port | Format::Port16 => "1",
        Format::Ethernet => "02:00:00:00:00:01",
        Format::Ipv4 => "10.0.0.1",
        Format::Ipv6 => "fd00::1",
        Format::Frag => "first",
        Format::TunnelFlags => "oam",
        Format::TcpFlags => "syn",
        Format::CtState => "+trk",
        Format::PacketType => "(1,0x800)",
    };
    format!("{packets}{}={value},actions=drop", info.name)
}

fn record(out: &mut String, form: &str, text: &str, bytes: &[u8], printed: &str) {
    let printed = printed.replace('\\', "\\\\").replace('\n', "\\n");
    let _ = writeln!(out, "{form}\t{text}\t{}\t{printed}", hex(bytes));
}

/// Both sides of conversations, and what no switch says unasked. A form is who said it.
fn recorded_messages(dir: &Path) -> String {
    let mut book = Book::default();
    conversation::record(&mut book).unwrap();
    made::record(&mut book).unwrap();
    let bytes: Vec<Vec<u8>> = book.said.iter().map(|(_, bytes)| bytes.clone()).collect();
    let printed = judge::print_messages(dir, &bytes, 0);
    let mut out = String::new();
    for ((from, bytes), printed) in book.said.iter().zip(&printed) {
        record(&mut out, from, "", bytes, printed);
    }
    out
}

/// What has been said so far, and by whom.
#[derive(Default)]
struct Book {
    said: Vec<(&'static str, Vec<u8>)>,
    seen: BTreeSet<Vec<u8>>,
}

impl Book {
    /// Writes a message down, unless there is one that differs in its transaction id only.
    fn add(&mut self, from: &'static str, bytes: &[u8]) {
        let mut anonymous = bytes.to_vec();
        if let Some(xid) = anonymous.get_mut(4..8) {
            xid.fill(0);
        }
        if self.seen.insert(anonymous) {
            self.said.push((from, bytes.to_vec()));
        }
    }
}
