//! Tests with servers: real ones of Open vSwitch, and ones that mean harm.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail as its body does"
)]

mod client;
mod cluster;
mod deviations;
mod hostile;
mod oracle;
mod property;
mod proxy;
mod server;
mod tls;
mod typed;
