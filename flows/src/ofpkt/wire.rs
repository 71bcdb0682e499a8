//! Reading and writing bytes in network order. A reader can not be indexed and never reads past its end; a writer's
//! lengths are filled in when the piece they belong to is complete.

use super::{DecodeError, OfpError};

/// What becomes of fields, actions, instructions and properties that are well formed but not known, such as those of a
/// release after this crate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unknown {
    /// They are errors, as with Open vSwitch, which can not do what it does not know.
    Refuse,
    /// They are kept as bytes.
    Keep,
}

/// A place in a message, from which only what is there can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
    unknown: Unknown,
}

#[cfg(test)]
thread_local! {
    static READS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How often this thread has read from any reader, so that tests can tell how the work grows.
#[cfg(test)]
pub(crate) fn reads() -> usize {
    READS.get()
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, which begin `offset` bytes into the message; what is not known is refused.
    pub(crate) fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self {
            rest: bytes,
            offset,
            unknown: Unknown::Refuse,
        }
    }

    /// The same place, read with this mind about what is not known. Readers of parts inherit it.
    pub(crate) fn minding(self, unknown: Unknown) -> Self {
        Self { unknown, ..self }
    }

    /// True if what is not known is kept.
    #[inline]
    pub(crate) fn keeps(&self) -> bool {
        self.unknown == Unknown::Keep
    }

    /// How many bytes are left.
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    /// True if nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// An error here.
    pub(crate) fn error(&self, error: OfpError) -> DecodeError {
        DecodeError {
            offset: self.offset,
            error,
        }
    }

    /// The next `n` bytes.
    #[inline]
    pub(crate) fn bytes(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        #[cfg(test)]
        READS.set(READS.get() + 1);
        let (head, tail) = self.rest.split_at_checked(n).ok_or(DecodeError {
            offset: self.offset,
            error: OfpError::BAD_LEN,
        })?;
        self.rest = tail;
        self.offset += n;
        Ok(head)
    }

    /// A reader of the next `n` bytes alone.
    #[inline]
    pub(crate) fn sub(&mut self, n: usize) -> Result<Self, DecodeError> {
        let offset = self.offset;
        let unknown = self.unknown;
        Ok(Self {
            rest: self.bytes(n)?,
            offset,
            unknown,
        })
    }

    /// Passes over `n` bytes, whatever they are.
    pub(crate) fn skip(&mut self, n: usize) -> Result<(), DecodeError> {
        self.bytes(n).map(|_| ())
    }

    /// Passes over `n` bytes that must be zero.
    pub(crate) fn zeros(&mut self, n: usize, otherwise: OfpError) -> Result<(), DecodeError> {
        let place = *self;
        if self.bytes(n)?.iter().any(|b| *b != 0) {
            // Padding is bad also where Open vSwitch's word for it is that of arguments, of which one may be unknown.
            let error = if self.keeps() && otherwise == OfpError::ACTION_BAD_ARGUMENT {
                OfpError::ACTION_MUST_BE_ZERO
            } else {
                otherwise
            };
            Err(place.error(error))
        } else {
            Ok(())
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        #[cfg(test)]
        READS.set(READS.get() + 1);
        let (head, tail) = self.rest.split_first_chunk().ok_or(DecodeError {
            offset: self.offset,
            error: OfpError::BAD_LEN,
        })?;
        self.rest = tail;
        self.offset += N;
        Ok(*head)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    #[inline]
    pub(crate) fn u128(&mut self) -> Result<u128, DecodeError> {
        Ok(u128::from_be_bytes(self.array()?))
    }

    /// Six bytes of an Ethernet address.
    pub(crate) fn eth(&mut self) -> Result<crate::EthAddr, DecodeError> {
        Ok(crate::EthAddr(self.array()?))
    }

    /// A text of `n` bytes, padded with zeros.
    pub(crate) fn text(&mut self, n: usize) -> Result<String, DecodeError> {
        let bytes = self.bytes(n)?;
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        Ok(String::from_utf8_lossy(bytes.split_at(end).0).into_owned())
    }
}

/// Bytes in the making.
pub(crate) type Writer = Vec<u8>;

/// What a writer can add in network order.
pub(crate) trait Put {
    fn u8(&mut self, value: u8);
    fn u16(&mut self, value: u16);
    fn u32(&mut self, value: u32);
    fn u64(&mut self, value: u64);
    fn zeros(&mut self, n: usize);
    fn text(&mut self, text: &str, n: usize);
    /// Zeros up to a multiple of 8 bytes after `start`.
    fn pad8(&mut self, start: usize);
    /// Writes the length of all since `start` into the 16 bits at `at`.
    fn fill_len(&mut self, start: usize, at: usize);
    /// Replaces the 16 bits at `at`.
    fn set_u16(&mut self, at: usize, value: u16);
}

impl Put for Writer {
    #[inline]
    fn u8(&mut self, value: u8) {
        self.push(value);
    }

    #[inline]
    fn u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    #[inline]
    fn u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    #[inline]
    fn u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    #[inline]
    fn zeros(&mut self, n: usize) {
        // Nearly always a few, and as many as the compiler knows.
        const ZEROS: &[u8] = &[0; 32];
        match ZEROS.get(..n) {
            Some(zeros) => self.extend_from_slice(zeros),
            None => self.resize(self.len() + n, 0),
        }
    }

    fn text(&mut self, text: &str, n: usize) {
        // One byte is kept for the end mark, and no character is cut in two.
        let most = text.len().min(n.saturating_sub(1));
        let used = (0..=most).rev().find(|at| text.is_char_boundary(*at));
        let used = used.unwrap_or(0);
        self.extend_from_slice(text.split_at(used).0.as_bytes());
        self.zeros(n - used);
    }

    #[inline]
    fn pad8(&mut self, start: usize) {
        let over = self.len().saturating_sub(start) % 8;
        if over != 0 {
            self.zeros(8 - over);
        }
    }

    #[inline]
    fn fill_len(&mut self, start: usize, at: usize) {
        let len = u16::try_from(self.len().saturating_sub(start)).unwrap_or(u16::MAX);
        self.set_u16(at, len);
    }

    #[inline]
    fn set_u16(&mut self, at: usize, value: u16) {
        if let Some(place) = self.get_mut(at..at + 2) {
            place.copy_from_slice(&value.to_be_bytes());
        }
    }
}
