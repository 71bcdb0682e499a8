//! Which port of the intent each plugged interface is.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use uuid::Uuid;

use super::observed::Observed;
use crate::model::{INTEGRATION_BRIDGE, Site};

/// The key in `Interface.external_ids` by which libvirt, Nova, Incus and others name a port.
pub(super) const IFACE_ID: &str = "iface-id";

/// The endpoints of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    /// Port (`_uuid` in the northbound database) → the interface that is it.
    pub bound: BTreeMap<Uuid, Bound>,
    /// Interface name → `iface-id`, where that names no port.
    pub unbound: BTreeMap<String, String>,
    /// Interface name → what keeps it from working.
    pub problems: BTreeMap<String, String>,
}

/// An interface that is a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Name of the `Port` row.
    pub ovs_port: String,
    /// Name of the `Interface` row: the same but for bonds.
    pub interface: String,
    /// Its OpenFlow port number on `br-int`; none until ovs-vswitchd has made it.
    pub ofport: Option<u32>,
}

/// The ports that this host's interfaces call by their names.
#[derive(Debug, Default)]
pub struct Names {
    known: BTreeMap<String, Option<Uuid>>,
    /// All ports by a hash of the name, once somebody has asked for one by its name. Those that have gone, or have another
    /// name by now, may still be in it.
    index: Option<BTreeSet<(u64, Uuid)>>,
}

impl Names {
    /// These ports may have come, gone, or changed their names. True if a name that is called here may mean another port.
    pub fn ports_changed(&mut self, site: &Site, ports: &BTreeSet<Uuid>) -> bool {
        if ports.is_empty() {
            return false;
        }
        let mut differs = false;
        for port in ports.iter().filter_map(|id| site.ports.get(id)) {
            if let Some(known) = self.known.get_mut(&port.name) {
                differs |= known.replace(port.id) != Some(port.id);
            }
            if let Some(index) = &mut self.index {
                index.insert((hash(&port.name), port.id));
            }
        }
        // What is no longer so is looked for again.
        self.known.retain(|name, id| {
            let port = id.map(|id| site.ports.get(&id));
            let holds = port.is_none_or(|port| port.is_some_and(|port| port.name == *name));
            differs |= !holds;
            holds
        });
        // So many have gone that it is better made anew.
        let most = site.ports.len().saturating_mul(2).saturating_add(1_000);
        self.index.take_if(|index| index.len() > most);
        differs
    }

    /// Nothing is known any more.
    pub fn clear(&mut self) {
        self.known.clear();
        self.index = None;
    }

    fn find(&mut self, site: &Site, name: &str) -> Option<Uuid> {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let index = self.index.get_or_insert_with(|| {
            let ports = site.ports.values();
            ports.map(|port| (hash(&port.name), port.id)).collect()
        });
        let hash = hash(name);
        let mut alike = index.range((hash, Uuid::nil())..=(hash, Uuid::max()));
        let has_name = |id: &Uuid| site.ports.get(id).is_some_and(|port| port.name == name);
        let found = alike.find(|(_, id)| has_name(id)).map(|(_, id)| *id);
        self.known.insert(name.to_owned(), found);
        found
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Finds the port of each interface on `br-int` that has an `iface-id`.
///
/// When several interfaces name one port, the one that works is it, of several such the first by name.
#[must_use]
pub fn bindings(observed: &Observed, site: &Site, names: &mut Names) -> Bindings {
    let mut out = Bindings::default();
    let mut said = BTreeSet::new();
    let ports = observed
        .bridges
        .get(INTEGRATION_BRIDGE)
        .into_iter()
        .flat_map(|bridge| &bridge.ports);
    for (ovs_port, port) in ports {
        for (name, interface) in &port.interfaces {
            let Some(iface_id) = interface.external_ids.get(IFACE_ID) else {
                continue;
            };
            said.insert(iface_id);
            let by_id = iface_id
                .parse()
                .ok()
                .filter(|id| site.ports.contains_key(id));
            let Some(id) = by_id.or_else(|| names.find(site, iface_id)) else {
                out.unbound.insert(name.clone(), iface_id.clone());
                continue;
            };
            if let Some(error) = &interface.error {
                out.problems.insert(
                    name.clone(),
                    format!("Open vSwitch can not use this interface: {error}"),
                );
            }
            let bound = Bound {
                ovs_port: ovs_port.clone(),
                interface: name.clone(),
                ofport: interface.ofport,
            };
            match out.bound.get_mut(&id) {
                None => {
                    out.bound.insert(id, bound);
                }
                Some(first) => {
                    let loser = if first.ofport.is_none() && bound.ofport.is_some() {
                        std::mem::replace(first, bound).interface
                    } else {
                        name.clone()
                    };
                    let message = format!(
                        "iface-id {iface_id} is taken by {}: unplug one of the two",
                        first.ovs_port
                    );
                    out.problems.insert(loser, message);
                }
            }
        }
    }
    names.known.retain(|name, _| said.contains(name));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::{id, port};
    use crate::reconcile::observed::{Bridge, Interface, Port};

    /// A site with the port `port7`.
    fn site() -> Site {
        let port = port(7, 1, &[]);
        Site {
            ports: [(port.id, port)].into(),
            ..Site::default()
        }
    }

    fn observed(interfaces: &[(&str, &str, Option<u32>)]) -> Observed {
        let ports = interfaces.iter().map(|(name, iface_id, ofport)| {
            let external_ids = [(IFACE_ID.to_owned(), (*iface_id).to_owned())].into();
            let interface = Interface {
                external_ids,
                ofport: *ofport,
                ..Interface::default()
            };
            (
                (*name).to_owned(),
                Port {
                    interfaces: [((*name).to_owned(), interface)].into(),
                    ..Port::default()
                },
            )
        });
        let bridge = Bridge {
            ports: ports.collect(),
            ..Bridge::default()
        };
        Observed {
            bridges: [(INTEGRATION_BRIDGE.to_owned(), bridge)].into(),
            ..Observed::default()
        }
    }

    fn bound(ovs_port: &str, ofport: Option<u32>) -> BTreeMap<Uuid, Bound> {
        [(
            id(7),
            Bound {
                ovs_port: ovs_port.to_owned(),
                interface: ovs_port.to_owned(),
                ofport,
            },
        )]
        .into()
    }

    #[test]
    fn an_interface_names_its_port_by_id_or_by_name() {
        for iface_id in ["port7", &id(7).to_string()] {
            let found = bindings(
                &observed(&[("tap0", iface_id, Some(5))]),
                &site(),
                &mut Names::default(),
            );
            assert_eq!(
                found,
                Bindings {
                    bound: bound("tap0", Some(5)),
                    ..Bindings::default()
                }
            );
        }
    }

    #[test]
    fn an_interface_that_names_no_port_is_listed() {
        let found = bindings(
            &observed(&[("tap0", "vm2", Some(5))]),
            &site(),
            &mut Names::default(),
        );
        let unbound = [("tap0".to_owned(), "vm2".to_owned())].into();
        assert_eq!(
            found,
            Bindings {
                unbound,
                ..Bindings::default()
            }
        );
    }

    #[test]
    fn of_two_interfaces_the_one_that_works_is_the_port() {
        let found = bindings(
            &observed(&[("tap0", "port7", None), ("tap1", "port7", Some(6))]),
            &site(),
            &mut Names::default(),
        );
        assert_eq!(found.bound, bound("tap1", Some(6)));
        assert_eq!(found.problems.into_keys().collect::<Vec<_>>(), ["tap0"]);
        let found = bindings(
            &observed(&[("tap0", "port7", Some(5)), ("tap1", "port7", Some(6))]),
            &site(),
            &mut Names::default(),
        );
        assert_eq!(found.bound, bound("tap0", Some(5)));
        assert_eq!(
            found.problems["tap1"],
            "iface-id port7 is taken by tap0: unplug one of the two"
        );
    }

    #[test]
    fn names_follow_the_ports() {
        let mut site = site();
        let mut names = Names::default();
        let mut bound = |site: &Site, changed: &[u128]| {
            names.ports_changed(site, &changed.iter().map(|n| id(*n)).collect());
            let observed = observed(&[("tap0", "port7", Some(5))]);
            bindings(&observed, site, &mut names)
                .bound
                .into_keys()
                .collect::<Vec<_>>()
        };
        assert_eq!(bound(&site, &[]), [id(7)]);
        let mut other = port(8, 1, &[]);
        site.ports.insert(other.id, other.clone());
        site.ports.get_mut(&id(7)).unwrap().name = "renamed".to_owned();
        assert_eq!(bound(&site, &[7, 8]), Vec::<Uuid>::new());
        other.name = "port7".to_owned();
        site.ports.insert(other.id, other);
        assert_eq!(bound(&site, &[8]), [id(8)]);
        site.ports.remove(&id(8));
        assert_eq!(bound(&site, &[8]), Vec::<Uuid>::new());
        site.ports.get_mut(&id(7)).unwrap().name = "port7".to_owned();
        assert_eq!(bound(&site, &[7]), [id(7)]);
    }
}
