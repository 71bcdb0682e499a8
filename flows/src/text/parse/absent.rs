//! Telling whoever wrote a flow which of its fields are left out, and why.

use super::token::Tokens;
use super::{FLOW_COMMANDS, Fault, command, split_actions, value};
use crate::Version;
use crate::field::{Field, Prerequisite, Slot};
use crate::ofpkt::{FlowMod, FlowModCommand};

/// Something about a text that is taken nonetheless.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// Where, in bytes from 1.
    pub column: usize,
    /// What is found and what becomes of it.
    pub what: String,
}

/// What a text says that its flow does not ask for: the fields that are left out of messages because packets of the match need
/// not have them ([`Match::absent`](crate::Match::absent)), and with a version the priority of a VLAN tag that need not be there,
/// for which OpenFlow 1.2 and up have no words. `change` must be what [`parse_flow_mod`](super::parse_flow_mod) makes of `text`.
#[must_use]
pub fn absent_fields(text: &str, change: &FlowMod, version: Option<Version>) -> Vec<Warning> {
    let mut absent: Vec<Field> = change.flow.matches.absent().collect();
    if version.is_some_and(|version| version >= Version::V12)
        && change.flow.matches.has_priority_without_tag()
    {
        absent.push(Field::VlanTci);
    }
    if absent.is_empty() {
        return Vec::new();
    }
    let (_, body) = command(text, &FLOW_COMMANDS, FlowModCommand::Add);
    let mut tokens = Tokens::new(split_actions(body).0);
    let mut found = Vec::new();
    while let Some(pair) = tokens.next() {
        let Some(field) = value::named_in_match(pair.key) else {
            continue;
        };
        let slot = field.info().slot;
        // However often it is said, it is told once.
        if let Some(at) = absent.iter().position(|absent| absent.info().slot == slot) {
            absent.swap_remove(at);
            let what = match slot {
                Slot::VlanTci => format!(
                    "{}: the priority of a tag is not matched, because packets of this match need not have one: expected 0x1000 \
                     in value and mask",
                    pair.key
                ),
                _ => format!(
                    "{} is not matched, because packets of this match need not have it: expected {} beside it",
                    pair.key,
                    beside(field, pair.key)
                ),
            };
            let place = Fault::new(pair.key, "").placed(text);
            found.push(Warning {
                column: place.column,
                what,
            });
        }
    }
    found
}

/// What a match says of packets that have the field, in the words of `ovs-fields(7)`.
fn beside(field: Field, key: &str) -> &'static str {
    match field.info().prerequisite {
        // What all protocols call so.
        _ if matches!(key, "tp_src" | "tp_dst") => "tcp, udp or sctp (or tcp6, udp6 or sctp6)",
        Prerequisite::Always | Prerequisite::Ethernet => "other packets",
        Prerequisite::Arp => "arp or rarp",
        Prerequisite::Vlan => "a VLAN tag",
        Prerequisite::Ipv4 => "ip",
        Prerequisite::Ipv6 => "ipv6",
        Prerequisite::Ip => "ip or ipv6",
        Prerequisite::Mpls => "mpls or mplsm",
        Prerequisite::Nsh => "dl_type=0x894f",
        Prerequisite::Tcp => "tcp or tcp6",
        Prerequisite::Udp => "udp or udp6",
        Prerequisite::Sctp => "sctp or sctp6",
        Prerequisite::Icmpv4 | Prerequisite::Icmpv6 if matches!(key, "icmp_type" | "icmp_code") => {
            "icmp or icmp6"
        }
        Prerequisite::Icmpv4 => "icmp",
        Prerequisite::Icmpv6 => "icmp6",
        Prerequisite::Nd => "icmp6,icmp_type=135 or icmp6,icmp_type=136",
        Prerequisite::NdSolicit => "icmp6,icmp_type=135",
        Prerequisite::NdAdvert => "icmp6,icmp_type=136",
        Prerequisite::Ct => "ct_state and ct_nw_proto other than 0",
    }
}
