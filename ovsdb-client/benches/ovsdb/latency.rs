//! How long after a transaction a subscriber has the change, with all the rows in its replica.

use std::time::Instant;

use ovsdb_client::Event;

use crate::bare::Bare;
use crate::server::{ROWS, Server, synced, update_bytes};
use crate::{figure_of_rounds, runtime};

const CHANGES: usize = 2000;

pub(crate) fn run(server: &Server) {
    eprintln!("latency: {CHANGES} changes, seen by a bare monitor and by ours with {ROWS} rows");
    let (sender, receiver) = std::sync::mpsc::channel();
    let (ready, wait) = std::sync::mpsc::channel();
    let remote = server.remote();
    let subscriber = std::thread::spawn(move || {
        runtime().block_on(async {
            let mut client = synced(remote).await;
            let uuid = client.replica().rows("Port").next().unwrap().uuid();
            ready.send(uuid).unwrap();
            loop {
                if let Event::Changed(changes) = client.next().await {
                    let row = changes.table("Port")[0].after().unwrap();
                    let seen = (row.integer("seq").unwrap(), Instant::now());
                    if sender.send(seen).is_err() {
                        return;
                    }
                }
            }
        });
    });
    let uuid = wait.recv().unwrap();
    let mut writer = Bare::connect(server);
    let mut monitor = Bare::monitoring(server);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..CHANGES {
        let seq = 1_000_000 + round;
        let start = Instant::now();
        writer.call(&update_bytes(uuid, seq));
        assert!(!monitor.message());
        bare.push(start.elapsed().as_secs_f64() * 1e6);
        let (seen, at) = receiver.recv().unwrap();
        assert_eq!(seen, i64::try_from(seq).unwrap());
        ours.push(at.duration_since(start).as_secs_f64() * 1e6);
    }
    drop(receiver);
    writer.call(&update_bytes(uuid, 0));
    subscriber.join().unwrap();
    figure_of_rounds("change_seen", &ours, "us", "bare monitor", &bare);
}
