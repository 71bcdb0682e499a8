//! Whether the body of a message plainly says a change, told without reading it into a flow: each part is held against the
//! part that is meant. It is known of few parts what a switch reads in them, but these are nearly all that flows have. What is
//! said otherwise, and what is wrong with it, is for the decoder to tell.

use super::super::actions::{check_move, check_port, needs_ct};
use super::super::oxm::{is_valid, rank};
use super::super::wire::Reader;
use super::FlowChange;
use crate::action::{SetField, SetSpelling, Subfield};
use crate::field::{Access, Field};
use crate::matching::{Stored, number, prerequisites_hold};
use crate::{Action, Instructions, Match, Port, Version};

impl FlowChange<'_> {
    /// True if `body` is a change of flows of OpenFlow 1.4 in which the decoder would read this change, part by part. False
    /// says nothing.
    pub(in crate::ofpkt) fn is_plainly_in(self, body: Reader<'_>, version: Version) -> bool {
        version == Version::V14 && self.find_in(body).is_some()
    }

    fn find_in(self, mut body: Reader<'_>) -> Option<()> {
        let flow = self.flow;
        let found = (
            (body.u64().ok()?, body.u64().ok()?),
            (body.u8().ok()?, body.u8().ok()?),
            (body.u16().ok()?, body.u16().ok()?, body.u16().ok()?),
            (body.u32().ok()?, body.u32().ok()?, body.u32().ok()?),
            (body.u16().ok()?, body.u16().ok()?),
        );
        let meant = (
            (flow.cookie, self.cookie_mask),
            (flow.table, self.command as u8),
            (flow.idle_timeout, flow.hard_timeout, flow.priority),
            (self.buffer_id, self.out_port.0, self.out_group),
            (flow.flags.0, flow.importance),
        );
        let known = flow.flags.0 & !super::known_flags(Version::V14) == 0
            && flow.table != super::ALL_TABLES
            && self.out_port == Port::ANY
            && self.new_cookie.is_none();
        // A match of OpenFlow 1.2 and up, whose length counts these four bytes.
        let (kind, length) = (body.u16().ok()?, usize::from(body.u16().ok()?));
        let entries = body.bytes(length.checked_sub(4)?).ok()?;
        body.skip(length.next_multiple_of(8) - length).ok()?;
        let said = known
            && found == meant
            && kind == 1
            && says_match(entries, &flow.matches)?
            && match self.instructions {
                Some(instructions) => says_instructions(body.rest(), instructions)?,
                None => body.is_empty(),
            };
        said.then_some(())
    }
}

/// The field that a head of four bytes names, where it is the whole field that follows or is meant.
#[inline]
fn whole_field(bytes: &[u8]) -> Option<(Field, &[u8])> {
    let (&[c1, c2, kind, length], rest) = bytes.split_first_chunk()?;
    let field = Field::from_wire(u16::from_be_bytes([c1, c2]), kind >> 1, None)?;
    let whole = kind & 1 == 0 && length == field.info().bytes && !field.is_tun_metadata();
    whole.then_some((field, rest))
}

/// Entries in the order of their ranks have what each needs before it, and none twice.
fn says_match(mut entries: &[u8], matches: &Match) -> Option<bool> {
    let arp = matches!(matches.eth_type(), Some(0x0806 | 0x8035));
    let (mut count, mut least) = (0, 0);
    while !entries.is_empty() {
        let (field, rest) = whole_field(entries)?;
        let info = field.info();
        let (value, rest) = rest.split_at_checked(usize::from(info.bytes))?;
        let rank = rank(info.slot, arp);
        let said = rank >= least
            && Stored::of(field, value)?.is(&matches.entry(info.slot)?)
            && prerequisites_hold(matches, info.prerequisite);
        if !said {
            return None;
        }
        (count, least, entries) = (count + 1, rank + 1, rest);
    }
    Some(count == matches.entries().count() && matches.raw().next().is_none())
}

/// Actions that are done at once, then the next table.
fn says_instructions(mut rest: &[u8], meant: &Instructions) -> Option<bool> {
    let Instructions {
        apply,
        write: None,
        write_metadata: None,
        meter: None,
        clear: false,
        goto_table,
        unknown: None,
    } = meant
    else {
        return None;
    };
    if !apply.is_empty() {
        let (&[0, 4, l1, l2, _, _, _, _], _) = rest.split_first_chunk()? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([l1, l2]));
        let (mut list, behind) = rest.split_at_checked(length)?;
        list = list.get(8..)?;
        for action in apply {
            list = behind_action(list, action)?;
        }
        if !list.is_empty() {
            return None;
        }
        rest = behind;
    }
    Some(match *rest {
        [] => goto_table.is_none(),
        [0, 1, 0, 8, table, _, _, _] => *goto_table == Some(table),
        _ => false,
    })
}

/// What stands behind an action, if it is the one that is meant.
#[inline]
fn behind_action<'a>(list: &'a [u8], meant: &Action) -> Option<&'a [u8]> {
    let (&[_, _, l1, l2], _) = list.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([l1, l2]));
    let (action, rest) = list.split_at_checked(length)?;
    let said = match (meant, action) {
        (Action::Output(port), [0, 0, 0, 16, a, b, c, d, 0, 0, ..]) => {
            *port == Port(u32::from_be_bytes([*a, *b, *c, *d]))
                && *port != Port::CONTROLLER
                && port.to_u16().is_some()
                && check_port(*port).is_ok()
        }
        (Action::PopVlan, [0, 18, 0, 8, ..]) => true,
        (Action::SetField(set), [0, 25, _, _, entry @ ..]) => {
            length.is_multiple_of(8) && says_write(entry, set)? && !needs_ct(meant)
        }
        (
            Action::Move { src, dst },
            [
                0xff,
                0xff,
                0,
                24,
                0,
                0,
                0x23,
                0x20,
                0,
                6,
                b1,
                b2,
                s1,
                s2,
                d1,
                d2,
                fields @ ..,
            ],
        ) => {
            let (source, fields) = whole_field(fields)?;
            let (destination, _) = whole_field(fields)?;
            let part = |field, o1, o2| {
                let [offset, bits] = [[o1, o2], [*b1, *b2]].map(u16::from_be_bytes);
                Subfield::part(field, offset, bits)
            };
            *src == part(source, *s1, *s2)
                && *dst == part(destination, *d1, *d2)
                && check_move(*src, *dst).is_ok()
                && !needs_ct(meant)
        }
        _ => false,
    };
    said.then_some(rest)
}

/// The entry of a write of a whole field, with its padding.
fn says_write(entry: &[u8], set: &SetField) -> Option<bool> {
    let (field, rest) = whole_field(entry)?;
    let info = field.info();
    let (value, padding) = rest.split_at_checked(usize::from(info.bytes))?;
    let value = number(value);
    let writable = info.access == Access::ReadWrite
        && (info.as_is || is_valid(field, value))
        && !matches!(field, Field::VlanVid | Field::InPortOxm);
    Some(
        writable
            && set.field() == field
            && set.is_whole()
            && set.spelling() == SetSpelling::SetField
            && set.value() == value
            && padding.iter().all(|byte| *byte == 0),
    )
}
