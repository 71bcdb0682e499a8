//! The northbound database as people and agents use it: the commands of `heddle` and the library's own functions,
//! against a real ovsdb-server of the test's own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod apply;
mod concurrency;
mod database;
mod foreign;
mod mirror;
mod server;
mod sites;
mod wait;
