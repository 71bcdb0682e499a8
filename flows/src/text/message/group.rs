//! Messages about groups.

use super::action_names::action_names;
use super::field_order::place;
use super::{Printed, Style};
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{
    ALL_BUCKETS, ALL_GROUPS, ANY_GROUP, GroupDesc, GroupFeatures, GroupMod, GroupModCommand,
    GroupStats, GroupType, SelectionMethod,
};
use crate::text::Names;
use crate::text::number::duration;
use crate::text::print::{action_list, field_value};
use crate::{Port, Version};
use std::fmt::Write;

fn group_id(out: &mut String, id: u32) {
    match id {
        ALL_GROUPS => out.push_str("ALL"),
        ANY_GROUP => out.push_str("ANY"),
        id => {
            let _ = write!(out, "{id}");
        }
    }
}

fn bucket_id(out: &mut String, label: &str, id: u32, version: Version) {
    if version > Version::V10 && version < Version::V15 {
        return;
    }
    out.push_str(label);
    match id {
        0xffff_fffd => out.push_str("first"),
        0xffff_fffe => out.push_str("last"),
        ALL_BUCKETS => out.push_str("all"),
        id => {
            let _ = write!(out, "{id}");
        }
    }
    out.push(',');
}

fn selection(out: &mut String, selection: &SelectionMethod, style: &Style<'_>) {
    let _ = write!(out, ",selection_method={}", selection.method);
    if selection.param != 0 {
        let _ = write!(out, ",selection_method_param={}", selection.param);
    }
    let mut fields = selection.fields.clone();
    fields.sort_by_key(|(field, _)| place(*field));
    if fields.is_empty() {
        return;
    }
    let one = fields.len() == 1;
    out.push_str(if one { ",fields=" } else { ",fields(" });
    for (i, (field, mask)) in fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(field.name());
        if mask.0 & field.full_mask() != field.full_mask() {
            out.push('=');
            field_value(out, style.names, *field, mask.0, None);
        }
    }
    if !one {
        out.push(')');
    }
}

/// A group; without its type where a command does not say it, without buckets where there can be none.
fn group(
    out: &mut String,
    desc: &GroupDesc,
    version: Version,
    typed: bool,
    bucketed: bool,
    style: &Style<'_>,
) {
    let _ = write!(out, "group_id={}", desc.group);
    if typed {
        out.push_str(match desc.kind.0 {
            0 => ",type=all",
            1 => ",type=select",
            2 => ",type=indirect",
            3 => ",type=ff",
            _ => ",type=unknown",
        });
    }
    if let Some(method) = &desc.selection {
        selection(out, method, style);
    }
    if !bucketed {
        return;
    }
    for bucket in &desc.buckets {
        out.push_str(",bucket=");
        bucket_id(out, "bucket_id:", bucket.id, version);
        if bucket.weight != u16::from(desc.kind == GroupType::SELECT) {
            let _ = write!(out, "weight:{},", bucket.weight);
        }
        if bucket.watch_port != Port::ANY {
            out.push_str("watch_port:");
            style.names.port(out, bucket.watch_port);
            out.push(',');
        }
        if bucket.watch_group != ANY_GROUP {
            let _ = write!(out, "watch_group:{},", bucket.watch_group);
        }
        out.push_str("actions=");
        action_list(out, style.names, &bucket.actions);
    }
}

impl GroupDesc {
    /// The group as `ovs-ofctl -O OpenFlow15 dump-groups` prints it, which [`crate::text::parse_group`] takes again.
    #[must_use]
    pub fn to_text(&self, names: &Names) -> String {
        let mut out = String::with_capacity(80);
        let style = Style {
            names,
            verbosity: 0,
            depth: 0,
        };
        group(&mut out, self, Version::V15, true, true, &style);
        out
    }
}

impl GroupMod {
    /// The change with its command in front, which [`crate::text::parse_group_mod`] takes again.
    #[must_use]
    pub fn to_text(&self, names: &Names) -> String {
        let style = Style {
            names,
            verbosity: 0,
            depth: 0,
        };
        let mut out = String::with_capacity(80);
        out.push_str(match self.command {
            GroupModCommand::ADD => "add ",
            GroupModCommand::MODIFY => "modify ",
            GroupModCommand::DELETE => "delete ",
            GroupModCommand::INSERT_BUCKET => "insert_bucket ",
            GroupModCommand::REMOVE_BUCKET => "remove_bucket ",
            _ => "add_or_mod ",
        });
        let of_buckets = of_buckets(self.command);
        if of_buckets {
            bucket_id(&mut out, "command_bucket_id:", self.bucket, Version::V15);
        }
        let deletes = self.command == GroupModCommand::DELETE;
        if deletes && self.desc.group == ALL_GROUPS {
            out.push_str("group_id=all");
            return out;
        }
        let typed = !of_buckets && !deletes;
        group(&mut out, &self.desc, Version::V15, typed, !deletes, &style);
        out
    }
}

/// True if a command is about single buckets.
fn of_buckets(command: GroupModCommand) -> bool {
    matches!(
        command,
        GroupModCommand::INSERT_BUCKET | GroupModCommand::REMOVE_BUCKET
    )
}

pub(super) fn group_mod(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let change = GroupMod::read(reader, version)?;
    out.push_str(match change.command {
        GroupModCommand::ADD => "\n ADD ",
        GroupModCommand::MODIFY => "\n MOD ",
        GroupModCommand::DELETE => "\n DEL ",
        GroupModCommand::INSERT_BUCKET => "\n INSERT_BUCKET ",
        GroupModCommand::REMOVE_BUCKET => "\n REMOVE_BUCKET ",
        _ => "\n ADD_OR_MOD ",
    });
    let of_buckets = of_buckets(change.command);
    if of_buckets {
        bucket_id(out, "command_bucket_id:", change.bucket, version);
    }
    let bucketed = change.command != GroupModCommand::DELETE || !change.desc.buckets.is_empty();
    group(out, &change.desc, version, !of_buckets, bucketed, style);
    Ok(())
}

pub(super) fn request(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    name: &str,
) -> Printed {
    let all = name.contains("DESC") && version > Version::V10 && version < Version::V15;
    out.push_str(" group_id=");
    group_id(out, if all { ALL_GROUPS } else { reader.u32()? });
    Ok(())
}

pub(super) fn stats(out: &mut String, reader: &mut Reader<'_>, version: Version) -> Printed {
    while !reader.is_empty() {
        let stats = GroupStats::read(reader, version)
            .inspect_err(|_| out.push_str(" ***parse error***"))?;
        let _ = write!(out, "\n group_id={},", stats.group);
        if let Some((seconds, nanoseconds)) = stats.duration {
            out.push_str("duration=");
            duration(out, seconds, nanoseconds);
            out.push(',');
        }
        let _ = write!(
            out,
            "ref_count={},packet_count={},byte_count={}",
            stats.ref_count, stats.packets, stats.bytes
        );
        for (n, (packets, bytes)) in stats.buckets.iter().enumerate() {
            if *packets != u64::MAX {
                let _ = write!(out, ",bucket{n}:packet_count={packets},byte_count={bytes}");
            }
        }
    }
    Ok(())
}

pub(super) fn descs(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    while !reader.is_empty() {
        let desc = GroupDesc::read(reader, version)?;
        out.push_str("\n ");
        group(out, &desc, version, true, true, style);
    }
    Ok(())
}

pub(super) fn features(out: &mut String, reader: &mut Reader<'_>, version: Version) -> Printed {
    let features = GroupFeatures::read(reader)?;
    let _ = write!(
        out,
        "\n Group table:\n    Types:  0x{:x}\n    Capabilities:  0x{:x}\n",
        features.types, features.capabilities
    );
    let kinds = ["all", "select", "indirect", "fast failover"];
    for (i, (kind, (max, actions))) in kinds
        .into_iter()
        .zip(features.max_groups.into_iter().zip(features.actions))
        .enumerate()
    {
        if features.types >> i & 1 == 0 {
            continue;
        }
        let max = if max == 0 {
            "0".to_owned()
        } else {
            format!("{max:#x}")
        };
        let _ = write!(
            out,
            "    {kind} group:\n       max_groups={max}\n       actions:"
        );
        let before = out.len();
        for (number, name) in action_names(version) {
            if actions >> number & 1 == 1 {
                out.push(' ');
                out.push_str(name);
            }
        }
        if out.len() == before {
            out.push_str(" <none>");
        }
        out.push('\n');
    }
    Ok(())
}
