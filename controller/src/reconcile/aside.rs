//! Changes that are not made for now. Those that were refused, by the switch or before they were sent, are set aside until
//! what the flow shall be is something else; those that others undo again and again, until some time has passed. A new session
//! begins with none. Knows nothing of what is on its way, nor of the time.

use super::backlog::{Backlog, Class, Turn};
use super::reconciler::{FlowMod, Refused};
use crate::compile::{Cookie, Entry, EntryMap, EntrySet};

/// So often an entry is put right at once when others have changed it. Another controller that wants something else in its
/// place answers as fast as we do, and for ever.
const REPAIRS: u32 = 3;
const CONTESTED: &str = "others change it again and again";

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// Flows that were not added, and why.
    adds: EntryMap<String>,
    /// Those of them for which there was no room.
    crowded: EntrySet,
    /// Flows that were not deleted, and why.
    deletes: EntryMap<String>,
    /// How often others have changed an entry since the last pause.
    undone: EntryMap<u32>,
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
    pub(super) fn put_crowded(&mut self, entry: &Entry, turn: Turn, why: &str) {
        self.crowded.insert(entry.clone());
        self.adds.insert(entry.clone(), why.to_owned());
        self.entries.insert(entry, turn);
    }

    /// There may be room again: these are no longer set aside, and have to be looked at.
    pub(super) fn take_crowded(&mut self) -> EntrySet {
        let crowded = std::mem::take(&mut self.crowded);
        for entry in &crowded {
            self.adds.remove(entry);
        }
        crowded
    }

    /// Others have changed the entry.
    pub(super) fn undone(&mut self, entry: &Entry) {
        let times = self.undone.entry(entry.clone()).or_default();
        *times = times.saturating_add(1);
    }

    /// True if there is something that a pause would end.
    pub(super) fn wants_pause(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Some time has passed: these may be put right again, and have to be looked at.
    pub(super) fn paused(&mut self) -> impl Iterator<Item = Entry> {
        let undone = std::mem::take(&mut self.undone).into_iter();
        undone
            .filter(|(_, times)| *times > REPAIRS)
            .map(|(entry, _)| entry)
    }

    /// True if others have changed the entry so often that it stays as it is for now.
    pub(super) fn keeps_contested(&mut self, entry: &Entry, turn: Turn) -> bool {
        let times = self.undone.get(entry);
        let keeps = times.is_some_and(|times| *times > REPAIRS);
        if keeps {
            self.entries.insert(entry, turn);
        }
        keeps
    }

    /// The entry is looked at anew: until it is found to be set aside still, it is not.
    pub(super) fn look_at(&mut self, entry: &Entry) {
        if !self.entries.is_empty() {
            self.entries.remove(entry);
        }
    }

    /// True if just this flow was refused: it stays aside. Otherwise what was refused in its place is of no interest.
    pub(super) fn keeps_add(&mut self, wanted: &Entry, turn: Turn) -> bool {
        let keeps = keeps(&mut self.adds, wanted);
        if keeps {
            self.entries.insert(wanted, turn);
        }
        keeps
    }

    /// The same of a flow that shall go.
    pub(super) fn keeps_delete(&mut self, has: &Entry, cookie: Cookie) -> bool {
        let keeps = keeps(&mut self.deletes, has);
        if keeps && !self.entries.contains(has) {
            self.entries.insert(has, (Class::Stale, cookie));
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
        self.entries.iter().map(|(_, entry)| {
            let refused = self.adds.get(entry).or_else(|| self.deletes.get(entry));
            (entry, refused.map_or(CONTESTED, String::as_str))
        })
    }
}

fn keeps(changes: &mut EntryMap<String>, entry: &Entry) -> bool {
    let Some((refused, _)) = changes.get_key_value(entry) else {
        return false;
    };
    let same = refused.same_as(entry);
    if !same {
        changes.remove(entry);
    }
    same
}
