//! A set of a few values in the room of just these: a site has a hundred thousand ports, each with two such sets.

use std::fmt;
use std::ops::Deref;

/// Values in order, each once. To change it is to copy it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SmallSet<T>(Box<[T]>);

impl<T: Ord> SmallSet<T> {
    /// True if the value is in it.
    #[must_use]
    pub fn contains(&self, value: &T) -> bool {
        self.0.binary_search(value).is_ok()
    }

    /// Puts the value in. False if it is there already.
    pub fn insert(&mut self, value: T) -> bool {
        let Err(place) = self.0.binary_search(&value) else {
            return false;
        };
        let mut values = std::mem::take(&mut self.0).into_vec();
        values.insert(place, value);
        self.0 = values.into();
        true
    }

    /// Takes the value out. False if it is not there.
    pub fn remove(&mut self, value: &T) -> bool {
        let Ok(place) = self.0.binary_search(value) else {
            return false;
        };
        let mut values = std::mem::take(&mut self.0).into_vec();
        values.remove(place);
        self.0 = values.into();
        true
    }
}

impl<T> Default for SmallSet<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for SmallSet<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(&*self.0).finish()
    }
}

impl<T> Deref for SmallSet<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Ord> FromIterator<T> for SmallSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut values: Vec<T> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        Self(values.into())
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for SmallSet<T> {
    fn from(values: [T; N]) -> Self {
        values.into_iter().collect()
    }
}

impl<'s, T> IntoIterator for &'s SmallSet<T> {
    type Item = &'s T;
    type IntoIter = std::slice::Iter<'s, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(start: Vec<u8>, changes: Vec<(bool, u8)>) {
            let mut small: SmallSet<u8> = start.iter().copied().collect();
            let mut set: BTreeSet<u8> = start.into_iter().collect();
            for (add, value) in changes {
                prop_assert_eq!(small.contains(&value), set.contains(&value));
                if add {
                    prop_assert_eq!(small.insert(value), set.insert(value));
                } else {
                    prop_assert_eq!(small.remove(&value), set.remove(&value));
                }
                prop_assert!(small.iter().eq(&set));
            }
        }
    }
}
