//! Values that a match stores without any arithmetic: nearly all there are. Knows the field table; knows neither text nor wire.

use super::Match;
use crate::field::Field;

/// The value of a field, in as many bytes as the field has on the wire, as a match stores it.
pub(crate) enum Stored<'a> {
    AsIs(&'a [u8]),
    Short([u8; 1]),
    Long([u8; 2]),
    Port([u8; 4]),
    Tag([u8; 2]),
}

impl<'a> Stored<'a> {
    /// `None` if it takes more to tell what is stored, or whether the value is one.
    #[inline]
    pub(crate) fn of(field: Field, value: &'a [u8]) -> Option<Self> {
        Some(match (field, value) {
            (Field::VlanVid, [high @ 0..0x20, low]) => Self::Tag([*high, *low]),
            (Field::DlVlan, [high @ 0..0x10, low]) => Self::Tag([high | 0x10, *low]),
            (Field::ArpOp, [0, operation]) => Self::Short([*operation]),
            (
                Field::IcmpType | Field::IcmpCode | Field::Icmpv6Type | Field::Icmpv6Code,
                [number],
            ) => Self::Long([0, *number]),
            (Field::InPort, [high @ 0..=0xfe, low]) => Self::Port([0, 0, *high, *low]),
            (Field::InPortOxm, [0, 0, 0..=0xfe, _]) => Self::AsIs(value),
            _ => {
                let info = field.info();
                let fits = info.as_is && value.len() == usize::from(info.bytes);
                return fits.then_some(Self::AsIs(value));
            }
        })
    }
}

impl Stored<'_> {
    /// Value and mask; of the whole slot the mask is empty.
    #[inline]
    fn parts(&self) -> (&[u8], &[u8]) {
        match self {
            Self::AsIs(value) => (value, &[]),
            Self::Short(value) => (value, &[]),
            Self::Long(value) => (value, &[]),
            Self::Port(value) => (value, &[]),
            Self::Tag(value) => (value, &[0x1f, 0xff]),
        }
    }
}

impl Match {
    /// Requires the field to have this value. False, and nothing is added, if something is required of its bits already.
    #[inline]
    pub(crate) fn add_stored(&mut self, field: Field, value: &Stored<'_>) -> bool {
        let (value, mask) = value.parts();
        self.add(field.info().slot, value, mask)
    }

    /// True if this and nothing else is required of the field's slot.
    #[inline]
    pub(crate) fn requires(&self, field: Field, value: &Stored<'_>) -> bool {
        let (value, mask) = value.parts();
        match self.bytes.get(self.place(field.info().slot)) {
            Some([_, _, found @ ..]) => match found.strip_prefix(value) {
                // Asked first: to compare no bytes, which begin nowhere, takes many times as long as to compare a few.
                Some([]) => mask.is_empty(),
                Some(found) => found == mask,
                None => false,
            },
            _ => false,
        }
    }

    /// Requires the field to be this number, in place of what was required of it before; the number has no bits but those that
    /// the field has.
    pub(crate) fn set_number(&mut self, field: Field, number: u128) {
        let bytes = number.to_be_bytes();
        let skipped = bytes.len().saturating_sub(field.info().bytes.into());
        let value = bytes.get(skipped..).unwrap_or_default();
        let added = match Stored::of(field, value) {
            Some(stored) => self.add_stored(field, &stored),
            None => false,
        };
        if !added {
            self.set(field, number, u128::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_arithmetic_is_what_arithmetic_makes() {
        for &field in Field::ALL.iter().filter(|field| !field.is_tun_metadata()) {
            for number in [
                0,
                1,
                2,
                0x80,
                0xff,
                0x100,
                0xabc,
                0xfff,
                0x1234,
                0xfeff,
                0x1234_5678,
                0x1234_5678_9abc,
            ]
            .into_iter()
            .chain([u128::MAX, 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10])
            {
                let number = number & field.full_mask();
                let (mut plain, mut other) = (Match::new(), Match::new());
                plain.set_number(field, number);
                other.set(field, number, u128::MAX);
                assert_eq!(plain, other, "{field} {number:#x}");
                // Where something is required already it is replaced.
                plain.set_number(field, 1);
                other.set(field, 1, u128::MAX);
                assert_eq!(plain, other, "{field} {number:#x}");
            }
        }
    }
}
