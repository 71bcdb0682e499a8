//! Actions: in each version those that it has, spelled as they are read.

use super::Choices;
use crate::action::{
    Bundle, Controller, Ct, CtZone, Encap, EncapProperty, HashFields, Learn, LearnSource,
    LearnSpec, LearnTarget, Multipath, Nat, NatDirection, Sample, SetField, SetSpelling, Subfield,
};
use crate::field::{Access, Field, low_bits};
use crate::ofpkt::oxm::{has_short_header, is_valid};
use crate::{Action, EthAddr, FlowFlags, Port, Version};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The number of an action's variant; a new one does not compile before it has a number and, below, samples.
pub(in crate::ofpkt) fn variant(action: &Action) -> Option<usize> {
    Some(match action {
        Action::Output(_) => 0,
        Action::OutputMaxLen(..) => 1,
        Action::OutputController(_) => 2,
        Action::Controller(_) => 3,
        Action::OutputReg(..) => 4,
        Action::OutputTrunc(..) => 5,
        Action::Enqueue(..) => 6,
        Action::Group(_) => 7,
        Action::Bundle(_) => 8,
        Action::SetField(_) => 9,
        Action::Move { .. } => 10,
        Action::CopyField { .. } => 11,
        Action::Push(_) => 12,
        Action::Pop(_) => 13,
        Action::DeleteField(_) => 14,
        Action::ModVlanVid(_) => 15,
        Action::SetVlanVid(_) => 16,
        Action::SetVlanPcp(_) => 17,
        Action::ModVlanPcp(_) => 18,
        Action::ModDlSrc(_) => 19,
        Action::ModDlDst(_) => 20,
        Action::ModNwSrc(_) => 21,
        Action::ModNwDst(_) => 22,
        Action::ModNwTos(_) => 23,
        Action::ModNwEcn(_) => 24,
        Action::ModNwTtl(_) => 25,
        Action::ModTpSrc(_) => 26,
        Action::ModTpDst(_) => 27,
        Action::SetTunnel(_) => 28,
        Action::SetTunnel64(_) => 29,
        Action::SetMplsLabel(_) => 30,
        Action::SetMplsTc(_) => 31,
        Action::SetMplsTtl(_) => 32,
        Action::StripVlan => 33,
        Action::PopVlan => 34,
        Action::PushVlan(_) => 35,
        Action::PushMpls(_) => 36,
        Action::PopMpls(_) => 37,
        Action::DecTtl(_) => 38,
        Action::DecMplsTtl => 39,
        Action::DecNshTtl => 40,
        Action::SetQueue(_) => 41,
        Action::PopQueue => 42,
        Action::Resubmit { .. } => 43,
        Action::ResubmitPort(_) => 44,
        Action::Learn(_) => 45,
        Action::Conjunction { .. } => 46,
        Action::Multipath(_) => 47,
        Action::Note(_) => 48,
        Action::Exit => 49,
        Action::Sample(_) => 50,
        Action::FinTimeout(..) => 51,
        Action::Ct(_) => 52,
        Action::CtClear => 53,
        Action::Clone(_) => 54,
        Action::CheckPktLarger(..) => 55,
        Action::Encap(_) => 56,
        Action::Decap(_) => 57,
        Action::Meter(_) => 58,
        Action::DebugSlow => 59,
        Action::DebugRecirc => 60,
        // There are samples only where they are asked for.
        Action::Unknown(_) => return None,
    })
}

/// How many variants there are samples of.
pub(in crate::ofpkt) const VARIANTS: usize = 61;

/// A list of at most `most` actions.
pub(in crate::ofpkt) fn list(
    choices: &mut Choices<'_>,
    most: usize,
    version: Version,
    depth: u8,
) -> Vec<Action> {
    choices.list(most, |c| action(c, version, depth))
}

/// An action that the version has.
pub(in crate::ofpkt) fn action(choices: &mut Choices<'_>, version: Version, depth: u8) -> Action {
    if choices.unknown && choices.below(8) == 1 {
        let mut bytes = vec![0xff, 0xff, 0, 16, 0, 0xab, 0xcd, 0xef];
        bytes.extend((0..8).map(|_| choices.u8()));
        return Action::Unknown(bytes.into());
    }
    let wanted = choices.below(VARIANTS);
    of_variant(wanted, choices, version, depth).unwrap_or_else(|| Action::Output(choices.port()))
}

fn of_variant(wanted: usize, c: &mut Choices<'_>, version: Version, depth: u8) -> Option<Action> {
    let v10 = version == Version::V10;
    let old = version <= Version::V11;
    let short = |c: &mut Choices<'_>| part(c, has_short_header);
    let any = |c: &mut Choices<'_>| part(c, |_| true);
    let mac = |c: &mut Choices<'_>| EthAddr::from_u64(c.u64() & 0xffff_ffff_ffff);
    let ip = |c: &mut Choices<'_>| Ipv4Addr::from_bits(c.u32());
    Some(match wanted {
        0 => Action::Output(c.port()),
        1 => Action::OutputMaxLen(c.port(), c.u16().max(1)),
        2 => Action::OutputController(c.u16()),
        3 => Action::Controller(Box::new(controller(c))),
        4 => Action::OutputReg(any(c), c.u16()),
        5 => Action::OutputTrunc(c.plain_port(), c.u32().max(14)),
        6 if v10 => Action::Enqueue(c.plain_port(), c.u32()),
        7 => Action::Group(c.u32()),
        8 => Action::Bundle(Box::new(bundle(c))),
        9 => Action::SetField(set_field(c, version)),
        10 => {
            let (src, dst) = pair(c);
            Action::Move { src, dst }
        }
        11 if matches!(version, Version::V13 | Version::V14) => {
            let (src, dst) = pair(c);
            Action::CopyField { src, dst }
        }
        12 => Action::Push(any(c)),
        13 => Action::Pop(any(c)),
        14 => Action::DeleteField(tun_metadata(c)),
        15 if v10 => Action::ModVlanVid(c.u16() & 0xfff),
        16 if version == Version::V11 => Action::SetVlanVid(c.u16() & 0xfff),
        17 if version == Version::V11 => Action::SetVlanPcp(c.u8() & 7),
        18 if v10 => Action::ModVlanPcp(c.u8() & 7),
        19 if old => Action::ModDlSrc(mac(c)),
        20 if old => Action::ModDlDst(mac(c)),
        21 if old => Action::ModNwSrc(ip(c)),
        22 if old => Action::ModNwDst(ip(c)),
        23 if old => Action::ModNwTos(c.u8() & 0xfc),
        24 if version == Version::V11 => Action::ModNwEcn(c.u8() & 3),
        25 if !v10 => Action::ModNwTtl(c.u8()),
        26 if old => Action::ModTpSrc(c.u16()),
        27 if old => Action::ModTpDst(c.u16()),
        28 if old => Action::SetTunnel(c.u32()),
        29 if old => Action::SetTunnel64(c.u64()),
        30 if old => Action::SetMplsLabel(c.u32() & 0xf_ffff),
        31 if old => Action::SetMplsTc(c.u8() & 7),
        32 => Action::SetMplsTtl(c.u8()),
        33 if v10 => Action::StripVlan,
        34 if !v10 => Action::PopVlan,
        35 if !v10 => Action::PushVlan(c.pick(&[0x8100, 0x88a8])),
        36 => Action::PushMpls(c.pick(&[0x8847, 0x8848])),
        37 => Action::PopMpls(c.u16()),
        38 => Action::DecTtl(c.list(3, Choices::u16).into()),
        39 => Action::DecMplsTtl,
        40 if version >= Version::V13 => Action::DecNshTtl,
        41 => Action::SetQueue(c.u32()),
        42 => Action::PopQueue,
        43 => Action::Resubmit {
            port: c.port(),
            table: c.u8(),
            ct: c.flag(),
        },
        44 => Action::ResubmitPort(c.port()),
        45 => Action::Learn(Box::new(learn(c))),
        // Strictly it stands alone.
        46 if c.unknown => {
            let n_clauses = c.u8() % 63 + 2;
            Action::Conjunction {
                id: c.u32(),
                clause: c.u8() % n_clauses,
                n_clauses,
            }
        }
        47 => {
            let dst = short(c);
            let most = if dst.bits < 16 {
                (1 << dst.bits) - 1
            } else {
                u16::MAX
            };
            Action::Multipath(Box::new(Multipath {
                fields: hash_fields(c),
                basis: c.u16(),
                algorithm: c.u16() % 4,
                max_link: c.u16() & most,
                arg: c.u32(),
                dst,
            }))
        }
        48 => Action::Note(
            (0..6 + 8 * c.below(3))
                .map(|_| c.u8())
                .collect::<Vec<u8>>()
                .into(),
        ),
        49 => Action::Exit,
        50 => Action::Sample(Box::new(sample(c))),
        51 => Action::FinTimeout(c.u16(), c.u16()),
        52 => Action::Ct(Box::new(conntrack(c, version))),
        53 => Action::CtClear,
        54 if depth < 3 => Action::Clone(list(c, 3, version, depth + 1).into()),
        55 => Action::CheckPktLarger(c.u16(), bit(c)),
        56 if version >= Version::V13 => Action::Encap(Box::new(encap(c))),
        57 if version >= Version::V13 => Action::Decap(c.maybe(|c| u32::from(c.u16() & 0x7fff))),
        58 if version >= Version::V15 && depth > 0 => Action::Meter(c.u32()),
        // Strictly these are unknown.
        59 if c.unknown => Action::DebugSlow,
        60 if c.unknown => Action::DebugRecirc,
        _ => return None,
    })
}

fn writable(field: Field) -> bool {
    let info = field.info();
    info.access == Access::ReadWrite
        && !info.wire.is_empty()
        && !field.is_tun_metadata()
        && !matches!(field, Field::CtMark | Field::CtLabel)
}

/// Some bits, at most 64, of a field that can be written and that `fits`.
fn part(c: &mut Choices<'_>, fits: impl Fn(Field) -> bool) -> Subfield {
    let fields: Vec<Field> = Field::ALL
        .iter()
        .copied()
        .filter(|f| writable(*f) && fits(*f))
        .collect();
    let field = c.pick(&fields);
    let bits = c.u16() % field.bits().min(64) + 1;
    Subfield::part(field, c.u16() % (field.bits() - bits + 1), bits)
}

fn bit(c: &mut Choices<'_>) -> Subfield {
    let whole = part(c, |_| true);
    Subfield { bits: 1, ..whole }
}

/// Two parts of one width.
fn pair(c: &mut Choices<'_>) -> (Subfield, Subfield) {
    let (a, b) = (part(c, |_| true), part(c, |_| true));
    let bits = a.bits.min(b.bits);
    (Subfield { bits, ..a }, Subfield { bits, ..b })
}

fn tun_metadata(c: &mut Choices<'_>) -> Field {
    let fields: Vec<Field> = Field::ALL
        .iter()
        .copied()
        .filter(|f| f.is_tun_metadata())
        .collect();
    c.pick(&fields)
}

fn set_field(c: &mut Choices<'_>, version: Version) -> SetField {
    if c.below(6) == 1 {
        let field = tun_metadata(c);
        let value = vec![c.u8(); c.below(124) + 1];
        let mask: Vec<u8> = value.iter().map(|_| c.u8()).collect();
        // Before OpenFlow 1.5 only whole fields are written by OpenFlow's own action, and Nicira's has masks.
        let masked = c.flag() || matches!(version, Version::V10 | Version::V11);
        return SetField::wide(field, &value, masked.then_some(&mask));
    }
    if version < Version::V15 && (version < Version::V12 || c.flag()) {
        let dst = part(c, has_short_header);
        let value = c.u128() & low_bits(dst.bits);
        let set = SetField::new(dst.field, value << dst.offset, dst.mask());
        return set.spelled(SetSpelling::Load);
    }
    let fields: Vec<Field> = Field::ALL
        .iter()
        .copied()
        // Where a packet came in is changed by Nicira's actions alone.
        .filter(|f| writable(*f) && *f != Field::InPortOxm)
        .collect();
    let field = c.pick(&fields);
    let mut value = c.u128() & field.full_mask();
    if field == Field::VlanVid {
        value |= 0x1000;
    }
    if !is_valid(field, value) {
        value = u128::from(field == Field::VlanVid) << 12;
    }
    let mask = if version >= Version::V15 && c.flag() {
        c.u128() & field.full_mask() | value
    } else {
        u128::MAX
    };
    SetField::new(field, value, mask)
}

fn controller(c: &mut Choices<'_>) -> Controller {
    let old_form = c.flag();
    let mut found = Controller {
        reason: c.u8(),
        max_len: c.u16(),
        controller_id: c.u16(),
        userdata: [].into(),
        pause: false,
        meter_id: None,
        old_form,
    };
    if !old_form {
        found.userdata = c.bytes(12).into();
        found.pause = c.flag();
        found.meter_id = c.maybe(Choices::u32);
    }
    found
}

fn hash_fields(c: &mut Choices<'_>) -> HashFields {
    c.pick(&[
        HashFields::EthSrc,
        HashFields::SymmetricL4,
        HashFields::SymmetricL3L4,
        HashFields::SymmetricL3L4Udp,
        HashFields::NwSrc,
        HashFields::NwDst,
        HashFields::SymmetricL3,
    ])
}

fn bundle(c: &mut Choices<'_>) -> Bundle {
    let fields = hash_fields(c);
    let dst = c.maybe(|_| Subfield::part(Field::Reg3, 3, 16));
    Bundle {
        fields,
        basis: c.u16(),
        algorithm: c.u16() & 1,
        members: c.list(6, Choices::plain_port).into(),
        dst,
    }
}

fn sample(c: &mut Choices<'_>) -> Sample {
    let revision = c.u8() % 3 + 1;
    Sample {
        probability: c.u16().max(1),
        collector_set_id: c.u32(),
        obs_domain_id: c.u32(),
        obs_point_id: c.u32(),
        sampling_port: if revision == 1 {
            Port::ANY
        } else {
            c.plain_port()
        },
        direction: if revision == 3 { c.u8() % 3 } else { 0 },
        revision,
    }
}

fn learn(c: &mut Choices<'_>) -> Learn {
    Learn {
        idle_timeout: c.u16(),
        hard_timeout: c.u16(),
        priority: c.u16(),
        cookie: c.u64(),
        flags: if c.flag() {
            FlowFlags::SEND_FLOW_REM
        } else {
            FlowFlags::NONE
        },
        delete_learned: c.flag(),
        table: c.u8() % 255,
        fin_idle_timeout: c.u16(),
        fin_hard_timeout: c.u16(),
        limit: c.maybe(Choices::u32).unwrap_or(0),
        result_dst: c.maybe(bit),
        specs: c.list(4, learn_spec).into(),
    }
}

fn learn_spec(c: &mut Choices<'_>) -> LearnSpec {
    let dst = part(c, has_short_header);
    let target = c.pick(&[
        LearnTarget::Match(dst),
        LearnTarget::Load(dst),
        LearnTarget::Output,
    ]);
    let source = if c.flag() && target != LearnTarget::Output {
        LearnSource::value(c.u128() & low_bits(dst.bits), dst.bits)
    } else {
        let src = part(c, |f| f.bits() >= dst.bits && has_short_header(f));
        let offset = src.offset.min(src.field.bits() - dst.bits);
        LearnSource::Field(Subfield::part(src.field, offset, dst.bits))
    };
    LearnSpec { source, target }
}

fn conntrack(c: &mut Choices<'_>, version: Version) -> Ct {
    let commit = c.flag();
    let zone = if c.flag() {
        CtZone::Number(c.u16())
    } else {
        CtZone::Field(Subfield::part(Field::Reg1, c.u16() % 17, 16))
    };
    Ct {
        commit,
        force: commit && c.flag(),
        zone,
        recirc_table: c.u8(),
        alg: c.pick(&[0, 21, 69]),
        // Only of a connection that is remembered something is set.
        actions: c
            .list(if commit { 2 } else { 0 }, |c| remember(c, version))
            .into(),
        nat: c.maybe(|c| nat(c, commit)),
    }
}

/// What `ct` may do: write what is remembered of a connection.
fn remember(c: &mut Choices<'_>, version: Version) -> Action {
    if c.flag() {
        return Action::Move {
            src: Subfield::part(Field::Reg0, 0, 8),
            dst: Subfield::part(Field::CtMark, c.u16() % 25, 8),
        };
    }
    if version < Version::V12 {
        let set = SetField::new(Field::CtMark, u128::from(c.u8()), 0xff);
        return Action::SetField(set.spelled(SetSpelling::Load));
    }
    let field = c.pick(&[Field::CtMark, Field::CtLabel]);
    Action::SetField(SetField::new(field, c.u128(), u128::MAX))
}

fn nat(c: &mut Choices<'_>, commit: bool) -> Nat {
    let mut found = Nat {
        flags: 0,
        direction: None,
        addresses: None,
        ports: None,
    };
    if !commit {
        return found;
    }
    let (bit, direction) = c.pick(&[(1, NatDirection::Src), (2, NatDirection::Dst)]);
    found.flags = bit | c.pick(&[0, 4, 8, 16]);
    found.direction = Some(direction);
    let v4 = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(n));
    let v6 = |n: u128| IpAddr::V6(Ipv6Addr::from_bits(n));
    match c.below(3) {
        0 => {
            let first = c.u32() / 2 + 1;
            let last = c.maybe(|c| v4(first + u32::from(c.u16())));
            found.addresses = Some((v4(first), last));
        }
        1 => {
            let first = c.u128() / 2 + 1;
            let last = c.maybe(|c| v6(first + u128::from(c.u16())));
            found.addresses = Some((v6(first), last));
        }
        _ => {}
    }
    if found.addresses.is_some() {
        found.ports = c.maybe(|c| {
            let first = c.u16() / 2 + 1;
            (first, c.maybe(|c| first + c.u16() / 4))
        });
    }
    found
}

fn encap(c: &mut Choices<'_>) -> Encap {
    let property = |c: &mut Choices<'_>| {
        if c.flag() {
            return EncapProperty {
                class: 4,
                kind: 1,
                data: [c.u8()].into(),
            };
        }
        let data = c.bytes(20);
        let mut head = vec![c.u8(), c.u8(), c.u8(), u8::try_from(data.len()).unwrap()];
        head.extend(data);
        EncapProperty {
            class: 4,
            kind: 2,
            data: head.into(),
        }
    };
    Encap {
        packet_type: c.pick(&[0, 0x0001_894f, 0x0001_8847, 0x0001_8848]),
        hdr_size: c.u16(),
        properties: c.list(2, property).into(),
    }
}
