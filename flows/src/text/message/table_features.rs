//! What flow tables can do and have counted; a table that is like the one before it is told as such.

use super::Printed;
use super::action_names::action_names;
use super::field_order::place;
use crate::Version;
use crate::field::{Class, Field};
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{
    ALL_TABLES, DecodeError, OfpError, TableAbilities, TableFeatures, TableStats, next_property,
    oxm,
};
use std::collections::BTreeSet;
use std::fmt::Write;

pub(crate) type Fields = BTreeSet<Field>;

/// Actions and fields that can be set.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Actions {
    /// A bit for each number of OpenFlow 1.2 and up.
    pub(crate) actions: u32,
    pub(crate) fields: Fields,
}

/// What can be done with packets that match, or with those that do not.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Instructions {
    pub(crate) next: BTreeSet<u8>,
    /// A bit for each number on the wire.
    pub(crate) instructions: u32,
    pub(crate) write: Actions,
    pub(crate) apply: Actions,
}

#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Features {
    pub(crate) table: u8,
    pub(crate) name: String,
    pub(crate) metadata: (u64, u64),
    /// What becomes of packets that miss (OpenFlow 1.1 and 1.2).
    pub(crate) missing: Option<&'static str>,
    pub(crate) eviction: Option<bool>,
    pub(crate) vacancy: Option<bool>,
    pub(crate) max_entries: u32,
    pub(crate) matched: Instructions,
    pub(crate) missed: Instructions,
    pub(crate) matches: Fields,
    pub(crate) masks: Fields,
    pub(crate) wildcards: Fields,
}

/// Names of instructions with their numbers, in the order in which they are told.
pub(crate) static INSTRUCTIONS: [(u32, &str); 6] = [
    (6, "meter"),
    (4, "apply_actions"),
    (5, "clear_actions"),
    (3, "write_actions"),
    (2, "write_metadata"),
    (1, "goto_table"),
];

/// Numbers of actions or instructions, each with its length.
fn numbers(mut data: Reader<'_>) -> Result<u32, DecodeError> {
    let mut found = 0u32;
    while !data.is_empty() {
        let place = data;
        let bad = |_| place.error(OfpError::PROPERTY_BAD_LEN);
        let (number, len) = (
            data.u16().map_err(bad)?,
            usize::from(data.u16().map_err(bad)?),
        );
        let rest = len
            .checked_sub(4)
            .ok_or_else(|| place.error(OfpError::PROPERTY_BAD_LEN))?;
        data.skip(rest).map_err(bad)?;
        found |= 1u32.checked_shl(number.into()).unwrap_or(0);
    }
    Ok(found)
}

/// Fields by their headers: those named exactly and those named with a mask. Those that are not known are passed over.
fn fields(mut data: Reader<'_>) -> Result<(Fields, Fields), DecodeError> {
    let (mut exact, mut masked) = (Fields::new(), Fields::new());
    while !data.is_empty() {
        let place = data;
        let header = oxm::header(&mut data).map_err(|_| place.error(OfpError::MATCH_BAD_LEN))?;
        let len = header.len / if header.masked { 2 } else { 1 };
        let right =
            |field: &Field| field.is_tun_metadata() || len == usize::from(field.info().bytes);
        if let Some(field) = header.field.filter(right) {
            if header.masked {
                &mut masked
            } else {
                &mut exact
            }
            .insert(field);
        }
    }
    Ok((exact, masked))
}

/// Fields that can be set, which have no masks.
fn set_fields(data: Reader<'_>) -> Result<Fields, DecodeError> {
    let (exact, masked) = fields(data)?;
    if masked.is_empty() {
        Ok(exact)
    } else {
        Err(data.error(OfpError::MATCH_BAD_MASK))
    }
}

fn tables(data: Reader<'_>) -> Result<BTreeSet<u8>, DecodeError> {
    let found: BTreeSet<u8> = data.rest().iter().copied().collect();
    if found.contains(&ALL_TABLES) {
        Err(data.error(OfpError::PROPERTY_BAD_VALUE))
    } else {
        Ok(found)
    }
}

/// Properties that every table must have: a bit for each number.
const REQUIRED: u32 = 1 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 12 | 1 << 14;

fn understood(raw: &TableFeatures, version: Version) -> Result<Features, DecodeError> {
    let mut properties = Vec::new();
    for (kind, data) in &raw.properties {
        crate::ofpkt::put_property(&mut properties, *kind, data);
    }
    understand(raw, Reader::new(&properties, 0), version)
}

/// What a table can do, from what all say of it and its properties.
fn understand(
    raw: &TableFeatures,
    mut properties: Reader<'_>,
    version: Version,
) -> Result<Features, DecodeError> {
    let place = properties;
    if version >= Version::V15 && raw.command > 3 {
        return Err(place.error(OfpError::TABLE_FEATURES_BAD_COMMAND));
    }
    if raw.table == ALL_TABLES {
        return Err(place.error(OfpError::TABLE_FEATURES_BAD_TABLE));
    }
    let mut found = Features {
        table: raw.table,
        name: raw.name.clone(),
        metadata: (raw.metadata_match, raw.metadata_write),
        max_entries: raw.max_entries,
        ..Features::default()
    };
    if version >= Version::V14 {
        found.eviction = Some(raw.capabilities & 4 != 0);
        found.vacancy = Some(raw.capabilities & 8 != 0);
    }
    let mut seen = 0u32;
    while !properties.is_empty() {
        let (kind, data) = next_property(&mut properties)?;
        let bit = 1u32.checked_shl(kind.into()).unwrap_or(0);
        if seen & bit != 0 {
            return Err(data.error(OfpError::TABLE_FEATURES_BAD_FEATURES));
        }
        seen |= bit;
        match kind {
            0 => found.matched.instructions = numbers(data)?,
            1 => found.missed.instructions = numbers(data)?,
            2 => found.matched.next = tables(data)?,
            3 => found.missed.next = tables(data)?,
            4 => found.matched.write.actions = numbers(data)?,
            5 => found.missed.write.actions = numbers(data)?,
            6 => found.matched.apply.actions = numbers(data)?,
            7 => found.missed.apply.actions = numbers(data)?,
            8 => (found.matches, found.masks) = fields(data)?,
            10 => found.wildcards = set_fields(data)?,
            12 => found.matched.write.fields = set_fields(data)?,
            13 => found.missed.write.fields = set_fields(data)?,
            14 => found.matched.apply.fields = set_fields(data)?,
            15 => found.missed.apply.fields = set_fields(data)?,
            _ => {}
        }
    }
    let any = !place.is_empty();
    if seen & REQUIRED != REQUIRED && (any || version < Version::V15) {
        return Err(place.error(OfpError::TABLE_FEATURES_BAD_FEATURES));
    }
    found.complete(seen);
    Ok(found)
}

impl Features {
    /// What is not said of packets that miss is as for those that match; what can be masked can be matched.
    fn complete(&mut self, seen: u32) {
        let said = |number: u32| seen >> number & 1 == 1;
        let (hit, miss) = (&self.matched, &mut self.missed);
        if !said(1) {
            miss.instructions = hit.instructions;
        }
        if !said(3) {
            miss.next.clone_from(&hit.next);
        }
        if !said(5) {
            miss.write.actions = hit.write.actions;
        }
        if !said(7) {
            miss.apply.actions = hit.apply.actions;
        }
        if !said(13) {
            miss.write.fields.clone_from(&hit.write.fields);
        }
        if !said(15) {
            miss.apply.fields.clone_from(&hit.apply.fields);
        }
        self.matches.extend(&self.masks);
        self.wildcards.extend(&self.masks);
        self.wildcards.retain(|field| self.matches.contains(field));
    }

    fn is_empty(&self) -> bool {
        *self
            == Self {
                table: self.table,
                name: self.name.clone(),
                ..Self::default()
            }
    }

    /// True if the tables can do the same. A table goes to all behind it, so that neighbours differ in each other.
    fn like(&self, other: &Self) -> bool {
        let mut adjusted = other.clone();
        adjusted.table = self.table;
        adjusted.name.clone_from(&self.name);
        // Which fields can be left out, or in part, is not compared.
        adjusted.masks.clone_from(&self.masks);
        adjusted.wildcards.clone_from(&self.wildcards);
        adjusted.matched = adjusted
            .matched
            .seen_from(other.table, self.table, &self.matched);
        adjusted.missed = adjusted
            .missed
            .seen_from(other.table, self.table, &self.missed);
        *self == adjusted
    }
}

impl Instructions {
    /// These instructions of table `from`, with the difference forgotten that `to`, its neighbour, must have.
    fn seen_from(mut self, from: u8, to: u8, other: &Self) -> Self {
        if from.checked_add(1) == Some(to) && self.next.contains(&to) && !other.next.contains(&to) {
            self.next.remove(&to);
        } else if to.checked_add(1) == Some(from)
            && other.next.contains(&from)
            && !self.next.contains(&from)
        {
            self.next.insert(from);
        }
        self
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn write(&self, out: &mut String, previous: Option<&Self>, version: Version) {
        if !self.next.is_empty() {
            out.push_str("      next tables: ");
            ranges(out, &self.next);
            out.push('\n');
        }
        if self.instructions != 0 {
            if previous.is_some_and(|p| p.instructions == self.instructions) {
                out.push_str("      (same instructions)\n");
            } else {
                out.push_str("      instructions:");
                words(out, self.instructions, &INSTRUCTIONS);
            }
        }
        let same = previous.is_some_and(|p| p.write == self.write && p.apply == self.apply);
        if same && !self.write.fields.is_empty() {
            out.push_str("      (same actions)\n");
        } else if self.write != self.apply {
            out.push_str("      Write-Actions features:\n");
            self.write.write(out, version);
            out.push_str("      Apply-Actions features:\n");
            self.apply.write(out, version);
        } else if self.write != Actions::default() {
            out.push_str("      Write-Actions and Apply-Actions features:\n");
            self.write.write(out, version);
        }
    }
}

/// Names of the numbers whose bits are set, each behind a space, and the end of the line.
fn words(out: &mut String, bits: u32, names: &[(u32, &str)]) {
    for (number, name) in names {
        if bits >> number & 1 == 1 {
            out.push(' ');
            out.push_str(name);
        }
    }
    out.push('\n');
}

fn ranges(out: &mut String, tables: &BTreeSet<u8>) {
    let mut rest = tables.iter().copied().peekable();
    let mut first = true;
    while let Some(start) = rest.next() {
        let mut end = start;
        while let Some(next) = rest.next_if(|next| end.checked_add(1) == Some(*next)) {
            end = next;
        }
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        let _ = write!(out, "{start}");
        if end != start {
            let _ = write!(out, "-{end}");
        }
    }
}

impl Actions {
    fn write(&self, out: &mut String, version: Version) {
        if self.actions != 0 {
            out.push_str("        actions:");
            words(out, self.actions, action_names(version));
        }
        if !self.fields.is_empty() {
            out.push_str("        supported on Set-Field:");
            names(out, &self.fields);
        }
    }
}

/// Names of fields behind a space, and the end of the line.
fn names(out: &mut String, fields: &Fields) {
    let mut ordered: Vec<Field> = fields.iter().copied().collect();
    ordered.sort_by_key(|field| place(*field));
    let all: Vec<&str> = ordered.into_iter().map(Field::name).collect();
    out.push(' ');
    name_list(out, &all, 0);
    out.push('\n');
}

/// How many bytes of two names are the same up to and with the last underscore.
fn common(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y);
    same.zip(1..)
        .filter(|((byte, _), _)| *byte == b'_')
        .map(|(_, n)| n)
        .last()
        .unwrap_or(0)
}

/// The number at the end of a name, and what is before it.
fn numbered(name: &str) -> Option<(&str, u32)> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name.strip_prefix(stem)?.parse().ok()?;
    Some((stem, number))
}

/// How many names from the first on count up: `reg0`, `reg1`, ...
fn counting(all: &[&str]) -> usize {
    let Some((stem, start)) = all.first().and_then(|name| numbered(name)) else {
        return 0;
    };
    (start..)
        .zip(all)
        .take_while(|(n, name)| numbered(name) == Some((stem, *n)))
        .count()
}

/// Names with what they begin with told once; `depth` bytes of each are told already.
fn name_list(out: &mut String, mut all: &[&str], depth: usize) {
    let tail = |name: &'_ str| name.get(depth..).unwrap_or_default().to_owned();
    let mut first = true;
    while let Some(name) = all.first() {
        if !std::mem::take(&mut first) {
            out.push(if depth > 0 { ',' } else { ' ' });
        }
        let name = tail(name);
        let prefix = all.get(1).map_or(0, |second| common(&name, &tail(second)));
        let sharing = if prefix == 0 {
            1
        } else {
            all.iter()
                .take_while(|other| common(&name, &tail(other)) > 0 || tail(other) == name)
                .count()
        };
        let counted = counting(all);
        let run = sharing.max(counted).max(1);
        let (these, rest) = all.split_at(run.min(all.len()));
        if counted >= sharing || prefix == 0 {
            out.push_str(&name);
            if let Some(last) = these.last().filter(|_| run > 1) {
                out.push_str("...");
                out.push_str(&tail(last));
            }
        } else {
            out.push_str(name.get(..prefix).unwrap_or_default());
            out.push('{');
            name_list(out, these, depth.saturating_add(prefix));
            out.push('}');
        }
        all = rest;
    }
}

/// Flows there are, packets looked up, packets that matched.
type Counters = (u32, u64, u64);

/// Tables as they come, and those that are like the one before.
struct Teller {
    version: Version,
    previous: Option<(Features, Option<Counters>)>,
    ditto: Option<(u8, u8)>,
}

impl Teller {
    fn new(version: Version) -> Self {
        Self {
            version,
            previous: None,
            ditto: None,
        }
    }

    fn finish(&mut self, out: &mut String) {
        match self.ditto.take() {
            Some((first, last)) if first == last => {
                let _ = write!(out, "\n  table {first}: ditto\n");
            }
            Some((first, last)) => {
                let _ = write!(out, "\n  tables {first}...{last}: ditto\n");
            }
            None => {}
        }
    }

    fn tell(&mut self, out: &mut String, features: Features, stats: Option<Counters>) {
        let before = self.previous.take();
        let previous = before.as_ref().map(|(features, _)| features);
        let same_stats = stats.is_none() || before.as_ref().is_some_and(|(_, s)| *s == stats);
        let same_features = previous.is_some_and(|p| features.like(p));
        let table = features.table;
        if same_stats && same_features && features.name.is_empty() {
            let first = self.ditto.map_or(table, |(first, _)| first);
            self.ditto = Some((first, table));
        } else {
            self.finish(out);
            let _ = write!(out, "\n  table {table}");
            if !features.name.is_empty() {
                // A name has a place of 32 bytes, the last of which ends it.
                let name: String = features.name.chars().take(31).collect();
                let _ = write!(out, " (\"{name}\")");
            }
            out.push(':');
            if same_stats && same_features {
                out.push_str(" ditto");
            } else {
                out.push('\n');
                if let Some((active, lookups, matched)) = stats {
                    let _ = writeln!(
                        out,
                        "    active={active}, lookup={lookups}, matched={matched}"
                    );
                }
                match previous {
                    Some(_) if same_features && features.is_empty() => {}
                    Some(_) if same_features => out.push_str("    (same features)\n"),
                    previous => features.write(out, previous, self.version),
                }
            }
        }
        self.previous = Some((features, stats));
    }
}

impl Features {
    fn write(&self, out: &mut String, previous: Option<&Self>, version: Version) {
        let (readable, writable) = self.metadata;
        if readable != 0 || writable != 0 {
            let number = |n: u64| {
                if n == 0 {
                    "0".to_owned()
                } else {
                    format!("{n:#x}")
                }
            };
            let _ = writeln!(
                out,
                "    metadata: match={} write={}",
                number(readable),
                number(writable)
            );
        }
        if let Some(missing) = self.missing {
            let _ = writeln!(out, "    config={missing}");
        }
        for (label, able) in [
            ("eviction", self.eviction),
            ("vacancy events", self.vacancy),
        ] {
            if let Some(able) = able {
                let _ = writeln!(
                    out,
                    "    {label}: {}supported",
                    if able { "" } else { "not " }
                );
            }
        }
        if self.max_entries != 0 {
            let _ = writeln!(out, "    max_entries={}", self.max_entries);
        }
        let hit = previous.map(|p| &p.matched);
        let alike = previous.is_some_and(|p| {
            let here = |mine: &Instructions, theirs: &Instructions| {
                *mine == theirs.clone().seen_from(p.table, self.table, mine)
            };
            here(&self.matched, &p.matched) && here(&self.missed, &p.missed)
        });
        if alike {
            if !self.matched.is_empty() {
                out.push_str("    (same instructions)\n");
            }
        } else if self.matched != self.missed {
            out.push_str("    instructions (other than table miss):\n");
            self.matched.write(out, hit, version);
            out.push_str("    instructions (table miss):\n");
            self.missed.write(out, previous.map(|p| &p.missed), version);
        } else if !self.matched.is_empty() {
            out.push_str("    instructions (table miss and others):\n");
            self.matched.write(out, hit, version);
        }
        if self.matches.is_empty() {
            return;
        }
        if previous.is_some_and(|p| p.matches == self.matches) {
            out.push_str("    (same matching)\n");
            return;
        }
        out.push_str("    matching:\n");
        for (title, mask, wildcard) in [
            ("arbitrary mask", true, true),
            ("exact match or wildcard", false, true),
            ("must exact match", false, false),
        ] {
            let chosen: Fields = self
                .matches
                .iter()
                .copied()
                .filter(|f| {
                    self.masks.contains(f) == mask && self.wildcards.contains(f) == wildcard
                })
                .collect();
            if !chosen.is_empty() {
                let _ = write!(out, "      {title}:");
                names(out, &chosen);
            }
        }
    }
}

/// What is done with the features, unless they are all replaced.
fn command(number: u8) -> Option<&'static str> {
    match number {
        1 => Some("modify"),
        2 => Some("enable"),
        3 => Some("disable"),
        _ => None,
    }
}

pub(super) fn features(out: &mut String, reader: &mut Reader<'_>, version: Version) -> Printed {
    let mut teller = Teller::new(version);
    let mut first = true;
    while !reader.is_empty() {
        let read = TableFeatures::read_head(reader).and_then(|(raw, properties)| {
            Ok((raw.command, understand(&raw, properties, version)?))
        });
        match read {
            Ok((number, found)) => {
                let word = command(number).filter(|_| first && version >= Version::V15);
                first = false;
                if let Some(word) = word {
                    let _ = write!(out, "\n  command: {word}");
                }
                teller.tell(out, found, None);
            }
            Err(e) => {
                teller.finish(out);
                return Err(e);
            }
        }
    }
    teller.finish(out);
    Ok(())
}

/// Writes what tables can do as `ovs-ofctl dump-table-features` does: a table that is like the one before it is told as such,
/// also where they came in several messages.
///
/// # Errors
/// If a property of a table is malformed; what stands before it is not told either.
pub fn format_table_features(
    tables: &[TableFeatures],
    version: Version,
) -> Result<String, DecodeError> {
    let mut out = String::new();
    let mut teller = Teller::new(version);
    for raw in tables {
        teller.tell(&mut out, understood(raw, version)?, None);
    }
    teller.finish(&mut out);
    // Here the empty line stands behind each table, not before it.
    Ok(match out.strip_prefix('\n') {
        Some(told) => format!("{told}\n"),
        None => out,
    })
}

/// What tables have counted; before OpenFlow 1.3 they also say what they can do.
pub(super) fn stats(out: &mut String, reader: &mut Reader<'_>, version: Version) -> Printed {
    let mut teller = Teller::new(version);
    while !reader.is_empty() {
        let stats = TableStats::read(reader, version)?;
        let mut features = Features {
            table: stats.table,
            ..Features::default()
        };
        if let Some(able) = stats.abilities {
            features.know(able, version);
        }
        teller.tell(
            out,
            features,
            Some((stats.active, stats.lookups, stats.matched)),
        );
    }
    teller.finish(out);
    Ok(())
}

impl Features {
    /// Takes over what a table of OpenFlow 1.0 to 1.2 says of itself.
    fn know(&mut self, able: TableAbilities, version: Version) {
        self.name = able.name;
        self.max_entries = able.max_entries;
        if version == Version::V10 {
            let left_out = WILDCARDS_V10
                .iter()
                .filter(|(bits, _)| able.wildcards & bits != 0);
            self.wildcards = left_out.map(|(_, field)| *field).collect();
            // What can not be left out is not told.
            self.matches.clone_from(&self.wildcards);
            return;
        }
        self.missing = Some(match able.config & 3 {
            1 => "continue",
            2 => "drop",
            _ => "controller",
        });
        let named = |names: &[(u32, &str)], bits: u32| {
            names.iter().fold(0, |known, (n, _)| known | 1 << n) & bits
        };
        let known = |bits| named(action_names(version), bits);
        // Meters came later.
        self.matched.instructions = named(&INSTRUCTIONS, able.instructions) & !(1 << 6);
        self.matched.write.actions = known(able.write_actions);
        let fields = if version == Version::V11 {
            // What can be done at once is taken to be what can be put into the action set.
            self.matched.apply.actions = known(able.write_actions);
            fields_v11
        } else {
            let [readable, writable] = able.metadata;
            self.metadata = (readable, writable);
            self.matched.apply.actions = known(able.apply_actions);
            self.matched.write.fields = fields_v12(able.write_fields);
            self.matched.apply.fields = fields_v12(able.apply_fields);
            fields_v12
        };
        self.missed = self.matched.clone();
        self.wildcards = fields(able.wildcards);
        self.matches = fields(able.matches);
        self.matches.extend(&self.wildcards);
    }
}

/// The fields of OpenFlow 1.2 by their bits, which are OXM's numbers.
fn fields_v12(bits: u64) -> Fields {
    let (class, _) = Class::Basic.numbers();
    (0u8..64)
        .filter(|number| bits >> number & 1 == 1)
        .filter_map(|number| Field::from_wire(class, number, None))
        .filter(|field| {
            let ids = field.info().wire.iter();
            ids.filter(|id| id.class == Class::Basic)
                .any(|id| id.since <= Version::V12)
        })
        .collect()
}

/// The fields of OpenFlow 1.1 by their bits.
fn fields_v11(bits: u64) -> Fields {
    (0u32..)
        .zip(FIELDS_V11)
        .filter_map(|(bit, field)| field.filter(|_| bits >> bit & 1 == 1))
        .collect()
}

/// The fields of OpenFlow 1.1 in the order of their bits; the one between stands for the type of the match.
const FIELDS_V11: [Option<Field>; 16] = [
    Some(Field::InPort),
    Some(Field::VlanVid),
    Some(Field::VlanPcp),
    Some(Field::EthType),
    Some(Field::NwTos),
    Some(Field::NwProto),
    Some(Field::TcpSrc),
    Some(Field::TcpDst),
    Some(Field::MplsLabel),
    Some(Field::MplsTc),
    None,
    Some(Field::EthSrc),
    Some(Field::EthDst),
    Some(Field::IpSrc),
    Some(Field::IpDst),
    Some(Field::Metadata),
];

/// The field that bits of OpenFlow 1.0's wildcards leave out.
const WILDCARDS_V10: [(u64, Field); 12] = [
    (1, Field::InPort),
    (1 << 1, Field::VlanVid),
    (1 << 2, Field::EthSrc),
    (1 << 3, Field::EthDst),
    (1 << 4, Field::EthType),
    (1 << 5, Field::NwProto),
    (1 << 6, Field::TcpSrc),
    (1 << 7, Field::TcpDst),
    (0x3f << 8, Field::IpSrc),
    (0x3f << 14, Field::IpDst),
    (1 << 20, Field::VlanPcp),
    (1 << 21, Field::NwTos),
];
