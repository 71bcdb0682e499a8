//! The options of `ovs-ofctl`.

use flows::{Field, Version};

use super::format::Formats;
use super::{Stop, fatal};

/// By what flows are sorted.
#[derive(Clone, Debug)]
pub(super) struct Criterion {
    /// The field; `None`: the priority.
    pub(super) field: Option<Field>,
    pub(super) descending: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Options {
    /// The flow formats that are allowed, of the versions that are allowed.
    pub(super) formats: Formats,
    pub(super) strict: bool,
    pub(super) bundle: bool,
    pub(super) may_create: bool,
    pub(super) readd: bool,
    pub(super) no_stats: bool,
    /// True: names are shown; false: they are not even accepted.
    pub(super) names: Option<bool>,
    pub(super) verbosity: u8,
    pub(super) sort: Vec<Criterion>,
    /// The form of packets for the controller, by the number that asks for it.
    pub(super) packet_in_format: Option<u32>,
    /// By which name a monitor is controlled.
    pub(super) target: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            formats: Formats::of_versions(&[Version::V10]),
            strict: false,
            bundle: false,
            may_create: false,
            readd: false,
            no_stats: false,
            names: None,
            verbosity: 0,
            sort: Vec::new(),
            packet_in_format: None,
            target: "ovs-ofctl".to_owned(),
        }
    }
}

impl Options {
    /// Separates options and words.
    pub(super) fn read<'a>(arguments: &[&'a str]) -> Result<(Self, Vec<&'a str>), Stop> {
        let mut options = Self::default();
        let (mut versions, mut formats) = (vec![Version::V10], Formats::ANY);
        let mut words = Vec::new();
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            let (name, value) = split(argument);
            let mut needed = || match value {
                Some(value) => Ok(value),
                None => rest
                    .next()
                    .ok_or_else(|| Stop::Fatal(format!("option {name} needs a value"))),
            };
            match name {
                "-O" | "--protocols" => versions = version_list(needed()?)?,
                "-F" | "--flow-format" => {
                    formats = Formats::read(needed()?).map_err(Stop::Fatal)?
                }
                "-P" | "--packet-in-format" => {
                    options.packet_in_format = Some(packet_in_format(needed()?)?);
                }
                "-t" | "--timeout" => {
                    needed()?;
                }
                "--unixctl" => needed()?.clone_into(&mut options.target),
                "--sort" => options.sort.push(criterion(value, false)?),
                "--rsort" => options.sort.push(criterion(value, true)?),
                "--strict" => options.strict = true,
                "--bundle" => options.bundle = true,
                "--may-create" => options.may_create = true,
                "--readd" => options.readd = true,
                "--stats" => options.no_stats = false,
                "--no-stats" => options.no_stats = true,
                "--names" => options.names = Some(true),
                "--no-names" => options.names = Some(false),
                "--more" => options.verbosity += 1,
                // What concerns only the program's own log and its being in the background.
                "-v" | "--verbose" | "--detach" | "--no-chdir" | "--pidfile" => {}
                _ if name.starts_with("-m") => {
                    let more = name.bytes().filter(|b| *b == b'm').count();
                    options.verbosity += u8::try_from(more).unwrap_or(u8::MAX);
                }
                "-" => words.push("-"),
                _ if name.starts_with('-') => {
                    return Err(Stop::Unknown(format!("option {argument}")));
                }
                _ => words.push(argument),
            }
        }
        // Bundles need OpenFlow 1.3 and are asked for in 1.4 if nothing newer is allowed.
        let bundles = options.bundle || words.first() == Some(&"bundle");
        if bundles && !versions.iter().any(|version| *version >= Version::V13) {
            versions = vec![Version::V14];
        }
        options.formats = formats.and(Formats::of_versions(&versions));
        if options.formats.is_none() {
            return fatal(format!(
                "None of the enabled OpenFlow versions ({}) supports any of the enabled flow formats ({formats}).  (Use -O to enable additional OpenFlow versions or -F to enable additional flow formats.)",
                versions
                    .iter()
                    .map(|v| format!("OpenFlow1{}", v.wire() - 1))
                    .collect::<Vec<_>>()
                    .join(", ")
            ));
        }
        if !options.sort.is_empty() {
            options.sort.push(Criterion {
                field: None,
                descending: true,
            });
        }
        Ok((options, words))
    }
}

/// Name and value of `--name=value`, `-nvalue` and `-n`.
fn split(argument: &str) -> (&str, Option<&str>) {
    if argument.starts_with("--") {
        return match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument, None),
        };
    }
    for short in ["-O", "-F", "-P", "-t", "-v"] {
        if let Some(value) = argument.strip_prefix(short) {
            return (short, Some(value).filter(|value| !value.is_empty()));
        }
    }
    (argument, None)
}

fn version_list(text: &str) -> Result<Vec<Version>, Stop> {
    text.split(',')
        .map(|name| {
            let lower = name.to_ascii_lowercase();
            Version::ALL
                .into_iter()
                .find(|version| lower == format!("openflow1{}", version.wire() - 1))
                .ok_or_else(|| Stop::Fatal(format!("{name} is not a valid OpenFlow version")))
        })
        .collect()
}

fn packet_in_format(text: &str) -> Result<u32, Stop> {
    Ok(match text {
        "standard" | "openflow10" => 0,
        "nxt_packet_in" | "nxm" => 1,
        "nxt_packet_in2" => 2,
        _ => return fatal(format!("unknown packet-in format `{text}'")),
    })
}

fn criterion(field: Option<&str>, descending: bool) -> Result<Criterion, Stop> {
    let field = match field {
        None | Some("priority") => None,
        Some(name) => match Field::from_name(name) {
            Some(field) => Some(field),
            None => return fatal(format!("{name}: unknown field name")),
        },
    };
    Ok(Criterion { field, descending })
}
