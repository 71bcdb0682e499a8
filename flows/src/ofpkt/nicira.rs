//! Nicira's actions on the wire: simple ones here, `learn` and `ct` with their own files.

use super::actions::{
    Context, NICIRA, SetForm, check_move, check_port, check_subfield, end, put_list, read_list,
    read_set_field,
};
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError, ct, encap, learn, oxm, property};
use crate::action::{
    Bundle, Controller, HashFields, Multipath, Sample, SetField, SetSpelling, Subfield,
};
use crate::field::{Access, Field};
use crate::{Action, Port, Version};

/// Begins an action of Nicira's.
pub(super) fn begin(out: &mut Writer, subtype: u16) -> usize {
    let start = out.len();
    out.u64(0xffff_0000_0000_0000 | u64::from(NICIRA));
    out.u16(subtype);
    start
}

fn simple(out: &mut Writer, subtype: u16, bytes: &[u8]) {
    let start = begin(out, subtype);
    out.extend_from_slice(bytes);
    end(out, start);
}

/// Offset and width in 16 bits, as the older actions have them.
pub(super) fn packed(part: Subfield) -> u16 {
    part.offset << 6 | part.bits.saturating_sub(1) & 0x3f
}

fn unpacked(field: Field, packed: u16) -> Subfield {
    Subfield::part(field, packed >> 6, (packed & 0x3f) + 1)
}

/// Appends a `load` of at most 64 bits.
pub(crate) fn put_reg_load(out: &mut Writer, part: Subfield, value: u64) {
    let start = begin(out, 7);
    out.u16(packed(part));
    oxm::put_field(out, part.field);
    out.u64(value);
    end(out, start);
}

/// Appends a `load` of an OXM entry, which `entry` adds.
pub(crate) fn put_reg_load2(out: &mut Writer, entry: impl Fn(&mut Writer)) {
    let start = begin(out, 33);
    entry(out);
    end(out, start);
}

fn hash_number(fields: HashFields) -> u16 {
    match fields {
        HashFields::EthSrc => 0,
        HashFields::SymmetricL4 => 1,
        HashFields::SymmetricL3L4 => 2,
        HashFields::SymmetricL3L4Udp => 3,
        HashFields::NwSrc => 4,
        HashFields::NwDst => 5,
        HashFields::SymmetricL3 => 6,
        HashFields::Other(number) => number,
    }
}

fn hash_fields(number: u16) -> HashFields {
    match number {
        0 => HashFields::EthSrc,
        1 => HashFields::SymmetricL4,
        2 => HashFields::SymmetricL3L4,
        3 => HashFields::SymmetricL3L4Udp,
        4 => HashFields::NwSrc,
        5 => HashFields::NwDst,
        6 => HashFields::SymmetricL3,
        other => HashFields::Other(other),
    }
}

/// Appends a `move` between fields whose headers are short, as nearly all are. False, and nothing is appended, if it is another.
#[inline]
pub(super) fn put_short_move(out: &mut Writer, src: Subfield, dst: Subfield) -> bool {
    let header = |field| oxm::short_header(field, Version::V10).map(u32::from_be_bytes);
    let (Some(from), Some(to)) = (header(src.field), header(dst.field)) else {
        return false;
    };
    let [bits, from_bit, to_bit] = [src.bits, src.offset, dst.offset].map(u64::from);
    out.u64(0xffff << 48 | 24 << 32 | u64::from(NICIRA));
    out.u64(6 << 48 | bits << 32 | from_bit << 16 | to_bit);
    out.u64(u64::from(from) << 32 | u64::from(to));
    true
}

/// Appends an action that OpenFlow's own list has no word for in this version.
pub(crate) fn put(out: &mut Writer, action: &Action, context: &mut Context<'_>) {
    match action {
        Action::Controller(controller) => put_controller(out, controller),
        Action::OutputReg(part, max_len) => put_output_reg(out, *part, *max_len),
        Action::OutputTrunc(port, max_len) => {
            let start = begin(out, 39);
            out.u16(port.to_u16().unwrap_or(u16::MAX));
            out.u32(*max_len);
            end(out, start);
        }
        Action::Group(group) => {
            let start = begin(out, 40);
            out.zeros(2);
            out.u32(*group);
            end(out, start);
        }
        Action::Bundle(bundle) => put_bundle(out, bundle),
        Action::Move { src, dst } | Action::CopyField { src, dst } => {
            let start = begin(out, 6);
            out.u16(src.bits);
            out.u32(u32::from(src.offset) << 16 | u32::from(dst.offset));
            oxm::put_field(out, src.field);
            oxm::put_field(out, dst.field);
            end(out, start);
        }
        Action::Push(part) => put_stack(out, 27, *part),
        Action::Pop(part) => put_stack(out, 28, *part),
        Action::DeleteField(field) => {
            let start = begin(out, 50);
            oxm::put_field(out, *field);
            out.zeros(24_usize.saturating_sub(out.len() - start));
            end(out, start);
        }
        Action::SetTunnel(id) => {
            let start = begin(out, 2);
            out.zeros(2);
            out.u32(*id);
            end(out, start);
        }
        Action::SetTunnel64(id) => {
            let start = begin(out, 9);
            out.zeros(6);
            out.u64(*id);
            end(out, start);
        }
        Action::SetMplsLabel(label) => {
            let start = begin(out, 30);
            out.zeros(2);
            out.u32(*label);
            end(out, start);
        }
        Action::SetMplsTc(tc) => simple(out, 31, &[*tc]),
        Action::SetMplsTtl(ttl) => simple(out, 25, &[*ttl]),
        Action::DecMplsTtl => simple(out, 26, &[]),
        Action::PushMpls(kind) => simple(out, 23, &kind.to_be_bytes()),
        Action::PopMpls(kind) => simple(out, 24, &kind.to_be_bytes()),
        Action::DecTtl(ids) if ids.is_empty() => simple(out, 18, &[]),
        Action::DecTtl(ids) => {
            let start = begin(out, 21);
            out.u16(u16::try_from(ids.len()).unwrap_or(u16::MAX));
            out.zeros(4);
            ids.iter().for_each(|id| out.u16(*id));
            end(out, start);
        }
        Action::DecNshTtl => simple(out, 48, &[]),
        Action::SetQueue(queue) => {
            let start = begin(out, 4);
            out.zeros(2);
            out.u32(*queue);
            end(out, start);
        }
        Action::PopQueue => simple(out, 5, &[]),
        Action::Resubmit { port, table, ct } => {
            let start = begin(out, if *ct { 44 } else { 14 });
            out.u16(port.to_u16().unwrap_or(u16::MAX));
            out.u8(*table);
            end(out, start);
        }
        Action::ResubmitPort(port) => {
            let start = begin(out, 1);
            out.u16(port.to_u16().unwrap_or(u16::MAX));
            end(out, start);
        }
        Action::Learn(what) => learn::put(out, what),
        Action::Conjunction {
            id,
            clause,
            n_clauses,
        } => {
            let start = begin(out, 34);
            out.u8(*clause);
            out.u8(*n_clauses);
            out.u32(*id);
            end(out, start);
        }
        Action::Multipath(multipath) => put_multipath(out, multipath),
        Action::Note(bytes) => simple(out, 8, bytes),
        Action::Exit => simple(out, 17, &[]),
        Action::DebugSlow => simple(out, 254, &[]),
        Action::DebugRecirc => simple(out, 255, &[]),
        Action::Sample(sample) => put_sample(out, sample),
        Action::FinTimeout(idle, hard) => {
            let start = begin(out, 19);
            out.u16(*idle);
            out.u16(*hard);
            end(out, start);
        }
        Action::Ct(what) => ct::put(out, what, context),
        Action::CtClear => simple(out, 43, &[0; 6]),
        Action::Clone(actions) => {
            let start = begin(out, 42);
            out.zeros(6);
            put_list(out, actions, &mut context.clone());
            end(out, start);
        }
        Action::CheckPktLarger(len, dst) => {
            let start = begin(out, 49);
            out.u16(*len);
            out.u16(dst.offset);
            oxm::put_field(out, dst.field);
            out.zeros(24_usize.saturating_sub(out.len() - start));
            end(out, start);
        }
        Action::Encap(what) => encap::put(out, what),
        Action::Decap(kind) => {
            let start = begin(out, 47);
            out.zeros(2);
            out.u32(kind.unwrap_or(encap::NEXT_PROTO));
            end(out, start);
        }
        // The rest has a form of OpenFlow's own in every version in which it can be said.
        _ => {}
    }
}

fn put_controller(out: &mut Writer, controller: &Controller) {
    let Controller {
        reason,
        max_len,
        controller_id,
        userdata,
        pause,
        meter_id,
        old_form,
    } = controller;
    if *old_form && userdata.is_empty() && !pause && meter_id.is_none() {
        let start = begin(out, 20);
        out.u16(*max_len);
        out.u16(*controller_id);
        out.u8(*reason);
        end(out, start);
        return;
    }
    let start = begin(out, 37);
    out.zeros(6);
    if *max_len != 0xffff {
        let [a, b] = max_len.to_be_bytes();
        property::put(out, 0, &[a, b, 0, 0]);
    }
    if *controller_id != 0 {
        let [a, b] = controller_id.to_be_bytes();
        property::put(out, 1, &[a, b, 0, 0]);
    }
    if *reason != 1 {
        property::put(out, 2, &[*reason]);
    }
    if !userdata.is_empty() {
        property::put(out, 3, userdata);
    }
    if *pause {
        property::put(out, 4, &[]);
    }
    if let Some(meter) = meter_id {
        property::put(out, 5, &meter.to_be_bytes());
    }
    end(out, start);
}

fn put_output_reg(out: &mut Writer, part: Subfield, max_len: u16) {
    if oxm::has_short_header(part.field) {
        let start = begin(out, 15);
        out.u16(packed(part));
        oxm::put_field(out, part.field);
        out.u16(max_len);
        out.zeros(6);
        end(out, start);
    } else {
        let start = begin(out, 32);
        out.u16(packed(part));
        out.u16(max_len);
        oxm::put_field(out, part.field);
        out.zeros(24_usize.saturating_sub(out.len() - start));
        end(out, start);
    }
}

fn put_stack(out: &mut Writer, subtype: u16, part: Subfield) {
    let start = begin(out, subtype);
    out.u16(part.offset);
    oxm::put_field(out, part.field);
    out.u16(part.bits);
    out.zeros(24_usize.saturating_sub(out.len() - start));
    end(out, start);
}

fn put_bundle(out: &mut Writer, bundle: &Bundle) {
    let start = begin(out, if bundle.dst.is_some() { 13 } else { 12 });
    out.u16(bundle.algorithm);
    out.u16(hash_number(bundle.fields));
    out.u16(bundle.basis);
    out.u32(0x0000_0002);
    out.u16(u16::try_from(bundle.members.len()).unwrap_or(u16::MAX));
    match bundle.dst {
        Some(dst) => {
            out.u16(packed(dst));
            oxm::put_field(out, dst.field);
        }
        None => out.zeros(6),
    }
    out.zeros(4);
    for port in &bundle.members {
        out.u16(port.to_u16().unwrap_or(u16::MAX));
    }
    end(out, start);
}

fn put_multipath(out: &mut Writer, multipath: &Multipath) {
    let start = begin(out, 10);
    out.u16(hash_number(multipath.fields));
    out.u16(multipath.basis);
    out.zeros(2);
    out.u16(multipath.algorithm);
    out.u16(multipath.max_link);
    out.u32(multipath.arg);
    out.zeros(2);
    out.u16(packed(multipath.dst));
    oxm::put_field(out, multipath.dst.field);
    end(out, start);
}

fn put_sample(out: &mut Writer, sample: &Sample) {
    let start = begin(
        out,
        match sample.revision {
            1 => 29,
            2 => 38,
            _ => 41,
        },
    );
    out.u16(sample.probability);
    out.u32(sample.collector_set_id);
    out.u32(sample.obs_domain_id);
    out.u32(sample.obs_point_id);
    if sample.revision != 1 {
        out.u16(sample.sampling_port.to_u16().unwrap_or(u16::MAX));
        out.u8(if sample.revision == 2 {
            0
        } else {
            sample.direction
        });
        out.zeros(5);
    }
    end(out, start);
}

/// The only place a whole action may have other than zeros after its arguments is an error.
fn finish(body: &mut Reader<'_>) -> Result<(), DecodeError> {
    body.zeros(body.len(), OfpError::MUST_BE_ZERO)
}

/// Demands so many bytes after the subtype, as actions of fixed size have.
fn sized(body: &Reader<'_>, len: usize) -> Result<(), DecodeError> {
    if body.len() == len {
        Ok(())
    } else {
        Err(body.error(OfpError::ACTION_BAD_LEN))
    }
}

/// Reads what follows the vendor of an action of Nicira's.
pub(crate) fn read(
    body: &mut Reader<'_>,
    version: Version,
    depth: u8,
) -> Result<Action, DecodeError> {
    let place = *body;
    let subtype = body.u16()?;
    // What OpenFlow has a word of its own for is not said in Nicira's.
    let last = match subtype {
        4 | 18 | 23..=26 | 30 | 31 | 40 => Version::V10,
        6 | 7 | 33 => Version::V14,
        _ => Version::V15,
    };
    if version > last {
        return Err(place.error(OfpError::ACTION_BAD_VENDOR_TYPE));
    }
    // Sizes of the whole action less the 10 bytes of its head.
    let fixed = match subtype {
        1
        | 2
        | 4
        | 5
        | 14
        | 17
        | 18
        | 19
        | 20
        | 23..=26
        | 30
        | 31
        | 34
        | 39
        | 40
        | 43
        | 44
        | 48
        | 254
        | 255 => Some(6),
        7 | 9 | 15 | 27 | 28 | 29 | 32 | 50 => Some(14),
        10 | 22 | 38 | 41 => Some(22),
        _ => None,
    };
    if let Some(len) = fixed {
        sized(body, len).map_err(|_| place.error(OfpError::ACTION_BAD_LEN))?;
    }
    let least = match subtype {
        47 => 6,
        49 => 14,
        35 => 14,
        12 | 13 | 16 => 22,
        45 => 30,
        _ => 0,
    };
    if body.len() < least {
        return Err(place.error(OfpError::ACTION_BAD_LEN));
    }
    let bad = |error| place.error(error);
    Ok(match subtype {
        1 => {
            let port = Port::from_u16(body.u16()?);
            Action::ResubmitPort(port)
        }
        14 | 44 => {
            let port = Port::from_u16(body.u16()?);
            let table = body.u8()?;
            body.zeros(3, OfpError::ACTION_BAD_ARGUMENT)?;
            Action::Resubmit {
                port,
                table,
                ct: subtype == 44,
            }
        }
        2 => {
            body.skip(2)?;
            Action::SetTunnel(body.u32()?)
        }
        9 => {
            body.skip(6)?;
            Action::SetTunnel64(body.u64()?)
        }
        4 => {
            body.skip(2)?;
            Action::SetQueue(body.u32()?)
        }
        5 => Action::PopQueue,
        6 => {
            let (bits, src_offset, dst_offset) = (body.u16()?, body.u16()?, body.u16()?);
            let src = Subfield::part(oxm::field(body)?, src_offset, bits);
            let dst = Subfield::part(oxm::field(body)?, dst_offset, bits);
            finish(body)?;
            check_move(src, dst).map_err(bad)?;
            Action::Move { src, dst }
        }
        7 => read_reg_load(body)?,
        8 => Action::Note(body.bytes(body.len())?.into()),
        10 => Action::Multipath(Box::new(read_multipath(body)?)),
        12 | 13 => Action::Bundle(Box::new(read_bundle(body, subtype == 13)?)),
        15 => {
            let packed = body.u16()?;
            let mut header = body.sub(4)?;
            let max_len = body.u16()?;
            body.zeros(6, OfpError::ACTION_BAD_ARGUMENT)?;
            let part = unpacked(oxm::short_field(&mut header)?, packed);
            check_subfield(part).map_err(bad)?;
            Action::OutputReg(part, max_len)
        }
        32 => {
            let (packed, max_len) = (body.u16()?, body.u16()?);
            let part = unpacked(oxm::field(body)?, packed);
            finish(body)?;
            check_subfield(part).map_err(bad)?;
            Action::OutputReg(part, max_len)
        }
        16 | 45 => Action::Learn(Box::new(learn::read(body, subtype == 45)?)),
        17 => Action::Exit,
        // Open vSwitch takes them in its own tests only.
        254 | 255 if !body.keeps() => return Err(bad(OfpError::ACTION_BAD_VENDOR_TYPE)),
        254 => Action::DebugSlow,
        255 => Action::DebugRecirc,
        18 => Action::DecTtl([].into()),
        19 => {
            let (idle, hard) = (body.u16()?, body.u16()?);
            Action::FinTimeout(idle, hard)
        }
        20 => {
            let (max_len, controller_id) = (body.u16()?, body.u16()?);
            Action::Controller(Box::new(Controller {
                reason: body.u8()?,
                max_len,
                controller_id,
                userdata: [].into(),
                pause: false,
                meter_id: None,
                old_form: true,
            }))
        }
        21 => {
            let count = usize::from(body.u16()?);
            body.zeros(4, OfpError::MUST_BE_ZERO)?;
            let mut ids = body
                .sub(count * 2)
                .map_err(|_| bad(OfpError::ACTION_BAD_LEN))?;
            let ids = (0..count)
                .map(|_| ids.u16())
                .collect::<Result<Vec<u16>, _>>()?;
            Action::DecTtl(ids.into())
        }
        23 => {
            let kind = body.u16()?;
            if !matches!(kind, 0x8847 | 0x8848) {
                return Err(bad(OfpError::ACTION_BAD_ARGUMENT));
            }
            Action::PushMpls(kind)
        }
        24 => Action::PopMpls(body.u16()?),
        25 => Action::SetMplsTtl(body.u8()?),
        26 => Action::DecMplsTtl,
        27 | 28 => {
            let offset = body.u16()?;
            let field = oxm::field(body)?;
            let part = Subfield::part(field, offset, body.u16()?);
            finish(body)?;
            check_subfield(part).map_err(bad)?;
            if subtype == 28 && field.info().access == Access::ReadOnly {
                return Err(bad(OfpError::ACTION_BAD_ARGUMENT));
            }
            if subtype == 27 {
                Action::Push(part)
            } else {
                Action::Pop(part)
            }
        }
        29 | 38 | 41 => read_sample(body, subtype)?,
        30 => {
            body.skip(2)?;
            Action::SetMplsLabel(body.u32()?)
        }
        31 => Action::SetMplsTc(body.u8()?),
        33 => {
            let set = read_set_field(body, SetForm::Load)?;
            Action::SetField(set)
        }
        34 => {
            let (clause, n_clauses) = (body.u8()?, body.u8()?);
            if clause >= n_clauses || !(2..=64).contains(&n_clauses) {
                return Err(bad(OfpError::ACTION_BAD_CONJUNCTION));
            }
            Action::Conjunction {
                id: body.u32()?,
                clause,
                n_clauses,
            }
        }
        35 => Action::Ct(Box::new(ct::read(body, version, depth)?)),
        // Address translation is only allowed inside `ct`, which reads it itself.
        36 => {
            ct::read_nat(body)?;
            return Err(bad(OfpError::ACTION_BAD_SET_ARGUMENT));
        }
        37 => Action::Controller(Box::new(read_controller(body)?)),
        39 => {
            let port = Port::from_u16(body.u16()?);
            let max_len = body.u32()?;
            if max_len < 14 {
                return Err(bad(OfpError::ACTION_BAD_ARGUMENT));
            }
            if port == Port::NORMAL
                || port == Port::FLOOD
                || port == Port::ALL
                || port == Port::CONTROLLER
            {
                return Err(bad(OfpError::ACTION_BAD_OUT_PORT));
            }
            check_port(port).map_err(bad)?;
            Action::OutputTrunc(port, max_len)
        }
        40 => {
            body.skip(2)?;
            Action::Group(body.u32()?)
        }
        42 => {
            match body.keeps() {
                true => body.zeros(6, OfpError::MUST_BE_ZERO)?,
                false => body.skip(6)?,
            }
            let inner = body.sub(body.len())?;
            Action::Clone(read_list(inner, version, depth + 1)?.into())
        }
        43 => Action::CtClear,
        46 if version >= Version::V13 => Action::Encap(Box::new(encap::read(body)?)),
        47 if version >= Version::V13 => {
            if body.len() > 6 {
                // It has no properties yet.
                return Err(bad(OfpError::ACTION_UNKNOWN_ED_PROP));
            }
            body.skip(2)?;
            let kind = body.u32()?;
            Action::Decap((kind != encap::NEXT_PROTO).then_some(kind))
        }
        48 if version >= Version::V13 => Action::DecNshTtl,
        49 => {
            let (len, offset) = (body.u16()?, body.u16()?);
            let dst = Subfield::part(oxm::field(body)?, offset, 1);
            finish(body)?;
            check_subfield(dst).map_err(bad)?;
            Action::CheckPktLarger(len, dst)
        }
        50 => {
            let field = oxm::field(body)?;
            match body.keeps() {
                true => finish(body)?,
                false => body.skip(body.len())?,
            }
            if !field.is_tun_metadata() {
                return Err(bad(OfpError::ACTION_BAD_ARGUMENT));
            }
            Action::DeleteField(field)
        }
        // Among instructions it is one; in a bare list of actions it has no place.
        22 => return Err(bad(OfpError::INSTRUCTION_UNSUP)),
        _ => return Err(bad(OfpError::ACTION_BAD_VENDOR_TYPE)),
    })
}

fn read_reg_load(body: &mut Reader<'_>) -> Result<Action, DecodeError> {
    let place = *body;
    let packed = body.u16()?;
    let part = unpacked(oxm::short_field(body)?, packed);
    let value = body.u64()?;
    check_subfield(part).map_err(|e| place.error(e))?;
    if part.field.info().access == Access::ReadOnly {
        return Err(place.error(OfpError::ACTION_BAD_SET_ARGUMENT));
    }
    if u128::from(value) & !crate::field::low_bits(part.bits) != 0 {
        return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
    }
    let shifted = u128::from(value)
        .checked_shl(u32::from(part.offset))
        .unwrap_or(0);
    let set = SetField::new(part.field, shifted, part.mask());
    Ok(Action::SetField(set.spelled(SetSpelling::Load)))
}

fn read_sample(body: &mut Reader<'_>, subtype: u16) -> Result<Action, DecodeError> {
    let place = *body;
    let mut sample = Sample {
        probability: body.u16()?,
        collector_set_id: body.u32()?,
        obs_domain_id: body.u32()?,
        obs_point_id: body.u32()?,
        sampling_port: Port::ANY,
        direction: 0,
        revision: match subtype {
            29 => 1,
            38 => 2,
            _ => 3,
        },
    };
    if subtype != 29 {
        sample.sampling_port = Port::from_u16(body.u16()?);
        if subtype == 41 {
            sample.direction = body.u8()?;
        }
        match subtype == 41 || place.keeps() {
            true => finish(body)?,
            false => body.skip(body.len())?,
        }
    }
    if sample.probability == 0 || sample.direction > 2 {
        return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
    }
    Ok(Action::Sample(Box::new(sample)))
}

fn read_controller(body: &mut Reader<'_>) -> Result<Controller, DecodeError> {
    body.zeros(6, OfpError::MUST_BE_ZERO)?;
    let mut controller = Controller {
        reason: 1,
        max_len: 0xffff,
        controller_id: 0,
        userdata: [].into(),
        pause: false,
        meter_id: None,
        old_form: false,
    };
    while !body.is_empty() {
        let place = *body;
        let (kind, mut data) = property::next(body)?;
        let short = |_| place.error(OfpError::PROPERTY_BAD_LEN);
        match kind {
            0 => controller.max_len = data.u16().map_err(short)?,
            1 => controller.controller_id = data.u16().map_err(short)?,
            2 => controller.reason = data.u8().map_err(short)?,
            3 => controller.userdata = data.bytes(data.len())?.into(),
            4 => controller.pause = true,
            5 if !place.keeps() => controller.meter_id = Some(property::u32(data)?),
            5 => controller.meter_id = Some(data.u32().map_err(short)?),
            0xffff => return Err(place.error(OfpError::PROPERTY_BAD_EXPERIMENTER)),
            _ => return Err(place.error(OfpError::PROPERTY_BAD_TYPE)),
        }
        if !place.keeps() {
            // What is longer than its number is a number all the same.
            continue;
        }
        // Two bytes of padding may count as data.
        data.zeros(data.len().min(2), OfpError::PROPERTY_BAD_LEN)?;
        if !data.is_empty() {
            return Err(place.error(OfpError::PROPERTY_BAD_LEN));
        }
    }
    Ok(controller)
}

fn read_multipath(body: &mut Reader<'_>) -> Result<Multipath, DecodeError> {
    let place = *body;
    let (fields, basis) = (body.u16()?, body.u16()?);
    body.skip(2)?;
    let (algorithm, max_link, arg) = (body.u16()?, body.u16()?, body.u32()?);
    body.skip(2)?;
    let packed = body.u16()?;
    let dst = unpacked(oxm::short_field(body)?, packed);
    let fields = hash_fields(fields);
    if matches!(fields, HashFields::Other(_)) || algorithm > 3 {
        return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
    }
    check_move(dst, dst).map_err(|e| place.error(e))?;
    if dst.bits < 16 && u32::from(max_link) + 1 > 1 << dst.bits {
        return Err(place.error(OfpError::ACTION_BAD_ARGUMENT));
    }
    Ok(Multipath {
        fields,
        basis,
        algorithm,
        max_link,
        arg,
        dst,
    })
}

fn read_bundle(body: &mut Reader<'_>, load: bool) -> Result<Bundle, DecodeError> {
    let place = *body;
    let bad = |error| place.error(error);
    let (algorithm, fields, basis) = (body.u16()?, body.u16()?, body.u16()?);
    let kind = body.u32()?;
    let count = usize::from(body.u16()?);
    let packed = body.u16()?;
    let fields = hash_fields(fields);
    let mut wrong =
        matches!(fields, HashFields::Other(_)) || algorithm > 1 || kind != 2 || count > 2048;
    let dst = if load {
        let dst = unpacked(oxm::short_field(body)?, packed);
        // Where the choice is written to a field, Open vSwitch forgets what was wrong with the rest.
        wrong = (wrong && place.keeps()) || dst.bits < 16;
        Some(dst)
    } else {
        let number = body.u32()?;
        wrong |= packed != 0 || number != 0;
        None
    };
    let reserved = body.u32()?;
    wrong |= reserved != 0 && (!load || place.keeps());
    // That they have no room for all members is what counts, whatever else is wrong.
    let mut ports = body
        .sub(count * 2)
        .map_err(|_| bad(OfpError::ACTION_BAD_LEN))?;
    if wrong {
        return Err(bad(OfpError::ACTION_BAD_ARGUMENT));
    }
    if let Some(dst) = dst {
        check_move(dst, dst).map_err(bad)?;
    }
    let members = (0..count)
        .map(|_| ports.u16().map(Port::from_u16))
        .collect::<Result<Box<[Port]>, _>>()?;
    Ok(Bundle {
        fields,
        basis,
        algorithm,
        members,
        dst,
    })
}
