//! One-row transactions, each after the outcome of the one before, or all under way at once: the client beside a bare
//! socket that writes the same JSON and is sent the same changes. One connection exists at a time, so that each is all
//! that the server is busy with.

use std::path::Path;
use std::time::Instant;

use ovsdb_client::{Client, Event, Remote};
use uuid::Uuid;

use crate::bare::Bare;
use crate::server::{Server, cpu_seconds, synced, update, update_bytes};
use crate::{Against, figure, figure_of_rounds, median, runtime};

const TRANSACTIONS: usize = 1000;
const ROUNDS: usize = 25;

pub(crate) fn run() {
    eprintln!(
        "transactions: {ROUNDS} rounds of {TRANSACTIONS}, dependent and pipelined, each bare and ours"
    );
    let server = Server::start();
    let uuid = server.one_row();
    let mut seq = 1;
    let mut rounds = [const { Vec::new() }; 5];
    let mut cpu = [const { Vec::new() }; 5];
    for _ in 0..ROUNDS {
        for kind in 0..rounds.len() {
            let first = seq;
            seq += TRANSACTIONS;
            let (wall, own) = match kind {
                0 => bare(Bare::connect(&server), uuid, first),
                1 => bare(Bare::monitoring(&server), uuid, first),
                2 => ours(server.remote(), uuid, first, false),
                3 => bare_pipelined(&server, uuid, first),
                _ => ours(server.remote(), uuid, first, true),
            };
            rounds[kind].push(wall * 1e6 / TRANSACTIONS as f64);
            cpu[kind].push(own * 1e6 / TRANSACTIONS as f64);
        }
    }
    let [unmonitored, bare, dependent, bare_pipelined, pipelined] = rounds;
    figure_of_rounds(
        "dependent",
        &dependent,
        "us",
        "bare socket with a monitor",
        &bare,
    );
    // On a machine that does other things as well the quietest rounds say most.
    let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
    for (name, ours, theirs) in [
        ("dependent_quietest", &dependent, &bare),
        ("pipelined_quietest", &pipelined, &bare_pipelined),
    ] {
        let (value, against) = (least(ours), least(theirs));
        let against = Against {
            name: "bare socket with a monitor",
            value: against,
            ratio: value / against,
        };
        figure(name, value, "us", Some(against));
    }
    figure_of_rounds(
        "dependent_without_monitor",
        &dependent,
        "us",
        "bare socket without a monitor",
        &unmonitored,
    );
    figure_of_rounds(
        "pipelined",
        &pipelined,
        "us",
        "bare socket with a monitor",
        &bare_pipelined,
    );
    figure_of_rounds(
        "pipelined_gain_inverse",
        &pipelined,
        "us",
        "ours, dependent",
        &dependent,
    );
    let [_, bare, dependent, _, pipelined] = cpu.map(median);
    figure("dependent_bare_cpu", bare, "us", None);
    figure("dependent_cpu", dependent, "us", None);
    figure("pipelined_cpu", pipelined, "us", None);
}

/// Seconds by the clock and of this thread's CPU.
fn timed(work: impl FnOnce()) -> (f64, f64) {
    let schedstat = Path::new("/proc/thread-self/schedstat");
    let (start, cpu) = (Instant::now(), cpu_seconds(schedstat));
    work();
    (start.elapsed().as_secs_f64(), cpu_seconds(schedstat) - cpu)
}

fn bare(mut bare: Bare, uuid: Uuid, first: usize) -> (f64, f64) {
    timed(|| {
        for seq in first..first + TRANSACTIONS {
            bare.call(&update_bytes(uuid, seq));
        }
    })
}

fn bare_pipelined(server: &Server, uuid: Uuid, first: usize) -> (f64, f64) {
    let mut bare = Bare::monitoring(server);
    let writes = (first..first + TRANSACTIONS).map(|seq| update_bytes(uuid, seq));
    let writes = writes.collect();
    timed(|| bare.pipeline(writes, TRANSACTIONS))
}

fn ours(remote: Remote, uuid: Uuid, first: usize, all_at_once: bool) -> (f64, f64) {
    let runtime = runtime();
    let mut client = runtime.block_on(synced(remote));
    timed(|| {
        // As programs do it: the client is owned by a task.
        let work = runtime.spawn(async move {
            if all_at_once {
                pipelined(&mut client, uuid, first).await;
            } else {
                dependent(&mut client, uuid, first).await;
            }
        });
        runtime.block_on(work).unwrap();
    })
}

async fn dependent(client: &mut Client, uuid: Uuid, first: usize) {
    for seq in first..first + TRANSACTIONS {
        client.transact(update(uuid, seq)).await.unwrap();
    }
}

async fn pipelined(client: &mut Client, uuid: Uuid, first: usize) {
    for seq in first..first + TRANSACTIONS {
        client.submit(update(uuid, seq));
    }
    let mut done = 0;
    while done < TRANSACTIONS {
        if let Event::TransactionDone { outcome, .. } = client.next().await {
            outcome.unwrap();
            done += 1;
        }
    }
}
