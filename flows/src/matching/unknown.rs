//! Match fields that the field table does not have, such as those of a release of Open vSwitch after this crate: kept as they
//! are on the wire, so that a flow that has one is neither lost nor taken for a broader one.

use super::Match;
use crate::raw::RawPieces;

/// A field by its numbers (OpenFlow 1.5.1, 7.2.3.2, `ofp_oxm_header`), with what a match requires of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UnknownField<'a> {
    /// The class of the header; 0xffff if an experimenter id follows it.
    pub class: u16,
    /// The experimenter, in the class 0xffff.
    pub experimenter: Option<u32>,
    /// The 7-bit number of the field within the class or of the experimenter.
    pub number: u8,
    /// The value in the order of the wire; at most 255 bytes with mask and experimenter id.
    pub value: &'a [u8],
    /// The mask, as long as the value; `None`: all bits.
    pub mask: Option<&'a [u8]>,
}

/// The class whose headers are followed by an experimenter id.
const EXPERIMENTER: u16 = 0xffff;

impl<'a> UnknownField<'a> {
    /// The entry as it is on the wire; `None` if its parts do not fit together or are too long.
    #[must_use]
    pub fn to_entry(&self) -> Option<Vec<u8>> {
        let mask = self.mask.unwrap_or_default();
        let id = self
            .experimenter
            .map_or(Vec::new(), |id| id.to_be_bytes().to_vec());
        let fits = (self.class == EXPERIMENTER) == self.experimenter.is_some()
            && self.number < 0x80
            && self.mask.is_none_or(|mask| mask.len() == self.value.len());
        let length = u8::try_from(id.len() + self.value.len() + mask.len()).ok();
        let length = length.filter(|_| fits)?;
        let mut entry = self.class.to_be_bytes().to_vec();
        entry.extend([self.number << 1 | u8::from(self.mask.is_some()), length]);
        for part in [&id, self.value, mask] {
            entry.extend_from_slice(part);
        }
        Some(entry)
    }

    /// Takes a whole entry of the wire apart.
    pub(crate) fn from_entry(entry: &'a [u8]) -> Option<Self> {
        let (&[c1, c2, kind, _], payload) = entry.split_first_chunk::<4>()?;
        let class = u16::from_be_bytes([c1, c2]);
        let (experimenter, payload) = if class == EXPERIMENTER {
            let (id, rest) = payload.split_first_chunk::<4>()?;
            (Some(u32::from_be_bytes(*id)), rest)
        } else {
            (None, payload)
        };
        let (value, mask) = if kind & 1 == 0 {
            (payload, None)
        } else {
            let (value, mask) = payload.split_at_checked(payload.len() / 2)?;
            (value, Some(mask))
        };
        Some(Self {
            class,
            experimenter,
            number: kind >> 1,
            value,
            mask,
        })
    }
}

impl Match {
    /// The fields of the match that this crate does not know, in the order in which they came.
    pub fn unknown(&self) -> impl Iterator<Item = UnknownField<'_>> {
        self.raw()
            .filter_map(|(_, entry)| UnknownField::from_entry(entry))
    }

    /// The same as whole entries, with the rank below which the known fields stand before each.
    pub(crate) fn raw(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.bytes.raw().into_iter().flat_map(RawPieces::iter)
    }

    /// Adds an entry of the wire behind the known fields whose rank is below `after`.
    pub(crate) fn push_raw(&mut self, after: u8, entry: &[u8]) {
        self.bytes.push_raw(after, entry);
    }
}
