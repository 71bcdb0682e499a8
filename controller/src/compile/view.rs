//! What compile must know of this host besides the intent: port numbers and local VLANs, as the switch
//! and its database say they are. Nothing here is decided by compile.

use std::collections::BTreeMap;
use std::net::IpAddr;

use uuid::Uuid;

use crate::model::TunnelType;

/// This host, seen by the compiler. OpenFlow port numbers (`ofport`) are those of the bridge named.
///
/// What is missing (a port that has no number yet, a network without a local VLAN) yields no flows. The flows of a bridge
/// are made of the numbers of its own ports only: what is not known of one bridge changes nothing on another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostView {
    /// The `_uuid` of this host's own row; none before it is registered.
    pub host: Option<Uuid>,
    /// Ports plugged in here, by `_uuid`: `ofport` on `br-int`, once it is known.
    pub bindings: BTreeMap<Uuid, Option<u32>>,
    /// Networks present here, by `_uuid`: the local VLAN, 1 to 4094.
    pub local_vlans: BTreeMap<Uuid, u16>,
    /// `patch-tun`, on `br-int`.
    pub patch_tun: Option<u32>,
    /// `patch-int`, on `br-tun`.
    pub patch_int: Option<u32>,
    /// The tunnel ports, on `br-tun`.
    pub tunnels: BTreeMap<TunnelType, u32>,
    /// Where tunnels of this host end.
    pub encap_ip: Option<IpAddr>,
    /// The provider bridges, by physical network.
    pub providers: BTreeMap<String, Provider>,
}

/// One provider bridge and the patch pair that joins it with `br-int`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The bridge's name.
    pub bridge: String,
    /// `int-<bridge>`, on `br-int`.
    pub int_port: Option<u32>,
    /// `phy-<bridge>`, on the provider bridge.
    pub phy_port: Option<u32>,
}
