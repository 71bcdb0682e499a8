//! `learn`: a flow made from each packet (ovs-actions(7), "The learn action").

use super::Subfield;
use crate::FlowFlags;

/// The flow to be learned.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Learn {
    /// Seconds without a packet after which it goes; 0: never.
    pub idle_timeout: u16,
    /// Seconds after which it goes; 0: never.
    pub hard_timeout: u16,
    /// Its priority.
    pub priority: u16,
    /// Its cookie.
    pub cookie: u64,
    /// Of these only [`FlowFlags::SEND_FLOW_REM`] can be.
    pub flags: FlowFlags,
    /// Whether its flow is deleted with the flow that learned it (`delete_learned`).
    pub delete_learned: bool,
    /// Its table.
    pub table: u8,
    /// Seconds of idle timeout after a TCP FIN or RST; 0: unchanged.
    pub fin_idle_timeout: u16,
    /// Seconds of hard timeout after a TCP FIN or RST; 0: unchanged.
    pub fin_hard_timeout: u16,
    /// How many flows it may learn; 0: no limit.
    pub limit: u32,
    /// A bit that becomes 1 if a flow was learned, 0 if the limit forbade it (`result_dst`).
    pub result_dst: Option<Subfield>,
    /// The match and the actions of the learned flow.
    pub specs: Box<[LearnSpec]>,
}

/// Where the bits of a learned flow come from.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum LearnSource {
    /// From the packet.
    Field(Subfield),
    /// A constant: big-endian bytes, as many as its bits need, with the number in the low end.
    Value {
        /// The constant.
        bytes: Box<[u8]>,
        /// How many bits it has.
        bits: u16,
    },
}

impl LearnSource {
    /// The constant `value` of `bits` bits.
    #[must_use]
    pub fn value(value: u128, bits: u16) -> Self {
        let all = value.to_be_bytes();
        let need = usize::from(bits.div_ceil(8));
        let mut bytes = vec![0; need.saturating_sub(all.len())];
        bytes.extend_from_slice(all.split_at(all.len().saturating_sub(need)).1);
        Self::Value {
            bytes: bytes.into(),
            bits,
        }
    }

    /// How many bits it has.
    #[must_use]
    pub fn bits(&self) -> u16 {
        match self {
            Self::Field(subfield) => subfield.bits,
            Self::Value { bits, .. } => *bits,
        }
    }
}

/// What the bits become.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LearnTarget {
    /// The learned flow matches them in this field.
    Match(Subfield),
    /// The learned flow writes them into this field.
    Load(Subfield),
    /// The learned flow sends to the port with this number.
    Output,
}

/// One part of a learned flow.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LearnSpec {
    /// Where the bits come from.
    pub source: LearnSource,
    /// What they become.
    pub target: LearnTarget,
}
