//! `NXST_IPFIX_*`: what the exporters of flow records have counted.

use super::DecodeError;
use super::wire::{Put, Reader, Writer};

/// What an exporter has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IpfixStats {
    /// Flows in all.
    pub flows: u64,
    /// Flows at present.
    pub current_flows: u64,
    /// Packets sampled.
    pub packets: u64,
    /// Packets of IPv4 and of IPv6 sampled.
    pub ip_packets: [u64; 2],
    /// Packets that could not be sampled.
    pub errors: u64,
    /// Those of IPv4 and of IPv6.
    pub ip_errors: [u64; 2],
    /// Messages sent.
    pub sent: u64,
    /// Messages that could not be sent.
    pub send_errors: u64,
    /// The collector set; 0 for the bridge's own exporter.
    pub collector_set: u32,
}

impl IpfixStats {
    pub(super) fn put(self, out: &mut Writer) {
        let [v4, v6] = self.ip_packets;
        let [v4_errors, v6_errors] = self.ip_errors;
        for count in [
            self.flows,
            self.current_flows,
            self.packets,
            v4,
            v6,
            self.errors,
            v4_errors,
            v6_errors,
            self.sent,
            self.send_errors,
        ] {
            out.u64(count);
        }
        out.u32(self.collector_set);
        out.zeros(4);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let found = Self {
            flows: reader.u64()?,
            current_flows: reader.u64()?,
            packets: reader.u64()?,
            ip_packets: [reader.u64()?, reader.u64()?],
            errors: reader.u64()?,
            ip_errors: [reader.u64()?, reader.u64()?],
            sent: reader.u64()?,
            send_errors: reader.u64()?,
            collector_set: reader.u32()?,
        };
        reader.skip(4)?;
        Ok(found)
    }
}
