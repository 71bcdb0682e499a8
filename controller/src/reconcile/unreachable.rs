//! Networks that have a port on this host and that the host can not carry to others.

use std::collections::BTreeMap;

use crate::compile::HostView;
use crate::model::{Segment, Settings, Site};

/// Tells of networks with a port here that this host is not set up to carry to others.
pub(super) fn unreachable_networks(
    settings: &Settings,
    view: &HostView,
    site: &Site,
    problems: &mut BTreeMap<String, String>,
) {
    for network in view
        .local_vlans
        .keys()
        .filter_map(|id| site.networks.get(id))
    {
        let missing = match &network.segment {
            Segment::Tunnel { .. } if settings.encap_ip.is_none() => {
                "no tunnel address: set external_ids:heddle-encap-ip".to_owned()
            }
            Segment::Tunnel { tunnel, .. } if !settings.encap_types.contains(tunnel) => {
                format!("no {tunnel} tunnels: add {tunnel} to external_ids:heddle-encap-types")
            }
            Segment::Vlan {
                physical_network, ..
            }
            | Segment::Flat { physical_network }
                if !settings.bridge_mappings.contains_key(physical_network) =>
            {
                format!(
                    "no bridge on {physical_network}: set external_ids:heddle-bridge-mappings={physical_network}:BRIDGE"
                )
            }
            Segment::Tunnel { .. }
            | Segment::Vlan { .. }
            | Segment::Flat { .. }
            | Segment::Local => continue,
        };
        let message =
            format!("a port of this network is plugged in here, but the host has {missing}");
        problems.insert(network.name.clone(), message);
    }
}
