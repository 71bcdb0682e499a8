//! Reading `ct` and `nat`.

use super::token::Tokens;
use super::{Fault, Parsed, actions, value};
use crate::action::{Ct, CtZone, Nat, NatDirection};
use crate::field::Field;
use crate::text::print::Names;
use crate::{Action, Subfield};
use std::net::IpAddr;

pub(super) fn ct<'a>(text: &'a str, names: &Names, depth: u8) -> Parsed<'a, Ct> {
    let mut ct = Ct {
        commit: false,
        force: false,
        zone: CtZone::Number(0),
        recirc_table: 255,
        alg: 0,
        actions: [].into(),
        nat: None,
    };
    let mut tokens = Tokens::new(text);
    while let Some(pair) = tokens.next() {
        match pair.key {
            "commit" => ct.commit = true,
            "force" => ct.force = true,
            "table" => {
                ct.recirc_table = value::table(pair.value, names)?;
                if ct.recirc_table == 255 {
                    return Err(Fault::new(pair.value, "invalid table 0xff"));
                }
            }
            "zone" => {
                ct.zone = match value::integer(pair.value) {
                    Some(number) => {
                        let number = u16::try_from(number);
                        CtZone::Number(
                            number.map_err(|_| Fault::new(pair.value, "a zone has 16 bits"))?,
                        )
                    }
                    None => CtZone::Field(zone_field(pair.value)?),
                };
            }
            "alg" => {
                ct.alg = match pair.value {
                    "ftp" => 21,
                    "tftp" => 69,
                    other => {
                        return Err(Fault::new(
                            other,
                            format!("unknown alg {other}: expected ftp or tftp"),
                        ));
                    }
                };
            }
            "nat" => ct.nat = Some(nat(pair.value)?),
            "exec" => {
                ct.actions = actions::list(pair.value, names, depth + 1)?.into();
                for action in &ct.actions {
                    check_nested(action, pair.value)?;
                }
            }
            key => {
                return Err(Fault::new(
                    key,
                    format!("invalid argument to \"ct\" action: `{key}'"),
                ));
            }
        }
    }
    if ct.force && !ct.commit {
        return Err(Fault::new(text, "\"force\" flag requires \"commit\" flag."));
    }
    Ok(ct)
}

fn zone_field<'a>(text: &'a str) -> Parsed<'a, Subfield> {
    let part = value::old_subfield(text)?;
    if part.bits != 16 {
        return Err(Fault::new(
            text,
            format!("{text}: a zone has 16 bits, this has {}", part.bits),
        ));
    }
    Ok(part)
}

/// Inside `exec` only the connection's own fields can be written.
fn check_nested<'a>(action: &Action, at: &'a str) -> Parsed<'a, ()> {
    let field = match action {
        Action::SetField(set) => Some(set.field()),
        Action::Move { dst, .. } => Some(dst.field),
        _ => None,
    };
    match field {
        Some(Field::CtMark | Field::CtLabel) => Ok(()),
        Some(other) => Err(Fault::new(
            at,
            format!("ct action doesn't support nested modification of {other}"),
        )),
        None => Err(Fault::new(
            at,
            "ct action doesn't support this nested action: only writes of ct_mark and ct_label",
        )),
    }
}

pub(super) fn nat<'a>(text: &'a str) -> Parsed<'a, Nat> {
    let mut nat = Nat {
        flags: 0,
        direction: None,
        addresses: None,
        ports: None,
    };
    let mut tokens = Tokens::new(text);
    while let Some(pair) = tokens.next() {
        match pair.key {
            "src" | "dst" => {
                if nat.direction.is_some() {
                    return Err(Fault::new(
                        pair.key,
                        "may only specify one of \"src\" or \"dst\".",
                    ));
                }
                let src = pair.key == "src";
                nat.flags |= if src { 1 } else { 2 };
                nat.direction = Some(if src {
                    NatDirection::Src
                } else {
                    NatDirection::Dst
                });
                if !pair.value.is_empty() {
                    range(&mut nat, pair.value)?;
                }
            }
            "persistent" => nat.flags |= 4,
            "hash" => nat.flags |= 8,
            "random" => nat.flags |= 16,
            key => {
                return Err(Fault::new(
                    key,
                    format!("invalid key \"{key}\" in \"nat\" argument"),
                ));
            }
        }
    }
    if nat.direction.is_none() && nat.flags != 0 {
        return Err(Fault::new(
            text,
            "Flags allowed only with \"src\" or \"dst\".",
        ));
    }
    if nat.flags & 24 == 24 {
        return Err(Fault::new(
            text,
            "Both \"hash\" and \"random\" are not allowed.",
        ));
    }
    Ok(nat)
}

/// `a-b:p-q`; IPv6 addresses before ports stand in brackets.
fn range<'a>(nat: &mut Nat, text: &'a str) -> Parsed<'a, ()> {
    let bad = |at: &'a str| {
        Fault::new(
            at,
            format!("{text}: expected an address, a range of them, and ports after a colon"),
        )
    };
    let (addresses, ports) = if text.starts_with('[') {
        let (_, after) = text.rsplit_once(']').ok_or_else(|| bad(text))?;
        let addresses = text.split_at(text.len() - after.len()).0;
        let ports = after.strip_prefix(':');
        if ports.is_none() && !after.is_empty() {
            return Err(bad(after));
        }
        (addresses, ports)
    } else if text.matches(':').count() > 1 {
        (text, None)
    } else {
        text.split_once(':')
            .map_or((text, None), |(a, p)| (a, Some(p)))
    };
    let address = |part: &'a str| -> Parsed<'a, IpAddr> {
        let inner = part.strip_prefix('[').and_then(|p| p.strip_suffix(']'));
        let inner = inner.unwrap_or(part);
        let v4 = || value::ipv4(inner).ok().map(IpAddr::V4);
        (inner.parse().ok().or_else(v4))
            .ok_or_else(|| Fault::new(part, format!("bad address {part:?}")))
    };
    let (first, last) = addresses
        .split_once('-')
        .map_or((addresses, None), |(a, b)| (a, Some(b)));
    let first = address(first)?;
    let last = last.map(address).transpose()?;
    if last.is_some_and(|last| last.is_ipv4() != first.is_ipv4() || last < first) {
        return Err(Fault::new(addresses, "invalid IP address range"));
    }
    nat.addresses = Some((first, last));
    if let Some(ports) = ports {
        let port = |part: &'a str| value::u16(part, "port");
        let (first, last) = ports
            .split_once('-')
            .map_or((ports, None), |(a, b)| (a, Some(b)));
        let first = port(first)?;
        let last = last.map(port).transpose()?;
        if last.is_some_and(|last| last < first) {
            return Err(Fault::new(ports, "invalid port range"));
        }
        nat.ports = Some((first, last));
    }
    Ok(())
}
