//! Endpoints: what a VM or container is to the network. A namespace whose interface is plugged into a host's `br-int` the way libvirt
//! does it: a new port with `external_ids:iface-id` and `attached-mac`.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::host::Host;
use crate::namespace::Namespace;
use crate::shared::Shared;
use crate::station::{Identity, Station};
use crate::{Error, Result};

/// The integration bridge.
const BRIDGE: &str = "br-int";

/// The endpoint's interface in its own namespace.
const NIC: &str = "eth0";

/// How long the integration bridge may take to appear.
const PATIENCE: Duration = Duration::from_secs(20);

/// An endpoint that is plugged in, or was.
pub struct Endpoint {
    station: Station,
    plugged: Option<Plug>,
}

/// One interface on one host.
struct Plug {
    host: Arc<Host>,
    tap: String,
}

/// The interface on the new host while the guest still runs on the old one.
pub struct Migration {
    parking: Namespace,
    plug: Plug,
}

impl Endpoint {
    pub(crate) fn plug_new(
        shared: &Arc<Shared>,
        host: &Arc<Host>,
        identity: Identity,
    ) -> Result<Self> {
        let namespace = Namespace::create(shared, &identity.name)?;
        let tap = tap_name(shared, &identity.name);
        make_pair(host, &tap, &namespace, &identity)?;
        let station = Station::start(&namespace, NIC, identity)?;
        let mut endpoint = Self {
            station,
            plugged: None,
        };
        endpoint.connect(Plug {
            host: Arc::clone(host),
            tap,
        })?;
        Ok(endpoint)
    }

    /// The endpoint as a sender and receiver of packets.
    #[must_use]
    pub fn station(&self) -> &Station {
        &self.station
    }

    /// The host it is plugged into.
    ///
    /// # Errors
    /// When it is unplugged.
    pub fn host(&self) -> Result<&Arc<Host>> {
        self.plug().map(|plug| &plug.host)
    }

    /// The name of its interface on the host.
    ///
    /// # Errors
    /// When it is unplugged.
    pub fn tap(&self) -> Result<&str> {
        self.plug().map(|plug| plug.tap.as_str())
    }

    fn plug(&self) -> Result<&Plug> {
        self.plugged.as_ref().ok_or_else(|| {
            Error::unexpected(self.name(), "unplugged", "an endpoint that is plugged in")
        })
    }

    fn connect(&mut self, plug: Plug) -> Result<()> {
        add_port(&plug, self.station.identity(), "")?;
        self.plugged = Some(plug);
        Ok(())
    }

    /// Takes the port out of the bridge; the interface stays where it is.
    ///
    /// # Errors
    /// When it is not plugged in, or what `ovs-vsctl` says.
    pub fn unplug(&mut self) -> Result<Unplugged> {
        let plug = self
            .plugged
            .take()
            .ok_or_else(|| Error::unexpected(self.name(), "unplugged", "plugged in"))?;
        plug.host
            .vsctl(&format!("del-port {BRIDGE} {}", plug.tap))?;
        Ok(Unplugged { plug })
    }

    /// Puts the port back into the bridge.
    ///
    /// # Errors
    /// What `ovs-vsctl` says.
    pub fn replug(&mut self, unplugged: Unplugged) -> Result<()> {
        self.connect(unplugged.plug)
    }

    /// Puts the port back with the OpenFlow number `ofport`.
    ///
    /// # Errors
    /// What `ovs-vsctl` says.
    pub fn replug_as(&mut self, unplugged: Unplugged, ofport: u16) -> Result<()> {
        add_port(
            &unplugged.plug,
            self.station.identity(),
            &format!("ofport_request={ofport}"),
        )?;
        self.plugged = Some(unplugged.plug);
        Ok(())
    }

    /// The guest goes away from its host and appears on another, with nothing in between.
    ///
    /// # Errors
    /// What `ip` or `ovs-vsctl` say.
    pub fn move_to(&mut self, host: &Arc<Host>) -> Result<()> {
        let Unplugged { plug } = self.unplug()?;
        plug.host
            .namespace()
            .ip(&format!("link del {}", plug.tap))?;
        let identity = self.station.identity().clone();
        let tap = tap_name(self.namespace().shared(), &identity.name);
        make_pair(host, &tap, self.namespace(), &identity)?;
        self.station.configure()?;
        self.connect(Plug {
            host: Arc::clone(host),
            tap,
        })
    }

    /// First half of a live migration: the new host has the interface, the guest still runs on the old one.
    ///
    /// # Errors
    /// What `ip` or `ovs-vsctl` say.
    pub fn start_migration(&self, host: &Arc<Host>) -> Result<Migration> {
        let identity = self.station.identity();
        let shared = self.namespace().shared();
        let parking = Namespace::create(
            shared,
            &format!("{}-parking{}", identity.name, shared.number()),
        )?;
        // The paused guest has an interface but no address: it hears, and says nothing.
        parking.set("net/ipv6/conf/default/disable_ipv6", "1")?;
        let tap = tap_name(shared, &identity.name);
        make_pair(host, &tap, &parking, identity)?;
        parking.ip(&format!("link set {NIC} up"))?;
        let plug = Plug {
            host: Arc::clone(host),
            tap,
        };
        add_port(&plug, identity, "")?;
        Ok(Migration { parking, plug })
    }

    /// Second half: the guest stops on the old host, runs on the new one, and its old interface goes.
    ///
    /// # Errors
    /// What `ip` or `ovs-vsctl` say.
    pub fn finish_migration(&mut self, migration: Migration) -> Result<()> {
        let old = self
            .plugged
            .take()
            .ok_or_else(|| Error::unexpected(self.name(), "unplugged", "plugged in"))?;
        self.namespace()
            .ip(&format!("link set {NIC} down name old0"))?;
        migration
            .parking
            .ip(&format!("link set {NIC} netns {}", self.namespace().name()))?;
        // Addresses may stand only once, or the old interface would keep the route.
        self.namespace().ip("address flush dev old0")?;
        self.station.configure()?;
        old.host.vsctl(&format!("del-port {BRIDGE} {}", old.tap))?;
        old.host.namespace().ip(&format!("link del {}", old.tap))?;
        self.plugged = Some(migration.plug);
        Ok(())
    }
}

/// The endpoint as a sender and receiver of packets.
impl Deref for Endpoint {
    type Target = Station;

    fn deref(&self) -> &Station {
        &self.station
    }
}

/// The interface of an endpoint that is out of the bridge.
pub struct Unplugged {
    plug: Plug,
}

/// A name that the kernel takes (15 characters) and a human recognises.
fn tap_name(shared: &Shared, name: &str) -> String {
    let short: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(7)
        .collect();
    format!("tap{}-{short}", shared.number())
}

fn make_pair(host: &Host, tap: &str, guest: &Namespace, identity: &Identity) -> Result<()> {
    let Identity { mac, mtu, .. } = identity;
    host.namespace().ip(&format!(
        "link add {tap} mtu {mtu} type veth peer name {NIC} address {mac} mtu {mtu} netns {}",
        guest.name()
    ))?;
    host.namespace().offload_off(tap)?;
    host.namespace().ip(&format!("link set {tap} up")).map(drop)
}

fn add_port(plug: &Plug, identity: &Identity, more: &str) -> Result<()> {
    let Plug { host, tap } = plug;
    host.wait_for_bridge(BRIDGE, PATIENCE)?;
    host.vsctl(&format!(
        "add-port {BRIDGE} {tap} -- set Interface {tap} {more} external_ids:iface-id={} external_ids:attached-mac=\"{}\"",
        identity.name, identity.mac
    ))
    .map(drop)
}
