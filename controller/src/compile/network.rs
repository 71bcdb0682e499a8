//! A network that is present on this host: local VLAN ↔ VNI or provider VLAN, flooding, unknown unicast, learning.
//!
//! # A flood that is longer than a message
//!
//! What a flow does must fit into an OpenFlow message of 64 KiB, which about 1,600 peers or 4,000 ports fill. A longer list
//! is cut into parts, a flow each, that a register chooses:
//!
//! ```text
//! dl_vlan=1,reg0=0 actions=set_field:1->reg0,resubmit(,22),pop_vlan,...,output,...,output
//! dl_vlan=1,reg0=1 actions=set_field:2->reg0,resubmit(,22),pop_vlan,...,output,...,output
//! dl_vlan=1,reg0=2 actions=pop_vlan,...,output,...,output
//! ```
//!
//! Each part goes on to the next *before* its own outputs: Open vSwitch does not resubmit any more once a packet has got
//! 64 KiB of datapath actions, which is a thousand tunnels, but it still outputs. (It may be 64 resubmits deep, so 30,000
//! peers are possible.) Every part takes the packet out of the local VLAN itself, so that one whose successor is missing
//! sends no packet that it should not. And a part has a lower priority than a list in one flow: while a network outgrows
//! that, and while it shrinks, the one flow serves as long as it is there.

use std::collections::BTreeSet;
use std::net::IpAddr;

use flows::action::{Learn, LearnSource, LearnSpec, LearnTarget};
use flows::{Action, EthAddr, Field, Flow, Match, Subfield};

use super::base::MULTICAST_BIT;
use super::pipeline::{Table, integration, provider, tunnel};
use super::presence::{Plugged, Presence, Tunnel, Way};
use super::{Cookie, HostFlows, Kind, Provider, Unit, apply, apply_then, flow};

/// Bit of a VLAN tag's control information that Open vSwitch sets when there is a tag at all.
const TAG_PRESENT: u16 = 0x1000;
/// Learned addresses are forgotten after so many seconds without a packet from them.
const LEARNED_IDLE_TIMEOUT: u16 = 300;
/// At most so many peers in one flow, of up to 40 bytes each.
const PEERS_IN_A_FLOW: usize = 500;
/// At most so many ports in one flow, of 16 bytes each.
const PORTS_IN_A_FLOW: usize = 2_000;
/// Chooses the part of a long list; the first is 0, as every register is when a packet comes to a bridge.
const PART: Field = Field::Reg0;
/// By so much a part's priority is lower than that of a list in one flow.
const LOWER: u16 = 5;

/// A network learns at most so many addresses on a host, so that an endpoint can not fill the table.
const LEARNED_LIMIT: u32 = 4096;

/// `plugged` are the network's ports here, `peers` the addresses of the other hosts that have the network.
pub(super) fn compile(
    here: &Presence,
    plugged: &[Plugged],
    peers: &BTreeSet<IpAddr>,
    out: &mut HostFlows,
) {
    forward(here, plugged, out);
    match &here.way {
        Way::Tunnel(through) => tunnelled(here, *through, peers, out),
        Way::Wire { bridge, vlan } => provided(here, bridge, *vlan, out),
        Way::None => {}
    }
}

/// A packet with the network's local VLAN.
pub(super) fn tagged(lvid: u16) -> Match {
    Match::new().with(Field::VlanVid, lvid | TAG_PRESENT)
}

/// An untagged packet, or one with a priority tag (IEEE 802.1Q, 9.6: VLAN id 0 is no VLAN at all).
pub(super) fn untagged(from: Match) -> Match {
    from.with_masked(Field::VlanTci, 0u16, 0x0fffu16)
}

/// Puts an [`untagged`] packet into the local VLAN.
pub(super) fn tag(lvid: u16) -> Action {
    Action::set_field(Field::VlanTci, lvid | TAG_PRESENT)
}

fn cookie(here: &Presence) -> Cookie {
    Unit::Network(here.network).cookie()
}

/// `br-int`: where packets go whose destination is no port of this host.
fn forward(here: &Presence, plugged: &[Plugged], out: &mut HostFlows) {
    let mut send = |priority, matches: Match, to: &dyn Fn(&Plugged) -> bool| {
        let ports = plugged.iter().filter(|port| to(port));
        let ports: Vec<u32> = ports.filter_map(|port| port.ofport).collect();
        let mut part = |ports: &[u32], is_last: bool| {
            // The way to other hosts comes first of all, with the tag on: the last part is the first that outputs.
            let uplink = here.uplink.filter(|_| is_last);
            let mut actions = Vec::from_iter(uplink.map(Action::output));
            actions.extend((!ports.is_empty()).then_some(Action::PopVlan));
            actions.extend(ports.iter().copied().map(Action::output));
            actions
        };
        let list = List {
            table: integration::FORWARD,
            priority,
            cookie: cookie(here),
            matches,
        };
        list.compile(&ports, PORTS_IN_A_FLOW, &mut part, &mut out.integration);
    };
    let multicast = tagged(here.lvid).with_masked(Field::EthDst, MULTICAST_BIT, MULTICAST_BIT);
    send(90, multicast, &|_| true);
    // All addresses of a port with port security are known, so it never has an unknown one.
    let unknown = |port: &Plugged| here.learning && !port.port_security;
    send(10, tagged(here.lvid), &unknown);
}

/// A list of outputs that may be longer than a message. See the [module](self).
struct List {
    table: Table,
    priority: u16,
    cookie: Cookie,
    matches: Match,
}

impl List {
    /// `part` makes actions of a part of `all`; it is told whether that is the last.
    fn compile<T>(
        self,
        all: &[T],
        in_a_flow: usize,
        part: &mut dyn FnMut(&[T], bool) -> Vec<Action>,
        out: &mut Vec<Flow>,
    ) {
        let Self {
            table,
            priority,
            cookie,
            matches,
        } = self;
        if all.len() <= in_a_flow {
            out.push(flow(
                table,
                priority,
                cookie,
                matches,
                apply(part(all, true)),
            ));
            return;
        }
        let mut parts = (0u32..).zip(all.chunks(in_a_flow)).peekable();
        while let Some((number, ports)) = parts.next() {
            let next = parts.peek().map(|(next, _)| *next);
            let goes_on = next.map(|next| {
                [
                    Action::set_field(PART, next),
                    Action::resubmit_table(table.number),
                ]
            });
            let mut actions: Vec<Action> = goes_on.into_iter().flatten().collect();
            actions.extend(part(ports, next.is_none()));
            let matches = matches.clone().with(PART, number);
            out.push(flow(
                table,
                priority.saturating_sub(LOWER),
                cookie,
                matches,
                apply(actions),
            ));
        }
    }
}

/// `br-tun`: VNI ↔ local VLAN.
fn tunnelled(here: &Presence, through: Tunnel, peers: &BTreeSet<IpAddr>, out: &mut HostFlows) {
    let cookie = cookie(here);
    // An inner 802.1Q tag is nobody's local VLAN, and heddle sends none.
    let from_peer = Match::new()
        .with(Field::TunId, u64::from(through.vni))
        .with_masked(Field::VlanTci, 0u16, 0x1fffu16);
    out.tunnel.push(flow(
        tunnel::to_lvid(through.kind),
        100,
        cookie,
        from_peer,
        apply_then(vec![tag(here.lvid)], tunnel::LEARN),
    ));
    if !peers.is_empty() {
        let peers: Vec<IpAddr> = peers.iter().copied().collect();
        let flood = List {
            table: tunnel::FLOOD,
            priority: 100,
            cookie,
            matches: tagged(here.lvid),
        };
        let mut part = |peers: &[IpAddr], _| encapsulate(through, peers);
        flood.compile(&peers, PEERS_IN_A_FLOW, &mut part, &mut out.tunnel);
    }
    if let Some((own, patch_int)) = through.learn {
        out.tunnel.push(flow(
            tunnel::UNICAST,
            10,
            cookie,
            tagged(here.lvid),
            apply_then(vec![], tunnel::FLOOD),
        ));
        let from_somebody =
            tagged(here.lvid).with_masked(Field::EthSrc, EthAddr::default(), MULTICAST_BIT);
        let actions = vec![learn(here, own), Action::output(patch_int)];
        out.tunnel.push(flow(
            tunnel::LEARN,
            100,
            cookie,
            from_somebody,
            apply(actions),
        ));
    }
}

/// Takes the packet out of the local VLAN and sends a copy to each peer.
pub(super) fn encapsulate<'a>(
    through: Tunnel,
    peers: impl IntoIterator<Item = &'a IpAddr>,
) -> Vec<Action> {
    let mut actions = vec![
        Action::PopVlan,
        Action::set_field(Field::TunId, u64::from(through.vni)),
    ];
    for peer in peers {
        actions.push(match *peer {
            IpAddr::V4(peer) => Action::set_field(Field::TunDst, peer),
            IpAddr::V6(peer) => Action::set_field(Field::TunIpv6Dst, peer),
        });
        actions.push(Action::output(through.ofport));
    }
    actions
}

/// Makes the switch remember that the packet's source is behind the peer that it came from.
fn learn(here: &Presence, own: IpAddr) -> Action {
    let (from, to) = match own {
        IpAddr::V4(_) => (Field::TunSrc, Field::TunDst),
        IpAddr::V6(_) => (Field::TunIpv6Src, Field::TunIpv6Dst),
    };
    let same = |from: Subfield, target| LearnSpec {
        source: LearnSource::Field(from),
        target,
    };
    let constant = |value: u32, bits, target| LearnSpec {
        source: LearnSource::value(value.into(), bits),
        target,
    };
    let vlan = Subfield::part(Field::VlanTci, 0, 12);
    Action::Learn(Box::new(Learn {
        table: tunnel::UNICAST.number,
        priority: 50,
        cookie: Cookie::new(Kind::Learned, here.network).raw(),
        idle_timeout: LEARNED_IDLE_TIMEOUT,
        limit: LEARNED_LIMIT,
        specs: Box::new([
            same(vlan, LearnTarget::Match(vlan)),
            same(
                Field::EthSrc.into(),
                LearnTarget::Match(Field::EthDst.into()),
            ),
            constant(0, 16, LearnTarget::Load(Field::VlanTci.into())),
            same(Field::TunId.into(), LearnTarget::Load(Field::TunId.into())),
            same(from.into(), LearnTarget::Load(to.into())),
            // The tunnel port that the packet came through: Open vSwitch takes a field here, not a number.
            same(Field::InPort.into(), LearnTarget::Output),
        ]),
        ..Learn::default()
    }))
}

/// `br-int` and the provider bridge: provider VLAN (none: untagged) ↔ local VLAN.
fn provided(here: &Presence, wire: &Provider, vlan: Option<u16>, out: &mut HostFlows) {
    let cookie = cookie(here);
    if let Some(int_port) = wire.int_port {
        let arriving = Match::new().with(Field::InPort, int_port);
        let (arriving, into) = match vlan {
            Some(vlan) => {
                let arriving = arriving.with(Field::VlanVid, vlan | TAG_PRESENT);
                (
                    arriving,
                    Action::set_field(Field::VlanVid, here.lvid | TAG_PRESENT),
                )
            }
            None => (untagged(arriving), tag(here.lvid)),
        };
        let classified = apply_then(vec![into], integration::FORWARD);
        out.integration.push(flow(
            integration::CLASSIFY,
            100,
            cookie,
            arriving,
            classified,
        ));
    }
    if let Some(phy_port) = wire.phy_port {
        let leaving = tagged(here.lvid).with(Field::InPort, phy_port);
        let out_of = match vlan {
            Some(vlan) => Action::set_field(Field::VlanVid, vlan | TAG_PRESENT),
            None => Action::PopVlan,
        };
        let actions = vec![out_of, Action::output(flows::Port::NORMAL)];
        let bridge = out.providers.entry(wire.bridge.clone()).or_default();
        bridge.push(flow(
            provider::TRANSLATE,
            100,
            cookie,
            leaving,
            apply(actions),
        ));
    }
}
