//! What the simulated switch's database makes of a transaction, and of others' edits of heddle's rows.

use controller::model::INTEGRATION_BRIDGE;
use controller::reconcile::layout::Change;
use controller::reconcile::observed::{
    Bridge as BridgeRow, Interface, NETWORK_KEY, OWNED_KEY, Observed, PROTOCOL, Port,
};
use uuid::Uuid;

use crate::host::Host;

/// Where a port leads that somebody has misled.
pub const ASTRAY: [&str; 2] = ["elsewhere", "198.51.100.1"];

/// What somebody else does to a row of heddle's, or of an endpoint's.
pub enum Tampering {
    /// `ovs-vsctl del-br`.
    DeleteBridge(String),
    /// `ovs-vsctl del-port`: the n-th of heddle's ports.
    DeletePort(usize),
    /// The n-th of heddle's ports is not marked as such any more.
    Unmark(usize),
    /// The n-th of heddle's ports leads to nothing, or is another kind of tunnel.
    Mislead(usize),
    /// `fail_mode` of a bridge is cleared.
    Unsecure(String),
    /// An endpoint's port has this `tag` now.
    Tag(String, Option<u16>),
    /// An endpoint's port is noted to be in this network now.
    Note(String, Option<Uuid>),
}

impl Host {
    /// False if it is guarded against what has happened meanwhile: names that are to be new are taken.
    pub fn may_be_made(&self, changes: &[Change]) -> bool {
        let bridges = &self.observed.bridges;
        changes.iter().all(|change| match change {
            Change::AddBridge { name, .. } => !bridges.contains_key(name),
            Change::AddPort { name, .. } => {
                !bridges.values().any(|row| row.ports.contains_key(name))
            }
            _ => true,
        })
    }

    /// One change; nothing happens to a row that has gone.
    pub fn carry_out(&mut self, change: Change) {
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
                if let Some(row) = rows.find(|row| row.id == bridge) {
                    row.fail_mode = "secure".to_owned();
                }
            }
            Change::AllowProtocol { bridge } => {
                let mut rows = self.observed.bridges.values_mut();
                if let Some(row) = rows.find(|row| row.id == bridge) {
                    row.protocols.insert(PROTOCOL.to_owned());
                }
            }
            Change::MarkPort { port } => {
                if let Some(row) = self.port(port) {
                    row.external_ids
                        .insert(OWNED_KEY.to_owned(), "true".to_owned());
                }
            }
            Change::AddPort {
                bridge,
                name,
                kind,
                options,
            } => {
                let Some(bridge) = bridge_name(&self.observed, bridge) else {
                    return;
                };
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
                if let Some(row) = self.port(port) {
                    row.tag = local_vlan.map(|(_, tag)| tag);
                    row.external_ids.remove(NETWORK_KEY);
                    let note = local_vlan.map(|(id, _)| (NETWORK_KEY.to_owned(), id.to_string()));
                    row.external_ids.extend(note);
                }
            }
        }
    }

    /// Somebody edits the database.
    pub fn tamper(&mut self, with: Tampering) {
        match with {
            Tampering::DeleteBridge(name) => drop(self.observed.bridges.remove(&name)),
            Tampering::DeletePort(n) => {
                if let Some((bridge, port)) = self.own_port(n) {
                    let row = self.observed.bridges.get_mut(&bridge).unwrap();
                    row.ports.remove(&port);
                }
            }
            Tampering::Unmark(n) => {
                if let Some((bridge, port)) = self.own_port(n) {
                    let row = self.observed.bridges.get_mut(&bridge).unwrap();
                    let row = row.ports.get_mut(&port).unwrap();
                    row.external_ids.remove(OWNED_KEY);
                }
            }
            Tampering::Mislead(n) => {
                if let Some((bridge, port)) = self.own_port(n) {
                    let row = self.observed.bridges.get_mut(&bridge).unwrap();
                    let row = row.ports.get_mut(&port).unwrap();
                    let options = &mut row.interfaces.get_mut(&port).unwrap().options;
                    let (key, value) = match options.contains_key("peer") {
                        true => ("peer", ASTRAY[0]),
                        false => ("remote_ip", ASTRAY[1]),
                    };
                    options.insert(key.to_owned(), value.to_owned());
                }
            }
            Tampering::Unsecure(name) => {
                if let Some(row) = self.observed.bridges.get_mut(&name) {
                    row.fail_mode.clear();
                }
            }
            Tampering::Tag(tap, tag) => {
                if let Some(row) = self.endpoint(&tap) {
                    row.tag = tag;
                }
            }
            Tampering::Note(tap, network) => {
                if let Some(row) = self.endpoint(&tap) {
                    row.external_ids.remove(NETWORK_KEY);
                    let note = network.map(|id| (NETWORK_KEY.to_owned(), id.to_string()));
                    row.external_ids.extend(note);
                }
            }
        }
    }

    fn port(&mut self, id: Uuid) -> Option<&mut Port> {
        let bridges = self.observed.bridges.values_mut();
        let mut ports = bridges.flat_map(|bridge| bridge.ports.values_mut());
        ports.find(|port| port.id == id)
    }

    fn endpoint(&mut self, tap: &str) -> Option<&mut Port> {
        let bridge = self.observed.bridges.get_mut(INTEGRATION_BRIDGE)?;
        bridge.ports.get_mut(tap)
    }

    fn own_port(&self, n: usize) -> Option<(String, String)> {
        let bridges = self.observed.bridges.iter();
        let mut own = bridges.flat_map(|(bridge, row)| {
            let ports = row.ports.iter().filter(|(_, port)| port.is_owned());
            ports.map(move |(name, _)| (bridge.clone(), name.clone()))
        });
        own.nth(n)
    }
}
