//! Matches: of every field, in company that lets it exist.

use super::Choices;
use crate::field::{Field, Masking, Slot};
use crate::matching::prerequisites_hold;
use crate::ofpkt::oxm::is_valid;
use crate::{Match, Port, UnknownField, Version};

/// What is matched besides, so that between them all prerequisites hold.
const COMPANY: &[&[(Field, u128)]] = &[
    &[],
    &[(Field::EthType, 0x0800)],
    &[(Field::EthType, 0x0800), (Field::NwProto, 6)],
    &[(Field::EthType, 0x86dd), (Field::NwProto, 17)],
    &[(Field::EthType, 0x0800), (Field::NwProto, 132)],
    &[(Field::EthType, 0x0800), (Field::NwProto, 1)],
    &[(Field::EthType, 0x86dd), (Field::NwProto, 58)],
    &[
        (Field::EthType, 0x86dd),
        (Field::NwProto, 58),
        (Field::Icmpv6Type, 135),
    ],
    &[
        (Field::EthType, 0x86dd),
        (Field::NwProto, 58),
        (Field::Icmpv6Type, 136),
    ],
    &[(Field::EthType, 0x86dd)],
    &[(Field::EthType, 0x0806)],
    &[(Field::EthType, 0x8847)],
    &[(Field::EthType, 0x894f)],
    &[(Field::PacketType, 0x0001_894f)],
    &[(Field::EthType, 0x0800), (Field::CtState, 0x21)],
    &[
        (Field::EthType, 0x86dd),
        (Field::CtState, 0x21),
        (Field::CtNwProto, 6),
    ],
];

/// A match that a message of the version can say.
pub(in crate::ofpkt) fn matches(choices: &mut Choices<'_>, version: Version) -> Match {
    let mut found = Match::new();
    for (field, value) in choices.pick(COMPANY) {
        found.set(*field, *value, u128::MAX);
    }
    for _ in 0..choices.below(5) {
        let field = choices.pick(Field::ALL);
        add(&mut found, field, choices, version);
    }
    if version == Version::V11 {
        return fit_v11(&found);
    }
    if choices.unknown {
        add_unknown(&mut found, choices);
    }
    // What was added last may rule out what was there before.
    while let Some(slot) = found
        .entries()
        .map(|entry| entry.slot)
        .find(|slot| !exists(&found, *slot))
    {
        found.remove(slot);
    }
    found
}

fn exists(matches: &Match, slot: Slot) -> bool {
    let of_connection = matches!(slot, Slot::CtNwProto | Slot::CtTpSrc | Slot::CtTpDst);
    let some_protocol = matches
        .slot(Slot::CtNwProto)
        .is_some_and(|(value, _)| value != 0);
    // A connection's addresses are of the family of its packets.
    let family = match slot {
        Slot::CtNwSrc | Slot::CtNwDst => Some(0x0800),
        Slot::CtIpv6Src | Slot::CtIpv6Dst => Some(0x86dd),
        _ => None,
    };
    (!of_connection || some_protocol)
        && family.is_none_or(|family| matches.eth_type() == Some(family))
        && prerequisites_hold(matches, matches.owner(slot).info().prerequisite)
}

/// Adds a requirement of the field, if packets of the match have it.
pub(in crate::ofpkt) fn add(
    matches: &mut Match,
    field: Field,
    choices: &mut Choices<'_>,
    version: Version,
) {
    let info = field.info();
    if info.wire.is_empty()
        || field == Field::PacketType
        || field.wire_id(version).is_none()
        || matches.get(field).is_some()
        || !prerequisites_hold(matches, info.prerequisite)
    {
        return;
    }
    let full = field.full_mask();
    let value = choices.u128() & full;
    let mask = choices.u128() & full;
    let masked = choices.flag() && info.masking == Masking::Masked && mask != 0;
    match field {
        Field::InPort | Field::InPortOxm | Field::ActsetOutput => {
            let port = choices.pick(&[Port(1), Port(0xfeff), Port::LOCAL, Port::CONTROLLER]);
            matches.set(field, u128::from(port.0), u128::MAX);
        }
        Field::VlanTci | Field::VlanVid | Field::VlanPcp if version >= Version::V12 => {
            tag(matches, choices);
        }
        Field::VlanVid | Field::VlanPcp => {}
        Field::TunErspanVer
        | Field::TunErspanDir
        | Field::TunErspanHwid
        | Field::TunGtpuFlags
        | Field::TunGtpuMsgtype => {
            // Open vSwitch compares the bits that are set.
            matches.set(field, value, value);
        }
        _ if field.is_tun_metadata() => {
            let length = choices.below(124) + 1;
            // The text has no zeros in front.
            let mut bytes: Vec<u8> = (0..length).map(|_| choices.u8()).collect();
            let mut mask: Vec<u8> = (0..length).map(|_| choices.u8()).collect();
            for first in bytes.iter_mut().chain(&mut mask).step_by(length) {
                *first |= 1;
            }
            let masked: Vec<u8> = bytes.iter().zip(&mask).map(|(b, m)| b & m).collect();
            if choices.flag() {
                matches.set_wide(field, &masked, Some(&mask));
            } else {
                matches.set_wide(field, &bytes, None);
            }
        }
        Field::NshMdtype => matches.set(field, 1 + value % 2, u128::MAX),
        Field::IpFrag => {
            // Those that have a word for themselves alone.
            let words = [(0, 3), (1, 3), (3, 3), (1, 1), (0, 2)];
            let (value, mask) = choices.pick(&words);
            matches.set(field, value, mask);
        }
        Field::NwTos => matches.set(field, value & 0xfc, 0xfc),
        Field::ArpOp => matches.set(field, value & 0xff, u128::MAX),
        Field::CtState => matches.set(field, value & 0xff & mask, mask & 0xff),
        _ if masked => matches.set(field, value & mask, mask),
        _ if is_valid(field, value) => matches.set(field, value, u128::MAX),
        _ => {}
    }
}

/// One of the requirements of a VLAN tag that OXM can say.
fn tag(matches: &mut Match, choices: &mut Choices<'_>) {
    let vid = u128::from(choices.u16() & 0xfff);
    let mask = u128::from(choices.u16() & 0xfff) | 0x1000;
    match choices.below(4) {
        0 => matches.set(Field::VlanVid, 0, 0x1fff),
        1 => matches.set(Field::VlanVid, 0x1000, 0x1000),
        2 => matches.set(Field::VlanVid, 0x1000 | vid, 0x1fff),
        _ => matches.set(Field::VlanVid, 0x1000 | vid & mask, mask),
    }
    if choices.flag()
        && matches
            .get(Field::VlanVid)
            .is_some_and(|f| f.value & 0x1000 != 0)
    {
        matches.set(Field::VlanPcp, u128::from(choices.u8() & 7), u128::MAX);
    }
}

/// Adds fields that are not known, somewhere.
fn add_unknown(matches: &mut Match, choices: &mut Choices<'_>) {
    for _ in 0..choices.below(3) {
        let value = choices.bytes(20);
        let mask: Vec<u8> = value.iter().map(|_| choices.u8()).collect();
        let experimenter = choices.maybe(|c| 0x00ab_0000 | u32::from(c.u16()));
        let field = UnknownField {
            class: experimenter.map_or(0x00f0, |_| 0xffff),
            experimenter,
            number: choices.u8() & 0x7f,
            value: &value,
            mask: choices.flag().then_some(&mask),
        };
        let after = choices.u8();
        matches.push_raw(after, &field.to_entry().unwrap());
    }
}

/// As much of a match as the fixed form of OpenFlow 1.1 can say.
fn fit_v11(matches: &Match) -> Match {
    let mut out = Vec::new();
    crate::ofpkt::match_old::put_v11(&mut out, matches);
    let mut reader = crate::ofpkt::wire::Reader::new(&out, 0);
    crate::ofpkt::match_old::read_v11(&mut reader).unwrap_or_default()
}
