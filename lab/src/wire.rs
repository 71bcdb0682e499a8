//! Shared wires: Linux bridges in the lab's fabric namespace that carry every frame as it is, with any VLAN tag.

use std::sync::{Arc, Mutex};

use crate::capture::Capture;
use crate::namespace::Namespace;
use crate::shared::lock;
use crate::{Error, Result};

/// A layer-2 segment to which hosts and outside machines attach. Cheap to clone; all clones are the same wire.
#[derive(Clone)]
pub struct Wire {
    name: String,
    bridge: String,
    fabric: Namespace,
    ports: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    pub(crate) fn create(fabric: &Namespace, name: &str) -> Result<Self> {
        let bridge = format!("w-{name}");
        if bridge.len() > 15 {
            return Err(Error::unexpected(
                "name of a wire",
                name,
                "at most 13 characters",
            ));
        }
        fabric.ip(&format!("link add {bridge} type bridge mcast_snooping 0"))?;
        fabric.ip(&format!("link set {bridge} up"))?;
        Ok(Self {
            name: name.to_owned(),
            bridge,
            fabric: fabric.clone(),
            ports: Arc::default(),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the machine in `namespace` an interface `nic` on this wire, switched on.
    pub(crate) fn attach(&self, namespace: &Namespace, nic: &str) -> Result<()> {
        let number = self.fabric.shared().number();
        let port = format!("p{number}");
        self.fabric.ip(&format!(
            "link add {port} master {} type veth peer name {nic} netns {}",
            self.bridge,
            namespace.name()
        ))?;
        namespace.ip(&format!("link set {nic} up"))?;
        self.fabric.ip(&format!("link set {port} up"))?;
        lock(&self.ports).push(port);
        Ok(())
    }

    /// Records every frame that a machine puts on the wire from now on, each one once.
    ///
    /// # Errors
    /// When `tcpdump` does not start.
    pub fn capture(&self) -> Result<Capture> {
        Capture::of_arrivals(&self.fabric, &lock(&self.ports))
    }
}
