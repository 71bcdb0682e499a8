//! `cargo lab bench compile`: what it costs to compile and to reconcile a host's flows, all of them and one change. One
//! JSON object a line. Everything but single changes is measured in CPU time.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench fails as a test does"
)]

mod large;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use controller::compile::{Engine, HostView, Layout, LeadsTo};
use controller::model::{Port, Settings, Site, Touched};
use controller::reconcile::observed::{self, Bridge, Interface, Observed};
use controller::reconcile::reconciler::{Command, Reconciler};

use large::{A_LARGE_HOST, Shape, cpu_time, figure, host_id, middle, port_id, resident};

const BENCH: &str = "compile";

fn main() {
    // First, while the process has no memory of its own from other work.
    a_large_host();
    one_remote_port();
}

/// A site of 100,000 ports and 1,000 hosts; host 0 has 100 ports in 100 networks.
const LARGE_SITE: Shape = Shape {
    hosts: 1_000,
    networks: 1_000,
    ports: 100_000,
    run: 100,
};

/// The `n`th port more on another host, in a network that is here; the host has ports of that network already.
fn another(n: usize) -> Port {
    let (like, id) = (
        LARGE_SITE.ports / 2 + n % 100,
        port_id(LARGE_SITE.ports + n),
    );
    Port {
        id,
        name: format!("another{n}"),
        mac: LARGE_SITE.port(LARGE_SITE.ports + n).mac,
        addresses: LARGE_SITE.port(LARGE_SITE.ports + n).addresses,
        ..LARGE_SITE.port(like)
    }
}

/// One port more on a site of 100,000 ports and 1,000 hosts.
fn one_remote_port() {
    let mut site = LARGE_SITE.site();
    let view = LARGE_SITE.view(&site, usize::MAX);
    let mut engine = Engine::new(&site, view.clone());
    let compiled = (0..500).map(|n| {
        let touched = add(&mut site, another(n));
        let view = view.clone();
        let start = Instant::now();
        let changed = black_box(engine.update(&site, view, &touched));
        (
            start.elapsed(),
            changed.values().map(Vec::len).sum::<usize>(),
        )
    });
    let (times, changes): (Vec<Duration>, Vec<usize>) = compiled.unzip();
    let micros = middle(times).as_secs_f64() * 1e6;
    figure(
        BENCH,
        "remote_port_added",
        micros,
        "us",
        Some(("limit", 50.0)),
    );
    let most = changes.into_iter().max().unwrap() as f64;
    figure(
        BENCH,
        "remote_port_added_flow_mods",
        most,
        "flow-mods",
        None,
    );
    let start = cpu_time();
    black_box(Engine::new(&site, view.clone()));
    let scratch = (cpu_time() - start).as_secs_f64() * 1e6;
    let against = Some(("compile from scratch", scratch));
    figure(
        BENCH,
        "remote_port_added_beside_scratch",
        micros,
        "us",
        against,
    );
    drop(engine);

    let mut host = SimulatedHost::new(&site, &view);
    host.settle(&site);
    let steps = (500..1000).map(|n| {
        let touched = add(&mut site, another(n));
        let start = Instant::now();
        host.reconciler.site_changed(touched);
        let sent = host.step(&site);
        let took = start.elapsed();
        host.settle(&site);
        (took, sent)
    });
    let (times, sent): (Vec<Duration>, Vec<usize>) = steps.unzip();
    let micros = middle(times).as_secs_f64() * 1e6;
    figure(BENCH, "remote_port_added_to_bundle", micros, "us", None);
    let most = sent.into_iter().max().unwrap() as f64;
    figure(BENCH, "remote_port_added_sent", most, "flow-mods", None);
}

fn add(site: &mut Site, port: Port) -> Touched {
    let touched = Touched {
        ports: [port.id].into(),
        ..Touched::default()
    };
    site.ports.insert(port.id, port);
    touched
}

/// A host's 100,000 flows from nothing.
fn a_large_host() {
    let site = A_LARGE_HOST.site();
    let view = A_LARGE_HOST.view(&site, 500);
    let before = resident();
    let mut host = SimulatedHost::new(&site, &view);
    let start = cpu_time();
    host.settle(&site);
    let took = (cpu_time() - start).as_secs_f64();
    let memory = resident().saturating_sub(before) as f64 / 1e6;
    let flows = host.reconciler.installed().count() as f64;
    figure(BENCH, "cold_flows", flows, "flows", None);
    figure(BENCH, "cold_reconcile", took, "s", None);
    figure(BENCH, "cold_memory", memory, "MB", Some(("limit", 120.0)));
    let bytes = memory * 1e6 / flows;
    figure(BENCH, "cold_memory_per_flow", bytes, "B", None);
    let times = (0..5).map(|_| {
        let start = cpu_time();
        black_box(Engine::new(&site, view.clone()));
        cpu_time() - start
    });
    let took = middle(times.collect::<Vec<_>>()).as_secs_f64();
    figure(BENCH, "cold_compile", took, "s", Some(("limit", 0.3)));
}

/// Host 0 with a switch that does at once what it is told.
struct SimulatedHost {
    reconciler: Reconciler,
    settings: Settings,
    observed: Observed,
}

impl SimulatedHost {
    /// As `view` sees it, and all of its ports open; no flows yet.
    fn new(site: &Site, view: &HostView) -> Self {
        let external_ids = [
            ("heddle-encap-ip", "10.1.0.1"),
            ("heddle-encap-types", "vxlan"),
        ];
        let external_ids = external_ids.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let settings = Settings::read(&external_ids.into(), "h0").unwrap();
        let mut observed = Observed::default();
        for name in ["br-int", "br-tun"] {
            let bridge = Bridge {
                fail_mode: "secure".to_owned(),
                datapath_id: Some("1".to_owned()),
                ..Bridge::default()
            };
            observed.bridges.insert(name.to_owned(), bridge);
        }
        let mut add = |bridge: &str, name: &str, port: observed::Port| {
            let bridge = observed.bridges.get_mut(bridge).unwrap();
            bridge.ports.insert(name.to_owned(), port);
        };
        for (name, spec) in Layout::new(&settings).ports {
            let (kind, options, ofport) = match spec.leads_to {
                LeadsTo::Patch { peer, .. } => ("patch", [("peer".to_owned(), peer)].into(), 1),
                LeadsTo::Tunnel { options, .. } => ("vxlan", options, 2),
            };
            let interface = Interface {
                kind: kind.to_owned(),
                options,
                ofport: Some(ofport),
                ..Interface::default()
            };
            let port = observed::Port {
                external_ids: [(observed::OWNED_KEY.to_owned(), String::new())].into(),
                interfaces: [(name.clone(), interface)].into(),
                ..observed::Port::default()
            };
            add(&spec.bridge, &name, port);
        }
        for (id, ofport) in &view.bindings {
            let network = site.ports[id].network;
            let name = format!("tap{}", ofport.unwrap());
            let interface = Interface {
                external_ids: [("iface-id".to_owned(), id.to_string())].into(),
                ofport: *ofport,
                ..Interface::default()
            };
            let port = observed::Port {
                tag: Some(view.local_vlans[&network]),
                external_ids: [(observed::NETWORK_KEY.to_owned(), network.to_string())].into(),
                interfaces: [(name.clone(), interface)].into(),
                ..observed::Port::default()
            };
            add("br-int", &name, port);
        }
        let mut reconciler = Reconciler::default();
        for (name, bridge) in &observed.bridges {
            let interfaces = bridge.ports.values().flat_map(|port| &port.interfaces);
            let ports: BTreeMap<u32, String> = interfaces
                .map(|(name, interface)| (interface.ofport.unwrap(), name.clone()))
                .collect();
            reconciler.session_began(name, ports, Vec::new());
        }
        Self {
            reconciler,
            settings,
            observed,
        }
    }

    /// One step; returns how many changes of flows it asks for.
    fn step(&mut self, site: &Site) -> usize {
        let host = Some(host_id(0));
        let (commands, _) = self
            .reconciler
            .step(&self.settings, host, &self.observed, site);
        let mut sent = 0;
        for command in commands {
            if let Command::Program { changes, .. } = command {
                sent += changes.len();
            }
        }
        sent
    }

    /// Until nothing is left to do.
    fn settle(&mut self, site: &Site) {
        loop {
            for bridge in ["br-int", "br-tun"] {
                self.reconciler.bundle_acknowledged(bridge);
            }
            if self.step(site) == 0 {
                return;
            }
        }
    }
}
