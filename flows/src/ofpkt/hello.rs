//! `OFPT_HELLO`, which opens a connection (OpenFlow 1.5.1, 7.5.1).

use super::DecodeError;
use super::wire::{Put, Reader, Writer};
use crate::Version;

/// Which versions the sender speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hello {
    /// A bit for each version number on the wire: 0x20 is OpenFlow 1.4.
    pub versions: u32,
}

impl Hello {
    /// Offers exactly these versions; the message must be sent in the highest of them.
    #[must_use]
    pub fn offering(versions: &[Version]) -> Self {
        Self {
            versions: versions.iter().fold(0, |bits, v| bits | 1 << v.wire()),
        }
    }

    /// The highest version that both ends speak.
    #[must_use]
    pub fn agree(self, other: Self) -> Option<Version> {
        let both = self.versions & other.versions;
        Version::ALL
            .into_iter()
            .rev()
            .find(|v| both >> v.wire() & 1 == 1)
    }

    /// All versions up to `highest`: what a hello without a bitmap means.
    fn up_to(highest: Version) -> u32 {
        (2u32 << highest.wire()) - 2
    }

    pub(super) fn put(self, out: &mut Writer, version: Version) {
        // A version bitmap is only needed where the versions are not all up to that of the message.
        if self.versions != Self::up_to(version) {
            out.u16(1);
            out.u16(8);
            out.u32(self.versions);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let (versions, _) = Self::versions_of(reader.rest(), version.wire());
        reader.skip(reader.len())?;
        Ok(Self { versions })
    }

    /// The versions that the body of a hello of any version offers, and whether all of the body was understood.
    pub(crate) fn versions_of(body: &[u8], version: u8) -> (u32, bool) {
        let mut reader = Reader::new(body, 0);
        let default = (2u32.checked_shl(u32::from(version)).unwrap_or(0)).wrapping_sub(2);
        let (mut versions, mut whole) = (None, true);
        while !reader.is_empty() {
            let mut element = reader;
            let (Ok(kind), Ok(len)) = (element.u16(), element.u16()) else {
                whole = false;
                break;
            };
            let len = usize::from(len);
            // The last element may come without its padding.
            let padded = len.next_multiple_of(8).min(reader.len().max(len));
            if len < 4 || reader.skip(padded).is_err() {
                whole = false;
                break;
            }
            let offered = element
                .u32()
                .ok()
                .map(|bits| bits & !1)
                .filter(|bits| *bits != 0 && len >= 8);
            match offered {
                Some(bits) if kind == 1 => versions = Some(bits),
                _ => whole = false,
            }
        }
        (versions.unwrap_or(default), whole)
    }
}
