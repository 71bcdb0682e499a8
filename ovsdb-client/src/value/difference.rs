//! Differences of update2 (ovsdb-server(7) §4.1.14): what of two sets or maps is not common to both.
//!
//! Applying a difference to the old value gives the new one; for columns of at most one element the difference *is* the
//! new value. Both directions run in the time of one merge.

use std::cmp::Ordering;

use super::{Atom, Datum};

/// `old` with `difference` applied, for a column that may hold more than one element.
///
/// Sets: elements of both go, elements of one stay. Maps: a pair that both have goes, a key that both have with other
/// values takes the difference's value, the rest stays. `None` when one is a set and the other a map.
#[must_use]
pub fn apply(old: &Datum, difference: &Datum) -> Option<Datum> {
    match (old.as_set(), difference.as_set()) {
        (Some(old), Some(difference)) => Some(symmetric_set(old, difference)),
        (None, None) => Some(merge_maps(old.as_map()?, difference.as_map()?)),
        _ => None,
    }
}

/// The difference that leads from `old` to `new`; `None` when one is a set and the other a map.
#[must_use]
pub fn between(old: &Datum, new: &Datum) -> Option<Datum> {
    apply(old, new)
}

fn symmetric_set(old: &[Atom], other: &[Atom]) -> Datum {
    let mut result = Vec::with_capacity(old.len().saturating_add(other.len()));
    let (mut old, mut other) = (old.iter().peekable(), other.iter().peekable());
    loop {
        match (old.peek(), other.peek()) {
            (Some(a), Some(b)) => match a.cmp(b) {
                Ordering::Less => result.extend(old.next().cloned()),
                Ordering::Greater => result.extend(other.next().cloned()),
                Ordering::Equal => {
                    old.next();
                    other.next();
                }
            },
            (Some(_), None) => result.extend(old.next().cloned()),
            (None, Some(_)) => result.extend(other.next().cloned()),
            (None, None) => return Datum::set(result),
        }
    }
}

fn merge_maps(old: &[(Atom, Atom)], other: &[(Atom, Atom)]) -> Datum {
    let mut result = Vec::with_capacity(old.len().saturating_add(other.len()));
    let (mut old, mut other) = (old.iter().peekable(), other.iter().peekable());
    loop {
        match (old.peek(), other.peek()) {
            (Some(a), Some(b)) => match a.0.cmp(&b.0) {
                Ordering::Less => result.extend(old.next().cloned()),
                Ordering::Greater => result.extend(other.next().cloned()),
                Ordering::Equal => {
                    let pair = other.next();
                    result.extend(pair.filter(|pair| pair.1 != a.1).cloned());
                    old.next();
                }
            },
            (Some(_), None) => result.extend(old.next().cloned()),
            (None, Some(_)) => result.extend(other.next().cloned()),
            (None, None) => return Datum::map(result),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, i64)]) -> Datum {
        Datum::map(pairs.iter().map(|&(k, v)| (k.into(), v.into())).collect())
    }

    #[test]
    fn common_elements_of_sets_go() {
        let set = |numbers: &[i64]| Datum::set(numbers.iter().map(|&n| n.into()).collect());
        assert_eq!(
            apply(&set(&[1, 2, 3]), &set(&[2, 4])),
            Some(set(&[1, 3, 4]))
        );
        assert_eq!(apply(&set(&[1]), &set(&[1])), Some(set(&[])));
        assert_eq!(apply(&set(&[1]), &Datum::empty_map()), None);
    }

    #[test]
    fn maps_take_the_new_value_of_a_common_key() {
        let old = map(&[("a", 1), ("b", 2), ("c", 3)]);
        let difference = map(&[("a", 1), ("b", 9), ("d", 4)]);
        let new = map(&[("b", 9), ("c", 3), ("d", 4)]);
        assert_eq!(apply(&old, &difference), Some(new.clone()));
        assert_eq!(
            between(&old, &new),
            Some(map(&[("a", 1), ("b", 9), ("d", 4)]))
        );
    }
}
