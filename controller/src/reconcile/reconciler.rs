//! The state machine between intent and switch: events in, commands out. No socket, no clock, no task.
//!
//! [`Reconciler::step`] looks at everything that is known now and says what to do next. It is called again
//! after each event, so a command that failed or became wrong is simply never repeated: there is no list of
//! things to do, only the difference between what shall be and what is.
//!
//! | what is known                         | what comes next                                               |
//! |---------------------------------------|---------------------------------------------------------------|
//! | bridges or ports differ               | one transaction; the next once its outcome and rows are here  |
//! | flows of a provider bridge or `br-tun` differ | a bundle for each                                     |
//! | flows of `br-int` differ              | a bundle, once those others are acknowledged                  |
//! | nothing differs                       | the report says so                                            |

use std::collections::{BTreeMap, BTreeSet};

use flows::diff::{Change as FlowChange, diff};
use flows::{Action, Field, Flow, FlowTable};
use uuid::Uuid;

use super::bindings::{Bindings, bindings};
use super::layout::{CLOSED, Change, Plan, plan, plan_local_vlans};
use super::local_vlans::{Allocator, recorded};
use super::observation::{Edit, Observation};
use super::observed::Observed;
use crate::compile::{
    self, Cookie, HostFlows, HostView, Kind, Layout, PATCH_INT, PATCH_TUN, Provider, int_port,
    phy_port, tunnel_port,
};
use crate::model::{
    INTEGRATION_BRIDGE, Network, Segment, Settings, Site, TUNNEL_BRIDGE, TunnelType,
};

/// A bundle pauses forwarding while it is committed, about 0.8 ms for each 1,000 flows.
const BUNDLE_LIMIT: usize = 2_000;

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Change the switch's database, in one transaction; answer with [`Reconciler::transaction_ended`].
    Transact(Vec<Change>),
    /// Change a bridge's flows, in one bundle; answer with [`Reconciler::bundle_acknowledged`].
    Program {
        /// The bridge.
        bridge: String,
        /// In order.
        changes: Vec<FlowMod>,
    },
}

/// One change of a bridge's flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowMod {
    /// Add, in place of the flow with the same table, priority and match if there is one.
    Add(Flow),
    /// Delete just this flow.
    Delete(Flow),
    /// Delete what the switch has learned with this cookie.
    Forget(Cookie),
}

/// How the host does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Every difference is gone: what the intent said at this revision is on the switch.
    pub applied: Option<u64>,
    /// Ports (`_uuid`) that are plugged in and whose flows are acknowledged.
    pub up: BTreeSet<Uuid>,
    /// Ports (`_uuid`) that are plugged in, whether their flows are there or not.
    pub plugged: BTreeSet<Uuid>,
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
    /// heddle's flows on the bridge.
    installed: FlowTable,
    /// Others' flows.
    foreign: FlowTable,
    /// Cookies of learned flows that were there when the session began.
    learned: BTreeSet<Cookie>,
    /// Changes that are on their way.
    programming: Option<Vec<FlowMod>>,
}

impl Session {
    /// True if a bundle that is on its way adds just this flow.
    fn on_its_way(&self, flow: &Flow) -> bool {
        let mut changes = self.programming.iter().flatten();
        changes.any(|change| matches!(change, FlowMod::Add(added) if added == flow))
    }
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Reconciler {
    sessions: BTreeMap<String, Session>,
    allocator: Allocator,
    transacting: bool,
}

impl Reconciler {
    /// A session with the bridge has begun; these are all its ports and flows.
    pub fn session_began(&mut self, bridge: &str, ports: BTreeMap<u32, String>, flows: Vec<Flow>) {
        let mut session = Session {
            ports,
            installed: FlowTable::new(),
            foreign: FlowTable::new(),
            learned: BTreeSet::new(),
            programming: None,
        };
        for flow in flows {
            match Cookie::from_raw(flow.cookie) {
                None => session.foreign.insert(flow),
                Some(cookie) if cookie.is_learned() => {
                    session.learned.insert(cookie);
                    None
                }
                Some(_) => session.installed.insert(flow),
            };
        }
        self.sessions.insert(bridge.to_owned(), session);
    }

    /// The session with the bridge has ended: nothing is known of its flows any more.
    pub fn session_ended(&mut self, bridge: &str) {
        self.sessions.remove(bridge);
    }

    /// The session says that a port is there (or has this name now), or is gone.
    pub fn port_changed(&mut self, bridge: &str, ofport: u32, name: Option<String>) {
        if let Some(session) = self.sessions.get_mut(bridge) {
            match name {
                Some(name) => session.ports.insert(ofport, name),
                None => session.ports.remove(&ofport),
            };
        }
    }

    /// Somebody else has changed a flow of the bridge. Says what that undoes, if it is of interest; the next
    /// [`Reconciler::step`] repairs it. What the switch learns by itself is no edit.
    pub fn flow_observed(&mut self, bridge: &str, observation: Observation) -> Option<Edit> {
        let session = self.sessions.get_mut(bridge)?;
        match observation {
            Observation::There(flow) => {
                let known = session.installed.get(&flow);
                // A switch that had to pause tells of this session's own changes again.
                if known == Some(&flow) || session.on_its_way(&flow) {
                    return None;
                }
                let is_known = known.is_some();
                match Cookie::from_raw(flow.cookie) {
                    Some(cookie) if !cookie.is_learned() => {
                        session.installed.insert(flow.clone());
                        return Some(Edit::Altered(flow));
                    }
                    Some(_) => {}
                    None => drop(session.foreign.insert(flow.clone())),
                }
                session.installed.remove(&flow);
                match (is_known, Cookie::from_raw(flow.cookie)) {
                    (true, _) => Some(Edit::Altered(flow)),
                    (false, None) => Some(Edit::Foreign(flow)),
                    (false, Some(_)) => None,
                }
            }
            Observation::Gone(flow) => {
                let same = |known: Option<&Flow>| known.is_some_and(|f| f.cookie == flow.cookie);
                if same(session.foreign.get(&flow)) {
                    session.foreign.remove(&flow);
                }
                if !same(session.installed.get(&flow)) {
                    return None;
                }
                session.installed.remove(&flow);
                Some(Edit::Deleted(flow))
            }
        }
    }

    /// The bundle on its way to the bridge is committed.
    pub fn bundle_acknowledged(&mut self, bridge: &str) {
        let Some(session) = self.sessions.get_mut(bridge) else {
            return;
        };
        for change in session.programming.take().into_iter().flatten() {
            match change {
                FlowMod::Add(flow) => {
                    session.foreign.remove(&flow);
                    session.installed.insert(flow);
                }
                FlowMod::Delete(flow) => {
                    session.installed.remove(&flow);
                }
                FlowMod::Forget(cookie) => {
                    session.learned.remove(&cookie);
                }
            }
        }
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
            for flow in &session.installed {
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
        observed: &Observed,
        site: &Site,
    ) -> (Vec<Command>, Report) {
        let bindings = bindings(observed, site);
        let needed = Self::bridges(settings, observed);
        let recorded = recorded(observed);
        let view = self.view(settings, host, observed, site, &bindings, &recorded);
        let desired = desired(compile::compile(site, &view));
        let mut commands = Vec::new();

        let mut problems = BTreeMap::new();
        let guarded = self.program(&needed, &desired, &mut commands, &mut problems);
        let Plan {
            mut changes,
            problems: misfits,
        } = plan(observed, &Layout::new(settings), &guarded);
        problems.extend(misfits);
        let local_vlans = self.local_vlans(&needed, &recorded, site, &bindings, &mut problems);
        changes.extend(plan_local_vlans(observed, site, &bindings, &local_vlans));
        let planned = !changes.is_empty();
        if planned && !self.transacting {
            self.transacting = true;
            commands.push(Command::Transact(changes));
        }

        let settled =
            !planned && !self.transacting && needed.iter().all(|bridge| guarded.contains(bridge));
        let both = [INTEGRATION_BRIDGE, TUNNEL_BRIDGE]
            .iter()
            .all(|name| needed.contains(*name));
        let up = up(observed, &guarded, &view, site);
        unreachable_networks(settings, &view, site, &mut problems);
        problems.extend(bindings.problems);
        let report = Report {
            applied: (settled && both).then_some(site.revision),
            up,
            plugged: bindings.bound.into_keys().collect(),
            unbound: bindings.unbound,
            problems,
        };
        (commands, report)
    }

    /// The ports and local VLANs that flows may be made of: those that the database and the session agree on.
    fn view(
        &self,
        settings: &Settings,
        host: Option<Uuid>,
        observed: &Observed,
        site: &Site,
        bindings: &Bindings,
        recorded: &BTreeMap<Uuid, u16>,
    ) -> HostView {
        let confirm = |bridge: &str, port: &str| {
            let ofport = observed.bridges.get(bridge)?.ofport(port)?;
            self.confirmed(bridge, port, ofport).then_some(ofport)
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
            let provider = Provider {
                bridge: bridge.clone(),
                int_port: confirm(INTEGRATION_BRIDGE, &int_port(bridge)),
                phy_port: confirm(bridge, &phy_port(bridge)),
            };
            view.providers.insert(physical_network.clone(), provider);
        }
        for (id, bound) in &bindings.bound {
            let Some(network) = site.ports.get(id).map(|port| port.network) else {
                continue;
            };
            if let Some(&lvid) = recorded.get(&network) {
                let confirmed =
                    |ofport: &u32| self.confirmed(INTEGRATION_BRIDGE, &bound.interface, *ofport);
                view.local_vlans.insert(network, lvid);
                view.bindings.insert(*id, bound.ofport.filter(confirmed));
            }
        }
        view
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

    /// True if there is a session with every one of these bridges.
    fn knows_all(&self, needed: &BTreeSet<String>) -> bool {
        needed
            .iter()
            .all(|bridge| self.sessions.contains_key(bridge))
    }

    /// Sends what differs, and returns the bridges on which nothing does.
    fn program(
        &mut self,
        needed: &BTreeSet<String>,
        desired: &BTreeMap<String, FlowTable>,
        commands: &mut Vec<Command>,
        problems: &mut BTreeMap<String, String>,
    ) -> BTreeSet<String> {
        let nothing = FlowTable::new();
        let mut guarded = BTreeSet::new();
        let integration_last = |name: &&String| name.as_str() == INTEGRATION_BRIDGE;
        let (integration, others): (Vec<_>, Vec<_>) = needed.iter().partition(integration_last);
        for bridge in others.iter().chain(&integration) {
            let Some(session) = self.sessions.get_mut(*bridge) else {
                continue;
            };
            if session.programming.is_some() {
                continue;
            }
            let want = desired.get(*bridge).unwrap_or(&nothing);
            let own_bridge = [INTEGRATION_BRIDGE, TUNNEL_BRIDGE].contains(&bridge.as_str());
            let Programme { changes, conflicts } = programme(session, want, own_bridge);
            if let Some(flow) = conflicts.first() {
                let message = format!(
                    "a flow that is not heddle's has the place of one of its own: delete it with `ovs-ofctl --strict \
                     del-flows {bridge} table={},priority={},{}`",
                    flow.table, flow.priority, flow.matches
                );
                problems.insert((*bridge).clone(), message);
            }
            if changes.is_empty() {
                if conflicts.is_empty() {
                    guarded.insert((*bridge).clone());
                }
            } else if *bridge != INTEGRATION_BRIDGE
                || others
                    .iter()
                    .all(|other| guarded.contains(*other) || !self.sessions.contains_key(*other))
            {
                commands.push(Command::Program {
                    bridge: (*bridge).clone(),
                    changes: changes.clone(),
                });
                if let Some(session) = self.sessions.get_mut(*bridge) {
                    session.programming = Some(changes);
                }
            }
        }
        guarded
    }

    /// The recorded local VLANs, and new ones for networks that have none.
    fn local_vlans(
        &mut self,
        needed: &BTreeSet<String>,
        recorded: &BTreeMap<Uuid, u16>,
        site: &Site,
        bindings: &Bindings,
        problems: &mut BTreeMap<String, String>,
    ) -> BTreeMap<Uuid, u16> {
        let networks: BTreeSet<Uuid> = bindings
            .bound
            .keys()
            .filter_map(|port| Some(site.ports.get(port)?.network))
            .collect();
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
        let mut out = BTreeSet::new();
        for session in self.sessions.values() {
            let on_their_way =
                session
                    .programming
                    .iter()
                    .flatten()
                    .filter_map(|change| match change {
                        FlowMod::Add(flow) => Some(flow),
                        FlowMod::Delete(_) | FlowMod::Forget(_) => None,
                    });
            for flow in session.installed.iter().chain(on_their_way) {
                out.extend(vlan_ids(flow));
            }
        }
        out
    }
}

/// Ports whose flows are acknowledged, on every bridge that a packet of theirs crosses, with nothing closed in between.
fn up(
    observed: &Observed,
    guarded: &BTreeSet<String>,
    view: &HostView,
    site: &Site,
) -> BTreeSet<Uuid> {
    let open = |port: &str| {
        let port = observed
            .bridges
            .get(INTEGRATION_BRIDGE)
            .and_then(|bridge| bridge.ports.get(port)?.interfaces.get(port));
        port.and_then(|port| port.options.get("peer"))
            .is_some_and(|peer| peer != CLOSED)
    };
    let reaches_others = |network: &Network| match &network.segment {
        Segment::Tunnel { tunnel, .. } => {
            view.tunnels.contains_key(tunnel) && guarded.contains(TUNNEL_BRIDGE) && open(PATCH_TUN)
        }
        Segment::Vlan {
            physical_network, ..
        }
        | Segment::Flat { physical_network } => {
            let provider = view.providers.get(physical_network);
            provider.is_some_and(|provider| {
                guarded.contains(&provider.bridge) && open(&int_port(&provider.bridge))
            })
        }
        Segment::Local => true,
    };
    let network = |port: &Uuid| site.networks.get(&site.ports.get(port)?.network);
    let bound = view
        .bindings
        .iter()
        .filter(|(_, ofport)| ofport.is_some())
        .map(|(port, _)| *port);
    bound
        .filter(|port| {
            guarded.contains(INTEGRATION_BRIDGE) && network(port).is_some_and(reaches_others)
        })
        .collect()
}

/// Tells of networks with a port here that this host is not set up to carry to others.
fn unreachable_networks(
    settings: &Settings,
    view: &HostView,
    site: &Site,
    problems: &mut BTreeMap<String, String>,
) {
    for network in view
        .local_vlans
        .keys()
        .filter_map(|id| site.networks.get(id))
    {
        let missing = match &network.segment {
            Segment::Tunnel { .. } if settings.encap_ip.is_none() => {
                "no tunnel address: set external_ids:heddle-encap-ip".to_owned()
            }
            Segment::Tunnel { tunnel, .. } if !settings.encap_types.contains(tunnel) => {
                format!("no {tunnel} tunnels: add {tunnel} to external_ids:heddle-encap-types")
            }
            Segment::Vlan {
                physical_network, ..
            }
            | Segment::Flat { physical_network }
                if !settings.bridge_mappings.contains_key(physical_network) =>
            {
                format!(
                    "no bridge on {physical_network}: set external_ids:heddle-bridge-mappings={physical_network}:BRIDGE"
                )
            }
            Segment::Tunnel { .. }
            | Segment::Vlan { .. }
            | Segment::Flat { .. }
            | Segment::Local => continue,
        };
        let message =
            format!("a port of this network is plugged in here, but the host has {missing}");
        problems.insert(network.name.clone(), message);
    }
}

fn desired(flows: HostFlows) -> BTreeMap<String, FlowTable> {
    let own = [
        (INTEGRATION_BRIDGE.to_owned(), flows.integration),
        (TUNNEL_BRIDGE.to_owned(), flows.tunnel),
    ];
    own.into_iter()
        .chain(flows.providers)
        .map(|(bridge, flows)| (bridge, FlowTable::from_iter(flows)))
        .collect()
}

/// What it takes to make the flows of a bridge as they shall be.
#[derive(Default)]
struct Programme {
    /// The first changes, as many as a bundle may have.
    changes: Vec<FlowMod>,
    /// Flows of others that have the place of one of heddle's.
    conflicts: Vec<Flow>,
}

fn programme(session: &Session, want: &FlowTable, own_bridge: bool) -> Programme {
    let mut out = Programme::default();
    let mut forgotten = session.learned.clone();
    for cookie in want.iter().flat_map(learns) {
        forgotten.remove(&cookie);
    }
    for change in diff(&session.installed, want) {
        match change {
            // To add would be to replace: on a bridge that is not heddle's own, what is there stays. Its catch-all
            // flow says what the operator does with packets that are none of heddle's business.
            FlowChange::Add(flow) if !own_bridge && session.foreign.get(flow).is_some() => {
                let catch_all = flow.priority == 0 && flow.matches.is_empty();
                out.conflicts.extend((!catch_all).then(|| flow.clone()));
            }
            FlowChange::Add(flow) => out.changes.push(FlowMod::Add(flow.clone())),
            FlowChange::Replace { old, new } => {
                forgotten.extend(learns(old).filter(|_| old.instructions != new.instructions));
                out.changes.push(FlowMod::Add(new.clone()));
            }
            FlowChange::Delete(flow) => {
                forgotten.extend(learns(flow));
                out.changes.push(FlowMod::Delete(flow.clone()));
            }
        }
    }
    out.changes.truncate(BUNDLE_LIMIT);
    out.changes
        .extend(forgotten.into_iter().map(FlowMod::Forget));
    out
}

/// The cookies of flows that the flow makes the switch learn.
fn learns(flow: &Flow) -> impl Iterator<Item = Cookie> {
    flow.instructions
        .apply
        .iter()
        .filter_map(|action| match action {
            Action::Learn(learn) => Cookie::from_raw(learn.cookie),
            _ => None,
        })
}

/// The VLAN ids that a flow matches or writes.
fn vlan_ids(flow: &Flow) -> impl Iterator<Item = u16> {
    const VLAN_ID: u128 = 0x0fff;
    let id = |value: u128| u16::try_from(value & VLAN_ID).ok();
    let matched = flow
        .matches
        .get(Field::VlanTci)
        .filter(|field| field.mask & VLAN_ID == VLAN_ID);
    let written = flow
        .instructions
        .apply
        .iter()
        .filter_map(move |action| match action {
            Action::SetField(set) if [Field::VlanTci, Field::VlanVid].contains(&set.field()) => {
                id(set.value())
            }
            _ => None,
        });
    matched
        .and_then(|field| id(field.value))
        .into_iter()
        .chain(written)
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
