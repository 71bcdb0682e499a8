//! Intent and this host's view of itself → the flows that this host must have. Pure: no switch, no clock.
//!
//! Each file compiles one kind of object; every flow's cookie names the object it serves. [`Engine`] keeps the flows of a
//! host and compiles anew only what a change concerns; [`pipeline`] names the tables.

pub mod pipeline;

mod base;
mod cookie;
mod engine;
mod entry;
mod host;
mod layout;
mod network;
mod owned;
mod port;
mod presence;
mod responder;
mod view;

use std::collections::BTreeMap;

use flows::{Action, Flow, Instructions, Match};

pub use cookie::{Cookie, Kind};
pub use engine::{Counters, Engine};
pub use entry::{Entry, EntryMap, EntrySet, SharedFlow};
pub use layout::{
    Layout, LeadsTo, PATCH_INT, PATCH_TUN, PortSpec, int_port, phy_port, tunnel_port,
};
pub use owned::{BridgeFlows, Unit};
pub use view::{HostView, Provider};

use pipeline::Table;

/// What one unit wants, by bridge.
#[derive(Clone, Debug, Default)]
struct HostFlows {
    /// Flows of `br-int`.
    integration: Vec<Flow>,
    /// Flows of `br-tun`.
    tunnel: Vec<Flow>,
    /// Flows that heddle adds to each provider bridge, by bridge name.
    providers: BTreeMap<String, Vec<Flow>>,
}

/// One flow that lives until it is deleted.
fn flow(
    table: Table,
    priority: u16,
    cookie: Cookie,
    matches: Match,
    instructions: Instructions,
) -> Flow {
    Flow::new(table.number, priority, matches)
        .doing(instructions)
        .cookie(cookie.raw())
}

/// Apply `actions`, and that is all.
fn apply(actions: Vec<Action>) -> Instructions {
    Instructions::new().apply(actions)
}

/// Apply `actions`, then go on in `table`.
fn apply_then(actions: Vec<Action>, table: Table) -> Instructions {
    let instructions = if actions.is_empty() {
        Instructions::new()
    } else {
        apply(actions)
    };
    instructions.goto(table.number)
}

/// Forget the packet.
fn drop_packet() -> Instructions {
    Instructions::default()
}

#[cfg(test)]
mod tests;
