//! Finding a field by name or by number on the wire, through indexes that are made from the field table at compile time.

use super::{Class, Field};

/// Every name: preferred ones and aliases, then those on the wire.
static NAMES: [(&str, Field); count()] = names();

/// Where in [`NAMES`] a name is, plus 1, at the place of its hash or behind it; 0: nothing.
static INDEX: [u16; SIZE] = index();

/// Twice the number of names at least, so that hardly any is not at its place.
const SIZE: usize = (2 * count()).next_power_of_two();

const fn count() -> usize {
    let (mut n, mut i) = (0, 0);
    while i < Field::TABLE.len() {
        let info = &Field::TABLE[i];
        n += 1 + !info.alias.is_empty() as usize + info.wire.len();
        i += 1;
    }
    n
}

const fn names() -> [(&'static str, Field); count()] {
    let mut found = [("", Field::ALL[0]); count()];
    let (mut n, mut i) = (0, 0);
    while i < Field::TABLE.len() {
        let (info, field) = (&Field::TABLE[i], Field::ALL[i]);
        found[n] = (info.name, field);
        n += 1;
        if !info.alias.is_empty() {
            found[n] = (info.alias, field);
            n += 1;
        }
        i += 1;
    }
    i = 0;
    while i < Field::TABLE.len() {
        let mut w = 0;
        while w < Field::TABLE[i].wire.len() {
            found[n] = (Field::TABLE[i].wire[w].name, Field::ALL[i]);
            n += 1;
            w += 1;
        }
        i += 1;
    }
    found
}

const fn index() -> [u16; SIZE] {
    let names = names();
    let mut index = [0; SIZE];
    let mut n = 0;
    while n < names.len() {
        let mut at = place(names[n].0.as_bytes());
        while index[at] != 0 {
            at = (at + 1) % SIZE;
        }
        n += 1;
        index[at] = n as u16;
    }
    index
}

/// The place of a name in [`INDEX`]: by its length, its first and its last bytes.
const fn place(name: &[u8]) -> usize {
    let (first, last) = match (name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (name.first_chunk(), name.last_chunk()) {
            (Some(first), Some(last)) => (
                u32::from_le_bytes(*first) as u64,
                u32::from_le_bytes(*last) as u64,
            ),
            _ => match name {
                [a, .., b] => (*a as u64, *b as u64),
                _ => (0, 0),
            },
        },
    };
    let mixed = first ^ last.rotate_left(29) ^ name.len() as u64;
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % SIZE
}

/// How many of [`NAMES`] are preferred names and aliases.
const PLAIN: usize = plain();

const fn plain() -> usize {
    let (mut n, mut i) = (0, 0);
    while i < Field::TABLE.len() {
        n += 1 + !Field::TABLE[i].alias.is_empty() as usize;
        i += 1;
    }
    n
}

/// The field with this preferred name or alias.
pub(super) fn lookup_plain(name: &str) -> Option<Field> {
    let mut at = place(name.as_bytes());
    loop {
        let entry = usize::from(*INDEX.get(at)?).checked_sub(1)?;
        let &(known, field) = NAMES.get(entry)?;
        if known == name {
            return (entry < PLAIN).then_some(field);
        }
        at = (at + 1) % SIZE;
    }
}

pub(super) fn lookup(name: &str) -> Option<Field> {
    let mut at = place(name.as_bytes());
    loop {
        let entry = usize::from(*INDEX.get(at)?).checked_sub(1)?;
        let &(known, field) = NAMES.get(entry)?;
        if known == name {
            return Some(field);
        }
        at = (at + 1) % SIZE;
    }
}

const CLASSES: usize = Class::ALL.len();

/// Fields by class and number.
static BY_WIRE: [[Option<Field>; 128]; CLASSES] = by_number();

const fn by_number() -> [[Option<Field>; 128]; CLASSES] {
    let mut rows = [[None; 128]; CLASSES];
    let mut i = 0;
    while i < Field::TABLE.len() {
        let mut w = 0;
        while w < Field::TABLE[i].wire.len() {
            let id = &Field::TABLE[i].wire[w];
            rows[id.class as usize][id.number as usize] = Some(Field::ALL[i]);
            w += 1;
        }
        i += 1;
    }
    rows
}

#[inline]
pub(super) fn by_wire(class: u16, number: u8, experimenter: Option<u32>) -> Option<Field> {
    let class = Class::from_numbers(class, experimenter)?;
    let row = BY_WIRE.get(class as usize)?;
    row.get(usize::from(number)).copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_is_one_fields_own() {
        for (n, (name, field)) in NAMES.iter().enumerate() {
            assert_eq!(lookup(name), Some(*field), "{name}");
            assert_eq!(lookup(&format!("{name}_")), None);
            let same = |other: &&(&str, Field)| other.0.eq_ignore_ascii_case(name);
            assert_eq!(NAMES.iter().filter(same).count(), 1, "{n}: {name}");
        }
        for (name, field) in &NAMES {
            let info = field.info();
            let plain = [info.name, info.alias].contains(name).then_some(*field);
            assert_eq!(lookup_plain(name), plain, "{name}");
            assert_eq!(lookup_plain(&name.to_ascii_uppercase()), None, "{name}");
        }
        for name in [
            "",
            "x",
            "ip",
            "reg99",
            "NXM_NX_",
            "eth_srC\0",
            "REG0",
            "nxm_nx_reg0",
        ] {
            assert_eq!(lookup(name), None, "{name:?}");
        }
    }

    #[test]
    fn every_number_on_the_wire_is_found() {
        for &field in Field::ALL {
            for id in field.info().wire {
                let (class, experimenter) = id.class.numbers();
                assert_eq!(by_wire(class, id.number, experimenter), Some(field));
            }
        }
        assert_eq!(by_wire(0x8000, 127, None), None);
        assert_eq!(by_wire(0x8000, 128, None), None);
        assert_eq!(by_wire(0xffff, 1, Some(1)), None);
        assert_eq!(by_wire(0xffff, 1, None), None);
    }
}
