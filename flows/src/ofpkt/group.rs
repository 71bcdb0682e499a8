//! Groups: changing, describing and counting them (OpenFlow 1.5.1, 7.3.4.3 and 7.3.5.9 to 7.3.5.11). OpenFlow 1.0 has the
//! form of 1.5 in Nicira's extension.

use super::actions::{self, Context};
use super::wire::{Put, Reader, Writer};
use super::{ANY_GROUP, DecodeError, OfpError, oxm, property};
use crate::field::Masking;
use crate::{Action, Field, FieldValue, Match, Port, Version};

/// The bucket that stands for all (`OFPG_BUCKET_ALL`); in older versions no other can be named.
pub const ALL_BUCKETS: u32 = 0xffff_ffff;
/// The group that stands for all (`OFPG_ALL`).
pub const ALL_GROUPS: u32 = 0xffff_fffc;
/// The highest number of a bucket.
const MAX_BUCKET: u32 = 0xffff_ff00;

/// What a group does with its buckets; numbers as on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupType(pub u8);

impl GroupType {
    /// Every bucket gets a copy.
    pub const ALL: Self = Self(0);
    /// One bucket, chosen by a hash and its weight.
    pub const SELECT: Self = Self(1);
    /// The one bucket there is.
    pub const INDIRECT: Self = Self(2);
    /// The first bucket whose watched port or group is alive.
    pub const FAST_FAILOVER: Self = Self(3);
}

/// What is done to a group; numbers as on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupModCommand(pub u16);

impl GroupModCommand {
    /// Adds a group.
    pub const ADD: Self = Self(0);
    /// Changes a group.
    pub const MODIFY: Self = Self(1);
    /// Deletes a group, or [`ALL_GROUPS`].
    pub const DELETE: Self = Self(2);
    /// Adds buckets (OpenFlow 1.5).
    pub const INSERT_BUCKET: Self = Self(3);
    /// Takes buckets away (OpenFlow 1.5).
    pub const REMOVE_BUCKET: Self = Self(5);
    /// Adds the group or changes it (Open vSwitch).
    pub const ADD_OR_MODIFY: Self = Self(0x8000);
}

/// One choice of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bucket {
    /// Its number (OpenFlow 1.5); in older versions its place among the buckets.
    pub id: u32,
    /// Its share in a `select` group.
    pub weight: u16,
    /// The port that must be alive, or [`Port::ANY`].
    pub watch_port: Port,
    /// The group that must be alive, or [`ANY_GROUP`].
    pub watch_group: u32,
    /// What it does.
    pub actions: Vec<Action>,
    /// Properties that are not known (OpenFlow 1.5): type and data.
    pub properties: Vec<(u16, Vec<u8>)>,
}

impl Bucket {
    /// A bucket of weight 0 that watches nothing.
    #[must_use]
    pub fn new(id: u32, actions: impl Into<Vec<Action>>) -> Self {
        Self {
            id,
            weight: 0,
            watch_port: Port::ANY,
            watch_group: ANY_GROUP,
            actions: actions.into(),
            properties: Vec::new(),
        }
    }
}

/// How a `select` group chooses (Netronome's extension).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SelectionMethod {
    /// `hash` or `dp_hash`.
    pub method: String,
    /// A number for it, such as the basis of the hash.
    pub param: u64,
    /// The fields that are hashed and which bits of them, in the order of the wire; none: the default.
    pub fields: Vec<(Field, FieldValue)>,
}

/// A group as it is described.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupDesc {
    /// Its number.
    pub group: u32,
    /// What it does with its buckets.
    pub kind: GroupType,
    /// Its buckets.
    pub buckets: Vec<Bucket>,
    /// How it chooses, where that is said.
    pub selection: Option<SelectionMethod>,
    /// Properties that are not known (OpenFlow 1.5), and ways to choose that are not: type and data.
    pub properties: Vec<(u16, Vec<u8>)>,
}

/// `OFPT_GROUP_MOD`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupMod {
    /// What is done.
    pub command: GroupModCommand,
    /// To which bucket it is done: [`ALL_BUCKETS`] but for inserting and removing some.
    pub bucket: u32,
    /// The group.
    pub desc: GroupDesc,
}

/// True if groups have the form of OpenFlow 1.5.
fn modern(version: Version) -> bool {
    matches!(version, Version::V10 | Version::V15)
}

fn put_bucket(out: &mut Writer, bucket: &Bucket, kind: GroupType, version: Version) {
    let none = Match::new();
    let start = out.len();
    out.u16(0);
    if !modern(version) {
        out.u16(bucket.weight);
        out.u32(bucket.watch_port.0);
        out.u32(bucket.watch_group);
        out.zeros(4);
        actions::put_list(out, &bucket.actions, &mut Context::new(version, &none));
        out.fill_len(start, start);
        return;
    }
    out.u16(0);
    out.u32(bucket.id);
    let list = out.len();
    actions::put_list(out, &bucket.actions, &mut Context::new(version, &none));
    out.fill_len(list, start + 2);
    // Open vSwitch says a weight where it means something, and a watch where there is one.
    if bucket.weight != 0 || kind == GroupType::SELECT {
        // Numbers of 16 bits are padded within their property.
        property::put(out, 0, &(u32::from(bucket.weight) << 16).to_be_bytes());
    }
    if bucket.watch_port != Port::ANY {
        property::put(out, 1, &bucket.watch_port.0.to_be_bytes());
    }
    if bucket.watch_group != ANY_GROUP {
        property::put(out, 2, &bucket.watch_group.to_be_bytes());
    }
    property::put_all(out, &bucket.properties);
    out.fill_len(start, start);
}

/// Reads buckets to the end.
fn read_buckets(
    mut reader: Reader<'_>,
    kind: GroupType,
    version: Version,
) -> Result<Vec<Bucket>, DecodeError> {
    let mut found: Vec<Bucket> = Vec::new();
    while !reader.is_empty() {
        let place = reader;
        let bad = |_| place.error(OfpError::GROUP_BAD_BUCKET);
        let head = if modern(version) { 8 } else { 16 };
        let len = usize::from(reader.u16().map_err(bad)?);
        if len < head {
            return Err(place.error(OfpError::GROUP_BAD_BUCKET));
        }
        let mut body = reader.sub(len.saturating_sub(2)).map_err(bad)?;
        let mut bucket = Bucket::new(u32::try_from(found.len()).unwrap_or(u32::MAX), Vec::new());
        if modern(version) {
            let list = usize::from(body.u16().map_err(bad)?);
            bucket.id = body.u32().map_err(bad)?;
            let list = body.sub(list).map_err(bad)?;
            bucket.actions = read_actions(list, version)?;
            bucket.weight = u16::from(kind == GroupType::SELECT);
            read_bucket_properties(&mut bucket, body)?;
        } else {
            bucket.weight = body.u16().map_err(bad)?;
            bucket.watch_port = Port(body.u32().map_err(bad)?);
            bucket.watch_group = body.u32().map_err(bad)?;
            body.skip(4).map_err(bad)?;
            bucket.actions = read_actions(body, version)?;
        }
        if bucket.watch_port.to_u16().is_none() {
            return Err(place.error(OfpError::GROUP_BAD_WATCH));
        }
        if modern(version) && bucket.id > MAX_BUCKET {
            return Err(place.error(OfpError::GROUP_BAD_BUCKET));
        }
        found.push(bucket);
    }
    if modern(version) {
        let mut ids: Vec<u32> = found.iter().map(|bucket| bucket.id).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(reader.error(OfpError::GROUP_BAD_BUCKET));
        }
    }
    Ok(found)
}

/// Reads the actions of a bucket, whose length is that of whole actions.
fn read_actions(list: Reader<'_>, version: Version) -> Result<Vec<Action>, DecodeError> {
    if list.len().is_multiple_of(8) {
        actions::read_list(list, version, 0)
    } else {
        Err(list.error(OfpError::BAD_LEN))
    }
}

fn read_bucket_properties(bucket: &mut Bucket, mut reader: Reader<'_>) -> Result<(), DecodeError> {
    while !reader.is_empty() {
        let place = reader;
        let (kind, mut data) = property::next(&mut reader)?;
        match kind {
            0 => {
                bucket.weight = data
                    .u16()
                    .map_err(|_| place.error(OfpError::PROPERTY_BAD_LEN))?;
            }
            1 => bucket.watch_port = Port(property::u32(data)?),
            2 => bucket.watch_group = property::u32(data)?,
            kind if place.keeps() => bucket.properties.push((kind, data.rest().to_vec())),
            kind => return Err(unknown_property(place, kind)),
        }
    }
    Ok(())
}

fn unknown_property(place: Reader<'_>, kind: u16) -> DecodeError {
    place.error(if kind == 0xffff {
        OfpError::PROPERTY_BAD_EXP_TYPE
    } else {
        OfpError::PROPERTY_BAD_TYPE
    })
}

/// Netronome's number, and the one that older releases of Open vSwitch used.
const NETRONOME: [u32; 2] = [0x0000_154d, 0x0000_1540];
const SELECTION_METHOD: u32 = 1;
const METHOD_LEN: usize = 16;

impl SelectionMethod {
    fn put(&self, out: &mut Writer, version: Version) {
        let mut data = Writer::new();
        let [netronome, _] = NETRONOME;
        data.u32(netronome);
        data.u32(SELECTION_METHOD);
        data.zeros(4);
        data.text(&self.method, METHOD_LEN);
        data.u64(self.param);
        for (field, mask) in &self.fields {
            // The value says which bits are hashed.
            oxm::put_value(&mut data, *field, mask.0, None, version);
        }
        property::put(out, 0xffff, &data);
    }

    /// Reads what follows vendor and type.
    fn read(mut data: Reader<'_>) -> Result<Self, DecodeError> {
        let place = data;
        let short = |_| place.error(OfpError::PROPERTY_BAD_LEN);
        data.skip(4).map_err(short)?;
        let name = data.bytes(METHOD_LEN).map_err(short)?;
        let param = data.u64().map_err(short)?;
        let method = match name
            .iter()
            .position(|b| *b == 0)
            .map(|end| name.split_at(end).0)
        {
            Some(b"hash") => "hash",
            Some(b"dp_hash") => "dp_hash",
            _ => return Err(place.error(OfpError::PROPERTY_BAD_VALUE)),
        };
        if method != "hash" && !data.is_empty() {
            return Err(place.error(OfpError::PROPERTY_BAD_VALUE));
        }
        let mut fields: Vec<(Field, FieldValue)> = Vec::new();
        while !data.is_empty() {
            let place = data;
            let short = |_| place.error(OfpError::MATCH_BAD_LEN);
            let header = oxm::header(&mut data).map_err(short)?;
            let value = data.bytes(header.len).map_err(short)?;
            if header.masked {
                let (value, mask) = value.split_at(value.len() / 2);
                return Err(place.error(match oxm::has_loose_bits(value, mask) {
                    true => OfpError::MATCH_BAD_WILDCARDS,
                    false => OfpError::MATCH_BAD_MASK,
                }));
            }
            let known = header
                .field
                .filter(|field| value.len() == usize::from(field.info().bytes));
            let field = known.ok_or_else(|| place.error(OfpError::MATCH_BAD_FIELD))?;
            if fields.iter().any(|(known, _)| *known == field) {
                return Err(place.error(OfpError::MATCH_DUP_FIELD));
            }
            let whole_or_none = [0, 0xff]
                .iter()
                .any(|all| value.iter().all(|byte| byte == all));
            if value.len() > 16 || (field.info().masking == Masking::Exact && !whole_or_none) {
                return Err(place.error(OfpError::MATCH_BAD_MASK));
            }
            let mask = value
                .iter()
                .fold(0, |mask, byte| mask << 8 | u128::from(*byte));
            fields.push((field, FieldValue(mask)));
        }
        Ok(Self {
            method: method.to_owned(),
            param,
            fields,
        })
    }
}

/// What the properties of a group say: how it chooses, and what is not known.
type Properties = (Option<SelectionMethod>, Vec<(u16, Vec<u8>)>);

/// Reads the properties of a group that a command is about.
fn read_properties(
    mut reader: Reader<'_>,
    kind: GroupType,
    command: GroupModCommand,
) -> Result<Properties, DecodeError> {
    let (mut found, mut unknown) = (None, Vec::new());
    while !reader.is_empty() {
        let place = reader;
        let (number, data) = property::next(&mut reader)?;
        match read_selection(place, number, data, kind, command) {
            Ok(selection) => found = Some(selection),
            Err(e) if place.keeps() && e.error != OfpError::PROPERTY_BAD_LEN => {
                unknown.push((number, data.rest().to_vec()));
            }
            Err(e) => return Err(e),
        }
    }
    Ok((found, unknown))
}

/// Reads the one property of groups that is known.
fn read_selection(
    place: Reader<'_>,
    number: u16,
    mut data: Reader<'_>,
    kind: GroupType,
    command: GroupModCommand,
) -> Result<SelectionMethod, DecodeError> {
    if number != 0xffff {
        return Err(place.error(OfpError::PROPERTY_BAD_TYPE));
    }
    let short = |_| place.error(OfpError::PROPERTY_BAD_LEN);
    let (vendor, subtype) = (data.u32().map_err(short)?, data.u32().map_err(short)?);
    if !NETRONOME.contains(&vendor) || subtype != SELECTION_METHOD {
        return Err(place.error(OfpError::PROPERTY_BAD_EXP_TYPE));
    }
    match (kind.0, command.0) {
        (1, 0 | 1 | 0x8000) => SelectionMethod::read(data),
        (0 | 2 | 3, _) | (1, 2 | 3 | 5) => Err(place.error(OfpError::PROPERTY_BAD_VALUE)),
        (1, _) => Err(place.error(OfpError::GROUP_BAD_COMMAND)),
        _ => Err(place.error(OfpError::GROUP_BAD_TYPE)),
    }
}

impl GroupMod {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        out.u16(self.command.0);
        out.u8(self.desc.kind.0);
        out.u8(0);
        out.u32(self.desc.group);
        let length_at = out.len();
        if modern(version) {
            out.zeros(4);
            out.u32(self.bucket);
        }
        let start = out.len();
        for bucket in &self.desc.buckets {
            put_bucket(out, bucket, self.desc.kind, version);
        }
        if modern(version) {
            out.fill_len(start, length_at);
            if let Some(selection) = &self.desc.selection {
                selection.put(out, version);
            }
            property::put_all(out, &self.desc.properties);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let place = *reader;
        let command = GroupModCommand(reader.u16()?);
        let kind = GroupType(reader.u8()?);
        reader.skip(1)?;
        let group = reader.u32()?;
        let mut bucket = ALL_BUCKETS;
        let (buckets, (selection, properties)) = if modern(version) {
            let len = usize::from(reader.u16()?);
            reader.skip(2)?;
            bucket = reader.u32()?;
            // First and last have names of their own.
            let one = bucket <= MAX_BUCKET || matches!(bucket, 0xffff_fffd | 0xffff_fffe);
            let fine = match command {
                GroupModCommand::INSERT_BUCKET => one,
                GroupModCommand::REMOVE_BUCKET => one || bucket == ALL_BUCKETS,
                _ => bucket == ALL_BUCKETS,
            };
            if !fine {
                return Err(place.error(OfpError::GROUP_BAD_BUCKET));
            }
            let buckets = read_buckets(reader.sub(len)?, kind, version)?;
            let selection = read_properties(reader.sub(reader.len())?, kind, command)?;
            (buckets, selection)
        } else {
            (
                read_buckets(reader.sub(reader.len())?, kind, version)?,
                Properties::default(),
            )
        };
        let desc = GroupDesc {
            group,
            kind,
            buckets,
            selection,
            properties,
        };
        let found = Self {
            command,
            bucket,
            desc,
        };
        found.check(version).map_err(|error| place.error(error))?;
        Ok(found)
    }

    /// What Open vSwitch refuses in the whole.
    fn check(&self, version: Version) -> Result<(), OfpError> {
        let (command, buckets) = (self.command, &self.desc.buckets);
        let deletes = command == GroupModCommand::DELETE;
        if !modern(version) && version >= Version::V13 && deletes && !buckets.is_empty() {
            return Err(OfpError::GROUP_INVALID);
        }
        if self.desc.kind.0 > 3 {
            return Err(OfpError::GROUP_BAD_TYPE);
        }
        if self.desc.kind == GroupType::INDIRECT && !deletes && buckets.len() != 1 {
            return Err(OfpError::GROUP_INVALID);
        }
        let removes = command == GroupModCommand::REMOVE_BUCKET;
        if !matches!(command.0, 0..=3 | 5 | 0x8000) {
            return Err(OfpError::GROUP_BAD_COMMAND);
        }
        if removes && !buckets.is_empty() {
            return Err(OfpError::GROUP_BAD_BUCKET);
        }
        let weighed =
            self.desc.kind == GroupType::SELECT || command == GroupModCommand::INSERT_BUCKET;
        for bucket in buckets {
            if bucket.weight != 0 && !weighed {
                return Err(OfpError::GROUP_INVALID);
            }
            let watches = bucket.watch_port != Port::ANY || bucket.watch_group != ANY_GROUP;
            match self.desc.kind {
                GroupType::ALL | GroupType::INDIRECT if watches => {
                    return Err(OfpError::GROUP_WATCH_UNSUPPORTED);
                }
                GroupType::FAST_FAILOVER if !watches => return Err(OfpError::GROUP_INVALID),
                _ => {}
            }
        }
        Ok(())
    }
}

impl GroupDesc {
    /// Appends an entry of a group description.
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        let start = out.len();
        out.u16(0);
        out.u8(self.kind.0);
        out.u8(0);
        out.u32(self.group);
        if modern(version) {
            out.zeros(8);
        }
        let list = out.len();
        for bucket in &self.buckets {
            put_bucket(out, bucket, self.kind, version);
        }
        if modern(version) {
            out.fill_len(list, start + 8);
            if let Some(selection) = &self.selection {
                selection.put(out, version);
            }
            property::put_all(out, &self.properties);
        }
        out.fill_len(start, start);
    }

    /// Reads an entry of a group description.
    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let mut body = entry(reader)?;
        let kind = GroupType(body.u8()?);
        body.skip(1)?;
        let group = body.u32()?;
        let (buckets, (selection, properties)) = if modern(version) {
            let len = usize::from(body.u16()?);
            body.skip(6)?;
            let buckets = read_buckets(body.sub(len)?, kind, version)?;
            (buckets, read_properties(body, kind, GroupModCommand::ADD)?)
        } else {
            (read_buckets(body, kind, version)?, Properties::default())
        };
        Ok(Self {
            group,
            kind,
            buckets,
            selection,
            properties,
        })
    }
}

/// An entry that begins with its own length; what is behind the length.
fn entry<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, DecodeError> {
    let place = *reader;
    let rest = usize::from(reader.u16()?)
        .checked_sub(2)
        .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
    reader.sub(rest)
}

/// What a group and its buckets have counted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GroupStats {
    /// The group.
    pub group: u32,
    /// How many flows and groups use it.
    pub ref_count: u32,
    /// How long it has existed, in seconds and nanoseconds (OpenFlow 1.3 and up, and 1.0).
    pub duration: Option<(u32, u32)>,
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
    /// Packets and bytes of each bucket; all ones: not known.
    pub buckets: Vec<(u64, u64)>,
}

/// True if a version's statistics of groups have no duration.
fn without_duration(version: Version) -> bool {
    matches!(version, Version::V11 | Version::V12)
}

impl GroupStats {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        let start = out.len();
        out.zeros(4);
        out.u32(self.group);
        out.u32(self.ref_count);
        out.zeros(4);
        out.u64(self.packets);
        out.u64(self.bytes);
        if !without_duration(version) {
            let (seconds, nanoseconds) = self.duration.unwrap_or((u32::MAX, u32::MAX));
            out.u32(seconds);
            out.u32(nanoseconds);
        }
        for (packets, bytes) in &self.buckets {
            out.u64(*packets);
            out.u64(*bytes);
        }
        out.fill_len(start, start);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let place = *reader;
        let fixed = if without_duration(version) { 32 } else { 40 };
        let mut head = reader.sub(fixed)?;
        let length = usize::from(head.u16()?);
        head.skip(2)?;
        let mut found = Self {
            group: head.u32()?,
            ref_count: head.u32()?,
            ..Self::default()
        };
        head.skip(4)?;
        (found.packets, found.bytes) = (head.u64()?, head.u64()?);
        if !without_duration(version) {
            let duration = (head.u32()?, head.u32()?);
            found.duration = (duration.0 != u32::MAX).then_some(duration);
        }
        // To Open vSwitch less than a bucket belongs to what follows.
        let buckets = length
            .checked_sub(fixed)
            .filter(|rest| !place.keeps() || rest.is_multiple_of(16))
            .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let mut buckets = reader.sub(buckets / 16 * 16)?;
        while !buckets.is_empty() {
            found.buckets.push((buckets.u64()?, buckets.u64()?));
        }
        Ok(found)
    }
}

/// Which groups a switch can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GroupFeatures {
    /// A bit for each [`GroupType`].
    pub types: u32,
    /// Bits of `ofp_group_capabilities`.
    pub capabilities: u32,
    /// How many groups of each type.
    pub max_groups: [u32; 4],
    /// Actions that groups of each type can do, a bit for each number of OpenFlow's own.
    pub actions: [u32; 4],
}

impl GroupFeatures {
    pub(super) fn put(self, out: &mut Writer) {
        out.u32(self.types);
        out.u32(self.capabilities);
        self.max_groups
            .iter()
            .chain(&self.actions)
            .for_each(|n| out.u32(*n));
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut found = Self {
            types: reader.u32()?,
            capabilities: reader.u32()?,
            ..Self::default()
        };
        for number in found.max_groups.iter_mut().chain(&mut found.actions) {
            *number = reader.u32()?;
        }
        Ok(found)
    }
}
