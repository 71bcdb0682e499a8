//! Reading an Ethernet frame the way a person at an analyser would: tag, ARP, addresses, tunnel and what is inside it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{Ethernet2Slice, IpPayloadSlice, NetSlice, SlicedPacket, TransportSlice};
use flows::EthAddr;

/// GRE's IP protocol number (RFC 2784).
const GRE: u8 = 47;
/// Transparent Ethernet bridging in GRE's protocol field (RFC 1701, RFC 7637).
const TEB: [u8; 2] = [0x65, 0x58];
/// Geneve's UDP port (RFC 8926).
const GENEVE: u16 = 6081;
/// The UDP ports on which VXLAN is looked for: the registered one (RFC 7348) and the one Linux had before.
const VXLAN: [u16; 2] = [4789, 8472];

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    bytes: Vec<u8>,
}

/// The ARP packet of a frame (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Who claims to speak.
    pub sender: Ipv4Addr,
    /// The MAC address that it claims.
    pub sender_mac: EthAddr,
    /// Who is asked for.
    pub target: Ipv4Addr,
}

/// A tunnel packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// `vxlan`, `gre` or `geneve`.
    pub kind: &'static str,
    /// VNI, or GRE's key.
    pub vni: u32,
    /// Outer source.
    pub from: IpAddr,
    /// Outer destination.
    pub to: IpAddr,
    /// UDP destination port; none for GRE.
    pub port: Option<u16>,
    /// The frame inside.
    pub inner: Frame,
}

impl Frame {
    /// A frame from its first byte on, without the check sequence.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn sliced(&self) -> Option<SlicedPacket<'_>> {
        SlicedPacket::from_ethernet(&self.bytes).ok()
    }

    /// Source MAC address.
    #[must_use]
    pub fn source(&self) -> Option<EthAddr> {
        Ethernet2Slice::from_slice_without_fcs(&self.bytes)
            .ok()
            .map(|eth| EthAddr(eth.source()))
    }

    /// Destination MAC address.
    #[must_use]
    pub fn destination(&self) -> Option<EthAddr> {
        Ethernet2Slice::from_slice_without_fcs(&self.bytes)
            .ok()
            .map(|eth| EthAddr(eth.destination()))
    }

    /// The VLAN id of the outermost 802.1Q tag.
    #[must_use]
    pub fn vlan(&self) -> Option<u16> {
        // Not through the parser: the tag counts even if what follows makes no sense.
        match *self.bytes.get(12..16)? {
            [0x81, 0x00, high, low] => Some(u16::from_be_bytes([high & 0x0f, low])),
            _ => None,
        }
    }

    /// The ARP packet, if it is one for IPv4.
    #[must_use]
    pub fn arp(&self) -> Option<Arp> {
        let sliced = self.sliced()?;
        let Some(NetSlice::Arp(arp)) = &sliced.net else {
            return None;
        };
        let v4 = |bytes: &[u8]| <[u8; 4]>::try_from(bytes).ok().map(Ipv4Addr::from);
        Some(Arp {
            operation: arp.operation().0,
            sender: v4(arp.sender_protocol_addr())?,
            sender_mac: EthAddr(arp.sender_hw_addr().try_into().ok()?),
            target: v4(arp.target_protocol_addr())?,
        })
    }

    /// The address asked for, if it is a neighbour solicitation (RFC 4861, 4.3).
    #[must_use]
    pub fn neighbour_solicitation(&self) -> Option<Ipv6Addr> {
        let sliced = self.sliced()?;
        let Some(TransportSlice::Icmpv6(icmp)) = &sliced.transport else {
            return None;
        };
        let bytes = icmp.slice();
        if bytes.first() != Some(&135) {
            return None;
        }
        let target: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
        Some(target.into())
    }

    /// It is an ICMPv6 packet.
    #[must_use]
    pub fn is_icmpv6(&self) -> bool {
        self.sliced()
            .is_some_and(|sliced| matches!(sliced.transport, Some(TransportSlice::Icmpv6(_))))
    }

    /// Source and destination of the IP packet.
    #[must_use]
    pub fn ip(&self) -> Option<(IpAddr, IpAddr)> {
        ip(&self.sliced()?).map(|(from, to, _)| (from, to))
    }

    /// The tunnel packet, if it is one of VXLAN, GRE with a key, or Geneve.
    #[must_use]
    pub fn tunnel(&self) -> Option<Tunnel> {
        let sliced = self.sliced()?;
        let (from, to, payload) = ip(&sliced)?;
        if let Some(TransportSlice::Udp(udp)) = &sliced.transport {
            let (port, payload) = (udp.destination_port(), udp.payload());
            let vni = |at: usize| {
                Some(u32::from_be_bytes([
                    0,
                    *payload.get(at)?,
                    *payload.get(at + 1)?,
                    *payload.get(at + 2)?,
                ]))
            };
            let (kind, header) = if VXLAN.contains(&port) {
                ("vxlan", 8)
            } else if port == GENEVE {
                ("geneve", 8 + 4 * usize::from(payload.first()? & 0x3f))
            } else {
                return None;
            };
            let inner = Self::new(payload.get(header..)?.to_vec());
            return Some(Tunnel {
                kind,
                vni: vni(4)?,
                from,
                to,
                port: Some(port),
                inner,
            });
        }
        if payload.ip_number.0 != GRE || payload.payload.get(2..4)? != TEB {
            return None;
        }
        // Only the key: OVS sends neither checksum nor sequence number unless asked to (RFC 2890, 2).
        if *payload.payload.first()? != 0x20 {
            return None;
        }
        let key: [u8; 4] = payload.payload.get(4..8)?.try_into().ok()?;
        let inner = Self::new(payload.payload.get(8..)?.to_vec());
        Some(Tunnel {
            kind: "gre",
            vni: u32::from_be_bytes(key),
            from,
            to,
            port: None,
            inner,
        })
    }
}

/// Source, destination and payload of the IP packet.
fn ip<'a>(sliced: &SlicedPacket<'a>) -> Option<(IpAddr, IpAddr, IpPayloadSlice<'a>)> {
    match sliced.net.as_ref()? {
        NetSlice::Ipv4(ip) => Some((
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
            ip.payload().clone(),
        )),
        NetSlice::Ipv6(ip) => Some((
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
            ip.payload().clone(),
        )),
        NetSlice::Arp(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    fn arp_request() -> Vec<u8> {
        let mut frame = vec![0xff; 6];
        frame.extend([2, 0, 0, 0, 0, 1]);
        frame.extend([0x81, 0, 0x03, 0xe9, 8, 6]);
        frame.extend([
            0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
        ]);
        frame
    }

    #[test]
    fn a_tagged_arp_request_inside_each_tunnel_is_read_back() {
        let inner = Frame::new(arp_request());
        assert_eq!(inner.vlan(), Some(1001));
        assert_eq!(
            inner.arp().map(|arp| (arp.operation, arp.target)),
            Some((1, [10, 0, 0, 2].into()))
        );

        let build = |port: u16, header: [u8; 8]| {
            let mut payload = header.to_vec();
            payload.extend(arp_request());
            let mut bytes = Vec::new();
            let builder =
                PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
            builder.udp(5000, port).write(&mut bytes, &payload).unwrap();
            Frame::new(bytes).tunnel()
        };
        let vxlan = build(8472, [8, 0, 0, 0, 0, 0, 17, 0]).unwrap();
        assert_eq!(
            (vxlan.kind, vxlan.vni, vxlan.port),
            ("vxlan", 17, Some(8472))
        );
        assert_eq!(vxlan.inner, inner);
        let geneve = build(6081, [0, 0, 0x65, 0x58, 1, 0, 0, 0]).unwrap();
        assert_eq!((geneve.kind, geneve.vni), ("geneve", 0x0001_0000));
        assert_eq!(build(53, [8, 0, 0, 0, 0, 0, 17, 0]), None);

        let mut payload = vec![0x20, 0, 0x65, 0x58, 0, 0, 0, 9];
        payload.extend(arp_request());
        let mut bytes = Vec::new();
        let builder =
            PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
        builder
            .write(&mut bytes, etherparse::IpNumber(GRE), &payload)
            .unwrap();
        let gre = Frame::new(bytes).tunnel().unwrap();
        assert_eq!((gre.kind, gre.vni, gre.inner), ("gre", 9, inner));
    }

    #[test]
    fn a_frame_cut_anywhere_is_read_without_a_panic() {
        let whole = arp_request();
        for end in 0..whole.len() {
            let frame = Frame::new(whole[..end].to_vec());
            assert_eq!(frame.arp(), None, "{end}");
            assert_eq!(frame.tunnel(), None, "{end}");
        }
    }
}
