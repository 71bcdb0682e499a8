//! Plain types of intent: what the northbound database says, without any database, switch or clock in it.

mod host;
mod network;
mod port;
mod site;
mod subnet;

pub use host::{Host, TunnelType};
pub use network::{Network, PhysicalNetwork, Segment};
pub use port::Port;
pub use site::Site;
pub use subnet::Subnet;
