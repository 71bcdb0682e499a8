//! `cargo lab bench compile`: what it costs to compile and to reconcile a host's flows, all of them and one change. One
//! JSON object a line. Everything but single changes is measured in CPU time.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench fails as a test does"
)]

mod figures;
mod large;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use controller::compile::{Engine, HostView};
use controller::model::{Port, Settings, Site, Touched};
use controller::reconcile::observed::Observed;
use controller::reconcile::reconciler::{Command, Reconciler};

use figures::{Bench, Goal, cpu_seconds, median, resident, seconds};
use large::host::{numbers, observed, settings};
use large::{A_LARGE_HOST, Shape, host_id};

const BENCH: Bench = Bench("compile");

fn main() {
    // First, while the process has no memory of its own from other work.
    a_large_host();
    for count in [10, 100, 1_000] {
        local_ports(count);
    }
    let (compiled, stepped) = one_remote_port(&LARGE_SITE);
    let (small_compiled, small_stepped) = one_remote_port(&SMALL_SITE);
    let limit = ("limit", 50.0);
    BENCH.beside(
        "remote_port_added",
        compiled.micros,
        "us",
        limit,
        Goal::AtMost(1.0),
    );
    let small_site = |value| ("a site of 1,000 ports and 10 hosts", value);
    let other = small_site(small_stepped.micros);
    let name = "remote_port_added_to_bundle";
    BENCH.beside(name, stepped.micros, "us", other, Goal::AtMost(1.5));
    for (name, large, small) in [
        ("remote_port_added_flow_mods", &compiled, &small_compiled),
        ("remote_port_added_sent", &stepped, &small_stepped),
    ] {
        let other = small_site(small.most);
        BENCH.beside(name, large.most, "flow-mods", other, Goal::AtMost(1.0));
    }
}

/// A site of 100,000 ports and 1,000 hosts; host 0 has 100 ports in 100 networks.
const LARGE_SITE: Shape = Shape {
    hosts: 1_000,
    networks: 1_000,
    ports: 100_000,
    run: 100,
};

/// A site of 1,000 ports and 10 hosts, and host 0 has the same 100 ports.
const SMALL_SITE: Shape = Shape {
    hosts: 10,
    networks: 1_000,
    ports: 1_000,
    run: 100,
};

/// What the reconciler does when something happens on a host with so many ports of its own: a bundle is acknowledged and leaves
/// nothing to do; another host gets a port; the switch's database has changed, though nothing that counts.
fn local_ports(count: usize) {
    let shape = Shape {
        hosts: 10,
        networks: 20,
        ports: count * 10,
        run: count,
    };
    let mut site = shape.site();
    let view = shape.view(&site, usize::MAX);
    assert_eq!(view.bindings.len(), count);
    let mut host = SimulatedHost::new(&site, &view);
    host.settle(&site);
    let tell = |figure: &str, times: Vec<f64>| {
        let figure = format!("{figure}_with_{count}_local_ports");
        BENCH.tell(&figure, median(times) * 1e6, "us");
    };
    let times = (0..200).map(|_| seconds(|| assert_eq!(host.step(&site), 0)));
    tell("acknowledgement", times.collect());
    let times = (0..200).map(|n| {
        let touched = add(&mut site, another(&shape, n));
        let took = seconds(|| {
            host.reconciler.site_changed(touched);
            host.step(&site);
        });
        host.settle(&site);
        took
    });
    tell("remote_port_added_to_bundle", times.collect());
    let times = (0..200).map(|_| {
        host.observed = Arc::new(Observed::clone(&host.observed));
        seconds(|| assert_eq!(host.step(&site), 0))
    });
    tell("switch_database_changed", times.collect());
}

/// What a change has cost, in the median of many, and how many flows it has changed at most.
struct Cost {
    micros: f64,
    most: f64,
}

impl Cost {
    fn of(changes: impl Iterator<Item = (f64, usize)>) -> Self {
        let (seconds, flow_mods): (Vec<f64>, Vec<usize>) = changes.unzip();
        Self {
            micros: median(seconds) * 1e6,
            most: flow_mods.into_iter().max().unwrap() as f64,
        }
    }
}

/// The `n`th port more on another host, in a network that is here; the host has ports of that network already.
fn another(shape: &Shape, n: usize) -> Port {
    let number = shape.ports + n;
    Port {
        network: shape.port(n % 100).network,
        hosts: [host_id(shape.hosts / 2)].into(),
        ..shape.port(number)
    }
}

/// One port more, many times: to compile it, and from the change to the bundle that has it.
fn one_remote_port(shape: &Shape) -> (Cost, Cost) {
    let mut site = shape.site();
    let view = shape.view(&site, usize::MAX);
    // That no other host is new to a network.
    (0..100).for_each(|n| drop(add(&mut site, another(shape, n))));
    let mut engine = Engine::new(&site, view.clone());
    let compiled = Cost::of((100..600).map(|n| {
        let touched = add(&mut site, another(shape, n));
        let view = view.clone();
        let mut changed = BTreeMap::new();
        let took = seconds(|| changed = black_box(engine.update(&site, view, &touched)));
        (took, changed.values().map(Vec::len).sum::<usize>())
    }));
    drop(engine);

    let mut host = SimulatedHost::new(&site, &view);
    host.settle(&site);
    let stepped = Cost::of((600..1100).map(|n| {
        let touched = add(&mut site, another(shape, n));
        let mut sent = 0;
        let took = seconds(|| {
            host.reconciler.site_changed(touched);
            sent = host.step(&site);
        });
        host.settle(&site);
        (took, sent)
    }));
    (compiled, stepped)
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
    let took = cpu_seconds(|| host.settle(&site));
    let memory = resident().saturating_sub(before) as f64 / 1e6;
    let flows = host.reconciler.installed().count() as f64;
    BENCH.tell("cold_flows", flows, "flows");
    BENCH.tell("cold_reconcile", took, "s");
    let limit = ("limit", 120.0);
    BENCH.beside("cold_memory", memory, "MB", limit, Goal::AtMost(1.0));
    BENCH.tell("cold_memory_per_flow", memory * 1e6 / flows, "B");
    let times = (0..5).map(|_| cpu_seconds(|| drop(black_box(Engine::new(&site, view.clone())))));
    let took = median(times);
    let limit = ("limit", 0.3);
    BENCH.beside("cold_compile", took, "s", limit, Goal::AtMost(1.0));
}

/// Host 0 with a switch that does at once what it is told.
struct SimulatedHost {
    reconciler: Reconciler,
    settings: Settings,
    observed: Arc<Observed>,
}

impl SimulatedHost {
    /// As `view` sees it, and all of its ports open; no flows yet.
    fn new(site: &Site, view: &HostView) -> Self {
        let settings = settings();
        let observed = Arc::new(observed(&settings, site, view));
        let mut reconciler = Reconciler::default();
        for (name, bridge) in &observed.bridges {
            reconciler.session_began(name, numbers(bridge));
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
            // Several bundles may be on their way; to answer more than there are changes nothing.
            for _ in 0..10 {
                for bridge in ["br-int", "br-tun"] {
                    self.reconciler.bundle_acknowledged(bridge);
                }
            }
            if self.step(site) == 0 {
                return;
            }
        }
    }
}
