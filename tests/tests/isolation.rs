//! What must not arrive: other tenants' packets, lies about addresses, tags that a guest makes, interfaces that are nobody's.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail as its body does"
)]

use lab::probe::{self, Expect, Watch, all_pairs};
use lab::{Capture, Endpoint, Identity, PATIENCE, Signal, Site, Station};
use tests::Document;

/// Two tenants with the same MAC and IP addresses, on the same two hosts, in tunnels and on a trunk.
#[test]
fn tenants_with_the_same_addresses_never_meet() {
    let site = Site::start("tenants", 2, &["provider"]).unwrap();
    let document = Document::new()
        .network(
            "blue",
            "type: vxlan, vni: 1, project: blue",
            "10.0.0",
            "fd00",
            &["b1", "b2"],
        )
        .network(
            "green",
            "type: vxlan, vni: 2, project: green",
            "10.0.0",
            "fd00",
            &["g1", "g2"],
        )
        .network(
            "red",
            "type: vlan, physical_network: provider, vlan: 7, project: red",
            "10.0.0",
            "fd00",
            &["r1", "r2"],
        )
        .network(
            "grey",
            "type: local, project: grey",
            "10.0.0",
            "fd00",
            &["l1", "l2", "l3"],
        );
    site.apply(&document.to_string()).unwrap();
    let ports = [
        ("b1", 1),
        ("b2", 2),
        ("g1", 1),
        ("g2", 2),
        ("r1", 1),
        ("r2", 2),
        ("l1", 1),
        ("l2", 2),
        ("l3", 2),
    ];
    let endpoints = ports.map(|(port, host)| site.plug(port, host).unwrap());
    let stations: Vec<_> = endpoints.iter().map(Endpoint::station).collect();
    // The local network is on each host by itself.
    let place = [
        "b", "b", "g", "g", "r", "r", "l on h1", "l on h2", "l on h2",
    ];
    let expect = |a: usize, b: usize| {
        if place[a] == place[b] {
            Expect::Reach
        } else {
            Expect::Apart
        }
    };
    all_pairs(&stations, expect, PATIENCE)
        .unwrap()
        .check()
        .unwrap();
    probe::transfer(stations[7], stations[8], false, 50_000_000).unwrap();
}

/// Two tenants with the same addresses; while interfaces come back under each other's numbers, networks come and go and get each
/// other's local VLANs, and agents and switches are killed, one tenant talks without pause, and the other must never hear it.
#[test]
fn nothing_leaks_while_everything_changes() {
    let site = Site::start("churn", 2, &["provider"]).unwrap();
    let blue = Document::new().network(
        "blue",
        "type: vxlan, vni: 1",
        "10.0.0",
        "fd00",
        &["b1", "b2", "b3"],
    );
    let green = Document::new().network(
        "green",
        "type: vxlan, vni: 2",
        "10.0.0",
        "fd00",
        &["g1", "g2", "g3"],
    );
    let red = "type: vlan, physical_network: provider, vlan: 7";
    let red = Document::new().network("red", red, "10.0.0", "fd00", &["r1", "r2"]);
    for document in [&blue, &green, &red] {
        site.apply(&document.to_string()).unwrap();
    }
    let placements = [
        ("b1", 1),
        ("b2", 2),
        ("b3", 2),
        ("g1", 1),
        ("g2", 2),
        ("g3", 2),
        ("r1", 1),
        ("r2", 2),
    ];
    let endpoints = site.plug_all(&placements).unwrap();
    let Ok([b1, b2, b3, mut g1, mut g2, mut g3, mut r1, r2]) = <[Endpoint; 8]>::try_from(endpoints)
    else {
        panic!("eight endpoints were plugged in");
    };
    let (h1, h2) = (site.host(1).unwrap(), site.host(2).unwrap());
    probe::ping(&b1, &b3, PATIENCE).unwrap();
    let foreign = [g1.station(), &g2, &g3, &r1, &r2].map(Station::clone);
    let listeners: Vec<_> = foreign.iter().chain([b3.station()]).collect();
    let watch = Watch::start(&[&b1, &b2], &listeners).unwrap();

    for round in 0..6 {
        // Interfaces of two tenants change their numbers with each other.
        let numbers = [
            h1.ofport(g1.tap().unwrap()).unwrap(),
            h1.ofport(r1.tap().unwrap()).unwrap(),
        ];
        let (of_g1, of_r1) = (g1.unplug().unwrap(), r1.unplug().unwrap());
        g1.replug_as(of_g1, numbers[1].unwrap()).unwrap();
        r1.replug_as(of_r1, numbers[0].unwrap()).unwrap();
        site.wait_until_up("g1", &[1]).unwrap();
        site.wait_until_up("r1", &[1]).unwrap();
        // A network goes and comes back while its interfaces are plugged in.
        site.heddle(&["network", "delete", "--cascade", "green"])
            .unwrap();
        site.apply(&green.to_string()).unwrap();
        g3.move_to(if round % 2 == 0 { h1 } else { h2 }).unwrap();
        site.stop_agent(h1, Signal::SIGKILL).unwrap();
        let of_g2 = g2.unplug().unwrap();
        h1.end_daemon(Signal::SIGKILL).unwrap();
        site.start_agent(h1).unwrap();
        h1.start_daemon().unwrap();
        g2.replug(of_g2).unwrap();
        for (port, host) in [
            ("g1", 1),
            ("g2", 2),
            ("g3", 1 + round % 2),
            ("r1", 1),
            ("b1", 1),
        ] {
            site.wait_until_up(port, &[host]).unwrap();
        }
        for (one, other) in [(&g1, &g2), (&g3, &g1), (&r1, &r2), (&b1, &b3)] {
            probe::ping(one, other, PATIENCE).unwrap();
        }
    }
    let heard = watch.stop();
    let friend = |name: &str| {
        heard
            .get(&(name.to_owned(), "b3".to_owned()))
            .copied()
            .unwrap_or_default()
    };
    assert!(
        friend("b1") > 100 && friend("b2") > 100,
        "nobody talked: {heard:?}"
    );
    assert_eq!(heard.len(), 2, "heard by others: {heard:?}");
}

/// A frame with an EtherType for experiments (IEEE 802, 9.2.4) that says what it is.
fn frame(to: &[u8], from: &[u8], marker: u8) -> Vec<u8> {
    [to, from, &[0x88, 0xb5], &[marker; 60]].concat()
}

/// An ARP packet (RFC 826) of this operation, from `mac` for `sender`.
fn arp(operation: u8, mac: &[u8], sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    [
        &[0xff; 6][..],
        mac,
        &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation],
        mac,
        &sender,
        &[0; 6],
        &target,
    ]
    .concat()
}

/// An unsolicited neighbour advertisement (RFC 4861, 4.4) for `target` from `mac`, with a checksum.
fn advertisement(mac: &[u8], target: std::net::Ipv6Addr) -> Vec<u8> {
    let body = [
        &[136, 0, 0, 0, 0x20, 0, 0, 0][..],
        &target.octets(),
        &[2, 1],
        mac,
    ]
    .concat();
    let all: std::net::Ipv6Addr = "ff02::1".parse().unwrap();
    let length = u8::try_from(body.len()).unwrap();
    let pseudo = [
        &target.octets()[..],
        &all.octets(),
        &[0, 0, 0, length, 0, 0, 0, 58],
        &body,
    ]
    .concat();
    let mut sum: u32 = pseudo
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = !u16::try_from(sum).unwrap();
    let mut body = body;
    body[2..4].copy_from_slice(&sum.to_be_bytes());
    let ip = [
        &[0x60, 0, 0, 0, 0, length, 58, 255][..],
        &target.octets(),
        &all.octets(),
    ]
    .concat();
    [
        &[0x33, 0x33, 0, 0, 0, 1][..],
        mac,
        &[0x86, 0xdd],
        &ip,
        &body,
    ]
    .concat()
}

/// Sends `frames` from `from`, then one that is allowed; `true` for each one that `at` has received by then.
fn received(from: &Station, at: &Station, frames: &[Vec<u8>]) -> Vec<bool> {
    let heard = Capture::of_nic(at.namespace(), at.nic()).unwrap();
    let raw = from.raw().unwrap();
    for frame in frames {
        raw.send(frame).unwrap();
    }
    // All take the same way: when the last one is there, the others have been or never will be.
    let last = frame(&at.mac().0, &from.mac().0, 0xee);
    raw.send(&last).unwrap();
    heard
        .wait_for("the allowed frame", PATIENCE, |frame| frame.bytes() == last)
        .unwrap();
    frames
        .iter()
        .map(|sent| heard.count(|frame| frame.bytes() == sent) > 0)
        .collect()
}

#[test]
fn a_guest_that_lies_about_its_addresses_is_not_heard() {
    let site = Site::start("spoofing", 2, &[]).unwrap();
    let document = Document::new().network(
        "net",
        "type: vxlan, vni: 1",
        "10.0.0",
        "fd00",
        &["liar", "near", "far"],
    );
    let document = document.port_with(
        "free",
        "net",
        4,
        "10.0.0.4, \"fd00::4\"",
        ", port_security: false",
    );
    site.apply(&document.to_string()).unwrap();
    let [liar, near, far, free] = [("liar", 1), ("near", 1), ("far", 2), ("free", 1)]
        .map(|(port, host)| site.plug(port, host).unwrap());
    for endpoint in [&near, &far] {
        probe::ping(&liar, endpoint, PATIENCE).unwrap();
        probe::ping(&free, endpoint, PATIENCE).unwrap();
    }

    let other = [2, 0, 0, 0, 0, 0x99];
    let lies = |own: &Endpoint, to: &Endpoint| {
        let own = own.mac().0;
        vec![
            frame(&to.mac().0, &other, 1),
            frame(&[0xff; 6], &other, 2),
            arp(1, &own, [10, 0, 0, 99], [10, 0, 0, 98]),
            arp(2, &own, [10, 0, 0, 99], [10, 0, 0, 98]),
            arp(2, &other, [10, 0, 0, 1], [10, 0, 0, 98]),
            advertisement(&own, "fd00::99".parse().unwrap()),
        ]
    };
    for to in [&near, &far] {
        let heard = received(&liar, to, &lies(&liar, to));
        assert_eq!(
            heard,
            [false; 6],
            "lies of a port with port security, at {}",
            to.name()
        );
        let heard = received(&free, to, &lies(&free, to));
        assert_eq!(
            heard,
            [true; 6],
            "the same from a port without, at {}",
            to.name()
        );
    }
    // The truth passes.
    let own = liar.mac().0;
    let truth = [
        arp(2, &own, [10, 0, 0, 1], [10, 0, 0, 98]),
        advertisement(&own, "fd00::1".parse().unwrap()),
    ];
    assert_eq!(received(&liar, &near, &truth), [true; 2]);
    assert_eq!(received(&liar, &far, &truth), [true; 2]);
}

#[test]
fn tagged_frames_of_a_guest_are_dropped() {
    let site = Site::start("tagged", 1, &[]).unwrap();
    let document = Document::new()
        .network("own", "type: vxlan, vni: 1", "10.0.0", "fd00", &["a", "b"])
        .network(
            "other",
            "type: vxlan, vni: 2",
            "10.0.0",
            "fd00",
            &["c", "d"],
        );
    site.apply(&document.to_string()).unwrap();
    let endpoints = ["a", "b", "c", "d"].map(|port| site.plug(port, 1).unwrap());
    let [a, b, c, d] = &endpoints;
    probe::ping(a, b, PATIENCE).unwrap();
    probe::ping(c, d, PATIENCE).unwrap();
    // Every VLAN id that a host may have given to one of the two networks, and the tag without an id.
    let tagged = |vlan: u8| {
        [
            &[0xff; 6][..],
            &a.mac().0,
            &[0x81, 0, 0, vlan, 0x88, 0xb5],
            &[vlan; 60],
        ]
        .concat()
    };
    let frames: Vec<_> = (0..=8).map(tagged).collect();
    // With or without the tag, its content is found nowhere.
    let watched =
        [b, c, d].map(|endpoint| Capture::of_nic(endpoint.namespace(), endpoint.nic()).unwrap());
    assert_eq!(received(a, b, &frames), [false; 9]);
    for capture in &watched {
        assert_eq!(
            capture.count(|frame| frame
                .bytes()
                .windows(60)
                .any(|part| (1..=8).any(|n| part == [n; 60]))),
            0
        );
    }
}

#[test]
fn an_interface_that_names_no_port_stays_dropped_and_is_listed() {
    let site = Site::start("unbound", 1, &[]).unwrap();
    let document = Document::new().network("net", "type: vxlan, vni: 1", "10.0.0", "fd00", &["a"]);
    site.apply(&document.to_string()).unwrap();
    let a = site.plug("a", 1).unwrap();
    let stranger = Identity::new("b", "02:00:00:00:00:02", &["10.0.0.2/24", "fd00::2/64"]).unwrap();
    let stranger = site.lab().plug(site.host(1).unwrap(), stranger).unwrap();

    lab::wait::until_true("the interface is listed as unbound", PATIENCE, || {
        let host = &site.host_views()?[0];
        Ok(host
            .unbound
            .get(stranger.tap()?)
            .is_some_and(|name| name == "b"))
    })
    .unwrap();
    let shown = site.heddle(&["host", "show", "h1"]).unwrap();
    assert!(shown.contains(stranger.tap().unwrap()), "{shown}");
    all_pairs(&[&a, &stranger], |_, _| Expect::Apart, PATIENCE)
        .unwrap()
        .check()
        .unwrap();

    // As soon as there is a port of that name, it is bound.
    site.apply(
        &document
            .port("b", "net", 2, "10.0.0.2, \"fd00::2\"")
            .to_string(),
    )
    .unwrap();
    site.wait_until_up("b", &[1]).unwrap();
    probe::ping(&a, &stranger, PATIENCE).unwrap();
    assert!(site.host_views().unwrap()[0].unbound.is_empty());
}
