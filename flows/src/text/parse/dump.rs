//! Reading what `ovs-ofctl` printed about groups and meters: whole texts, as people have them in files. Lines that are empty
//! or the heads of messages are passed over.

use super::token::Tokens;
use super::{Fault, ParseError, Parsed, group, meter, value};
use crate::Version;
use crate::ofpkt::{GroupDesc, GroupFeatures, GroupStats, MeterConfig, MeterFeatures, MeterStats};
use crate::text::message::action_names;
use crate::text::print::Names;

/// A text is not a dump of what it was taken for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{line}:{column}: {what}")]
pub struct DumpError {
    /// The line, from 1.
    pub line: usize,
    /// Where in the line, in bytes from 1.
    pub column: usize,
    /// What was found and what was expected.
    pub what: String,
}

/// The place of a fault in a text of several lines.
pub(super) fn placed(fault: Fault<'_>, text: &str) -> DumpError {
    let ParseError { column, what } = fault.placed(text);
    let before = text.split_at(column.saturating_sub(1).min(text.len())).0;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    DumpError {
        line: before.matches('\n').count() + 1,
        column: column - start,
        what,
    }
}

/// The lines that say something.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| {
        let head = line.contains("ST_") && line.contains(" reply");
        !head && !line.trim().is_empty()
    })
}

/// Reads what `ovs-ofctl dump-groups` prints.
///
/// # Errors
/// If a line is not a group: where and why.
pub fn parse_group_dump(text: &str, names: &Names) -> Result<Vec<GroupDesc>, DumpError> {
    lines(text)
        .map(|line| group::desc(line, names).map_err(|fault| placed(fault, text)))
        .collect()
}

/// Reads what `ovs-ofctl dump-group-stats` prints.
///
/// # Errors
/// If a line is not what a group has counted: where and why.
pub fn parse_group_stats_dump(text: &str) -> Result<Vec<GroupStats>, DumpError> {
    lines(text)
        .map(|line| group::stats(line).map_err(|fault| placed(fault, text)))
        .collect()
}

/// Reads what `ovs-ofctl dump-group-features` prints in this version, whose numbers the actions get.
///
/// # Errors
/// If the text is not that: where and why.
pub fn parse_group_features(text: &str, version: Version) -> Result<GroupFeatures, DumpError> {
    group_features(text, version).map_err(|fault| placed(fault, text))
}

fn group_features(text: &str, version: Version) -> Parsed<'_, GroupFeatures> {
    let mut found = GroupFeatures::default();
    let kinds = ["all", "select", "indirect", "fast failover"];
    let mut place = None;
    for line in lines(text) {
        let trimmed = line.trim();
        if let Some(bits) = trimmed.strip_prefix("Types:") {
            found.types = value::u32(bits.trim())?;
        } else if let Some(bits) = trimmed.strip_prefix("Capabilities:") {
            found.capabilities = value::u32(bits.trim())?;
        } else if let Some(kind) = trimmed.strip_suffix(" group:") {
            place = kinds.iter().position(|known| *known == kind);
            if place.is_none() {
                let what = format!(
                    "unknown type of groups {kind}: expected all, select, indirect or fast failover"
                );
                return Err(Fault::new(trimmed, what));
            }
        } else if let (Some(max), Some(place)) = (trimmed.strip_prefix("max_groups="), place) {
            if let Some(slot) = found.max_groups.get_mut(place) {
                *slot = value::u32(max)?;
            }
        } else if let (Some(words), Some(place)) = (trimmed.strip_prefix("actions:"), place) {
            if let Some(slot) = found.actions.get_mut(place) {
                *slot = actions(words, version)?;
            }
        } else if trimmed != "Group table:" {
            let what = format!(
                "{trimmed}: expected Types, Capabilities, a type of groups, max_groups or actions"
            );
            return Err(Fault::new(trimmed, what));
        }
    }
    Ok(found)
}

/// A bit for the number of each action in a list of names.
pub(super) fn actions(text: &str, version: Version) -> Parsed<'_, u32> {
    let mut bits = 0u32;
    for word in text.split_whitespace().filter(|word| *word != "<none>") {
        let known = action_names(version).iter().find(|(_, name)| *name == word);
        let (number, _) =
            known.ok_or_else(|| Fault::new(word, format!("{word}: no action of {version}")))?;
        bits |= 1u32.checked_shl(*number).unwrap_or(0);
    }
    Ok(bits)
}

/// Reads what `ovs-ofctl dump-meters` prints: meters, each with its bands in the lines below.
///
/// # Errors
/// If a meter is not one: where and why.
pub fn parse_meter_dump(text: &str) -> Result<Vec<MeterConfig>, DumpError> {
    blocks(text, "meter=")
        .and_then(|blocks| blocks.into_iter().map(meter::told).collect())
        .map_err(|fault| placed(fault, text))
}

/// Reads what `ovs-ofctl meter-stats` prints.
///
/// # Errors
/// If a meter is not one: where and why.
pub fn parse_meter_stats_dump(text: &str) -> Result<Vec<MeterStats>, DumpError> {
    blocks(text, "meter:")
        .and_then(|blocks| blocks.into_iter().map(meter_stats).collect())
        .map_err(|fault| placed(fault, text))
}

/// Cuts a text into what begins with lines that begin with a word.
fn blocks<'a>(text: &'a str, word: &str) -> Parsed<'a, Vec<&'a str>> {
    let offset = |part: &str| (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let mut starts = Vec::new();
    let mut end = 0;
    for line in lines(text) {
        if line.trim_start().starts_with(word) {
            starts.push(offset(line));
        } else if starts.is_empty() {
            return Err(Fault::new(line, format!("{line}: expected {word}...")));
        }
        end = offset(line) + line.len();
    }
    let ends = starts.iter().copied().skip(1).chain([end]);
    Ok(starts
        .iter()
        .zip(ends)
        .filter_map(|(start, end)| text.get(*start..end))
        .collect())
}

fn meter_stats(text: &str) -> Parsed<'_, MeterStats> {
    let mut found = MeterStats::default();
    let (head, bands) = text.split_once("bands:").unwrap_or((text, ""));
    let mut tokens = Tokens::new(head);
    while let Some(pair) = tokens.next() {
        match pair.key {
            "meter" => found.meter = meter::id(pair.value)?,
            "flow_count" => found.flows = value::u32(pair.value)?,
            "packet_in_count" => found.packets = value::u64(pair.value)?,
            "byte_in_count" => found.bytes = value::u64(pair.value)?,
            "duration" => found.duration = value::duration(pair.value)?,
            key => {
                let what = format!(
                    "unknown keyword {key}: expected meter, flow_count, packet_in_count, byte_in_count, duration or bands"
                );
                return Err(Fault::new(key, what));
            }
        }
    }
    let mut tokens = Tokens::new(bands);
    while let Some(pair) = tokens.next() {
        match (pair.key, found.bands.last_mut()) {
            ("packet_count", Some(band)) => band.0 = value::u64(pair.value)?,
            ("byte_count", Some(band)) => band.1 = value::u64(pair.value)?,
            (key, _) => {
                let number = value::u32(key)?;
                if usize::try_from(number) != Ok(found.bands.len()) {
                    return Err(Fault::new(
                        key,
                        format!("band {number}: bands count upwards"),
                    ));
                }
                found.bands.push((0, 0));
            }
        }
    }
    Ok(found)
}

/// Reads what `ovs-ofctl meter-features` prints.
///
/// # Errors
/// If the text is not that: where and why.
pub fn parse_meter_features(text: &str) -> Result<MeterFeatures, DumpError> {
    meter_features(text).map_err(|fault| placed(fault, text))
}

fn meter_features(text: &str) -> Parsed<'_, MeterFeatures> {
    let mut found = MeterFeatures::default();
    for line in lines(text) {
        if let Some(words) = line.trim().strip_prefix("band_types:") {
            found.band_types = bits(words, &[(2, "drop"), (4, "dscp_remark")])?;
            continue;
        }
        if let Some(words) = line.trim().strip_prefix("capabilities:") {
            let names = [(1, "kbps"), (2, "pktps"), (4, "burst"), (8, "stats")];
            found.capabilities = bits(words, &names)?;
            continue;
        }
        let mut tokens = Tokens::new(line);
        while let Some(pair) = tokens.next() {
            match pair.key {
                "max_meter" => found.max_meters = value::u32(pair.value)?,
                "max_bands" => found.max_bands = value::u8(pair.value, "max_bands")?,
                "max_color" => found.max_color = value::u8(pair.value, "max_color")?,
                key => {
                    let what = format!(
                        "unknown keyword {key}: expected max_meter, max_bands, max_color, band_types or capabilities"
                    );
                    return Err(Fault::new(key, what));
                }
            }
        }
    }
    Ok(found)
}

/// Names of bits, and in hexadecimal those that have none.
fn bits<'a>(text: &'a str, names: &[(u32, &str)]) -> Parsed<'a, u32> {
    let mut found = 0;
    for word in text.split_whitespace() {
        found |= match names.iter().find(|(_, name)| *name == word) {
            Some((bit, _)) => *bit,
            None => value::u32(word)?,
        };
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ofpkt::{Body, Bucket, GroupType, Message, MultipartReply};
    use crate::text::print_message;
    use crate::{Action, Port};

    fn printed(reply: MultipartReply, version: Version) -> String {
        let message = Message::new(version, 7, Body::MultipartReply(reply, false));
        print_message(&message.encode(), 1, &Names::default())
    }

    #[test]
    fn groups_are_read_as_they_are_printed() {
        let groups: Vec<GroupDesc> = [
            "group_id=1,type=all,bucket=bucket_id:0,actions=output:1,output:2,bucket=bucket_id:1,actions=drop",
            "group_id=2,type=select,selection_method=hash,fields(eth_dst,ip_dst),bucket=bucket_id:3,weight:5,actions=group:1",
            "group_id=3,type=indirect",
        ]
        .iter()
        .map(|text| crate::text::parse_group(text, &Names::default()).unwrap())
        .collect();
        let text = printed(MultipartReply::GroupDesc(groups.clone()), Version::V15);
        assert_eq!(parse_group_dump(&text, &Names::default()).unwrap(), groups);
        let again = printed(MultipartReply::GroupDesc(groups), Version::V15);
        assert_eq!(again, text);
        let error = parse_group_dump("\n group_id=1,type=all\n group_id=x", &Names::default());
        let error = error.unwrap_err();
        assert_eq!((error.line, error.column), (3, 11), "{error}");
    }

    #[test]
    fn counters_and_features_of_groups_are_read_as_they_are_printed() {
        let stats = |group| GroupStats {
            group,
            ref_count: 2,
            duration: Some((3, 25_000_000)),
            packets: 5,
            bytes: 6,
            buckets: vec![(1, 2), (3, 4)],
        };
        let all = vec![stats(1), stats(2)];
        let text = printed(MultipartReply::Group(all.clone()), Version::V13);
        assert_eq!(parse_group_stats_dump(&text).unwrap(), all);

        for version in [Version::V10, Version::V11, Version::V13, Version::V15] {
            let features = GroupFeatures {
                types: 15,
                capabilities: 7,
                max_groups: [1, 2, 3, 0xffff_ff00],
                actions: [1, 3, 0, 2],
            };
            let text = printed(MultipartReply::GroupFeatures(features), version);
            let read = parse_group_features(&text, version).unwrap();
            let again = printed(MultipartReply::GroupFeatures(read), version);
            assert_eq!(again, text);
        }
    }

    #[test]
    fn meters_are_read_as_they_are_printed() {
        let texts = [
            "meter=1 kbps burst stats bands=type=drop rate=1 burst_size=2 type=dscp_remark rate=3 burst_size=4 prec_level=5",
            "meter=controller pktps bands=type=drop rate=7",
        ];
        let meters: Vec<MeterConfig> = texts
            .iter()
            .map(|text| {
                crate::text::parse_meter_mod(text, crate::ofpkt::MeterModCommand::Add)
                    .unwrap()
                    .config
            })
            .collect();
        let told: Vec<String> = meters.iter().map(MeterConfig::to_text).collect();
        assert_eq!(told, texts);
        let text = printed(MultipartReply::MeterConfig(meters.clone()), Version::V13);
        assert_eq!(parse_meter_dump(&text).unwrap(), meters);
        let error = parse_meter_dump("meter=1 kbps bands=\ntype=drop rate=x\n").unwrap_err();
        assert_eq!((error.line, error.column), (2, 16), "{error}");

        let stats = |meter| MeterStats {
            meter,
            flows: 1,
            packets: 2,
            bytes: 3,
            duration: (4, 5_000_000),
            bands: vec![(6, 7), (8, 9)],
        };
        let all = vec![stats(1), stats(0xffff_fffe)];
        let text = printed(MultipartReply::Meter(all.clone()), Version::V13);
        assert_eq!(parse_meter_stats_dump(&text).unwrap(), all);

        let features = MeterFeatures {
            max_meters: 9,
            band_types: 6,
            capabilities: 15,
            max_bands: 8,
            max_color: 1,
        };
        let text = printed(MultipartReply::MeterFeatures(features), Version::V13);
        assert_eq!(parse_meter_features(&text).unwrap(), features);
    }

    #[test]
    fn texts_of_something_else_are_refused() {
        let names = Names::default();
        for text in ["nonsense", "a\nb", "0: packet_count:1", "actions: output"] {
            assert!(parse_group_dump(text, &names).is_err(), "{text}");
            assert!(parse_group_stats_dump(text).is_err(), "{text}");
            assert!(parse_group_features(text, Version::V13).is_err(), "{text}");
            assert!(parse_meter_dump(text).is_err(), "{text}");
            assert!(parse_meter_stats_dump(text).is_err(), "{text}");
            assert!(parse_meter_features(text).is_err(), "{text}");
        }
        assert_eq!(parse_group_dump("", &names).unwrap(), []);
        let bucket = Bucket::new(0, [Action::output(Port(1))]);
        let desc = GroupDesc {
            group: 1,
            kind: GroupType::ALL,
            buckets: vec![bucket],
            selection: None,
            properties: Vec::new(),
        };
        let text = desc.to_text(&names);
        assert_eq!(parse_group_dump(&text, &names).unwrap(), [desc]);
    }
}
