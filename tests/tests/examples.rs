//! The examples of the `flows` crate do what they say, with a real ovs-vswitchd that is private to each test.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[allow(dead_code, reason = "the test takes the place of its main")]
#[path = "../../flows/examples/dump_reader.rs"]
mod dump_reader;
#[allow(dead_code, reason = "the test takes the place of its main")]
#[path = "../../flows/examples/learning_switch.rs"]
mod learning_switch;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use tests::PrivateSwitch;

const PATIENCE: Duration = Duration::from_secs(30);
const PORTS: [&str; 3] = ["p1", "p2", "p3"];

/// A bridge with three ports, each of which writes down what it sends.
fn bridge() -> PrivateSwitch {
    let switch = PrivateSwitch::start(&[]);
    run(
        &switch,
        "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure",
    );
    for (port, number) in PORTS.iter().zip(1..) {
        let file = switch.dir().join(format!("{port}.pcap"));
        let file = file.display();
        let add = format!(
            "ovs-vsctl add-port br0 {port} -- set interface {port} type=dummy ofport_request={number}"
        );
        run(&switch, &format!("{add} options:tx_pcap={file}"));
    }
    switch
}

fn run(switch: &PrivateSwitch, command: &str) -> String {
    let output = switch.succeed(&command.split(' ').collect::<Vec<_>>());
    String::from_utf8(output.stdout).unwrap()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The frames that each port has sent, in the order of [`PORTS`] (pcap: a head of 24 bytes, then frames with a head of 16, of
/// which the third word is the length).
fn sent(switch: &PrivateSwitch) -> [Vec<Vec<u8>>; 3] {
    PORTS.map(|port| {
        let bytes = std::fs::read(switch.dir().join(format!("{port}.pcap"))).unwrap_or_default();
        let mut rest = bytes.get(24..).unwrap_or_default();
        let mut frames = Vec::new();
        while let Some((head, tail)) = rest.split_first_chunk::<16>() {
            let length = u32::from_le_bytes(*head[8..].first_chunk().unwrap());
            let Some((frame, next)) = tail.split_at_checked(length as usize) else {
                break;
            };
            frames.push(frame.to_vec());
            rest = next;
        }
        frames
    })
}

/// A frame between two stations; `mark` tells it from others.
fn frame(dst: u8, src: u8, mark: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, src, 0x88, 0xb5, mark];
    frame.resize(60, 0);
    frame
}

/// Gives a frame to a port and waits until exactly these ports have sent it.
fn comes_out(switch: &PrivateSwitch, port: &str, frame: &[u8], expected: [bool; 3]) {
    let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
    run(
        switch,
        &format!("ovs-appctl netdev-dummy/receive {port} {hex}"),
    );
    let has = || sent(switch).map(|frames| frames.iter().any(|sent| sent == frame));
    eventually(&format!("{hex} from {port} out of {expected:?}"), || {
        let has = has();
        assert!(
            !has.iter().zip(expected).any(|(has, may)| *has && !may),
            "{has:?}"
        );
        has == expected
    });
}

#[test]
fn the_learning_switch_learns() {
    let switch = bridge();
    let place = switch.dir().join("controller.sock");
    let listener = UnixListener::bind(&place).unwrap();
    thread::spawn(move || learning_switch::serve_unix(&listener));
    run(
        &switch,
        &format!("ovs-vsctl set-controller br0 unix:{}", place.display()),
    );
    let flows = || run(&switch, "ovs-ofctl -OOpenFlow13 --no-stats dump-flows br0");
    eventually("the flow that sends packets to the controller", || {
        flows().contains("actions=CONTROLLER:65535")
    });

    // Nobody knows station 2 yet, station 1 is known from then on.
    comes_out(&switch, "p1", &frame(2, 1, 1), [false, true, true]);
    comes_out(&switch, "p2", &frame(1, 2, 2), [true, false, false]);
    comes_out(&switch, "p1", &frame(2, 1, 3), [false, true, false]);
    for flow in [
        "in_port=2,dl_src=02:00:00:00:00:02,dl_dst=02:00:00:00:00:01 actions=output:1",
        "in_port=1,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02 actions=output:2",
    ] {
        eventually(flow, || flows().contains(flow));
    }

    // A peer that talks nonsense loses its connection, the switch keeps its own.
    let mut stranger = UnixStream::connect(&place).unwrap();
    stranger.write_all(&[4, 10, 0, 9, 0, 0, 0, 1, 7]).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut said = Vec::new();
    // The end, or the reset of a connection with unread bytes.
    let _ = stranger.read_to_end(&mut said);
    assert!(
        flows::ofpkt::Message::decode(&said).is_ok_and(|hello| hello.name() == Some("OFPT_HELLO"))
    );

    // Station 1 moves to port 3: what was learned of it is forgotten.
    comes_out(&switch, "p3", &frame(0xff, 1, 4), [true, true, false]);
    comes_out(&switch, "p2", &frame(1, 2, 5), [false, false, true]);
}

#[test]
fn the_dump_reader_reads_what_a_switch_dumps() {
    let switch = bridge();
    for flow in [
        "table=0,priority=7,ip,actions=NORMAL",
        "table=3,actions=drop",
        "table=3,arp,actions=2",
    ] {
        switch.succeed(&["ovs-ofctl", "add-flow", "br0", flow]);
    }
    let dump = switch.succeed(&["ovs-ofctl", "dump-flows", "br0"]).stdout;
    let (mut out, mut log) = (Vec::new(), Vec::new());
    dump_reader::report(&dump[..], &mut out, &mut log).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert_eq!(
        out,
        "table 0: 1 flows, 0 packets\ntable 3: 2 flows, 0 packets\n"
    );
    let log = String::from_utf8(log).unwrap();
    assert!(log.starts_with("3 flows read in "), "{log}");

    let (mut out, mut log) = (Vec::new(), Vec::new());
    dump_reader::report(
        &b"nonsense\n\nNXST_FLOW reply:\n n_packets=5, actions=drop\n"[..],
        &mut out,
        &mut log,
    )
    .unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "table 0: 1 flows, 5 packets\n"
    );
    let log = String::from_utf8(log).unwrap();
    assert!(log.starts_with("line 1: column 1: "), "{log}");
}
