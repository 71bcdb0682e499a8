//! What goes on while heddle is changed, restarted, or left alone with half of its surroundings; and what is not heddle's to touch.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use lab::probe::{self, Stream};
use lab::{HostPlan, Lab, PATIENCE, Signal, Site, Unread, wait};
use tests::Document;

/// The agent starts anew, again and again, on a host where nothing has changed: it sends no flow-mod, and of a thousand packets a
/// second, to the same host and to another, none is lost or doubled.
#[test]
fn a_restart_of_the_agent_changes_nothing() {
    let site = Site::start("restart", 2, &["provider"]).unwrap();
    let vlan = "type: vlan, physical_network: provider, vlan: 1001";
    let document = Document::tenant()
        .network("office", vlan, "10.1.0", "fd00:1", &["o1", "o2"])
        .network("home", "type: local", "10.2.0", "fd00:2", &["l1", "l2"])
        .port("d", "net", 4, "10.0.0.4, \"fd00::4\"");
    site.apply(&document.to_string()).unwrap();
    let here = [
        ("a", 1),
        ("c", 1),
        ("d", 1),
        ("o1", 1),
        ("l1", 1),
        ("l2", 1),
    ];
    let here = site.plug_all(&here).unwrap();
    let there = site.plug_all(&[("b", 2), ("o2", 2)]).unwrap();
    let ([a, c, d, o1, l1, l2], [b, o2]) = (&here[..], &there[..]) else {
        unreachable!("as many as were asked for")
    };
    site.wait().unwrap();
    let host = site.host(1).unwrap();
    let settled = |what: &str| {
        site.wait_for_agent(host, what, |now| now["state"] == "applied")
            .unwrap();
    };
    settled("all is applied");
    let flows = || ["br-int", "br-tun", "br-provider"].map(|bridge| host.flows(bridge).unwrap());
    let before = flows();
    host.count_flow_mods().unwrap();

    for attempt in 1.. {
        let pairs = [(a, b, false), (c, d, false), (o1, o2, true), (l1, l2, true)];
        let streams = pairs.map(|(from, to, v6)| Stream::start(from, to, v6, 250).unwrap());
        let unread = Unread::since_now(&site).unwrap();
        for restart in 0..20 {
            let signal = [Signal::SIGTERM, Signal::SIGKILL][restart % 2];
            site.stop_agent(host, signal).unwrap();
            site.start_agent(host).unwrap();
            settled("the agent that has started has nothing to do");
            let now = site.agent_status(host).unwrap();
            assert_eq!(now["counters"]["switch_transactions"], 0, "{now:#}");
        }
        assert_eq!(host.flow_mods().unwrap(), 0, "flow-mods were sent");
        assert_eq!(flows(), before);
        let reports = streams.map(|stream| stream.stop().unwrap());
        println!("{reports:#?}");
        assert!(reports.iter().all(|report| report.duplicated == 0));
        let lost: u32 = reports.iter().map(|report| report.unanswered).sum();
        if lost == 0 {
            break;
        }
        // What a switch never saw says nothing of the agent, which has sent it neither flows nor a transaction; but one
        // packet more that is lost does.
        let unread = unread.so_far().unwrap();
        assert!(
            u64::from(lost) <= unread && attempt < 5,
            "attempt {attempt}, {unread} packets not read: {reports:#?}"
        );
    }

    // The count counts: a change is seen.
    site.heddle(&["port", "delete", "l2"]).unwrap();
    site.wait().unwrap();
    assert!(host.flow_mods().unwrap() > 0);
}

/// ovs-vswitchd is killed: what is lost is lost until its flows are back, and nothing after that.
#[test]
fn an_outage_of_the_switch_ends_with_its_reprogramming() {
    let site = Site::start("outage", 2, &[]).unwrap();
    site.apply(&Document::tenant().to_string()).unwrap();
    let endpoints = site.plug_all(&[("a", 1), ("b", 2), ("c", 1)]).unwrap();
    let [a, b, c] = &endpoints[..] else {
        unreachable!("as many as were asked for")
    };
    site.wait().unwrap();
    let host = site.host(1).unwrap();
    // The same host, and another.
    let near = Stream::start(a, c, false, 500).unwrap();
    let far = Stream::start(c, b, false, 500).unwrap();
    let sessions = |now: &serde_json::Value| now["bridges"]["br-int"]["sessions"].as_u64();
    let before = sessions(&site.agent_status(host).unwrap());
    host.end_daemon(Signal::SIGKILL).unwrap();
    host.start_daemon().unwrap();
    site.wait_for_agent(host, "the switch is programmed anew", |now| {
        sessions(now) > before && now["state"] == "applied"
    })
    .unwrap();
    let near_again = near.sent();
    // Open vSwitch itself has to find the other host's MAC address first.
    probe::ping(c, b, PATIENCE).unwrap();
    let far_again = far.sent();
    for (stream, again, where_to) in [(near, near_again, "near"), (far, far_again, "far")] {
        stream.wait_for(300).unwrap();
        let report = stream.stop().unwrap();
        println!(
            "{where_to}: {} of 500 probes a second unanswered, {} in a row",
            report.unanswered, report.longest_gap
        );
        assert!(
            report.last_unanswered.is_none_or(|last| last < again),
            "{where_to}: lost after probe {again}, when all was applied: {report:?}"
        );
    }
}

/// Twenty networks on two hosts; while one goes, the others lose nothing.
#[test]
fn deleting_a_network_costs_the_others_no_packet() {
    let site = Site::start("delete", 2, &[]).unwrap();
    let names: Vec<_> = (1..=20)
        .map(|n| (format!("n{n}"), format!("a{n}"), format!("b{n}")))
        .collect();
    let types = ["vxlan", "gre", "geneve"];
    let document =
        names
            .iter()
            .zip(1..)
            .fold(Document::new(), |document, ((network, a, b), vni)| {
                let kind = format!("type: {}, vni: {vni}", types[vni % 3]);
                document.network(network, &kind, "10.0.0", "fd00", &[a, b])
            });
    site.apply(&document.to_string()).unwrap();
    let placements: Vec<_> = names
        .iter()
        .flat_map(|(_, a, b)| [(a.as_str(), 1), (b.as_str(), 2)])
        .collect();
    let mut endpoints = site.plug_all(&placements).unwrap().into_iter();
    let mut pairs = Vec::new();
    while let (Some(a), Some(b)) = (endpoints.next(), endpoints.next()) {
        pairs.push((a, b));
    }
    site.wait().unwrap();
    // The first five go; five of each type, near and far in the order, stay and talk.
    let staying = pairs.split_off(5);
    for (a, b) in &pairs {
        probe::ping(a, b, PATIENCE).unwrap();
    }
    let unread = Unread::since_now(&site).unwrap();
    let streams: Vec<_> = staying
        .iter()
        .map(|(a, b)| Stream::start(a, b, false, 100).unwrap())
        .collect();
    for (network, _, _) in &names[..5] {
        site.heddle(&["network", "delete", "--cascade", network])
            .unwrap();
    }
    site.wait().unwrap();
    streams[0].wait_for(50).unwrap();
    for stream in streams {
        let report = stream.stop().unwrap();
        unread.excuse(&report).unwrap();
        assert!(report.sent > 50, "{report:?}");
    }
    let refused = probe::ping(&pairs[0].0, &pairs[0].1, std::time::Duration::from_secs(1));
    assert!(refused.is_err(), "a deleted network still carries packets");
}

/// An operator's own bridges, ports and flows, on heddle's bridges too, are there before heddle, during it and after it.
#[test]
fn what_an_operator_made_is_not_touched() {
    let lab = Lab::new("operator").unwrap();
    let wire = lab.wire("provider").unwrap();
    let site = Site::boot(lab, 2, HostPlan::new().provider(&wire)).unwrap();
    let host = site.host(1).unwrap();
    host.vsctl(
        "add-br br-op -- set Bridge br-op datapath_type=netdev fail_mode=secure external_ids:owner=me \
         -- add-port br-op op0 tag=5 -- set Interface op0 type=internal \
         -- add-br br-int -- set Bridge br-int datapath_type=netdev fail_mode=secure \
         -- add-port br-int op1 -- set Interface op1 type=internal",
    )
    .unwrap();
    for (bridge, flow) in [
        ("br-op", "table=3,cookie=0x77,priority=5,tcp,actions=drop"),
        (
            "br-provider",
            "table=0,cookie=0x77,priority=70,udp,tp_dst=9,actions=drop",
        ),
        ("br-provider", "table=7,priority=1,ip,actions=NORMAL"),
        (
            "br-int",
            "table=200,cookie=0x99,priority=1,arp,actions=drop",
        ),
    ] {
        host.ofctl("add-flow", bridge, &[flow]).unwrap();
    }
    let theirs = || -> Vec<String> {
        let marks = ["tp_dst=9", "table=7,", "table=200,"];
        let mut flows = host.flows("br-op").unwrap();
        for bridge in ["br-provider", "br-int"] {
            flows.extend(
                host.flows(bridge)
                    .unwrap()
                    .into_iter()
                    .filter(|flow| marks.iter().any(|mark| flow.contains(mark))),
            );
        }
        let rows = "--columns=name,datapath_type,fail_mode,external_ids,ports list Bridge br-op";
        flows.push(host.vsctl(rows).unwrap());
        for port in ["op0", "op1"] {
            flows.push(
                host.vsctl(&format!(
                    "--columns=name,tag,external_ids,interfaces list Port {port}"
                ))
                .unwrap(),
            );
        }
        flows.push(
            host.vsctl("list-ports br-provider")
                .unwrap()
                .lines()
                .filter(|port| *port == "eth1")
                .collect(),
        );
        flows
    };
    let before = theirs();
    assert!(
        before
            .iter()
            .filter(|line| line.contains("actions="))
            .count()
            >= 4,
        "{before:#?}"
    );

    site.start_heddle().unwrap();
    let vlan = "type: vlan, physical_network: provider, vlan: 1001";
    let document = Document::tenant().network("office", vlan, "10.1.0", "fd00:1", &["o1", "o2"]);
    site.apply(&document.to_string()).unwrap();
    let endpoints = [("a", 1), ("b", 2), ("o1", 1), ("o2", 2)]
        .map(|(port, host)| site.plug(port, host).unwrap());
    probe::ping(&endpoints[0], &endpoints[1], PATIENCE).unwrap();
    probe::ping(&endpoints[2], &endpoints[3], PATIENCE).unwrap();
    assert_eq!(theirs(), before, "with heddle at work");

    site.stop_agent(host, Signal::SIGTERM).unwrap();
    site.start_agent(host).unwrap();
    site.heddle(&["network", "delete", "--cascade", "office"])
        .unwrap();
    site.wait().unwrap();
    assert_eq!(theirs(), before, "after a restart and a deletion");
}

/// An agent that finds neither its switch nor the northbound database says so, keeps trying, and works when they appear.
#[test]
fn an_agent_waits_for_what_is_not_there_yet() {
    let site = Site::boot(Lab::new("late").unwrap(), 1, HostPlan::new()).unwrap();
    let host = site.host(1).unwrap();
    host.end_database(Signal::SIGTERM).unwrap();
    site.start_agent(host).unwrap();
    let says = |what: &str, word: &str| {
        wait::until_true(what, PATIENCE, || {
            site.check_agents()?;
            Ok(site.agent_log(host)?.contains(word))
        })
        .unwrap();
    };
    says("the agent says that it has no switch", "db.sock");
    host.start_database().unwrap();
    says(
        "the agent says that it has no northbound database",
        "nb.sock",
    );
    site.start_database().unwrap();
    site.wait_for_hosts().unwrap();
    site.apply(&Document::tenant().to_string()).unwrap();
    let (a, b) = (site.plug("a", 1).unwrap(), site.plug("b", 1).unwrap());
    probe::ping(&a, &b, PATIENCE).unwrap();
}

/// Each part of a running site ends and starts again; afterwards everything works, old and new.
#[test]
fn every_part_may_end_and_start_again() {
    let site = Site::start("again", 2, &[]).unwrap();
    site.apply(&Document::tenant().to_string()).unwrap();
    let (a, b) = (site.plug("a", 1).unwrap(), site.plug("b", 2).unwrap());
    probe::ping(&a, &b, PATIENCE).unwrap();
    let host = site.host(1).unwrap();

    // Forwarding needs neither database.
    let unread = Unread::since_now(&site).unwrap();
    let stream = Stream::start(&a, &b, false, 100).unwrap();
    site.stop_database().unwrap();
    host.end_database(Signal::SIGKILL).unwrap();
    stream.wait_for(50).unwrap();
    host.start_database().unwrap();
    site.start_database().unwrap();
    site.wait().unwrap();
    let report = stream.stop().unwrap();
    unread.excuse(&report).unwrap();

    // A switch that starts again has no flows.
    host.end_daemon(Signal::SIGKILL).unwrap();
    host.start_daemon().unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
    probe::ping(&b, &a, PATIENCE).unwrap();
    let c = site.plug("c", 1).unwrap();
    probe::ping(&b, &c, PATIENCE).unwrap();
    probe::ping(&a, &c, PATIENCE).unwrap();
}

/// A provider bridge is mapped while the agent runs: what could not be carried before is said to be so, and then is carried.
#[test]
fn settings_change_while_the_agent_runs() {
    let site = Site::start("settings", 2, &["provider"]).unwrap();
    for host in site.hosts() {
        host.set("heddle-bridge-mappings", "").unwrap();
    }
    let vlan = "type: vlan, physical_network: provider, vlan: 1001";
    let document = Document::new().wire("provider", "1001-2000");
    let document = document.network("office", vlan, "10.1.0", "fd00:1", &["o1", "o2"]);
    site.apply(&document.to_string()).unwrap();
    let plug = |number| {
        let identity = site.identity(&format!("o{number}")).unwrap();
        site.lab()
            .plug(site.host(number).unwrap(), identity)
            .unwrap()
    };
    let (o1, o2) = (plug(1), plug(2));
    wait::until_true(
        "both hosts say that they can not carry the network",
        PATIENCE,
        || {
            Ok(site
                .host_views()?
                .iter()
                .all(|host| host.problems.contains_key("office")))
        },
    )
    .unwrap();
    assert!(site.port_view("o1").unwrap().hosts.is_empty());

    for host in site.hosts() {
        host.set("heddle-bridge-mappings", "provider:br-provider")
            .unwrap();
    }
    site.wait_until_up("o1", &[1]).unwrap();
    site.wait_until_up("o2", &[2]).unwrap();
    probe::ping(&o1, &o2, PATIENCE).unwrap();
    assert!(
        site.host_views()
            .unwrap()
            .iter()
            .all(|host| host.problems.is_empty())
    );
}
