//! From the transaction that plugs an endpoint's interface in until the northbound database says that its port is up, which it
//! does when the switch has acknowledged the flows; with no, many and very many other ports on the site. What of that is
//! ovs-vswitchd's own time is seen in the same plugs: from the transaction until its database has the interface's number.

use std::time::{Duration, Instant};

use ovsdb_client::{Client, Columns, MonitorTable, Mutations, Operand, Transaction};

use crate::BENCH;
use crate::figures::{Goal, cpu_of, median};
use crate::northbound::{World, connect, until};

const ROUNDS: usize = 41;
/// Other ports on the site, all of the same network.
const SITES: [usize; 3] = [0, 1_000, 10_000];
const CARD: &str = "plugged";

pub(crate) fn run_all() {
    eprintln!("plug: {ROUNDS} rounds with each number of other ports");
    let mut world = World::start(1);
    let own = world.add_ports(2, &[]);
    world.plug_all(&own[..1]);
    world.card(CARD);
    let tables = [
        MonitorTable::new("Bridge").columns(["name"]),
        MonitorTable::new("Port").columns(["name"]),
        MonitorTable::new("Interface").columns(["name", "ofport"]),
    ];
    let mut south = connect(&world.runtime, &world.host.remote(), "Open_vSwitch", tables);
    let hosts = world.other_hosts(10);
    let (mut others, mut smallest) = (0, None);
    for count in SITES {
        world.add_ports(count - others, &hosts);
        others = count;
        world.settled(3.0 * count as f64);
        let cpu = cpu_of(&world.agent());
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|_| plug_and_unplug(&mut world, &mut south, &own[1]))
            .collect();
        let cpu = (cpu_of(&world.agent()) - cpu) * 1e3 / ROUNDS as f64;
        let to_number: Vec<f64> = rounds.iter().map(|(number, _)| *number).collect();
        let to_up: Vec<f64> = rounds.iter().map(|(_, up)| *up).collect();
        let beyond = median(rounds.iter().map(|(number, up)| up - number));
        let figure = format!("plug_with_{count}_others");
        let itself = "ovs-vswitchd until the interface has its number";
        BENCH.rounds(
            &figure,
            &to_up,
            "ms",
            (itself, &to_number),
            Goal::AtMost(f64::INFINITY),
        );
        let limit = ("limit", 5.0);
        BENCH.beside(
            &format!("{figure}_beyond"),
            beyond,
            "ms",
            limit,
            Goal::AtMost(1.0),
        );
        BENCH.tell(&format!("{figure}_and_unplug_agent_cpu"), cpu, "ms");
        let up = median(to_up);
        let smallest = *smallest.get_or_insert(up);
        if count > 0 {
            let none = ("with no other ports", smallest);
            BENCH.beside(&figure, up, "ms", none, Goal::AtMost(1.5));
        }
    }
}

/// Milliseconds until the interface had a number, and until the port was up.
fn plug_and_unplug(world: &mut World, south: &mut Client, port: &str) -> (f64, f64) {
    let bridge = south
        .replica()
        .find("Bridge", "name", "br-int")
        .unwrap()
        .uuid();
    let mut plug = Transaction::new();
    let interface = Columns::new()
        .set("name", CARD)
        .set("external_ids", Operand::map([("iface-id", port)]));
    let interface = plug.insert("Interface", interface);
    let columns = Columns::new()
        .set("name", CARD)
        .set("interfaces", interface);
    let row = plug.insert("Port", columns);
    plug.mutate("Bridge", bridge, Mutations::new().insert("ports", row));
    let World { runtime, north, .. } = world;
    let start = Instant::now();
    south.submit(plug);
    let (mut number, mut up) = (None, None);
    runtime.block_on(async {
        while number.is_none() || up.is_none() {
            let next = async {
                tokio::select! {
                    event = south.next() => drop(event),
                    event = north.next() => drop(event),
                }
            };
            tokio::time::timeout(Duration::from_secs(20), next)
                .await
                .unwrap();
            let now = start.elapsed().as_secs_f64() * 1e3;
            if number.is_none() && has_number(south) {
                number = Some(now);
            }
            if up.is_none() && is_up(north, port) {
                up = Some(now);
            }
        }
    });
    let row = south.replica().find("Port", "name", CARD).unwrap().uuid();
    let mut unplug = Transaction::new();
    unplug.mutate("Bridge", bridge, Mutations::new().delete("ports", row));
    runtime.block_on(south.transact(unplug)).unwrap();
    until(runtime, north, |north| !is_up(north, port));
    until(runtime, south, |south| {
        south.replica().find("Interface", "name", CARD).is_none()
    });
    (number.unwrap(), up.unwrap())
}

fn has_number(south: &Client) -> bool {
    let interface = south.replica().find("Interface", "name", CARD);
    interface.is_some_and(|row| {
        row.optional_integer("ofport")
            .unwrap()
            .is_some_and(|n| n > 0)
    })
}

fn is_up(north: &Client, port: &str) -> bool {
    let port = north.replica().find("Port", "name", port).unwrap();
    !port.uuids("hosts").unwrap().is_empty()
}
