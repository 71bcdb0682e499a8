//! Sending probes: echo requests through the station's own IP stack, and raw frames that ask the network and nobody else.

use std::net::{IpAddr, SocketAddr};

use etherparse::PacketBuilder;
use etherparse::checksum::Sum16BitWords;
use flows::EthAddr;
use nix::errno::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use super::payload::{Carrier, Probe};
use crate::station::Station;
use crate::{Error, Result};

/// The ICMP sockets of one station.
pub(super) struct Mouth {
    v4: Socket,
    v6: Socket,
}

impl Mouth {
    pub(super) fn open(station: &Station) -> Result<Self> {
        let open = |domain, protocol| Socket::new(domain, Type::RAW, Some(protocol));
        station.namespace().run(|| {
            let v4 =
                open(Domain::IPV4, Protocol::ICMPV4).map_err(Error::io("open an ICMP socket"))?;
            let v6 =
                open(Domain::IPV6, Protocol::ICMPV6).map_err(Error::io("open an ICMPv6 socket"))?;
            Ok(Self { v4, v6 })
        })
    }

    /// Sends an echo request with this probe. False when the station's IP stack did not want to: the neighbour did not answer
    /// before, or a queue is full; a later try may work.
    pub(super) fn echo(&self, to: IpAddr, probe: &Probe) -> Result<bool> {
        let (socket, kind) = if to.is_ipv4() {
            (&self.v4, 8)
        } else {
            (&self.v6, 128)
        };
        let [.., id_high, id_low] = probe.from.to_be_bytes();
        let [.., sequence_high, sequence_low] = probe.sequence.to_be_bytes();
        let header = [kind, 0, 0, 0, id_high, id_low, sequence_high, sequence_low];
        let mut packet = [&header[..], &probe.to_bytes()].concat();
        if to.is_ipv4() {
            // The kernel does it for ICMPv6 (RFC 3542, 3.1) but not for ICMP.
            let sum = Sum16BitWords::new().add_slice(&packet).ones_complement();
            if let Some(place) = packet.get_mut(2..4) {
                place.copy_from_slice(&sum.to_ne_bytes());
            }
        }
        match socket.send_to(&packet, &SocketAddr::new(to, 0).into()) {
            Ok(_) => Ok(true),
            Err(error) if passes(&error) => Ok(false),
            Err(source) => Err(Error::Io {
                what: format!("send a probe to {to}"),
                source,
            }),
        }
    }
}

/// Errors of an earlier packet, or of a lack of room.
fn passes(error: &std::io::Error) -> bool {
    let passing = [
        Errno::EHOSTUNREACH,
        Errno::ENETUNREACH,
        Errno::EHOSTDOWN,
        Errno::ENOBUFS,
        Errno::EAGAIN,
    ];
    passing
        .iter()
        .any(|errno| error.raw_os_error() == Some(*errno as i32))
}

/// Frames that would reach `to` if the network let them: an echo request to its MAC address, one to everybody, and for IPv4 an ARP
/// request, for IPv6 a neighbour solicitation. Empty if one of the two has no address of that version.
pub(super) fn forbidden_frames(
    from: &Station,
    to: &Station,
    probe: &Probe,
) -> Result<Vec<Vec<u8>>> {
    let (Some(source), Some(target)) = (from.address(probe.v6), to.address(probe.v6)) else {
        return Ok(Vec::new());
    };
    let broadcast = EthAddr::BROADCAST;
    let echo = |destination| echo_frame(from.mac(), destination, source, target, &probe.to_bytes());
    let mut frames = vec![echo(to.mac())?, echo(broadcast)?];
    let trailer = Probe {
        carrier: Carrier::Trailer,
        ..*probe
    }
    .to_bytes();
    frames.push(match (source, target) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            let mut frame = arp_request(from.mac(), source, target);
            frame.extend(trailer);
            frame
        }
        _ => echo_frame(
            from.mac(),
            EthAddr([0x33, 0x33, 0, 0, 0, 1]),
            source,
            target,
            &probe.to_bytes(),
        )?,
    });
    Ok(frames)
}

/// An Ethernet frame with an ICMP or ICMPv6 echo request.
pub(crate) fn echo_frame(
    source_mac: EthAddr,
    destination_mac: EthAddr,
    source: IpAddr,
    destination: IpAddr,
    payload: &[u8],
) -> Result<Vec<u8>> {
    let ethernet = PacketBuilder::ethernet2(source_mac.0, destination_mac.0);
    let mut frame = Vec::new();
    let written = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let ip = ethernet.ipv4(source.octets(), destination.octets(), 64);
            ip.icmpv4_echo_request(1, 1).write(&mut frame, payload)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let ip = ethernet.ipv6(source.octets(), destination.octets(), 64);
            ip.icmpv6_echo_request(1, 1).write(&mut frame, payload)
        }
        _ => {
            return Err(Error::unexpected(
                "echo request",
                format!("{source} to {destination}"),
                "one IP version",
            ));
        }
    };
    written.map_err(|error| {
        Error::unexpected("echo request", error.to_string(), "a payload that fits")
    })?;
    Ok(frame)
}

/// An Ethernet frame with an ARP request (RFC 826), 42 bytes.
pub(crate) fn arp_request(
    mac: EthAddr,
    source: std::net::Ipv4Addr,
    target: std::net::Ipv4Addr,
) -> Vec<u8> {
    let mut frame = EthAddr::BROADCAST.0.to_vec();
    frame.extend(mac.0);
    frame.extend([0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1]);
    frame.extend(mac.0);
    frame.extend(source.octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame
}
