//! The switch's configuration: `OFPT_GET_CONFIG_REPLY` and `OFPT_SET_CONFIG` (OpenFlow 1.5.1, 7.3.2).

use super::DecodeError;
use super::wire::{Put, Reader, Writer};

/// What a switch does with fragments, and how much of a packet it sends to the controller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SwitchConfig {
    /// 0 normal, 1 drop fragments, 2 reassemble, 3 Nicira's match on fragments.
    pub flags: u16,
    /// Bytes of a packet that missed every flow; 0xffff: all.
    pub miss_send_len: u16,
}

impl SwitchConfig {
    pub(super) fn put(self, out: &mut Writer) {
        out.u16(self.flags);
        out.u16(self.miss_send_len);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            flags: reader.u16()?,
            miss_send_len: reader.u16()?,
        })
    }
}
