//! OpenFlow for Open vSwitch: wire codec, flow language, tables and their difference. No sockets, no clock.

mod eth_addr;

pub use eth_addr::{EthAddr, EthAddrError};
