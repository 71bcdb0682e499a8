//! One simulated host: its bridges, the real sessions and the real reconciler between them and the database, and the wires on
//! which their bytes wait. Nothing happens by itself: [`Host`] does one thing at a time, when it is told to. What others do at it
//! is in `schedule`, what the database makes of transactions in `database`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use controller::agent::session::{Refusal, Scope, Session, SessionEvent};
use controller::model::{INTEGRATION_BRIDGE, Settings, Site, Touched};
use controller::reconcile::layout::Change;
use controller::reconcile::observed::{Bridge as BridgeRow, Interface, Observed, Port};
use controller::reconcile::reconciler::{Command, Reconciler, Report};
use uuid::Uuid;

use crate::database::ASTRAY;
use crate::packets::Network;
use crate::switch::Bridge;

pub const PROVIDER_BRIDGE: &str = "br-eth1";
/// The NIC of the provider bridge.
pub const NIC: &str = "eth1";

pub struct Host {
    pub settings: Settings,
    pub host: Uuid,
    /// The northbound database.
    pub site: Site,
    /// The agent can read it.
    pub northbound: bool,
    /// What the agent knows of it.
    pub known: Option<Site>,
    /// The switch's database.
    pub observed: Observed,
    /// What the agent has heard of that.
    pub heard: Arc<Observed>,
    pub bridges: BTreeMap<String, Bridge>,
    sessions: BTreeMap<String, Session>,
    reconciler: Reconciler,
    /// The transaction that the database has yet to answer.
    transaction: Option<Vec<Change>>,
    /// Transactions so far.
    pub transactions: usize,
    /// Bridges that have refused flows, which may be set aside until a new session.
    pub refused: BTreeSet<String>,
    next_number: u32,
    next_row: u128,
}

impl Host {
    /// A host on which nothing but the operator's bridge is there.
    pub fn new(settings: &[(&str, &str)], host: Uuid, site: Site) -> Self {
        let external_ids = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let mut out = Self {
            settings: Settings::read(&external_ids, "h1").unwrap(),
            host,
            known: Some(site.clone()),
            northbound: true,
            site,
            observed: Observed::default(),
            heard: Arc::default(),
            bridges: BTreeMap::new(),
            sessions: BTreeMap::new(),
            reconciler: Reconciler::default(),
            transaction: None,
            transactions: 0,
            refused: BTreeSet::new(),
            next_number: 1,
            next_row: 1 << 100,
        };
        out.mend();
        out
    }

    /// The same database, intent and ports, but flow tables that nobody has touched yet and an agent that knows nothing.
    pub fn fresh_twin(&self) -> Self {
        let mut out = Self::new(&[], self.host, self.site.clone());
        out.settings = self.settings.clone();
        out.observed = self.observed.clone();
        (out.next_number, out.next_row) = (self.next_number, self.next_row);
        for (name, bridge) in &self.bridges {
            out.bridge(name).ports = bridge.ports.clone();
        }
        out.hear_switch();
        out
    }

    /// The operator makes what is theirs, where it is missing.
    pub fn mend(&mut self) {
        // A port without heddle's mark that leads elsewhere is nobody's: the operator takes it away.
        let astray = |interface: &Interface| {
            let mut values = interface.options.values();
            values.any(|value| ASTRAY.contains(&value.as_str()))
        };
        for bridge in self.observed.bridges.values_mut() {
            bridge
                .ports
                .retain(|_, port| port.is_owned() || !port.interfaces.values().any(astray));
        }
        if !self.observed.bridges.contains_key(PROVIDER_BRIDGE) {
            let row = BridgeRow {
                id: self.fresh(),
                ..BridgeRow::default()
            };
            let bridges = &mut self.observed.bridges;
            bridges.insert(PROVIDER_BRIDGE.to_owned(), row);
            self.add_port(PROVIDER_BRIDGE, NIC, Port::default(), Interface::default());
            self.catch_up();
        }
        let normal = flows::text::parse_flow("priority=0 actions=NORMAL").unwrap();
        let bridge = self.bridge(PROVIDER_BRIDGE);
        if bridge.flows().get(&normal).is_none() {
            bridge.edit(normal, true);
        }
    }

    pub fn fresh(&mut self) -> Uuid {
        self.next_row += 1;
        Uuid::from_u128(self.next_row)
    }

    pub fn bridge(&mut self, name: &str) -> &mut Bridge {
        self.bridges.entry(name.to_owned()).or_default()
    }

    pub fn add_port(&mut self, bridge: &str, name: &str, port: Port, interface: Interface) {
        let (id, interface_id) = (self.fresh(), self.fresh());
        let interface = Interface {
            id: interface_id,
            ..interface
        };
        let port = Port {
            id,
            interfaces: [(name.to_owned(), interface)].into(),
            ..port
        };
        let row = self.observed.bridges.get_mut(bridge).unwrap();
        row.ports.insert(name.to_owned(), port);
    }

    pub fn plug(&mut self, tap: &str, iface_id: &str) {
        let interface = Interface {
            external_ids: [("iface-id".to_owned(), iface_id.to_owned())].into(),
            ..Interface::default()
        };
        self.add_port(INTEGRATION_BRIDGE, tap, Port::default(), interface);
    }

    pub fn unplug(&mut self, tap: &str) {
        if let Some(bridge) = self.observed.bridges.get_mut(INTEGRATION_BRIDGE) {
            bridge.ports.remove(tap);
        }
    }

    /// ovs-vswitchd does what its database says: bridges come with an id and go, ports get a number that none has had before.
    pub fn catch_up(&mut self) -> bool {
        let before = self.bridges.len();
        let rows = &self.observed.bridges;
        self.bridges.retain(|name, _| rows.contains_key(name));
        let mut changed = self.bridges.len() != before;
        for (name, row) in &mut self.observed.bridges {
            let bridge = self.bridges.entry(name.clone()).or_default();
            changed |= row.datapath_id.is_none();
            row.datapath_id = Some(row.id.to_string());
            let gone: Vec<u32> = bridge
                .ports
                .iter()
                .filter(|(_, name)| !row.ports.contains_key(*name))
                .map(|(number, _)| *number)
                .collect();
            for number in gone {
                bridge.set_port(number, None);
                changed = true;
            }
            let mut peers = BTreeMap::new();
            for (name, port) in &mut row.ports {
                let interface = port.interfaces.get_mut(name).unwrap();
                let peer = interface.options.get("peer").cloned();
                peers.extend(peer.map(|peer| (name.clone(), peer)));
                let there = bridge.ports.iter().find(|(_, known)| *known == name);
                let number = match there {
                    Some((number, _)) => *number,
                    None => {
                        self.next_number += 1;
                        bridge.set_port(self.next_number, Some(name));
                        self.next_number
                    }
                };
                changed |= interface.ofport != Some(number);
                interface.ofport = Some(number);
            }
            bridge.set_peers(peers);
        }
        changed
    }

    /// A new ovs-vswitchd: no flows, ports numbered anew, while the database still has the numbers of before.
    pub fn restart_switch(&mut self) {
        for bridge in self.bridges.values_mut() {
            let mut ports = BTreeMap::new();
            for name in bridge.ports.values().rev() {
                self.next_number += 1;
                // Numbers of before that have another meaning now: what a stale one is made into must not be a flow.
                let number = bridge.ports.keys().nth(ports.len());
                ports.insert(number.copied().unwrap_or(self.next_number), name.clone());
            }
            bridge.restart(ports);
        }
        // The operator's own script puts their flow back.
        if self.bridges.contains_key(PROVIDER_BRIDGE) {
            self.mend();
        }
        self.disconnect_all();
    }

    /// A port gets another number.
    pub fn renumber(&mut self, bridge: &str, port: &str) {
        if let Some(number) = self.number(bridge, port) {
            self.next_number += 1;
            let next = self.next_number;
            let bridge = self.bridge(bridge);
            bridge.set_port(number, None);
            bridge.set_port(next, Some(port));
        }
    }

    pub fn disconnect(&mut self, bridge: &str) {
        self.sessions.remove(bridge);
        self.reconciler.session_ended(bridge);
        if let Some(bridge) = self.bridges.get_mut(bridge) {
            bridge.disconnect();
        }
    }

    pub fn disconnect_all(&mut self) {
        for bridge in self.sessions.keys().cloned().collect::<Vec<_>>() {
            self.disconnect(&bridge);
        }
    }

    /// The agent starts anew. What is on its way to the database gets there or not (`made`); of the intent it knows what the
    /// file has kept, if there is one.
    pub fn restart_agent(&mut self, made: bool, kept: bool) {
        self.transact(made);
        self.reconciler = Reconciler::default();
        self.disconnect_all();
        self.known.take_if(|_| !kept);
        self.hear_switch();
    }

    /// The agent reads what has changed in the northbound database, if that is within reach.
    pub fn hear_site(&mut self) -> bool {
        if !self.northbound || self.known.as_ref() == Some(&self.site) {
            return false;
        }
        if let Some(known) = self.known.replace(self.site.clone()) {
            let touched = Touched::between(&known, &self.site);
            self.reconciler.site_changed(touched);
        }
        true
    }

    /// The agent reads what has changed in the switch's database.
    pub fn hear_switch(&mut self) -> bool {
        let news = *self.heard != self.observed;
        if news {
            self.heard = Arc::new(self.observed.clone());
        }
        news
    }

    /// Connects where there is no session; then the agent says what is next.
    /// The first is true if there is something to wait for now.
    pub fn step(&mut self) -> (bool, Report) {
        let Some(site) = &self.known else {
            return (false, Report::default());
        };
        let mut busy = false;
        let needed = Reconciler::bridges(&self.settings, &self.heard);
        let hung_up =
            |bridge: &&String| !self.bridges.get(*bridge).is_some_and(Bridge::is_connected);
        let lost: Vec<String> = self
            .sessions
            .keys()
            .filter(|bridge| !needed.contains(*bridge) || hung_up(bridge))
            .cloned()
            .collect();
        for bridge in lost {
            self.sessions.remove(&bridge);
            self.reconciler.session_ended(&bridge);
        }
        for bridge in needed {
            // What the database has may not be there yet, or no more.
            let Some(switch) = self.bridges.get_mut(&bridge) else {
                continue;
            };
            let scope = Scope {
                table: (bridge == PROVIDER_BRIDGE).then_some(0),
                ..Scope::default()
            };
            self.sessions.entry(bridge).or_insert_with(|| {
                busy = true;
                switch.connect();
                Session::new(scope)
            });
        }
        let (commands, report) =
            self.reconciler
                .step(&self.settings, Some(self.host), &self.heard, site);
        busy |= !commands.is_empty();
        for command in commands {
            match command {
                Command::Transact(changes) => self.transaction = Some(changes),
                Command::Program { bridge, changes } => {
                    if let Some(session) = self.sessions.get_mut(&bridge) {
                        let events = session.program(changes);
                        self.handle(&bridge, events);
                    }
                }
            }
        }
        (busy, report)
    }

    /// A second passes. True if that makes a difference.
    pub fn pass_time(&mut self) -> bool {
        let wanted = self.reconciler.wants_pause();
        self.reconciler.paused();
        wanted
    }

    fn handle(&mut self, bridge: &str, events: Vec<SessionEvent>) {
        for event in events {
            match event {
                SessionEvent::Listed(listed) => self.reconciler.flows_listed(bridge, listed),
                SessionEvent::Began { ports } => {
                    self.reconciler.session_began(bridge, ports);
                }
                SessionEvent::PortChanged { ofport, name } => {
                    self.reconciler.port_changed(bridge, ofport, name);
                }
                SessionEvent::FlowsChanged(observations) => {
                    for observation in observations {
                        self.reconciler.flow_observed(bridge, observation);
                    }
                }
                SessionEvent::Acknowledged => self.reconciler.bundle_acknowledged(bridge),
                SessionEvent::Refused { error } => {
                    self.refused.insert(bridge.to_owned());
                    let goes_on = match error {
                        Refusal::Changes(first, others) => {
                            let refused = [first].into_iter().chain(others).collect();
                            self.reconciler.bundles_refused(bridge, refused)
                        }
                        Refusal::Bundle(_) => false,
                    };
                    if !goes_on {
                        self.disconnect(bridge);
                        return;
                    }
                }
            }
        }
    }

    /// Up to `count` bytes go from the agent to the bridge.
    pub fn deliver(&mut self, bridge: &str, count: usize) -> bool {
        let (Some(session), Some(switch)) =
            (self.sessions.get_mut(bridge), self.bridges.get_mut(bridge))
        else {
            return false;
        };
        let output = session.output();
        let bytes: Vec<u8> = output.drain(..count.min(output.len())).collect();
        switch.receive(&bytes);
        !bytes.is_empty()
    }

    /// Up to `count` bytes go from the bridge to the agent.
    pub fn answer(&mut self, bridge: &str, count: usize) -> bool {
        let (Some(session), Some(switch)) =
            (self.sessions.get_mut(bridge), self.bridges.get_mut(bridge))
        else {
            return false;
        };
        let bytes = switch.take_output(count);
        let events = session.handle_bytes(&bytes).unwrap();
        self.handle(bridge, events);
        !bytes.is_empty()
    }

    /// The database answers the transaction that is on its way: it is made, or it came to nothing.
    pub fn transact(&mut self, made: bool) -> bool {
        let Some(changes) = self.transaction.take() else {
            return false;
        };
        if made && self.may_be_made(&changes) {
            self.transactions += 1;
            for change in changes {
                self.carry_out(change);
            }
        }
        self.hear_switch();
        self.reconciler.transaction_ended();
        true
    }

    /// The bridges as packets see them.
    pub fn network(&self) -> Network<'_> {
        let mut out = Network::default();
        let mut ends = BTreeMap::new();
        for (name, bridge) in &self.bridges {
            let ports = bridge.ports.keys().copied().collect();
            out.bridges.insert(name, (bridge.tables(), ports));
            for (number, port) in &bridge.ports {
                if let Some(peer) = bridge.peers().get(port) {
                    ends.insert(port.as_str(), (name.as_str(), *number, peer.as_str()));
                }
            }
        }
        for (port, (bridge, number, peer)) in &ends {
            // A patch carries packets only if both ends name each other.
            let other = ends.get(peer).filter(|(_, _, peer)| peer == port);
            let end = other.map(|(bridge, number, _)| (*bridge, *number));
            out.patches.insert((bridge, *number), end);
        }
        out
    }

    /// The number of a port, in the switch.
    pub fn number(&self, bridge: &str, port: &str) -> Option<u32> {
        let ports = &self.bridges.get(bridge)?.ports;
        ports
            .iter()
            .find(|(_, name)| *name == port)
            .map(|(number, _)| *number)
    }

    pub fn name(&self, bridge: &str, number: u32) -> Option<&str> {
        Some(self.bridges.get(bridge)?.ports.get(&number)?.as_str())
    }
}
