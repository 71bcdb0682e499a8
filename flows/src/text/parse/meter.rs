//! Reading meters: what `ovs-ofctl add-meter`, `mod-meter` and `del-meter` take (ovs-ofctl(8), "Meter Syntax").

use super::{Fault, ParseError, Parsed, value};
use crate::ofpkt::{
    ALL_METERS, MAX_METER, MeterBand, MeterConfig, MeterFlags, MeterMod, MeterModCommand,
};

const SLOWPATH: u32 = 0xffff_fffd;
const CONTROLLER: u32 = 0xffff_fffe;

/// Reads a change of a meter. A delete names a meter, or all of them, or is empty, which means all.
///
/// # Errors
/// If the text is not such a change: where and why.
pub fn parse_meter_mod(text: &str, command: MeterModCommand) -> Result<MeterMod, ParseError> {
    let config = match command {
        MeterModCommand::Delete if text.trim().is_empty() => Ok(MeterConfig {
            meter: ALL_METERS,
            flags: MeterFlags::default(),
            bands: Vec::new(),
        }),
        MeterModCommand::Delete => named(text),
        MeterModCommand::Add | MeterModCommand::Modify => config(text),
    };
    config
        .map(|config| MeterMod { command, config })
        .map_err(|fault| fault.placed(text))
}

/// Words and what stands between them: `=`, commas and white space. A value follows its name and may begin with `=`.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self, separators: &[char]) -> Option<&'a str> {
        let text = self.rest.trim_start_matches(separators);
        let len = text.find(separators).unwrap_or(text.len());
        let (word, rest) = text.split_at(len);
        // The separator belongs to the word before it.
        let skip = rest.chars().next().map_or(0, char::len_utf8);
        self.rest = rest.split_at(skip).1;
        (!word.is_empty()).then_some(word)
    }

    fn name(&mut self) -> Option<&'a str> {
        self.next(&['=', ',', ' ', '\t', '\r', '\n'])
    }

    fn value(&mut self, of: &'a str) -> Parsed<'a, &'a str> {
        self.next(&[',', ' ', '\t', '\r', '\n'])
            .ok_or_else(|| Fault::new(of, format!("field {of} missing value")))
    }
}

/// A meter that is only named.
fn named(text: &str) -> Parsed<'_, MeterConfig> {
    let mut words = Words { rest: text };
    let mut meter = None;
    while let Some(name) = words.name() {
        if name != "meter" {
            let what = format!("unknown keyword {name}: expected meter=...");
            return Err(Fault::new(name, what));
        }
        meter = Some(id(words.value(name)?)?);
    }
    Ok(MeterConfig {
        meter: meter.ok_or_else(|| Fault::new(text, "must specify 'meter'"))?,
        flags: MeterFlags::default(),
        bands: Vec::new(),
    })
}

/// A meter as a switch has it, with its flags and bands or without.
pub(super) fn told(text: &str) -> Parsed<'_, MeterConfig> {
    meter(text, false)
}

/// A meter with its flags and bands.
fn config(text: &str) -> Parsed<'_, MeterConfig> {
    meter(text, true)
}

fn meter(text: &str, complete: bool) -> Parsed<'_, MeterConfig> {
    let end = text.split_at(text.len()).1;
    let at = text
        .find("band")
        .ok_or_else(|| Fault::new(end, "must specify bands: expected bands=type=..."))?;
    let (head, bands_text) = text.split_at(at);
    let bands_text = bands_text
        .split_once('=')
        .ok_or_else(|| Fault::new(bands_text, "must specify bands: expected bands=type=..."))?
        .1;
    let mut words = Words { rest: head };
    let (mut number, mut flags) = (None, MeterFlags::default());
    while let Some(name) = words.name() {
        match name {
            "kbps" => flags.0 |= MeterFlags::KBPS.0,
            "pktps" => flags.0 |= MeterFlags::PKTPS.0,
            "burst" => flags.0 |= MeterFlags::BURST.0,
            "stats" => flags.0 |= MeterFlags::STATS.0,
            "meter" => number = Some(id(words.value(name)?)?),
            _ => {
                let what = format!(
                    "unknown keyword {name}: expected meter, kbps, pktps, burst, stats or bands"
                );
                return Err(Fault::new(name, what));
            }
        }
    }
    let meter = number.ok_or_else(|| Fault::new(text, "must specify 'meter'"))?;
    if flags.0 == 0 && complete {
        return Err(Fault::new(
            head,
            "meter must specify either 'kbps' or 'pktps'",
        ));
    }
    Ok(MeterConfig {
        meter,
        flags,
        bands: bands(bands_text, flags, complete)?,
    })
}

pub(super) fn id(text: &str) -> Parsed<'_, u32> {
    Ok(match text {
        "all" => ALL_METERS,
        "controller" => CONTROLLER,
        "slowpath" => SLOWPATH,
        number => match value::u32(number)? {
            1..=MAX_METER => value::u32(number)?,
            other => {
                let what = format!(
                    "invalid value {other} for meter: expected 1 to {MAX_METER}, all, controller or slowpath"
                );
                return Err(Fault::new(text, what));
            }
        },
    })
}

/// A band as it is said, before it is known whether it is whole.
struct Said<'a> {
    at: &'a str,
    remark: bool,
    rate: u32,
    burst_size: u32,
    prec_level: u8,
}

fn bands(text: &str, flags: MeterFlags, complete: bool) -> Parsed<'_, Vec<MeterBand>> {
    let mut words = Words { rest: text };
    let mut said: Vec<Said<'_>> = Vec::new();
    while let Some(name) = words.name() {
        let word = words.value(name)?;
        if name == "type" {
            let remark = match word {
                "drop" => false,
                "dscp_remark" => true,
                _ => {
                    let what =
                        format!("field type unknown value {word}: expected drop or dscp_remark");
                    return Err(Fault::new(word, what));
                }
            };
            said.push(Said {
                at: name,
                remark,
                rate: 0,
                burst_size: 0,
                prec_level: 0,
            });
            continue;
        }
        let band = said
            .last_mut()
            .ok_or_else(|| Fault::new(name, "band must start with the 'type' keyword"))?;
        match name {
            "rate" => band.rate = value::u32(word)?,
            "burst_size" => band.burst_size = value::u32(word)?,
            "prec_level" => band.prec_level = value::u8(word, "prec_level")?,
            _ => {
                let what = format!(
                    "unknown keyword {name}: expected type, rate, burst_size or prec_level"
                );
                return Err(Fault::new(name, what));
            }
        }
    }
    if said.is_empty() && complete {
        return Err(Fault::new(text, "meter must have bands"));
    }
    said.into_iter().map(|band| whole(&band, flags)).collect()
}

fn whole<'a>(band: &Said<'a>, flags: MeterFlags) -> Parsed<'a, MeterBand> {
    let bursts = flags.contains(MeterFlags::BURST);
    let wrong = match band {
        Said {
            remark: true,
            prec_level: 0,
            ..
        } => "'dscp_remark' band must have 'prec_level'",
        Said {
            remark: false,
            prec_level: 1..,
            ..
        } => "Only 'dscp_remark' band may have 'prec_level'",
        Said { rate: 0, .. } => "band must have 'rate'",
        Said { burst_size: 0, .. } if bursts => {
            "band must have 'burst_size' when 'burst' flag is set"
        }
        Said {
            burst_size: 1.., ..
        } if !bursts => "band may have 'burst_size' only when 'burst' flag is set",
        _ => {
            return Ok(MeterBand {
                remark: band.remark.then_some(band.prec_level),
                rate: band.rate,
                burst_size: band.burst_size,
                other: None,
            });
        }
    };
    Err(Fault::new(band.at, wrong))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Version;
    use crate::ofpkt::{Body, Message};
    use crate::text::{Names, print_message};

    fn read(text: &str) -> Result<MeterMod, ParseError> {
        parse_meter_mod(text, MeterModCommand::Add)
    }

    #[test]
    fn meters_are_written_as_they_were_read() {
        for text in [
            "meter=1 kbps bands=type=drop rate=1000",
            "meter=controller pktps stats bands=type=drop rate=1 type=drop rate=2",
            "meter=4294901760 kbps burst stats bands=type=dscp_remark rate=1 burst_size=2 prec_level=3",
        ] {
            let change = read(text).unwrap();
            let bytes = Message::new(Version::V13, 0, Body::MeterMod(change.clone())).encode();
            let printed = print_message(&bytes, 1, &Names::default());
            let body = printed.split_once("ADD ").unwrap().1;
            let words: Vec<&str> = body.split_whitespace().collect();
            assert_eq!(words.join(" ").replace("bands= ", "bands="), text);
            assert_eq!(read(body).unwrap(), change);
        }
    }

    #[test]
    fn separators_are_loose() {
        let a = read("meter=1,pktps,band=type=drop,rate=5").unwrap();
        let b = read("meter = 1 pktps\nbands=\ntype=drop rate=5\n");
        assert!(b.is_err(), "a value follows its name at once: {b:?}");
        let b = read("pktps\tmeter=1\nbands=\ntype=drop rate=5\n").unwrap();
        assert_eq!(a, b);
    }

    #[test]
    fn deletes_name_meters() {
        let delete = |text| parse_meter_mod(text, MeterModCommand::Delete).map(|m| m.config.meter);
        assert_eq!(delete(""), Ok(ALL_METERS));
        assert_eq!(delete("meter=all"), Ok(ALL_METERS));
        assert_eq!(delete("meter=7"), Ok(7));
        assert!(delete("meter=7 kbps").is_err());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, column, what) in [
            ("meter=1 kbps", 13, "must specify bands"),
            ("kbps bands=type=drop rate=1", 1, "must specify 'meter'"),
            ("meter=1 bands=type=drop rate=1", 1, "'kbps' or 'pktps'"),
            ("meter=0 kbps bands=type=drop rate=1", 7, "invalid value 0"),
            (
                "meter=1 kbsp bands=type=drop rate=1",
                9,
                "unknown keyword kbsp",
            ),
            ("meter=1 kbps bands=rate=1", 20, "must start with"),
            (
                "meter=1 kbps bands=type=mark rate=1",
                25,
                "expected drop or dscp_remark",
            ),
            ("meter=1 kbps bands=type=drop", 20, "must have 'rate'"),
            ("meter=1 kbps bands=", 20, "must have bands"),
            (
                "meter=1 kbps burst bands=type=drop rate=1",
                26,
                "when 'burst' flag is set",
            ),
            (
                "meter=1 kbps bands=type=drop rate=1 burst_size=1",
                20,
                "only when",
            ),
            (
                "meter=1 kbps bands=type=dscp_remark rate=1",
                20,
                "must have 'prec_level'",
            ),
            (
                "meter=1 kbps bands=type=drop rate=1 prec_level=1",
                20,
                "may have 'prec_level'",
            ),
            ("meter=1 kbps bands=type=drop rate", 30, "missing value"),
            (
                "meter=1 kbps bands=type=drop rate=x",
                35,
                "expected a number",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.what.contains(what), "{text}: {error}");
            assert_eq!(error.column, column, "{text}: {error}");
        }
    }
}
