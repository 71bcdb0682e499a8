//! What Open vSwitch 3.1 did with flows of our own and said of itself, recorded by `cargo run -p tests --example record`, is done
//! again here, without Open vSwitch: the same bytes, the same text, and messages that are encoded as they came. Every field and
//! message is among them; for actions see `src/action/recorded_tests.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::BTreeSet;

use flows::ofpkt::{Body, FlowModCommand, Message, messages};
use flows::text::{Names, parse_flow_mod, print_message};
use flows::{Field, Version};

const FLOWS: &str = include_str!("recorded/flows.tsv");
const MESSAGES: &str = include_str!("recorded/messages.tsv");

/// A line of a record: form, text, bytes, what ofp-print writes.
struct Record {
    form: &'static str,
    text: &'static str,
    bytes: Vec<u8>,
    printed: String,
}

fn records(of: &'static str) -> impl Iterator<Item = Record> {
    of.lines().map(|line| {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap();
        let (form, text, digits, printed) = (next(), next(), next(), next());
        let bytes = digits
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        // No text has a backslash of its own before an n.
        let printed = printed.replace("\\n", "\n").replace("\\\\", "\\");
        Record {
            form,
            text,
            bytes,
            printed,
        }
    })
}

fn version(form: &str) -> (Version, bool) {
    match form {
        "OpenFlow10+table_id" => (Version::V10, false),
        "NXM+table_id" => (Version::V10, true),
        "OpenFlow11" => (Version::V11, false),
        "OXM-OpenFlow13" => (Version::V13, false),
        "OXM-OpenFlow15" => (Version::V15, false),
        other => panic!("{other} is no form"),
    }
}

#[test]
fn flows_have_the_bytes_and_the_text_that_open_vswitch_gave_them() {
    for record in records(FLOWS) {
        let (version, nicira) = version(record.form);
        let mut change =
            parse_flow_mod(record.text, FlowModCommand::Add, &Names::default()).unwrap();
        if version == Version::V10 {
            change.nicira_form = nicira;
            change.table_said = true;
        }
        let head = record.bytes.get(4..8).unwrap();
        let xid = u32::from_be_bytes(head.try_into().unwrap());
        let bytes = Message::new(version, xid, Body::FlowMod(Box::new(change))).encode();
        assert_eq!(bytes, record.bytes, "{}: {}", record.form, record.text);
        let text = print_message(&record.bytes, 2, &Names::default());
        assert_eq!(text, record.printed, "{}: {}", record.form, record.text);
    }
}

#[test]
fn messages_of_a_switch_are_told_as_open_vswitch_tells_them_and_encoded_as_they_came() {
    let mut count = 0;
    for record in records(MESSAGES) {
        let text = print_message(&record.bytes, 2, &Names::default());
        assert_eq!(text, record.printed, "{}", record.form);
        if !record.printed.contains("***decode error") {
            let message = Message::decode(&record.bytes).unwrap();
            assert_eq!(message.encode(), record.bytes, "{}", record.printed);
        }
        count += 1;
    }
    assert!(count > 300, "{count}");
}

#[test]
fn every_field_is_recorded() {
    for &field in Field::ALL {
        let info = field.info();
        let names = [info.name, info.alias];
        // What has no number in messages is only another name of what has one.
        if info.wire.is_empty() && field == Field::SkbPriority {
            continue;
        }
        let named = names
            .iter()
            .chain(info.wire.iter().map(|id| &id.name))
            .filter(|name| !name.is_empty());
        let forms = named.flat_map(|n| [format!("{n}="), format!("{n}["), format!(">{n}")]);
        let found = forms.into_iter().any(|form| FLOWS.contains(&form));
        assert!(found, "{field} is in no record: record again");
    }
}

#[test]
fn every_message_is_recorded() {
    let mut found = BTreeSet::new();
    for record in records(FLOWS).chain(records(MESSAGES)) {
        found.extend(
            Message::decode(&record.bytes)
                .ok()
                .and_then(|message| message.name()),
        );
    }
    let missing: Vec<&str> = messages().filter(|name| !found.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}: record again");
}
