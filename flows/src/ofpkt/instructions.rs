//! Instructions on the wire (OpenFlow 1.5.1, 7.2.4). OpenFlow 1.0 has only a list of actions.

use super::actions::{self, Context, put_list, read_list};
use super::nicira;
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
use crate::flow::WriteMetadata;
use crate::raw::RawPieces;
use crate::{Action, Instructions, Match, Version};

/// Appends instructions; in OpenFlow 1.0 the list of actions.
pub(crate) fn put(
    out: &mut Writer,
    instructions: &Instructions,
    matches: &Match,
    version: Version,
) {
    let mut context = Context::new(version, matches);
    if version == Version::V10 {
        put_list(out, &instructions.apply, &mut context);
        if let Some(metadata) = &instructions.write_metadata {
            put_nicira_metadata(out, metadata);
        }
        if let Some(table) = instructions.goto_table {
            // The nearest that OpenFlow 1.0 has, and what Open vSwitch sends.
            put_list(out, &[Action::resubmit_table(table)], &mut context);
        }
        return;
    }
    let meter_action = version >= Version::V15 && instructions.meter.is_some();
    let unknown = instructions.unknown.as_deref().map(RawPieces::iter);
    let mut unknown = unknown.map(Iterator::peekable);
    // What is not known stands behind all that it stood behind when it was read.
    let mut unknown_before = |out: &mut Writer, kind: u16| {
        let Some(unknown) = &mut unknown else { return };
        while let Some((_, piece)) = unknown.next_if(|(after, _)| *after <= rank(kind)) {
            out.extend_from_slice(piece);
        }
    };
    unknown_before(out, 6);
    if let Some(meter) = instructions.meter
        && !meter_action
    {
        let start = begin(out, 6);
        out.u32(meter);
        out.fill_len(start, start + 2);
    }
    unknown_before(out, 4);
    if !instructions.apply.is_empty() || meter_action {
        let start = begin(out, 4);
        out.u32(0);
        if let Some(meter) = instructions.meter
            && meter_action
        {
            put_list(out, &[Action::Meter(meter)], &mut context);
        }
        put_list(out, &instructions.apply, &mut context);
        out.fill_len(start, start + 2);
    }
    unknown_before(out, 5);
    if instructions.clear {
        let start = begin(out, 5);
        out.zeros(4);
        out.fill_len(start, start + 2);
    }
    unknown_before(out, 3);
    if let Some(write) = &instructions.write {
        let start = begin(out, 3);
        out.zeros(4);
        put_list(out, write, &mut context);
        out.fill_len(start, start + 2);
    }
    unknown_before(out, 2);
    if let Some(metadata) = &instructions.write_metadata {
        let start = begin(out, 2);
        out.zeros(4);
        out.u64(metadata.value);
        out.u64(metadata.mask);
        out.fill_len(start, start + 2);
    }
    unknown_before(out, 1);
    if let Some(table) = instructions.goto_table {
        out.extend_from_slice(&[0, 1, 0, 8, table, 0, 0, 0]);
    }
    let rest = unknown.into_iter().flatten();
    rest.for_each(|(_, piece)| out.extend_from_slice(piece));
}

/// Where an instruction comes among those that are known, from 0.
fn rank(kind: u16) -> u8 {
    match kind {
        6 => 0,
        4 => 1,
        5 => 2,
        3 => 3,
        2 => 4,
        _ => 5,
    }
}

fn begin(out: &mut Writer, kind: u16) -> usize {
    let start = out.len();
    out.u16(kind);
    out.u16(0);
    start
}

fn put_nicira_metadata(out: &mut Writer, metadata: &WriteMetadata) {
    let start = nicira::begin(out, 22);
    out.zeros(6);
    out.u64(metadata.value);
    out.u64(metadata.mask);
    actions::end(out, start);
}

/// How Nicira's `write_metadata` begins: an experimenter's action of 32 bytes, Nicira's, 22.
const METADATA: [u8; 10] = [0xff, 0xff, 0, 32, 0, 0, 0x23, 0x20, 0, 22];

/// Reads a list of actions in which Nicira's `write_metadata` may be.
fn read_actions(
    mut reader: Reader<'_>,
    version: Version,
    into: &mut Instructions,
) -> Result<(), DecodeError> {
    let mut list = Vec::with_capacity(actions::count(reader));
    while !reader.is_empty() {
        let metadata = reader.rest().first_chunk() == Some(&METADATA);
        let place = reader;
        // Among actions it is no instruction; a switch that has it so is not Open vSwitch.
        if metadata && reader.keeps() && reader.len() > 32 {
            list.push(Action::Unknown(reader.bytes(32)?.into()));
            continue;
        }
        if metadata && reader.len() >= 32 {
            let mut body = reader.sub(32)?;
            body.skip(10)?;
            body.zeros(6, OfpError::MUST_BE_ZERO)?;
            let (value, mask) = (body.u64()?, body.u64()?);
            if into.write_metadata.is_some() {
                return Err(place.error(OfpError::ACTION_UNSUPPORTED_ORDER));
            }
            into.write_metadata = Some(Box::new(WriteMetadata { value, mask }));
            continue;
        }
        if into.write_metadata.is_some() && !into.apply.is_empty() {
            return Err(reader.error(OfpError::ACTION_UNSUPPORTED_ORDER));
        }
        let action = actions::read(&mut reader, version, 0)?;
        if !reader.keeps() && actions::needs_ct(&action) {
            return Err(place.error(OfpError::ACTION_BAD_SET_ARGUMENT));
        }
        match action {
            Action::Meter(meter) if list.is_empty() && into.meter.is_none() => {
                into.meter = Some(meter)
            }
            _ if into.write_metadata.is_some() => {
                return Err(place.error(OfpError::ACTION_UNSUPPORTED_ORDER));
            }
            action => list.push(action),
        }
    }
    into.apply = list.into();
    Ok(())
}

/// Reads the instructions that `len` bytes hold; none if a length that lies leaves less than nothing for them.
pub(crate) fn pull(
    reader: &mut Reader<'_>,
    len: Option<usize>,
    version: Version,
) -> Result<Instructions, DecodeError> {
    let place = *reader;
    let bad_len = || {
        place.error(match version {
            Version::V10 => OfpError::BAD_LEN,
            _ => OfpError::INSTRUCTION_BAD_LEN,
        })
    };
    let len = len
        .filter(|len| len.is_multiple_of(8))
        .ok_or_else(bad_len)?;
    read(reader.sub(len).map_err(|_| bad_len())?, version)
}

/// Reads instructions to the end; in OpenFlow 1.0 the list of actions.
pub(crate) fn read(reader: Reader<'_>, version: Version) -> Result<Instructions, DecodeError> {
    let read = read_in_order(reader, version);
    match read {
        Err(error) if version > Version::V10 && !reader.keeps() => {
            Err(first_error(reader, version).unwrap_or(error))
        }
        Ok(found) if !reader.keeps() && joins_beside_others(&found) => {
            Err(reader.error(OfpError::ACTION_BAD_CONJUNCTION))
        }
        read => read,
    }
}

/// True if a `conjunction` stands beside anything but notes.
fn joins_beside_others(of: &Instructions) -> bool {
    let joins = |action: &Action| matches!(action, Action::Conjunction { .. });
    let alone = of.meter.is_none()
        && !of.clear
        && of.write.is_none()
        && of.write_metadata.is_none()
        && of.goto_table.is_none()
        && (of.apply.iter()).all(|action| joins(action) || matches!(action, Action::Note(_)));
    !alone && of.apply.iter().any(joins)
}

/// The error that Open vSwitch tells of several: it looks at all heads first, then at actions to apply, then at those to
/// write, and at what these mean together only when all are read.
fn first_error(mut reader: Reader<'_>, version: Version) -> Option<DecodeError> {
    let mut lists = [None; 2];
    let mut seen = 0u32;
    while reader.len() >= 8 {
        let place = reader;
        let bad = |error| Some(place.error(error));
        let (kind, len) = (reader.u16().ok()?, usize::from(reader.u16().ok()?));
        let wanted = match kind {
            _ if len < 8 || len % 8 != 0 || len > place.len() => break,
            1 | 5 => Some(8),
            2 => Some(24),
            3 | 4 => None,
            6 => Some(8),
            0xffff => return bad(OfpError::INSTRUCTION_BAD_EXPERIMENTER),
            _ => return bad(OfpError::INSTRUCTION_UNKNOWN),
        };
        if wanted.is_some_and(|wanted| wanted != len) {
            return bad(OfpError::INSTRUCTION_BAD_LEN);
        }
        if kind == 6 && version >= Version::V15 {
            return bad(OfpError::INSTRUCTION_UNKNOWN);
        }
        if seen >> kind & 1 == 1 {
            return bad(OfpError::INSTRUCTION_DUP);
        }
        seen |= 1 << kind;
        let mut body = reader.sub(len - 4).ok()?;
        body.skip(4).ok()?;
        match kind {
            4 => lists[0] = Some(body),
            3 => lists[1] = Some(body),
            _ => {}
        }
    }
    if !reader.is_empty() {
        return Some(reader.error(OfpError::INSTRUCTION_BAD_LEN));
    }
    let [apply, write] = lists;
    let applied = apply.map(|list| actions::read_any(list, version, 0));
    if let Some(Err(error)) = applied {
        return Some(error);
    }
    let place = write?;
    match actions::read_any(place, version, 0) {
        Ok(list) => check_action_set(&list).err().map(|e| place.error(e)),
        Err(error) => Some(error),
    }
}

fn read_in_order(mut reader: Reader<'_>, version: Version) -> Result<Instructions, DecodeError> {
    let mut found = Instructions::default();
    if version == Version::V10 {
        read_actions(reader, version, &mut found)?;
        return Ok(found);
    }
    let mut seen = [false; 7];
    let mut after = 0;
    while !reader.is_empty() {
        let place = reader;
        let bad = |error| place.error(error);
        let (Ok(kind), Ok(len)) = (reader.u16(), reader.u16()) else {
            return Err(bad(OfpError::INSTRUCTION_BAD_LEN));
        };
        let len = usize::from(len);
        if len < 8 || len % 8 != 0 {
            return Err(bad(OfpError::INSTRUCTION_BAD_LEN));
        }
        let mut body = reader
            .sub(len - 4)
            .map_err(|_| bad(OfpError::INSTRUCTION_BAD_LEN))?;
        let wanted = match kind {
            1 | 5 => Some(8),
            2 => Some(24),
            3 | 4 => None,
            // New in OpenFlow 1.3, but Open vSwitch takes it before.
            6 if version < Version::V15 => Some(8),
            _ if place.keeps() => {
                found.push_raw(after, { place }.bytes(len)?);
                continue;
            }
            0xffff => return Err(bad(OfpError::INSTRUCTION_BAD_EXPERIMENTER)),
            _ => return Err(bad(OfpError::INSTRUCTION_UNKNOWN)),
        };
        if wanted.is_some_and(|wanted| wanted != len) {
            return Err(bad(OfpError::INSTRUCTION_BAD_LEN));
        }
        match seen.get_mut(usize::from(kind)) {
            Some(true) => return Err(bad(OfpError::INSTRUCTION_DUP)),
            Some(first) => *first = true,
            None => {}
        }
        after = after.max(rank(kind) + 1);
        match kind {
            1 => {
                found.goto_table = Some(body.u8()?);
                body.skip(3)?;
            }
            2 => {
                body.skip(4)?;
                let (value, mask) = (body.u64()?, body.u64()?);
                found.write_metadata = Some(Box::new(WriteMetadata { value, mask }));
            }
            3 => {
                body.skip(4)?;
                let list = read_list(body, version, 0)?;
                if !place.keeps() {
                    check_action_set(&list).map_err(bad)?;
                }
                found.write = Some(list.into());
            }
            4 => {
                body.skip(4)?;
                let metadata = found.write_metadata.take();
                read_actions(body, version, &mut found)?;
                if metadata.is_some() {
                    found.write_metadata = metadata;
                }
            }
            5 => found.clear = true,
            _ => found.meter = Some(body.u32()?),
        }
    }
    Ok(found)
}

/// An action set may hold only some kinds of actions (OpenFlow 1.5.1, 5.6).
fn check_action_set(actions: &[Action]) -> Result<(), OfpError> {
    let allowed = |action: &Action| {
        !matches!(
            action,
            Action::Learn(_)
                | Action::Conjunction { .. }
                | Action::Bundle(_)
                | Action::Controller(_)
                | Action::Enqueue(..)
                | Action::Exit
                | Action::DebugSlow
                | Action::DebugRecirc
                | Action::FinTimeout(..)
                | Action::Multipath(_)
                | Action::Note(_)
                | Action::OutputReg(..)
                | Action::OutputTrunc(..)
                | Action::PopQueue
                | Action::Sample(_)
                | Action::Push(_)
                | Action::Pop(_)
                | Action::Clone(_)
                | Action::CheckPktLarger(..)
                | Action::DeleteField(_)
                | Action::Unknown(_)
        )
    };
    if actions.iter().all(allowed) {
        Ok(())
    } else {
        Err(OfpError::ACTION_BAD_TYPE)
    }
}
