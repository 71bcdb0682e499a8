//! The part of a host's `Open_vSwitch` database that heddle looks at, as plain types (ovs-vswitchd.conf.db(5)).

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

/// One host's switch, as its database says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// `_uuid` of the one row of `Open_vSwitch`.
    pub root: Uuid,
    /// `Open_vSwitch.external_ids`.
    pub external_ids: BTreeMap<String, String>,
    /// The bridges, by name.
    pub bridges: BTreeMap<String, Bridge>,
}

/// A row of `Bridge`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bridge {
    /// `_uuid`.
    pub id: Uuid,
    /// `fail_mode`; empty when unset.
    pub fail_mode: String,
    /// `protocols`; empty: those of the switch's version, among them the one that heddle speaks.
    pub protocols: BTreeSet<String>,
    /// `datapath_type`; empty is `system`.
    pub datapath_type: String,
    /// `datapath_id`: set by ovs-vswitchd once the bridge exists.
    pub datapath_id: Option<String>,
    /// The ports, by name.
    pub ports: BTreeMap<String, Port>,
}

/// A row of `Port`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// `_uuid`.
    pub id: Uuid,
    /// `tag`.
    pub tag: Option<u16>,
    /// `external_ids`.
    pub external_ids: BTreeMap<String, String>,
    /// The interfaces, by name: one unless the port is a bond.
    pub interfaces: BTreeMap<String, Interface>,
}

/// A row of `Interface`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// `_uuid`.
    pub id: Uuid,
    /// `type`.
    pub kind: String,
    /// `options`.
    pub options: BTreeMap<String, String>,
    /// `external_ids`.
    pub external_ids: BTreeMap<String, String>,
    /// `ofport`: none until ovs-vswitchd has made the interface, or when it could not.
    pub ofport: Option<u32>,
    /// `error`: why it could not.
    pub error: Option<String>,
}

impl Bridge {
    /// True if the bridge must not speak the version of OpenFlow that heddle speaks ([`PROTOCOL`]).
    #[must_use]
    pub fn lacks_protocol(&self) -> bool {
        !self.protocols.is_empty() && !self.protocols.contains(PROTOCOL)
    }

    /// The OpenFlow port number of the single interface of the port, once it has one.
    #[must_use]
    pub fn ofport(&self, port: &str) -> Option<u32> {
        self.ports.get(port)?.interfaces.get(port)?.ofport
    }
}

/// What heddle speaks with bridges, as `Bridge.protocols` calls it.
pub const PROTOCOL: &str = "OpenFlow14";
/// Marks `Port` rows that heddle has made.
pub const OWNED_KEY: &str = "heddle-owned";
/// In the `Port` row of an endpoint: the `_uuid` of the network whose local VLAN is in `tag`.
pub const NETWORK_KEY: &str = "heddle-network";

impl Port {
    /// True if heddle has made the port.
    #[must_use]
    pub fn is_owned(&self) -> bool {
        self.external_ids.contains_key(OWNED_KEY)
    }

    /// The network and its local VLAN, as heddle has noted them on an endpoint's port.
    #[must_use]
    pub fn local_vlan(&self) -> Option<(Uuid, u16)> {
        let network = self.external_ids.get(NETWORK_KEY)?.parse().ok()?;
        let tag = self.tag.filter(|tag| (1..=4094).contains(tag))?;
        Some((network, tag))
    }
}
