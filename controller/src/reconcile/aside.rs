//! Changes that were refused, by the switch or before they were sent. Each is set aside until what the flow shall be is
//! something else; a new session begins with none. Knows nothing of what is on its way.

use std::collections::{HashMap, HashSet};

use super::backlog::{Backlog, Class};
use super::reconciler::{FlowMod, Refused};
use crate::compile::{Cookie, Entry};

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// Flows that were not added, and why.
    adds: HashMap<Entry, String>,
    /// Those of them for which there was no room.
    crowded: HashSet<Entry>,
    /// Flows that were not deleted, and why.
    deletes: HashMap<Entry, String>,
    /// The entries that are not as they shall be because of one of these.
    entries: Backlog,
}

impl Aside {
    /// Sets a change aside, from the next look at its entry on.
    pub(super) fn put(&mut self, refused: Refused) {
        let (changes, entry) = match refused.change {
            FlowMod::Add(flow) => (&mut self.adds, Entry::from(flow)),
            FlowMod::Delete(flow) => (&mut self.deletes, Entry::from(flow)),
            // What the switch can not forget, it forgets by itself when the time is up.
            FlowMod::Forget(_) => return,
        };
        // The key, too, is this flow and not the one before.
        changes.remove(&entry);
        changes.insert(entry, refused.reason);
    }

    /// Sets a flow aside for which there is no room, until [`Aside::take_crowded`].
    pub(super) fn put_crowded(&mut self, entry: &Entry, class: Class, cookie: Cookie, why: &str) {
        self.crowded.insert(entry.clone());
        self.adds.insert(entry.clone(), why.to_owned());
        self.entries.insert(entry, class, cookie);
    }

    /// There may be room again: these are no longer set aside, and have to be looked at.
    pub(super) fn take_crowded(&mut self) -> HashSet<Entry> {
        let crowded = std::mem::take(&mut self.crowded);
        for entry in &crowded {
            self.adds.remove(entry);
        }
        crowded
    }

    /// The entry is looked at anew: until it is found to be set aside still, it is not.
    pub(super) fn look_at(&mut self, entry: &Entry) {
        if !self.entries.is_empty() {
            self.entries.remove(entry);
        }
    }

    /// True if just this flow was refused: it stays aside. Otherwise what was refused in its place is of no interest.
    pub(super) fn keeps_add(&mut self, wanted: &Entry, class: Class, cookie: Cookie) -> bool {
        let keeps = keeps(&mut self.adds, wanted);
        if keeps {
            self.entries.insert(wanted, class, cookie);
        }
        keeps
    }

    /// The same of a flow that shall go.
    pub(super) fn keeps_delete(&mut self, has: &Entry, cookie: Cookie) -> bool {
        let keeps = keeps(&mut self.deletes, has);
        if keeps && !self.entries.contains(has) {
            self.entries.insert(has, Class::Stale, cookie);
        }
        keeps
    }

    /// The entry is as it shall be: nothing has to be done to it.
    pub(super) fn settled(&mut self, entry: &Entry) {
        for changes in [&mut self.adds, &mut self.deletes] {
            if !changes.is_empty() {
                changes.remove(entry);
            }
        }
    }

    /// The entries that are set aside.
    pub(super) fn entries(&self) -> &Backlog {
        &self.entries
    }

    /// Each entry that is set aside, and why.
    pub(super) fn reasons(&self) -> impl Iterator<Item = (&Entry, &str)> {
        let entries = self.entries.groups().flat_map(|(_, _, entries)| entries);
        entries.filter_map(|entry| {
            let reason = self.adds.get(entry).or_else(|| self.deletes.get(entry))?;
            Some((entry, reason.as_str()))
        })
    }
}

fn keeps(changes: &mut HashMap<Entry, String>, entry: &Entry) -> bool {
    let Some((refused, _)) = changes.get_key_value(entry) else {
        return false;
    };
    let same = refused.same_as(entry);
    if !same {
        changes.remove(entry);
    }
    same
}
