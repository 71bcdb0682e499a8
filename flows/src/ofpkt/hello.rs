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
        Version::ALL.into_iter().rev().find(|v| both >> v.wire() & 1 == 1)
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

    pub(super) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let mut versions = None;
        while reader.len() >= 4 {
            let mut element = *reader;
            let (kind, len) = (element.u16()?, usize::from(element.u16()?));
            if len < 4 {
                break;
            }
            let padded = len.next_multiple_of(8);
            if kind == 1 && len >= 8 && versions.is_none() {
                // Versions above 31 are for another century.
                versions = element.u32().ok();
            }
            if padded > reader.len() {
                break;
            }
            reader.skip(padded)?;
        }
        Ok(Self {
            versions: versions.filter(|v| *v != 0).unwrap_or(Self::up_to(version)),
        })
    }
}
