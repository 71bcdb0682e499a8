//! Which versions have words for a flow.

use super::packet::is_on_the_wire;
use crate::ofpkt::{FlowMod, fits_v11, needs_newer_form};
use crate::{Action, Flow, FlowFlags, Version};

/// Checks that a version has words for all of a change, filters included.
pub(crate) fn change_sayable(change: &FlowMod, version: Version) -> Result<(), String> {
    if version == Version::V10 && change.out_group != crate::ofpkt::ANY_GROUP {
        return refuse(&"out_group", version);
    }
    sayable(&change.flow, version)
}

/// Checks that a version has words for a flow.
pub(crate) fn sayable(flow: &Flow, version: Version) -> Result<(), String> {
    let what = &flow.instructions;
    for (flag, first, name) in [
        (FlowFlags::RESET_COUNTS, Version::V12, "reset_counts"),
        (FlowFlags::NO_PKT_COUNTS, Version::V13, "no_packet_counts"),
        (FlowFlags::NO_BYT_COUNTS, Version::V13, "no_byte_counts"),
    ] {
        if flow.flags.contains(flag) && version < first {
            return refuse(&name, version);
        }
    }
    if what.meter.is_some() && version < Version::V13 {
        return refuse(&"a meter", version);
    }
    if version == Version::V10 && (what.clear || what.write.is_some()) {
        return refuse(&"an action set", version);
    }
    if version == Version::V11 && !fits_v11(&flow.matches) {
        return refuse(&"the match", version);
    }
    if let Some(field) = flow.matches.iter().find(|f| !is_written(f.field)) {
        return refuse(&field.field, version);
    }
    let write = what.write.as_deref().unwrap_or_default();
    let mut all = what.apply.iter().chain(write);
    match all.find(|action| is_too_new(action, version)) {
        Some(action) => refuse(action, version),
        None => Ok(()),
    }
}

/// True if a match of the field goes into messages under this or another name.
fn is_written(field: crate::Field) -> bool {
    is_on_the_wire(field) || field != crate::Field::SkbPriority
}

fn refuse(thing: &dyn std::fmt::Display, version: Version) -> Result<(), String> {
    Err(format!("{thing} can not be said in {version}"))
}

fn is_too_new(action: &Action, version: Version) -> bool {
    match action {
        Action::PushVlan(_) => version < Version::V11,
        Action::Encap(_) | Action::Decap(_) | Action::DecNshTtl => version < Version::V13,
        Action::Meter(_) => version < Version::V15,
        Action::SetField(_) => version == Version::V11 && needs_newer_form(action, version),
        Action::Clone(inner) => inner.iter().any(|action| is_too_new(action, version)),
        Action::Ct(ct) => ct.actions.iter().any(|action| is_too_new(action, version)),
        _ => false,
    }
}
