//! Packets for and from the controller, with a line that says what is in the packet.

use super::summary::{ETHERNET, summary};
use super::{Printed, Style, dump};
use crate::field::Slot;
use crate::ofpkt::continuation::{self, Continuation};
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{Body, Message, PacketIn, PacketIn2};
use crate::text::print::{action_list, fields, packet_in_reason};
use crate::{Field, Match, Version};
use std::fmt::Write;

pub(super) fn packet_in(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
    name: &str,
) -> Printed {
    let mut userdata = Vec::new();
    // The newest form has more bits for it.
    let mut full_len = None;
    let mut carried = Continuation::default();
    let found = match name {
        "NXT_PACKET_IN2" | "NXT_RESUME" => {
            let second = PacketIn2::read(reader)?;
            userdata.clone_from(&second.userdata);
            carried =
                continuation::read(second.continuation.as_deref().unwrap_or_default(), version)?;
            full_len = second.full_len.filter(|len| *len != 0);
            PacketIn {
                buffer_id: second.buffer_id.unwrap_or(u32::MAX),
                total_len: u16::try_from(second.data.len()).unwrap_or(u16::MAX),
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
    let total_len = match full_len {
        Some(len) => usize::try_from(len).unwrap_or(usize::MAX),
        None => found.total_len.into(),
    };
    if found.table != 0 {
        let _ = write!(out, " table_id={}", found.table);
    }
    if found.cookie != u64::MAX {
        let _ = write!(out, " cookie={:#x}", found.cookie);
    }
    let _ = write!(out, " total_len={total_len} ");
    fields(out, style.names, &told(&found.metadata), None);
    out.push_str(" (via ");
    match packet_in_reason(found.reason) {
        Some(reason) => out.push_str(reason),
        // Open vSwitch has these two kinds of misses, and no word for them.
        None if matches!(found.reason, 6 | 7) => {}
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
    super::continuation::continuation(out, &carried, style);
    if style.verbosity > 0 {
        summary(out, &found.data, packet_type(&found.metadata));
    }
    if style.verbosity > 2 {
        dump(out, &found.data, false);
    }
    Ok(())
}

/// What of the metadata is told: not what packets of its type do not have, which may be said all the same.
fn told(metadata: &Match) -> Match {
    let mut found = metadata.clone();
    let kind = metadata.eth_type();
    let (arp, v6) = (matches!(kind, Some(0x0806 | 0x8035)), kind == Some(0x86dd));
    let icmp6 = v6 && metadata.nw_proto() == Some(58);
    let tcp = matches!(kind, Some(0x0800 | 0x86dd)) && metadata.nw_proto() == Some(6);
    let missing = |slot: Slot| match slot {
        Slot::ArpSha | Slot::ArpTha => !arp,
        Slot::Ipv6Src | Slot::Ipv6Dst | Slot::Ipv6Label => !v6,
        Slot::NwSrc | Slot::NwDst => v6 || kind == Some(0x894f),
        Slot::NdTarget | Slot::NdSll | Slot::NdTll | Slot::NdReserved | Slot::NdOptionsType => {
            !icmp6
        }
        Slot::TcpFlags => !tcp,
        Slot::NshFlags
        | Slot::NshTtl
        | Slot::NshMdtype
        | Slot::NshNp
        | Slot::NshSpi
        | Slot::NshSi
        | Slot::NshC1
        | Slot::NshC2
        | Slot::NshC3
        | Slot::NshC4 => kind != Some(0x894f),
        _ => false,
    };
    let slots: Vec<Slot> = metadata.entries().map(|entry| entry.slot).collect();
    for slot in slots.into_iter().filter(|slot| missing(*slot)) {
        found.remove(slot);
    }
    found
}

/// What kind of packet comes with this metadata.
fn packet_type(metadata: &Match) -> u32 {
    let said = metadata.get(Field::PacketType);
    said.and_then(|found| u32::try_from(found.value).ok())
        .unwrap_or(ETHERNET)
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
            summary(out, &found.data, packet_type(&found.metadata));
            if style.verbosity > 2 {
                dump(out, &found.data, false);
            }
        }
    } else {
        let _ = write!(out, " buffer=0x{:08x}", found.buffer_id);
    }
    Ok(())
}
