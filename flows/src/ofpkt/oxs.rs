//! OXS: what flows have counted, as OpenFlow 1.5 tells it (OpenFlow 1.5.1, 7.2.6).

use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};

/// Counters, each if it is told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Oxs {
    /// Seconds and nanoseconds.
    pub(crate) duration: Option<(u32, u32)>,
    /// Seconds.
    pub(crate) idle_age: Option<u32>,
    pub(crate) packets: Option<u64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) flows: Option<u32>,
    /// Counters that are not known, head and value, if they are kept.
    pub(crate) others: Vec<u8>,
}

const BASIC: u16 = 0x8002;
const DURATION: u8 = 0;
const IDLE: u8 = 1;
const FLOWS: u8 = 3;
const PACKETS: u8 = 4;
const BYTES: u8 = 5;

fn head(out: &mut Writer, field: u8, len: u8) {
    out.u16(BASIC);
    out.u8(field << 1);
    out.u8(len);
}

fn put64(out: &mut Writer, field: u8, value: u64) {
    head(out, field, 8);
    out.u64(value);
}

fn pair((high, low): (u32, u32)) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// A duration, unless all ones say that it is not known.
pub(crate) fn known_duration(duration: (u32, u32)) -> Option<(u32, u32)> {
    (duration != (u32::MAX, u32::MAX)).then_some(duration)
}

impl Oxs {
    pub(crate) fn put(&self, out: &mut Writer) {
        let start = out.len();
        out.zeros(4);
        if let Some(duration) = self.duration {
            put64(out, DURATION, pair(duration));
        }
        if let Some(age) = self.idle_age {
            put64(out, IDLE, pair((age, 0)));
        }
        if let Some(packets) = self.packets {
            put64(out, PACKETS, packets);
        }
        if let Some(bytes) = self.bytes {
            put64(out, BYTES, bytes);
        }
        if let Some(flows) = self.flows {
            head(out, FLOWS, 4);
            out.u32(flows);
        }
        out.extend_from_slice(&self.others);
        out.fill_len(start, start + 2);
        out.pad8(start);
    }

    /// Reads counters and their padding; those that are not known are passed over, or kept.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let bad = |_: DecodeError| place.error(OfpError::MATCH_BAD_LEN);
        let mut found = Self::default();
        reader.skip(2).map_err(bad)?;
        let len = usize::from(reader.u16().map_err(bad)?);
        let body = len
            .checked_sub(4)
            .ok_or_else(|| place.error(OfpError::MATCH_BAD_LEN))?;
        let mut padded = reader
            .sub(len.next_multiple_of(8).saturating_sub(4))
            .map_err(bad)?;
        let mut entries = padded.sub(body).map_err(bad)?;
        while !entries.is_empty() {
            let mut whole = entries;
            let (class, field) = (entries.u16().map_err(bad)?, entries.u8().map_err(bad)?);
            let len = usize::from(entries.u8().map_err(bad)?);
            let mut value = entries.sub(len).map_err(bad)?;
            let masked = field & 1 != 0;
            match (class, field >> 1, len) {
                _ if masked => found.keep(place.keeps(), whole.bytes(len + 4)?),
                (BASIC, DURATION, 8) => found.duration = Some((value.u32()?, value.u32()?)),
                (BASIC, IDLE, 8) => found.idle_age = Some(value.u32()?),
                (BASIC, FLOWS, 4) => found.flows = Some(value.u32()?),
                (BASIC, PACKETS, 8) => found.packets = Some(value.u64()?),
                (BASIC, BYTES, 8) => found.bytes = Some(value.u64()?),
                _ => found.keep(place.keeps(), whole.bytes(len + 4)?),
            }
        }
        Ok(found)
    }

    /// Keeps a counter that is not known, or passes over it.
    fn keep(&mut self, keeps: bool, counter: &[u8]) {
        if keeps {
            self.others.extend_from_slice(counter);
        }
    }
}
