//! Pieces of a message that this crate does not know, kept as they came and where they came. Knows nothing of what they are.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// Pieces that say themselves how long they are, in the order in which they came.
///
/// Two of these are equal if the pieces are, wherever they stood among what is known.
#[derive(Clone, Default, Debug)]
pub(crate) struct RawPieces {
    bytes: Vec<u8>,
    /// For each piece: what of the known it came after, in the reckoning of its owner, and how many bytes it has.
    cuts: Vec<(u8, u16)>,
}

impl RawPieces {
    /// Adds a piece of at most 65535 bytes; what is longer is in no message.
    pub(crate) fn push(&mut self, after: u8, piece: &[u8]) {
        if let Ok(length) = u16::try_from(piece.len()) {
            self.bytes.extend_from_slice(piece);
            self.cuts.push((after, length));
        }
    }

    /// Each piece, with what it came after.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut rest = self.bytes.as_slice();
        self.cuts.iter().map_while(move |(after, length)| {
            let (piece, tail) = rest.split_at_checked(usize::from(*length))?;
            rest = tail;
            Some((*after, piece))
        })
    }
}

impl PartialEq for RawPieces {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for RawPieces {}

impl PartialOrd for RawPieces {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RawPieces {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl Hash for RawPieces {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}
