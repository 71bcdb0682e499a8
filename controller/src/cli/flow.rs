//! `heddle flow`: reads flows and OpenFlow messages that anyone's switch or controller wrote, and writes them in another
//! form. Talks to nobody.

mod json;
mod lines;
mod names;

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};
use flows::Version;
use flows::ofpkt::{ALL_TABLES, Body, FlowMod, FlowModCommand, Message};
use flows::text::{Names, absent_fields, check_change_for, parse_flow_mod, print_message};

use super::Failure;
use lines::{Line, Made, Tally, Wrong, spread, work_through};

pub(super) const EXAMPLES: &str = "\
Examples:
  heddle flow parse flows.txt                          # canonical flow syntax, a line each
  ovs-ofctl dump-flows br-int | heddle flow parse -o json
  heddle flow parse --ports eth0=1,eth1=2 named.txt    # what ovs-ofctl --names prints
  heddle flow parse -O OpenFlow13 -o hex flows.txt     # the bytes of each FLOW_MOD
  heddle flow decode 0512001000000001000d000000000000  # what a message says, as ovs-ofctl ofp-print does";

/// What `heddle flow` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read flow syntax and write it in another form
    ///
    /// The input is that of `ovs-ofctl add-flows`: a flow a line, with add, modify, modify_strict, delete or delete_strict
    /// in front or not; also what `ovs-ofctl dump-flows` prints. A bad line goes to standard error as FILE:LINE:COLUMN:
    /// what is wrong; the rest still comes out, and the exit code is 1. A field that packets of the flow need not have is
    /// left out, as by Open vSwitch (nw_src=1.2.3.4 without ip matches every packet), with a warning on standard error.
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
    /// The version of OpenFlow that -o ofctl and -o hex speak; without it that of ovs-ofctl without it
    #[arg(
        short = 'O',
        long = "protocol",
        value_name = "PROTOCOL",
        default_value = "OpenFlow10"
    )]
    protocol: Protocol,
    /// What to write
    #[arg(short, long, value_enum, default_value = "flow")]
    output: FlowOutput,
    /// The names that ports may have in the input, as with ovs-ofctl --names: a list, or a file with one a line or with what
    /// `ovs-ofctl show` prints. What is written has numbers
    #[arg(long, value_name = "NAME=NUMBER,...|FILE")]
    ports: Option<String>,
    /// The same for tables: a list, or a file with one a line or with what `ovs-ofctl dump-table-features` prints
    #[arg(long, value_name = "NAME=NUMBER,...|FILE")]
    tables: Option<String>,
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
        let out = io::stdout().lock();
        match self {
            Self::Parse(arguments) => arguments.run(out),
            Self::Decode(arguments) => arguments.run(out),
        }
    }
}

/// How many changes are held for OpenFlow 1.0, whose one form for all of them is known at the end of the input only.
const MOST_HELD: usize = 1 << 20;

/// Writes at once. A closed pipe is no failure: whoever read has seen enough, and nothing more need be made.
fn write(out: &mut impl Write, bytes: &[u8]) -> Result<ControlFlow<()>, Failure> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(Failure::failed(format_args!("writing: {error}"))),
    }
}

/// Opens what an argument names, and what complaints call it.
fn open(name: &str) -> Result<(Box<dyn Read>, &str), Failure> {
    if name == "-" {
        return Ok((Box::new(io::stdin().lock()), "<stdin>"));
    }
    match File::open(name) {
        Ok(file) => Ok((Box::new(file), name)),
        Err(error) => Err(Failure::failed(format_args!("{name}: {error}"))),
    }
}

fn all_fine(tally: Tally, what: &str) -> Result<(), Failure> {
    match tally {
        Tally { bad: 0, .. } => Ok(()),
        Tally { bad, total } => Err(Failure::failed(format_args!(
            "{bad} of {total} lines are not {what}"
        ))),
    }
}

impl Parse {
    fn run(self, mut out: impl Write) -> Result<(), Failure> {
        let names = names::read(self.ports.as_deref(), self.tables.as_deref())?;
        let (source, name) = open(&self.file)?;
        let mut tally = Tally::default();
        if self.for_wire() && self.protocol.version() == Version::V10 {
            let mut held: Vec<Message> = Vec::new();
            let work = |line: &Line<'_>, text: &str, made: &mut Made<'_, Vec<Message>>| {
                let change = self.change(text, &names, made)?;
                made.out.push(self.message(line, change));
                Ok(())
            };
            work_through(name, source, &mut tally, work, |made| {
                held.extend(made);
                if held.len() > MOST_HELD {
                    return Err(Failure::failed(format_args!(
                        "{name}: more than {MOST_HELD} flows, whose form in OpenFlow 1.0 depends on all of them; \
                         expected fewer, or -O OpenFlow13 or later"
                    )));
                }
                Ok(ControlFlow::Continue(()))
            })?;
            let form = held.iter().fold(Form::default(), Form::with);
            let texts = spread(&mut held, 64, |messages| {
                let mut text = Vec::new();
                for message in messages {
                    form.apply(message);
                    self.put_message(&mut text, message);
                }
                text
            });
            for text in texts {
                if write(&mut out, &text)?.is_break() {
                    break;
                }
            }
        } else {
            let work = |line: &Line<'_>, text: &str, made: &mut Made<'_, Vec<u8>>| {
                let mut change = self.change(text, &names, made)?;
                let out = &mut made.out;
                match self.output {
                    FlowOutput::Ofctl | FlowOutput::Hex => {
                        self.put_message(out, &self.message(line, change));
                    }
                    // What is left out of messages is no part of the flow.
                    FlowOutput::Flow => {
                        change.flow.matches.remove_absent();
                        put_line(out, &change.to_text(&Names::default()));
                    }
                    FlowOutput::Json => {
                        change.flow.matches.remove_absent();
                        put_line(out, &json::flow(&change).to_string());
                    }
                }
                Ok(())
            };
            work_through(name, source, &mut tally, work, |text| {
                write(&mut out, &text)
            })?;
        }
        all_fine(tally, "flows")
    }

    /// True if flows become messages.
    fn for_wire(&self) -> bool {
        matches!(self.output, FlowOutput::Ofctl | FlowOutput::Hex)
    }

    /// The change that a line says, which the version can say if it is asked for one.
    fn change<T>(
        &self,
        text: &str,
        names: &Names,
        made: &mut Made<'_, T>,
    ) -> Result<FlowMod, Wrong> {
        let change = parse_flow_mod(text, FlowModCommand::Add, names)
            .map_err(|error| (error.column, error.what))?;
        if self.for_wire() {
            check_change_for(&change, self.protocol.version())
                .map_err(|what| (text.find("action").unwrap_or(0) + 1, what))?;
        }
        let version = self.for_wire().then(|| self.protocol.version());
        for warning in absent_fields(text, &change, version) {
            made.warn(warning.column, &warning.what);
        }
        Ok(change)
    }

    fn message(&self, line: &Line<'_>, change: FlowMod) -> Message {
        let xid = match self.output {
            FlowOutput::Hex => 0,
            _ => u32::try_from(line.index).unwrap_or(u32::MAX),
        };
        Message::new(
            self.protocol.version(),
            xid,
            Body::FlowMod(Box::new(change)),
        )
    }

    fn put_message(&self, out: &mut Vec<u8>, message: &Message) {
        let bytes = message.encode();
        if self.output == FlowOutput::Hex {
            put_hex(out, &bytes);
            out.push(b'\n');
        } else {
            out.extend_from_slice(print_message(&bytes, 1, &Names::default()).as_bytes());
        }
    }
}

fn put_line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

/// The form that all FLOW_MODs of a file take in OpenFlow 1.0: as in ovs-ofctl one that suits every flow.
#[derive(Clone, Copy, Default)]
struct Form {
    nicira: bool,
    table: bool,
}

impl Form {
    fn with(self, message: &Message) -> Self {
        let Body::FlowMod(change) = &message.body else {
            return self;
        };
        Self {
            nicira: self.nicira || change.needs_nicira_form(),
            table: self.table || change.flow.table != ALL_TABLES,
        }
    }

    fn apply(self, message: &mut Message) {
        if let Body::FlowMod(change) = &mut message.body {
            change.nicira_form |= self.nicira;
            change.table_said |= self.table;
        }
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Two digits a byte.
fn put_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |n: u8| DIGITS.get(usize::from(n)).copied().unwrap_or(b'0');
    out.reserve(2 * bytes.len());
    for byte in bytes {
        out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
}

/// Bytes of two digits each, between which there may be white space.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut digits = text.chars().filter(|c| !c.is_ascii_whitespace());
    while let Some(high) = digits.next() {
        let byte = high.to_digit(16)? << 4 | digits.next()?.to_digit(16)?;
        bytes.push(u8::try_from(byte).ok()?);
    }
    Some(bytes)
}

impl Decode {
    fn run(self, mut out: impl Write) -> Result<(), Failure> {
        let mut tally = Tally::default();
        for input in &self.inputs {
            let direct = if input == "-" || Path::new(input).exists() {
                None
            } else {
                unhex(input)
            };
            if let Some(bytes) = direct {
                tally.total += 1;
                let mut text = Vec::new();
                self.put(&mut text, &bytes);
                if write(&mut out, &text)?.is_break() {
                    break;
                }
                continue;
            }
            let (source, name) = open(input)?;
            let work = |_: &Line<'_>, text: &str, made: &mut Made<'_, Vec<u8>>| {
                let bytes = unhex(text).ok_or_else(|| not_hex(text))?;
                self.put(&mut made.out, &bytes);
                Ok(())
            };
            work_through(name, source, &mut tally, work, |text| {
                write(&mut out, &text)
            })?;
        }
        all_fine(tally, "messages")
    }

    fn put(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        let text = print_message(bytes, self.verbosity, &Names::default());
        match self.output {
            MessageOutput::Ofctl => out.extend_from_slice(text.as_bytes()),
            MessageOutput::Json => put_line(out, &json::message(bytes, &text).to_string()),
        }
    }
}

/// Where and why a line is no message.
fn not_hex(line: &str) -> Wrong {
    let wrong = |c: char| !c.is_ascii_hexdigit() && !c.is_ascii_whitespace();
    let expected = "expected an even number of hexadecimal digits";
    match line.find(wrong) {
        Some(at) => {
            let found = line.split_at(at).1.chars().next().unwrap_or_default();
            (at + 1, format!("{found:?} is no digit, {expected}"))
        }
        None => (line.len() + 1, format!("half a byte, {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                ports: Some("eth0=2".to_owned()),
                tables: None,
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
        let (text, _) = lines(FlowOutput::Flow, "in_port=eth0,actions=\"eth0\"\n");
        assert_eq!(text, "in_port=2 actions=output:2\n");
        let (text, fine) = lines(FlowOutput::Flow, "nonsense\nactions=drop\n");
        assert_eq!((text.as_str(), fine), ("actions=drop\n", false));
    }
}
