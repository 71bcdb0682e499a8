//! Messages about meters.

use super::{Printed, bits};
use crate::ofpkt::wire::Reader;
use crate::ofpkt::{MAX_METER, MeterConfig, MeterFeatures, MeterMod, MeterModCommand, MeterStats};
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

fn config(out: &mut String, meter: &MeterConfig) {
    meter_id(out, meter.meter, '=');
    out.push(' ');
    flags(out, meter.flags.0);
    out.push_str("bands=");
    for band in &meter.bands {
        let kind = match band.remark {
            Some(_) => "dscp_remark",
            None => "drop",
        };
        let _ = write!(out, "\ntype={kind} rate={}", band.rate);
        if meter.flags.0 & 4 != 0 {
            let _ = write!(out, " burst_size={}", band.burst_size);
        }
        if let Some(level) = band.remark {
            let _ = write!(out, " prec_level={level}");
        }
    }
    out.push('\n');
}

impl MeterConfig {
    /// The meter in one line, as `ovs-ofctl add-meter` takes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(80);
        config(&mut out, self);
        out.trim_end()
            .replace("bands=\n", "bands=")
            .replace('\n', " ")
    }
}

pub(super) fn meter_mod(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    let found = MeterMod::read(reader)?;
    out.push_str(match found.command {
        MeterModCommand::Add => " ADD ",
        MeterModCommand::Modify => " MOD ",
        MeterModCommand::Delete => " DEL ",
    });
    config(out, &found.config);
    Ok(())
}

pub(super) fn request(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    out.push(' ');
    meter_id(out, reader.u32()?, '=');
    Ok(())
}

pub(super) fn configs(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    while !reader.is_empty() {
        let found = MeterConfig::read(reader)?;
        out.push('\n');
        config(out, &found);
    }
    Ok(())
}

pub(super) fn stats(out: &mut String, reader: &mut Reader<'_>) -> Printed {
    while !reader.is_empty() {
        let found = MeterStats::read(reader)?;
        out.push('\n');
        meter_id(out, found.meter, ':');
        let _ = write!(
            out,
            " flow_count:{} packet_in_count:{} byte_in_count:{} duration:",
            found.flows, found.packets, found.bytes
        );
        duration(out, found.duration.0, found.duration.1);
        out.push_str(" bands:\n");
        for (n, (packets, bytes)) in found.bands.iter().enumerate() {
            let _ = writeln!(out, "{n}: packet_count:{packets} byte_count:{bytes}");
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
