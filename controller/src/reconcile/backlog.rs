//! Entries of a bridge that are not as they shall be, in the order in which they are put right.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::{Cookie, Entry, EntryMap};

/// What goes before what. All that is added goes before anything is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// The pipeline itself.
    Base,
    /// Networks and ports that are here: somebody waits for them.
    Here,
    /// Other hosts.
    Peers,
    /// Ports of other hosts: many.
    Elsewhere,
    /// What is there and shall not be.
    Stale,
}

impl Class {
    pub(super) const ALL: [Self; 5] = [
        Self::Base,
        Self::Here,
        Self::Peers,
        Self::Elsewhere,
        Self::Stale,
    ];
}

/// For so many entries there may be room while there are none.
const KEPT: usize = 4096;

/// Entries, by class and by the cookie of what they serve. See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Backlog {
    groups: BTreeMap<(Class, Cookie), BTreeSet<Entry>>,
    /// Where each one is.
    places: EntryMap<(Class, Cookie)>,
}

impl Backlog {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Puts the entry where it belongs, and nowhere else.
    pub(super) fn insert(&mut self, entry: &Entry, class: Class, cookie: Cookie) {
        self.remove(entry);
        self.places.insert(entry.clone(), (class, cookie));
        let group = self.groups.entry((class, cookie)).or_default();
        group.insert(entry.clone());
    }

    pub(super) fn contains(&self, entry: &Entry) -> bool {
        self.places.contains_key(entry)
    }

    /// Where the entry is.
    pub(super) fn place(&self, entry: &Entry) -> Option<(Class, Cookie)> {
        self.places.get(entry).copied()
    }

    /// There will be so many more.
    pub(super) fn reserve(&mut self, entries: usize) {
        self.places.reserve(entries);
    }

    pub(super) fn remove(&mut self, entry: &Entry) -> Option<(Class, Cookie)> {
        self.remove_entry(entry).map(|(_, place)| place)
    }

    /// Takes the entry out, as it was put in last.
    pub(super) fn take(&mut self, like: &Entry) -> Option<(Entry, Class)> {
        let (entry, (class, _)) = self.remove_entry(like)?;
        Some((entry, class))
    }

    fn remove_entry(&mut self, like: &Entry) -> Option<(Entry, (Class, Cookie))> {
        let (entry, place) = self.places.remove_entry(like)?;
        if let Some(group) = self.groups.get_mut(&place) {
            group.remove(&entry);
            if group.is_empty() {
                self.groups.remove(&place);
            }
        }
        // The room that a whole bridge took is not kept for the few changes that come later.
        if self.places.is_empty() && self.places.capacity() > KEPT {
            self.places = EntryMap::default();
        }
        Some((entry, place))
    }

    /// The entry is in the other from now on.
    pub(super) fn hand_over(&mut self, entry: &Entry, other: &mut Self) {
        if let Some((class, cookie)) = self.remove(entry) {
            other.insert(entry, class, cookie);
        }
    }

    /// Everything, in order.
    pub(super) fn groups(&self) -> impl Iterator<Item = (Class, Cookie, &BTreeSet<Entry>)> {
        self.groups
            .iter()
            .map(|(&(class, cookie), entries)| (class, cookie, entries))
    }

    /// True if something that serves the cookie's object waits, in a class up to `last`.
    pub(super) fn holds(&self, cookie: Cookie, last: Class) -> bool {
        Class::ALL
            .into_iter()
            .filter(|class| *class <= last)
            .any(|class| self.groups.contains_key(&(class, cookie)))
    }

    /// True if something of the class waits.
    pub(super) fn holds_class(&self, class: Class) -> bool {
        let mut from = self.groups.range((class, Cookie::BASE)..);
        from.next().is_some_and(|((first, _), _)| *first == class)
    }
}

#[cfg(test)]
mod tests {
    use flows::{Flow, Match};

    use super::*;

    #[test]
    fn the_room_of_a_whole_bridge_is_given_back() {
        let entries: Vec<Entry> = (0..=u16::MAX)
            .map(|priority| Entry::new(Flow::new(0, priority, Match::new())))
            .collect();
        let mut backlog = Backlog::default();
        for entry in &entries {
            backlog.insert(entry, Class::Elsewhere, Cookie::BASE);
        }
        assert_eq!(backlog.len(), entries.len());
        for entry in &entries {
            assert_eq!(
                backlog.remove(entry),
                Some((Class::Elsewhere, Cookie::BASE))
            );
        }
        assert!(backlog.is_empty() && backlog.places.capacity() <= KEPT);
    }
}
