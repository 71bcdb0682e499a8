//! What is refused, by the switch or for want of room, and what others keep changing.

use super::*;

/// A flow of this object that is added.
fn adds_of(change: &FlowMod, unit: Unit) -> bool {
    matches!(change, FlowMod::Add(flow) if flow.cookie == unit.cookie().raw())
}

#[test]
fn a_refused_flow_holds_up_nothing_but_its_own_object() {
    let mut world = world();
    world.run(nothing_strays);
    world.refuses =
        |change| adds_of(change, Unit::Port(id(12))) && change.to_string().contains("table=60");
    plug_all(&mut world);
    let report = world.run(nothing_strays);
    assert_eq!(*report.up, BTreeSet::from([id(11), id(13)]));
    assert_eq!(report.applied, None);
    assert_eq!(world.refusals, 1);
    assert_eq!(
        report.problems,
        [(
            "port12".to_owned(),
            "not as it shall be, for a flow was refused: br-int, table=60,priority=100,dl_vlan=2,\
             dl_dst=02:00:00:00:00:0c cookie=0x686520000000000c: OFPBAC_BAD_ARGUMENT"
                .to_owned()
        )]
        .into()
    );
    // Whatever else happens, it is not tried again.
    let another = port(31, 2, &[PEER]);
    world.site.ports.insert(another.id, another);
    let report = world.run(nothing_strays);
    assert_eq!((report.up.len(), world.refusals), (2, 1));
    assert_eq!(world.sent.len(), 3);
    // But when it shall be another flow: once.
    world.site.ports.get_mut(&id(12)).unwrap().mac = flows::EthAddr([2, 0, 0, 0, 1, 1]);
    assert_eq!(world.run(nothing_strays).up.len(), 2);
    assert_eq!(world.refusals, 2);
    // And in a new session.
    world.refuses = |_| false;
    world.run(nothing_strays);
    assert_eq!(world.sent, []);
    world.connect("br-int");
    let report = world.run(nothing_strays);
    assert_eq!((report.up.len(), report.applied), (3, Some(7)));
    assert_eq!(report.problems, BTreeMap::new());
    knows_the_switch(&world);
}

#[test]
fn a_flow_that_was_refused_mentions_nothing() {
    let mut world = world();
    world.run(nothing_strays);
    plug_all(&mut world);
    world.refuses = |change| adds_of(change, Unit::Port(id(12)));
    assert_eq!(world.run(nothing_strays).up.len(), 2);
    world.unplug("tap12");
    let another = port(14, 3, &[]);
    world.site.ports.insert(another.id, another);
    world.plug("tap14", "port14", 112);
    let report = world.run(nothing_strays);
    assert_eq!(*report.up, BTreeSet::from([id(11), id(13), id(14)]));
    assert_eq!(
        (report.applied, report.problems),
        (Some(7), BTreeMap::new())
    );
    knows_the_switch(&world);
}

#[test]
fn what_was_open_is_closed_when_it_may_not_be_open_as_it_shall_be() {
    let mut world = world();
    world.site.ports.get_mut(&id(11)).unwrap().port_security = false;
    world.run(nothing_strays);
    plug_all(&mut world);
    assert_eq!(world.run(nothing_strays).up.len(), 3);
    let lets_in = |world: &World| {
        let from = Match::new().with(Field::InPort, 111u32);
        let mut flows = world.flows["br-int"].iter();
        flows.any(|flow| {
            flow.table == 0 && flow.matches.get(Field::InPort) == from.get(Field::InPort)
        })
    };
    assert!(lets_in(&world));
    world.refuses = |change| matches!(change, FlowMod::Add(flow) if flow.table == 0);
    world.site.ports.get_mut(&id(11)).unwrap().port_security = true;
    let report = world.run(nothing_strays);
    assert!(!lets_in(&world), "nothing checks what it says");
    assert_eq!(*report.up, BTreeSet::from([id(12), id(13)]));
    // It is wanted as before, so what was refused is of no interest.
    world.site.ports.get_mut(&id(11)).unwrap().port_security = false;
    world.refuses = |_| false;
    assert_eq!(world.run(nothing_strays).up.len(), 3);
    assert!(lets_in(&world));
    knows_the_switch(&world);
}

#[test]
fn where_the_pipeline_lacks_a_flow_nothing_opens() {
    for (bridge, table) in [("br-int", 60), ("br-tun", 22), ("br-eth1", 0)] {
        let mut world = world();
        world.refuses = match bridge {
            "br-int" => |change| {
                adds_of(change, Unit::Base) && change.to_string().contains("table=60,priority=0")
            },
            "br-tun" => |change| {
                adds_of(change, Unit::Base) && change.to_string().contains("table=22,priority=0")
            },
            _ => |change| {
                adds_of(change, Unit::Base) && change.to_string().contains("table=0,priority=50")
            },
        };
        let opened = |world: &World| {
            nothing_strays(world);
            let others = world.flows[bridge].iter().filter(|flow| {
                Cookie::from_raw(flow.cookie).is_some_and(|cookie| cookie != Cookie::BASE)
            });
            assert_eq!(others.count(), 0, "{bridge}");
        };
        world.run(|_| ());
        plug_all(&mut world);
        let report = world.run(opened);
        let told = &report.problems[bridge];
        assert!(
            told.contains(&format!("{bridge}, table={table},")),
            "{told}"
        );
        let up: &[u128] = match bridge {
            "br-int" => &[],
            "br-tun" => &[13],
            _ => &[11, 12],
        };
        assert_eq!(*report.up, up.iter().map(|n| id(*n)).collect(), "{bridge}");
        assert!(world.refusals <= 2, "it is not tried again and again");
        for (name, row) in &world.observed.bridges {
            for (port, row) in &row.ports {
                let peer = row.interfaces[port].options.get("peer");
                let leads_there =
                    name == bridge || port.ends_with(bridge.trim_start_matches("br-"));
                assert!(
                    !leads_there || peer.is_none_or(|peer| peer == CLOSED),
                    "{port} is open"
                );
            }
        }
        world.refuses = |_| false;
        world.connect(bridge);
        assert_eq!(world.run(nothing_strays).up.len(), 3);
        knows_the_switch(&world);
    }
}

#[test]
fn a_table_with_too_many_masks_gets_no_more_of_them() {
    let mut world = world();
    world.run(nothing_strays);
    plug_all(&mut world);
    world.run(nothing_strays);
    // What another version has left behind looks at so many different bits that there is room for nothing else.
    let left = |n: u32| {
        let matches = Match::new().with_masked(Field::IpSrc, 0u32, (1u32 << (n % 32)) | (n / 32));
        let matches = matches.with(Field::EthType, 0x0800u16);
        Flow::new(60, 300, matches).cookie(0x6865_f000_0000_0000)
    };
    let table = world.flows.get_mut("br-int").unwrap();
    *table = FlowTable::new();
    for n in 0..100 {
        table.insert(left(n));
    }
    world.restart_agent();
    let mut told = BTreeMap::new();
    let mut queue = std::collections::VecDeque::new();
    let report = loop {
        let (commands, report) = world.step();
        queue.extend(commands);
        told.extend(report.problems.clone());
        match queue.pop_front() {
            Some(command) => world.carry_out(command, &mut nothing_strays),
            None => break report,
        }
    };
    assert!(
        told["port11"]
            .ends_with("its table has as many masks as external_ids:heddle-mask-limit allows, 64"),
        "{told:?}"
    );
    assert_eq!((report.up.len(), report.applied), (3, Some(7)));
    assert_eq!(report.problems, BTreeMap::new());
    knows_the_switch(&world);
}

#[test]
fn the_operator_says_how_many_masks_a_table_has() {
    let mut world = world();
    world.settings.mask_limit = 1;
    world.run(nothing_strays);
    plug_all(&mut world);
    let report = world.run(nothing_strays);
    let told = &report.problems["port11"];
    assert!(
        told.contains("its table has as many masks as external_ids:heddle-mask-limit allows, 1,"),
        "{told}"
    );
    assert_eq!((report.up.len(), report.applied), (0, None));
    world.settings.mask_limit = Settings::DEFAULT_MASK_LIMIT;
    let report = world.run(nothing_strays);
    assert_eq!((report.up.len(), report.applied), (3, Some(7)));
    assert_eq!(report.problems, BTreeMap::new());
    knows_the_switch(&world);
}

#[test]
fn an_acknowledgement_and_then_a_refusal() {
    let mut world = world();
    world.run(nothing_strays);
    plug_all(&mut world);
    world.run(nothing_strays);
    add_bulk(&mut world, 1_700);
    let (on_their_way, _) = world.step();
    let mut on_their_way = on_their_way.into_iter();
    world.carry_out(on_their_way.next().unwrap(), &mut one_local_vlan_per_port);
    // Of the second bundle one flow is refused, and the third was sent without knowing that.
    let Some(Command::Program { bridge, changes }) = on_their_way.next() else {
        panic!("no second bundle")
    };
    world.refuses = |change| adds_of(change, Unit::Port(id(1_777)));
    world.refuse(&bridge, &changes);
    let report = world.run(one_local_vlan_per_port);
    assert_eq!(world.refusals, 1);
    assert_eq!(
        world.sent.len(),
        1_199,
        "all but the first bundle and the one"
    );
    assert_eq!((report.applied, report.up.len()), (None, 3));
    assert_eq!(report.problems.len(), 1);
    knows_the_switch(&world);
    world.site.ports.remove(&id(1_777));
    let report = world.run(one_local_vlan_per_port);
    assert_eq!(
        (report.applied, report.problems),
        (Some(7), BTreeMap::new())
    );
    assert_eq!(world.sent, []);
}

#[test]
fn a_switch_that_refuses_one_flow_after_the_other_is_given_up() {
    let mut world = world();
    world.run(nothing_strays);
    plug_all(&mut world);
    world.run(nothing_strays);
    add_bulk(&mut world, 200);
    for round in 0.. {
        let (commands, _) = world.step();
        let Some(Command::Program { bridge, changes }) = commands.first() else {
            panic!("it never gives up")
        };
        let refused = Refused {
            change: changes[0].clone(),
            reason: "OFPFMFC_TABLE_FULL".to_owned(),
        };
        if !world.reconciler.bundles_refused(bridge, vec![refused]) {
            assert!(round > 10);
            return;
        }
    }
}

#[test]
fn what_others_change_again_and_again_is_put_right_at_once_a_few_times_and_then_after_a_pause() {
    let mut world = world();
    world.run(|_| ());
    plug_all(&mut world);
    world.run(|_| ());
    let before = world.flows.clone();
    let cookie = Unit::Port(id(11)).cookie().raw();
    let mut flows = before["br-int"].iter();
    let ours = flows.find(|flow| flow.cookie == cookie).unwrap().clone();
    for taken in [ours.clone().cookie(7), ours.clone().doing([])] {
        let mut answers = 0;
        for _ in 0..10 {
            edit(&mut world, "br-int", Observation::There(taken.clone()));
            world.run(|_| ());
            answers += world.sent.len();
        }
        assert_eq!(answers, 3);
        let report = world.run(|_| ());
        assert_eq!((report.up.len(), report.applied), (2, None));
        assert!(report.problems["port11"].ends_with("others change it again and again"));
        assert!(world.reconciler.wants_pause());
        world.reconciler.paused();
        assert!(!world.reconciler.wants_pause());
        let report = world.run(nothing_strays);
        assert_eq!((report.up.len(), report.applied), (3, Some(7)));
        assert_eq!(world.flows, before);
    }
}
