//! Messages by chance, whole and spoiled, as `ofp-print` tells or refuses them at every verbosity, and as bytes.

use super::deviations::message_reason;
use super::{Differences, hex, say, seeds, variable};
use flows::ofpkt::{Body, Message, sample};
use flows::text::{Names, print_message};
use flows::{Field, Match, Version};
use std::path::Path;
use tests::judge;
use tests::packet::packet;
use tests::random::Random;

/// A message that both sides are asked about.
struct Question {
    bytes: Vec<u8>,
    /// Something in it was changed: it may be none, and may say what no message says.
    spoiled: bool,
}

impl Question {
    fn new(random: &mut Random) -> Self {
        let message = loop {
            let length = 16 + random.below(400);
            let choices: Vec<u8> = (0..length).map(|_| random.bits() as u8).collect();
            let message = with_packet(sample(&choices), random);
            if message.encode().len() <= 2_000 {
                break message;
            }
        };
        let mut found = Self {
            bytes: message.encode(),
            spoiled: false,
        };
        if random.chance(60) {
            found.spoil(random);
        }
        found
    }

    /// Changes something; the length in the head stays that of the message.
    fn spoil(&mut self, random: &mut Random) {
        self.spoiled = true;
        let bytes = &mut self.bytes;
        if bytes.len() <= 8 {
            bytes.extend((0..random.below(17)).map(|_| 0));
            return self.tell_length();
        }
        let rest = bytes.len() as u64 - 8;
        // What comes early is more often understood.
        let near = if random.chance(40) {
            rest.min(40)
        } else {
            rest
        };
        let place = 8 + random.below(near) as usize;
        match random.below(8) {
            0 => bytes[place] = random.u8(),
            1 => bytes[place] ^= 1 << random.below(8),
            2 => {
                let by = [1, 0xff][random.below(2) as usize];
                bytes[place] = bytes[place].wrapping_add(by);
            }
            3 => bytes.truncate(place),
            4 => {
                let more = 8 * (1 + random.below(2));
                bytes.extend((0..more).map(|_| 0));
            }
            5 => {
                // A number of 16 bits, such as a length.
                if let Some([high, low]) = bytes.get_mut(place & !1..(place & !1) + 2) {
                    let old = u16::from_be_bytes([*high, *low]);
                    let steps = [1, 8, 16, u16::MAX, u16::MAX - 7, u16::MAX - 3];
                    let step = steps[random.below(6) as usize];
                    [*high, *low] = old.wrapping_add(step).to_be_bytes();
                }
            }
            6 => {
                let (start, end) = word(bytes, place);
                bytes.drain(start..end);
            }
            _ => {
                let (start, end) = word(bytes, place);
                let piece = bytes[start..end].to_vec();
                bytes.splice(start..start, piece);
            }
        }
        if random.chance(3) {
            bytes[0] = random.below(8) as u8;
        }
        if random.chance(3) {
            bytes[1] = random.below(40) as u8;
        }
        self.tell_length();
    }

    fn tell_length(&mut self) {
        let length = self.bytes.len() as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
    }

    /// What is wrong with our answer at a verbosity.
    fn judge(&self, verbosity: u8, want: &str) -> Option<String> {
        let have = print_message(&self.bytes, verbosity, &Names::default());
        if have != want {
            return match message_reason(&have, want) {
                Some(_) => None,
                None => Some(format!("  have {have}  want {want}")),
            };
        }
        // The lowest verbosities hide what is wrong inside.
        if verbosity < 2 || want.contains("***decode error") {
            return None;
        }
        let read = match Message::decode(&self.bytes) {
            Ok(read) => read,
            Err(e) if self.spoiled && is_scrap(e.error.name()) => return None,
            Err(e) => return Some(format!("  is not read: {e}\n  {want}")),
        };
        let again = read.encode();
        if again == self.bytes {
            return None;
        }
        // There may be more than one way to say the same, and it is written in one of them.
        let other = print_message(&again, verbosity, &Names::default());
        let same = Message::decode(&again).is_ok_and(|second| second == read) && other == have;
        if self.spoiled && (same || self.loses(&read, &again, want)) {
            return None;
        }
        let again = hex(&again);
        Some(format!(
            "  is written as {again}, which says {other}\n  {want}"
        ))
    }

    /// True if it says something that has no place in a message once read. These are: elements of a hello and flags of
    /// multipart messages that are not known; the fields of a match of OpenFlow 1.1 in OXM, which is written in the form of
    /// fixed size; Nicira's form of changes in later versions; a name without an end or that is no UTF-8; the order of fields
    /// in NXT_CT_FLUSH; what says nothing in a match of OpenFlow 1.0, which is told at the highest verbosity; actions that have
    /// another form in this version; and bits of tunnels that are 0, which Open vSwitch 3.1 leaves out of the masks it writes.
    fn loses(&self, read: &Message, again: &[u8], want: &str) -> bool {
        let [version, kind, ..] = self.bytes[..] else {
            return false;
        };
        let flags = want.split("[***unknown flags 0x").next().unwrap_or("");
        kind == 0
            || flags.len() < want.len() && flags.ends_with(['=', ']'])
            || version == 2 && again.len() != self.bytes.len()
            || format!("{read:?}").contains('\u{fffd}')
            || want.starts_with("NXT_CT_FLUSH ")
            || want.starts_with("NXT_FLOW_MOD (OF1.")
            || version == 1 && want.contains("in_port=") && want.contains("dl_vlan_pcp=")
            || ([" addr:", "\n  table "]
                .iter()
                .any(|place| want.contains(place))
                && self.has_endless_name())
            || (version > 2 && want.contains("set_tunnel"))
            || [
                "erspan_ver",
                "erspan_dir",
                "erspan_hwid",
                "gtpu_flags",
                "gtpu_msgtype",
            ]
            .iter()
            .any(|field| format!("{read:?}").contains(&format!("tun_{field}=")))
    }
}

/// How many bytes the name of a port has room for.
const PORT_NAME: usize = 16;

impl Question {
    /// True if somewhere a name of a port or table could stand that has no end, no UTF-8, or something behind its end.
    fn has_endless_name(&self) -> bool {
        self.bytes.windows(PORT_NAME).any(|name| {
            let end = name.iter().position(|byte| *byte == 0);
            let (text, rest) = name.split_at(end.unwrap_or(PORT_NAME));
            let begins = text.first().is_some_and(u8::is_ascii_lowercase);
            begins
                && (end.is_none()
                    || text.iter().any(|byte| !byte.is_ascii())
                    || rest.iter().any(|byte| *byte != 0))
        })
    }
}

/// The eight bytes around a place.
fn word(bytes: &[u8], place: usize) -> (usize, usize) {
    let start = place & !7;
    (start, (start + 8).min(bytes.len()))
}

/// The message with a packet in it that is one, if it has any.
fn with_packet(mut message: Message, random: &mut Random) -> Message {
    let kind = |metadata: &Match| {
        let said = metadata.get(Field::PacketType);
        said.and_then(|found| u32::try_from(found.value).ok())
            .unwrap_or(0)
    };
    match &mut message.body {
        Body::PacketIn(found) | Body::NxPacketIn(found) => {
            found.data = packet(random, kind(&found.metadata));
        }
        Body::PacketIn2(found) | Body::Resume(found) => {
            let kind = found.metadata.as_ref().map_or(0, kind);
            found.data = packet(random, kind);
            found.data.push(0);
            found.full_len = None;
        }
        Body::PacketOut(found) => {
            found.data = packet(random, kind(&found.metadata));
            if random.chance(70) {
                found.buffer_id = u32::MAX;
            }
        }
        _ => {}
    }
    message
}

/// True for what a decoder may say of spoiled messages that Open vSwitch tells of: it takes no bytes that say nothing, be they
/// left over or padding that is none, where `ofp-print` does not look, no property twice, and no version that is yet to come.
fn is_scrap(error: &str) -> bool {
    matches!(
        error,
        "OFPBRC_BAD_LEN"
            | "OFPBPC_BAD_LEN"
            | "OFPBMC_BAD_LEN"
            | "NXBRC_MUST_BE_ZERO"
            | "NXBAC_MUST_BE_ZERO"
            | "OFPBRC_BAD_VERSION"
            | "OFPBPC_DUP_TYPE"
    )
}

/// How many messages are asked about at once, and of these how many one by one at the low verbosities, for which there is no
/// other way.
const BATCH: usize = 500;
const SINGLE: usize = 40;

fn one_batch(dir: &Path, questions: &[Question], more: usize, found: &mut Differences) {
    let bytes: Vec<Vec<u8>> = questions.iter().map(|q| q.bytes.clone()).collect();
    let printed = judge::print_hostile_messages(dir, &bytes, more);
    let high = questions
        .iter()
        .zip(printed)
        .map(|(question, want)| (question, 2 + more as u8, want));
    let low = questions.iter().take(SINGLE).flat_map(|question| {
        [0, 1].map(|verbosity| {
            let want = judge::print_message(&question.bytes, verbosity);
            (question, verbosity, (!want.is_empty()).then_some(want))
        })
    });
    for (question, verbosity, want) in high.chain(low) {
        match want {
            Some(want) => {
                if let Some(what) = question.judge(verbosity, &want) {
                    let bytes = hex(&question.bytes);
                    found.0.push(format!("=== {bytes}\n{what}"));
                }
            }
            // It is no judge of what it dies over.
            None => say(&format!("ovs-ofctl dies over {}", hex(&question.bytes))),
        }
    }
}

#[test]
fn messages_as_text_and_as_bytes() {
    if !judge::is_installed() {
        return say("differential: no ovs-ofctl 3.1");
    }
    for seed in seeds() {
        let total = variable("HEDDLE_MESSAGES").unwrap_or(10_000) as usize;
        say(&format!(
            "differential: HEDDLE_SEED={seed}, {total} messages"
        ));
        let mut random = Random::new(seed);
        let questions: Vec<Question> = (0..total).map(|_| Question::new(&mut random)).collect();
        let batches: Vec<&[Question]> = questions.chunks(BATCH).collect();
        let mut found = Differences::default();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..2)
                .map(|which| {
                    let batches = &batches;
                    scope.spawn(move || {
                        let dir = tempfile::tempdir().unwrap();
                        let mut found = Differences::default();
                        for (n, batch) in batches.iter().enumerate().skip(which).step_by(2) {
                            one_batch(dir.path(), batch, n / 2 % 2, &mut found);
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

/// Messages that say another length than they have, which no stream brings.
#[test]
fn messages_of_another_length_than_they_say() {
    if !judge::is_installed() {
        return say("differential: no ovs-ofctl 3.1");
    }
    for seed in seeds() {
        let mut random = Random::new(seed);
        let mut found = Differences::default();
        let total = 200;
        for _ in 0..total {
            let mut question = Question::new(&mut random);
            let length = question.bytes.len() as u16;
            let lie = match random.below(4) {
                0 => random.u16(),
                1 => length + 1 + random.u16() % 64,
                2 => length.saturating_sub(1 + random.u16() % 64),
                _ => random.u16() % 9,
            };
            question.bytes[2..4].copy_from_slice(&lie.to_be_bytes());
            if random.chance(30) {
                let cut = random.below(length.into()) as usize;
                question.bytes.truncate(cut.max(1));
            }
            question.spoiled = true;
            let verbosity = random.below(6) as u8;
            let want = judge::print_message(&question.bytes, verbosity);
            let have = print_message(&question.bytes, verbosity, &Names::default());
            if have != want {
                let bytes = hex(&question.bytes);
                found
                    .0
                    .push(format!("=== {bytes}\n  have {have}  want {want}"));
            }
        }
        found.report(seed, total);
    }
}

#[test]
fn every_version_is_among_the_samples() {
    let mut random = Random::new(1);
    for version in Version::ALL {
        let asked = (0..500).any(|_| Question::new(&mut random).bytes[0] == version.wire());
        assert!(asked, "{version}");
    }
}
