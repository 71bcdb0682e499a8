//! The bridges and ports that a host must have, from its settings.

use std::collections::BTreeMap;

use crate::model::{INTEGRATION_BRIDGE, Settings, TUNNEL_BRIDGE, TunnelType};

/// The port of `br-int` that leads to `br-tun`.
pub const PATCH_TUN: &str = "patch-tun";
/// The port of `br-tun` that leads to `br-int`.
pub const PATCH_INT: &str = "patch-int";

/// What heddle builds on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `datapath_type` of bridges that are created; empty is Open vSwitch's default.
    pub datapath_type: String,
    /// The ports that heddle keeps, by name.
    pub ports: BTreeMap<String, PortSpec>,
}

/// A port that heddle keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSpec {
    /// The bridge that the port is on.
    pub bridge: String,
    /// What it leads to.
    pub leads_to: LeadsTo,
}

/// What a [`PortSpec`] leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeadsTo {
    /// A port of another bridge of the same switch.
    Patch {
        /// The port at the other end.
        peer: String,
        /// The bridge that it is on.
        peer_bridge: String,
    },
    /// Other hosts.
    Tunnel {
        /// `Interface.type`.
        tunnel: TunnelType,
        /// `Interface.options`.
        options: BTreeMap<String, String>,
    },
}

/// `int-<bridge>`: the port of `br-int` that leads to a provider bridge.
#[must_use]
pub fn int_port(bridge: &str) -> String {
    format!("int-{bridge}")
}

/// `phy-<bridge>`: the port of a provider bridge that leads to `br-int`.
#[must_use]
pub fn phy_port(bridge: &str) -> String {
    format!("phy-{bridge}")
}

/// The name of the tunnel port on `br-tun`.
#[must_use]
pub fn tunnel_port(tunnel: TunnelType) -> String {
    format!("heddle-{tunnel}")
}

impl Layout {
    /// What the settings ask for.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let mut ports = BTreeMap::new();
        let mut patch = |a: (&str, &str), b: (&str, &str)| {
            for ((bridge, name), (peer_bridge, peer)) in [(a, b), (b, a)] {
                let leads_to = LeadsTo::Patch {
                    peer: peer.to_owned(),
                    peer_bridge: peer_bridge.to_owned(),
                };
                ports.insert(
                    name.to_owned(),
                    PortSpec {
                        bridge: bridge.to_owned(),
                        leads_to,
                    },
                );
            }
        };
        patch((INTEGRATION_BRIDGE, PATCH_TUN), (TUNNEL_BRIDGE, PATCH_INT));
        for bridge in settings.bridge_mappings.values() {
            patch(
                (INTEGRATION_BRIDGE, &int_port(bridge)),
                (bridge, &phy_port(bridge)),
            );
        }
        if let Some(encap_ip) = settings.encap_ip {
            for &tunnel in &settings.encap_types {
                let mut options = BTreeMap::from([
                    ("remote_ip".to_owned(), "flow".to_owned()),
                    ("key".to_owned(), "flow".to_owned()),
                    ("local_ip".to_owned(), encap_ip.to_string()),
                ]);
                if tunnel == TunnelType::Vxlan {
                    options.insert("dst_port".to_owned(), settings.vxlan_port.to_string());
                }
                let leads_to = LeadsTo::Tunnel { tunnel, options };
                ports.insert(
                    tunnel_port(tunnel),
                    PortSpec {
                        bridge: TUNNEL_BRIDGE.to_owned(),
                        leads_to,
                    },
                );
            }
        }
        Self {
            datapath_type: settings.datapath_type.clone(),
            ports,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_with_everything() {
        let external_ids = [
            ("heddle-encap-ip", "192.0.2.1"),
            ("heddle-encap-types", "vxlan,gre"),
            ("heddle-bridge-mappings", "provider:br-eth1"),
            ("heddle-vxlan-port", "8472"),
        ];
        let external_ids = external_ids
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let settings = Settings::read(&external_ids, "h1").unwrap();
        let layout = Layout::new(&settings);
        let lines: Vec<String> = layout
            .ports
            .iter()
            .map(|(name, port)| match &port.leads_to {
                LeadsTo::Patch { peer, peer_bridge } => {
                    format!("{}/{name} -> {peer_bridge}/{peer}", port.bridge)
                }
                LeadsTo::Tunnel { tunnel, options } => {
                    format!("{}/{name} {tunnel} {options:?}", port.bridge)
                }
            })
            .collect();
        assert_eq!(
            lines,
            [
                r#"br-tun/heddle-gre gre {"key": "flow", "local_ip": "192.0.2.1", "remote_ip": "flow"}"#,
                r#"br-tun/heddle-vxlan vxlan {"dst_port": "8472", "key": "flow", "local_ip": "192.0.2.1", "remote_ip": "flow"}"#,
                "br-int/int-br-eth1 -> br-eth1/phy-br-eth1",
                "br-tun/patch-int -> br-int/patch-tun",
                "br-int/patch-tun -> br-tun/patch-int",
                "br-eth1/phy-br-eth1 -> br-int/int-br-eth1",
            ]
        );
    }

    #[test]
    fn no_address_means_no_tunnels() {
        let settings = Settings::read(&BTreeMap::new(), "h1").unwrap();
        let names: Vec<_> = Layout::new(&settings).ports.into_keys().collect();
        assert_eq!(names, ["patch-int", "patch-tun"]);
    }
}
