//! The flow language: the syntax of ovs-ofctl(8), both ways.
//!
//! `Display` of [`Flow`](crate::Flow), [`Match`](crate::Match) and [`Action`](crate::Action) writes what `ovs-ofctl`
//! writes.

pub(crate) mod flags;
pub(crate) mod number;
pub(crate) mod print;

pub use print::Names;
