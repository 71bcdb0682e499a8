//! Which objects of a site may have changed: what is handed from stage to stage instead of the whole site.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::Site;

/// Objects that were added, changed or removed, by `_uuid`. To name one that is as it was costs time but is never wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Networks.
    pub networks: BTreeSet<Uuid>,
    /// Ports.
    pub ports: BTreeSet<Uuid>,
    /// Hosts.
    pub hosts: BTreeSet<Uuid>,
}

impl Touched {
    /// What differs between two sites.
    #[must_use]
    pub fn between(old: &Site, new: &Site) -> Self {
        Self {
            networks: differing(&old.networks, &new.networks),
            ports: differing(&old.ports, &new.ports),
            hosts: differing(&old.hosts, &new.hosts),
        }
    }

    /// True if nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.ports.is_empty() && self.hosts.is_empty()
    }

    /// These and those.
    pub fn extend(&mut self, other: Self) {
        self.networks.extend(other.networks);
        self.ports.extend(other.ports);
        self.hosts.extend(other.hosts);
    }
}

/// Keys that two maps do not agree on.
pub(crate) fn differing<T: PartialEq>(
    old: &BTreeMap<Uuid, T>,
    new: &BTreeMap<Uuid, T>,
) -> BTreeSet<Uuid> {
    if old == new {
        return BTreeSet::new();
    }
    let gone = old.keys().filter(|id| !new.contains_key(id));
    let changed = new
        .iter()
        .filter(|(id, object)| old.get(id) != Some(object));
    gone.chain(changed.map(|(id, _)| id)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::{host, id, port};

    #[test]
    fn what_came_went_and_changed_is_named() {
        let site = |ports: &[crate::model::Port]| Site {
            ports: ports.iter().map(|port| (port.id, port.clone())).collect(),
            hosts: [(id(9), host(9, "192.0.2.9"))].into(),
            ..Site::default()
        };
        let mut changed = port(2, 1, &[]);
        changed.port_security = false;
        let old = site(&[port(1, 1, &[]), port(2, 1, &[]), port(3, 1, &[])]);
        let new = site(&[port(2, 1, &[]), changed, port(3, 1, &[]), port(4, 1, &[])]);
        let touched = Touched::between(&old, &new);
        assert_eq!(touched.ports, [id(1), id(2), id(4)].into());
        assert_eq!((touched.networks.len(), touched.hosts.len()), (0, 0));
        let mut all = Touched::between(&Site::default(), &new);
        assert_eq!(all.hosts, [id(9)].into());
        all.extend(touched);
        assert_eq!(all.ports.len(), 4);
    }
}
