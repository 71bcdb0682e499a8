//! Reading `learn`.

use super::actions::{arrow, writable};
use super::token::{KeyValue, Tokens};
use super::{Fault, Parsed, value};
use crate::FlowFlags;
use crate::action::{Learn, LearnSource, LearnSpec, LearnTarget, Subfield};
use crate::field::Field;
use crate::text::print::Names;

pub(super) fn learn<'a>(text: &'a str, names: &Names) -> Parsed<'a, Learn> {
    let mut learn = Learn {
        table: 1,
        priority: crate::DEFAULT_PRIORITY,
        ..Learn::default()
    };
    let mut specs = Vec::new();
    let mut tokens = Tokens::new(text);
    while let Some(pair) = tokens.next() {
        let number = || u16::try_from(decimal(pair.value) & 0xffff).unwrap_or(0);
        match pair.key {
            "table" => {
                learn.table = value::table(pair.value, names)?;
                if learn.table == 255 {
                    return Err(Fault::new(
                        pair.value,
                        "table id 255 not valid for `learn' action",
                    ));
                }
            }
            "priority" => learn.priority = number(),
            "idle_timeout" => learn.idle_timeout = number(),
            "hard_timeout" => learn.hard_timeout = number(),
            "fin_idle_timeout" => learn.fin_idle_timeout = number(),
            "fin_hard_timeout" => learn.fin_hard_timeout = number(),
            "cookie" => learn.cookie = value::u64(pair.value)?,
            "send_flow_rem" => learn.flags = FlowFlags::SEND_FLOW_REM,
            "delete_learned" => learn.delete_learned = true,
            "limit" => learn.limit = decimal(pair.value),
            "result_dst" => {
                let dst = value::old_subfield(pair.value)?;
                writable(dst.field, pair.value)?;
                if dst.bits != 1 {
                    return Err(Fault::new(
                        pair.value,
                        "result_dst in 'learn' action must be a single bit",
                    ));
                }
                learn.result_dst = Some(dst);
            }
            _ => specs.push(spec(&pair, names)?),
        }
    }
    learn.specs = specs.into();
    Ok(learn)
}

/// What `ovs-ofctl` makes of these numbers, with atoi(3): the decimal digits in front, 0 where there are none, and of what has
/// more than 32 bits the lowest.
fn decimal(text: &str) -> u32 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.bytes().map_while(|byte| match byte {
        b'0'..=b'9' => Some(i64::from(byte - b'0')),
        _ => None,
    });
    let number = digits.fold(0_i64, |number, digit| {
        number.saturating_mul(10).saturating_add(sign * digit)
    });
    u32::try_from(number & 0xffff_ffff).unwrap_or(0)
}

fn spec<'a>(pair: &KeyValue<'a>, names: &Names) -> Parsed<'a, LearnSpec> {
    let (key, text) = (pair.key, pair.value);
    match key {
        "load" => {
            let (written, dst_text) = arrow(text)?;
            let dst = value::old_subfield(dst_text)?;
            writable(dst.field, dst_text)?;
            let target = LearnTarget::Load(dst);
            if written.starts_with(|c: char| c.is_ascii_digit()) {
                return Ok(LearnSpec {
                    source: constant(written, dst.bits)?,
                    target,
                });
            }
            let src = value::old_subfield(written)?;
            same_width(src, dst, text)?;
            Ok(LearnSpec {
                source: LearnSource::Field(src),
                target,
            })
        }
        "output" => {
            let src = value::old_subfield(text)?;
            Ok(LearnSpec {
                source: LearnSource::Field(src),
                target: LearnTarget::Output,
            })
        }
        "reserved" => Err(Fault::new(key, "reserved is for Open vSwitch's own use")),
        _ if key.contains('[') => {
            let dst = value::old_subfield(key)?;
            let target = LearnTarget::Match(dst);
            if pair.delimiter.is_none() || text.is_empty() {
                return Ok(LearnSpec {
                    source: LearnSource::Field(dst),
                    target,
                });
            }
            if dst.is_whole() && !text.contains('[') && value::subfield(text).is_err() {
                return whole_value(dst.field, text, names)
                    .map(|source| LearnSpec { source, target });
            }
            if text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains('[') {
                return Ok(LearnSpec {
                    source: constant(text, dst.bits)?,
                    target,
                });
            }
            let src = value::old_subfield(text)?;
            same_width(src, dst, text)?;
            Ok(LearnSpec {
                source: LearnSource::Field(src),
                target,
            })
        }
        _ => whole_field(pair, names),
    }
}

/// `field=value` or `field=other_field`, or `field` alone.
fn whole_field<'a>(pair: &KeyValue<'a>, names: &Names) -> Parsed<'a, LearnSpec> {
    let (key, text) = (pair.key, pair.value);
    let field = Field::from_name(key)
        .ok_or_else(|| Fault::new(key, format!("{key}: unknown keyword in learn")))?;
    value::old_field(field, key)?;
    let dst = Subfield::whole(field);
    let target = LearnTarget::Match(dst);
    if pair.delimiter.is_none() || text.is_empty() {
        return Ok(LearnSpec {
            source: LearnSource::Field(dst),
            target,
        });
    }
    let source = if text.contains('[') || value::subfield(text).is_ok() {
        let src = value::old_subfield(text)?;
        same_width(src, dst, text)?;
        LearnSource::Field(src)
    } else {
        whole_value(field, text, names)?
    };
    Ok(LearnSpec { source, target })
}

/// A value of a whole field, in the field's own form.
fn whole_value<'a>(field: Field, text: &'a str, names: &Names) -> Parsed<'a, LearnSource> {
    let bits = field.bits();
    if field.is_tun_metadata() && text.starts_with("0x") {
        let bytes = value::wide_number(text)?;
        let mut all = vec![0; 124usize.saturating_sub(bytes.len())];
        all.extend(bytes);
        return Ok(LearnSource::Value {
            bytes: all.into(),
            bits,
        });
    }
    let found = value::masked(field, text, names)?;
    let bytes = crate::field::low_bits(u16::from(field.info().bytes) * 8);
    if found.mask & bytes != bytes {
        return Err(Fault::new(
            text,
            format!("{text}: what is learned has no mask"),
        ));
    }
    // What is matched of a tag is also that there is one.
    let tag = if field == Field::VlanVid { 0x1000 } else { 0 };
    Ok(LearnSource::value(
        found.value & (field.full_mask() | tag),
        bits,
    ))
}

fn same_width<'a>(src: Subfield, dst: Subfield, at: &'a str) -> Parsed<'a, ()> {
    if src.bits != dst.bits {
        let what = format!(
            "{at}: bit widths of source ({}) and destination ({}) differ",
            src.bits, dst.bits
        );
        return Err(Fault::new(at, what));
    }
    Ok(())
}

fn constant<'a>(text: &'a str, bits: u16) -> Parsed<'a, LearnSource> {
    let number = value::wide_number(text)?;
    let wanted = usize::from(bits.div_ceil(8));
    let significant: Vec<u8> = number.iter().copied().skip_while(|b| *b == 0).collect();
    let spare = u32::from(bits % 8);
    let top_too_big = significant.len() == wanted
        && spare != 0
        && significant
            .first()
            .is_some_and(|b| u32::from(*b) >= 1 << spare);
    if significant.len() > wanted || top_too_big {
        return Err(Fault::new(
            text,
            format!("{text}: value does not fit into {bits} bits"),
        ));
    }
    let mut bytes = vec![0; wanted - significant.len()];
    bytes.extend(significant);
    Ok(LearnSource::Value {
        bytes: bytes.into(),
        bits,
    })
}
