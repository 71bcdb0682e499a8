//! Networks of a document: their type, their segment, and the numbers they leave out.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Planner, first_names};
use crate::model::document::{Document, NetworkEntry, Place, Wrong};
use crate::model::{Network, NetworkType, PhysicalNetwork, Segment, TunnelType, show_range};

/// The segment that an entry asks for.
enum Wanted {
    /// This one.
    Exactly(Segment),
    /// Any free VNI.
    Tunnel(TunnelType),
    /// Any free VLAN id on this physical network.
    Vlan(String),
}

/// An entry whose fields go together.
struct Settled<'a> {
    entry: &'a NetworkEntry,
    id: Uuid,
    network_type: NetworkType,
    wanted: Wanted,
}

impl Planner {
    pub(super) fn networks(&mut self, document: &Document) {
        let known: BTreeSet<String> = self
            .known_physical_networks()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let settled: Vec<_> = document
            .networks
            .iter()
            .filter_map(|entry| self.settle(entry, &known))
            .collect();
        // All that change let go before the first takes, so that two networks may swap their numbers.
        for one in &settled {
            if let Some(old) = self.site.networks.get(&one.id) {
                let keeps =
                    matches!(&one.wanted, Wanted::Exactly(segment) if *segment == old.segment);
                if !keeps {
                    self.index.release_segment(&old.segment.key(&old.name));
                }
            }
        }
        // Numbers that the document names are taken before free ones are looked for.
        let (exact, open): (Vec<_>, Vec<_>) = settled
            .into_iter()
            .partition(|one| matches!(one.wanted, Wanted::Exactly(_)));
        for one in exact.into_iter().chain(open) {
            if let Some(segment) = self.segment(&one) {
                self.put_network(one.entry, one.id, segment);
            }
        }
    }

    /// Judges an entry's fields by themselves and against the network's present type.
    fn settle<'a>(
        &mut self,
        entry: &'a NetworkEntry,
        known: &BTreeSet<String>,
    ) -> Option<Settled<'a>> {
        let name = &entry.name.value;
        let existing = self
            .index
            .networks
            .get(name)
            .and_then(|id| self.site.networks.get(id))
            .cloned();
        let given = entry.network_type.as_ref().map(|given| given.value);
        let Some(network_type) = given.or_else(|| {
            existing
                .as_ref()
                .map(|network| network.segment.network_type())
        }) else {
            self.fault(entry.name.place, Wrong::NoType { name: name.clone() });
            return None;
        };
        let present = existing.as_ref().map(|network| &network.segment);
        self.foreign_fields(entry, network_type);
        let wanted = match network_type {
            NetworkType::Tunnel(tunnel) => self.wanted_tunnel(entry, tunnel, present)?,
            NetworkType::Vlan => self.wanted_vlan(entry, present, known)?,
            NetworkType::Flat => Wanted::Exactly(Segment::Flat {
                physical_network: self.wire(entry, NetworkType::Flat, present, known)?,
            }),
            NetworkType::Local => Wanted::Exactly(Segment::Local),
        };
        if let Some(network) = &existing {
            self.in_use(entry, network, &wanted)?;
        }
        let id = existing.map_or_else(Uuid::new_v4, |network| network.id);
        Some(Settled {
            entry,
            id,
            network_type,
            wanted,
        })
    }

    /// Faults the fields that belong to other types.
    fn foreign_fields(&mut self, entry: &NetworkEntry, found: NetworkType) {
        let tunnel = matches!(found, NetworkType::Tunnel(_));
        let wire = matches!(found, NetworkType::Vlan | NetworkType::Flat);
        let vni = entry.vni.as_ref().filter(|_| !tunnel).map(|vni| vni.place);
        let physical = entry
            .physical_network
            .as_ref()
            .filter(|_| !wire)
            .map(|name| name.place);
        let vlan = entry
            .vlan
            .as_ref()
            .filter(|_| found != NetworkType::Vlan)
            .map(|vlan| vlan.place);
        for (place, field, expected) in [
            (vni, "vni", "vxlan, gre and geneve"),
            (physical, "physical_network", "vlan and flat"),
            (vlan, "vlan", "vlan"),
        ] {
            if let Some(place) = place {
                self.fault(
                    place,
                    Wrong::FieldOfOtherType {
                        field,
                        found,
                        expected,
                    },
                );
            }
        }
    }

    fn wanted_tunnel(
        &mut self,
        entry: &NetworkEntry,
        tunnel: TunnelType,
        present: Option<&Segment>,
    ) -> Option<Wanted> {
        match (&entry.vni, present) {
            (Some(vni), _) if vni.value > tunnel.max_vni() => {
                let (found, max) = (vni.value, tunnel.max_vni());
                let wrong = Wrong::VniRange {
                    vni: found,
                    tunnel: NetworkType::Tunnel(tunnel),
                    max,
                };
                self.fault(vni.place, wrong);
                None
            }
            (Some(vni), _) => Some(Wanted::Exactly(Segment::Tunnel {
                tunnel,
                vni: vni.value,
            })),
            (None, Some(present)) if present.tunnel() == Some(tunnel) => {
                Some(Wanted::Exactly(present.clone()))
            }
            (None, _) => Some(Wanted::Tunnel(tunnel)),
        }
    }

    fn wanted_vlan(
        &mut self,
        entry: &NetworkEntry,
        present: Option<&Segment>,
        known: &BTreeSet<String>,
    ) -> Option<Wanted> {
        let physical_network = self.wire(entry, NetworkType::Vlan, present, known)?;
        let Some(vlan) = &entry.vlan else {
            return Some(match present {
                Some(Segment::Vlan {
                    physical_network: same,
                    ..
                }) if *same == physical_network => Wanted::Exactly(present?.clone()),
                _ => Wanted::Vlan(physical_network),
            });
        };
        let ranges = self
            .declared(&physical_network)
            .map(PhysicalNetwork::ranges);
        if ranges.is_some_and(|ranges| !ranges.iter().any(|range| range.contains(&vlan.value))) {
            let ranges = ranges
                .unwrap_or_default()
                .iter()
                .map(show_range)
                .collect::<Vec<_>>()
                .join(", ");
            let wrong = Wrong::VlanOutsideRanges {
                vlan: vlan.value,
                physical_network,
                ranges,
            };
            self.fault(vlan.place, wrong);
            return None;
        }
        Some(Wanted::Exactly(Segment::Vlan {
            physical_network,
            vlan: vlan.value,
        }))
    }

    fn declared(&self, physical_network: &str) -> Option<&PhysicalNetwork> {
        let id = self.index.physical_networks.get(physical_network)?;
        self.site.physical_networks.get(id)
    }

    /// The physical network of an entry, or the one that the network has.
    fn wire(
        &mut self,
        entry: &NetworkEntry,
        found: NetworkType,
        present: Option<&Segment>,
        known: &BTreeSet<String>,
    ) -> Option<String> {
        let listed = || first_names(known.iter().map(String::as_str));
        match (
            &entry.physical_network,
            present.and_then(Segment::physical_network),
        ) {
            (Some(name), _) if !known.contains(&name.value) => {
                let wrong = Wrong::UnknownPhysicalNetwork {
                    found: name.value.clone(),
                    known: listed(),
                };
                self.fault(name.place, wrong);
                None
            }
            (Some(name), _) => Some(name.value.clone()),
            (None, Some(present)) => Some(present.to_owned()),
            (None, None) => {
                let wrong = Wrong::NoPhysicalNetwork {
                    found,
                    name: entry.name.value.clone(),
                    known: listed(),
                };
                self.fault(entry.name.place, wrong);
                None
            }
        }
    }

    /// Ports hold a network to its segment: its packets would change wires under them.
    fn in_use(&mut self, entry: &NetworkEntry, network: &Network, wanted: &Wanted) -> Option<()> {
        let new = match wanted {
            Wanted::Exactly(segment) if *segment == network.segment => return Some(()),
            Wanted::Exactly(segment) => segment.to_string(),
            Wanted::Tunnel(tunnel) => tunnel.to_string(),
            Wanted::Vlan(physical_network) => format!("vlan on {physical_network}"),
        };
        let ports = self
            .index
            .ports_of
            .get(&network.id)
            .copied()
            .unwrap_or_default();
        if ports == 0 {
            return Some(());
        }
        let (name, old) = (network.name.clone(), network.segment.to_string());
        self.fault(
            number_place(entry),
            Wrong::SegmentInUse {
                name,
                ports,
                old,
                new,
            },
        );
        None
    }

    /// Takes the segment that an entry asks for.
    fn segment(&mut self, one: &Settled<'_>) -> Option<Segment> {
        let name = &one.entry.name.value;
        let (segment, what, way_out) = match &one.wanted {
            Wanted::Exactly(segment) => {
                if let Err(other) = self.index.claim_segment(segment.key(name), one.id) {
                    let expected = match one.network_type {
                        NetworkType::Tunnel(_) => "another vni, or none for the next free one",
                        NetworkType::Vlan => "another vlan, or none for the next free one",
                        NetworkType::Flat | NetworkType::Local => {
                            "a physical network without a flat network"
                        }
                    };
                    let by = self.network_name(other);
                    let wrong = Wrong::SegmentTaken {
                        segment: segment.to_string(),
                        by,
                        expected,
                    };
                    self.fault(number_place(one.entry), wrong);
                    return None;
                }
                return Some(segment.clone());
            }
            Wanted::Tunnel(tunnel) => (
                self.index.allocate_vni(*tunnel, one.id),
                format!("{tunnel} VNI"),
                "delete networks that nobody uses".to_owned(),
            ),
            Wanted::Vlan(physical_network) => {
                let id = self.index.physical_networks.get(physical_network);
                let wire = id.and_then(|id| self.site.physical_networks.get(id));
                (
                    self.index.allocate_vlan(physical_network, wire, one.id),
                    format!("VLAN on {physical_network}"),
                    "extend its vlans, or delete networks that nobody uses".to_owned(),
                )
            }
        };
        if segment.is_none() {
            self.fault(one.entry.name.place, Wrong::Exhausted { what, way_out });
        }
        segment
    }

    fn put_network(&mut self, entry: &NetworkEntry, id: Uuid, segment: Segment) {
        let network = match self.site.networks.get(&id).cloned() {
            Some(old) => {
                // A size that only followed from the old type follows from the new one.
                let chosen = (old.mtu != old.segment.default_mtu()).then_some(old.mtu);
                let learning = old.learning;
                let project = old.project.clone();
                Network {
                    mtu: entry
                        .mtu
                        .as_ref()
                        .map(|mtu| mtu.value)
                        .or(chosen)
                        .unwrap_or(segment.default_mtu()),
                    learning: entry.learning.unwrap_or(learning),
                    project: entry.project.clone().unwrap_or(project),
                    segment,
                    ..old
                }
            }
            None => Network {
                id,
                name: entry.name.value.clone(),
                project: entry.project.clone().unwrap_or_default(),
                mtu: entry
                    .mtu
                    .as_ref()
                    .map_or(segment.default_mtu(), |mtu| mtu.value),
                learning: entry
                    .learning
                    .unwrap_or(segment.physical_network().is_some()),
                segment,
            },
        };
        self.index.networks.insert(network.name.clone(), id);
        self.site.networks.insert(id, network);
    }
}

/// Where an entry says which segment it wants.
fn number_place(entry: &NetworkEntry) -> Place {
    let number = entry
        .vni
        .as_ref()
        .map(|vni| vni.place)
        .or(entry.vlan.as_ref().map(|vlan| vlan.place));
    let wire = entry.physical_network.as_ref().map(|name| name.place);
    let kind = entry.network_type.as_ref().map(|kind| kind.place);
    number.or(wire).or(kind).unwrap_or(entry.name.place)
}
