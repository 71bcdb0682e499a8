//! The pipeline itself: flows that are there whatever the networks are, with the cookie [`Cookie::BASE`].

use flows::{Action, EthAddr, Field, Flow, Match, Port};

use super::pipeline::{integration, provider, tunnel};
use super::{Cookie, HostFlows, HostView, apply, apply_then, drop_packet, flow};

/// The I/G bit of an Ethernet address: set in broadcast and multicast.
pub(super) const MULTICAST_BIT: EthAddr = EthAddr([1, 0, 0, 0, 0, 0]);

const ETH_ARP: u16 = 0x0806;
const ETH_IPV6: u16 = 0x86dd;
const PROTO_ICMPV6: u8 = 58;

/// `icmp6,icmp_type=…` besides.
pub(super) fn icmpv6(matches: Match, kind: u8) -> Match {
    matches
        .with(Field::EthType, ETH_IPV6)
        .with(Field::NwProto, PROTO_ICMPV6)
        .with(Field::Icmpv6Type, kind)
}

/// `arp` besides.
pub(super) fn arp(matches: Match) -> Match {
    matches.with(Field::EthType, ETH_ARP)
}

/// `arp,arp_op=1` besides.
pub(super) fn arp_request(matches: Match) -> Match {
    arp(matches).with(Field::ArpOp, 1u16)
}

/// ICMPv6 types of Neighbor Discovery (RFC 4861, 4).
pub(super) mod nd {
    pub(in crate::compile) const ROUTER_SOLICITATION: u8 = 133;
    pub(in crate::compile) const NEIGHBOR_SOLICITATION: u8 = 135;
    pub(in crate::compile) const NEIGHBOR_ADVERTISEMENT: u8 = 136;
    const ROUTER_ADVERTISEMENT: u8 = 134;
    const REDIRECT: u8 = 137;
    pub(in crate::compile) const ALL: [u8; 5] = [
        ROUTER_SOLICITATION,
        ROUTER_ADVERTISEMENT,
        NEIGHBOR_SOLICITATION,
        NEIGHBOR_ADVERTISEMENT,
        REDIRECT,
    ];
}

pub(super) fn compile(view: &HostView, out: &mut HostFlows) {
    integration_bridge(view, &mut out.integration);
    tunnel_bridge(view, &mut out.tunnel);
    for provider in view.providers.values() {
        if let Some(phy_port) = provider.phy_port {
            provider_bridge(
                phy_port,
                out.providers.entry(provider.bridge.clone()).or_default(),
            );
        }
    }
}

fn integration_bridge(view: &HostView, out: &mut Vec<Flow>) {
    use integration::{ARP_SPOOF, CLASSIFY, FORWARD, MAC_SPOOF};
    for table in [CLASSIFY, MAC_SPOOF, FORWARD] {
        out.push(flow(table, 0, Cookie::BASE, Match::new(), drop_packet()));
    }
    // br-tun has already put the packet into a local VLAN.
    if let Some(patch_tun) = view.patch_tun {
        let tagged = Match::new().with(Field::InPort, patch_tun).with_masked(
            Field::VlanTci,
            0x1000u16,
            0x1000u16,
        );
        out.push(flow(
            CLASSIFY,
            90,
            Cookie::BASE,
            tagged,
            apply_then(vec![], FORWARD),
        ));
    }
    // What a port may say is let through above this, by port.
    out.push(flow(
        ARP_SPOOF,
        50,
        Cookie::BASE,
        arp(Match::new()),
        drop_packet(),
    ));
    for kind in nd::ALL {
        out.push(flow(
            ARP_SPOOF,
            50,
            Cookie::BASE,
            icmpv6(Match::new(), kind),
            drop_packet(),
        ));
    }
    out.push(flow(
        ARP_SPOOF,
        0,
        Cookie::BASE,
        Match::new(),
        apply_then(vec![], MAC_SPOOF),
    ));
    // IEEE 802.1Q, 8.6.3: reserved addresses (spanning tree, LACP, LLDP) belong to one link, not to a network.
    let link_local = Match::new().with_masked(
        Field::EthDst,
        EthAddr([0x01, 0x80, 0xc2, 0, 0, 0]),
        EthAddr([0xff, 0xff, 0xff, 0xff, 0xff, 0xf0]),
    );
    out.push(flow(FORWARD, 200, Cookie::BASE, link_local, drop_packet()));
}

fn tunnel_bridge(view: &HostView, out: &mut Vec<Flow>) {
    use tunnel::{ARP_ND, CLASSIFY, DIRECTION, FLOOD, LEARN, ND_REPLY, TABLES, UNICAST};
    for table in TABLES {
        if ![DIRECTION, LEARN, ARP_ND].contains(&table) {
            out.push(flow(table, 0, Cookie::BASE, Match::new(), drop_packet()));
        }
    }
    let multicast = || Match::new().with_masked(Field::EthDst, MULTICAST_BIT, MULTICAST_BIT);
    out.push(flow(
        DIRECTION,
        100,
        Cookie::BASE,
        arp_request(Match::new()),
        apply_then(vec![], ARP_ND),
    ));
    out.push(flow(
        DIRECTION,
        100,
        Cookie::BASE,
        icmpv6(Match::new(), nd::NEIGHBOR_SOLICITATION),
        apply_then(vec![], ARP_ND),
    ));
    out.push(flow(
        DIRECTION,
        90,
        Cookie::BASE,
        multicast(),
        apply_then(vec![], FLOOD),
    ));
    out.push(flow(
        DIRECTION,
        0,
        Cookie::BASE,
        Match::new(),
        apply_then(vec![], UNICAST),
    ));
    out.push(flow(
        ARP_ND,
        10,
        Cookie::BASE,
        multicast(),
        apply_then(vec![], FLOOD),
    ));
    // goto_table only leads on to higher tables.
    let unicast = apply(vec![Action::resubmit_table(UNICAST.number)]);
    out.push(flow(ARP_ND, 0, Cookie::BASE, Match::new(), unicast));
    // Duplicate address detection (RFC 4862, 5.4) asks whether anybody else is there: that one must hear it.
    let detection = icmpv6(Match::new(), nd::NEIGHBOR_SOLICITATION)
        .with(Field::Ipv6Src, std::net::Ipv6Addr::UNSPECIFIED);
    out.push(flow(
        ARP_ND,
        110,
        Cookie::BASE,
        detection,
        apply_then(vec![], FLOOD),
    ));
    out.push(flow(
        ND_REPLY,
        10,
        Cookie::BASE,
        icmpv6(Match::new(), nd::NEIGHBOR_ADVERTISEMENT),
        apply(nd_reply()),
    ));
    match view.patch_int {
        Some(patch_int) => {
            let from_br_int = Match::new().with(Field::InPort, patch_int);
            out.push(flow(
                CLASSIFY,
                100,
                Cookie::BASE,
                from_br_int,
                apply_then(vec![], DIRECTION),
            ));
            out.push(flow(
                LEARN,
                0,
                Cookie::BASE,
                Match::new(),
                apply(vec![Action::output(patch_int)]),
            ));
        }
        None => {
            out.push(flow(LEARN, 0, Cookie::BASE, Match::new(), drop_packet()));
        }
    }
}

/// The second half of an answer to a neighbor solicitation. These fields exist only in an advertisement, so
/// the switch lets them be set only after another table has seen the new ICMPv6 type.
fn nd_reply() -> Vec<Action> {
    const SOLICITED_AND_OVERRIDE: u32 = 0x6000_0000;
    const TARGET_LINK_LAYER_ADDRESS: u8 = 2;
    vec![
        Action::set_field(Field::NdReserved, SOLICITED_AND_OVERRIDE),
        Action::set_field(Field::NdOptionsType, TARGET_LINK_LAYER_ADDRESS),
        Action::copy(Field::EthSrc, Field::NdTll),
        Action::output(Port::IN_PORT),
    ]
}

fn provider_bridge(phy_port: u32, out: &mut Vec<Flow>) {
    let from_br_int = Match::new().with(Field::InPort, phy_port);
    out.push(flow(
        provider::TRANSLATE,
        50,
        Cookie::BASE,
        from_br_int,
        drop_packet(),
    ));
    let normal = apply(vec![Action::output(Port::NORMAL)]);
    out.push(flow(
        provider::TRANSLATE,
        0,
        Cookie::BASE,
        Match::new(),
        normal,
    ));
}
