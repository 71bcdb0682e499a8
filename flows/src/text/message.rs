//! Whole messages as `ovs-ofctl ofp-print` writes them: a head with name, version and transaction id, then what the message
//! says; what can not be read is shown as an error and in hexadecimal.

mod ct_flush;
mod flow;
mod group;
mod match10;
mod meter;
mod packet;
mod port;
mod queue;
mod switch;

use super::Names;
use super::number::{hex, hex_digits};
use crate::Version;
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{DecodeError, Message, OfpError};
use std::fmt::Write;

/// How a message is written.
pub(crate) struct Style<'a> {
    pub(crate) names: &'a Names,
    /// 0 to 3 and more, as the second argument of `ovs-ofctl ofp-print`.
    pub(crate) verbosity: u8,
}

/// What a printer of a body gives: nothing but text, or the error to show in its place.
pub(crate) type Printed = Result<(), DecodeError>;

/// Writes a message as `ovs-ofctl ofp-print` does, with a line feed at the end.
#[must_use]
pub fn print_message(bytes: &[u8], verbosity: u8, names: &Names) -> String {
    let mut out = String::new();
    message(&mut out, bytes, &Style { names, verbosity });
    out
}

pub(crate) fn message(out: &mut String, bytes: &[u8], style: &Style<'_>) {
    if bytes.is_empty() {
        out.push_str("OpenFlow message is empty\n");
        return;
    }
    let Some([_, _, high, low, _, _, _, _]) = bytes.first_chunk::<8>() else {
        let _ = writeln!(out, "OpenFlow packet too short (only {} bytes):", bytes.len());
        return dump(out, bytes, true);
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > bytes.len() {
        if let Ok((name, version, xid)) = head(bytes, true) {
            write_head(out, name, version, xid);
            out.push('\n');
        }
        let _ = writeln!(out, "(***truncated to {} bytes from {length}***)", bytes.len());
        return dump(out, bytes, true);
    }
    if length < bytes.len() {
        let _ = writeln!(out, "(***only uses {length} bytes out of {}***)", bytes.len());
        return dump(out, bytes, true);
    }
    if let [version @ (0 | 7..), 0, _, _, a, b, c, d, ..] = bytes {
        // A hello of a version of another century.
        let xid = u32::from_be_bytes([*a, *b, *c, *d]);
        let _ = write!(out, "OFPT_HELLO (OF 0x{version:02x}) (xid={xid:#x}):");
        switch::hello(out, bytes, *version);
        return;
    }
    let found = head(bytes, false);
    let printed = match found {
        Ok((name, version, xid)) => {
            write_head(out, name, version, xid);
            body(out, bytes, name, version, style).map_err(|e| e.error)
        }
        Err(error) => Err(error),
    };
    if let Err(error) = printed {
        if out.ends_with(':') {
            out.push(' ');
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

fn write_head(out: &mut String, name: &str, version: Version, xid: u32) {
    out.push_str(name);
    if version != Version::V10 {
        let _ = write!(out, " ({version})");
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

const NICIRA: u32 = 0x2320;
const ONF: u32 = 0x4f4e_4600;

/// Name, version and transaction id of a message; of a `partial` one whatever its length is.
fn head(bytes: &[u8], partial: bool) -> Result<(&'static str, Version, u32), OfpError> {
    let mut reader = Reader::new(bytes, 0);
    let version = reader
        .u8()
        .ok()
        .and_then(Version::from_wire)
        .ok_or(OfpError::BAD_VERSION)?;
    let kind = reader.u8().map_err(|e| e.error)?;
    reader.skip(2).map_err(|e| e.error)?;
    let xid = reader.u32().map_err(|e| e.error)?;
    let name = name(reader, version, kind, partial)?;
    Ok((name, version, xid))
}

fn name(mut reader: Reader<'_>, version: Version, kind: u8, partial: bool) -> Result<&'static str, OfpError> {
    let v10 = version == Version::V10;
    let sized = |name: &'static str, ok: bool| {
        if ok || partial {
            Ok(name)
        } else {
            Err(OfpError::BAD_LEN)
        }
    };
    let len = reader.len();
    match (kind, v10) {
        (0, _) => Ok("OFPT_HELLO"),
        (1, _) => sized("OFPT_ERROR", len >= 4),
        (2, _) => Ok("OFPT_ECHO_REQUEST"),
        (3, _) => Ok("OFPT_ECHO_REPLY"),
        (4, _) => {
            let vendor = reader.u32().map_err(|e| e.error)?;
            let subtype = reader.u32().map_err(|_| OfpError::BAD_LEN)?;
            vendor_name(vendor, subtype, version)
        }
        (5, _) => sized("OFPT_FEATURES_REQUEST", len == 0),
        (6, _) => sized("OFPT_FEATURES_REPLY", len >= 24),
        (7, _) => sized("OFPT_GET_CONFIG_REQUEST", len == 0),
        (8, _) => sized("OFPT_GET_CONFIG_REPLY", len == 4),
        (9, _) => sized("OFPT_SET_CONFIG", len == 4),
        (10, _) => sized("OFPT_PACKET_IN", len >= 10),
        (11, _) => sized("OFPT_FLOW_REMOVED", len >= 24),
        (12, _) => sized("OFPT_PORT_STATUS", len >= 48),
        (13, _) => sized("OFPT_PACKET_OUT", len >= 8),
        (14, _) => sized("OFPT_FLOW_MOD", len >= 40),
        (15, true) => sized("OFPT_PORT_MOD", len == 24),
        (15, false) => sized("OFPT_GROUP_MOD", len >= 8),
        (16, false) => sized("OFPT_PORT_MOD", len >= 24),
        (17, false) => sized("OFPT_TABLE_MOD", len >= 8),
        (20, true) => sized("OFPT_QUEUE_GET_CONFIG_REQUEST", len == 4),
        (21, true) => sized("OFPT_QUEUE_GET_CONFIG_REPLY", len >= 8),
        (22, false) => sized("OFPT_QUEUE_GET_CONFIG_REQUEST", len == 8),
        (23, false) => sized("OFPT_QUEUE_GET_CONFIG_REPLY", len >= 8),
        (16, true) | (18, false) => stats_name(reader, version, true),
        (17, true) | (19, false) => stats_name(reader, version, false),
        (18, true) | (20, false) => sized("OFPT_BARRIER_REQUEST", len == 0),
        (19, true) | (21, false) => sized("OFPT_BARRIER_REPLY", len == 0),
        (24, false) if version >= Version::V12 => sized("OFPT_ROLE_REQUEST", len == 16),
        (25, false) if version >= Version::V12 => sized("OFPT_ROLE_REPLY", len == 16),
        (26, false) if version >= Version::V13 => sized("OFPT_GET_ASYNC_REQUEST", len == 0),
        (27, false) if version >= Version::V13 => Ok("OFPT_GET_ASYNC_REPLY"),
        (28, false) if version >= Version::V13 => Ok("OFPT_SET_ASYNC"),
        (29, false) if version >= Version::V13 => sized("OFPT_METER_MOD", len >= 8),
        (30, false) if version >= Version::V14 => sized("OFPT_ROLE_STATUS", len >= 16),
        (31, false) if version >= Version::V14 => sized("OFPT_TABLE_STATUS", len >= 8),
        (32, false) if version >= Version::V14 => sized("OFPT_REQUESTFORWARD", len >= 8),
        (33, false) if version >= Version::V14 => sized("OFPT_BUNDLE_CONTROL", len >= 8),
        (34, false) if version >= Version::V14 => sized("OFPT_BUNDLE_ADD_MESSAGE", len >= 8),
        _ => Err(OfpError::BAD_TYPE),
    }
}

fn vendor_name(vendor: u32, subtype: u32, version: Version) -> Result<&'static str, OfpError> {
    let v10 = version == Version::V10;
    match (vendor, subtype) {
        (NICIRA, 10) => Ok("NXT_ROLE_REQUEST"),
        (NICIRA, 11) => Ok("NXT_ROLE_REPLY"),
        (NICIRA, 12) => Ok("NXT_SET_FLOW_FORMAT"),
        (NICIRA, 13) if v10 => Ok("NXT_FLOW_MOD"),
        (NICIRA, 14) => Ok("NXT_FLOW_REMOVED"),
        (NICIRA, 15) => Ok("NXT_FLOW_MOD_TABLE_ID"),
        (NICIRA, 16) => Ok("NXT_SET_PACKET_IN_FORMAT"),
        (NICIRA, 17) => Ok("NXT_PACKET_IN"),
        (NICIRA, 18) => Ok("NXT_FLOW_AGE"),
        (NICIRA, 19) => Ok("NXT_SET_ASYNC_CONFIG"),
        (NICIRA, 20) => Ok("NXT_SET_CONTROLLER_ID"),
        (NICIRA, 21) => Ok("NXT_FLOW_MONITOR_CANCEL"),
        (NICIRA, 22) => Ok("NXT_FLOW_MONITOR_PAUSED"),
        (NICIRA, 23) => Ok("NXT_FLOW_MONITOR_RESUMED"),
        (NICIRA, 28) => Ok("NXT_RESUME"),
        (NICIRA, 29) => Ok("NXT_CT_FLUSH_ZONE"),
        (NICIRA, 32) => Ok("NXT_CT_FLUSH"),
        (NICIRA, 30) => Ok("NXT_PACKET_IN2"),
        (ONF, 1911) => Ok("ONFT_ROLE_STATUS"),
        (ONF, 1870) => Ok("ONFT_FLOW_MONITOR_CANCEL"),
        (ONF, 1871) => Ok("ONFT_FLOW_MONITOR_PAUSED"),
        (ONF, 1872) => Ok("ONFT_FLOW_MONITOR_RESUMED"),
        (ONF, 2300) => Ok("ONFT_BUNDLE_CONTROL"),
        (ONF, 2301) => Ok("ONFT_BUNDLE_ADD_MESSAGE"),
        (ONF, 2350) => Ok("ONFT_REQUESTFORWARD"),
        (NICIRA | ONF, _) => Err(OfpError::BAD_SUBTYPE),
        _ => Err(OfpError::BAD_VENDOR),
    }
}

fn stats_name(mut reader: Reader<'_>, version: Version, request: bool) -> Result<&'static str, OfpError> {
    let kind = reader.u16().map_err(|e| e.error)?;
    reader.skip(2).map_err(|e| e.error)?;
    if version > Version::V10 {
        reader.skip(4).map_err(|e| e.error)?;
    }
    let pick = |request_name, reply_name| Ok(if request { request_name } else { reply_name });
    match kind {
        0 => pick("OFPST_DESC request", "OFPST_DESC reply"),
        1 => pick("OFPST_FLOW request", "OFPST_FLOW reply"),
        2 => pick("OFPST_AGGREGATE request", "OFPST_AGGREGATE reply"),
        3 => pick("OFPST_TABLE request", "OFPST_TABLE reply"),
        4 => pick("OFPST_PORT request", "OFPST_PORT reply"),
        5 => pick("OFPST_QUEUE request", "OFPST_QUEUE reply"),
        6 => pick("OFPST_GROUP request", "OFPST_GROUP reply"),
        7 => pick("OFPST_GROUP_DESC request", "OFPST_GROUP_DESC reply"),
        8 => pick("OFPST_GROUP_FEATURES request", "OFPST_GROUP_FEATURES reply"),
        9 => pick("OFPST_METER request", "OFPST_METER reply"),
        10 => pick("OFPST_METER_CONFIG request", "OFPST_METER_CONFIG reply"),
        11 => pick("OFPST_METER_FEATURES request", "OFPST_METER_FEATURES reply"),
        12 => pick("OFPST_TABLE_FEATURES request", "OFPST_TABLE_FEATURES reply"),
        13 => pick("OFPST_PORT_DESC request", "OFPST_PORT_DESC reply"),
        14 if version >= Version::V14 => pick("OFPST_TABLE_DESC request", "OFPST_TABLE_DESC reply"),
        15 if version >= Version::V14 => pick("OFPST_QUEUE_DESC request", "OFPST_QUEUE_DESC reply"),
        16 if version >= Version::V14 => pick("OFPST_FLOW_MONITOR request", "OFPST_FLOW_MONITOR reply"),
        0xffff => {
            let vendor = reader.u32().map_err(|e| e.error)?;
            let subtype = reader.u32().map_err(|e| e.error)?;
            match (vendor, subtype) {
                (NICIRA, 0) => pick("NXST_FLOW request", "NXST_FLOW reply"),
                (NICIRA, 1) => pick("NXST_AGGREGATE request", "NXST_AGGREGATE reply"),
                (NICIRA, 2) => pick("NXST_FLOW_MONITOR request", "NXST_FLOW_MONITOR reply"),
                (NICIRA, 3) => pick("NXST_IPFIX_BRIDGE request", "NXST_IPFIX_BRIDGE reply"),
                (NICIRA, 4) => pick("NXST_IPFIX_FLOW request", "NXST_IPFIX_FLOW reply"),
                (NICIRA, 8) => pick("NXST_GROUP_DESC request", "NXST_GROUP_DESC reply"),
                (NICIRA, 9) => pick("NXST_GROUP_FEATURES request", "NXST_GROUP_FEATURES reply"),
                (ONF, 1870) => pick("ONFST_FLOW_MONITOR request", "ONFST_FLOW_MONITOR reply"),
                (NICIRA | ONF, _) => Err(OfpError::BAD_SUBTYPE),
                _ => Err(OfpError::BAD_VENDOR),
            }
        }
        _ => Err(OfpError::BAD_STAT),
    }
}

/// Writes what follows the head.
fn body(out: &mut String, bytes: &[u8], name: &str, version: Version, style: &Style<'_>) -> Printed {
    let mut reader = Reader::new(bytes, 0);
    reader.skip(8)?;
    if name.contains("ST_") {
        let mut flags = reader;
        flags.skip(2)?;
        stats_flags(out, flags.u16()?, name.ends_with("request"));
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
            switch::hello(out, bytes, version.wire());
            Ok(())
        }
        "OFPT_ERROR" => switch::error(out, &mut reader, version, style),
        "OFPT_ECHO_REQUEST" | "OFPT_ECHO_REPLY" => {
            let _ = writeln!(out, " {} bytes of payload", reader.len());
            dump(out, reader.rest(), true);
            Ok(())
        }
        "OFPT_FEATURES_REPLY" => switch::features(out, &mut reader, version, style),
        "OFPT_GET_CONFIG_REPLY" | "OFPT_SET_CONFIG" => switch::config(out, &mut reader, version),
        "OFPT_ROLE_REQUEST" | "OFPT_ROLE_REPLY" | "NXT_ROLE_REQUEST" | "NXT_ROLE_REPLY" => {
            switch::role(out, &mut reader, name)
        }
        "OFPT_ROLE_STATUS" | "ONFT_ROLE_STATUS" => switch::role_status(out, &mut reader),
        "OFPT_GET_ASYNC_REPLY" | "OFPT_SET_ASYNC" | "NXT_SET_ASYNC_CONFIG" => {
            switch::async_config(out, &mut reader, version)
        }
        "OFPST_DESC reply" => switch::desc(out, &mut reader),
        "OFPST_TABLE reply" => switch::table_stats(out, &mut reader, version, style),
        "NXT_SET_FLOW_FORMAT" => switch::flow_format(out, &mut reader),
        "NXT_FLOW_MOD_TABLE_ID" => switch::flow_mod_table_id(out, &mut reader),
        "NXT_SET_PACKET_IN_FORMAT" => switch::packet_in_format(out, &mut reader),
        "NXT_SET_CONTROLLER_ID" => switch::controller_id(out, &mut reader),
        "NXST_IPFIX_BRIDGE reply" | "NXST_IPFIX_FLOW reply" => switch::ipfix(out, &mut reader, name),
        "NXT_CT_FLUSH" => ct_flush::ct_flush(out, &mut reader),
        "NXT_CT_FLUSH_ZONE" => switch::flush_zone(out, &mut reader),
        "NXT_FLOW_MONITOR_CANCEL" | "ONFT_FLOW_MONITOR_CANCEL" => {
            let _ = write!(out, " id={}", reader.u32()?);
            Ok(())
        }
        "OFPT_BUNDLE_CONTROL" | "ONFT_BUNDLE_CONTROL" => switch::bundle_control(out, &mut reader),
        "OFPT_BUNDLE_ADD_MESSAGE" | "ONFT_BUNDLE_ADD_MESSAGE" => switch::bundle_add(out, &mut reader, bytes, style),
        "OFPT_REQUESTFORWARD" | "ONFT_REQUESTFORWARD" => switch::request_forward(out, &mut reader, style),
        "OFPT_FLOW_MOD" | "NXT_FLOW_MOD" => flow::flow_mod(out, bytes, style, name),
        "OFPT_FLOW_REMOVED" | "NXT_FLOW_REMOVED" => flow::removed(out, &mut reader, version, style, name),
        "OFPST_FLOW request" | "OFPST_AGGREGATE request" | "NXST_FLOW request" | "NXST_AGGREGATE request" => {
            flow::stats_request(out, &mut reader, version, style, name)
        }
        "OFPST_FLOW reply" | "NXST_FLOW reply" => flow::stats(out, &mut reader, version, style, name),
        "OFPST_AGGREGATE reply" | "NXST_AGGREGATE reply" => flow::aggregate(out, &mut reader, version),
        "NXST_FLOW_MONITOR request" | "ONFST_FLOW_MONITOR request" | "OFPST_FLOW_MONITOR request" => {
            flow::monitor_request(out, &mut reader, version, style, name)
        }
        "NXST_FLOW_MONITOR reply" | "ONFST_FLOW_MONITOR reply" | "OFPST_FLOW_MONITOR reply" => {
            flow::monitor_reply(out, &mut reader, version, style, name)
        }
        "OFPT_PACKET_IN" | "NXT_PACKET_IN" | "NXT_PACKET_IN2" | "NXT_RESUME" => {
            packet::packet_in(out, &mut reader, version, style, name)
        }
        "OFPT_PACKET_OUT" => packet::packet_out(out, &Message::decode(bytes)?, style),
        "OFPT_PORT_STATUS" => port::status(out, &mut reader, version, style),
        "OFPT_PORT_MOD" => port::port_mod(out, &mut reader, version, style),
        "OFPST_PORT request" => port::stats_request(out, &mut reader, version, style),
        "OFPST_PORT reply" => port::stats(out, &mut reader, version, style),
        "OFPST_PORT_DESC request" => port::desc_request(out, &mut reader, version, style),
        "OFPST_PORT_DESC reply" => port::descs(out, &mut reader, version, style),
        "OFPT_QUEUE_GET_CONFIG_REQUEST" => queue::config_request(out, &mut reader, version, style),
        "OFPT_QUEUE_GET_CONFIG_REPLY" => queue::config_reply(out, &mut reader, version, style),
        "OFPST_QUEUE request" => queue::stats_request(out, &mut reader, version, style),
        "OFPST_QUEUE reply" => queue::stats(out, &mut reader, version, style),
        "OFPT_GROUP_MOD" => group::group_mod(out, &mut reader, version, style),
        "OFPST_GROUP request" | "OFPST_GROUP_DESC request" | "NXST_GROUP_DESC request" => {
            group::request(out, &mut reader, version, name)
        }
        "OFPST_GROUP reply" => group::stats(out, &mut reader, version),
        "OFPST_GROUP_DESC reply" | "NXST_GROUP_DESC reply" => group::descs(out, &mut reader, version, style),
        "OFPT_METER_MOD" => meter::meter_mod(out, &mut reader),
        "OFPST_METER request" | "OFPST_METER_CONFIG request" => meter::request(out, &mut reader),
        "OFPST_METER reply" => meter::stats(out, &mut reader),
        "OFPST_METER_CONFIG reply" => meter::configs(out, &mut reader),
        "OFPST_METER_FEATURES reply" => meter::features(out, &mut reader),
        _ => Ok(()),
    }
}

fn stats_flags(out: &mut String, flags: u16, request: bool) {
    if flags == 0 {
        return;
    }
    out.push_str(" flags=");
    if flags & 1 != 0 && !request {
        out.push_str("[more]");
    }
    let unknown = if request { flags } else { flags & !1 };
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
