//! The engine against a compile that knows no history, and the units that each kind of change compiles.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::compile::Provider;
use crate::compile::tests::site;
use crate::model::sample::{host, id, network, port};
use crate::model::{Network, Segment, TunnelType};

/// Every flow that a host must have, by bridge and place, found by looking through everything.
fn from_scratch(site: &Site, view: &HostView) -> BTreeMap<String, BTreeMap<Entry, flows::Flow>> {
    let mut units: Vec<(Unit, HostFlows)> = Vec::new();
    let mut unit = |unit, compile: &dyn Fn(&mut HostFlows)| {
        let mut out = HostFlows::default();
        compile(&mut out);
        units.push((unit, out));
    };
    let peer = |id: &Uuid| site.hosts.get(id).and_then(|host| Peer::of(host, view));
    let addresses = |port: &Port, here: &Presence| -> BTreeSet<IpAddr> {
        let Some(tunnel) = here.tunnel() else {
            return BTreeSet::new();
        };
        let peers = port.hosts.iter().filter_map(peer);
        peers.filter_map(|peer| peer.address(tunnel.kind)).collect()
    };
    unit(Unit::Base, &|out| base::compile(view, out));
    let present: Vec<Presence> = site
        .networks
        .values()
        .filter_map(|network| Presence::of(network, view))
        .collect();
    for here in &present {
        let ports = || {
            site.ports
                .values()
                .filter(|port| port.network == here.network)
        };
        let plugged: Vec<Plugged> = ports()
            .filter_map(|port| {
                Some(Plugged {
                    ofport: *view.bindings.get(&port.id)?,
                    port_security: port.port_security,
                })
            })
            .collect();
        let peers = ports().flat_map(|port| addresses(port, here)).collect();
        unit(Unit::Network(here.network), &|out| {
            network::compile(here, &plugged, &peers, out);
        });
        for port in ports() {
            unit(Unit::Port(port.id), &|out| {
                let elsewhere = port.hosts.iter().any(|id| peer(id).is_some());
                let bound = view.bindings.get(&port.id);
                if let Some(&Some(ofport)) = bound {
                    port::compile(here, port, ofport, elsewhere, out);
                }
                if let Some(through) = here.tunnel() {
                    if bound.is_some() && !elsewhere {
                        responder::local(here, port, out);
                    }
                    let peers = addresses(port, here);
                    if !peers.is_empty() {
                        responder::remote(here, through, port, &peers, out);
                    }
                }
            });
        }
    }
    for (id, host) in &site.hosts {
        if let Some(peer) = Peer::of(host, view) {
            unit(Unit::Host(*id), &|out| {
                host::compile(view, *id, &peer, out);
            });
        }
    }
    units.sort_by_key(|(unit, _)| *unit);
    let mut bridges: BTreeMap<String, BTreeMap<Entry, flows::Flow>> = BTreeMap::new();
    for (_, out) in units {
        let own = [
            (INTEGRATION_BRIDGE.to_owned(), out.integration),
            (TUNNEL_BRIDGE.to_owned(), out.tunnel),
        ];
        for (bridge, flows) in own.into_iter().chain(out.providers) {
            let bridge = bridges.entry(bridge).or_default();
            for flow in flows {
                bridge.entry(Entry::new(flow.clone())).or_insert(flow);
            }
        }
    }
    bridges.retain(|_, flows| !flows.is_empty());
    bridges
}

/// An engine, what it was told, and tables that follow it by what it says has changed.
#[derive(Default)]
struct Followed {
    site: Site,
    view: HostView,
    engine: Engine,
    tables: BTreeMap<String, BTreeMap<Entry, flows::Flow>>,
}

impl Followed {
    fn new((site, view): (Site, HostView)) -> Self {
        let mut all = Self {
            site,
            view,
            ..Self::default()
        };
        all.update(&Touched::between(&Site::default(), &all.site.clone()));
        all
    }

    /// Returns the units that were compiled.
    fn update(&mut self, touched: &Touched) -> u64 {
        let before = self.engine.counters();
        let changed = self.engine.update(&self.site, self.view.clone(), touched);
        for (bridge, entries) in changed {
            let table = self.tables.entry(bridge.clone()).or_default();
            for entry in entries {
                match self
                    .engine
                    .flows(&bridge)
                    .and_then(|flows| flows.get(&entry))
                {
                    Some((entry, _)) => table.insert(entry.clone(), entry.flow().clone()),
                    None => table.remove(&entry),
                };
            }
            if table.is_empty() {
                self.tables.remove(&bridge);
            }
        }
        assert_eq!(self.tables, from_scratch(&self.site, &self.view));
        for (bridge, flows) in self.engine.bridges() {
            assert_eq!(
                flows.len(),
                self.tables.get(bridge).map_or(0, BTreeMap::len)
            );
        }
        let after = self.engine.counters();
        assert_eq!(after.full_recompiles, 0);
        after.units - before.units
    }

    /// Changes something and returns the units that were compiled.
    fn change(&mut self, change: impl FnOnce(&mut Site, &mut HostView)) -> u64 {
        let before = self.site.clone();
        change(&mut self.site, &mut self.view);
        self.update(&Touched::between(&before, &self.site))
    }
}

#[test]
fn each_change_compiles_what_it_concerns() {
    let mut all = Followed::new(site());
    let all = &mut all;
    assert_eq!(all.change(|_, _| ()), 0, "nothing");
    // Network 1 has ports 11 and 13 here, 12 on hosts 0x102 and 0x103, 13 also on 0x102.
    let more = port(14, 1, &[0x102]);
    assert_eq!(
        all.change(|site, _| drop(site.ports.insert(more.id, more.clone()))),
        1,
        "one more remote port on a known peer"
    );
    assert_eq!(all.change(|site, _| drop(site.ports.remove(&id(14)))), 1);
    let far = host(0x105, "192.0.2.5");
    assert_eq!(
        all.change(|site, _| drop(site.hosts.insert(far.id, far.clone()))),
        1,
        "a host without ports"
    );
    let there = port(14, 1, &[0x105]);
    assert_eq!(
        all.change(|site, _| drop(site.ports.insert(there.id, there.clone()))),
        2,
        "a remote port on a new peer: the port and the flood list"
    );
    assert_eq!(
        all.change(|site, _| {
            site.hosts.get_mut(&id(0x105)).unwrap().encap_ip = "192.0.2.9".parse().ok();
        }),
        3,
        "a peer moves: host, network, its port"
    );
    assert_eq!(
        all.change(|site, _| {
            let host = site.hosts.get_mut(&id(0x102)).unwrap();
            host.applied = 7;
            host.problems.insert("x".to_owned(), "y".to_owned());
        }),
        0,
        "what a host reports of itself"
    );
    let nowhere = port(99, 77, &[0x102]);
    assert_eq!(
        all.change(|site, _| drop(site.ports.insert(nowhere.id, nowhere.clone()))),
        2,
        "a port of an unknown network"
    );
    assert_eq!(
        all.change(|_, view| {
            view.bindings.insert(id(12), None);
        }),
        2,
        "a port is plugged in: the port and the flood list"
    );
    assert_eq!(
        all.change(|_, view| {
            view.bindings.insert(id(12), Some(112));
        }),
        2,
        "its number is known"
    );
    assert_eq!(
        all.change(|site, _| site.ports.get_mut(&id(11)).unwrap().mac.0[5] = 99),
        1,
        "another MAC"
    );
    assert_eq!(
        all.change(|site, _| site.ports.get_mut(&id(11)).unwrap().port_security = false),
        2,
        "port security"
    );
    assert_eq!(
        all.change(|site, _| site.networks.get_mut(&id(2)).unwrap().learning = false),
        3,
        "learning: the network and its ports 21 and 22"
    );
    assert_eq!(
        all.change(|site, _| site.networks.get_mut(&id(2)).unwrap().name = "other".to_owned()),
        0,
        "the name of a network"
    );
    assert_eq!(
        all.change(|_, view| {
            let provider = view.providers.get_mut("provider").unwrap();
            provider.int_port = Some(22);
        }),
        3,
        "a patch port has another number: base, network 3 and its port"
    );
    assert_eq!(
        all.change(|_, view| {
            view.local_vlans.insert(id(5), 55);
        }),
        2,
        "another local VLAN: network 5 and its port"
    );
    assert_eq!(
        all.change(|_, view| drop(view.providers.remove("inside"))),
        3
    );
    assert_eq!(
        all.change(|_, view| {
            view.local_vlans.remove(&id(5));
        }),
        2
    );
    // Hosts 0x102, 0x103, 0x104 and 0x105; networks 1 and 2; ports 11, 12, 13, 14, 21, 22.
    assert_eq!(
        all.change(|_, view| view.encap_ip = "192.0.2.200".parse().ok()),
        0,
        "another address of this host, which no network has learned"
    );
    assert_eq!(all.change(|_, view| view.encap_ip = None), 4 + 2 + 6 - 3);
    assert_eq!(all.engine.counters().full_recompiles, 0);
}

#[test]
fn another_site_is_a_full_recompile() {
    let (before, view) = site();
    let mut all = Followed::new((before, view.clone()));
    let after = Site {
        networks: all.site.networks.clone(),
        ..Site::default()
    };
    let changed = all.engine.recompile(&after, view.clone());
    assert_eq!(all.engine.counters().full_recompiles, 1);
    for (bridge, table) in &mut all.tables {
        let flows = all.engine.flows(bridge).unwrap();
        for entry in &changed[bridge] {
            match flows.get(entry) {
                Some((entry, _)) => table.insert(entry.clone(), entry.flow().clone()),
                None => table.remove(entry),
            };
        }
    }
    assert_eq!(all.tables, from_scratch(&after, &view));
}

/// One change, of few objects with few values each, so that they meet.
#[derive(Clone, Debug)]
enum Change {
    Network(u128, Option<(Segment, bool)>),
    Port(u128, Option<PortNow>),
    Host(u128, Option<(Option<&'static str>, bool)>),
    Bind(u128, Option<Option<u32>>),
    LocalVlan(u128, Option<u16>),
    PatchTun(Option<u32>),
    PatchInt(Option<u32>),
    Tunnel(TunnelType, Option<u32>),
    EncapIp(Option<&'static str>),
    Own(Option<u128>),
    Provider(
        &'static str,
        Option<(&'static str, Option<u32>, Option<u32>)>,
    ),
}

#[derive(Clone, Debug)]
struct PortNow {
    network: u128,
    mac: u128,
    address: u128,
    hosts: Vec<u128>,
    port_security: bool,
}

const WIRES: [&str; 2] = ["provider", "inside"];
const BRIDGES: [&str; 2] = ["br-eth1", "br-eth2"];
const ADDRESSES: [&str; 4] = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "fd00::4"];

fn segments() -> impl Strategy<Value = Segment> {
    let wire = prop::sample::select(&WIRES[..]);
    prop_oneof![
        3 => (prop::sample::select(&TunnelType::ALL[..2]), 1..3u32)
            .prop_map(|(tunnel, vni)| Segment::Tunnel { tunnel, vni }),
        1 => (wire.clone(), 1..3u16).prop_map(|(wire, vlan)| Segment::Vlan {
            physical_network: wire.to_owned(),
            vlan,
        }),
        1 => wire.prop_map(|wire| Segment::Flat { physical_network: wire.to_owned() }),
        1 => Just(Segment::Local),
    ]
}

fn changes() -> impl Strategy<Value = Change> {
    let number = || prop::option::weighted(0.8, 1..4u32);
    let address = || prop::option::weighted(0.9, prop::sample::select(&ADDRESSES[..]));
    let port = (
        1..4u128,
        1..4u128,
        1..4u128,
        prop::collection::vec(1..5u128, 0..3),
        any::<bool>(),
    );
    let port = port.prop_map(|(network, mac, address, hosts, port_security)| PortNow {
        network,
        mac,
        address,
        hosts,
        port_security,
    });
    let provider = (prop::sample::select(&BRIDGES[..]), number(), number());
    prop_oneof![
        2 => (1..4u128, prop::option::weighted(0.8, (segments(), any::<bool>())))
            .prop_map(|(n, network)| Change::Network(n, network)),
        6 => (1..7u128, prop::option::weighted(0.8, port)).prop_map(|(n, port)| Change::Port(n, port)),
        2 => (1..5u128, prop::option::weighted(0.8, (address(), any::<bool>())))
            .prop_map(|(n, host)| Change::Host(n, host)),
        4 => (1..7u128, prop::option::weighted(0.8, number())).prop_map(|(n, bound)| Change::Bind(n, bound)),
        3 => (1..4u128, prop::option::weighted(0.8, 1..4u16)).prop_map(|(n, lvid)| Change::LocalVlan(n, lvid)),
        1 => number().prop_map(Change::PatchTun),
        1 => number().prop_map(Change::PatchInt),
        1 => (prop::sample::select(&TunnelType::ALL[..2]), number())
            .prop_map(|(tunnel, ofport)| Change::Tunnel(tunnel, ofport)),
        1 => address().prop_map(Change::EncapIp),
        1 => prop::option::weighted(0.8, 1..5u128).prop_map(Change::Own),
        1 => (prop::sample::select(&WIRES[..]), prop::option::weighted(0.8, provider))
            .prop_map(|(wire, provider)| Change::Provider(wire, provider)),
    ]
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

impl Change {
    fn apply(&self, site: &mut Site, view: &mut HostView, touched: &mut Touched) {
        match self.clone() {
            Self::Network(n, now) => {
                let now = now.map(|(segment, learning)| Network {
                    learning,
                    ..network(n, segment)
                });
                put(&mut site.networks, id(n), now);
                touched.networks.insert(id(n));
            }
            Self::Port(n, now) => {
                let id = id(100 + n);
                let now = now.map(|now| Port {
                    id,
                    mac: port(now.mac, 1, &[]).mac,
                    addresses: port(now.address, 1, &[]).addresses,
                    port_security: now.port_security,
                    ..port(
                        100 + n,
                        now.network,
                        &now.hosts.iter().map(|n| 200 + n).collect::<Vec<_>>(),
                    )
                });
                put(&mut site.ports, id, now);
                touched.ports.insert(id);
            }
            Self::Host(n, now) => {
                let n = 200 + n;
                let now = now.map(|(address, all)| {
                    let mut host = host(n, "192.0.2.9");
                    host.encap_ip = address.map(|address| address.parse().unwrap());
                    if !all {
                        host.encap_types.remove(&TunnelType::Gre);
                    }
                    host
                });
                put(&mut site.hosts, id(n), now);
                touched.hosts.insert(id(n));
            }
            Self::Bind(n, bound) => put(&mut view.bindings, id(100 + n), bound),
            Self::LocalVlan(n, lvid) => put(&mut view.local_vlans, id(n), lvid),
            Self::PatchTun(ofport) => view.patch_tun = ofport,
            Self::PatchInt(ofport) => view.patch_int = ofport,
            Self::Tunnel(tunnel, ofport) => put(&mut view.tunnels, tunnel, ofport),
            Self::EncapIp(address) => {
                view.encap_ip = address.map(|address| address.parse().unwrap());
            }
            Self::Own(host) => view.host = host.map(|n| id(200 + n)),
            Self::Provider(wire, now) => {
                let now = now.map(|(bridge, int_port, phy_port)| Provider {
                    bridge: bridge.to_owned(),
                    int_port,
                    phy_port,
                });
                put(&mut view.providers, wire.to_owned(), now);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Objects come, change and go in any order, alone or several at once, with duplicate MACs and addresses, ports of
    /// unknown networks, hosts without an address, one number for several ports and one local VLAN for several networks.
    #[test]
    fn any_sequence_of_changes_equals_a_compile_from_scratch(
        steps in prop::collection::vec(prop::collection::vec(changes(), 1..4), 1..40)
    ) {
        let mut all = Followed::default();
        for step in steps {
            let mut touched = Touched::default();
            for change in step {
                change.apply(&mut all.site, &mut all.view, &mut touched);
            }
            all.update(&touched);
        }
        // Everything goes: nothing is kept of what was.
        all.change(|site, view| (*site, *view) = Default::default());
        prop_assert!(all.engine.networks.is_empty() && all.engine.seats.is_empty() && all.engine.peers.is_empty());
    }
}
