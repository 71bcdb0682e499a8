//! One simulated host: its database and bridges, the real sessions and the real reconciler between them, and the wires on which
//! their bytes wait. Nothing happens by itself: [`Host`] does one thing at a time, when it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use controller::agent::session::{Refusal, Scope, Session, SessionEvent};
use controller::model::{INTEGRATION_BRIDGE, Settings, Site};
use controller::reconcile::layout::Change;
use controller::reconcile::observed::{
    Bridge as BridgeRow, Interface, NETWORK_KEY, OWNED_KEY, Observed, Port,
};
use controller::reconcile::reconciler::{Command, Reconciler, Report};
use flows::FlowTable;
use uuid::Uuid;

use crate::packets::Wiring;
use crate::switch::Bridge;

pub const PROVIDER_BRIDGE: &str = "br-eth1";
/// The NIC of the provider bridge.
pub const NIC: &str = "eth1";

pub struct Host {
    pub settings: Settings,
    pub site: Site,
    pub host: Uuid,
    pub observed: Observed,
    pub bridges: BTreeMap<String, Bridge>,
    sessions: BTreeMap<String, Session>,
    reconciler: Reconciler,
    /// The transaction that the database has yet to answer.
    transaction: Option<Vec<Change>>,
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
            site,
            host,
            observed: Observed::default(),
            bridges: BTreeMap::new(),
            sessions: BTreeMap::new(),
            reconciler: Reconciler::default(),
            transaction: None,
            refused: BTreeSet::new(),
            next_number: 1,
            next_row: 1 << 100,
        };
        let row = BridgeRow {
            id: out.fresh(),
            ..BridgeRow::default()
        };
        out.observed.bridges.insert(PROVIDER_BRIDGE.to_owned(), row);
        out.add_port(PROVIDER_BRIDGE, NIC, Port::default(), Interface::default());
        out.catch_up();
        let normal = flows::text::parse_flow("priority=0 actions=NORMAL").unwrap();
        out.bridge(PROVIDER_BRIDGE).flows = FlowTable::from_iter([normal]);
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
        out
    }

    fn fresh(&mut self) -> Uuid {
        self.next_row += 1;
        Uuid::from_u128(self.next_row)
    }

    pub fn bridge(&mut self, name: &str) -> &mut Bridge {
        self.bridges.entry(name.to_owned()).or_default()
    }

    fn add_port(&mut self, bridge: &str, name: &str, port: Port, interface: Interface) {
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

    /// ovs-vswitchd does what its database says: bridges get an id, ports a number that none has had before.
    pub fn catch_up(&mut self) -> bool {
        let mut changed = false;
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
            for (name, port) in &mut row.ports {
                let interface = port.interfaces.get_mut(name).unwrap();
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
        let normal = flows::text::parse_flow("priority=0 actions=NORMAL").unwrap();
        self.bridge(PROVIDER_BRIDGE).flows.insert(normal);
        for bridge in self.sessions.keys().cloned().collect::<Vec<_>>() {
            self.disconnect(&bridge);
        }
    }

    pub fn disconnect(&mut self, bridge: &str) {
        self.sessions.remove(bridge);
        self.reconciler.session_ended(bridge);
        self.bridge(bridge).disconnect();
    }

    pub fn restart_agent(&mut self) {
        self.reconciler = Reconciler::default();
        self.transaction = None;
        for bridge in self.sessions.keys().cloned().collect::<Vec<_>>() {
            self.disconnect(&bridge);
        }
    }

    /// The intent has changed.
    pub fn site_changed(&mut self) {
        self.reconciler.site_replaced();
    }

    /// Connects where there is no session; then the agent says what is next.
    /// The first is true if there is something to wait for now.
    pub fn step(&mut self) -> (bool, Report) {
        let mut busy = false;
        for bridge in Reconciler::bridges(&self.settings, &self.observed) {
            if !self.sessions.contains_key(&bridge) {
                busy = true;
                self.bridge(&bridge).connect();
                let scope = Scope {
                    table: (bridge == PROVIDER_BRIDGE).then_some(0),
                    ..Scope::default()
                };
                self.sessions.insert(bridge, Session::new(scope));
            }
        }
        let observed = Arc::new(self.observed.clone());
        let (commands, report) =
            self.reconciler
                .step(&self.settings, Some(self.host), &observed, &self.site);
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
                SessionEvent::Began { ports, flows } => {
                    self.reconciler.session_began(bridge, ports, flows);
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
        let Some(session) = self.sessions.get_mut(bridge) else {
            return false;
        };
        let output = session.output();
        let bytes: Vec<u8> = output.drain(..count.min(output.len())).collect();
        self.bridge(bridge).receive(&bytes);
        !bytes.is_empty()
    }

    /// Up to `count` bytes go from the bridge to the agent.
    pub fn answer(&mut self, bridge: &str, count: usize) -> bool {
        let bytes = self.bridge(bridge).take_output(count);
        let Some(session) = self.sessions.get_mut(bridge) else {
            return false;
        };
        let events = session.handle_bytes(&bytes).unwrap();
        self.handle(bridge, events);
        !bytes.is_empty()
    }

    /// The database answers the transaction that is on its way: it is made, or it came to nothing.
    pub fn transact(&mut self, made: bool) -> bool {
        let Some(changes) = self.transaction.take() else {
            return false;
        };
        for change in changes.into_iter().filter(|_| made) {
            self.carry_out(change);
        }
        self.reconciler.transaction_ended();
        true
    }

    fn carry_out(&mut self, change: Change) {
        let bridge_name = |observed: &Observed, id: Uuid| {
            let mut bridges = observed.bridges.iter();
            bridges
                .find(|(_, row)| row.id == id)
                .map(|(name, _)| name.clone())
        };
        match change {
            Change::AddBridge {
                name,
                datapath_type,
            } => {
                let row = BridgeRow {
                    id: self.fresh(),
                    fail_mode: "secure".to_owned(),
                    datapath_type,
                    ..BridgeRow::default()
                };
                self.observed.bridges.insert(name, row);
            }
            Change::SecureBridge { bridge } => {
                let mut rows = self.observed.bridges.values_mut();
                let row = rows.find(|row| row.id == bridge).unwrap();
                row.fail_mode = "secure".to_owned();
            }
            Change::AddPort {
                bridge,
                name,
                kind,
                options,
            } => {
                let bridge = bridge_name(&self.observed, bridge).unwrap();
                let port = Port {
                    external_ids: [(OWNED_KEY.to_owned(), "true".to_owned())].into(),
                    ..Port::default()
                };
                let interface = Interface {
                    kind,
                    options,
                    ..Interface::default()
                };
                self.add_port(&bridge, &name, port, interface);
            }
            Change::SetOptions { interface, options } => {
                let ports = self
                    .observed
                    .bridges
                    .values_mut()
                    .flat_map(|b| b.ports.values_mut());
                let mut interfaces = ports.flat_map(|port| port.interfaces.values_mut());
                // It may have gone in the meantime; the database would refuse the transaction.
                if let Some(row) = interfaces.find(|row| row.id == interface) {
                    row.options = options;
                }
            }
            Change::DeletePort { port, .. } => {
                for bridge in self.observed.bridges.values_mut() {
                    bridge.ports.retain(|_, row| row.id != port);
                }
            }
            Change::SetLocalVlan { port, local_vlan } => {
                let mut ports = self
                    .observed
                    .bridges
                    .values_mut()
                    .flat_map(|b| b.ports.values_mut());
                if let Some(row) = ports.find(|row| row.id == port) {
                    row.tag = local_vlan.map(|(_, tag)| tag);
                    row.external_ids.remove(NETWORK_KEY);
                    let note = local_vlan.map(|(id, _)| (NETWORK_KEY.to_owned(), id.to_string()));
                    row.external_ids.extend(note);
                }
            }
        }
    }

    /// What is at the other end of each patch port, and which ports each bridge has.
    pub fn wiring(&self) -> Wiring {
        let mut out = Wiring::default();
        let peer_of = |bridge: &str, port: &str| {
            let row = self.observed.bridges.get(bridge)?.ports.get(port)?;
            row.interfaces.get(port)?.options.get("peer").cloned()
        };
        let numbered: Vec<(&String, u32, &String)> = self
            .bridges
            .iter()
            .flat_map(|(name, bridge)| bridge.ports.iter().map(move |(n, port)| (name, *n, port)))
            .collect();
        for (bridge, number, port) in &numbered {
            let ports = out.ports.entry((*bridge).clone()).or_default();
            ports.insert(*number);
            let Some(peer) = peer_of(bridge, port) else {
                continue;
            };
            // A patch carries packets only if both ends name each other.
            let other = numbered
                .iter()
                .find(|(at, _, name)| **name == peer && peer_of(at, name).as_ref() == Some(*port));
            let end = other.map(|(at, number, _)| ((*at).clone(), *number));
            out.patches.insert(((*bridge).clone(), *number), end);
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
