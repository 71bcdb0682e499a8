//! Finding a field by name or by number on the wire, through indexes built once from the field table.

use super::Field;
use std::collections::HashMap;
use std::sync::LazyLock;

static BY_NAME: LazyLock<HashMap<String, Field>> = LazyLock::new(|| {
    let mut map = HashMap::new();
    for &field in Field::ALL {
        let info = field.info();
        map.insert(info.name.to_owned(), field);
        if !info.alias.is_empty() {
            map.insert(info.alias.to_owned(), field);
        }
        for id in info.wire {
            map.entry(id.name.to_ascii_lowercase()).or_insert(field);
        }
    }
    map
});

static BY_WIRE: LazyLock<HashMap<(u16, u8, u32), Field>> = LazyLock::new(|| {
    let ids = Field::ALL
        .iter()
        .flat_map(|&field| field.info().wire.iter().map(move |id| (field, id)));
    ids.map(|(field, id)| {
        let (class, experimenter) = id.class.numbers();
        ((class, id.number, experimenter.unwrap_or(0)), field)
    })
    .collect()
});

pub(super) fn lookup(name: &str) -> Option<Field> {
    match BY_NAME.get(name) {
        Some(&field) => Some(field),
        None if name.bytes().any(|b| b.is_ascii_uppercase()) => BY_NAME.get(&name.to_ascii_lowercase()).copied(),
        None => None,
    }
}

pub(super) fn by_wire(class: u16, number: u8, experimenter: Option<u32>) -> Option<Field> {
    BY_WIRE.get(&(class, number, experimenter.unwrap_or(0))).copied()
}
