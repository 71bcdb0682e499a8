//! What somebody else does to heddle's flows, bridges and ports on a real switch: it is noticed, told in the log, counted and
//! put right, with no timer on the way.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use std::time::Instant;

use lab::probe;
use lab::{Host, PATIENCE, Site, wait};
use tests::Document;

/// What heddle answers for, with names, as numbers may be others afterwards: flows, and rows line by line.
fn state(host: &Host) -> Vec<String> {
    let flows = |bridge| host.ofctl("--no-stats --names dump-flows", bridge, &[]);
    let mut text = ["br-int", "br-tun"]
        .map(|bridge| flows(bridge).unwrap_or_default())
        .concat();
    for query in [
        "--columns=name,fail_mode list Bridge br-int br-tun",
        "--columns=name,options,type list Interface patch-tun patch-int heddle-vxlan",
        "--columns=name,tag,external_ids list Port",
    ] {
        // While a row is missing this is an error.
        text += &host.vsctl(query).unwrap_or_default();
    }
    let mut lines: Vec<_> = text.lines().map(|line| line.trim().to_owned()).collect();
    lines.sort();
    lines
}

/// How many flows of the bridge, or rows of the database, the agent has put right.
fn repairs(site: &Site, host: &Host, bridge: Option<&str>) -> u64 {
    let now = site.agent_status(host).unwrap();
    let count = match bridge {
        Some(bridge) => &now["bridges"][bridge]["programmed"]["repaired"],
        None => &now["counters"]["switch_repairs"],
    };
    count.as_u64().unwrap_or_default()
}

/// Does it, and waits until it is told by a line with these words, is counted, and all is as before.
fn repaired(site: &Site, what: &str, bridge: Option<&str>, words: &[&str], tamper: impl Fn(&Host)) {
    let host = site.host(1).unwrap();
    let (before, counted) = (state(host), repairs(site, host, bridge));
    let said = site.agent_log(host).unwrap().len();
    let started = Instant::now();
    tamper(host);
    wait::until_true(what, PATIENCE, || {
        let log = site.agent_log(host)?;
        let mut lines = log[said..].lines();
        let told = lines.any(|line| words.iter().all(|word| line.contains(word)));
        Ok(told && state(host) == before)
    })
    .unwrap();
    println!("{what}: put right within {:?}", started.elapsed());
    // A status may be half a second old.
    wait::until_true(&format!("{what}: counted"), PATIENCE, || {
        Ok(repairs(site, host, bridge) > counted)
    })
    .unwrap();
}

#[test]
fn what_others_do_to_the_switch_is_told_and_put_right() {
    let site = Site::start("repairs", 2, &[]).unwrap();
    site.apply(&Document::tenant().to_string()).unwrap();
    let (a, b) = (site.plug("a", 1).unwrap(), site.plug("b", 2).unwrap());
    site.wait().unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
    let host = site.host(1).unwrap();
    site.wait_for_agent(host, "all is applied", |now| now["state"] == "applied")
        .unwrap();

    for bridge in ["br-int", "br-tun"] {
        let what = format!("all flows of {bridge} are deleted");
        repaired(
            &site,
            &what,
            Some(bridge),
            &["deleted flows", bridge],
            |host| {
                host.ofctl("del-flows", bridge, &[]).unwrap();
            },
        );
        let what = format!("the flows of {bridge} are altered");
        repaired(
            &site,
            &what,
            Some(bridge),
            &["changed flows", bridge],
            |host| {
                host.ofctl("mod-flows", bridge, &["actions=drop"]).unwrap();
            },
        );
    }
    let tap = a.tap().unwrap();
    let vsctl = |args: &str| {
        let args = args.to_owned();
        move |host: &Host| drop(host.vsctl(&args).unwrap())
    };
    let edits = [
        (
            "del-port patch-tun".to_owned(),
            "the port patch-tun of br-int is gone",
        ),
        (
            "del-port patch-int".to_owned(),
            "the port patch-int of br-tun is gone",
        ),
        (
            "del-port heddle-vxlan".to_owned(),
            "the port heddle-vxlan of br-tun is gone",
        ),
        (
            "set Interface patch-tun options:peer=elsewhere".to_owned(),
            "peer=elsewhere",
        ),
        (
            "set-fail-mode br-tun standalone".to_owned(),
            "fail_mode of the bridge br-tun",
        ),
        (
            format!("set Port {tap} tag=77"),
            "has tag 77 of the network",
        ),
        (
            format!("remove Port {tap} external_ids heddle-network"),
            "of no network",
        ),
        ("del-br br-tun".to_owned(), "the bridge br-tun is gone"),
    ];
    for (args, line) in edits {
        let words = ["somebody has changed", line];
        repaired(&site, &args, None, &words, vsctl(&args));
        probe::ping(&a, &b, PATIENCE).unwrap();
    }
}
