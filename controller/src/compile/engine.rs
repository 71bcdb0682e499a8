//! The flows of a host, kept as they must be while intent and view change.
//!
//! Every flow belongs to one [`Unit`]. What a unit wants is a pure function of a few facts, which stand in [`presence`];
//! when a fact changes, the units that are made of it are compiled again, and no others:
//!
//! | fact                                              | made of                             | units compiled again      |
//! |---------------------------------------------------|-------------------------------------|---------------------------|
//! | numbers of patch ports                            | view                                | `Base`                    |
//! | [`Peer`]: another host's address and tunnel types | host, this host's address and id    | `Host`; `Network` and the `Port`s up on that host, of networks here |
//! | numbers of tunnel ports                           | view                                | every `Host`              |
//! | [`Presence`] of a network here                    | network, view                       | `Network`, all its `Port`s |
//! | port                                              | port, its number in the view        | `Port`                    |
//! | [`Plugged`]: what its network floods to           | port, its number in the view        | `Network`                 |
//! | hosts on which a network has ports                | all its ports, by counting          | `Network`                 |
//!
//! There is no other way in: a compile from scratch is an empty engine that is told of everything.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use uuid::Uuid;

use super::presence::{Peer, Plugged, Presence, Tunnel};
use super::{BridgeFlows, Entry, HostFlows, HostView, Unit, base, host, network, port, responder};
use crate::model::{INTEGRATION_BRIDGE, Port, Site, TUNNEL_BRIDGE, Touched, differing};

/// What the engine has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// How often everything known was thrown away and compiled anew.
    pub full_recompiles: u64,
    /// Units compiled.
    pub units: u64,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Engine {
    view: HostView,
    /// The other hosts.
    peers: BTreeMap<Uuid, Peer>,
    /// Every network that is here or has ports.
    networks: HashMap<Uuid, Members>,
    /// Every port: where it was counted.
    seats: HashMap<Uuid, Seat>,
    bridges: BTreeMap<String, BridgeFlows>,
    counters: Counters,
}

/// What is known of a network.
#[derive(Debug, Default)]
struct Members {
    /// Present here, and how.
    here: Option<Presence>,
    ports: BTreeSet<Uuid>,
    /// Those of the ports that are plugged in here.
    plugged: BTreeMap<Uuid, Plugged>,
    /// How many of the ports are up on each host.
    hosts: BTreeMap<Uuid, usize>,
}

/// What of a port its network has counted.
#[derive(Debug)]
struct Seat {
    network: Uuid,
    hosts: Box<[Uuid]>,
}

impl Engine {
    /// Compiles everything for one host.
    #[must_use]
    pub fn new(site: &Site, view: HostView) -> Self {
        let mut engine = Self::default();
        engine.update(site, view, &Touched::between(&Site::default(), site));
        engine
    }

    /// Takes in what has changed of the site, and the view as it is now. Returns by bridge the entries in which something
    /// may be different now.
    pub fn update(
        &mut self,
        site: &Site,
        view: HostView,
        touched: &Touched,
    ) -> BTreeMap<String, Vec<Entry>> {
        self.update_beside(site, view, touched, |_, _| None)
    }

    /// [`Engine::update`] that takes what is `there`, on a bridge in the place of an entry, for its own where it is the same:
    /// on a switch that is as it shall be there are no flows in memory twice, not even for a moment.
    pub fn update_beside(
        &mut self,
        site: &Site,
        view: HostView,
        touched: &Touched,
        there: impl Fn(&str, &Entry) -> Option<Entry>,
    ) -> BTreeMap<String, Vec<Entry>> {
        let old = std::mem::replace(&mut self.view, view);
        self.renew(site, Some(&old), touched, there)
    }

    /// [`Engine::update`] with the view as it was.
    pub fn site_changed(&mut self, site: &Site, touched: &Touched) -> BTreeMap<String, Vec<Entry>> {
        self.renew(site, None, touched, |_, _| None)
    }

    /// `old` is the view before this one, unless that is the same.
    fn renew(
        &mut self,
        site: &Site,
        old: Option<&HostView>,
        touched: &Touched,
        there: impl Fn(&str, &Entry) -> Option<Entry>,
    ) -> BTreeMap<String, Vec<Entry>> {
        let mut dirty = BTreeSet::new();
        if self.bridges.is_empty() || old.is_some_and(|old| self.base_differs(old)) {
            dirty.insert(Unit::Base);
        }
        if old.is_some_and(|old| old.tunnels != self.view.tunnels) {
            dirty.extend(self.peers.keys().map(|id| Unit::Host(*id)));
        }
        let reach_differs =
            old.is_some_and(|old| (old.host, old.encap_ip) != (self.view.host, self.view.encap_ip));
        let all_hosts = site.hosts.keys().filter(|_| reach_differs);
        for id in all_hosts.chain(&touched.hosts) {
            self.look_at_host(site, *id, &mut dirty);
        }
        for id in self.networks_to_look_at(old, touched) {
            self.look_at_network(site, id, &mut dirty);
        }
        for id in &touched.ports {
            self.look_at_port(site, *id, &mut dirty);
        }
        let bindings = old.map(|old| differing(&old.bindings, &self.view.bindings));
        for id in bindings.into_iter().flatten() {
            self.look_at_port(site, id, &mut dirty);
        }
        let mut changed = BTreeMap::new();
        for unit in dirty {
            self.compile(site, unit, &there, &mut changed);
        }
        changed
    }

    /// Throws away what is known, if anything is, and takes in everything: for a site that has nothing to do with the one
    /// before.
    pub fn recompile(&mut self, site: &Site, view: HostView) -> BTreeMap<String, Vec<Entry>> {
        let before = std::mem::take(self);
        self.counters = before.counters;
        self.counters.full_recompiles += u64::from(!before.bridges.is_empty());
        let mut changed = self.update(site, view, &Touched::between(&Site::default(), site));
        for (bridge, flows) in before.bridges {
            let gone = flows.iter().map(|(entry, _)| entry.clone());
            changed.entry(bridge).or_default().extend(gone);
        }
        changed
    }

    /// The flows of a bridge; none when it needs none.
    #[must_use]
    pub fn flows(&self, bridge: &str) -> Option<&BridgeFlows> {
        self.bridges.get(bridge)
    }

    /// The bridges that have had flows.
    pub fn bridges(&self) -> impl Iterator<Item = (&str, &BridgeFlows)> {
        self.bridges
            .iter()
            .map(|(name, flows)| (name.as_str(), flows))
    }

    /// What was given with the last update.
    #[must_use]
    pub fn view(&self) -> &HostView {
        &self.view
    }

    /// What has been done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn base_differs(&self, old: &HostView) -> bool {
        let of = |view: &HostView| (view.patch_tun, view.patch_int);
        of(old) != of(&self.view) || old.providers != self.view.providers
    }

    /// Networks that are touched, or that the view shows in another light.
    fn networks_to_look_at(&self, old: Option<&HostView>, touched: &Touched) -> BTreeSet<Uuid> {
        let mut networks = touched.networks.clone();
        let Some(old) = old else {
            return networks;
        };
        let new = &self.view;
        if self.base_differs(old) || old.tunnels != new.tunnels || old.encap_ip != new.encap_ip {
            networks.extend(old.local_vlans.keys().chain(new.local_vlans.keys()));
        } else {
            networks.extend(differing(&old.local_vlans, &new.local_vlans));
        }
        networks
    }

    fn look_at_host(&mut self, site: &Site, id: Uuid, dirty: &mut BTreeSet<Unit>) {
        let peer = site
            .hosts
            .get(&id)
            .and_then(|host| Peer::of(host, &self.view));
        if self.peers.get(&id) == peer.as_ref() {
            return;
        }
        match peer {
            Some(peer) => self.peers.insert(id, peer),
            None => self.peers.remove(&id),
        };
        dirty.insert(Unit::Host(id));
        let has_ports_there = |members: &&Members| members.hosts.contains_key(&id);
        for here in self.view.local_vlans.keys() {
            let Some(members) = self.networks.get(here).filter(has_ports_there) else {
                continue;
            };
            dirty.insert(Unit::Network(*here));
            let up_there = |port: &&Uuid| {
                let seat = self.seats.get(port);
                seat.is_some_and(|seat| seat.hosts.contains(&id))
            };
            let ports = members.ports.iter().filter(up_there);
            dirty.extend(ports.map(|port| Unit::Port(*port)));
        }
    }

    fn look_at_network(&mut self, site: &Site, id: Uuid, dirty: &mut BTreeSet<Unit>) {
        let here = site
            .networks
            .get(&id)
            .and_then(|network| Presence::of(network, &self.view));
        let members = self.networks.entry(id).or_default();
        if members.here != here {
            members.here = here;
            dirty.insert(Unit::Network(id));
            dirty.extend(members.ports.iter().map(|port| Unit::Port(*port)));
        }
        self.forget_if_empty(id);
    }

    fn look_at_port(&mut self, site: &Site, id: Uuid, dirty: &mut BTreeSet<Unit>) {
        dirty.insert(Unit::Port(id));
        let port = site.ports.get(&id);
        // First what it is, then what it was: a host that is in both is never without a port in between.
        let before = match port {
            Some(port) => {
                let plugged = self.view.bindings.get(&id).map(|&ofport| Plugged {
                    ofport,
                    port_security: port.port_security,
                });
                let seat = Seat {
                    network: port.network,
                    hosts: port.hosts.iter().copied().collect(),
                };
                let members = self.networks.entry(port.network).or_default();
                members.ports.insert(id);
                if members.count(&seat.hosts) | members.plug(id, plugged) {
                    dirty.insert(Unit::Network(port.network));
                }
                self.seats.insert(id, seat)
            }
            None => self.seats.remove(&id),
        };
        let Some(Seat { network, hosts }) = before else {
            return;
        };
        if let Some(members) = self.networks.get_mut(&network) {
            let mut differs = members.discount(&hosts);
            if port.is_none_or(|port| port.network != network) {
                members.ports.remove(&id);
                differs |= members.plug(id, None);
            }
            if differs {
                dirty.insert(Unit::Network(network));
            }
        }
        self.forget_if_empty(network);
    }

    fn forget_if_empty(&mut self, network: Uuid) {
        let empty = |members: &Members| members.here.is_none() && members.ports.is_empty();
        if self.networks.get(&network).is_some_and(empty) {
            self.networks.remove(&network);
        }
    }

    fn compile(
        &mut self,
        site: &Site,
        unit: Unit,
        there: impl Fn(&str, &Entry) -> Option<Entry>,
        changed: &mut BTreeMap<String, Vec<Entry>>,
    ) {
        self.counters.units += 1;
        let mut out = self.wanted(site, unit);
        for name in [INTEGRATION_BRIDGE, TUNNEL_BRIDGE]
            .into_iter()
            .chain(out.providers.keys().map(String::as_str))
        {
            if !self.bridges.contains_key(name) {
                self.bridges.insert(name.to_owned(), BridgeFlows::default());
            }
        }
        for (name, flows) in &mut self.bridges {
            let mut wanted = out.providers.remove(name).unwrap_or_default();
            match name.as_str() {
                INTEGRATION_BRIDGE => wanted.append(&mut out.integration),
                TUNNEL_BRIDGE => wanted.append(&mut out.tunnel),
                _ => {}
            }
            let mut touched = Vec::new();
            flows.replace(unit, wanted, |entry| there(name, entry), &mut touched);
            if !touched.is_empty() {
                match changed.get_mut(name) {
                    Some(entries) => entries.append(&mut touched),
                    None => drop(changed.insert(name.clone(), touched)),
                }
            }
        }
    }

    fn wanted(&self, site: &Site, unit: Unit) -> HostFlows {
        let mut out = HostFlows::default();
        match unit {
            Unit::Base => base::compile(&self.view, &mut out),
            Unit::Host(id) => {
                if let Some(peer) = self.peers.get(&id) {
                    host::compile(&self.view, id, peer, &mut out);
                }
            }
            Unit::Network(id) => {
                if let Some((here, members)) = self.here(id) {
                    let plugged: Vec<_> = members.plugged.values().copied().collect();
                    let peers = self.addresses(here, members.hosts.keys());
                    network::compile(here, &plugged, &peers, &mut out);
                }
            }
            Unit::Port(id) => {
                if let Some(port) = site.ports.get(&id)
                    && let Some((here, _)) = self.here(port.network)
                {
                    self.port(here, port, &mut out);
                }
            }
        }
        out
    }

    fn port(&self, here: &Presence, port: &Port, out: &mut HostFlows) {
        if let Some(&ofport) = self.view.bindings.get(&port.id) {
            let elsewhere = port.hosts.iter().any(|host| self.peers.contains_key(host));
            if let Some(ofport) = ofport {
                port::compile(here, port, ofport, elsewhere, out);
            }
            if here.tunnel().is_some() && !elsewhere {
                responder::local(here, port, out);
            }
        }
        if let Some(through) = here.tunnel() {
            let peers = self.addresses(here, &port.hosts);
            if !peers.is_empty() {
                responder::remote(here, through, port, &peers, out);
            }
        }
    }

    fn here(&self, network: Uuid) -> Option<(&Presence, &Members)> {
        let members = self.networks.get(&network)?;
        Some((members.here.as_ref()?, members))
    }

    /// Where tunnels of the network to these hosts end.
    fn addresses<'a>(
        &self,
        here: &Presence,
        hosts: impl IntoIterator<Item = &'a Uuid>,
    ) -> BTreeSet<IpAddr> {
        let Some(Tunnel { kind, .. }) = here.tunnel() else {
            return BTreeSet::new();
        };
        let peers = hosts.into_iter().filter_map(|id| self.peers.get(id));
        peers.filter_map(|peer| peer.address(kind)).collect()
    }
}

impl Members {
    /// One more port is up on these hosts. True if there was none on one of them.
    fn count(&mut self, hosts: &[Uuid]) -> bool {
        let mut differs = false;
        for host in hosts {
            let ports = self.hosts.entry(*host).or_insert(0);
            differs |= *ports == 0;
            *ports = ports.saturating_add(1);
        }
        differs
    }

    /// One port less is up on these hosts. True if there is none any more on one of them.
    fn discount(&mut self, hosts: &[Uuid]) -> bool {
        let mut differs = false;
        for host in hosts {
            match self.hosts.get_mut(host) {
                Some(ports) if *ports > 1 => *ports -= 1,
                _ => differs |= self.hosts.remove(host).is_some(),
            }
        }
        differs
    }

    /// True if the port was not plugged in like this before.
    fn plug(&mut self, port: Uuid, plugged: Option<Plugged>) -> bool {
        let before = match plugged {
            Some(plugged) => self.plugged.insert(port, plugged),
            None => self.plugged.remove(&port),
        };
        before != plugged
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
