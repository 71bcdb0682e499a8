//! Reading groups: what `ovs-ofctl add-group`, `mod-group`, `del-groups`, `insert-buckets` and `remove-buckets` take
//! (ovs-ofctl(8), "Group Syntax"), and what `dump-groups` and `dump-group-stats` print.

use super::token::{KeyValue, Tokens};
use super::{Fault, ParseError, Parsed, actions, command, value};
use crate::field::{Field, Masking};
use crate::ofpkt::{
    ALL_BUCKETS, ALL_GROUPS, ANY_GROUP, Bucket, GroupDesc, GroupMod, GroupModCommand, GroupStats,
    GroupType, SelectionMethod,
};
use crate::text::print::Names;
use crate::{FieldValue, Port};

/// The highest number of a group (`OFPG_MAX`).
const MAX_GROUP: u32 = 0xffff_ff00;
/// The highest number of a bucket (`OFPG_BUCKET_MAX`).
const MAX_BUCKET: u32 = 0xffff_ff00;
const FIRST_BUCKET: u32 = 0xffff_fffd;
const LAST_BUCKET: u32 = 0xffff_fffe;

static COMMANDS: [(&str, GroupModCommand); 6] = [
    ("add", GroupModCommand::ADD),
    ("delete", GroupModCommand::DELETE),
    ("modify", GroupModCommand::MODIFY),
    ("add_or_mod", GroupModCommand::ADD_OR_MODIFY),
    ("insert_bucket", GroupModCommand::INSERT_BUCKET),
    ("remove_bucket", GroupModCommand::REMOVE_BUCKET),
];

/// Reads a change of groups: with `add`, `modify`, `add_or_mod`, `delete`, `insert_bucket` or `remove_bucket` in front, or
/// without, which means `default`. A delete without anything means all groups. Buckets without a number get the lowest that
/// are free.
///
/// # Errors
/// If the text is not such a change: where and why.
pub fn parse_group_mod(
    text: &str,
    default: GroupModCommand,
    names: &Names,
) -> Result<GroupMod, ParseError> {
    let (command, body) = command(text, &COMMANDS, default);
    change(body, command, names).map_err(|fault| fault.placed(text))
}

/// Reads a group as `ovs-ofctl dump-groups` prints it.
///
/// # Errors
/// If the text is not a group: where and why.
pub fn parse_group(text: &str, names: &Names) -> Result<GroupDesc, ParseError> {
    desc(text, names).map_err(|fault| fault.placed(text))
}

pub(super) fn desc<'a>(text: &'a str, names: &Names) -> Parsed<'a, GroupDesc> {
    change(text, GroupModCommand::ADD, names).map(|change| change.desc)
}

/// Reads what a group has counted, as `ovs-ofctl dump-group-stats` prints it.
///
/// # Errors
/// If the text is not that: where and why.
pub fn parse_group_stats(text: &str) -> Result<GroupStats, ParseError> {
    stats(text).map_err(|fault| fault.placed(text))
}

/// What a command may say.
struct Allowed {
    kind: bool,
    buckets: bool,
    bucket_id: bool,
    all_buckets: bool,
}

impl Allowed {
    fn to(command: GroupModCommand) -> Self {
        let inserts = command == GroupModCommand::INSERT_BUCKET;
        let removes = command == GroupModCommand::REMOVE_BUCKET;
        let whole = !inserts && !removes && command != GroupModCommand::DELETE;
        Self {
            kind: whole,
            buckets: whole || inserts,
            bucket_id: inserts || removes,
            all_buckets: removes,
        }
    }
}

/// What stands before the buckets.
#[derive(Default)]
struct Head {
    group: Option<u32>,
    kind: Option<GroupType>,
    bucket: Option<u32>,
    method: String,
    param: u64,
    fields: Vec<(Field, FieldValue)>,
}

fn change<'a>(text: &'a str, command: GroupModCommand, names: &Names) -> Parsed<'a, GroupMod> {
    let allowed = Allowed::to(command);
    if command == GroupModCommand::DELETE && text.trim().is_empty() {
        return Ok(of(command, ALL_GROUPS, ALL_BUCKETS));
    }
    // The kind of the group says what a bucket is when nothing is said, so the buckets are read last.
    let (head_text, mut buckets) = match text.find("bucket=") {
        Some(at) => {
            let (head, buckets) = text.split_at(at);
            if !allowed.buckets {
                return Err(Fault::new(buckets, "bucket is not needed"));
            }
            (head, Some(buckets))
        }
        None => (text, None),
    };
    let end = head_text.split_at(head_text.len()).1;
    let head = Head::read(head_text, &allowed, names)?;
    let group = head
        .group
        .ok_or_else(|| Fault::new(end, "must specify a group_id"))?;
    if allowed.kind && head.kind.is_none() {
        return Err(Fault::new(
            end,
            "must specify a type: expected type=all, select, indirect or ff",
        ));
    }
    if head.method != "hash" && !head.fields.is_empty() {
        return Err(Fault::new(
            end,
            "fields may only be specified with \"selection_method=hash\"",
        ));
    }
    if head.method.is_empty() && head.param != 0 {
        return Err(Fault::new(
            end,
            "selection_method_param is only allowed with \"selection_method\"",
        ));
    }
    if allowed.bucket_id && !allowed.all_buckets && head.bucket.is_none() {
        return Err(Fault::new(end, "must specify a command bucket id"));
    }
    let mut found = of(command, group, head.bucket.unwrap_or(ALL_BUCKETS));
    found.desc.kind = head.kind.unwrap_or(GroupType::ALL);
    if !head.method.is_empty() {
        found.desc.selection = Some(SelectionMethod {
            method: head.method,
            param: head.param,
            fields: head.fields,
        });
    }
    while let Some(rest) = buckets {
        let content = rest.split_once('=').map_or("", |(_, content)| content);
        let (own, next) = match content.find("bucket=") {
            Some(at) => (content.split_at(at).0, Some(content.split_at(at).1)),
            None => (content, None),
        };
        let bucket = bucket(own, found.desc.kind, names)?;
        let weighed =
            found.desc.kind == GroupType::SELECT || command == GroupModCommand::INSERT_BUCKET;
        if !weighed && bucket.weight != 0 {
            return Err(Fault::new(
                own,
                "Only select groups can have bucket weights.",
            ));
        }
        found.desc.buckets.push(bucket);
        buckets = next;
    }
    if found.desc.kind == GroupType::INDIRECT && found.desc.buckets.len() > 1 {
        return Err(Fault::new(
            text,
            "Indirect groups can have at most one bucket.",
        ));
    }
    number_buckets(&mut found.desc.buckets);
    Ok(found)
}

fn of(command: GroupModCommand, group: u32, bucket: u32) -> GroupMod {
    GroupMod {
        command,
        bucket,
        desc: GroupDesc {
            group,
            kind: GroupType::ALL,
            buckets: Vec::new(),
            selection: None,
            properties: Vec::new(),
        },
    }
}

/// Gives buckets that have no number the lowest free ones, as `ovs-ofctl` does.
fn number_buckets(buckets: &mut [Bucket]) {
    let mut used: Vec<u32> = buckets.iter().map(|bucket| bucket.id).collect();
    used.sort_unstable();
    let mut free = (0..).filter(|id| used.binary_search(id).is_err());
    for bucket in buckets.iter_mut().filter(|b| b.id == ALL_BUCKETS) {
        bucket.id = free.next().unwrap_or(ALL_BUCKETS);
    }
}

impl Head {
    fn read<'a>(text: &'a str, allowed: &Allowed, names: &Names) -> Parsed<'a, Self> {
        let mut head = Self::default();
        let mut tokens = Tokens::new(text);
        while let Some(pair) = tokens.next() {
            let needed = |is: bool, what: &str| {
                if is {
                    Ok(())
                } else {
                    Err(Fault::new(pair.key, format!("{what} not needed")))
                }
            };
            match pair.key {
                "command_bucket_id" => {
                    needed(allowed.bucket_id, "command bucket id is")?;
                    head.bucket = Some(command_bucket(pair.value, allowed.all_buckets)?);
                }
                "group_id" => head.group = Some(group_id(pair.value)?),
                "type" => {
                    needed(allowed.kind, "type is")?;
                    head.kind = Some(kind(pair.value)?);
                }
                "selection_method" => {
                    needed(allowed.kind, "selection method is")?;
                    if pair.value.len() > 15 {
                        return Err(Fault::new(
                            pair.value,
                            "selection method is longer than 15 bytes long",
                        ));
                    }
                    pair.value.clone_into(&mut head.method);
                }
                "selection_method_param" => {
                    needed(allowed.kind, "selection method param is")?;
                    head.param = value::u64(pair.value)?;
                }
                "fields" => {
                    needed(allowed.kind, "fields are")?;
                    head.add_fields(pair.value, names)?;
                }
                key => {
                    let what = format!(
                        "unknown keyword {key}: expected group_id, type, selection_method, \
                         selection_method_param, fields, command_bucket_id or bucket"
                    );
                    return Err(Fault::new(pair.key, what));
                }
            }
        }
        Ok(head)
    }

    fn add_fields<'a>(&mut self, text: &'a str, names: &Names) -> Parsed<'a, ()> {
        let mut tokens = Tokens::new(text);
        while let Some(pair) = tokens.next() {
            let field = Field::from_name(pair.key)
                .ok_or_else(|| Fault::new(pair.key, format!("unknown field {}", pair.key)))?;
            if self.fields.iter().any(|(known, _)| *known == field) {
                return Err(Fault::new(
                    pair.key,
                    format!("{}: duplicate field", pair.key),
                ));
            }
            let mask = field_mask(field, &pair, names)?;
            self.fields.push((field, FieldValue(mask)));
        }
        Ok(())
    }
}

/// The bits of a field that are hashed: all, or those said.
fn field_mask<'a>(field: Field, pair: &KeyValue<'a>, names: &Names) -> Parsed<'a, u128> {
    if pair.value.is_empty() {
        return Ok(field.full_mask());
    }
    let wrong = || {
        let what = format!("{}: invalid mask for field {}", pair.value, field.name());
        Fault::new(pair.value, what)
    };
    if pair.value.contains('/') {
        return Err(wrong());
    }
    let mask = value::masked(field, pair.value, names)?.value & field.full_mask();
    if mask == 0 {
        return Err(Fault::new(
            pair.value,
            format!(
                "{}: values are wildcards here and must not be all-zeros",
                pair.value
            ),
        ));
    }
    if mask != field.full_mask() && field.info().masking == Masking::Exact {
        return Err(wrong());
    }
    Ok(mask)
}

fn command_bucket(text: &str, all: bool) -> Parsed<'_, u32> {
    let id = match text {
        "all" => ALL_BUCKETS,
        "first" => FIRST_BUCKET,
        "last" => LAST_BUCKET,
        number => value::u32(number)?,
    };
    if id == ALL_BUCKETS && !all {
        return Err(Fault::new(text, "command_bucket_id=all is not permitted"));
    }
    if id > MAX_BUCKET && !matches!(id, FIRST_BUCKET | LAST_BUCKET | ALL_BUCKETS) {
        return Err(Fault::new(text, format!("invalid command bucket id {id}")));
    }
    Ok(id)
}

fn group_id(text: &str) -> Parsed<'_, u32> {
    let id = match text {
        "all" | "ALL" => ALL_GROUPS,
        number => value::u32(number)?,
    };
    if id != ALL_GROUPS && id > MAX_GROUP {
        return Err(Fault::new(text, format!("invalid group id {id}")));
    }
    Ok(id)
}

fn kind(text: &str) -> Parsed<'_, GroupType> {
    Ok(match text {
        "all" => GroupType::ALL,
        "select" => GroupType::SELECT,
        "indirect" => GroupType::INDIRECT,
        "ff" | "fast_failover" => GroupType::FAST_FAILOVER,
        _ => {
            let what = format!("invalid group type {text}: expected all, select, indirect or ff");
            return Err(Fault::new(text, what));
        }
    })
}

fn bucket<'a>(text: &'a str, kind: GroupType, names: &Names) -> Parsed<'a, Bucket> {
    let mut bucket = Bucket::new(ALL_BUCKETS, []);
    bucket.weight = u16::from(kind == GroupType::SELECT);
    let (mut acts, mut dropped) = (false, false);
    let mut tokens = Tokens::new(text);
    while let Some(pair) = tokens.next() {
        match pair.key.to_ascii_lowercase().as_str() {
            "weight" => bucket.weight = value::u16(pair.value, "weight")?,
            "watch_port" => bucket.watch_port = watch_port(pair.value, names)?,
            "watch_group" => {
                bucket.watch_group = value::u32(pair.value)?;
                if bucket.watch_group > MAX_GROUP {
                    let what = format!("invalid watch_group id {}", bucket.watch_group);
                    return Err(Fault::new(pair.value, what));
                }
            }
            "bucket_id" => {
                bucket.id = value::u32(pair.value)?;
                if bucket.id > MAX_BUCKET {
                    let what = format!("invalid bucket_id id {}", bucket.id);
                    return Err(Fault::new(pair.value, what));
                }
            }
            "action" | "actions" => {
                acts = true;
                dropped |= pair.value.eq_ignore_ascii_case("drop");
                bucket.actions.extend(actions::list(pair.value, names, 0)?);
            }
            "drop" => (acts, dropped) = (true, true),
            "clear_actions" | "write_actions" | "write_metadata" | "goto_table" => {
                let what = format!("{} instruction not allowed here", pair.key);
                return Err(Fault::new(pair.key, what));
            }
            _ => {
                acts = true;
                bucket.actions.push(actions::action(&pair, names, 0)?);
            }
        }
    }
    if !acts {
        return Err(Fault::new(
            text,
            "bucket must specify actions: expected actions=...",
        ));
    }
    if dropped && !bucket.actions.is_empty() {
        return Err(Fault::new(
            text,
            "\"drop\" must not be accompanied by any other action or instruction",
        ));
    }
    let watches = bucket.watch_port != Port::ANY || bucket.watch_group != ANY_GROUP;
    if kind == GroupType::FAST_FAILOVER && !watches {
        return Err(Fault::new(
            text,
            "fast failover bucket requires watch_port or watch_group",
        ));
    }
    Ok(bucket)
}

fn watch_port<'a>(text: &'a str, names: &Names) -> Parsed<'a, Port> {
    value::known_port(text, names)
        .filter(|port| *port < Port::MAX || matches!(*port, Port::ANY | Port::CONTROLLER))
        .ok_or_else(|| Fault::new(text, format!("{text}: invalid watch_port")))
}

pub(super) fn stats(text: &str) -> Parsed<'_, GroupStats> {
    let mut found = GroupStats::default();
    let mut tokens = Tokens::new(text);
    let mut grouped = false;
    // Counters of the bucket that was named last.
    let mut own = None;
    while let Some(pair) = tokens.next() {
        match pair.key {
            "group_id" => {
                found.group = value::u32(pair.value)?;
                grouped = true;
            }
            "duration" => found.duration = Some(value::duration(pair.value)?),
            "ref_count" => found.ref_count = value::u32(pair.value)?,
            "packet_count" if own.is_none() => found.packets = value::u64(pair.value)?,
            "byte_count" => {
                let bytes = value::u64(pair.value)?;
                match own.and_then(|n: usize| found.buckets.get_mut(n)) {
                    Some(bucket) => bucket.1 = bytes,
                    None => found.bytes = bytes,
                }
            }
            key => {
                let (number, packets) = bucket_counter(key, pair.value).ok_or_else(|| {
                    let what = format!(
                        "unknown keyword {key}: expected group_id, duration, ref_count, packet_count, byte_count or bucketN:packet_count"
                    );
                    Fault::new(key, what)
                })?;
                let number = usize::try_from(value::u32(number)?).unwrap_or(usize::MAX);
                // Every bucket takes some text: a number that is higher than that is none.
                if number < found.buckets.len() || number > found.buckets.len() + MAX_UNCOUNTED {
                    return Err(Fault::new(key, format!("{key}: buckets count upwards")));
                }
                found.buckets.resize(number, (u64::MAX, u64::MAX));
                found.buckets.push((value::u64(packets)?, u64::MAX));
                own = Some(number);
            }
        }
    }
    if grouped {
        Ok(found)
    } else {
        Err(Fault::new(text, "must specify a group_id"))
    }
}

/// How many buckets in a row may not be told, because the switch does not count them.
const MAX_UNCOUNTED: usize = 64;

/// Number and value of `bucketN:packet_count=value`.
fn bucket_counter<'a>(key: &'a str, value: &'a str) -> Option<(&'a str, &'a str)> {
    Some((
        key.strip_prefix("bucket")?,
        value.strip_prefix("packet_count=")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ofpkt::{Body, Message};
    use crate::text::print_message;
    use crate::{Action, Version};

    fn read(text: &str) -> Result<GroupMod, ParseError> {
        parse_group_mod(text, GroupModCommand::ADD, &Names::default())
    }

    /// As it is printed in this version, without the head.
    fn printed(change: &GroupMod, version: Version) -> String {
        let bytes = Message::new(version, 0, Body::GroupMod(change.clone())).encode();
        let text = print_message(&bytes, 1, &Names::default());
        text.split_once(":\n ").unwrap().1.trim_end().to_owned()
    }

    #[test]
    fn groups_are_written_as_they_were_read() {
        for text in [
            "ADD group_id=1,type=all,bucket=bucket_id:0,actions=output:1,bucket=bucket_id:1,actions=output:2",
            "ADD group_id=4294967040,type=select,bucket=bucket_id:7,weight:100,actions=output:1",
            "ADD group_id=3,type=indirect,bucket=bucket_id:0,actions=drop",
            "ADD group_id=4,type=ff,bucket=bucket_id:0,watch_port:5,actions=output:5,bucket=bucket_id:1,watch_group:1,actions=group:1",
            "MOD group_id=5,type=select,selection_method=hash,fields(eth_dst,ip_dst=255.255.255.0),bucket=bucket_id:0,actions=output:1",
            "ADD_OR_MOD group_id=6,type=select,selection_method=dp_hash,selection_method_param=7,bucket=bucket_id:0,actions=drop",
            "DEL group_id=7,type=all",
            "INSERT_BUCKET command_bucket_id:last,group_id=1,bucket=bucket_id:9,actions=output:1",
            "REMOVE_BUCKET command_bucket_id:all,group_id=1",
        ] {
            let (word, body) = text.split_once(' ').unwrap();
            let word = match word {
                "ADD" => "add",
                "MOD" => "modify",
                "ADD_OR_MOD" => "add_or_mod",
                "DEL" => "delete",
                "INSERT_BUCKET" => "insert_bucket",
                _ => "remove_bucket",
            };
            let body = if word == "delete" {
                body.replace(",type=all", "")
            } else {
                body.to_owned()
            };
            let change = read(&format!("{word} {body}")).unwrap();
            assert_eq!(printed(&change, Version::V15), text);
        }
    }

    #[test]
    fn buckets_get_the_lowest_free_numbers() {
        let text =
            "group_id=1,type=all,bucket=output:1,bucket=bucket_id=0,2,bucket=weight=0,actions=3,4";
        let change = read(text).unwrap();
        let ids: Vec<u32> = change.desc.buckets.iter().map(|b| b.id).collect();
        assert_eq!(ids, [1, 0, 2]);
        let third = &change.desc.buckets[2].actions;
        assert_eq!(
            third[..],
            [Action::output(Port(3)), Action::output(Port(4))]
        );
    }

    #[test]
    fn a_delete_of_nothing_in_particular_is_one_of_all() {
        let delete = GroupModCommand::DELETE;
        let change = parse_group_mod("", delete, &Names::default()).unwrap();
        assert_eq!(change.desc.group, ALL_GROUPS);
        let change = parse_group_mod("group_id=all", delete, &Names::default()).unwrap();
        assert_eq!(change.desc.group, ALL_GROUPS);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, column, what) in [
            ("type=all,bucket=output:1", 10, "must specify a group_id"),
            ("group_id=1,bucket=output:1", 12, "must specify a type"),
            ("group_id=1,type=some", 17, "invalid group type some"),
            ("group_id=4294967041,type=all", 10, "invalid group id"),
            ("group_id=1,type=all,bukket=1", 21, "unknown keyword bukket"),
            (
                "group_id=1,type=all,bucket=weight=1",
                28,
                "bucket must specify actions",
            ),
            (
                "group_id=1,type=all,bucket=weight=1,actions=2",
                28,
                "Only select groups",
            ),
            (
                "group_id=1,type=indirect,bucket=1,bucket=2",
                1,
                "at most one bucket",
            ),
            (
                "group_id=1,type=ff,bucket=output:1",
                27,
                "requires watch_port",
            ),
            (
                "group_id=1,type=all,bucket=actions=clear_actions",
                36,
                "clear_actions",
            ),
            (
                "group_id=1,type=all,bucket=actions=drop,output:1",
                28,
                "\"drop\"",
            ),
            (
                "group_id=1,type=select,fields(eth_dst),bucket=1",
                40,
                "selection_method=hash",
            ),
            (
                "group_id=1,type=select,selection_method_param=1",
                48,
                "only allowed with",
            ),
            (
                "group_id=1,type=select,selection_method=hash,fields(ip_dst=0.0.0.0)",
                60,
                "wildcards",
            ),
            (
                "insert_bucket group_id=1,bucket=1",
                26,
                "must specify a command bucket id",
            ),
            (
                "insert_bucket group_id=1,command_bucket_id=all,bucket=1",
                44,
                "not permitted",
            ),
            (
                "remove_bucket group_id=1,bucket=1",
                26,
                "bucket is not needed",
            ),
            ("delete group_id=1,type=all", 19, "type is not needed"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.what.contains(what), "{text}: {error}");
            assert_eq!(error.column, column, "{text}: {error}");
        }
    }

    #[test]
    fn counters_are_read_back() {
        let text = "group_id=5,duration=3.5s,ref_count=2,packet_count=7,byte_count=9,bucket0:packet_count=1,byte_count=2,bucket2:packet_count=3,byte_count=4";
        let stats = parse_group_stats(text).unwrap();
        assert_eq!((stats.group, stats.ref_count), (5, 2));
        assert_eq!(stats.duration, Some((3, 500_000_000)));
        assert_eq!((stats.packets, stats.bytes), (7, 9));
        assert_eq!(stats.buckets, [(1, 2), (u64::MAX, u64::MAX), (3, 4)]);
        assert!(parse_group_stats("group_id=5,bucket99999:packet_count=1").is_err());
        assert!(parse_group_stats("ref_count=5").is_err());
    }
}
