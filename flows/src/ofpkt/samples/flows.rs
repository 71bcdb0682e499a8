//! Flows, changes of flows, and what a switch tells of them.

use super::{Choices, list, matches};
use crate::flow::WriteMetadata;
use crate::ofpkt::{
    ALL_TABLES, ANY_GROUP, FlowEvent, FlowMod, FlowModCommand, FlowMonitorRequest, FlowRemoved,
    FlowStats, FlowStatsRequest, FlowUpdate, NO_BUFFER, RemovedReason,
};
use crate::{Action, Field, Flow, FlowFlags, Instructions, Match, Port, Version};

/// Instructions that the version has.
pub(in crate::ofpkt) fn instructions(c: &mut Choices<'_>, version: Version) -> Instructions {
    let mut found = Instructions::new().apply(list(c, 5, version, 0));
    if version == Version::V10 {
        return found;
    }
    if c.flag() {
        let port = |c: &mut Choices<'_>| Action::Output(c.port());
        found.write = Some(c.list(3, port).into());
    }
    found.write_metadata = c.maybe(|c| {
        Box::new(WriteMetadata {
            value: c.u64(),
            mask: c.u64(),
        })
    });
    if version >= Version::V13 {
        found.meter = c.maybe(Choices::u32);
    }
    found.clear = c.flag();
    found.goto_table = c.maybe(Choices::u8);
    if c.unknown && c.flag() {
        let mut bytes = vec![0xff, 0xff, 0, 16, 0, 0xab, 0xcd, 0xef];
        bytes.extend((0..8).map(|_| c.u8()));
        found.push_raw(c.u8(), &bytes);
    }
    found
}

fn flags(c: &mut Choices<'_>, version: Version) -> FlowFlags {
    FlowFlags(c.u16() & crate::ofpkt::flow_mod::known_flags(version))
}

fn importance(c: &mut Choices<'_>, version: Version) -> u16 {
    if version >= Version::V14 { c.u16() } else { 0 }
}

fn flow(c: &mut Choices<'_>, version: Version) -> Flow {
    Flow {
        matches: matches(c, version),
        instructions: instructions(c, version),
        cookie: c.u64(),
        priority: c.u16(),
        idle_timeout: c.u16(),
        hard_timeout: c.u16(),
        importance: 0,
        flags: FlowFlags::NONE,
        table: c.u8() % 255,
    }
}

/// A match that the fixed form of OpenFlow 1.0 can say of packets that have what it asks for.
pub(super) fn old_match(c: &mut Choices<'_>) -> Match {
    let mut found = Match::new();
    if c.flag() {
        found.set(Field::InPortOxm, u128::from(c.plain_port().0), u128::MAX);
    }
    if c.flag() {
        found.set(Field::EthSrc, c.u128(), u128::MAX);
    }
    if c.flag() {
        found.set(Field::DlVlan, u128::from(c.u16() & 0xfff), u128::MAX);
    }
    if c.flag() {
        found.set(Field::EthType, 0x0800, u128::MAX);
        let bits = c.u32() % 33;
        let mask = u32::MAX.checked_shl(bits).unwrap_or(0);
        found.set(Field::IpDst, u128::from(c.u32() & mask), u128::from(mask));
        if c.flag() {
            found.set(Field::NwProto, 6, u128::MAX);
            found.set(Field::TcpDst, u128::from(c.u16()), u128::MAX);
        }
    }
    found
}

/// Actions that OpenFlow 1.0 has itself.
fn old_actions(c: &mut Choices<'_>) -> Vec<Action> {
    c.list(4, |c| match c.below(4) {
        0 => Action::ModVlanVid(c.u16() & 0xfff),
        1 => Action::StripVlan,
        2 => Action::Enqueue(c.plain_port(), c.u32()),
        _ => Action::Output(c.port()),
    })
}

/// A change of flows; of OpenFlow 1.0 in its own form or in Nicira's.
pub(super) fn flow_mod(c: &mut Choices<'_>, version: Version, nicira: bool) -> FlowMod {
    let command = c.pick(&[
        FlowModCommand::Add,
        FlowModCommand::Modify,
        FlowModCommand::ModifyStrict,
        FlowModCommand::Delete,
        FlowModCommand::DeleteStrict,
    ]);
    let mut flow = flow(c, version);
    flow.flags = flags(c, version);
    flow.importance = importance(c, version);
    if version == Version::V10 && !nicira {
        flow.matches = old_match(c);
        flow.instructions = old_actions(c).into();
    }
    let mut found = FlowMod::new(command, flow);
    found.buffer_id = c.maybe(Choices::u32).unwrap_or(NO_BUFFER);
    found.out_port = c.maybe(Choices::plain_port).unwrap_or(Port::ANY);
    if version == Version::V10 {
        found.nicira_form = nicira;
        if nicira && command != FlowModCommand::Add && c.flag() {
            found.cookie_mask = c.u64().max(1);
            found.flow.cookie &= found.cookie_mask;
            found.new_cookie = c.maybe(|c| c.u64() / 2);
        }
    } else {
        found.cookie_mask = c.u64();
        found.out_group = c.maybe(Choices::u32).unwrap_or(ANY_GROUP);
    }
    found
}

pub(super) fn stats_request(
    c: &mut Choices<'_>,
    version: Version,
    nicira: bool,
) -> FlowStatsRequest {
    let old = version == Version::V10;
    let mut found = FlowStatsRequest {
        table: c.u8(),
        out_port: c.maybe(Choices::plain_port).unwrap_or(Port::ANY),
        matches: if old && !nicira {
            old_match(c)
        } else {
            matches(c, version)
        },
        ..FlowStatsRequest::all()
    };
    if !old {
        found.out_group = c.maybe(Choices::u32).unwrap_or(ANY_GROUP);
    }
    if (!old || nicira) && c.flag() {
        (found.cookie, found.cookie_mask) = (c.u64(), c.u64().max(1));
        if nicira {
            // Where the cookie is an entry of the match it has no bits that are not compared.
            found.cookie &= found.cookie_mask;
        }
    }
    found
}

pub(super) fn stats(c: &mut Choices<'_>, version: Version, nicira: bool) -> FlowStats {
    let mut flow = flow(c, version);
    if version >= Version::V13 {
        flow.flags = flags(c, version);
    }
    flow.importance = importance(c, version);
    if version == Version::V10 && !nicira {
        flow.matches = old_match(c);
    }
    if version == Version::V11 {
        // Open vSwitch lists flows of OpenFlow 1.1 with the matches of 1.2.
        flow.matches = matches(c, Version::V12);
    }
    let mut found = FlowStats {
        duration: (c.u32() / 2, c.u32()),
        packets: c.u64(),
        bytes: c.u64(),
        ..FlowStats::new(flow)
    };
    if nicira || version == Version::V15 {
        found.idle_age = c.maybe(|c| u32::from(c.u16() / 2));
    }
    if nicira {
        found.hard_age = c.maybe(|c| u32::from(c.u16() / 2));
    }
    if c.unknown && version == Version::V15 {
        found.other_counters = [0x80, 2, 0xc6, 2, c.u8(), c.u8()].into();
    }
    found
}

pub(super) fn removed(c: &mut Choices<'_>, version: Version, nicira: bool) -> FlowRemoved {
    let old = version == Version::V10 && !nicira;
    FlowRemoved {
        matches: if old {
            old_match(c)
        } else {
            matches(c, version)
        },
        cookie: c.u64(),
        priority: c.u16(),
        reason: RemovedReason(c.u8()),
        table: if old { ALL_TABLES } else { c.u8() },
        duration: (c.u32() / 2, c.u32()),
        idle_timeout: c.u16(),
        hard_timeout: if old || nicira { 0 } else { c.u16() },
        packets: c.u64(),
        bytes: c.u64(),
        other_counters: [].into(),
    }
}

pub(super) fn monitor_request(c: &mut Choices<'_>, version: Version) -> FlowMonitorRequest {
    let modern = version >= Version::V14;
    FlowMonitorRequest {
        id: c.u32(),
        command: if modern { c.u8() % 3 } else { 0 },
        flags: 2 | c.u16() & 31,
        out_port: c.maybe(Choices::plain_port).unwrap_or(Port::ANY),
        out_group: if modern { c.u32() } else { ANY_GROUP },
        table: c.u8(),
        matches: monitored(c, version),
    }
}

/// A match as flow monitors have it, which is NXM before OpenFlow 1.3.
fn monitored(c: &mut Choices<'_>, version: Version) -> Match {
    if version == Version::V11 {
        return Match::new();
    }
    matches(c, version)
}

pub(super) fn update(c: &mut Choices<'_>, version: Version) -> FlowUpdate {
    let modern = version >= Version::V14;
    match c.below(6) {
        0 => FlowUpdate::Abbreviated(c.u32()),
        1 if modern => FlowUpdate::Paused,
        2 if modern => FlowUpdate::Resumed,
        3 if c.unknown => FlowUpdate::Other(77, vec![0, c.u8(), 0, 0]),
        _ => {
            let mut event = c.pick(&[FlowEvent::Added, FlowEvent::Removed, FlowEvent::Modified]);
            if modern && c.flag() {
                event = FlowEvent::Initial;
            }
            let mut flow = flow(c, version);
            flow.matches = monitored(c, version);
            if version < Version::V13 {
                flow.instructions = list(c, 4, version, 0).into();
            }
            let reason = if modern { u16::from(c.u8()) } else { c.u16() };
            FlowUpdate::Full(event, reason, Box::new(flow))
        }
    }
}
