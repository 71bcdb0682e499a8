//! Every action is among the flows that have been recorded (`flows/tests/recorded.rs`).

use std::collections::BTreeSet;

use super::Action;
use crate::ofpkt::{Body, Message};

const FLOWS: &str = include_str!("../../tests/recorded/flows.tsv");
const MESSAGES: &str = include_str!("../../tests/recorded/messages.tsv");

/// The kinds of actions, and which an action is: one that is new does not compile before it is here.
macro_rules! actions {
    ($($name:ident),*) => {
        const ACTIONS: &[&str] = &[$(stringify!($name)),*];

        fn name(action: &Action) -> &'static str {
            match action {
                $(Action::$name { .. } => stringify!($name),)*
                Action::Unknown(_) => "",
            }
        }
    };
}

actions!(
    Output,
    OutputMaxLen,
    OutputController,
    Controller,
    OutputReg,
    OutputTrunc,
    Enqueue,
    Group,
    Bundle,
    SetField,
    Move,
    CopyField,
    Push,
    Pop,
    DeleteField,
    ModVlanVid,
    SetVlanVid,
    SetVlanPcp,
    ModVlanPcp,
    ModDlSrc,
    ModDlDst,
    ModNwSrc,
    ModNwDst,
    ModNwTos,
    ModNwEcn,
    ModNwTtl,
    ModTpSrc,
    ModTpDst,
    SetTunnel,
    SetTunnel64,
    SetMplsLabel,
    SetMplsTc,
    SetMplsTtl,
    StripVlan,
    PopVlan,
    PushVlan,
    PushMpls,
    PopMpls,
    DecTtl,
    DecMplsTtl,
    DecNshTtl,
    SetQueue,
    PopQueue,
    Resubmit,
    ResubmitPort,
    Learn,
    Conjunction,
    Multipath,
    Note,
    Exit,
    DebugSlow,
    DebugRecirc,
    Sample,
    FinTimeout,
    Ct,
    CtClear,
    Clone,
    CheckPktLarger,
    Encap,
    Decap,
    Meter
);

#[test]
fn every_action_has_been_recorded() {
    let mut used = BTreeSet::new();
    for record in FLOWS.lines().chain(MESSAGES.lines()) {
        let digits = record.split('\t').nth(2).unwrap().as_bytes();
        let digits = digits
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).unwrap());
        let bytes: Vec<u8> = digits
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect();
        let Ok(Message {
            body: Body::FlowMod(change),
            ..
        }) = Message::decode(&bytes)
        else {
            continue;
        };
        let instructions = change.flow.instructions;
        let written = instructions.write.iter().flatten();
        used.extend(instructions.apply.iter().chain(written).map(name));
    }
    let missing: Vec<_> = ACTIONS
        .iter()
        .filter(|name| !used.contains(*name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}: record again");
}
