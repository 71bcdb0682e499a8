//! How long what somebody else does at the switch lasts, from their request until the switch has again what it shall have: a flow
//! that is deleted, and a row of the switch's database that is altered. Both are noticed and put right within a second.

use std::thread;
use std::time::{Duration, Instant};

use flows::Version;
use flows::ofpkt::{Body, FlowMod, FlowStatsRequest, MultipartReply, MultipartRequest};
use ovsdb_client::{Client, Columns, MonitorTable, Operand, Transaction};
use tests::Connection;

use crate::BENCH;
use crate::figures::Goal;
use crate::northbound::{World, connect, until};

const ROUNDS: usize = 41;
/// What heddle promises, in milliseconds.
const LIMIT: (&str, f64) = ("limit", 1_000.0);
/// How often the switch is asked whether it has the flow.
const INTERVAL: Duration = Duration::from_micros(500);

pub(crate) fn run_all() {
    eprintln!("repairs: {ROUNDS} flows deleted, and a row altered as often");
    let mut world = World::start(1);
    let hosts = world.other_hosts(10);
    let own = world.add_ports(1, &[]);
    world.plug_all(&own);
    world.add_ports(10 * ROUNDS, &hosts);
    world.settled(10.0 * ROUNDS as f64);
    let flows = deleted_flows(&world);
    BENCH.beside(
        "repair_of_a_flow",
        slowest(flows),
        "ms",
        LIMIT,
        Goal::AtMost(1.0),
    );
    let rows = altered_rows(&mut world);
    BENCH.beside(
        "repair_of_a_row",
        slowest(rows),
        "ms",
        LIMIT,
        Goal::AtMost(1.0),
    );
}

/// Every repair is in time, not the usual one only.
fn slowest(times: Vec<f64>) -> f64 {
    times.into_iter().fold(0.0, f64::max)
}

/// Another flow each time: one that is deleted again and again would be put back once a second.
fn deleted_flows(world: &World) -> Vec<f64> {
    let socket = world.host.dir().join("br-tun.mgmt");
    let mut switch = Connection::open(&socket, Version::V14).unwrap();
    let unicast = FlowStatsRequest {
        table: 20,
        ..FlowStatsRequest::all()
    };
    let all = flows_of(&mut switch, &unicast);
    let rounds = all.iter().filter(|flow| flow.priority == 100).take(ROUNDS);
    rounds
        .map(|flow| {
            let it = FlowStatsRequest {
                cookie: flow.cookie,
                cookie_mask: u64::MAX,
                ..unicast.clone()
            };
            let start = Instant::now();
            let delete = FlowMod::delete_strict(flow.clone());
            switch.change(Body::FlowMod(Box::new(delete))).unwrap();
            while flows_of(&mut switch, &it).is_empty() {
                thread::sleep(INTERVAL);
            }
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect()
}

fn flows_of(switch: &mut Connection, request: &FlowStatsRequest) -> Vec<flows::Flow> {
    let question = MultipartRequest::Flow(request.clone());
    let parts = switch.ask_parts(Body::MultipartRequest(question)).unwrap();
    let flows = parts.into_iter().flat_map(|part| match part {
        MultipartReply::Flow(flows) => flows,
        other => panic!("{other:?}"),
    });
    flows.map(|stats| stats.flow).collect()
}

fn altered_rows(world: &mut World) -> Vec<f64> {
    let tables = [MonitorTable::new("Interface").columns(["name", "options"])];
    let World { runtime, host, .. } = world;
    let mut south = connect(runtime, &host.remote(), "Open_vSwitch", tables);
    let peer = |south: &Client| {
        let row = south
            .replica()
            .find("Interface", "name", "patch-tun")
            .unwrap();
        let options = row.map_string_string("options").unwrap();
        options
            .into_iter()
            .any(|(key, value)| (key, value) == ("peer", "patch-int"))
    };
    (0..ROUNDS)
        .map(|_| {
            let row = south
                .replica()
                .find("Interface", "name", "patch-tun")
                .unwrap();
            let mut alter = Transaction::new();
            let options = Operand::map([("peer", "elsewhere")]);
            alter.update(
                "Interface",
                row.uuid(),
                Columns::new().set("options", options),
            );
            let start = Instant::now();
            // The answer comes after the change that it is about.
            runtime.block_on(south.transact(alter)).unwrap();
            until(runtime, &mut south, |south| peer(south));
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect()
}
