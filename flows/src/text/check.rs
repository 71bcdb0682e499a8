//! Whether actions make sense for the packets of a match: fields that a packet does not have can not be written. The rules
//! are those of OpenFlow 1.1 and up (OpenFlow 1.5.1, 6.4: "inconsistent match"), as Open vSwitch applies them.

mod forms;
mod packet;

pub(crate) use forms::{change_sayable, sayable};

use crate::action::{Bundle, Ct, LearnSource, LearnTarget};
use crate::field::{Field, Prerequisite};
use crate::matching::prerequisites_hold;
use crate::ofpkt::OfpError;
use crate::{Action, Flow, Instructions, Match, Port, Subfield};
use packet::Packet;
use std::net::IpAddr;

/// What is wrong with a flow: the error by which a switch refuses it, and in words. It has one word, so that results are small.
#[derive(Debug)]
pub(crate) struct Misfit(Box<(OfpError, String)>);

impl Misfit {
    #[cold]
    fn new(error: OfpError, what: String) -> Self {
        Self(Box::new((error, what)))
    }

    pub(crate) fn error(&self) -> OfpError {
        self.0.0
    }

    pub(crate) fn what(self) -> String {
        self.0.1
    }
}

type Checked = Result<(), Misfit>;

/// Checks a flow; `table` is the table it is for, where that is said; `legacy` if what only OpenFlow 1.0 allows may pass.
pub(crate) fn flow(flow: &Flow, table: Option<u8>, legacy: bool) -> Checked {
    let checked = check(flow, table, legacy);
    match &checked {
        // What no version allows is told before what only the older ones do.
        Err(misfit) if misfit.error() == OfpError::ACTION_MATCH_INCONSISTENT && !legacy => {
            check(flow, table, true).and(checked)
        }
        _ => checked,
    }
}

fn check(flow: &Flow, table: Option<u8>, legacy: bool) -> Checked {
    let mut packet = Packet::of(&flow.matches);
    if let Some(meter @ (0 | 0xffff_0001..)) = flow.instructions.meter {
        let what = format!("meter:{meter}: not a meter: expected 1 to 4294901760");
        return Err(Misfit::new(OfpError::METER_INVALID, what));
    }
    connections(&packet)?;
    actions(&flow.instructions.apply, &mut packet, legacy)?;
    conjunctions(&flow.instructions)?;
    if let Some(write) = &flow.instructions.write {
        // Only the first list decides what a version allows.
        actions(write, &mut packet, true)?;
    }
    if let (Some(goto), Some(table)) = (flow.instructions.goto_table, table)
        && table != 255
        && goto <= table
    {
        let what =
            format!("goto_table:{goto} from table {table}: packets can only go to later tables");
        return Err(Misfit::new(OfpError::INSTRUCTION_BAD_TABLE_ID, what));
    }
    Ok(())
}

/// A connection has addresses of the family of its packets.
fn connections(packet: &Packet) -> Checked {
    let v4 = !packet.connection_of_v4 || packet.kind() == 0x0800;
    let v6 = !packet.connection_of_v6 || packet.kind() == 0x86dd;
    need(v4 && v6, &"a connection's address")
}

fn conjunctions(of: &Instructions) -> Checked {
    let more = of.meter.is_some()
        || of.clear
        || of.write.is_some()
        || of.write_metadata.is_some()
        || of.goto_table.is_some();
    let written = of.write.as_deref().unwrap_or_default();
    joined(&of.apply, more).and_then(|()| joined(written, false))
}

/// Refuses a `conjunction` in a list that has anything but notes beside it, or with more instructions around.
fn joined(list: &[Action], more: bool) -> Checked {
    if !(list.iter()).any(|a| matches!(a, Action::Conjunction { .. })) {
        return Ok(());
    }
    let other = |a: &&Action| !matches!(a, Action::Conjunction { .. } | Action::Note(_));
    match (list.iter().find(other), more) {
        (None, false) => Ok(()),
        (action, _) => Err(Misfit::new(
            OfpError::ACTION_BAD_CONJUNCTION,
            format!(
                "\"conjunction\" actions may be used along with \"note\" but not any other kind of action such as {}",
                action.map_or_else(|| "an instruction".to_owned(), ToString::to_string)
            ),
        )),
    }
}

fn actions(list: &[Action], packet: &mut Packet, legacy: bool) -> Checked {
    list.iter()
        .try_for_each(|action| one(action, packet, false, legacy))
}

/// What only OpenFlow 1.0 lets pass: its actions do nothing with packets that lack the field.
#[inline]
fn need_modern(ok: bool, what: &dyn std::fmt::Display, legacy: bool) -> Checked {
    need(ok || legacy, what)
}

#[inline]
fn need(ok: bool, what: &dyn std::fmt::Display) -> Checked {
    if ok {
        return Ok(());
    }
    Err(Misfit::new(
        OfpError::ACTION_MATCH_INCONSISTENT,
        format!(
            "actions are invalid with specified match: {what} needs a match of packets that have the field"
        ),
    ))
}

fn readable(part: Subfield, packet: &Packet) -> Checked {
    need(packet.has(part.field.info().prerequisite), &part)
}

fn bad_port(action: &Action, what: &str) -> Misfit {
    Misfit::new(OfpError::ACTION_BAD_OUT_PORT, format!("{action}: {what}"))
}

/// Refuses ports that packets can not be sent to.
fn reachable(port: Port, action: &Action) -> Checked {
    if port.0 < 0xff00 || (Port::IN_PORT..=Port::LOCAL).contains(&port) {
        Ok(())
    } else {
        Err(bad_port(action, "no packet can be sent to this port"))
    }
}

/// Refuses writes of a connection's own fields but in `ct`.
fn connection_is_at_hand(action: &Action, in_ct: bool) -> Checked {
    if crate::ofpkt::needs_ct(action) && !in_ct {
        let what = format!("{action}: only possible inside ct(exec(...))");
        return Err(Misfit::new(OfpError::ACTION_BAD_SET_ARGUMENT, what));
    }
    Ok(())
}

fn one(action: &Action, packet: &mut Packet, in_ct: bool, legacy: bool) -> Checked {
    match action {
        Action::Output(port) | Action::OutputMaxLen(port, _) | Action::OutputTrunc(port, _) => {
            reachable(*port, action)
        }
        Action::Enqueue(port, _) if port.0 < 0xff00 => Ok(()),
        Action::Enqueue(Port::IN_PORT | Port::LOCAL, _) => Ok(()),
        Action::Enqueue(..) => Err(bad_port(action, "this port has no queues")),
        Action::SetField(set) => {
            let field = set.field();
            connection_is_at_hand(action, in_ct)?;
            need(packet.has(field.info().prerequisite), &action)?;
            // A tag must be there for its id to be written.
            need(field != Field::VlanVid || packet.tags.any(), &action)?;
            if field == Field::VlanTci {
                packet.tags.write(set.value());
            }
            Ok(())
        }
        Action::Move { src, dst } | Action::CopyField { src, dst } => {
            connection_is_at_hand(action, in_ct)?;
            readable(*src, packet)?;
            readable(*dst, packet)
        }
        Action::Push(part) | Action::Pop(part) | Action::OutputReg(part, _) => {
            readable(*part, packet)
        }
        Action::StripVlan | Action::PopVlan => {
            need_modern(packet.tags.any(), &action, legacy)?;
            packet.tags.pop();
            Ok(())
        }
        Action::PushVlan(_) => match packet.tags.push() {
            true => Ok(()),
            false => Err(Misfit::new(
                OfpError::ACTION_BAD_TAG,
                format!("{action}: a packet has at most two VLAN tags"),
            )),
        },
        Action::ModVlanVid(_) | Action::ModVlanPcp(_) => {
            packet.tags.need();
            Ok(())
        }
        Action::SetVlanVid(_) | Action::SetVlanPcp(_) => {
            need_modern(packet.tags.any(), &action, legacy)?;
            packet.tags.need();
            Ok(())
        }
        Action::ModNwSrc(_) | Action::ModNwDst(_) => {
            need_modern(packet.has(Prerequisite::Ipv4), &action, legacy)
        }
        Action::ModNwTos(_) | Action::ModNwEcn(_) | Action::ModNwTtl(_) | Action::DecTtl(_) => {
            need_modern(packet.has(Prerequisite::Ip), &action, legacy)
        }
        Action::ModTpSrc(_) | Action::ModTpDst(_) => {
            let ports = [Prerequisite::Tcp, Prerequisite::Udp, Prerequisite::Sctp];
            let known = ports.into_iter().any(|protocol| packet.has(protocol));
            need_modern(known, &action, legacy)
        }
        Action::PushMpls(kind) => {
            need_modern(packet.has(Prerequisite::Ethernet), &action, legacy)?;
            packet.become_mpls(*kind);
            Ok(())
        }
        Action::PopMpls(kind) => {
            let is_mpls = packet.has(Prerequisite::Ethernet) && packet.has(Prerequisite::Mpls);
            need_modern(is_mpls, &action, legacy)?;
            packet.eth_type = *kind;
            Ok(())
        }
        Action::SetMplsLabel(_)
        | Action::SetMplsTc(_)
        | Action::SetMplsTtl(_)
        | Action::DecMplsTtl => need_modern(packet.has(Prerequisite::Mpls), &action, legacy),
        Action::FinTimeout(..) => need_modern(packet.proto == 6, &action, legacy),
        Action::Resubmit { ct: true, .. } => need(packet.has(Prerequisite::Ct), &action),
        Action::Ct(ct) => conntrack(ct, packet),
        Action::Clone(inner) => {
            joined(inner, false)?;
            actions(inner, &mut packet.clone(), legacy)
        }
        Action::Learn(learn) => {
            let mut learned = Match::new();
            for spec in &learn.specs {
                if let LearnSource::Field(src) = &spec.source {
                    readable(*src, packet)?;
                }
                let known = |dst: Subfield, learned: &Match| {
                    need(
                        prerequisites_hold(learned, dst.field.info().prerequisite),
                        &dst,
                    )
                };
                match spec.target {
                    LearnTarget::Match(dst) => {
                        known(dst, &learned)?;
                        if let LearnSource::Value { bytes, .. } = &spec.source {
                            let value =
                                bytes.iter().fold(0u128, |acc, &b| acc << 8 | u128::from(b));
                            let shifted = value.checked_shl(u32::from(dst.offset)).unwrap_or(0);
                            let old = learned.get(dst.field).map_or((0, 0), |f| (f.value, f.mask));
                            learned.set(dst.field, old.0 | shifted, old.1 | dst.mask());
                        }
                    }
                    LearnTarget::Load(dst) => known(dst, &learned)?,
                    LearnTarget::Output => {}
                }
            }
            Ok(())
        }
        Action::Multipath(multipath) => readable(multipath.dst, packet),
        Action::Bundle(bundle) => members(bundle, action, packet),
        Action::DecNshTtl => need_modern(packet.has(Prerequisite::Nsh), &action, legacy),
        Action::Encap(encap) => {
            packet.encap(encap.packet_type);
            Ok(())
        }
        Action::Decap(_) => {
            packet.decap();
            Ok(())
        }
        _ => Ok(()),
    }
}

fn members(bundle: &Bundle, action: &Action, packet: &Packet) -> Checked {
    if let Some(dst) = bundle.dst {
        readable(dst, packet)?;
    }
    for member in &bundle.members {
        if *member == Port::CONTROLLER {
            return Err(bad_port(action, "the controller can not be a member"));
        }
        // A member that is none is one that is always down.
        if *member != Port::ANY {
            reachable(*member, action)?;
        }
    }
    Ok(())
}

fn conntrack(ct: &Ct, packet: &Packet) -> Checked {
    need(packet.has(Prerequisite::Ip), &"ct")?;
    let invalid = ct.commit && packet.is_invalid;
    need(!invalid, &"ct(commit) of an invalid connection")?;
    need(ct.alg != 21 || packet.proto == 6, &"ct(alg=ftp)")?;
    need(ct.alg != 69 || packet.proto == 17, &"ct(alg=tftp)")?;
    // Open vSwitch looks no further if the zone is one of a field.
    if let crate::action::CtZone::Field(part) = ct.zone {
        return readable(part, packet);
    }
    if let Some((first, _)) = ct.nat.as_ref().and_then(|nat| nat.addresses) {
        let family = match first {
            IpAddr::V4(_) => Prerequisite::Ipv4,
            IpAddr::V6(_) => Prerequisite::Ipv6,
        };
        need(packet.has(family), &"nat")?;
    }
    ct.actions
        .iter()
        .try_for_each(|action| one(action, &mut packet.clone(), true, true))
}
