//! Messages about meters.

use super::{Printed, bits};
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{DecodeError, MAX_METER, MeterConfig, MeterFeatures, OfpError};
use crate::text::number::duration;
use std::fmt::Write;

fn meter_id(out: &mut String, id: u32, separator: char) {
    out.push_str("meter");
    out.push(separator);
    match id {
        0..=MAX_METER => {
            let _ = write!(out, "{id}");
        }
        0xffff_fffd => out.push_str("slowpath"),
        0xffff_fffe => out.push_str("controller"),
        0xffff_ffff => out.push_str("all"),
        _ => out.push_str("unknown"),
    }
}

fn flags(out: &mut String, flags: u16) {
    for (bit, name) in [(1, "kbps "), (2, "pktps "), (4, "burst "), (8, "stats ")] {
        if flags & bit != 0 {
            out.push_str(name);
        }
    }
    let unknown = flags & !15;
    if unknown != 0 {
        let _ = write!(out, "flags:{unknown:#x} ");
    }
}

struct Band {
    dscp: bool,
    rate: u32,
    burst: u32,
    prec_level: u8,
}

fn bands(reader: &mut Reader<'_>) -> Result<Vec<Band>, DecodeError> {
    let mut all = Vec::new();
    while !reader.is_empty() {
        let place = *reader;
        let bad = |_| place.error(OfpError::BAD_LEN);
        let (kind, length) = (reader.u16().map_err(bad)?, reader.u16().map_err(bad)?);
        if length != 16 {
            return Err(place.error(if matches!(kind, 1 | 2) {
                OfpError::BAD_LEN
            } else {
                OfpError::METER_BAD_BAND
            }));
        }
        let (rate, burst) = (reader.u32()?, reader.u32()?);
        let prec_level = reader.u8()?;
        reader.skip(3)?;
        if !matches!(kind, 1 | 2) {
            return Err(place.error(OfpError::METER_BAD_BAND));
        }
        all.push(Band {
            dscp: kind == 2,
            rate,
            burst,
            prec_level,
        });
    }
    Ok(all)
}

fn config(out: &mut String, meter_flags: u16, id: u32, bands: &[Band]) {
    meter_id(out, id, '=');
    out.push(' ');
    flags(out, meter_flags);
    out.push_str("bands=");
    for band in bands {
        let _ = write!(
            out,
            "\ntype={} rate={}",
            if band.dscp { "dscp_remark" } else { "drop" },
            band.rate
        );
        if meter_flags & 4 != 0 {
            let _ = write!(out, " burst_size={}", band.burst);
        }
        if band.dscp {
            let _ = write!(out, " prec_level={}", band.prec_level);
        }
    }
    out.push('\n');
}

impl MeterConfig {
    /// The meter in one line, as `ovs-ofctl add-meter` takes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(80);
        let bands: Vec<Band> = self
            .bands
            .iter()
            .map(|band| Band {
                dscp: band.remark.is_some(),
                rate: band.rate,
                burst: band.burst_size,
                prec_level: band.remark.unwrap_or(0),
            })
            .collect();
        config(&mut out, self.flags.0, self.meter, &bands);
        out.trim_end()
            .replace("bands=\n", "bands=")
            .replace('\n', " ")
    }
}

pub(super) fn meter_mod(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    let place = *reader;
    let (command, meter_flags, id) = (reader.u16()?, reader.u16()?, reader.u32()?);
    let word = match command {
        0 => " ADD ",
        1 => " MOD ",
        2 => " DEL ",
        _ => return Err(place.error(OfpError::METER_BAD_COMMAND)),
    };
    let list = if command == 2 {
        Vec::new()
    } else {
        bands(reader)?
    };
    // A meter counts either bits or packets.
    if command != 2 && meter_flags & 3 == 3 {
        return Err(place.error(OfpError::METER_BAD_FLAGS));
    }
    out.push_str(word);
    config(out, meter_flags, id, &list);
    Ok(())
}

pub(super) fn request(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    out.push(' ');
    meter_id(out, reader.u32()?, '=');
    Ok(())
}

pub(super) fn configs(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    while !reader.is_empty() {
        let place = *reader;
        let length = usize::from(reader.u16()?);
        let rest = length
            .checked_sub(2)
            .filter(|_| length >= 8)
            .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let mut body = reader
            .sub(rest)
            .map_err(|_| place.error(OfpError::BAD_LEN))?;
        let (meter_flags, id) = (body.u16()?, body.u32()?);
        let list = bands(&mut body)?;
        out.push('\n');
        config(out, meter_flags, id, &list);
    }
    Ok(())
}

pub(super) fn stats(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    while !reader.is_empty() {
        let place = *reader;
        let id = reader.u32()?;
        let length = usize::from(reader.u16()?);
        reader.skip(6)?;
        let flows = reader.u32()?;
        let (packets, bytes) = (reader.u64()?, reader.u64()?);
        let time = (reader.u32()?, reader.u32()?);
        let rest = length
            .checked_sub(40)
            .filter(|n| n % 16 == 0)
            .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let mut body = reader
            .sub(rest)
            .map_err(|_| place.error(OfpError::BAD_LEN))?;
        out.push('\n');
        meter_id(out, id, ':');
        let _ = write!(
            out,
            " flow_count:{flows} packet_in_count:{packets} byte_in_count:{bytes} duration:"
        );
        duration(out, time.0, time.1);
        out.push_str(" bands:\n");
        let mut n = 0;
        while !body.is_empty() {
            let _ = writeln!(
                out,
                "{n}: packet_count:{} byte_count:{}",
                body.u64()?,
                body.u64()?
            );
            n += 1;
        }
    }
    Ok(())
}

pub(super) fn features(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    let features = MeterFeatures::read(reader)?;
    let _ = write!(
        out,
        "\nmax_meter:{} max_bands:{} max_color:{}\nband_types: ",
        features.max_meters, features.max_bands, features.max_color
    );
    bits(
        out,
        features.band_types,
        &[(2, "drop"), (4, "dscp_remark")],
        ' ',
    );
    out.push_str("\ncapabilities: ");
    let names = [(1, "kbps"), (2, "pktps"), (4, "burst"), (8, "stats")];
    bits(out, features.capabilities, &names, ' ');
    out.push('\n');
    Ok(())
}
