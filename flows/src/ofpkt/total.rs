//! Whatever the bytes, decoding ends soon with a value or an error that says where: over a sample of every message in every
//! version, cut at every length, with every length in it a lie, and with its bytes flipped.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use super::properties::noise;
use super::registry::Kind;
use super::samples::kinds;
use super::samples::{self, Choices};
use super::wire::{Put, Writer, reads};
use super::{Message, pieces};
use crate::Version;
use crate::text::{Names, print_message};

/// The longest of some messages of a kind that is not too long to be spoiled at every byte.
fn some(kind: Kind, version: Version) -> Option<Vec<u8>> {
    let made = (0..40).map(|seed| {
        let entropy = 40 + 40 * usize::try_from(seed).unwrap();
        let bytes: Vec<u8> = noise(seed).take(entropy).collect();
        let mut choices = Choices::new(&bytes);
        choices.unknown = seed % 3 == 0;
        samples::message(&mut choices, kind, version).encode()
    });
    made.filter(|wire| wire.len() <= 200).max_by_key(Vec::len)
}

/// One message of every kind in every version, but for the few that are always longer.
fn sampled() -> Vec<Vec<u8>> {
    let found: Vec<Vec<u8>> = kinds()
        .into_iter()
        .filter_map(|(kind, version)| some(kind, version))
        .collect();
    assert!(found.len() + 10 >= kinds().len());
    found
}

fn with_length(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    bytes.set_u16(2, length);
    bytes
}

/// Decodes in every way; what comes out is bounded by what goes in.
fn survives(bytes: &[u8]) {
    for read in [Message::decode(bytes), Message::decode_strict(bytes)] {
        match read {
            Ok(message) => {
                let again = message.encode();
                assert!(
                    again.len() <= bytes.len() * 16 + 1200,
                    "{} bytes from {}: {bytes:02x?}",
                    again.len(),
                    bytes.len()
                );
            }
            Err(error) => assert!(error.offset <= bytes.len(), "{error}: {bytes:02x?}"),
        }
    }
}

fn prints(bytes: &[u8]) {
    let text = print_message(bytes, 4, &Names::default());
    assert!(text.ends_with('\n'));
    assert!(
        text.len() <= bytes.len() * 400 + 4000,
        "{} from {bytes:02x?}",
        text.len()
    );
}

#[test]
fn a_message_cut_at_any_length_is_read_or_refused() {
    for whole in sampled() {
        for length in 0..whole.len() {
            let cut = whole.split_at(length).0.to_vec();
            // As it stands, and with the length of the head as if it were all.
            survives(&cut);
            if length >= 4 {
                let told = with_length(cut);
                survives(&told);
                if length % 3 == 0 {
                    prints(&told);
                }
            }
        }
    }
}

#[test]
fn a_message_whose_lengths_lie_is_read_or_refused() {
    for whole in sampled() {
        for at in (8..whole.len().saturating_sub(1)).step_by(2) {
            let length = u16::try_from(whole.len()).unwrap();
            for (n, lie) in [0, 1, 4, 7, 8, length + 8, u16::MAX]
                .into_iter()
                .enumerate()
            {
                let mut spoiled = whole.clone();
                spoiled.set_u16(at, lie);
                survives(&spoiled);
                if (at / 2 + n) % 5 == 0 {
                    prints(&spoiled);
                }
            }
        }
    }
}

#[test]
fn a_message_with_flipped_bytes_is_read_or_refused() {
    for whole in sampled() {
        for at in 8..whole.len() {
            for flip in [0xff, 0x01, 0x80, 0x10] {
                let mut spoiled = whole.clone();
                spoiled.iter_mut().skip(at).take(1).for_each(|b| *b ^= flip);
                survives(&spoiled);
                if (at + usize::from(flip)) % 7 == 0 {
                    prints(&spoiled);
                }
            }
        }
    }
}

/// A message whose body is `head` and as many copies of `piece` as fit into `size` bytes.
fn filled(version: Version, kind: u8, head: &[u8], piece: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = vec![version.wire(), kind, 0, 0, 0, 0, 0, 1];
    bytes.extend_from_slice(head);
    while bytes.len() + piece.len() <= size {
        bytes.extend_from_slice(piece);
    }
    with_length(bytes)
}

fn multipart(number: u8) -> [u8; 8] {
    [0, number, 0, 0, 0, 0, 0, 0]
}

/// How often bytes are read to decode the message.
fn work(bytes: &[u8]) -> usize {
    let before = reads();
    let _ = Message::decode(bytes);
    let _ = Message::decode_strict(bytes);
    reads() - before
}

/// The smallest pieces that there can be many of: version, type, head, piece.
fn dense() -> Vec<(Version, u8, Vec<u8>, Vec<u8>)> {
    let stats =
        |number: u8, piece: &[u8]| (Version::V15, 19, multipart(number).to_vec(), piece.to_vec());
    let mut all = vec![
        // Flow statistics without anything, and events of flow monitors.
        stats(
            1,
            &[
                0, 40, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
                4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0,
            ],
        ),
        stats(16, &[0, 8, 0, 4, 0, 0, 0, 1]),
        stats(16, &[0, 8, 0, 99, 0, 0, 0, 1]),
        // Groups without buckets, and one group with buckets without actions.
        stats(7, &[0, 16, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        // Properties without data.
        stats(12, &[0, 64]),
        (Version::V14, 28, vec![], vec![0, 99, 0, 4, 0, 0, 0, 0]),
        (
            Version::V14,
            33,
            vec![0, 0, 0, 1, 0, 0, 0, 0],
            vec![0xff, 0xff, 0, 4, 0, 0, 0, 0],
        ),
        // Elements of a hello.
        (Version::V14, 0, vec![], vec![0, 9, 0, 4, 0, 0, 0, 0]),
        // Options of tunnels, queues, bands.
        (
            Version::V14,
            4,
            vec![0, 0, 0x23, 0x20, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0],
            vec![0, 1, 2, 4, 0, 0, 0, 0],
        ),
        (
            Version::V13,
            29,
            vec![0, 0, 0, 1, 0, 0, 0, 1],
            vec![0, 1, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
    ];
    // A packet-out full of actions: one of OpenFlow's own, one nobody knows, a note, an empty clone.
    let mut packet_out = vec![0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1];
    packet_out.extend([0, 0, 0, 0, 0, 0, 0, 0]);
    for action in [
        &[0, 18, 0, 8, 0, 0, 0, 0][..],
        &[0, 99, 0, 8, 0, 0, 0, 0],
        &[0xff, 0xff, 0, 16, 0, 0, 0x23, 0x20, 0, 8, 0, 0, 0, 0, 0, 0],
        &[0xff, 0xff, 0, 16, 0, 0, 0x23, 0x20, 0, 42, 0, 0, 0, 0, 0, 0],
    ] {
        all.push((Version::V13, 13, packet_out.clone(), action.to_vec()));
    }
    all
}

#[test]
fn the_work_grows_as_the_message() {
    for (version, kind, head, piece) in dense() {
        let of = |size| {
            let mut bytes = filled(version, kind, &head, &piece, size);
            if kind == 13 {
                // The length of the list of actions.
                let list = u16::try_from(bytes.len() - 24).unwrap();
                bytes.set_u16(16, list);
            }
            work(&bytes)
        };
        let (half, whole) = (of(32_000), of(64_000));
        assert!(
            whole <= half * 2 + 200,
            "{half} reads of half, {whole} of the whole: {version} {kind} {piece:02x?}"
        );
        assert!(
            whole <= 400_000,
            "{whole} reads: {version} {kind} {piece:02x?}"
        );
    }
}

#[test]
fn entries_of_a_match_take_work_as_there_are_entries() {
    // Fields that nobody knows, without a value.
    let entries = |count: usize| [0, 0xf0, 2, 0].repeat(count);
    let of = |count| {
        let before = reads();
        let _ = pieces::decode_entries(&entries(count), false);
        reads() - before
    };
    assert!(of(16_000) <= of(8_000) * 2 + 100);
}

#[test]
fn nesting_ends_and_is_kept() {
    for (subtype, padding) in [(42u16, 6), (35, 14)] {
        let mut bytes = Writer::new();
        for _ in 0..2000 {
            let mut outer = Writer::new();
            outer.u16(0xffff);
            outer.u16(0);
            outer.u32(0x2320);
            outer.u16(subtype);
            outer.zeros(padding);
            outer.extend_from_slice(&bytes);
            outer.fill_len(0, 2);
            bytes = outer;
        }
        assert!(pieces::decode_actions(&bytes, Version::V14).is_err());
        let mut body = vec![0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1];
        body.u16(u16::try_from(bytes.len()).unwrap());
        body.zeros(6);
        body.extend_from_slice(&bytes);
        let message = filled(Version::V14, 13, &body, &[0], body.len() + 8);
        let read = Message::decode(&message).unwrap();
        assert_eq!(read.encode(), message);
        assert!(work(&message) < 40_000);
    }
}

#[test]
fn a_learn_of_many_parts_is_read_in_one_pass() {
    let of = |count: usize| {
        let mut action = Writer::new();
        action.u16(0xffff);
        action.u16(0);
        action.u32(0x2320);
        action.u16(16);
        action.zeros(22);
        for _ in 0..count {
            // One bit of a register from one bit of another.
            action.u16(1);
            for register in [0u32, 0x200] {
                action.u32(0x0001_0004 | register);
                action.u16(0);
            }
        }
        action.pad8(0);
        action.fill_len(0, 2);
        let before = reads();
        assert!(pieces::decode_actions(&action, Version::V14).is_ok());
        reads() - before
    };
    assert!(of(4000) <= of(2000) * 2 + 100);
}
