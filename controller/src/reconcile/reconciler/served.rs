//! Who is served: the networks that must wait before they open, and the ports that are up. Decides from what the bridges are
//! known to have; changes nothing.
//!
//! # When a port is up
//!
//! When every packet that the others may now send to it arrives and every packet it sends is heard: its number is
//! confirmed; `br-int` has the pipeline, the flows of its network and of itself, and nothing stale of the port; and, for
//! a network that reaches other hosts, the bridge on that way has the pipeline and the flows of the network and of the
//! port, `br-tun` also those that let the other hosts in, and the way is open. It does not wait for the flows that lead to
//! ports of other hosts, of which there may be a hundred thousand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::Reconciler;
use crate::compile::{Cookie, PATCH_TUN, Unit, int_port};
use crate::model::{INTEGRATION_BRIDGE, Network, Segment, Site, TUNNEL_BRIDGE};
use crate::reconcile::backlog::Class;
use crate::reconcile::layout::CLOSED;
use crate::reconcile::observed::Observed;
use crate::reconcile::surroundings::Surroundings;

impl Reconciler {
    /// The cookies of what `br-int` must not be sent yet: networks, and their ports here, whose way to other hosts is over
    /// a bridge that does not know what to do with them.
    pub(super) fn waiting(&self, site: &Site) -> BTreeSet<Cookie> {
        let mut waiting = BTreeSet::new();
        let networks = self.engine.view().local_vlans.keys();
        let unready: BTreeSet<Uuid> = networks
            .filter(|id| {
                let network = site.networks.get(id);
                let way = network.and_then(|network| Some((network, self.way(network)?)));
                way.is_some_and(|(network, bridge)| {
                    let cookies = [Cookie::BASE, Unit::Network(**id).cookie()];
                    !self.arrives(network) || !self.serves(bridge, &cookies, Class::Here)
                })
            })
            .copied()
            .collect();
        if unready.is_empty() {
            return waiting;
        }
        for port in self.engine.view().bindings.keys() {
            let network = site.ports.get(port).map(|port| port.network);
            if network.is_some_and(|network| unready.contains(&network)) {
                waiting.insert(Unit::Port(*port).cookie());
            }
        }
        waiting.extend(unready.into_iter().map(|id| Unit::Network(id).cookie()));
        waiting
    }

    /// The bridge over which `br-int` sends packets of the network to other hosts, if it does.
    fn way(&self, network: &Network) -> Option<&str> {
        let view = self.engine.view();
        match &network.segment {
            Segment::Tunnel { .. } => view.patch_tun.map(|_| TUNNEL_BRIDGE),
            Segment::Vlan {
                physical_network, ..
            }
            | Segment::Flat { physical_network } => {
                let provider = view.providers.get(physical_network)?;
                provider.int_port.map(|_| provider.bridge.as_str())
            }
            Segment::Local => None,
        }
    }

    /// True if the bridge has every flow of these objects, up to this class.
    fn serves(&self, bridge: &str, cookies: &[Cookie], last: Class) -> bool {
        self.sessions.get(bridge).is_some_and(|session| {
            let mut cookies = cookies.iter();
            cookies.all(|cookie| session.programme.serves(*cookie, last))
        })
    }

    /// True if the bridge on that way knows by which port packets come from `br-int`; else it has no flows for them.
    fn arrives(&self, network: &Network) -> bool {
        let view = self.engine.view();
        match &network.segment {
            Segment::Tunnel { .. } => view.patch_int.is_some(),
            Segment::Vlan {
                physical_network, ..
            }
            | Segment::Flat { physical_network } => {
                let provider = view.providers.get(physical_network);
                provider.is_some_and(|provider| provider.phy_port.is_some())
            }
            Segment::Local => true,
        }
    }

    /// The ports that are up, see the [module](self).
    pub(super) fn up(
        &mut self,
        observed: &Observed,
        site: &Site,
        around: &Surroundings,
    ) -> Arc<BTreeSet<Uuid>> {
        // Mostly nothing is missing but flows to ports of other hosts, and nothing comes or goes.
        let all_serve = self.sessions.iter().all(|(bridge, session)| {
            let integration = bridge == INTEGRATION_BRIDGE;
            let last = if integration {
                Class::Stale
            } else {
                Class::Peers
            };
            session.programme.serves_all(last)
        });
        if let Some(known) = self.all_up.as_ref().filter(|_| all_serve) {
            return Arc::clone(known);
        }
        let open = |port: &str| {
            let port = observed
                .bridges
                .get(INTEGRATION_BRIDGE)
                .and_then(|bridge| bridge.ports.get(port)?.interfaces.get(port));
            port.and_then(|port| port.options.get("peer"))
                .is_some_and(|peer| peer != CLOSED)
        };
        let view = self.engine.view();
        let lets_peers_in = self
            .sessions
            .get(TUNNEL_BRIDGE)
            .is_some_and(|session| session.programme.has_all(Class::Peers));
        // The networks that are served, with the bridge on their way to other hosts.
        let served = |id: &Uuid| {
            let network = site.networks.get(id)?;
            let reaches_others = match &network.segment {
                Segment::Tunnel { tunnel, .. } => {
                    view.tunnels.contains_key(tunnel) && lets_peers_in && open(PATCH_TUN)
                }
                Segment::Vlan {
                    physical_network, ..
                }
                | Segment::Flat { physical_network } => view
                    .providers
                    .get(physical_network)
                    .is_some_and(|provider| open(&int_port(&provider.bridge))),
                Segment::Local => true,
            };
            let cookies = [Cookie::BASE, Unit::Network(*id).cookie()];
            let way = self.way(network);
            let way_serves = match way {
                Some(bridge) => self.arrives(network) && self.serves(bridge, &cookies, Class::Here),
                None => network.segment == Segment::Local,
            };
            let is_served = reaches_others
                && way_serves
                && self.serves(INTEGRATION_BRIDGE, &cookies, Class::Stale);
            is_served.then_some((*id, way))
        };
        let served: BTreeMap<Uuid, Option<&str>> =
            view.local_vlans.keys().filter_map(served).collect();
        let serve_all = |bridge: &str, last| {
            let session = self.sessions.get(bridge);
            session.is_some_and(|session| session.programme.serves_all(last))
        };
        // Mostly there is no port to ask for one by one.
        let integration_serves_all = serve_all(INTEGRATION_BRIDGE, Class::Stale);
        let ways: BTreeSet<&str> = served.values().flatten().copied().collect();
        let ways_serve_all = ways.into_iter().all(|way| serve_all(way, Class::Here));
        let is_up = |port: &Uuid, network: &Uuid| {
            let Some(way) = served.get(network) else {
                return false;
            };
            let cookie = [Unit::Port(*port).cookie()];
            (integration_serves_all || self.serves(INTEGRATION_BRIDGE, &cookie, Class::Stale))
                && (ways_serve_all || way.is_none_or(|way| self.serves(way, &cookie, Class::Here)))
        };
        let known = |port: &Uuid| view.bindings.get(port).is_some_and(Option::is_some);
        let endpoints = around.endpoints.iter();
        let up = endpoints
            .filter(|(port, network)| known(port) && is_up(port, network))
            .map(|(port, _)| *port);
        let up = Arc::new(up.collect());
        self.all_up = all_serve.then(|| Arc::clone(&up));
        up
    }
}
