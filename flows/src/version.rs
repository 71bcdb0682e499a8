//! The OpenFlow protocol versions. Knows nothing of messages.

use std::fmt;

/// A version of the OpenFlow protocol, as the first byte of every message says it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Version {
    /// OpenFlow 1.0, wire version 0x01.
    V10 = 1,
    /// OpenFlow 1.1, wire version 0x02.
    V11 = 2,
    /// OpenFlow 1.2, wire version 0x03.
    V12 = 3,
    /// OpenFlow 1.3, wire version 0x04.
    V13 = 4,
    /// OpenFlow 1.4, wire version 0x05.
    V14 = 5,
    /// OpenFlow 1.5, wire version 0x06.
    V15 = 6,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Self; 6] = [
        Self::V10,
        Self::V11,
        Self::V12,
        Self::V13,
        Self::V14,
        Self::V15,
    ];

    /// The version with this number on the wire.
    #[must_use]
    pub fn from_wire(number: u8) -> Option<Self> {
        let place = usize::from(number).checked_sub(1)?;
        Self::ALL.get(place).copied()
    }

    /// The number on the wire: 1 for OpenFlow 1.0 up to 6 for OpenFlow 1.5.
    #[must_use]
    pub fn wire(self) -> u8 {
        self as u8
    }
}

/// `OF1.4`, as Open vSwitch writes it.
impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "OF1.{}", *self as u8 - 1)
    }
}
