//! Writing matches: one pass over the entries, which are stored in the order in which they are written.

use super::Names;
use crate::field::{Field, Format, Prerequisite, Slot};
use crate::matching::Entry;
use crate::text::flags;
use crate::text::number::{dec, eth, hex, hex_digits, hex_padded, ipv4, ipv6, netmask};
use crate::{Match, Port, UnknownField};

/// What the rest of the match makes of shared fields.
struct Context {
    /// The Ethernet type, by `dl_type` or `packet_type`; 0 if neither is matched.
    eth_type: u16,
    /// The IP protocol.
    proto: Option<u8>,
    /// True if the keyword written says the Ethernet type.
    skip_type: bool,
    /// True if the keyword written says the protocol.
    skip_proto: bool,
    /// True if nothing may be left out.
    whole: bool,
    /// The version of ERSPAN, by which Open vSwitch chooses what of it to write.
    erspan: u8,
    /// True if the network service header has contexts, which Open vSwitch writes only then.
    nsh_contexts: bool,
}

impl Context {
    fn is_arp(&self) -> bool {
        matches!(self.eth_type, 0x0806 | 0x8035)
    }
}

/// Appends the fields as Open vSwitch does, separated by commas; `priority=` before them if it is given and not the
/// default. Open vSwitch leaves out some that it matches, see [`whole`].
pub(crate) fn fields(out: &mut String, names: &Names, matches: &Match, priority: Option<u16>) {
    write(out, names, matches, priority, false);
}

/// The same with nothing left out, so that it parses again to the same match.
pub(crate) fn whole(out: &mut String, names: &Names, matches: &Match, priority: Option<u16>) {
    write(out, names, matches, priority, true);
}

fn write(out: &mut String, names: &Names, matches: &Match, priority: Option<u16>, whole: bool) {
    let before = out.len();
    if let Some(priority) = priority
        && priority != crate::DEFAULT_PRIORITY
    {
        out.push_str("priority=");
        dec(out, u64::from(priority));
        out.push(',');
    }
    let mut context = Context {
        eth_type: 0,
        proto: None,
        skip_type: false,
        skip_proto: false,
        whole,
        erspan: 0,
        nsh_contexts: whole,
    };
    for entry in matches.entries() {
        match entry.slot {
            Slot::DlType => context.eth_type = short(&entry),
            Slot::PacketType if entry.value() >> 16 == 1 => context.eth_type = short(&entry),
            Slot::TunErspanVer => {
                context.erspan = u8::try_from(entry.value()).unwrap_or(0);
            }
            Slot::NshMdtype if entry.value() == 1 => context.nsh_contexts = true,
            Slot::NwProto => context.proto = u8::try_from(entry.value()).ok(),
            _ => {}
        }
    }
    let mut deferred_type = false;
    let mut keyword_due = true;
    for entry in matches.entries() {
        if keyword_due && entry.slot >= Slot::PacketType {
            keyword_due = false;
            let in_ethernet =
                |e: Entry<'_>| matches.owner(e.slot).info().prerequisite != Prerequisite::Always;
            if entry.slot != Slot::PacketType
                && matches.slot(Slot::RecircId).is_some()
                && matches.entries().any(in_ethernet)
            {
                out.push_str("eth,");
            }
        }
        // The Ethernet type that no keyword said comes after the addresses.
        if deferred_type && entry.slot > Slot::DlDst {
            deferred_type = false;
            dl_type(out, &context);
        }
        match entry.slot {
            Slot::DlType => {
                keyword(out, &mut context);
                deferred_type = !context.skip_type;
            }
            _ => one(out, names, &entry, &context),
        }
    }
    if deferred_type {
        dl_type(out, &context);
    }
    for field in matches.unknown() {
        unknown(out, &field);
        out.push(',');
    }
    if out.len() > before && out.ends_with(',') {
        out.pop();
    }
}

/// A field that the field table does not have, by its numbers: Open vSwitch has no words for one in a flow.
fn unknown(out: &mut String, field: &UnknownField<'_>) {
    out.push_str("oxm(class=");
    hex_padded(out, u128::from(field.class), 4);
    if let Some(experimenter) = field.experimenter {
        out.push_str(",experimenter=");
        hex_padded(out, u128::from(experimenter), 8);
    }
    out.push_str(",field=");
    dec(out, u64::from(field.number));
    let parts = [(",value=0x", Some(field.value)), (",mask=0x", field.mask)];
    for (label, bytes) in parts {
        if let Some(bytes) = bytes {
            out.push_str(label);
            for byte in bytes {
                hex_digits(out, u128::from(*byte), 2);
            }
        }
    }
    out.push(')');
}

fn short(entry: &Entry<'_>) -> u16 {
    u16::try_from(entry.value() & 0xffff).unwrap_or(0)
}

fn dl_type(out: &mut String, context: &Context) {
    out.push_str("dl_type=");
    hex_padded(out, u128::from(context.eth_type), 4);
    out.push(',');
}

/// The word for an Ethernet type and protocol, if there is one.
fn keyword(out: &mut String, context: &mut Context) {
    context.skip_type = true;
    let word = match (context.eth_type, context.proto) {
        (0x0800, Some(1)) => "icmp,",
        (0x0800, Some(6)) => "tcp,",
        (0x0800, Some(17)) => "udp,",
        (0x0800, Some(132)) => "sctp,",
        (0x86dd, Some(58)) => "icmp6,",
        (0x86dd, Some(6)) => "tcp6,",
        (0x86dd, Some(17)) => "udp6,",
        (0x86dd, Some(132)) => "sctp6,",
        (kind, _) => {
            let word = match kind {
                0x0800 => "ip,",
                0x86dd => "ipv6,",
                0x0806 => "arp,",
                0x8035 => "rarp,",
                0x8847 => "mpls,",
                0x8848 => "mplsm,",
                _ => {
                    context.skip_type = false;
                    return;
                }
            };
            out.push_str(word);
            return;
        }
    };
    context.skip_proto = true;
    out.push_str(word);
}

fn name(out: &mut String, name: &str) {
    out.push_str(name);
    out.push('=');
}

fn number(entry: &Entry<'_>) -> u64 {
    u64::try_from(entry.value() & u128::from(u64::MAX)).unwrap_or(0)
}

/// Decimal if exact, else hexadecimal with its mask.
fn decimal(out: &mut String, label: &str, entry: &Entry<'_>) {
    name(out, label);
    match entry.mask_bytes {
        None => dec(out, number(entry)),
        Some(_) => {
            hex_padded(out, entry.value(), 1);
            out.push('/');
            hex_padded(out, entry.mask(), 1);
        }
    }
    out.push(',');
}

/// Hexadecimal, with its mask if that is not all.
fn hexadecimal(out: &mut String, label: &str, entry: &Entry<'_>) {
    name(out, label);
    hex(out, entry.value());
    if entry.mask_bytes.is_some() {
        out.push('/');
        hex(out, entry.mask());
    }
    out.push(',');
}

/// A number whose mask Open vSwitch does not write.
fn unmasked(out: &mut String, entry: &Entry<'_>, context: &Context, is_hex: bool) {
    let label = match entry.slot {
        Slot::TunGtpuFlags => "gtpu_flags",
        Slot::TunGtpuMsgtype => "gtpu_msgtype",
        slot => crate::matching::plain_view(slot).name(),
    };
    match (context.whole, is_hex) {
        (true, true) => hexadecimal(out, label, entry),
        (true, false) => decimal(out, label, entry),
        (false, true) => {
            name(out, label);
            hex(out, entry.value());
            out.push(',');
        }
        (false, false) => {
            name(out, label);
            dec(out, number(entry));
            out.push(',');
        }
    }
}

fn address(out: &mut String, label: &str, entry: &Entry<'_>) {
    name(out, label);
    match entry.slot.bytes() {
        4 => {
            ipv4(out, entry.value());
            netmask(out, entry.mask(), 32, ipv4);
        }
        16 => {
            ipv6(out, entry.value());
            netmask(out, entry.mask(), 128, ipv6);
        }
        _ => {
            eth(out, entry.value());
            if entry.mask_bytes.is_some() {
                out.push('/');
                eth(out, entry.mask());
            }
        }
    }
    out.push(',');
}

/// A number of one digit, or one in hexadecimal.
fn digit_or_hex(out: &mut String, value: u32) {
    if value > 9 {
        hex(out, value.into());
    } else {
        dec(out, value.into());
    }
}

fn one(out: &mut String, names: &Names, entry: &Entry<'_>, context: &Context) {
    let value = entry.value();
    let low = u32::try_from(value & 0xffff_ffff).unwrap_or(0);
    let low_mask = u32::try_from(entry.mask() & 0xffff_ffff).unwrap_or(0);
    match entry.slot {
        // Ethernet frames are what packets are unless something else is said.
        Slot::PacketType if value == 0 => {}
        Slot::PacketType => {
            out.push_str("packet_type=(");
            digit_or_hex(out, low >> 16);
            out.push(',');
            digit_or_hex(out, low & 0xffff);
            out.push_str("),");
        }
        Slot::CtState => {
            name(out, "ct_state");
            flags::CT_STATE.write(out, low, low_mask);
            out.push(',');
        }
        Slot::TcpFlags => {
            name(out, "tcp_flags");
            flags::TCP.write(out, low, low_mask);
            out.push(',');
        }
        Slot::TunFlags => {
            name(out, "tun_flags");
            flags::TUNNEL.write(out, low, low_mask);
            out.push(',');
        }
        Slot::ActsetOutput | Slot::InPort => {
            name(
                out,
                if entry.slot == Slot::InPort {
                    "in_port"
                } else {
                    "actset_output"
                },
            );
            names.port(out, Port(low));
            out.push(',');
        }
        Slot::VlanTci => vlan(out, low, low_mask),
        Slot::NwSrc if context.is_arp() => address(out, "arp_spa", entry),
        Slot::NwDst if context.is_arp() => address(out, "arp_tpa", entry),
        Slot::NwSrc => address(out, "nw_src", entry),
        Slot::NwDst => address(out, "nw_dst", entry),
        Slot::DlSrc => address(out, "dl_src", entry),
        Slot::DlDst => address(out, "dl_dst", entry),
        Slot::NwProto if context.skip_proto => {}
        Slot::NwProto if context.is_arp() => decimal(out, "arp_op", entry),
        Slot::NwProto => decimal(out, "nw_proto", entry),
        Slot::NwTos => {
            if low_mask & 0xfc != 0 {
                name(out, "nw_tos");
                dec(out, u64::from(low & 0xfc));
                out.push(',');
            }
            if low_mask & 3 != 0 {
                name(out, "nw_ecn");
                dec(out, u64::from(low & 3));
                out.push(',');
            }
        }
        Slot::NwFrag => {
            name(out, "nw_frag");
            out.push_str(frag_word(low, low_mask));
            out.push(',');
        }
        Slot::MplsLse => {
            for (label, shift, bits) in [
                ("mpls_label", 12, 0xf_ffff),
                ("mpls_tc", 9, 7),
                ("mpls_ttl", 0, 0xff),
                ("mpls_bos", 8, 1),
            ] {
                if (low_mask >> shift) & bits != 0 {
                    name(out, label);
                    dec(out, u64::from((low >> shift) & bits));
                    out.push(',');
                }
            }
        }
        Slot::TpSrc | Slot::TpDst => {
            let first = entry.slot == Slot::TpSrc;
            // A number that no ICMP message has is one of a port.
            let icmp = !context.whole || (value <= 0xff && entry.mask_bytes.is_none());
            let label = match context.proto.filter(|_| icmp) {
                Some(1) if context.eth_type == 0x0800 => ["icmp_type", "icmp_code"],
                Some(58) if context.eth_type == 0x86dd => ["icmp_type", "icmp_code"],
                _ => ["tp_src", "tp_dst"],
            };
            let [src, dst] = label;
            decimal(out, if first { src } else { dst }, entry);
        }
        Slot::Ipv6Label => {
            name(out, "ipv6_label");
            hex_padded(out, value, 5);
            if entry.mask_bytes.is_some() {
                out.push('/');
                hex_padded(out, entry.mask(), 5);
            }
            out.push(',');
        }
        Slot::TunErspanVer => unmasked(out, entry, context, false),
        Slot::TunErspanDir if context.whole || context.erspan == 2 => {
            unmasked(out, entry, context, false);
        }
        Slot::TunErspanIdx if context.whole || context.erspan == 1 => {
            unmasked(out, entry, context, true);
        }
        Slot::TunErspanHwid if context.whole || context.erspan == 2 => {
            unmasked(out, entry, context, true);
        }
        Slot::TunErspanDir | Slot::TunErspanIdx | Slot::TunErspanHwid => {}
        Slot::NshFlags if entry.mask_bytes.is_some() => {
            name(out, "nsh_flags");
            hex_padded(out, value, 2);
            out.push('/');
            hex_padded(out, entry.mask(), 2);
            out.push(',');
        }
        Slot::NshC1 | Slot::NshC2 | Slot::NshC3 | Slot::NshC4 if !context.nsh_contexts => {}
        Slot::NshSpi | Slot::NshC1 | Slot::NshC2 | Slot::NshC3 | Slot::NshC4 => {
            name(out, crate::matching::plain_view(entry.slot).name());
            out.push_str("0x");
            hex_digits(out, value, 1);
            if entry.mask_bytes.is_some() {
                out.push('/');
                hex(out, entry.mask());
            }
            out.push(',');
        }
        Slot::TunGbpFlags | Slot::TunGtpuFlags => unmasked(out, entry, context, true),
        Slot::TunGtpuMsgtype => unmasked(out, entry, context, false),
        Slot::RecircId => hexadecimal(out, "recirc_id", entry),
        Slot::CtZone => decimal(out, "ct_zone", entry),
        slot => {
            let field = crate::matching::plain_view(slot);
            if field.is_tun_metadata() {
                tun_metadata(out, field, entry, context.whole);
                return;
            }
            match field.info().format {
                Format::Hex => hexadecimal(out, field.name(), entry),
                Format::Ipv4 | Format::Ipv6 | Format::Ethernet => address(out, field.name(), entry),
                _ => decimal(out, field.name(), entry),
            }
        }
    }
}

/// The word for a match of fragments (ovs-fields(7), `ip_frag`).
pub(crate) fn frag_word(value: u32, mask: u32) -> &'static str {
    match (mask & 3, value & 3) {
        (3, 0) => "no",
        (3, 1) => "first",
        (3, 3) => "later",
        (1, 0) => "no",
        (1, 1) => "yes",
        (2, 0) => "not_later",
        (2, 2) => "later",
        _ => "<error>",
    }
}

fn vlan(out: &mut String, tci: u32, mask: u32) {
    let (vid, pcp, cfi) = (mask & 0xfff, mask & 0xe000, mask & 0x1000);
    let named = cfi != 0
        && tci & 0x1000 != 0
        && (vid == 0 || vid == 0xfff)
        && (pcp == 0 || pcp == 0xe000)
        && (vid != 0 || pcp != 0);
    if named {
        if vid != 0 {
            name(out, "dl_vlan");
            dec(out, u64::from(tci & 0xfff));
            out.push(',');
        }
        if pcp != 0 {
            name(out, "dl_vlan_pcp");
            dec(out, u64::from(tci >> 13));
            out.push(',');
        }
        return;
    }
    name(out, "vlan_tci");
    hex_padded(out, u128::from(tci), 4);
    if mask != 0xffff {
        out.push('/');
        hex_padded(out, u128::from(mask), 4);
    }
    out.push(',');
}

/// Hexadecimal without leading zeros, as long as it may be; the bare name if only its presence is asked for.
fn tun_metadata(out: &mut String, field: Field, entry: &Entry<'_>, whole: bool) {
    out.push_str(field.name());
    // Only the presence of the option is matched.
    if entry
        .mask_bytes
        .is_some_and(|mask| mask.iter().all(|b| *b == 0))
    {
        out.push(',');
        return;
    }
    out.push('=');
    hex_bytes(out, entry.value_bytes);
    // Open vSwitch leaves out a mask of whole bytes at the end.
    let ends = |mask: &[u8]| mask.iter().skip_while(|m| **m == 0).all(|m| *m == 0xff);
    if let Some(mask) = entry.mask_bytes
        && (whole || !ends(mask))
    {
        out.push('/');
        hex_bytes(out, mask);
    }
    out.push(',');
}

/// A number of any length as `%#x`.
pub(crate) fn hex_bytes(out: &mut String, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some((0, tail)) = rest.split_first() {
        rest = tail;
    }
    let Some((first, rest)) = rest.split_first() else {
        out.push('0');
        return;
    };
    out.push_str("0x");
    hex_digits(out, u128::from(*first), 1);
    for byte in rest {
        hex_digits(out, u128::from(*byte), 2);
    }
}

/// A value of a field (and a mask that is not all ones) in the field's own form, as in `set_field`.
pub(crate) fn field_value(
    out: &mut String,
    names: &Names,
    field: Field,
    value: u128,
    mask: Option<u128>,
) {
    let info = field.info();
    let low = u32::try_from(value & 0xffff_ffff).unwrap_or(0);
    match info.format {
        Format::Port | Format::Port16 if mask.is_none() => {
            let port = if info.bytes == 2 {
                Port::from_u16(u16::try_from(low & 0xffff).unwrap_or(0))
            } else {
                Port(low)
            };
            names.port(out, port);
        }
        Format::Ethernet => {
            eth(out, value);
            if let Some(mask) = mask {
                out.push('/');
                eth(out, mask);
            }
        }
        Format::Ipv4 => {
            ipv4(out, value);
            netmask(out, mask.unwrap_or(u128::from(u32::MAX)), 32, ipv4);
        }
        Format::Ipv6 => {
            ipv6(out, value);
            netmask(out, mask.unwrap_or(u128::MAX), 128, ipv6);
        }
        Format::CtState => flags::CT_STATE.write(out, low, low_mask(mask) & 0xff),
        Format::TcpFlags => flags::TCP.write(out, low, low_mask(mask) & 0xfff),
        Format::TunnelFlags => {
            let whole = low_mask(mask) & 1 == 1;
            flags::TUNNEL.write(out, low, if whole { u32::MAX } else { low_mask(mask) });
        }
        Format::Frag => out.push_str(frag_word(low, low_mask(mask) & 3)),
        Format::PacketType => {
            out.push('(');
            dec(out, u64::from(low >> 16));
            out.push(',');
            hex(out, u128::from(low & 0xffff));
            out.push(')');
        }
        Format::Decimal | Format::Port | Format::Port16 => {
            dec(
                out,
                u64::try_from(value & u128::from(u64::MAX)).unwrap_or(0),
            );
            if let Some(mask) = mask {
                out.push('/');
                hex(out, mask);
            }
        }
        _ => {
            hex(out, value);
            if let Some(mask) = mask {
                out.push('/');
                hex(out, mask);
            }
        }
    }
}

fn low_mask(mask: Option<u128>) -> u32 {
    mask.map_or(u32::MAX, |m| u32::try_from(m & 0xffff_ffff).unwrap_or(0))
}
