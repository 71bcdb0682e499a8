//! Simulated hosts and topologies on one machine: real ovsdb-servers and ovs-vswitchds in network namespaces.
//!
//! A [`Lab`] owns everything. It makes [`Wire`]s, [`Host`]s on them (a namespace, an Open vSwitch, `br-phy` with the tunnel
//! address, provider bridges), [`Endpoint`]s in the hosts' `br-int`, and [`Outside`] machines on the wires; dropping it removes
//! exactly what it has made. Endpoints and outside machines are [`Station`]s: [`probe`] sends packets between them and sees
//! where each one arrives, [`capture`](Capture) reads what passes on an interface or a wire.
//!
//! A [`Site`] is heddle itself in such a lab: the northbound database, an agent on every host, and its commands.
//!
//! ```no_run
//! use lab::{PATIENCE, Site, probe};
//!
//! # fn main() -> lab::Result<()> {
//! let site = Site::start("example", 2, &["provider"])?;
//! site.apply(
//!     "networks: [{name: net, type: vxlan}]
//! subnets: [{network: net, cidr: 10.0.0.0/24}]
//! ports: [{name: a, network: net}, {name: b, network: net}]",
//! )?;
//! let (a, b) = (site.plug("a", 1)?, site.plug("b", 2)?);
//! let underlay = site.lab().underlay().capture()?;
//! probe::ping(&a, &b, PATIENCE)?;
//! underlay.wait_for("a VXLAN packet", PATIENCE, |frame| frame.tunnel().is_some())?;
//! # Ok(())
//! # }
//! ```
//!
//! The lab uses the system's `ip`, `ovs-vsctl`, `ethtool` and `tcpdump`; the product does not.

mod binary;
mod capture;
mod endpoint;
mod error;
mod frame;
mod host;
mod lab;
mod ledger;
mod namespace;
mod outside;
pub mod probe;
mod process;
mod raw;
mod shared;
mod site;
mod station;
mod switch;
pub mod tool;
mod unread;
pub mod wait;
mod wire;

pub use binary::{HEDDLE_VARIABLE, build_heddle, heddle};
pub use capture::Capture;
pub use endpoint::{Endpoint, Migration, Unplugged};
pub use error::{Error, Result};
pub use frame::{Arp, Frame, Tunnel};
pub use host::{Host, HostPlan, UNDERLAY_BRIDGE, Underlay};
pub use lab::{Lab, in_parallel};
pub use ledger::{Found, find_all};
pub use namespace::Namespace;
pub use nix::sys::signal::Signal;
pub use outside::Outside;
pub use process::Process;
pub use raw::Raw;
pub use site::{Ended, HostView, PATIENCE, PortView, Site};
pub use station::{Identity, Station};
pub use switch::Switch;
pub use unread::Unread;
pub use wire::Wire;
