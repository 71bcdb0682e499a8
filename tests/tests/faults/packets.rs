//! Packets through the simulated flow tables, as far as heddle's pipeline goes: who gets what. Actions that only rewrite the
//! answer of a responder are passed over, for that goes back to who asked.

use std::collections::BTreeMap;

use flows::{Action, Field, Flow, FlowTable, Port};

/// The fields that packets have here; every other field of theirs is 0.
const FIELDS: [Field; 9] = [
    Field::InPort,
    Field::EthSrc,
    Field::EthDst,
    Field::EthType,
    Field::VlanTci,
    Field::TunId,
    Field::TunSrc,
    Field::ArpOp,
    Field::ArpSha,
];

/// Places in [`FIELDS`].
const IN_PORT: usize = 0;
const VLAN_TCI: usize = 4;
const TUN_ID: usize = 5;

const PRESENT: u64 = 0x1000;

/// A packet, by [`FIELDS`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Packet([u64; FIELDS.len()]);

impl Packet {
    /// An Ethernet frame: IP to `to`, or a broadcast ARP request.
    pub fn new(in_port: u32, from: u64, to: Option<u64>) -> Self {
        let port = u64::from(in_port);
        match to {
            Some(to) => Self([port, from, to, 0x0800, 0, 0, 0, 0, 0]),
            None => Self([port, from, 0xffff_ffff_ffff, 0x0806, 0, 0, 0, 1, from]),
        }
    }

    /// The packet with this VLAN tag.
    pub fn tagged(mut self, vlan: u64) -> Self {
        self.0[VLAN_TCI] = PRESENT | vlan;
        self
    }

    /// The packet as it comes out of a tunnel.
    pub fn tunnelled(mut self, vni: u64, from: u32) -> Self {
        (self.0[TUN_ID], self.0[TUN_ID + 1]) = (vni, from.into());
        self
    }

    pub fn vni(&self) -> u64 {
        self.0[TUN_ID]
    }

    /// The id in its VLAN tag, if there is one.
    pub fn vlan(&self) -> Option<u64> {
        let tci = self.0[VLAN_TCI];
        (tci & PRESENT != 0).then_some(tci & 0xfff)
    }
}

fn place(field: Field) -> Option<usize> {
    let field = match field {
        Field::VlanVid => Field::VlanTci,
        Field::InPortOxm => Field::InPort,
        other => other,
    };
    FIELDS.iter().position(|known| *known == field)
}

/// A place where a packet comes out of a bridge.
#[derive(Clone, Debug)]
pub struct Out<'a> {
    pub bridge: &'a str,
    pub port: u32,
    pub packet: Packet,
}

/// The flows of a bridge by table, highest priority first.
#[derive(Debug, Default)]
pub struct Tables(BTreeMap<u8, Vec<Row>>);

/// A flow, as far as it means anything to a [`Packet`].
#[derive(Debug)]
struct Row {
    /// Place, value and mask.
    conditions: Vec<(usize, u64, u64)>,
    acts: Vec<Act>,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Output(u32),
    Return,
    Set { at: usize, value: u64, mask: u64 },
    Pass(u8),
}

impl Tables {
    pub fn new(flows: &FlowTable) -> Self {
        let mut tables: BTreeMap<u8, Vec<Row>> = BTreeMap::new();
        for flow in flows {
            if let Some(row) = row(flow) {
                tables.entry(flow.table).or_default().push(row);
            }
        }
        Self(tables)
    }

    /// The ports that a packet leaves by, and how; [`Port::NORMAL`] is one of them.
    fn forward(&self, mut packet: Packet, out: &mut Vec<(u32, Packet)>) {
        out.clear();
        self.pass(0, &mut packet, out, 0);
    }

    /// The packet passes this table and those that it is sent on to.
    fn pass(&self, table: u8, packet: &mut Packet, out: &mut Vec<(u32, Packet)>, depth: usize) {
        assert!(depth < 16, "a loop");
        let Some(rows) = self.0.get(&table) else {
            return;
        };
        for row in rows {
            if !row.covers(packet) {
                continue;
            }
            for act in &row.acts {
                match *act {
                    Act::Output(port) => out.push((port, *packet)),
                    Act::Return => out.push((packet.0[IN_PORT] as u32, *packet)),
                    Act::Set { at, value, mask } => {
                        packet.0[at] = packet.0[at] & !mask | value;
                    }
                    Act::Pass(table) => self.pass(table, packet, out, depth + 1),
                }
            }
            return;
        }
    }
}

impl Row {
    fn covers(&self, packet: &Packet) -> bool {
        for (at, value, mask) in &self.conditions {
            if packet.0[*at] & mask != *value {
                return false;
            }
        }
        true
    }
}

/// None if it has no packet of these.
fn row(flow: &Flow) -> Option<Row> {
    let mut conditions = Vec::new();
    for field in flow.matches.iter() {
        match place(field.field) {
            Some(at) => {
                let number = |n: u128| u64::try_from(n).expect("a number of 64 bits");
                conditions.push((at, number(field.value), number(field.mask)));
            }
            None if field.value == 0 => {}
            None => return None,
        }
    }
    let mut acts: Vec<Act> = flow.instructions.apply.iter().filter_map(act).collect();
    acts.extend(flow.instructions.goto_table.map(Act::Pass));
    Some(Row { conditions, acts })
}

fn act(action: &Action) -> Option<Act> {
    let vlan = |value| Act::Set {
        at: VLAN_TCI,
        value,
        mask: u64::MAX,
    };
    Some(match action {
        Action::Output(Port::IN_PORT) => Act::Return,
        Action::Output(port) => Act::Output(port.0),
        Action::SetField(change) => {
            let at = place(change.field())?;
            let mask = change.mask() as u64;
            let value = change.value() as u64 & mask;
            Act::Set { at, value, mask }
        }
        Action::Resubmit { table, .. } => Act::Pass(*table),
        Action::PopVlan | Action::StripVlan => vlan(0),
        Action::PushVlan(_) => vlan(PRESENT),
        Action::Move { .. } | Action::Learn(_) => return None,
        other => panic!("heddle does not use {other:?}"),
    })
}

/// The bridges as packets see them.
#[derive(Default)]
pub struct Network<'a> {
    pub bridges: BTreeMap<&'a str, (&'a Tables, Vec<u32>)>,
    /// What is at the other end of each patch port (none: nothing).
    pub patches: BTreeMap<(&'a str, u32), Option<(&'a str, u32)>>,
}

impl<'a> Network<'a> {
    /// Follows a packet from bridge to bridge.
    pub fn follow(&self, bridge: &'a str, packet: Packet) -> Vec<Out<'a>> {
        let mut arrived = Vec::new();
        let mut under_way = vec![(bridge, packet, 0)];
        let mut outs = Vec::new();
        while let Some((bridge, packet, hops)) = under_way.pop() {
            assert!(hops < 16, "a loop");
            let Some((tables, ports)) = self.bridges.get(bridge) else {
                continue;
            };
            let from = packet.0[IN_PORT];
            tables.forward(packet, &mut outs);
            let mut leave = |port: u32, mut packet: Packet| match self.patches.get(&(bridge, port))
            {
                Some(Some((next, number))) => {
                    (packet.0[IN_PORT], packet.0[TUN_ID]) = (u64::from(*number), 0);
                    under_way.push((next, packet, hops + 1));
                }
                Some(None) => {}
                None => arrived.push(Out {
                    bridge,
                    port,
                    packet,
                }),
            };
            for (port, packet) in &outs {
                if Port(*port) == Port::NORMAL {
                    let others = ports.iter().filter(|port| u64::from(**port) != from);
                    others.for_each(|port| leave(*port, *packet));
                } else {
                    leave(*port, *packet);
                }
            }
        }
        arrived
    }
}
