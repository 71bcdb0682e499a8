//! The first picture of a large database: time beside `ovsdb-client dump`, memory beside the Python IDL.

use std::process::{Command, Stdio};
use std::time::Instant;

use ovsdb_client::Remote;

use crate::server::{ROWS, Server, synced};
use crate::{Against, figure, figure_of_rounds, median, runtime};

/// The argument that makes a process one that only connects.
pub(crate) const CHILD: &str = "--sync-child";

const ROUNDS: usize = 5;

/// What the Python IDL needs for the same rows; prints seconds and resident KiB.
const PYTHON: &str = r"
import sys, time
import ovs.db.idl, ovs.poller
remote, schema = sys.argv[1:]
helper = ovs.db.idl.SchemaHelper(schema)
helper.register_all()
start = time.monotonic()
idl = ovs.db.idl.Idl(remote, helper)
while not idl.has_ever_connected():
    if idl.run():
        continue
    poller = ovs.poller.Poller()
    idl.wait(poller)
    poller.block()
took = time.monotonic() - start
rss = [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmRSS')][0]
print(took, rss, len(idl.tables['Port'].rows))
";

/// Runs as a process of its own: seconds to the first full picture, and what it then takes in KiB.
pub(crate) fn child(remote: &str) {
    let remote: Remote = remote.parse().unwrap();
    runtime().block_on(async {
        let start = Instant::now();
        let client = synced(remote).await;
        let took = start.elapsed().as_secs_f64();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let kib = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let rows = client.replica().table("Port").unwrap().len();
        println!("{took} {} {rows} {}", kib("VmRSS"), kib("VmHWM"));
    });
}

/// The numbers that a child process prints.
fn numbers(command: &mut Command) -> Option<Vec<f64>> {
    let output = command.output().ok()?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace()
        .map(|number| number.parse().ok())
        .collect()
}

pub(crate) fn run(server: &Server) {
    eprintln!("first sync: {ROUNDS} rounds, each of ovsdb-client dump and of ours");
    let remote = server.remote().to_string();
    let mut rounds = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let status = Command::new("ovsdb-client")
            .args(["dump", &remote, "Bench"])
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
        rounds[0].push(start.elapsed().as_secs_f64());
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = numbers(child.args([CHILD, &remote])).unwrap();
        assert_eq!(child[2] as usize, ROWS);
        for (round, number) in rounds[1..].iter_mut().zip([child[0], child[1], child[3]]) {
            round.push(number);
        }
    }
    let [dump, ours, resident, peak] = rounds;
    figure_of_rounds("first_sync", &ours, "s", "ovsdb-client dump", &dump);
    let resident = median(resident);
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", PYTHON, &remote]).arg(server.schema());
    let python = numbers(&mut python);
    if python.is_none() {
        eprintln!("no comparison of memory: the Python IDL (python3-openvswitch) did not run");
    }
    let against = python.map(|python| Against {
        name: "Python IDL",
        value: python[1],
        ratio: resident / python[1],
    });
    figure("first_sync_resident", resident, "KiB", against);
    figure("first_sync_peak", median(peak), "KiB", None);
}
