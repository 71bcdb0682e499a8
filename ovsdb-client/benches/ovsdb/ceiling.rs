//! How many transactions a second the server itself takes, by every way to hand them to it: what no client can surpass.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::bare::Bare;
use crate::server::{Server, cpu_seconds, update_bytes};
use crate::{Against, figure, median};

const TRANSACTIONS: usize = 2000;
const ROUNDS: usize = 11;

/// A way to hand over one-row updates.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    /// A monitor on each connection.
    monitor: bool,
    /// So many transactions a write; 0: each waited for.
    cork: usize,
    connections: usize,
    /// So many updates a transaction.
    operations: usize,
}

const WAYS: [Way; 8] = [
    way("waited", true, 0, 1, 1),
    way("waited_without_monitor", false, 0, 1, 1),
    way("pipelined_without_monitor", false, 1, 1, 1),
    way("pipelined", true, 1, 1, 1),
    way("pipelined_corked", true, 100, 1, 1),
    way("pipelined_corked_without_monitor", false, 100, 1, 1),
    way("pipelined_on_4_connections", true, 100, 4, 1),
    way("operations_of_one_transaction", true, 1, 1, 100),
];

const fn way(
    name: &'static str,
    monitor: bool,
    cork: usize,
    connections: usize,
    operations: usize,
) -> Way {
    Way {
        name,
        monitor,
        cork,
        connections,
        operations,
    }
}

pub(crate) fn run() {
    eprintln!("ceiling: {ROUNDS} rounds of {TRANSACTIONS} one-row updates, each way");
    let server = Server::start();
    let uuid = server.one_row();
    let schedstat = PathBuf::from(format!("/proc/{}/schedstat", server.pid()));
    let mut walls = [const { Vec::new() }; WAYS.len()];
    let mut cpus = [const { Vec::new() }; WAYS.len()];
    for _ in 0..ROUNDS {
        for (at, way) in WAYS.iter().enumerate() {
            let cpu = cpu_seconds(&schedstat);
            let wall = go(&server, *way, uuid);
            // Connections that end cost the server something too; it is small beside the transactions.
            cpus[at].push((cpu_seconds(&schedstat) - cpu) * 1e6 / TRANSACTIONS as f64);
            walls[at].push(TRANSACTIONS as f64 / wall);
        }
    }
    let waited = walls[0].clone();
    for ((way, rates), cpu) in WAYS.iter().zip(walls).zip(cpus) {
        let gains = rates
            .iter()
            .zip(&waited)
            .map(|(rate, waited)| rate / waited);
        let against = Against {
            name: "waited for, one connection",
            value: median(waited.clone()),
            ratio: median(gains.collect()),
        };
        let name = format!("server_{}", way.name);
        figure(&name, median(rates), "updates/s", Some(against));
        figure(
            &format!("{name}_cpu"),
            median(cpu),
            "us of the server's CPU an update",
            None,
        );
    }
}

/// Seconds for all of them.
fn go(server: &Server, way: Way, uuid: Uuid) -> f64 {
    let connect = || match way.monitor {
        true => Bare::monitoring(server),
        false => Bare::connect(server),
    };
    let mut connections: Vec<Bare> = (0..way.connections).map(|_| connect()).collect();
    let messages = TRANSACTIONS / way.operations / way.connections;
    let message = |number: usize| match way.operations {
        1 => update_bytes(uuid, number),
        operations => many(uuid, number * operations, operations),
    };
    let writes: Vec<Vec<u8>> = (0..messages).map(message).collect();
    let start = Instant::now();
    if way.cork == 0 {
        for request in &writes {
            connections[0].call(request);
        }
    } else {
        let corked: Vec<Vec<u8>> = writes.chunks(way.cork).map(<[_]>::concat).collect();
        std::thread::scope(|scope| {
            for bare in &mut connections {
                let writes = corked.clone();
                scope.spawn(move || bare.pipeline(writes, messages));
            }
        });
    }
    start.elapsed().as_secs_f64()
}

/// One transaction of many updates.
fn many(uuid: Uuid, first: usize, operations: usize) -> Vec<u8> {
    let update = |seq: usize| -> Value {
        json!({"op": "update", "table": "Port", "where": [["_uuid", "==", ["uuid", uuid]]], "row": {"seq": seq}})
    };
    let mut params = vec![json!("Bench")];
    params.extend((first..first + operations).map(update));
    let request = json!({"method": "transact", "params": params, "id": "t"});
    request.to_string().into_bytes()
}
