//! Packets for and from the controller, with a line that says what is in the packet.

use super::{Printed, Style, dump};
use crate::field::Field;
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{Body, Message, PacketIn, PacketIn2};
use crate::text::print::{NO_NAMES, action_list, fields, packet_in_reason};
use crate::{Match, Version};
use std::fmt::Write;

pub(super) fn packet_in(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
    name: &str,
) -> Printed {
    let mut userdata = Vec::new();
    let found = match name {
        "NXT_PACKET_IN2" | "NXT_RESUME" => {
            let second = PacketIn2::read(reader)?;
            userdata.clone_from(&second.userdata);
            let full = second.full_len.map(|len| u16::try_from(len).unwrap_or(u16::MAX));
            PacketIn {
                buffer_id: second.buffer_id.unwrap_or(u32::MAX),
                total_len: full.unwrap_or(u16::try_from(second.data.len()).unwrap_or(u16::MAX)),
                reason: second.reason.unwrap_or(0),
                table: second.table.unwrap_or(0),
                cookie: second.cookie.unwrap_or(u64::MAX),
                metadata: second.metadata.unwrap_or_default(),
                data: second.data,
            }
        }
        "NXT_PACKET_IN" => PacketIn::read_nx(reader)?,
        _ => PacketIn::read(reader, version)?,
    };
    let total_len = usize::from(found.total_len);
    if found.table != 0 {
        let _ = write!(out, " table_id={}", found.table);
    }
    if found.cookie != u64::MAX {
        let _ = write!(out, " cookie={:#x}", found.cookie);
    }
    let _ = write!(out, " total_len={} ", found.total_len);
    fields(out, style.names, &found.metadata, None);
    out.push_str(" (via ");
    match packet_in_reason(found.reason) {
        Some(reason) => out.push_str(reason),
        None => {
            let _ = write!(out, "{}", found.reason);
        }
    }
    let _ = write!(out, ") data_len={}", found.data.len());
    match found.buffer_id {
        u32::MAX => {
            out.push_str(" (unbuffered)");
            if total_len != found.data.len() {
                out.push_str(" (***total_len != data_len***)");
            }
        }
        id => {
            let _ = write!(out, " buffer=0x{id:08x}");
            if total_len < found.data.len() {
                out.push_str(" (***total_len < data_len***)");
            }
        }
    }
    out.push('\n');
    if !userdata.is_empty() {
        out.push_str(" userdata=");
        for (i, byte) in userdata.iter().enumerate() {
            let _ = write!(out, "{}{byte:02x}", if i > 0 { "." } else { "" });
        }
        out.push('\n');
    }
    if style.verbosity > 0 {
        packet(out, &found.data);
    }
    if style.verbosity > 2 {
        dump(out, &found.data, false);
    }
    Ok(())
}

pub(super) fn packet_out(out: &mut String, message: &Message, style: &Style<'_>) -> Printed {
    let Body::PacketOut(found) = &message.body else {
        return Ok(());
    };
    out.push(' ');
    if message.version >= Version::V15 {
        fields(out, style.names, &found.metadata, None);
    } else {
        out.push_str("in_port=");
        style.names.port(out, found.in_port());
    }
    out.push_str(" actions=");
    action_list(out, style.names, &found.actions);
    if found.buffer_id == u32::MAX {
        let _ = write!(out, " data_len={}", found.data.len());
        if style.verbosity > 0 && !found.data.is_empty() {
            out.push('\n');
            packet(out, &found.data);
            if style.verbosity > 2 {
                dump(out, &found.data, false);
            }
        }
    } else {
        let _ = write!(out, " buffer=0x{:08x}", found.buffer_id);
    }
    Ok(())
}

/// What is in an Ethernet packet, as one line.
fn packet(out: &mut String, data: &[u8]) {
    let (matches, checksum, tagged) = dissect(data);
    let mut line = String::new();
    fields(&mut line, &NO_NAMES, &matches, None);
    if tagged && let Some(at) = line.find("dl_vlan_pcp=") {
        let end = line
            .get(at..)
            .and_then(|rest| rest.find(','))
            .map_or(line.len(), |n| at + n);
        line.insert_str(end, ",vlan_tci1=0x0000");
    }
    out.push_str(&line);
    if let Some((name, value)) = checksum {
        let _ = write!(out, " {name}_csum:{value:x}");
    }
    out.push('\n');
}

type Checksum = Option<(&'static str, u16)>;

/// The fields of a packet, a checksum of its transport header, and whether it has a VLAN tag.
fn dissect(data: &[u8]) -> (Match, Checksum, bool) {
    let mut matches = Match::new();
    let mut reader = Reader::new(data, 0);
    let mut tagged = false;
    let checksum = ethernet(&mut matches, &mut reader, &mut tagged).unwrap_or(None);
    (matches, checksum, tagged)
}

fn ethernet(m: &mut Match, reader: &mut Reader<'_>, tagged: &mut bool) -> Result<Checksum, crate::ofpkt::DecodeError> {
    let exact = u128::MAX;
    let (dst, src) = (reader.eth()?, reader.eth()?);
    m.set(Field::EthSrc, u128::from(src.to_u64()), exact);
    m.set(Field::EthDst, u128::from(dst.to_u64()), exact);
    let mut kind = reader.u16()?;
    let mut tci = 0;
    if matches!(kind, 0x8100 | 0x88a8) && reader.len() >= 4 {
        tci = reader.u16()? | 0x1000;
        kind = reader.u16()?;
        *tagged = true;
    }
    m.set(Field::VlanTci, u128::from(tci), exact);
    if kind < 0x600 {
        kind = llc(reader);
    }
    m.set(Field::EthType, u128::from(kind), exact);
    match kind {
        0x0800 => ipv4(m, reader),
        0x86dd => ipv6(m, reader),
        0x0806 | 0x8035 => arp(m, reader).map(|()| None),
        _ => Ok(None),
    }
}

/// The Ethernet type in a SNAP header, or the number that stands for "none".
fn llc(reader: &mut Reader<'_>) -> u16 {
    let mut head = *reader;
    match (head.u8(), head.u8(), head.u8(), head.bytes(3), head.u16()) {
        (Ok(0xaa), Ok(0xaa), Ok(3), Ok([0, 0, 0]), Ok(kind)) if kind >= 0x600 => {
            *reader = head;
            kind
        }
        _ => 0x05ff,
    }
}

fn arp(m: &mut Match, reader: &mut Reader<'_>) -> Printed {
    let exact = u128::MAX;
    let mut zero = |field| m.set(field, 0, exact);
    for field in [Field::ArpSpa, Field::ArpTpa, Field::ArpOp, Field::ArpSha, Field::ArpTha] {
        zero(field);
    }
    let (hardware, protocol, sizes) = (reader.u16()?, reader.u16()?, reader.u16()?);
    if (hardware, protocol, sizes) != (1, 0x0800, 0x0604) {
        return Ok(());
    }
    let op = reader.u16()?;
    let (sha, spa, tha, tpa) = (reader.eth()?, reader.u32()?, reader.eth()?, reader.u32()?);
    m.set(Field::ArpOp, if op <= 0xff { u128::from(op) } else { 0 }, exact);
    m.set(Field::ArpSpa, u128::from(spa), exact);
    m.set(Field::ArpTpa, u128::from(tpa), exact);
    m.set(Field::ArpSha, u128::from(sha.to_u64()), exact);
    m.set(Field::ArpTha, u128::from(tha.to_u64()), exact);
    Ok(())
}

fn ip_head(m: &mut Match, proto: u8, tos: u8, ttl: u8, frag: u128) {
    let exact = u128::MAX;
    m.set(Field::NwProto, u128::from(proto), exact);
    m.set(Field::IpDscp, u128::from(tos >> 2), exact);
    m.set(Field::NwEcn, u128::from(tos & 3), exact);
    m.set(Field::NwTtl, u128::from(ttl), exact);
    m.set(Field::IpFrag, frag, exact);
}

fn ipv4(m: &mut Match, reader: &mut Reader<'_>) -> Result<Checksum, crate::ofpkt::DecodeError> {
    let exact = u128::MAX;
    m.set(Field::IpSrc, 0, exact);
    m.set(Field::IpDst, 0, exact);
    ip_head(m, 0, 0, 0, 0);
    let available = reader.len();
    let mut head = *reader;
    let version = head.u8()?;
    let size = usize::from(version & 15) * 4;
    let (tos, total) = (head.u8()?, usize::from(head.u16()?));
    // A header that does not fit the packet is no header.
    if version >> 4 != 4 || size < 20 || size > available || total > available || total < size {
        return Ok(None);
    }
    head.skip(2)?;
    let offset = head.u16()?;
    let (ttl, proto) = (head.u8()?, head.u8()?);
    head.skip(2)?;
    let (src, dst) = (head.u32()?, head.u32()?);
    m.set(Field::IpSrc, u128::from(src), exact);
    m.set(Field::IpDst, u128::from(dst), exact);
    let frag = match (offset & 0x1fff != 0, offset & 0x3fff != 0) {
        (true, _) => 3,
        (false, true) => 1,
        _ => 0,
    };
    ip_head(m, proto, tos, ttl, frag);
    if frag == 3 {
        return Ok(None);
    }
    let mut payload = reader.sub(total)?;
    payload.skip(size)?;
    transport(m, proto, &mut payload)
}

fn ipv6(m: &mut Match, reader: &mut Reader<'_>) -> Result<Checksum, crate::ofpkt::DecodeError> {
    let exact = u128::MAX;
    for field in [Field::Ipv6Src, Field::Ipv6Dst, Field::Ipv6Label] {
        m.set(field, 0, exact);
    }
    ip_head(m, 0, 0, 0, 0);
    let first = reader.u32()?;
    let length = usize::from(reader.u16()?);
    let (mut proto, ttl) = (reader.u8()?, reader.u8()?);
    let (src, dst) = (reader.u128()?, reader.u128()?);
    m.set(Field::Ipv6Src, src, exact);
    m.set(Field::Ipv6Dst, dst, exact);
    m.set(Field::Ipv6Label, u128::from(first & 0xf_ffff), exact);
    let tos = u8::try_from(first >> 20 & 0xff).unwrap_or(0);
    let length = length.min(reader.len());
    let mut payload = reader.sub(length)?;
    let mut frag = 0;
    // Headers in between are passed over; each takes at least eight bytes.
    while matches!(proto, 0 | 43 | 44 | 60) && payload.len() >= 8 {
        let next = payload.u8()?;
        let size = payload.u8()?;
        if proto == 44 {
            let offset = payload.u16()?;
            payload.skip(4)?;
            frag = if offset & 0xfff8 != 0 { 3 } else { 1 };
        } else {
            payload.skip(6)?;
            payload.skip(usize::from(size) * 8)?;
        }
        proto = next;
    }
    ip_head(m, proto, tos, ttl, frag);
    if frag == 3 {
        return Ok(None);
    }
    transport(m, proto, &mut payload)
}

fn transport(m: &mut Match, proto: u8, payload: &mut Reader<'_>) -> Result<Checksum, crate::ofpkt::DecodeError> {
    let exact = u128::MAX;
    let (src, dst) = match proto {
        6 => (Field::TcpSrc, Field::TcpDst),
        17 => (Field::UdpSrc, Field::UdpDst),
        132 => (Field::SctpSrc, Field::SctpDst),
        1 if m.eth_type() == Some(0x0800) => (Field::IcmpType, Field::IcmpCode),
        58 if m.eth_type() == Some(0x86dd) => (Field::Icmpv6Type, Field::Icmpv6Code),
        _ => return Ok(None),
    };
    m.set(src, 0, exact);
    m.set(dst, 0, exact);
    if proto == 6 {
        m.set(Field::TcpFlags, 0, exact);
    }
    let whole = match proto {
        6 => 20,
        17 => 8,
        132 => 12,
        _ => 4,
    };
    if payload.len() < whole {
        return Ok(None);
    }
    let (first, second) = match proto {
        6 | 17 | 132 => (payload.u16()?, payload.u16()?),
        _ => (u16::from(payload.u8()?), u16::from(payload.u8()?)),
    };
    m.set(src, u128::from(first), exact);
    m.set(dst, u128::from(second), exact);
    Ok(match proto {
        6 => {
            payload.skip(8)?;
            m.set(Field::TcpFlags, u128::from(payload.u16()? & 0xfff), exact);
            payload.skip(2)?;
            Some(("tcp", payload.u16()?))
        }
        17 => {
            payload.skip(2)?;
            Some(("udp", payload.u16()?))
        }
        132 => {
            payload.skip(4)?;
            Some(("sctp", payload.u16()?))
        }
        1 => Some(("icmp", payload.u16()?)),
        _ => Some(("icmp6", payload.u16()?)),
    })
}
