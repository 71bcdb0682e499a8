//! Samples of everything that can be in a message, for tests: made from a string of bytes, so that the same bytes make the same
//! sample and shorter or smaller bytes a simpler one. A message without samples does not compile.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[cfg(feature = "samples")]
use super::Message;
use super::registry::{self, Kind};
use crate::Version;

mod actions;
mod flows;
mod matches;
mod messages;
mod tables;

pub(super) use actions::{VARIANTS, action, list, variant};
pub(super) use flows::instructions;
pub(super) use matches::matches;
pub(super) use messages::message;

/// Every kind of message with the versions that have it.
pub(super) fn kinds() -> Vec<(Kind, Version)> {
    registry::kinds()
        .flat_map(|(kind, first, last)| {
            Version::ALL
                .into_iter()
                .filter(move |v| first <= *v && *v <= last)
                .map(move |version| (kind, version))
        })
        // Nicira's change of flows is sent in OpenFlow 1.0 alone; Open vSwitch takes it in any version.
        .filter(|(kind, version)| *kind != Kind::NxFlowMod || *version == Version::V10)
        .collect()
}

/// A message of which the first four bytes choose the kind, and whether there is anything in it that is not known.
#[cfg(feature = "samples")]
pub(super) fn any_message(bytes: &[u8]) -> Message {
    let mut choices = Choices::new(bytes);
    choices.unknown = choices.below(8) == 1;
    let which = usize::from(choices.u16());
    let kinds = kinds();
    let (kind, version) = kinds
        .get(which % kinds.len().max(1))
        .copied()
        .unwrap_or((Kind::Hello, Version::V10));
    message(&mut choices, kind, version)
}

/// Bytes that choose; when they are used up all choices are 0.
pub(super) struct Choices<'a> {
    rest: &'a [u8],
    /// Things that are not known are among the samples.
    pub(super) unknown: bool,
}

impl<'a> Choices<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            unknown: false,
        }
    }

    pub(super) fn u8(&mut self) -> u8 {
        let (first, rest) = self.rest.split_first().unwrap_or((&0, &[]));
        self.rest = rest;
        *first
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from(self.u8()) << 8 | u16::from(self.u8())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from(self.u32()) << 32 | u64::from(self.u32())
    }

    pub(super) fn u128(&mut self) -> u128 {
        u128::from(self.u64()) << 64 | u128::from(self.u64())
    }

    pub(super) fn flag(&mut self) -> bool {
        self.u8() & 1 == 1
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::from(self.u16()) % limit.max(1)
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from.get(self.below(from.len())).unwrap().clone()
    }

    pub(super) fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| make(self))
    }

    /// At most `most` things.
    pub(super) fn list<T>(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.below(most + 1);
        (0..count).map(|_| make(self)).collect()
    }

    pub(super) fn bytes(&mut self, most: usize) -> Vec<u8> {
        self.list(most, Self::u8)
    }

    pub(super) fn text(&mut self, most: usize) -> String {
        let letters = b"abcdefghijklmnopqrstuvwxyz0-_.";
        self.list(most, |c| char::from(c.pick(letters)))
            .into_iter()
            .collect()
    }

    /// Properties of types that are not known: at least `from`, none twice.
    pub(super) fn properties(&mut self, from: u16) -> Vec<(u16, Vec<u8>)> {
        let count = u16::try_from(self.below(3)).unwrap();
        (0..count).map(|n| (from + n, self.bytes(9))).collect()
    }

    /// A port of a switch, or a reserved one that packets can be sent to.
    pub(super) fn port(&mut self) -> crate::Port {
        use crate::Port;
        match self.below(4) {
            0 => Port(u32::from(self.u16() % 0xff00)),
            1 => Port(1),
            _ => self.pick(&[Port(2), Port::LOCAL, Port::IN_PORT, Port::FLOOD, Port::ALL]),
        }
    }

    /// A port of a switch.
    pub(super) fn plain_port(&mut self) -> crate::Port {
        crate::Port(u32::from(self.u16() % 0xff00))
    }
}
