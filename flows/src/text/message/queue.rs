//! Messages about queues.

use super::{Printed, Style};
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{ALL_QUEUES, OfpError, QueueConfig, QueueConfigs, QueueRequest};
use crate::text::number::duration;
use crate::{Port, Version};
use std::fmt::Write;

fn read_port(reader: &mut Reader<'_>, version: Version) -> Result<Port, crate::ofpkt::DecodeError> {
    if version == Version::V10 {
        Ok(Port::from_u16(reader.u16()?))
    } else {
        Ok(Port(reader.u32()?))
    }
}

pub(super) fn config_request(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let port = read_port(reader, version)?;
    out.push_str(" port=");
    style.names.port(out, port);
    Ok(())
}

/// Queues in the order of their ports and numbers, the port once.
fn configs(out: &mut String, mut queues: Vec<QueueConfig>, style: &Style<'_>) {
    queues.sort_by_key(|queue| (queue.port.0, queue.queue));
    // Open vSwitch begins with port 0, which it never tells for that.
    let mut last = Some(Port(0));
    out.push(' ');
    for queue in queues {
        if last != Some(queue.port) {
            last = Some(queue.port);
            out.push_str("port=");
            style.names.port(out, queue.port);
            out.push('\n');
        }
        let _ = write!(out, "queue {}:", queue.queue);
        rate(out, "min_rate", queue.min_rate);
        rate(out, "max_rate", queue.max_rate);
        out.push('\n');
    }
}

pub(super) fn config_reply(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let mut found = QueueConfigs::read(reader, version)?;
    // Open vSwitch goes by the port of the message.
    found
        .queues
        .iter_mut()
        .for_each(|queue| queue.port = found.port);
    configs(out, found.queues, style);
    Ok(())
}

pub(super) fn desc_request(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let request = QueueRequest::read(reader, version)?;
    out.push_str(" port=");
    style.names.port(out, request.port);
    if request.queue != ALL_QUEUES {
        let _ = write!(out, " queue={}", request.queue);
    }
    Ok(())
}

pub(super) fn descs(out: &mut String, reader: &mut Reader<'_>, style: &Style<'_>) -> Printed {
    let mut queues = Vec::new();
    while !reader.is_empty() {
        queues.push(QueueConfig::read_desc(reader)?);
    }
    configs(out, queues, style);
    Ok(())
}

/// A rate in tenths of a percent; more than all stands for "not set".
fn rate(out: &mut String, name: &str, rate: Option<u16>) {
    match rate {
        Some(rate @ 0..=1000) => {
            let _ = write!(out, " {name}:{}.{}%", rate / 10, rate % 10);
        }
        Some(u16::MAX) | None => {}
        Some(_) => {
            let _ = write!(out, " {name}:(disabled)");
        }
    }
}

pub(super) fn stats_request(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let port = read_port(reader, version)?;
    if version == Version::V10 {
        reader.skip(2)?;
    }
    let queue = reader.u32()?;
    out.push_str(" port=");
    style
        .names
        .port(out, if port == Port::ALL { Port::ANY } else { port });
    out.push_str(" queue=");
    if queue == u32::MAX {
        out.push_str("ALL");
    } else {
        let _ = write!(out, "{queue}");
    }
    Ok(())
}

pub(super) fn stats(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let mut all = Vec::new();
    while !reader.is_empty() {
        let place = *reader;
        let mut body = *reader;
        if version >= Version::V14 {
            let length = usize::from(body.u16()?);
            body = reader
                .sub(length)
                .map_err(|_| place.error(OfpError::BAD_LEN))?;
            body.skip(8)?;
        }
        let port = read_port(&mut body, version)?;
        if version == Version::V10 {
            body.skip(2)?;
        }
        let queue = body.u32()?;
        let (bytes, packets, errors) = (body.u64()?, body.u64()?, body.u64()?);
        let time = if version >= Version::V13 {
            Some((body.u32()?, body.u32()?))
        } else {
            None
        };
        if version < Version::V14 {
            *reader = body;
        }
        all.push((port, queue, bytes, packets, errors, time));
    }
    let _ = writeln!(out, " {} queues", all.len());
    if style.verbosity < 1 {
        return Ok(());
    }
    for (port, queue, bytes, packets, errors, time) in all {
        out.push_str("  port ");
        style.names.port(out, port);
        let _ = write!(out, " queue {queue}: ");
        for (name, value) in [("bytes", bytes), ("pkts", packets), ("errors", errors)] {
            let _ = write!(out, "{name}=");
            match value {
                u64::MAX => out.push('?'),
                value => {
                    let _ = write!(out, "{value}");
                }
            }
            out.push_str(", ");
        }
        out.push_str("duration=");
        match time.filter(|(sec, _)| *sec != u32::MAX) {
            Some((sec, nsec)) => duration(out, sec, nsec),
            None => out.push('?'),
        }
        out.push('\n');
    }
    Ok(())
}
