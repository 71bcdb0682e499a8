//! What a host does while its surroundings are away: the northbound database, a bridge, the agent itself; and what the
//! service manager hears of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail as its body does"
)]

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lab::probe::{self, Stream};
use lab::{Host, PATIENCE, Signal, Site, Unread, wait};
use tests::Document;

fn intent_file(host: &Host) -> PathBuf {
    host.dir().join("intent.json")
}

/// Waits until the file has what the agent acts on, as its lock notes.
fn wait_until_kept(host: &Host) {
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
    wait::until_true("the last known intent is in its file", PATIENCE, || {
        let note = read(host.dir().join("agent.lock"));
        let file = read(intent_file(host));
        let foot = file.lines().next_back().unwrap_or_default();
        Ok(note.trim().len() == 16 && foot.contains(note.trim()))
    })
    .unwrap();
}

/// The database is away and the agent starts: nothing is sent, traffic goes on, an endpoint is plugged in anew and works.
/// The database comes back, with changes, and they are applied.
#[test]
fn the_last_known_intent_carries_on_without_the_database() {
    let site = Site::start("survive", 2, &[]).unwrap();
    site.apply(&Document::tenant().to_string()).unwrap();
    let (mut a, b) = (site.plug("a", 1).unwrap(), site.plug("b", 2).unwrap());
    let c = site.plug("c", 1).unwrap();
    site.wait().unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
    // The other host has heard of c, too.
    probe::ping(&c, &b, PATIENCE).unwrap();
    let host = site.host(1).unwrap();
    wait_until_kept(host);
    let unread = Unread::since_now(&site).unwrap();
    let stream = Stream::start(&c, &b, false, 100).unwrap();
    host.count_flow_mods().unwrap();

    site.stop_agent(host, Signal::SIGKILL).unwrap();
    // What the agent does not hear of.
    let more = Document::tenant().port("d", "net", 9, "10.0.0.9, \"fd00::9\"");
    site.apply(&more.to_string()).unwrap();
    site.stop_database().unwrap();
    site.start_agent(host).unwrap();
    site.wait_for_agent(
        host,
        "the agent goes on with the last known intent",
        |now| now["intent"]["source"] == "file" && now["state"] == "applied",
    )
    .unwrap();
    assert_eq!(host.flow_mods().unwrap(), 0, "flow-mods were sent");

    stream.wait_for(30).unwrap();
    let report = stream.stop().unwrap();
    unread.excuse(&report).unwrap();
    assert_eq!(report.duplicated, 0, "{report:?}");

    // Open vSwitch itself may lose a packet of others when a port of the userspace datapath goes.
    let unplugged = a.unplug().unwrap();
    site.wait_for_agent(host, "the agent sees that a is gone", |now| {
        now["ports"]
            .as_array()
            .is_some_and(|ports| ports.len() == 1)
    })
    .unwrap();
    a.replug_as(unplugged, 4711).unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
    probe::ping(&a, &c, PATIENCE).unwrap();
    site.start_database().unwrap();
    site.wait().unwrap();
    site.wait_for_agent(host, "the database counts again", |now| {
        now["intent"]["source"] == "database"
    })
    .unwrap();
    let d = site.plug("d", 1).unwrap();
    probe::ping(&d, &b, PATIENCE).unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();
}

/// A file that is behind, spoilt or another's is told and not used, and nothing is changed because of it.
#[test]
fn a_file_that_can_not_be_trusted_changes_nothing() {
    let site = Site::start("distrust", 1, &[]).unwrap();
    let host = site.host(1).unwrap();
    site.apply(&Document::tenant().to_string()).unwrap();
    let (a, b) = (site.plug("a", 1).unwrap(), site.plug("b", 1).unwrap());
    site.wait().unwrap();
    wait_until_kept(host);
    let (lock, file) = (host.dir().join("agent.lock"), intent_file(host));
    site.stop_agent(host, Signal::SIGKILL).unwrap();
    site.stop_database().unwrap();
    host.count_flow_mods().unwrap();
    let before = host.flows("br-int").unwrap();
    let (note, kept) = (fs::read(&lock).unwrap(), fs::read(&file).unwrap());
    let text = String::from_utf8(kept.clone()).unwrap();

    for (note, content, complaint) in [
        (
            b"behind----------\n".to_vec(),
            kept.clone(),
            "it may be older than what is on the switch",
        ),
        (
            note.clone(),
            kept[..kept.len() / 2].to_vec(),
            "it is not a file of heddle's",
        ),
        (
            note.clone(),
            text.replace("02:00:00:00:00:01", "02:00:00:00:00:0a")
                .into_bytes(),
            "its checksum is",
        ),
        (
            note.clone(),
            vec![b'['; 1 << 20],
            "it is not a file of heddle's",
        ),
    ] {
        fs::write(&lock, note).unwrap();
        fs::write(&file, content).unwrap();
        let said = site.agent_log(host).unwrap().len();
        site.start_agent(host).unwrap();
        wait::until_true(complaint, PATIENCE, || {
            site.check_agents()?;
            Ok(site.agent_log(host)?[said..].contains(complaint))
        })
        .unwrap();
        assert_eq!(site.agent_status(host).unwrap()["intent"]["source"], "none");
        site.stop_agent(host, Signal::SIGKILL).unwrap();
    }
    assert_eq!(host.flow_mods().unwrap(), 0, "flow-mods were sent");
    assert_eq!(host.flows("br-int").unwrap(), before);
    probe::ping(&a, &b, PATIENCE).unwrap();

    // Without any file it is the same.
    fs::remove_file(&file).unwrap();
    site.start_agent(host).unwrap();
    site.wait_for_agent(host, "the agent waits for the database", |now| {
        now["waiting_for"]
            .as_str()
            .is_some_and(|what| what.contains("northbound"))
    })
    .unwrap();
    assert_eq!(host.flow_mods().unwrap(), 0, "flow-mods were sent");
    site.start_database().unwrap();
    site.wait().unwrap();
    assert_eq!(host.flow_mods().unwrap(), 0, "flow-mods were sent");
}

/// Bridges are deleted while the agent runs: they come back, and so does what was on them and is heddle's.
#[test]
fn bridges_that_are_deleted_come_back() {
    let site = Site::start("bridges", 2, &[]).unwrap();
    site.apply(&Document::tenant().to_string()).unwrap();
    let (a, b) = (site.plug("a", 1).unwrap(), site.plug("b", 2).unwrap());
    probe::ping(&a, &b, PATIENCE).unwrap();
    let host = site.host(1).unwrap();
    host.vsctl("del-br br-tun").unwrap();
    probe::ping(&a, &b, PATIENCE).unwrap();

    // With br-int go the ports of the endpoints, which are not heddle's to make.
    host.vsctl("del-br br-int").unwrap();
    site.wait_until_up("a", &[]).unwrap();
    host.wait_for_bridge("br-int", PATIENCE).unwrap();
    let c = site.plug("c", 1).unwrap();
    probe::ping(&c, &b, PATIENCE).unwrap();
    probe::ping(&b, &c, PATIENCE).unwrap();
}

/// An agent under a service manager that is this test.
struct Service {
    child: Child,
    socket: UnixDatagram,
}

impl Service {
    fn start(site: &Site, host: &Host) -> Self {
        Self::start_with(site, host, &[])
    }

    /// With these variables in its environment.
    fn start_with(site: &Site, host: &Host, environment: &[(&str, String)]) -> Self {
        let path = host.dir().join("notify.sock");
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let log = fs::File::create(host.dir().join("service.log")).unwrap();
        let mut command = Command::new(site.binary());
        command.args(["agent", "--ovs", &host.remote()]);
        for flag in ["--runtime-dir", "--state-dir"] {
            command.arg(flag).arg(host.dir());
        }
        let child = command
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("NOTIFY_SOCKET", path)
            .env("WATCHDOG_USEC", "1000000")
            .env_remove("WATCHDOG_PID")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, socket }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// All that was said up to the line that begins with `wanted`.
    fn hear(&mut self, wanted: &str) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        while Instant::now() < deadline {
            let mut buffer = [0; 4096];
            if let Ok(count) = self.socket.recv(&mut buffer) {
                let text = String::from_utf8(buffer[..count].to_vec()).unwrap();
                said.extend(text.lines().map(str::to_owned));
                if said.iter().any(|line| line.starts_with(wanted)) {
                    return said;
                }
            }
        }
        panic!("no {wanted} in {said:?}");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The whole life of a service: ready once all is applied, alive, reloaded without a flow-mod, ended.
#[test]
fn a_service_manager_hears_what_it_must() {
    let site = Site::start("service", 1, &[]).unwrap();
    let host = site.host(1).unwrap();
    site.apply(&Document::tenant().to_string()).unwrap();
    let (a, b) = (site.plug("a", 1).unwrap(), site.plug("b", 1).unwrap());
    site.wait().unwrap();
    site.stop_agent(host, Signal::SIGTERM).unwrap();
    host.count_flow_mods().unwrap();
    let unread = Unread::since_now(&site).unwrap();
    let stream = Stream::start(&a, &b, false, 100).unwrap();

    let mut service = Service::start(&site, host);
    let said = service.hear("READY=1");
    let status = said.iter().rfind(|line| line.starts_with("STATUS="));
    assert!(status.unwrap().contains("2 ports up"), "{said:?}");
    service.hear("WATCHDOG=1");
    service.hear("WATCHDOG=1");

    for reload in 1..=3 {
        service.signal("HUP");
        let said = service.hear("RELOADING=1");
        assert!(
            said.iter().any(|line| line.starts_with("MONOTONIC_USEC=")),
            "{said:?}"
        );
        service.hear("READY=1");
        // A fresh dump was compared, each time.
        site.wait_for_agent(host, "the reload is over", |now| {
            now["counters"]["reloads"] == reload
                && now["state"] == "applied"
                && now["bridges"]["br-int"]["sessions"] == reload + 1
        })
        .unwrap();
    }
    assert_eq!(host.flow_mods().unwrap(), 0, "flow-mods were sent");

    service.signal("TERM");
    service.hear("STOPPING=1");
    assert!(service.child.wait().unwrap().success());
    unread.excuse(&stream.stop().unwrap()).unwrap();
    assert!(!Path::new(&host.dir().join("agent.sock")).exists());
}

/// The library of the package `faketime` that tells a program another time of day; where it is depends on the machine.
fn fake_clock() -> String {
    let places = fs::read_dir("/usr/lib").unwrap();
    let mut places = places.map(|entry| entry.unwrap().path().join("faketime/libfaketimeMT.so.1"));
    let library = places.find(|path| path.exists());
    library.unwrap().display().to_string()
}

/// Every metric of the agent, and its value.
fn metrics(host: &Host) -> Vec<(String, f64)> {
    let output = Command::new("curl")
        .args(["--silent", "--fail", "--unix-socket"])
        .arg(host.dir().join("agent.sock"))
        .arg("http://agent/metrics")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let both = lines.filter_map(|line| line.rsplit_once(' '));
    both.map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

/// The clock of the agent's machine is set a year forth and back, while it runs and while it is down: nothing comes of it.
#[test]
fn a_clock_that_jumps_changes_nothing() {
    let site = Site::start("clock", 1, &[]).unwrap();
    let host = site.host(1).unwrap();
    let document = Document::tenant()
        .port("d", "net", 4, "10.0.0.4, \"fd00::4\"")
        .port("e", "net", 5, "10.0.0.5, \"fd00::5\"");
    site.apply(&document.to_string()).unwrap();
    let mut endpoints = site.plug_all(&[("a", 1), ("b", 1)]).unwrap();
    site.wait().unwrap();
    wait_until_kept(host);
    site.stop_agent(host, Signal::SIGTERM).unwrap();
    let clock = host.dir().join("clock");
    // A clock that is set moves what is the time of day, and no time that has passed.
    let environment = [
        ("LD_PRELOAD", fake_clock()),
        ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("NO_FAKE_STAT", "1".to_owned()),
    ];
    let set = |days: i32| {
        let new = clock.with_extension("new");
        fs::write(&new, format!("{days:+}d\n")).unwrap();
        fs::rename(new, &clock).unwrap();
    };
    let year = |line: &str| line[..4].parse::<i32>().unwrap();
    let log = || fs::read_to_string(host.dir().join("service.log")).unwrap();
    let applied = |what: &str| {
        let is_applied = |now: &serde_json::Value| now["state"] == "applied";
        site.wait_for_agent(host, what, is_applied).unwrap();
    };
    host.count_flow_mods().unwrap();
    let unread = Unread::since_now(&site).unwrap();
    let stream = Stream::start(&endpoints[0], &endpoints[1], false, 100).unwrap();
    set(0);
    let started = Instant::now();
    let mut service = Service::start_with(&site, host, &environment);
    service.hear("READY=1");
    applied("the agent has started");
    assert_eq!(host.flow_mods().unwrap(), 0, "flow-mods were sent");
    let this_year = year(&log());

    let jumps = [(400, 1, "c"), (-400, -1, "d"), (400, 1, "e")];
    for (at, (days, forth, port)) in jumps.into_iter().enumerate() {
        let before = host.flow_mods().unwrap();
        let said = log().len();
        set(days);
        // The agent is alive, and its own log shows that it has seen the clock jump.
        service.hear("WATCHDOG=1");
        service.hear("WATCHDOG=1");
        let flow = format!("table=200,priority={at},arp,actions=drop");
        host.ofctl("add-flow", "br-int", &[&flow]).unwrap();
        wait::until_true("the agent tells of another's flow", PATIENCE, || {
            Ok(log()[said..].contains("somebody has added flows"))
        })
        .unwrap();
        let there = year(&log()[said..]);
        assert_eq!((there - this_year).signum(), forth, "{there}");
        assert_eq!(host.flow_mods().unwrap(), before + 1, "more than that flow");

        let now = site.agent_status(host).unwrap();
        let passed = started.elapsed().as_secs_f64();
        assert!((0.0..=passed).contains(&now["uptime"].as_f64().unwrap()));
        assert_eq!(now["intent"]["lag"], 0.0);
        assert_eq!(now["state"], "applied");
        for peer in [
            &now["switch"],
            &now["northbound"],
            &now["bridges"]["br-int"],
        ] {
            assert_eq!(
                (&peer["connected"], &peer["sessions"]),
                (&true.into(), &1.into())
            );
        }
        for (name, value) in metrics(host) {
            assert!(value >= 0.0, "{name} {value}");
            let is_time = name.contains("_seconds") && !name.contains("start_time");
            let is_sum = name.contains("_sum") || name.contains("lag");
            assert!(!is_time || !is_sum || value <= passed, "{name} {value}");
        }

        // Work goes on.
        endpoints.push(site.plug(port, 1).unwrap());
        probe::ping(&endpoints[0], endpoints.last().unwrap(), PATIENCE).unwrap();
        let text = site
            .heddle(&[
                "agent",
                "status",
                "--runtime-dir",
                &host.dir().display().to_string(),
            ])
            .unwrap();
        assert!(
            text.contains("all that is known is on the switch"),
            "{text}"
        );
    }

    // It ends at one time and starts at another, with the last known intent of a future that has not come.
    wait_until_kept(host);
    let before = host.flow_mods().unwrap();
    service.signal("KILL");
    service.child.wait().unwrap();
    site.stop_database().unwrap();
    set(-400);
    let mut service = Service::start_with(&site, host, &environment);
    service.hear("READY=1");
    site.wait_for_agent(host, "the file counts", |now| {
        now["intent"]["source"] == "file" && now["state"] == "applied"
    })
    .unwrap();
    set(400);
    site.start_database().unwrap();
    site.wait_for_agent(host, "the database counts", |now| {
        now["intent"]["source"] == "database" && now["state"] == "applied"
    })
    .unwrap();
    service.hear("WATCHDOG=1");
    assert_eq!(host.flow_mods().unwrap(), before, "flow-mods were sent");
    unread.excuse(&stream.stop().unwrap()).unwrap();
    service.signal("TERM");
    service.hear("STOPPING=1");
}

/// The agent is replaced by one of another version, which finds flows that it would have made otherwise: it makes what it wants
/// of them, and what is carried is carried on. Flows whose cookies say nothing to it may be those of any network: it takes them
/// away before it opens what they speak of.
#[test]
fn an_upgrade_carries_on_what_is_carried() {
    let site = Site::start("upgrade", 2, &[]).unwrap();
    site.apply(&Document::tenant().to_string()).unwrap();
    let endpoints = site.plug_all(&[("a", 1), ("b", 2), ("c", 1)]).unwrap();
    let [a, b, c] = &endpoints[..] else {
        unreachable!("as many as were asked for")
    };
    site.wait().unwrap();
    let host = site.host(1).unwrap();
    let bridges = ["br-int", "br-tun"];
    let flows = || bridges.map(|bridge| host.flows(bridge).unwrap());
    let upgraded = |what: &str, before: &[Vec<String>; 2]| {
        site.start_agent(host).unwrap();
        wait::until_true(what, PATIENCE, || {
            site.check_agents()?;
            Ok(flows() == *before)
        })
        .unwrap();
        site.wait_for_agent(host, what, |now| now["state"] == "applied")
            .unwrap();
    };
    let before = flows();
    site.stop_agent(host, Signal::SIGTERM).unwrap();

    // The other version gave every flow another priority, and had a table more.
    for (bridge, flows) in bridges.iter().zip(&before) {
        host.ofctl("del-flows", bridge, &[]).unwrap();
        for flow in flows {
            let (cookie, flow) = flow.split_once("priority=").unwrap();
            let end = flow.find(|c: char| !c.is_ascii_digit()).unwrap();
            let (priority, flow) = flow.split_at(end);
            let priority = priority.parse::<u16>().unwrap() + 1;
            let old = format!("{cookie}priority={priority}{flow}");
            host.ofctl("add-flow", bridge, &[&old]).unwrap();
        }
        for more in [
            "table=0,priority=30000,dl_type=0x88cc,actions=goto_table:100",
            "table=100,priority=1,actions=drop",
        ] {
            let more = format!("cookie=0x6865000000000000,{more}");
            host.ofctl("add-flow", bridge, &[&more]).unwrap();
        }
    }
    let unread = Unread::since_now(&site).unwrap();
    let streams = [(a, b), (c, a)].map(|(from, to)| Stream::start(from, to, false, 250).unwrap());
    upgraded("all is as this version has it", &before);
    for stream in streams {
        stream.wait_for(50).unwrap();
        let report = stream.stop().unwrap();
        unread.excuse(&report).unwrap();
        assert_eq!(report.duplicated, 0, "{report:?}");
    }

    // A version whose cookies this one does not know.
    site.stop_agent(host, Signal::SIGTERM).unwrap();
    for (bridge, flows) in bridges.iter().zip(&before) {
        for flow in flows {
            let (_, flow) = flow.split_once(", ").unwrap();
            let unknown = format!("cookie=0x6865f00000000001,{flow}");
            host.ofctl("add-flow", bridge, &[&unknown]).unwrap();
        }
    }
    assert_ne!(flows(), before);
    upgraded("all has cookies of this version", &before);
    probe::ping(a, b, PATIENCE).unwrap();
    probe::ping(c, a, PATIENCE).unwrap();
}

/// Whoever waits for the service does not wait for a database that is not there; and nobody hammers at it.
#[test]
fn a_service_is_ready_without_the_database() {
    let site = Site::start("lonely", 1, &[]).unwrap();
    let host = site.host(1).unwrap();
    site.stop_agent(host, Signal::SIGTERM).unwrap();
    site.stop_database().unwrap();
    fs::remove_file(intent_file(host)).unwrap();
    let mut service = Service::start(&site, host);
    let said = service.hear("READY=1");
    assert!(
        said.iter()
            .any(|line| line.starts_with("STATUS=waiting for the northbound database")),
        "{said:?}"
    );
    let failures = site.agent_status(host).unwrap()["northbound"]["failures"]
        .as_u64()
        .unwrap();
    assert!(
        (1..40).contains(&failures),
        "{failures} attempts in ten seconds"
    );
    // Once there is one, no restart is needed.
    site.start_database().unwrap();
    site.wait_for_agent(host, "the host is up to date", |now| {
        now["state"] == "applied"
    })
    .unwrap();
}
