//! The flow language: the syntax of ovs-ofctl(8), both ways.
//!
//! `Display` of [`Flow`](crate::Flow), [`Match`](crate::Match) and [`Action`](crate::Action) writes what `ovs-ofctl`
//! writes.

mod check;
pub(crate) mod flags;
pub(crate) mod number;
pub(crate) mod parse;
pub(crate) mod print;

pub use parse::{
    ParseError, parse_flow, parse_flow_mod, parse_flow_named, parse_flow_stats, parse_instructions, parse_match,
};
pub use print::Names;
