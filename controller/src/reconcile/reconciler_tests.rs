//! The reconciler against a simulated switch.

#[path = "elsewhere_tests.rs"]
mod elsewhere;
#[path = "listing_tests.rs"]
mod listing;
#[path = "refused_tests.rs"]
mod refused;
#[path = "window_tests.rs"]
mod window;

use std::collections::{BTreeMap, BTreeSet};

use flows::{Action, Field, Flow, FlowTable, Match};
use uuid::Uuid;

use super::*;
use crate::model::SmallSet;
use crate::model::sample::{host, id, network, port};
use crate::reconcile::layout::CLOSED;
use crate::reconcile::local_vlans::recorded;
use crate::reconcile::mentions::vlan_ids;
use crate::reconcile::observed::{Bridge, Interface};
use crate::reconcile::programme::{BUNDLE_LIMIT, DELETE, WINDOW};
use crate::reconcile::simulated::{World, ports};

const HOST: u128 = 100;
const PEER: u128 = 200;

fn vxlan(vni: u32) -> Segment {
    Segment::Tunnel {
        tunnel: TunnelType::Vxlan,
        vni,
    }
}

/// A host with a tunnel address and a provider bridge; networks 1 (vxlan), 2 (vxlan), 3 (vlan), each with a port 11, 12,
/// 13 for this host and a port 21, 22, 23 on another host.
fn world() -> World {
    let mut world = World::new(
        &[
            ("heddle-encap-ip", "192.0.2.1"),
            ("heddle-bridge-mappings", "provider:br-eth1"),
        ],
        id(HOST),
    );
    let provider = Bridge {
        id: Uuid::new_v4(),
        datapath_id: Some("1".to_owned()),
        ..Bridge::default()
    };
    world
        .observed
        .bridges
        .insert("br-eth1".to_owned(), provider);
    let normal = Flow::new(0, 0, Match::new()).doing([Action::output(flows::Port::NORMAL)]);
    world
        .flows
        .insert("br-eth1".to_owned(), FlowTable::from_iter([normal]));
    world.restart_agent();
    let site = &mut world.site;
    site.revision = 7;
    let vlan = Segment::Vlan {
        physical_network: "provider".to_owned(),
        vlan: 1001,
    };
    site.networks = [network(1, vxlan(1)), network(2, vxlan(2)), network(3, vlan)]
        .map(|n| (n.id, n))
        .into();
    for n in 1..=3 {
        let (here, there) = (port(10 + n, n, &[]), port(20 + n, n, &[PEER]));
        site.ports.extend([(here.id, here), (there.id, there)]);
    }
    site.hosts = [host(HOST, "192.0.2.1"), host(PEER, "192.0.2.2")]
        .map(|h| (h.id, h))
        .into();
    world
}

/// A local VLAN means one network on all bridges at every moment: each flow that mentions one serves the network, or a
/// port of the network, that the same number has in every other flow.
fn one_network_per_local_vlan(world: &World) {
    let network_of = |flow: &Flow| {
        let cookie = Cookie::from_raw(flow.cookie)?;
        let network = world
            .site
            .networks
            .keys()
            .find(|id| cookie.serves(**id))
            .copied();
        network.or_else(|| {
            world
                .site
                .ports
                .values()
                // What port 11 has may still be from the network that it was in before.
                .find(|port| cookie.serves(port.id) && port.id != id(11))
                .map(|port| port.network)
        })
    };
    let objects = world.site.networks.keys().chain(world.site.ports.keys());
    let cookies: BTreeSet<_> = objects
        .map(|id| Cookie::new(crate::compile::Kind::Network, *id))
        .collect();
    assert_eq!(
        cookies.len(),
        world.site.networks.len() + world.site.ports.len(),
        "a cookie names one object"
    );
    let mut owner: BTreeMap<u16, Uuid> = BTreeMap::new();
    for (bridge, table) in &world.flows {
        for flow in table {
            let Some(network) = network_of(flow) else {
                continue;
            };
            for lvid in vlan_ids(flow).filter(|lvid| (1..1001).contains(lvid)) {
                assert_eq!(
                    *owner.entry(lvid).or_insert(network),
                    network,
                    "{bridge}: {flow:?}"
                );
            }
        }
    }
}

/// The number of a port of `br-int` means one local VLAN at every moment, in whatever flows know it.
fn one_local_vlan_per_port(world: &World) {
    let mut of_number: BTreeMap<u32, BTreeSet<u16>> = BTreeMap::new();
    for flow in world.flows.get("br-int").into_iter().flatten() {
        let from = flow
            .matches
            .get(Field::InPort)
            .map(|field| field.value as u32);
        let to = flow
            .instructions
            .apply
            .iter()
            .filter_map(|action| match action {
                Action::Output(port) => Some(port.0),
                _ => None,
            });
        // Patch ports have lower numbers.
        for number in from.into_iter().chain(to).filter(|number| *number > 100) {
            let lvids = vlan_ids(flow).filter(|lvid| *lvid != 0);
            of_number.entry(number).or_default().extend(lvids);
        }
    }
    for (number, lvids) in of_number {
        assert!(lvids.len() <= 1, "port {number} is in {lvids:?}");
    }
}

fn nothing_strays(world: &World) {
    one_network_per_local_vlan(world);
    one_local_vlan_per_port(world);
}

/// What the reconciler believes of the switch is so.
fn knows_the_switch(world: &World) {
    for (bridge, table) in &world.flows {
        let known = world
            .reconciler
            .installed()
            .filter(|(name, _)| name == bridge);
        let known = FlowTable::from_iter(known.map(|(_, flow)| flow.clone()));
        let own = table
            .iter()
            .filter(|flow| Cookie::from_raw(flow.cookie).is_some());
        assert_eq!(known, FlowTable::from_iter(own.cloned()), "{bridge}");
    }
}

fn plug_all(world: &mut World) {
    for n in 11..=13 {
        world.plug(&format!("tap{n}"), &format!("port{n}"), 100 + n);
    }
}

#[test]
fn from_nothing_to_everything() {
    let mut world = world();
    let report = world.run(nothing_strays);
    assert_eq!((report.applied, report.up.len()), (Some(7), 0));
    assert_eq!(report.problems, BTreeMap::new());
    plug_all(&mut world);
    let report = world.run(nothing_strays);
    assert_eq!(report.applied, Some(7));
    assert_eq!(*report.up, BTreeSet::from([id(11), id(12), id(13)]));
    assert_eq!(recorded(&world.observed).len(), 3);
    let catch_all = world.flows["br-eth1"]
        .get(&Flow::new(0, 0, Match::new()))
        .unwrap();
    assert_eq!(catch_all.cookie, 0, "the operator's flow is still there");
}

#[test]
fn a_restart_of_the_agent_changes_nothing() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    let (flows, observed) = (world.flows.clone(), world.observed.clone());
    world.restart_agent();
    let report = world.run(|_| ());
    assert_eq!(world.sent, []);
    assert_eq!((flows, observed), (world.flows, world.observed));
    assert_eq!(report.up.len(), 3);
}

#[test]
fn sessions_that_begin_one_by_one_change_nothing() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    let bridges: Vec<_> = world.flows.keys().cloned().collect();
    for first in 0..bridges.len() {
        world.reconciler = Reconciler::default();
        let order = bridges.iter().cycle().skip(first).take(bridges.len());
        for (nth, bridge) in order.enumerate() {
            world.connect(bridge);
            let report = world.run(|_| ());
            assert_eq!(world.sent, [], "after the session with {bridge}");
            assert_eq!(report.applied.is_some(), nth + 1 == bridges.len());
        }
    }
}

#[test]
fn a_bridge_without_a_session_holds_up_nothing_but_its_own_networks() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    world.reconciler.session_ended("br-eth1");
    let before = world.flows.clone();
    let another = port(31, 1, &[PEER]);
    world.site.ports.insert(another.id, another);
    let report = world.run(nothing_strays);
    assert_eq!(*report.up, BTreeSet::from([id(11), id(12)]));
    assert_eq!(report.applied, None, "it is not known what br-eth1 does");
    assert_eq!(world.flows["br-int"], before["br-int"]);
    assert_ne!(world.flows["br-tun"], before["br-tun"]);
}

/// Somebody gives a network the number of another: the agent knows better, and one that starts anew sees it in the flows.
#[test]
fn local_vlans_that_somebody_has_rewritten_lead_nothing_astray() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    let (flows, observed) = (world.flows.clone(), world.observed.clone());
    for restarted in [false, true] {
        let bridge = world.observed.bridges.get_mut("br-int").unwrap();
        let tag = bridge.ports["tap12"].tag;
        bridge.ports.get_mut("tap11").unwrap().tag = tag;
        if restarted {
            world.restart_agent();
        }
        let report = world.run(nothing_strays);
        assert_eq!(report.up.len(), 3);
        assert_eq!(recorded(&world.observed).len(), 3);
        if !restarted {
            assert_eq!((&flows, &observed), (&world.flows, &world.observed));
        }
        let kept = |flows: &FlowTable| -> Vec<Flow> {
            let of_12 = |flow: &&Flow| flow.cookie == Unit::Port(id(12)).cookie().raw();
            flows.iter().filter(of_12).cloned().collect()
        };
        assert_eq!(kept(&flows["br-int"]), kept(&world.flows["br-int"]));
    }
}

/// A provider bridge forwards by itself what no flow of heddle's stops, so these go only with the port that they are about.
#[test]
fn a_provider_bridge_is_guarded_while_the_switch_has_the_way_to_it() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    let before = world.flows.clone();
    let bridge = world.observed.bridges.get_mut("br-eth1").unwrap();
    let port = bridge.ports.get_mut("phy-br-eth1").unwrap();
    let interface = port.interfaces.get_mut("phy-br-eth1").unwrap();
    interface.ofport = None;
    world.run(|_| ());
    assert_eq!(world.flows, before, "the session still lists the port");

    // Nor does br-int send anything towards a bridge that has none of them.
    let there = ports(&world.observed, "br-int");
    world.restart_switch(there);
    let report = world.run(nothing_strays);
    assert_eq!(*report.up, BTreeSet::from([id(11), id(12)]));
}

/// What leads to a bridge that forwards by itself opens when the session, too, knows by which port packets come there: not
/// before is there a flow for them.
#[test]
fn a_way_opens_when_the_session_knows_its_port() {
    let mut world = world();
    world.run(nothing_strays);
    plug_all(&mut world);
    world.run(nothing_strays);
    let way = |world: &mut World| {
        let bridge = world.observed.bridges.get_mut("br-eth1").unwrap();
        let port = bridge.ports.get_mut("phy-br-eth1").unwrap();
        std::mem::take(port.interfaces.get_mut("phy-br-eth1").unwrap())
    };
    let open = way(&mut world);
    let peer = |to: &str| BTreeMap::from([("peer".to_owned(), to.to_owned())]);
    assert_eq!(open.options, peer("int-br-eth1"));
    // Somebody has made the port anew, and the database tells of its number before the session does.
    let put = |world: &mut World, interface| {
        let bridge = world.observed.bridges.get_mut("br-eth1").unwrap();
        let port = bridge.ports.get_mut("phy-br-eth1").unwrap();
        port.interfaces.insert("phy-br-eth1".to_owned(), interface);
    };
    let closed = Interface {
        ofport: Some(77),
        options: peer(CLOSED),
        ..open.clone()
    };
    put(&mut world, closed.clone());
    let before = open.ofport.unwrap();
    world.reconciler.port_changed("br-eth1", before, None);
    world.run(nothing_strays);
    assert_eq!(way(&mut world).options, peer(CLOSED));
    put(&mut world, closed);
    let name = Some("phy-br-eth1".to_owned());
    world.reconciler.port_changed("br-eth1", 77, name);
    world.run(nothing_strays);
    assert_eq!(way(&mut world).options, peer("int-br-eth1"));
}

#[test]
fn a_number_that_the_session_does_not_confirm_makes_no_flow() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    // ovs-vswitchd has restarted and numbered anew; its database still has the old numbers of two ports.
    let mut renumbered = ports(&world.observed, "br-int");
    renumbered.insert(111, "tap12".to_owned());
    renumbered.insert(112, "tap11".to_owned());
    world.restart_switch(renumbered);
    let report = world.run(|_| ());
    assert_eq!(*report.up, BTreeSet::from([id(13)]));
    assert_eq!(report.applied, None, "a number is still to come");
    let from = |ofport: u32| Match::new().with(Field::InPort, ofport);
    let classified = |world: &World, ofport: u32| {
        world.flows["br-int"]
            .iter()
            .any(|flow| flow.matches.get(Field::InPort) == from(ofport).get(Field::InPort))
    };
    assert!(!classified(&world, 111) && !classified(&world, 112) && classified(&world, 113));
    let bridge = world.observed.bridges.get_mut("br-int").unwrap();
    for (name, ofport) in [("tap12", 111), ("tap11", 112)] {
        bridge
            .ports
            .get_mut(name)
            .unwrap()
            .interfaces
            .get_mut(name)
            .unwrap()
            .ofport = Some(ofport);
    }
    let report = world.run(nothing_strays);
    assert_eq!(report.up.len(), 3);
    assert_eq!(report.applied, Some(world.site.revision));
}

#[test]
fn networks_come_and_go_and_their_local_vlans_never_meet() {
    let mut world = world();
    world.run(|_| ());
    for round in 0..20u128 {
        for n in 11..=13 {
            let name = format!("tap{n}");
            let plugged = world.observed.bridges["br-int"].ports.contains_key(&name);
            match (plugged, (round * 7 + n) % 3 == 0) {
                (false, _) => world.plug(&name, &format!("port{n}"), 100 + n as u32),
                (true, true) => world.unplug(&name),
                (true, false) => {}
            }
        }
        // A port changes its network while it is plugged in.
        let moved = world.site.ports.get_mut(&id(11)).unwrap();
        moved.network = id(1 + round % 3);
        let report = world.run(nothing_strays);
        assert_eq!(report.up, report.plugged);
        let scratch = {
            let mut fresh = World {
                reconciler: Reconciler::default(),
                ..self::world()
            };
            fresh.site = world.site.clone();
            fresh.observed = world.observed.clone();
            fresh
                .flows
                .insert("br-eth1".to_owned(), self::world().flows["br-eth1"].clone());
            fresh.restart_agent();
            fresh.run(|_| ());
            fresh.flows
        };
        assert_eq!(world.flows, scratch, "round {round}");
        knows_the_switch(&world);
    }
}

#[test]
fn a_port_with_the_number_of_another_opens_after_that_one_is_closed() {
    let mut world = world();
    world.run(nothing_strays);
    plug_all(&mut world);
    assert_eq!(world.run(nothing_strays).up.len(), 3);
    // Between two looks tap11 has gone and tap12 has got its number, in another network.
    world.unplug("tap11");
    world.unplug("tap12");
    world.plug("tap12", "port12", 111);
    let report = world.run(nothing_strays);
    assert_eq!(*report.up, BTreeSet::from([id(12), id(13)]));
    // Another port of the same network may speak for other addresses.
    let another = port(14, 2, &[]);
    world.site.ports.insert(another.id, another);
    world.unplug("tap12");
    world.plug("tap14", "port14", 111);
    let mut closed = false;
    let report = world.run(|world| {
        let of = |n| {
            let cookie = Cookie::new(crate::compile::Kind::Port, id(n)).raw();
            world.flows["br-int"]
                .iter()
                .any(|flow| flow.cookie == cookie)
        };
        assert!(!of(12) || !of(14), "both have the number");
        closed |= !of(12) && !of(14);
    });
    assert!(closed);
    assert_eq!(*report.up, BTreeSet::from([id(13), id(14)]));
    knows_the_switch(&world);
}

/// The bridge of a bundle and how many changes are in it.
fn size(command: &Command) -> (&str, usize) {
    match command {
        Command::Program { bridge, changes } => (bridge, changes.len()),
        Command::Transact(_) => panic!("{command:?}"),
    }
}

/// Puts so many ports, one flow each, of network 1 on the other host.
fn add_bulk(world: &mut World, count: u128) {
    for n in 1000..1000 + count {
        let bulk = crate::model::Port {
            id: id(n),
            mac: flows::EthAddr::from_u64(0x0200_0000_0000 + n as u64),
            addresses: SmallSet::default(),
            ..port(99, 1, &[PEER])
        };
        world.site.ports.insert(bulk.id, bulk);
    }
}

#[test]
fn a_port_is_plugged_in_and_up_while_bulk_work_runs() {
    const BULK: u128 = 6_000;
    let mut world = world();
    world.run(nothing_strays);
    world.plug("tap11", "port11", 111);
    world.run(nothing_strays);
    add_bulk(&mut world, BULK);
    let (commands, report) = world.step();
    let sizes: Vec<_> = commands.iter().map(size).collect();
    assert_eq!(sizes, [("br-tun", BUNDLE_LIMIT); WINDOW]);
    assert_eq!((report.up.len(), report.applied), (1, None));
    // In the middle of it a port of another network is plugged in.
    world.plug("tap12", "port12", 112);
    let (first, _) = world.step();
    let mut bulk = commands;
    bulk.extend(first);
    let mut steps = 0;
    let report = loop {
        for command in std::mem::take(&mut bulk) {
            world.carry_out(command, &mut one_local_vlan_per_port);
        }
        let (commands, report) = world.step();
        bulk = commands;
        if report.up.contains(&id(12)) {
            break report;
        }
        steps += 1;
        assert!(steps < 10, "it is never up");
    };
    assert_eq!(report.applied, None);
    let programmed = world.flows["br-tun"].len() as u128;
    assert!(programmed < BULK, "{programmed} flows are there already");
    for command in bulk {
        world.carry_out(command, &mut |_| ());
    }
    let report = world.run(|_| ());
    assert_eq!(report.applied, Some(7));
    assert!(world.flows["br-tun"].len() as u128 > BULK);
    knows_the_switch(&world);
}

#[test]
fn what_one_object_has_may_take_several_bundles() {
    const ADDRESSES: u32 = 700;
    let mut world = world();
    world.run(nothing_strays);
    let many = world.site.ports.get_mut(&id(11)).unwrap();
    many.addresses = (0..ADDRESSES)
        .map(|n| std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).into())
        .collect();
    plug_all(&mut world);
    let report = world.run(nothing_strays);
    assert_eq!((report.up.len(), report.applied), (3, Some(7)));
    knows_the_switch(&world);

    // What another version has left behind: a drop, and more flows than a bundle holds that it keeps packets from.
    let left = |priority: u16, matches: Match| {
        Flow::new(60, priority, matches).cookie(0x6865_f000_0000_0000)
    };
    let to = |n: u32| {
        Match::new()
            .with(Field::IpDst, n)
            .with(Field::EthType, 0x0800u16)
    };
    let table = world.flows.get_mut("br-int").unwrap();
    let clean = table.clone();
    table.insert(left(300, Match::new().with(Field::EthType, 0x0800u16)));
    for n in 0..ADDRESSES {
        table.insert(left(290, to(n)).doing([Action::output(111u32)]));
    }
    world.restart_agent();
    let hidden = |world: &World| {
        let flows = world.flows["br-int"].iter();
        let mut priorities = flows
            .filter(|flow| flow.table == 60)
            .map(|flow| flow.priority);
        let (drops, others): (Vec<_>, Vec<_>) = priorities
            .by_ref()
            .filter(|p| *p > 250)
            .partition(|p| *p == 300);
        assert!(
            !drops.is_empty() || others.is_empty(),
            "{} flows are open",
            others.len()
        );
    };
    assert_eq!(world.run(hidden).up.len(), 3);
    assert_eq!(world.flows["br-int"], clean);
}

#[test]
fn a_change_is_sent_and_compiled_alone() {
    let mut world = world();
    world.run(nothing_strays);
    plug_all(&mut world);
    world.run(nothing_strays);
    let before = world.reconciler.compiled();
    let another = port(31, 1, &[PEER]);
    world.site.ports.insert(another.id, another.clone());
    world.run(nothing_strays);
    let after = world.reconciler.compiled();
    assert_eq!(after.units - before.units, 1);
    let cookies: BTreeSet<u64> = world
        .sent
        .iter()
        .map(|change| match change {
            FlowMod::Add(flow) => flow.cookie,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        cookies,
        [Cookie::new(crate::compile::Kind::Port, another.id).raw()].into()
    );
    assert_eq!(world.sent.len(), 3, "unicast, ARP, ND");
    assert_eq!(after.full_recompiles, 0);
    world.reconciler.site_replaced();
    world.run(nothing_strays);
    assert_eq!(
        (
            world.sent.len(),
            world.reconciler.compiled().full_recompiles
        ),
        (0, 1)
    );
    knows_the_switch(&world);
}

#[test]
fn a_host_that_is_removed_takes_its_flows_with_it() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    let mentions_peer = |world: &World| {
        let peer = "192.0.2.2".parse::<std::net::Ipv4Addr>().unwrap();
        let written = Action::set_field(Field::TunDst, peer);
        let from = Match::new().with(Field::TunSrc, peer);
        world.flows["br-tun"].iter().any(|flow| {
            flow.instructions.apply.contains(&written)
                || flow.matches.get(Field::TunSrc) == from.get(Field::TunSrc)
        })
    };
    assert!(mentions_peer(&world));
    world.site.hosts.remove(&id(PEER));
    for port in world.site.ports.values_mut() {
        port.hosts = SmallSet::default();
    }
    world.run(nothing_strays);
    assert!(!mentions_peer(&world));
}

#[test]
fn a_mapping_that_goes_leaves_nothing_behind() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    assert!(world.flows["br-eth1"].len() > 1);
    world.settings.bridge_mappings.clear();
    let report = world.run(nothing_strays);
    assert_eq!(world.flows["br-eth1"].len(), 1);
    assert!(world.observed.bridges["br-eth1"].ports.is_empty());
    assert_eq!(*report.up, BTreeSet::from([id(11), id(12)]));
    assert_eq!(
        report.problems["net3"],
        "a port of this network is plugged in here, but the host has no bridge on provider: set \
         external_ids:heddle-bridge-mappings=provider:BRIDGE"
    );
}

#[test]
fn a_flow_of_the_operators_is_not_replaced() {
    let mut world = world();
    world.run(|_| ());
    let phy = world.observed.bridges["br-eth1"]
        .ofport("phy-br-eth1")
        .unwrap();
    let theirs = Flow::new(0, 50, Match::new().with(Field::InPort, phy))
        .doing([Action::output(flows::Port::NORMAL)]);
    world
        .flows
        .insert("br-eth1".to_owned(), FlowTable::from_iter([theirs.clone()]));
    world.restart_agent();
    let report = world.run(|_| ());
    assert_eq!(world.flows["br-eth1"].get(&theirs), Some(&theirs));
    assert!(
        report.problems["br-eth1"]
            .starts_with("a flow that is not heddle's has the place of one of its own")
    );
}

#[test]
fn a_flow_of_the_operators_with_a_field_of_a_later_release_is_anothers() {
    let mut world = world();
    world.run(|_| ());
    let ours: Vec<Flow> = world.flows["br-eth1"].iter().cloned().collect();
    // Like each of heddle's, but for fewer packets, and no catch-all.
    let theirs: Vec<Flow> = ours
        .iter()
        .map(|flow| {
            let matches = format!("{},oxm(class=0x0001,field=127,value=0x01)", flow.matches);
            Flow {
                matches: flows::text::parse_match(&matches).unwrap(),
                cookie: 0,
                ..flow.clone()
            }
        })
        .collect();
    world
        .flows
        .insert("br-eth1".to_owned(), FlowTable::from_iter(theirs.clone()));
    world.restart_agent();
    let report = world.run(|_| ());
    assert!(!report.problems.contains_key("br-eth1"));
    let now = &world.flows["br-eth1"];
    assert_eq!(now.len(), ours.len() + theirs.len());
    for flow in &theirs {
        assert_eq!(now.get(flow), Some(flow));
    }
}

#[test]
fn without_a_session_nothing_is_up_and_a_new_one_finishes_the_work() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.reconciler.session_ended("br-int");
    let report = world.run(|_| ());
    assert_eq!((report.applied, report.up.len()), (None, 0));
    world.restart_agent();
    assert_eq!(world.run(nothing_strays).up.len(), 3);
}

/// Some flow of heddle's on a bridge.
fn one_of(world: &World, bridge: &str) -> Flow {
    let mut flows = world.flows[bridge].iter();
    flows
        .find(|flow| Cookie::from_raw(flow.cookie).is_some())
        .unwrap()
        .clone()
}

/// Tells the reconciler what has been done to the simulated switch.
fn edit(world: &mut World, bridge: &str, observation: Observation) -> Option<Edit> {
    let table = world.flows.get_mut(bridge).unwrap();
    match &observation {
        Observation::There(flow) => drop(table.insert(flow.clone())),
        Observation::Gone(flow) => drop(table.remove(flow)),
    }
    world.reconciler.flow_observed(bridge, observation)
}

#[test]
fn what_others_do_to_flows_is_told_and_repaired() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    let before = world.flows.clone();
    for bridge in ["br-int", "br-tun", "br-eth1"] {
        let flow = one_of(&world, bridge);
        let altered = flow.clone().doing([Action::output(flows::Port::FLOOD)]);
        let taken = altered.clone().cookie(7);
        let own = |edit: Option<Edit>| edit.filter(|edit| !matches!(edit, Edit::Foreign(_)));
        for (observation, told) in [
            (Observation::Gone(flow.clone()), Edit::Deleted(flow.clone())),
            (
                Observation::There(altered.clone()),
                Edit::Altered(altered.clone()),
            ),
        ] {
            assert_eq!(own(edit(&mut world, bridge, observation)), Some(told));
            world.run(|_| ());
            assert_eq!(world.flows, before, "{bridge}");
            assert_eq!(world.sent, [FlowMod::Add(flow.clone().into())]);
        }
        let told = edit(&mut world, bridge, Observation::There(taken.clone()));
        assert_eq!(told, Some(Edit::Altered(taken.clone())));
        let problems = world.run(|_| ()).problems;
        if bridge == "br-eth1" {
            // The operator's bridge: what they put there stays, and is told until they take it away.
            assert!(problems.contains_key(bridge));
            assert_eq!(edit(&mut world, bridge, Observation::Gone(taken)), None);
            assert_eq!(world.run(|_| ()).problems, BTreeMap::new());
        }
        assert_eq!(world.flows, before, "{bridge}");
    }
}

#[test]
fn what_is_no_edit_of_ours_is_left_alone() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    let before = world.flows.clone();
    let elsewhere = Flow::new(0, 9, Match::new().with(Field::InPort, 77u32));
    let learned = elsewhere
        .clone()
        .cookie(Cookie::new(crate::compile::Kind::Learned, id(1)).raw());
    let known = one_of(&world, "br-tun");
    for quiet in [
        Observation::There(learned.clone()),
        Observation::Gone(learned),
        Observation::There(known),
        Observation::Gone(elsewhere.clone()),
    ] {
        assert_eq!(world.reconciler.flow_observed("br-tun", quiet), None);
    }
    let came = Observation::There(elsewhere.clone());
    let told = world.reconciler.flow_observed("br-tun", came);
    assert_eq!(told, Some(Edit::Foreign(elsewhere.clone())));
    let gone = Observation::Gone(elsewhere.clone());
    assert_eq!(world.reconciler.flow_observed("br-tun", gone.clone()), None);
    assert_eq!(world.reconciler.flow_observed("no-bridge", gone), None);
    world.run(|_| ());
    assert_eq!((&world.sent, &world.flows), (&vec![], &before));
}
