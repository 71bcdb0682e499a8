//! Reading actions and instructions.

use super::token::{KeyValue, Tokens};
use super::{Fault, Parsed, ct, learn, more, unknown, value};
use crate::action::{SetField, SetSpelling, Subfield};
use crate::field::{Access, Field};
use crate::flow::WriteMetadata;
use crate::text::print::Names;
use crate::{Action, Instructions, Port};
use smallvec::SmallVec;

/// How deep actions may be nested.
const MAX_DEPTH: u8 = 16;

/// Reads what stands after `actions=`.
pub(super) fn instructions<'a>(text: &'a str, names: &Names) -> Parsed<'a, Instructions> {
    let mut found = Instructions::default();
    let mut apply: SmallVec<[Action; 12]> = SmallVec::new();
    let mut tokens = Tokens::new(text);
    // The order that OpenFlow prescribes: meter, apply, clear, write, metadata, goto.
    let mut stage = 0;
    let mut dropped = false;
    let mut count = 0;
    while let Some(pair) = tokens.next() {
        count += 1;
        let is = |name: &str| pair.key.eq_ignore_ascii_case(name);
        // Nearly all actions have names of other lengths.
        let now = match pair.key.len() {
            4 if is("drop") => {
                dropped = true;
                continue;
            }
            5 if is("meter") => 0,
            10 if is("goto_table") => 5,
            11 if is("instruction") => {
                found.push_raw(u8::MAX, &unknown::instruction(pair.value)?);
                continue;
            }
            13 if is("clear_actions") => 2,
            13 if is("write_actions") => 3,
            13 if is("apply_actions") => {
                let what = "apply_actions is the default instruction";
                return Err(Fault::new(pair.key, what));
            }
            14 if is("write_metadata") => 4,
            _ => 1,
        };
        let wrong_order = |now: u8| now < stage || (now == stage && now != 1);
        if count > 1 && wrong_order(now) && !(now == 0 && stage == 0 && found.meter.is_none()) {
            let what = format!(
                "invalid instruction ordering: {} is there twice or too late; the order is meter, actions, \
                 clear_actions, write_actions, write_metadata, goto_table",
                pair.key
            );
            return Err(Fault::new(pair.key, what));
        }
        stage = now;
        match now {
            0 => found.meter = Some(meter(&pair)?),
            2 => found.clear = true,
            3 => {
                let list = list(pair.value, names, 1)?;
                found.write = (!list.is_empty()).then(|| list.into());
            }
            4 => found.write_metadata = Some(Box::new(write_metadata(pair.value)?)),
            5 => found.goto_table = Some(value::table(pair.value, names)?),
            _ => apply.push(action(&pair, names, 0)?),
        }
    }
    if dropped && count > 1 && !all_drops(text) {
        return Err(Fault::new(
            text,
            "\"drop\" must not be accompanied by any other action or instruction",
        ));
    }
    found.apply = apply.into_vec().into();
    Ok(found)
}

fn all_drops(text: &str) -> bool {
    let mut tokens = Tokens::new(text);
    while let Some(pair) = tokens.next() {
        if !pair.key.eq_ignore_ascii_case("drop") {
            return false;
        }
    }
    true
}

fn meter<'a>(pair: &KeyValue<'a>) -> Parsed<'a, u32> {
    value::u32(pair.value)
}

fn write_metadata<'a>(text: &'a str) -> Parsed<'a, WriteMetadata> {
    let (number, mask) = text
        .split_once('/')
        .map_or((text, None), |(number, mask)| (number, Some(mask)));
    let mask = mask.map(value::u64).transpose()?.unwrap_or(u64::MAX);
    Ok(WriteMetadata {
        value: value::u64(number)?,
        mask,
    })
}

/// Reads a list of actions inside another.
pub(super) fn list<'a>(text: &'a str, names: &Names, depth: u8) -> Parsed<'a, Vec<Action>> {
    if depth > MAX_DEPTH {
        return Err(Fault::new(text, "actions are nested too deep"));
    }
    let mut actions = Vec::new();
    let mut tokens = Tokens::new(text);
    let mut dropped = false;
    while let Some(pair) = tokens.next() {
        if pair.key.eq_ignore_ascii_case("drop") {
            dropped = true;
            continue;
        }
        actions.push(action(&pair, names, depth)?);
    }
    if dropped && !actions.is_empty() {
        return Err(Fault::new(
            text,
            "\"drop\" must not be accompanied by any other action or instruction",
        ));
    }
    Ok(actions)
}

/// Reads one action.
pub(super) fn action<'a>(pair: &KeyValue<'a>, names: &Names, depth: u8) -> Parsed<'a, Action> {
    let text = pair.value;
    let bare = |action: Action| {
        if text.is_empty() {
            Ok(action)
        } else {
            Err(Fault::new(text, format!("{} takes no argument", pair.key)))
        }
    };
    // The commonest first.
    Ok(match pair.key {
        "output" => output(text, names)?,
        "set_field" => Action::SetField(set_field(text, names)?),
        "resubmit" => resubmit(text, names)?,
        "load" | "reg_load" => Action::SetField(load(text)?),
        "move" | "reg_move" => {
            let (src, dst) = arrow(text)?;
            let (src, dst) = (value::subfield(src)?, value::subfield(dst)?);
            if src.bits != dst.bits {
                let what = format!(
                    "{text}: source field is {} bits wide but destination is {}",
                    src.bits, dst.bits
                );
                return Err(Fault::new(text, what));
            }
            writable(dst.field, text)?;
            Action::Move { src, dst }
        }
        "mod_vlan_vid" => Action::ModVlanVid(vlan_vid(text)?),
        "mod_vlan_pcp" => Action::ModVlanPcp(vlan_pcp(text)?),
        "set_vlan_vid" => Action::SetVlanVid(vlan_vid(text)?),
        "set_vlan_pcp" => Action::SetVlanPcp(vlan_pcp(text)?),
        "strip_vlan" => bare(Action::StripVlan)?,
        "pop_vlan" => bare(Action::PopVlan)?,
        "push_vlan" => match value::u16(text, "Ethertype")? {
            kind @ (0x8100 | 0x88a8) => Action::PushVlan(kind),
            _ => {
                return Err(Fault::new(
                    text,
                    format!("{text}: not a valid VLAN ethertype: expected 0x8100 or 0x88a8"),
                ));
            }
        },
        "push_mpls" => Action::PushMpls(value::u16(text, "Ethertype")?),
        "pop_mpls" => Action::PopMpls(value::u16(text, "Ethertype")?),
        "mod_dl_src" => Action::ModDlSrc(value::eth(text)?),
        "mod_dl_dst" => Action::ModDlDst(value::eth(text)?),
        "mod_nw_src" => Action::ModNwSrc(value::plain_ipv4(text)?),
        "mod_nw_dst" => Action::ModNwDst(value::plain_ipv4(text)?),
        "mod_nw_tos" => match value::u8(text, "TOS")? {
            tos if tos & 3 == 0 => Action::ModNwTos(tos),
            tos => {
                return Err(Fault::new(
                    text,
                    format!("{tos}: not a valid TOS: the two low bits are not its own"),
                ));
            }
        },
        "mod_nw_ecn" => match value::u8(text, "ECN")? {
            ecn @ 0..=3 => Action::ModNwEcn(ecn),
            ecn => {
                return Err(Fault::new(
                    text,
                    format!("{ecn}: not a valid ECN: expected 0 to 3"),
                ));
            }
        },
        "mod_nw_ttl" | "set_nw_ttl" => Action::ModNwTtl(value::u8(text, "TTL")?),
        "mod_tp_src" => Action::ModTpSrc(value::u16(text, "source port")?),
        "mod_tp_dst" => Action::ModTpDst(value::u16(text, "destination port")?),
        "set_tunnel" => {
            let id = value::u64(text)?;
            u32::try_from(id).map_or(Action::SetTunnel64(id), Action::SetTunnel)
        }
        "set_tunnel64" => Action::SetTunnel64(value::u64(text)?),
        "set_mpls_label" => match value::u32(text)? {
            label @ 0..=0xf_ffff => Action::SetMplsLabel(label),
            _ => {
                return Err(Fault::new(
                    text,
                    format!("{text}: not a valid MPLS label: it has 20 bits"),
                ));
            }
        },
        "set_mpls_tc" => match value::u8(text, "MPLS TC")? {
            tc @ 0..=7 => Action::SetMplsTc(tc),
            _ => {
                return Err(Fault::new(
                    text,
                    format!("{text}: not a valid MPLS TC: expected 0 to 7"),
                ));
            }
        },
        "set_mpls_ttl" => Action::SetMplsTtl(value::u8(text, "MPLS TTL")?),
        "dec_mpls_ttl" => bare(Action::DecMplsTtl)?,
        "dec_nsh_ttl" => bare(Action::DecNshTtl)?,
        "dec_ttl" => dec_ttl(pair)?,
        "set_queue" => Action::SetQueue(value::u32(text)?),
        "pop_queue" => bare(Action::PopQueue)?,
        "enqueue" => enqueue(text, names)?,
        "group" => Action::Group(value::u32(text)?),
        "controller" | "CONTROLLER" => more::controller(text)?,
        "learn" => Action::Learn(Box::new(learn::learn(text, names)?)),
        "conjunction" => more::conjunction(text)?,
        "multipath" => Action::Multipath(Box::new(more::multipath(text)?)),
        "bundle" => Action::Bundle(Box::new(more::bundle(text, names, false)?)),
        "bundle_load" => Action::Bundle(Box::new(more::bundle(text, names, true)?)),
        "note" => Action::Note(hex_bytes(text)?.into()),
        "exit" => bare(Action::Exit)?,
        "debug_slow" => bare(Action::DebugSlow)?,
        "debug_recirc" => bare(Action::DebugRecirc)?,
        "sample" => Action::Sample(Box::new(more::sample(text, names)?)),
        "fin_timeout" => more::fin_timeout(text)?,
        "ct" => Action::Ct(Box::new(ct::ct(text, names, depth)?)),
        "ct_clear" => bare(Action::CtClear)?,
        "clone" => Action::Clone(list(text, names, depth + 1)?.into()),
        "check_pkt_larger" => more::check_pkt_larger(text)?,
        "encap" => Action::Encap(Box::new(more::encap(text)?)),
        "decap" => more::decap(text)?,
        "delete_field" => {
            let part = value::subfield(text)?;
            if !part.field.is_tun_metadata() || !part.is_whole() {
                return Err(Fault::new(
                    text,
                    format!("{text}: only whole tun_metadata fields can be deleted"),
                ));
            }
            Action::DeleteField(part.field)
        }
        "push" => Action::Push(value::subfield(text)?),
        "pop" => {
            let part = value::subfield(text)?;
            writable(part.field, text)?;
            Action::Pop(part)
        }
        "meter" => Action::Meter(value::u32(text)?),
        "unknown" => unknown::action(text)?,
        "unroll_xlate" => {
            return Err(Fault::new(
                pair.key,
                "UNROLL is an internal action that shouldn't be used via OpenFlow",
            ));
        }
        key => return other(key, text, names),
    })
}

/// Words in other cases, and ports, which stand for an output.
fn other<'a>(key: &'a str, text: &'a str, names: &Names) -> Parsed<'a, Action> {
    if key.eq_ignore_ascii_case("controller") {
        return more::controller(text);
    }
    if key.bytes().any(|b| b.is_ascii_uppercase()) && Port::from_name(key).is_none() {
        let lower = key.to_ascii_lowercase();
        let pair = KeyValue {
            key: &lower,
            value: text,
            delimiter: None,
        };
        // A key of another case is not the text's own: its fault is told at the argument.
        let read = action_owned(&pair, names);
        return read.map_err(|what| Fault::new(key, what));
    }
    match value::known_port(key, names) {
        Some(port) if text.is_empty() => Ok(Action::output(port)),
        Some(_) => Err(Fault::new(text, format!("{key} takes no argument"))),
        None => Err(Fault::new(key, format!("unknown action {key}"))),
    }
}

fn action_owned(pair: &KeyValue<'_>, names: &Names) -> Result<Action, String> {
    let known = pair
        .key
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !known {
        return Err(format!("unknown action {}", pair.key));
    }
    action(pair, names, MAX_DEPTH).map_err(Fault::what)
}

/// What stands on both sides of `->`.
pub(super) fn arrow<'a>(text: &'a str) -> Parsed<'a, (&'a str, &'a str)> {
    let head = memchr::memchr_iter(b'>', text.as_bytes())
        .find_map(|at| text.get(..at)?.strip_suffix('-'))
        .ok_or_else(|| Fault::new(text, format!("{text}: missing `->'")))?;
    let (src, dst) = (head, text.get(head.len() + 2..).unwrap_or_default());
    if src.is_empty() || dst.is_empty() {
        return Err(Fault::new(
            text,
            format!("{text}: something must stand on both sides of `->'"),
        ));
    }
    Ok((src, dst))
}

pub(super) fn writable<'a>(field: Field, at: &'a str) -> Parsed<'a, ()> {
    if field.info().access == Access::ReadOnly {
        return Err(Fault::new(at, format!("{} is read-only", field.name())));
    }
    Ok(())
}

fn output<'a>(text: &'a str, names: &Names) -> Parsed<'a, Action> {
    if let Some(port) = value::known_port(text, names) {
        return Ok(Action::output(port));
    }
    if text.contains('=') {
        return more::output_trunc(text, names);
    }
    match value::short_subfield(text) {
        Ok(part) => Ok(Action::OutputReg(part, 0xffff)),
        Err(fault) if text.contains('[') || Field::from_name(text).is_some() => Err(fault),
        Err(_) => Err(Fault::new(text, format!("{text}: output to unknown port"))),
    }
}

fn set_field<'a>(text: &'a str, names: &Names) -> Parsed<'a, SetField> {
    let (written, name) = arrow(text)?;
    let field = value::plainly_named(name)
        .ok_or_else(|| Fault::new(name, format!("{name} is not a valid OXM field name")))?;
    writable(field, name)?;
    if field.info().wire.is_empty() {
        return Err(Fault::new(
            name,
            format!("{name}: actions can not name this field: it has no number in messages"),
        ));
    }
    if field.is_tun_metadata() {
        // A write of none of its bits, which is there to name the option.
        if matches!(written, "*" | "ANY") {
            return Ok(SetField::wide(field, &[], Some(&[])));
        }
        let (number, mask) = written
            .split_once('/')
            .map_or((written, None), |(n, m)| (n, Some(m)));
        let bytes = value::significant(number)?;
        let Some(mask) = mask else {
            return Ok(SetField::wide(field, &bytes, None));
        };
        let (bytes, mask) = value::same_length(bytes, value::significant(mask)?);
        if bytes.iter().zip(&mask).any(|(b, m)| b & !m != 0) {
            let what = format!("{written}: a value with bits that its mask does not have");
            return Err(Fault::new(written, what));
        }
        return Ok(SetField::wide(field, &bytes, Some(&mask)));
    }
    if field.info().as_is
        && let Some(number) = value::plain(field, written)
    {
        return Ok(SetField::whole(field, number));
    }
    let found = value::masked(field, written, names)?;
    if !crate::ofpkt::is_valid_value(field, found.value) {
        return Err(Fault::new(
            written,
            format!("{written} is not a valid value for field {name}"),
        ));
    }
    if found.mask == 0 {
        return Err(Fault::new(
            written,
            format!("{written}: a mask of nothing writes nothing"),
        ));
    }
    Ok(SetField::new(field, found.value, found.mask))
}

fn load<'a>(text: &'a str) -> Parsed<'a, SetField> {
    // `load(0x1->reg0)` leaves a parenthesis where the value went on.
    let (written, name) = arrow(text)?;
    let written = written.strip_suffix(')').unwrap_or(written);
    let dst = value::subfield(name)?;
    writable(dst.field, name)?;
    let number = value::wide_number(written)?;
    if dst.field.is_tun_metadata() {
        return load_wide(dst, &number, written);
    }
    let wide = |bytes: &[u8]| bytes.iter().fold(0u128, |acc, &b| acc << 8 | u128::from(b));
    let significant = number.iter().skip_while(|b| **b == 0).count();
    if significant > 16 || wide(&number) & !crate::field::low_bits(dst.bits) != 0 {
        return Err(Fault::new(
            written,
            format!(
                "{text}: value {written} does not fit into {} bits",
                dst.bits
            ),
        ));
    }
    let shifted = wide(&number)
        .checked_shl(u32::from(dst.offset))
        .unwrap_or(0);
    let write = SetField::new(dst.field, shifted, dst.mask()).spelled(SetSpelling::Load);
    if write.mask() == 0 {
        return Err(Fault::new(
            name,
            format!("{name}: a mask of nothing writes nothing: these bits are not the field's own"),
        ));
    }
    Ok(write)
}

/// A write of some bits of a tunnel metadata field, as long as it need be to have them; of all bits as long as the number.
fn load_wide<'a>(dst: Subfield, number: &[u8], at: &'a str) -> Parsed<'a, SetField> {
    if dst.is_whole() {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = number.split_at(zeros).1;
        return Ok(SetField::wide(dst.field, number, None).spelled(SetSpelling::Load));
    }
    let length = usize::from(dst.offset + dst.bits).div_ceil(8);
    let (mut bytes, mut mask) = (vec![0u8; length], vec![0u8; length]);
    let bit = |n: usize| {
        number
            .iter()
            .rev()
            .nth(n / 8)
            .is_some_and(|b| b >> (n % 8) & 1 == 1)
    };
    let significant = number.len() * 8;
    if (usize::from(dst.bits)..significant).any(bit) {
        return Err(Fault::new(
            at,
            format!("{at}: value does not fit into {} bits", dst.bits),
        ));
    }
    for n in 0..usize::from(dst.bits) {
        let place = n + usize::from(dst.offset);
        if let (Some(byte), Some(mask)) = (
            bytes.iter_mut().rev().nth(place / 8),
            mask.iter_mut().rev().nth(place / 8),
        ) {
            *mask |= 1 << (place % 8);
            *byte |= u8::from(bit(n)) << (place % 8);
        }
    }
    Ok(SetField::wide(dst.field, &bytes, Some(&mask)).spelled(SetSpelling::Load))
}

fn vlan_vid<'a>(text: &'a str) -> Parsed<'a, u16> {
    match value::u16(text, "VLAN VID")? {
        vid @ 0..=0xfff => Ok(vid),
        _ => Err(Fault::new(
            text,
            format!("{text}: not a valid VLAN VID: expected 0 to 4095"),
        )),
    }
}

fn vlan_pcp<'a>(text: &'a str) -> Parsed<'a, u8> {
    match value::u8(text, "VLAN PCP")? {
        pcp @ 0..=7 => Ok(pcp),
        _ => Err(Fault::new(
            text,
            format!("{text}: not a valid VLAN PCP: expected 0 to 7"),
        )),
    }
}

fn dec_ttl<'a>(pair: &KeyValue<'a>) -> Parsed<'a, Action> {
    if pair.delimiter.is_none() {
        return Ok(Action::DecTtl([].into()));
    }
    let parts = pair.value.split([',', ' ']).filter(|part| !part.is_empty());
    let ids = parts
        .map(|part| value::u16(part, "controller id"))
        .collect::<Parsed<'a, Vec<u16>>>()?;
    if ids.is_empty() {
        return Err(Fault::new(
            pair.value,
            "dec_ttl_cnt_ids: expected at least one controller id.",
        ));
    }
    Ok(Action::DecTtl(ids.into()))
}

fn resubmit<'a>(text: &'a str, names: &Names) -> Parsed<'a, Action> {
    let mut parts = text.split(',');
    let port = match parts.next().map(str::trim).unwrap_or_default() {
        "" => Port::IN_PORT,
        name => value::known_port(name, names)
            .filter(|port| port.to_u16().is_some())
            .ok_or_else(|| Fault::new(text, format!("{name}: resubmit to unknown port")))?,
    };
    let table = match parts.next().map(str::trim).unwrap_or_default() {
        "" => 255,
        number => value::table(number, names)?,
    };
    let ct = match parts.next().map(str::trim) {
        None | Some("") => false,
        Some("ct") => true,
        Some(word) => {
            return Err(Fault::new(
                text,
                format!("{word}: unknown parameter: expected ct"),
            ));
        }
    };
    if port == Port::IN_PORT && table == 255 {
        return Err(Fault::new(
            text,
            "at least one \"in_port\" or \"table\" must be specified on resubmit",
        ));
    }
    Ok(Action::Resubmit { port, table, ct })
}

fn enqueue<'a>(text: &'a str, names: &Names) -> Parsed<'a, Action> {
    let wrong = || {
        Fault::new(
            text,
            "\"enqueue\" syntax is \"enqueue:PORT:QUEUE\" or \"enqueue(PORT,QUEUE)\"",
        )
    };
    // As ovs-ofctl does, which takes a q between them, too, and any separators in front.
    let parts = text.trim_start_matches([':', ',']);
    let apart = parts
        .split_once([':', ','])
        .or_else(|| parts.split_once('q'));
    let (port, queue) = apart.ok_or_else(wrong)?;
    Ok(Action::Enqueue(
        value::port(port.trim(), names)?,
        value::u32(queue.trim())?,
    ))
}

/// Bytes in hexadecimal, with or without periods between them.
pub(super) fn hex_bytes<'a>(text: &'a str) -> Parsed<'a, Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut digits = text.bytes().peekable();
    while let Some(first) = digits.next() {
        if first == b'.' && !bytes.is_empty() {
            continue;
        }
        let nibble = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        let (Some(high), Some(low)) = (nibble(first), digits.next().and_then(nibble)) else {
            return Err(Fault::new(
                text,
                format!("{text}: bad hex digit: expected two digits a byte"),
            ));
        };
        bytes.push(high << 4 | low);
    }
    Ok(bytes)
}
