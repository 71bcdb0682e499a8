//! For how long packets do not pass while 100,000 flows are pushed, compared, or deleted by half; beside a switch that has nothing
//! else to do, and what `ovs-ofctl` does to it. How long the switch waited for a processor meanwhile is told, too: a pause that is
//! not longer may be the machine's and not the switch's.

use std::collections::BTreeMap;

use controller::model::Touched;

use crate::BENCH;
use crate::figures::{Goal, median, waited_for_cpu};
use crate::host::{Agent, BRIDGES, Rig, run};
use crate::large::host_id;
use crate::probes::{Passage, Probes};

const ROUNDS: usize = 7;

pub(crate) fn run_all(rig: &Rig) {
    let files = rig.flows.each_ref().map(|flows| {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines: Vec<String> = flows.iter().map(ToString::to_string).collect();
        std::fs::write(file.path(), lines.join("\n") + "\n").unwrap();
        file
    });
    let probes = Probes::start(rig);
    let mut agent = Agent::compiled(rig);
    let half = half_of_others(rig);
    eprintln!("pauses: {ROUNDS} rounds");
    let switch = rig.switch();
    let mut passages: BTreeMap<&str, Vec<Passage>> = BTreeMap::new();
    let mut waits: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let mut note = |name, work: &mut dyn FnMut()| {
            let before = waited_for_cpu(&switch);
            let passage = probes.during(work);
            let waited = waited_for_cpu(&switch) - before;
            eprintln!("{name}: {passage:?}, and the switch waited {waited:.1} ms for a processor");
            passages.entry(name).or_default().push(passage);
            waits.entry(name).or_default().push(waited);
        };
        clear(rig, &probes);
        note("idle", &mut || {
            std::thread::sleep(std::time::Duration::from_secs(1));
        });
        note("ovs_ofctl_bundle_add_flows", &mut || {
            for (bridge, file) in BRIDGES.iter().zip(&files) {
                let mut ofctl = rig.ofctl(&["--bundle", "add-flows"], bridge);
                run(ofctl.arg(file.path()));
            }
        });
        note("ovs_ofctl_dump_flows", &mut || {
            for bridge in BRIDGES {
                run(&mut rig.ofctl(&["dump-flows"], bridge));
            }
        });
        clear(rig, &probes);
        note("push_100000", &mut || {
            let began = agent.connect();
            agent.begin(began);
            assert!(agent.settle() >= rig.count());
        });
        agent.disconnect();
        note("right_100000", &mut || {
            let began = agent.connect();
            agent.begin(began);
            assert_eq!(agent.settle(), 0);
        });
        let mut deleted = 0;
        note("delete_50000", &mut || {
            agent.site.ports.retain(|id, _| !half.ports.contains(id));
            agent.reconciler.site_changed(half.clone());
            deleted = agent.settle();
        });
        assert!(deleted * 10 > rig.count() * 4, "{deleted}");
        agent.site = rig.site.clone();
        agent.reconciler.site_changed(half.clone());
        agent.disconnect();
    }
    let idle: Vec<f64> = longest(&passages["idle"]);
    for (name, passages) in &passages {
        let pauses = longest(passages);
        let worst = pauses.iter().copied().fold(0.0, f64::max);
        let waited = median(waits[name].iter().copied());
        let name = format!("pause_{name}");
        BENCH.tell(&format!("{name}_switch_waited_for_cpu"), waited, "ms");
        if name.contains("ofctl") || name.contains("idle") {
            BENCH.tell(&name, worst, "ms");
            continue;
        }
        let lost: u64 = passages.iter().map(|passage| passage.lost).sum();
        let sent: u64 = passages.iter().map(|passage| passage.sent).sum();
        BENCH.beside(&name, worst, "ms", ("limit", 5.0), Goal::AtMost(1.0));
        BENCH.beside(
            &format!("{name}_median"),
            median(pauses.iter().copied()),
            "ms",
            ("limit", 5.0),
            Goal::AtMost(1.0),
        );
        BENCH.rounds(
            &format!("{name}_median"),
            &pauses,
            "ms",
            ("the same switch, idle", &idle),
            Goal::AtMost(f64::INFINITY),
        );
        BENCH.beside(
            &format!("{name}_lost"),
            lost as f64,
            "packets",
            ("sent", sent as f64),
            Goal::AtMost(0.0),
        );
    }
}

/// Half of the ports of other hosts.
fn half_of_others(rig: &Rig) -> Touched {
    let ports = rig.site.ports.values();
    let others = ports.filter(|port| !port.hosts.contains(&host_id(0)));
    Touched {
        ports: others.step_by(2).map(|port| port.id).collect(),
        ..Touched::default()
    }
}

fn longest(passages: &[Passage]) -> Vec<f64> {
    passages.iter().map(|passage| passage.longest).collect()
}

/// No flows but those of the probes.
fn clear(rig: &Rig, probes: &Probes<'_>) {
    rig.clear();
    probes.let_pass();
}
