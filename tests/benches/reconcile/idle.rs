//! What the agent itself, as a program, takes: of memory with 100,000 flows and with few, of memory to find out that 100,000 flows
//! are right, and of the CPU when nothing happens.

use std::time::Duration;

use lab::Signal;

use crate::BENCH;
use crate::figures::{Goal, cpu_of, memory_of};
use crate::northbound::World;

/// For how long nothing happens.
const IDLE: Duration = Duration::from_secs(30);

/// 20 networks that reach over 61 hosts.
pub(crate) fn with_all_flows() {
    eprintln!("memory: an agent with 100,000 flows, and one that finds them there");
    let mut world = World::start(20);
    let own = world.add_ports(20, &[]);
    let hosts = world.other_hosts(60);
    world.add_ports(33_400, &hosts);
    world.plug_all(&own);
    world.settled(100_000.0);
    BENCH.tell("agent_flows", world.metric("heddle_flows{"), "flows");
    BENCH.tell("agent_cpu_of_all", cpu_of(&world.agent()), "s");
    resident(&world, "agent_memory_100000", "VmRSS", Some(120.0));
    resident(&world, "agent_peak_memory_100000", "VmHWM", None);

    world.site.stop_agent(&world.host, Signal::SIGKILL).unwrap();
    world.site.start_agent(&world.host).unwrap();
    lab::wait::until_true("the next agent answers", Duration::from_secs(60), || {
        Ok(world.host.dir().join("agent.sock").exists())
    })
    .unwrap();
    world.settled(100_000.0);
    let sent = world.metric("heddle_flow_mods_total");
    BENCH.beside(
        "restart_100000_sent",
        sent,
        "flow-mods",
        ("limit", 0.0),
        Goal::AtMost(1.0),
    );
    BENCH.tell("restart_100000_cpu", cpu_of(&world.agent()), "s");
    resident(&world, "restart_100000_peak_memory", "VmHWM", Some(100.0));
    resident(&world, "restart_100000_memory", "VmRSS", Some(120.0));
}

pub(crate) fn with_ten_ports() {
    eprintln!("idle: an agent with ten ports, for {IDLE:?}");
    let mut world = World::start(1);
    let own = world.add_ports(10, &[]);
    world.plug_all(&own);
    world.settled(10.0);
    // What follows a change (the file of the last known intent) is no part of doing nothing.
    std::thread::sleep(Duration::from_secs(15));
    let agent = world.agent();
    let before = cpu_of(&agent);
    std::thread::sleep(IDLE);
    let percent = (cpu_of(&agent) - before) / IDLE.as_secs_f64() * 100.0;
    BENCH.beside("idle_cpu", percent, "%", ("limit", 0.1), Goal::AtMost(1.0));
    resident(&world, "idle_memory", "VmRSS", Some(15.0));
}

fn resident(world: &World, figure: &str, what: &str, limit: Option<f64>) {
    let megabytes = memory_of(&world.agent(), what) as f64 / 1e6;
    match limit {
        Some(limit) => BENCH.beside(figure, megabytes, "MB", ("limit", limit), Goal::AtMost(1.0)),
        None => BENCH.tell(figure, megabytes, "MB"),
    }
}
