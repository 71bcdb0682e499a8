//! Flows: a match, what is done with packets that match, and the flow's own properties. Knows neither text nor wire.

use std::cmp::Reverse;

use crate::raw::RawPieces;
use crate::{Action, Match};

/// Flags of a flow (OpenFlow 1.5.1, 7.3.4.2); bits as in `ofp_flow_mod` of OpenFlow 1.3 and up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FlowFlags(pub u16);

impl FlowFlags {
    /// No flags.
    pub const NONE: Self = Self(0);
    /// Tell the controller when the flow goes (`send_flow_rem`).
    pub const SEND_FLOW_REM: Self = Self(1);
    /// Refuse the flow if it overlaps one of the same priority (`check_overlap`).
    pub const CHECK_OVERLAP: Self = Self(2);
    /// Begin counting anew (`reset_counts`, OpenFlow 1.2 and up).
    pub const RESET_COUNTS: Self = Self(4);
    /// Do not count packets (`no_packet_counts`, OpenFlow 1.3 and up).
    pub const NO_PKT_COUNTS: Self = Self(8);
    /// Do not count bytes (`no_byte_counts`, OpenFlow 1.3 and up).
    pub const NO_BYT_COUNTS: Self = Self(16);

    /// All that have a name here; the others are kept as they come.
    pub(crate) const NAMED: u16 = 31;

    /// Those that a flow has as long as it is there.
    fn lasting(self) -> u16 {
        self.0 & !(Self::CHECK_OVERLAP.0 | Self::RESET_COUNTS.0)
    }

    /// True if all flags of `other` are set.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and those.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// `write_metadata:value/mask`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct WriteMetadata {
    /// The new value of the bits in `mask`.
    pub value: u64,
    /// The bits that are written.
    pub mask: u64,
}

/// What is done with a matching packet, in the fixed order of OpenFlow: meter, apply, clear, write, metadata, goto.
/// No instruction at all is to drop the packet.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Instructions {
    /// Done at once (`apply_actions`).
    pub apply: Box<[Action]>,
    /// Put into the action set, done at the end of the pipeline (`write_actions`); `Some` of nothing is not the same as `None`.
    pub write: Option<Box<[Action]>>,
    /// Writes the metadata field.
    pub write_metadata: Option<Box<WriteMetadata>>,
    /// The meter that the packet passes first.
    pub meter: Option<u32>,
    /// Empties the action set (`clear_actions`).
    pub clear: bool,
    /// The table that looks the packet up next.
    pub goto_table: Option<u8>,
    /// Instructions that are not known; see [`Instructions::unknown`].
    pub(crate) unknown: Option<Box<RawPieces>>,
}

impl Instructions {
    /// Drop.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These actions at once, besides.
    #[must_use]
    pub fn apply(mut self, actions: impl Into<Box<[Action]>>) -> Self {
        self.apply = actions.into();
        self
    }

    /// These actions in the action set, besides.
    #[must_use]
    pub fn write(mut self, actions: impl Into<Box<[Action]>>) -> Self {
        self.write = Some(actions.into());
        self
    }

    /// Go to `table`, besides.
    #[must_use]
    pub fn goto(mut self, table: u8) -> Self {
        self.goto_table = Some(table);
        self
    }

    /// Write bits of the metadata, besides.
    #[must_use]
    pub fn metadata(mut self, value: u64, mask: u64) -> Self {
        self.write_metadata = Some(Box::new(WriteMetadata { value, mask }));
        self
    }

    /// Pass the meter, besides.
    #[must_use]
    pub fn meter(mut self, meter: u32) -> Self {
        self.meter = Some(meter);
        self
    }

    /// Empty the action set, besides.
    #[must_use]
    pub fn clear(mut self) -> Self {
        self.clear = true;
        self
    }

    /// True if packets are dropped for want of any instruction.
    #[must_use]
    pub fn is_drop(&self) -> bool {
        self.apply.is_empty()
            && self.write.is_none()
            && self.write_metadata.is_none()
            && self.meter.is_none()
            && !self.clear
            && self.goto_table.is_none()
            && self.unknown.is_none()
    }

    /// Instructions that this crate does not know, such as `OFPIT_STAT_TRIGGER` (OpenFlow 1.5.1, 5.5) or an experimenter's:
    /// each whole, as it is on the wire, in the order in which they came.
    pub fn unknown(&self) -> impl Iterator<Item = &[u8]> {
        self.raw().map(|(_, piece)| piece)
    }

    /// The same with what each came after.
    pub(crate) fn raw(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.unknown
            .as_deref()
            .into_iter()
            .flat_map(RawPieces::iter)
    }

    pub(crate) fn push_raw(&mut self, after: u8, instruction: &[u8]) {
        self.unknown
            .get_or_insert_default()
            .push(after, instruction);
    }
}

impl<const N: usize> From<[Action; N]> for Instructions {
    fn from(actions: [Action; N]) -> Self {
        Self::new().apply(actions)
    }
}

impl From<Vec<Action>> for Instructions {
    fn from(actions: Vec<Action>) -> Self {
        Self::new().apply(actions)
    }
}

/// The priority of a flow that says none (`OFP_DEFAULT_PRIORITY`).
pub const DEFAULT_PRIORITY: u16 = 0x8000;

/// A flow of a flow table.
///
/// `==` is equality of meaning, see [`Flow::same_as`].
#[derive(Clone, Debug)]
pub struct Flow {
    /// Which packets.
    pub matches: Match,
    /// What is done with them.
    pub instructions: Instructions,
    /// The controller's mark.
    pub cookie: u64,
    /// Of the flows that match, the one with the highest priority is used.
    pub priority: u16,
    /// Seconds without a packet after which the flow goes; 0: never.
    pub idle_timeout: u16,
    /// Seconds after which the flow goes; 0: never.
    pub hard_timeout: u16,
    /// How dear the flow is when the table is full (OpenFlow 1.4 and up).
    pub importance: u16,
    /// Flags.
    pub flags: FlowFlags,
    /// The table; 0 is the first.
    pub table: u8,
}

/// Where a flow stands: there is one flow at most of each place in a switch. An added flow takes the place of the one that has
/// it (OpenFlow 1.5.1, 6.4), and it is what a strict change or deletion names.
///
/// Places are in the order in which flows are looked at: by table, highest priority first, then match.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FlowPlace<'a> {
    /// The table.
    pub table: u8,
    /// The priority; the highest comes first.
    pub priority: Reverse<u16>,
    /// The match, as it is spelled in messages: of two spellings of it by which a switch tells flows apart
    /// (`vlan_tci=0/0xffff` and `vlan_tci=0/0x1fff`) each has a place of its own.
    pub matches: &'a Match,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            matches: Match::new(),
            instructions: Instructions::default(),
            cookie: 0,
            priority: DEFAULT_PRIORITY,
            idle_timeout: 0,
            hard_timeout: 0,
            importance: 0,
            flags: FlowFlags::NONE,
            table: 0,
        }
    }
}

impl Flow {
    /// A flow that drops what `matches` in `table`, at `priority`, until it is given instructions.
    #[must_use]
    pub fn new(table: u8, priority: u16, matches: Match) -> Self {
        Self {
            table,
            priority,
            matches,
            ..Self::default()
        }
    }

    /// The flow with these instructions.
    #[must_use]
    pub fn doing(mut self, instructions: impl Into<Instructions>) -> Self {
        self.instructions = instructions.into();
        self
    }

    /// The flow with this cookie.
    #[must_use]
    pub fn cookie(mut self, cookie: u64) -> Self {
        self.cookie = cookie;
        self
    }

    /// Where the flow stands.
    #[must_use]
    #[inline]
    pub fn place(&self) -> FlowPlace<'_> {
        FlowPlace {
            table: self.table,
            priority: Reverse(self.priority),
            matches: &self.matches,
        }
    }

    /// True if both flows do the same with the same packets: equal but for spellings of one and the same action, for the bits
    /// by which a match says that there is no VLAN tag (of which a switch can have several flows), and for the flags that say
    /// how a flow is to be added, not what it is ([`FlowFlags::CHECK_OVERLAP`], [`FlowFlags::RESET_COUNTS`]).
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.table == other.table
            && self.priority == other.priority
            && self.cookie == other.cookie
            && self.idle_timeout == other.idle_timeout
            && self.hard_timeout == other.hard_timeout
            && self.importance == other.importance
            && self.flags.lasting() == other.flags.lasting()
            && crate::semantics::same_matches(&self.matches, &other.matches)
            && crate::semantics::same_instructions(
                &self.matches,
                &self.instructions,
                &other.instructions,
            )
    }
}

impl PartialEq for Flow {
    fn eq(&self, other: &Self) -> bool {
        self.same_as(other)
    }
}

impl Eq for Flow {}
