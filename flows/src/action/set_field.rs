//! `set_field` and `load`: writing a field. Small values are kept inline, wide or masked ones on the heap.

use super::Subfield;
use crate::field::Field;
use smallvec::SmallVec;
use std::fmt;

/// How the write of a field was spelled; Open vSwitch keeps the difference, although both do the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SetSpelling {
    /// `set_field:value/mask->field`.
    SetField,
    /// `load:value->field[bits]`.
    Load,
}

/// Value and mask of a write, in wire order; at most 124 bytes each.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ValueBytes {
    /// The value; no bit is set outside `mask`.
    pub value: Box<[u8]>,
    /// The bits that are written, as long as the value; `None`: the whole field, of which the value is the end.
    pub mask: Option<Box<[u8]>>,
}

/// What is written how. It stands in each variant of [`Data`], where it takes no room of its own: an action has 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Written {
    field: Field,
    spelling: SetSpelling,
}

/// The value, in the first of these forms that can say it.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Data {
    /// A whole field, the value being of at most 64 bits.
    Short(Written, u64),
    /// A whole field.
    Long(Written, Box<u128>),
    /// Some bits of a field: value and mask.
    Masked(Written, Box<(u128, u128)>),
    /// A tunnel metadata field.
    Wide(Written, Box<ValueBytes>),
}

/// A write of a field or some of its bits, in normal form: no bit of the value lies outside the mask.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SetField(Data);

impl SetField {
    /// Writes the bits of `mask`; bits that the field does not have are ignored. A tunnel metadata field is taken to be as
    /// long as the value needs.
    ///
    /// The write is of the whole field if the mask has all bits of its bytes on the wire: Open vSwitch tells `mpls_tc`, which
    /// has 3 of them, apart from its 3 bits.
    #[must_use]
    pub fn new(field: Field, value: u128, mask: u128) -> Self {
        let info = field.info();
        if info.as_is && mask & info.full_mask == info.full_mask {
            return Self::whole(field, value & info.full_mask);
        }
        let all = crate::field::low_bits(u16::from(info.bytes) * 8);
        let whole = mask & all == all;
        let mask = mask & writable_mask(field);
        if field.is_tun_metadata() {
            let bytes = value.to_be_bytes();
            let skip = bytes
                .iter()
                .take_while(|b| **b == 0)
                .count()
                .min(bytes.len() - 1);
            let mask = mask.to_be_bytes();
            let mask = (!whole).then(|| mask.split_at(skip).1);
            return Self::wide(field, bytes.split_at(skip).1, mask);
        }
        let written = Written {
            field,
            spelling: SetSpelling::SetField,
        };
        let value = value & mask;
        Self(match u64::try_from(value) {
            _ if !whole => Data::Masked(written, Box::new((value, mask))),
            Ok(short) => Data::Short(written, short),
            Err(_) => Data::Long(written, Box::new(value)),
        })
    }

    /// Writes the whole of a field that is no tunnel metadata; the value must have no other bits.
    #[inline]
    pub(crate) fn whole(field: Field, value: u128) -> Self {
        let written = Written {
            field,
            spelling: SetSpelling::SetField,
        };
        Self(match u64::try_from(value) {
            Ok(short) => Data::Short(written, short),
            Err(_) => Data::Long(written, Box::new(value)),
        })
    }

    /// Writes a tunnel metadata field of the given length, or with a mask some of its bits; value and mask must be equally
    /// long, what is longer is cut.
    #[must_use]
    pub fn wide(field: Field, value: &[u8], mask: Option<&[u8]>) -> Self {
        // A mask of all the bytes that there can be is none.
        let all = usize::from(field.info().bytes);
        let mask = mask.filter(|mask| mask.len() < all || mask.iter().any(|b| *b != 0xff));
        let (value, mask): (Box<[u8]>, _) = match mask {
            None => (value.into(), None),
            Some(mask) => {
                let value: Box<[u8]> = value.iter().zip(mask).map(|(v, m)| v & m).collect();
                let mask = mask.iter().copied().take(value.len()).collect();
                (value, Some(mask))
            }
        };
        let written = Written {
            field,
            spelling: SetSpelling::SetField,
        };
        Self(Data::Wide(written, Box::new(ValueBytes { value, mask })))
    }

    /// The same write spelled as `load`.
    #[must_use]
    pub fn spelled(mut self, spelling: SetSpelling) -> Self {
        let (Data::Short(written, _)
        | Data::Long(written, _)
        | Data::Masked(written, _)
        | Data::Wide(written, _)) = &mut self.0;
        written.spelling = spelling;
        self
    }

    #[inline]
    fn written(&self) -> Written {
        match self.0 {
            Data::Short(written, _)
            | Data::Long(written, _)
            | Data::Masked(written, _)
            | Data::Wide(written, _) => written,
        }
    }

    /// The field.
    #[must_use]
    pub fn field(&self) -> Field {
        self.written().field
    }

    /// How it was spelled.
    #[must_use]
    pub fn spelling(&self) -> SetSpelling {
        self.written().spelling
    }

    /// The value, without bits outside the mask; of a wider field the last 128 bits.
    #[must_use]
    pub fn value(&self) -> u128 {
        match &self.0 {
            Data::Short(_, value) => u128::from(*value),
            Data::Long(_, value) => **value,
            Data::Masked(_, both) => both.0,
            Data::Wide(_, bytes) => bytes
                .value
                .iter()
                .fold(0, |acc, &b| acc << 8 | u128::from(b)),
        }
    }

    /// The value of a whole field, if it has at most 64 bits.
    #[inline]
    pub(crate) fn short_value(&self) -> Option<u64> {
        match self.0 {
            Data::Short(_, value) => Some(value),
            _ => None,
        }
    }

    /// The bits that are written; of a wider field the last 128.
    #[must_use]
    pub fn mask(&self) -> u128 {
        match &self.0 {
            Data::Short(written, _) | Data::Long(written, _) => writable_mask(written.field),
            Data::Masked(_, both) => both.1,
            Data::Wide(_, bytes) => bytes.mask.as_ref().map_or(u128::MAX, |mask| {
                mask.iter().fold(0, |acc, &b| acc << 8 | u128::from(b))
            }),
        }
    }

    /// True if the whole field is written.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match &self.0 {
            Data::Short(..) | Data::Long(..) => true,
            Data::Masked(..) => false,
            Data::Wide(_, bytes) => bytes.mask.is_none(),
        }
    }

    /// Value and mask of a tunnel metadata field.
    #[must_use]
    pub fn wide_bytes(&self) -> Option<&ValueBytes> {
        match &self.0 {
            Data::Wide(_, bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// Parts of a write; nearly always one.
pub(crate) type Segments = SmallVec<[(Subfield, u64); 1]>;

/// The write as `load`s: a part of at most 64 bits and its value for each run of written bits, from the lowest on.
pub(crate) fn load_segments(set: &SetField) -> Segments {
    if set.wide_bytes().is_some() {
        return wide_segments(set);
    }
    // What is no bit of the field, as "tagged" is none of `vlan_vid`, can not be loaded.
    let field = crate::field::low_bits(set.field().bits());
    let (mut rest, value) = (set.mask() & field, set.value());
    let mut parts = Segments::new();
    while rest != 0 {
        let offset = rest.trailing_zeros();
        let bits = rest.wrapping_shr(offset).trailing_ones().min(64);
        let ones = crate::field::low_bits(u16::try_from(bits).unwrap_or(64));
        let number = u64::try_from((value >> offset) & ones).unwrap_or(0);
        let part = Subfield::part(
            set.field(),
            u16::try_from(offset).unwrap_or(0),
            u16::try_from(bits).unwrap_or(0),
        );
        parts.push((part, number));
        rest &= !(ones << offset);
    }
    parts
}

/// The same for tunnel metadata: bit 0 is the last bit of the last byte.
fn wide_segments(set: &SetField) -> Segments {
    let Some(wide) = set.wide_bytes() else {
        return Segments::new();
    };
    let bit = |bytes: &[u8], n: usize| {
        bytes
            .iter()
            .rev()
            .nth(n / 8)
            .is_some_and(|b| b >> (n % 8) & 1 == 1)
    };
    let masked = |n: usize| wide.mask.as_ref().is_none_or(|mask| bit(mask, n));
    let total = wide.value.len() * 8;
    let mut parts = Segments::new();
    let mut at = 0;
    while at < total {
        if !masked(at) {
            at += 1;
            continue;
        }
        let run = (at..total.min(at + 64)).take_while(|&n| masked(n)).count();
        let number = (at..at + run)
            .rev()
            .fold(0u64, |acc, n| acc << 1 | u64::from(bit(&wide.value, n)));
        let narrow = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        parts.push((Subfield::part(set.field(), narrow(at), narrow(run)), number));
        at += run;
    }
    parts
}

/// The bits that a whole write has: those of the value as it is on the wire, in which `vlan_vid` has 0x1000 for "tagged".
fn writable_mask(field: Field) -> u128 {
    match field {
        Field::VlanVid => 0x1fff,
        _ => field.value_mask(),
    }
}

impl fmt::Debug for SetField {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "SetField({}={:#x}/{:#x})",
            self.field(),
            self.value(),
            self.mask()
        )
    }
}
