//! A switch for unit tests: does to plain types what Open vSwitch does to its database, ports and flows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flows::{Flow, FlowTable};
use uuid::Uuid;

use super::layout::Change;
use super::observation::Listed;
use super::observed::{Bridge, Interface, NETWORK_KEY, OWNED_KEY, Observed, PROTOCOL, Port};
use super::programme::{BUNDLE_LIMIT, DELETE};
use super::reconciler::{Command, FlowMod, Reconciler, Refused, Report};
use crate::model::{INTEGRATION_BRIDGE, Settings, Site, Touched};

/// A host with a simulated switch and the reconciler that drives it.
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) site: Site,
    pub(super) host: Uuid,
    pub(super) observed: Observed,
    pub(super) flows: BTreeMap<String, FlowTable>,
    pub(super) reconciler: Reconciler,
    /// The site as the reconciler knows it.
    pub(super) known: Site,
    /// What the switch refuses; then nothing is made of a bundle with such a change, nor of those behind it.
    pub(super) refuses: fn(&FlowMod) -> bool,
    /// How often the switch has refused.
    pub(super) refusals: usize,
    /// Flow changes sent since the last [`World::run`] began.
    pub(super) sent: Vec<FlowMod>,
}

impl World {
    pub(super) fn new(settings: &[(&str, &str)], host: Uuid) -> Self {
        let external_ids = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let settings = Settings::read(&external_ids, "h1").unwrap();
        Self {
            settings,
            site: Site::default(),
            host,
            observed: Observed::default(),
            flows: BTreeMap::new(),
            reconciler: Reconciler::default(),
            known: Site::default(),
            refuses: |_| false,
            refusals: 0,
            sent: Vec::new(),
        }
    }

    /// Plugs an interface into `br-int`.
    pub(super) fn plug(&mut self, name: &str, iface_id: &str, ofport: u32) {
        let bridge = self.observed.bridges.get_mut(INTEGRATION_BRIDGE).unwrap();
        let interface = Interface {
            external_ids: [("iface-id".to_owned(), iface_id.to_owned())].into(),
            ofport: Some(ofport),
            ..Interface::default()
        };
        let port = Port {
            id: Uuid::new_v4(),
            interfaces: [(name.to_owned(), interface)].into(),
            ..Port::default()
        };
        bridge.ports.insert(name.to_owned(), port);
        self.reconciler
            .port_changed(INTEGRATION_BRIDGE, ofport, Some(name.to_owned()));
    }

    /// Takes an interface out of `br-int`.
    pub(super) fn unplug(&mut self, name: &str) {
        let bridge = self.observed.bridges.get_mut(INTEGRATION_BRIDGE).unwrap();
        let ofport = bridge.ports.remove(name).unwrap().interfaces[name]
            .ofport
            .unwrap();
        self.reconciler
            .port_changed(INTEGRATION_BRIDGE, ofport, None);
    }

    /// Runs until nothing is left to do; checks the state of the flow tables after every single change, as though no bundle
    /// were atomic.
    pub(super) fn run(&mut self, mut check: impl FnMut(&Self)) -> Report {
        self.sent.clear();
        for _ in 0..200 {
            let (commands, report) = self.step();
            if commands.is_empty() {
                return report;
            }
            let mut refused = BTreeSet::new();
            for command in commands {
                match &command {
                    Command::Program { bridge, .. } if refused.contains(bridge) => {}
                    Command::Program { bridge, changes } if changes.iter().any(self.refuses) => {
                        self.refuse(bridge, changes);
                        refused.insert(bridge.clone());
                    }
                    _ => self.carry_out(command, &mut check),
                }
            }
        }
        panic!("it never settles");
    }

    /// The switch makes nothing of what is on its way to the bridge, and names what it does not like of this bundle.
    pub(super) fn refuse(&mut self, bridge: &str, changes: &[FlowMod]) {
        self.refusals += 1;
        let refused = changes.iter().filter(|change| (self.refuses)(change));
        let refused = refused.map(|change| Refused {
            change: change.clone(),
            reason: "OFPBAC_BAD_ARGUMENT".to_owned(),
        });
        let refused = refused.collect();
        assert!(self.reconciler.bundles_refused(bridge, refused));
    }

    /// Tells the reconciler what has changed of the site, and asks it what is next.
    pub(super) fn step(&mut self) -> (Vec<Command>, Report) {
        for bridge in Reconciler::bridges(&self.settings, &self.observed) {
            if !self.flows.contains_key(&bridge) {
                self.connect(&bridge);
            }
        }
        let touched = Touched::between(&self.known, &self.site);
        self.reconciler.site_changed(touched);
        self.known = self.site.clone();
        let observed = Arc::new(self.observed.clone());
        self.reconciler
            .step(&self.settings, Some(self.host), &observed, &self.site)
    }

    /// Does what the reconciler has asked for, and says so.
    pub(super) fn carry_out(&mut self, command: Command, check: &mut impl FnMut(&Self)) {
        match command {
            Command::Transact(changes) => {
                let before = self.observed.clone();
                carry_out(&mut self.observed, &changes);
                self.announce(&before);
                self.reconciler.transaction_ended();
                check(self);
            }
            Command::Program { bridge, changes } => {
                let deletes = changes.iter();
                let deletes = deletes.filter(|change| matches!(change, FlowMod::Delete(_)));
                let weight = changes.len() + deletes.count() * (DELETE - 1);
                assert!(weight < BUNDLE_LIMIT + DELETE, "{} changes", changes.len());
                for change in changes {
                    let table = self.flows.get_mut(&bridge).unwrap();
                    match &change {
                        FlowMod::Add(flow) => drop(table.insert(Flow::clone(flow))),
                        FlowMod::Delete(flow) => drop(table.remove(flow)),
                        FlowMod::Forget(_) => {}
                    }
                    self.sent.push(change);
                    check(self);
                }
                self.reconciler.bundle_acknowledged(&bridge);
            }
        }
    }

    /// A new agent on the same switch.
    pub(super) fn restart_agent(&mut self) {
        self.reconciler = Reconciler::default();
        for bridge in self.flows.keys().cloned().collect::<Vec<_>>() {
            self.connect(&bridge);
        }
    }

    /// A new ovs-vswitchd on the same database: no flows, and a session that lists these ports of `br-int`.
    pub(super) fn restart_switch(&mut self, integration_ports: BTreeMap<u32, String>) {
        for bridge in self.flows.keys().cloned().collect::<Vec<_>>() {
            self.flows.insert(bridge.clone(), FlowTable::new());
            self.connect(&bridge);
        }
        self.reconciler
            .session_began(INTEGRATION_BRIDGE, integration_ports);
    }

    /// A new session with a bridge.
    pub(super) fn connect(&mut self, bridge: &str) {
        let flows: Vec<Flow> = self
            .flows
            .entry(bridge.to_owned())
            .or_default()
            .iter()
            .cloned()
            .collect();
        let ports = ports(&self.observed, bridge);
        self.reconciler.flows_listed(bridge, Listed::Nothing);
        self.reconciler.flows_listed(bridge, Listed::Flows(flows));
        self.reconciler.session_began(bridge, ports);
    }

    fn announce(&mut self, before: &Observed) {
        for bridge in self.flows.keys() {
            let (old, new) = (ports(before, bridge), ports(&self.observed, bridge));
            for ofport in old.keys().filter(|ofport| !new.contains_key(ofport)) {
                self.reconciler.port_changed(bridge, *ofport, None);
            }
            for (ofport, name) in new {
                self.reconciler.port_changed(bridge, ofport, Some(name));
            }
        }
    }
}

/// The ports of a bridge by number, as an OpenFlow session lists them.
pub(super) fn ports(observed: &Observed, bridge: &str) -> BTreeMap<u32, String> {
    let bridge = observed.bridges.get(bridge);
    let interfaces = bridge
        .into_iter()
        .flat_map(|bridge| bridge.ports.values())
        .flat_map(|port| &port.interfaces);
    interfaces
        .filter_map(|(name, interface)| Some((interface.ofport?, name.clone())))
        .collect()
}

/// Does to `observed` what the switch's database and ovs-vswitchd would do.
pub(super) fn carry_out(observed: &mut Observed, changes: &[Change]) {
    for change in changes {
        let fresh = Uuid::from_u128(
            1000 + observed
                .bridges
                .values()
                .map(|b| b.ports.len() as u128 + 1)
                .sum::<u128>(),
        );
        match change.clone() {
            Change::AddBridge {
                name,
                datapath_type,
            } => {
                let bridge = Bridge {
                    id: fresh,
                    datapath_id: Some(fresh.to_string()),
                    fail_mode: "secure".to_owned(),
                    datapath_type,
                    ..Bridge::default()
                };
                observed.bridges.insert(name, bridge);
            }
            Change::SecureBridge { bridge } => {
                observed
                    .bridges
                    .values_mut()
                    .find(|b| b.id == bridge)
                    .unwrap()
                    .fail_mode = "secure".to_owned();
            }
            Change::AllowProtocol { bridge } => {
                let mut rows = observed.bridges.values_mut();
                let row = rows.find(|b| b.id == bridge).unwrap();
                row.protocols.insert(PROTOCOL.to_owned());
            }
            Change::MarkPort { port } => {
                let mut all = observed
                    .bridges
                    .values_mut()
                    .flat_map(|b| b.ports.values_mut());
                let port = all.find(|p| p.id == port).unwrap();
                port.external_ids
                    .insert(OWNED_KEY.to_owned(), "true".to_owned());
            }
            Change::AddPort {
                bridge,
                name,
                kind,
                options,
            } => {
                let bridge = observed
                    .bridges
                    .values_mut()
                    .find(|b| b.id == bridge)
                    .unwrap();
                let ofport = Some(bridge.ports.len() as u32 + 1);
                let interface = Interface {
                    id: fresh,
                    kind,
                    options,
                    ofport,
                    ..Interface::default()
                };
                let port = Port {
                    id: fresh,
                    external_ids: [(OWNED_KEY.to_owned(), "true".to_owned())].into(),
                    interfaces: [(name.clone(), interface)].into(),
                    tag: None,
                };
                bridge.ports.insert(name, port);
            }
            Change::SetOptions { interface, options } => {
                let all = observed
                    .bridges
                    .values_mut()
                    .flat_map(|b| b.ports.values_mut());
                let mut all = all.flat_map(|p| p.interfaces.values_mut());
                all.find(|i| i.id == interface).unwrap().options = options;
            }
            Change::DeletePort { port, .. } => {
                for bridge in observed.bridges.values_mut() {
                    bridge.ports.retain(|_, p| p.id != port);
                }
            }
            Change::SetLocalVlan { port, local_vlan } => {
                let mut all = observed
                    .bridges
                    .values_mut()
                    .flat_map(|b| b.ports.values_mut());
                let port = all.find(|p| p.id == port).unwrap();
                port.tag = local_vlan.map(|(_, tag)| tag);
                port.external_ids.remove(NETWORK_KEY);
                port.external_ids
                    .extend(local_vlan.map(|(id, _)| (NETWORK_KEY.to_owned(), id.to_string())));
            }
        }
    }
}
