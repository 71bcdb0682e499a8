//! The match of OpenFlow 1.0 as it is on the wire, field by field, those too that are open, without the sense that later
//! versions make of it.

use super::Style;
use crate::Port;
use crate::ofpkt::DecodeError;
use crate::ofpkt::wire::Reader;
use crate::text::number::{eth, ipv4};
use std::fmt::Write;

pub(super) fn write(
    out: &mut String,
    reader: &mut Reader<'_>,
    style: &Style<'_>,
) -> Result<(), DecodeError> {
    let wild = reader.u32()?;
    let in_port = Port::from_u16(reader.u16()?);
    let (src, dst) = (reader.eth()?, reader.eth()?);
    let (vlan, pcp) = (reader.u16()?, reader.u8()?);
    reader.skip(1)?;
    let kind = reader.u16()?;
    let (tos, proto) = (reader.u8()?, reader.u8()?);
    reader.skip(2)?;
    let (nw_src, nw_dst) = (reader.u32()?, reader.u32()?);
    let (tp_src, tp_dst) = (reader.u16()?, reader.u16()?);
    let has = |bit: u32| wild >> bit & 1 == 0;
    let (has_type, has_proto) = (has(4), has(5));
    let word = match (has_type.then_some(kind), has_proto.then_some(proto)) {
        (Some(0x0800), Some(1)) => "icmp,",
        (Some(0x0800), Some(6)) => "tcp,",
        (Some(0x0800), Some(17)) => "udp,",
        (Some(0x0800), Some(132)) => "sctp,",
        (Some(0x0800), _) => "ip,",
        (Some(0x0806), _) => "arp,",
        (Some(0x8035), _) => "rarp,",
        (Some(0x8847), _) => "mpls,",
        (Some(0x8848), _) => "mplsm,",
        _ => "",
    };
    out.push_str(word);
    let mut field = |name: &str, known: bool, value: &dyn Fn(&mut String)| {
        out.push_str(name);
        match known {
            true => value(out),
            false => out.push('*'),
        }
        out.push(',');
    };
    let number = |value: u16| {
        move |out: &mut String| {
            let _ = write!(out, "{value}");
        }
    };
    field("in_port=", has(0), &|out| style.names.port(out, in_port));
    field("dl_vlan=", has(1), &number(vlan));
    field("dl_vlan_pcp=", has(20), &number(pcp.into()));
    for (bit, name, mac) in [(2, "dl_src=", src), (3, "dl_dst=", dst)] {
        field(name, has(bit), &|out| eth(out, u128::from(mac.to_u64())));
    }
    if word.is_empty() {
        field("dl_type=", has_type, &|out| {
            let _ = write!(out, "0x{kind:04x}");
        });
    }
    for (shift, name, address) in [(8, "nw_src=", nw_src), (14, "nw_dst=", nw_dst)] {
        let open = wild >> shift & 0x3f;
        field(name, open < 32, &|out| {
            ipv4(out, u128::from(address));
            if open > 0 {
                let _ = write!(out, "/{}", 32u32.saturating_sub(open));
            }
        });
    }
    if !matches!(word, "icmp," | "tcp," | "udp," | "sctp,") {
        let arp = matches!(kind, 0x0806 | 0x8035);
        let name = if arp { "arp_op=" } else { "nw_proto=" };
        field(name, has_proto, &number(proto.into()));
    }
    field("nw_tos=", has(21), &number(tos.into()));
    let names = if proto == 1 {
        ["icmp_type=", "icmp_code="]
    } else {
        ["tp_src=", "tp_dst="]
    };
    for (bit, name, port) in [(6, names[0], tp_src), (7, names[1], tp_dst)] {
        field(name, has(bit), &number(port));
    }
    if out.ends_with(',') {
        out.pop();
    }
    Ok(())
}
