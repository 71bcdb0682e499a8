//! A controller that makes each bridge that connects to it a learning switch: it remembers behind which port an address
//! is, sends what it knows the way to there, and puts a flow into the switch so that it is not asked again.
//!
//!     cargo run --example learning_switch -- tcp:127.0.0.1:6653       (or unix:FILE)
//!     ovs-vsctl set-controller br0 tcp:127.0.0.1:6653
//!
//! It speaks OpenFlow 1.3. What a peer sends is bounded, checked and, where it is wrong, the end of its connection only.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread;

use bytes::BytesMut;
use flows::ofpkt::{Body, FlowMod, FlowModCommand, Hello, Message, PacketIn, PacketOut, take};
use flows::{Action, EthAddr, Field, Flow, Instructions, Match, Port, Version};

const VERSION: Version = Version::V13;
/// Addresses remembered for a switch; a host that invents more of them fills no memory but its own switch's.
const MOST_ADDRESSES: usize = 10_000;
/// Seconds without a packet after which a learned flow goes.
const IDLE: u16 = 60;

fn main() -> Result<(), Box<dyn Error>> {
    let place = std::env::args()
        .nth(1)
        .ok_or("expected tcp:ADDRESS:PORT or unix:FILE")?;
    match place.split_once(':') {
        Some(("tcp", address)) => {
            for peer in TcpListener::bind(address)?.incoming() {
                let peer = peer?;
                peer.set_nodelay(true)?;
                thread::spawn(move || told(serve(peer)));
            }
        }
        Some(("unix", file)) => serve_unix(&UnixListener::bind(file)?)?,
        _ => return Err(format!("{place}: expected tcp:ADDRESS:PORT or unix:FILE").into()),
    }
    Ok(())
}

/// Serves each switch that connects, in a thread of its own.
///
/// # Errors
/// If no more connections can be accepted.
pub(crate) fn serve_unix(listener: &UnixListener) -> io::Result<()> {
    for peer in listener.incoming() {
        let peer = peer?;
        thread::spawn(move || told(serve(peer)));
    }
    Ok(())
}

fn told(end: Result<(), Box<dyn Error>>) {
    if let Err(error) = end {
        eprintln!("a switch has gone: {error}");
    }
}

/// One switch, until it hangs up or sends what is no OpenFlow.
fn serve(mut peer: impl Read + Write) -> Result<(), Box<dyn Error>> {
    let mut switch = Switch::default();
    let mut stream = BytesMut::new();
    let mut piece = vec![0; 1 << 16];
    let hello = Hello::offering(&[VERSION]);
    peer.write_all(&Message::new(VERSION, 0, Body::Hello(hello)).encode())?;
    loop {
        let read = peer.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        stream.extend_from_slice(piece.get(..read).unwrap_or_default());
        let mut answers = Vec::new();
        while let Some(bytes) = take(&mut stream)? {
            for answer in switch.answer(&bytes)? {
                answer.encode_into(&mut answers);
            }
        }
        peer.write_all(&answers)?;
    }
}

/// What is known of a switch: no sockets, messages in and messages out.
#[derive(Default)]
struct Switch {
    greeted: bool,
    ports: HashMap<EthAddr, Port>,
}

impl Switch {
    fn answer(&mut self, bytes: &[u8]) -> Result<Vec<Message>, Box<dyn Error>> {
        let message = Message::decode(bytes)?;
        let say = |body| Message::new(VERSION, message.xid, body);
        match message.body {
            Body::Hello(offer) if !self.greeted => {
                if Hello::offering(&[VERSION]).agree(offer).is_none() {
                    return Err(format!("it does not speak {VERSION}").into());
                }
                self.greeted = true;
                Ok(vec![say(Body::FlowMod(Box::new(FlowMod::add(
                    to_controller(),
                ))))])
            }
            _ if !self.greeted => Err("expected a hello".into()),
            Body::EchoRequest(data) => Ok(vec![say(Body::EchoReply(data))]),
            Body::PacketIn(packet) => Ok(self.packet(packet).into_iter().map(say).collect()),
            Body::Error(error) => Err(format!("it refuses a message: {error:?}").into()),
            _ => Ok(Vec::new()),
        }
    }

    fn packet(&mut self, packet: PacketIn) -> Vec<Body> {
        let in_port = packet.in_port();
        let Some((dst, src)) = addresses(&packet.data) else {
            return Vec::new();
        };
        let mut answers = Vec::new();
        if !src.is_multicast() {
            let known = self.ports.get(&src).copied();
            if known.is_some_and(|port| port != in_port) {
                // The station has moved: flows that send to its old place are wrong.
                let stale = Flow::new(0, 0, Match::new().with(Field::EthDst, src));
                let delete = FlowMod::new(FlowModCommand::Delete, stale);
                answers.push(Body::FlowMod(Box::new(delete)));
            }
            if known.is_some() || self.ports.len() < MOST_ADDRESSES {
                self.ports.insert(src, in_port);
            }
        }
        let way = self.ports.get(&dst).copied();
        if let Some(port) = way {
            answers.push(Body::FlowMod(Box::new(FlowMod::add(learned(
                in_port, src, dst, port,
            )))));
        }
        let out = Action::output(way.unwrap_or(Port::FLOOD));
        answers.push(Body::PacketOut(PacketOut::new(in_port, [out], packet.data)));
        answers
    }
}

/// Destination and source of an Ethernet frame.
fn addresses(frame: &[u8]) -> Option<(EthAddr, EthAddr)> {
    let (dst, rest) = frame.split_first_chunk()?;
    Some((EthAddr(*dst), EthAddr(*rest.first_chunk()?)))
}

/// What no other flow matches comes here, whole.
fn to_controller() -> Flow {
    Flow::new(0, 0, Match::new()).doing([Action::output(Port::CONTROLLER)])
}

/// Packets between two stations go their way without being asked about.
fn learned(in_port: Port, src: EthAddr, dst: EthAddr, out: Port) -> Flow {
    let matches = Match::new()
        .with(Field::InPort, in_port)
        .with(Field::EthSrc, src)
        .with(Field::EthDst, dst);
    let actions = Instructions::new().apply([Action::output(out)]);
    Flow {
        idle_timeout: IDLE,
        ..Flow::new(0, 1, matches).doing(actions)
    }
}
