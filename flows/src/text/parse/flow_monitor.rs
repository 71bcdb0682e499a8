//! Reading what a flow monitor is to tell: what follows `watch:` in `ovs-ofctl monitor` (ovs-ofctl(8), "OpenFlow Switch
//! Monitoring Commands").

use super::token::Tokens;
use super::{Fault, ParseError, Parsed, protocol, value};
use crate::ofpkt::{ALL_TABLES, ANY_GROUP, FlowMonitorRequest};
use crate::text::print::Names;
use crate::{Field, Match, Port, Version};

const INITIAL: u16 = 1;
const ADD: u16 = 2;
const REMOVED: u16 = 4;
const MODIFY: u16 = 8;
const INSTRUCTIONS: u16 = 16;

/// Reads a match with `table`, `out_port`, `out_group` and `!initial`, `!add`, `!delete`, `!modify`, `!actions`, `!own`; the
/// flags of the request are those of `version`.
///
/// # Errors
/// If the text is not that: where and why.
pub fn parse_flow_monitor(
    text: &str,
    version: Version,
    names: &Names,
) -> Result<FlowMonitorRequest, ParseError> {
    request(text, version, names).map_err(|fault| fault.placed(text))
}

fn request<'a>(text: &'a str, version: Version, names: &Names) -> Parsed<'a, FlowMonitorRequest> {
    // The changes that this controller makes itself: bit 5 before OpenFlow 1.4.
    let own = if version >= Version::V14 { 64 } else { 32 };
    let mut found = FlowMonitorRequest {
        id: 0,
        command: 0,
        flags: INITIAL | ADD | REMOVED | MODIFY | INSTRUCTIONS | own,
        out_port: Port::ANY,
        out_group: ANY_GROUP,
        table: ALL_TABLES,
        matches: Match::new(),
    };
    let mut tokens = Tokens::new(text);
    while let Some(pair) = tokens.next() {
        match pair.key {
            "!initial" => found.flags &= !INITIAL,
            "!add" => found.flags &= !ADD,
            "!delete" => found.flags &= !REMOVED,
            "!modify" => found.flags &= !MODIFY,
            "!actions" => found.flags &= !INSTRUCTIONS,
            "!own" => found.flags &= !own,
            // Abbreviations are never refused.
            "!abbrev" => {}
            "table" => found.table = value::table(pair.value, names)?,
            "out_port" => found.out_port = value::port(pair.value, names)?,
            "out_group" => found.out_group = value::u32(pair.value)?,
            key => match protocol(key) {
                Some((eth_type, proto)) => {
                    let matches = &mut found.matches;
                    matches.set(Field::EthType, u128::from(eth_type), u128::MAX);
                    if let Some(proto) = proto {
                        matches.set(Field::NwProto, u128::from(proto), u128::MAX);
                    }
                }
                None => value::match_field(&mut found.matches, &pair, names)?,
            },
        }
    }
    if found.flags & (ADD | REMOVED | MODIFY) == 0 {
        return Err(Fault::new(
            text,
            "a monitor of nothing: expected one of additions, deletions and changes",
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monitors_say_what_they_watch() {
        let read = |text| parse_flow_monitor(text, Version::V13, &Names::default());
        let all = read("").unwrap();
        assert_eq!((all.flags, all.table), (63, ALL_TABLES));
        let some = read("!initial,!own,table=3,out_port=2,tcp,in_port=1").unwrap();
        assert_eq!((some.flags, some.table, some.out_port), (30, 3, Port(2)));
        assert_eq!(some.matches.nw_proto(), Some(6));
        let modern = parse_flow_monitor("!own,out_group=7", Version::V15, &Names::default());
        let modern = modern.unwrap();
        assert_eq!((modern.flags, modern.out_group), (31, 7));
        assert_eq!(read("!add,!delete,!modify").unwrap_err().column, 1);
        assert_eq!(read("in_port=1,colour=2").unwrap_err().column, 11);
    }
}
