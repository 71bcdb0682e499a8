//! What a host's operator decides: flags of `heddle agent` over the `external_ids` of the host's `Open_vSwitch` row.
//!
//! | key                       | what                                                             | when absent           |
//! |---------------------------|------------------------------------------------------------------|-----------------------|
//! | `heddle-nb`               | remotes of the northbound database, with commas between          | [`Settings::DEFAULT_NB`] |
//! | `heddle-host`             | the host's name on the site                                      | the system's hostname |
//! | `heddle-encap-ip`         | where tunnels of this host end                                   | no tunnel networks    |
//! | `heddle-encap-types`      | tunnel types, with commas between                                | `vxlan,gre,geneve`    |
//! | `heddle-bridge-mappings`  | `physical_network:bridge`, with commas between                   | no provider networks  |
//! | `heddle-vxlan-port`       | UDP port of VXLAN                                                | 4789                  |
//! | `heddle-datapath-type`    | `datapath_type` of the bridges that heddle creates               | `system`              |
//! | `heddle-mask-limit`       | masks that heddle's flows may have in one table of a bridge      | [`Settings::DEFAULT_MASK_LIMIT`] |

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ovsdb_client::Remote;

use super::{TunnelType, check_name, check_physical_network_name};

/// The integration bridge: endpoints plug in here.
pub const INTEGRATION_BRIDGE: &str = "br-int";
/// The tunnel bridge: other hosts are behind it.
pub const TUNNEL_BRIDGE: &str = "br-tun";

/// A host's settings, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Remotes of the northbound database.
    pub nb: Vec<Remote>,
    /// The host's name on the site.
    pub host: String,
    /// Where tunnels of this host end.
    pub encap_ip: Option<IpAddr>,
    /// The tunnel types of this host.
    pub encap_types: BTreeSet<TunnelType>,
    /// Physical network → provider bridge; a bridge serves one physical network.
    pub bridge_mappings: BTreeMap<String, String>,
    /// UDP port of VXLAN.
    pub vxlan_port: u16,
    /// `datapath_type` of the bridges that heddle creates; empty is Open vSwitch's own default.
    pub datapath_type: String,
    /// So many different masks may the matches of heddle's flows have in one table of a bridge.
    pub mask_limit: usize,
}

/// A setting that can not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("external_ids:{key}={found:?}: expected {expected}")]
pub struct SettingsError {
    /// The key in `external_ids` (the flag has the same name without `heddle-`).
    pub key: &'static str,
    /// What it says, or the part of it that is wrong.
    pub found: String,
    /// What it should say.
    pub expected: &'static str,
}

impl Settings {
    /// Where the northbound database is when nobody says.
    pub const DEFAULT_NB: &'static str = "unix:/run/heddle/nb.sock";

    /// How many masks a table may have when nobody says: more than any of heddle's has (it is ten at most), and still few
    /// enough for a switch, which looks for a packet that it does not know under one mask after the other.
    pub const DEFAULT_MASK_LIMIT: usize = 64;

    /// Reads the settings of a host called `hostname` from its `external_ids` (with the flags laid over them).
    ///
    /// # Errors
    ///
    /// All that is wrong. There are no settings then: a host that took a misspelt address for none would take down what
    /// works.
    pub fn read(
        external_ids: &BTreeMap<String, String>,
        hostname: &str,
    ) -> Result<Self, Vec<SettingsError>> {
        let mut errors = Vec::new();
        let get = |key: &str| {
            external_ids
                .get(key)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
        };
        let mut refuse = |key, found: &str, expected| {
            errors.push(SettingsError {
                key,
                found: found.to_owned(),
                expected,
            });
        };

        let nb = get("heddle-nb").unwrap_or(Self::DEFAULT_NB);
        let nb = Remote::list(nb).unwrap_or_else(|error| {
            refuse(
                "heddle-nb",
                &error.found,
                "unix:PATH, tcp:ADDRESS:PORT or ssl:ADDRESS:PORT, with commas between",
            );
            Vec::new()
        });
        let encap_ip = get("heddle-encap-ip").and_then(|text| match text.parse::<IpAddr>() {
            Ok(address) if !address.is_unspecified() && !address.is_multicast() => Some(address),
            Ok(_) | Err(_) => {
                refuse("heddle-encap-ip", text, "a unicast IPv4 or IPv6 address");
                None
            }
        });
        let mut encap_types = BTreeSet::new();
        match get("heddle-encap-types") {
            None => encap_types.extend(TunnelType::ALL),
            Some(text) => {
                for name in list(text) {
                    match TunnelType::from_name(name) {
                        Some(tunnel) => {
                            encap_types.insert(tunnel);
                        }
                        None => refuse(
                            "heddle-encap-types",
                            name,
                            "vxlan, gre or geneve, with commas between",
                        ),
                    }
                }
            }
        }
        let mut bridge_mappings = BTreeMap::new();
        for pair in list(get("heddle-bridge-mappings").unwrap_or_default()) {
            let expected = "physical_network:bridge,...; each physical network and each bridge once, br-int and br-tun never";
            match pair.split_once(':') {
                Some((physical_network, bridge))
                    if check_physical_network_name(physical_network).is_ok()
                        && !bridge.is_empty()
                        && !bridge.contains(['/', ':'])
                        && ![INTEGRATION_BRIDGE, TUNNEL_BRIDGE].contains(&bridge)
                        && !bridge_mappings.contains_key(physical_network)
                        && !bridge_mappings.values().any(|other| other == bridge) =>
                {
                    bridge_mappings.insert(physical_network.to_owned(), bridge.to_owned());
                }
                Some(_) | None => refuse("heddle-bridge-mappings", pair, expected),
            }
        }
        let vxlan_port = match get("heddle-vxlan-port").map(|text| (text, text.parse::<u16>())) {
            None => 4789,
            Some((_, Ok(port))) if port > 0 => port,
            Some((text, _)) => {
                refuse("heddle-vxlan-port", text, "a UDP port, 1 to 65535");
                4789
            }
        };
        let mask_limit = match get("heddle-mask-limit").map(|text| (text, text.parse::<u16>())) {
            None => Self::DEFAULT_MASK_LIMIT,
            Some((_, Ok(limit))) if limit > 0 => usize::from(limit),
            Some((text, _)) => {
                refuse("heddle-mask-limit", text, "a number of masks, 1 to 65535");
                Self::DEFAULT_MASK_LIMIT
            }
        };
        let host = get("heddle-host").filter(|name| {
            let good = check_name(name).is_ok();
            if !good {
                refuse(
                    "heddle-host",
                    name,
                    "a name of at most 255 bytes without control characters",
                );
            }
            good
        });
        let settings = Self {
            nb,
            host: host.unwrap_or(hostname).to_owned(),
            encap_ip,
            encap_types,
            bridge_mappings,
            vxlan_port,
            datapath_type: get("heddle-datapath-type").unwrap_or_default().to_owned(),
            mask_limit,
        };
        if errors.is_empty() {
            Ok(settings)
        } else {
            Err(errors)
        }
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        let external_ids = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let wrong = |errors: Vec<SettingsError>| errors.iter().map(ToString::to_string).collect();
        Settings::read(&external_ids, "compute1").map_err(wrong)
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.nb, Remote::list(Settings::DEFAULT_NB).unwrap());
        assert_eq!(settings.host, "compute1");
        assert_eq!(settings.encap_ip, None);
        assert_eq!(settings.encap_types.len(), 3);
        assert_eq!(settings.vxlan_port, 4789);
        assert_eq!(settings.mask_limit, Settings::DEFAULT_MASK_LIMIT);
    }

    #[test]
    fn every_setting_is_read() {
        let settings = read(&[
            ("heddle-nb", "tcp:10.0.0.1:6641,tcp:10.0.0.2:6641"),
            ("heddle-host", "h1"),
            ("heddle-encap-ip", "fd00::1"),
            ("heddle-encap-types", "geneve, vxlan"),
            ("heddle-bridge-mappings", "provider:br-eth1,inside:br-eth2"),
            ("heddle-vxlan-port", "8472"),
            ("heddle-datapath-type", "netdev"),
            ("heddle-mask-limit", "100"),
        ])
        .unwrap();
        assert_eq!(settings.nb.len(), 2);
        assert_eq!(settings.host, "h1");
        assert_eq!(settings.encap_ip, Some("fd00::1".parse().unwrap()));
        assert_eq!(
            settings.encap_types,
            BTreeSet::from([TunnelType::Vxlan, TunnelType::Geneve])
        );
        assert_eq!(settings.bridge_mappings["inside"], "br-eth2");
        assert_eq!(
            (settings.vxlan_port, settings.datapath_type.as_str()),
            (8472, "netdev")
        );
        assert_eq!(settings.mask_limit, 100);
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        let errors = read(&[
            ("heddle-nb", "10.0.0.1"),
            ("heddle-encap-ip", "0.0.0.0"),
            ("heddle-encap-types", "vxlan,stt"),
            (
                "heddle-bridge-mappings",
                "a:br1,b:br1,c,a:br2,d:br4,e:br-tun",
            ),
            ("heddle-vxlan-port", "0"),
            ("heddle-mask-limit", "0"),
            ("heddle-host", "h\u{1b}1"),
        ])
        .unwrap_err();
        assert_eq!(
            errors,
            [
                "external_ids:heddle-nb=\"10.0.0.1\": expected unix:PATH, tcp:ADDRESS:PORT or ssl:ADDRESS:PORT, with commas between",
                "external_ids:heddle-encap-ip=\"0.0.0.0\": expected a unicast IPv4 or IPv6 address",
                "external_ids:heddle-encap-types=\"stt\": expected vxlan, gre or geneve, with commas between",
                "external_ids:heddle-bridge-mappings=\"b:br1\": expected physical_network:bridge,...; each physical network and each bridge once, br-int and br-tun never",
                "external_ids:heddle-bridge-mappings=\"c\": expected physical_network:bridge,...; each physical network and each bridge once, br-int and br-tun never",
                "external_ids:heddle-bridge-mappings=\"a:br2\": expected physical_network:bridge,...; each physical network and each bridge once, br-int and br-tun never",
                "external_ids:heddle-bridge-mappings=\"e:br-tun\": expected physical_network:bridge,...; each physical network and each bridge once, br-int and br-tun never",
                "external_ids:heddle-vxlan-port=\"0\": expected a UDP port, 1 to 65535",
                "external_ids:heddle-mask-limit=\"0\": expected a number of masks, 1 to 65535",
                "external_ids:heddle-host=\"h\\u{1b}1\": expected a name of at most 255 bytes without control characters",
            ]
        );
    }
}
