//! Interfaces that come, go, come back and move, and what the other hosts know of it.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use lab::probe::{self, Stream};
use lab::{Endpoint, Host, Identity, PATIENCE, Signal, Site, Unread, wait};
use tests::Document;

fn site_with_three_ports(purpose: &str, hosts: u8) -> Site {
    let site = Site::start(purpose, hosts, &[]).unwrap();
    let document = Document::new().network(
        "net",
        "type: vxlan, vni: 1",
        "10.0.0",
        "fd00",
        &["a", "b", "c"],
    );
    site.apply(&document.to_string()).unwrap();
    site
}

/// The flows of a host's `br-tun` that name an endpoint: its MAC address or one of its addresses.
fn entries_for(host: &Host, endpoint: &Endpoint) -> lab::Result<usize> {
    let mac = endpoint.mac().to_string();
    let hex = format!("0x{}", mac.replace(':', "").trim_start_matches('0'));
    let addresses: Vec<_> = endpoint
        .addresses()
        .map(|address| format!("={address},"))
        .collect();
    let names_it = |flow: &String| {
        flow.contains(&mac)
            || flow.contains(&hex)
            || addresses
                .iter()
                .any(|address| flow.contains(address.as_str()))
    };
    Ok(host
        .flows("br-tun")?
        .iter()
        .filter(|flow| names_it(flow))
        .count())
}

#[test]
fn unplugged_and_plugged_in_again_under_another_number() {
    let site = site_with_three_ports("replug", 2);
    let (a, mut b) = (site.plug("a", 1).unwrap(), site.plug("b", 2).unwrap());
    probe::ping(&a, &b, PATIENCE).unwrap();
    let (h1, h2) = (site.host(1).unwrap(), site.host(2).unwrap());
    assert!(entries_for(h1, &b).unwrap() > 0, "h1 knows where b is");

    let before = h2.ofport(b.tap().unwrap()).unwrap();
    let unplugged = b.unplug().unwrap();
    site.wait_until_up("b", &[]).unwrap();
    wait::until_true("h1 forgets b", PATIENCE, || Ok(entries_for(h1, &b)? == 0)).unwrap();

    b.replug_as(unplugged, 4711).unwrap();
    site.wait_until_up("b", &[2]).unwrap();
    let after = h2.ofport(b.tap().unwrap()).unwrap();
    assert_eq!(after, Some(4711));
    assert_ne!(before, after);
    probe::ping(&a, &b, PATIENCE).unwrap();
    probe::ping(&b, &a, PATIENCE).unwrap();
}

/// `iface-id` may be the port's id instead of its name, as other software has it.
#[test]
fn bound_by_its_id() {
    let site = site_with_three_ports("by-id", 1);
    let a = site.plug("a", 1).unwrap();
    let identity = Identity {
        name: site.port_view("b").unwrap().id,
        ..site.identity("b").unwrap()
    };
    let b = site.lab().plug(site.host(1).unwrap(), identity).unwrap();
    site.wait_until_up("b", &[1]).unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
}

/// The number changes without the port going away.
#[test]
fn a_new_openflow_number_is_followed() {
    let site = site_with_three_ports("renumber", 1);
    let (a, b) = (site.plug("a", 1).unwrap(), site.plug("b", 1).unwrap());
    probe::ping(&a, &b, PATIENCE).unwrap();
    let (host, tap) = (b.host().unwrap(), b.tap().unwrap());
    host.vsctl(&format!("set Interface {tap} ofport_request=999"))
        .unwrap();
    wait::until_true("the interface has its new number", PATIENCE, || {
        Ok(host.ofport(tap)? == Some(999))
    })
    .unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
}

#[test]
fn moved_to_another_host() {
    let site = site_with_three_ports("move", 3);
    let (a, mut b) = (site.plug("a", 1).unwrap(), site.plug("b", 2).unwrap());
    probe::ping(&a, &b, PATIENCE).unwrap();
    for number in [3, 1, 2] {
        b.move_to(site.host(number).unwrap()).unwrap();
        site.wait_until_up("b", &[number]).unwrap();
        probe::ping(&a, &b, PATIENCE).unwrap();
        probe::ping(&b, &a, PATIENCE).unwrap();
    }
}

/// For a moment two hosts have the interface of one port. Nothing that is sent to it is lost meanwhile.
#[test]
fn live_migration() {
    let site = site_with_three_ports("migration", 3);
    let (a, mut b) = (site.plug("a", 1).unwrap(), site.plug("b", 2).unwrap());
    let c = site.plug("c", 3).unwrap();
    probe::ping(&c, &b, PATIENCE).unwrap();
    let unread = Unread::since_now(&site).unwrap();
    // From a host that is none of the two.
    let stream = Stream::start(&a, &b, false, 100).unwrap();

    let migration = b.start_migration(site.host(3).unwrap()).unwrap();
    site.wait_until_up("b", &[2, 3]).unwrap();
    site.wait().unwrap();
    // And from the one where the guest will be but is not yet, once that has the new port: it sends a copy to the other.
    let near = Stream::start(&c, &b, false, 100).unwrap();
    for stream in [near, stream] {
        stream.wait_for(50).unwrap();
        unread.excuse(&stream.stop().unwrap()).unwrap();
    }

    b.finish_migration(migration).unwrap();
    site.wait_until_up("b", &[3]).unwrap();
    for other in [&a, &c] {
        probe::ping(other, &b, PATIENCE).unwrap();
        probe::ping(&b, other, PATIENCE).unwrap();
    }
}

#[test]
fn a_host_that_is_deleted_is_forgotten_by_the_others() {
    let site = site_with_three_ports("host-gone", 3);
    let (a, b, c) = (
        site.plug("a", 1).unwrap(),
        site.plug("b", 2).unwrap(),
        site.plug("c", 3).unwrap(),
    );
    probe::ping(&a, &b, PATIENCE).unwrap();
    probe::ping(&a, &c, PATIENCE).unwrap();
    let (h1, h2) = (site.host(1).unwrap(), site.host(2).unwrap());
    let names_h2 = || -> lab::Result<usize> {
        let (decimal, hex) = (h2.encap_ip().to_string(), "0xc0000202");
        Ok(h1
            .flows("br-tun")?
            .iter()
            .filter(|flow| flow.contains(&decimal) || flow.contains(hex))
            .count())
    };
    assert!(names_h2().unwrap() > 0, "h1 sends to h2");

    site.stop_agent(h2, Signal::SIGKILL).unwrap();
    site.heddle(&["host", "delete", "h2"]).unwrap();
    wait::until_true("h1 forgets h2", PATIENCE, || Ok(names_h2()? == 0)).unwrap();
    wait::until_true("h1 forgets b", PATIENCE, || Ok(entries_for(h1, &b)? == 0)).unwrap();
    assert!(site.port_view("b").unwrap().hosts.is_empty());
    probe::ping(&a, &c, PATIENCE).unwrap();

    // Its agent registers it again.
    site.start_agent(h2).unwrap();
    site.wait_until_up("b", &[2]).unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
}
