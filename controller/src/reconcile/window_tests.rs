//! Several bundles on their way to one bridge.

use super::*;

#[test]
fn what_is_on_its_way_is_neither_sent_again_nor_taken_as_done() {
    let mut world = world();
    world.run(nothing_strays);
    world.plug("tap11", "port11", 111);
    let (another, there) = (host(201, "192.0.2.3"), port(98, 1, &[201]));
    world.site.hosts.insert(another.id, another);
    world.site.ports.insert(there.id, there);
    world.run(nothing_strays);
    add_bulk(&mut world, 1_200);
    let (on_their_way, report) = world.step();
    let sizes: Vec<_> = on_their_way.iter().map(size).collect();
    assert_eq!(sizes, [("br-tun", 500), ("br-tun", 500), ("br-tun", 200)]);
    assert_eq!((report.up.len(), report.applied), (1, None));
    // A port is plugged in, and of what is on its way most is wanted no more, and some at the end otherwise.
    world
        .site
        .ports
        .retain(|other, _| !(id(1_010)..id(2_195)).contains(other));
    for n in 2_195..2_200 {
        world.site.ports.get_mut(&id(n)).unwrap().hosts = [id(201)].into();
    }
    world.plug("tap12", "port12", 112);
    let (more, report) = world.step();
    assert!(
        more.iter()
            .all(|command| matches!(command, Command::Transact(_))),
        "the window is full"
    );
    assert_eq!((report.up.len(), report.applied), (1, None));
    let mut waiting = on_their_way.into_iter().chain(more);
    world.carry_out(waiting.next().unwrap(), &mut one_local_vlan_per_port);
    let (deletes, report) = world.step();
    let [Command::Program { bridge, changes }] = &deletes[..] else {
        panic!("{} commands", deletes.len());
    };
    assert_eq!(bridge, "br-tun");
    let deleted = |change: &FlowMod| matches!(change, FlowMod::Delete(_));
    assert!(changes.iter().all(deleted), "the others are on their way");
    assert_eq!(changes.len(), BUNDLE_LIMIT / DELETE, "of 490");
    assert_eq!((report.applied, report.up.len()), (None, 1));
    for command in waiting.chain(deletes) {
        world.carry_out(command, &mut one_local_vlan_per_port);
    }
    let report = world.run(one_local_vlan_per_port);
    assert_eq!((report.applied, report.up.len()), (Some(7), 2));
    knows_the_switch(&world);
}

#[test]
fn a_port_is_not_up_before_the_last_of_its_flows_is_acknowledged() {
    let mut world = world();
    world.run(nothing_strays);
    world.plug("tap12", "port12", 112);
    let of_it = |command: &Command| {
        let cookie = Unit::Port(id(12)).cookie().raw();
        matches!(command, Command::Program { changes, .. } if changes.iter().any(|change| {
            matches!(change, FlowMod::Add(flow) if flow.cookie == cookie)
        }))
    };
    let mut queue = std::collections::VecDeque::new();
    let mut waited = 0;
    loop {
        let (commands, report) = world.step();
        queue.extend(commands);
        if queue.iter().any(of_it) {
            assert!(!report.up.contains(&id(12)));
            waited += 1;
        }
        match queue.pop_front() {
            Some(command) => world.carry_out(command, &mut nothing_strays),
            None => break assert_eq!(*report.up, [id(12)].into()),
        }
    }
    assert!(waited >= 2, "on br-tun and on br-int");
}

#[test]
fn a_session_that_ends_with_bundles_on_their_way_leaves_nothing_undone() {
    for made in 0..=WINDOW {
        let mut world = world();
        world.run(nothing_strays);
        plug_all(&mut world);
        world.run(nothing_strays);
        add_bulk(&mut world, 2_000);
        let (on_their_way, _) = world.step();
        assert_eq!(on_their_way.len(), WINDOW);
        // The switch has made some of them, and has said so of all but the last.
        for (nth, command) in on_their_way.into_iter().take(made).enumerate() {
            match command {
                Command::Program { bridge, changes } if nth + 1 == made => {
                    let table = world.flows.get_mut(&bridge).unwrap();
                    for change in changes {
                        let FlowMod::Add(flow) = change else {
                            panic!("{change:?}")
                        };
                        table.insert(Flow::clone(&flow));
                    }
                }
                other => world.carry_out(other, &mut one_local_vlan_per_port),
            }
        }
        world.reconciler.session_ended("br-tun");
        assert_eq!(world.step().1.applied, None);
        world.connect("br-tun");
        let report = world.run(one_local_vlan_per_port);
        assert_eq!((report.applied, report.up.len()), (Some(7), 3));
        assert_eq!(world.sent.len(), 2_000 - made * BUNDLE_LIMIT);
        knows_the_switch(&world);
    }
}
