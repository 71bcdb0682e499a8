//! `OFPT_FLOW_MOD` (OpenFlow 1.5.1, 7.3.4.2) on its way out, of a flow that stays where it is: nothing is copied but into the
//! message. [`FlowMod`] is written through it, too.

use super::flow_mod::{FlowMod, FlowModCommand, known_flags};
use super::registry::{self, Kind};
use super::wire::{Put, Writer};
use super::{ALL_TABLES, ANY_GROUP, NO_BUFFER, instructions, match_old, oxm};
use crate::{Flow, FlowFlags, Instructions, Port, Version};

mod plain;

/// A change of flows that borrows its flow: what a [`FlowMod`] says, without having it.
///
/// ```
/// use flows::Version;
/// use flows::ofpkt::{Body, FlowChange, FlowMod, Message};
///
/// let flow = flows::text::parse_flow("table=3,priority=7,ip,actions=drop")?;
/// let mut bytes = Vec::new();
/// FlowChange::add(&flow).encode_into(Version::V14, 1, &mut bytes);
/// let owned = Body::FlowMod(Box::new(FlowMod::add(flow)));
/// assert_eq!(bytes, Message::new(Version::V14, 1, owned).encode());
/// # Ok::<(), flows::text::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FlowChange<'a> {
    command: FlowModCommand,
    flow: &'a Flow,
    /// `None`: those of the flow are no part of the change.
    instructions: Option<&'a Instructions>,
    cookie_mask: u64,
    new_cookie: Option<u64>,
    buffer_id: u32,
    out_port: Port,
    out_group: u32,
    nicira_form: bool,
    table_said: bool,
}

impl<'a> From<&'a FlowMod> for FlowChange<'a> {
    fn from(change: &'a FlowMod) -> Self {
        Self {
            command: change.command,
            flow: &change.flow,
            instructions: Some(&change.flow.instructions),
            cookie_mask: change.cookie_mask,
            new_cookie: change.new_cookie,
            buffer_id: change.buffer_id,
            out_port: change.out_port,
            out_group: change.out_group,
            nicira_form: change.nicira_form,
            table_said: change.table_said,
        }
    }
}

impl<'a> FlowChange<'a> {
    fn new(command: FlowModCommand, flow: &'a Flow) -> Self {
        Self {
            command,
            flow,
            instructions: None,
            cookie_mask: 0,
            new_cookie: None,
            buffer_id: NO_BUFFER,
            out_port: Port::ANY,
            out_group: ANY_GROUP,
            nicira_form: false,
            table_said: false,
        }
    }

    /// Adds a flow.
    #[must_use]
    pub fn add(flow: &'a Flow) -> Self {
        Self {
            instructions: Some(&flow.instructions),
            ..Self::new(FlowModCommand::Add, flow)
        }
    }

    /// Deletes exactly this flow, by table, priority and match; only if its cookie is the same in the bits of `cookie_mask`.
    #[must_use]
    pub fn delete_strict(flow: &'a Flow, cookie_mask: u64) -> Self {
        Self {
            cookie_mask,
            ..Self::new(FlowModCommand::DeleteStrict, flow)
        }
    }

    /// Appends the message to `out`. One that would be longer than 65535 bytes says that length, and must not be sent.
    pub fn encode_into(self, version: Version, xid: u32, out: &mut Vec<u8>) {
        let start = out.len();
        registry::put_head(out, self.kind(version), version, xid, false);
        self.put(out, version);
        out.fill_len(start, start + 2);
    }

    /// True if `read` says this and nothing else: it has the same effect on the same flows. What a deletion names is the same
    /// only if it has the same place ([`Flow::place`]).
    #[must_use]
    pub fn is_said_by(self, read: &FlowMod) -> bool {
        let same_flow = match self.instructions {
            Some(_) => *self.flow == read.flow,
            None => read.flow.instructions.is_drop(),
        };
        let same_place = !self.command.is_delete() || self.flow.place() == read.flow.place();
        same_flow && same_place && self.numbers() == FlowChange::from(read).numbers()
    }

    /// What it says besides the place of the flow and its instructions.
    fn numbers(self) -> impl PartialEq {
        let flow = self.flow;
        (
            (self.command, flow.cookie, self.cookie_mask, self.new_cookie),
            (self.buffer_id, self.out_port, self.out_group),
            (flow.idle_timeout, flow.hard_timeout),
            (flow.flags, flow.importance),
        )
    }

    /// Its entry in the table of messages.
    pub(super) fn kind(self, version: Version) -> Kind {
        if version == Version::V10 && self.needs_nicira_form() {
            Kind::NxFlowMod
        } else {
            Kind::FlowMod
        }
    }

    /// Appends the body.
    pub(super) fn put(self, out: &mut Writer, version: Version) {
        if version > Version::V10 {
            self.put_v11(out, version);
        } else if self.needs_nicira_form() {
            self.put_nicira(out);
        } else {
            self.put_v10(out);
        }
    }

    /// True if OpenFlow 1.0 must use Nicira's form.
    pub(super) fn needs_nicira_form(self) -> bool {
        let cookie_filter = self.cookie_mask != 0;
        let newer = |of: &Instructions| super::actions::needs_nicira_form(&of.apply);
        self.nicira_form
            || cookie_filter
            || !match_old::fits_v10(&self.flow.matches)
            || self.instructions.is_some_and(newer)
    }

    /// The command of OpenFlow 1.0, with the table in its high byte.
    fn command_and_table(self) -> u16 {
        let unsaid = self.flow.table == ALL_TABLES && !self.table_said;
        let table = if unsaid { 0 } else { self.flow.table };
        u16::from(table) << 8 | self.command as u16
    }

    /// The cookie that OpenFlow 1.0 has only one field for.
    fn old_cookie(self) -> u64 {
        self.new_cookie.unwrap_or(self.flow.cookie)
    }

    /// Appends the body of OpenFlow 1.0.
    fn put_v10(self, out: &mut Writer) {
        let flow = &self.flow;
        match_old::put_v10(out, &flow.matches);
        out.u64(self.old_cookie());
        self.put_v10_tail(out);
        self.put_instructions(out, Version::V10);
    }

    fn put_v10_tail(self, out: &mut Writer) {
        let flow = &self.flow;
        out.u16(self.command_and_table());
        out.u16(flow.idle_timeout);
        out.u16(flow.hard_timeout);
        out.u16(flow.priority);
        out.u32(self.buffer_id);
        out.u16(self.out_port.to_u16().unwrap_or(u16::MAX));
        out.u16(said_flags(flow.flags, Version::V10));
    }

    /// Appends what follows the head of `NXT_FLOW_MOD`.
    fn put_nicira(self, out: &mut Writer) {
        let flow = &self.flow;
        let filter = self.cookie_mask != 0;
        out.u64(if filter {
            let unchanged = if self.command.is_delete() {
                0
            } else {
                u64::MAX
            };
            self.new_cookie.unwrap_or(unchanged)
        } else {
            self.old_cookie()
        });
        self.put_v10_tail(out);
        let length_at = out.len();
        out.u16(0);
        out.zeros(6);
        let start = out.len();
        oxm::put_match(out, &flow.matches, Version::V10);
        if filter {
            oxm::put_cookie(out, flow.cookie, self.cookie_mask);
        }
        out.fill_len(start, length_at);
        out.pad8(start);
        self.put_instructions(out, Version::V10);
    }

    /// Appends the body of OpenFlow 1.1 and up.
    fn put_v11(self, out: &mut Writer, version: Version) {
        let flow = &self.flow;
        let unsaid = self.new_cookie.is_some() && self.cookie_given(version).is_none();
        out.u64(if unsaid && self.cookie_mask == 0 {
            // A new cookie that the version has no field for.
            0
        } else {
            flow.cookie
        });
        out.u64(self.cookie_mask);
        // Only from OpenFlow 1.2 on a delete may mean all tables.
        let all = self.command.is_delete() && version > Version::V11;
        let table = if flow.table == ALL_TABLES && !all {
            0
        } else {
            flow.table
        };
        let importance = if version >= Version::V14 {
            flow.importance
        } else {
            0
        };
        let place = u16::from(table) << 8 | self.command as u16;
        let (idle, hard) = (flow.idle_timeout, flow.hard_timeout);
        out.u64(joined([place, idle, hard, flow.priority]));
        out.u64(u64::from(self.buffer_id) << 32 | u64::from(self.out_port.0));
        out.u32(self.out_group);
        out.u32(u32::from(said_flags(flow.flags, version)) << 16 | u32::from(importance));
        oxm::put_any_match(out, &flow.matches, version);
        self.put_instructions(out, version);
    }

    /// The cookie that flows get, where a change of this version says one.
    pub(super) fn cookie_given(self, version: Version) -> Option<u64> {
        let modifies = matches!(
            self.command,
            FlowModCommand::Modify | FlowModCommand::ModifyStrict
        );
        match version {
            _ if self.command == FlowModCommand::Add => Some(self.flow.cookie),
            Version::V10 if self.cookie_mask == 0 => Some(self.old_cookie()),
            Version::V10 => self.new_cookie,
            // A change that compares no cookie adds the flow where there is none.
            Version::V11 if modifies && self.cookie_mask == 0 => Some(self.flow.cookie),
            _ => None,
        }
    }

    fn put_instructions(self, out: &mut Writer, version: Version) {
        if let Some(found) = self.instructions {
            instructions::put(out, found, &self.flow.matches, version);
        }
    }
}

/// Numbers that stand side by side as one.
fn joined(numbers: [u16; 4]) -> u64 {
    let join = |all, number| all << 16 | u64::from(number);
    numbers.into_iter().fold(0, join)
}

/// The flags of a flow that a version can say: those that it has, and those that have no name here.
fn said_flags(flags: FlowFlags, version: Version) -> u16 {
    flags.0 & (known_flags(version) | !FlowFlags::NAMED)
}

#[cfg(test)]
mod tests;
