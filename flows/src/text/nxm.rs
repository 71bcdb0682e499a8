//! OXM and NXM entries as text, `NXM_OF_ETH_TYPE(0800), NXM_NX_REG0_W(00000005/0000000f)`, both ways.

use super::parse::ParseError;
use crate::field::{Field, WireId};
use crate::text::number::hex_digits;

/// Writes entries; `<any>` for none. What has no name is written with its head in hexadecimal.
#[must_use]
pub fn format_entries(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = bytes;
    while let Some((&[c1, c2, kind, len], tail)) = rest.split_first_chunk::<4>() {
        let class = u16::from_be_bytes([c1, c2]);
        let (experimenter, body_at) = match tail.first_chunk::<4>() {
            Some(id) if class == 0xffff => (Some(u32::from_be_bytes(*id)), 4),
            _ => (None, 0),
        };
        let Some((payload, next)) = tail.split_at_checked(usize::from(len)) else {
            break;
        };
        let payload = payload.get(body_at..).unwrap_or_default();
        if !out.is_empty() {
            out.push_str(", ");
        }
        let masked = kind & 1 == 1;
        let field = Field::from_wire(class, kind >> 1, experimenter);
        match field.and_then(|f| {
            f.info()
                .wire
                .iter()
                .find(|id| is(id, class, kind >> 1, experimenter))
        }) {
            // The number of mpls_ttl with eight bytes is the cookie.
            Some(id) if !(class == 1 && id.number == 30 && payload.len() >= 8) => {
                out.push_str(id.name)
            }
            Some(_) => out.push_str("NXM_NX_COOKIE"),
            None => {
                for byte in [c1, c2, kind, len] {
                    hex_digits(&mut out, u128::from(byte), 2);
                }
            }
        }
        if masked && field.is_some() {
            out.push_str("_W");
        }
        out.push('(');
        let (value, mask) = payload.split_at(if masked {
            payload.len() / 2
        } else {
            payload.len()
        });
        digits(&mut out, value);
        if masked {
            out.push('/');
            digits(&mut out, mask);
        }
        out.push(')');
        rest = next;
    }
    if out.is_empty() {
        out.push_str("<any>");
    }
    out
}

fn is(id: &WireId, class: u16, number: u8, experimenter: Option<u32>) -> bool {
    id.class.numbers() == (class, experimenter) && id.number == number
}

fn digits(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        hex_digits(out, u128::from(*byte), 2);
    }
}

/// Reads entries into bytes; `<any>` is none of them.
///
/// # Errors
/// If a name is not known or a value is not hexadecimal: where and why.
pub fn parse_entries(text: &str) -> Result<Vec<u8>, ParseError> {
    let mut out = Vec::new();
    let mut at = 0;
    for piece in text.split_inclusive(')') {
        let start = at;
        at += piece.len();
        let entry = piece.trim_matches([',', ' ', '\t', '\n', '\r']);
        if entry.is_empty() || entry == "<any>" {
            continue;
        }
        let wrong = |what: &str| ParseError {
            column: start + 1,
            what: format!("{entry}: {what}"),
        };
        let (name, values) = entry
            .split_once('(')
            .ok_or_else(|| wrong("expected NAME(VALUE) or NAME(VALUE/MASK)"))?;
        let values = values.strip_suffix(')').ok_or_else(|| wrong("missing )"))?;
        let (value, mask) = values
            .split_once('/')
            .map_or((values, None), |(v, m)| (v, Some(m)));
        let bytes = |text: &str| unhex(text).ok_or_else(|| wrong("expected hexadecimal digits"));
        let value = bytes(value)?;
        let mask = mask.map(bytes).transpose()?;
        put_head(&mut out, name, &value, mask.as_deref()).ok_or_else(|| wrong("unknown field"))?;
        out.extend_from_slice(&value);
        out.extend(mask.unwrap_or_default());
    }
    Ok(out)
}

fn put_head(out: &mut Vec<u8>, name: &str, value: &[u8], mask: Option<&[u8]>) -> Option<()> {
    if let Some(raw) = unhex(name).filter(|raw| matches!(raw.len(), 4 | 8)) {
        out.extend_from_slice(&raw);
        return Some(());
    }
    let masked = mask.is_some();
    let plain = if masked {
        name.strip_suffix("_W").unwrap_or(name)
    } else {
        name
    };
    let length = value.len() + mask.map_or(0, <[u8]>::len);
    if plain == "NXM_NX_COOKIE" {
        out.extend([0, 1, 30 << 1 | u8::from(masked), u8::try_from(length).ok()?]);
        return Some(());
    }
    let field = Field::from_name(plain)?;
    let id = field.info().wire.iter().find(|id| id.name == plain)?;
    let (class, experimenter) = id.class.numbers();
    let length = length + if experimenter.is_some() { 4 } else { 0 };
    out.extend(class.to_be_bytes());
    out.extend([
        id.number << 1 | u8::from(masked),
        u8::try_from(length).ok()?,
    ]);
    if let Some(experimenter) = experimenter {
        out.extend(experimenter.to_be_bytes());
    }
    Some(())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let nibbles: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .filter_map(|d| u8::try_from(d).ok())
        .collect();
    Some(
        nibbles
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |acc, n| acc << 4 | n))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Version;
    use crate::ofpkt::pieces::{decode_entries, encode_entries};

    /// What Open vSwitch makes of these, by `ovs-ofctl --strict parse-oxm OpenFlow15`.
    #[test]
    fn fields_of_ethernet_frames_ask_for_them() {
        let read = |text: &str| {
            let bytes = parse_entries(text).unwrap();
            match decode_entries(&bytes, true) {
                Ok(matches) => format_entries(&encode_entries(&matches, Version::V15)),
                Err(error) => error.error.to_string(),
            }
        };
        let ethernet = "OXM_OF_PACKET_TYPE(00000000)";
        for (text, told) in [
            ("OXM_OF_VLAN_VID_W(0000/0000)", ethernet),
            ("OXM_OF_ETH_SRC_W(000000000000/000000000000)", ethernet),
            (
                "OXM_OF_ETH_SRC_W(000000000000/000000000000), OXM_OF_ETH_TYPE(0800)",
                "OXM_OF_ETH_TYPE(0800)",
            ),
            (ethernet, ethernet),
            (
                "OXM_OF_PACKET_TYPE(00000000), OXM_OF_VLAN_VID(0000)",
                "OXM_OF_VLAN_VID(0000)",
            ),
            (
                "OXM_OF_PACKET_TYPE(00000000), OXM_OF_VLAN_VID_W(0000/0000)",
                ethernet,
            ),
            (
                "OXM_OF_PACKET_TYPE(00000000), OXM_OF_ETH_TYPE(0800), OXM_OF_IPV4_SRC(01020304)",
                "OXM_OF_ETH_TYPE(0800), OXM_OF_IPV4_SRC(01020304)",
            ),
            (
                "OXM_OF_PACKET_TYPE(00010800), OXM_OF_VLAN_VID_W(0000/0000)",
                "OFPBMC_BAD_PREREQ",
            ),
            (
                "OXM_OF_ETH_SRC(010203040506), OXM_OF_PACKET_TYPE(00000000)",
                "OFPBMC_DUP_FIELD",
            ),
            (
                "OXM_OF_VLAN_VID_W(0000/0000), OXM_OF_PACKET_TYPE(00010800)",
                "OFPBMC_DUP_FIELD",
            ),
            (
                "OXM_OF_PACKET_TYPE(00000000), OXM_OF_PACKET_TYPE(00000000)",
                "OFPBMC_DUP_FIELD",
            ),
        ] {
            assert_eq!(read(text), told, "{text}");
        }
    }
}
