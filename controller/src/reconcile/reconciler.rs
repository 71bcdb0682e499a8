//! The state machine between intent and switch: events in, commands out. No socket, no clock, no task.
//!
//! [`Reconciler::step`] takes in what has changed since the last one and says what to do next. It is called again after
//! each event, so a command that failed or became wrong is simply never repeated: there is no list of things to do, only
//! the difference between what shall be and what is, kept entry by entry in each bridge's `Programme`.
//!
//! | what is known                              | what comes next                                              |
//! |--------------------------------------------|--------------------------------------------------------------|
//! | bridges or ports differ                    | one transaction; the next once its outcome and rows are here |
//! | flows of a provider bridge or `br-tun` differ | a bundle for each                                         |
//! | flows of `br-int` differ                   | a bundle with all but the networks whose way out is not right yet |
//! | nothing differs                            | the report says so                                           |
//!
//! # Why no packet strays while flows are half-way
//!
//! A bundle is atomic, but a large difference takes many, on several bridges. What a packet meets in between is a mixture
//! of flows of before and flows of after. It stays in its network, whatever the mixture and the order, because the two
//! numbers that carry the meaning "this network" never have two meanings on one switch at one time:
//!
//! - *A local VLAN* is given to a network only when no flow of any bridge, on its way or there, mentions it.
//! - *A port's number* on `br-int` is compiled into flows only when no flow there, on its way or installed, knows it for
//!   another port, network or local VLAN (`Mentions`). A port that changes its network, or gets the number of one that
//!   has gone, is therefore closed first, and opened when what knew it has been acknowledged as gone.
//!
//! So a flow that is still missing can only lose a packet, never lead it astray. Two things on the way can: a bridge that
//! forwards what it does not know, and a check that is not there yet. Hence on each bridge the pipeline itself (drops
//! included) goes first, patch ports stay closed until the bridges at both ends are guarded, and what `br-int` sends
//! towards a bridge it sends only when that bridge has the pipeline and the network's own flows.
//!
//! # When a flow is refused
//!
//! A flow that the switch refuses, or that can not be sent, is set aside; the rest of its bundle goes again, and everything
//! else goes on. Nothing is open that would not be if the flow were only late: what is in its place and is no drop is
//! deleted, the object that it serves is not up, and where it is one of the pipeline's the bridge gets no flow but the
//! pipeline's and no patch port that is closed is opened; nor is a drop deleted then that may be all that closes. It is
//! tried again when it shall be another flow, or in a new session.

mod served;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flows::Flow;
use uuid::Uuid;

use super::backlog::Class;
use super::bindings::Names;
use super::flow_mod::tell_refused;
use super::layout::{Change, Plan, plan_local_vlans};
use super::local_vlans::{Allocator, with_recorded};
use super::observation::{Edit, Listed, Observation};
use super::observed::Observed;
use super::programme::Programme;
use super::surroundings::Surroundings;
use super::unreachable::unreachable_networks;
use crate::compile::{
    BridgeFlows, Cookie, Counters, Engine, Entry, HostView, Kind, PATCH_INT, PATCH_TUN, Provider,
    Unit, int_port, phy_port, tunnel_port,
};
use crate::model::{
    INTEGRATION_BRIDGE, Network, Segment, Settings, Site, TUNNEL_BRIDGE, Touched, TunnelType,
};

pub use super::flow_mod::{FlowMod, Refused};

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Change the switch's database, in one transaction; answer with [`Reconciler::transaction_ended`].
    Transact(Vec<Change>),
    /// Change a bridge's flows, in one bundle, behind those that are on their way to it; answer with
    /// [`Reconciler::bundle_acknowledged`].
    Program {
        /// The bridge.
        bridge: String,
        /// In order.
        changes: Vec<FlowMod>,
    },
}

/// How the host does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Every difference is gone: what the intent said at this revision is on the switch.
    pub applied: Option<u64>,
    /// Ports (`_uuid`) that are plugged in and whose flows are acknowledged.
    pub up: Arc<BTreeSet<Uuid>>,
    /// Ports (`_uuid`) that are plugged in, whether their flows are there or not.
    pub plugged: Arc<BTreeSet<Uuid>>,
    /// See [`Bindings::unbound`].
    pub unbound: BTreeMap<String, String>,
    /// What keeps a part of the host from working, by what it is about.
    pub problems: BTreeMap<String, String>,
}

/// An OpenFlow session with one bridge.
#[derive(Debug)]
struct Session {
    /// The bridge's ports, as this session has listed them: number → name (at most 15 bytes of it).
    ports: BTreeMap<u32, String>,
    programme: Programme,
}

/// What there is to say of a view.
#[derive(Clone, Copy, Debug, Default)]
struct Viewed {
    /// The database and the sessions agree on all numbers of ports; if not, one of them is about to change.
    agreed: bool,
    /// A port's number is withheld because flows still know it for something else.
    withheld: bool,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Reconciler {
    engine: Engine,
    /// What of the site has changed since the last step; none: it is another site than before.
    touched: Option<Touched>,
    names: Names,
    /// As they were at the last step.
    surroundings: Option<Surroundings>,
    /// How the last view was made; none: something that it was made of may be different.
    viewed: Option<Viewed>,
    /// The flows of bridges with which sessions will begin, as far as they are listed.
    listed: BTreeMap<String, Vec<Entry>>,
    sessions: BTreeMap<String, Session>,
    allocator: Allocator,
    /// The local VLANs of networks with a port here, since they were first read with every bridge's flows known.
    in_force: BTreeMap<Uuid, u16>,
    /// The ports that are up while all flows are there that they need; none: something else that it follows from may be
    /// different.
    all_up: Option<Arc<BTreeSet<Uuid>>>,
    transacting: bool,
}

impl Reconciler {
    /// These objects of the site may have changed since the last step.
    pub fn site_changed(&mut self, touched: Touched) {
        if let Some(known) = &mut self.touched {
            known.extend(touched);
        }
    }

    /// The site has nothing to do with the one at the last step.
    pub fn site_replaced(&mut self) {
        self.touched = None;
    }

    /// What compiling has cost so far.
    #[must_use]
    pub fn compiled(&self) -> Counters {
        self.engine.counters()
    }

    /// A session with the bridge will begin, and says what flows there are. Nothing follows from that before it has begun;
    /// but what is as it shall be is held once, from now on.
    pub fn flows_listed(&mut self, bridge: &str, listed: Listed) {
        let wanted = self.engine.flows(bridge);
        let known = |entry: &Entry| {
            let (wanted, _) = wanted?.get(entry)?;
            wanted.same_as(entry).then(|| wanted.clone())
        };
        let entries = self.listed.entry(bridge.to_owned()).or_default();
        match listed {
            Listed::Nothing => entries.clear(),
            Listed::Flows(flows) => entries.extend(flows.into_iter().map(|flow| {
                let entry = Entry::new(flow);
                known(&entry).unwrap_or(entry)
            })),
            Listed::Again(table) => entries.retain(|entry| entry.flow().table != table),
        }
    }

    /// A session with the bridge has begun: its flows are all listed, and these are its ports. Returns how many flows
    /// there are.
    pub fn session_began(&mut self, bridge: &str, ports: BTreeMap<u32, String>) -> usize {
        self.viewed = None;
        let own = [INTEGRATION_BRIDGE, TUNNEL_BRIDGE].contains(&bridge);
        let listed = self.listed.remove(bridge).unwrap_or_default();
        let flows = listed.len();
        let programme = Programme::new(own, bridge == INTEGRATION_BRIDGE, listed);
        self.sessions
            .insert(bridge.to_owned(), Session { ports, programme });
        flows
    }

    /// The session with the bridge has ended: nothing is known of its flows any more.
    pub fn session_ended(&mut self, bridge: &str) {
        self.viewed = None;
        self.listed.remove(bridge);
        self.sessions.remove(bridge);
    }

    /// The session says that a port is there (or has this name now), or is gone.
    pub fn port_changed(&mut self, bridge: &str, ofport: u32, name: Option<String>) {
        self.viewed = None;
        if let Some(session) = self.sessions.get_mut(bridge) {
            match name {
                Some(name) => session.ports.insert(ofport, name),
                None => session.ports.remove(&ofport),
            };
        }
    }

    /// heddle's flows as the switch has acknowledged them, with their bridges, in no order.
    pub fn installed(&self) -> impl Iterator<Item = (&str, &Flow)> {
        self.sessions.iter().flat_map(|(bridge, session)| {
            let flows = session.programme.installed();
            flows.map(move |flow| (bridge.as_str(), flow))
        })
    }

    /// Somebody else has changed a flow of the bridge. Says what that undoes, if it is of interest; the next
    /// [`Reconciler::step`] repairs it. What the switch learns by itself is no edit.
    pub fn flow_observed(&mut self, bridge: &str, observation: Observation) -> Option<Edit> {
        self.viewed = None;
        let session = self.sessions.get_mut(bridge)?;
        session.programme.observed(observation)
    }

    /// True if others have changed flows since the last [`Reconciler::paused`].
    #[must_use]
    pub fn wants_pause(&self) -> bool {
        let mut sessions = self.sessions.values();
        sessions.any(|session| session.programme.wants_pause())
    }

    /// A second or so has passed. What others have changed several times since the last pause was not put right any more;
    /// from the next [`Reconciler::step`] on it is again.
    pub fn paused(&mut self) {
        for session in self.sessions.values_mut() {
            session.programme.paused();
        }
    }

    /// The first of the bundles on their way to the bridge is committed.
    pub fn bundle_acknowledged(&mut self, bridge: &str) {
        if let Some(session) = self.sessions.get_mut(bridge) {
            session.programme.acknowledged();
        }
        self.viewed.take_if(|viewed| viewed.withheld);
    }

    /// None of the bundles on their way to the bridge is made, because of these changes. They are set aside until what the
    /// flows shall be is something else, or a new session begins; the next [`Reconciler::step`] sends the others again.
    /// False if so many were refused that no flow is to blame: the session is best ended.
    #[must_use]
    pub fn bundles_refused(&mut self, bridge: &str, refused: Vec<Refused>) -> bool {
        self.viewed = None;
        let session = self.sessions.get_mut(bridge);
        session.is_none_or(|session| session.programme.refused(refused))
    }

    /// The transaction is committed and its rows are in what is observed, or it came to nothing.
    pub fn transaction_ended(&mut self) {
        self.transacting = false;
    }

    /// The bridges with which a session is needed.
    #[must_use]
    pub fn bridges(settings: &Settings, observed: &Observed) -> BTreeSet<String> {
        let mapped = settings.bridge_mappings.values().map(String::as_str);
        let wanted: BTreeSet<&str> = mapped.chain([INTEGRATION_BRIDGE, TUNNEL_BRIDGE]).collect();
        let bridges = observed.bridges.iter().filter(|(name, bridge)| {
            // A bridge that is no longer mapped is left only after heddle's flows and ports are gone from it.
            bridge.datapath_id.is_some()
                && (wanted.contains(name.as_str())
                    || bridge.ports.values().any(|port| port.is_owned()))
        });
        bridges.map(|(name, _)| name.clone()).collect()
    }

    /// How many flows the switch has acknowledged: bridge, table, the kind of object that they serve, number.
    pub fn flow_counts(&self) -> impl Iterator<Item = (&str, u8, Option<Kind>, u64)> {
        self.sessions.iter().flat_map(|(bridge, session)| {
            let mut counts: BTreeMap<(u8, Option<Kind>), u64> = BTreeMap::new();
            for flow in session.programme.installed() {
                let kind = Cookie::from_raw(flow.cookie).and_then(Cookie::kind);
                let count = counts.entry((flow.table, kind)).or_default();
                *count = count.saturating_add(1);
            }
            counts
                .into_iter()
                .map(move |((table, kind), count)| (bridge.as_str(), table, kind, count))
        })
    }

    /// Says what to do next, and how the host does.
    ///
    /// `host` is the `_uuid` of this host's row in the northbound database.
    pub fn step(
        &mut self,
        settings: &Settings,
        host: Option<Uuid>,
        observed: &Arc<Observed>,
        site: &Site,
    ) -> (Vec<Command>, Report) {
        let touched = self.touched.replace(Touched::default());
        let mut around = self.surroundings(settings, observed, site, touched.as_ref());
        let current = self.viewed.filter(|_| self.engine.view().host == host);
        if current.is_none() || touched.as_ref().is_none_or(|touched| !touched.is_empty()) {
            self.all_up = None;
        }
        let (viewed, changed) = match (current, touched) {
            (Some(viewed), Some(touched)) => (viewed, self.engine.site_changed(site, &touched)),
            (_, touched) => {
                let (view, viewed) = self.view(settings, host, observed, &around);
                let changed = match touched {
                    Some(touched) => {
                        let there = |bridge: &str, entry: &Entry| {
                            self.sessions.get(bridge)?.programme.there(entry).cloned()
                        };
                        self.engine.update_beside(site, view, &touched, there)
                    }
                    None => self.engine.recompile(site, view),
                };
                (viewed, changed)
            }
        };
        self.viewed = Some(viewed);
        self.compare(changed, settings.mask_limit);

        let mut commands = Vec::new();
        let mut problems = BTreeMap::new();
        let waiting = self.waiting(site);
        self.program(&around.needed, &waiting, &mut commands, &mut problems);
        let nobody = BTreeSet::new();
        let guarded = self.bridges_that(&around.needed, |bridge, programme| {
            let integration = bridge == INTEGRATION_BRIDGE;
            programme.is_guarded(if integration { &waiting } else { &nobody })
                && self.agree(observed, bridge, &phy_port(bridge))
        });
        let right = self.bridges_that(&around.needed, |_, programme| programme.is_right());
        let Plan {
            changes,
            problems: misfits,
        } = around.plan(&guarded);
        let mut changes = changes.clone();
        problems.extend(misfits.clone());
        if around.lacks_local_vlans {
            let local_vlans = self.local_vlans(&around, &mut problems, site);
            changes.extend(plan_local_vlans(
                observed,
                site,
                &around.bindings,
                &local_vlans,
            ));
        } else {
            changes.extend(around.to_note.iter().cloned());
        }
        let planned = !changes.is_empty();
        if planned && !self.transacting {
            self.transacting = true;
            commands.push(Command::Transact(changes));
        }

        let settled = viewed.agreed && !planned && !self.transacting && right == around.needed;
        let both = [INTEGRATION_BRIDGE, TUNNEL_BRIDGE]
            .iter()
            .all(|name| around.needed.contains(*name));
        let nothing = BridgeFlows::default();
        let up = self.up(observed, site, &around);
        unreachable_networks(settings, self.engine.view(), site, &mut problems);
        problems.extend(around.bindings.problems.clone());
        for (bridge, session) in &self.sessions {
            let want = self.engine.flows(bridge).unwrap_or(&nothing);
            let set_aside = session.programme.set_aside();
            tell_refused(bridge, want, set_aside, site, &mut problems);
        }
        let report = Report {
            applied: (settled && both).then_some(site.revision),
            up,
            plugged: Arc::clone(&around.plugged),
            unbound: around.bindings.unbound.clone(),
            problems,
        };
        self.surroundings = Some(around);
        (commands, report)
    }

    /// Those of the last step, if they still hold.
    fn surroundings(
        &mut self,
        settings: &Settings,
        observed: &Arc<Observed>,
        site: &Site,
        touched: Option<&Touched>,
    ) -> Surroundings {
        let mut known = self.surroundings.take();
        match touched {
            Some(touched) => {
                let renamed = self.names.ports_changed(site, &touched.ports);
                known = known.filter(|known| !renamed && known.hold(observed, settings, touched));
            }
            None => {
                self.names.clear();
                known = None;
            }
        }
        // Until what the rows say is believed, it is held against the flows each time.
        if let Some(known) = known.filter(|known| known.believed) {
            return known;
        }
        self.viewed = None;
        let mut names = std::mem::take(&mut self.names);
        let around =
            Surroundings::new(observed, settings, site, &mut names, |endpoints, needed| {
                self.believe(observed, site, endpoints, needed)
            });
        self.names = names;
        around
    }

    /// The local VLANs that networks have: those in force, and of others those that rows tell if no flow speaks against it.
    /// The second is true if those of all networks with an endpoint are in force now.
    fn believe(
        &mut self,
        observed: &Observed,
        site: &Site,
        endpoints: &BTreeMap<Uuid, Uuid>,
        needed: &BTreeSet<String>,
    ) -> (BTreeMap<Uuid, u16>, bool) {
        let networks: BTreeSet<Uuid> = endpoints.values().copied().collect();
        let mut in_force = std::mem::take(&mut self.in_force);
        in_force.retain(|network, _| networks.contains(network));
        let out = with_recorded(in_force.clone(), observed, |network, lvid| {
            !self.is_of_another(lvid, network, site)
        });
        if !needed.is_empty() && self.knows_all(needed) {
            let here = out.iter().filter(|(id, _)| networks.contains(id));
            in_force = here.map(|(id, lvid)| (*id, *lvid)).collect();
        }
        let all = in_force.len() == networks.len();
        self.in_force = in_force;
        (out, all)
    }

    /// True if flows of another network mention the VLAN id as its local VLAN.
    fn is_of_another(&self, lvid: u16, network: Uuid, site: &Site) -> bool {
        let own = Unit::Network(network).cookie();
        let sessions = self.sessions.values();
        let mut others = sessions
            .flat_map(|session| session.programme.mentions().networks_with(lvid))
            .filter(|cookie| *cookie != own);
        others.any(|cookie| {
            // It may be what the other's VLAN is on the wire.
            let on_the_wire = |network: &Network| {
                matches!(&network.segment, Segment::Vlan { vlan, .. } if *vlan == lvid)
                    && Unit::Network(network.id).cookie() == cookie
            };
            !site.networks.values().any(on_the_wire)
        })
    }

    /// The ports and local VLANs that flows may be made of: those that the database and the session agree on.
    fn view(
        &self,
        settings: &Settings,
        host: Option<Uuid>,
        observed: &Observed,
        around: &Surroundings,
    ) -> (HostView, Viewed) {
        let agreed = Cell::new(true);
        let confirmed = |bridge: &str, port: &str, ofport: u32| {
            let confirmed = self.confirmed(bridge, port, ofport);
            agreed.set(agreed.get() && confirmed);
            confirmed
        };
        let confirm = |bridge: &str, port: &str| {
            let ofport = observed.bridges.get(bridge)?.ofport(port)?;
            confirmed(bridge, port, ofport).then_some(ofport)
        };
        let mut view = HostView {
            host,
            patch_tun: confirm(INTEGRATION_BRIDGE, PATCH_TUN),
            patch_int: confirm(TUNNEL_BRIDGE, PATCH_INT),
            encap_ip: settings.encap_ip,
            ..HostView::default()
        };
        for tunnel in TunnelType::ALL {
            view.tunnels.extend(
                confirm(TUNNEL_BRIDGE, &tunnel_port(tunnel)).map(|ofport| (tunnel, ofport)),
            );
        }
        for (physical_network, bridge) in &settings.bridge_mappings {
            let phy_port = phy_port(bridge);
            let confirmed = confirm(bridge, &phy_port);
            let provider = Provider {
                bridge: bridge.clone(),
                int_port: confirm(INTEGRATION_BRIDGE, &int_port(bridge)),
                phy_port: self.listed(bridge, &phy_port).or(confirmed),
            };
            view.providers.insert(physical_network.clone(), provider);
        }
        let mut withheld = false;
        for (id, network) in &around.endpoints {
            let bound = around.bindings.bound.get(id);
            if let (Some(bound), Some(&lvid)) = (bound, around.recorded.get(network)) {
                let owners = [Unit::Port(*id).cookie(), Unit::Network(*network).cookie()];
                let usable = |ofport: &u32| {
                    confirmed(INTEGRATION_BRIDGE, &bound.interface, *ofport)
                        && self.is_free_for(*ofport, owners, lvid)
                };
                let ofport = bound.ofport.filter(usable);
                withheld |= ofport != bound.ofport;
                view.local_vlans.insert(*network, lvid);
                view.bindings.insert(*id, ofport);
            }
        }
        let agreed = agreed.get();
        (view, Viewed { agreed, withheld })
    }

    /// True if the session, too, says that the port has this number. After a restart of the switch its database
    /// still has the numbers of before, and a flow made with one would let a port into another's network.
    fn confirmed(&self, bridge: &str, port: &str, ofport: u32) -> bool {
        let name = self
            .sessions
            .get(bridge)
            .and_then(|session| session.ports.get(&ofport));
        name.is_some_and(|name| *name == openflow_name(port))
    }

    /// True if the session knows the port by the number that the database has, if it has one: flows know it by no other.
    fn agree(&self, observed: &Observed, bridge: &str, port: &str) -> bool {
        let number = observed
            .bridges
            .get(bridge)
            .and_then(|row| row.ofport(port));
        number.is_none_or(|number| self.confirmed(bridge, port, number))
    }

    /// The number of a port as the session says it. What guards a bridge that forwards by itself has to stay while the
    /// switch has the port, whatever its database says already or yet.
    fn listed(&self, bridge: &str, port: &str) -> Option<u32> {
        let ports = &self.sessions.get(bridge)?.ports;
        let mut called_so = ports
            .iter()
            .filter(|(_, name)| *name == openflow_name(port))
            .map(|(number, _)| *number);
        let number = called_so.next();
        // Only the beginning of a long name is known here.
        number.filter(|_| called_so.next().is_none())
    }

    /// True if there is a session with every one of these bridges.
    fn knows_all(&self, needed: &BTreeSet<String>) -> bool {
        needed
            .iter()
            .all(|bridge| self.sessions.contains_key(bridge))
    }

    /// True if no flow of `br-int` knows the number for anything else.
    fn is_free_for(&self, ofport: u32, owners: [Cookie; 2], lvid: u16) -> bool {
        let session = self.sessions.get(INTEGRATION_BRIDGE);
        session.is_some_and(|session| {
            let mentions = session.programme.mentions();
            mentions.is_free_for(ofport, owners, lvid)
        })
    }

    /// Tells each bridge's programme what may be different now.
    fn compare(&mut self, mut changed: BTreeMap<String, Vec<Entry>>, mask_limit: usize) {
        let view = self.engine.view();
        let class_of = |unit| match unit {
            Unit::Base => Class::Base,
            Unit::Port(id) if !view.bindings.contains_key(&id) => Class::Elsewhere,
            Unit::Network(_) | Unit::Port(_) => Class::Here,
            Unit::Host(_) => Class::Peers,
        };
        let nothing = BridgeFlows::default();
        for (bridge, session) in &mut self.sessions {
            let want = self.engine.flows(bridge).unwrap_or(&nothing);
            let changed = changed.remove(bridge).unwrap_or_default();
            session.programme.limit_masks(mask_limit);
            session.programme.update(want, changed, class_of);
        }
    }

    fn bridges_that(
        &self,
        needed: &BTreeSet<String>,
        condition: impl Fn(&str, &Programme) -> bool,
    ) -> BTreeSet<String> {
        let programme = |bridge: &&String| {
            let session = self.sessions.get(*bridge);
            session.is_some_and(|session| condition(bridge, &session.programme))
        };
        needed.iter().filter(programme).cloned().collect()
    }

    /// Sends each bridge its next bundles.
    fn program(
        &mut self,
        needed: &BTreeSet<String>,
        waiting: &BTreeSet<Cookie>,
        commands: &mut Vec<Command>,
        problems: &mut BTreeMap<String, String>,
    ) {
        let (nothing, nobody) = (BridgeFlows::default(), BTreeSet::new());
        // Whether a local VLAN is what its row says shows on the bridge where all of them meet.
        let is_known = self.sessions.contains_key(INTEGRATION_BRIDGE);
        let in_doubt = !is_known && needed.contains(INTEGRATION_BRIDGE);
        for bridge in needed.iter().filter(|_| !in_doubt) {
            let Some(session) = self.sessions.get_mut(bridge) else {
                continue;
            };
            if let Some(flow) = session.programme.conflict() {
                let message = format!(
                    "a flow that is not heddle's has the place of one of its own: delete it with `ovs-ofctl --strict \
                     del-flows {bridge} table={},priority={},{}`",
                    flow.table, flow.priority, flow.matches
                );
                problems.insert(bridge.clone(), message);
            }
            let want = self.engine.flows(bridge).unwrap_or(&nothing);
            let waiting = match bridge.as_str() {
                INTEGRATION_BRIDGE => waiting,
                _ => &nobody,
            };
            let networks = || self.engine.view().local_vlans.keys().copied();
            while let Some(changes) = session.programme.next_bundle(want, networks(), waiting) {
                commands.push(Command::Program {
                    bridge: bridge.clone(),
                    changes,
                });
            }
        }
    }

    /// The recorded local VLANs, and new ones for networks that have none.
    fn local_vlans(
        &mut self,
        around: &Surroundings,
        problems: &mut BTreeMap<String, String>,
        site: &Site,
    ) -> BTreeMap<Uuid, u16> {
        let Surroundings {
            recorded, needed, ..
        } = around;
        let networks: BTreeSet<Uuid> = around.endpoints.values().copied().collect();
        let mut out = recorded.clone();
        // What the flows of a bridge mention is known only in a session with it.
        if self.transacting || needed.is_empty() || !self.knows_all(needed) {
            return out;
        }
        let missing = networks
            .into_iter()
            .filter(|network| !recorded.contains_key(network));
        let mut mentioned = None;
        for network in missing {
            let mentioned = mentioned.get_or_insert_with(|| self.mentioned_local_vlans());
            match self.allocator.allocate(&out, mentioned) {
                Some(lvid) => {
                    out.insert(network, lvid);
                }
                None => {
                    let name = site
                        .networks
                        .get(&network)
                        .map(|network| network.name.clone())
                        .unwrap_or_default();
                    let message = "all 4094 local VLANs of this host are taken: move some endpoints to other hosts";
                    problems.insert(name, message.to_owned());
                }
            }
        }
        out
    }

    /// Every VLAN id that a flow of heddle's on any bridge mentions, be it as a local VLAN or not.
    fn mentioned_local_vlans(&self) -> BTreeSet<u16> {
        let sessions = self.sessions.values();
        sessions
            .flat_map(|session| session.programme.mentions().local_vlans())
            .collect()
    }
}

/// The name of a port as OpenFlow carries it: at most 15 bytes.
fn openflow_name(port: &str) -> &str {
    let end = (0..=port.len().min(15))
        .rev()
        .find(|&end| port.is_char_boundary(end))
        .unwrap_or(0);
    port.get(..end).unwrap_or(port)
}

#[cfg(test)]
#[path = "reconciler_tests.rs"]
mod tests;
