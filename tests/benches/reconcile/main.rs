//! `cargo lab bench reconcile`: 100,000 flows of a large host into a real switch and out of it again, what a plug takes from the
//! switch's database to the flows, and what the agent needs for all that. One JSON object a figure on standard output, each
//! beside a limit, or what Open vSwitch itself or its own tools do in the same run; what is done goes to standard error.
//! `cargo lab bench reconcile push|pauses|right|plug|repairs|memory|idle` runs a part.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a bench fails as a test does"
)]

#[path = "../figures/mod.rs"]
mod figures;
mod host;
mod idle;
#[path = "../large/mod.rs"]
mod large;
mod northbound;
mod pauses;
mod plug;
mod probes;
mod push;
mod repairs;
mod right;

use figures::Bench;
use host::Rig;

const BENCH: Bench = Bench("reconcile");

fn main() {
    // Cargo passes --bench.
    let parts: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let known = [
        "push", "pauses", "right", "plug", "repairs", "memory", "idle",
    ];
    if let Some(unknown) = parts.iter().find(|part| !known.contains(&part.as_str())) {
        panic!("there is no part {unknown:?}, only {}", known.join(", "));
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|it| it == part);
    if ["push", "right", "pauses"].into_iter().any(wanted) {
        let rig = Rig::start();
        if wanted("push") {
            push::run_all(&rig);
        }
        if wanted("right") {
            right::run_all(&rig);
        }
        // Last: its ports make the switch slower.
        if wanted("pauses") {
            pauses::run_all(&rig);
        }
    }
    if wanted("plug") {
        plug::run_all();
    }
    if wanted("repairs") {
        repairs::run_all();
    }
    if wanted("memory") {
        idle::with_all_flows();
    }
    if wanted("idle") {
        idle::with_ten_ports();
    }
}
