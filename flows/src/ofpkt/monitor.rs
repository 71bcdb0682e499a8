//! Flow monitors: asking to be told how flows change, and the changes (OpenFlow 1.5.1, 7.3.5.19; before 1.4 the same as
//! extensions: ONF's in 1.3, Nicira's below).

use super::flow_stats::left;
use super::port_stats::checked_port;
use super::wire::{Put, Reader, Writer};
use super::{ANY_GROUP, DecodeError, OfpError, actions, instructions, oxm};
use crate::ofpkt::actions::Context;
use crate::ofpkt::oxm::Strictness;
use crate::{Flow, Instructions, Match, Port, Version};

/// Asks to be told how flows change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlowMonitorRequest {
    /// The controller's number of the monitor.
    pub id: u32,
    /// 0 add, 1 change, 2 delete the monitor (OpenFlow 1.4 and up); 0 elsewhere.
    pub command: u8,
    /// What is told, in the bits of the version: 1 flows there are, 2 added, 4 removed, 8 changed, 16 with instructions.
    pub flags: u16,
    /// Only flows that output to this port; [`Port::ANY`]: all.
    pub out_port: Port,
    /// Only flows that output to this group (OpenFlow 1.4 and up); [`ANY_GROUP`]: all.
    pub out_group: u32,
    /// The table, or [`super::ALL_TABLES`].
    pub table: u8,
    /// Only flows that this match covers.
    pub matches: Match,
}

/// Bits of which a request must have one: added, removed, changed.
const TOLD: u16 = 2 | 4 | 8;
const DELETE: u8 = 2;

impl FlowMonitorRequest {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        out.u32(self.id);
        if version >= Version::V14 {
            out.u32(self.out_port.0);
            out.u32(self.out_group);
            out.u16(self.flags);
            out.u8(self.table);
            out.u8(self.command);
            oxm::put_any_match(out, &self.matches, version);
            return;
        }
        out.u16(self.flags);
        if version == Version::V13 {
            let length_at = out.len();
            out.u16(0);
            out.u32(self.out_port.0);
            out.u8(self.table);
            out.zeros(3);
            put_counted_match(out, &self.matches, length_at, version);
        } else {
            out.u16(self.out_port.to_u16().unwrap_or(u16::MAX));
            let length_at = out.len();
            out.u16(0);
            out.u8(self.table);
            out.zeros(5);
            let length = oxm::put_nx_match(out, &self.matches, (0, 0));
            out.set_u16(length_at, length);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let place = *reader;
        // All of a request that has always the same length is there before any of it is looked at.
        reader.clone().skip(16)?;
        let id = reader.u32()?;
        let mut found = Self {
            id,
            command: 0,
            flags: 0,
            out_port: Port::ANY,
            out_group: ANY_GROUP,
            table: super::ALL_TABLES,
            matches: Match::new(),
        };
        let known;
        if version >= Version::V14 {
            let port_place = *reader;
            found.out_port = Port(reader.u32()?);
            found.out_group = reader.u32()?;
            found.flags = reader.u16()?;
            (found.table, found.command) = (reader.u8()?, reader.u8()?);
            known = 1 | TOLD | 16 | 64;
            if found.command != DELETE {
                found.check_flags(place, known)?;
                if found.out_port.to_u16().is_none() {
                    return Err(port_place.error(OfpError::ACTION_BAD_OUT_PORT));
                }
            }
            found.matches = oxm::any_match(reader, Strictness::Strict)?;
            return Ok(found);
        }
        known = 1 | TOLD | 16 | 32;
        found.flags = reader.u16()?;
        found.check_flags(place, known)?;
        if version == Version::V13 {
            reader.skip(2)?;
            let mut port = reader.sub(4)?;
            found.table = reader.u8()?;
            reader.zeros(3, OfpError::MUST_BE_ZERO)?;
            found.out_port = checked_port(&mut port)?;
            found.matches = oxm::any_match(reader, Strictness::Strict)?;
        } else {
            found.out_port = Port::from_u16(reader.u16()?);
            let length = usize::from(reader.u16()?);
            found.table = reader.u8()?;
            reader.zeros(5, OfpError::MUST_BE_ZERO)?;
            found.matches = oxm::nx_match(reader, length, Strictness::Strict)?;
        }
        Ok(found)
    }

    fn check_flags(&self, place: Reader<'_>, known: u16) -> Result<(), DecodeError> {
        if self.flags & TOLD == 0 || self.flags & !known != 0 {
            Err(place.error(OfpError::FLOW_MONITOR_BAD_FLAGS))
        } else {
            Ok(())
        }
    }
}

/// Appends an `ofp_match` and says its length, without padding, at `length_at` too.
fn put_counted_match(out: &mut Writer, matches: &Match, length_at: usize, version: Version) {
    let start = out.len();
    oxm::put_any_match(out, matches, version);
    let length = out.get(start + 2..start + 4).map_or([0, 0], |l| {
        [l.first().copied(), l.last().copied()].map(|b| b.unwrap_or(0))
    });
    out.set_u16(length_at, u16::from_be_bytes(length));
}

/// What happened to a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlowEvent {
    /// It was there when the monitor began (OpenFlow 1.4 and up).
    Initial,
    /// It was added.
    Added,
    /// It was removed.
    Removed,
    /// It was changed.
    Modified,
}

/// What a monitor tells.
#[derive(Clone, PartialEq, Debug)]
pub enum FlowUpdate {
    /// What happened, why it was removed (as in flow-removed; 0 else), and the flow, with instructions if they were
    /// asked for.
    Full(FlowEvent, u16, Box<Flow>),
    /// The controller's own change, by its transaction id.
    Abbreviated(u32),
    /// No more is told until there is room again (OpenFlow 1.4 and up).
    Paused,
    /// Updates come again (OpenFlow 1.4 and up).
    Resumed,
    /// An event that is not known: its number in the version, and what follows that.
    Other(u16, Vec<u8>),
}

impl FlowUpdate {
    /// The number of the event in a version.
    fn number(&self, version: Version) -> u16 {
        let modern = match self {
            Self::Full(FlowEvent::Initial, ..) => 0,
            Self::Full(FlowEvent::Added, ..) => 1,
            Self::Full(FlowEvent::Removed, ..) => 2,
            Self::Full(FlowEvent::Modified, ..) => 3,
            Self::Abbreviated(_) => 4,
            Self::Paused => 5,
            Self::Resumed => 6,
            Self::Other(number, _) => return *number,
        };
        if version >= Version::V14 {
            modern
        } else {
            // The older forms have no initial event.
            modern.max(1) - 1
        }
    }

    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        let start = out.len();
        out.u16(0);
        out.u16(self.number(version));
        match self {
            Self::Full(_, reason, flow) => put_full(out, *reason, flow, version),
            Self::Abbreviated(xid) => out.u32(*xid),
            Self::Paused | Self::Resumed => out.zeros(4),
            Self::Other(_, data) => out.extend_from_slice(data),
        }
        out.fill_len(start, start);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let place = *reader;
        let bad_len = || place.error(OfpError::BAD_LEN);
        let mut head = place;
        let (length, number) = (usize::from(head.u16()?), head.u16()?);
        if length > place.len() || !length.is_multiple_of(8) {
            return Err(bad_len());
        }
        let modern = if version >= Version::V14 {
            number
        } else {
            match number {
                0..=3 => number + 1,
                _ => u16::MAX,
            }
        };
        let event = match modern {
            0 => FlowEvent::Initial,
            1 => FlowEvent::Added,
            2 => FlowEvent::Removed,
            3 => FlowEvent::Modified,
            4..=6 if length != 8 => return Err(bad_len()),
            4..=6 => {
                let mut body = reader.sub(length)?;
                body.skip(4)?;
                return Ok(match modern {
                    4 => Self::Abbreviated(body.u32()?),
                    5 => Self::Paused,
                    _ => Self::Resumed,
                });
            }
            _ if place.keeps() => {
                let mut body = reader.sub(length)?;
                body.skip(4)?;
                return Ok(Self::Other(number, body.rest().to_vec()));
            }
            _ => return Err(place.error(OfpError::FM_BAD_EVENT)),
        };
        let (reason, flow) = read_full(reader, length, version)?;
        Ok(Self::Full(event, reason, Box::new(flow)))
    }
}

fn put_full(out: &mut Writer, reason: u16, flow: &Flow, version: Version) {
    if version >= Version::V14 {
        out.u8(flow.table);
        out.u8(u8::try_from(reason).unwrap_or(u8::MAX));
        out.u16(flow.idle_timeout);
        out.u16(flow.hard_timeout);
        out.u16(flow.priority);
        out.zeros(4);
        out.u64(flow.cookie);
        oxm::put_any_match(out, &flow.matches, version);
        instructions::put(out, &flow.instructions, &flow.matches, version);
        return;
    }
    out.u16(reason);
    out.u16(flow.priority);
    out.u16(flow.idle_timeout);
    out.u16(flow.hard_timeout);
    let length_at = out.len();
    out.u16(0);
    out.u8(flow.table);
    out.u8(0);
    out.u64(flow.cookie);
    if version == Version::V13 {
        put_counted_match(out, &flow.matches, length_at, version);
        instructions::put(out, &flow.instructions, &flow.matches, version);
    } else {
        let length = oxm::put_nx_match(out, &flow.matches, (0, 0));
        out.set_u16(length_at, length);
        actions::put_list(
            out,
            &flow.instructions.apply,
            &mut Context::new(version, &flow.matches),
        );
    }
}

/// Reads a flow of `length` bytes.
fn read_full(
    reader: &mut Reader<'_>,
    length: usize,
    version: Version,
) -> Result<(u16, Flow), DecodeError> {
    const FIXED: usize = 24;
    let place = *reader;
    let mut flow = Flow::default();
    let reason;
    let mut body = reader.sub(FIXED)?;
    if length < FIXED {
        return Err(place.error(OfpError::BAD_LEN));
    }
    body.skip(4)?;
    if version >= Version::V14 {
        flow.table = body.u8()?;
        reason = body.u8()?.into();
        (flow.idle_timeout, flow.hard_timeout) = (body.u16()?, body.u16()?);
        flow.priority = body.u16()?;
        body.skip(4)?;
        flow.cookie = body.u64()?;
        flow.matches = oxm::any_match(reader, Strictness::Strict)?;
        flow.instructions = instructions::pull(reader, left(place, *reader, length), version)?;
        return Ok((reason, flow));
    }
    reason = body.u16()?;
    flow.priority = body.u16()?;
    (flow.idle_timeout, flow.hard_timeout) = (body.u16()?, body.u16()?);
    let match_length = usize::from(body.u16()?);
    flow.table = body.u8()?;
    body.skip(1)?;
    flow.cookie = body.u64()?;
    if FIXED + match_length > length {
        return Err(place.error(OfpError::BAD_LEN));
    }
    if version >= Version::V13 {
        flow.matches = oxm::any_match(reader, Strictness::Strict)?;
        flow.instructions = instructions::pull(reader, left(place, *reader, length), version)?;
        return Ok((reason, flow));
    }
    flow.matches = oxm::nx_match(reader, match_length, Strictness::Strict)?;
    let list = left(place, *reader, length)
        .filter(|len| len.is_multiple_of(8))
        .ok_or_else(|| reader.error(OfpError::BAD_LEN))?;
    let list = actions::read_list(reader.sub(list)?, version, 0)?;
    flow.instructions = Instructions::from(list);
    Ok((reason, flow))
}
