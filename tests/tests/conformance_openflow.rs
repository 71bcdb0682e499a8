//! The vectors of Open vSwitch's own test suite that need no switch (those that do: `conformance_openflow_sessions`): every
//! record is run and counted by kind. Records that do not pass must be listed, with a reason, in
//! `conformance_openflow.unpassed`; a listed record that passes is an error too.
//!
//! The vectors are not part of the repository: `HEDDLE_VECTORS` says where they are; where they are absent, the test says so.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use flows::ofpkt::{Body, FlowMod, FlowModCommand, GroupModCommand, Hello, Message, pieces};
use flows::text::{
    Names, format_entries, parse_entries, parse_flow_mod, parse_group_mod, parse_match,
    print_message,
};
use flows::{Field, Match, Version};
use serde_json::Value;
use tests::ofctl::usable_formats;
use tests::vectors::{Account, Verdict, records, say, text};

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn protocol(name: &str) -> Option<(Version, bool)> {
    Some(match name {
        "OpenFlow10" => (Version::V10, false),
        "NXM" => (Version::V10, true),
        "OpenFlow11" => (Version::V11, false),
        "OpenFlow12" => (Version::V12, false),
        "OpenFlow13" => (Version::V13, false),
        "OpenFlow14" => (Version::V14, false),
        "OpenFlow15" => (Version::V15, false),
        _ => return None,
    })
}

/// How many refusals are told in other words than Open vSwitch's.
static OTHER_WORDS: AtomicUsize = AtomicUsize::new(0);

fn flow_text(record: &Value) -> Result<(), String> {
    let line = text(record, "text").ok_or("no text")?;
    let parsed = parse_flow_mod(line.trim(), FlowModCommand::Add, &Names::default());
    if record["status"] == 1 {
        let Err(error) = parsed else {
            return Err(format!("accepted as {}", parsed.unwrap().flow));
        };
        let theirs = text(record, "expected_stderr").unwrap_or_default();
        if theirs.trim_end().strip_prefix("ovs-ofctl: ") != Some(&error.what) {
            OTHER_WORDS.fetch_add(1, Ordering::Relaxed);
        }
        return if error.column <= line.len() + 1 {
            Ok(())
        } else {
            Err(format!("{error} is behind the end"))
        };
    }
    let flow_mod = parsed.map_err(|e| e.to_string())?;
    if let Some(usable) = text(record, "oracle_usable") {
        equal(&usable_formats(&flow_mod), &usable)?;
    }
    if let Some(printed) = text(record, "expected_text") {
        let chosen = text(&record["args"], "chosen_protocol").ok_or("no protocol")?;
        flow_printed(record, &flow_mod, &chosen, &printed)?;
    }
    for (name, bytes) in record["oracle_wire"].as_object().into_iter().flatten() {
        let (version, nxm) = protocol(name).ok_or_else(|| format!("protocol {name}"))?;
        let mut flow_mod = flow_mod.clone();
        flow_mod.nicira_form = nxm;
        let encoded = Message::new(version, 0, Body::FlowMod(Box::new(flow_mod))).encode();
        equal(&hex(&encoded), bytes.as_str().unwrap_or_default())
            .map_err(|why| format!("{name}:\n   {why}"))?;
        let decoded = Message::decode(&encoded).map_err(|e| format!("{name}: decode: {e}"))?;
        if decoded.encode() != encoded {
            return Err(format!(
                "{name}: {} is encoded again as {}",
                hex(&encoded),
                hex(&decoded.encode())
            ));
        }
    }
    Ok(())
}

/// The change of flows as it is printed when it is sent in the form that was chosen.
fn flow_printed(
    record: &Value,
    flow_mod: &FlowMod,
    chosen: &str,
    want: &str,
) -> Result<(), String> {
    let name = chosen.trim_start_matches("OXM-");
    let tabled = name.ends_with("+table_id");
    let name = name.split(['+', '-']).next().unwrap_or_default();
    let (version, nxm) = protocol(name).ok_or_else(|| format!("protocol {chosen}"))?;
    let mut flow_mod = flow_mod.clone();
    (flow_mod.nicira_form, flow_mod.table_said) = (nxm, tabled);
    let bytes = Message::new(version, 0, Body::FlowMod(Box::new(flow_mod))).encode();
    let verbosity = record["args"]["more"]
        .as_u64()
        .and_then(|n| n.try_into().ok());
    let have = print_message(&bytes, verbosity.unwrap_or(0), &Names::default());
    equal(have.replace(" (xid=0x0)", "").trim_end(), want.trim_end())
}

/// One of OpenFlow 1.0's, and what it says when it is read again, in each form of a VLAN tag.
fn check_vlan(record: &Value) -> Result<(), String> {
    let number = |n: usize| {
        let text = record["args"]["operands"][n].as_str().unwrap_or_default();
        u16::from_str_radix(text, 16).map_err(|error| error.to_string())
    };
    let (tci, mask) = (number(0)?, number(1)?);
    let tag = Match::new().with_masked(Field::VlanTci, tci, mask);
    let told = |found: &Match| {
        let tag = found.get(Field::VlanTci);
        tag.map_or((0, 0), |tag| (tag.value, tag.mask))
    };
    let read = |text: &str| parse_match(text).map_err(|error| error.to_string());
    let (value, bits) = told(&read(&tag.to_string())?);
    let mut have = format!("{tag} -> {value:04x}/{bits:04x}\n");

    let entries = pieces::encode_entries(&tag, Version::V10);
    let again = pieces::decode_entries(&entries, true).map_err(|error| error.to_string())?;
    let (value, bits) = told(&again);
    have += &format!(
        "NXM: {} -> {value:04x}/{bits:04x}\n",
        format_entries(&entries)
    );

    let entries = pieces::encode_entries(&tag, Version::V12);
    let again = pieces::decode_entries(&entries, true).map_err(|error| error.to_string())?;
    let (value, bits) = told(&again);
    let pcp = if bits & 0xe000 == 0 {
        "--".to_owned()
    } else {
        format!("{:02x}", value >> 13)
    };
    let (vid, vid_bits) = (value & 0x1fff, bits & 0x1fff);
    have += &format!(
        "OXM: {} -> {vid:04x}/{vid_bits:04x},{pcp}\n",
        format_entries(&entries)
    );

    // Wildcards, id and priority stand in the matches of fixed size.
    let body = |version| pieces::encode_match(&tag, version);
    let (v10, v11) = (body(Version::V10), body(Version::V11));
    for (name, bytes, wild_at, vid_at, pcp_at) in
        [("OF1.0", &v10, 0, 18, 20), ("OF1.1", &v11, 8, 36, 38)]
    {
        let word = u32::from_be_bytes(bytes[wild_at..wild_at + 4].try_into().unwrap());
        let wild_vid = word >> 1 & 1;
        let wild_pcp = word >> (if name == "OF1.0" { 20 } else { 2 }) & 1;
        let vid = u16::from_be_bytes(bytes[vid_at..vid_at + 2].try_into().unwrap());
        let version = if name == "OF1.0" {
            Version::V10
        } else {
            Version::V11
        };
        let again = pieces::decode_match(bytes, version).map_err(|error| error.to_string())?;
        let (value, bits) = told(&again);
        have += &format!(
            "{name}: {vid:04x}/{wild_vid},{:02x}/{wild_pcp} -> {value:04x}/{bits:04x}\n",
            bytes[pcp_at]
        );
    }
    equal(&have, &text(record, "expected_text").unwrap_or_default())
}

/// A group as it is printed, or refused.
fn group_text(record: &Value) -> Result<(), String> {
    let line = text(record, "text").ok_or("no text")?;
    let parsed = parse_group_mod(&line, GroupModCommand::ADD, &Names::default());
    match (parsed, record["status"] == 1) {
        (Err(error), true) => {
            let theirs = text(record, "expected_stderr").unwrap_or_default();
            if theirs.trim_end().strip_prefix("ovs-ofctl: ") != Some(&error.what) {
                OTHER_WORDS.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
        (Ok(change), true) => Err(format!("accepted as {change:?}")),
        (Err(error), false) => Err(error.to_string()),
        (Ok(change), false) => {
            let bytes = Message::new(Version::V15, 0, Body::GroupMod(change)).encode();
            let have = print_message(&bytes, 0, &Names::default());
            equal(
                have.trim_end(),
                text(record, "expected_text").unwrap_or_default().trim_end(),
            )
        }
    }
}

fn run(record: &Value) -> Verdict {
    match record["kind"].as_str().unwrap_or_default() {
        "flow-text" => flow_text(record),
        "ofp-print" => ofp_print(record),
        "nx-match" => nx_match(record),
        "ofp-match" => ofp_match(record),
        "actions" => actions(record),
        "error" => error(record),
        "hello" => hello(record),
        "util" => match record["args"]["command"].as_str() {
            Some("parse-key-value") => key_value(record),
            Some("check-vlan") => check_vlan(record),
            Some("parse-group") => group_text(record),
            _ => return Verdict::Unasked("no test for it"),
        },
        _ => return Verdict::Unasked("no test for it"),
    }
    .into()
}

fn version(record: &Value, otherwise: Version) -> Version {
    let name = text(record, "of_version");
    let minor = name
        .as_deref()
        .and_then(|n| n.strip_prefix("1."))
        .and_then(|n| n.parse::<u8>().ok());
    minor.map_or(otherwise, |minor| Version::from_wire(minor + 1).unwrap())
}

fn equal(have: &str, want: &str) -> Result<(), String> {
    if have == want {
        Ok(())
    } else {
        Err(format!("have {have}\n   want {want}"))
    }
}

fn nx_match(record: &Value) -> Result<(), String> {
    let args = &record["args"];
    let line = text(record, "text").ok_or("no text")?;
    let line = line.split('#').next().unwrap_or_default();
    let version = version(record, Version::V10);
    let bytes = parse_entries(line).map_err(|e| e.to_string())?;
    let wanted = text(record, "expected_text").ok_or("no expected text")?;
    let read = pieces::decode_entries(&bytes, args["strict"] == Value::Bool(true));
    let have = match &read {
        Err(e) => format!("nx_pull_match() returned error {}", e.error),
        Ok(matches) => {
            let mut entries = pieces::encode_entries(matches, version);
            if let Ok(Some((cookie, mask))) = pieces::decode_cookie(&bytes) {
                entries.extend(pieces::encode_cookie(cookie, mask));
            }
            format_entries(&entries)
        }
    };
    equal(have.trim(), wanted.trim())?;
    match (read, text(record, "oracle_hex")) {
        (Ok(matches), Some(wanted)) if version >= Version::V12 => {
            equal(&hex(&pieces::encode_match(&matches, version)), &wanted)
        }
        _ => Ok(()),
    }
}

/// A match of fixed size, in which `x` stands for any digit.
fn ofp_match(record: &Value) -> Result<(), String> {
    let digits = text(record, "hex").ok_or("no hex")?.replace('x', "0");
    let version = version(record, Version::V10);
    let wanted = text(record, "expected_text").ok_or("no expected text")?;
    let have = match pieces::decode_match(&unhex(&digits), version) {
        Ok(matches) => matches.to_string(),
        Err(e) => format!("bad ofp11_match: {}", e.error),
    };
    equal(have.trim(), wanted.trim())
}

fn actions(record: &Value) -> Result<(), String> {
    let version = version(record, Version::V10);
    let bytes = unhex(&text(record, "hex").ok_or("no hex")?);
    let wanted = text(record, "expected_text").ok_or("no expected text")?;
    let what = record["args"]["what"].as_str().unwrap_or_default();
    let (read, encoded) = if what == "actions" {
        let list = pieces::decode_actions(&bytes, version);
        let encoded = list
            .as_ref()
            .map(|list| pieces::encode_actions(list, version));
        (
            list.clone().map(flows::Instructions::from),
            encoded.unwrap_or_default(),
        )
    } else {
        let list = pieces::decode_instructions(&bytes, version);
        let encoded = list
            .as_ref()
            .map(|list| pieces::encode_instructions(list, version));
        (list.clone(), encoded.unwrap_or_default())
    };
    let name = format!("OpenFlow1{}", version.wire() - 1);
    match read {
        Err(e) => equal(&format!("bad {name} {what}: {}", e.error), wanted.trim()),
        Ok(list) => {
            equal(&format!("actions={list}"), wanted.trim())?;
            if record["args"].get("reencoding").is_some() {
                Ok(())
            } else {
                equal(&hex(&encoded), &hex(&bytes))
            }
        }
    }
}

fn error(record: &Value) -> Result<(), String> {
    let args = &record["args"];
    let error =
        pieces::error_named(args["name"].as_str().unwrap_or_default()).ok_or("unknown error")?;
    if let Some(request) = args["request"].as_str() {
        let have = pieces::error_reply(error, &unhex(request)).ok_or("no words for it")?;
        return equal(&hex(&have), &text(record, "hex").unwrap_or_default());
    }
    let line = |version: Version| {
        let (vendor, kind, code) = pieces::error_meaning(error, version)?;
        let vendor = if vendor == 0 {
            "0".to_owned()
        } else {
            format!("{vendor:#x}")
        };
        Some(format!(
            "OpenFlow 1.{}: vendor {vendor}, type {kind}, code {code}\n",
            version.wire() - 1
        ))
    };
    let have: String = Version::ALL.into_iter().filter_map(line).collect();
    equal(&have, &text(record, "expected_text").unwrap_or_default())
}

fn hello(record: &Value) -> Result<(), String> {
    let bitmap = record["args"]["bitmap"]
        .as_str()
        .unwrap_or_default()
        .trim_start_matches("0x");
    let versions = u32::from_str_radix(bitmap, 16).map_err(|e| e.to_string())?;
    let message = Message::new(
        version(record, Version::V10),
        1,
        Body::Hello(Hello { versions }),
    );
    equal(
        &hex(&message.encode()),
        &text(record, "hex").unwrap_or_default(),
    )
}

fn key_value(record: &Value) -> Result<(), String> {
    let line = text(record, "text").ok_or("no text")?;
    let pair = |(key, value): (&str, &str)| {
        if value.is_empty() {
            key.to_owned()
        } else {
            format!("{key}={value}")
        }
    };
    let have: Vec<String> = flows::text::key_values(&line)
        .into_iter()
        .map(pair)
        .collect();
    equal(
        &have.join(", "),
        &text(record, "expected_text").unwrap_or_default(),
    )
}

fn ofp_print(record: &Value) -> Result<(), String> {
    let bytes = unhex(&text(record, "hex").ok_or("no hex")?);
    let verbosity = record["args"]["verbosity"]
        .as_str()
        .and_then(|v| v.parse().ok())
        .unwrap_or(2);
    let have = print_message(&bytes, verbosity, &Names::default());
    if let Ok(message) = Message::decode(&bytes) {
        again(&message, &bytes)?;
    }
    let lines = |text: &str| {
        text.lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let wanted = text(record, "expected_text").unwrap_or_default();
    if let Some(parts) = record["expected_contains"].as_array() {
        let missing = parts
            .iter()
            .filter_map(Value::as_str)
            .find(|part| !have.contains(part));
        return missing.map_or(Ok(()), |part| Err(format!("{part} is not in {have}")));
    }
    equal(lines(&have).trim_end(), lines(&wanted).trim_end())
}

/// What was read is written again: byte for byte where Open vSwitch could have written it, else so that it means the same
/// (some vectors have fields out of order, masks of all ones, or numbers that only an old release used).
fn again(message: &Message, bytes: &[u8]) -> Result<(), String> {
    let encoded = message.encode();
    if encoded == bytes {
        return Ok(());
    }
    match Message::decode(&encoded) {
        Ok(second) if second == *message && second.encode() == encoded => Ok(()),
        other => Err(format!(
            "{} is encoded again as {}: {other:?}",
            hex(bytes),
            hex(&encoded)
        )),
    }
}

#[test]
fn vectors_of_open_vswitch() {
    let Some(all) = records("openflow-open.jsonl") else {
        return;
    };
    let mut account = Account::new(include_str!("conformance_openflow.unpassed"));
    for record in &all {
        let of_sessions = matches!(record["kind"].as_str(), Some("session" | "trace"));
        if !of_sessions && record["oracle_ok"] == Value::Bool(true) {
            account.add(record, run(record));
        }
    }
    say(&format!(
        "conformance: {} refusals in other words than Open vSwitch's",
        OTHER_WORDS.load(Ordering::Relaxed)
    ));
    account.close();
}
