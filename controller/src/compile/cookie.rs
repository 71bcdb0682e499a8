//! Flow cookies: who owns a flow, and which object of the intent it serves.
//!
//! | bits  | what                                                             |
//! |-------|------------------------------------------------------------------|
//! | 63–48 | the owner tag, `0x6865` (ASCII `he`): every flow of heddle's     |
//! | 47–44 | the kind of object                                               |
//! | 43–0  | the first 44 bits of the object's `_uuid`; 0 for [`Cookie::BASE`] |

use std::fmt;

use uuid::Uuid;

/// The cookie of one flow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cookie(u64);

/// What kind of object a flow serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The pipeline itself: the same on every host.
    Base = 0,
    /// A network.
    Network = 1,
    /// A port.
    Port = 2,
    /// Another host.
    Host = 3,
    /// A network, in a flow that the switch has learned by itself.
    Learned = 4,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Base,
        Self::Network,
        Self::Port,
        Self::Host,
        Self::Learned,
    ];
}

const OWNER: u64 = 0x6865;
const ID_BITS: u32 = 44;

impl Cookie {
    /// Selects, together with [`Cookie::OWNER_MASK`], every flow of heddle's.
    pub const OWNER_VALUE: u64 = OWNER << 48;
    /// See [`Cookie::OWNER_VALUE`].
    pub const OWNER_MASK: u64 = 0xffff << 48;
    /// Flows of the pipeline itself.
    pub const BASE: Self = Self(Self::OWNER_VALUE);

    /// The cookie of flows that serve the object.
    #[must_use]
    pub fn new(kind: Kind, id: Uuid) -> Self {
        let (head, _) = id.as_u64_pair();
        Self(Self::OWNER_VALUE | u64::from(kind as u8) << ID_BITS | head >> (64 - ID_BITS))
    }

    /// The cookie in `raw`, if the flow is heddle's.
    #[must_use]
    pub fn from_raw(raw: u64) -> Option<Self> {
        (raw & Self::OWNER_MASK == Self::OWNER_VALUE).then_some(Self(raw))
    }

    /// The cookie behind this one, in the order of cookies.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The cookie as OpenFlow carries it.
    #[must_use]
    pub fn raw(self) -> u64 {
        self.0
    }

    /// The kind of object that the flow serves; none when it is of a kind that is not known here.
    #[must_use]
    pub fn kind(self) -> Option<Kind> {
        Kind::ALL
            .into_iter()
            .find(|kind| (self.0 >> ID_BITS) & 0xf == *kind as u64)
    }

    /// True for flows that the switch has learned by itself.
    #[must_use]
    pub fn is_learned(self) -> bool {
        self.kind() == Some(Kind::Learned)
    }

    /// True if this is a cookie of the object, whatever its kind: the `_uuid` begins with the same 44 bits.
    #[must_use]
    pub fn serves(self, id: Uuid) -> bool {
        let (head, _) = id.as_u64_pair();
        self != Self::BASE && self.0 & ((1 << ID_BITS) - 1) == head >> (64 - ID_BITS)
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:#x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef);

    #[test]
    fn a_cookie_names_owner_kind_and_object() {
        let cookie = Cookie::new(Kind::Port, ID);
        assert_eq!(cookie.raw(), 0x6865_2123_4567_89ab);
        assert!(cookie.serves(ID));
        assert!(!cookie.serves(Uuid::from_u128(0)));
        assert!(!Cookie::BASE.serves(Uuid::from_u128(0)));
        assert!(!cookie.is_learned());
        assert!(Cookie::new(Kind::Learned, ID).is_learned());
        for kind in Kind::ALL {
            assert_eq!(Cookie::new(kind, ID).kind(), Some(kind));
        }
        assert_eq!(Cookie(Cookie::OWNER_VALUE | 0xf << ID_BITS).kind(), None);
    }

    #[test]
    fn foreign_flows_are_told_apart() {
        assert_eq!(Cookie::from_raw(0), None);
        assert_eq!(Cookie::from_raw(0x6866_0000_0000_0000), None);
        assert_eq!(Cookie::from_raw(0x6865_0000_0000_0000), Some(Cookie::BASE));
    }
}
