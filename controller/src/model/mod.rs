//! Plain types of intent: what the northbound database says, without any database, switch or clock in it.

pub mod document;
mod host;
mod name;
mod network;
mod port;
#[cfg(test)]
pub(crate) mod sample;
mod settings;
mod site;
mod small_set;
mod subnet;
mod touched;
mod vlan_range;

pub use host::{Host, TunnelType};
pub use name::{NameError, check_name, check_physical_network_name};
pub use network::{Network, NetworkType, PhysicalNetwork, Segment};
pub use port::Port;
pub use settings::{INTEGRATION_BRIDGE, Settings, SettingsError, TUNNEL_BRIDGE};
pub use site::Site;
pub use small_set::SmallSet;
pub use subnet::{AddressError, PrefixError, Subnet, check_prefix};
pub use touched::Touched;
pub(crate) use touched::differing;
pub use vlan_range::{VlanRangeError, merge_ranges, parse_range, show_range};
