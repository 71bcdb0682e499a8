//! Reading the rarer actions with arguments of their own syntax.

use super::actions::{arrow, hex_bytes, writable};
use super::token::Tokens;
use super::{Fault, Parsed, value};
use crate::action::{Bundle, Controller, Encap, EncapProperty, HashFields, Multipath, Sample};
use crate::text::print::Names;
use crate::{Action, Port};

pub(super) fn output_trunc<'a>(text: &'a str, names: &Names) -> Parsed<'a, Action> {
    let (mut port, mut max_len) = (None, 0);
    let mut tokens = Tokens::new(text);
    while let Some(pair) = tokens.next() {
        match pair.key {
            "port" => {
                let found = value::known_port(pair.value, names).filter(|p| p.to_u16().is_some());
                let what = || {
                    Fault::new(
                        pair.value,
                        format!("output to unknown truncate port: {}", pair.value),
                    )
                };
                port = Some(found.ok_or_else(what)?);
            }
            "max_len" => max_len = value::u32(pair.value)?,
            key => {
                return Err(Fault::new(
                    key,
                    format!("invalid key '{key}' in output_trunc argument"),
                ));
            }
        }
    }
    let port = port.ok_or_else(|| Fault::new(text, "output_trunc needs port= and max_len="))?;
    if max_len < 14 {
        return Err(Fault::new(
            text,
            format!("max_len {max_len} is less than the minimum value 14"),
        ));
    }
    if port > Port::MAX && !matches!(port, Port::LOCAL | Port::IN_PORT) {
        return Err(Fault::new(
            text,
            format!("output cannot be truncated to port {port}"),
        ));
    }
    Ok(Action::OutputTrunc(port, max_len))
}

pub(super) fn controller<'a>(text: &'a str) -> Parsed<'a, Action> {
    let mut found = Controller {
        reason: 1,
        max_len: 0xffff,
        controller_id: 0,
        userdata: [].into(),
        pause: false,
        meter_id: None,
        old_form: true,
    };
    let simple = |controller: &Controller| {
        controller.reason == 1
            && controller.controller_id == 0
            && controller.userdata.is_empty()
            && !controller.pause
            && controller.meter_id.is_none()
    };
    if text.is_empty() {
        return Ok(Action::OutputController(0xffff));
    }
    if text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'x') {
        return Ok(Action::OutputController(value::u16(text, "max_len")?));
    }
    let mut tokens = Tokens::new(text);
    while let Some(pair) = tokens.next() {
        match pair.key {
            "reason" => {
                let known =
                    (0..=5).find(|&n| crate::text::print::packet_in_reason(n) == Some(pair.value));
                found.reason = known.ok_or_else(|| {
                    Fault::new(pair.value, format!("unknown reason {:?}", pair.value))
                })?;
            }
            "max_len" => found.max_len = value::u16(pair.value, "max_len")?,
            "id" => found.controller_id = value::u16(pair.value, "id")?,
            "userdata" => found.userdata = hex_bytes(pair.value)?.into(),
            "pause" => found.pause = true,
            // Meters begin at 1.
            "meter_id" => found.meter_id = Some(value::u32(pair.value)?).filter(|id| *id != 0),
            key => {
                return Err(Fault::new(
                    key,
                    format!("unknown key \"{key}\" parsing controller action"),
                ));
            }
        }
    }
    if simple(&found) {
        return Ok(Action::OutputController(found.max_len));
    }
    found.old_form = found.userdata.is_empty() && !found.pause && found.meter_id.is_none();
    Ok(Action::Controller(Box::new(found)))
}

pub(super) fn conjunction<'a>(text: &'a str) -> Parsed<'a, Action> {
    let wrong = || Fault::new(text, "conjunction syntax is conjunction(ID, K/N)");
    let (id, clauses) = text.split_once(',').ok_or_else(wrong)?;
    let (clause, count) = clauses.trim().split_once('/').ok_or_else(wrong)?;
    let id = value::u32(id.trim())?;
    let (clause, n_clauses) = (
        value::u8(clause, "clause")?,
        value::u8(count, "number of clauses")?,
    );
    if !(2..=64).contains(&n_clauses) {
        return Err(Fault::new(count, "conjunction must have 2 to 64 clauses"));
    }
    let index = clause.checked_sub(1).filter(|_| clause <= n_clauses);
    let clause =
        index.ok_or_else(|| Fault::new(text, format!("clause must be one of 1 to {n_clauses}")))?;
    Ok(Action::Conjunction {
        id,
        clause,
        n_clauses,
    })
}

fn hash_fields<'a>(text: &'a str) -> Parsed<'a, HashFields> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "eth_src" => HashFields::EthSrc,
        "symmetric_l4" => HashFields::SymmetricL4,
        "symmetric_l3l4" => HashFields::SymmetricL3L4,
        "symmetric_l3l4+udp" => HashFields::SymmetricL3L4Udp,
        "nw_src" => HashFields::NwSrc,
        "nw_dst" => HashFields::NwDst,
        "symmetric_l3" => HashFields::SymmetricL3,
        _ => return Err(Fault::new(text, format!("unknown fields `{text}'"))),
    })
}

pub(super) fn multipath<'a>(text: &'a str) -> Parsed<'a, Multipath> {
    let parts: Vec<&str> = text.split([',', ' ']).filter(|p| !p.is_empty()).collect();
    let [fields, basis, algorithm, links, arg, dst] = parts.as_slice() else {
        return Err(Fault::new(
            text,
            format!("{text}: not enough arguments to multipath action: expected 6"),
        ));
    };
    let fields = hash_fields(fields)?;
    let algorithm = match algorithm.to_ascii_lowercase().as_str() {
        "modulo_n" => 0,
        "hash_threshold" => 1,
        "hrw" => 2,
        "iter_hash" => 3,
        other => {
            return Err(Fault::new(
                parts.get(2).copied().unwrap_or(text),
                format!("unknown algorithm `{other}'"),
            ));
        }
    };
    let n_links = value::u32(links)?;
    let wrong = || {
        Fault::new(
            links,
            format!("{text}: n_links {n_links} is not in valid range 1 to 65536"),
        )
    };
    let max_link = n_links
        .checked_sub(1)
        .and_then(|n| u16::try_from(n).ok())
        .ok_or_else(wrong)?;
    let dst_part = value::short_subfield(dst)?;
    value::old_field(dst_part.field, dst)?;
    writable(dst_part.field, dst)?;
    if dst_part.bits < 16 && n_links > 1 << dst_part.bits {
        let bits = dst_part.bits;
        return Err(Fault::new(
            dst,
            format!("{text}: {bits}-bit destination field has too few values for {n_links} links"),
        ));
    }
    Ok(Multipath {
        fields,
        basis: value::u16(basis, "basis")?,
        algorithm,
        max_link,
        arg: value::u32(arg)?,
        dst: dst_part,
    })
}

/// The next word of a text, up to one of the delimiters; those in front are passed over.
fn word<'a>(rest: &mut &'a str, delimiters: &[char]) -> Option<&'a str> {
    let text = rest.trim_start_matches(delimiters);
    let (word, tail) = text.split_at(text.find(delimiters).unwrap_or(text.len()));
    let mut tail = tail.chars();
    tail.next();
    *rest = tail.as_str();
    (!word.is_empty()).then_some(word)
}

pub(super) fn bundle<'a>(text: &'a str, names: &Names, load: bool) -> Parsed<'a, Bundle> {
    let few = || {
        Fault::new(
            text,
            format!("{text}: not enough arguments to bundle action"),
        )
    };
    let mut rest = text;
    let mut next = || word(&mut rest, &[',', ' ']).ok_or_else(few);
    let (fields, basis, algorithm, kind) = (next()?, next()?, next()?, next()?);
    let dst = if load { Some(next()?) } else { None };
    let delimiter = word(&mut rest, &[':', ' ']).ok_or_else(few)?;
    if !["members", "slaves"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(delimiter))
    {
        return Err(Fault::new(
            delimiter,
            format!("{text}: missing member delimiter, expected `members', got `{delimiter}'"),
        ));
    }
    let mut members = Vec::new();
    while let Some(name) = word(&mut rest, &[',', ' ', '[', ']']) {
        let port = value::known_port(name, names).filter(|p| p.to_u16().is_some());
        members.push(port.ok_or_else(|| Fault::new(name, format!("{name}: bad port number")))?);
    }
    if members.len() > 2048 {
        return Err(Fault::new(
            delimiter,
            "too many members: expected at most 2048",
        ));
    }
    let algorithm = match algorithm.to_ascii_lowercase().as_str() {
        "active_backup" => 0,
        "hrw" => 1,
        other => {
            return Err(Fault::new(
                algorithm,
                format!("{text}: unknown algorithm `{other}'"),
            ));
        }
    };
    if !kind.eq_ignore_ascii_case("ofport") {
        return Err(Fault::new(
            kind,
            format!("{text}: unknown member_type `{kind}'"),
        ));
    }
    let dst = dst.map(|dst| {
        let part = value::short_subfield(dst)?;
        value::old_field(part.field, dst)?;
        writable(part.field, dst)?;
        if part.bits < 16 {
            return Err(Fault::new(
                dst,
                format!("{dst}: experimenter destination has too few bits: expected 16"),
            ));
        }
        Ok(part)
    });
    Ok(Bundle {
        fields: hash_fields(fields)?,
        basis: value::u16(basis, "basis")?,
        algorithm,
        members: members.into(),
        dst: dst.transpose()?,
    })
}

pub(super) fn sample<'a>(text: &'a str, names: &Names) -> Parsed<'a, Sample> {
    let mut found = Sample {
        probability: 0,
        collector_set_id: 0,
        obs_domain_id: 0,
        obs_point_id: 0,
        sampling_port: Port::ANY,
        direction: 0,
        revision: 1,
    };
    let mut tokens = Tokens::new(text);
    while let Some(pair) = tokens.next() {
        match pair.key {
            "probability" => found.probability = value::u16(pair.value, "probability")?,
            "collector_set_id" => found.collector_set_id = value::u32(pair.value)?,
            "obs_domain_id" => found.obs_domain_id = value::u32(pair.value)?,
            "obs_point_id" => found.obs_point_id = value::u32(pair.value)?,
            "sampling_port" => {
                let port = value::port(pair.value, names)?;
                let wrong = || Fault::new(pair.value, format!("{}: unknown port", pair.value));
                found.sampling_port = Some(port)
                    .filter(|p| p.to_u16().is_some())
                    .ok_or_else(wrong)?;
            }
            "ingress" => found.direction = 1,
            "egress" => found.direction = 2,
            key => {
                return Err(Fault::new(
                    key,
                    format!("invalid key \"{key}\" in \"sample\" argument"),
                ));
            }
        }
    }
    if found.probability == 0 {
        return Err(Fault::new(
            text,
            "invalid probability value \"0\": expected 1 to 65535",
        ));
    }
    // The shortest form that can say it.
    found.revision = match (found.sampling_port, found.direction) {
        (_, 1 | 2) => 3,
        (Port::ANY, _) => 1,
        _ => 2,
    };
    Ok(found)
}

pub(super) fn fin_timeout<'a>(text: &'a str) -> Parsed<'a, Action> {
    let (mut idle, mut hard) = (0, 0);
    let mut tokens = Tokens::new(text);
    while let Some(pair) = tokens.next() {
        match pair.key {
            "idle_timeout" => idle = value::u16(pair.value, pair.key)?,
            "hard_timeout" => hard = value::u16(pair.value, pair.key)?,
            key => {
                return Err(Fault::new(
                    key,
                    format!("invalid key '{key}' in 'fin_timeout' argument"),
                ));
            }
        }
    }
    Ok(Action::FinTimeout(idle, hard))
}

pub(super) fn check_pkt_larger<'a>(text: &'a str) -> Parsed<'a, Action> {
    let (len, dst) = arrow(text)?;
    let len = len.strip_suffix(')').unwrap_or(len);
    let part = value::subfield(dst)?;
    writable(part.field, dst)?;
    if part.bits != 1 {
        return Err(Fault::new(dst, "Only 1-bit destination field is allowed"));
    }
    Ok(Action::CheckPktLarger(
        value::u16(len, "packet length")?,
        part,
    ))
}

pub(super) fn encap<'a>(text: &'a str) -> Parsed<'a, Encap> {
    let mut tokens = Tokens::new(text);
    let wrong = || Fault::new(text, format!("Encap hdr not supported: {text}"));
    let pair = tokens.next().ok_or_else(|| {
        Fault::new(
            text,
            "encap needs a header: ethernet, mpls, mpls_mc or nsh(...)",
        )
    })?;
    let packet_type = match pair.key {
        "ethernet" => 0,
        "mpls" => 0x0001_8847,
        "mpls_mc" | "mpls_mcast" => 0x0001_8848,
        "nsh" => 0x0001_894f,
        _ => return Err(wrong()),
    };
    if packet_type != 0x0001_894f && !pair.value.is_empty() {
        return Err(wrong());
    }
    let mut properties = Vec::new();
    let mut inner = Tokens::new(pair.value);
    while let Some(property) = inner.next() {
        match property.key {
            "md_type" => {
                let kind = value::u8(property.value, "md_type")?;
                if !matches!(kind, 1 | 2) {
                    return Err(Fault::new(
                        property.value,
                        "invalid md_type: expected 1 or 2",
                    ));
                }
                properties.push(EncapProperty {
                    class: 4,
                    kind: 1,
                    data: [kind].into(),
                });
            }
            "tlv" => properties.push(EncapProperty {
                class: 4,
                kind: 2,
                data: nsh_tlv(property.value)?.into(),
            }),
            key => return Err(Fault::new(key, format!("Invalid property: {key}"))),
        }
    }
    Ok(Encap {
        packet_type,
        hdr_size: 0,
        properties: properties.into(),
    })
}

fn nsh_tlv<'a>(text: &'a str) -> Parsed<'a, Vec<u8>> {
    let wrong = || Fault::new(text, format!("Invalid NSH TLV header: {text}"));
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let [class, kind, data] = parts.as_slice() else {
        return Err(wrong());
    };
    let class = class
        .strip_prefix("0x")
        .and_then(|d| u16::from_str_radix(d, 16).ok())
        .ok_or_else(wrong)?;
    let kind = value::integer(kind)
        .and_then(|k| u8::try_from(k).ok())
        .ok_or_else(wrong)?;
    let digits = match *data {
        // So zeros are written.
        "0" => "00",
        data => data
            .strip_prefix("0x")
            .filter(|digits| !digits.is_empty())
            .ok_or_else(wrong)?,
    };
    // Half a byte at the end is none.
    let whole = digits.get(..digits.len() & !1).ok_or_else(wrong)?;
    let bytes = hex_bytes(whole).map_err(|_| wrong())?;
    let length = u8::try_from(bytes.len())
        .ok()
        .filter(|l| *l <= 124)
        .ok_or_else(wrong)?;
    let mut tlv = class.to_be_bytes().to_vec();
    tlv.extend([kind, length]);
    tlv.extend(bytes);
    Ok(tlv)
}

pub(super) fn decap<'a>(text: &'a str) -> Parsed<'a, Action> {
    let mut tokens = Tokens::new(text);
    let Some(pair) = tokens.next() else {
        return Ok(Action::Decap(None));
    };
    if pair.key != "packet_type" {
        return Err(Fault::new(
            pair.key,
            format!("Invalid decap argument: {}", pair.key),
        ));
    }
    let (mut ns, mut kind) = (None, None);
    let mut inner = Tokens::new(pair.value);
    while let Some(property) = inner.next() {
        match property.key {
            "ns" => ns = Some(u32::from(value::u16(property.value, "ns")?)),
            "type" => kind = Some(u32::from(value::u16(property.value, "type")?)),
            key => {
                return Err(Fault::new(
                    key,
                    format!("Invalid decap packet_type argument: {key}"),
                ));
            }
        }
    }
    match (ns, kind) {
        (Some(ns), Some(kind)) => Ok(Action::Decap(Some(ns << 16 | kind))),
        _ => Err(Fault::new(pair.value, "packet_type needs ns= and type=")),
    }
}
