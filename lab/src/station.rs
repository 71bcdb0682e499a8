//! Stations: whatever can send and receive packets in a lab. A name, a MAC, addresses, and the namespace where they live.

use std::net::IpAddr;
use std::str::FromStr;

use flows::EthAddr;
use ipnet::IpNet;

use crate::namespace::Namespace;
use crate::raw::Raw;
use crate::{Error, Result};

/// Who a station is, to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name; for an endpoint, the name of its port, which becomes `iface-id`.
    pub name: String,
    /// Its MAC address.
    pub mac: EthAddr,
    /// Its addresses with the length of the on-link prefix.
    pub addresses: Vec<IpNet>,
    /// Largest IP packet it sends, in bytes.
    pub mtu: u16,
}

impl Identity {
    /// From text, with an MTU of 1450 that fits every tunnel.
    ///
    /// # Errors
    /// When `mac` is not a MAC address or one of `addresses` is no `ADDRESS/LENGTH`.
    pub fn new(name: &str, mac: &str, addresses: &[&str]) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            mac: parse(mac, "MAC address")?,
            addresses: addresses
                .iter()
                .map(|text| parse(text, "address/length"))
                .collect::<Result<_>>()?,
            mtu: 1450,
        })
    }

    /// The same with another MTU.
    #[must_use]
    pub fn mtu(mut self, mtu: u16) -> Self {
        self.mtu = mtu;
        self
    }
}

fn parse<T: FromStr>(text: &str, expected: &str) -> Result<T> {
    text.parse()
        .map_err(|_| Error::unexpected("identity of a station", text, expected))
}

/// A station that is up.
#[derive(Clone)]
pub struct Station {
    id: u32,
    identity: Identity,
    namespace: Namespace,
    nic: String,
}

impl Station {
    /// Switches on `nic`, which must be in `namespace`, as `identity`.
    ///
    /// # Errors
    /// When there is no such interface, or `ip` refuses.
    pub fn start(namespace: &Namespace, nic: &str, identity: Identity) -> Result<Self> {
        let station = Self {
            id: namespace.shared().number(),
            identity,
            namespace: namespace.clone(),
            nic: nic.to_owned(),
        };
        station.configure()?;
        Ok(station)
    }

    /// Gives the NIC its MAC, MTU, addresses, and a default route that treats every address as a neighbour: what is not
    /// reachable shall be refused by the network, not by this station's routing table.
    pub(crate) fn configure(&self) -> Result<()> {
        let Self {
            identity:
                Identity {
                    mac,
                    addresses,
                    mtu,
                    ..
                },
            namespace,
            nic,
            ..
        } = self;
        namespace.offload_off(nic)?;
        namespace.ip(&format!("link set {nic} address {mac} mtu {mtu} up"))?;
        for address in addresses {
            let nodad = if address.addr().is_ipv6() {
                "nodad"
            } else {
                ""
            };
            namespace.ip(&format!("address add {address} dev {nic} {nodad}"))?;
        }
        for family in ["-4", "-6"] {
            if addresses
                .iter()
                .any(|address| address.addr().is_ipv6() == (family == "-6"))
            {
                namespace.ip(&format!("{family} route replace default dev {nic}"))?;
            }
        }
        Ok(())
    }

    /// Tells the stations of this lab apart.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// Its MAC address.
    #[must_use]
    pub fn mac(&self) -> EthAddr {
        self.identity.mac
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.identity.addresses.iter().map(IpNet::addr)
    }

    /// Its first address of an IP version.
    #[must_use]
    pub fn address(&self, v6: bool) -> Option<IpAddr> {
        self.addresses().find(|address| address.is_ipv6() == v6)
    }

    /// Where it lives.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// A way to send frames that its own IP stack would not.
    ///
    /// # Errors
    /// When its interface has gone.
    pub fn raw(&self) -> Result<Raw> {
        Raw::open(self)
    }

    /// Its interface in that namespace.
    #[must_use]
    pub fn nic(&self) -> &str {
        &self.nic
    }
}
