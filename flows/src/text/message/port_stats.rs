//! What ports have counted.

use super::{Printed, Style, as_many};

use crate::ofpkt::wire::Reader;
use crate::ofpkt::{DecodeError, OfpError, checked_port, next_property};
use crate::text::number::duration;
use crate::{Port, Version};
use std::fmt::Write;

/// Counters of a port; all ones where the switch does not know.
struct Stats {
    port: Port,
    duration: Option<(u32, u32)>,
    /// rx packets, tx packets, rx bytes, tx bytes, rx dropped, tx dropped, rx errors, tx errors, frame, over, crc, collisions
    counters: [u64; 12],
    /// Those of RFC 2819, in the order of Intel's experimenter property.
    rfc2819: [u64; RFC2819],
    /// Those with names of their own, by another of Intel's properties.
    custom: Vec<(String, u64)>,
}

/// Intel's number as an experimenter.
const INTEL: u32 = 0x0000_aa01;
/// How many counters of RFC 2819 there are: 7 sizes of packets received, 7 of packets sent, and seven more.
const RFC2819: usize = 21;

/// What is shown of the packets received, and which counter it is.
const RECEIVED: [(&str, usize); 12] = [
    ("1_to_64_packets", 0),
    ("65_to_127_packets", 1),
    ("128_to_255_packets", 2),
    ("256_to_511_packets", 3),
    ("512_to_1023_packets", 4),
    ("1024_to_1522_packets", 5),
    ("1523_to_max_packets", 6),
    ("broadcast_packets", 15),
    ("undersized_errors", 17),
    ("oversize_errors", 18),
    ("rx_fragmented_errors", 19),
    ("rx_jabber_errors", 20),
];

/// The same of the packets sent.
const SENT: [(&str, usize); 9] = [
    ("1_to_64_packets", 7),
    ("65_to_127_packets", 8),
    ("128_to_255_packets", 9),
    ("256_to_511_packets", 10),
    ("512_to_1023_packets", 11),
    ("1024_to_1522_packets", 12),
    ("1523_to_max_packets", 13),
    ("multicast_packets", 14),
    ("broadcast_packets", 16),
];

impl Stats {
    fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let mut found = Self {
            port: Port::ANY,
            duration: None,
            counters: [u64::MAX; 12],
            rfc2819: [u64::MAX; RFC2819],
            custom: Vec::new(),
        };
        if version >= Version::V14 {
            found.read_modern(reader)?;
            return Ok(found);
        }
        let length = if version == Version::V13 { 112 } else { 104 };
        let mut body = reader.sub(length)?;
        if version == Version::V10 {
            found.port = Port::from_u16(body.u16()?);
            body.skip(6)?;
        } else {
            found.port = checked_port(&mut body)?;
            body.skip(4)?;
        }
        for counter in &mut found.counters {
            *counter = body.u64()?;
        }
        if version == Version::V13 {
            found.duration = Some((body.u32()?, body.u32()?));
        }
        Ok(found)
    }

    fn read_modern(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let place = *reader;
        let bad = |_| place.error(OfpError::BAD_LEN);
        let mut body = reader
            .sub(usize::from(place.clone().u16().map_err(bad)?))
            .map_err(bad)?;
        let mut head = body.sub(80).map_err(bad)?;
        head.skip(4)?;
        self.port = checked_port(&mut head)?;
        self.duration = Some((head.u32()?, head.u32()?));
        for counter in self.counters.iter_mut().take(8) {
            *counter = head.u64()?;
        }
        while !body.is_empty() {
            let (kind, data) = next_property(&mut body)?;
            match kind {
                0 => read_all(data, 4, self.counters.split_at_mut(8).1)?,
                0xffff => self.read_experimenter(data)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_experimenter(&mut self, mut data: Reader<'_>) -> Result<(), DecodeError> {
        match (data.u32()?, data.u32()?) {
            (INTEL, 1) => read_all(data, 4, &mut self.rfc2819)?,
            (INTEL, 2) => self.custom = read_custom(data)?,
            _ => {}
        }
        Ok(())
    }
}

/// Reads counters that fill a property behind some padding.
fn read_all(mut data: Reader<'_>, pad: usize, counters: &mut [u64]) -> Result<(), DecodeError> {
    if data.len() != pad + 8 * counters.len() {
        return Err(data.error(OfpError::PROPERTY_BAD_LEN));
    }
    data.skip(pad)?;
    for counter in counters {
        *counter = data.u64()?;
    }
    Ok(())
}

/// Reads counters with names: how many, then of each the length of its name, the name, and the count.
fn read_custom(mut data: Reader<'_>) -> Result<Vec<(String, u64)>, DecodeError> {
    let place = data;
    let bad = |_| place.error(OfpError::PROPERTY_BAD_LEN);
    data.skip(2).map_err(bad)?;
    let count = data.u16().map_err(bad)?;
    let mut found = Vec::new();
    for _ in 0..count {
        let length = usize::from(data.u8().map_err(bad)?);
        let name = data.bytes(length).map_err(bad)?;
        // A name has at most 63 bytes and ends before the first that is zero.
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let name = name.get(..63).unwrap_or(name);
        found.push((
            String::from_utf8_lossy(name).into_owned(),
            data.u64().map_err(bad)?,
        ));
    }
    Ok(found)
}

/// Writes as many statistics as can be read, and how many these are in front.
pub(super) fn stats(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let (all, outcome) = as_many(reader, |reader| Stats::read(reader, version));
    let _ = writeln!(out, " {} ports", all.len());
    if style.verbosity < 1 {
        return Ok(());
    }
    all.iter().for_each(|stats| one(out, stats, style));
    outcome
}

fn one(out: &mut String, stats: &Stats, style: &Style<'_>) {
    let [
        rx_p,
        tx_p,
        rx_b,
        tx_b,
        rx_d,
        tx_d,
        rx_e,
        tx_e,
        frame,
        over,
        crc,
        coll,
    ] = stats.counters;
    let space = if stats.port.0 < 10 { " " } else { "" };
    let _ = write!(out, "  port {space}");
    style.names.port(out, stats.port);
    out.push_str(": rx ");
    line(
        out,
        &[
            ("pkts", rx_p),
            ("bytes", rx_b),
            ("drop", rx_d),
            ("errs", rx_e),
            ("frame", frame),
            ("over", over),
            ("crc", crc),
        ],
    );
    out.push_str("           tx ");
    line(
        out,
        &[
            ("pkts", tx_p),
            ("bytes", tx_b),
            ("drop", tx_d),
            ("errs", tx_e),
            ("coll", coll),
        ],
    );
    if let Some((sec, nsec)) = stats.duration.filter(|(sec, _)| *sec != u32::MAX) {
        out.push_str("           duration=");
        duration(out, sec, nsec);
        out.push('\n');
    }
    rfc2819(out, "rx", &RECEIVED, &stats.rfc2819);
    rfc2819(out, "tx", &SENT, &stats.rfc2819);
    custom(out, &stats.custom);
}

/// The counters of RFC 2819 of one direction that are known.
fn rfc2819(out: &mut String, way: &str, names: &[(&str, usize)], all: &[u64]) {
    let value = |index: usize| all.get(index).filter(|value| **value != u64::MAX);
    let mut known = names
        .iter()
        .filter_map(|(name, index)| value(*index).map(|value| (name, value)))
        .peekable();
    if known.peek().is_some() {
        let _ = write!(out, "           {way} rfc2819 ");
        for (name, value) in known {
            let _ = write!(out, "{name}={value}, ");
        }
        out.push('\n');
    }
}

/// Three counters a line; those without a name leave their place empty.
fn custom(out: &mut String, counters: &[(String, u64)]) {
    if counters.is_empty() {
        return;
    }
    out.push_str("           CUSTOM Statistics");
    for (n, (name, value)) in counters.iter().enumerate() {
        if !name.is_empty() {
            out.push_str(if n % 3 == 0 {
                "\n                      "
            } else {
                " "
            });
            let _ = write!(out, "{name}={value},");
        }
    }
    out.push('\n');
}

fn line(out: &mut String, counters: &[(&str, u64)]) {
    for (i, (name, value)) in counters.iter().enumerate() {
        let _ = write!(out, "{}{name}=", if i > 0 { ", " } else { "" });
        match value {
            &u64::MAX => out.push('?'),
            value => {
                let _ = write!(out, "{value}");
            }
        }
    }
    out.push('\n');
}
