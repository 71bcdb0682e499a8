//! Lists of actions on the wire, in every version. What OpenFlow itself defines is here (written) and in `decode` (read), what
//! Nicira adds in `nicira`.

use super::nicira;
use super::oxm;
use super::wire::{Put, Writer};
use crate::action::{SetField, SetSpelling, Subfield, load_segments};
use crate::field::Field;
use crate::matching::{Tags, VLAN_CFI};
use crate::{Action, EthAddr, Match, Port, Version};
use std::net::Ipv4Addr;

mod decode;

pub(crate) use decode::{
    SetForm, check_move, check_port, check_subfield, count, needs_ct, read, read_any, read_list,
    read_set_field,
};

/// How deep actions may be nested in `clone` and `ct`.
pub(crate) const MAX_DEPTH: u8 = 16;

pub(crate) const NICIRA: u32 = 0x0000_2320;
const ONF: u32 = 0x4f4e_4600;

/// What the encoder knows about the packets that actions will meet.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) version: Version,
    pub(crate) matches: &'a Match,
    /// The VLAN tags that the packet has for sure, so that none need be pushed before one is written; `None`: as the match says.
    tags: Option<Tags>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(version: Version, matches: &'a Match) -> Self {
        Self {
            version,
            matches,
            tags: None,
        }
    }

    fn tags(&mut self) -> &mut Tags {
        let matches = self.matches;
        self.tags.get_or_insert_with(|| Tags::of(matches))
    }
}

/// Appends a list of actions.
pub(crate) fn put_list(out: &mut Writer, actions: &[Action], context: &mut Context<'_>) {
    for action in actions {
        match action {
            Action::SetField(set) if put_short_set(out, set, context.version) => {}
            Action::Move { src, dst }
                if context.version < Version::V15 && nicira::put_short_move(out, *src, *dst) => {}
            _ => put(out, action, context),
        }
    }
}

/// Appends what nearly every `set_field` is, of OpenFlow's own: that of a whole field of up to 8 bytes, the rest of which are
/// padding. False, and nothing is appended, if it is another.
#[inline]
fn put_short_set(out: &mut Writer, set: &SetField, version: Version) -> bool {
    let field = set.field();
    let unused = 8u8.checked_sub(field.info().bytes);
    let plain = version >= Version::V12
        && set.spelling() == SetSpelling::SetField
        && field != Field::VlanTci;
    match (set.short_value(), unused, oxm::short_header(field, version)) {
        (Some(value), Some(unused), Some(header)) if plain => {
            out.u64(25 << 48 | 16 << 32 | u64::from(u32::from_be_bytes(header)));
            out.u64(value.checked_shl(8 * u32::from(unused)).unwrap_or(0));
            true
        }
        _ => false,
    }
}

/// Begins an action of OpenFlow's own; its length is filled in by `end`.
fn begin(out: &mut Writer, kind: u16) -> usize {
    let start = out.len();
    out.u32(u32::from(kind) << 16);
    start
}

/// Pads to 8 bytes and fills in the length.
pub(crate) fn end(out: &mut Writer, start: usize) {
    out.pad8(start);
    out.fill_len(start, start + 2);
}

/// An action with one 32-bit argument or less: `bytes` after the head.
fn simple(out: &mut Writer, kind: u16, bytes: &[u8]) {
    let start = begin(out, kind);
    out.extend_from_slice(bytes);
    end(out, start);
}

fn put_set(out: &mut Writer, field: Field, value: u128, context: &Context<'_>) {
    put_set_field(out, &SetField::new(field, value, u128::MAX), context);
}

/// `set_field` in the best way the version has.
fn put_set_field(out: &mut Writer, set: &SetField, context: &Context<'_>) {
    let version = context.version;
    let modern = version >= Version::V15 || (version >= Version::V12 && set.is_whole());
    let load = set.spelling() == SetSpelling::Load;
    if modern && !(load && version < Version::V15) {
        let start = begin(out, 25);
        put_set_value(out, set, version);
        end(out, start);
        return;
    }
    let variable = set.field().is_tun_metadata();
    if !variable && oxm::has_short_header(set.field()) {
        for (part, value) in load_segments(set) {
            nicira::put_reg_load(out, part, value);
        }
    } else {
        nicira::put_reg_load2(out, |out| put_set_value(out, set, Version::V10));
    }
}

/// The actions of OpenFlow 1.0 or 1.1 that a `set_field` of a whole field was called before there was one.
fn old_form(set: &SetField, version: Version) -> Option<Vec<Action>> {
    if version > Version::V11 || set.spelling() == SetSpelling::Load || !set.is_whole() {
        return None;
    }
    let value = set.value();
    let short = u16::try_from(value & 0xffff).unwrap_or(0);
    let byte = u8::try_from(value & 0xff).unwrap_or(0);
    let mac = EthAddr::from_u64(u64::try_from(value & 0xffff_ffff_ffff).unwrap_or(0));
    let ip = Ipv4Addr::from_bits(u32::try_from(value & 0xffff_ffff).unwrap_or(0));
    let one = match set.field() {
        Field::VlanTci if value & VLAN_CFI != 0 => {
            let pcp = u8::try_from(short >> 13).unwrap_or(0);
            return Some(vec![
                Action::ModVlanVid(short & 0xfff),
                Action::ModVlanPcp(pcp),
            ]);
        }
        Field::VlanTci => Action::StripVlan,
        Field::VlanVid => Action::SetVlanVid(short & 0xfff),
        Field::VlanPcp => Action::SetVlanPcp(byte & 7),
        Field::EthSrc => Action::ModDlSrc(mac),
        Field::EthDst => Action::ModDlDst(mac),
        Field::IpSrc => Action::ModNwSrc(ip),
        Field::IpDst => Action::ModNwDst(ip),
        Field::NwTos => Action::ModNwTos(byte & 0xfc),
        Field::IpDscp => Action::ModNwTos(byte << 2),
        Field::NwEcn if version == Version::V11 => Action::ModNwEcn(byte),
        Field::TcpSrc | Field::UdpSrc => Action::ModTpSrc(short),
        Field::TcpDst | Field::UdpDst => Action::ModTpDst(short),
        _ => return None,
    };
    Some(vec![one])
}

/// True if a `set_field` is among these that OpenFlow 1.0 can only say with Nicira's flow format.
pub(super) fn needs_nicira_form(actions: &[Action]) -> bool {
    actions
        .iter()
        .any(|action| needs_newer_form(action, Version::V10))
}

/// True if this is or has a `set_field` of a field that OpenFlow 1.0 or 1.1 did not know.
pub(crate) fn needs_newer_form(action: &Action, version: Version) -> bool {
    match action {
        Action::SetField(set) => {
            set.spelling() == SetSpelling::SetField && !is_old(set.field(), version)
        }
        Action::Clone(inner) => inner.iter().any(|inner| needs_newer_form(inner, version)),
        Action::Ct(ct) => ct
            .actions
            .iter()
            .any(|inner| needs_newer_form(inner, version)),
        _ => false,
    }
}

/// True if OpenFlow 1.0 or 1.1 could match the field, which is when Open vSwitch writes it in that version.
fn is_old(field: Field, version: Version) -> bool {
    use Field as F;
    match field {
        F::InPort | F::EthSrc | F::EthDst | F::EthType => true,
        F::VlanTci | F::DlVlan | F::VlanVid | F::DlVlanPcp | F::VlanPcp => true,
        F::IpSrc | F::IpDst | F::NwProto | F::NwTos | F::IpDscp => true,
        F::ArpOp | F::ArpSpa | F::ArpTpa | F::IcmpType | F::IcmpCode => true,
        F::TcpSrc | F::TcpDst | F::UdpSrc | F::UdpDst => true,
        F::Metadata
        | F::InPortOxm
        | F::MplsLabel
        | F::MplsTc
        | F::NwEcn
        | F::SctpSrc
        | F::SctpDst => version >= Version::V11,
        _ => version >= Version::V12,
    }
}

/// The OXM entry of a written value.
fn put_set_value(out: &mut Writer, set: &SetField, version: Version) {
    match set.wide_bytes() {
        Some(wide) => {
            if let Some(id) = set.field().wire_id(version) {
                oxm::put_header(out, id, !set.is_whole(), wide.value.len());
                out.extend_from_slice(&wide.value);
                out.extend_from_slice(wide.mask.as_deref().unwrap_or_default());
            }
        }
        None => oxm::put_value(
            out,
            set.field(),
            set.value(),
            (!set.is_whole()).then(|| set.mask()),
            version,
        ),
    }
}

fn put_push_vlan(out: &mut Writer, kind: u16) {
    let [a, b] = kind.to_be_bytes();
    simple(out, 17, &[a, b]);
}

fn put_output(out: &mut Writer, port: Port, max_len: u16, version: Version) {
    if version == Version::V10 {
        let start = begin(out, 0);
        out.u16(port.to_u16().unwrap_or(u16::MAX));
        out.u16(max_len);
        end(out, start);
    } else {
        out.u64(16 << 32 | u64::from(port.0));
        out.u64(u64::from(max_len) << 48);
    }
}

/// The TCP, UDP or SCTP port field that `mod_tp_src` means.
fn transport(matches: &Match, src: bool) -> Field {
    match (matches.nw_proto(), src) {
        (Some(17), true) => Field::UdpSrc,
        (Some(17), false) => Field::UdpDst,
        (Some(132), true) => Field::SctpSrc,
        (Some(132), false) => Field::SctpDst,
        (_, true) => Field::TcpSrc,
        (_, false) => Field::TcpDst,
    }
}

fn put(out: &mut Writer, action: &Action, context: &mut Context<'_>) {
    let version = context.version;
    let v10 = version == Version::V10;
    let v11 = version == Version::V11;
    match action {
        Action::Output(port) => put_output(out, *port, 0, version),
        Action::OutputMaxLen(port, max_len) => put_output(out, *port, *max_len, version),
        Action::OutputController(max_len) => put_output(out, Port::CONTROLLER, *max_len, version),
        Action::Enqueue(port, queue) if v10 => {
            let start = begin(out, 11);
            out.u16(port.to_u16().unwrap_or(u16::MAX));
            out.zeros(6);
            out.u32(*queue);
            end(out, start);
        }
        Action::Enqueue(port, queue) => {
            simple(out, 21, &queue.to_be_bytes());
            put_output(out, *port, u16::MAX, version);
            nicira::put(out, &Action::PopQueue, context);
        }
        Action::Group(group) if !v10 => simple(out, 22, &group.to_be_bytes()),
        Action::SetField(set) => {
            match old_form(set, version) {
                Some(forms) => forms.iter().for_each(|form| put(out, form, context)),
                None => put_set_field(out, set, context),
            }
            if set.field() == Field::VlanTci {
                context.tags().write(set.value());
            }
        }
        Action::Move { src, dst } | Action::CopyField { src, dst } if version >= Version::V15 => {
            let start = begin(out, 28);
            put_copy(out, *src, *dst, version);
            end(out, start);
        }
        Action::CopyField { src, dst } if version >= Version::V13 => {
            let start = begin(out, 0xffff);
            out.u32(ONF);
            out.u16(3200);
            out.zeros(2);
            put_copy(out, *src, *dst, version);
            end(out, start);
        }
        Action::ModVlanVid(vid) | Action::SetVlanVid(vid) if v10 => {
            let [a, b] = vid.to_be_bytes();
            simple(out, 1, &[a, b]);
        }
        Action::ModVlanPcp(pcp) | Action::SetVlanPcp(pcp) if v10 => simple(out, 2, &[*pcp]),
        Action::ModVlanVid(_) | Action::ModVlanPcp(_) if !context.tags().any() => {
            put_push_vlan(out, 0x8100);
            context.tags().need();
            put(out, action, context);
        }
        Action::ModVlanVid(vid) | Action::SetVlanVid(vid) if v11 => {
            let [a, b] = vid.to_be_bytes();
            simple(out, 1, &[a, b]);
        }
        Action::ModVlanPcp(pcp) | Action::SetVlanPcp(pcp) if v11 => simple(out, 2, &[*pcp]),
        Action::ModVlanVid(vid) | Action::SetVlanVid(vid) => {
            put_set(out, Field::VlanVid, VLAN_CFI | u128::from(*vid), context);
        }
        Action::ModVlanPcp(pcp) | Action::SetVlanPcp(pcp) => {
            put_set(out, Field::VlanPcp, u128::from(*pcp), context)
        }
        Action::StripVlan | Action::PopVlan => {
            context.tags().pop();
            simple(out, if v10 { 3 } else { 18 }, &[]);
        }
        Action::PushVlan(kind) if !v10 => {
            context.tags().push();
            put_push_vlan(out, *kind);
        }
        // OpenFlow 1.0 tags a packet by writing to the tag; there is no other way to say it.
        Action::PushVlan(_) => {
            context.tags().push();
        }
        Action::ModDlSrc(mac) if version <= Version::V11 => {
            simple(out, if v10 { 4 } else { 3 }, &mac.0)
        }
        Action::ModDlDst(mac) if version <= Version::V11 => {
            simple(out, if v10 { 5 } else { 4 }, &mac.0)
        }
        Action::ModNwSrc(ip) if version <= Version::V11 => {
            simple(out, if v10 { 6 } else { 5 }, &ip.octets())
        }
        Action::ModNwDst(ip) if version <= Version::V11 => {
            simple(out, if v10 { 7 } else { 6 }, &ip.octets())
        }
        Action::ModNwTos(tos) if version <= Version::V11 => {
            simple(out, if v10 { 8 } else { 7 }, &[*tos])
        }
        Action::ModNwEcn(ecn) if v11 => simple(out, 8, &[*ecn]),
        Action::ModTpSrc(port) if version <= Version::V11 => {
            let [a, b] = port.to_be_bytes();
            simple(out, 9, &[a, b]);
        }
        Action::ModTpDst(port) if version <= Version::V11 => {
            let [a, b] = port.to_be_bytes();
            simple(out, 10, &[a, b]);
        }
        Action::ModDlSrc(mac) => put_set(out, Field::EthSrc, u128::from(mac.to_u64()), context),
        Action::ModDlDst(mac) => put_set(out, Field::EthDst, u128::from(mac.to_u64()), context),
        Action::ModNwSrc(ip) => put_set(out, Field::IpSrc, u128::from(ip.to_bits()), context),
        Action::ModNwDst(ip) => put_set(out, Field::IpDst, u128::from(ip.to_bits()), context),
        Action::ModNwTos(tos) => put_set(out, Field::IpDscp, u128::from(tos >> 2), context),
        Action::ModNwEcn(ecn) if v10 => {
            nicira::put_reg_load(out, Field::NwEcn.into(), u64::from(*ecn))
        }
        Action::ModNwEcn(ecn) => put_set(out, Field::NwEcn, u128::from(*ecn), context),
        Action::ModNwTtl(ttl) if v10 => {
            nicira::put_reg_load(out, Field::NwTtl.into(), u64::from(*ttl))
        }
        Action::ModNwTtl(ttl) => simple(out, 23, &[*ttl]),
        Action::ModTpSrc(port) => put_set(
            out,
            transport(context.matches, true),
            u128::from(*port),
            context,
        ),
        Action::ModTpDst(port) => put_set(
            out,
            transport(context.matches, false),
            u128::from(*port),
            context,
        ),
        Action::SetTunnel(id) if version >= Version::V12 => {
            put_set(out, Field::TunId, u128::from(*id), context)
        }
        Action::SetTunnel64(id) if version >= Version::V12 => {
            put_set(out, Field::TunId, u128::from(*id), context)
        }
        Action::SetMplsLabel(label) if v11 => simple(out, 13, &label.to_be_bytes()),
        Action::SetMplsLabel(label) if !v10 => {
            put_set(out, Field::MplsLabel, u128::from(*label), context)
        }
        Action::SetMplsTc(tc) if v11 => simple(out, 14, &[*tc]),
        Action::SetMplsTc(tc) if !v10 => put_set(out, Field::MplsTc, u128::from(*tc), context),
        Action::SetMplsTtl(ttl) if !v10 => simple(out, 15, &[*ttl]),
        Action::DecMplsTtl if !v10 => simple(out, 16, &[]),
        Action::PushMpls(kind) if !v10 => {
            let [a, b] = kind.to_be_bytes();
            simple(out, 19, &[a, b]);
        }
        Action::PopMpls(kind) if !v10 => {
            let [a, b] = kind.to_be_bytes();
            simple(out, 20, &[a, b]);
        }
        Action::DecTtl(ids) if !v10 && ids.is_empty() => simple(out, 24, &[]),
        Action::SetQueue(queue) if !v10 => simple(out, 21, &queue.to_be_bytes()),
        Action::Meter(meter) if version >= Version::V15 => simple(out, 29, &meter.to_be_bytes()),
        Action::Meter(_) => {}
        Action::Unknown(bytes) => out.extend_from_slice(bytes),
        nicira => nicira::put(out, nicira, context),
    }
}

fn put_copy(out: &mut Writer, src: Subfield, dst: Subfield, version: Version) {
    out.u16(src.bits);
    out.u16(src.offset);
    out.u16(dst.offset);
    out.zeros(2);
    oxm::put_field_for(out, src.field, version);
    oxm::put_field_for(out, dst.field, version);
}
