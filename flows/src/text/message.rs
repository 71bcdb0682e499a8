//! Whole messages as `ovs-ofctl ofp-print` writes them: a head with name, version and transaction id, then what the message
//! says; what can not be read is shown as an error and in hexadecimal.

mod action_names;
mod continuation;
mod ct_flush;
mod field_order;
mod flow;
mod group;
mod match10;
mod meter;
mod packet;
mod port;
mod port_stats;
mod queue;
mod summary;
mod switch;
mod table;
pub(crate) mod table_features;

pub(crate) use action_names::action_names;
pub use table_features::format_table_features;

use super::Names;
use super::number::{hex, hex_digits};
use crate::Version;
use crate::ofpkt::registry;
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{DecodeError, Message, OfpError};
use std::fmt::Write;

/// How a message is written.
pub(crate) struct Style<'a> {
    pub(crate) names: &'a Names,
    /// 0 to 3 and more, as the second argument of `ovs-ofctl ofp-print`.
    pub(crate) verbosity: u8,
    /// How many messages stand around this one.
    pub(crate) depth: u8,
}

/// Messages in messages in messages are told only so deep: no switch sends them, and a stack ends somewhere.
pub(crate) const MAX_DEPTH: u8 = 8;

/// What a printer of a body gives: nothing but text, or the error to show in its place.
pub(crate) type Printed = Result<(), DecodeError>;

/// Reads to the end, or to what can not be read: what is before it is told as well.
fn as_many<T>(
    reader: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> (Vec<T>, Printed) {
    let mut all = Vec::new();
    let mut outcome = Ok(());
    while outcome.is_ok() && !reader.is_empty() {
        outcome = read(reader).map(|one| all.push(one));
    }
    (all, outcome)
}

/// Writes a message as `ovs-ofctl ofp-print` does, with a line feed at the end.
#[must_use]
pub fn print_message(bytes: &[u8], verbosity: u8, names: &Names) -> String {
    let mut out = String::new();
    message(
        &mut out,
        bytes,
        &Style {
            names,
            verbosity,
            depth: 0,
        },
    );
    out
}

pub(crate) fn message(out: &mut String, bytes: &[u8], style: &Style<'_>) {
    if bytes.is_empty() {
        out.push_str("OpenFlow message is empty\n");
        return;
    }
    let Some([_, _, high, low, _, _, _, _]) = bytes.first_chunk::<8>() else {
        let _ = writeln!(
            out,
            "OpenFlow packet too short (only {} bytes):",
            bytes.len()
        );
        return dump(out, bytes, true);
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > bytes.len() {
        if let Ok((name, _, xid)) = head(bytes, true) {
            write_head(out, name, bytes, xid);
            out.push('\n');
        }
        let _ = writeln!(
            out,
            "(***truncated to {} bytes from {length}***)",
            bytes.len()
        );
        return dump(out, bytes, true);
    }
    if length < bytes.len() {
        let _ = writeln!(
            out,
            "(***only uses {length} bytes out of {}***)",
            bytes.len()
        );
        return dump(out, bytes, true);
    }
    let found = head(bytes, false);
    let printed = match found {
        Ok((name, version, xid)) => {
            write_head(out, name, bytes, xid);
            body(out, bytes, name, version, style).map_err(|e| e.error)
        }
        Err(error) => Err(error),
    };
    if let Err(error) = printed {
        // What was told before the mistake stays on lines of its own.
        while out.ends_with(' ') {
            out.pop();
        }
        if out.ends_with("):") {
            out.push(' ');
        } else if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        let _ = writeln!(out, "***decode error: {error}***");
        return dump(out, bytes, true);
    }
    while out.ends_with(' ') {
        out.pop();
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    if style.verbosity >= 5 {
        dump(out, bytes, true);
    }
}

fn write_head(out: &mut String, name: &str, bytes: &[u8], xid: u32) {
    out.push_str(name);
    let number = bytes.first().copied().unwrap_or_default();
    match Version::from_wire(number) {
        Some(Version::V10) => {}
        Some(version) => {
            let _ = write!(out, " ({version})");
        }
        // One of another century.
        None => {
            let _ = write!(out, " (OF 0x{number:02x})");
        }
    }
    let _ = write!(out, " (xid={xid:#x}):");
}

/// Sixteen bytes a line, in hexadecimal and, if asked for, as characters.
pub(crate) fn dump(out: &mut String, bytes: &[u8], ascii: bool) {
    for (line, chunk) in bytes.chunks(16).enumerate() {
        let _ = write!(out, "{:08x} ", line * 16);
        for n in 0..16 {
            out.push(if n == 8 { '-' } else { ' ' });
            match chunk.get(n) {
                Some(byte) => hex_digits(out, u128::from(*byte), 2),
                None if ascii => out.push_str("  "),
                None => {}
            }
        }
        // A line that ends before its middle has no mark there.
        if chunk.len() < 8 {
            let at = out.len() - if ascii { 3 * 8 } else { 8 };
            out.replace_range(at..=at, " ");
        }
        if ascii {
            out.push_str(" |");
            for n in 0..16 {
                out.push(match chunk.get(n) {
                    Some(byte @ 0x20..=0x7e) => char::from(*byte),
                    Some(_) => '.',
                    None => ' ',
                });
            }
            out.push('|');
        } else {
            while out.ends_with(' ') {
                out.pop();
            }
        }
        out.push('\n');
    }
}

/// Name, version and transaction id of a message; `partial` if it is not all there.
fn head(bytes: &[u8], partial: bool) -> Result<(&'static str, Version, u32), OfpError> {
    let mut reader = Reader::new(bytes, 0);
    let entry = if partial {
        registry::find_partial(bytes)
    } else {
        registry::find(reader).map(|(entry, _)| entry)
    };
    let entry = entry.map_err(|e| e.error)?;
    let version = reader.u8().map_err(|e| e.error)?;
    reader.skip(3).map_err(|e| e.error)?;
    let xid = reader.u32().map_err(|e| e.error)?;
    // The head, echoes and errors are the same in all versions, also in those to come.
    Ok((
        entry.name,
        Version::from_wire(version).unwrap_or(Version::V10),
        xid,
    ))
}

/// Writes what follows the head.
fn body(
    out: &mut String,
    bytes: &[u8],
    name: &str,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let mut reader = Reader::new(bytes, 0);
    reader.skip(8)?;
    if name.contains("ST_") {
        let mut flags = reader;
        flags.skip(2)?;
        // That more of a question follows can be said since OpenFlow 1.3.
        let more = !name.ends_with("request") || version >= Version::V13;
        stats_flags(out, flags.u16()?, more);
        reader.skip(if version == Version::V10 { 4 } else { 8 })?;
        if name.starts_with("NXST") || name.starts_with("ONFST") {
            // In OpenFlow 1.0 four bytes of padding follow the vendor's number of the question.
            reader.skip(if version == Version::V10 { 12 } else { 8 })?;
        }
    } else if name.starts_with("NXT_") || name.starts_with("ONFT_") {
        reader.skip(8)?;
    }
    match name {
        "OFPT_HELLO" => {
            switch::hello(out, bytes, bytes.first().copied().unwrap_or_default());
            Ok(())
        }
        "OFPT_ERROR" => switch::error(out, &mut reader, version, style),
        "OFPT_ECHO_REQUEST" | "OFPT_ECHO_REPLY" => {
            let _ = writeln!(out, " {} bytes of payload", reader.len());
            if style.verbosity > 1 {
                dump(out, reader.rest(), true);
            }
            Ok(())
        }
        "OFPT_FEATURES_REPLY" => switch::features(out, &mut reader, version, style),
        "OFPT_GET_CONFIG_REPLY" | "OFPT_SET_CONFIG" => {
            switch::config(out, &mut reader, version, name)
        }
        "OFPT_ROLE_REQUEST" | "OFPT_ROLE_REPLY" | "NXT_ROLE_REQUEST" | "NXT_ROLE_REPLY" => {
            switch::role(out, &mut reader, name)
        }
        "OFPT_ROLE_STATUS" | "ONFT_ROLE_STATUS" => switch::role_status(out, &mut reader),
        "OFPT_GET_ASYNC_REPLY"
        | "OFPT_SET_ASYNC"
        | "NXT_SET_ASYNC_CONFIG"
        | "NXT_SET_ASYNC_CONFIG2" => switch::async_config(out, &mut reader, version, name),
        "OFPST_DESC reply" => switch::desc(out, &mut reader),
        "OFPST_TABLE reply" => table_features::stats(out, &mut reader, version),
        "OFPST_TABLE_FEATURES request" | "OFPST_TABLE_FEATURES reply" => {
            table_features::features(out, &mut reader, version)
        }
        "NXT_SET_FLOW_FORMAT" => switch::flow_format(out, &mut reader),
        "NXT_FLOW_MOD_TABLE_ID" => switch::flow_mod_table_id(out, &mut reader),
        "NXT_SET_PACKET_IN_FORMAT" => switch::packet_in_format(out, &mut reader),
        "NXT_SET_CONTROLLER_ID" => switch::controller_id(out, &mut reader),
        "NXST_IPFIX_BRIDGE reply" | "NXST_IPFIX_FLOW reply" => {
            switch::ipfix(out, &mut reader, name)
        }
        "NXT_CT_FLUSH" => ct_flush::ct_flush(out, &mut reader),
        "NXT_CT_FLUSH_ZONE" => switch::flush_zone(out, &mut reader),
        "NXT_FLOW_MONITOR_CANCEL" | "ONFT_FLOW_MONITOR_CANCEL" => {
            let _ = write!(out, " id={}", reader.u32()?);
            Ok(())
        }
        "OFPT_BUNDLE_CONTROL" | "ONFT_BUNDLE_CONTROL" => switch::bundle_control(out, &mut reader),
        "OFPT_BUNDLE_ADD_MESSAGE" | "ONFT_BUNDLE_ADD_MESSAGE" => {
            switch::bundle_add(out, &mut reader, bytes, style)
        }
        "OFPT_REQUESTFORWARD" | "ONFT_REQUESTFORWARD" | "NXT_REQUESTFORWARD" => {
            switch::request_forward(out, &mut reader, version, style)
        }
        "OFPT_FLOW_MOD" | "NXT_FLOW_MOD" => flow::flow_mod(out, bytes, style, name),
        "OFPT_FLOW_REMOVED" | "NXT_FLOW_REMOVED" => {
            flow::removed(out, &mut reader, version, style, name)
        }
        "OFPST_FLOW request"
        | "OFPST_AGGREGATE request"
        | "NXST_FLOW request"
        | "NXST_AGGREGATE request" => flow::stats_request(out, &mut reader, version, style, name),
        "OFPST_FLOW reply" | "NXST_FLOW reply" => {
            flow::stats(out, &mut reader, version, style, name)
        }
        "OFPST_AGGREGATE reply" | "NXST_AGGREGATE reply" => {
            flow::aggregate(out, &mut reader, version)
        }
        "NXST_FLOW_MONITOR request"
        | "ONFST_FLOW_MONITOR request"
        | "OFPST_FLOW_MONITOR request" => flow::monitor_request(out, &mut reader, version, style),
        "NXST_FLOW_MONITOR reply" | "ONFST_FLOW_MONITOR reply" | "OFPST_FLOW_MONITOR reply" => {
            flow::monitor_reply(out, &mut reader, version, style)
        }
        "OFPT_PACKET_IN" | "NXT_PACKET_IN" | "NXT_PACKET_IN2" | "NXT_RESUME" => {
            packet::packet_in(out, &mut reader, version, style, name)
        }
        "OFPT_PACKET_OUT" => packet::packet_out(out, &Message::decode_strict(bytes)?, style),
        "OFPT_PORT_STATUS" => port::status(out, &mut reader, version, style),
        "OFPT_PORT_MOD" => port::port_mod(out, &mut reader, version, style),
        "OFPST_PORT request" => port::stats_request(out, &mut reader, version, style),
        "OFPST_PORT reply" => port_stats::stats(out, &mut reader, version, style),
        "OFPST_PORT_DESC request" => port::desc_request(out, &mut reader, version, style),
        "OFPST_PORT_DESC reply" => port::descs(out, &mut reader, version, style),
        "OFPT_QUEUE_GET_CONFIG_REQUEST" => queue::config_request(out, &mut reader, version, style),
        "OFPT_QUEUE_GET_CONFIG_REPLY" => queue::config_reply(out, &mut reader, version, style),
        "OFPST_QUEUE request" => queue::stats_request(out, &mut reader, version, style),
        "OFPST_QUEUE reply" => queue::stats(out, &mut reader, version, style),
        "OFPT_TABLE_MOD" => table::table_mod(out, &mut reader, version, style),
        "OFPST_TABLE_DESC reply" => table::descs(out, &mut reader, style),
        "OFPT_TABLE_STATUS" => table::status(out, &mut reader, style),
        "NXT_TLV_TABLE_MOD" => table::tlv_table_mod(out, &mut reader),
        "NXT_TLV_TABLE_REPLY" => table::tlv_table(out, &mut reader),
        "OFPST_QUEUE_DESC request" => queue::desc_request(out, &mut reader, version, style),
        "OFPST_QUEUE_DESC reply" => queue::descs(out, &mut reader, style),
        "OFPST_GROUP_FEATURES reply" | "NXST_GROUP_FEATURES reply" => {
            group::features(out, &mut reader, version)
        }
        "OFPT_GROUP_MOD" | "NXT_GROUP_MOD" => group::group_mod(out, &mut reader, version, style),
        "OFPST_GROUP request"
        | "NXST_GROUP request"
        | "OFPST_GROUP_DESC request"
        | "NXST_GROUP_DESC request" => group::request(out, &mut reader, version, name),
        "OFPST_GROUP reply" | "NXST_GROUP reply" => group::stats(out, &mut reader, version),
        "OFPST_GROUP_DESC reply" | "NXST_GROUP_DESC reply" => {
            group::descs(out, &mut reader, version, style)
        }
        "OFPT_METER_MOD" => meter::meter_mod(out, &mut reader),
        "OFPST_METER request" | "OFPST_METER_CONFIG request" => meter::request(out, &mut reader),
        "OFPST_METER reply" => meter::stats(out, &mut reader),
        "OFPST_METER_CONFIG reply" => meter::configs(out, &mut reader),
        "OFPST_METER_FEATURES reply" => meter::features(out, &mut reader),
        _ => Ok(()),
    }
}

fn stats_flags(out: &mut String, flags: u16, more: bool) {
    if flags == 0 {
        return;
    }
    out.push_str(" flags=");
    if flags & 1 != 0 && more {
        out.push_str("[more]");
    }
    let unknown = if more { flags & !1 } else { flags };
    if unknown != 0 {
        out.push_str("[***unknown flags 0x");
        hex_digits(out, u128::from(unknown), 4);
        out.push_str("***]");
    }
}

/// `a|b`-like lists with a separator: the names of the bits that are set, then what is left in hexadecimal.
pub(crate) fn bits(out: &mut String, value: u32, names: &[(u32, &str)], separator: char) {
    let mut rest = value;
    let mut first = true;
    for (bit, name) in names {
        if rest & bit != 0 {
            if !first {
                out.push(separator);
            }
            out.push_str(name);
            first = false;
            rest &= !bit;
        }
    }
    if rest != 0 {
        if !first {
            out.push(separator);
        }
        hex(out, u128::from(rest));
    } else if first {
        out.push('0');
    }
}
