//! `heddle flow`: reads flows and OpenFlow messages that anyone's switch or controller wrote, and writes them in another
//! form. Talks to nobody.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};
use flows::ofpkt::{Body, FlowMod, FlowModCommand, Message};
use flows::text::{Names, check_change_for, parse_flow_mod, print_message};
use flows::{UnknownField, Version};
use serde_json::{Value, json};

use super::Failure;

pub(super) const EXAMPLES: &str = "\
Examples:
  heddle flow parse flows.txt                          canonical flow syntax, a line each
  ovs-ofctl dump-flows br-int | heddle flow parse -o json
  heddle flow parse -O OpenFlow13 -o hex flows.txt     the bytes of each FLOW_MOD
  heddle flow decode 0512001000000001000d000000000000  what a message says, as ovs-ofctl ofp-print does";

/// What `heddle flow` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read flow syntax and write it in another form
    ///
    /// The input is that of `ovs-ofctl add-flows`: a flow a line, with add, modify, modify_strict, delete or delete_strict
    /// in front or not; also what `ovs-ofctl dump-flows` prints. A bad line goes to standard error as FILE:LINE:COLUMN:
    /// what is wrong; the rest still comes out, and the exit code is 1.
    Parse(Parse),
    /// Read OpenFlow messages in hexadecimal and write what they say
    Decode(Decode),
}

/// How flows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FlowOutput {
    /// Canonical flow syntax, which parses again
    Flow,
    /// The FLOW_MOD as ovs-ofctl prints it
    Ofctl,
    /// An object a line, see flow.schema.json
    Json,
    /// The bytes of the FLOW_MOD, transaction id 0
    Hex,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MessageOutput {
    /// As `ovs-ofctl ofp-print` does
    Ofctl,
    /// An object a line, see flow.schema.json
    Json,
}

/// A version that flows are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(
    clippy::enum_variant_names,
    reason = "these are the names that ovs-ofctl takes"
)]
enum Protocol {
    #[value(name = "OpenFlow10")]
    OpenFlow10,
    #[value(name = "OpenFlow11")]
    OpenFlow11,
    #[value(name = "OpenFlow12")]
    OpenFlow12,
    #[value(name = "OpenFlow13")]
    OpenFlow13,
    #[value(name = "OpenFlow14")]
    OpenFlow14,
    #[value(name = "OpenFlow15")]
    OpenFlow15,
}

impl Protocol {
    fn version(self) -> Version {
        match self {
            Self::OpenFlow10 => Version::V10,
            Self::OpenFlow11 => Version::V11,
            Self::OpenFlow12 => Version::V12,
            Self::OpenFlow13 => Version::V13,
            Self::OpenFlow14 => Version::V14,
            Self::OpenFlow15 => Version::V15,
        }
    }
}

/// Arguments of `heddle flow parse`.
#[derive(Debug, Args)]
pub(super) struct Parse {
    /// The version of OpenFlow that -o ofctl and -o hex speak
    #[arg(
        short = 'O',
        long = "protocol",
        value_name = "PROTOCOL",
        default_value = "OpenFlow14"
    )]
    protocol: Protocol,
    /// What to write
    #[arg(short, long, value_enum, default_value = "flow")]
    output: FlowOutput,
    /// The file to read; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: String,
}

/// Arguments of `heddle flow decode`.
#[derive(Debug, Args)]
pub(super) struct Decode {
    /// What to write
    #[arg(short, long, value_enum, default_value = "ofctl")]
    output: MessageOutput,
    /// How much to write, as the second argument of `ovs-ofctl ofp-print`
    #[arg(long, value_name = "N", default_value_t = 1)]
    verbosity: u8,
    /// Messages in hexadecimal, or files with a message a line; - is standard input
    #[arg(value_name = "HEX|FILE", default_value = "-")]
    inputs: Vec<String>,
}

impl Command {
    pub(super) fn run(self) -> Result<(), Failure> {
        let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        match self {
            Self::Parse(arguments) => arguments.run(out),
            Self::Decode(arguments) => arguments.run(out),
        }
    }
}

/// A failure to write, of which a closed pipe is none: whoever read has seen enough.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format_args!("writing: {error}")))
        }
        _ => Ok(()),
    }
}

fn open(name: &str) -> Result<Box<dyn BufRead>, Failure> {
    if name == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file =
        File::open(name).map_err(|error| Failure::failed(format_args!("{name}: {error}")))?;
    Ok(Box::new(BufReader::new(file)))
}

fn read_text(name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = open(name)?.read_to_end(&mut bytes);
    read.map_err(|error| Failure::failed(format_args!("{name}: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A line without its comment; nothing for those that say nothing. What `dump-flows` prints as its head is none either.
fn content(line: &str) -> Option<&str> {
    let text = line.split('#').next().unwrap_or_default().trim_end();
    let head = text.trim_start();
    let is_head = head.starts_with("NXST_FLOW reply") || head.starts_with("OFPST_FLOW reply");
    (!head.is_empty() && !is_head).then_some(text)
}

impl Parse {
    fn run(self, mut out: impl Write) -> Result<(), Failure> {
        let text = read_text(&self.file)?;
        let name = if self.file == "-" {
            "<stdin>"
        } else {
            &self.file
        };
        let version = self.protocol.version();
        let (mut bad, mut total) = (0u64, 0u64);
        let v10 =
            version == Version::V10 && matches!(self.output, FlowOutput::Ofctl | FlowOutput::Hex);
        let form = if v10 {
            Form::of(&text)
        } else {
            Form::default()
        };
        for (number, line) in (1u64..).zip(text.lines()) {
            let Some(line) = content(line) else { continue };
            total += 1;
            match parse_flow_mod(line, FlowModCommand::Add, &Names::default()) {
                Ok(mut change) => {
                    let for_wire = matches!(self.output, FlowOutput::Ofctl | FlowOutput::Hex);
                    if for_wire && let Err(what) = check_change_for(&change, version) {
                        bad += 1;
                        let column = line.find("action").unwrap_or(0) + 1;
                        eprintln!("{name}:{number}:{column}: {what}");
                        continue;
                    }
                    form.apply(&mut change);
                    let xid = u32::try_from(total).unwrap_or(u32::MAX);
                    written(self.write(&mut out, change, version, xid))?;
                }
                Err(error) => {
                    bad += 1;
                    eprintln!("{name}:{number}:{}: {}", error.column, error.what);
                }
            }
        }
        written(out.flush())?;
        if bad > 0 {
            return Err(Failure::failed(format_args!(
                "{bad} of {total} lines are not flows"
            )));
        }
        Ok(())
    }

    fn write(
        &self,
        out: &mut impl Write,
        change: FlowMod,
        version: Version,
        xid: u32,
    ) -> io::Result<()> {
        match self.output {
            FlowOutput::Flow => writeln!(out, "{}", change.to_text(&Names::default())),
            FlowOutput::Json => writeln!(out, "{}", flow_json(&change)),
            FlowOutput::Ofctl => {
                let message = Message::new(version, xid, Body::FlowMod(Box::new(change)));
                out.write_all(print_message(&message.encode(), 1, &Names::default()).as_bytes())
            }
            FlowOutput::Hex => {
                let message = Message::new(version, 0, Body::FlowMod(Box::new(change)));
                writeln!(out, "{}", hex(&message.encode()))
            }
        }
    }
}

/// The form that all FLOW_MODs of a file take in OpenFlow 1.0: as in ovs-ofctl one that suits every flow.
#[derive(Clone, Copy, Default)]
struct Form {
    nicira: bool,
    table: bool,
}

impl Form {
    fn of(text: &str) -> Self {
        let mut form = Self::default();
        for line in text.lines().filter_map(content) {
            if let Ok(change) = parse_flow_mod(line, FlowModCommand::Add, &Names::default()) {
                form.nicira |= change.needs_nicira_form();
                form.table |= change.flow.table != flows::ofpkt::ALL_TABLES;
            }
        }
        form
    }

    fn apply(self, change: &mut FlowMod) {
        change.nicira_form |= self.nicira;
        change.table_said |= self.table;
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    digits
        .chunks(2)
        .map(|pair| {
            pair.iter()
                .try_fold(0u8, |acc, byte| Some(acc << 4 | nibble(byte)?))
        })
        .collect()
}

/// A field that has no name, by its numbers.
fn numbers(field: &UnknownField<'_>) -> String {
    let experimenter = field
        .experimenter
        .map_or(String::new(), |id| format!(",experimenter={id:#010x}"));
    let UnknownField { class, number, .. } = field;
    format!("oxm(class={class:#06x}{experimenter},field={number})")
}

/// A change of flows as an object of `flow.schema.json`.
fn flow_json(change: &FlowMod) -> Value {
    let flow = &change.flow;
    let command = match change.command {
        FlowModCommand::Add => "add",
        FlowModCommand::Modify => "modify",
        FlowModCommand::ModifyStrict => "modify_strict",
        FlowModCommand::Delete => "delete",
        FlowModCommand::DeleteStrict => "delete_strict",
    };
    let number = |bytes: &[u8]| match hex(bytes) {
        digits if digits.is_empty() => json!("0x0"),
        digits => json!(format!("0x{digits}")),
    };
    let unknown = flow.matches.unknown().map(|field| {
        let mut item = json!({ "field": numbers(&field), "value": number(field.value) });
        if let Some(mask) = field.mask {
            item["mask"] = number(mask);
        }
        item
    });
    let fields: Vec<Value> = flow
        .matches
        .iter()
        .map(|field| {
            let value = format!("{:#x}", field.value);
            if field.is_exact() {
                json!({ "field": field.field.name(), "value": value })
            } else {
                json!({ "field": field.field.name(), "value": value, "mask": format!("{:#x}", field.mask) })
            }
        })
        .chain(unknown)
        .collect();
    let table = Some(flow.table).filter(|table| *table != flows::ofpkt::ALL_TABLES);
    json!({
        "command": command,
        "table": table,
        "priority": flow.priority,
        "cookie": format!("{:#x}", flow.cookie),
        "cookie_mask": format!("{:#x}", change.cookie_mask),
        "idle_timeout": flow.idle_timeout,
        "hard_timeout": flow.hard_timeout,
        "importance": flow.importance,
        "flags": flow.flags.0,
        "match": fields,
        "actions": flow.instructions.to_string(),
        "text": change.to_text(&Names::default()),
    })
}

/// A message as an object of `flow.schema.json`.
fn message_json(bytes: &[u8], text: &str) -> Value {
    let version = bytes
        .first()
        .and_then(|v| Version::from_wire(*v))
        .map(|v| format!("1.{}", v.wire() - 1));
    let xid = bytes
        .get(4..8)
        .map(|b| b.iter().fold(0u32, |acc, byte| acc << 8 | u32::from(*byte)));
    let name = text.split(" (").next().filter(|_| text.contains("(xid="));
    let error = Message::decode(bytes).err();
    json!({
        "version": version,
        "xid": xid,
        "type": name,
        "text": text.trim_end(),
        "error": error.map(|e| json!({ "name": e.error.name(), "offset": e.offset })),
    })
}

impl Decode {
    fn run(self, mut out: impl Write) -> Result<(), Failure> {
        let (mut bad, mut total) = (0u64, 0u64);
        for input in &self.inputs {
            let direct = if input == "-" || Path::new(input).exists() {
                None
            } else {
                unhex(input)
            };
            if let Some(bytes) = direct {
                total += 1;
                written(self.write(&mut out, &bytes))?;
                continue;
            }
            let name = if input == "-" { "<stdin>" } else { input };
            for (number, line) in (1u64..).zip(read_text(input)?.lines()) {
                let Some(line) = content(line) else { continue };
                total += 1;
                match unhex(line) {
                    Some(bytes) => written(self.write(&mut out, &bytes))?,
                    None => {
                        bad += 1;
                        let wrong = |c: char| !c.is_ascii_hexdigit() && !c.is_whitespace();
                        let column = line.find(wrong).unwrap_or(line.len()) + 1;
                        eprintln!(
                            "{name}:{number}:{column}: not a message, expected an even number of hexadecimal digits"
                        );
                    }
                }
            }
        }
        written(out.flush())?;
        if bad > 0 {
            return Err(Failure::failed(format_args!(
                "{bad} of {total} lines are not messages"
            )));
        }
        Ok(())
    }

    fn write(&self, out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
        let text = print_message(bytes, self.verbosity, &Names::default());
        match self.output {
            MessageOutput::Ofctl => out.write_all(text.as_bytes()),
            MessageOutput::Json => writeln!(out, "{}", message_json(bytes, &text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        serde_json::from_str(include_str!("flow.schema.json")).unwrap()
    }

    /// The object has exactly the members that the schema names, each of a type that it allows.
    fn check(object: &Value, schema: &Value) {
        let (members, properties) = (
            object.as_object().unwrap(),
            schema["properties"].as_object().unwrap(),
        );
        assert_eq!(
            members.keys().collect::<Vec<_>>(),
            properties.keys().collect::<Vec<_>>()
        );
        for (name, value) in members {
            let kind = match value {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::Number(_) => "integer",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            };
            let allowed = &properties[name]["type"];
            let fits = allowed == kind
                || allowed
                    .as_array()
                    .is_some_and(|kinds| kinds.iter().any(|k| k == kind));
            assert!(fits, "{name} is {kind}, the schema says {allowed}");
        }
    }

    #[test]
    fn objects_follow_the_schema() {
        let read =
            |text: &str| parse_flow_mod(text, FlowModCommand::Add, &Names::default()).unwrap();
        for text in [
            "table=3,ip,nw_src=10.0.0.0/8 actions=drop",
            "delete cookie=1/3",
            "oxm(class=0xffff,experimenter=0x1234,field=3,value=0x00ff,mask=0x0fff) actions=drop",
        ] {
            check(&flow_json(&read(text)), &schema()["$defs"]["flow"]);
        }
        for bytes in [
            &[5, 20, 0, 8, 0, 0, 0, 1][..],
            &[5, 2],
            &[5, 77, 0, 8, 0, 0, 0, 1],
        ] {
            let text = print_message(bytes, 1, &Names::default());
            check(&message_json(bytes, &text), &schema()["$defs"]["message"]);
        }
    }

    #[test]
    fn flows_become_what_was_asked_for() {
        let lines = |output, text: &str| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("flows.txt");
            std::fs::write(&path, text).unwrap();
            let file = path.display().to_string();
            let mut out = Vec::new();
            let result = Parse {
                protocol: Protocol::OpenFlow10,
                output,
                file,
            }
            .run(&mut out);
            (String::from_utf8(out).unwrap(), result.is_ok())
        };
        let two =
            "# two\nip,nw_dst=10.0.0.1,actions=mod_dl_src:02:00:00:00:00:01,2\n\ndelete table=3\n";
        assert_eq!(
            lines(FlowOutput::Flow, two),
            (
                "ip,nw_dst=10.0.0.1 actions=mod_dl_src:02:00:00:00:00:01,output:2\ndelete table=3\n".to_owned(),
                true
            )
        );
        let (text, _) = lines(FlowOutput::Ofctl, two);
        assert_eq!(
            text,
            "OFPT_FLOW_MOD (xid=0x1): ADD table:255 ip,nw_dst=10.0.0.1 actions=mod_dl_src:02:00:00:00:00:01,output:2\n\
             OFPT_FLOW_MOD (xid=0x2): DEL table:3 actions=drop\n"
        );
        let (text, fine) = lines(FlowOutput::Flow, "nonsense\nactions=drop\n");
        assert_eq!((text.as_str(), fine), ("actions=drop\n", false));
    }
}
