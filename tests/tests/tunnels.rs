//! Networks in tunnels: what the endpoints see, and what the underlay sees.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail as its body does"
)]

use std::collections::BTreeSet;
use std::net::{IpAddr, UdpSocket};

use lab::{Capture, Frame, HostPlan, Identity, Lab, PATIENCE, Site, Underlay, probe};
use tests::Document;

const MEGABYTE: usize = 1_000_000;

/// A site of two hosts with an endpoint each, `a` and `b`, in one network of this kind.
fn two_endpoints(site: &Site, kind: &str) -> (lab::Endpoint, lab::Endpoint) {
    site.apply(
        &Document::new()
            .network("net", kind, "10.0.0", "fd00", &["a", "b"])
            .to_string(),
    )
    .unwrap();
    let endpoints = (site.plug("a", 1).unwrap(), site.plug("b", 2).unwrap());
    site.wait().unwrap();
    endpoints
}

/// A site whose hosts are not quite as usual.
fn site_of(purpose: &str, plan: HostPlan) -> Site {
    let site = Site::boot(Lab::new(purpose).unwrap(), 2, plan).unwrap();
    site.start_heddle().unwrap();
    site
}

/// `a` and `b` reach each other, also with 50 MB of TCP, and the underlay carries nothing but this network's tunnel packets between
/// the two hosts, without any question for an address that is known.
fn crosses(site: &Site, kind: &str, tunnel: &str, vni: u32, port: Option<u16>) {
    let (a, b) = two_endpoints(site, &format!("type: {kind}, vni: {vni}"));
    let both_ways = || {
        probe::ping(&a, &b, PATIENCE).unwrap();
        probe::ping(&b, &a, PATIENCE).unwrap();
    };
    // A switch that has just got its tunnel port may hold a megaflow of before for a moment, which hands the tunnel packets to
    // the host's own kernel, and that answers with ICMP. So the capture starts once the tunnel has been used both ways; the
    // endpoints have to ask for each other's address again.
    both_ways();
    for endpoint in [&a, &b] {
        endpoint.namespace().ip("neighbour flush all").unwrap();
    }
    let underlay = site.lab().underlay().capture().unwrap();
    both_ways();
    probe::transfer(&a, &b, false, MEGABYTE).unwrap();
    let is_tunnel = |frame: &Frame| frame.tunnel().is_some();
    underlay
        .wait_for("a tunnel packet", PATIENCE, is_tunnel)
        .unwrap();
    let frames = underlay.frames();
    drop(underlay);

    let hosts: BTreeSet<IpAddr> = site.hosts().iter().map(|host| host.encap_ip()).collect();
    for frame in frames
        .iter()
        .filter(|frame| frame.ip().is_some_and(|(from, _)| hosts.contains(&from)))
    {
        // The hosts themselves resolve each other's address, in IPv6 by ICMP.
        if frame.tunnel().is_none() && frame.is_icmpv6() {
            continue;
        }
        let packet = frame
            .tunnel()
            .unwrap_or_else(|| panic!("no tunnel packet: {frame:?}"));
        assert_eq!((packet.kind, packet.vni, packet.port), (tunnel, vni, port));
        assert_eq!(BTreeSet::from([packet.from, packet.to]), hosts);
        assert_eq!(packet.inner.vlan(), None, "a local VLAN left the host");
        assert_eq!(
            packet.inner.arp().filter(|arp| arp.operation == 1),
            None,
            "an ARP request for a known address"
        );
        assert_eq!(
            packet.inner.neighbour_solicitation().filter(is_known),
            None,
            "an ND request for a known address"
        );
    }
    probe::transfer(&b, &a, false, 50 * MEGABYTE).unwrap();
    probe::transfer(&a, &b, true, 5 * MEGABYTE).unwrap();
}

/// The addresses of the two endpoints; others, such as link-local ones, nobody has told heddle.
fn is_known(address: &std::net::Ipv6Addr) -> bool {
    address.segments()[0] == 0xfd00
}

#[test]
fn vxlan_segment_1_with_mtu_1450() {
    let site = Site::start("vxlan", 2, &[]).unwrap();
    crosses(&site, "vxlan, mtu: 1450", "vxlan", 1, Some(4789));
}

#[test]
fn vxlan_on_another_udp_port() {
    let site = site_of("vxlan-8472", HostPlan::new().vxlan_port(8472));
    crosses(&site, "vxlan", "vxlan", 0x00ff_ffff, Some(8472));
}

#[test]
fn vxlan_over_an_ipv6_underlay() {
    let site = site_of("vxlan-v6", HostPlan::new().underlay(Underlay::V6));
    crosses(&site, "vxlan, mtu: 1400", "vxlan", 7, Some(4789));
}

#[test]
fn gre_with_a_key_of_32_bits() {
    let site = Site::start("gre", 2, &[]).unwrap();
    crosses(&site, "gre", "gre", u32::MAX, None);
}

#[test]
fn geneve() {
    let site = Site::start("geneve", 2, &[]).unwrap();
    crosses(&site, "geneve", "geneve", 4000, Some(6081));
}

/// A machine on the underlay that is no host of the site knows the VNI and speaks VXLAN. What it sends goes nowhere, until it uses
/// a host's address.
#[test]
fn tunnel_packets_from_strangers_are_dropped() {
    let site = Site::start("stranger", 2, &[]).unwrap();
    let (a, b) = two_endpoints(&site, "type: vxlan, vni: 1");
    probe::ping(&a, &b, PATIENCE).unwrap();
    let stranger = Identity::new("stranger", "02:00:00:00:66:66", &["192.0.2.66/24"])
        .unwrap()
        .mtu(1500);
    let stranger = site.lab().outside(site.lab().underlay(), stranger).unwrap();

    let inner = |marker: u8| [&a.mac().0[..], &b.mac().0, &[0x88, 0xb5], &[marker; 60]].concat();
    let vxlan = |marker: u8| [&[8, 0, 0, 0, 0, 0, 1, 0][..], &inner(marker)].concat();
    let h1 = site.host(1).unwrap();
    let heard = Capture::of_nic(a.namespace(), a.nic()).unwrap();
    let send = |marker: u8| {
        stranger.namespace().run(|| {
            let socket = UdpSocket::bind("0.0.0.0:4789").map_err(lab::Error::io("bind"))?;
            socket
                .send_to(&vxlan(marker), (h1.encap_ip(), 4789))
                .map_err(lab::Error::io("send"))
        })
    };
    // One packet proves nothing: the first to a new machine may be lost.
    let underlay = site.lab().underlay().capture().unwrap();
    let is_there = |frame: &Frame| {
        frame
            .tunnel()
            .is_some_and(|packet| packet.inner.bytes() == inner(1))
    };
    lab::wait::until_true(
        "the stranger's packets are on the underlay",
        PATIENCE,
        || {
            send(1)?;
            Ok(underlay.count(is_there) >= 20)
        },
    )
    .unwrap();
    // Now it takes the address of the other host, which it may do on this wire, and is heard: so the first packet would have been.
    site.host(2)
        .unwrap()
        .namespace()
        .ip("link set eth0 down")
        .unwrap();
    stranger.namespace().ip("address flush dev eth0").unwrap();
    let taken = format!(
        "address add {}/24 dev eth0",
        site.host(2).unwrap().encap_ip()
    );
    stranger.namespace().ip(&taken).unwrap();
    lab::wait::until_true("the packet with a host's address arrives", PATIENCE, || {
        send(2)?;
        Ok(heard.count(|frame| frame.bytes() == inner(2)) > 0)
    })
    .unwrap();
    assert_eq!(
        heard.count(|frame| frame.bytes() == inner(1)),
        0,
        "a stranger was heard"
    );
}

/// A network that learns: a station behind a port whose MAC address nobody has told heddle is reached, from the other host too.
#[test]
fn a_learning_network_finds_macs_that_nobody_declared() {
    let site = Site::start("learning", 2, &[]).unwrap();
    let document = Document::new().network(
        "net",
        "type: vxlan, vni: 1, learning: true",
        "10.0.0",
        "fd00",
        &["a"],
    );
    let document = document.port_with(
        "b",
        "net",
        2,
        "10.0.0.2, \"fd00::2\"",
        ", port_security: false",
    );
    site.apply(&document.to_string()).unwrap();
    let a = site.plug("a", 1).unwrap();
    // Another machine than the port says is behind it.
    let hidden = Identity::new("b", "02:00:00:00:00:77", &["10.0.0.77/24", "fd00::77/64"]).unwrap();
    let b = site.lab().plug(site.host(2).unwrap(), hidden).unwrap();
    site.wait_until_up("b", &[2]).unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
    probe::ping(&b, &a, PATIENCE).unwrap();
}
