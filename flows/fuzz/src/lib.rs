//! What holds for any bytes and any text: the bodies of the fuzz targets, one a target. The test `corpus` of the crate `flows`
//! runs them too, over what the fuzzers have found.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fuzz target fails by panicking"
)]

use flows::Version;
use flows::ofpkt::{Body, FlowModCommand, Message, pieces};
use flows::text::{
    Names, check_for, format_entries, parse_entries, parse_flow_mod, parse_instructions,
    parse_match, print_message,
};

fn version(byte: u8) -> Version {
    let all = Version::ALL;
    all.get(usize::from(byte) % all.len()).copied().unwrap()
}

/// A message whose head tells its real length.
fn with_length(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
    bytes
        .iter_mut()
        .skip(2)
        .zip(length)
        .for_each(|(b, l)| *b = l);
    bytes
}

/// What is read is written, and what is written is read again as the same and written as the same.
fn holds(bytes: &[u8]) {
    let _ = print_message(bytes, 3, &Names::default());
    let strict = Message::decode_strict(bytes);
    let read = match Message::decode(bytes) {
        Ok(read) => read,
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error}");
            // A mask that is longer than its value is passed over by a switch where it does not know the field.
            let passed_over = error.error.name() == "OFPBMC_BAD_LEN";
            assert!(
                strict.is_err() || passed_over,
                "{error}, but not for a switch"
            );
            return;
        }
    };
    let written = read.encode();
    if written.len() > usize::from(u16::MAX) {
        return;
    }
    let again =
        Message::decode(&written).unwrap_or_else(|e| panic!("{e}: {written:02x?}: {read:?}"));
    assert_eq!(again.encode(), written, "{read:?}\n{again:?}");
}

/// A message: any bytes.
pub fn message(data: &[u8]) {
    if data.len() <= usize::from(u16::MAX) {
        holds(data);
        holds(&with_length(data.to_vec()));
    }
}

/// A question or an answer of many parts: version, direction and number are chosen by the first bytes, the rest is the body.
pub fn multipart(data: &[u8]) {
    let [which, number, flags, body @ ..] = data else {
        return;
    };
    let version = version(*which);
    let request = which & 0x80 != 0;
    let kind = match (version, request) {
        (Version::V10, true) => 16,
        (Version::V10, false) => 17,
        (_, true) => 18,
        (_, false) => 19,
    };
    let number = if number & 0x80 == 0 {
        [0, number % 20]
    } else {
        [0xff, 0xff]
    };
    let mut bytes = vec![version.wire(), kind, 0, 0, 0, 0, 0, 1];
    bytes.extend(number);
    bytes.extend([0, flags & 1]);
    if version > Version::V10 {
        bytes.extend([0; 4]);
    }
    bytes.extend(body);
    if bytes.len() <= usize::from(u16::MAX) {
        holds(&with_length(bytes));
    }
}

/// A list of actions and instructions: the version is chosen by the first byte.
pub fn actions(data: &[u8]) {
    let [which, list @ ..] = data else {
        return;
    };
    let version = version(*which);
    if list.len() > 60_000 {
        return;
    }
    if let Ok(read) = pieces::decode_actions(list, version) {
        let written = pieces::encode_actions(&read, version);
        let again = pieces::decode_actions(&written, version);
        let again = again.unwrap_or_else(|e| panic!("{e}: {written:02x?}: {read:?}"));
        assert_eq!(pieces::encode_actions(&again, version), written, "{read:?}");
    }
    if let Ok(read) = pieces::decode_instructions(list, version) {
        let text = read.to_string();
        let parsed = parse_instructions(&text, &Names::default());
        // An empty action set has no text that is read as one.
        if let Ok(parsed) = parsed
            && !text.contains("write_actions(drop)")
        {
            assert_eq!(parsed.to_string(), text);
        }
    }
    // The same where what is not known is kept.
    let mut packet_out = vec![version.wire(), 13, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff];
    let length = u16::try_from(list.len()).unwrap().to_be_bytes();
    match version {
        Version::V10 => packet_out.extend([0xff, 0xf8, length[0], length[1]]),
        Version::V15 => {
            packet_out.extend([
                length[0], length[1], 0, 0, 0, 1, 0, 12, 0x80, 0, 0, 4, 0, 0, 0, 1,
            ]);
            packet_out.extend([0; 4]);
        }
        _ => packet_out.extend([0, 0, 0, 1, length[0], length[1], 0, 0, 0, 0, 0, 0]),
    }
    packet_out.extend(list);
    holds(&with_length(packet_out));
}

/// A match: the version is chosen by the first byte.
pub fn matches(data: &[u8]) {
    let [which, entries @ ..] = data else {
        return;
    };
    let version = version(*which);
    for strict in [false, true] {
        if let Ok(read) = pieces::decode_entries(entries, strict) {
            let written = pieces::encode_entries(&read, version);
            if let Ok(again) = pieces::decode_entries(&written, strict) {
                assert_eq!(pieces::encode_entries(&again, version), written, "{read:?}");
            }
            let text = read.to_string();
            // The text of a tunnel option does not tell how long it is.
            if let Ok(parsed) = parse_match(&text)
                && !text.contains("tun_metadata")
            {
                assert_eq!(parsed.to_string(), text);
            }
        }
    }
    let _ = pieces::decode_match(entries, version);
    let _ = parse_entries(&format_entries(entries));
}

/// A flow in text.
pub fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let names = Names::default();
    let _ = parse_entries(text);
    let Ok(read) = parse_flow_mod(text, FlowModCommand::Add, &names) else {
        return;
    };
    // What is read once is read again from what is written.
    let written = read.to_text(&names);
    let again = parse_flow_mod(&written, FlowModCommand::Add, &names)
        .unwrap_or_else(|e| panic!("{text:?} is written as {written:?}: {e}"));
    assert_eq!(again.to_text(&names), written, "from {text:?}");
    for version in Version::ALL {
        if check_for(&read.flow, version).is_ok() {
            let message = Message::new(version, 1, Body::FlowMod(Box::new(read.clone())));
            let bytes = message.encode();
            if bytes.len() <= usize::from(u16::MAX) {
                holds(&bytes);
            }
        }
    }
}
