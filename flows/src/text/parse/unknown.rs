//! What OpenFlow has that this crate does not know, in the words in which the printer writes it: `oxm(...)` in a match,
//! `unknown(...)` and `instruction(...)` among actions.

use super::actions::hex_bytes;
use super::token::Tokens;
use super::{Fault, Parsed, value};
use crate::{Action, Match, UnknownField};

/// Reads `class=0x1,field=119,value=0x0102,mask=0xff00`, with `experimenter=` in the class 0xffff. A field that is known
/// after all becomes that field.
pub(super) fn match_field<'a>(matches: &mut Match, text: &'a str) -> Parsed<'a, ()> {
    let (mut class, mut experimenter, mut number) = (None, None, None);
    let (mut bytes, mut mask) = (Vec::new(), None);
    let mut tokens = Tokens::new(text);
    while let Some(pair) = tokens.next() {
        match pair.key {
            "class" => class = Some(value::u16(pair.value, "class")?),
            "experimenter" => experimenter = Some(value::u32(pair.value)?),
            "field" => number = Some(value::u8(pair.value, "field")?),
            "value" => bytes = hexadecimal(pair.value)?,
            "mask" => mask = Some(hexadecimal(pair.value)?),
            key => {
                let what =
                    format!("{key}: expected class, experimenter, field, value or mask in oxm");
                return Err(Fault::new(key, what));
            }
        }
    }
    let (Some(class), Some(number)) = (class, number) else {
        return Err(Fault::new(text, "oxm needs a class and a field"));
    };
    let field = UnknownField {
        class,
        experimenter,
        number,
        value: &bytes,
        mask: mask.as_deref(),
    };
    let entry = field.to_entry().ok_or_else(|| {
        let what = "oxm needs a field below 128, a mask as long as its value, and an experimenter in the class 0xffff alone";
        Fault::new(text, what)
    })?;
    crate::ofpkt::add_entry(matches, &entry)
        .map_err(|error| Fault::new(text, format!("oxm: {}", error.error)))
}

fn hexadecimal<'a>(text: &'a str) -> Parsed<'a, Vec<u8>> {
    hex_bytes(text.strip_prefix("0x").unwrap_or(text))
}

/// Reads the bytes of a whole action, its head included.
pub(super) fn action<'a>(text: &'a str) -> Parsed<'a, Action> {
    Ok(Action::Unknown(framed(text, "an action")?.into()))
}

/// Reads the bytes of a whole instruction, its head included.
pub(super) fn instruction<'a>(text: &'a str) -> Parsed<'a, Vec<u8>> {
    framed(text, "an instruction")
}

/// Bytes that begin with a type and their own length.
fn framed<'a>(text: &'a str, what: &str) -> Parsed<'a, Vec<u8>> {
    let bytes = hex_bytes(text)?;
    let said = match bytes.as_slice() {
        [_, _, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    };
    if said == bytes.len() && said >= 8 && said.is_multiple_of(8) {
        Ok(bytes)
    } else {
        let wrong = format!(
            "not {what}: expected two bytes of type, two of length, and as many bytes in all, a multiple of 8"
        );
        Err(Fault::new(text, wrong))
    }
}
