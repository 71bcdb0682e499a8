//! 100,000 flows into an empty switch: from compiled objects to the last acknowledgement, in turns with a bare socket that is
//! given the same flow-mods ready made, and with `ovs-ofctl`.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use flows::ofpkt::{Body, FlowMod, Hello, Message, take};
use flows::{Flow, Version};

use crate::BENCH;
use crate::figures::{Goal, cpu_seconds, seconds};
use crate::host::{Agent, BRIDGES, Rig, run};

const ROUNDS: usize = 7;

pub(crate) fn run_all(rig: &Rig) {
    let count = rig.count();
    let raw = rig.flows.each_ref().map(|flows| flow_mods(flows));
    let files = rig.flows.each_ref().map(|flows| {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines: Vec<String> = flows.iter().map(ToString::to_string).collect();
        std::fs::write(file.path(), lines.join("\n") + "\n").unwrap();
        file
    });
    let mut agent = Agent::compiled(rig);
    eprintln!("push: {ROUNDS} rounds, each of a bare socket, ovs-ofctl and the agent");
    let [mut bare, mut ofctl, mut ours, mut cpu] = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        rig.clear();
        bare.push(seconds(|| {
            for (bridge, bytes) in BRIDGES.iter().zip(&raw) {
                pipeline(rig, bridge, bytes);
            }
        }));
        assert_eq!(rig.there(), count);

        rig.clear();
        ofctl.push(seconds(|| {
            for (bridge, file) in BRIDGES.iter().zip(&files) {
                let mut ofctl = rig.ofctl(&["--bundle", "add-flows"], bridge);
                run(ofctl.arg(file.path()));
            }
        }));
        assert_eq!(rig.there(), count);

        rig.clear();
        let began = agent.connect();
        let mut sent = 0;
        let mut wall = 0.0;
        cpu.push(cpu_seconds(|| {
            wall = seconds(|| {
                agent.begin(began);
                sent = agent.settle();
            });
        }));
        ours.push(wall);
        assert_eq!(sent, count);
        assert_eq!(rig.there(), count);
        agent.disconnect();
    }
    let rate = |times: Vec<f64>| -> Vec<f64> {
        times.into_iter().map(|time| count as f64 / time).collect()
    };
    let (bare, ofctl, ours) = (rate(bare), rate(ofctl), rate(ours));
    BENCH.rounds(
        "push_100000",
        &ours,
        "flows/s",
        ("the same flow-mods, ready made, down a bare socket", &bare),
        Goal::AtLeast(0.9),
    );
    BENCH.rounds(
        "push_100000",
        &ours,
        "flows/s",
        ("ovs-ofctl --bundle add-flows", &ofctl),
        Goal::AtLeast(1.6),
    );
    let cpu = crate::figures::median(cpu);
    BENCH.beside(
        "push_100000_cpu",
        cpu,
        "s",
        ("limit", 0.2),
        Goal::AtMost(1.0),
    );
}

fn flow_mods(flows: &[Flow]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for flow in flows {
        let add = FlowMod::add(flow.clone());
        Message::new(Version::V14, 1, Body::FlowMod(Box::new(add))).encode_into(&mut bytes);
    }
    bytes
}

/// Writes as fast as the switch reads, and waits for one answer at the end.
fn pipeline(rig: &Rig, bridge: &str, bytes: &[u8]) {
    let mut stream = UnixStream::connect(rig.socket(bridge)).unwrap();
    let message = |body| Message::new(Version::V14, 1, body).encode();
    let hello = message(Body::Hello(Hello::offering(&[Version::V14])));
    stream.write_all(&hello).unwrap();
    stream.write_all(bytes).unwrap();
    stream.write_all(&message(Body::BarrierRequest)).unwrap();
    let (mut input, mut buffer) = (bytes::BytesMut::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "the switch has closed the connection");
        input.extend_from_slice(&buffer[..count]);
        while let Some(message) = take(&mut input).unwrap() {
            match Message::decode(&message).unwrap().body {
                Body::BarrierReply => return,
                Body::Error(error) => panic!("{error:?}"),
                _ => {}
            }
        }
    }
}
