//! Reading packets to send: what `ovs-ofctl packet-out` takes (ovs-ofctl(8), "Packet-Out Syntax").

use super::token::Tokens;
use super::{Fault, ParseError, Parsed, actions, split_actions, value};
use crate::field::{Field, Slot};
use crate::ofpkt::PacketOut;
use crate::text::print::Names;
use crate::{Match, Port};

/// Reads `in_port=..., packet=HEX, actions=...` with fields of the pipeline (registers, metadata, tunnel fields).
///
/// # Errors
/// If the text is not that: where and why.
pub fn parse_packet_out(text: &str, names: &Names) -> Result<PacketOut, ParseError> {
    packet_out(text, names).map_err(|fault| fault.placed(text))
}

fn packet_out<'a>(text: &'a str, names: &Names) -> Parsed<'a, PacketOut> {
    let (fields, acts) = split_actions(text);
    let mut metadata = Match::new().with(Field::InPortOxm, Port::CONTROLLER);
    let mut data = Vec::new();
    let mut tokens = Tokens::new(fields);
    while let Some(pair) = tokens.next() {
        if pair.value.is_empty() {
            return Err(Fault::new(
                pair.key,
                format!("field {} missing value", pair.key),
            ));
        }
        match pair.key {
            "in_port" => {
                let port = value::port(pair.value, names)?;
                let fine =
                    port < Port::MAX || matches!(port, Port::LOCAL | Port::ANY | Port::CONTROLLER);
                if !fine {
                    let what =
                        format!("{} is not a valid OpenFlow port for PACKET_OUT", pair.value);
                    return Err(Fault::new(pair.value, what));
                }
                metadata.set(Field::InPortOxm, u128::from(port.0), u128::MAX);
            }
            "packet" => data = packet(pair.value)?,
            "packet_type" => {
                let kind = packet_type(pair.value)?;
                metadata.set(Field::PacketType, kind, u128::MAX);
            }
            key => {
                let field = Field::from_name(key)
                    .ok_or_else(|| Fault::new(key, format!("unknown keyword {key}: expected in_port, packet, a field of the pipeline or actions")))?;
                if !of_pipeline(field) {
                    let what = format!("{key} is not a valid pipeline field for PACKET_OUT");
                    return Err(Fault::new(key, what));
                }
                value::match_field(&mut metadata, &pair, names)?;
            }
        }
    }
    if data.is_empty() {
        return Err(Fault::new(
            fields,
            "must specify packet: expected packet=HEX",
        ));
    }
    Ok(PacketOut {
        buffer_id: crate::ofpkt::NO_BUFFER,
        metadata,
        actions: acts.map_or(Ok(Vec::new()), |acts| actions::list(acts, names, 0))?,
        data,
    })
}

/// True for what belongs to a packet's way, not to the packet (OpenFlow 1.5.1, 7.2.3.9).
fn of_pipeline(field: Field) -> bool {
    let name = field.name();
    let starts = ["tun_", "reg", "xreg", "xxreg", "tunnel"];
    matches!(field.info().slot, Slot::InPort | Slot::Metadata)
        || starts.iter().any(|start| name.starts_with(start))
}

/// Namespace and type, with parentheses around them or without (`packet_type(0,0)` has lost them).
fn packet_type(text: &str) -> Parsed<'_, u128> {
    let inner = text.strip_prefix('(').unwrap_or(text);
    let inner = inner.strip_suffix(')').unwrap_or(inner);
    let (space, kind) = inner.split_once(',').ok_or_else(|| {
        let what = format!("packet_type({text}) can't be interpreted: expected (namespace,type)");
        Fault::new(text, what)
    })?;
    let space = value::u16(space.trim(), "namespace")?;
    let kind = value::u16(kind.trim(), "type")?;
    Ok(u128::from(space) << 16 | u128::from(kind))
}

/// The bytes of a packet: hexadecimal, white space where one likes.
fn packet(text: &str) -> Parsed<'_, Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits
        .filter(|digits| digits.len().is_multiple_of(2))
        .ok_or_else(|| {
            Fault::new(
                text,
                "packet: Trailing garbage in packet data: expected pairs of hexadecimal digits",
            )
        })?;
    if digits.len() < 28 {
        return Err(Fault::new(
            text,
            "packet: Packet data too short for Ethernet: expected 14 bytes or more",
        ));
    }
    Ok(digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Action;

    #[test]
    fn packets_to_send() {
        for text in ["packet_type(1,0x800)", "packet_type=(1,0x800)"] {
            let text = format!("{text},packet=0001020304050010203040501234");
            let packet = parse_packet_out(&text, &Names::default()).unwrap();
            let kind = packet.metadata.get(Field::PacketType).unwrap().value;
            assert_eq!(kind, 0x1_0800);
        }
        let text = "in_port=controller packet=0001020304050010203040501234 metadata=0xa,reg0=1,actions=2,3";
        let packet = parse_packet_out(text, &Names::default()).unwrap();
        assert_eq!(packet.in_port(), Port::CONTROLLER);
        assert_eq!(packet.data.len(), 14);
        assert_eq!(
            packet.actions,
            [Action::output(Port(2)), Action::output(Port(3))]
        );
        assert_eq!(packet.metadata.get(Field::Metadata).unwrap().value, 10);
        for (text, column, what) in [
            ("in_port=1,actions=2", 1, "must specify packet"),
            (
                "in_port=flood,packet=00",
                9,
                "not a valid OpenFlow port for",
            ),
            ("packet=00", 8, "too short"),
            ("packet=0x", 8, "pairs of hexadecimal digits"),
            ("ip_dst=1.2.3.4,packet=00", 1, "pipeline field"),
            ("colour=1", 1, "unknown keyword colour"),
            ("packet", 1, "missing value"),
        ] {
            let error = parse_packet_out(text, &Names::default()).unwrap_err();
            assert!(error.what.contains(what), "{text}: {error}");
            assert_eq!(error.column, column, "{text}: {error}");
        }
    }
}
