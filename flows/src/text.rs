//! The flow language: the syntax of ovs-ofctl(8), both ways.
//!
//! `Display` of [`Flow`](crate::Flow), [`Match`](crate::Match) and [`Action`](crate::Action) writes what `ovs-ofctl`
//! writes.

mod check;
pub(crate) mod flags;
pub(crate) mod message;
pub(crate) mod number;
mod nxm;
pub(crate) mod parse;
pub(crate) mod print;

pub use message::{format_table_features, print_message};
pub use nxm::{format_entries, parse_entries};
pub use parse::{
    DumpError, ParseError, Warning, absent_fields, parse_flow, parse_flow_mod, parse_flow_monitor,
    parse_flow_named, parse_flow_stats, parse_group, parse_group_dump, parse_group_features,
    parse_group_mod, parse_group_stats, parse_group_stats_dump, parse_instructions, parse_match,
    parse_meter_dump, parse_meter_features, parse_meter_mod, parse_meter_stats_dump,
    parse_packet_out, parse_table_features_dump, parse_tlv_maps,
};
pub use print::Names;

/// Cuts `a=b,c(d),e` into keys and values as Open vSwitch does; a key without a value has an empty one.
#[must_use]
pub fn key_values(text: &str) -> Vec<(&str, &str)> {
    let mut tokens = parse::token::Tokens::new(text);
    std::iter::from_fn(move || tokens.next())
        .map(|pair| (pair.key, pair.value))
        .collect()
}

/// Checks that a version can say a flow (its match, flags and actions), and that the flow makes sense in it: from OpenFlow
/// 1.1 on an action that writes or removes a header needs a match of packets that have it (OpenFlow 1.5.1, 6.4). In OpenFlow
/// 1.0, which is taken with Nicira's extensions, such an action does nothing.
///
/// # Errors
/// What is wrong, in words.
pub fn check_for(flow: &crate::Flow, version: crate::Version) -> Result<(), String> {
    check::sayable(flow, version)?;
    check::flow(flow, None, version == crate::Version::V10).map_err(check::Misfit::what)
}

/// The same for a change of flows, whose filters must have words as well.
///
/// # Errors
/// What is wrong, in words.
pub fn check_change_for(
    change: &crate::ofpkt::FlowMod,
    version: crate::Version,
) -> Result<(), String> {
    check::change_sayable(change, version)?;
    check::flow(&change.flow, None, version == crate::Version::V10).map_err(check::Misfit::what)
}

/// Checks that a version has words for instructions, whatever they are for.
///
/// # Errors
/// What it has no words for.
pub fn check_sayable(
    instructions: &crate::Instructions,
    version: crate::Version,
) -> Result<(), String> {
    let flow = crate::Flow::default().doing(instructions.clone());
    check::sayable(&flow, version)
}
