//! Reading values of fields, with their masks.

use super::token::KeyValue;
use super::{Fault, Parsed, digits};
use crate::action::Subfield;
use crate::field::{Field, Format, Masking};
use crate::text::flags::{self, BitNames};
use crate::text::print::Names;
use crate::{EthAddr, Match, Port};
use std::net::{Ipv4Addr, Ipv6Addr};

/// An unsigned number as strtoull(3) takes it: decimal, with 0x hexadecimal, with 0 octal; a plus in front means nothing.
pub(crate) fn integer(text: &str) -> Option<u128> {
    match digits::integer(text) {
        Some(number) => Some(u128::from(number)),
        None => long_integer(text),
    }
}

/// The same in all its forms.
fn long_integer(text: &str) -> Option<u128> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (text.split_at(2).1, 16),
        [b'0', _, ..] => (text.split_at(1).1, 8),
        _ => (text, 10),
    };
    if digits.is_empty() || digits.starts_with('+') || digits.len() > 40 {
        return None;
    }
    u128::from_str_radix(digits, radix).ok()
}

/// What else Open vSwitch takes for a number where a field has a value: `0x` is 0, and a number below zero means its two's
/// complement of 64 bits.
#[cold]
fn odd_number(text: &str) -> Option<u128> {
    match text.strip_prefix('-') {
        Some(digits) => {
            let number = u64::try_from(integer(digits)?).ok()?;
            (!digits.starts_with(['+', '-']) && !digits.starts_with("0x"))
                .then(|| u128::from(number.wrapping_neg()))
        }
        None => matches!(text, "0x" | "0X").then_some(0),
    }
}

/// A number of at most `bits` bits; one below zero means its two's complement, so that -1 is all ones.
fn signed(text: &str, bits: u16) -> Option<u128> {
    let full = crate::field::low_bits(bits);
    match text.strip_prefix('-') {
        None => integer(text).filter(|v| *v <= full),
        Some(digits) => integer(digits)
            .filter(|v| *v <= full / 2 + 1)
            .map(|v| v.wrapping_neg() & full),
    }
}

/// A number of at most 64 bits.
pub(crate) fn u64<'a>(text: &'a str) -> Parsed<'a, u64> {
    if let Some(number) = digits::integer(text) {
        return Ok(number);
    }
    signed(text, 64)
        .and_then(|v| v.try_into().ok())
        .ok_or_else(|| {
            Fault::new(
                text,
                format!("{text:?}: expected a number of at most 64 bits"),
            )
        })
}

/// A number of at most 32 bits.
pub(crate) fn u32<'a>(text: &'a str) -> Parsed<'a, u32> {
    signed(text, 32)
        .and_then(|v| v.try_into().ok())
        .ok_or_else(|| {
            Fault::new(
                text,
                format!("{text:?}: expected a number of at most 32 bits"),
            )
        })
}

/// A number of at most 16 bits.
pub(crate) fn u16<'a>(text: &'a str, name: &str) -> Parsed<'a, u16> {
    integer(text)
        .and_then(|v| v.try_into().ok())
        .ok_or_else(|| {
            Fault::new(
                text,
                format!("invalid {name} {text:?}: expected 0 to 65535"),
            )
        })
}

/// A number of at most 8 bits.
pub(crate) fn u8<'a>(text: &'a str, name: &str) -> Parsed<'a, u8> {
    integer(text)
        .and_then(|v| v.try_into().ok())
        .ok_or_else(|| Fault::new(text, format!("invalid {name} {text:?}: expected 0 to 255")))
}

/// A name without the quotes it may stand in.
pub(crate) fn unquoted(text: &str) -> String {
    match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => text.to_owned(),
    }
}

/// A decimal number: tables and ports have no others, since they may have names.
fn decimal(text: &str) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// A group by number, or `all` or `any`.
pub(crate) fn group<'a>(text: &'a str) -> Parsed<'a, u32> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(crate::ofpkt::ALL_GROUPS);
    }
    if text.eq_ignore_ascii_case("any") {
        return Ok(crate::ofpkt::ANY_GROUP);
    }
    u32(text)
}

/// A table by number or name.
pub(crate) fn table<'a>(text: &'a str, names: &Names) -> Parsed<'a, u8> {
    if let Some(number) = decimal(text).and_then(|v| v.try_into().ok()) {
        return Ok(number);
    }
    let wanted = unquoted(text);
    let named = names
        .tables
        .iter()
        .find(|(_, name)| **name == wanted)
        .map(|(number, _)| *number);
    named.ok_or_else(|| {
        Fault::new(
            text,
            format!("unknown table {text:?}: expected 0 to 255 or a name"),
        )
    })
}

/// A port by number or name.
pub(crate) fn known_port(text: &str, names: &Names) -> Option<Port> {
    if let Some(number) = decimal(text) {
        // 16-bit numbers of reserved ports mean their 32-bit selves.
        return match number {
            0..=0xfeff => Some(Port(number)),
            0xff00..=0xffff => Some(Port::from_u16(u16::try_from(number).ok()?)),
            0x1_0000..=0xffff_feff => None,
            _ => Some(Port(number)),
        };
    }
    if let Some(port) = Port::from_name(text) {
        return Some(port);
    }
    if names.ports.is_empty() {
        return None;
    }
    let wanted = unquoted(text);
    names
        .ports
        .iter()
        .find(|(_, name)| **name == wanted)
        .map(|(number, _)| Port(*number))
}

/// A port, or a complaint.
pub(crate) fn port<'a>(text: &'a str, names: &Names) -> Parsed<'a, Port> {
    known_port(text, names).ok_or_else(|| {
        Fault::new(
            text,
            format!("{text}: unknown port: expected a number or the name of a port"),
        )
    })
}

/// Seconds with decimals and an `s`, as in `duration=1.5s`.
pub(crate) fn duration<'a>(text: &'a str) -> Parsed<'a, (u32, u32)> {
    let wrong = || Fault::new(text, format!("{text:?}: expected seconds such as 1.5s"));
    let number = text.strip_suffix('s').unwrap_or(text);
    let (whole, fraction) = cut(number, b'.').unwrap_or((number, ""));
    let sec = match digits::integer(whole).map(u32::try_from) {
        Some(Ok(sec)) => sec,
        _ => whole.parse().map_err(|_| wrong())?,
    };
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let (mut nanos, mut unit) = (0, 100_000_000);
    for byte in fraction.bytes() {
        nanos += unit * u32::from(byte.saturating_sub(b'0'));
        unit /= 10;
    }
    Ok((sec, nanos))
}

/// An Ethernet address.
pub(crate) fn eth<'a>(text: &'a str) -> Parsed<'a, EthAddr> {
    digits::eth(text)
        .or_else(|| text.parse().ok())
        .ok_or_else(|| {
            Fault::new(
                text,
                format!("{text}: invalid Ethernet address: expected xx:xx:xx:xx:xx:xx"),
            )
        })
}

/// An IPv4 address.
pub(crate) fn ipv4<'a>(text: &'a str) -> Parsed<'a, Ipv4Addr> {
    digits::ipv4(text).ok_or_else(|| {
        Fault::new(
            text,
            format!("{text}: invalid IP address: expected a.b.c.d"),
        )
    })
}

/// An IPv4 address of which no number has a zero in front.
pub(crate) fn plain_ipv4<'a>(text: &'a str) -> Parsed<'a, Ipv4Addr> {
    let what = || format!("{text}: invalid IP address: expected a.b.c.d");
    text.parse().map_err(|_| Fault::new(text, what()))
}

/// An IPv6 address.
pub(crate) fn ipv6<'a>(text: &'a str) -> Parsed<'a, Ipv6Addr> {
    text.parse().map_err(|_| {
        Fault::new(
            text,
            format!("{text}: invalid IPv6 address: expected x:x:x:x:x:x:x:x"),
        )
    })
}

/// What stands before and after the first `at`, which is ASCII.
#[inline]
pub(super) fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let (head, tail) = text.split_at_checked(memchr::memchr(at, text.as_bytes())?)?;
    Some((head, tail.get(1..)?))
}

/// The whole value of a field in a form in which it nearly always comes; `None` leaves it to [`masked`].
pub(super) fn plain(field: Field, text: &str) -> Option<u128> {
    let info = field.info();
    match info.format {
        Format::Decimal | Format::Hex => {
            let number = u128::from(digits::integer(text)?);
            let valid = number <= info.full_mask && crate::ofpkt::is_valid_value(field, number);
            valid.then_some(number)
        }
        Format::Ethernet => Some(digits::eth(text)?.to_u64().into()),
        Format::Ipv4 => Some(digits::ipv4(text)?.to_bits().into()),
        Format::Ipv6 => digits::ipv6(text),
        Format::Port16 => {
            let number = digits::integer(text)?;
            (number < 0xff00 && !text.starts_with('0')).then_some(number.into())
        }
        _ => None,
    }
}

/// A value and a mask, both within the field's bytes.
pub(crate) struct Masked {
    pub(crate) value: u128,
    /// All ones of the field's bytes if none was written.
    pub(crate) mask: u128,
}

/// All bits of as many bytes as the field has.
#[inline]
fn byte_mask(field: Field) -> u128 {
    let unused = 16_u32.saturating_sub(u32::from(field.info().bytes));
    u128::MAX >> (8 * unused.min(15))
}

/// Reads a value of `field`, with a mask if there is one.
pub(crate) fn masked<'a>(field: Field, text: &'a str, names: &Names) -> Parsed<'a, Masked> {
    if text == "*" {
        return Ok(Masked { value: 0, mask: 0 });
    }
    let found = form(field, text, names)?;
    let full = byte_mask(field);
    let exact = found.mask & full == full;
    if field.info().masking == Masking::Exact && !exact && found.mask != 0 {
        let what = format!(
            "{text}: invalid mask for field {}: it must be matched whole or not at all",
            field.name()
        );
        return Err(Fault::new(text, what));
    }
    // Bits above those of an id never counted in dl_vlan, nor those of ECN in nw_tos.
    if found.mask != 0
        && !matches!(field, Field::DlVlan | Field::NwTos)
        && !crate::ofpkt::is_valid_value(field, found.value)
    {
        let what = format!(
            "{text}: not a valid value for field {}: it has {} bits",
            field.name(),
            field.bits()
        );
        return Err(Fault::new(text, what));
    }
    Ok(found)
}

fn form<'a>(field: Field, text: &'a str, names: &Names) -> Parsed<'a, Masked> {
    let full = byte_mask(field);
    let (value, mask) = match cut(text, b'/') {
        Some((value, mask)) => (value, Some(mask)),
        None => (text, None),
    };
    let number = |text: &'a str| {
        let fits = integer(text).or_else(|| odd_number(text));
        let fits = fits.filter(|v| *v <= full);
        fits.ok_or_else(|| {
            let bytes = field.info().bytes;
            Fault::new(
                text,
                format!(
                    "{text}: expected a number that fits the {bytes}-byte field {}",
                    field.name()
                ),
            )
        })
    };
    let (value, mask) = match field.info().format {
        Format::Decimal | Format::Hex => (number(value)?, mask.map(number).transpose()?),
        Format::Ethernet => {
            let bits = |text| eth(text).map(|mac| u128::from(mac.to_u64()));
            (bits(value)?, mask.map(bits).transpose()?)
        }
        Format::Ipv4 => {
            let bits = |text| ipv4(text).map(|ip| u128::from(ip.to_bits()));
            let mask = mask
                .map(|m| prefix(m, 32).map_or_else(|| bits(m).map_err(|_| no_mask(m, 32)), Ok))
                .transpose()?;
            (bits(value)?, mask)
        }
        Format::Ipv6 => {
            let bits = |text| ipv6(text).map(|ip| ip.to_bits());
            let mask = mask
                .map(|m| prefix(m, 128).map_or_else(|| bits(m).map_err(|_| no_mask(m, 128)), Ok))
                .transpose()?;
            (bits(value)?, mask)
        }
        Format::Port | Format::Port16 => {
            let port = port(text, names)?;
            let number = if field == Field::InPort {
                u128::from(port.to_u16().unwrap_or(0))
            } else {
                u128::from(port.0)
            };
            (number, None)
        }
        Format::Frag => frag(text)?,
        Format::CtState => bits(text, &flags::CT_STATE)?,
        Format::TcpFlags => bits(text, &flags::TCP)?,
        Format::TunnelFlags => bits(text, &flags::TUNNEL)?,
        Format::PacketType => (packet_type(text)?, None),
    };
    Ok(Masked {
        value,
        mask: mask.unwrap_or(full),
    })
}

/// What stands where the mask of an address of so many bits should.
fn no_mask(text: &str, width: u32) -> Fault<'_> {
    let what =
        format!("{text:?}: invalid mask: expected a prefix length of 0 to {width} or an address");
    Fault::new(text, what)
}

/// The mask of a prefix length.
fn prefix(text: &str, width: u32) -> Option<u128> {
    if text.contains(['.', ':']) {
        return None;
    }
    let length = text.parse::<u32>().ok().filter(|l| *l <= width)?;
    let all = crate::field::low_bits(u16::try_from(width).unwrap_or(128));
    Some(all & !crate::field::low_bits(u16::try_from(width - length).unwrap_or(0)))
}

fn frag<'a>(text: &'a str) -> Parsed<'a, (u128, Option<u128>)> {
    let named = match text {
        "no" => Some((0, 3)),
        "yes" => Some((1, 1)),
        "first" => Some((1, 3)),
        "later" => Some((3, 3)),
        "not_later" => Some((0, 2)),
        _ => None,
    };
    match named {
        Some((value, mask)) => Ok((value, Some(if mask == 3 { 0xff } else { mask }))),
        None => Err(Fault::new(
            text,
            format!("{text}: unknown fragment type: expected no, yes, first, later or not_later"),
        )),
    }
}

/// `+a-b`, `a|b`, or a number with or without a mask.
fn bits<'a>(text: &'a str, names: &BitNames) -> Parsed<'a, (u128, Option<u128>)> {
    let unknown = |at: &'a str| {
        Fault::new(
            at,
            format!("{at}: unknown flag: expected one of {}", names.list()),
        )
    };
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let (value, mask) = match text.split_once('/') {
            Some((value, mask)) => (value, Some(mask)),
            None => (text, None),
        };
        let known = |bits: &u128| bits & !u128::from(names.named()) == 0;
        let number = |t: &'a str| integer(t).filter(known).ok_or_else(|| unknown(t));
        return Ok((number(value)?, mask.map(number).transpose()?));
    }
    let (mut value, mut mask) = (0u128, 0u128);
    if text.starts_with(['+', '-']) {
        let mut rest = text;
        while let Some(sign) = rest.chars().next() {
            if !matches!(sign, '+' | '-') {
                return Err(unknown(rest));
            }
            let body = rest.split_at(1).1;
            let (name, tail) = body.split_at(body.find(['+', '-']).unwrap_or(body.len()));
            let bit = u128::from(names.bit(name).ok_or_else(|| unknown(name))?);
            if mask & bit != 0 {
                return Err(Fault::new(name, format!("{name}: flag is given twice")));
            }
            mask |= bit;
            if sign == '+' {
                value |= bit;
            }
            rest = tail;
        }
        return Ok((value, Some(mask)));
    }
    for name in text.split('|') {
        value |= u128::from(names.bit(name).ok_or_else(|| unknown(name))?);
    }
    Ok((value, None))
}

/// `(namespace,type)`.
pub(crate) fn packet_type<'a>(text: &'a str) -> Parsed<'a, u128> {
    let wrong = || {
        Fault::new(
            text,
            format!("{text}: not a valid packet type: expected (namespace,type)"),
        )
    };
    let inner = text
        .strip_prefix('(')
        .and_then(|t| t.strip_suffix(')'))
        .ok_or_else(wrong)?;
    let (ns, kind) = inner.split_once(',').ok_or_else(wrong)?;
    let part = |t: &str| integer(t.trim()).filter(|v| *v <= 0xffff).ok_or_else(wrong);
    Ok(part(ns)? << 16 | part(kind)?)
}

/// Big-endian bytes of a number of any length, for tunnel metadata.
pub(crate) fn wide_number<'a>(text: &'a str) -> Parsed<'a, Vec<u8>> {
    let wrong = || {
        Fault::new(
            text,
            format!("{text}: expected a number of at most 124 bytes"),
        )
    };
    let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) else {
        let value = integer(text).ok_or_else(wrong)?.to_be_bytes();
        let skip = value
            .iter()
            .take_while(|b| **b == 0)
            .count()
            .min(value.len() - 1);
        return Ok(value.split_at(skip).1.to_vec());
    };
    if digits.len() > 248 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let nibbles: Vec<u8> = digits
        .chars()
        .filter_map(|c| c.to_digit(16))
        .filter_map(|d| u8::try_from(d).ok())
        .collect();
    let odd = nibbles.len() % 2;
    let (first, rest) = nibbles.split_at(odd);
    let pairs = rest
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |acc, n| acc << 4 | n));
    Ok(first.iter().copied().chain(pairs).collect())
}

/// Adds `field=value` to a match.
pub(crate) fn match_field<'a>(
    matches: &mut Match,
    pair: &KeyValue<'a>,
    names: &Names,
) -> Parsed<'a, ()> {
    let (key, text) = (pair.key, pair.value);
    if key.ends_with(']') {
        let part = subfield(key)?;
        let value =
            integer(text).ok_or_else(|| Fault::new(text, format!("{text}: expected a number")))?;
        if value & !crate::field::low_bits(part.bits) != 0 {
            return Err(Fault::new(
                text,
                format!("{text}: value does not fit the {} bits of {key}", part.bits),
            ));
        }
        let old = matches
            .get(part.field)
            .map_or((0, 0), |f| (f.value, f.mask));
        let shifted = value.checked_shl(u32::from(part.offset)).unwrap_or(0);
        matches.set(
            part.field,
            old.0 & !part.mask() | shifted,
            old.1 | part.mask(),
        );
        return Ok(());
    }
    if key == "oxm" {
        return super::unknown::match_field(matches, text);
    }
    let named = named_in_match(key).ok_or_else(|| {
        Fault::new(
            key,
            format!("unknown keyword {key}: expected a field or a property of a flow"),
        )
    })?;
    field(matches, named, pair, names)
}

/// Adds `field=value` to a match, of the field that the key names.
pub(super) fn field<'a>(
    matches: &mut Match,
    field: Field,
    pair: &KeyValue<'a>,
    names: &Names,
) -> Parsed<'a, ()> {
    let (key, text) = (pair.key, pair.value);
    if field.is_tun_metadata() {
        return tun_metadata(matches, field, text);
    }
    if let Some(number) = plain(field, text) {
        matches.set_number(field, number);
        return Ok(());
    }
    // As Open vSwitch has it, no value asks for no bit of the field.
    let found = masked(field, if text.is_empty() { "0/0" } else { text }, names)
        .map_err(|fault| if text.is_empty() { missing(key) } else { fault })?;
    if field == Field::DlVlan && found.value == 0xffff {
        // OpenFlow 1.0's way to say: without a VLAN tag.
        matches.set(Field::VlanTci, 0, u128::MAX);
    } else {
        matches.set(
            field,
            found.value,
            if field == Field::NwTos {
                found.mask & 0xfc
            } else {
                found.mask
            },
        );
    }
    Ok(())
}

#[cold]
fn missing(key: &str) -> Fault<'_> {
    Fault::new(key, format!("field {key} missing value"))
}

/// Fields that a match may name: those have other names there than on the wire, and no capitals.
#[inline]
pub(crate) fn named_in_match(key: &str) -> Option<Field> {
    match key {
        "gtpu_flags" => Some(Field::TunGtpuFlags),
        "gtpu_msgtype" => Some(Field::TunGtpuMsgtype),
        _ => plainly_named(key),
    }
}

/// The field with this name or alias; the names on the wire are for parts of fields.
pub(crate) fn plainly_named(name: &str) -> Option<Field> {
    Field::from_plain_name(name)
}

fn tun_metadata<'a>(matches: &mut Match, field: Field, text: &'a str) -> Parsed<'a, ()> {
    let (value, mask) = match cut(text, b'/') {
        Some((value, mask)) => (value, Some(mask)),
        None => (text, None),
    };
    let only_presence = text.is_empty() || text == "*";
    let bytes = match only_presence {
        true => Vec::new(),
        false => significant(value)?,
    };
    if matches.get(field).is_some() {
        return Err(Fault::new(
            text,
            format!("field {field} set multiple times"),
        ));
    }
    if only_presence {
        matches.set_wide(field, &[], Some(&[]));
        return Ok(());
    }
    match mask {
        None => matches.set_wide(field, &bytes, None),
        Some(mask) => {
            let (bytes, mask) = same_length(bytes, significant(mask)?);
            matches.set_wide(field, &bytes, Some(&mask));
        }
    }
    Ok(())
}

/// Reads a number of any length, without its leading zeros: the length of a tunnel option is that of its number.
pub(crate) fn significant<'a>(text: &'a str) -> Parsed<'a, Vec<u8>> {
    let bytes = wide_number(text)?;
    Ok(bytes.into_iter().skip_while(|b| *b == 0).collect())
}

/// Two numbers with as many bytes as the longer one.
pub(crate) fn same_length(mut a: Vec<u8>, mut b: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let len = a.len().max(b.len());
    a.splice(0..0, std::iter::repeat_n(0, len - a.len()));
    b.splice(0..0, std::iter::repeat_n(0, len - b.len()));
    (a, b)
}

/// A part whose place and width are one 16-bit number in the message: it has at most 64 bits.
pub(crate) fn short_subfield<'a>(text: &'a str) -> Parsed<'a, Subfield> {
    let part = subfield(text)?;
    if part.bits > 64 {
        return Err(Fault::new(
            text,
            format!("{text}: this has {} bits: expected at most 64", part.bits),
        ));
    }
    Ok(part)
}

/// A part of a field that the older actions can name: those that came later need longer headers.
pub(crate) fn old_subfield<'a>(text: &'a str) -> Parsed<'a, Subfield> {
    let part = subfield(text)?;
    old_field(part.field, text)?;
    Ok(part)
}

/// Refuses fields that the older actions can not name.
pub(crate) fn old_field<'a>(field: Field, at: &'a str) -> Parsed<'a, ()> {
    if crate::ofpkt::has_short_header(field) {
        return Ok(());
    }
    Err(Fault::new(
        at,
        format!("{field}: this action can not name the field: it has no short header"),
    ))
}

/// `field[a..b]`, `field[a]`, `field[]`, or `field`.
pub(crate) fn subfield<'a>(text: &'a str) -> Parsed<'a, Subfield> {
    let text = text.trim_ascii();
    if let Some(field) = text.strip_suffix("[]").and_then(Field::from_name)
        && !field.info().wire.is_empty()
    {
        return Ok(Subfield::whole(field));
    }
    let (name, bits) = match cut(text, b'[') {
        Some((name, rest)) => {
            let bits = rest.strip_suffix(']');
            (
                name,
                Some(bits.ok_or_else(|| {
                    Fault::new(text, format!("{text}: missing ] of a bit range"))
                })?),
            )
        }
        None => (text, None),
    };
    let field =
        Field::from_name(name).ok_or_else(|| Fault::new(text, format!("{name}: unknown field")))?;
    if field.info().wire.is_empty() {
        return Err(Fault::new(
            text,
            format!("{name}: actions can not name this field: it has no number in messages"),
        ));
    }
    let Some(bits) = bits.filter(|b| !b.is_empty()) else {
        return Ok(Subfield::whole(field));
    };
    let (first, last) = bits.split_once("..").unwrap_or((bits, bits));
    let number = |t: &'a str| {
        t.parse::<u16>().map_err(|_| {
            Fault::new(
                t,
                format!("{t}: expected the number of a bit, as in {name}[0..3]"),
            )
        })
    };
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(Fault::new(
            bits,
            format!("{text}: starting bit {first} is after ending bit {last}"),
        ));
    }
    if last >= field.bits() {
        return Err(Fault::new(
            bits,
            format!(
                "{text}: bits {first} to {last} are not bits of the {} of {name}",
                field.bits()
            ),
        ));
    }
    Ok(Subfield::part(field, first, last - first + 1))
}
