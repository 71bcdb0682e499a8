//! Messages about ports.

use super::{Printed, Style, bits};
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{OfpError, PortChange, PortDesc, PortStatus};
use crate::text::number::{duration, eth};
use crate::{Port, Version};
use std::fmt::Write;

const FEATURES: [(u32, &str); 16] = [
    (1, "10MB-HD"),
    (2, "10MB-FD"),
    (4, "100MB-HD"),
    (8, "100MB-FD"),
    (0x10, "1GB-HD"),
    (0x20, "1GB-FD"),
    (0x40, "10GB-FD"),
    (0x80, "40GB-FD"),
    (0x100, "100GB-FD"),
    (0x200, "1TB-FD"),
    (0x400, "OTHER"),
    (0x800, "COPPER"),
    (0x1000, "FIBER"),
    (0x2000, "AUTO_NEG"),
    (0x4000, "AUTO_PAUSE"),
    (0x8000, "AUTO_PAUSE_ASYM"),
];

/// OpenFlow 1.0 has fewer speeds, so that the other features have lower bits.
fn modern_features(value: u32, version: Version) -> u32 {
    if version == Version::V10 {
        value & 0x7f | (value & 0xf80) << 4
    } else {
        value
    }
}

/// The bits of a port's configuration that a version has.
fn known_config(version: Version) -> u32 {
    if version == Version::V10 { 0x7f } else { 0x65 }
}

const CONFIG: [(u32, &str); 7] = [
    (1, "PORT_DOWN"),
    (2, "NO_STP"),
    (4, "NO_RECV"),
    (8, "NO_RECV_STP"),
    (0x10, "NO_FLOOD"),
    (0x20, "NO_FWD"),
    (0x40, "NO_PACKET_IN"),
];

fn state_names(version: Version) -> &'static [(u32, &'static str)] {
    if version == Version::V10 {
        &[(1, "LINK_DOWN")]
    } else {
        &[(1, "LINK_DOWN"), (2, "BLOCKED"), (4, "LIVE")]
    }
}

/// One port, on several lines.
pub(super) fn one(out: &mut String, port: &PortDesc, version: Version, style: &Style<'_>) {
    out.push(' ');
    style.names.port(out, port.port);
    let _ = write!(out, "({}): addr:", port.name);
    eth(out, u128::from(port.hw_addr.to_u64()));
    out.push_str("\n     config:     ");
    bits(out, port.config & known_config(version), &CONFIG, ' ');
    out.push_str("\n     state:      ");
    let names = state_names(version);
    let known = names.iter().fold(0, |all, (bit, _)| all | bit);
    let state = port.state & known;
    // What the spanning tree protocol of OpenFlow 1.0 says stands in front, without a space.
    let tree = match port.state >> 8 & 3 {
        _ if version > Version::V10 => "",
        0 => "",
        1 => "STP_LEARN",
        2 => "STP_FORWARD",
        _ => "STP_BLOCK",
    };
    out.push_str(tree);
    if tree.is_empty() || state != 0 {
        bits(out, state, names, ' ');
    }
    out.push('\n');
    let [current, advertised, supported, peer] = port
        .features
        .map(|bits| modern_features(bits, version) & 0xffff);
    for (label, value) in [
        ("current:    ", current),
        ("advertised: ", advertised),
        ("supported:  ", supported),
        ("peer:       ", peer),
    ] {
        if value != 0 {
            let _ = write!(out, "     {label}");
            bits(out, value, &FEATURES, ' ');
            out.push('\n');
        }
    }
    let [mut now, mut max] = port.speeds;
    if version == Version::V10 {
        now = speed(current);
        max = speed(supported);
    }
    let _ = writeln!(
        out,
        "     speed: {} Mbps now, {} Mbps max",
        now / 1000,
        max / 1000
    );
}

/// The highest speed that features say, in kbit/s.
fn speed(features: u32) -> u32 {
    const SPEEDS: [(u32, u32); 6] = [
        (0x200, 1_000_000_000),
        (0x100, 100_000_000),
        (0x80, 40_000_000),
        (0x40, 10_000_000),
        (0x30, 1_000_000),
        (0x0c, 100_000),
    ];
    let found = SPEEDS
        .iter()
        .find(|(bits, _)| features & bits != 0)
        .map(|(_, speed)| *speed);
    found.unwrap_or(if features & 3 != 0 { 10_000 } else { 0 })
}

pub(super) fn status(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let found = PortStatus::read(reader, version)?;
    let change = match found.change {
        PortChange::Add => "ADD",
        PortChange::Delete => "DEL",
        PortChange::Modify => "MOD",
    };
    let _ = write!(out, " {change}:");
    one(out, &found.desc, version, style);
    Ok(())
}

pub(super) fn descs(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    out.push('\n');
    let mut all = Vec::new();
    let mut outcome = Ok(());
    while outcome.is_ok() && !reader.is_empty() {
        outcome = PortDesc::read(reader, version).map(|port| all.push(port));
    }
    // Those before an error are told as well.
    sorted(out, &all, version, style);
    outcome
}

/// Ports in the order of their numbers, the bridge's own at the end.
pub(super) fn sorted(out: &mut String, ports: &[PortDesc], version: Version, style: &Style<'_>) {
    let mut all: Vec<&PortDesc> = ports.iter().collect();
    all.sort_by_key(|desc| desc.port);
    for desc in all {
        one(out, desc, version, style);
    }
}

pub(super) fn desc_request(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let port = if version >= Version::V15 {
        Port(reader.u32()?)
    } else {
        Port::ANY
    };
    out.push_str(" port=");
    style.names.port(out, port);
    Ok(())
}

pub(super) fn port_mod(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let place = *reader;
    let port = if version == Version::V10 {
        Port::from_u16(reader.u16()?)
    } else {
        Port(reader.u32()?)
    };
    if version != Version::V10 {
        reader.skip(4)?;
    }
    let mac = reader.eth()?;
    if version != Version::V10 {
        reader.skip(2)?;
    }
    let known = known_config(version);
    let config = reader.u32()?;
    let mask = reader.u32()? & known;
    let config = config & mask;
    let mut advertise = 0;
    if version < Version::V14 {
        advertise = modern_features(reader.u32()?, version);
        reader.skip(reader.len())?;
    } else {
        while !reader.is_empty() {
            let (kind, mut data) = crate::ofpkt::next_property(reader)?;
            // What else a later version can change is passed over, as Open vSwitch does.
            if kind != 0 {
                continue;
            }
            let place = data;
            advertise = data
                .u32()
                .map_err(|_| place.error(OfpError::PROPERTY_BAD_LEN))?;
        }
    }
    if port.0 >= Port::MAX.0 && port.name().is_none() {
        return Err(place.error(OfpError::BAD_PORT));
    }
    out.push_str(" port: ");
    style.names.port(out, port);
    out.push_str(": addr:");
    eth(out, u128::from(mac.to_u64()));
    out.push_str("\n     config: ");
    bits(out, config, &CONFIG, ' ');
    out.push_str("\n     mask:   ");
    bits(out, mask, &CONFIG, ' ');
    out.push_str("\n     advertise: ");
    let advertise = advertise & 0xffff;
    if advertise == 0 {
        out.push_str("UNCHANGED");
    } else {
        bits(out, advertise, &FEATURES, ' ');
    }
    out.push('\n');
    Ok(())
}

fn read_port(reader: &mut Reader<'_>, version: Version) -> Result<Port, crate::ofpkt::DecodeError> {
    if version == Version::V10 {
        let port = Port::from_u16(reader.u16()?);
        reader.skip(6)?;
        Ok(port)
    } else {
        let port = Port(reader.u32()?);
        reader.skip(4)?;
        Ok(port)
    }
}

pub(super) fn stats_request(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let port = read_port(reader, version)?;
    out.push_str(" port_no=");
    style.names.port(out, port);
    Ok(())
}

/// Counters of a port; all ones where the switch does not know.
struct Stats {
    port: Port,
    duration: Option<(u32, u32)>,
    /// rx packets, tx packets, rx bytes, tx bytes, rx dropped, tx dropped, rx errors, tx errors, frame, over, crc, collisions
    counters: [u64; 12],
    /// What Intel's experimenter property adds.
    custom: Vec<(String, u64)>,
}

/// Intel's number as an experimenter, and that of its counters with names.
const INTEL_CUSTOM: (u32, u32) = (0x0000_aa01, 2);

/// Reads counters with names: how many, then of each the length of its name, the name, and the count.
fn read_custom(mut data: Reader<'_>) -> Result<Vec<(String, u64)>, crate::ofpkt::DecodeError> {
    if (data.u32()?, data.u32()?) != INTEL_CUSTOM {
        return Ok(Vec::new());
    }
    data.skip(2)?;
    let count = data.u16()?;
    let mut found = Vec::new();
    for _ in 0..count {
        let length = usize::from(data.u8()?);
        let name = String::from_utf8_lossy(data.bytes(length)?).into_owned();
        found.push((name, data.u64()?));
    }
    Ok(found)
}

/// Three counters a line; those that are not known are left out.
fn custom(out: &mut String, counters: &[(String, u64)]) {
    if counters.is_empty() {
        return;
    }
    out.push_str("           CUSTOM Statistics");
    let known = counters.iter().filter(|(_, value)| *value != u64::MAX);
    for (n, (name, value)) in known.enumerate() {
        out.push_str(if n % 3 == 0 {
            "\n                      "
        } else {
            " "
        });
        let _ = write!(out, "{name}={value},");
    }
    out.push('\n');
}

fn read_stats(
    reader: &mut Reader<'_>,
    version: Version,
) -> Result<Stats, crate::ofpkt::DecodeError> {
    let place = *reader;
    let mut stats = Stats {
        port: Port::ANY,
        duration: None,
        counters: [u64::MAX; 12],
        custom: Vec::new(),
    };
    if version < Version::V14 {
        stats.port = read_port(reader, version)?;
        for counter in &mut stats.counters {
            *counter = reader.u64()?;
        }
        if version >= Version::V13 {
            stats.duration = Some((reader.u32()?, reader.u32()?));
        }
        return Ok(stats);
    }
    let length = usize::from(reader.u16()?);
    reader.skip(2)?;
    let rest = length
        .checked_sub(4)
        .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
    let mut body = reader.sub(rest)?;
    stats.port = Port(body.u32()?);
    stats.duration = Some((body.u32()?, body.u32()?));
    for counter in stats.counters.iter_mut().take(8) {
        *counter = body.u64()?;
    }
    while !body.is_empty() {
        let (kind, mut data) = crate::ofpkt::next_property(&mut body)?;
        if kind == 0 {
            data.skip(4)?;
            for counter in stats.counters.iter_mut().skip(8) {
                *counter = data.u64()?;
            }
        } else if kind == 0xffff {
            stats.custom = read_custom(data)?;
        }
    }
    Ok(stats)
}

pub(super) fn stats(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let mut all = Vec::new();
    let mut rest = *reader;
    while !rest.is_empty() {
        all.push(read_stats(&mut rest, version)?);
    }
    let _ = writeln!(out, " {} ports", all.len());
    if style.verbosity < 1 {
        return Ok(());
    }
    for stats in &all {
        let [
            rx_p,
            tx_p,
            rx_b,
            tx_b,
            rx_d,
            tx_d,
            rx_e,
            tx_e,
            frame,
            over,
            crc,
            coll,
        ] = stats.counters;
        let mut name = String::new();
        style.names.port(&mut name, stats.port);
        let _ = write!(
            out,
            "  port {}{name}: rx ",
            if stats.port.name().is_none() && name.len() < 2 {
                " "
            } else {
                ""
            }
        );
        line(
            out,
            &[
                ("pkts", rx_p),
                ("bytes", rx_b),
                ("drop", rx_d),
                ("errs", rx_e),
                ("frame", frame),
                ("over", over),
                ("crc", crc),
            ],
        );
        out.push_str("           tx ");
        line(
            out,
            &[
                ("pkts", tx_p),
                ("bytes", tx_b),
                ("drop", tx_d),
                ("errs", tx_e),
                ("coll", coll),
            ],
        );
        if let Some((sec, nsec)) = stats.duration.filter(|(sec, _)| *sec != u32::MAX) {
            out.push_str("           duration=");
            duration(out, sec, nsec);
            out.push('\n');
        }
        custom(out, &stats.custom);
    }
    Ok(())
}

fn line(out: &mut String, counters: &[(&str, u64)]) {
    for (i, (name, value)) in counters.iter().enumerate() {
        let _ = write!(out, "{}{name}=", if i > 0 { ", " } else { "" });
        match value {
            &u64::MAX => out.push('?'),
            value => {
                let _ = write!(out, "{value}");
            }
        }
    }
    out.push('\n');
}
