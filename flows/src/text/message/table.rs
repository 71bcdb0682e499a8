//! Messages about flow tables, but for what they have counted.

use super::{Printed, Style, bits};
use crate::Version;
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{
    ALL_TABLES, DecodeError, OfpError, TableDesc, TableMod, TableStatus, TlvCommand, TlvMap,
    TlvTable, TlvTableMod, next_property,
};
use std::fmt::Write;

/// Bits of `ofp_table_config` of OpenFlow 1.4.
const EVICTION: u32 = 4;
const VACANCY: u32 = 8;

fn on(config: u32, bit: u32) -> &'static str {
    if config & bit != 0 { "on" } else { "off" }
}

/// The lower and upper mark and the present room, of a vacancy property.
fn vacancy(properties: &[(u16, Vec<u8>)]) -> (u8, u8, u8) {
    let found = properties.iter().rev().find(|(kind, _)| *kind == 3);
    match found.map(|(_, data)| data.as_slice()) {
        Some([down, up, now, ..]) => (*down, *up, *now),
        _ => (0, 0, 0),
    }
}

pub(super) fn table_mod(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let place = *reader;
    let mut properties = *reader;
    let mut change = TableMod::read(&mut reader.sub(8)?)?;
    let mut eviction = on(change.config, EVICTION);
    properties.skip(8)?;
    while !properties.is_empty() {
        let (kind, data) = next_property(&mut properties)?;
        match (kind, data.rest()) {
            // Open vSwitch 3.1 takes the flags of an eviction for whether there is any.
            (2, [0, 0, 0, 0]) => eviction = "",
            (2, [0, 0, 0, 1]) => eviction = "on",
            (2, [0, 0, 0, _]) => eviction = "off",
            (2, [_, _, _, _]) => eviction = "***error***",
            // Marks are percentages, the lower one first, and how much is free is the switch's to say.
            (3, [down, up, 0, _]) if down <= up && *up <= 100 => {
                change.properties.push((kind, data.rest().to_vec()));
            }
            (3, [_, _, _, _]) => return Err(place.error(OfpError::PROPERTY_BAD_VALUE)),
            (2 | 3, _) => return Err(place.error(OfpError::PROPERTY_BAD_LEN)),
            _ => return Err(place.error(OfpError::BAD_TYPE)),
        }
    }
    if change.table == ALL_TABLES {
        out.push_str(" table_id: ALL_TABLES");
    } else {
        out.push_str(" table_id=");
        style.names.table(out, change.table);
    }
    if version < Version::V14 {
        let miss = match change.config & 3 {
            _ if version >= Version::V13 => return Ok(()),
            1 => "continue",
            2 => "drop",
            _ => "controller",
        };
        let _ = write!(out, ", flow_miss_config={miss}");
        return Ok(());
    }
    if !eviction.is_empty() {
        let _ = write!(out, ", eviction={eviction}");
    }
    let _ = write!(out, ", vacancy={}", on(change.config, VACANCY));
    if change.config & VACANCY != 0 {
        let (down, up, _) = vacancy(&change.properties);
        let _ = write!(out, " vacancy:{down},{up}");
    }
    Ok(())
}

fn desc(out: &mut String, desc: &TableDesc, style: &Style<'_>) {
    out.push_str("\n  table ");
    style.names.table(out, desc.table);
    let _ = write!(
        out,
        ":\n   eviction={} eviction_flags=",
        on(desc.config, EVICTION)
    );
    let flags = desc.properties.iter().rev().find(|(kind, _)| *kind == 2);
    match flags.and_then(|(_, data)| data.first_chunk::<4>()) {
        Some(flags) => bits(
            out,
            u32::from_be_bytes(*flags),
            &[(1, "OTHER"), (2, "IMPORTANCE"), (4, "LIFETIME")],
            '|',
        ),
        None => out.push_str("(default)"),
    }
    let _ = write!(out, "\n   vacancy={}", on(desc.config, VACANCY));
    if desc.config & VACANCY != 0 {
        let (down, up, now) = vacancy(&desc.properties);
        let _ = write!(out, " vacancy_down={down}% vacancy_up={up}% vacancy={now}%");
    }
    out.push('\n');
}

/// # Errors
/// If the description has an eviction or vacancy that is none.
fn check(desc: TableDesc, place: Reader<'_>) -> Result<TableDesc, DecodeError> {
    let wrong = |(kind, data): &(u16, Vec<u8>)| matches!(kind, 2 | 3) && data.len() != 4;
    match desc.properties.iter().any(wrong) {
        true => Err(place.error(OfpError::PROPERTY_BAD_LEN)),
        false => Ok(desc),
    }
}

pub(super) fn descs(out: &mut String, reader: &mut Reader<'_>, style: &Style<'_>) -> Printed {
    while !reader.is_empty() {
        let place = *reader;
        desc(out, &check(TableDesc::read(reader)?, place)?, style);
    }
    Ok(())
}

pub(super) fn status(out: &mut String, reader: &mut Reader<'_>, style: &Style<'_>) -> Printed {
    let place = *reader;
    if reader.len() == 8 && matches!(reader.rest(), [3 | 4, ..]) {
        // Open vSwitch has no name for the want of a table.
        return Err(place.error(OfpError(&"<invalid>")));
    }
    let status = TableStatus::read(reader)?;
    let described = check(status.desc, place)?;
    out.push_str(match status.reason {
        3 => " reason=VACANCY_DOWN",
        _ => " reason=VACANCY_UP",
    });
    out.push_str("\ntable_desc:-");
    desc(out, &described, style);
    Ok(())
}

fn tlv_maps(out: &mut String, maps: &[TlvMap]) {
    out.push_str(" mapping table:\n  class  type  length  match field\n ------  ----  ------  --------------");
    for map in maps {
        let number = |value: u16| {
            if value == 0 {
                "0".to_owned()
            } else {
                format!("{value:#x}")
            }
        };
        let _ = write!(
            out,
            "\n {:>6}  {:>4}  {:>6}  tun_metadata{}",
            number(map.class),
            number(map.kind.into()),
            map.len,
            map.index
        );
    }
}

pub(super) fn tlv_table_mod(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    let change = TlvTableMod::read(reader)?;
    out.push_str(match change.command {
        TlvCommand::Add => "\n ADD",
        TlvCommand::Delete => "\n DEL",
        TlvCommand::Clear => "\n CLEAR",
    });
    if change.command != TlvCommand::Clear {
        tlv_maps(out, &change.maps);
    }
    Ok(())
}

pub(super) fn tlv_table(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    let table = TlvTable::read(reader)?;
    let used: u32 = table.maps.iter().map(|map| u32::from(map.len)).sum();
    let _ = write!(
        out,
        "\n max option space={} max fields={}\n allocated option space={used}\n\n",
        table.max_space, table.max_fields
    );
    tlv_maps(out, &table.maps);
    Ok(())
}
