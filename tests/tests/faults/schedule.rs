//! What happens in one schedule, in which order, and what must hold.

use std::collections::{BTreeMap, BTreeSet};

use controller::compile::{Cookie, Kind, int_port, tunnel_port};
use controller::model::{
    Host as HostRow, INTEGRATION_BRIDGE, Network, Port, Segment, Site, TUNNEL_BRIDGE, TunnelType,
};
use flows::{EthAddr, Field, Flow, FlowTable, Match};
use uuid::Uuid;

use crate::database::Tampering;
use crate::host::{Host, NIC, PROVIDER_BRIDGE};
use crate::packets::{Out, Packet};
use crate::switch::Lie;

/// The fewest and, less one, the most steps of a schedule.
const STEPS: std::ops::Range<u64> = 60..220;
const HERE: u128 = 100;
const PEERS: [u128; 2] = [200, 201];
/// Ports that may be plugged in here, and those that are elsewhere.
const LOCAL: std::ops::Range<u128> = 11..17;
const REMOTE: std::ops::Range<u128> = 21..27;
/// The MAC address of somebody at another host.
const OUTSIDE: u64 = 0x0200_0000_ffff;
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
    /// Which kinds of faults this schedule has, a bit for each: few at a time reach what many at once never let happen.
    faults: u64,
    seed: u64,
}

pub fn run(seed: u64) {
    let mut dice = Dice(seed);
    let mut world = World::new(seed);
    world.faults = dice.roll(u64::MAX) & dice.roll(u64::MAX);
    if dice.roll(3) == 0 {
        world.faults |= dice.roll(u64::MAX);
    }
    if dice.roll(3) > 0 {
        // Set up, so that the faults find something.
        world.settle();
        for n in LOCAL {
            world.host.plug(&format!("tap{n}"), &format!("port{n}"));
        }
        world.settle();
    }
    for _ in 0..STEPS.start + dice.roll(STEPS.end - STEPS.start) {
        world.happen(&mut dice);
        if dice.roll(120) == 0 && !world.lied {
            world.settle();
        }
    }
    world.host.northbound = true;
    world.host.mend();
    world.settle();
    world.compare();
    if dice.roll(3) == 0 {
        world.restart();
    }
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
    let other = bridge.flows().iter().find(local_vlan).unwrap().clone();
    let mut leak = flows::text::parse_flow(&leak).unwrap();
    leak.matches = other.matches;
    bridge.flows_mut().insert(leak);
    world.check();
}

/// The first networks are tunnelled, the others on the wire; this is the VNI or the VLAN.
fn number(network: u128) -> u64 {
    1000 + network as u64
}

fn is_tunnelled(network: u128) -> bool {
    network <= 2
}

fn network(n: u128) -> Network {
    let segment = match is_tunnelled(n) {
        true => Segment::Tunnel {
            tunnel: TunnelType::Vxlan,
            vni: number(n) as u32,
        },
        false => Segment::Vlan {
            physical_network: "provider".to_owned(),
            vlan: number(n) as u16,
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
            faults: 0,
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
        for site in [Some(&self.host.site), self.host.known.as_ref()]
            .into_iter()
            .flatten()
        {
            for n in LOCAL.chain(REMOTE) {
                if let Some(port) = site.ports.get(&id(n)) {
                    self.belongs.entry(n).or_default().insert(port.network);
                }
            }
        }
    }

    /// True if this schedule has faults of this kind.
    fn has(&self, kind: u64) -> bool {
        self.faults >> kind & 1 == 1
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
            30..48 => {
                for _ in 0..dice.roll(60) {
                    if !self.handle(&bridge) {
                        break;
                    }
                }
            }
            48..60 => drop(self.host.step()),
            60..66 => {
                self.host.transact(dice.roll(5) > 0);
            }
            66..70 => {
                self.host.catch_up();
                self.check_changes();
            }
            70..74 => drop(self.host.hear_switch()),
            74..78 => drop(self.host.hear_site()),
            78..86 => self.intend(dice),
            86..98 => self.misbehave(dice, &bridge),
            _ => self.fail(dice, &bridge),
        }
    }

    /// Something ends, or goes out of reach.
    fn fail(&mut self, dice: &mut Dice, bridge: &str) {
        let kind = dice.roll(7);
        if !self.has(32 + kind) {
            return;
        }
        match kind {
            0 | 1 => self.host.disconnect(bridge),
            2 => {
                let (made, kept) = (dice.roll(2) == 0, dice.roll(4) > 0);
                self.host.restart_agent(made, kept);
            }
            3 => self.host.restart_switch(),
            4 | 5 => self.host.northbound = !self.host.northbound,
            _ => {
                self.host.tamper(Tampering::DeleteBridge(bridge.to_owned()));
                // The operator makes theirs again, soon or late.
                if dice.roll(2) == 0 {
                    self.host.mend();
                }
            }
        }
        self.check_changes();
    }

    /// The switch handles one message, and everything is still where it belongs.
    fn handle(&mut self, bridge: &str) -> bool {
        match self.host.bridge(bridge).handle_next() {
            // Flows may have changed.
            Some(true) => self.check_changes(),
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
        self.add_memberships();
    }

    /// The switch, or somebody at it, does what heddle has not asked for.
    fn misbehave(&mut self, dice: &mut Dice, name: &str) {
        let kind = dice.roll(21);
        if !self.has(kind) {
            return;
        }
        let tap = format!("tap{}", LOCAL.start + u128::from(dice.roll(6)));
        let bridge = self.host.bridge(name);
        let own = |flow: &&Flow| {
            let cookie = Cookie::from_raw(flow.cookie);
            // Who deletes what drops may lead packets astray; that is theirs to answer for.
            cookie.is_some() && !flow.instructions.is_drop()
        };
        let owned: Vec<&Flow> = bridge.flows().iter().filter(own).collect();
        let victim = dice.pick(&owned).cloned();
        let drops = |victim: Flow| Flow::new(victim.table, victim.priority, victim.matches);
        match (kind, victim) {
            (0, _) => bridge.mischief.refuse = Some(dice.roll(40) as usize),
            (1, _) => bridge.mischief.refuse_commit = true,
            (2, _) => bridge.mischief.hang_up = Some(dice.roll(40) as usize),
            (3, _) => bridge.mischief.swallow_answer = true,
            (4, _) => bridge.pause(),
            (5, _) => bridge.resume(),
            (6, Some(victim)) => bridge.edit(victim, false),
            (7, Some(victim)) => {
                let cookie = victim.cookie;
                bridge.edit(drops(victim).cookie(cookie), true);
            }
            (8, Some(victim)) if name != PROVIDER_BRIDGE => {
                bridge.edit(drops(victim).cookie(7), true);
            }
            (9, _) => {
                let matches = Match::new().with(Field::InPort, 7000u32);
                let learned = Cookie::new(Kind::Learned, id(2)).raw();
                let cookie = dice.pick(&[7, learned]).unwrap();
                bridge.edit(Flow::new(20, 50, matches).cookie(cookie), dice.roll(2) == 0);
            }
            // What forwards everything by itself would be the only flow left there.
            (10, _) if name != PROVIDER_BRIDGE => bridge.delete_all(),
            (11..=13, Some(mut victim)) => {
                self.lied = true;
                let n = dice.roll(40) as usize;
                bridge.mischief.lie = Some(match kind {
                    11 => Lie::Conceal(n),
                    12 => Lie::Alter(n),
                    _ => {
                        victim.priority += 1;
                        Lie::Invent(victim)
                    }
                });
            }
            (14, _) => {
                let n = dice.roll(8) as usize;
                self.host.tamper(Tampering::DeletePort(n));
            }
            (15, _) => {
                let n = dice.roll(8) as usize;
                self.host.tamper(Tampering::Mislead(n));
            }
            (16, _) => self.host.tamper(Tampering::Unsecure(name.to_owned())),
            (17, _) => {
                let tag = dice.pick(&[None, Some(1), Some(2), Some(3), Some(77)]);
                self.host.tamper(Tampering::Tag(tap, tag.unwrap()));
            }
            (18, _) => {
                let network = (dice.roll(2) == 0).then(|| id(1 + u128::from(dice.roll(4))));
                self.host.tamper(Tampering::Note(tap, network));
            }
            (19, _) => self.host.renumber(INTEGRATION_BRIDGE, &tap),
            (20, _) => {
                let n = dice.roll(8) as usize;
                self.host.tamper(Tampering::Unmark(n));
            }
            _ => {}
        }
        self.check_changes();
    }

    /// Nothing goes wrong any more, until nothing is left to do with what the agent can know.
    fn settle(&mut self) {
        self.host.mend();
        for bridge in self.host.bridges.values_mut() {
            bridge.mischief = Default::default();
            bridge.resume();
        }
        if std::mem::take(&mut self.lied) {
            // What a liar has said is found out when it is asked again.
            self.host.disconnect_all();
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
            busy |= self.host.hear_switch();
            busy |= self.host.hear_site();
            let (more, report) = self.host.step();
            // What was refused is tried again in a new session.
            for bridge in std::mem::take(&mut self.host.refused) {
                self.host.disconnect(&bridge);
                busy = true;
            }
            if busy || more {
                continue;
            }
            if let Some(known) = &self.host.known {
                let seed = self.seed;
                assert_eq!(report.problems, BTreeMap::new(), "seed {seed}");
                assert_eq!(report.up, report.plugged, "seed {seed}");
                assert_eq!(report.applied, Some(known.revision), "seed {seed}");
                self.remember();
                self.check();
            }
            return;
        }
        panic!("seed {}: it never settles", self.seed);
    }

    /// The flow tables are those of a host that was set up from scratch.
    fn compare(&self) {
        let mut scratch = Self {
            host: self.host.fresh_twin(),
            belongs: self.belongs.clone(),
            ..*self
        };
        scratch.settle();
        let own = |table: &FlowTable| -> BTreeSet<String> {
            let own = |flow: &&Flow| Cookie::from_raw(flow.cookie).is_some_and(|c| !c.is_learned());
            table.iter().filter(own).map(Flow::to_string).collect()
        };
        let seed = self.seed;
        for (name, bridge) in &self.host.bridges {
            if bridge.flows() == scratch.host.bridges[name].flows() {
                continue;
            }
            let (have, want) = (own(bridge.flows()), own(scratch.host.bridges[name].flows()));
            let missing: Vec<_> = want.difference(&have).collect();
            let extra: Vec<_> = have.difference(&want).collect();
            assert!(
                missing.is_empty() && extra.is_empty(),
                "seed {seed}: {name} lacks {missing:#?} and has {extra:#?}"
            );
        }
        assert_eq!(self.host.observed, scratch.host.observed, "seed {seed}");
    }

    /// An agent that starts anew where all is right changes nothing.
    fn restart(&mut self) {
        let told = |host: &Host| -> (usize, usize) {
            let flows = host.bridges.values().map(|bridge| bridge.told);
            (flows.sum(), host.transactions)
        };
        let before = told(&self.host);
        self.host.restart_agent(false, false);
        self.settle();
        assert_eq!(told(&self.host), before, "seed {}", self.seed);
    }

    /// [`World::check`], if the switch may forward otherwise than at the last check.
    fn check_changes(&self) {
        let bridges = self.host.bridges.values();
        if bridges.filter(|bridge| bridge.has_changed()).count() > 0 {
            self.check();
        }
    }

    /// No packet of a network leaves by a port, VLAN or VNI of another.
    fn check(&self) {
        let packets = self.host.network();
        let targets = LOCAL.chain(REMOTE).map(|n| Some(mac(n)));
        let targets: Vec<Option<u64>> = targets.chain([None]).collect();
        if let Some(bridge) = self.host.bridges.get(INTEGRATION_BRIDGE) {
            for (number, name) in &bridge.ports {
                let Some(n) = tap(name) else {
                    continue;
                };
                for to in &targets {
                    let packet = Packet::new(*number, mac(n), *to);
                    let outs = packets.follow(INTEGRATION_BRIDGE, packet);
                    self.expect(&outs, &self.belongs[&n], || format!("{name} to {to:x?}"));
                }
            }
        }
        let tunnel = self
            .host
            .number(TUNNEL_BRIDGE, &tunnel_port(TunnelType::Vxlan));
        let nic = self.host.number(PROVIDER_BRIDGE, NIC);
        let peer: std::net::Ipv4Addr = peer_address(PEERS[0]).parse().unwrap();
        for n in NETWORKS {
            let networks = [id(n)].into();
            for to in &targets {
                let (bridge, packet) = match (is_tunnelled(n), tunnel, nic) {
                    (true, Some(from), _) => {
                        let packet = Packet::new(from, OUTSIDE, *to);
                        let packet = packet.tunnelled(number(n), peer.to_bits());
                        (TUNNEL_BRIDGE, packet)
                    }
                    (false, _, Some(from)) => {
                        let packet = Packet::new(from, OUTSIDE, *to);
                        (PROVIDER_BRIDGE, packet.tagged(number(n)))
                    }
                    _ => continue,
                };
                let outs = packets.follow(bridge, packet);
                self.expect(&outs, &networks, || {
                    format!("network {n} outside to {to:x?}")
                });
            }
        }
    }

    /// Where a packet of these networks may come out.
    fn expect(&self, outs: &[Out<'_>], networks: &BTreeSet<Uuid>, from: impl Fn() -> String) {
        for out in outs {
            let Some(name) = self.host.name(out.bridge, out.port) else {
                // Nothing is there to receive it.
                continue;
            };
            let is_one = |tunnelled: bool, found: u64| {
                let mut all = NETWORKS.filter(|n| is_tunnelled(*n) == tunnelled);
                all.any(|n| number(n) == found && networks.contains(&id(n)))
            };
            let allowed = if let Some(n) = tap(name) {
                !self.belongs[&n].is_disjoint(networks)
            } else if name == tunnel_port(TunnelType::Vxlan) {
                is_one(true, out.packet.vni())
            } else if name == NIC {
                out.packet.vlan().is_some_and(|vlan| is_one(false, vlan))
            } else {
                assert_ne!(name, int_port(PROVIDER_BRIDGE));
                continue;
            };
            assert!(
                allowed,
                "seed {}: a packet from {} came out of {name} of {} as {:x?}",
                self.seed,
                from(),
                out.bridge,
                out.packet
            );
        }
    }
}

/// The number of an endpoint, by the name of its interface.
fn tap(name: &str) -> Option<u128> {
    name.strip_prefix("tap")?.parse().ok()
}
