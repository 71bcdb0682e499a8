//! The difference between two sites as rows to insert, update and delete: what a transaction writes and what a
//! person reads of it. Knows the columns of the schema that hold intent; what hosts report is theirs to write.

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;

use crate::model::{Host, Network, PhysicalNetwork, Port, Segment, Site, Subnet, show_range};

/// The tables of the schema that hold intent, and `Host`, of which intent only ever deletes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// `Physical_Network`.
    PhysicalNetwork,
    /// `Network`.
    Network,
    /// `Subnet`.
    Subnet,
    /// `Port`.
    Port,
    /// `Host`.
    Host,
}

impl Table {
    /// Every table, those that are referred to first.
    pub const ALL: [Self; 5] = [
        Self::PhysicalNetwork,
        Self::Network,
        Self::Subnet,
        Self::Port,
        Self::Host,
    ];

    /// What the schema calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PhysicalNetwork => "Physical_Network",
            Self::Network => "Network",
            Self::Subnet => "Subnet",
            Self::Port => "Port",
            Self::Host => "Host",
        }
    }

    /// What people call a row of it.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::PhysicalNetwork => "physical network",
            Self::Network => "network",
            Self::Subnet => "subnet",
            Self::Port => "port",
            Self::Host => "host",
        }
    }
}

/// The value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A string.
    Text(String),
    /// A string or nothing.
    Optional(Option<String>),
    /// A set of strings.
    Texts(Vec<String>),
    /// An integer.
    Number(u64),
    /// A boolean.
    Flag(bool),
    /// The `_uuid` of another row.
    Reference(Uuid),
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Optional(Some(text)) if !text.is_empty() => {
                out.write_str(text)
            }
            Self::Texts(texts) if !texts.is_empty() => out.write_str(&texts.join(", ")),
            Self::Text(_) | Self::Optional(_) | Self::Texts(_) => out.write_str("none"),
            Self::Number(number) => number.fmt(out),
            Self::Flag(flag) => flag.fmt(out),
            Self::Reference(id) => id.fmt(out),
        }
    }
}

/// One row that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where the row is.
    pub table: Table,
    /// The row's `_uuid`; for a created row, a number that only references of the same difference use.
    pub id: Uuid,
    /// The row's name.
    pub name: String,
    /// What happens to it.
    pub action: Action,
}

/// What happens to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is inserted with these columns.
    Created(Vec<(&'static str, Cell)>),
    /// These columns change, from the first value to the second.
    Changed(Vec<(&'static str, Cell, Cell)>),
    /// It is deleted.
    Deleted,
}

/// What turns `before` into `after`, inserts first and in the order of [`Table::ALL`]. [`Port::hosts`] and all but the
/// absence of [`Site::hosts`] is left out: hosts write it.
#[must_use]
pub fn changes(before: &Site, after: &Site) -> Vec<Change> {
    let mut found = Vec::new();
    compare(
        Table::PhysicalNetwork,
        &before.physical_networks,
        &after.physical_networks,
        &mut found,
    );
    compare(
        Table::Network,
        &before.networks,
        &after.networks,
        &mut found,
    );
    compare(Table::Subnet, &before.subnets, &after.subnets, &mut found);
    compare(Table::Port, &before.ports, &after.ports, &mut found);
    compare(Table::Host, &before.hosts, &after.hosts, &mut found);
    found
}

fn compare<T: Row>(
    table: Table,
    before: &BTreeMap<Uuid, T>,
    after: &BTreeMap<Uuid, T>,
    found: &mut Vec<Change>,
) {
    for (id, row) in after {
        let action = match before.get(id) {
            Some(old) if old == row => continue,
            Some(old) => {
                let pairs = old.columns().into_iter().zip(row.columns());
                let changed: Vec<_> = pairs
                    .filter(|((_, old), (_, new))| old != new)
                    .map(|((column, old), (_, new))| (column, old, new))
                    .collect();
                if changed.is_empty() {
                    continue;
                }
                Action::Changed(changed)
            }
            None => Action::Created(row.columns()),
        };
        found.push(Change {
            table,
            id: *id,
            name: row.name().to_owned(),
            action,
        });
    }
    for (id, row) in before {
        if !after.contains_key(id) {
            found.push(Change {
                table,
                id: *id,
                name: row.name().to_owned(),
                action: Action::Deleted,
            });
        }
    }
}

/// A model type as a row of its table.
trait Row: PartialEq {
    fn name(&self) -> &str;
    /// The columns that intent writes, always the same and in the same order.
    fn columns(&self) -> Vec<(&'static str, Cell)>;
}

impl Row for PhysicalNetwork {
    fn name(&self) -> &str {
        &self.name
    }

    fn columns(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("name", Cell::Text(self.name.clone())),
            (
                "vlans",
                Cell::Texts(self.vlans.iter().map(show_range).collect()),
            ),
        ]
    }
}

impl Row for Network {
    fn name(&self) -> &str {
        &self.name
    }

    fn columns(&self) -> Vec<(&'static str, Cell)> {
        let number = match &self.segment {
            Segment::Tunnel { vni, .. } => u64::from(*vni),
            Segment::Vlan { vlan, .. } => u64::from(*vlan),
            Segment::Flat { .. } | Segment::Local => 0,
        };
        let physical_network = self
            .segment
            .physical_network()
            .unwrap_or_default()
            .to_owned();
        vec![
            ("name", Cell::Text(self.name.clone())),
            ("project", Cell::Text(self.project.clone())),
            ("type", Cell::Text(self.segment.type_name().to_owned())),
            ("physical_network", Cell::Text(physical_network)),
            ("segmentation_id", Cell::Number(number)),
            ("segment", Cell::Text(self.segment.key(&self.name))),
            ("mtu", Cell::Number(u64::from(self.mtu))),
            ("learning", Cell::Flag(self.learning)),
        ]
    }
}

impl Row for Subnet {
    fn name(&self) -> &str {
        &self.name
    }

    fn columns(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("name", Cell::Text(self.name.clone())),
            ("network", Cell::Reference(self.network)),
            ("cidr", Cell::Text(self.cidr.to_string())),
            (
                "gateway",
                Cell::Optional(self.gateway.map(|gateway| gateway.to_string())),
            ),
        ]
    }
}

impl Row for Port {
    fn name(&self) -> &str {
        &self.name
    }

    fn columns(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("name", Cell::Text(self.name.clone())),
            ("network", Cell::Reference(self.network)),
            ("mac", Cell::Text(self.mac.to_string())),
            (
                "addresses",
                Cell::Texts(self.addresses.iter().map(ToString::to_string).collect()),
            ),
            ("port_security", Cell::Flag(self.port_security)),
        ]
    }
}

impl Row for Host {
    fn name(&self) -> &str {
        &self.name
    }

    fn columns(&self) -> Vec<(&'static str, Cell)> {
        Vec::new()
    }
}
