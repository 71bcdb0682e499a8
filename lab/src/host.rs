//! Simulated hypervisors: a namespace with NICs on shared wires, an Open vSwitch of its own, `br-phy` with the tunnel address and
//! the provider bridges an operator would have made. Knows heddle's settings, not its flows.

use std::net::IpAddr;
use std::ops::Deref;
use std::time::Duration;

use crate::namespace::Namespace;
use crate::shared::Shared;
use crate::switch::Switch;
use crate::wire::Wire;
use crate::{Error, Result, wait};

/// The bridge that holds the tunnel source address on its LOCAL port; native tunnelling of the userspace datapath needs that.
pub const UNDERLAY_BRIDGE: &str = "br-phy";

/// What a host is to have.
#[derive(Clone)]
pub struct HostPlan {
    providers: Vec<(String, Wire)>,
    underlay: Underlay,
    encap_types: String,
    vxlan_port: Option<u16>,
    northbound: Option<String>,
}

/// The IP version of the tunnels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Underlay {
    /// 192.0.2.N/24 (RFC 5737).
    V4,
    /// 2001:db8::N/64 (RFC 3849).
    V6,
}

impl Default for HostPlan {
    fn default() -> Self {
        Self::new()
    }
}

impl HostPlan {
    /// A host with an IPv4 underlay, all tunnel types and no provider bridge.
    #[must_use]
    pub fn new() -> Self {
        Self {
            providers: Vec::new(),
            underlay: Underlay::V4,
            encap_types: "vxlan,gre,geneve".to_owned(),
            vxlan_port: None,
            northbound: None,
        }
    }

    /// A provider bridge `br-NAME` with a NIC on `wire`, for the physical network that has the wire's name.
    #[must_use]
    pub fn provider(mut self, wire: &Wire) -> Self {
        self.providers.push((wire.name().to_owned(), wire.clone()));
        self
    }

    /// The IP version of the tunnels.
    #[must_use]
    pub fn underlay(mut self, underlay: Underlay) -> Self {
        self.underlay = underlay;
        self
    }

    /// The UDP port of VXLAN instead of 4789.
    #[must_use]
    pub fn vxlan_port(mut self, port: u16) -> Self {
        self.vxlan_port = Some(port);
        self
    }

    /// Where the host's agent finds the northbound database.
    #[must_use]
    pub fn northbound(mut self, remote: impl Into<String>) -> Self {
        self.northbound = Some(remote.into());
        self
    }

    /// The wires of the provider bridges.
    pub(crate) fn wires(&self) -> impl Iterator<Item = &Wire> {
        self.providers.iter().map(|(_, wire)| wire)
    }

    fn encap_address(&self, number: u8) -> IpAddr {
        match self.underlay {
            Underlay::V4 => [192, 0, 2, number].into(),
            Underlay::V6 => [0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(number)].into(),
        }
    }
}

/// A running host.
pub struct Host {
    name: String,
    namespace: Namespace,
    switch: Switch,
    encap_ip: IpAddr,
}

impl Host {
    pub(crate) fn start(
        shared: &std::sync::Arc<Shared>,
        underlay: &Wire,
        number: u8,
        plan: &HostPlan,
    ) -> Result<Self> {
        let name = format!("h{number}");
        let namespace = Namespace::create(shared, &name)?;
        // Routers' and neighbours' multicast of the host itself would be noise in every capture.
        namespace.set("net/ipv6/conf/default/disable_ipv6", "1")?;
        underlay.attach(&namespace, "eth0")?;
        namespace.offload_off("eth0")?;
        for (at, (_, wire)) in plan.providers.iter().enumerate() {
            let nic = format!("eth{}", at + 1);
            wire.attach(&namespace, &nic)?;
            namespace.offload_off(&nic)?;
        }
        let switch = Switch::start(&namespace, &name)?;
        let host = Self {
            encap_ip: plan.encap_address(number),
            name,
            namespace,
            switch,
        };
        host.configure(plan)?;
        Ok(host)
    }

    /// What a human does before heddle's agent is started for the first time.
    fn configure(&self, plan: &HostPlan) -> Result<()> {
        let mut args = bridge_with_nic(UNDERLAY_BRIDGE, "eth0");
        let mut mappings = Vec::new();
        for (at, (physical_network, _)) in plan.providers.iter().enumerate() {
            let bridge = format!("br-{physical_network}");
            args += &bridge_with_nic(&bridge, &format!("eth{}", at + 1));
            mappings.push(format!("{physical_network}:{bridge}"));
        }
        let mut settings = vec![
            ("heddle-host", self.name.clone()),
            ("heddle-encap-ip", self.encap_ip.to_string()),
            ("heddle-encap-types", plan.encap_types.clone()),
            ("heddle-bridge-mappings", mappings.join(",")),
            ("heddle-datapath-type", "netdev".to_owned()),
        ];
        settings.extend(plan.northbound.clone().map(|remote| ("heddle-nb", remote)));
        settings.extend(
            plan.vxlan_port
                .map(|port| ("heddle-vxlan-port", port.to_string())),
        );
        args += "-- set Open_vSwitch .";
        for (key, value) in settings.iter().filter(|(_, value)| !value.is_empty()) {
            args += &format!(" external_ids:{key}=\"{value}\"");
        }
        self.switch.vsctl(&args)?;

        let prefix = if self.encap_ip.is_ipv4() { 24 } else { 64 };
        if self.encap_ip.is_ipv6() {
            self.namespace.set(
                &format!("net/ipv6/conf/{UNDERLAY_BRIDGE}/disable_ipv6"),
                "0",
            )?;
        }
        self.namespace.ip(&format!(
            "address add {}/{prefix} dev {UNDERLAY_BRIDGE}",
            self.encap_ip
        ))?;
        self.namespace
            .ip(&format!("link set {UNDERLAY_BRIDGE} up"))?;
        Ok(())
    }

    /// `h1`, `h2`, ... in the order of making.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address that the other hosts send their tunnel packets to.
    #[must_use]
    pub fn encap_ip(&self) -> IpAddr {
        self.encap_ip
    }

    /// The host's own network namespace.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Waits until the bridge exists and works: until its management socket is there.
    ///
    /// # Errors
    /// When it does not come.
    pub fn wait_for_bridge(&self, bridge: &str, patience: Duration) -> Result<()> {
        let socket = self.switch.dir().join(format!("{bridge}.mgmt"));
        wait::until_true(
            &format!("{} has a bridge {bridge}", self.name),
            patience,
            || Ok(socket.exists()),
        )
    }

    /// The OpenFlow number of an interface; none while it has none.
    ///
    /// # Errors
    /// When there is no such interface.
    pub fn ofport(&self, interface: &str) -> Result<Option<u16>> {
        let text = self
            .switch
            .vsctl(&format!("get Interface {interface} ofport"))?;
        Ok(text.trim().parse().ok())
    }

    /// Makes the switch log every OpenFlow message from now on, for [`Host::flow_mods`].
    ///
    /// # Errors
    /// What `ovs-appctl` says.
    pub fn count_flow_mods(&self) -> Result<()> {
        self.switch.appctl(&["vlog/set", "vconn:file:dbg"])?;
        self.switch
            .appctl(&["vlog/disable-rate-limit", "vconn"])
            .map(drop)
    }

    /// How many flow-mods and group-mods the switch has been sent since [`Host::count_flow_mods`].
    ///
    /// # Errors
    /// When its log can not be read.
    pub fn flow_mods(&self) -> Result<usize> {
        let path = self.switch.dir().join("ovs-vswitchd.log");
        let log = std::fs::read_to_string(&path)
            .map_err(Error::io(format!("read {}", path.display())))?;
        Ok(log.matches("OFPT_FLOW_MOD").count() + log.matches("GROUP_MOD").count())
    }

    /// Changes one of heddle's settings of this host.
    ///
    /// # Errors
    /// What `ovs-vsctl` says.
    pub fn set(&self, key: &str, value: &str) -> Result<()> {
        self.switch
            .vsctl(&format!(
                "set Open_vSwitch . external_ids:{key}=\"{value}\""
            ))
            .map(drop)
    }
}

/// The host's Open vSwitch.
impl Deref for Host {
    type Target = Switch;

    fn deref(&self) -> &Switch {
        &self.switch
    }
}

fn bridge_with_nic(bridge: &str, nic: &str) -> String {
    format!(
        "-- add-br {bridge} -- set Bridge {bridge} datapath_type=netdev -- add-port {bridge} {nic} "
    )
}
