//! OpenFlow port numbers with their reserved values (OpenFlow 1.5.1, 7.2.1). Knows nothing of bridges.

use std::fmt;

/// An OpenFlow port number in its 32-bit form; the 16-bit numbers of OpenFlow 1.0 map 0xff00 and up to 0xffffff00 and up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub u32);

impl Port {
    /// The number before the reserved ones: no port may be larger (`OFPP_MAX`).
    pub const MAX: Self = Self(0xffff_ff00);
    /// The output port of an action set that has none yet (`OFPP_UNSET`, OpenFlow 1.5).
    pub const UNSET: Self = Self(0xffff_fff7);
    /// Back out of the port of arrival (`OFPP_IN_PORT`).
    pub const IN_PORT: Self = Self(0xffff_fff8);
    /// Start over at the first flow table; only in a packet-out (`OFPP_TABLE`).
    pub const TABLE: Self = Self(0xffff_fff9);
    /// Forward as a plain learning switch does (`OFPP_NORMAL`).
    pub const NORMAL: Self = Self(0xffff_fffa);
    /// Every port but the one of arrival and those with flooding disabled (`OFPP_FLOOD`).
    pub const FLOOD: Self = Self(0xffff_fffb);
    /// Every port but the one of arrival (`OFPP_ALL`).
    pub const ALL: Self = Self(0xffff_fffc);
    /// To the controller (`OFPP_CONTROLLER`).
    pub const CONTROLLER: Self = Self(0xffff_fffd);
    /// The bridge's own port in the host's network stack (`OFPP_LOCAL`).
    pub const LOCAL: Self = Self(0xffff_fffe);
    /// Any port or no port, by context (`OFPP_ANY`, `OFPP_NONE`).
    pub const ANY: Self = Self(0xffff_ffff);

    const NAMES: [(Self, &'static str); 9] = [
        (Self::IN_PORT, "IN_PORT"),
        (Self::TABLE, "TABLE"),
        (Self::NORMAL, "NORMAL"),
        (Self::FLOOD, "FLOOD"),
        (Self::ALL, "ALL"),
        (Self::CONTROLLER, "CONTROLLER"),
        (Self::LOCAL, "LOCAL"),
        (Self::ANY, "ANY"),
        (Self::UNSET, "UNSET"),
    ];

    /// The name of a reserved port.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES
            .iter()
            .find(|(port, _)| *port == self)
            .map(|(_, name)| *name)
    }

    /// The reserved port of this name, in any case; `NONE` is another name of `ANY`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("none") {
            return Some(Self::ANY);
        }
        Self::NAMES
            .iter()
            .find(|(_, n)| n.eq_ignore_ascii_case(name))
            .map(|(port, _)| *port)
    }

    /// The port with this number in OpenFlow 1.0.
    #[must_use]
    pub fn from_u16(number: u16) -> Self {
        let number = u32::from(number);
        Self(if number >= 0xff00 {
            number | 0xffff_0000
        } else {
            number
        })
    }

    /// The number in OpenFlow 1.0; `None` where 16 bits can not say it.
    #[must_use]
    pub fn to_u16(self) -> Option<u16> {
        match self.0 {
            low @ 0..=0xfeff => u16::try_from(low).ok(),
            high @ 0xffff_ff00.. => u16::try_from(high & 0xffff).ok(),
            _ => None,
        }
    }
}

/// The reserved name or the decimal number, as ovs-ofctl prints it.
impl fmt::Display for Port {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => out.write_str(name),
            None => write!(out, "{}", self.0),
        }
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl From<u32> for Port {
    fn from(number: u32) -> Self {
        Self(number)
    }
}
