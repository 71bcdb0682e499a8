//! What somebody else does to heddle's flows, bridges and ports on a real switch: it is noticed, told in the log, counted and
//! put right, with no timer on the way.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its body does")]

use std::time::Instant;

use lab::probe;
use lab::{Host, PATIENCE, Signal, Site, tool, wait};
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
        // While a row is missing, or the database is away, this is an error.
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

/// Edits the switch's database while its server is down, so that nobody sees it happen.
fn edit_unseen(host: &Host, operations: &[&str]) {
    host.end_database(Signal::SIGTERM).unwrap();
    let database = host.dir().join("conf.db").display().to_string();
    let operations = format!("[\"Open_vSwitch\", {}]", operations.join(", "));
    tool::run("ovsdb-tool", ["transact", &database, &operations]).unwrap();
    host.start_database().unwrap();
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
    // One that looks like heddle's, and one of another's in the place of heddle's.
    for flow in [
        "cookie=0x6865000000000000,table=60,priority=7,udp,actions=drop",
        "cookie=0x7,table=60,priority=0,actions=CONTROLLER:128",
    ] {
        repaired(&site, flow, Some("br-int"), &["changed flows"], |host| {
            host.ofctl("add-flow", "br-int", &[flow]).unwrap();
        });
    }
    // What is another's where heddle has nothing is told, and stays.
    let flow = "cookie=0x7, table=200, priority=1,arp actions=drop";
    let (said, counted) = (
        site.agent_log(host).unwrap().len(),
        repairs(&site, host, Some("br-int")),
    );
    host.ofctl("add-flow", "br-int", &[flow]).unwrap();
    wait::until_true("another's flow is told", PATIENCE, || {
        Ok(site.agent_log(host)?[said..].contains("somebody has added flows"))
    })
    .unwrap();

    let there = host.flows("br-int").unwrap();
    assert!(
        there.iter().any(|line| line.contains("table=200")),
        "{there:#?}"
    );
    let now = repairs(&site, host, Some("br-int"));
    assert_eq!(now, counted, "another's flow is counted");
    // Open vSwitch deletes all flows when a fail mode is changed, and this one nobody would put back.
    host.ofctl("del-flows", "br-int", &["table=200"]).unwrap();

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
            "clear Interface patch-int options".to_owned(),
            "options of the interface patch-int of br-tun are \"\"",
        ),
        (
            "set Interface heddle-vxlan options:remote_ip=192.0.2.77".to_owned(),
            "remote_ip=192.0.2.77",
        ),
        (
            "set Interface heddle-vxlan options:key=7".to_owned(),
            "key=7",
        ),
        (
            "remove Port patch-tun external_ids heddle-owned".to_owned(),
            "the port patch-tun of br-int is not marked",
        ),
        (
            "remove Port heddle-vxlan external_ids heddle-owned".to_owned(),
            "the port heddle-vxlan of br-tun is not marked",
        ),
        (
            "set Bridge br-int protocols=OpenFlow13".to_owned(),
            "protocols of the bridge br-int are \"OpenFlow13\"",
        ),
        (
            "set-fail-mode br-int standalone".to_owned(),
            "fail_mode of the bridge br-int",
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

    let protocols = host.vsctl("get Bridge br-int protocols").unwrap();
    assert_eq!(protocols.trim(), "[OpenFlow13, OpenFlow14]");

    // What happens while the agent can not see it is told when it can again.
    let tag = format!(
        r#"{{"op": "update", "table": "Port", "where": [["name", "==", "{tap}"]], "row": {{"tag": 77}}}}"#
    );
    let mode = r#"{"op": "update", "table": "Bridge", "where": [["name", "==", "br-tun"]], "row": {"fail_mode": "standalone"}}"#;
    let counted_rows = repairs(&site, host, None);
    let words = ["somebody has changed", "has tag 77"];
    repaired(&site, "unseen edits", None, &words, |host| {
        edit_unseen(host, &[&tag, mode]);
    });
    assert!(
        site.agent_log(host)
            .unwrap()
            .contains("fail_mode of the bridge br-tun is \"standalone\"")
    );
    wait::until_true("both unseen edits are counted", PATIENCE, || {
        Ok(repairs(&site, host, None) >= counted_rows + 2)
    })
    .unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
}
