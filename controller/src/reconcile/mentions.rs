//! What the flows of a bridge mention: local VLANs, also by network, the bits that they look at, and on `br-int` the numbers
//! of ports. Counted flow by flow, so that a number or a local VLAN gets a new meaning only when no flow knows the old one
//! any more.

use std::collections::BTreeMap;

use flows::{Action, Field, Flow};

use super::masks::Masks;
use super::programme::learns;
use crate::compile::{Cookie, Kind};

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Mentions {
    local_vlans: BTreeMap<u16, usize>,
    /// By VLAN id, and cookie of the network that the flow serves.
    networks: BTreeMap<(u16, Cookie), usize>,
    /// By port number, cookie of the flow, and VLAN id (0: the flow knows none); none where that is not of interest.
    numbers: Option<BTreeMap<(u32, u64, u16), usize>>,
    /// How many flows make the switch learn others.
    teachers: usize,
    masks: Masks,
}

impl Mentions {
    /// Mentions of no flows.
    pub(super) fn new(with_numbers: bool) -> Self {
        Self {
            local_vlans: BTreeMap::new(),
            networks: BTreeMap::new(),
            numbers: with_numbers.then(BTreeMap::new),
            teachers: 0,
            masks: Masks::default(),
        }
    }

    /// The bits that the flows look at.
    pub(super) fn masks(&mut self) -> &mut Masks {
        &mut self.masks
    }

    pub(super) fn add(&mut self, flow: &Flow) {
        self.masks.add(flow);
        self.teachers = self.teachers.saturating_add(usize::from(teaches(flow)));
        let network = network_of(flow);
        for vlan in vlan_ids(flow) {
            *self.local_vlans.entry(vlan).or_default() += 1;
            if let Some(cookie) = network {
                *self.networks.entry((vlan, cookie)).or_default() += 1;
            }
        }
        if let Some(numbers) = &mut self.numbers {
            for key in numbers_of(flow) {
                *numbers.entry(key).or_default() += 1;
            }
        }
    }

    pub(super) fn remove(&mut self, flow: &Flow) {
        self.masks.remove(flow);
        self.teachers = self.teachers.saturating_sub(usize::from(teaches(flow)));
        let network = network_of(flow);
        for vlan in vlan_ids(flow) {
            one_less(&mut self.local_vlans, &vlan);
            if let Some(cookie) = network {
                one_less(&mut self.networks, &(vlan, cookie));
            }
        }
        if let Some(numbers) = &mut self.numbers {
            for key in numbers_of(flow) {
                one_less(numbers, &key);
            }
        }
    }

    /// True if a flow makes the switch learn others.
    pub(super) fn teach(&self) -> bool {
        self.teachers > 0
    }

    /// Every VLAN id that a flow mentions, be it as a local VLAN or not.
    pub(super) fn local_vlans(&self) -> impl Iterator<Item = u16> {
        self.local_vlans.keys().copied()
    }

    /// The cookies of the networks whose own flows mention the VLAN id.
    pub(super) fn networks_with(&self, vlan: u16) -> impl Iterator<Item = Cookie> {
        let all = self.networks.range((vlan, Cookie::BASE)..);
        all.map(|(key, _)| *key)
            .take_while(move |(of, _)| *of == vlan)
            .map(|(_, cookie)| cookie)
    }

    /// True if the number means nothing to any flow but to those of these owners in this local VLAN.
    pub(super) fn is_free_for(&self, number: u32, owners: [Cookie; 2], lvid: u16) -> bool {
        let all = self.numbers.iter().flat_map(|numbers| {
            numbers
                .range((number, u64::MIN, u16::MIN)..=(number, u64::MAX, u16::MAX))
                .map(|(key, _)| *key)
        });
        let mut all = all;
        all.all(|(_, cookie, vlan)| {
            owners.iter().any(|owner| owner.raw() == cookie) && [0, lvid].contains(&vlan)
        })
    }
}

fn teaches(flow: &Flow) -> bool {
    learns(flow).next().is_some()
}

/// The network that the flow serves, if it serves one.
fn network_of(flow: &Flow) -> Option<Cookie> {
    let cookie = Cookie::from_raw(flow.cookie)?;
    (cookie.kind() == Some(Kind::Network)).then_some(cookie)
}

fn one_less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(counts.remove(key)),
    }
}

/// The port numbers that a flow matches or sends to, with the flow's cookie and VLAN ids. A flood has many numbers and many
/// actions, so its VLAN ids are looked for once.
fn numbers_of(flow: &Flow) -> Vec<(u32, u64, u16)> {
    let mut vlans: Vec<u16> = vlan_ids(flow).collect();
    if vlans.is_empty() {
        vlans.push(0);
    }
    let from = flow.matches.get(Field::InPort);
    let from = from.and_then(|field| u32::try_from(field.value).ok());
    let to = flow
        .instructions
        .apply
        .iter()
        .filter_map(|action| match action {
            Action::Output(port) => Some(port.0),
            _ => None,
        });
    let all = from.into_iter().chain(to).flat_map(|number| {
        let vlans = vlans.iter();
        vlans.map(move |vlan| (number, flow.cookie, *vlan))
    });
    all.collect()
}

/// The VLAN ids that a flow matches or writes.
pub(super) fn vlan_ids(flow: &Flow) -> impl Iterator<Item = u16> {
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
