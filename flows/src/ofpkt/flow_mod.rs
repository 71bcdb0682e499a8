//! `OFPT_FLOW_MOD`: changing the flows of a table (OpenFlow 1.5.1, 7.3.4.2): what it says, and reading it. It is written by
//! `flow_change`.

use super::flow_change::FlowChange;
use super::oxm::{self, Strictness};
use super::wire::Reader;
use super::{ANY_GROUP, DecodeError, NO_BUFFER, OfpError, instructions, match_old};
use crate::field::Slot;
use crate::{Flow, FlowFlags, Match, Port, Version};

/// What is done to the flows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlowModCommand {
    /// Adds the flow, in place of one with the same table, priority and match.
    Add,
    /// Changes instructions of all flows that the match covers.
    Modify,
    /// Changes instructions of the one flow with the same priority and match.
    ModifyStrict,
    /// Deletes all flows that the match covers.
    Delete,
    /// Deletes the one flow with the same priority and match.
    DeleteStrict,
}

impl FlowModCommand {
    const ALL: [Self; 5] = [
        Self::Add,
        Self::Modify,
        Self::ModifyStrict,
        Self::Delete,
        Self::DeleteStrict,
    ];

    pub(super) fn from_wire(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    pub(super) fn is_delete(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteStrict)
    }
}

/// A change of flows.
#[derive(Clone, Debug)]
pub struct FlowMod {
    /// What is done.
    pub command: FlowModCommand,
    /// The flow; in a delete its table may be [`super::ALL_TABLES`], and its cookie is what is compared under `cookie_mask`.
    pub flow: Flow,
    /// For modify and delete: only flows whose cookies are equal in these bits; 0: all.
    pub cookie_mask: u64,
    /// For modify: the new cookie, if it is to change (only OpenFlow 1.0 can say so otherwise).
    pub new_cookie: Option<u64>,
    /// A packet that the flow is applied to at once, or [`NO_BUFFER`].
    pub buffer_id: u32,
    /// For delete: only flows that output to this port; [`Port::ANY`]: all.
    pub out_port: Port,
    /// For delete: only flows that output to this group; [`ANY_GROUP`]: all.
    pub out_group: u32,
    /// In OpenFlow 1.0: in Nicira's form (`NXT_FLOW_MOD`) although OpenFlow's own could say the same.
    pub nicira_form: bool,
    /// In OpenFlow 1.0: the table is said although it is [`super::ALL_TABLES`], which leaves the choice to the switch.
    pub table_said: bool,
}

/// The flow is compared by its meaning, and all of its flags are part of the change.
impl PartialEq for FlowMod {
    fn eq(&self, other: &Self) -> bool {
        let rest = |of: &Self| {
            (
                (of.command, of.flow.flags, of.cookie_mask, of.new_cookie),
                (of.buffer_id, of.out_port, of.out_group),
                (of.nicira_form, of.table_said),
            )
        };
        self.flow == other.flow && rest(self) == rest(other)
    }
}

impl FlowMod {
    /// A change of `flow` without filters.
    #[must_use]
    pub fn new(command: FlowModCommand, flow: Flow) -> Self {
        Self {
            command,
            flow,
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
    pub fn add(flow: Flow) -> Self {
        Self::new(FlowModCommand::Add, flow)
    }

    /// Deletes exactly this flow, by table, priority and match; with its cookie only if `cookie_mask` is set.
    #[must_use]
    pub fn delete_strict(flow: Flow) -> Self {
        Self::new(
            FlowModCommand::DeleteStrict,
            Flow {
                instructions: crate::Instructions::default(),
                ..flow
            },
        )
    }

    /// Deletes every flow of all tables whose cookie equals `cookie` in the bits of `mask`.
    #[must_use]
    pub fn delete_by_cookie(cookie: u64, mask: u64) -> Self {
        let flow = Flow {
            table: super::ALL_TABLES,
            cookie,
            ..Flow::default()
        };
        Self {
            cookie_mask: mask,
            ..Self::new(FlowModCommand::Delete, flow)
        }
    }

    /// The cookie that flows get, where a change of this version says one.
    #[must_use]
    pub fn cookie_given(&self, version: Version) -> Option<u64> {
        FlowChange::from(self).cookie_given(version)
    }

    /// True if OpenFlow 1.0 must use Nicira's form.
    #[must_use]
    pub fn needs_nicira_form(&self) -> bool {
        FlowChange::from(self).needs_nicira_form()
    }

    /// Reads the body of OpenFlow 1.0.
    pub(crate) fn read_v10(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        const WILDCARDS: u32 = (1 << 22) - 1;
        let exact = { *reader }.u32()? & WILDCARDS == 0;
        let mut matches = match_old::read_v10(reader)?;
        match_old::normalise(&mut matches);
        let cookie = reader.u64()?;
        let mut found = Self::read_v10_tail(
            reader,
            Flow {
                matches,
                cookie,
                ..Flow::default()
            },
        )?;
        if exact {
            // OpenFlow 1.0.1, 3.4: a match without wildcards has the highest priority, whatever is said.
            found.flow.priority = u16::MAX;
        }
        let place = *reader;
        found.flow.instructions = instructions::pull(reader, Some(reader.len()), Version::V10)?;
        found.check_v10_flags(place)?;
        Ok(found)
    }

    fn read_v10_tail(reader: &mut Reader<'_>, mut flow: Flow) -> Result<Self, DecodeError> {
        let place = *reader;
        let [table, command] = reader.u16()?.to_be_bytes();
        let command = FlowModCommand::from_wire(command)
            .ok_or_else(|| place.error(OfpError::FLOW_BAD_COMMAND))?;
        flow.table = table;
        flow.idle_timeout = reader.u16()?;
        flow.hard_timeout = reader.u16()?;
        flow.priority = reader.u16()?;
        let buffer_id = reader.u32()?;
        let out_port = Port::from_u16(reader.u16()?);
        let flags = reader.u16()?;
        flow.flags = FlowFlags(flags);
        Ok(Self {
            buffer_id,
            out_port,
            ..Self::new(command, flow)
        })
    }

    /// Refuses flags that OpenFlow 1.0 does not have, and its emergency flows, which were never in use.
    fn check_v10_flags(&self, place: Reader<'_>) -> Result<(), DecodeError> {
        let (flow, flags) = (&self.flow, self.flow.flags.0);
        if place.keeps() {
            return Ok(());
        }
        if flags & !(known_flags(Version::V10) | 4) != 0 {
            return Err(place.error(OfpError::FLOW_BAD_FLAGS));
        }
        if flags & 4 != 0 {
            return Err(
                place.error(if flow.idle_timeout != 0 || flow.hard_timeout != 0 {
                    OfpError::FLOW_BAD_EMERG_TIMEOUT
                } else {
                    OfpError::FLOW_TABLE_FULL
                }),
            );
        }
        Ok(())
    }

    /// Reads what follows the head of `NXT_FLOW_MOD`.
    pub(crate) fn read_nicira(
        reader: &mut Reader<'_>,
        version: Version,
    ) -> Result<Self, DecodeError> {
        let cookie = reader.u64()?;
        let tail = *reader;
        let unread = Flow {
            cookie,
            ..Flow::default()
        };
        reader.skip(16)?;
        let length = usize::from(reader.u16()?);
        reader.skip(6)?;
        let (matches, filter) = oxm::nx_match_and_cookie(reader, length, Strictness::Strict)?;
        if { tail }.u16()? & 0xff == 0 && filter.is_some_and(|(_, mask)| mask != 0) {
            return Err(reader.error(OfpError::NXM_INVALID));
        }
        check_connection(&matches, tail)?;
        let mut found = Self::read_v10_tail(&mut { tail }, unread)?;
        found.flow.matches = matches;
        found.nicira_form = true;
        if let Some((value, mask)) = filter.filter(|(_, mask)| *mask != 0) {
            let unchanged = if found.command.is_delete() {
                0
            } else {
                u64::MAX
            };
            found.new_cookie = (cookie != unchanged).then_some(cookie);
            found.flow.cookie = value;
            found.cookie_mask = mask;
        }
        let place = *reader;
        found.flow.instructions = instructions::pull(reader, Some(reader.len()), version)?;
        found.check_v10_flags(place)?;
        Ok(found)
    }

    /// Reads the body for OpenFlow 1.1 and up.
    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let place = *reader;
        let (cookie, cookie_mask) = (reader.u64()?, reader.u64()?);
        let table = reader.u8()?;
        let command = reader.u8()?;
        let (idle_timeout, hard_timeout, priority) = (reader.u16()?, reader.u16()?, reader.u16()?);
        let buffer_id = reader.u32()?;
        let out_port = Port(reader.u32()?);
        let out_group = reader.u32()?;
        let flags = reader.u16()?;
        let importance = reader.u16()?;
        let matches = oxm::any_match(reader, Strictness::Strict)?;
        let command = FlowModCommand::from_wire(command);
        let is_delete = command.is_some_and(FlowModCommand::is_delete);
        if table == super::ALL_TABLES && (version == Version::V11 || !is_delete) {
            return Err(place.error(OfpError::FLOW_BAD_TABLE_ID));
        }
        if out_port.to_u16().is_none() {
            return Err(place.error(OfpError::ACTION_BAD_OUT_PORT));
        }
        check_connection(&matches, place)?;
        let command = command.ok_or_else(|| place.error(OfpError::FLOW_BAD_COMMAND))?;
        let instructions = instructions::pull(reader, Some(reader.len()), version)?;
        if !place.keeps() && flags & !known_flags(version) != 0 {
            return Err(place.error(OfpError::FLOW_BAD_FLAGS));
        }
        let flow = Flow {
            matches,
            instructions,
            cookie,
            priority,
            idle_timeout,
            hard_timeout,
            importance: if version >= Version::V14 {
                importance
            } else {
                0
            },
            flags: FlowFlags(flags),
            table,
        };
        Ok(Self {
            cookie_mask,
            buffer_id,
            out_port,
            out_group,
            ..Self::new(command, flow)
        })
    }
}

/// Refuses, as Open vSwitch does, addresses of a connection of another family than that of the packets.
fn check_connection(matches: &Match, place: Reader<'_>) -> Result<(), DecodeError> {
    let family = |slot: Slot| match slot {
        Slot::CtNwSrc | Slot::CtNwDst => Some(0x0800),
        Slot::CtIpv6Src | Slot::CtIpv6Dst => Some(0x86dd),
        _ => None,
    };
    let slots = matches.entries().map(|entry| entry.slot);
    let mut families = slots
        .take_while(|slot| *slot <= Slot::CtIpv6Dst)
        .filter_map(family);
    if !place.keeps() && families.any(|family| matches.eth_type() != Some(family)) {
        return Err(place.error(OfpError::ACTION_MATCH_INCONSISTENT));
    }
    Ok(())
}

/// The flags that a version has.
pub(crate) fn known_flags(version: Version) -> u16 {
    match version {
        Version::V10 | Version::V11 => 3,
        Version::V12 => 7,
        _ => 31,
    }
}
