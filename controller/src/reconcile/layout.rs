//! Bridges and ports: desired against observed → the smallest set of changes to the switch's database.
//!
//! Drop first: a bridge is made with fail mode secure, so it forwards nothing that no flow allows. A patch
//! port is made with its other end closed ([`CLOSED`]) and opened once the flows of the bridges at both
//! ends are acknowledged; a tunnel port is made once `br-tun` is guarded by its flows.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::bindings::Bindings;
use super::observed::{Interface, NETWORK_KEY, Observed};
use crate::compile::{Layout, LeadsTo, PortSpec};
use crate::model::{INTEGRATION_BRIDGE, Site, TUNNEL_BRIDGE};

/// `options:peer` of a patch port that must not carry anything: no port has this name.
pub const CLOSED: &str = "heddle-closed";

/// One change to the switch's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Make a bridge of heddle's own, fail mode secure.
    AddBridge {
        /// Its name.
        name: String,
        /// `datapath_type`.
        datapath_type: String,
    },
    /// Set `Bridge.fail_mode` to `secure`.
    SecureBridge {
        /// `_uuid` of the `Bridge`.
        bridge: Uuid,
    },
    /// Add [`PROTOCOL`](super::observed::PROTOCOL) to `Bridge.protocols`.
    AllowProtocol {
        /// `_uuid` of the `Bridge`.
        bridge: Uuid,
    },
    /// Make a port with one interface.
    AddPort {
        /// `_uuid` of the `Bridge`.
        bridge: Uuid,
        /// Its name.
        name: String,
        /// `Interface.type`.
        kind: String,
        /// `Interface.options`.
        options: BTreeMap<String, String>,
    },
    /// Mark a port as heddle's, again.
    MarkPort {
        /// `_uuid` of the `Port`.
        port: Uuid,
    },
    /// Replace `Interface.options`.
    SetOptions {
        /// `_uuid` of the `Interface`.
        interface: Uuid,
        /// All of them.
        options: BTreeMap<String, String>,
    },
    /// Remove a port of heddle's that is no longer asked for.
    DeletePort {
        /// `_uuid` of the `Bridge`.
        bridge: Uuid,
        /// `_uuid` of the `Port`.
        port: Uuid,
    },
    /// Note on an endpoint's port which network it is in and that network's local VLAN, or neither.
    SetLocalVlan {
        /// `_uuid` of the `Port`.
        port: Uuid,
        /// `_uuid` of the network, and its local VLAN.
        local_vlan: Option<(Uuid, u16)>,
    },
}

/// What [`plan`] has to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The changes, in order, to be made in one transaction.
    pub changes: Vec<Change>,
    /// Bridge or port → why it can not be as desired, with the way out.
    pub problems: BTreeMap<String, String>,
}

/// Compares bridges and ports. `guarded` names the bridges whose flows are all acknowledged.
#[must_use]
pub fn plan(observed: &Observed, layout: &Layout, guarded: &BTreeSet<String>) -> Plan {
    let mut out = Plan::default();
    for name in [INTEGRATION_BRIDGE, TUNNEL_BRIDGE] {
        match observed.bridges.get(name) {
            None => out.changes.push(Change::AddBridge {
                name: name.to_owned(),
                datapath_type: layout.datapath_type.clone(),
            }),
            Some(bridge) => {
                let id = bridge.id;
                if bridge.fail_mode != "secure" {
                    out.changes.push(Change::SecureBridge { bridge: id });
                }
                if bridge.lacks_protocol() {
                    out.changes.push(Change::AllowProtocol { bridge: id });
                }
            }
        }
    }
    for (name, spec) in &layout.ports {
        port(observed, guarded, name, spec, &mut out);
    }
    for (bridge_name, bridge) in &observed.bridges {
        for (name, port) in &bridge.ports {
            // Once the flows are acknowledged, none of them mentions the port any more.
            if port.is_owned() && !layout.ports.contains_key(name) && guarded.contains(bridge_name)
            {
                out.changes.push(Change::DeletePort {
                    bridge: bridge.id,
                    port: port.id,
                });
            }
        }
    }
    out
}

fn port(
    observed: &Observed,
    guarded: &BTreeSet<String>,
    name: &str,
    spec: &PortSpec,
    out: &mut Plan,
) {
    let Some(bridge) = observed.bridges.get(&spec.bridge) else {
        if ![INTEGRATION_BRIDGE, TUNNEL_BRIDGE].contains(&spec.bridge.as_str()) {
            let message = format!(
                "heddle-bridge-mappings names this bridge, but the switch does not have it: make it with \
                 `ovs-vsctl add-br {0}` and add its network card with `ovs-vsctl add-port {0} ...`",
                spec.bridge
            );
            out.problems.insert(spec.bridge.clone(), message);
        }
        return;
    };
    let existing = bridge.ports.get(name);
    if let Some((elsewhere, _)) = observed
        .bridges
        .iter()
        .find(|(other, bridge)| **other != spec.bridge && bridge.ports.contains_key(name))
    {
        let message = format!(
            "heddle needs this port on {}, but it is on {elsewhere}: remove it there",
            spec.bridge
        );
        out.problems.insert(name.to_owned(), message);
        return;
    }
    let current = existing.and_then(|port| port.interfaces.get(name));
    if let Some(port) = existing.filter(|port| !port.is_owned()) {
        if current.is_some_and(|current| is_as_made(current, &spec.leads_to)) {
            out.changes.push(Change::MarkPort { port: port.id });
        } else {
            let message = format!(
                "heddle needs a port of this name on {}: remove or rename the one there",
                spec.bridge
            );
            out.problems.insert(name.to_owned(), message);
        }
        return;
    }
    let (kind, options) = match &spec.leads_to {
        LeadsTo::Patch { peer, peer_bridge } => {
            let Some(other) = observed.bridges.get(peer_bridge) else {
                return;
            };
            if datapath(&bridge.datapath_type) != datapath(&other.datapath_type) {
                let message = format!(
                    "can not be joined with {}: its datapath_type is {}, that of {} is {}",
                    spec.bridge,
                    datapath(&other.datapath_type),
                    spec.bridge,
                    datapath(&bridge.datapath_type)
                );
                out.problems.insert(peer_bridge.clone(), message);
                return;
            }
            let is_open = current.is_some_and(|current| current.options.get("peer") == Some(peer));
            let may_open = current.is_some_and(|current| current.ofport.is_some())
                && other.ofport(peer).is_some()
                && guarded.contains(&spec.bridge)
                && guarded.contains(peer_bridge);
            let peer = if is_open || may_open { peer } else { CLOSED };
            (
                "patch".to_owned(),
                BTreeMap::from([("peer".to_owned(), peer.to_owned())]),
            )
        }
        LeadsTo::Tunnel { tunnel, options } => {
            if current.is_none() && !guarded.contains(&spec.bridge) {
                return;
            }
            (tunnel.to_string(), options.clone())
        }
    };
    match current {
        None => out.changes.push(Change::AddPort {
            bridge: bridge.id,
            name: name.to_owned(),
            kind,
            options,
        }),
        Some(current) => {
            if current.options != options {
                out.changes.push(Change::SetOptions {
                    interface: current.id,
                    options,
                });
            }
            if let Some(error) = &current.error
                && current.ofport.is_none()
            {
                let message = format!("Open vSwitch can not make this port: {error}");
                out.problems.insert(name.to_owned(), message);
            }
        }
    }
}

/// True if it is, but for its mark, what heddle makes: somebody has taken the mark away. Such a port is not remade, for its
/// number would change.
fn is_as_made(interface: &Interface, leads_to: &LeadsTo) -> bool {
    match leads_to {
        LeadsTo::Patch { peer, .. } => {
            let to = interface.options.get("peer");
            interface.kind == "patch" && to.is_some_and(|to| to == peer || to == CLOSED)
        }
        LeadsTo::Tunnel { tunnel, options } => {
            interface.kind == tunnel.to_string() && interface.options == *options
        }
    }
}

fn datapath(kind: &str) -> &str {
    if kind.is_empty() { "system" } else { kind }
}

/// Compares what the endpoints' ports say about their networks with `local_vlans`.
#[must_use]
pub fn plan_local_vlans(
    observed: &Observed,
    site: &Site,
    bindings: &Bindings,
    local_vlans: &BTreeMap<Uuid, u16>,
) -> Vec<Change> {
    let Some(bridge) = observed.bridges.get(INTEGRATION_BRIDGE) else {
        return Vec::new();
    };
    let mut wanted: BTreeMap<&str, (Uuid, u16)> = BTreeMap::new();
    for (id, bound) in &bindings.bound {
        let network = site.ports.get(id).map(|port| port.network);
        if let Some((network, &lvid)) =
            network.and_then(|network| Some((network, local_vlans.get(&network)?)))
        {
            wanted.insert(&bound.ovs_port, (network, lvid));
        }
    }
    let changes = bridge.ports.iter().filter_map(|(name, port)| {
        let local_vlan = wanted.get(name.as_str()).copied();
        let noted = port.external_ids.contains_key(NETWORK_KEY);
        let differs = if local_vlan.is_some() {
            port.local_vlan() != local_vlan
        } else {
            noted
        };
        differs.then_some(Change::SetLocalVlan {
            port: port.id,
            local_vlan,
        })
    });
    changes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Settings;
    use crate::reconcile::observed::{Bridge, Port};
    use crate::reconcile::simulated::carry_out;

    fn layout(mappings: &str) -> Layout {
        let external_ids = [
            ("heddle-encap-ip", "192.0.2.1"),
            ("heddle-encap-types", "vxlan"),
            ("heddle-bridge-mappings", mappings),
            ("heddle-datapath-type", "netdev"),
        ];
        let external_ids = external_ids
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        Layout::new(&Settings::read(&external_ids, "h1").unwrap())
    }

    fn step(observed: &mut Observed, layout: &Layout, guarded: &BTreeSet<String>) {
        let changes = plan(observed, layout, guarded).changes;
        carry_out(observed, &changes);
    }

    fn guarded(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn peer(observed: &Observed, bridge: &str, port: &str) -> String {
        observed.bridges[bridge].ports[port].interfaces[port].options["peer"].clone()
    }

    fn with_provider() -> Observed {
        let bridge = Bridge {
            id: Uuid::from_u128(9),
            datapath_type: "netdev".to_owned(),
            ..Bridge::default()
        };
        Observed {
            bridges: [("br-eth1".to_owned(), bridge)].into(),
            ..Observed::default()
        }
    }

    #[test]
    fn patch_ports_open_only_between_guarded_bridges() {
        let (mut observed, layout) = (with_provider(), layout("provider:br-eth1"));
        let first = plan(&observed, &layout, &guarded(&[]));
        assert!(
            matches!(
                &first.changes[..],
                [Change::AddBridge { .. }, Change::AddBridge { .. }]
            ),
            "{first:?}"
        );
        carry_out(&mut observed, &first.changes);

        step(&mut observed, &layout, &guarded(&[]));
        assert_eq!(plan(&observed, &layout, &guarded(&[])), Plan::default());
        for (bridge, port) in [
            ("br-int", "patch-tun"),
            ("br-tun", "patch-int"),
            ("br-int", "int-br-eth1"),
            ("br-eth1", "phy-br-eth1"),
        ] {
            assert_eq!(peer(&observed, bridge, port), CLOSED);
        }
        assert!(
            !observed.bridges["br-tun"]
                .ports
                .contains_key("heddle-vxlan"),
            "br-tun is not guarded"
        );

        step(&mut observed, &layout, &guarded(&["br-int", "br-tun"]));
        assert_eq!(peer(&observed, "br-int", "patch-tun"), "patch-int");
        assert_eq!(peer(&observed, "br-tun", "patch-int"), "patch-tun");
        assert_eq!(
            peer(&observed, "br-int", "int-br-eth1"),
            CLOSED,
            "br-eth1 is not guarded"
        );
        assert!(
            observed.bridges["br-tun"]
                .ports
                .contains_key("heddle-vxlan")
        );

        let all = guarded(&["br-int", "br-tun", "br-eth1"]);
        step(&mut observed, &layout, &all);
        assert_eq!(peer(&observed, "br-eth1", "phy-br-eth1"), "int-br-eth1");
        assert_eq!(plan(&observed, &layout, &all), Plan::default());
        assert_eq!(
            plan(&observed, &layout, &guarded(&[])),
            Plan::default(),
            "an open port is never closed again"
        );
    }

    #[test]
    fn a_mapping_that_goes_takes_its_ports_with_it_once_no_flow_mentions_them() {
        let mut observed = with_provider();
        let all = guarded(&["br-int", "br-tun", "br-eth1"]);
        for _ in 0..3 {
            step(&mut observed, &layout("provider:br-eth1"), &all);
        }
        let gone = plan(&observed, &layout(""), &guarded(&["br-int"]));
        assert!(
            matches!(gone.changes[..], [Change::DeletePort { .. }]),
            "{gone:?}"
        );
        step(&mut observed, &layout(""), &all);
        assert!(observed.bridges["br-eth1"].ports.is_empty());
        assert!(!observed.bridges["br-int"].ports.contains_key("int-br-eth1"));
    }

    #[test]
    fn what_is_the_operators_stays_and_is_reported() {
        let mut observed = with_provider();
        let theirs = Port {
            id: Uuid::from_u128(5),
            ..Port::default()
        };
        observed
            .bridges
            .get_mut("br-eth1")
            .unwrap()
            .ports
            .insert("phy-br-eth1".to_owned(), theirs.clone());
        observed
            .bridges
            .get_mut("br-eth1")
            .unwrap()
            .ports
            .insert("eth1".to_owned(), theirs);
        let all = guarded(&["br-int", "br-tun", "br-eth1"]);
        step(&mut observed, &layout("provider:br-eth1"), &all);
        let plan = plan(&observed, &layout("provider:br-eth1,other:br-eth2"), &all);
        assert_eq!(
            plan.problems["phy-br-eth1"],
            "heddle needs a port of this name on br-eth1: remove or rename the one there"
        );
        assert_eq!(
            plan.problems["br-eth2"],
            "heddle-bridge-mappings names this bridge, but the switch does not have it: make it with \
             `ovs-vsctl add-br br-eth2` and add its network card with `ovs-vsctl add-port br-eth2 ...`"
        );
        let touched = |change: &Change| match change {
            Change::AddPort { bridge, .. } | Change::DeletePort { bridge, .. } => {
                *bridge == Uuid::from_u128(9)
            }
            Change::AddBridge { .. }
            | Change::SecureBridge { .. }
            | Change::AllowProtocol { .. }
            | Change::SetOptions { .. } => false,
            Change::SetLocalVlan { .. } | Change::MarkPort { .. } => true,
        };
        assert!(!plan.changes.iter().any(touched), "{plan:?}");
    }

    #[test]
    fn a_port_that_has_lost_its_mark_is_marked_again_and_one_that_leads_elsewhere_is_not() {
        let mut observed = Observed::default();
        let (layout, all) = (layout(""), guarded(&["br-int", "br-tun"]));
        for _ in 0..3 {
            step(&mut observed, &layout, &all);
        }
        let before = observed.clone();
        fn ports(observed: &mut Observed) -> impl Iterator<Item = (&String, &mut Port)> {
            let bridges = observed.bridges.values_mut();
            bridges.flat_map(|bridge| bridge.ports.iter_mut())
        }
        ports(&mut observed).for_each(|(_, port)| port.external_ids.clear());
        let marks = plan(&observed, &layout, &all);
        let is_mark = |change: &Change| matches!(change, Change::MarkPort { .. });
        assert!(marks.changes.len() == 3 && marks.changes.iter().all(is_mark));
        assert_eq!(marks.problems, BTreeMap::new());
        step(&mut observed, &layout, &all);
        assert_eq!(observed, before);

        for (name, port) in ports(&mut observed) {
            port.external_ids.clear();
            let interface = port.interfaces.get_mut(name).unwrap();
            interface.options.insert("peer".to_owned(), "x".to_owned());
        }
        let theirs = plan(&observed, &layout, &all);
        assert_eq!((theirs.changes.len(), theirs.problems.len()), (0, 3));
    }

    #[test]
    fn a_bridge_that_must_not_speak_heddles_protocol_may_again() {
        let mut observed = Observed::default();
        step(&mut observed, &layout(""), &guarded(&[]));
        let bridge = observed.bridges.get_mut("br-int").unwrap();
        bridge.protocols = BTreeSet::from(["OpenFlow10".to_owned()]);
        step(&mut observed, &layout(""), &guarded(&[]));
        let protocols = &observed.bridges["br-int"].protocols;
        assert_eq!(protocols.len(), 2, "the operator's stays: {protocols:?}");
        assert!(!observed.bridges["br-int"].lacks_protocol());
    }

    #[test]
    fn bridges_of_other_datapaths_are_not_joined() {
        let mut observed = with_provider();
        observed.bridges.get_mut("br-eth1").unwrap().datapath_type = String::new();
        step(&mut observed, &layout("provider:br-eth1"), &guarded(&[]));
        let plan = plan(&observed, &layout("provider:br-eth1"), &guarded(&[]));
        assert_eq!(
            plan.problems["br-eth1"],
            "can not be joined with br-int: its datapath_type is system, that of br-int is netdev"
        );
    }

    #[test]
    fn an_adopted_bridge_is_made_secure() {
        let mut observed = Observed::default();
        let bridge = Bridge {
            id: Uuid::from_u128(9),
            ..Bridge::default()
        };
        observed.bridges.insert("br-int".to_owned(), bridge);
        let plan = plan(&observed, &layout(""), &guarded(&[]));
        assert!(plan.changes.contains(&Change::SecureBridge {
            bridge: Uuid::from_u128(9)
        }));
    }
}
