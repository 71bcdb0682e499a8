//! Messages about ports.

use super::{Printed, Style, as_many, bits};
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{OfpError, PortChange, PortDesc, PortStatus, checked_port, read_port_request};
use crate::text::number::eth;
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
    let printable = |c: &char| c.is_ascii_graphic() || *c == ' ';
    // A name has a place of 16 bytes, the last of which ends it.
    let name: String = port.name.chars().take_while(printable).take(15).collect();
    let _ = write!(out, "({name}): addr:");
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
    all(out, reader, version, style)
}

/// All ports to the end, or to one that is none: those before it are told as well.
pub(super) fn all(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let (all, outcome) = as_many(reader, |reader| PortDesc::read(reader, version));
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
        checked_port(reader)?
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
    let port = if version == Version::V10 {
        Port::from_u16(reader.u16()?)
    } else {
        checked_port(reader)?
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
            if data.len() != 4 {
                return Err(data.error(OfpError::PROPERTY_BAD_LEN));
            }
            advertise = data.u32()?;
        }
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

pub(super) fn stats_request(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let port = read_port_request(reader, version)?;
    out.push_str(" port_no=");
    style.names.port(out, port);
    Ok(())
}
