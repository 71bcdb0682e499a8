//! A short byte string that stands in place, as nearly every match does, and pieces beside it, as hardly any match has. Knows
//! nothing of matches.

use crate::raw::RawPieces;
use std::ops::{Deref, Range};

/// How many bytes stand in place: with them the whole has five words, and the matches of neighbour discovery fit.
const SHORT: usize = 38;

/// Bytes; up to [`SHORT`] of them without the heap.
#[derive(Clone)]
pub(super) enum Bytes {
    /// How many of the bytes are in use.
    Short(u8, [u8; SHORT]),
    Long(Vec<u8>),
    /// With pieces that are no part of the bytes.
    Beside(Box<(Vec<u8>, RawPieces)>),
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Short(0, [0; SHORT])
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(used, bytes) => bytes.get(..usize::from(*used)).unwrap_or(bytes),
            Self::Long(bytes) => bytes,
            Self::Beside(both) => &both.0,
        }
    }
}

impl Bytes {
    /// Puts `new` where `old` is; nothing is changed if there is no such place.
    #[inline]
    pub(super) fn replace(&mut self, old: Range<usize>, new: &[u8]) {
        let len = self.len();
        let tail = len.saturating_sub(old.end);
        if old.start > old.end || old.end > len {
            return;
        }
        let (end, total) = (old.start + new.len(), old.start + new.len() + tail);
        match self {
            Self::Short(used, bytes) if total <= SHORT => {
                bytes.copy_within(old.end..len, end);
                if let Some(place) = bytes.get_mut(old.start..end) {
                    place.copy_from_slice(new);
                }
                *used = u8::try_from(total).unwrap_or(0);
            }
            Self::Short(..) => {
                let mut long = Vec::with_capacity(total);
                long.extend_from_slice(self.split_at(old.start).0);
                long.extend_from_slice(new);
                long.extend_from_slice(self.split_at(old.end).1);
                *self = Self::Long(long);
            }
            Self::Long(bytes) => {
                bytes.splice(old, new.iter().copied());
            }
            Self::Beside(both) => {
                both.0.splice(old, new.iter().copied());
            }
        }
    }

    /// Puts these three after one another where `at` is; nothing is changed if there is no such place.
    #[inline]
    pub(super) fn insert(&mut self, at: usize, head: [u8; 2], value: &[u8], mask: &[u8]) {
        let size = head.len() + value.len() + mask.len();
        if let Self::Short(used, bytes) = self {
            let len = usize::from(*used);
            let total = len + size;
            if at > len {
                return;
            }
            if total <= SHORT {
                if at < len {
                    bytes.copy_within(at..len, at + size);
                }
                *used = u8::try_from(total).unwrap_or(0);
                let mut rest = bytes.get_mut(at..).unwrap_or_default();
                for part in [&head, value, mask] {
                    let Some((place, behind)) = rest.split_at_mut_checked(part.len()) else {
                        return;
                    };
                    copy(place, part);
                    rest = behind;
                }
                return;
            }
        }
        self.replace(at..at, &[&head, value, mask].concat());
    }

    /// The pieces beside the bytes, if there are any.
    #[inline]
    pub(super) fn raw(&self) -> Option<&RawPieces> {
        match self {
            Self::Beside(both) => Some(&both.1),
            _ => None,
        }
    }

    /// Adds a piece beside the bytes.
    pub(super) fn push_raw(&mut self, after: u8, piece: &[u8]) {
        match self {
            Self::Beside(both) => both.1.push(after, piece),
            _ => {
                let mut raw = RawPieces::default();
                raw.push(after, piece);
                *self = Self::Beside(Box::new((self.to_vec(), raw)));
            }
        }
    }
}

/// Copies as many bytes as fields have without a call; both parts must be equally long.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    fn exactly<const N: usize>(to: &mut [u8], from: &[u8]) {
        if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk()) {
            *to = *from;
        }
    }
    match from.len() {
        0 => {}
        1 => exactly::<1>(to, from),
        2 => exactly::<2>(to, from),
        4 => exactly::<4>(to, from),
        6 => exactly::<6>(to, from),
        16 => exactly::<16>(to, from),
        _ => to.copy_from_slice(from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_replaced_in_place_and_beyond_it() {
        let mut bytes = Bytes::default();
        let mut model: Vec<u8> = Vec::new();
        // Grows past the place in steps of every kind, then shrinks.
        let steps = [
            (0..0, 5),
            (5..5, 30),
            (0..2, 3),
            (3..3, 2),
            (38..38, 1),
            (1..30, 40),
            (0..50, 0),
            (0..0, 7),
            (7..7, 0),
        ];
        for (n, (old, new)) in (1u8..).zip(steps) {
            let new = vec![n; new];
            bytes.replace(old.clone(), &new);
            model.splice(old, new);
            assert_eq!(*bytes, *model);
            assert_eq!(*bytes.clone(), *model);
        }
        assert!(matches!(bytes, Bytes::Long(_)));
    }

    #[test]
    fn a_place_that_is_not_there_changes_nothing() {
        let mut bytes = Bytes::default();
        bytes.replace(1..1, &[1]);
        bytes.replace(0..1, &[1]);
        assert!(bytes.is_empty());
    }

    #[test]
    fn it_has_five_words() {
        assert_eq!(size_of::<Bytes>(), 40);
    }
}
