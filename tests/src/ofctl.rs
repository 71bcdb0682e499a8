//! The commands of `ovs-ofctl`, done by heddle's own code: text to messages, messages to bytes and back, answers to text.
//! Tests ask them what Open vSwitch's own tests ask `ovs-ofctl`. Nothing here is a second codec: a command is a few calls of
//! the crate `flows` and of a [`Connection`].

mod flow;
mod format;
mod group;
mod monitor;
mod options;
mod packet;
mod port;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use flows::ofpkt::{
    Body, FlowMod, FlowModCommand, GroupModCommand, Message, MultipartReply, MultipartRequest,
};
use flows::text::{Names, print_message};
use flows::{Port, Version};

use crate::Connection;
use format::Formats;
use monitor::Monitor;
use options::Options;

/// What a command has said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// On standard output.
    pub out: String,
    /// On standard error.
    pub err: String,
    /// The exit status.
    pub status: i32,
}

/// Why a command ends early.
#[derive(Debug)]
enum Stop {
    /// It says why.
    Fatal(String),
    /// The switch has said why.
    Refused,
    /// It is not for us.
    Unknown(String),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Fatal(error.to_string())
    }
}

fn fatal<T>(what: impl std::fmt::Display) -> Result<T, Stop> {
    Err(Stop::Fatal(what.to_string()))
}

/// The flow formats in which a change of flows can be said, as `ovs-ofctl parse-flow` tells them.
#[must_use]
pub fn usable_formats(change: &FlowMod) -> String {
    Formats::of_flow_mod(change).to_string()
}

/// Runs commands in the directory of a switch, and keeps the monitors that they leave behind.
#[derive(Debug)]
pub struct Ofctl {
    dir: PathBuf,
    monitors: BTreeMap<String, Monitor>,
}

impl Ofctl {
    /// Commands for the switch whose sockets and files are in `dir`.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            monitors: BTreeMap::new(),
        }
    }

    /// Does one command; `arguments` are what follows `ovs-ofctl`. What it says to standard error while it runs in the
    /// background goes to the file `log`.
    ///
    /// # Errors
    /// If this driver does not know it: why.
    pub fn run(&mut self, arguments: &[&str], stdin: &str, log: &str) -> Result<Answer, String> {
        let mut call = Call {
            dir: self.dir.clone(),
            options: Options::default(),
            stdin: stdin.to_owned(),
            log: log.to_owned(),
            names: None,
            xid: Arc::default(),
            answer: Answer::default(),
        };
        let result = Options::read(arguments).and_then(|(options, words)| {
            call.options = options;
            if let Some(monitor) = call.command(&words)? {
                self.monitors.insert(monitor.target().to_owned(), monitor);
            }
            Ok(())
        });
        match result {
            Ok(()) => {}
            Err(Stop::Refused) => call.answer.status = 1,
            Err(Stop::Fatal(what)) => {
                call.answer.err += &format!("ovs-ofctl: {what}\n");
                call.answer.status = 1;
            }
            Err(Stop::Unknown(what)) => return Err(what),
        }
        Ok(call.answer)
    }

    /// Does a command that `ovs-appctl -t TARGET` would send to a monitor.
    ///
    /// # Errors
    /// If there is no such monitor, or it can not do it.
    pub fn control(&mut self, target: &str, arguments: &[&str]) -> Result<Answer, String> {
        let target = target.trim_start_matches("./");
        let found = self.monitors.get_mut(target);
        let monitor = found.ok_or_else(|| format!("no monitor {target}"))?;
        match arguments {
            ["exit"] => {
                self.monitors.remove(target);
            }
            ["ofctl/barrier"] => monitor.barrier()?,
            ["ofctl/set-output-file", file] => monitor.set_output_file(&self.dir.join(file))?,
            ["ofctl/block"] => monitor.block(true)?,
            ["ofctl/unblock"] => monitor.block(false)?,
            ["ofctl/send", messages @ ..] => {
                let sent = monitor.send(messages)?;
                return Ok(Answer {
                    out: sent,
                    ..Answer::default()
                });
            }
            other => return Err(format!("a monitor does no {other:?}")),
        }
        Ok(Answer::default())
    }
}

/// A command at work.
#[derive(Debug)]
struct Call {
    dir: PathBuf,
    options: Options,
    stdin: String,
    log: String,
    /// The names of ports and tables, once asked for.
    names: Option<Names>,
    /// Transaction ids count on through all connections of a command, as those of `ovs-ofctl` do.
    xid: Arc<AtomicU32>,
    answer: Answer,
}

impl Call {
    fn command(&mut self, words: &[&str]) -> Result<Option<Monitor>, Stop> {
        use FlowModCommand as F;
        let strict = self.options.strict;
        match *words {
            ["show", bridge] => self.show(bridge)?,
            ["dump-desc", bridge] => self.dump(bridge, MultipartRequest::Desc)?,
            ["dump-tables", bridge] => self.dump(bridge, MultipartRequest::Table)?,
            ["dump-table-features", bridge] => self.table_features(bridge)?,
            ["dump-table-desc", bridge] => self.dump(bridge, MultipartRequest::TableDesc)?,
            ["mod-table", bridge, table, setting] => self.mod_table(bridge, table, setting)?,
            ["get-frags", bridge] => self.get_frags(bridge)?,
            ["set-frags", bridge, mode] => self.set_frags(bridge, mode)?,
            ["dump-ports", bridge, ref port @ ..] => self.dump_ports(bridge, port)?,
            ["dump-ports-desc", bridge, ref port @ ..] => self.dump_ports_desc(bridge, port)?,
            ["mod-port", bridge, port, action] => self.mod_port(bridge, port, action)?,
            ["queue-stats", bridge, ref which @ ..] => self.queue_stats(bridge, which)?,
            ["queue-get-config", bridge, ref which @ ..] => self.queue_config(bridge, which)?,
            ["dump-flows", bridge, ref matches @ ..] => self.dump_flows(bridge, matches)?,
            ["dump-aggregate", bridge, ref matches @ ..] => self.dump_aggregate(bridge, matches)?,
            ["add-flow", bridge, text] => self.flow_mod(bridge, text, F::Add)?,
            ["add-flows", bridge, file] => self.flow_mod_file(bridge, file)?,
            ["mod-flows", bridge, text] if strict => {
                self.flow_mod(bridge, text, F::ModifyStrict)?;
            }
            ["mod-flows", bridge, text] => self.flow_mod(bridge, text, F::Modify)?,
            ["del-flows", bridge] => self.flow_mod(bridge, "", F::Delete)?,
            ["del-flows", bridge, text] if strict => {
                self.flow_mod(bridge, text, F::DeleteStrict)?;
            }
            ["del-flows", bridge, text] => self.flow_mod(bridge, text, F::Delete)?,
            ["replace-flows", bridge, file] => self.replace_flows(bridge, file)?,
            ["packet-out", bridge, text] => self.packet_out(bridge, text)?,
            ["packet-out", bridge, port, actions, ref packets @ ..] => {
                self.packet_out_of(bridge, port, actions, packets)?;
            }
            ["bundle", bridge, file] => self.bundle(bridge, file)?,
            ["add-group", bridge, text] => self.group_mod(bridge, text, GroupModCommand::ADD)?,
            ["add-groups", bridge, file] => self.group_mod_file(bridge, file)?,
            ["mod-group", bridge, text] => {
                let create = self.options.may_create;
                let command = if create {
                    GroupModCommand::ADD_OR_MODIFY
                } else {
                    GroupModCommand::MODIFY
                };
                self.group_mod(bridge, text, command)?;
            }
            ["del-groups", bridge, ref text @ ..] => {
                let text = text.first().copied().unwrap_or_default();
                self.group_mod(bridge, text, GroupModCommand::DELETE)?;
            }
            ["insert-buckets", bridge, text] => {
                self.group_mod(bridge, text, GroupModCommand::INSERT_BUCKET)?;
            }
            ["remove-buckets", bridge, text] => {
                self.group_mod(bridge, text, GroupModCommand::REMOVE_BUCKET)?;
            }
            ["dump-groups", bridge, ref which @ ..] => self.dump_groups(bridge, which)?,
            ["dump-group-stats", bridge, ref which @ ..] => self.dump_group_stats(bridge, which)?,
            ["dump-group-features", bridge] => {
                self.dump(bridge, MultipartRequest::GroupFeatures)?;
            }
            ["add-meter", bridge, text] => self.meter_mod(bridge, text, "add")?,
            ["mod-meter", bridge, text] => self.meter_mod(bridge, text, "modify")?,
            ["del-meters" | "del-meter", bridge, ref which @ ..] => {
                self.del_meters(bridge, which)?;
            }
            ["dump-meters" | "dump-meter", bridge, ref which @ ..] => {
                self.dump_meters(bridge, which)?;
            }
            ["meter-stats", bridge, ref which @ ..] => self.meter_stats(bridge, which)?,
            ["meter-features", bridge] => self.dump_meter_features(bridge)?,
            ["add-tlv-map", bridge, text] => self.tlv_map(bridge, Some(text), true)?,
            ["del-tlv-map", bridge, ref text @ ..] => {
                self.tlv_map(bridge, text.first().copied(), false)?;
            }
            ["dump-tlv-map", bridge] => self.ask_and_print(bridge, Body::TlvTableRequest)?,
            ["dump-ipfix-bridge", bridge] => self.dump(bridge, MultipartRequest::IpfixBridge)?,
            ["dump-ipfix-flow", bridge] => self.dump(bridge, MultipartRequest::IpfixFlow)?,
            ["monitor", bridge, ref what @ ..] => return self.monitor(bridge, what).map(Some),
            _ => {
                return Err(Stop::Unknown(format!(
                    "heddle does no ovs-ofctl {}",
                    words.join(" ")
                )));
            }
        }
        Ok(None)
    }

    /// The management socket of a bridge, which may also be named by its path.
    fn socket(&self, bridge: &str) -> PathBuf {
        match bridge.strip_prefix("unix:") {
            Some(path) => self.dir.join(path),
            None => self.dir.join(format!("{bridge}.mgmt")),
        }
    }

    fn open(&self, bridge: &str, version: Version) -> Result<Connection, Stop> {
        let socket = self.socket(bridge);
        if !socket.exists() {
            return fatal(format!("{bridge} is not a bridge or a socket"));
        }
        Ok(Connection::open_after(
            &socket,
            version,
            Arc::clone(&self.xid),
        )?)
    }

    /// Opens in the newest version that is allowed.
    fn connect(&self, bridge: &str) -> Result<Connection, Stop> {
        self.open(bridge, self.options.formats.newest_version())
    }

    /// Opens for a change that can be said in these formats, and makes the connection take one of them.
    fn connect_for(&self, bridge: &str, usable: Formats) -> Result<(Connection, Formats), Stop> {
        let allowed = self.options.formats;
        let common = usable.and(allowed);
        if common.is_none() {
            return fatal(format!(
                "none of the usable flow formats ({usable}) is among the allowed flow formats ({allowed})"
            ));
        }
        let mut connection = self.connect(bridge)?;
        let first = Formats::first_of(connection.version());
        if common.contains(first) {
            return Ok((connection, first));
        }
        let of_version = |format: &Formats| format.version() == connection.version();
        let Some(format) = common.each().find(of_version) else {
            return fatal(format!(
                "switch does not support any of the usable flow formats ({usable})"
            ));
        };
        if format.is_nxm() {
            let refusal = connection.change(Body::SetFlowFormat(2))?;
            self.expect_done(refusal)?;
        }
        if format.has_table() && connection.version() == Version::V10 {
            let refusal = connection.change(Body::FlowModTableId(true))?;
            self.expect_done(refusal)?;
        }
        Ok((connection, format))
    }

    fn expect_done(&self, refusal: Option<(Vec<u8>, Message)>) -> Result<(), Stop> {
        match refusal {
            None => Ok(()),
            Some((bytes, _)) => fatal(self.printed(&bytes, 2)),
        }
    }

    /// A message as it is shown at this verbosity above the one that is asked for.
    fn printed(&self, bytes: &[u8], verbosity: u8) -> String {
        let nameless = Names::default();
        let names = match &self.names {
            Some(names) if self.options.names == Some(true) => names,
            _ => &nameless,
        };
        print_message(bytes, self.options.verbosity + verbosity, names)
    }

    fn print(&mut self, bytes: &[u8]) {
        let text = self.printed(bytes, 1);
        self.answer.out += &text;
    }

    /// Makes a change, or ends with what the switch says to it.
    fn change(&mut self, connection: &mut Connection, body: Body) -> Result<(), Stop> {
        if let Some((bytes, _)) = connection.change(body)? {
            let text = self.printed(&bytes, 2);
            self.answer.err += &text;
            return Err(Stop::Refused);
        }
        Ok(())
    }

    /// Asks and prints the answer, which must be the same bytes when it is encoded again.
    fn print_answer(&mut self, connection: &mut Connection, body: Body) -> Result<(), Stop> {
        for (bytes, message) in connection.ask(body)? {
            crate::connection::again(&bytes, &message)?;
            self.print(&bytes);
        }
        Ok(())
    }

    fn ask_and_print(&mut self, bridge: &str, body: Body) -> Result<(), Stop> {
        let mut connection = self.connect(bridge)?;
        self.print_answer(&mut connection, body)
    }

    fn dump(&mut self, bridge: &str, request: MultipartRequest) -> Result<(), Stop> {
        self.ask_and_print(bridge, Body::MultipartRequest(request))
    }

    /// The names of the bridge's ports and tables, if they may stand in the text.
    fn names(&mut self, bridge: &str) -> Result<Names, Stop> {
        if self.options.names == Some(false) {
            return Ok(Names::default());
        }
        if let Some(names) = &self.names {
            return Ok(names.clone());
        }
        let mut connection = self.connect(bridge)?;
        let mut names = Names::default();
        for port in port::ports(&mut connection)? {
            names.ports.insert(port.port.0, port.name);
        }
        let request = if connection.version() < Version::V13 {
            MultipartRequest::Table
        } else {
            MultipartRequest::TableFeatures(Vec::new())
        };
        for part in connection.ask_parts(Body::MultipartRequest(request))? {
            let tables: Vec<(u8, String)> = match part {
                MultipartReply::Table(tables) => tables
                    .into_iter()
                    .filter_map(|t| Some((t.table, t.abilities?.name)))
                    .collect(),
                MultipartReply::TableFeatures(tables) => {
                    tables.into_iter().map(|t| (t.table, t.name)).collect()
                }
                _ => Vec::new(),
            };
            names
                .tables
                .extend(tables.into_iter().filter(|(_, name)| !name.is_empty()));
        }
        self.names = Some(names.clone());
        Ok(names)
    }

    /// A port by number or name.
    fn port(&mut self, bridge: &str, text: &str) -> Result<Port, Stop> {
        if let Some(port) = Port::from_name(text) {
            return Ok(port);
        }
        if let Ok(number) = text.parse() {
            return Ok(Port::from_u16(number));
        }
        let named = port::ports(&mut self.connect(bridge)?)?;
        match named.into_iter().find(|port| port.name == text) {
            Some(port) => Ok(port.port),
            None => fatal(format!("{bridge}: unknown port `{text}'")),
        }
    }

    /// The lines of a file, or of standard input for `-`, that are not empty, without comments, with their numbers.
    fn lines(&self, file: &str) -> Result<Vec<(usize, String)>, Stop> {
        let text = match file {
            "-" => self.stdin.clone(),
            file => std::fs::read_to_string(self.dir.join(file))
                .map_err(|error| Stop::Fatal(format!("{file}: open ({error})")))?,
        };
        Ok((1..)
            .zip(text.lines())
            .map(|(n, line)| (n, line.split('#').next().unwrap_or_default().trim()))
            .filter(|(_, line)| !line.is_empty())
            .map(|(n, line)| (n, line.to_owned()))
            .collect())
    }
}

/// `FILE:LINE:COLUMN: what` as `ovs-ofctl` has it: without the column.
fn at_line(file: &str, line: usize, what: impl std::fmt::Display) -> Stop {
    let file = if file == "-" { "<stdin>" } else { file };
    Stop::Fatal(format!("{file}:{line}: {what}"))
}

fn unhex(text: &str) -> Result<Vec<u8>, Stop> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()
        .ok_or_else(|| Stop::Fatal("Trailing garbage in packet data".to_owned()))?;
    Ok(digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8))
        .collect())
}
