//! A session begins with many ports of other hosts, which are looked at in turn.

use std::collections::VecDeque;

use super::*;

/// More than the window has room for.
const BULK: u128 = 4_000;

/// A world where all is right, ports of another host included, and that host's number two.
fn world_with_bulk() -> World {
    let mut world = world();
    world.run(nothing_strays);
    plug_all(&mut world);
    world.run(nothing_strays);
    let another = host(201, "192.0.2.3");
    world.site.hosts.insert(another.id, another);
    let there = port(98, 1, &[201]);
    world.site.ports.insert(there.id, there);
    add_bulk(&mut world, BULK);
    assert_eq!(world.run(|_| {}).applied, Some(7));
    world
}

/// The flows of one of the many ports.
fn of_port(flow: &Flow, n: u128) -> bool {
    flow.cookie == Unit::Port(id(n)).cookie().raw()
}

/// What a new agent would do is nothing.
fn is_as_from_scratch(world: &mut World) {
    knows_the_switch(world);
    world.restart_agent();
    let report = world.run(|_| {});
    assert_eq!(report.applied, Some(world.site.revision));
    assert_eq!(world.sent, []);
    knows_the_switch(world);
}

#[test]
fn a_session_that_finds_all_right_is_content_at_once() {
    let mut world = world_with_bulk();
    world.restart_agent();
    let (commands, report) = world.step();
    assert_eq!((commands, report.applied), (vec![], Some(7)));
    assert_eq!(report.up.len(), 3);
    // Also when the bridge of all ports is not there yet.
    world.restart_agent();
    world.reconciler.session_ended("br-int");
    assert_eq!(world.step().0, []);
    world.connect("br-int");
    let (commands, report) = world.step();
    assert_eq!((commands, report.applied), (vec![], Some(7)));
}

#[test]
fn ports_of_other_hosts_come_bundle_by_bundle_and_before_anything_is_deleted() {
    let mut world = world_with_bulk();
    // The switch has lost half of them, and keeps what a port had that is no more.
    let table = world.flows.get_mut("br-tun").unwrap();
    let lost = |flow: &Flow| (1_000..1_000 + BULK).step_by(2).any(|n| of_port(flow, n));
    let without: Vec<Flow> = table.iter().filter(|flow| !lost(flow)).cloned().collect();
    assert_eq!(table.len() - without.len(), BULK as usize / 2);
    *table = FlowTable::from_iter(without);
    for gone in [1_001, 4_999] {
        world.site.ports.remove(&id(gone));
    }
    world.restart_agent();
    world.sent.clear();
    let mut queue: VecDeque<Command> = VecDeque::new();
    let (mut adds, mut deletes) = (0, Vec::new());
    let mut steps = 0;
    loop {
        let (commands, report) = world.step();
        if commands.is_empty() && queue.is_empty() {
            break assert_eq!((report.applied, report.up.len()), (Some(7), 3));
        }
        // Whoever is here does not wait for them.
        assert_eq!((report.applied, report.up.len()), (None, 3));
        for command in &commands {
            let Command::Program { bridge, changes } = command else {
                panic!("{command:?}");
            };
            assert_eq!(bridge, "br-tun");
            for change in changes {
                match change {
                    FlowMod::Add(_) => adds += 1,
                    FlowMod::Delete(flow) => deletes.push((adds, flow.clone())),
                    FlowMod::Forget(_) => panic!("{change:?}"),
                }
            }
        }
        queue.extend(commands);
        steps += 1;
        if steps == 1 {
            // One whose turn has not come goes, one becomes another, one that had come already goes, too.
            for gone in [4_800, 1_002] {
                world.site.ports.remove(&id(gone));
            }
            world.site.ports.get_mut(&id(4_900)).unwrap().hosts = [id(201)].into();
        }
        if let Some(command) = queue.pop_front() {
            world.carry_out(command, &mut |_| {});
        }
    }
    // Of the one that went before its turn nothing was ever sent.
    let of =
        |n: u128| move |change: &&FlowMod| matches!(change, FlowMod::Add(flow) if of_port(flow, n));
    let sent = world.sent.iter();
    assert_eq!(sent.clone().filter(of(4_800)).count(), 0);
    assert_eq!(sent.clone().filter(of(4_900)).count(), 1);
    assert_eq!(adds, BULK as usize / 2 - 1);
    let numbers = [1_001, 1_002, 4_999];
    let deleted = |n: u128| deletes.iter().any(|(_, flow)| of_port(flow, n));
    assert!(numbers.into_iter().all(deleted) && deletes.len() == 3);
    assert!(deletes.iter().all(|(before, _)| *before == adds));
    is_as_from_scratch(&mut world);
}

#[test]
fn what_somebody_here_waits_for_is_not_slowed_down_by_ports_of_other_hosts() {
    let mut world = world_with_bulk();
    let table = world.flows.get_mut("br-tun").unwrap();
    let network = Unit::Network(id(1)).cookie().raw();
    let lost = |flow: &Flow| flow.cookie == network || (2_000..4_000).any(|n| of_port(flow, n));
    let without: Vec<Flow> = table.iter().filter(|flow| !lost(flow)).cloned().collect();
    let lost = table.len() - without.len();
    *table = FlowTable::from_iter(without);
    world.restart_agent();
    let (commands, report) = world.step();
    assert_eq!(report.up.len(), 2, "the network of one is not whole");
    let sizes: Vec<_> = commands.iter().map(size).collect();
    let urgent = lost - 2_000;
    assert!(urgent > 0 && urgent < BUNDLE_LIMIT);
    assert_eq!(
        sizes,
        [
            ("br-tun", urgent),
            ("br-tun", BUNDLE_LIMIT),
            ("br-tun", BUNDLE_LIMIT)
        ]
    );
    let mut commands = commands.into_iter();
    world.carry_out(commands.next().unwrap(), &mut |_| {});
    let (more, report) = world.step();
    assert_eq!(report.up.len(), 3);
    for command in commands.chain(more) {
        world.carry_out(command, &mut |_| {});
    }
    assert_eq!(world.run(|_| {}).applied, Some(7));
    is_as_from_scratch(&mut world);
}

/// Numbers that look like chance, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn port(&mut self) -> u128 {
        1_000 + u128::from(self.below(BULK as u64))
    }
}

/// Somebody else changes a flow of `br-tun`, whether its turn has come or not.
fn tamper(world: &mut World, chance: &mut Chance) {
    let table = world.flows.get_mut("br-tun").unwrap();
    let nth = chance.below(table.len() as u64) as usize;
    let flow = table.iter().nth(nth).unwrap().clone();
    let observation = match chance.below(3) {
        0 => {
            table.remove(&flow);
            Observation::Gone(flow)
        }
        1 => {
            let altered = flow.doing([Action::output(77)]);
            table.insert(altered.clone());
            Observation::There(altered)
        }
        _ => {
            let foreign = Flow { cookie: 5, ..flow };
            table.insert(foreign.clone());
            Observation::There(foreign)
        }
    };
    world.reconciler.flow_observed("br-tun", observation);
}

#[test]
fn whatever_happens_meanwhile_it_ends_as_from_scratch() {
    for seed in 1..=12 {
        let mut chance = Chance(seed);
        let mut world = world_with_bulk();
        let table = world.flows.get_mut("br-tun").unwrap();
        let kept: Vec<Flow> = table
            .iter()
            .filter(|_| chance.below(3) > 0)
            .cloned()
            .collect();
        *table = FlowTable::from_iter(kept);
        for _ in 0..chance.below(40) {
            world.site.ports.remove(&id(chance.port()));
        }
        world.restart_agent();
        let mut queue: VecDeque<Command> = VecDeque::new();
        for _ in 0..60 {
            let (commands, _) = world.step();
            queue.extend(commands);
            let n = chance.port();
            match chance.below(9) {
                0 => drop(world.site.ports.remove(&id(n))),
                1 => {
                    if let Some(port) = world.site.ports.get_mut(&id(n)) {
                        port.hosts = [id(201)].into();
                    }
                }
                2 => {
                    let mac = flows::EthAddr::from_u64(0x0200_0000_0000 + chance.port() as u64);
                    let (id, network) = (id(n), 1 + u128::from(chance.below(2)));
                    let new = crate::model::Port {
                        id,
                        mac,
                        ..port(99, network, &[PEER])
                    };
                    world.site.ports.insert(id, new);
                }
                3 => tamper(&mut world, &mut chance),
                4 => {
                    // It is plugged in here.
                    if let Some(port) = world.site.ports.get_mut(&id(n)) {
                        port.name = format!("port{n}");
                        world.plug(&format!("tap{n}"), &format!("port{n}"), n as u32);
                    }
                }
                5 if chance.below(4) == 0 => {
                    queue.retain(|command| {
                        !matches!(command, Command::Program { bridge, .. } if bridge == "br-tun")
                    });
                    world.reconciler.session_ended("br-tun");
                    world.connect("br-tun");
                }
                _ => {
                    if let Some(command) = queue.pop_front() {
                        world.carry_out(command, &mut |_| {});
                    }
                }
            }
        }
        for command in queue {
            world.carry_out(command, &mut |_| {});
        }
        // What others have changed again and again is left to them until some time has passed.
        world.reconciler.paused();
        let report = world.run(|_| {});
        assert_eq!(report.applied, Some(7), "seed {seed}: {report:?}");
        is_as_from_scratch(&mut world);
    }
}
