//! One change of a bridge's flows, and what is said of one that is refused.

use std::collections::BTreeMap;
use std::fmt;

use flows::Flow;

use crate::compile::{BridgeFlows, Cookie, Entry, SharedFlow, Unit};
use crate::model::Site;

/// One change of a bridge's flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowMod {
    /// Add, in place of the flow with the same table, priority and match if there is one.
    Add(SharedFlow),
    /// Delete just this flow.
    Delete(SharedFlow),
    /// Delete what the switch has learned with this cookie.
    Forget(Cookie),
}

/// A change that was not made, by itself or by the switch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} for {change}")]
pub struct Refused {
    /// The change.
    pub change: FlowMod,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for FlowMod {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(flow) => write!(out, "the flow with {}", place(flow)),
            Self::Delete(flow) => write!(out, "the deletion of the flow with {}", place(flow)),
            Self::Forget(cookie) => write!(out, "the deletion of learned flows, {cookie:?}"),
        }
    }
}

/// Where a flow is, which is short also when the flow is not.
fn place(flow: &Flow) -> String {
    let (table, priority, cookie) = (flow.table, flow.priority, flow.cookie);
    format!(
        "table={table},priority={priority},{} cookie={cookie:#x}",
        flow.matches
    )
}

/// Says of each object which of its flows are set aside on a bridge, and why.
pub(super) fn tell_refused<'a>(
    bridge: &str,
    want: &BridgeFlows,
    set_aside: impl Iterator<Item = (&'a Entry, &'a str)>,
    site: &Site,
    problems: &mut BTreeMap<String, String>,
) {
    let mut of: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for (entry, reason) in set_aside {
        let name = match want.get(entry).map(|(_, unit)| unit) {
            Some(Unit::Network(id)) => site.networks.get(&id).map(|it| it.name.clone()),
            Some(Unit::Port(id)) => site.ports.get(&id).map(|it| it.name.clone()),
            Some(Unit::Host(id)) => site.hosts.get(&id).map(|it| it.name.clone()),
            Some(Unit::Base) | None => None,
        };
        let about = name.unwrap_or_else(|| bridge.to_owned());
        let flow = place(entry.flow());
        let told = of.entry(about);
        let told = told.or_insert_with(|| (format!("{bridge}, {flow}: {reason}"), 0));
        told.1 += 1;
    }
    for (about, (mut message, count)) in of {
        if count > 1 {
            message += &format!(", and {} more", count - 1);
        }
        let known = problems.entry(about).or_default();
        if known.is_empty() {
            *known = format!("not as it shall be, for a flow was refused: {message}");
        } else {
            *known += &format!("; a flow was refused: {message}");
        }
    }
}
