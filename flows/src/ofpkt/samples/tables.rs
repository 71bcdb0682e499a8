//! What a switch tells of its tables, ports, queues, groups and meters, and what is asked of them.

use super::{Choices, list};
use crate::field::Field;
use crate::ofpkt::{
    ALL_BUCKETS, ANY_GROUP, Bucket, GroupDesc, GroupFeatures, GroupMod, GroupModCommand,
    GroupStats, GroupType, MeterBand, MeterConfig, MeterFlags, MeterMod, MeterModCommand,
    MeterStats, PortDesc, PortMod, PortStats, QueueConfig, QueueStats, SelectionMethod,
    TableAbilities, TableDesc, TableFeatures, TableStats,
};
use crate::{EthAddr, FieldValue, Port, Version};

fn mac(c: &mut Choices<'_>) -> EthAddr {
    EthAddr::from_u64(c.u64() & 0xffff_ffff_ffff)
}

/// A duration, where the version tells one.
fn duration(c: &mut Choices<'_>, told: bool) -> Option<(u32, u32)> {
    if told {
        c.maybe(|c| (c.u32() / 2, c.u32()))
    } else {
        None
    }
}

pub(super) fn port_desc(c: &mut Choices<'_>, version: Version) -> PortDesc {
    let modern = version >= Version::V14;
    let ethernet = !modern || c.flag();
    let mut found = PortDesc {
        port: c.plain_port(),
        hw_addr: mac(c),
        name: c.text(15),
        config: c.u32(),
        state: c.u32(),
        features: [0; 4],
        speeds: [0; 2],
        properties: Vec::new(),
        ethernet,
    };
    if ethernet {
        found.features = [c.u32(), c.u32(), c.u32(), c.u32()];
        if version > Version::V10 {
            found.speeds = [c.u32(), c.u32()];
        }
    }
    if modern {
        found.properties = c.properties(1);
    }
    found
}

pub(super) fn port_mod(c: &mut Choices<'_>, version: Version) -> PortMod {
    let modern = version >= Version::V14;
    PortMod {
        port: c.plain_port(),
        hw_addr: mac(c),
        config: c.u32(),
        mask: c.u32(),
        advertise: if modern {
            c.maybe(Choices::u32)
        } else {
            Some(c.u32())
        },
        properties: if modern { c.properties(1) } else { Vec::new() },
    }
}

pub(super) fn port_stats(c: &mut Choices<'_>, version: Version) -> PortStats {
    let modern = version >= Version::V14;
    let two = |c: &mut Choices<'_>| [c.u64(), c.u64()];
    let four = |c: &mut Choices<'_>| [c.u64(), c.u64(), c.u64(), c.u64()];
    PortStats {
        packets: two(c),
        bytes: two(c),
        dropped: two(c),
        errors: two(c),
        ethernet: if modern { c.maybe(four) } else { Some(four(c)) },
        duration: duration(c, version >= Version::V13),
        properties: if modern { c.properties(1) } else { Vec::new() },
        ..PortStats::new(c.plain_port())
    }
}

pub(super) fn queue_stats(c: &mut Choices<'_>, version: Version) -> QueueStats {
    QueueStats {
        port: c.plain_port(),
        queue: c.u32(),
        bytes: c.u64(),
        packets: c.u64(),
        errors: c.u64(),
        duration: duration(c, version >= Version::V13),
        properties: if version >= Version::V14 {
            c.properties(1)
        } else {
            Vec::new()
        },
    }
}

/// A queue; `desc` as OpenFlow 1.4 and up describe it, else one of the port asked for.
pub(super) fn queue(c: &mut Choices<'_>, port: Option<Port>) -> QueueConfig {
    let mut properties = c.properties(7);
    if port.is_some() {
        // The older form pads what is in a property itself.
        properties
            .iter_mut()
            .for_each(|(_, data)| data.resize(data.len().next_multiple_of(8), 0));
    }
    QueueConfig {
        port: port.unwrap_or_else(|| c.plain_port()),
        queue: c.u32(),
        min_rate: c.maybe(Choices::u16),
        max_rate: c.maybe(Choices::u16),
        properties,
    }
}

fn group_form_is_modern(version: Version) -> bool {
    matches!(version, Version::V10 | Version::V15)
}

fn bucket(c: &mut Choices<'_>, version: Version, kind: GroupType, id: u32) -> Bucket {
    let modern = group_form_is_modern(version);
    let mut found = Bucket::new(id, list(c, 3, version, 0));
    if kind == GroupType::SELECT {
        found.weight = c.u16();
    }
    if kind == GroupType::FAST_FAILOVER {
        found.watch_port = c.plain_port();
        found.watch_group = c.maybe(Choices::u32).unwrap_or(ANY_GROUP);
    }
    if modern && c.unknown {
        found.properties = c.properties(9);
    }
    found
}

pub(super) fn group(c: &mut Choices<'_>, version: Version) -> GroupDesc {
    let modern = group_form_is_modern(version);
    let kind = c.pick(&[
        GroupType::ALL,
        GroupType::SELECT,
        GroupType::INDIRECT,
        GroupType::FAST_FAILOVER,
    ]);
    let count = if kind == GroupType::INDIRECT {
        1
    } else {
        u32::try_from(c.below(4)).unwrap()
    };
    let selection = (modern && kind == GroupType::SELECT && c.flag()).then(|| SelectionMethod {
        method: "hash".to_owned(),
        param: c.u64(),
        fields: vec![
            (Field::IpDst, FieldValue(u128::from(c.u32()))),
            (Field::TcpSrc, FieldValue(u128::from(c.u16()))),
        ],
    });
    GroupDesc {
        group: c.u32(),
        kind,
        buckets: (0..count).map(|n| bucket(c, version, kind, n)).collect(),
        selection,
        properties: if modern && c.unknown {
            c.properties(9)
        } else {
            Vec::new()
        },
    }
}

pub(super) fn group_mod(c: &mut Choices<'_>, version: Version) -> GroupMod {
    let mut desc = group(c, version);
    let modern = group_form_is_modern(version);
    let mut command = c.pick(&[
        GroupModCommand::ADD,
        GroupModCommand::MODIFY,
        GroupModCommand::ADD_OR_MODIFY,
        GroupModCommand::DELETE,
    ]);
    let mut bucket = ALL_BUCKETS;
    if modern && c.flag() && desc.kind != GroupType::INDIRECT {
        command = GroupModCommand::INSERT_BUCKET;
        bucket = c.u32() % 100;
        desc.selection = None;
    }
    if command == GroupModCommand::DELETE {
        desc.buckets.clear();
        desc.selection = None;
    }
    GroupMod {
        command,
        bucket,
        desc,
    }
}

pub(super) fn group_stats(c: &mut Choices<'_>, version: Version) -> GroupStats {
    GroupStats {
        group: c.u32(),
        ref_count: c.u32(),
        duration: duration(c, !matches!(version, Version::V11 | Version::V12)),
        packets: c.u64(),
        bytes: c.u64(),
        buckets: c.list(3, |c| (c.u64(), c.u64())),
    }
}

pub(super) fn group_features(c: &mut Choices<'_>) -> GroupFeatures {
    let four = |c: &mut Choices<'_>| [c.u32(), c.u32(), c.u32(), c.u32()];
    GroupFeatures {
        types: c.u32(),
        capabilities: c.u32(),
        max_groups: four(c),
        actions: four(c),
    }
}

pub(super) fn meter(c: &mut Choices<'_>) -> MeterConfig {
    let band = |c: &mut Choices<'_>| MeterBand {
        remark: c.maybe(Choices::u8),
        rate: c.u32(),
        burst_size: c.u32(),
        other: None,
    };
    let mut bands = c.list(3, band);
    if c.unknown {
        bands.push(MeterBand {
            remark: None,
            rate: 1,
            burst_size: 2,
            other: Some((0xffff, vec![c.u8(); 12])),
        });
    }
    MeterConfig {
        meter: c.u32(),
        flags: MeterFlags(c.u16() & !2),
        bands,
    }
}

pub(super) fn meter_mod(c: &mut Choices<'_>) -> MeterMod {
    let command = c.pick(&[
        MeterModCommand::Add,
        MeterModCommand::Modify,
        MeterModCommand::Delete,
    ]);
    let mut config = meter(c);
    if command == MeterModCommand::Delete {
        config.flags = MeterFlags::default();
        config.bands.clear();
    }
    MeterMod { command, config }
}

pub(super) fn meter_stats(c: &mut Choices<'_>) -> MeterStats {
    MeterStats {
        meter: c.u32(),
        flows: c.u32(),
        packets: c.u64(),
        bytes: c.u64(),
        duration: (c.u32(), c.u32()),
        bands: c.list(3, |c| (c.u64(), c.u64())),
    }
}

pub(super) fn table_desc(c: &mut Choices<'_>) -> TableDesc {
    TableDesc {
        table: c.u8(),
        config: c.u32(),
        properties: c.properties(2),
    }
}

pub(super) fn table_stats(c: &mut Choices<'_>, version: Version) -> TableStats {
    let mut able = TableAbilities {
        name: c.text(31),
        wildcards: u64::from(c.u32()),
        max_entries: c.u32(),
        ..TableAbilities::default()
    };
    if version > Version::V10 {
        able.matches = u64::from(c.u32());
        able.instructions = c.u32();
        able.write_actions = c.u32();
        able.apply_actions = c.u32();
        able.config = c.u32();
    }
    if version == Version::V12 {
        able.write_fields = c.u64();
        able.apply_fields = c.u64();
        able.metadata = [c.u64(), c.u64()];
    }
    TableStats {
        table: c.u8(),
        active: c.u32(),
        lookups: c.u64(),
        matched: c.u64(),
        abilities: (version < Version::V13).then_some(able),
    }
}

pub(super) fn table_features(c: &mut Choices<'_>) -> TableFeatures {
    TableFeatures {
        table: c.u8(),
        command: c.u8(),
        flags: c.u32(),
        name: c.text(31),
        metadata_match: c.u64(),
        metadata_write: c.u64(),
        capabilities: c.u32(),
        max_entries: c.u32(),
        properties: c.properties(0),
    }
}
