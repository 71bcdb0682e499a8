//! The lab by itself, with switches that an operator programmed by hand.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail as its body does"
)]

use std::time::Duration;

use lab::probe::{self, Expect, Stream, Verdict, Watch};
use lab::{Capture, Error, HostPlan, Identity, Lab, in_parallel, wait};

const PATIENCE: Duration = Duration::from_secs(15);

fn identity(n: u8) -> Identity {
    let addresses = [format!("10.0.0.{n}/24"), format!("fd00::{n}/64")];
    Identity::new(
        &format!("e{n}"),
        &format!("02:00:00:00:00:{n:02x}"),
        &addresses.each_ref().map(String::as_str),
    )
    .unwrap()
}

/// Two hosts; `br-int` joins a wire that both share, so that OVS's own switching connects everything with the same VLAN tag.
#[test]
fn endpoints_of_one_vlan_reach_each_other_and_the_probes_see_a_leak() {
    let lab = Lab::new("plain").unwrap();
    let wire = lab.wire("provider").unwrap();
    let hosts = lab.hosts(2, &HostPlan::new().provider(&wire)).unwrap();
    in_parallel(&hosts, |host| join(host)).unwrap();
    let mut endpoints: Vec<_> = (1..=4)
        .map(|n| lab.plug(&hosts[usize::from(n) % 2], identity(n)).unwrap())
        .collect();
    let outside = lab.outside_vlan(&wire, 10, identity(9)).unwrap();
    let tag = |endpoint: &lab::Endpoint, vlan: u16| {
        let tap = endpoint.tap().unwrap();
        endpoint
            .host()
            .unwrap()
            .vsctl(&format!("set Port {tap} tag={vlan}"))
            .unwrap();
    };
    for endpoint in &endpoints[..2] {
        tag(endpoint, 10);
    }
    for endpoint in &endpoints[2..] {
        tag(endpoint, 20);
    }

    let vlan = [10, 10, 20, 20, 10];
    let expect = |a: usize, b: usize| {
        if vlan[a] == vlan[b] {
            Expect::Reach
        } else {
            Expect::Apart
        }
    };
    {
        let stations: Vec<_> = endpoints
            .iter()
            .map(|endpoint| endpoint.station())
            .chain([&*outside])
            .collect();
        let on_wire = wire.capture().unwrap();
        let matrix = probe::all_pairs(&stations, expect, PATIENCE).unwrap();
        matrix.check().unwrap();
        assert!(
            matches!(matrix.verdict(0, 1), Verdict::Reached(rtt) if rtt < Duration::from_secs(1))
        );
        assert_eq!(matrix.verdict(0, 2), Verdict::Apart);
        assert_eq!(matrix.verdicts().count(), 20);
        let request = on_wire
            .wait_for("an ARP request", PATIENCE, |frame| frame.arp().is_some())
            .unwrap();
        assert!(matches!(request.vlan(), Some(10 | 20)), "{request:?}");
        assert_eq!(
            on_wire.count(|frame| frame.vlan().is_none()),
            0,
            "everything on the wire is tagged"
        );

        // 5 MB through the switch of each host and the one of the outside machine.
        let transfer = probe::transfer(&endpoints[0], &outside, true, 5_000_000).unwrap();
        assert_eq!(transfer.bytes, 5_000_000);
        probe::transfer(&outside, &endpoints[0], false, 5_000_000).unwrap();
    }

    // A wrong tag lets tenants meet, and the same question now has another answer.
    tag(&endpoints[2], 10);
    {
        let stations: Vec<_> = endpoints
            .iter()
            .map(|endpoint| endpoint.station())
            .collect();
        let matrix = probe::all_pairs(&stations, expect, Duration::from_secs(1)).unwrap();
        assert_eq!(matrix.verdict(0, 2), Verdict::Leaked);
        assert_eq!(matrix.verdict(3, 2), Verdict::Lost);
        let Err(Error::Unexpected { found, .. }) = matrix.check() else {
            panic!("no fault found")
        };
        assert!(found.contains("e1 -> e3: LEAK"), "{found}");
        let watch = Watch::start(&[&endpoints[0]], &[&endpoints[2], &endpoints[3]]).unwrap();
        let leak = ("e1".to_owned(), "e3".to_owned());
        wait::until_true("the watch hears it", PATIENCE, || {
            Ok(watch.heard().contains_key(&leak))
        })
        .unwrap();
        assert!(watch.stop().into_keys().eq([leak]), "and nothing else");
    }
    tag(&endpoints[2], 20);

    // A stream sees nothing lost, then a hole.
    let stream = Stream::start(&endpoints[0], &endpoints[1], false, 200).unwrap();
    stream.wait_for(50).unwrap();
    let report = stream.stop().unwrap();
    assert_eq!(
        (report.lost, report.unanswered, report.duplicated),
        (0, 0, 0),
        "{report:?}"
    );
    let stream = Stream::start(&endpoints[0], &endpoints[1], true, 200).unwrap();
    let unplugged = endpoints[1].unplug().unwrap();
    stream.wait_for(20).unwrap();
    endpoints[1].replug(unplugged).unwrap();
    tag(&endpoints[1], 10);
    let report = stream.stop().unwrap();
    assert!(report.lost >= 20 && report.longest_gap >= 20, "{report:?}");
}

/// Joins `br-int` to the wire, so that OVS's own switching connects everything.
fn join(host: &lab::Host) -> lab::Result<String> {
    host.vsctl("add-br br-int -- set Bridge br-int datapath_type=netdev")?;
    host.vsctl(
        "add-port br-int up -- set Interface up type=patch options:peer=down \
         -- add-port br-provider down -- set Interface down type=patch options:peer=up",
    )
}

#[test]
fn endpoints_move_and_migrate() {
    let lab = Lab::new("moves").unwrap();
    let wire = lab.wire("provider").unwrap();
    let hosts = lab.hosts(2, &HostPlan::new().provider(&wire)).unwrap();
    in_parallel(&hosts, |host| join(host)).unwrap();
    let a = lab.plug(&hosts[0], identity(1)).unwrap();
    let mut b = lab.plug(&hosts[0], identity(2)).unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
    b.move_to(&hosts[1]).unwrap();
    assert_eq!(b.host().unwrap().name(), "h2");
    probe::ping(&b, &a, PATIENCE).unwrap();

    let migration = b.start_migration(&hosts[0]).unwrap();
    let bound = |host: &lab::Host| {
        host.vsctl("--bare --columns=name find Interface external_ids:iface-id=e2")
            .unwrap()
    };
    assert!(
        hosts.iter().all(|host| !bound(host).trim().is_empty()),
        "both hosts have it for a moment"
    );
    probe::ping(&b, &a, PATIENCE).unwrap();
    b.finish_migration(migration).unwrap();
    assert_eq!(
        (b.host().unwrap().name(), bound(&hosts[1]).trim()),
        ("h1", "")
    );
    probe::ping(&b, &a, PATIENCE).unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
    let unplugged = b.unplug().unwrap();
    b.replug_as(unplugged, 77).unwrap();
    assert_eq!(hosts[0].ofport(b.tap().unwrap()).unwrap(), Some(77));
    probe::ping(&a, &b, PATIENCE).unwrap();
}

/// Every frame out of a raw socket is exactly what was given, also one with a tag.
#[test]
fn raw_frames_and_captures_keep_every_byte() {
    let lab = Lab::new("raw").unwrap();
    let wire = lab.wire("w").unwrap();
    let (a, b) = (
        lab.outside(&wire, identity(1)).unwrap(),
        lab.outside(&wire, identity(2)).unwrap(),
    );
    let capture = Capture::of_nic(b.namespace(), b.nic()).unwrap();
    let mut frame = [
        [
            2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0x20, 0x64, 0x08, 0x00,
        ]
        .as_slice(),
        &[7; 60],
    ]
    .concat();
    a.raw().unwrap().send(&frame).unwrap();
    let seen = capture
        .wait_for("the tagged frame", PATIENCE, |frame| {
            frame.vlan() == Some(100)
        })
        .unwrap();
    assert_eq!(seen.bytes(), frame);
    frame.truncate(3);
    assert!(
        a.raw().unwrap().send(&frame).is_err(),
        "not even a destination"
    );
}

/// Tunnels between `br-int`s: the addresses and the MTU of the underlay are right.
#[test]
fn the_underlay_carries_tunnels() {
    let lab = Lab::new("underlay").unwrap();
    let hosts = lab.hosts(2, &HostPlan::new()).unwrap();
    for (host, peer) in [(&hosts[0], &hosts[1]), (&hosts[1], &hosts[0])] {
        host.vsctl(&format!(
            "add-br br-int -- set Bridge br-int datapath_type=netdev -- add-port br-int vx \
             -- set Interface vx type=vxlan options:remote_ip={} options:key=77",
            peer.encap_ip()
        ))
        .unwrap();
    }
    let underlay = lab.underlay().capture().unwrap();
    let (a, b) = (
        lab.plug(&hosts[0], identity(1)).unwrap(),
        lab.plug(&hosts[1], identity(2)).unwrap(),
    );
    probe::ping(&a, &b, PATIENCE).unwrap();
    probe::transfer(&a, &b, false, 5_000_000).unwrap();
    let is_tunnel = |frame: &lab::Frame| {
        frame
            .tunnel()
            .is_some_and(|t| (t.kind, t.vni, t.port) == ("vxlan", 77, Some(4789)))
    };
    let packet = underlay
        .wait_for("a VXLAN packet", PATIENCE, is_tunnel)
        .unwrap()
        .tunnel()
        .unwrap();
    assert!(
        [hosts[0].encap_ip(), hosts[1].encap_ip()].contains(&packet.from),
        "{packet:?}"
    );
}

/// What a lab has made is gone after it, and nothing of another lab is.
#[test]
fn a_lab_takes_down_what_it_made_and_only_that() {
    let other = Lab::new("other").unwrap();
    let lab = Lab::new("gone").unwrap();
    let hosts = lab.hosts(1, &HostPlan::new()).unwrap();
    let (dir, fabric, daemon) = (
        lab.dir().to_owned(),
        lab.fabric().name().to_owned(),
        hosts[0].dir().join("db.sock"),
    );
    assert!(dir.exists() && daemon.exists());
    lab.tear_down().unwrap();
    assert!(!dir.exists());
    assert!(!std::path::Path::new("/run/netns").join(fabric).exists());
    assert!(hosts[0].vsctl("show").is_err());
    assert!(other.wire("still").is_ok());
}
