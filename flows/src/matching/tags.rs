//! Which VLAN tags the packets of a flow are known to have, while its actions push, pop and write them. Knows neither actions
//! nor text.

use super::{Match, Slot, VLAN_CFI};

/// The tags that packets have for sure, the outer one first; Open vSwitch knows of two at most.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tags([bool; 2]);

impl Tags {
    /// The tags of packets of a match, which can ask for the outer one only.
    #[inline]
    pub(crate) fn of(matches: &Match) -> Self {
        let tag = matches.slot(Slot::VlanTci);
        Self([tag.is_some_and(|(value, _)| value & VLAN_CFI != 0), false])
    }

    /// True if there is a tag.
    pub(crate) fn any(self) -> bool {
        let [outer, _] = self.0;
        outer
    }

    /// Now there is a tag, if there was none.
    pub(crate) fn need(&mut self) {
        let [outer, _] = &mut self.0;
        *outer = true;
    }

    /// Now the whole outer tag is this, which may be none.
    pub(crate) fn write(&mut self, tci: u128) {
        let [outer, _] = &mut self.0;
        *outer = tci & VLAN_CFI != 0;
    }

    /// Adds a tag; false if there is no room for one.
    pub(crate) fn push(&mut self) -> bool {
        let [outer, inner] = self.0;
        if !inner {
            self.0 = [true, outer];
        }
        !inner
    }

    /// Takes the outer tag off, if there is one.
    pub(crate) fn pop(&mut self) {
        let [_, inner] = self.0;
        self.0 = [inner, false];
    }
}
