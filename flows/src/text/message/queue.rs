//! Messages about queues.

use super::{Printed, Style, as_many};
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{
    ALL_QUEUES, DecodeError, OfpError, QueueConfig, QueueRequest, QueueStats, checked_port,
    read_queue_config_request as read_config_request,
};
use crate::text::number::duration;
use crate::{Port, Version};
use std::fmt::Write;

pub(super) fn config_request(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let port = read_config_request(reader, version)?;
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
    let head = reader.sub(8)?;
    let mut queues = Vec::new();
    let mut outcome = Ok(());
    while outcome.is_ok() && !reader.is_empty() {
        // Open vSwitch goes by the port of the message, which it reads with each queue.
        outcome = match version {
            Version::V10 => Ok(Port::from_u16(head.clone().u16()?)),
            _ => checked_port(&mut head.clone()),
        }
        .and_then(|port| {
            let queue = QueueConfig::read_config(reader, port, version)?;
            queues.push(QueueConfig { port, ..queue });
            Ok(())
        });
    }
    configs(out, queues, style);
    outcome
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
    let mut outcome = Ok(());
    while outcome.is_ok() && !reader.is_empty() {
        outcome = QueueConfig::read_desc(reader).map(|queue| queues.push(queue));
    }
    configs(out, queues, style);
    outcome
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
    let QueueRequest { port, queue } = QueueRequest::read(reader, version)?;
    out.push_str(" port=");
    style.names.port(out, port);
    out.push_str(" queue=");
    number(out, queue);
    Ok(())
}

fn number(out: &mut String, queue: u32) {
    match queue {
        ALL_QUEUES => out.push_str("ALL"),
        queue => {
            let _ = write!(out, "{queue}");
        }
    }
}

pub(super) fn stats(
    out: &mut String,
    reader: &mut Reader<'_>,
    version: Version,
    style: &Style<'_>,
) -> Printed {
    let (all, outcome) = as_many(reader, |reader| read_stats(reader, version));
    let _ = writeln!(out, " {} queues", all.len());
    if style.verbosity < 1 {
        return Ok(());
    }
    for found in all {
        out.push_str("  port ");
        style.names.port(out, found.port);
        out.push_str(" queue ");
        number(out, found.queue);
        out.push_str(": ");
        let (bytes, packets, errors) = (found.bytes, found.packets, found.errors);
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
        match found.duration.filter(|(sec, _)| *sec != u32::MAX) {
            Some((sec, nsec)) => duration(out, sec, nsec),
            None => out.push('?'),
        }
        out.push('\n');
    }
    outcome
}

/// Reads the statistics of a queue, whose properties Open vSwitch passes over.
fn read_stats(reader: &mut Reader<'_>, version: Version) -> Result<QueueStats, DecodeError> {
    if version < Version::V14 {
        return QueueStats::read_fixed(reader, version);
    }
    let place = *reader;
    let bad = |_| place.error(OfpError::BAD_LEN);
    let length = usize::from(place.clone().u16().map_err(bad)?);
    let mut body = reader.sub(length).map_err(bad)?;
    let mut head = body.sub(48).map_err(bad)?;
    head.skip(8)?;
    QueueStats::read_fixed(&mut head, version)
}
