//! Writing flows as ovs-ofctl does.

mod actions;
mod learn;
mod matches;

pub(crate) use actions::{instructions, list as action_list, packet_in_reason, subfield};
pub(crate) use matches::{field_value, fields, whole};

use super::number::{dec, hex};
use crate::ofpkt::{FlowMod, FlowModCommand};
use crate::{Action, Flow, FlowFlags, Instructions, Match, Port};
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;

/// Names that stand in the text for the numbers of ports and tables, as with `ovs-ofctl --names`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Names of ports.
    pub ports: BTreeMap<u32, String>,
    /// Names of tables.
    pub tables: BTreeMap<u8, String>,
}

impl Names {
    /// Appends the name or number of a port.
    pub(crate) fn port(&self, out: &mut String, port: Port) {
        match (port.name(), self.ports.get(&port.0)) {
            (Some(name), _) => out.push_str(name),
            (None, Some(name)) => quoted(out, name),
            // All have a 16-bit number, by which they are known here.
            (None, None) => dec(out, port.to_u16().map_or(u64::from(port.0), u64::from)),
        }
    }

    /// Appends the name or number of a table.
    pub(crate) fn table(&self, out: &mut String, table: u8) {
        match self.tables.get(&table) {
            Some(name) => quoted(out, name),
            None => dec(out, u64::from(table)),
        }
    }
}

/// A name, in quotes if it has anything but letters, digits, `_` and (not first) `-` and `.`.
fn quoted(out: &mut String, name: &str) {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if plain {
        out.push_str(name);
    } else {
        out.push('"');
        for c in name.chars() {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
        out.push('"');
    }
}

/// No names: numbers stand for themselves.
pub(crate) static NO_NAMES: Names = Names {
    ports: BTreeMap::new(),
    tables: BTreeMap::new(),
};

/// Flags of a flow as words, each with `after` behind it.
pub(crate) fn flow_flags(out: &mut String, flags: FlowFlags, after: &str) {
    for (flag, name) in [
        (FlowFlags::SEND_FLOW_REM, "send_flow_rem"),
        (FlowFlags::CHECK_OVERLAP, "check_overlap"),
        (FlowFlags::RESET_COUNTS, "reset_counts"),
        (FlowFlags::NO_PKT_COUNTS, "no_packet_counts"),
        (FlowFlags::NO_BYT_COUNTS, "no_byte_counts"),
    ] {
        if flags.contains(flag) {
            out.push_str(name);
            out.push_str(after);
        }
    }
    let unnamed = flags.0 & !FlowFlags::NAMED;
    if unnamed != 0 {
        out.push_str("flags=");
        hex(out, u128::from(unnamed));
        out.push_str(after);
    }
}

impl FlowMod {
    /// The change in canonical syntax, which [`crate::text::parse_flow_mod`] takes again: a flow, with the command in front
    /// unless it is an add.
    #[must_use]
    pub fn to_text(&self, names: &Names) -> String {
        let mut out = String::with_capacity(160);
        let command = self.command;
        out.push_str(match command {
            FlowModCommand::Add => "",
            FlowModCommand::Modify => "modify ",
            FlowModCommand::ModifyStrict => "modify_strict ",
            FlowModCommand::Delete => "delete ",
            FlowModCommand::DeleteStrict => "delete_strict ",
        });
        // A delete of all priorities has none.
        let loose = command == FlowModCommand::Delete;
        let delete = matches!(
            command,
            FlowModCommand::Delete | FlowModCommand::DeleteStrict
        );
        let mut flow = self.flow.clone();
        if self.cookie_mask != 0 {
            let _ = write!(out, "cookie={:#x}/{:#x}, ", flow.cookie, self.cookie_mask);
            flow.cookie = 0;
        } else if delete {
            // Without a mask it compares nothing.
            flow.cookie = 0;
        }
        if self.out_port != Port::ANY {
            out.push_str("out_port=");
            names.port(&mut out, self.out_port);
            out.push_str(", ");
        }
        if self.out_group != crate::ofpkt::ANY_GROUP {
            let _ = write!(out, "out_group={}, ", self.out_group);
        }
        if flow.table == crate::ofpkt::ALL_TABLES {
            // Not to be said is to mean all tables, or the first.
            flow.table = 0;
        } else if flow.table == 0 && command != FlowModCommand::Add {
            out.push_str("table=0, ");
        }
        if loose {
            flow.priority = crate::DEFAULT_PRIORITY;
        }
        flow.write_text(&mut out, names);
        if delete {
            let end = out.rfind("actions=").unwrap_or(out.len());
            out.truncate(end);
            let used = out.trim_end_matches([' ', ',']).len();
            out.truncate(used);
        }
        out
    }
}

impl Flow {
    /// The flow in canonical syntax, which parses again.
    #[must_use]
    pub fn to_text(&self, names: &Names) -> String {
        let mut out = String::with_capacity(160);
        self.write_text(&mut out, names);
        out
    }

    /// Appends [`Flow::to_text`] to `out`, without another allocation.
    pub fn write_text(&self, out: &mut String, names: &Names) {
        if self.cookie != 0 {
            out.push_str("cookie=");
            hex(out, u128::from(self.cookie));
            out.push_str(", ");
        }
        if self.table != 0 {
            out.push_str("table=");
            names.table(out, self.table);
            out.push_str(", ");
        }
        for (name, value) in [
            ("idle_timeout=", self.idle_timeout),
            ("hard_timeout=", self.hard_timeout),
            ("importance=", self.importance),
        ] {
            if value != 0 {
                out.push_str(name);
                dec(out, u64::from(value));
                out.push_str(", ");
            }
        }
        flow_flags(out, self.flags, ", ");
        let before = out.len();
        whole(out, names, &self.matches, Some(self.priority));
        if out.len() > before {
            out.push(' ');
        }
        out.push_str("actions=");
        instructions(out, names, &self.instructions);
    }
}

/// The flow in canonical syntax.
impl fmt::Display for Flow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.to_text(&NO_NAMES))
    }
}

/// The fields, separated by commas; nothing for the match of every packet.
impl fmt::Display for Match {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        whole(&mut text, &NO_NAMES, self, None);
        out.write_str(&text)
    }
}

/// What stands after `actions=`; `drop` for none.
impl fmt::Display for Instructions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        instructions(&mut text, &NO_NAMES, self);
        out.write_str(&text)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        action_list(&mut text, &NO_NAMES, std::slice::from_ref(self));
        out.write_str(&text)
    }
}

/// As in text: `NXM_NX_REG0[0..15]`.
impl fmt::Display for crate::Subfield {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        subfield(&mut text, *self);
        out.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Action, EthAddr, Field, Flow, Instructions, Match, Port};
    use std::net::Ipv4Addr;

    #[test]
    fn a_flow_is_written_as_ovs_ofctl_does() {
        let matches = Match::new()
            .with(Field::InPort, Port(4))
            .with(Field::DlVlan, 5u16)
            .with(Field::EthDst, EthAddr([2, 0, 0, 0, 0, 1]))
            .with(Field::EthType, 0x0800u16)
            .with_masked(
                Field::IpSrc,
                Ipv4Addr::new(10, 0, 0, 0),
                Ipv4Addr::new(255, 0, 0, 0),
            );
        let flow = Flow::new(1, 10, matches).cookie(0x12).doing(
            Instructions::new()
                .apply([
                    Action::set_field(Field::TunId, 100u32),
                    Action::set_field(Field::TunDst, Ipv4Addr::new(192, 0, 2, 1)),
                    Action::output(Port(3)),
                    Action::output(Port::NORMAL),
                ])
                .goto(7),
        );
        assert_eq!(
            flow.to_string(),
            "cookie=0x12, table=1, priority=10,ip,in_port=4,dl_vlan=5,dl_dst=02:00:00:00:00:01,nw_src=10.0.0.0/8 \
             actions=set_field:0x64->tun_id,set_field:192.0.2.1->tun_dst,output:3,NORMAL,goto_table:7"
        );
        assert_eq!(Flow::default().to_string(), "actions=drop");
    }
}
