//! Slots: where a normalised match keeps the bits of its fields. Fields that are views of the same bits (`nw_src` and
//! `arp_spa`, `tcp_dst` and `icmp_code`, `vlan_vid` and `vlan_tci`, `xreg0` and `reg0`) share a slot, so that two
//! spellings of one match are one value. The order is the order in which ovs-ofctl prints.

use super::{Field, Place};

macro_rules! define_slots {
    ($($name:ident $bytes:literal $bits:literal,)*) => {
        /// A place in a normalised match, in the order in which ovs-ofctl prints what is in it.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each has the name of the field it holds")]
        pub enum Slot { $($name,)* }

        impl Slot {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];
            const BYTES: &'static [u8] = &[$($bytes),*];
            const BITS: &'static [u16] = &[$($bits),*];
            const MASKS: &'static [u128] = &[$(super::low_bits($bits)),*];
        }
    };
}

// name, bytes (0: as many as the value has), significant bits
define_slots! {
    PktMark 4 32,
    RecircId 4 32,
    DpHash 4 32,
    ConjId 4 32,
    SkbPriority 4 32,
    ActsetOutput 4 32,
    CtState 4 8,
    CtZone 2 16,
    CtMark 4 32,
    CtLabel 16 128,
    CtNwSrc 4 32,
    CtIpv6Src 16 128,
    CtNwDst 4 32,
    CtIpv6Dst 16 128,
    CtNwProto 1 8,
    CtTpSrc 2 16,
    CtTpDst 2 16,
    PacketType 4 32,
    DlType 2 16,
    Reg0 4 32,
    Reg1 4 32,
    Reg2 4 32,
    Reg3 4 32,
    Reg4 4 32,
    Reg5 4 32,
    Reg6 4 32,
    Reg7 4 32,
    Reg8 4 32,
    Reg9 4 32,
    Reg10 4 32,
    Reg11 4 32,
    Reg12 4 32,
    Reg13 4 32,
    Reg14 4 32,
    Reg15 4 32,
    TunId 8 64,
    TunSrc 4 32,
    TunDst 4 32,
    TunIpv6Src 16 128,
    TunIpv6Dst 16 128,
    TunGbpId 2 16,
    TunGbpFlags 1 8,
    TunErspanVer 1 8,
    TunErspanIdx 4 32,
    TunErspanDir 1 8,
    TunErspanHwid 1 8,
    TunGtpuFlags 1 8,
    TunGtpuMsgtype 1 8,
    TunFlags 2 16,
    TunMetadata0 0 992,
    TunMetadata1 0 992,
    TunMetadata2 0 992,
    TunMetadata3 0 992,
    TunMetadata4 0 992,
    TunMetadata5 0 992,
    TunMetadata6 0 992,
    TunMetadata7 0 992,
    TunMetadata8 0 992,
    TunMetadata9 0 992,
    TunMetadata10 0 992,
    TunMetadata11 0 992,
    TunMetadata12 0 992,
    TunMetadata13 0 992,
    TunMetadata14 0 992,
    TunMetadata15 0 992,
    TunMetadata16 0 992,
    TunMetadata17 0 992,
    TunMetadata18 0 992,
    TunMetadata19 0 992,
    TunMetadata20 0 992,
    TunMetadata21 0 992,
    TunMetadata22 0 992,
    TunMetadata23 0 992,
    TunMetadata24 0 992,
    TunMetadata25 0 992,
    TunMetadata26 0 992,
    TunMetadata27 0 992,
    TunMetadata28 0 992,
    TunMetadata29 0 992,
    TunMetadata30 0 992,
    TunMetadata31 0 992,
    TunMetadata32 0 992,
    TunMetadata33 0 992,
    TunMetadata34 0 992,
    TunMetadata35 0 992,
    TunMetadata36 0 992,
    TunMetadata37 0 992,
    TunMetadata38 0 992,
    TunMetadata39 0 992,
    TunMetadata40 0 992,
    TunMetadata41 0 992,
    TunMetadata42 0 992,
    TunMetadata43 0 992,
    TunMetadata44 0 992,
    TunMetadata45 0 992,
    TunMetadata46 0 992,
    TunMetadata47 0 992,
    TunMetadata48 0 992,
    TunMetadata49 0 992,
    TunMetadata50 0 992,
    TunMetadata51 0 992,
    TunMetadata52 0 992,
    TunMetadata53 0 992,
    TunMetadata54 0 992,
    TunMetadata55 0 992,
    TunMetadata56 0 992,
    TunMetadata57 0 992,
    TunMetadata58 0 992,
    TunMetadata59 0 992,
    TunMetadata60 0 992,
    TunMetadata61 0 992,
    TunMetadata62 0 992,
    TunMetadata63 0 992,
    Metadata 8 64,
    InPort 4 32,
    VlanTci 2 16,
    DlSrc 6 48,
    DlDst 6 48,
    Ipv6Src 16 128,
    Ipv6Dst 16 128,
    Ipv6Label 4 20,
    NshFlags 1 8,
    NshTtl 1 8,
    NshMdtype 1 8,
    NshNp 1 8,
    NshSpi 4 24,
    NshSi 1 8,
    NshC1 4 32,
    NshC2 4 32,
    NshC3 4 32,
    NshC4 4 32,
    NwSrc 4 32,
    NwDst 4 32,
    NwProto 1 8,
    ArpSha 6 48,
    ArpTha 6 48,
    NwTos 1 8,
    NwTtl 1 8,
    MplsLse 4 32,
    NwFrag 1 2,
    TpSrc 2 16,
    TpDst 2 16,
    NdTarget 16 128,
    NdSll 6 48,
    NdTll 6 48,
    NdReserved 4 32,
    NdOptionsType 1 8,
    TcpFlags 2 12,
}

/// Of each slot the field that is the whole of it, or the first that is a part of it.
static WHOLE: [Field; Slot::ALL.len()] = whole();

const fn whole() -> [Field; Slot::ALL.len()] {
    let mut found = [Field::ALL[0]; Slot::ALL.len()];
    let mut i = Field::ALL.len();
    // From the last to the first, and first those that are parts, so that what is meant is written last.
    while i > 0 {
        i -= 1;
        found[Field::TABLE[i].slot as usize] = Field::ALL[i];
    }
    i = Field::ALL.len();
    while i > 0 {
        i -= 1;
        let is_whole = matches!(Field::TABLE[i].place, Place::Whole);
        if is_whole && !matches!(Field::ALL[i], Field::InPort) {
            found[Field::TABLE[i].slot as usize] = Field::ALL[i];
        }
    }
    found
}

impl Slot {
    /// The field that is the whole slot, of several the first; where none is, the first that is a part of it.
    #[inline]
    #[allow(
        clippy::indexing_slicing,
        reason = "the table has one row for each variant, in the order of the variants"
    )]
    pub(crate) fn whole(self) -> Field {
        WHOLE[self as usize]
    }

    /// True if all of it is one field in every match, which OXM says as it is stored.
    #[inline]
    pub(crate) fn has_one_view(self) -> bool {
        let shared = matches!(
            self,
            Self::NwSrc | Self::NwDst | Self::NwProto | Self::TpSrc | Self::TpDst
        );
        // A tag is said in parts, and of the others Open vSwitch asks for the bits that are set.
        let in_parts = matches!(
            self,
            Self::VlanTci | Self::TunGtpuFlags | Self::TunGtpuMsgtype
        );
        self.whole().info().as_is && !shared && !in_parts
    }

    /// Bytes of a stored value; 0 where each value has its own length (tunnel metadata).
    #[inline]
    pub(crate) fn bytes(self) -> usize {
        Self::BYTES
            .get(self as usize)
            .copied()
            .map_or(0, usize::from)
    }

    /// True if its values have so many bytes and significant bits.
    #[allow(
        clippy::indexing_slicing,
        reason = "both tables have one row for each variant, in the order of the variants"
    )]
    pub(super) const fn is_of(self, bytes: usize, bits: u16) -> bool {
        Self::BYTES[self as usize] as usize == bytes && Self::BITS[self as usize] == bits
    }

    /// The mask of all significant bits; all 128 for wider slots.
    #[inline]
    pub(crate) fn full_mask(self) -> u128 {
        Self::MASKS.get(self as usize).copied().unwrap_or(0)
    }

    /// The slot with this number.
    #[inline]
    pub(crate) fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// The slot `n` places after this one; used for runs of registers.
    pub(crate) fn offset(self, n: u8) -> Option<Self> {
        (self as u8).checked_add(n).and_then(Self::from_index)
    }
}
