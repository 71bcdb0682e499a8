//! The list of flows that a session begins with, piece by piece.

use super::*;

/// Every flow of the bridge, as the switch has it.
fn flows(world: &World, bridge: &str) -> Vec<Flow> {
    world.flows[bridge].iter().cloned().collect()
}

fn settled() -> World {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    world
}

#[test]
fn what_is_listed_as_it_shall_be_is_not_held_twice() {
    let mut world = settled();
    let bridge = "br-tun";
    let all = flows(&world, bridge);
    world.reconciler.session_ended(bridge);
    let (first, second) = all.split_at(all.len() / 2);
    for part in [first, second] {
        let listed = Listed::Flows(part.to_vec());
        world.reconciler.flows_listed(bridge, listed);
    }
    let wanted = world.reconciler.engine.flows(bridge).unwrap();
    let listed = &world.reconciler.listed[bridge];
    assert_eq!(listed.len(), all.len());
    for entry in listed {
        assert!(wanted.get(entry).unwrap().0.is(entry), "{:?}", entry.flow());
    }
}

#[test]
fn nothing_follows_from_a_list_that_is_not_complete() {
    let mut world = settled();
    world.reconciler.session_ended("br-int");
    let half = flows(&world, "br-int").split_off(3);
    world.reconciler.flows_listed("br-int", Listed::Flows(half));
    let report = world.run(|_| ());
    assert_eq!((report.applied, &world.sent[..]), (None, &[][..]));
    // That session never began, and the next lists everything.
    world.connect("br-int");
    assert!(world.run(|_| ()).applied.is_some());
    assert_eq!(world.sent, []);
}

#[test]
fn a_table_that_is_listed_again_counts_as_it_is_then() {
    let mut world = settled();
    let all = flows(&world, "br-int");
    let (classify, others): (Vec<Flow>, Vec<Flow>) =
        all.iter().cloned().partition(|flow| flow.table == 0);
    let gone = classify[0].clone();
    world.reconciler.session_ended("br-int");
    world.flows.get_mut("br-int").unwrap().remove(&gone);
    let ports = ports(&world.observed, "br-int");
    for listed in [
        Listed::Nothing,
        Listed::Flows(classify.clone()),
        Listed::Flows(others),
        Listed::Again(0),
        Listed::Flows(classify[1..].to_vec()),
    ] {
        world.reconciler.flows_listed("br-int", listed);
    }
    let count = world.reconciler.session_began("br-int", ports);
    assert_eq!(count, all.len() - 1);
    assert!(world.run(|_| ()).applied.is_some());
    assert_eq!(world.sent, [FlowMod::Add(gone.into())]);
}
