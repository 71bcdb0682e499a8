//! Packets through the simulated flow tables, as far as heddle's pipeline goes: who gets what. Actions that only rewrite the
//! answer of a responder are passed over, for that goes back to who asked.

use std::collections::{BTreeMap, BTreeSet};

use flows::{Action, Field, Flow, FlowTable, Port};

/// The fields that matter, in no order; what is not here is 0.
pub type Packet = Vec<(Field, u128)>;

/// A place where a packet comes out of a bridge.
#[derive(Clone, Debug)]
pub struct Out {
    pub bridge: String,
    pub port: u32,
    pub packet: Packet,
}

/// The flows of a bridge by table, highest priority first.
pub struct Tables<'a>(BTreeMap<u8, Vec<&'a Flow>>);

const PRESENT: u128 = 0x1000;

impl<'a> Tables<'a> {
    pub fn new(flows: &'a FlowTable) -> Self {
        let mut tables: BTreeMap<u8, Vec<&Flow>> = BTreeMap::new();
        for flow in flows {
            tables.entry(flow.table).or_default().push(flow);
        }
        Self(tables)
    }

    /// The ports that a packet leaves by, and how; [`Port::NORMAL`] is one of them.
    pub fn forward(&self, packet: &Packet) -> Vec<(u32, Packet)> {
        let mut out = Vec::new();
        self.pass(0, &mut packet.clone(), &mut out, 0);
        out
    }

    /// The packet passes this table and those that it is sent on to.
    fn pass(&self, table: u8, packet: &mut Packet, out: &mut Vec<(u32, Packet)>, depth: usize) {
        assert!(depth < 16, "a loop");
        let flows = self.0.get(&table).into_iter().flatten();
        let Some(flow) = flows.into_iter().find(|flow| covers(flow, packet)) else {
            return;
        };
        for action in &flow.instructions.apply {
            match action {
                Action::Resubmit { table, .. } => self.pass(*table, packet, out, depth + 1),
                other => act(other, packet, out),
            }
        }
        if let Some(next) = flow.instructions.goto_table {
            self.pass(next, packet, out, depth + 1);
        }
    }
}

pub fn get(packet: &Packet, field: Field) -> u128 {
    let found = packet.iter().find(|(known, _)| *known == field);
    found.map_or(0, |(_, value)| *value)
}

pub fn set(packet: &mut Packet, field: Field, value: u128) {
    match packet.iter_mut().find(|(known, _)| *known == field) {
        Some((_, known)) => *known = value,
        None => packet.push((field, value)),
    }
}

fn covers(flow: &Flow, packet: &Packet) -> bool {
    flow.matches.iter().all(|field| {
        let value = match field.field {
            Field::VlanVid => get(packet, Field::VlanTci) & 0x1fff,
            Field::InPortOxm => get(packet, Field::InPort),
            other => get(packet, other),
        };
        value & field.mask == field.value
    })
}

fn act(action: &Action, packet: &mut Packet, out: &mut Vec<(u32, Packet)>) {
    match action {
        Action::Output(Port::IN_PORT) => {
            let port = get(packet, Field::InPort);
            out.push((u32::try_from(port).unwrap(), packet.clone()));
        }
        Action::Output(port) => out.push((port.0, packet.clone())),
        Action::SetField(change) => {
            let field = match change.field() {
                Field::VlanVid => Field::VlanTci,
                other => other,
            };
            let value = get(packet, field) & !change.mask() | change.value() & change.mask();
            set(packet, field, value);
        }
        Action::PopVlan | Action::StripVlan => set(packet, Field::VlanTci, 0),
        Action::PushVlan(_) => set(packet, Field::VlanTci, PRESENT),
        Action::Move { .. } | Action::Learn(_) => {}
        other => panic!("heddle does not use {other:?}"),
    }
}

/// An Ethernet frame: IP to `to`, or a broadcast ARP request.
pub fn frame(in_port: u32, from: u64, to: Option<u64>) -> Packet {
    let mut packet = vec![
        (Field::InPort, u128::from(in_port)),
        (Field::EthSrc, u128::from(from)),
        (Field::EthDst, u128::from(to.unwrap_or(0xffff_ffff_ffff))),
    ];
    match to {
        Some(_) => packet.push((Field::EthType, 0x0800)),
        None => packet.extend([
            (Field::EthType, 0x0806),
            (Field::ArpOp, 1),
            (Field::ArpSha, u128::from(from)),
        ]),
    }
    packet
}

/// The id in a VLAN tag, if there is one.
pub fn vlan(packet: &Packet) -> Option<u16> {
    let tci = get(packet, Field::VlanTci);
    (tci & PRESENT != 0).then_some((tci & 0xfff) as u16)
}

/// What is at the other end of patch ports (none: nothing), and the ports of each bridge.
#[derive(Default)]
pub struct Wiring {
    pub patches: BTreeMap<(String, u32), Option<(String, u32)>>,
    pub ports: BTreeMap<String, BTreeSet<u32>>,
}

/// Follows a packet from bridge to bridge.
pub fn follow(
    tables: &BTreeMap<String, Tables<'_>>,
    wiring: &Wiring,
    bridge: &str,
    packet: Packet,
) -> Vec<Out> {
    let mut arrived = Vec::new();
    let mut under_way = vec![(bridge.to_owned(), packet, 0)];
    while let Some((bridge, packet, hops)) = under_way.pop() {
        assert!(hops < 16, "a loop");
        let Some(here) = tables.get(&bridge) else {
            continue;
        };
        let from = get(&packet, Field::InPort);
        for (port, packet) in here.forward(&packet) {
            let leaves: Vec<u32> = if Port(port) == Port::NORMAL {
                let all = wiring.ports.get(&bridge).into_iter().flatten().copied();
                all.filter(|port| u128::from(*port) != from).collect()
            } else {
                vec![port]
            };
            for port in leaves {
                match wiring.patches.get(&(bridge.clone(), port)) {
                    Some(Some((next, number))) => {
                        let mut packet = packet.clone();
                        set(&mut packet, Field::InPort, u128::from(*number));
                        set(&mut packet, Field::TunId, 0);
                        under_way.push((next.clone(), packet, hops + 1));
                    }
                    Some(None) => {}
                    None => arrived.push(Out {
                        bridge: bridge.clone(),
                        port,
                        packet: packet.clone(),
                    }),
                }
            }
        }
    }
    arrived
}
