//! Suites that need more than one crate or a real Open vSwitch live in `tests/tests/`. This is what they share: [`Document`],
//! a private switch ([`PrivateSwitch`]) with a connection to it ([`Connection`]), the commands of `ovs-ofctl` done by heddle's own code
//! ([`ofctl`]), the records of Open vSwitch's own test suite ([`vectors`]), flows and packets by chance ([`flow_text`], [`packet`]), and the installed
//! `ovs-ofctl` as their judge ([`judge`]).

mod connection;
pub mod flow_text;
pub mod judge;
pub mod ofctl;
pub mod packet;
mod private_switch;
pub mod random;
pub mod vectors;

pub use connection::Connection;
pub use private_switch::PrivateSwitch;

use std::fmt;

/// A document for `heddle apply`, put together network by network.
///
/// The n-th port of a network has the MAC address 02:00:00:00:00:n and the n-th address of both subnets, so two networks with the
/// same prefixes have the very same stations.
#[derive(Clone, Debug, Default)]
pub struct Document {
    wires: Vec<String>,
    networks: Vec<String>,
    subnets: Vec<String>,
    ports: Vec<String>,
}

impl Document {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A VXLAN network `net` with the ports `a`, `b` and `c`.
    #[must_use]
    pub fn tenant() -> Self {
        let ports = ["a", "b", "c"];
        Self::new().network("net", "type: vxlan, vni: 1", "10.0.0", "fd00", &ports)
    }

    /// A physical network whose VLANs in `vlans` (such as `1001-2000`) are heddle's.
    #[must_use]
    pub fn wire(mut self, name: &str, vlans: &str) -> Self {
        self.wires
            .push(format!("{{name: {name}, vlans: [{vlans}]}}"));
        self
    }

    /// A network with the fields of `kind` (such as `type: vxlan, vni: 1`), subnets `V4.0/24` and `V6::/64`, and these ports.
    #[must_use]
    pub fn network(mut self, name: &str, kind: &str, v4: &str, v6: &str, ports: &[&str]) -> Self {
        self.networks.push(format!("{{name: {name}, {kind}}}"));
        self.subnets
            .push(format!("{{network: {name}, cidr: {v4}.0/24}}"));
        self.subnets
            .push(format!("{{network: {name}, cidr: \"{v6}::/64\"}}"));
        for (port, n) in ports.iter().zip(1..) {
            self = self.port(port, name, n, &format!("{v4}.{n}, \"{v6}::{n}\""));
        }
        self
    }

    /// One more port, the n-th of its network, with these addresses.
    #[must_use]
    pub fn port(self, name: &str, network: &str, n: u8, addresses: &str) -> Self {
        self.port_with(name, network, n, addresses, "")
    }

    /// One more port with more fields, such as `, port_security: false`.
    #[must_use]
    pub fn port_with(
        mut self,
        name: &str,
        network: &str,
        n: u8,
        addresses: &str,
        more: &str,
    ) -> Self {
        let mac = format!("02:00:00:00:00:{n:02x}");
        self.ports.push(format!(
            "{{name: {name}, network: {network}, mac: \"{mac}\", addresses: [{addresses}]{more}}}"
        ));
        self
    }
}

/// As YAML.
impl fmt::Display for Document {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections = [
            ("physical_networks", &self.wires),
            ("networks", &self.networks),
            ("subnets", &self.subnets),
            ("ports", &self.ports),
        ];
        for (name, entries) in sections.iter().filter(|(_, entries)| !entries.is_empty()) {
            writeln!(out, "{name}:")?;
            for entry in entries.iter() {
                writeln!(out, "  - {entry}")?;
            }
        }
        Ok(())
    }
}
