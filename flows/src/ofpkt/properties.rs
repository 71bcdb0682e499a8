//! What holds for every message, action, instruction and match in every version: it is read as it was written, and what is
//! read is written again as it was. Driven by the table of messages and the table of fields.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use super::samples::kinds;
use super::samples::{self, Choices};
use super::wire::{Reader, Unknown, Writer};
use super::{Message, actions, instructions, oxm};
use crate::{Field, Match, Version};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeSet;

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

/// Bytes from which samples are made; some end early, so that what comes late is simple.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..1500)
}

#[test]
fn every_message_is_read_as_it_was_written() {
    for (kind, version) in kinds() {
        for unknown in [false, true] {
            let checked = runner(12).run(&bytes(), |bytes| {
                let mut choices = Choices::new(&bytes);
                choices.unknown = unknown;
                let message = samples::message(&mut choices, kind, version);
                let wire = message.encode();
                let name = message.name().map(str::to_owned);
                let read = Message::decode(&wire)
                    .map_err(|e| TestCaseError::fail(format!("{e}: {message:?}\n{wire:02x?}")))?;
                prop_assert_eq!(&read, &message, "{:02x?}", wire);
                prop_assert_eq!(read.name().map(str::to_owned), name);
                prop_assert_eq!(read.encode(), wire.clone(), "{:?}", message);
                if !unknown {
                    let strict = Message::decode_strict(&wire);
                    prop_assert_eq!(strict.as_ref(), Ok(&message), "{:02x?}", wire);
                }
                Ok(())
            });
            if let Err(e) = checked {
                panic!("{kind:?} in {version}: {e}");
            }
        }
    }
}

#[test]
fn every_match_is_read_as_it_was_written() {
    for version in Version::ALL {
        let checked = runner(800).run(&(bytes(), any::<bool>()), |(bytes, unknown)| {
            let mut choices = Choices::new(&bytes);
            choices.unknown = unknown;
            let matches = samples::matches(&mut choices, version);
            let mut wire = Writer::new();
            oxm::put_match(&mut wire, &matches, version);
            let mut reader = Reader::new(&wire, 0);
            if unknown {
                reader = reader.minding(Unknown::Keep);
            }
            let (read, cookie) = oxm::read_match(reader, oxm::Strictness::Strict)
                .map_err(|e| TestCaseError::fail(format!("{e}: {matches:?}")))?;
            prop_assert_eq!(&read, &matches);
            prop_assert_eq!(cookie, None);
            let mut again = Writer::new();
            oxm::put_match(&mut again, &read, version);
            prop_assert_eq!(again, wire);
            // Its text says the same.
            let text = matches.to_string();
            let parsed = crate::text::parse_match(&text);
            if version < Version::V12 || !text.contains("vlan_tci") {
                prop_assert_eq!(parsed.as_ref(), Ok(&matches), "{}", text);
            }
            Ok(())
        });
        if let Err(e) = checked {
            panic!("{version}: {e}");
        }
    }
}

#[test]
fn every_field_that_has_a_number_is_matched_in_some_sample() {
    let mut seen: BTreeSet<Field> = BTreeSet::new();
    for seed in 0..40_000u32 {
        let bytes: Vec<u8> = noise(seed).take(200).collect();
        let mut choices = Choices::new(&bytes);
        let version = if seed % 2 == 0 {
            Version::V10
        } else {
            Version::V15
        };
        let matches: Match = samples::matches(&mut choices, version);
        let there = |f: &&Field| matches.get(**f).is_some();
        seen.extend(Field::ALL.iter().filter(there));
    }
    let missing: Vec<&Field> = Field::ALL
        .iter()
        .filter(|f| !f.info().wire.is_empty() && !seen.contains(f))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_action_is_read_as_it_was_written() {
    let mut seen = BTreeSet::new();
    for version in Version::ALL {
        let checked = runner(1000).run(&(bytes(), any::<bool>()), |(bytes, unknown)| {
            let mut choices = Choices::new(&bytes);
            choices.unknown = unknown;
            let list = samples::list(&mut choices, 6, version, 0);
            let (mut wire, any) = (Writer::new(), Match::new());
            actions::put_list(&mut wire, &list, &mut actions::Context::new(version, &any));
            let mut reader = Reader::new(&wire, 0);
            if unknown {
                reader = reader.minding(Unknown::Keep);
            }
            let read = actions::read_list(reader, version, 0)
                .map_err(|e| TestCaseError::fail(format!("{e}: {list:?}\n{wire:02x?}")))?;
            prop_assert_eq!(&read, &list, "{:02x?}", wire);
            Ok(())
        });
        if let Err(e) = checked {
            panic!("{version}: {e}");
        }
        for seed in 0..4000 {
            let bytes: Vec<u8> = noise(seed).take(300).collect();
            let mut choices = Choices::new(&bytes);
            choices.unknown = true;
            let action = samples::action(&mut choices, version, 1);
            seen.extend(samples::variant(&action));
        }
    }
    assert_eq!(seen.len(), samples::VARIANTS, "{seen:?}");
}

#[test]
fn all_instructions_are_read_as_they_were_written() {
    for version in Version::ALL {
        let checked = runner(500).run(&(bytes(), any::<bool>()), |(bytes, unknown)| {
            let mut choices = Choices::new(&bytes);
            choices.unknown = unknown;
            let found = samples::instructions(&mut choices, version);
            let mut wire = Writer::new();
            instructions::put(&mut wire, &found, &Match::new(), version);
            let mut reader = Reader::new(&wire, 0);
            if unknown {
                reader = reader.minding(Unknown::Keep);
            }
            let read = instructions::read(reader, version)
                .map_err(|e| TestCaseError::fail(format!("{e}: {found:?}\n{wire:02x?}")))?;
            prop_assert_eq!(&read, &found, "{:02x?}", wire);
            let mut again = Writer::new();
            instructions::put(&mut again, &read, &Match::new(), version);
            prop_assert_eq!(again, wire);
            Ok(())
        });
        if let Err(e) = checked {
            panic!("{version}: {e}");
        }
    }
}

/// Bytes without a pattern, the same for the same seed.
pub(super) fn noise(seed: u32) -> impl Iterator<Item = u8> {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::from_fn(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state >> 40 & 0xff).ok()
    })
}
