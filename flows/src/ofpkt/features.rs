//! `OFPT_FEATURES_REPLY`: what a switch is (OpenFlow 1.5.1, 7.3.1).

use super::DecodeError;
use super::port_desc::PortDesc;
use super::wire::{Put, Reader, Writer};
use crate::Version;

/// What a switch says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SwitchFeatures {
    /// The datapath id: 16 bits of the operator's choice and an Ethernet address.
    pub datapath_id: u64,
    /// How many packets it can buffer.
    pub n_buffers: u32,
    /// How many tables it has.
    pub n_tables: u8,
    /// Which connection this is (OpenFlow 1.3 and up); 0 is the main one.
    pub auxiliary_id: u8,
    /// Bits of `ofp_capabilities`.
    pub capabilities: u32,
    /// Bits of supported actions in OpenFlow 1.0; reserved later.
    pub actions: u32,
    /// The ports; only in OpenFlow 1.0 to 1.2.
    pub ports: Vec<PortDesc>,
}

impl SwitchFeatures {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        out.u64(self.datapath_id);
        out.u32(self.n_buffers);
        out.u8(self.n_tables);
        out.u8(if version >= Version::V13 {
            self.auxiliary_id
        } else {
            0
        });
        out.zeros(2);
        out.u32(self.capabilities);
        out.u32(self.actions);
        if version < Version::V13 {
            self.ports.iter().for_each(|port| port.put(out, version));
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let mut features = Self {
            datapath_id: reader.u64()?,
            n_buffers: reader.u32()?,
            n_tables: reader.u8()?,
            auxiliary_id: reader.u8()?,
            capabilities: {
                reader.skip(2)?;
                reader.u32()?
            },
            actions: reader.u32()?,
            ports: Vec::new(),
        };
        if version < Version::V13 {
            features.auxiliary_id = 0;
            while !reader.is_empty() {
                features.ports.push(PortDesc::read(reader, version)?);
            }
        }
        Ok(features)
    }
}
