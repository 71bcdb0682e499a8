//! Packets in one line, as Open vSwitch summarises them: which flow they belong to and the checksum of their transport
//! header. Reads packets no deeper than that line needs.

use crate::field::Slot;
use crate::matching::VLAN_CFI;
use crate::ofpkt::wire::Reader;
use crate::text::number::{dec, hex_digits, hex_padded};
use crate::text::print::{NO_NAMES, fields};
use crate::{EthAddr, Match};

/// A packet's headers as a match of everything they say.
struct Parsed<'a> {
    matches: Match,
    /// The second VLAN tag, if there is a first one; 0 for none.
    inner_tci: Option<u16>,
    /// The MPLS labels under the first, up to the bottom of the stack, of which Open vSwitch knows two.
    lower_labels: Vec<u32>,
    proto: u8,
    /// What follows the IP header.
    l4: Option<Reader<'a>>,
}

impl Parsed<'_> {
    fn put(&mut self, slot: Slot, value: impl Into<u128>) {
        self.matches.put(slot, value.into(), slot.full_mask());
    }

    fn put_eth(&mut self, slot: Slot, address: EthAddr) {
        self.put(slot, address.to_u64());
    }
}

fn is_vlan(eth_type: u16) -> bool {
    matches!(eth_type, 0x8100 | 0x88a8)
}

/// Reads up to two VLAN tags and the Ethernet type behind them.
fn ethernet(parsed: &mut Parsed<'_>, reader: &mut Reader<'_>) -> u16 {
    let (mut dst, mut src) = (EthAddr([0; 6]), EthAddr([0; 6]));
    let (mut outer, mut inner) = (0, None);
    let mut eth_type = 0;
    if reader.len() >= 14 {
        dst = reader.eth().unwrap_or(dst);
        src = reader.eth().unwrap_or(src);
        for level in 0..2 {
            let mut ahead = *reader;
            if !ahead.u16().is_ok_and(is_vlan) || reader.len() < 6 {
                break;
            }
            let tci = ahead.u16().unwrap_or(0) | 0x1000;
            if level == 0 {
                (outer, inner) = (tci, Some(0));
            } else {
                inner = Some(tci);
            }
            *reader = ahead;
        }
        eth_type = ethertype(reader);
    }
    parsed.put(Slot::VlanTci, outer);
    parsed.inner_tci = inner;
    parsed.put_eth(Slot::DlSrc, src);
    parsed.put_eth(Slot::DlDst, dst);
    eth_type
}

/// The Ethernet type, which may hide in a SNAP header; 0x05ff if there is none.
fn ethertype(reader: &mut Reader<'_>) -> u16 {
    const NONE: u16 = 0x05ff;
    let first = reader.u16().unwrap_or(0);
    if first >= 0x600 {
        return first;
    }
    let mut snap = *reader;
    let (Ok(head), Ok(kind)) = (snap.bytes(6), snap.u16()) else {
        return NONE;
    };
    if head == [0xaa, 0xaa, 3, 0, 0, 0] {
        *reader = snap;
        if kind >= 0x600 {
            return kind;
        }
    }
    NONE
}

/// "Bottom of the stack" in an MPLS label.
const MPLS_BOTTOM: u32 = 0x100;

fn parse(packet: &[u8], packet_type: u32) -> Parsed<'_> {
    let mut reader = Reader::new(packet, 0);
    let mut parsed = Parsed {
        matches: Match::new(),
        inner_tci: None,
        lower_labels: Vec::new(),
        proto: 0,
        l4: None,
    };
    let kind = match packet_type {
        ETHERNET => {
            let eth_type = ethernet(&mut parsed, &mut reader);
            parsed.put(Slot::DlType, eth_type);
            eth_type
        }
        other => {
            // The low half is an Ethernet type, in whatever name space.
            parsed.put(Slot::PacketType, other);
            u16::try_from(other & 0xffff).unwrap_or(0)
        }
    };
    match kind {
        0x894f => nsh(&mut parsed, reader),
        0x0800 => ipv4(&mut parsed, reader),
        0x86dd => ipv6(&mut parsed, reader),
        0x0806 | 0x8035 => arp(&mut parsed, reader),
        0x8847 | 0x8848 => {
            let mut label = reader.u32().unwrap_or(0);
            parsed.put(Slot::MplsLse, label);
            while label & MPLS_BOTTOM == 0 && parsed.lower_labels.len() < 2 {
                label = reader.u32().unwrap_or(0);
                parsed.lower_labels.push(label);
            }
        }
        _ => {}
    }
    parsed
}

/// Reads the network service header (RFC 8300), and says of what follows it that nothing is known.
fn nsh(parsed: &mut Parsed<'_>, reader: Reader<'_>) {
    let found = nsh_header(reader).unwrap_or_default();
    let [head, path, context @ ..] = found;
    parsed.put(Slot::NshFlags, (head >> 28) & 3);
    parsed.put(Slot::NshTtl, (head >> 22) & 63);
    parsed.put(Slot::NshMdtype, (head >> 8) & 0xff);
    parsed.put(Slot::NshNp, head & 0xff);
    parsed.put(Slot::NshSpi, path >> 8);
    parsed.put(Slot::NshSi, path & 0xff);
    if (head >> 8) & 0xff == 1 {
        let slots = [Slot::NshC1, Slot::NshC2, Slot::NshC3, Slot::NshC4];
        for (slot, word) in slots.into_iter().zip(context) {
            parsed.put(slot, word);
        }
    }
    ip_fields(parsed, &Ip::default(), None);
}

/// The words of a sane header: base, path, and four of context, which are 0 but in the first form.
fn nsh_header(mut reader: Reader<'_>) -> Option<[u32; 6]> {
    let whole = reader.len();
    let mut words = [0; 6];
    let (base, context) = words.split_at_mut(2);
    for word in base.iter_mut() {
        *word = reader.u32().ok()?;
    }
    let head = *base.first()?;
    let length = usize::try_from((head >> 16) & 63).ok()? * 4;
    if length > whole || head >> 30 != 0 {
        return None;
    }
    match (head >> 8) & 0xff {
        1 if length != 24 => return None,
        1 => {
            for word in context {
                *word = reader.u32().ok()?;
            }
        }
        2 if length < 8 => return None,
        _ => {}
    }
    Some(words)
}

fn arp(parsed: &mut Parsed<'_>, mut reader: Reader<'_>) {
    let mut body = [0u128; 5];
    if reader.len() >= 28
        && reader.bytes(6).is_ok_and(|head| head == [0, 1, 8, 0, 6, 4])
        && let Ok(op) = reader.u16()
        && let (Ok(sha), Ok(spa), Ok(tha), Ok(tpa)) =
            (reader.eth(), reader.u32(), reader.eth(), reader.u32())
    {
        let op = if op <= 0xff { op } else { 0 };
        body = [
            spa.into(),
            tpa.into(),
            op.into(),
            sha.to_u64().into(),
            tha.to_u64().into(),
        ];
    }
    let slots = [
        Slot::NwSrc,
        Slot::NwDst,
        Slot::NwProto,
        Slot::ArpSha,
        Slot::ArpTha,
    ];
    for (slot, value) in slots.into_iter().zip(body) {
        parsed.put(slot, value);
    }
}

/// What the IP header says besides addresses.
#[derive(Default)]
struct Ip {
    proto: u8,
    tos: u8,
    ttl: u8,
    /// 1 a fragment, 3 one that is not the first.
    frag: u8,
}

fn ip_fields<'a>(parsed: &mut Parsed<'a>, ip: &Ip, rest: Option<Reader<'a>>) {
    parsed.proto = ip.proto;
    parsed.l4 = rest;
    parsed.put(Slot::NwProto, ip.proto);
    parsed.put(Slot::NwTos, ip.tos);
    parsed.put(Slot::NwTtl, ip.ttl);
    parsed.put(Slot::NwFrag, ip.frag);
}

fn ipv4<'a>(parsed: &mut Parsed<'a>, reader: Reader<'a>) {
    let Some((ip, src, dst, rest)) = ipv4_header(reader) else {
        parsed.put(Slot::NwSrc, 0u8);
        parsed.put(Slot::NwDst, 0u8);
        return ip_fields(parsed, &Ip::default(), None);
    };
    parsed.put(Slot::NwSrc, src);
    parsed.put(Slot::NwDst, dst);
    ip_fields(parsed, &ip, Some(rest));
    if ip.frag & 2 == 0 {
        transport(parsed, ip.proto, rest, false);
    }
}

/// A sane IPv4 header, and what follows it without the padding of short frames.
fn ipv4_header(mut reader: Reader<'_>) -> Option<(Ip, u32, u32, Reader<'_>)> {
    let whole = reader;
    let ihl = usize::from(reader.u8().ok()? & 15) * 4;
    let tos = reader.u8().ok()?;
    let total = usize::from(reader.u16().ok()?);
    reader.skip(2).ok()?;
    let offset = reader.u16().ok()?;
    let (ttl, proto) = (reader.u8().ok()?, reader.u8().ok()?);
    reader.skip(2).ok()?;
    let (src, dst) = (reader.u32().ok()?, reader.u32().ok()?);
    if ihl < 20 || total < ihl || total > whole.len() {
        return None;
    }
    let mut datagram = whole;
    let mut rest = datagram.sub(total).ok()?;
    rest.skip(ihl).ok()?;
    let frag = match offset & 0x3fff {
        0 => 0,
        0x2000 => 1,
        _ => 3,
    };
    Some((
        Ip {
            proto,
            tos,
            ttl,
            frag,
        },
        src,
        dst,
        rest,
    ))
}

fn ipv6<'a>(parsed: &mut Parsed<'a>, reader: Reader<'a>) {
    let Some((mut ip, label, src, dst, rest)) = ipv6_header(reader) else {
        for slot in [Slot::Ipv6Src, Slot::Ipv6Dst, Slot::Ipv6Label] {
            parsed.put(slot, 0u8);
        }
        return ip_fields(parsed, &Ip::default(), None);
    };
    parsed.put(Slot::Ipv6Src, src);
    parsed.put(Slot::Ipv6Dst, dst);
    parsed.put(Slot::Ipv6Label, label);
    match extensions(&mut ip, rest) {
        None => {
            parsed.put(Slot::Ipv6Label, 0u8);
            ip_fields(parsed, &Ip::default(), None);
        }
        Some(rest) => {
            ip_fields(parsed, &ip, Some(rest));
            if ip.frag & 2 == 0 {
                transport(parsed, ip.proto, rest, true);
            }
        }
    }
}

type Ipv6Header<'a> = (Ip, u32, u128, u128, Reader<'a>);

fn ipv6_header(mut reader: Reader<'_>) -> Option<Ipv6Header<'_>> {
    let first = reader.u32().ok()?;
    let length = usize::from(reader.u16().ok()?);
    let (proto, ttl) = (reader.u8().ok()?, reader.u8().ok()?);
    let (src, dst) = (reader.u128().ok()?, reader.u128().ok()?);
    let rest = reader.sub(length).ok()?;
    let tos = u8::try_from((first >> 20) & 0xff).unwrap_or(0);
    let ip = Ip {
        proto,
        tos,
        ttl,
        frag: 0,
    };
    Some((ip, first & 0xf_ffff, src, dst, rest))
}

/// Passes over extension headers; `None` if they are cut.
fn extensions<'a>(ip: &mut Ip, mut rest: Reader<'a>) -> Option<Reader<'a>> {
    loop {
        let mut ahead = rest;
        match ip.proto {
            0 | 43 | 60 | 51 => {
                if rest.len() < 8 {
                    return None;
                }
                let (next, len) = (ahead.u8().ok()?, usize::from(ahead.u8().ok()?));
                // The authentication header counts in words of 4 bytes, the others in words of 8.
                let total = if ip.proto == 51 {
                    (len + 2) * 4
                } else {
                    (len + 1) * 8
                };
                rest.skip(total).ok()?;
                ip.proto = next;
            }
            44 => {
                let next = ahead.u8().ok()?;
                ahead.skip(1).ok()?;
                let offset = ahead.u16().ok()?;
                ahead.skip(4).ok()?;
                rest = ahead;
                ip.proto = next;
                if offset != 0 {
                    ip.frag = if offset & 0xfff8 != 0 { 3 } else { 1 };
                    if ip.frag == 3 {
                        ip.proto = 44;
                        return Some(rest);
                    }
                }
            }
            _ => return Some(rest),
        }
    }
}

/// Reads a transport header that is all there; of others Open vSwitch says that all is 0. It reads the headers of both
/// versions of IP behind either.
fn transport(parsed: &mut Parsed<'_>, proto: u8, rest: Reader<'_>, v6: bool) {
    if !matches!(proto, 1 | 2 | 6 | 17 | 58 | 132) {
        return;
    }
    let Transport { src, dst, flags } = transport_header(proto, rest).unwrap_or_default();
    parsed.put(Slot::TpSrc, src);
    parsed.put(Slot::TpDst, dst);
    if proto == 6 {
        parsed.put(Slot::TcpFlags, flags);
    }
    if proto == 58 && v6 && dst == 0 && matches!(src, 135 | 136) {
        neighbour(parsed, rest);
    }
}

/// Ports, or a type and a code.
#[derive(Default)]
struct Transport {
    src: u16,
    dst: u16,
    flags: u16,
}

fn transport_header(proto: u8, reader: Reader<'_>) -> Option<Transport> {
    let mut rest = reader;
    let mut found = Transport::default();
    let minimum = match proto {
        6 => 20,
        132 => 12,
        _ => 8,
    };
    if reader.len() < minimum {
        return None;
    }
    if matches!(proto, 1 | 2 | 58) {
        found.src = rest.u8().ok()?.into();
        found.dst = rest.u8().ok()?.into();
        return Some(found);
    }
    found.src = rest.u16().ok()?;
    found.dst = rest.u16().ok()?;
    if proto == 6 {
        rest.skip(8).ok()?;
        let control = rest.u16().ok()?;
        let length = usize::from(control >> 12) * 4;
        if length < minimum || length > reader.len() {
            return None;
        }
        found.flags = control & 0xfff;
    }
    Some(found)
}

/// Neighbour discovery: the target and the link-layer addresses.
fn neighbour(parsed: &mut Parsed<'_>, message: Reader<'_>) {
    let [target, source, destination] = neighbour_body(message).unwrap_or_default();
    parsed.put(Slot::NdTarget, target);
    parsed.put(Slot::NdSll, source);
    parsed.put(Slot::NdTll, destination);
}

/// The three, up to an option that is cut; none of them if one is there twice.
fn neighbour_body(mut message: Reader<'_>) -> Option<[u128; 3]> {
    message.skip(8).ok()?;
    let target = message.u128().ok()?;
    let mut found = [target, 0, 0];
    while message.len() >= 8 {
        let mut head = message;
        let (kind, words) = (head.u8().ok()?, usize::from(head.u8().ok()?));
        if words == 0 || message.skip(words * 8).is_err() {
            break;
        }
        let [_, source, destination] = &mut found;
        let address = match (kind, words) {
            (1, 1) => source,
            (2, 1) => destination,
            _ => continue,
        };
        if *address != 0 {
            return None;
        }
        *address = head.eth().ok()?.to_u64().into();
    }
    Some(found)
}

/// The packet type of Ethernet (OpenFlow 1.5.1, 7.2.3.11).
pub(super) const ETHERNET: u32 = 0;

/// Appends the line of a packet of a type.
pub(super) fn summary(out: &mut String, packet: &[u8], packet_type: u32) {
    let parsed = parse(packet, packet_type);
    let start = out.len();
    fields(out, &NO_NAMES, &parsed.matches, None);
    if let Some(tci) = parsed.inner_tci {
        let mut tag = String::new();
        if u128::from(tci) & VLAN_CFI == 0 {
            tag.push_str(",vlan_tci1=");
            hex_padded(&mut tag, tci.into(), 4);
        } else {
            tag.push_str(",dl_vlan1=");
            dec(&mut tag, (tci & 0xfff).into());
            tag.push_str(",dl_vlan_pcp1=");
            dec(&mut tag, (tci >> 13).into());
        }
        // The tags stand before the addresses.
        let at = out
            .split_at(start)
            .1
            .find(",dl_src=")
            .map_or(out.len(), |at| start + at);
        out.insert_str(at, &tag);
    }
    for (number, label) in (1u64..).zip(&parsed.lower_labels) {
        out.push_str(",mpls_lse");
        dec(out, number);
        out.push('=');
        dec(out, u64::from(*label));
    }
    checksum(out, &parsed);
    out.push('\n');
}

fn checksum(out: &mut String, parsed: &Parsed<'_>) {
    let Some(mut l4) = parsed.l4 else { return };
    let (name, header, offset, bytes) = match parsed.proto {
        6 => (" tcp_csum:", 20, 16, 2),
        17 => (" udp_csum:", 8, 6, 2),
        132 => (" sctp_csum:", 12, 8, 4),
        1 => (" icmp_csum:", 8, 2, 2),
        58 => (" icmp6_csum:", 4, 2, 2),
        _ => return,
    };
    if l4.len() < header || l4.skip(offset).is_err() {
        return;
    }
    let sum = if bytes == 4 {
        l4.u32().unwrap_or(0)
    } else {
        l4.u16().map_or(0, u32::from)
    };
    out.push_str(name);
    hex_digits(out, sum.into(), 1);
}
