//! The agent as its operator meets it: what it says of itself, and what it does with the place that it runs from.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail as its body does"
)]

use std::process::Command;

use lab::{Host, PATIENCE, Signal, Site, wait};
use tests::Document;

/// `curl` of a path on the agent's socket.
fn get(host: &Host, path: &str) -> String {
    let socket = host.dir().join("agent.sock");
    let output = Command::new("curl")
        .args(["--silent", "--fail", "--unix-socket"])
        .arg(socket)
        .arg(format!("http://agent{path}"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The value of a metric, by its name and labels.
fn metric(host: &Host, name: &str) -> f64 {
    let text = get(host, "/metrics");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    value.trim().parse().unwrap()
}

#[test]
fn an_agent_says_how_it_does() {
    let site = Site::start("status", 1, &[]).unwrap();
    let host = site.host(1).unwrap();
    let document = Document::tenant().network(
        "office",
        "type: vlan, physical_network: nowhere, vlan: 7",
        "10.1.0",
        "fd00:1",
        &["o1"],
    );
    let document = document.wire("nowhere", "1-10");
    site.apply(&document.to_string()).unwrap();
    let _a = site.plug("a", 1).unwrap();
    let _o = site.lab().plug(host, site.identity("o1").unwrap()).unwrap();
    host.vsctl(
        "add-port br-int odd -- set Interface odd type=internal external_ids:iface-id=nobody",
    )
    .unwrap();
    site.wait().unwrap();
    wait::until_true("the agent has nothing to do", PATIENCE, || {
        let status = site.agent_status(host)?;
        Ok(status["state"] == "applied" && status["unbound"]["odd"] == "nobody")
    })
    .unwrap();

    let now = site.agent_status(host).unwrap();
    assert_eq!(now["host"], "h1");
    assert_eq!(now["intent"]["source"], "database");
    assert_eq!(now["intent"]["revision"], now["intent"]["applied"]);
    assert_eq!(now["intent"]["lag"], 0.0);
    assert_eq!(now["northbound"]["connected"], true);
    assert_eq!(now["bridges"]["br-int"]["connected"], true);
    let ports = now["ports"].as_array().unwrap();
    assert_eq!(ports.len(), 2, "{ports:#?}");
    assert_eq!(
        (&ports[0]["name"], &ports[0]["up"]),
        (&"a".into(), &true.into())
    );
    let reason = ports[1]["waits_for"].as_str().unwrap();
    assert!(
        reason.contains("heddle-bridge-mappings=nowhere:BRIDGE"),
        "{reason}"
    );
    assert!(now["problems"]["office"].is_string());

    let dir = host.dir().display().to_string();
    let text = site
        .heddle(&["agent", "status", "--runtime-dir", &dir])
        .unwrap();
    for line in [
        "all that is known is on the switch",
        "ports       1 up, 1 waiting",
        "names no port: iface-id=nobody",
    ] {
        assert!(text.contains(line), "no {line:?} in\n{text}");
    }

    // What the agent counts is what the switch has.
    for bridge in ["br-int", "br-tun"] {
        let counted: u64 = now["bridges"][bridge]["flows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|flows| flows["count"].as_u64().unwrap())
            .sum();
        let there = host.flows(bridge).unwrap().len();
        assert_eq!(counted, u64::try_from(there).unwrap(), "{bridge}");
    }
    let one = "heddle_flows{bridge=\"br-int\",table=\"60\",name=\"forward\",owner=\"port\"}";
    assert!((metric(host, one) - 2.0).abs() < 1e-9);
    assert!(
        metric(
            host,
            "heddle_flow_mods_total{bridge=\"br-int\",kind=\"add\"}"
        ) >= 5.0
    );
    assert!(metric(host, "heddle_bundle_seconds_count{bridge=\"br-int\"}") >= 1.0);
    assert!(metric(host, "heddle_applied_revision") >= 1.0);
    assert!(metric(host, "heddle_ports{state=\"waiting\"}") >= 1.0);
    let memory = metric(host, "process_resident_memory_bytes");
    assert!(memory > 1e6, "{memory}");
}

/// Sessions that are lost and come back are counted, and told while they are gone.
#[test]
fn reconnects_are_counted() {
    let site = Site::start("reconnects", 1, &[]).unwrap();
    let host = site.host(1).unwrap();
    site.wait_for_agent(host, "all is applied", |now| now["state"] == "applied")
        .unwrap();
    let northbound = "heddle_sessions_total{peer=\"northbound\",bridge=\"\"}";
    let openflow = "heddle_sessions_total{peer=\"openflow\",bridge=\"br-int\"}";
    let before = (metric(host, northbound), metric(host, openflow));
    site.stop_database().unwrap();
    wait::until_true("the agent says that the database is gone", PATIENCE, || {
        let now = site.agent_status(host)?;
        Ok(now["northbound"]["connected"] == false && now["northbound"]["error"].is_string())
    })
    .unwrap();
    site.start_database().unwrap();
    host.end_daemon(Signal::SIGKILL).unwrap();
    host.start_daemon().unwrap();
    wait::until_true("there are new sessions", PATIENCE, || {
        Ok(metric(host, northbound) > before.0 && metric(host, openflow) > before.1)
    })
    .unwrap();
}

/// Two agents on one switch would undo each other's work; one that was killed leaves nothing that stops the next.
#[test]
fn one_agent_at_a_time() {
    let site = Site::start("one", 1, &[]).unwrap();
    let host = site.host(1).unwrap();
    let dir = host.dir().display().to_string();
    let second = site
        .try_heddle(&["agent", "--ovs", &host.remote(), "--runtime-dir", &dir])
        .unwrap();
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(
        second.stderr.contains("another agent runs on this host"),
        "{second:?}"
    );

    site.stop_agent(host, Signal::SIGKILL).unwrap();
    let nobody = site
        .try_heddle(&["agent", "status", "--runtime-dir", &dir])
        .unwrap();
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.stderr.contains("no agent runs here"), "{nobody:?}");
    site.start_agent(host).unwrap();
    wait::until_true("the next agent answers", PATIENCE, || {
        Ok(site
            .try_heddle(&["agent", "status", "--runtime-dir", &dir])?
            .code
            == Some(0))
    })
    .unwrap();
}

/// A stopped process, which goes on when this is dropped.
struct Stopped(String);

impl Stopped {
    /// Stops the `ovs-vswitchd` of a host, found by the directory that it was started with.
    fn switch_of(host: &Host) -> Self {
        let dir = host.dir().display().to_string();
        let is_it = |pid: &String| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            line.split('\0')
                .next()
                .is_some_and(|program| program.ends_with("ovs-vswitchd"))
                && line.contains(&dir)
        };
        let entries = std::fs::read_dir("/proc").unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let pid = names
            .filter(|name| name.chars().all(|c| c.is_ascii_digit()))
            .find(is_it)
            .unwrap();
        signal(&pid, "STOP");
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal(&self.0, "CONT");
    }
}

fn signal(pid: &str, name: &str) {
    let status = Command::new("kill").args(["-s", name, pid]).status();
    assert!(status.unwrap().success());
}

/// A revision is acknowledged when the switch has its flows, not before; until then the agent says how long it has waited.
#[test]
fn no_revision_is_acknowledged_before_the_switch_has_it() {
    let site = Site::start("early", 1, &[]).unwrap();
    let host = site.host(1).unwrap();
    site.apply(&Document::tenant().to_string()).unwrap();
    let _endpoints = [site.plug("a", 1).unwrap(), site.plug("b", 1).unwrap()];
    site.wait().unwrap();
    let before = site.agent_status(host).unwrap()["intent"]["applied"]
        .as_u64()
        .unwrap();

    let stopped = Stopped::switch_of(host);
    site.heddle(&["port", "delete", "a"]).unwrap();
    let early = site.try_heddle(&["wait", "--timeout", "2"]).unwrap();
    assert_eq!(early.code, Some(1), "{early:?}");
    let now = site.agent_status(host).unwrap();
    assert!(
        now["intent"]["revision"].as_u64().unwrap() > before,
        "{now:#}"
    );
    assert_eq!(now["intent"]["applied"].as_u64(), Some(before), "{now:#}");
    assert!(now["intent"]["lag"].as_f64().unwrap() > 1.0, "{now:#}");
    assert_eq!(now["state"], "working", "{now:#}");

    drop(stopped);
    site.wait().unwrap();
    wait::until_true("nothing lags any more", PATIENCE, || {
        let now = site.agent_status(host)?;
        Ok(now["intent"]["lag"] == 0.0 && now["state"] == "applied")
    })
    .unwrap();
}
