//! `OFPT_FLOW_MOD` (OpenFlow 1.5.1, 7.3.4.2) on its way out, of a flow that stays where it is: nothing is copied but into the
//! message. [`FlowMod`] is written through it, too.

use super::flow_mod::{FlowMod, FlowModCommand, known_flags};
use super::registry::{self, Kind};
use super::wire::{Put, Writer};
use super::{ALL_TABLES, ANY_GROUP, NO_BUFFER, instructions, match_old, oxm};
use crate::{Flow, FlowFlags, Instructions, Port, Version};

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
        out.u8(table);
        out.u8(self.command as u8);
        out.u16(flow.idle_timeout);
        out.u16(flow.hard_timeout);
        out.u16(flow.priority);
        out.u32(self.buffer_id);
        out.u32(self.out_port.0);
        out.u32(self.out_group);
        out.u16(said_flags(flow.flags, version));
        out.u16(if version >= Version::V14 {
            flow.importance
        } else {
            0
        });
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

/// The flags of a flow that a version can say: those that it has, and those that have no name here.
fn said_flags(flags: FlowFlags, version: Version) -> u16 {
    flags.0 & (known_flags(version) | !FlowFlags::NAMED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ofpkt::{Body, BundleAdd, BundleAddHead, BundleFlags, Message};
    use crate::text::parse_flow;

    const HEAD: BundleAddHead = BundleAddHead {
        version: Version::V14,
        xid: 7,
        bundle_id: 3,
        flags: BundleFlags::ATOMIC,
    };

    fn flows() -> [Flow; 4] {
        [
            "table=1,priority=9,ip,nw_src=10.0.0.0/8,cookie=0x12,actions=mod_vlan_vid:3,output:2",
            "table=2,importance=5,send_flow_rem,reg0=1/3,actions=write_metadata:1/3,goto_table:9",
            "idle_timeout=3,ip,dl_vlan=4,actions=ct(commit,zone=1,exec(set_field:1->ct_mark)),note:01",
            "priority=0,actions=drop",
        ]
        .map(|text| parse_flow(text).unwrap())
    }

    /// A change of a borrowed flow, and the same of an owned one.
    fn changes(flow: &Flow) -> [(FlowChange<'_>, FlowMod); 3] {
        let deleted = FlowMod {
            cookie_mask: u64::MAX,
            ..FlowMod::delete_strict(flow.clone())
        };
        [
            (FlowChange::add(flow), FlowMod::add(flow.clone())),
            (
                FlowChange::delete_strict(flow, 0),
                FlowMod::delete_strict(flow.clone()),
            ),
            (FlowChange::delete_strict(flow, u64::MAX), deleted),
        ]
    }

    fn written(change: FlowChange<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        HEAD.encode_into(change, &mut bytes);
        bytes
    }

    #[test]
    fn a_borrowed_flow_is_written_as_an_owned_one() {
        for flow in flows() {
            for (borrowed, owned) in changes(&flow) {
                for version in Version::ALL {
                    let mut bytes = Vec::new();
                    borrowed.encode_into(version, 7, &mut bytes);
                    let owned = Message::new(version, 7, Body::FlowMod(Box::new(owned.clone())));
                    assert_eq!(bytes, owned.encode(), "{borrowed:?}");
                }
                let message = Message::new(HEAD.version, HEAD.xid, Body::FlowMod(Box::new(owned)));
                let add = BundleAdd::new(HEAD.bundle_id, HEAD.flags, message);
                let whole = Message::new(HEAD.version, HEAD.xid, Body::BundleAdd(add));
                assert_eq!(written(borrowed), whole.encode());
            }
        }
    }

    #[test]
    fn a_change_is_read_back_where_nothing_of_it_has_changed() {
        for flow in flows() {
            for (change, _) in changes(&flow) {
                let bytes = written(change);
                assert_eq!(HEAD.reads_back(change, &bytes), Ok(true), "{change:?}");
                let meant = Message::decode_strict(&bytes);
                for at in 0..bytes.len() {
                    let mut other = bytes.clone();
                    other[at] ^= 1;
                    let read = Message::decode_strict(&other);
                    let said = HEAD.reads_back(change, &other);
                    let expected = read.clone().map(|_| read == meant);
                    assert_eq!(said, expected, "byte {at} of {change:?}");
                    let cut = bytes.get(..at).unwrap();
                    assert!(
                        HEAD.reads_back(change, cut).is_err(),
                        "{at} bytes of {change:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn other_changes_are_told_apart() {
        let flows = flows();
        let all: Vec<_> = flows.iter().flat_map(changes).collect();
        for (i, (written_one, _)) in all.iter().enumerate() {
            for (k, (meant, _)) in all.iter().enumerate() {
                let said = HEAD.reads_back(*meant, &written(*written_one));
                assert_eq!(said, Ok(i == k), "{written_one:?} {meant:?}");
            }
        }
        let [flow, ..] = &flows;
        let bytes = written(FlowChange::add(flow));
        let other = BundleAddHead {
            bundle_id: 4,
            ..HEAD
        };
        assert_eq!(other.reads_back(FlowChange::add(flow), &bytes), Ok(false));
        // A deletion of another spelling is one of another flow.
        let tags = [
            "vlan_tci=0/0x1fff,actions=drop",
            "vlan_tci=0/0xffff,actions=drop",
        ];
        let [a, b] = tags.map(|text| parse_flow(text).unwrap());
        assert_eq!(a, b);
        let bytes = written(FlowChange::delete_strict(&a, 0));
        assert_eq!(
            HEAD.reads_back(FlowChange::delete_strict(&a, 0), &bytes),
            Ok(true)
        );
        assert_eq!(
            HEAD.reads_back(FlowChange::delete_strict(&b, 0), &bytes),
            Ok(false)
        );
    }
}
