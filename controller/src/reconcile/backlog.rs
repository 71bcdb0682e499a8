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

/// Entries, by class and by the cookie of what they serve. Each waits, or is on its way. See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Backlog {
    groups: BTreeMap<(Class, Cookie), Group>,
    /// Where each one is.
    places: EntryMap<Place>,
    /// How many are on their way.
    sent: usize,
}

/// No group has neither.
#[derive(Debug, Default)]
struct Group {
    waiting: BTreeSet<Entry>,
    /// How many are on their way.
    sent: usize,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    class: Class,
    cookie: Cookie,
    sent: bool,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many entries wait.
    pub(super) fn waiting(&self) -> usize {
        self.places.len().saturating_sub(self.sent)
    }

    /// Puts the entry where it belongs now, and nowhere else. What is on its way stays so.
    pub(super) fn insert(&mut self, entry: &Entry, class: Class, cookie: Cookie) {
        let sent = self.take(entry).is_some_and(|(_, place)| place.sent);
        let place = Place {
            class,
            cookie,
            sent,
        };
        self.places.insert(entry.clone(), place);
        let group = self.groups.entry((class, cookie)).or_default();
        if sent {
            self.sent += 1;
            group.sent += 1;
        } else {
            group.waiting.insert(entry.clone());
        }
    }

    pub(super) fn contains(&self, entry: &Entry) -> bool {
        self.places.contains_key(entry)
    }

    pub(super) fn is_sent(&self, entry: &Entry) -> bool {
        self.sent > 0 && self.places.get(entry).is_some_and(|place| place.sent)
    }

    /// The entry is on its way from now on.
    pub(super) fn send(&mut self, entry: &Entry) {
        if let Some(place) = self.places.get_mut(entry).filter(|place| !place.sent) {
            place.sent = true;
            self.sent += 1;
            if let Some(group) = self.groups.get_mut(&(place.class, place.cookie)) {
                group.waiting.remove(entry);
                group.sent += 1;
            }
        }
    }

    /// Where the entry is.
    pub(super) fn place(&self, entry: &Entry) -> Option<(Class, Cookie)> {
        let place = self.places.get(entry)?;
        Some((place.class, place.cookie))
    }

    /// There will be so many more.
    pub(super) fn reserve(&mut self, entries: usize) {
        self.places.reserve(entries);
    }

    /// Takes the entry out, as it was put in last, whether it waits or is on its way.
    pub(super) fn remove(&mut self, like: &Entry) -> Option<(Entry, Class)> {
        let (entry, place) = self.take(like)?;
        // The room that a whole bridge took is not kept for the few changes that come later.
        if self.places.is_empty() && self.places.capacity() > KEPT {
            self.places = EntryMap::default();
        }
        Some((entry, place.class))
    }

    fn take(&mut self, like: &Entry) -> Option<(Entry, Place)> {
        let (entry, place) = self.places.remove_entry(like)?;
        let key = (place.class, place.cookie);
        if let Some(group) = self.groups.get_mut(&key) {
            if place.sent {
                self.sent -= 1;
                group.sent -= 1;
            } else {
                group.waiting.remove(&entry);
            }
            if group.sent == 0 && group.waiting.is_empty() {
                self.groups.remove(&key);
            }
        }
        Some((entry, place))
    }

    /// What waits, in order.
    pub(super) fn groups(&self) -> impl Iterator<Item = (Class, Cookie, &BTreeSet<Entry>)> {
        let groups = self.groups.iter();
        groups
            .filter(|(_, group)| !group.waiting.is_empty())
            .map(|(&(class, cookie), group)| (class, cookie, &group.waiting))
    }

    /// True if something that serves the cookie's object is here, in a class up to `last`.
    pub(super) fn holds(&self, cookie: Cookie, last: Class) -> bool {
        Class::ALL
            .into_iter()
            .filter(|class| *class <= last)
            .any(|class| self.groups.contains_key(&(class, cookie)))
    }

    /// True if something of the class is here.
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
        assert_eq!(backlog.waiting(), entries.len());
        for entry in &entries {
            assert_eq!(
                backlog.remove(entry),
                Some((entry.clone(), Class::Elsewhere))
            );
        }
        assert!(backlog.is_empty() && backlog.places.capacity() <= KEPT);
    }

    #[test]
    fn what_is_on_its_way_is_here_until_it_is_taken_out_but_does_not_wait() {
        let flow = |out: u32| {
            Entry::new(Flow::new(0, 1, Match::new()).doing([flows::Action::output(out)]))
        };
        let (entry, changed) = (flow(1), flow(2));
        let mut backlog = Backlog::default();
        backlog.insert(&entry, Class::Here, Cookie::BASE);
        backlog.send(&entry);
        backlog.send(&entry);
        assert!(backlog.is_sent(&entry) && !backlog.is_empty());
        assert_eq!((backlog.waiting(), backlog.groups().count()), (0, 0));
        assert!(backlog.holds(Cookie::BASE, Class::Here) && backlog.holds_class(Class::Here));
        // What it shall be is something else now.
        backlog.insert(&changed, Class::Stale, Cookie::BASE);
        assert!(backlog.is_sent(&entry));
        assert!(!backlog.holds_class(Class::Here) && backlog.holds_class(Class::Stale));
        assert_eq!((backlog.waiting(), backlog.groups().count()), (0, 0));
        let taken = backlog.remove(&entry);
        assert!(taken.is_some_and(|(taken, class)| taken.is(&changed) && class == Class::Stale));
        assert!(backlog.is_empty() && backlog.groups.is_empty());
        backlog.insert(&entry, Class::Here, Cookie::BASE);
        assert!(!backlog.is_sent(&entry));
        assert_eq!((backlog.waiting(), backlog.groups().count()), (1, 1));
    }
}
