//! Whether actions make sense for the packets of a match: fields that a packet does not have can not be written. The rules
//! are those of OpenFlow 1.1 and up (OpenFlow 1.5.1, 6.4: "inconsistent match").

use crate::action::{Ct, LearnSource, LearnTarget};
use crate::field::{Field, Prerequisite};
use crate::matching::VLAN_CFI;
use crate::ofpkt::prerequisites_hold;
use crate::{Action, Flow, Instructions, Match, Subfield, Version};

/// Checks a flow; `table` is the table it is for, where that is said; `legacy` if what only OpenFlow 1.0 allows may pass.
pub(crate) fn flow(flow: &Flow, table: Option<u8>, legacy: bool) -> Result<(), String> {
    let mut packet = flow.matches.clone();
    actions(&flow.instructions.apply, &mut packet, legacy)?;
    conjunctions(&flow.instructions.apply)?;
    if let Some(write) = &flow.instructions.write {
        actions(write, &mut flow.matches.clone(), legacy)?;
    }
    if let (Some(goto), Some(table)) = (flow.instructions.goto_table, table)
        && table != 255
        && goto <= table
    {
        return Err(format!(
            "goto_table:{goto} from table {table}: packets can only go to later tables"
        ));
    }
    Ok(())
}

/// Checks that a version has words for all instructions.
pub(crate) fn sayable(what: &Instructions, version: Version) -> Result<(), String> {
    let refuse =
        |thing: &dyn std::fmt::Display| Err(format!("{thing} can not be said in {version}"));
    if what.meter.is_some() && version < Version::V13 {
        return refuse(&"a meter");
    }
    if version == Version::V10 && (what.clear || what.write.is_some()) {
        return refuse(&"an action set");
    }
    let write = what.write.as_deref().unwrap_or_default();
    match what
        .apply
        .iter()
        .chain(write)
        .find(|action| is_too_new(action, version))
    {
        Some(action) => refuse(action),
        None => Ok(()),
    }
}

fn is_too_new(action: &Action, version: Version) -> bool {
    match action {
        Action::PushVlan(_) => version < Version::V11,
        Action::Encap(_) | Action::Decap(_) | Action::DecNshTtl => version < Version::V13,
        Action::Meter(_) => version < Version::V15,
        Action::Clone(inner) => inner.iter().any(|action| is_too_new(action, version)),
        _ => false,
    }
}

fn conjunctions(actions: &[Action]) -> Result<(), String> {
    let conjunction = |a: &Action| matches!(a, Action::Conjunction { .. });
    let other = |a: &&Action| !matches!(a, Action::Conjunction { .. } | Action::Note(_));
    match actions.iter().find(other) {
        Some(action) if actions.iter().any(conjunction) => Err(format!(
            "\"conjunction\" actions may be used along with \"note\" but not any other kind of action such as {action}"
        )),
        _ => Ok(()),
    }
}

fn actions(list: &[Action], packet: &mut Match, legacy: bool) -> Result<(), String> {
    list.iter()
        .try_for_each(|action| one(action, packet, false, legacy))
}

/// What only OpenFlow 1.0 lets pass: its actions do nothing with packets that lack the field.
fn need_modern(ok: bool, what: &dyn std::fmt::Display, legacy: bool) -> Result<(), String> {
    need(ok || legacy, what)
}

fn need(ok: bool, what: &dyn std::fmt::Display) -> Result<(), String> {
    if ok {
        Ok(())
    } else {
        Err(format!(
            "actions are invalid with specified match: {what} needs a match of packets that have the field"
        ))
    }
}

fn readable(part: Subfield, packet: &Match) -> Result<(), String> {
    need(
        prerequisites_hold(packet, part.field.info().prerequisite),
        &part,
    )
}

fn is_tagged(packet: &Match) -> bool {
    packet
        .get(Field::VlanTci)
        .is_some_and(|f| f.value & f.mask & VLAN_CFI != 0)
}

fn one(action: &Action, packet: &mut Match, in_ct: bool, legacy: bool) -> Result<(), String> {
    let eth_type = packet.eth_type();
    let ipv4 = eth_type == Some(0x0800);
    let ip = matches!(eth_type, Some(0x0800 | 0x86dd));
    let mpls = matches!(eth_type, Some(0x8847 | 0x8848));
    match action {
        Action::SetField(set) => {
            let field = set.field();
            if crate::ofpkt::needs_ct(action) && !in_ct {
                return Err(format!("{action}: only possible inside ct(exec(...))"));
            }
            need(
                prerequisites_hold(packet, field.info().prerequisite),
                &action,
            )?;
            // A tag must be there for its id to be written.
            need(field != Field::VlanVid || is_tagged(packet), &action)
        }
        Action::Move { src, dst } | Action::CopyField { src, dst } => {
            readable(*src, packet)?;
            readable(*dst, packet)
        }
        Action::Push(part) | Action::Pop(part) | Action::OutputReg(part, _) => {
            readable(*part, packet)
        }
        Action::StripVlan | Action::PopVlan => {
            need_modern(is_tagged(packet), &action, legacy)?;
            packet.set(Field::VlanTci, 0, 0);
            Ok(())
        }
        Action::PushVlan(_) | Action::ModVlanVid(_) | Action::ModVlanPcp(_) => {
            if !is_tagged(packet) {
                packet.set(Field::VlanTci, VLAN_CFI, VLAN_CFI);
            }
            Ok(())
        }
        Action::SetVlanVid(_) | Action::SetVlanPcp(_) => {
            need_modern(is_tagged(packet), &action, legacy)
        }
        Action::ModNwSrc(_) | Action::ModNwDst(_) => need_modern(ipv4, &action, legacy),
        Action::ModNwTos(_) | Action::ModNwEcn(_) | Action::ModNwTtl(_) | Action::DecTtl(_) => {
            need_modern(ip, &action, legacy)
        }
        Action::ModTpSrc(_) | Action::ModTpDst(_) => need_modern(
            ip && matches!(packet.nw_proto(), Some(6 | 17 | 132)),
            &action,
            legacy,
        ),
        Action::PushMpls(kind) => {
            packet.set(Field::EthType, u128::from(*kind), u128::MAX);
            Ok(())
        }
        Action::PopMpls(kind) => {
            need_modern(mpls, &action, legacy)?;
            packet.set(Field::EthType, u128::from(*kind), u128::MAX);
            Ok(())
        }
        Action::SetMplsLabel(_)
        | Action::SetMplsTc(_)
        | Action::SetMplsTtl(_)
        | Action::DecMplsTtl => need_modern(mpls, &action, legacy),
        Action::FinTimeout(..) => need_modern(ip && packet.nw_proto() == Some(6), &action, legacy),
        Action::Resubmit { ct: true, .. } => {
            need(prerequisites_hold(packet, Prerequisite::Ct), &action)
        }
        Action::Ct(ct) => conntrack(ct, packet),
        Action::Clone(inner) => actions(inner, &mut packet.clone(), legacy),
        Action::Learn(learn) => {
            let mut learned = Match::new();
            for spec in &learn.specs {
                if let LearnSource::Field(src) = &spec.source {
                    readable(*src, packet)?;
                }
                match spec.target {
                    LearnTarget::Match(dst) => {
                        readable(dst, &learned)?;
                        if let LearnSource::Value { bytes, .. } = &spec.source {
                            let value =
                                bytes.iter().fold(0u128, |acc, &b| acc << 8 | u128::from(b));
                            let shifted = value.checked_shl(u32::from(dst.offset)).unwrap_or(0);
                            let old = learned.get(dst.field).map_or((0, 0), |f| (f.value, f.mask));
                            learned.set(dst.field, old.0 | shifted, old.1 | dst.mask());
                        }
                    }
                    LearnTarget::Load(dst) => readable(dst, &learned)?,
                    LearnTarget::Output => {}
                }
            }
            Ok(())
        }
        Action::Multipath(multipath) => readable(multipath.dst, packet),
        Action::Bundle(bundle) => bundle.dst.map_or(Ok(()), |dst| readable(dst, packet)),
        Action::CheckPktLarger(_, dst) => readable(*dst, packet),
        Action::DecNshTtl => need(packet.eth_type() == Some(0x894f), &action),
        Action::Encap(encap) => {
            let kind = encap.packet_type;
            if kind == 0 {
                // Ethernet: the packet's type becomes the Ethernet type.
                let inner = packet.eth_type();
                packet.set(Field::PacketType, 0, u128::MAX);
                if let Some(inner) = inner {
                    packet.set(Field::EthType, u128::from(inner), u128::MAX);
                }
            } else {
                *packet = Match::new().with(Field::PacketType, kind);
                if matches!(kind, 0x0001_8847 | 0x0001_8848) {
                    *packet = Match::new().with(Field::EthType, kind & 0xffff);
                }
            }
            Ok(())
        }
        Action::Decap(kind) => {
            *packet = Match::new();
            if let Some(kind) = kind {
                packet.set(Field::PacketType, u128::from(*kind), u128::MAX);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn conntrack(ct: &Ct, packet: &Match) -> Result<(), String> {
    let ip = matches!(packet.eth_type(), Some(0x0800 | 0x86dd));
    need(ip, &"ct")?;
    let proto = packet.nw_proto();
    need(ct.alg != 21 || proto == Some(6), &"ct(alg=ftp)")?;
    need(ct.alg != 69 || proto == Some(17), &"ct(alg=tftp)")?;
    if let crate::action::CtZone::Field(part) = ct.zone {
        readable(part, packet)?;
    }
    ct.actions
        .iter()
        .try_for_each(|action| one(action, &mut packet.clone(), true, false))
}
