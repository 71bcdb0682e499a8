//! 100,000 flows that are all there and right: from the connection to the certainty, in turns with `ovs-ofctl dump-flows`.

use crate::BENCH;
use crate::figures::{Goal, cpu_seconds, median, seconds};
use crate::host::{Agent, BRIDGES, Rig, run};

const ROUNDS: usize = 7;

pub(crate) fn run_all(rig: &Rig) {
    rig.clear();
    let mut agent = Agent::compiled(rig);
    let began = agent.connect();
    agent.begin(began);
    agent.settle();
    assert_eq!(rig.there(), rig.count());
    agent.disconnect();
    eprintln!("right: {ROUNDS} rounds, each of the agent and ovs-ofctl");
    let [mut ours, mut dump, mut cpu] = [const { Vec::new() }; 3];
    let mut sent = 0;
    for _ in 0..ROUNDS {
        let mut wall = 0.0;
        cpu.push(cpu_seconds(|| {
            wall = seconds(|| {
                let began = agent.connect();
                agent.begin(began);
                sent += agent.settle();
            });
        }));
        ours.push(wall);
        agent.disconnect();
        dump.push(seconds(|| {
            for bridge in BRIDGES {
                run(&mut rig.ofctl(&["dump-flows"], bridge));
            }
        }));
    }
    BENCH.rounds(
        "right_100000",
        &ours,
        "s",
        ("ovs-ofctl dump-flows", &dump),
        Goal::AtMost(2.0),
    );
    BENCH.tell("right_100000_cpu", median(cpu), "s");
    let sent = sent as f64;
    BENCH.beside(
        "right_100000_sent",
        sent,
        "flow-mods",
        ("limit", 0.0),
        Goal::AtMost(1.0),
    );
}
