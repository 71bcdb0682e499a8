//! The site as a replica of the database has it, kept row by row: after each change only the rows that it concerns are
//! read again, and those whose sense depends on them.
//!
//! What depends on what: a subnet or port makes sense only with its network, and of the ports of a network that have one
//! address only the first by `_uuid` does. A port depends on lower ones, so ports are looked at in that order, once each.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::ops::Bound::{Excluded, Unbounded};

use ovsdb_client::{Changes, Replica, Row};
use uuid::Uuid;

use super::change::Table;
use super::rows::{LeftOut, RowError, host, network, physical_network, port, revision, subnet};
use crate::model::{Port, Site, Touched};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Mirror {
    site: Site,
    left_out: BTreeMap<(Table, Uuid), Vec<LeftOut>>,
    owners: Owners,
    /// Ports that are left out because another one has an address of theirs.
    refused: BTreeSet<Uuid>,
}

/// The ports by the addresses that they have in their networks. Of many ports, so it has hashes in place of both.
#[derive(Debug, Default)]
struct Owners {
    ports: BTreeSet<(u64, Uuid)>,
    /// Nobody outside knows which addresses have the same hash.
    keys: RandomState,
}

/// What an update has brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    /// Objects of the site that are not as they were.
    pub touched: Touched,
    /// Rows, or parts of rows, that are left out now and were not, or for another reason.
    pub left_out: Vec<LeftOut>,
}

/// What was found while rows were looked at.
#[derive(Default)]
struct Looks {
    touched: Touched,
    was_left_out: BTreeMap<(Table, Uuid), Vec<LeftOut>>,
    is_left_out: BTreeSet<(Table, Uuid)>,
}

impl Mirror {
    /// Everything that the replica holds. Tables that are not replicated are empty.
    #[must_use]
    pub fn new(replica: &Replica) -> Self {
        let mut mirror = Self::default();
        mirror.look_at(replica, |table| {
            replica.rows(table.name()).map(Row::uuid).collect()
        });
        // They came in order, which leaves each node of a tree half empty; made of all at once it has no such room.
        mirror.site.ports = std::mem::take(&mut mirror.site.ports).into_iter().collect();
        mirror.owners.ports = std::mem::take(&mut mirror.owners.ports)
            .into_iter()
            .collect();
        mirror
    }

    /// Takes in what has changed since the last time.
    pub fn update(&mut self, replica: &Replica, changes: &Changes) -> Update {
        self.look_at(replica, |table| {
            let rows = changes.table(table.name()).iter();
            rows.map(|row| row.uuid()).collect()
        })
    }

    /// The rows that make sense.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The rows that do not, by table and `_uuid`.
    pub fn left_out(&self) -> impl Iterator<Item = &LeftOut> {
        self.left_out.values().flatten()
    }

    pub(super) fn into_parts(self) -> (Site, Vec<LeftOut>) {
        (self.site, self.left_out.into_values().flatten().collect())
    }

    /// Looks at these rows of each table, and at those that depend on them.
    fn look_at(&mut self, replica: &Replica, rows: impl Fn(Table) -> BTreeSet<Uuid>) -> Update {
        let mut looks = Looks::default();
        self.site.revision = revision(replica);
        for id in rows(Table::PhysicalNetwork) {
            let row = replica.row(Table::PhysicalNetwork.name(), id);
            let found = self.read(
                Table::PhysicalNetwork,
                id,
                row,
                &mut looks,
                physical_network,
            );
            put(&mut self.site.physical_networks, id, found);
        }
        let mut subnets = rows(Table::Subnet);
        let mut ports = rows(Table::Port);
        for id in rows(Table::Network) {
            let row = replica.row(Table::Network.name(), id);
            let found = self.read(Table::Network, id, row, &mut looks, network);
            if found.is_some() != self.site.networks.contains_key(&id) {
                self.rows_of_network(id, &mut subnets, &mut ports);
            }
            if put(&mut self.site.networks, id, found) {
                looks.touched.networks.insert(id);
            }
        }
        let networks = std::mem::take(&mut self.site.networks);
        for id in subnets {
            let row = replica.row(Table::Subnet.name(), id);
            let found = self.read(Table::Subnet, id, row, &mut looks, |row| {
                subnet(row, &networks)
            });
            put(&mut self.site.subnets, id, found);
        }
        while let Some(id) = ports.pop_first() {
            let row = replica.row(Table::Port.name(), id);
            let found = self.read(Table::Port, id, row, &mut looks, |row| port(row, &networks));
            self.take_in_port(id, found, &mut ports, &mut looks);
        }
        self.site.networks = networks;
        for id in rows(Table::Host) {
            let row = replica.row(Table::Host.name(), id);
            let mut parts = Vec::new();
            let found = self.read(Table::Host, id, row, &mut looks, |row| {
                host(row, &mut parts)
            });
            for part in parts {
                self.leave_out(part, &mut looks);
            }
            if put(&mut self.site.hosts, id, found) {
                looks.touched.hosts.insert(id);
            }
        }
        let left_out = looks.is_left_out.iter().flat_map(|key| {
            let before = looks.was_left_out.get(key);
            let now = self.left_out.get(key).into_iter().flatten();
            now.filter(move |now| !before.is_some_and(|before| before.contains(now)))
        });
        Update {
            left_out: left_out.cloned().collect(),
            touched: looks.touched,
        }
    }

    /// Reads a row, and notes if it makes no sense.
    fn read<T>(
        &mut self,
        table: Table,
        id: Uuid,
        row: Option<&Row>,
        looks: &mut Looks,
        read: impl FnOnce(&Row) -> Result<T, RowError>,
    ) -> Option<T> {
        if let Some(before) = self.left_out.remove(&(table, id)) {
            looks.was_left_out.insert((table, id), before);
        }
        let row = row?;
        match read(row) {
            Ok(object) => Some(object),
            Err(source) => {
                let name = row.string("name").unwrap_or_default().to_owned();
                let left_out = LeftOut {
                    table,
                    id,
                    name,
                    part: None,
                    source,
                };
                self.leave_out(left_out, looks);
                None
            }
        }
    }

    fn leave_out(&mut self, left_out: LeftOut, looks: &mut Looks) {
        let key = (left_out.table, left_out.id);
        looks.is_left_out.insert(key);
        self.left_out.entry(key).or_default().push(left_out);
    }

    /// Adds the rows that are in the network or would be if it were there.
    fn rows_of_network(&self, id: Uuid, subnets: &mut BTreeSet<Uuid>, ports: &mut BTreeSet<Uuid>) {
        let (of_subnets, of_ports) = (self.site.subnets.values(), self.site.ports.values());
        subnets.extend(of_subnets.filter(|it| it.network == id).map(|it| it.id));
        ports.extend(of_ports.filter(|it| it.network == id).map(|it| it.id));
        for left_out in self.left_out() {
            if left_out.source == RowError::NoNetwork(id) {
                match left_out.table {
                    Table::Subnet => subnets.insert(left_out.id),
                    _ => ports.insert(left_out.id),
                };
            }
        }
    }

    /// Puts `found` in place of what port `id` was, unless a lower port has one of its addresses. Adds to `again` the
    /// higher ports for which that may make a difference.
    fn take_in_port(
        &mut self,
        id: Uuid,
        found: Option<Port>,
        again: &mut BTreeSet<Uuid>,
        looks: &mut Looks,
    ) {
        let old = self.site.ports.remove(&id);
        if let Some(old) = &old {
            self.owners.remove(old);
        }
        self.refused.remove(&id);
        let taken = found.as_ref().and_then(|port| self.taken(port));
        let found = match (found, taken) {
            (Some(port), Some(source)) => {
                let left_out = LeftOut {
                    table: Table::Port,
                    id,
                    name: port.name,
                    part: None,
                    source,
                };
                self.leave_out(left_out, looks);
                self.refused.insert(id);
                None
            }
            (found, _) => found,
        };
        if let Some(port) = &found {
            for address in &port.addresses {
                again.extend(self.owners.of(port.network, *address, &self.site));
            }
            self.owners.insert(port);
        }
        if found != old {
            looks.touched.ports.insert(id);
            again.extend(self.refused.range((Excluded(id), Unbounded)));
        }
        if let Some(port) = found {
            self.site.ports.insert(id, port);
        }
    }

    /// The first address of the port that a lower port has.
    fn taken(&self, port: &Port) -> Option<RowError> {
        port.addresses.iter().find_map(|address| {
            let mut owners = self.owners.of(port.network, *address, &self.site);
            let by = self.site.ports.get(&owners.find(|id| *id < port.id)?)?;
            Some(RowError::AddressTaken {
                address: *address,
                by: by.name.clone(),
            })
        })
    }
}

impl Owners {
    fn insert(&mut self, port: &Port) {
        for address in &port.addresses {
            let hash = self.keys.hash_one((port.network, address));
            self.ports.insert((hash, port.id));
        }
    }

    fn remove(&mut self, port: &Port) {
        for address in &port.addresses {
            let hash = self.keys.hash_one((port.network, address));
            self.ports.remove(&(hash, port.id));
        }
    }

    /// The ports of the site that have the address of the network: one, and while an update lasts another that has to be
    /// looked at still.
    fn of(&self, network: Uuid, address: IpAddr, site: &Site) -> impl Iterator<Item = Uuid> {
        let hash = self.keys.hash_one((network, &address));
        let alike = self.ports.range((hash, Uuid::nil())..=(hash, Uuid::max()));
        let has_it = move |id: &Uuid| {
            let port = site.ports.get(id);
            port.is_some_and(|port| port.network == network && port.addresses.contains(&address))
        };
        alike.map(|(_, id)| *id).filter(has_it)
    }
}

/// True if the object was not like that before.
fn put<T: PartialEq>(objects: &mut BTreeMap<Uuid, T>, id: Uuid, now: Option<T>) -> bool {
    let differs = objects.get(&id) != now.as_ref();
    match now {
        Some(now) => drop(objects.insert(id, now)),
        None => drop(objects.remove(&id)),
    }
    differs
}
