//! Messages about flows: changes, statistics, removals, monitors.

use super::{Printed, Style};
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{
    ANY_GROUP, AggregateStats, Body, FlowEvent, FlowMod, FlowModCommand, FlowMonitorRequest,
    FlowRemoved, FlowStats, FlowStatsRequest, FlowUpdate, Message, OfpError, skip_modern_head,
};
use crate::text::Names;
use crate::text::number::{dec, duration, hex};
use crate::text::print::{fields, flow_flags, instructions};
use crate::{DEFAULT_PRIORITY, Flow, Port, Version};
use std::fmt::Write;

pub(super) fn flow_mod(out: &mut String, bytes: &[u8], style: &Style<'_>, name: &str) -> Printed {
    let mut message = Message::decode_strict(bytes)?;
    let version = message.version;
    let Body::FlowMod(found) = &mut message.body else {
        return Ok(());
    };
    let wildcards = bytes.get(8..12).is_some_and(|w| w.iter().any(|b| *b != 0));
    if name == "OFPT_FLOW_MOD" && version == Version::V10 && !wildcards {
        // A flow of OpenFlow 1.0 that leaves nothing open comes before all others.
        found.flow.priority = u16::MAX;
    }
    let legacy = version == Version::V10;
    let table = Some(found.flow.table);
    if let Err(misfit) = crate::text::check::flow(&found.flow, table, legacy) {
        return Err(Reader::new(bytes, 0).error(misfit.error()));
    }
    out.push(' ');
    one(out, found, version, style, name, bytes)
}

fn one(
    out: &mut String,
    found: &FlowMod,
    version: Version,
    style: &Style<'_>,
    name: &str,
    bytes: &[u8],
) -> Printed {
    let flow = &found.flow;
    out.push_str(match found.command {
        FlowModCommand::Add => "ADD",
        FlowModCommand::Modify => "MOD",
        FlowModCommand::ModifyStrict => "MOD_STRICT",
        FlowModCommand::Delete => "DEL",
        FlowModCommand::DeleteStrict => "DEL_STRICT",
    });
    if flow.table != 0 {
        out.push_str(" table:");
        style.names.table(out, flow.table);
    }
    out.push(' ');
    let mut need_priority = false;
    if style.verbosity >= 3 && name == "NXT_FLOW_MOD" {
        // The entries as they stand in the message, behind their length and 6 bytes of padding.
        let mut reader = Reader::new(bytes, 0);
        reader.skip(40)?;
        let length = usize::from(reader.u16()?);
        reader.skip(6)?;
        out.push_str(&crate::text::format_entries(reader.bytes(length)?));
        need_priority = true;
    } else if style.verbosity >= 3 && version == Version::V10 {
        let mut reader = Reader::new(bytes, 0);
        reader.skip(8)?;
        super::match10::write(out, &mut reader, style)?;
        need_priority = true;
    } else {
        fields(out, style.names, &flow.matches, Some(flow.priority));
    }
    if !out.ends_with(' ') {
        out.push(' ');
    }
    let add = found.command == FlowModCommand::Add;
    let new_cookie = if version == Version::V10 {
        found.new_cookie.or(if found.cookie_mask == 0 {
            Some(flow.cookie)
        } else {
            None
        })
    } else {
        found.cookie_given(version)
    };
    if let Some(cookie) = new_cookie.filter(|c| *c != 0 && *c != u64::MAX) {
        let _ = write!(out, "cookie:{cookie:#x} ");
    }
    if found.cookie_mask != 0 && !(add && version > Version::V10) {
        let _ = write!(out, "cookie:{:#x}/{:#x} ", flow.cookie, found.cookie_mask);
    }
    for (label, value) in [
        ("idle:", flow.idle_timeout),
        ("hard:", flow.hard_timeout),
        ("importance:", if add { flow.importance } else { 0 }),
    ] {
        if value != 0 {
            let _ = write!(out, "{label}{value} ");
        }
    }
    if flow.priority != DEFAULT_PRIORITY && need_priority {
        let _ = write!(out, "pri:{} ", flow.priority);
    }
    if found.buffer_id != u32::MAX {
        let _ = write!(out, "buf:{:#x} ", found.buffer_id);
    }
    if found.out_port != Port::ANY {
        out.push_str("out_port:");
        style.names.port(out, found.out_port);
        out.push(' ');
    }
    flow_flags(out, flow.flags, " ");
    out.push_str("actions=");
    instructions(out, style.names, &flow.instructions);
    Ok(())
}

pub(super) fn removed(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
    name: &str,
) -> Printed {
    let found = if name == "NXT_FLOW_REMOVED" {
        FlowRemoved::read_nx(reader)?
    } else {
        FlowRemoved::read(reader, version)?
    };
    out.push(' ');
    fields(out, style.names, &found.matches, Some(found.priority));
    let reason = match found.reason.0 {
        0 => "idle",
        1 => "hard",
        2 => "delete",
        3 => "group_delete",
        4 => "meter_delete",
        5 => "eviction",
        other => &other.to_string(),
    };
    let _ = write!(out, " reason={reason}");
    if let Some(table) = Some(found.table).filter(|t| *t != 255) {
        let _ = write!(out, " table_id={table}");
    }
    if found.cookie != 0 {
        let _ = write!(out, " cookie:{:#x}", found.cookie);
    }
    out.push_str(" duration");
    duration(out, found.duration.0, found.duration.1);
    let _ = write!(out, " idle{}", found.idle_timeout);
    if found.hard_timeout != 0 {
        let _ = write!(out, " hard{}", found.hard_timeout);
    }
    let _ = write!(out, " pkts{} bytes{}", found.packets, found.bytes);
    out.push('\n');
    Ok(())
}

pub(super) fn stats_request(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
    name: &str,
) -> Printed {
    let found = if name.starts_with("NXST") {
        FlowStatsRequest::read_nx(reader)?
    } else {
        FlowStatsRequest::read(reader, version)?
    };
    if found.table != 255 {
        out.push_str(" table=");
        style.names.table(out, found.table);
    }
    if found.out_port != Port::ANY {
        out.push_str(" out_port=");
        style.names.port(out, found.out_port);
    }
    out.push(' ');
    fields(out, style.names, &found.matches, None);
    Ok(())
}

pub(super) fn stats(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
    name: &str,
) -> Printed {
    while !reader.is_empty() {
        let place = *reader;
        let found = if name.starts_with("NXST") {
            FlowStats::read_nx(reader, version)
        } else {
            FlowStats::read(reader, version)
        };
        let found = found.map_err(|error| match error.error {
            // Open vSwitch has no name for what is wrong with the head of a flow in OpenFlow 1.5.
            other
                if version >= Version::V15
                    && other != OfpError::FLOW_BAD_FLAGS
                    && skip_modern_head(&mut { place }).is_err() =>
            {
                place.error(OfpError(&"<invalid>"))
            }
            _ => error,
        })?;
        out.push_str("\n ");
        entry(out, &found, style);
    }
    Ok(())
}

fn entry(out: &mut String, found: &FlowStats, style: &Style<'_>) {
    write_entry(out, found, style.names, true);
}

impl FlowStats {
    /// The flow as `ovs-ofctl dump-flows` prints it, with or without what has been counted (`--no-stats`).
    #[must_use]
    pub fn to_text(&self, names: &Names, with_counters: bool) -> String {
        let mut out = String::with_capacity(200);
        write_entry(&mut out, self, names, with_counters);
        out
    }
}

fn write_entry(out: &mut String, found: &FlowStats, names: &Names, with_counters: bool) {
    let flow = &found.flow;
    if with_counters || flow.cookie != 0 {
        out.push_str("cookie=");
        out.push_str(if flow.cookie == 0 { "0x" } else { "" });
        hex(out, u128::from(flow.cookie));
        out.push_str(", ");
    }
    if with_counters {
        out.push_str("duration=");
        duration(out, found.duration.0, found.duration.1);
        out.push_str(", ");
    }
    if with_counters || flow.table != 0 || names.tables.contains_key(&flow.table) {
        out.push_str("table=");
        names.table(out, flow.table);
        out.push_str(", ");
    }
    if with_counters {
        for (label, count) in [("n_packets=", found.packets), ("n_bytes=", found.bytes)] {
            out.push_str(label);
            match count {
                // What is not known.
                u64::MAX => out.push('?'),
                count => dec(out, count),
            }
            out.push_str(", ");
        }
    }
    if flow.idle_timeout != 0 {
        let _ = write!(out, "idle_timeout={}, ", flow.idle_timeout);
    }
    if flow.hard_timeout != 0 {
        let _ = write!(out, "hard_timeout={}, ", flow.hard_timeout);
    }
    flow_flags(out, flow.flags, " ");
    if flow.importance != 0 {
        let _ = write!(out, "importance={}, ", flow.importance);
    }
    // One of more than 68 years is none to Open vSwitch.
    let idle_age = found.idle_age.filter(|age| i32::try_from(*age).is_ok());
    if let Some(age) = idle_age.filter(|_| with_counters) {
        let _ = write!(out, "idle_age={age}, ");
    }
    let changed = found.hard_age.filter(|age| *age != found.duration.0);
    if let Some(age) = changed.filter(|_| with_counters) {
        let _ = write!(out, "hard_age={age}, ");
    }
    let before = out.len();
    fields(out, names, &flow.matches, Some(flow.priority));
    if out.len() != before {
        out.push(' ');
    }
    out.push_str("actions=");
    instructions(out, names, &flow.instructions);
}

pub(super) fn aggregate(out: &mut String, reader: &mut Reader<'_>, version: Version) -> Printed {
    let found = AggregateStats::read(reader, version)?;
    let AggregateStats {
        packets,
        bytes,
        flows,
        ..
    } = found;
    let _ = write!(
        out,
        " packet_count={packets} byte_count={bytes} flow_count={flows}"
    );
    Ok(())
}

pub(super) fn monitor_request(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    const DELETE: u8 = 2;
    while !reader.is_empty() {
        let mut found = FlowMonitorRequest::read(reader, version)?;
        if version >= Version::V14 {
            found.flags = monitor_flags(found.flags);
        }
        if version >= Version::V14 && found.command == DELETE {
            let _ = write!(out, "\n id={} command=delete", found.id);
        } else {
            write_monitor(out, &found, style);
        }
    }
    Ok(())
}

/// Flags of OpenFlow 1.4 (initial, add, removed, modify, instructions, no_abbrev, only_own) in the order of Nicira's.
fn monitor_flags(flags: u16) -> u16 {
    flags & 0x1f | (flags >> 6 & 1) << 5
}

fn write_monitor(out: &mut String, found: &FlowMonitorRequest, style: &Style<'_>) {
    let &FlowMonitorRequest {
        id,
        flags,
        out_port,
        out_group,
        table,
        ..
    } = found;
    let _ = write!(out, "\n id={id} flags=");
    const NAMES: [(u32, &str); 6] = [
        (1, "initial"),
        (2, "add"),
        (4, "delete"),
        (8, "modify"),
        (16, "actions"),
        (32, "own"),
    ];
    super::bits(out, u32::from(flags), &NAMES, ',');
    if out_port != Port::ANY {
        out.push_str(" out_port=");
        style.names.port(out, out_port);
    }
    if out_group != ANY_GROUP && out_group != 0 {
        // Open vSwitch tells it as a signed number.
        let _ = write!(out, " out_group={}", out_group.cast_signed());
    }
    if table != 255 {
        out.push_str(" table=");
        style.names.table(out, table);
    }
    out.push(' ');
    fields(out, style.names, &found.matches, None);
    while out.ends_with(' ') {
        out.pop();
    }
}

pub(super) fn monitor_reply(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    while !reader.is_empty() {
        let update = FlowUpdate::read(reader, version)?;
        out.push_str("\n event=");
        match update {
            FlowUpdate::Full(event, reason, flow) => {
                monitor_update(out, event, reason, &flow, style)
            }
            FlowUpdate::Abbreviated(xid) => {
                let _ = write!(out, "ABBREV xid=0x{xid:x}");
            }
            FlowUpdate::Paused => out.push_str("PAUSED"),
            FlowUpdate::Resumed => out.push_str("RESUMED"),
            FlowUpdate::Other(number, _) => dec(out, u64::from(number)),
        }
    }
    Ok(())
}

fn monitor_update(out: &mut String, event: FlowEvent, reason: u16, flow: &Flow, style: &Style<'_>) {
    out.push_str(match event {
        FlowEvent::Initial => "INITIAL",
        FlowEvent::Added => "ADDED",
        FlowEvent::Removed => "DELETED",
        FlowEvent::Modified => "MODIFIED",
    });
    if event == FlowEvent::Removed {
        out.push_str(" reason=");
        match reason {
            0 => out.push_str("idle"),
            1 => out.push_str("hard"),
            2 => out.push_str("delete"),
            3 => out.push_str("group_delete"),
            4 => out.push_str("meter_delete"),
            5 => out.push_str("eviction"),
            other => dec(out, u64::from(other)),
        }
    }
    out.push_str(" table=");
    style.names.table(out, flow.table);
    for (label, timeout) in [
        (" idle_timeout=", flow.idle_timeout),
        (" hard_timeout=", flow.hard_timeout),
    ] {
        if timeout != 0 {
            out.push_str(label);
            dec(out, u64::from(timeout));
        }
    }
    out.push_str(" cookie=");
    hex(out, u128::from(flow.cookie));
    out.push(' ');
    // Open vSwitch does not tell the priority here.
    fields(out, style.names, &flow.matches, None);
    if !flow.instructions.is_drop() {
        if !out.ends_with(' ') {
            out.push(' ');
        }
        out.push_str("actions=");
        instructions(out, style.names, &flow.instructions);
    }
}
