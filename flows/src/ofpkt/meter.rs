//! Meters: changing, describing and counting them (OpenFlow 1.5.1, 7.3.4.5 and 7.3.5.12 to 7.3.5.14).

use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};

/// The meter that stands for all (`OFPM_ALL`).
pub const ALL_METERS: u32 = u32::MAX;
/// The highest number of a meter without a meaning of its own (`OFPM_MAX`).
pub const MAX_METER: u32 = 0xffff_0000;

/// What is done to a meter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MeterModCommand {
    /// Adds it.
    Add,
    /// Changes it.
    Modify,
    /// Deletes it, or [`ALL_METERS`].
    Delete,
}

/// Flags of a meter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MeterFlags(pub u16);

impl MeterFlags {
    /// Rates are in kbit/s.
    pub const KBPS: Self = Self(1);
    /// Rates are in packets a second.
    pub const PKTPS: Self = Self(2);
    /// Bands say a burst size.
    pub const BURST: Self = Self(4);
    /// Statistics are kept.
    pub const STATS: Self = Self(8);

    /// True if all flags of `other` are set.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What happens to packets above a rate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MeterBand {
    /// The precedence by which the DSCP is raised; `None`: packets are dropped.
    pub remark: Option<u8>,
    /// The rate, in the unit that the meter's flags say.
    pub rate: u32,
    /// The burst size in kbit or packets.
    pub burst_size: u32,
    /// For a band that neither drops nor remarks, such as an experimenter's: its type, and what follows its burst size.
    pub other: Option<(u16, Vec<u8>)>,
}

/// A meter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MeterConfig {
    /// Its number.
    pub meter: u32,
    /// Its flags.
    pub flags: MeterFlags,
    /// Its bands.
    pub bands: Vec<MeterBand>,
}

/// `OFPT_METER_MOD`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MeterMod {
    /// What is done.
    pub command: MeterModCommand,
    /// The meter.
    pub config: MeterConfig,
}

const BAND_LEN: u16 = 16;
/// Type, length, rate and burst size, which bands of all types have.
const BAND_HEAD: u16 = 12;
const DROP: u16 = 1;
const REMARK: u16 = 2;

fn put_bands(out: &mut Writer, bands: &[MeterBand]) {
    for band in bands {
        let start = out.len();
        let kind = if band.remark.is_some() { REMARK } else { DROP };
        out.u16(band.other.as_ref().map_or(kind, |(kind, _)| *kind));
        out.u16(BAND_LEN);
        out.u32(band.rate);
        out.u32(band.burst_size);
        if let Some((_, data)) = &band.other {
            out.extend_from_slice(data);
            out.fill_len(start, start + 2);
        } else {
            out.u8(band.remark.unwrap_or(0));
            out.zeros(3);
        }
    }
}

/// Reads bands to the end.
fn read_bands(mut reader: Reader<'_>) -> Result<Vec<MeterBand>, DecodeError> {
    let mut found = Vec::with_capacity(reader.len() / usize::from(BAND_LEN));
    while !reader.is_empty() {
        let (place, mut head) = (reader, reader);
        let (kind, len) = (head.u16()?, head.u16()?);
        let known = matches!(kind, DROP | REMARK);
        if (known || !place.keeps()) && len != BAND_LEN || len < BAND_HEAD || len % 8 != 0 {
            return Err(place.error(OfpError::BAD_LEN));
        }
        let mut band = reader.sub(usize::from(len))?;
        if !known && !place.keeps() {
            return Err(place.error(OfpError::METER_BAD_BAND));
        }
        band.skip(4)?;
        let (rate, burst_size) = (band.u32()?, band.u32()?);
        found.push(MeterBand {
            rate,
            burst_size,
            remark: if kind == REMARK {
                Some(band.u8()?)
            } else {
                None
            },
            other: (!known).then(|| (kind, band.rest().to_vec())),
        });
    }
    Ok(found)
}

impl MeterMod {
    pub(super) fn put(&self, out: &mut Writer) {
        out.u16(match self.command {
            MeterModCommand::Add => 0,
            MeterModCommand::Modify => 1,
            MeterModCommand::Delete => 2,
        });
        out.u16(self.config.flags.0);
        out.u32(self.config.meter);
        put_bands(out, &self.config.bands);
    }

    /// Reads the body; a delete's flags and bands mean nothing and are passed over.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let command = match reader.u16()? {
            0 => MeterModCommand::Add,
            1 => MeterModCommand::Modify,
            2 => MeterModCommand::Delete,
            _ => return Err(place.error(OfpError::METER_BAD_COMMAND)),
        };
        let flags = MeterFlags(reader.u16()?);
        let mut config = MeterConfig {
            meter: reader.u32()?,
            flags,
            bands: Vec::new(),
        };
        if command == MeterModCommand::Delete {
            config.flags = MeterFlags::default();
            reader.skip(reader.len())?;
            return Ok(Self { command, config });
        }
        if flags.contains(MeterFlags(MeterFlags::KBPS.0 | MeterFlags::PKTPS.0)) {
            return Err(place.error(OfpError::METER_BAD_FLAGS));
        }
        config.bands = read_bands(reader.sub(reader.len())?)?;
        Ok(Self { command, config })
    }
}

impl MeterConfig {
    /// Appends an entry of `OFPMP_METER_CONFIG`.
    pub(super) fn put(&self, out: &mut Writer) {
        let start = out.len();
        out.u16(0);
        out.u16(self.flags.0);
        out.u32(self.meter);
        put_bands(out, &self.bands);
        out.fill_len(start, start);
    }

    /// Reads an entry of `OFPMP_METER_CONFIG`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let len = usize::from(reader.u16()?);
        let flags = MeterFlags(reader.u16()?);
        let meter = reader.u32()?;
        let bands = len
            .checked_sub(8)
            .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let bands = read_bands(reader.sub(bands)?)?;
        Ok(Self {
            meter,
            flags,
            bands,
        })
    }
}

/// What a meter and its bands have counted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MeterStats {
    /// The meter.
    pub meter: u32,
    /// How many flows use it.
    pub flows: u32,
    /// Packets that came in.
    pub packets: u64,
    /// Bytes that came in.
    pub bytes: u64,
    /// How long it has existed: seconds and nanoseconds.
    pub duration: (u32, u32),
    /// Packets and bytes of each band.
    pub bands: Vec<(u64, u64)>,
}

impl MeterStats {
    pub(super) fn put(&self, out: &mut Writer) {
        let start = out.len();
        out.u32(self.meter);
        out.zeros(8);
        out.u32(self.flows);
        out.u64(self.packets);
        out.u64(self.bytes);
        out.u32(self.duration.0);
        out.u32(self.duration.1);
        for (packets, bytes) in &self.bands {
            out.u64(*packets);
            out.u64(*bytes);
        }
        out.fill_len(start, start + 4);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let meter = reader.u32()?;
        let len = usize::from(reader.u16()?);
        reader.skip(6)?;
        let mut found = Self {
            meter,
            flows: reader.u32()?,
            packets: reader.u64()?,
            bytes: reader.u64()?,
            duration: (reader.u32()?, reader.u32()?),
            bands: Vec::new(),
        };
        let bands = len
            .checked_sub(40)
            .filter(|bands| bands.is_multiple_of(16))
            .ok_or_else(|| place.error(OfpError::BAD_LEN))?;
        let mut bands = reader.sub(bands)?;
        while !bands.is_empty() {
            found.bands.push((bands.u64()?, bands.u64()?));
        }
        Ok(found)
    }
}

/// Which meters a switch can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MeterFeatures {
    /// How many meters.
    pub max_meters: u32,
    /// A bit for each type of band.
    pub band_types: u32,
    /// Flags that meters can have.
    pub capabilities: u32,
    /// How many bands a meter can have.
    pub max_bands: u8,
    /// How many colours.
    pub max_color: u8,
}

impl MeterFeatures {
    pub(super) fn put(self, out: &mut Writer) {
        out.u32(self.max_meters);
        out.u32(self.band_types);
        out.u32(self.capabilities);
        out.u8(self.max_bands);
        out.u8(self.max_color);
        out.zeros(2);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let found = Self {
            max_meters: reader.u32()?,
            band_types: reader.u32()?,
            capabilities: reader.u32()?,
            max_bands: reader.u8()?,
            max_color: reader.u8()?,
        };
        reader.skip(2)?;
        Ok(found)
    }
}
