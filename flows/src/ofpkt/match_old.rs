//! The matches of fixed size of OpenFlow 1.0 and 1.1 (OpenFlow 1.0.0, 5.2.3; 1.1.0, A.2.3).

use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
use crate::field::{Field, Slot};
use crate::matching::VLAN_CFI;
use crate::{Match, Port};

const IN_PORT: u32 = 1;
const DL_VLAN: u32 = 1 << 1;
const DL_SRC: u32 = 1 << 2;
const DL_DST: u32 = 1 << 3;
const DL_TYPE: u32 = 1 << 4;
const NW_PROTO: u32 = 1 << 5;
const TP_SRC: u32 = 1 << 6;
const TP_DST: u32 = 1 << 7;
const NW_SRC_SHIFT: u32 = 8;
const NW_DST_SHIFT: u32 = 14;
const DL_VLAN_PCP: u32 = 1 << 20;
const NW_TOS: u32 = 1 << 21;

/// "Without a VLAN tag".
const VLAN_NONE: u16 = 0xffff;
/// "With any VLAN tag" (OpenFlow 1.1).
const VLAN_ANY: u16 = 0xfffe;

fn low(value: u128) -> u32 {
    u32::try_from(value & 0xffff_ffff).unwrap_or(0)
}

fn short(value: u128) -> u16 {
    u16::try_from(value & 0xffff).unwrap_or(0)
}

fn byte(value: u128) -> u8 {
    u8::try_from(value & 0xff).unwrap_or(0)
}

/// True if a match of OpenFlow 1.0 can say all of this; the rest needs NXM.
pub(super) fn fits_v10(matches: &Match) -> bool {
    let v6 = matches.eth_type() == Some(0x86dd);
    let cidr =
        |mask: u128| low(mask).leading_ones() + low(mask).trailing_zeros() >= 32 || mask == 0;
    matches.raw().next().is_none()
        && matches.entries().all(|entry| match entry.slot {
            Slot::InPort | Slot::DlType => true,
            Slot::NwProto | Slot::TpSrc | Slot::TpDst => !v6 && entry.mask_bytes.is_none(),
            Slot::DlSrc | Slot::DlDst => entry.mask_bytes.is_none(),
            Slot::NwSrc | Slot::NwDst => cidr(entry.mask()),
            Slot::NwTos => !v6 && entry.mask() & 3 == 0,
            Slot::VlanTci => vlan_fits(entry.value(), entry.mask()),
            _ => false,
        })
}

/// True if a match of OpenFlow 1.1 can say all of this; it has no extensions.
pub(crate) fn fits_v11(matches: &Match) -> bool {
    let v6 = matches.eth_type() == Some(0x86dd);
    matches.entries().all(|entry| match entry.slot {
        Slot::InPort
        | Slot::DlType
        | Slot::DlSrc
        | Slot::DlDst
        | Slot::NwSrc
        | Slot::NwDst
        | Slot::Metadata => true,
        Slot::NwProto | Slot::TpSrc | Slot::TpDst => !v6 && entry.mask_bytes.is_none(),
        Slot::NwTos => !v6 && entry.mask() & 3 == 0,
        Slot::MplsLse => entry.mask() & 0x1ff == 0,
        Slot::VlanTci => {
            let (value, mask) = (entry.value(), entry.mask());
            let any = mask & 0x1fff == VLAN_CFI && matches!(mask & 0xe000, 0 | 0xe000);
            vlan_fits(value, mask) || (any && (value != 0 || mask == VLAN_CFI))
        }
        _ => false,
    })
}

/// True if the tag is matched as an id, a priority, both, or as absent.
fn vlan_fits(value: u128, mask: u128) -> bool {
    let (vid, pcp) = (mask & 0xfff, mask & 0xe000);
    if value & VLAN_CFI == 0 {
        return mask == 0xffff && value == 0;
    }
    mask & VLAN_CFI != 0
        && (vid == 0 || vid == 0xfff)
        && (pcp == 0 || pcp == 0xe000)
        && (vid != 0 || pcp != 0)
}

/// Appends the 40 bytes of OpenFlow 1.0's match.
pub(super) fn put_v10(out: &mut Writer, matches: &Match) {
    let mut wild = 0u32;
    let mut exact = |slot: Slot, bit: u32| match matches.slot(slot) {
        Some((value, _)) => value,
        None => {
            wild |= bit;
            0
        }
    };
    let in_port = exact(Slot::InPort, IN_PORT);
    let (dl_src, dl_dst) = (exact(Slot::DlSrc, DL_SRC), exact(Slot::DlDst, DL_DST));
    let dl_type = exact(Slot::DlType, DL_TYPE);
    let nw_proto = exact(Slot::NwProto, NW_PROTO);
    let (tp_src, tp_dst) = (exact(Slot::TpSrc, TP_SRC), exact(Slot::TpDst, TP_DST));
    let tos = exact(Slot::NwTos, NW_TOS);
    let prefix = |slot: Slot| {
        matches
            .slot(slot)
            .map_or((0, 32), |(v, m)| (low(v), 32 - low(m).count_ones()))
    };
    let ((nw_src, src_wild), (nw_dst, dst_wild)) = (prefix(Slot::NwSrc), prefix(Slot::NwDst));
    wild |= src_wild << NW_SRC_SHIFT | dst_wild << NW_DST_SHIFT;
    let (mut vid, mut pcp) = (0u16, 0u8);
    match matches.slot(Slot::VlanTci) {
        None => wild |= DL_VLAN | DL_VLAN_PCP,
        Some((tci, mask)) if mask & VLAN_CFI != 0 && tci & VLAN_CFI == 0 => vid = VLAN_NONE,
        Some((tci, mask)) => {
            if mask & 0xfff == 0 {
                wild |= DL_VLAN;
            } else {
                vid = short(tci & 0xfff);
            }
            if mask & 0xe000 == 0 {
                wild |= DL_VLAN_PCP;
            } else {
                pcp = byte(tci >> 13);
            }
        }
    }
    out.u32(wild);
    out.u16(Port(low(in_port)).to_u16().unwrap_or(0));
    for mac in [dl_src, dl_dst] {
        out.extend_from_slice(mac.to_be_bytes().split_at(10).1);
    }
    out.u16(vid);
    out.u8(pcp);
    out.u8(0);
    out.u16(short(dl_type));
    out.u8(byte(tos) & 0xfc);
    out.u8(byte(nw_proto));
    out.zeros(2);
    out.u32(nw_src);
    out.u32(nw_dst);
    out.u16(short(tp_src));
    out.u16(short(tp_dst));
}

/// Reads OpenFlow 1.0's match.
pub(super) fn read_v10(reader: &mut Reader<'_>) -> Result<Match, DecodeError> {
    let mut matches = Match::new();
    let wild = reader.u32()?;
    let has = |bit: u32| wild & bit == 0;
    let in_port = reader.u16()?;
    let (dl_src, dl_dst) = (reader.eth()?, reader.eth()?);
    let vid = reader.u16()?;
    let pcp = reader.u8()?;
    reader.skip(1)?;
    let dl_type = reader.u16()?;
    let (tos, proto) = (reader.u8()?, reader.u8()?);
    reader.skip(2)?;
    let (nw_src, nw_dst) = (reader.u32()?, reader.u32()?);
    let (tp_src, tp_dst) = (reader.u16()?, reader.u16()?);
    if has(IN_PORT) {
        matches.set(
            Field::InPortOxm,
            u128::from(Port::from_u16(in_port).0),
            u128::MAX,
        );
    }
    if has(DL_SRC) {
        matches.set(Field::EthSrc, u128::from(dl_src.to_u64()), u128::MAX);
    }
    if has(DL_DST) {
        matches.set(Field::EthDst, u128::from(dl_dst.to_u64()), u128::MAX);
    }
    if has(DL_TYPE) {
        matches.set(Field::EthType, u128::from(dl_type), u128::MAX);
    }
    if has(NW_TOS) {
        matches.set(Field::NwTos, u128::from(tos), 0xfc);
    }
    if has(NW_PROTO) {
        matches.set(Field::NwProto, u128::from(proto), u128::MAX);
    }
    for (field, address, shift) in [
        (Field::IpSrc, nw_src, NW_SRC_SHIFT),
        (Field::IpDst, nw_dst, NW_DST_SHIFT),
    ] {
        let bits = ((wild >> shift) & 0x3f).min(32);
        matches.set(
            field,
            u128::from(address),
            u128::from(u32::MAX.checked_shl(bits).unwrap_or(0)),
        );
    }
    if has(TP_SRC) {
        matches.set(Field::TcpSrc, u128::from(tp_src), u128::MAX);
    }
    if has(TP_DST) {
        matches.set(Field::TcpDst, u128::from(tp_dst), u128::MAX);
    }
    match (has(DL_VLAN), has(DL_VLAN_PCP)) {
        (false, false) => {}
        (true, _) if vid == VLAN_NONE => matches.set(Field::VlanTci, 0, u128::MAX),
        (with_vid, with_pcp) => {
            let mask =
                VLAN_CFI | if with_vid { 0xfff } else { 0 } | if with_pcp { 0xe000 } else { 0 };
            let tci = VLAN_CFI | u128::from(vid & 0xfff) | u128::from(pcp & 7) << 13;
            matches.set(Field::VlanTci, tci & mask, mask);
        }
    }
    Ok(matches)
}

/// Lifts requirements of fields that the packets do not have, as Open vSwitch does with matches of fixed size.
pub(super) fn normalise(matches: &mut Match) {
    let (ip, arp) = match matches.eth_type() {
        Some(0x0800) => (true, false),
        Some(0x0806 | 0x8035) => (false, true),
        _ => (false, false),
    };
    let v6 = matches.eth_type() == Some(0x86dd);
    if !ip && !arp {
        matches.remove(Slot::NwSrc);
        matches.remove(Slot::NwDst);
    }
    if !ip && !v6 {
        matches.remove(Slot::NwTos);
        if !arp {
            matches.remove(Slot::NwProto);
        }
    }
    let ports = (ip && matches!(matches.nw_proto(), Some(1 | 6 | 17 | 132)))
        || (v6 && matches!(matches.nw_proto(), Some(6 | 17 | 58 | 132)));
    if !ports {
        matches.remove(Slot::TpSrc);
        matches.remove(Slot::TpDst);
    }
}

const V11_IN_PORT: u32 = 1;
const V11_DL_VLAN: u32 = 1 << 1;
const V11_DL_VLAN_PCP: u32 = 1 << 2;
const V11_DL_TYPE: u32 = 1 << 3;
const V11_NW_TOS: u32 = 1 << 4;
const V11_NW_PROTO: u32 = 1 << 5;
const V11_TP_SRC: u32 = 1 << 6;
const V11_TP_DST: u32 = 1 << 7;
const V11_MPLS_LABEL: u32 = 1 << 8;
const V11_MPLS_TC: u32 = 1 << 9;

/// Appends the 88 bytes of OpenFlow 1.1's match, type and length included.
pub(super) fn put_v11(out: &mut Writer, matches: &Match) {
    let mut wild = 0u32;
    let mut exact = |slot: Slot, bit: u32| match matches.slot(slot) {
        Some((value, _)) => value,
        None => {
            wild |= bit;
            0
        }
    };
    let in_port = exact(Slot::InPort, V11_IN_PORT);
    let dl_type = exact(Slot::DlType, V11_DL_TYPE);
    // There is no place for ECN.
    let dscp = matches
        .slot(Slot::NwTos)
        .filter(|(_, mask)| mask & 0xfc != 0);
    let tos = dscp.map_or(0, |(value, _)| value & 0xfc);
    let proto = exact(Slot::NwProto, V11_NW_PROTO);
    let (tp_src, tp_dst) = (
        exact(Slot::TpSrc, V11_TP_SRC),
        exact(Slot::TpDst, V11_TP_DST),
    );
    if dscp.is_none() {
        wild |= V11_NW_TOS;
    }
    let (lse, lse_mask) = matches.slot(Slot::MplsLse).unwrap_or((0, 0));
    if lse_mask >> 12 == 0 {
        wild |= V11_MPLS_LABEL;
    }
    if (lse_mask >> 9) & 7 == 0 {
        wild |= V11_MPLS_TC;
    }
    let (mut vid, mut pcp) = (0u16, 0u8);
    match matches.slot(Slot::VlanTci) {
        None => wild |= V11_DL_VLAN | V11_DL_VLAN_PCP,
        Some((tci, mask)) if mask & VLAN_CFI != 0 && tci & VLAN_CFI == 0 => {
            vid = VLAN_NONE;
            wild |= V11_DL_VLAN_PCP;
        }
        Some((tci, mask)) => {
            vid = if mask & 0xfff == 0 {
                VLAN_ANY
            } else {
                short(tci & 0xfff)
            };
            if mask & 0xe000 == 0 {
                wild |= V11_DL_VLAN_PCP;
            } else {
                pcp = byte(tci >> 13);
            }
        }
    }
    let masked = |slot: Slot| matches.slot(slot).unwrap_or((0, 0));
    let ((src, src_mask), (dst, dst_mask)) = (masked(Slot::DlSrc), masked(Slot::DlDst));
    let ((nw_src, nw_src_mask), (nw_dst, nw_dst_mask)) = (masked(Slot::NwSrc), masked(Slot::NwDst));
    let (metadata, metadata_mask) = masked(Slot::Metadata);
    out.u16(0);
    out.u16(88);
    out.u32(low(in_port));
    out.u32(wild);
    for mac in [src, !src_mask, dst, !dst_mask] {
        out.extend_from_slice(mac.to_be_bytes().split_at(10).1);
    }
    out.u16(vid);
    out.u8(pcp);
    out.u8(0);
    out.u16(short(dl_type));
    out.u8(byte(tos) & 0xfc);
    out.u8(byte(proto));
    for word in [nw_src, !nw_src_mask, nw_dst, !nw_dst_mask] {
        out.u32(low(word));
    }
    out.u16(short(tp_src));
    out.u16(short(tp_dst));
    out.u32(low(lse >> 12));
    out.u8(byte((lse >> 9) & 7));
    out.zeros(3);
    out.u64(u64::try_from(metadata).unwrap_or(0));
    out.u64(!u64::try_from(metadata_mask).unwrap_or(0));
}

/// Reads OpenFlow 1.1's match, type and length included.
pub(super) fn read_v11(reader: &mut Reader<'_>) -> Result<Match, DecodeError> {
    let place = *reader;
    let bad = |error| place.error(error);
    let (kind, len) = (reader.u16()?, reader.u16()?);
    if kind != 0 {
        return Err(bad(OfpError::MATCH_BAD_TYPE));
    }
    if len != 88 || place.len() < 88 {
        return Err(bad(OfpError::MATCH_BAD_LEN));
    }
    let mut matches = Match::new();
    let in_port = Port(reader.u32()?);
    let wild = reader.u32()?;
    let has = |bit: u32| wild & bit == 0;
    let mut macs = [0u64; 4];
    for mac in &mut macs {
        *mac = reader.eth()?.to_u64();
    }
    let [src, src_wild, dst, dst_wild] = macs;
    let (vid, pcp) = (reader.u16()?, reader.u8()?);
    reader.skip(1)?;
    let dl_type = reader.u16()?;
    let (tos, proto) = (reader.u8()?, reader.u8()?);
    let (nw_src, nw_src_wild, nw_dst, nw_dst_wild) =
        (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
    let (tp_src, tp_dst) = (reader.u16()?, reader.u16()?);
    let (label, tc) = (reader.u32()?, reader.u8()?);
    reader.skip(3)?;
    let (metadata, metadata_wild) = (reader.u64()?, reader.u64()?);
    if has(V11_IN_PORT) {
        if in_port.to_u16().is_none() {
            return Err(bad(OfpError::MATCH_BAD_VALUE));
        }
        matches.set(Field::InPortOxm, u128::from(in_port.0), u128::MAX);
    }
    matches.set(Field::EthSrc, u128::from(src), !u128::from(src_wild));
    matches.set(Field::EthDst, u128::from(dst), !u128::from(dst_wild));
    if has(V11_DL_VLAN) {
        match vid {
            VLAN_NONE => matches.set(Field::VlanTci, 0, u128::MAX),
            VLAN_ANY => matches.set(Field::VlanTci, VLAN_CFI, VLAN_CFI),
            0..=0xfff => matches.set(Field::DlVlan, u128::from(vid), u128::MAX),
            _ => return Err(bad(OfpError::MATCH_BAD_VALUE)),
        }
        if has(V11_DL_VLAN_PCP) && vid != VLAN_NONE {
            if pcp > 7 {
                return Err(bad(OfpError::MATCH_BAD_VALUE));
            }
            matches.set(Field::VlanPcp, u128::from(pcp), u128::MAX);
        }
    }
    if has(V11_DL_TYPE) {
        matches.set(Field::EthType, u128::from(dl_type), u128::MAX);
    }
    // Of IPv6 this match knows no more than the type.
    let ip = matches.eth_type() == Some(0x0800);
    let arp = matches!(matches.eth_type(), Some(0x0806 | 0x8035));
    if ip && has(V11_NW_TOS) {
        if tos & 3 != 0 {
            return Err(bad(OfpError::MATCH_BAD_VALUE));
        }
        matches.set(Field::NwTos, u128::from(tos), 0xfc);
    }
    if (ip || arp) && has(V11_NW_PROTO) {
        matches.set(Field::NwProto, u128::from(proto), u128::MAX);
    }
    if ip || arp {
        matches.set(Field::IpSrc, u128::from(nw_src), u128::from(!nw_src_wild));
        matches.set(Field::IpDst, u128::from(nw_dst), u128::from(!nw_dst_wild));
    }
    read_v11_ports(
        &mut matches,
        ip,
        has(V11_TP_SRC).then_some(tp_src),
        has(V11_TP_DST).then_some(tp_dst),
    )
    .map_err(bad)?;
    if matches!(matches.eth_type(), Some(0x8847 | 0x8848)) {
        if has(V11_MPLS_LABEL) {
            matches.set(Field::MplsLabel, u128::from(label), u128::MAX);
        }
        if has(V11_MPLS_TC) {
            matches.set(Field::MplsTc, u128::from(tc), u128::MAX);
        }
    }
    matches.set(
        Field::Metadata,
        u128::from(metadata),
        u128::from(!metadata_wild),
    );
    Ok(matches)
}

/// Transport ports of OpenFlow 1.1: only for protocols that have them.
fn read_v11_ports(
    matches: &mut Match,
    ip: bool,
    src: Option<u16>,
    dst: Option<u16>,
) -> Result<(), OfpError> {
    let icmp = matches.nw_proto() == Some(1);
    let ports = ip && (icmp || matches!(matches.nw_proto(), Some(6 | 17 | 132)));
    if !ports {
        return Ok(());
    }
    for (slot, value) in [(Slot::TpSrc, src), (Slot::TpDst, dst)] {
        if let Some(value) = value {
            if icmp && value > 255 {
                return Err(OfpError::MATCH_BAD_FIELD);
            }
            matches.put(slot, u128::from(value), 0xffff);
        }
    }
    Ok(())
}
