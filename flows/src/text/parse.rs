//! Reading flows as ovs-ofctl does: all that `add-flow`, `parse-flows` and `dump-flows` accept or print.

mod absent;
mod actions;
mod ct;
mod digits;
mod dump;
mod flow_monitor;
mod group;
mod learn;
mod meter;
mod more;
mod packet_out;
mod table_features;
mod tlv;
pub(crate) mod token;
mod unknown;
pub(crate) mod value;

use super::print::Names;
use crate::ofpkt::{FlowMod, FlowModCommand, FlowStats};
use crate::{Field, Flow, FlowFlags, Instructions, Match, Port};
pub use absent::{Warning, absent_fields};
pub use dump::{
    DumpError, parse_group_dump, parse_group_features, parse_group_stats_dump, parse_meter_dump,
    parse_meter_features, parse_meter_stats_dump,
};
pub use flow_monitor::parse_flow_monitor;
pub use group::{parse_group, parse_group_mod, parse_group_stats};
use memchr::memmem::Finder;
pub use meter::parse_meter_mod;
pub use packet_out::parse_packet_out;
use std::sync::LazyLock;
pub use table_features::parse_table_features_dump;
pub use tlv::parse_tlv_maps;
use token::{KeyValue, Tokens};

/// Text is not a flow.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("column {column}: {what}")]
pub struct ParseError {
    /// Where, in bytes from 1.
    pub column: usize,
    /// What was found and what was expected.
    pub what: String,
}

/// A fault in a piece of the text; it becomes a [`ParseError`] where the whole text is known.
///
/// It has one word, so that results are small: hardly any text has a fault.
#[derive(Debug)]
pub(crate) struct Fault<'a>(Box<(&'a str, String)>);

impl<'a> Fault<'a> {
    #[cold]
    pub(crate) fn new(at: &'a str, what: impl Into<String>) -> Self {
        Self(Box::new((at, what.into())))
    }

    /// What was found and what was expected.
    fn what(self) -> String {
        self.0.1
    }

    fn placed(self, text: &str) -> ParseError {
        let (at, what) = *self.0;
        let offset = (at.as_ptr() as usize).checked_sub(text.as_ptr() as usize);
        let column = offset.filter(|o| *o <= text.len()).unwrap_or(0) + 1;
        ParseError { column, what }
    }
}

pub(crate) type Parsed<'a, T> = Result<T, Fault<'a>>;

/// Reads one flow, in the syntax of `ovs-ofctl add-flow` or as `ovs-ofctl dump-flows` prints it. It is the flow that a switch
/// would have: fields that its packets need not have are left out ([`Match::absent`]).
///
/// # Errors
/// If the text is not a flow: where and why.
pub fn parse_flow(text: &str) -> Result<Flow, ParseError> {
    parse_flow_named(text, &super::print::NO_NAMES)
}

/// The same with names of ports and tables.
///
/// # Errors
/// If the text is not a flow: where and why.
pub fn parse_flow_named(text: &str, names: &Names) -> Result<Flow, ParseError> {
    let spec = parse_spec(text, FlowModCommand::Add, names)?;
    let mut flow = spec.flow;
    flow.matches.remove_absent();
    if !spec.table_given {
        flow.table = 0;
    }
    Ok(flow)
}

static FLOW_COMMANDS: [(&str, FlowModCommand); 5] = [
    ("add", FlowModCommand::Add),
    ("delete", FlowModCommand::Delete),
    ("delete_strict", FlowModCommand::DeleteStrict),
    ("modify", FlowModCommand::Modify),
    ("modify_strict", FlowModCommand::ModifyStrict),
];

/// Takes a command from the front of a text, or `default` if there is none. As for `ovs-ofctl`, the beginning of a command
/// will do; the first that begins so is meant.
fn command<'a, T: Copy>(text: &'a str, known: &[(&str, T)], default: T) -> (T, &'a str) {
    let trimmed = text.trim_start();
    let separators = [',', ' ', '\t', '\r', '\n'];
    let (word, rest) = trimmed.split_at(trimmed.find(separators).unwrap_or(trimmed.len()));
    let found = known.iter().find(|(name, _)| name.starts_with(word));
    match found {
        Some((_, command)) if !word.is_empty() => (*command, rest),
        _ => (default, trimmed),
    }
}

/// Reads a change of flows: a flow with `add`, `modify`, `modify_strict`, `delete` or `delete_strict` and a space in front,
/// or without, which means `default`. Fields that packets of the match need not have are kept, though they go into no message
/// ([`Match::absent`]).
///
/// # Errors
/// If the text is not a flow: where and why.
pub fn parse_flow_mod(
    text: &str,
    default: FlowModCommand,
    names: &Names,
) -> Result<FlowMod, ParseError> {
    let (command, body) = command(text, &FLOW_COMMANDS, default);
    let mut spec = Spec::new(command);
    match spec.read(body, names) {
        Ok(()) => Ok(spec.into_mod(command)),
        Err(fault) => Err(fault.placed(text)),
    }
}

/// Reads a flow with its statistics, as `ovs-ofctl dump-flows` prints it; see [`parse_flow`].
///
/// # Errors
/// If the text is not a flow: where and why.
pub fn parse_flow_stats(text: &str, names: &Names) -> Result<FlowStats, ParseError> {
    let spec = parse_spec(text, FlowModCommand::Add, names)?;
    let mut flow = spec.flow;
    flow.matches.remove_absent();
    if !spec.table_given {
        flow.table = 0;
    }
    let stats = spec.stats;
    Ok(FlowStats {
        duration: stats.duration,
        idle_age: stats.idle_age,
        hard_age: stats.hard_age,
        packets: stats.packets.unwrap_or(u64::MAX),
        bytes: stats.bytes.unwrap_or(u64::MAX),
        ..FlowStats::new(flow)
    })
}

/// Reads a match alone, as `ovs-ofctl` prints it.
///
/// # Errors
/// If the text is not a match: where and why.
pub fn parse_match(text: &str) -> Result<Match, ParseError> {
    let mut spec = Spec::new(FlowModCommand::Delete);
    spec.says = Says::Match;
    spec.read_fields(text, &super::print::NO_NAMES)
        .map_err(|fault| fault.placed(text))?;
    Ok(spec.flow.matches)
}

/// Reads actions and instructions alone: what stands after `actions=`.
///
/// # Errors
/// If the text is not a list of actions: where and why.
pub fn parse_instructions(text: &str, names: &Names) -> Result<Instructions, ParseError> {
    actions::instructions(text, names).map_err(|fault| fault.placed(text))
}

#[derive(Default)]
struct Statistics {
    duration: (u32, u32),
    idle_age: Option<u32>,
    hard_age: Option<u32>,
    packets: Option<u64>,
    bytes: Option<u64>,
}

/// A flow as it is said, before defaults.
struct Spec {
    flow: Flow,
    table_given: bool,
    cookie_mask: u64,
    cookie_given: bool,
    out_port: Port,
    out_group: u32,
    /// True if a packet type is said, for which OpenFlow 1.0 itself has no words, although it may ask for nothing.
    packet_type_said: bool,
    /// What is said only of some changes.
    says: Says,
    stats: Statistics,
}

/// Which words make sense in a change, as Open vSwitch has it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// A flow: everything but filters.
    Flow,
    /// New actions for flows: everything but filters and importance.
    Change,
    /// Flows that go, of all priorities: filters, but neither actions nor properties.
    Deletion,
    /// Flows of one priority that go.
    StrictDeletion,
    /// A match alone.
    Match,
}

impl Says {
    fn of(command: FlowModCommand) -> Self {
        match command {
            FlowModCommand::Add => Self::Flow,
            FlowModCommand::Modify | FlowModCommand::ModifyStrict => Self::Change,
            FlowModCommand::Delete => Self::Deletion,
            FlowModCommand::DeleteStrict => Self::StrictDeletion,
        }
    }

    fn actions(self) -> bool {
        matches!(self, Self::Flow | Self::Change)
    }

    fn filters(self) -> bool {
        !self.actions()
    }

    fn priority(self) -> bool {
        self != Self::Deletion
    }
}

fn parse_spec(text: &str, command: FlowModCommand, names: &Names) -> Result<Spec, ParseError> {
    let mut spec = Spec::new(command);
    match spec.read(text, names) {
        Ok(()) => Ok(spec),
        Err(fault) => Err(fault.placed(text)),
    }
}

/// What stands before `actions=`, and after it.
fn split_actions(text: &str) -> (&str, Option<&str>) {
    static WORD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("action"));
    let Some(at) = WORD.find(text.as_bytes()) else {
        return (text, None);
    };
    let (fields, rest) = text.split_at(at);
    match value::cut(rest, b'=') {
        Some((_, actions)) => (fields, Some(actions)),
        None => (fields, None),
    }
}

impl Spec {
    fn new(command: FlowModCommand) -> Self {
        Self {
            flow: Flow {
                table: crate::ofpkt::ALL_TABLES,
                ..Flow::default()
            },
            table_given: false,
            cookie_mask: 0,
            cookie_given: false,
            out_port: Port::ANY,
            out_group: crate::ofpkt::ANY_GROUP,
            packet_type_said: false,
            says: Says::of(command),
            stats: Statistics::default(),
        }
    }

    fn into_mod(self, command: FlowModCommand) -> FlowMod {
        let mut flow_mod = FlowMod::new(command, self.flow);
        flow_mod.cookie_mask = self.cookie_mask;
        flow_mod.out_port = self.out_port;
        flow_mod.out_group = self.out_group;
        flow_mod.nicira_form = self.packet_type_said;
        let modify = matches!(
            command,
            FlowModCommand::Modify | FlowModCommand::ModifyStrict
        );
        if modify && self.cookie_given && self.cookie_mask == 0 {
            flow_mod.new_cookie = Some(flow_mod.flow.cookie);
        }
        flow_mod
    }

    fn read<'a>(&mut self, text: &'a str, names: &Names) -> Parsed<'a, ()> {
        let (fields, actions) = split_actions(text);
        self.read_fields(fields, names)?;
        if self.packet_type_said {
            self.flow.matches.tell_eth_type_by_packet_type();
        }
        match actions {
            Some(actions) if self.says.actions() => {
                self.flow.instructions = actions::instructions(actions, names)?;
                let table = self.table_given.then_some(self.flow.table);
                super::check::flow(&self.flow, table, true)
                    .map_err(|misfit| Fault::new(actions, misfit.what()))
            }
            Some(actions) => Err(Fault::new(actions, "a delete has no actions")),
            None if self.says.filters() => Ok(()),
            None => Err(Fault::new(
                text.split_at(text.len()).1,
                "must specify an action: expected actions=...",
            )),
        }
    }

    fn read_fields<'a>(&mut self, text: &'a str, names: &Names) -> Parsed<'a, ()> {
        let mut tokens = Tokens::new(text);
        while let Some(pair) = tokens.next() {
            // What has a value is hardly ever a word that could stand alone.
            if pair.delimiter.is_some() || !self.keyword(&pair)? {
                self.pair(&pair, names)?;
            }
        }
        Ok(())
    }

    /// Words that stand alone.
    fn keyword<'a>(&mut self, pair: &KeyValue<'a>) -> Parsed<'a, bool> {
        // Nearly all words of a flow are of other lengths.
        if pair.key.len() <= LONGEST_PROTOCOL
            && let Some((eth_type, proto)) = protocol(pair.key)
        {
            let matches = &mut self.flow.matches;
            matches.set_number(Field::EthType, eth_type.into());
            if let Some(proto) = proto {
                matches.set_number(Field::NwProto, proto.into());
            }
            return Ok(true);
        }
        let flag = match pair.key {
            "eth" => return Ok(true),
            word if word.len() < SHORTEST_FLAG => return Ok(false),
            "send_flow_rem" => FlowFlags::SEND_FLOW_REM,
            "check_overlap" => FlowFlags::CHECK_OVERLAP,
            "reset_counts" => FlowFlags::RESET_COUNTS,
            "no_packet_counts" => FlowFlags::NO_PKT_COUNTS,
            "no_byte_counts" => FlowFlags::NO_BYT_COUNTS,
            "allow_hidden_fields" | "no_readonly_table" => return Ok(true),
            _ => return Ok(false),
        };
        if !self.says.actions() {
            return Err(Fault::new(
                pair.key,
                format!("{}: flows that go have no flags", pair.key),
            ));
        }
        self.flow.flags = self.flow.flags.with(flag);
        Ok(true)
    }

    fn pair<'a>(&mut self, pair: &KeyValue<'a>, names: &Names) -> Parsed<'a, ()> {
        let (key, text) = (pair.key, pair.value);
        match key {
            "table" => {
                self.flow.table = value::table(text, names)?;
                self.table_given = true;
            }
            "priority" if self.says.priority() => {
                self.flow.priority = value::u16(text, "priority")?;
            }
            "idle_timeout" if self.says.actions() => {
                self.flow.idle_timeout = value::u16(text, key)?;
            }
            "hard_timeout" if self.says.actions() => {
                self.flow.hard_timeout = value::u16(text, key)?;
            }
            "importance" if self.says == Says::Flow => {
                self.flow.importance = value::u16(text, key)?;
            }
            "cookie" => self.cookie(text)?,
            "out_port" if self.says.filters() => self.out_port = value::port(text, names)?,
            "out_group" if self.says.filters() => self.out_group = value::group(text)?,
            "duration" => self.stats.duration = value::duration(text)?,
            "n_packets" => self.stats.packets = Some(value::u64(text)?),
            "n_bytes" => self.stats.bytes = Some(value::u64(text)?),
            "idle_age" => self.stats.idle_age = Some(value::u32(text)?),
            "hard_age" => self.stats.hard_age = Some(value::u32(text)?),
            "flags" => {
                // Those without a name; what other commands print there is no number.
                if let Ok(flags) = value::u16(text, key) {
                    self.flow.flags = self.flow.flags.with(FlowFlags(flags));
                }
            }
            _ => match value::named_in_match(key) {
                Some(field) => {
                    self.packet_type_said |= field == Field::PacketType;
                    value::field(&mut self.flow.matches, field, pair, names)?;
                }
                None if self.keyword(pair)? => {}
                None => value::match_field(&mut self.flow.matches, pair, names)?,
            },
        }
        Ok(())
    }

    fn cookie<'a>(&mut self, text: &'a str) -> Parsed<'a, ()> {
        let (cookie, mask) = match value::cut(text, b'/') {
            Some((cookie, mask)) => (cookie, Some(mask)),
            None => (text, None),
        };
        let number = value::u64(cookie)?;
        match mask {
            Some(mask) if self.says == Says::Flow => {
                return Err(Fault::new(
                    mask,
                    "flow additions cannot use a cookie mask: they set the cookie",
                ));
            }
            Some(mask) => {
                self.cookie_mask = value::u64(mask)?;
                self.flow.cookie = number & self.cookie_mask;
            }
            None if self.says.filters() => {
                return Err(Fault::new(
                    text,
                    format!(
                        "cannot set cookie: to match on a cookie, give a mask, as in cookie={cookie}/-1"
                    ),
                ));
            }
            None => {
                self.cookie_given = true;
                // In a change all ones say that the cookie stays.
                let stays = self.says == Says::Change && number == u64::MAX;
                self.flow.cookie = if stays { 0 } else { number };
            }
        }
        Ok(())
    }
}

/// Bytes of the longest word that stands for a protocol.
const LONGEST_PROTOCOL: usize = "mplsm".len();
/// Bytes of the shortest flag.
const SHORTEST_FLAG: usize = "reset_counts".len();

/// Ethernet type and IP protocol that a word stands for.
pub(crate) fn protocol(word: &str) -> Option<(u16, Option<u8>)> {
    Some(match word {
        "ip" => (0x0800, None),
        "ipv6" | "ip6" => (0x86dd, None),
        "arp" => (0x0806, None),
        "rarp" => (0x8035, None),
        "icmp" => (0x0800, Some(1)),
        "tcp" => (0x0800, Some(6)),
        "udp" => (0x0800, Some(17)),
        "sctp" => (0x0800, Some(132)),
        "icmp6" => (0x86dd, Some(58)),
        "tcp6" => (0x86dd, Some(6)),
        "udp6" => (0x86dd, Some(17)),
        "sctp6" => (0x86dd, Some(132)),
        "mpls" => (0x8847, None),
        "mplsm" => (0x8848, None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
