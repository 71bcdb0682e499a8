//! Reading which tunnel option is which field: what `ovs-ofctl add-tlv-map` takes (ovs-ofctl(8), "OpenFlow Switch Tunnel
//! TLV Table Commands").

use super::{Fault, ParseError, Parsed, value};
use crate::ofpkt::TlvMap;

/// Reads `{class=N,type=N,len=N}->tun_metadataN`, several with commas between.
///
/// # Errors
/// If the text is not that: where and why.
pub fn parse_tlv_maps(text: &str) -> Result<Vec<TlvMap>, ParseError> {
    let mut rest = text.trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let next = map(rest).map_err(|fault| fault.placed(text))?;
        found.push(next.0);
        rest = next.1.strip_prefix(',').unwrap_or(next.1).trim_start();
    }
    Ok(found)
}

/// The first option, and what follows it.
fn map(text: &str) -> Parsed<'_, (TlvMap, &str)> {
    let wrong = |at| {
        Fault::new(
            at,
            "invalid tlv mapping: expected {class=N,type=N,len=N}->tun_metadataN",
        )
    };
    let inner = text.strip_prefix('{').ok_or_else(|| wrong(text))?;
    let (option, target) = inner.split_once("}->").ok_or_else(|| wrong(inner))?;
    let mut parts = option.split(',');
    let mut number = |name: &str| {
        let part = parts.next().ok_or_else(|| wrong(option))?;
        match part.trim().split_once('=') {
            Some((key, value)) if key.trim() == name => Ok(value.trim()),
            _ => Err(wrong(part)),
        }
    };
    let class = value::u16(number("class")?, "class")?;
    let kind = value::u8(number("type")?, "type")?;
    let len = value::u8(number("len")?, "len")?;
    if parts.next().is_some() {
        return Err(wrong(option));
    }
    let digits = target
        .strip_prefix("tun_metadata")
        .ok_or_else(|| wrong(target))?;
    let end = digits
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    let index = value::u16(digits, "tun_metadata")?;
    let map = TlvMap {
        class,
        kind,
        len,
        index,
    };
    Ok((map, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let maps = parse_tlv_maps(
            "{class=0xffff,type=0,len=4}->tun_metadata0,{class=1,type=0x80,len=124}->tun_metadata63",
        )
        .unwrap();
        assert_eq!(maps.len(), 2);
        assert_eq!((maps[1].class, maps[1].kind), (1, 0x80));
        assert_eq!((maps[1].len, maps[1].index), (124, 63));
        assert_eq!(parse_tlv_maps(""), Ok(vec![]));
        for (text, column) in [
            ("class=1", 1),
            ("{class=1,type=1,len=4}", 2),
            ("{class=1,typ=1,len=4}->tun_metadata0", 10),
            ("{class=1,type=256,len=4}->tun_metadata0", 15),
            ("{class=1,type=1,len=4}->metadata0", 25),
            ("{class=1,type=1,len=4}->tun_metadata", 37),
        ] {
            assert_eq!(parse_tlv_maps(text).unwrap_err().column, column, "{text}");
        }
    }
}
