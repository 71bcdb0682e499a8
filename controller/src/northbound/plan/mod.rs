//! What a document makes of a site: the site as it shall be, or what stands in the way. Pure: whoever commits the
//! result sees to it that the site has not changed meanwhile. Chooses the numbers and addresses that a document
//! leaves out, always those that are free.

mod index;
mod networks;
mod ports;
#[cfg(test)]
mod properties;
mod subnets;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use flows::EthAddr;
use uuid::Uuid;

use self::index::Index;
use crate::model::document::{At, Document, Fault, Place, Wrong};
use crate::model::{PhysicalNetwork, Site};

/// How many names a message lists before it stops.
const LISTED: usize = 20;

/// The site after `document` was applied to `before`. An object of the document that exists is changed where the
/// document says so; everything else stays. `new_mac` offers MAC addresses for new ports until one is free.
///
/// # Errors
/// Everything that is wrong, in the order of the text. What is wrong with ports is told once the networks and subnets
/// that they are in have nothing wrong.
pub fn plan(
    document: &Document,
    before: &Site,
    new_mac: &mut dyn FnMut() -> EthAddr,
) -> Result<Site, Vec<Fault>> {
    let mut planner = Planner {
        site: before.clone(),
        index: Index::new(before),
        faults: Vec::new(),
    };
    planner.physical_networks(document);
    planner.networks(document);
    planner.check()?;
    planner.subnets(document);
    planner.check()?;
    planner.ports(document, before, new_mac);
    planner.check()?;
    planner.left_behind(document, before);
    planner.check()?;
    Ok(planner.site)
}

/// A random MAC address that no manufacturer has given away: locally administered and unicast (IEEE 802, 8.2.2).
#[must_use]
pub fn random_mac() -> EthAddr {
    let [first, rest @ ..] = *Uuid::new_v4().as_bytes();
    let [b, c, d, e, f, ..] = rest;
    EthAddr([first & 0xfc | 0x02, b, c, d, e, f])
}

/// A site on its way to what a document asks for.
struct Planner {
    site: Site,
    index: Index,
    faults: Vec<Fault>,
}

impl Planner {
    fn fault(&mut self, place: Place, wrong: Wrong) {
        self.faults.push(Fault { place, wrong });
    }

    /// Ends the planning when anything is wrong so far.
    fn check(&mut self) -> Result<(), Vec<Fault>> {
        if self.faults.is_empty() {
            return Ok(());
        }
        let mut faults = std::mem::take(&mut self.faults);
        faults.sort_by_key(|fault| fault.place);
        Err(faults)
    }

    fn physical_networks(&mut self, document: &Document) {
        for entry in &document.physical_networks {
            let id = self.index.physical_networks.get(&entry.name.value).copied();
            match id.and_then(|id| self.site.physical_networks.get_mut(&id)) {
                Some(existing) => {
                    if let Some(vlans) = &entry.vlans {
                        existing.vlans.clone_from(vlans);
                    }
                }
                None => {
                    let new = PhysicalNetwork {
                        id: Uuid::new_v4(),
                        name: entry.name.value.clone(),
                        vlans: entry.vlans.clone().unwrap_or_default(),
                    };
                    self.index
                        .physical_networks
                        .insert(new.name.clone(), new.id);
                    self.site.physical_networks.insert(new.id, new);
                }
            }
        }
    }

    /// The physical networks that are declared, that a host maps, or that a network is on already: the last so that a
    /// document which was applied once can be applied again after its hosts are gone.
    fn known_physical_networks(&self) -> BTreeSet<&str> {
        let declared = self.index.physical_networks.keys().map(String::as_str);
        let mapped = self
            .site
            .hosts
            .values()
            .flat_map(|host| host.bridge_mappings.keys().map(String::as_str));
        let in_use = self
            .site
            .networks
            .values()
            .filter_map(|network| network.segment.physical_network());
        declared.chain(mapped).chain(in_use).collect()
    }

    fn network_name(&self, id: Uuid) -> String {
        self.site
            .networks
            .get(&id)
            .map_or_else(|| id.to_string(), |network| network.name.clone())
    }

    /// Faults an entry that would move a subnet or port from its present network to another.
    fn stays(
        &mut self,
        kind: &'static str,
        name: &At<String>,
        present: Option<Uuid>,
        wanted: &At<String>,
        network: Uuid,
    ) -> Option<()> {
        let Some(present) = present.filter(|present| *present != network) else {
            return Some(());
        };
        let (name, old, new) = (
            name.value.clone(),
            self.network_name(present),
            wanted.value.clone(),
        );
        self.fault(
            wanted.place,
            Wrong::NetworkChanged {
                kind,
                name,
                old,
                new,
            },
        );
        None
    }

    /// The network that an entry names.
    fn network_of(&mut self, name: &At<String>) -> Option<Uuid> {
        let found = self.index.networks.get(&name.value).copied();
        if found.is_none() {
            let known = first_names(self.index.networks.keys().map(String::as_str));
            self.fault(
                name.place,
                Wrong::UnknownNetwork {
                    found: name.value.clone(),
                    known,
                },
            );
        }
        found
    }
}

/// Some names for a message.
fn first_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names = names.into_iter();
    let mut listed: Vec<String> = names.by_ref().take(LISTED).map(str::to_owned).collect();
    if names.next().is_some() {
        listed.push("...".to_owned());
    }
    listed
}

/// Something by the network it is about.
type ByNetwork<T> = BTreeMap<Uuid, T>;
