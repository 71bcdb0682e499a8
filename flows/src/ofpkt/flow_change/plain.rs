//! Whether the body of a message plainly says a change, told without reading it into a flow: each part is held against the
//! part that is meant. It is known of few parts what a switch reads in them, but these are nearly all that flows have. What is
//! said otherwise, and what is wrong with it, is for the decoder to tell.

use super::super::actions::{check_move, check_port, needs_ct};
use super::super::oxm::{is_valid, rank, short_header};
use super::super::wire::Reader;
use super::FlowChange;
use crate::action::{SetField, Subfield};
use crate::field::{Access, Field, Prerequisite};
use crate::matching::{Stored, number, prerequisites_hold};
use crate::{Action, Instructions, Match, Port, Version};

impl FlowChange<'_> {
    /// True if `body` is a change of flows of OpenFlow 1.4 in which the decoder would read this change, part by part. False
    /// says nothing.
    pub(in crate::ofpkt) fn is_plainly_in(self, body: Reader<'_>) -> bool {
        self.find_in(body) == Some(true)
    }

    fn find_in(self, mut body: Reader<'_>) -> Option<bool> {
        let flow = self.flow;
        let known = flow.flags.0 & !super::known_flags(Version::V14) == 0
            && flow.table != super::ALL_TABLES
            && self.out_port == Port::ANY
            && self.new_cookie.is_none();
        let said = known
            && body.u64().ok()? == flow.cookie
            && body.u64().ok()? == self.cookie_mask
            && body.u8().ok()? == flow.table
            && body.u8().ok()? == self.command as u8
            && body.u16().ok()? == flow.idle_timeout
            && body.u16().ok()? == flow.hard_timeout
            && body.u16().ok()? == flow.priority
            && body.u32().ok()? == self.buffer_id
            && body.u32().ok()? == self.out_port.0
            && body.u32().ok()? == self.out_group
            && body.u16().ok()? == flow.flags.0
            && body.u16().ok()? == flow.importance
            // The match of OpenFlow 1.2 and up.
            && body.u16().ok()? == 1;
        if !said {
            return None;
        }
        let length = usize::from(body.u16().ok()?);
        let entries = body.bytes(length.checked_sub(4)?).ok()?;
        body.skip(length.next_multiple_of(8) - length).ok()?;
        Some(
            says_match(entries, &flow.matches)?
                && match self.instructions {
                    Some(instructions) => says_instructions(body.rest(), instructions)?,
                    None => body.is_empty(),
                },
        )
    }
}

/// The field that a header of four bytes names, where the whole field follows.
#[inline]
fn whole_field(bytes: &[u8]) -> Option<(Field, &[u8])> {
    let (&[c1, c2, kind, length], rest) = bytes.split_first_chunk()?;
    let field = Field::from_wire(u16::from_be_bytes([c1, c2]), kind >> 1, None)?;
    (kind & 1 == 0 && length == field.info().bytes).then_some((field, rest))
}

/// Entries in the order of their ranks have what each needs before it, and none twice.
fn says_match(mut entries: &[u8], matches: &Match) -> Option<bool> {
    let arp = matches!(matches.eth_type(), Some(0x0806 | 0x8035));
    let (mut count, mut least, mut held) = (0, 0, Prerequisite::Always);
    while !entries.is_empty() {
        let (field, rest) = whole_field(entries)?;
        let info = field.info();
        let (value, rest) = rest.split_at_checked(usize::from(info.bytes))?;
        let rank = rank(info.slot, arp);
        let said = rank >= least
            && matches.requires(field, &Stored::of(field, value)?)
            && (info.prerequisite == held || prerequisites_hold(matches, info.prerequisite));
        if !said {
            return None;
        }
        (count, least, held) = (count + 1, rank + 1, info.prerequisite);
        entries = rest;
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
        (Action::Move { src, dst }, [0xff, 0xff, entry @ ..]) => {
            says_move(entry, *src, *dst)? && !needs_ct(meant)
        }
        _ => false,
    };
    said.then_some(rest)
}

/// `move` in Nicira's form, behind its type.
#[inline]
fn says_move(action: &[u8], src: Subfield, dst: Subfield) -> Option<bool> {
    let (&[0, 24, 0, 0, 0x23, 0x20, 0, 6], rest) = action.split_first_chunk()? else {
        return None;
    };
    let (&[b1, b2, s1, s2, d1, d2], fields) = rest.split_first_chunk()?;
    let (from, to) = fields.split_first_chunk()?;
    let bits = u16::from_be_bytes([b1, b2]);
    Some(
        (src.bits, src.offset) == (bits, u16::from_be_bytes([s1, s2]))
            && (dst.bits, dst.offset) == (bits, u16::from_be_bytes([d1, d2]))
            && short_header(src.field, Version::V10)? == *from
            && short_header(dst.field, Version::V10)? == *to
            && check_move(src, dst).is_ok(),
    )
}

/// The entry of a write of a whole field, with its padding.
#[inline]
fn says_write(entry: &[u8], set: &SetField) -> Option<bool> {
    let field = set.field();
    let info = field.info();
    let (header, rest) = entry.split_first_chunk()?;
    if *header != short_header(field, Version::V14)? {
        return None;
    }
    let said = match (rest, 8u8.checked_sub(info.bytes)) {
        // What is left of eight bytes is padding.
        (&[a, b, c, d, e, f, g, h], Some(unused)) => {
            let value = set.short_value()?.checked_shl(8 * u32::from(unused))?;
            value == u64::from_be_bytes([a, b, c, d, e, f, g, h])
        }
        _ => rest.len() == usize::from(info.bytes) && set.is_whole() && number(rest) == set.value(),
    };
    Some(
        said && info.access == Access::ReadWrite
            && (info.as_is || is_valid(field, set.value()))
            && !matches!(field, Field::VlanVid | Field::InPortOxm),
    )
}
