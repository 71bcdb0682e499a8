//! Entries of a bridge that are not as they shall be, in the order in which they are put right.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::{Cookie, Entry, EntryMap, EntrySet};

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

/// When an entry's turn comes: its class, then the cookie of what it serves.
pub(super) type Turn = (Class, Cookie);

/// Entries with their turns. Each waits, or is on its way. See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: Queue,
    /// A few bundles' worth.
    sent: EntrySet,
    /// How many of those serve what.
    sent_for: BTreeMap<Turn, usize>,
    /// What has been looked at while it was on its way, with the turn that it has now.
    looked_at: Queue,
}

/// Entries in order.
#[derive(Debug, Default)]
struct Queue {
    /// Before the first entry of a turn there is none.
    order: BTreeSet<(Turn, Option<Entry>)>,
    turns: EntryMap<Turn>,
}

impl Queue {
    /// Puts the entry in, with this turn and no other.
    fn put(&mut self, entry: &Entry, turn: Turn) {
        self.take(entry);
        self.turns.insert(entry.clone(), turn);
        self.order.insert((turn, Some(entry.clone())));
    }

    /// Takes the entry out. False if there is none like it.
    fn take(&mut self, like: &Entry) -> bool {
        let Some((like, turn)) = self.turns.remove_entry(like) else {
            return false;
        };
        self.order.remove(&(turn, Some(like)));
        // The room that a whole bridge took is not kept for the few changes that come later.
        if self.turns.is_empty() && self.turns.capacity() > KEPT {
            self.turns = EntryMap::default();
        }
        true
    }

    fn first_class(&self) -> Option<Class> {
        self.order.first().map(|((class, _), _)| *class)
    }

    fn holds(&self, turn: Turn) -> bool {
        let first = self.order.range((turn, None)..).next();
        first.is_some_and(|(of, _)| *of == turn)
    }
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.order.is_empty() && self.sent.is_empty()
    }

    /// How many entries wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.order.len()
    }

    /// Puts the entry where it belongs now, and nowhere else. What is on its way stays so.
    pub(super) fn insert(&mut self, entry: &Entry, turn: Turn) {
        if self.is_sent(entry) {
            self.looked_at.put(entry, turn);
        } else {
            self.waiting.put(entry, turn);
        }
    }

    pub(super) fn contains(&self, entry: &Entry) -> bool {
        self.is_sent(entry) || self.waiting.turns.contains_key(entry)
    }

    pub(super) fn is_sent(&self, entry: &Entry) -> bool {
        self.sent.contains(entry)
    }

    /// The entries are on their way from now on.
    pub(super) fn send(&mut self, changes: &[(Turn, Entry)]) {
        for (turn, entry) in changes {
            self.waiting.take(entry);
            if self.sent.insert(entry.clone()) {
                *self.sent_for.entry(*turn).or_default() += 1;
            }
        }
    }

    /// The entry, sent in this turn, has arrived or will not. True if it was looked at meanwhile.
    pub(super) fn arrived(&mut self, entry: &Entry, turn: Turn) -> bool {
        if self.sent.remove(entry)
            && let Some(count) = self.sent_for.get_mut(&turn)
        {
            *count -= 1;
            if *count == 0 {
                self.sent_for.remove(&turn);
            }
        }
        self.looked_at.take(entry)
    }

    /// Takes the entry out if it waits.
    pub(super) fn remove(&mut self, like: &Entry) {
        self.waiting.take(like);
    }

    /// What waits, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (Turn, &Entry)> {
        self.waiting.order.iter().filter_map(entry_of)
    }

    /// What waits, in order, behind all that has this turn.
    pub(super) fn behind(&self, (class, cookie): Turn) -> impl Iterator<Item = (Turn, &Entry)> {
        let from = ((class, cookie.next()), None);
        self.waiting.order.range(from..).filter_map(entry_of)
    }

    /// True if something that serves the cookie's object is here, in a class up to `last`.
    pub(super) fn holds(&self, cookie: Cookie, last: Class) -> bool {
        let first = [&self.waiting, &self.looked_at].into_iter();
        let first = first.filter_map(Queue::first_class);
        let sent = self.sent_for.first_key_value();
        let first = first.chain(sent.map(|((class, _), _)| *class)).min();
        let classes = Class::ALL.into_iter();
        // Mostly there is nothing at all so early.
        classes
            .filter(|class| *class <= last && first.is_some_and(|first| first <= *class))
            .map(|class| (class, cookie))
            .any(|turn| {
                self.waiting.holds(turn)
                    || self.looked_at.holds(turn)
                    || self.sent_for.contains_key(&turn)
            })
    }

    /// True if something of the class is here.
    pub(super) fn holds_class(&self, class: Class) -> bool {
        let from = (class, Cookie::BASE);
        let queued = |queue: &Queue| {
            let first = queue.order.range((from, None)..).next();
            first.is_some_and(|((of, _), _)| *of == class)
        };
        let sent = self.sent_for.range(from..).next();
        queued(&self.waiting)
            || queued(&self.looked_at)
            || sent.is_some_and(|((of, _), _)| *of == class)
    }
}

fn entry_of((turn, entry): &(Turn, Option<Entry>)) -> Option<(Turn, &Entry)> {
    Some((*turn, entry.as_ref()?))
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
            backlog.insert(entry, (Class::Elsewhere, Cookie::BASE));
        }
        assert_eq!(backlog.waiting(), entries.len());
        for entry in &entries {
            assert!(backlog.contains(entry));
            backlog.remove(entry);
            assert!(!backlog.contains(entry));
        }
        assert!(backlog.is_empty() && backlog.waiting.turns.capacity() <= KEPT);
    }

    #[test]
    fn what_waits_is_in_order_and_can_be_passed_over() {
        let entry = |n: u16| Entry::new(Flow::new(0, n, Match::new()));
        let turn = |class, cookie: u64| {
            (
                class,
                Cookie::from_raw(Cookie::BASE.raw() + cookie).unwrap(),
            )
        };
        let mut backlog = Backlog::default();
        let expected = [
            (turn(Class::Base, 0), entry(1)),
            (turn(Class::Here, 1), entry(9)),
            (turn(Class::Here, 1), entry(8)),
            (turn(Class::Here, 2), entry(7)),
            (turn(Class::Elsewhere, 1), entry(6)),
            (turn(Class::Stale, 1), entry(5)),
        ];
        for (turn, entry) in expected.iter().rev() {
            backlog.insert(entry, (Class::Peers, Cookie::BASE));
            backlog.insert(entry, *turn);
        }
        let all = |found: &mut dyn Iterator<Item = (Turn, &Entry)>| -> Vec<(Turn, Entry)> {
            found.map(|(turn, entry)| (turn, entry.clone())).collect()
        };
        assert_eq!(all(&mut backlog.iter()), expected);
        assert_eq!(
            all(&mut backlog.behind(turn(Class::Here, 1))),
            expected[3..]
        );
        assert_eq!(
            all(&mut backlog.behind(turn(Class::Here, 2))),
            expected[4..]
        );
        assert_eq!(all(&mut backlog.behind(turn(Class::Stale, 1))), []);
    }

    #[test]
    fn what_is_on_its_way_is_here_until_it_has_arrived_but_does_not_wait() {
        let flow = |out: u32| {
            Entry::new(Flow::new(0, 1, Match::new()).doing([flows::Action::output(out)]))
        };
        let (entry, changed) = (flow(1), flow(2));
        let (here, stale) = ((Class::Here, Cookie::BASE), (Class::Stale, Cookie::BASE));
        let mut backlog = Backlog::default();
        backlog.insert(&entry, here);
        backlog.send(&[(here, entry.clone())]);
        assert!(backlog.is_sent(&entry) && !backlog.is_empty());
        assert_eq!((backlog.waiting(), backlog.iter().count()), (0, 0));
        assert!(backlog.holds(Cookie::BASE, Class::Here) && backlog.holds_class(Class::Here));
        assert!(!backlog.holds(Cookie::BASE, Class::Base) && !backlog.holds_class(Class::Stale));
        assert!(!backlog.arrived(&entry, here) && backlog.is_empty());
        assert!(!backlog.holds(Cookie::BASE, Class::Stale) && !backlog.holds_class(Class::Here));
        // What it shall be becomes something else while it is on its way.
        backlog.send(&[(here, entry.clone())]);
        backlog.insert(&changed, stale);
        assert!(backlog.is_sent(&entry) && backlog.holds_class(Class::Stale));
        assert!(backlog.holds(Cookie::BASE, Class::Stale));
        assert_eq!((backlog.waiting(), backlog.iter().count()), (0, 0));
        assert!(backlog.arrived(&entry, here) && backlog.is_empty());
        assert!(!backlog.holds_class(Class::Stale) && !backlog.contains(&entry));
        backlog.insert(&entry, here);
        assert!(!backlog.is_sent(&entry));
        assert_eq!((backlog.waiting(), backlog.iter().count()), (1, 1));
    }
}
