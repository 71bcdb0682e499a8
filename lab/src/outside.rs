//! Outside machines: on a shared wire without any heddle, like a router or a server of the operator.

use std::ops::Deref;
use std::sync::Arc;

use crate::Result;
use crate::namespace::Namespace;
use crate::shared::Shared;
use crate::station::{Identity, Station};
use crate::switch::Switch;
use crate::wire::Wire;

/// A machine on a wire.
pub struct Outside {
    station: Station,
    /// Adds and removes the 802.1Q tag; an untagged machine needs none.
    _tagger: Option<Switch>,
}

impl Outside {
    /// Sends and understands untagged frames.
    pub(crate) fn untagged(shared: &Arc<Shared>, wire: &Wire, identity: Identity) -> Result<Self> {
        let namespace = Namespace::create(shared, &identity.name)?;
        wire.attach(&namespace, "eth0")?;
        Ok(Self {
            station: Station::start(&namespace, "eth0", identity)?,
            _tagger: None,
        })
    }

    /// Sends and understands frames with the 802.1Q tag `vlan`. The tag is made by an Open vSwitch in front of the machine, because
    /// not every kernel has VLAN interfaces.
    pub(crate) fn tagged(
        shared: &Arc<Shared>,
        wire: &Wire,
        vlan: u16,
        identity: Identity,
    ) -> Result<Self> {
        let front = format!("{}-tagger", identity.name);
        let tagger = Namespace::create(shared, &front)?;
        tagger.set("net/ipv6/conf/default/disable_ipv6", "1")?;
        wire.attach(&tagger, "trunk")?;
        tagger.offload_off("trunk")?;
        let namespace = Namespace::create(shared, &identity.name)?;
        tagger.ip(&format!(
            "link add access type veth peer name eth0 netns {}",
            namespace.name()
        ))?;
        tagger.offload_off("access")?;
        tagger.ip("link set access up")?;
        let switch = Switch::start(&tagger, &front)?;
        switch.vsctl(&format!(
            "add-br br0 -- set Bridge br0 datapath_type=netdev -- add-port br0 trunk -- add-port br0 access tag={vlan}"
        ))?;
        Ok(Self {
            station: Station::start(&namespace, "eth0", identity)?,
            _tagger: Some(switch),
        })
    }
}

/// The machine as a sender and receiver of packets.
impl Deref for Outside {
    type Target = Station;

    fn deref(&self) -> &Station {
        &self.station
    }
}
