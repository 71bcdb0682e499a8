//! `learn` on the wire (`NXAST_LEARN`, `NXAST_LEARN2`).

use super::actions::{check_subfield, end};
use super::nicira::begin;
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError, oxm};
use crate::FlowFlags;
use crate::action::{Learn, LearnSource, LearnSpec, LearnTarget, Subfield};
use crate::field::Access;

const SEND_FLOW_REM: u16 = 1;
const DELETE_LEARNED: u16 = 2;
const WRITE_RESULT: u16 = 4;

pub(super) fn put(out: &mut Writer, learn: &Learn) {
    let second = learn.limit != 0 || learn.result_dst.is_some();
    let start = begin(out, if second { 45 } else { 16 });
    out.u16(learn.idle_timeout);
    out.u16(learn.hard_timeout);
    out.u16(learn.priority);
    out.u64(learn.cookie);
    let mut flags = 0;
    if learn.flags.contains(FlowFlags::SEND_FLOW_REM) {
        flags |= SEND_FLOW_REM;
    }
    if learn.delete_learned {
        flags |= DELETE_LEARNED;
    }
    if learn.result_dst.is_some() {
        flags |= WRITE_RESULT;
    }
    out.u16(flags);
    out.u8(learn.table);
    out.u8(0);
    out.u16(learn.fin_idle_timeout);
    out.u16(learn.fin_hard_timeout);
    if second {
        out.u32(learn.limit);
        out.u16(learn.result_dst.map_or(0, |dst| dst.offset));
        out.zeros(2);
        if let Some(dst) = learn.result_dst {
            oxm::put_field(out, dst.field);
        }
    }
    for spec in &learn.specs {
        put_spec(out, spec);
    }
    end(out, start);
}

fn put_part(out: &mut Writer, part: Subfield) {
    oxm::put_field(out, part.field);
    out.u16(part.offset);
}

fn put_spec(out: &mut Writer, spec: &LearnSpec) {
    let target = match spec.target {
        LearnTarget::Match(_) => 0,
        LearnTarget::Load(_) => 1 << 11,
        LearnTarget::Output => 2 << 11,
    };
    let bits = spec.source.bits() & 0x7ff;
    match &spec.source {
        LearnSource::Field(src) => {
            out.u16(bits | target);
            put_part(out, *src);
        }
        LearnSource::Value { bytes, .. } => {
            out.u16(bits | target | 1 << 13);
            let wanted = usize::from(bits.div_ceil(16)) * 2;
            out.zeros(wanted.saturating_sub(bytes.len()));
            out.extend_from_slice(bytes);
        }
    }
    if let LearnTarget::Match(dst) | LearnTarget::Load(dst) = spec.target {
        put_part(out, dst);
    }
}

pub(super) fn read(body: &mut Reader<'_>, second: bool) -> Result<Learn, DecodeError> {
    let place = *body;
    let bad = |error| place.error(error);
    if second && !place.keeps() {
        // Padding of the second form, behind its limit and the offset of its result.
        let mut pad = place;
        pad.skip(28)?;
        pad.zeros(2, OfpError::ACTION_MUST_BE_ZERO)?;
    }
    let mut learn = Learn {
        idle_timeout: body.u16()?,
        hard_timeout: body.u16()?,
        priority: body.u16()?,
        cookie: body.u64()?,
        ..Learn::default()
    };
    let flags = body.u16()?;
    learn.table = body.u8()?;
    let pad = body.u8()?;
    learn.fin_idle_timeout = body.u16()?;
    learn.fin_hard_timeout = body.u16()?;
    let known = if second {
        SEND_FLOW_REM | DELETE_LEARNED | WRITE_RESULT
    } else {
        SEND_FLOW_REM | DELETE_LEARNED
    };
    if flags & !known != 0 || learn.table == 255 || pad != 0 {
        return Err(bad(OfpError::ACTION_BAD_ARGUMENT));
    }
    if flags & SEND_FLOW_REM != 0 {
        learn.flags = FlowFlags::SEND_FLOW_REM;
    }
    learn.delete_learned = flags & DELETE_LEARNED != 0;
    if second {
        learn.limit = body.u32()?;
        let offset = body.u16()?;
        let zero = body.u16()?;
        let write = flags & WRITE_RESULT != 0;
        if zero != 0 || (!write && offset != 0) {
            return Err(bad(OfpError::ACTION_BAD_ARGUMENT));
        }
        if write {
            let dst = Subfield::part(oxm::field(body)?, offset, 1);
            check_subfield(dst).map_err(bad)?;
            if dst.field.info().access == Access::ReadOnly {
                return Err(bad(OfpError::ACTION_BAD_SET_ARGUMENT));
            }
            learn.result_dst = Some(dst);
        }
    }
    learn.specs = read_specs(body)?;
    Ok(learn)
}

fn read_specs(body: &mut Reader<'_>) -> Result<Box<[LearnSpec]>, DecodeError> {
    let mut specs = Vec::new();
    // What is wrong with a field, which Open vSwitch looks at when it has read all.
    let mut late = Ok(());
    while body.len() >= 2 {
        let place = *body;
        let bad = |error| place.error(error);
        let header = body.u16()?;
        if header == 0 {
            break;
        }
        let bits = header & 0x7ff;
        let (from_value, target) = (header & 1 << 13 != 0, (header >> 11) & 3);
        let strange = header & 0xc000 != 0 || bits == 0;
        if target == 3 || (target == 2 && from_value) || (strange && place.keeps()) {
            return Err(bad(OfpError::ACTION_BAD_ARGUMENT));
        }
        // Open vSwitch looks first whether all of it is there.
        let part = |is_there: bool| if is_there { 6 } else { 0 };
        let immediate = usize::from(bits.div_ceil(16)) * 2;
        let needed = part(target < 2) + if from_value { immediate } else { part(true) };
        if body.len() < needed {
            return Err(bad(OfpError::ACTION_BAD_LEN));
        }
        let source = if from_value {
            let value = body.bytes(usize::from(bits.div_ceil(16)) * 2)?;
            let used = usize::from(bits.div_ceil(8));
            let skip = value.len().saturating_sub(used);
            LearnSource::Value {
                bytes: value.split_at(skip).1.into(),
                bits,
            }
        } else {
            LearnSource::Field(read_part(body, bits, &mut late)?)
        };
        let target = match (target, from_value) {
            (0, _) => LearnTarget::Match(read_part(body, bits, &mut late)?),
            (1, _) => LearnTarget::Load(read_part(body, bits, &mut late)?),
            (2, false) => LearnTarget::Output,
            _ => return Err(bad(OfpError::ACTION_BAD_ARGUMENT)),
        };
        if let LearnTarget::Load(dst) = target
            && dst.field.info().access == Access::ReadOnly
        {
            late = late.and(Err(bad(OfpError::ACTION_BAD_SET_ARGUMENT)));
        }
        specs.push(LearnSpec { source, target });
    }
    body.zeros(body.len(), OfpError::ACTION_BAD_ARGUMENT)?;
    late.map(|()| specs.into())
}

fn read_part(
    body: &mut Reader<'_>,
    bits: u16,
    late: &mut Result<(), DecodeError>,
) -> Result<Subfield, DecodeError> {
    let place = *body;
    let field = oxm::short_field(body)?;
    let part = Subfield::part(field, body.u16()?, bits);
    if late.is_ok() {
        *late = check_subfield(part).map_err(|e| place.error(e));
    }
    Ok(part)
}
