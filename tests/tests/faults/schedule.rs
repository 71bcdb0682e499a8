//! What happens in one schedule, in which order, and what must hold.

use std::collections::{BTreeMap, BTreeSet};

use controller::compile::{Cookie, Kind, int_port, tunnel_port};
use controller::model::{
    Host as HostRow, INTEGRATION_BRIDGE, Network, Port, Segment, Site, TUNNEL_BRIDGE, TunnelType,
};
use flows::{EthAddr, Field, Flow, FlowTable, Match};
use uuid::Uuid;

use crate::host::{Host, NIC, PROVIDER_BRIDGE};
use crate::packets::{Out, Tables, follow, frame, get, set, vlan};

const STEPS: u64 = 400;
const HERE: u128 = 100;
const PEERS: [u128; 2] = [200, 201];
/// Ports that may be plugged in here, and those that are elsewhere.
const LOCAL: std::ops::Range<u128> = 11..17;
const REMOTE: std::ops::Range<u128> = 21..27;
const NETWORKS: std::ops::RangeInclusive<u128> = 1..=4;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n << 84)
}

fn mac(n: u128) -> u64 {
    0x0200_0000_0000 + n as u64
}

/// Numbers that follow from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    /// A number below `bound`.
    fn roll(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        let place = self.roll(of.len().max(1) as u64);
        of.get(place as usize).cloned()
    }
}

struct World {
    host: Host,
    /// The networks that each port has been in since everything was last right.
    belongs: BTreeMap<u128, BTreeSet<Uuid>>,
    /// A switch has lied in an answer, so what the agent knows is wrong until it asks again.
    lied: bool,
    seed: u64,
}

pub fn run(seed: u64) {
    let mut dice = Dice(seed);
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.happen(&mut dice);
        if dice.roll(60) == 0 && !world.lied {
            world.settle();
        }
    }
    world.settle();
    world.compare();
}

/// A host with every port plugged in, and one flow that leads packets of one network into another: it must not pass.
pub fn run_with_a_leak() {
    let mut world = World::new(0);
    world.settle();
    for n in LOCAL {
        world.host.plug(&format!("tap{n}"), &format!("port{n}"));
    }
    world.settle();
    let tap = world.host.number(INTEGRATION_BRIDGE, "tap11").unwrap();
    let leak = format!("table=60,priority=150 actions=pop_vlan,output:{tap}");
    let bridge = world.host.bridge(INTEGRATION_BRIDGE);
    let local_vlan =
        |flow: &&Flow| flow.table == 60 && flow.cookie == Cookie::new(Kind::Port, id(12)).raw();
    let other = bridge.flows.iter().find(local_vlan).unwrap().clone();
    let mut leak = flows::text::parse_flow(&leak).unwrap();
    leak.matches = other.matches;
    bridge.flows.insert(leak);
    world.check();
}

fn network(n: u128) -> Network {
    let segment = match n {
        1 | 2 => Segment::Tunnel {
            tunnel: TunnelType::Vxlan,
            vni: 1000 + n as u32,
        },
        _ => Segment::Vlan {
            physical_network: "provider".to_owned(),
            vlan: 1000 + n as u16,
        },
    };
    Network {
        id: id(n),
        name: format!("net{n}"),
        project: String::new(),
        segment,
        mtu: 1450,
        learning: n == 2,
    }
}

fn port(n: u128, network: u128, host: Option<u128>) -> Port {
    Port {
        id: id(n),
        name: format!("port{n}"),
        network: id(network),
        mac: EthAddr::from_u64(mac(n)),
        addresses: [format!("10.0.0.{n}").parse().unwrap()].into(),
        port_security: n.is_multiple_of(3),
        hosts: host.into_iter().map(id).collect(),
    }
}

fn host(n: u128, address: &str) -> HostRow {
    HostRow {
        id: id(n),
        name: format!("h{n}"),
        encap_ip: Some(address.parse().unwrap()),
        encap_types: TunnelType::ALL.into(),
        bridge_mappings: BTreeMap::new(),
        applied: 0,
        unbound: BTreeMap::new(),
        problems: BTreeMap::new(),
    }
}

fn peer_address(n: u128) -> String {
    format!("192.0.2.{n}")
}

impl World {
    fn new(seed: u64) -> Self {
        let locals = LOCAL.map(|n| port(n, 1 + n % 4, None));
        let remotes = REMOTE.map(|n| port(n, 1 + n % 4, Some(PEERS[n as usize % 2])));
        let hosts = PEERS.map(|n| host(n, &peer_address(n)));
        let site = Site {
            revision: 1,
            networks: NETWORKS.map(network).map(|n| (n.id, n)).collect(),
            ports: locals.chain(remotes).map(|p| (p.id, p)).collect(),
            hosts: hosts
                .into_iter()
                .chain([host(HERE, "192.0.2.1")])
                .map(|h| (h.id, h))
                .collect(),
            ..Site::default()
        };
        let settings = [
            ("heddle-encap-ip", "192.0.2.1"),
            ("heddle-encap-types", "vxlan"),
            ("heddle-bridge-mappings", "provider:br-eth1"),
        ];
        let mut world = Self {
            host: Host::new(&settings, id(HERE), site),
            belongs: BTreeMap::new(),
            lied: false,
            seed,
        };
        world.remember();
        world
    }

    /// From now on a port is in the network that it is in now.
    fn remember(&mut self) {
        self.belongs.clear();
        self.add_memberships();
    }

    fn add_memberships(&mut self) {
        for n in LOCAL.chain(REMOTE) {
            if let Some(port) = self.host.site.ports.get(&id(n)) {
                self.belongs.entry(n).or_default().insert(port.network);
            }
        }
    }

    /// One thing happens.
    fn happen(&mut self, dice: &mut Dice) {
        let bridges: Vec<String> = self.host.bridges.keys().cloned().collect();
        let Some(bridge) = dice.pick(&bridges) else {
            return;
        };
        let count = if dice.roll(4) == 0 {
            dice.roll(200)
        } else {
            1 << 20
        };
        match dice.roll(100) {
            0..15 => drop(self.host.deliver(&bridge, count as usize)),
            15..30 => drop(self.host.answer(&bridge, count as usize)),
            30..52 => {
                for _ in 0..dice.roll(60) {
                    if !self.handle(&bridge) {
                        break;
                    }
                }
            }
            52..66 => drop(self.host.step()),
            66..72 => drop(self.host.transact(dice.roll(5) > 0)),
            72..78 => drop(self.host.catch_up()),
            78..88 => self.intend(dice),
            88..98 => self.misbehave(dice, &bridge),
            98 => self.host.disconnect(&bridge),
            _ => match dice.roll(2) {
                0 => self.host.restart_agent(),
                _ => self.host.restart_switch(),
            },
        }
    }

    /// The switch handles one message, and everything is still where it belongs.
    fn handle(&mut self, bridge: &str) -> bool {
        match self.host.bridge(bridge).handle_next() {
            Some(true) => self.check(),
            Some(false) => {}
            None => return false,
        }
        true
    }

    /// Intent changes, or somebody plugs something in or out.
    fn intend(&mut self, dice: &mut Dice) {
        let local = LOCAL.start + u128::from(dice.roll(6));
        let remote = REMOTE.start + u128::from(dice.roll(6));
        let network = 1 + u128::from(dice.roll(4));
        let tap = format!("tap{local}");
        let site = &mut self.host.site;
        match dice.roll(8) {
            0..=2 => {
                let integration = self.host.observed.bridges.get(INTEGRATION_BRIDGE);
                if integration.is_some_and(|bridge| !bridge.ports.contains_key(&tap)) {
                    self.host.plug(&tap, &format!("port{local}"));
                }
            }
            3 => self.host.unplug(&tap),
            4 => {
                if let Some(port) = site.ports.get_mut(&id(local)) {
                    port.network = id(network);
                }
            }
            5 => {
                let moved = port(remote, network, Some(PEERS[dice.roll(2) as usize]));
                site.ports.insert(moved.id, moved);
            }
            6 => drop(site.ports.remove(&id(remote))),
            _ => {
                let peer = PEERS[dice.roll(2) as usize];
                if site.hosts.remove(&id(peer)).is_none() {
                    site.hosts.insert(id(peer), host(peer, &peer_address(peer)));
                }
            }
        }
        self.host.site.revision += 1;
        self.host.site_changed();
        self.add_memberships();
    }

    /// The switch, or somebody at it, does what heddle has not asked for.
    fn misbehave(&mut self, dice: &mut Dice, name: &str) {
        let bridge = self.host.bridge(name);
        let own = |flow: &&Flow| {
            let cookie = Cookie::from_raw(flow.cookie);
            // Who deletes what drops may lead packets astray; that is theirs to answer for.
            cookie.is_some() && !flow.instructions.is_drop()
        };
        let owned: Vec<Flow> = bridge.flows.iter().filter(own).cloned().collect();
        let victim = dice.pick(&owned);
        match (dice.roll(9), victim) {
            (0, _) => bridge.mischief.refuse = Some(dice.roll(40) as usize),
            (1, _) => bridge.mischief.refuse_commit = true,
            (2, _) => bridge.pause(),
            (3, _) => bridge.resume(),
            (4, Some(victim)) => bridge.edit(victim, false),
            (5, Some(victim)) => bridge.edit(
                Flow::new(victim.table, victim.priority, victim.matches).cookie(victim.cookie),
                true,
            ),
            (6, Some(victim)) if name != PROVIDER_BRIDGE => {
                bridge.edit(
                    Flow::new(victim.table, victim.priority, victim.matches).cookie(7),
                    true,
                );
            }
            (7, _) => {
                let matches = Match::new().with(Field::InPort, 7000u32);
                let learned = Cookie::new(Kind::Learned, id(2)).raw();
                let cookie = dice.pick(&[7, learned]).unwrap();
                bridge.edit(Flow::new(20, 50, matches).cookie(cookie), dice.roll(2) == 0);
            }
            (8, Some(victim)) => {
                self.lied = true;
                match dice.roll(2) {
                    0 => bridge.mischief.conceal = Some(dice.roll(5) as usize),
                    _ => bridge.mischief.invent = Some(victim),
                }
            }
            _ => {}
        }
    }

    /// Nothing goes wrong any more, until nothing is left to do.
    fn settle(&mut self) {
        for bridge in self.host.bridges.values_mut() {
            bridge.mischief = Default::default();
            bridge.resume();
        }
        if std::mem::take(&mut self.lied) {
            // What a liar has said is found out when it is asked again.
            for bridge in [INTEGRATION_BRIDGE, TUNNEL_BRIDGE, PROVIDER_BRIDGE] {
                self.host.disconnect(bridge);
            }
        }
        for _ in 0..2000 {
            let mut busy = false;
            for bridge in self.host.bridges.keys().cloned().collect::<Vec<_>>() {
                busy |= self.host.deliver(&bridge, usize::MAX);
                while self.handle(&bridge) {
                    busy = true;
                }
                busy |= self.host.answer(&bridge, usize::MAX);
            }
            busy |= self.host.transact(true);
            busy |= self.host.catch_up();
            busy |= self.host.pass_time();
            let (more, report) = self.host.step();
            // What was refused is tried again in a new session.
            for bridge in std::mem::take(&mut self.host.refused) {
                self.host.disconnect(&bridge);
                busy = true;
            }
            if !busy && !more {
                assert_eq!(report.problems, BTreeMap::new(), "seed {}", self.seed);
                assert_eq!(report.up, report.plugged, "seed {}", self.seed);
                assert_eq!(
                    report.applied,
                    Some(self.host.site.revision),
                    "seed {}",
                    self.seed
                );
                self.remember();
                self.check();
                return;
            }
        }
        panic!("seed {}: it never settles", self.seed);
    }

    /// The flow tables are those of a host that was set up from scratch.
    fn compare(&self) {
        let mut scratch = Self {
            host: self.host.fresh_twin(),
            belongs: self.belongs.clone(),
            lied: false,
            seed: self.seed,
        };
        scratch.settle();
        let own = |table: &FlowTable| {
            let own = |flow: &&Flow| Cookie::from_raw(flow.cookie).is_some_and(|c| !c.is_learned());
            FlowTable::from_iter(table.iter().filter(own).cloned())
        };
        for (name, bridge) in &self.host.bridges {
            let expected = own(&scratch.host.bridges[name].flows);
            assert_eq!(own(&bridge.flows), expected, "seed {}: {name}", self.seed);
        }
        assert_eq!(
            self.host.observed, scratch.host.observed,
            "seed {}",
            self.seed
        );
    }

    /// No packet of a network leaves by a port, VLAN or VNI of another.
    fn check(&self) {
        let bridges = self.host.bridges.iter();
        let tables: BTreeMap<String, Tables<'_>> = bridges
            .map(|(name, bridge)| (name.clone(), Tables::new(&bridge.flows)))
            .collect();
        let wiring = self.host.wiring();
        let targets: Vec<Option<u64>> = LOCAL
            .chain(REMOTE)
            .map(|n| Some(mac(n)))
            .chain([None])
            .collect();
        for local in LOCAL {
            let Some(number) = self.host.number(INTEGRATION_BRIDGE, &format!("tap{local}")) else {
                continue;
            };
            for to in &targets {
                let packet = frame(number, mac(local), *to);
                let outs = follow(&tables, &wiring, INTEGRATION_BRIDGE, packet);
                self.expect(
                    &outs,
                    &self.belongs[&local],
                    &format!("port{local} to {to:x?}"),
                );
            }
        }
        let tunnel = self
            .host
            .number(TUNNEL_BRIDGE, &tunnel_port(TunnelType::Vxlan));
        let nic = self.host.number(PROVIDER_BRIDGE, NIC);
        for n in NETWORKS {
            for to in &targets {
                let from = format!("network {n} outside to {to:x?}");
                let (bridge, packet) = match (network(n).segment, tunnel, nic) {
                    (Segment::Tunnel { vni, .. }, Some(number), _) => {
                        let mut packet = frame(number, 0x0200_0000_ffff, *to);
                        set(&mut packet, Field::TunId, vni.into());
                        let peer: std::net::Ipv4Addr = peer_address(PEERS[0]).parse().unwrap();
                        set(&mut packet, Field::TunSrc, peer.to_bits().into());
                        (TUNNEL_BRIDGE, packet)
                    }
                    (Segment::Vlan { vlan, .. }, _, Some(number)) => {
                        let mut packet = frame(number, 0x0200_0000_ffff, *to);
                        set(&mut packet, Field::VlanTci, 0x1000 | u128::from(vlan));
                        (PROVIDER_BRIDGE, packet)
                    }
                    _ => continue,
                };
                let outs = follow(&tables, &wiring, bridge, packet);
                self.expect(&outs, &[id(n)].into(), &from);
            }
        }
    }

    /// Where a packet of these networks may come out.
    fn expect(&self, outs: &[Out], networks: &BTreeSet<Uuid>, from: &str) {
        for out in outs {
            let Some(name) = self.host.name(&out.bridge, out.port) else {
                // Nothing is there to receive it.
                continue;
            };
            let reached: BTreeSet<Uuid> = if let Some(tap) = name.strip_prefix("tap") {
                self.belongs[&tap.parse().unwrap()].clone()
            } else if name == tunnel_port(TunnelType::Vxlan) {
                let vni = get(&out.packet, Field::TunId) as u32;
                segments(|s| matches!(s, Segment::Tunnel { vni: v, .. } if *v == vni))
            } else if name == NIC {
                let tag = vlan(&out.packet);
                segments(|s| matches!(s, Segment::Vlan { vlan: v, .. } if Some(*v) == tag))
            } else {
                assert_ne!(name, int_port(PROVIDER_BRIDGE));
                continue;
            };
            assert!(
                !reached.is_disjoint(networks),
                "seed {}: a packet from {from} came out of {name} of {} as {:x?}",
                self.seed,
                out.bridge,
                out.packet
            );
        }
    }
}

fn segments(of: impl Fn(&Segment) -> bool) -> BTreeSet<Uuid> {
    let networks = NETWORKS.map(network);
    networks.filter(|n| of(&n.segment)).map(|n| n.id).collect()
}
