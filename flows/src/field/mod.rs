//! Match fields: what each is called, how wide it is, how it is written and which number it has on the wire.
//! Everything is derived from the one table in `table.rs`. Knows nothing of flows.

mod slot;
mod table;

pub use slot::Slot;
pub use table::Field;

use crate::Version;
use std::fmt;

/// How a field's value is written (ovs-fields(7), "Format").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A decimal number; masked values in hexadecimal.
    Decimal,
    /// A hexadecimal number with 0x.
    Hex,
    /// `xx:xx:xx:xx:xx:xx`.
    Ethernet,
    /// A dotted quad, with a prefix length or netmask.
    Ipv4,
    /// An IPv6 address, with a prefix length or netmask.
    Ipv6,
    /// A 16-bit OpenFlow port number or name.
    Port16,
    /// A 32-bit OpenFlow port number or name.
    Port,
    /// `no`, `yes`, `first`, `later` or `not_later`.
    Frag,
    /// Names of tunnel flags.
    TunnelFlags,
    /// Names of TCP flags.
    TcpFlags,
    /// Names of connection tracking states.
    CtState,
    /// `(namespace,type)`.
    PacketType,
}

/// Which bits of a field a match may leave out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Masking {
    /// The whole field or nothing.
    Exact,
    /// Any set of bits.
    Masked,
}

/// Whether actions may change a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Only matches may name it.
    ReadOnly,
    /// Actions may write it.
    ReadWrite,
}

/// What else must be matched for the field to exist in a packet (ovs-fields(7), "Prerequisites").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each is the name of a protocol")]
pub enum Prerequisite {
    Always,
    Ethernet,
    Arp,
    Vlan,
    Ipv4,
    Ipv6,
    Ip,
    Mpls,
    Nsh,
    Tcp,
    Udp,
    Sctp,
    Icmpv4,
    Icmpv6,
    Nd,
    NdSolicit,
    NdAdvert,
    Ct,
}

/// The classes of OXM and NXM headers that Open vSwitch uses (OpenFlow 1.5.1, 7.2.3.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// 0x0000: Nicira's names of what OpenFlow 1.0 could match.
    NxmOf,
    /// 0x0001: Nicira's extensions.
    NxmNx,
    /// 0x8000: `OFPXMC_OPENFLOW_BASIC`.
    Basic,
    /// 0x8001: packet registers.
    PacketRegs,
    /// 0xffff with the ONF's experimenter id.
    Onf,
    /// 0xffff with Nicira's experimenter id.
    Nicira,
    /// 0xffff with the experimenter id of the network service header.
    Nsh,
    /// 0x1000: Ericsson's ND fields.
    Ericsson,
}

impl Class {
    /// Every class, in the order of the variants.
    pub(crate) const ALL: &'static [Self] = &[
        Self::NxmOf,
        Self::NxmNx,
        Self::Basic,
        Self::PacketRegs,
        Self::Onf,
        Self::Nicira,
        Self::Nsh,
        Self::Ericsson,
    ];

    /// The class with these numbers.
    #[inline]
    pub(crate) fn from_numbers(class: u16, experimenter: Option<u32>) -> Option<Self> {
        Some(match (class, experimenter) {
            (0x0000, _) => Self::NxmOf,
            (0x0001, _) => Self::NxmNx,
            (0x8000, _) => Self::Basic,
            (0x8001, _) => Self::PacketRegs,
            (0x1000, _) => Self::Ericsson,
            (0xffff, Some(0x4f4e_4600)) => Self::Onf,
            (0xffff, Some(0x0000_2320)) => Self::Nicira,
            (0xffff, Some(0x005a_d650)) => Self::Nsh,
            _ => return None,
        })
    }

    /// The 16-bit class, and the experimenter id that follows the header where there is one.
    #[must_use]
    pub const fn numbers(self) -> (u16, Option<u32>) {
        match self {
            Self::NxmOf => (0x0000, None),
            Self::NxmNx => (0x0001, None),
            Self::Basic => (0x8000, None),
            Self::PacketRegs => (0x8001, None),
            Self::Onf => (0xffff, Some(0x4f4e_4600)),
            Self::Nicira => (0xffff, Some(0x0000_2320)),
            Self::Nsh => (0xffff, Some(0x005a_d650)),
            Self::Ericsson => (0x1000, None),
        }
    }
}

/// A name and number that a field has on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WireId {
    /// The class of the header.
    pub class: Class,
    /// The 7-bit field number within the class.
    pub number: u8,
    /// The name, such as `NXM_NX_REG0`.
    pub name: &'static str,
    /// The first OpenFlow version that knows it.
    pub since: Version,
    /// The first four bytes of the header of a whole value.
    pub(crate) header: [u8; 4],
}

/// Where a field's bits are kept in a normalised match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The field is the whole slot.
    Whole,
    /// The field is some bits of the slot; this is how far they are shifted left.
    Bits(u8),
    /// One of the four views of the VLAN tag.
    Vlan,
    /// Several 32-bit registers, the first of which is the slot.
    Regs,
}

/// A row of the field table.
#[derive(Clone, Copy, Debug)]
pub struct FieldInfo {
    /// The name that ovs-fields(7) prefers.
    pub name: &'static str,
    /// Another accepted name, or empty.
    pub alias: &'static str,
    /// Bytes of a value on the wire.
    pub bytes: u8,
    /// How many low bits of the value may be nonzero.
    pub bits: u16,
    /// The mask of these bits; all 128 for wider fields.
    pub full_mask: u128,
    /// The text form.
    pub format: Format,
    /// Which masks a match may have.
    pub masking: Masking,
    /// What must be matched as well.
    pub prerequisite: Prerequisite,
    /// Whether actions may write it.
    pub access: Access,
    /// The slot of a match that holds it.
    pub slot: Slot,
    /// Where in the slot.
    pub place: Place,
    /// True if a value on the wire is, byte by byte, what the slot holds, and may be any.
    pub(crate) as_is: bool,
    /// Names and numbers on the wire: Nicira's first, then OpenFlow's in order of versions.
    pub wire: &'static [WireId],
    /// Which of these a version uses, by its number on the wire.
    used: [u8; Version::ALL.len() + 1],
}

/// Expands the rows of `table.rs` into the enum [`Field`] and its table.
macro_rules! define_fields {
    (@wire $bytes:literal $(($class:ident, $number:literal, $wire:literal, $since:ident)),*) => {
        &[$(super::WireId {
            class: super::Class::$class,
            number: $number,
            name: $wire,
            since: crate::Version::$since,
            header: super::header(super::Class::$class, $number, $bytes),
        }),*]
    };
    ($($var:ident: $name:literal / $alias:literal, $bytes:literal bytes $bits:literal bits, $format:ident, $masking:ident,
       $pre:ident, $access:ident, $slot:ident $place:ident $(($shift:literal))?,
       [$(($class:ident, $number:literal, $wire:literal, $since:ident)),*];)*) => {
        /// A field that a flow can match or an action can use; its row of the field table says all about it.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Field { $(#[doc = concat!("`", $name, "`")] $var,)* }

        impl Field {
            /// Every field, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$var),*];

            pub(super) const TABLE: &'static [super::FieldInfo] = &[$(super::FieldInfo {
                name: $name,
                alias: $alias,
                bytes: $bytes,
                bits: $bits,
                full_mask: super::low_bits($bits),
                format: super::Format::$format,
                masking: super::Masking::$masking,
                prerequisite: super::Prerequisite::$pre,
                access: super::Access::$access,
                slot: super::Slot::$slot,
                place: super::Place::$place $(($shift))?,
                as_is: super::is_as_is(Self::$var, super::Place::$place $(($shift))?, super::Slot::$slot, $bytes, $bits),
                wire: define_fields!(@wire $bytes $(($class, $number, $wire, $since)),*),
                used: super::used(define_fields!(@wire $bytes $(($class, $number, $wire, $since)),*)),
            }),*];
        }
    };
}
use define_fields;

impl Field {
    /// The field's row of the table.
    #[must_use]
    #[inline]
    #[allow(
        clippy::indexing_slicing,
        reason = "the table has one row for each variant, in the order of the variants"
    )]
    pub fn info(self) -> &'static FieldInfo {
        &Self::TABLE[self as usize]
    }

    /// The preferred name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// How many low bits of the value may be nonzero.
    #[must_use]
    pub fn bits(self) -> u16 {
        self.info().bits
    }

    /// The mask of all significant bits; all 128 for wider fields.
    #[must_use]
    #[inline]
    pub fn full_mask(self) -> u128 {
        self.info().full_mask
    }

    /// The bits that values may have: all significant ones. Of those about ERSPAN more go over the wire and are matched than
    /// parts of them can have.
    #[must_use]
    #[inline]
    pub(crate) fn value_mask(self) -> u128 {
        match self {
            Self::TunErspanVer | Self::TunErspanDir | Self::TunErspanHwid => 0xff,
            Self::TunErspanIdx => 0xffff_ffff,
            _ => self.full_mask(),
        }
    }

    /// The header used on the wire in `version`: the newest of OpenFlow's own that the version knows, else Nicira's;
    /// OpenFlow 1.0 (NXM) prefers Nicira's. `None` for the few fields that have none.
    #[must_use]
    pub fn wire_id(self, version: Version) -> Option<&'static WireId> {
        let info = self.info();
        let used = info.used.get(usize::from(version.wire()))?;
        info.wire.get(usize::from(*used))
    }

    /// The field that text calls `name`: the preferred name, the alias, or a name on the wire (as in `NXM_NX_REG0`).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        names::lookup(name)
    }

    /// The field that has this name or alias in text, to the letter; names on the wire are for parts of fields.
    pub(crate) fn from_plain_name(name: &str) -> Option<Self> {
        names::lookup_plain(name)
    }

    /// The field with this header on the wire.
    #[must_use]
    pub fn from_wire(class: u16, number: u8, experimenter: Option<u32>) -> Option<Self> {
        names::by_wire(class, number, experimenter)
    }

    /// True for `tun_metadata0` to `tun_metadata63`, the fields of variable width.
    #[must_use]
    #[inline]
    pub fn is_tun_metadata(self) -> bool {
        self >= Self::TunMetadata0 && self <= Self::TunMetadata63
    }
}

mod names;

/// [`WireId::header`] of a field of so many bytes.
const fn header(class: Class, number: u8, bytes: u8) -> [u8; 4] {
    let (class, experimenter) = class.numbers();
    let [c1, c2] = class.to_be_bytes();
    let length = if experimenter.is_some() {
        bytes + 4
    } else {
        bytes
    };
    [c1, c2, number << 1, length]
}

/// [`FieldInfo::used`] of a field with these numbers.
const fn used(ids: &[WireId]) -> [u8; Version::ALL.len() + 1] {
    let mut used = [0; Version::ALL.len() + 1];
    let mut i = 1;
    while i < ids.len() {
        let mut version = Version::V12 as usize;
        while version < used.len() {
            if ids[i].since as usize <= version {
                used[version] = i as u8;
            }
            version += 1;
        }
        i += 1;
    }
    used
}

/// [`FieldInfo::as_is`] of a field.
const fn is_as_is(field: Field, place: Place, slot: Slot, bytes: usize, bits: u16) -> bool {
    // These have values that are refused, or that say nothing.
    let checked = matches!(
        field,
        Field::PacketType
            | Field::InPortOxm
            | Field::ActsetOutput
            | Field::NshTtl
            | Field::NshMdtype
    );
    !checked
        && matches!(place, Place::Whole)
        && slot.is_of(bytes, bits)
        && bytes * 8 == bits as usize
}

/// `bits` ones in the low end, all 128 where there are more.
#[inline]
pub(crate) const fn low_bits(bits: u16) -> u128 {
    if bits >= 128 {
        u128::MAX
    } else {
        (1u128 << bits) - 1
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
