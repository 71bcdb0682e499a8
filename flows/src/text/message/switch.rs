//! Messages about the switch and the connection: hello, errors, features, configuration, roles, bundles, tables.

use super::action_names::action_names;
use super::{MAX_DEPTH, Printed, Style, bits, dump, message};
use crate::Version;
use crate::ofpkt::Role;
use crate::ofpkt::registry::{self, Kind};
use crate::ofpkt::wire::{Reader, Unknown};
use crate::ofpkt::{
    AsyncConfig, BundleControl, BundleControlKind, ErrorMessage, Hello, OfpError, RoleMessage,
    SwitchFeatures,
};
use crate::text::number::hex;
use std::fmt::Write;

pub(super) fn hello(out: &mut String, bytes: &[u8], version: u8) {
    let (versions, whole) = Hello::versions_of(bytes.get(8..).unwrap_or_default(), version);
    out.push_str("\n version bitmap: ");
    let mut first = true;
    for number in 0..32u32 {
        if versions >> number & 1 == 1 {
            let _ = write!(out, "{}0x{number:02x}", if first { "" } else { ", " });
            first = false;
        }
    }
    out.push('\n');
    if !whole {
        out.push_str(" unknown data in hello:\n");
        dump(out, bytes, true);
    }
}

pub(super) fn error(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let place = *reader;
    let found = ErrorMessage::read(reader, version)?;
    let name = found
        .error(version)
        .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
    let _ = writeln!(out, " {name}");
    if matches!(name.name(), "OFPHFC_INCOMPATIBLE" | "OFPHFC_EPERM") {
        for byte in &found.data {
            match byte {
                0x20..=0x7e if !matches!(byte, b'\\' | b'"') => out.push(char::from(*byte)),
                _ => {
                    let _ = write!(out, "\\{byte:03o}");
                }
            }
        }
        return Ok(());
    }
    if style.depth >= MAX_DEPTH {
        dump(out, &found.data, true);
        return Ok(());
    }
    let inner = Style {
        names: style.names,
        verbosity: 1,
        depth: style.depth.saturating_add(1),
    };
    message(out, &found.data, &inner);
    Ok(())
}

pub(super) fn features(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let found = SwitchFeatures::read(&mut reader.sub(24)?, version)?;
    let _ = writeln!(out, " dpid:{:016x}", found.datapath_id);
    let _ = write!(
        out,
        "n_tables:{}, n_buffers:{}",
        found.n_tables, found.n_buffers
    );
    if found.auxiliary_id != 0 {
        let _ = write!(out, ", auxiliary_id:{}", found.auxiliary_id);
    }
    out.push_str("\ncapabilities: ");
    let names: &[(u32, &str)] = match version {
        Version::V10 => &[
            (1, "FLOW_STATS"),
            (2, "TABLE_STATS"),
            (4, "PORT_STATS"),
            (8, "STP"),
            (0x20, "IP_REASM"),
            (0x40, "QUEUE_STATS"),
            (0x80, "ARP_MATCH_IP"),
        ],
        Version::V11 => &[
            (1, "FLOW_STATS"),
            (2, "TABLE_STATS"),
            (4, "PORT_STATS"),
            (8, "GROUP_STATS"),
            (0x20, "IP_REASM"),
            (0x40, "QUEUE_STATS"),
            (0x80, "ARP_MATCH_IP"),
        ],
        _ => &[
            (1, "FLOW_STATS"),
            (2, "TABLE_STATS"),
            (4, "PORT_STATS"),
            (8, "GROUP_STATS"),
            (0x20, "IP_REASM"),
            (0x40, "QUEUE_STATS"),
            (0x100, "PORT_BLOCKED"),
            (0x200, "BUNDLES"),
            (0x400, "FLOW_MONITORING"),
        ],
    };
    let newer = if version < Version::V14 { 0x600 } else { 0 };
    let known = names.iter().fold(0, |all, (bit, _)| all | bit) & !newer;
    bits(out, found.capabilities & known, names, ' ');
    out.push('\n');
    let can = |(number, _): &&(u32, &str)| found.actions >> number & 1 == 1;
    let mut names = action_names(version).iter().filter(can).peekable();
    if version == Version::V10 && names.peek().is_some() {
        out.push_str("actions:");
        for (_, name) in names {
            out.push(' ');
            out.push_str(name);
        }
        out.push('\n');
    }
    match version {
        Version::V10 | Version::V11 | Version::V12 => super::port::all(out, reader, version, style),
        _ => Ok(()),
    }
}

pub(super) fn config(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    name: &str,
) -> Printed {
    const FRAGMENTS: u16 = 3;
    // Packets whose time to live has run out, to the controller; since OpenFlow 1.3 `OFPT_SET_ASYNC` asks for them.
    let invalid_ttl = if version < Version::V13 { 4 } else { 0 };
    let place = *reader;
    let (flags, miss) = (reader.u16()?, reader.u16()?);
    if name == "OFPT_SET_CONFIG" && flags & !(FRAGMENTS | invalid_ttl) != 0 {
        return Err(place.error(OfpError::CONFIG_BAD_FLAGS));
    }
    out.push_str(" frags=");
    match flags & 3 {
        0 => out.push_str("normal"),
        1 => out.push_str("drop"),
        2 => out.push_str("reassemble"),
        _ => out.push_str("nx-match"),
    }
    if flags & invalid_ttl != 0 {
        out.push_str(" invalid_ttl_to_controller");
    }
    let _ = write!(out, " miss_send_len={miss}");
    Ok(())
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::NoChange => "nochange",
        Role::Equal => "equal",
        Role::Master => "primary",
        Role::Slave => "secondary",
    }
}

pub(super) fn role(out: &mut String, reader: &mut Reader<'_>, name: &str) -> Printed {
    if name.starts_with("NXT") {
        let place = *reader;
        let role = match reader.u32()? {
            0 => "equal",
            1 => "primary",
            2 => "secondary",
            _ => return Err(place.error(OfpError::ROLE_BAD)),
        };
        let _ = write!(out, " role={role}");
        return Ok(());
    }
    let found = RoleMessage::read(reader)?;
    let _ = write!(out, " role={}", role_name(found.role));
    // Who asks to keep its role says none.
    let keeps = name == "OFPT_ROLE_REQUEST" && found.role == Role::NoChange;
    if !keeps && found.generation_id != u64::MAX {
        let _ = write!(out, " generation_id={}", found.generation_id);
    }
    Ok(())
}

pub(super) fn role_status(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    let place = *reader;
    let role = match reader.u32()? {
        0 => Role::NoChange,
        1 => Role::Equal,
        2 => Role::Master,
        3 => Role::Slave,
        _ => return Err(place.error(OfpError::ROLE_BAD)),
    };
    let reason = reader.u8()?;
    reader.skip(3)?;
    let generation = reader.u64()?;
    let _ = write!(out, " role={}", role_name(role));
    if generation != u64::MAX {
        let _ = write!(out, " generation_id={generation}");
    }
    let reason = match reason {
        0 => "primary_request",
        1 => "configuration_changed",
        2 => "experimenter_data_changed",
        _ => "(unknown)",
    };
    let _ = write!(out, " reason={reason}");
    Ok(())
}

/// The older extension has the form of OpenFlow 1.3, the other one that of 1.4, whatever the version.
pub(super) fn async_config(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    name: &str,
) -> Printed {
    const REASONS: [(&str, &[&str]); 6] = [
        (
            "PACKET_IN",
            &[
                "no_match",
                "action",
                "invalid_ttl",
                "action_set",
                "group",
                "packet_out",
            ],
        ),
        ("PORT_STATUS", &["add", "delete", "modify"]),
        (
            "FLOW_REMOVED",
            &[
                "idle",
                "hard",
                "delete",
                "group_delete",
                "meter_delete",
                "eviction",
            ],
        ),
        (
            "ROLE_STATUS",
            &[
                "primary_request",
                "configuration_changed",
                "experimenter_data_changed",
            ],
        ),
        ("TABLE_STATUS", &["", "", "", "vacancy_down", "vacancy_up"]),
        (
            "REQUESTFORWARD",
            &["group_mod_request", "meter_mod_request"],
        ),
    ];
    let config = match name {
        // What no version knows can not be asked for, and is passed over in an answer.
        "OFPT_GET_ASYNC_REPLY" => AsyncConfig::read(&mut reader.minding(Unknown::Keep), version)?,
        "NXT_SET_ASYNC_CONFIG" => AsyncConfig::read_masks(reader)?,
        "NXT_SET_ASYNC_CONFIG2" => AsyncConfig::read_properties(reader, version)?,
        _ => AsyncConfig::read(reader, version)?,
    };
    for (title, slave) in [("primary", false), ("secondary", true)] {
        let _ = write!(out, "\n {title}:\n");
        for (index, ((low, high), (name, known))) in config.masks.iter().zip(&REASONS).enumerate() {
            let mask = if slave { low } else { high }.unwrap_or(0);
            let mask = mask & AsyncConfig::reasons(index, version);
            let _ = write!(out, "{name:>16}:");
            for (bit, reason) in known.iter().enumerate() {
                if mask >> bit & 1 == 1 {
                    let _ = write!(out, " {reason}");
                }
            }
            if mask == 0 {
                out.push_str(" (off)");
            }
            out.push('\n');
        }
    }
    Ok(())
}

pub(super) fn desc(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    out.push('\n');
    for (label, size) in [
        ("Manufacturer", 256),
        ("Hardware", 256),
        ("Software", 256),
        ("Serial Num", 32),
        ("DP Description", 256),
    ] {
        let _ = writeln!(out, "{label}: {}", reader.text(size)?);
    }
    Ok(())
}

pub(super) fn flow_format(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    match reader.u32()? {
        0 => out.push_str(" format=openflow10"),
        2 => out.push_str(" format=nxm"),
        _ => out.push_str(" format=(unknown)"),
    }
    Ok(())
}

pub(super) fn flow_mod_table_id(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    out.push_str(if reader.u8()? != 0 {
        " enable"
    } else {
        " disable"
    });
    Ok(())
}

pub(super) fn packet_in_format(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    let place = *reader;
    out.push_str(match reader.u32()? {
        0 => " format=standard",
        1 => " format=nxt_packet_in",
        2 => " format=nxt_packet_in2",
        _ => return Err(place.error(OfpError::PACKET_IN_BAD_FORMAT)),
    });
    Ok(())
}

pub(super) fn controller_id(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    reader.skip(6)?;
    let _ = write!(out, " id={}", reader.u16()?);
    Ok(())
}

pub(super) fn flush_zone(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    reader.skip(6)?;
    let _ = write!(out, " zone_id={}", reader.u16()?);
    Ok(())
}

fn bundle_flags(out: &mut String, flags: u16) {
    out.push_str(" flags=");
    bits(out, u32::from(flags), &[(1, "atomic"), (2, "ordered")], ' ');
}

pub(super) fn bundle_control(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    let found = BundleControl::read(reader)?;
    let kind = match found.kind {
        BundleControlKind::OpenRequest => "OPEN_REQUEST",
        BundleControlKind::OpenReply => "OPEN_REPLY",
        BundleControlKind::CloseRequest => "CLOSE_REQUEST",
        BundleControlKind::CloseReply => "CLOSE_REPLY",
        BundleControlKind::CommitRequest => "COMMIT_REQUEST",
        BundleControlKind::CommitReply => "COMMIT_REPLY",
        BundleControlKind::DiscardRequest => "DISCARD_REQUEST",
        BundleControlKind::DiscardReply => "DISCARD_REPLY",
        BundleControlKind::Other(_) => "",
    };
    out.push_str("\n bundle_id=");
    hex(out, u128::from(found.bundle_id));
    let _ = write!(out, " type={kind}");
    bundle_flags(out, found.flags.0);
    Ok(())
}

pub(super) fn bundle_add(
    out: &mut String,
    reader: &mut Reader<'_>,
    bytes: &[u8],
    style: &Style<'_>,
) -> Printed {
    let id = reader.u32()?;
    reader.skip(2)?;
    let flags = reader.u16()?;
    let place = *reader;
    let inner = reader.rest();
    let length = inner.get(2..4).map_or(0, |b| {
        b.iter().fold(0usize, |acc, x| acc << 8 | usize::from(*x))
    });
    if inner.len() >= 8 && inner.first() != bytes.first() {
        return Err(place.error(OfpError::BUNDLE_BAD_VERSION));
    }
    let whole = inner
        .get(..length)
        .filter(|m| m.len() >= 8)
        .ok_or_else(|| place.error(OfpError::BUNDLE_MSG_BAD_LEN))?;
    if whole.get(4..8) != bytes.get(4..8) {
        return Err(place.error(OfpError::BUNDLE_MSG_BAD_XID));
    }
    // Only changes of flows, groups and ports, and packets, can be in a bundle; no other bundle.
    let fits = registry::find(Reader::new(whole, 0)).is_ok_and(|(entry, _)| {
        use Kind::{FlowMod, GroupMod, NxFlowMod, PacketOut, PortMod};
        matches!(
            entry.kind,
            PortMod | FlowMod | NxFlowMod | GroupMod | PacketOut
        )
    });
    if !fits {
        return Err(place.error(OfpError::BUNDLE_MSG_UNSUP));
    }
    out.push_str("\n bundle_id=");
    hex(out, u128::from(id));
    bundle_flags(out, flags);
    out.push('\n');
    message(out, whole, style);
    Ok(())
}

pub(super) fn request_forward(
    out: &mut String,
    reader: &mut Reader<'_>,
    outer: Version,
    style: &Style<'_>,
) -> Printed {
    let place = *reader;
    let mut head = *reader;
    let short = |_| place.error(OfpError::BUNDLE_MSG_BAD_LEN);
    let mut start = head.sub(8).map_err(short)?;
    let version = start.u8()?;
    start.skip(1)?;
    let length = usize::from(start.u16()?);
    let inner = { place }.sub(length).map_err(short)?;
    if length < 8 {
        return Err(place.error(OfpError::BUNDLE_MSG_BAD_LEN));
    }
    if version != outer.wire() {
        return Err(place.error(OfpError::BAD_VERSION));
    }
    let (entry, mut body) = registry::find(inner)?;
    let mut told = String::new();
    out.push_str(match entry.kind {
        Kind::GroupMod => {
            super::group::group_mod(&mut told, &mut body, outer, style)?;
            " reason=group_mod"
        }
        Kind::MeterMod => {
            super::meter::meter_mod(&mut told, &mut body)?;
            " reason=meter_mod"
        }
        _ => return Err(place.error(OfpError::BUNDLE_MSG_UNSUP)),
    });
    out.push_str(&told);
    Ok(())
}

/// What a bridge's or flows' IPFIX exporters have counted.
pub(super) fn ipfix(out: &mut String, reader: &mut Reader<'_>, name: &str) -> Printed {
    let bridge = name.contains("BRIDGE");
    if !bridge {
        let _ = write!(out, " {} ids", reader.len() / 88);
    }
    out.push('\n');
    while !reader.is_empty() {
        let mut counters = [0u64; 10];
        for counter in &mut counters {
            *counter = reader.u64()?;
        }
        let id = reader.u32()?;
        reader.skip(4)?;
        let [
            flows,
            current,
            packets,
            v4,
            v6,
            errors,
            v4_errors,
            v6_errors,
            sent,
            send_errors,
        ] = counters;
        let indent = if bridge {
            out.push_str("  bridge ipfix: ");
            16
        } else {
            let _ = write!(out, "  id {id:3}: ");
            10
        };
        let _ = writeln!(
            out,
            "flows={flows}, current flows={current}, sampled pkts={packets}, ipv4 ok={v4}, ipv6 ok={v6}, tx pkts={sent}"
        );
        let _ = writeln!(
            out,
            "{:indent$}pkts errs={errors}, ipv4 errs={v4_errors}, ipv6 errs={v6_errors}, tx errs={send_errors}",
            ""
        );
    }
    Ok(())
}
