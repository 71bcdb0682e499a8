//! Messages about groups.

use super::{Printed, Style};
use crate::field::Field;
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{DecodeError, OfpError, pieces};
use crate::text::number::duration;
use crate::text::print::{action_list, field_value};
use crate::{Action, Port, Version};
use std::fmt::Write;

struct Bucket {
    id: Option<u32>,
    weight: u16,
    watch_port: Port,
    watch_group: u32,
    actions: Vec<Action>,
}

#[derive(Default)]
struct Properties {
    method: String,
    param: u64,
    /// Field, value bytes.
    fields: Vec<(Field, Vec<u8>)>,
}

fn type_name(kind: u8) -> Option<&'static str> {
    ["all", "select", "indirect", "fast_failover", "ff"]
        .get(usize::from(kind))
        .copied()
        .filter(|_| kind < 4)
}

fn group_id(out: &mut String, id: u32) {
    match id {
        0xffff_fffc => out.push_str("ALL"),
        0xffff_ffff => out.push_str("ANY"),
        id => {
            let _ = write!(out, "{id}");
        }
    }
}

fn buckets(mut reader: Reader<'_>, version: Version, properties_form: bool) -> Result<Vec<Bucket>, DecodeError> {
    let mut all = Vec::new();
    while !reader.is_empty() {
        let place = reader;
        let bad = |_| place.error(OfpError::GROUP_BAD_BUCKET);
        let length = usize::from(reader.u16().map_err(bad)?);
        let rest = length
            .checked_sub(2)
            .filter(|_| length >= 16 || properties_form && length >= 8);
        let rest = rest.ok_or_else(|| place.error(OfpError::GROUP_BAD_BUCKET))?;
        let mut body = reader.sub(rest).map_err(bad)?;
        if properties_form {
            let actions = usize::from(body.u16()?);
            let id = body.u32()?;
            let list = body.bytes(actions).map_err(bad)?;
            let mut bucket = Bucket {
                id: Some(id),
                weight: 0,
                watch_port: Port::ANY,
                watch_group: u32::MAX,
                actions: pieces::decode_actions(list, version)?,
            };
            while !body.is_empty() {
                let (kind, mut data) = crate::ofpkt::next_property(&mut body)?;
                match kind {
                    0 => bucket.weight = data.u16()?,
                    1 => bucket.watch_port = Port(data.u32()?),
                    2 => bucket.watch_group = data.u32()?,
                    _ => {}
                }
            }
            all.push(bucket);
            continue;
        }
        let weight = body.u16()?;
        let (watch_port, watch_group) = (Port(body.u32()?), body.u32()?);
        body.skip(4)?;
        let actions = pieces::decode_actions(body.rest(), version)?;
        all.push(Bucket {
            id: None,
            weight,
            watch_port,
            watch_group,
            actions,
        });
    }
    Ok(all)
}

fn properties(mut reader: Reader<'_>) -> Result<Properties, DecodeError> {
    let mut found = Properties::default();
    while !reader.is_empty() {
        let place = reader;
        let (kind, mut data) = crate::ofpkt::next_property(&mut reader)?;
        if kind != 0xffff {
            return Err(place.error(OfpError::PROPERTY_BAD_TYPE));
        }
        if data.u32()? != 0x0000_1540 {
            return Err(place.error(OfpError::PROPERTY_BAD_EXPERIMENTER));
        }
        if data.u32()? != 1 {
            return Err(place.error(OfpError::PROPERTY_BAD_EXP_TYPE));
        }
        data.skip(4)?;
        found.method = data.text(16)?;
        found.param = data.u64()?;
        while data.len() >= 4 {
            let (field, value) = crate::ofpkt::read_header_and_value(&mut data)?;
            found.fields.push((field, value.to_vec()));
        }
        found.fields.sort_by_key(|(field, _)| *field);
    }
    Ok(found)
}

fn write_properties(out: &mut String, found: &Properties, style: &Style<'_>) {
    if found.method.is_empty() {
        return;
    }
    let _ = write!(out, ",selection_method={}", found.method);
    if found.param != 0 {
        let _ = write!(out, ",selection_method_param={}", found.param);
    }
    if !found.fields.is_empty() {
        out.push_str(",fields");
        out.push(if found.fields.len() == 1 { '=' } else { '(' });
        for (i, (field, value)) in found.fields.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(field.name());
            if value.iter().any(|b| *b != 0xff) {
                out.push('=');
                let number = value.iter().fold(0u128, |acc, &b| acc << 8 | u128::from(b));
                field_value(out, style.names, *field, number, None);
            }
        }
        if found.fields.len() != 1 {
            out.push(')');
        }
    }
}

fn write_buckets(out: &mut String, kind: u8, list: &[Bucket], style: &Style<'_>) {
    for bucket in list {
        out.push_str(",bucket=");
        if let Some(id) = bucket.id {
            let _ = write!(out, "bucket_id:{id},");
        }
        if bucket.weight != u16::from(kind == 1) {
            let _ = write!(out, "weight:{},", bucket.weight);
        }
        if bucket.watch_port != Port::ANY {
            out.push_str("watch_port:");
            style.names.port(out, bucket.watch_port);
            out.push(',');
        }
        if bucket.watch_group != u32::MAX {
            let _ = write!(out, "watch_group:{},", bucket.watch_group);
        }
        out.push_str("actions=");
        action_list(out, style.names, &bucket.actions);
    }
}

pub(super) fn group_mod(out: &mut String, reader: &mut Reader<'_>, version: Version, style: &Style<'_>) -> Printed {
    let place = *reader;
    let command = reader.u16()?;
    let kind = reader.u8()?;
    reader.skip(1)?;
    let id = reader.u32()?;
    let (mut bucket_id, mut found) = (u32::MAX, Properties::default());
    let list;
    if version >= Version::V15 {
        let length = usize::from(reader.u16()?);
        reader.skip(2)?;
        bucket_id = reader.u32()?;
        let body = reader.sub(length).map_err(|_| place.error(OfpError::BAD_LEN))?;
        list = buckets(body, version, true)?;
        found = properties(*reader)?;
    } else {
        list = buckets(*reader, version, false)?;
    }
    let word = match command {
        0 => "ADD",
        1 => "MOD",
        2 => "DEL",
        3 if version >= Version::V15 => "INSERT_BUCKET",
        5 if version >= Version::V15 => "REMOVE_BUCKET",
        0x8000 => "ADD_OR_MOD",
        _ => return Err(place.error(OfpError::GROUP_BAD_COMMAND)),
    };
    let name = type_name(kind).ok_or_else(|| place.error(OfpError::GROUP_BAD_TYPE))?;
    out.push_str("\n ");
    out.push_str(word);
    out.push(' ');
    if matches!(command, 3 | 5) {
        out.push_str("command_bucket_id:");
        match bucket_id {
            0xffff_fffd => out.push_str("first"),
            0xffff_fffe => out.push_str("last"),
            0xffff_ffff => out.push_str("all"),
            id => {
                let _ = write!(out, "{id}");
            }
        }
        out.push(',');
    }
    out.push_str("group_id=");
    group_id(out, id);
    if !matches!(command, 3 | 5) {
        let _ = write!(out, ",type={name}");
    }
    write_properties(out, &found, style);
    write_buckets(out, kind, &list, style);
    Ok(())
}

pub(super) fn request(out: &mut String, reader: &mut Reader<'_>, version: Version, name: &str) -> Printed {
    let described = name.contains("DESC");
    let id = if described && version < Version::V15 && !name.starts_with("NXST") {
        u32::MAX
    } else if reader.len() >= 4 {
        reader.u32()?
    } else {
        u32::MAX
    };
    out.push_str(" group_id=");
    group_id(out, if described && id == 0xffff_fffc { u32::MAX } else { id });
    Ok(())
}

pub(super) fn stats(out: &mut String, reader: &mut Reader<'_>, version: Version) -> Printed {
    while !reader.is_empty() {
        let place = *reader;
        let length = usize::from(reader.u16()?);
        reader.skip(2)?;
        let rest = length.checked_sub(4).ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let mut body = reader.sub(rest).map_err(|_| place.error(OfpError::BAD_LEN))?;
        let (id, references) = (body.u32()?, body.u32()?);
        body.skip(4)?;
        let (packets, bytes) = (body.u64()?, body.u64()?);
        let _ = write!(out, "\n group_id={id}");
        if version >= Version::V13 {
            out.push_str(",duration=");
            let (sec, nsec) = (body.u32()?, body.u32()?);
            duration(out, sec, nsec);
        }
        let _ = write!(out, ",ref_count={references},packet_count={packets},byte_count={bytes}");
        let mut n = 0;
        while body.len() >= 16 {
            let _ = write!(
                out,
                ",bucket{n}:packet_count={},byte_count={}",
                body.u64()?,
                body.u64()?
            );
            n += 1;
        }
    }
    Ok(())
}

pub(super) fn descs(out: &mut String, reader: &mut Reader<'_>, version: Version, style: &Style<'_>) -> Printed {
    let wide = version >= Version::V15 || version == Version::V10;
    while !reader.is_empty() {
        let place = *reader;
        let length = usize::from(reader.u16()?);
        let kind = reader.u8()?;
        reader.skip(1)?;
        let id = reader.u32()?;
        let rest = length.checked_sub(8).ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let mut body = reader.sub(rest).map_err(|_| place.error(OfpError::BAD_LEN))?;
        let (list, found) = if wide {
            let size = usize::from(body.u16()?);
            body.skip(6)?;
            let list = body.sub(size).map_err(|_| place.error(OfpError::BAD_LEN))?;
            (buckets(list, version, true)?, properties(body)?)
        } else {
            (buckets(body, version, false)?, Properties::default())
        };
        let name = type_name(kind).ok_or_else(|| place.error(OfpError::GROUP_BAD_TYPE))?;
        let _ = write!(out, "\n group_id={id},type={name}");
        write_properties(out, &found, style);
        write_buckets(out, kind, &list, style);
    }
    Ok(())
}
