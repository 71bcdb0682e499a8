//! Finding a field by name or by number on the wire, through indexes built once from the field table.

use super::Field;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// FNV-1a: the names are short and our own, so that nothing slower is needed.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

static BY_NAME: LazyLock<HashMap<String, Field, BuildHasherDefault<Fnv>>> = LazyLock::new(|| {
    let mut map = HashMap::default();
    for &field in Field::ALL {
        let info = field.info();
        map.insert(info.name.to_owned(), field);
        if !info.alias.is_empty() {
            map.insert(info.alias.to_owned(), field);
        }
        for id in info.wire {
            map.entry(id.name.to_ascii_lowercase()).or_insert(field);
            map.entry(id.name.to_owned()).or_insert(field);
        }
    }
    map
});

/// Fields by class and number: a row of 128 for each class.
struct ByNumber {
    rows: Vec<(u16, u32, [Option<Field>; 128])>,
}

static BY_WIRE: LazyLock<ByNumber> = LazyLock::new(|| {
    let mut rows: Vec<(u16, u32, [Option<Field>; 128])> = Vec::new();
    for &field in Field::ALL {
        for id in field.info().wire {
            let (class, experimenter) = id.class.numbers();
            let experimenter = experimenter.unwrap_or(0);
            let known = rows
                .iter_mut()
                .find(|(c, e, _)| (*c, *e) == (class, experimenter));
            let row = match known {
                Some((_, _, row)) => row,
                None => {
                    rows.push((class, experimenter, [None; 128]));
                    match rows.last_mut() {
                        Some((_, _, row)) => row,
                        None => continue,
                    }
                }
            };
            if let Some(place) = row.get_mut(usize::from(id.number)) {
                *place = Some(field);
            }
        }
    }
    ByNumber { rows }
});

pub(super) fn lookup(name: &str) -> Option<Field> {
    match BY_NAME.get(name) {
        Some(&field) => Some(field),
        None if name.bytes().any(|b| b.is_ascii_uppercase()) => {
            BY_NAME.get(&name.to_ascii_lowercase()).copied()
        }
        None => None,
    }
}

#[inline]
pub(super) fn by_wire(class: u16, number: u8, experimenter: Option<u32>) -> Option<Field> {
    let experimenter = experimenter.unwrap_or(0);
    let (_, _, row) = BY_WIRE
        .rows
        .iter()
        .find(|(c, e, _)| (*c, *e) == (class, experimenter))?;
    row.get(usize::from(number)).copied().flatten()
}
