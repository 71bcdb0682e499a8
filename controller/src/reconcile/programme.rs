//! One bridge's flows: what it has, what is on its way to it, and what of that is not as it shall be.
//!
//! When a session begins, what it finds is compared with what shall be: at once what somebody here waits for and what has to go,
//! bundle by bundle what leads to ports of other hosts. After that an entry is looked at when what it shall be has changed
//! ([`Programme::look_at`]) or what it is (an acknowledgement).
//!
//! # Where a bundle may end
//!
//! Anywhere: also between two flows of one object, of which there may be more than a bundle has room for (a port with
//! many addresses, what another version has left behind). Flows are added from the highest priority of a table to the
//! lowest and deleted from the lowest to the highest, so that at every moment a packet meets in a table what it met before
//! or what it shall meet after, never what one of the two would have hidden from it. And the pipeline itself comes first:
//! nothing leads into a table without its drops.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet, VecDeque};

use flows::{Action, Flow};
use uuid::Uuid;

use super::aside::Aside;
use super::backlog::{Backlog, Class, Turn};
use super::mentions::Mentions;
use super::observation::{Edit, Observation};
use super::reconciler::{FlowMod, Refused};
use crate::compile::{BridgeFlows, Cookie, Entry, EntrySet, Unit};

/// A bundle adds at most so many flows. It pauses forwarding while it is committed: probes at 1 kHz miss 2 ms at 500 flows,
/// 6 ms at 2,000 and 15 ms at 4,000, and smaller bundles are not slower as long as the next is filled meanwhile.
pub(super) const BUNDLE_LIMIT: usize = 500;

/// To delete a flow counts as to add so many: 500 deletes pause forwarding for 4.3 ms where 500 adds do so for 2.8 ms.
pub(super) const DELETE: usize = 2;

/// So many bundles may be on their way to a bridge: one is committed, one is filled meanwhile, and one waits, so that the
/// switch has work while an acknowledgement comes and the next bundle goes. More would only make somebody's port that is
/// plugged in now wait for more: it is behind these, a few milliseconds of work, and nothing else.
pub(super) const WINDOW: usize = 3;

/// After so many refused flows in one session no flow is to blame any more, but the switch, or a table that is full.
const REFUSALS: usize = 64;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Programme {
    /// The bridge is heddle's own: nobody else's flow has a place on it.
    own: bool,
    /// heddle's flows on the bridge. What is as it shall be is the same flow in memory as what it shall be.
    installed: EntrySet,
    /// Others' flows.
    foreign: EntrySet,
    /// Cookies of learned flows that were there when the session began and that the switch was not told to forget.
    learned: BTreeSet<Cookie>,
    /// What is taught may be different since `learned` was last compared with it.
    teaching_changed: bool,
    /// What is not as it shall be. What of it is on its way is here as that which it shall be now.
    backlog: Backlog,
    /// Ports of other hosts that were not looked at in this session, the next last. There may be a hundred thousand, whose
    /// turn comes when all else is done: until then they take neither time nor memory.
    unseen: Vec<Unit>,
    /// What was refused.
    aside: Aside,
    /// How many flows were refused in this session.
    refusals: usize,
    /// Entries that have to stay as they are, for the place is a foreign flow's.
    conflicts: BTreeSet<Entry>,
    /// Changes that are on their way, bundle by bundle, in order.
    on_its_way: VecDeque<Bundle>,
    mentions: Mentions,
    /// Entries in which something has happened; none: the session has just begun, and nothing is compared yet.
    happened: Option<Vec<Entry>>,
}

/// Changes that are on their way. An entry is in one bundle only: what else shall become of it waits for the answer.
#[derive(Debug)]
struct Bundle {
    /// What is stale is deleted, everything else added.
    changes: Vec<(Turn, Entry)>,
    /// Cookies of learned flows.
    forgotten: BTreeSet<Cookie>,
}

impl Programme {
    /// A session has begun with these flows.
    pub(super) fn new(own: bool, numbers_matter: bool, flows: Vec<Entry>) -> Self {
        let mut out = Self {
            own,
            installed: EntrySet::default(),
            foreign: EntrySet::default(),
            learned: BTreeSet::new(),
            teaching_changed: true,
            backlog: Backlog::default(),
            unseen: Vec::new(),
            aside: Aside::default(),
            refusals: 0,
            conflicts: BTreeSet::new(),
            on_its_way: VecDeque::new(),
            mentions: Mentions::new(numbers_matter),
            happened: None,
        };
        // Mostly they are heddle's, and there are many.
        out.installed.reserve(flows.len());
        for entry in flows {
            match Cookie::from_raw(entry.flow().cookie) {
                None => {
                    out.foreign.insert(entry);
                }
                Some(cookie) if cookie.is_learned() => {
                    out.learned.insert(cookie);
                }
                Some(_) => out.install(entry),
            }
        }
        out
    }

    /// heddle's flows on the bridge.
    pub(super) fn installed(&self) -> impl ExactSizeIterator<Item = &Flow> {
        self.installed.iter().map(Entry::flow)
    }

    /// heddle's flow in the place of `like`.
    pub(super) fn there(&self, like: &Entry) -> Option<&Entry> {
        self.installed.get(like)
    }

    pub(super) fn mentions(&self) -> &Mentions {
        &self.mentions
    }

    /// From now on a table may have so many masks.
    pub(super) fn limit_masks(&mut self, limit: usize) {
        self.mentions.masks().set_limit(limit);
    }

    /// Takes in which entries `want` may have other flows for now; `class_of` tells what goes first.
    pub(super) fn update(
        &mut self,
        want: &BridgeFlows,
        changed: Vec<Entry>,
        class_of: impl Fn(Unit) -> Class,
    ) {
        let turn_of = |unit: Unit| (class_of(unit), unit.cookie());
        let mut entries: Vec<Entry> = match self.happened.replace(Vec::new()) {
            Some(happened) => happened.into_iter().chain(changed).collect(),
            None => {
                self.teaching_changed = true;
                let missing = want.len().saturating_sub(self.installed.len());
                self.installed.reserve(missing);
                let is_elsewhere = |unit: &Unit| class_of(*unit) == Class::Elsewhere;
                let (elsewhere, first): (Vec<Unit>, Vec<Unit>) =
                    want.units().partition(is_elsewhere);
                self.unseen = elsewhere;
                self.unseen.sort_unstable_by_key(|unit| Reverse(*unit));
                for unit in first {
                    for entry in want.in_place(unit) {
                        self.look_at(entry, Some((entry, turn_of(unit))));
                    }
                }
                let others = self.installed.iter();
                let others = others.filter(|entry| want.get(entry).is_none());
                others.cloned().collect()
            }
        };
        if self.mentions.masks().take_room() {
            entries.extend(self.aside.take_crowded());
        }
        self.teaching_changed |= !entries.is_empty();
        for entry in entries {
            let wanted = want.get(&entry);
            self.look_at(&entry, wanted.map(|(wanted, unit)| (wanted, turn_of(unit))));
        }
    }

    /// Finds out what has to be done in a place where something else may be wanted, or there.
    fn look_at(&mut self, entry: &Entry, wanted: Option<(&Entry, Turn)>) {
        if let Some((wanted, turn)) = self.find_missing(entry, wanted) {
            self.backlog.insert(wanted, turn);
        }
    }

    /// The same, but what has to be added does not wait: it is returned.
    fn find_missing<'e>(
        &mut self,
        entry: &Entry,
        wanted: Option<(&'e Entry, Turn)>,
    ) -> Option<(&'e Entry, Turn)> {
        if self.backlog.is_sent(entry) {
            // What it will be is known when the bundle is acknowledged. Until then it is not right for whoever wants it.
            match (wanted, Cookie::from_raw(entry.flow().cookie)) {
                (Some((wanted, turn)), _) => self.backlog.insert(wanted, turn),
                (None, Some(cookie)) => self.backlog.insert(entry, (Class::Stale, cookie)),
                (None, None) => {}
            }
            return None;
        }
        self.backlog.remove(entry);
        self.conflicts.remove(entry);
        self.aside.look_at(entry);
        match (wanted, self.installed.get(entry)) {
            (None, None) => self.aside.settled(entry),
            (None, Some(has)) => self.shall_go(has.clone()),
            (Some((wanted, _)), Some(has)) if has.same_as(wanted) => {
                self.aside.settled(entry);
                if !has.is(wanted) {
                    self.installed.replace(wanted.clone());
                }
            }
            // To add would be to replace: on a bridge that is not heddle's own, what is there stays. Its catch-all flow
            // says what the operator does with packets that are none of heddle's business.
            (Some((wanted, _)), None) if !self.own && self.foreign.contains(entry) => {
                let flow = wanted.flow();
                if flow.priority != 0 || !flow.matches.is_empty() {
                    self.conflicts.insert(wanted.clone());
                }
            }
            (Some((wanted, turn)), has) => {
                if self.aside.keeps_contested(wanted, turn) {
                    return None;
                }
                if !self.aside.keeps_add(wanted, turn) {
                    return Some((wanted, turn));
                }
                if let Some(has) = has.filter(|has| !closes(has)) {
                    // What may not be opened as it shall be is not left open as it was.
                    self.shall_go(has.clone());
                }
            }
        }
        None
    }

    /// A flow that is there shall not be.
    fn shall_go(&mut self, has: Entry) {
        if let Some(cookie) = Cookie::from_raw(has.flow().cookie)
            && !self.aside.keeps_contested(&has, (Class::Stale, cookie))
            && !self.aside.keeps_delete(&has, cookie)
        {
            self.backlog.insert(&has, (Class::Stale, cookie));
        }
    }

    /// None of the changes on their way is made, because of these: they are set aside, and the others will be sent again.
    /// False if there have been too many of them for that to lead anywhere.
    pub(super) fn refused(&mut self, refused: Vec<Refused>) -> bool {
        for bundle in std::mem::take(&mut self.on_its_way) {
            for (turn, entry) in bundle.changes {
                self.backlog.arrived(&entry, turn);
                if !deletes(turn) {
                    self.mentions.remove(entry.flow());
                }
                self.note(&entry);
            }
            self.teaching_changed |= !bundle.forgotten.is_empty();
            self.learned.extend(bundle.forgotten);
        }
        self.refusals = self.refusals.saturating_add(refused.len());
        refused
            .into_iter()
            .for_each(|refused| self.aside.put(refused));
        self.refusals <= REFUSALS
    }

    /// The changes of the first bundle on its way are made.
    pub(super) fn acknowledged(&mut self) {
        let bundle = self.on_its_way.pop_front();
        for (turn, entry) in bundle.into_iter().flat_map(|bundle| bundle.changes) {
            let looked_at = self.backlog.arrived(&entry, turn);
            if deletes(turn) {
                self.uninstall(&entry);
                self.note(&entry);
                continue;
            }
            // It is as it shall be, unless that has become something else meanwhile.
            if looked_at {
                self.note(&entry);
            } else {
                self.aside.settled(&entry);
            }
            self.foreign.remove(&entry);
            // Its mentions have counted since it was sent.
            if let Some(old) = self.installed.replace(entry) {
                self.mentions.remove(old.flow());
            }
        }
    }

    /// Somebody else has changed a flow. Says what that undoes, if it is of interest.
    pub(super) fn observed(&mut self, observation: Observation) -> Option<Edit> {
        let edit = self.take_in(observation);
        if let Some(Edit::Altered(flow) | Edit::Deleted(flow)) = &edit {
            self.aside.undone(&Entry::new(flow.clone()));
        }
        edit
    }

    /// True if others have changed flows of heddle's since the last [`Programme::paused`].
    pub(super) fn wants_pause(&self) -> bool {
        self.aside.wants_pause()
    }

    /// Some time has passed: what others have changed again and again is put right again.
    pub(super) fn paused(&mut self) {
        let contested: Vec<Entry> = self.aside.paused().collect();
        contested.iter().for_each(|entry| self.note(entry));
    }

    fn take_in(&mut self, observation: Observation) -> Option<Edit> {
        match observation {
            Observation::There(flow) => {
                let entry = Entry::new(flow);
                let known = self.installed.get(&entry);
                // A switch that had to pause tells of this session's own changes again.
                if known.is_some_and(|known| known.same_as(&entry)) || self.adds(&entry) {
                    return None;
                }
                let is_known = known.is_some();
                let flow = entry.flow().clone();
                self.note(&entry);
                match Cookie::from_raw(flow.cookie) {
                    Some(cookie) if !cookie.is_learned() => {
                        self.install(entry);
                        return Some(Edit::Altered(flow));
                    }
                    Some(_) => {}
                    None => drop(self.foreign.replace(entry.clone())),
                }
                self.uninstall(&entry);
                match (is_known, Cookie::from_raw(flow.cookie)) {
                    (true, _) => Some(Edit::Altered(flow)),
                    (false, None) => Some(Edit::Foreign(flow)),
                    (false, Some(_)) => None,
                }
            }
            Observation::Gone(flow) => {
                let entry = Entry::new(flow);
                let same = |known: Option<&Entry>| {
                    known.is_some_and(|known| known.flow().cookie == entry.flow().cookie)
                };
                if same(self.foreign.get(&entry)) {
                    self.foreign.remove(&entry);
                    self.note(&entry);
                }
                // Whatever its cookie: it may have been put in place of heddle's while the monitor was paused.
                let had = self.installed.get(&entry)?.flow().clone();
                self.uninstall(&entry);
                self.note(&entry);
                Some(Edit::Deleted(had))
            }
        }
    }

    /// True if a bundle that is on its way adds just this flow.
    fn adds(&self, entry: &Entry) -> bool {
        let mut changes = self.on_its_way.iter().flat_map(|bundle| &bundle.changes);
        self.backlog.is_sent(entry)
            && changes
                .any(|(turn, other)| !deletes(*turn) && other == entry && other.same_as(entry))
    }

    /// The next bundle, if one more may be on its way: what goes first, without what serves the objects of the cookies in
    /// `waiting`.
    pub(super) fn next_bundle(
        &mut self,
        want: &BridgeFlows,
        networks: impl Iterator<Item = Uuid>,
        waiting: &BTreeSet<Cookie>,
    ) -> Option<Vec<FlowMod>> {
        if self.on_its_way.len() >= WINDOW {
            return None;
        }
        let changes = loop {
            let first = self.what_goes_first(want, waiting);
            let found = first.len();
            let first = self.within_limits(first);
            if found == 0 || !first.is_empty() {
                break first;
            }
        };
        let forgotten = self.forgotten(want, networks, &changes);
        if changes.is_empty() && forgotten.is_empty() {
            return None;
        }
        // Mentions count already.
        self.backlog.send(&changes);
        self.learned.retain(|cookie| !forgotten.contains(cookie));
        let mods = changes.iter().map(|(turn, entry)| {
            let flow = entry.shared();
            if deletes(*turn) {
                FlowMod::Delete(flow)
            } else {
                FlowMod::Add(flow)
            }
        });
        let mods = mods.chain(forgotten.iter().map(|cookie| FlowMod::Forget(*cookie)));
        let mods = mods.collect();
        self.on_its_way.push_back(Bundle { changes, forgotten });
        Some(mods)
    }

    /// Counts what is added, and sets aside that for which its table has too many masks. The pipeline itself has its few,
    /// and has to be there.
    fn within_limits(&mut self, mut changes: Vec<(Turn, Entry)>) -> Vec<(Turn, Entry)> {
        let mut crowded = 0_usize;
        changes.retain(|(turn, entry)| {
            if deletes(*turn) {
                return true;
            }
            let flow = entry.flow();
            let masks = self.mentions.masks();
            if turn.0 != Class::Base && !masks.has_room_for(flow) {
                let why = format!(
                    "its table has as many masks as external_ids:heddle-mask-limit allows, {}",
                    masks.limit()
                );
                self.backlog.remove(entry);
                self.aside.put_crowded(entry, *turn, &why);
                if crowded == 0 {
                    tracing::error!(%flow, "not sent: {why}");
                }
                crowded = crowded.saturating_add(1);
                return false;
            }
            self.mentions.add(flow);
            true
        });
        if crowded > 1 {
            tracing::error!("{} more flows are not sent for that", crowded - 1);
        }
        changes
    }

    /// Adds and deletes for one bundle.
    fn what_goes_first(
        &mut self,
        want: &BridgeFlows,
        waiting: &BTreeSet<Cookie>,
    ) -> Vec<(Turn, Entry)> {
        let all_at_once = self.backlog.waiting() <= BUNDLE_LIMIT && self.unseen.is_empty();
        let base_lacks = self.aside.entries().holds_class(Class::Base);
        // What somebody waits for is not slowed down by what can wait.
        let urgent = |(class, _): Turn| class <= Class::Here;
        let mut first: Vec<(Turn, Entry)> = Vec::new();
        let mut adds: Box<dyn Iterator<Item = (Turn, &Entry)>> = Box::new(self.backlog.iter());
        while let Some((turn, entry)) = adds.next() {
            let (class, cookie) = turn;
            if class == Class::Stale || base_lacks && class != Class::Base {
                break;
            }
            if waiting.contains(&cookie) {
                adds = Box::new(self.backlog.behind(turn));
                continue;
            }
            let other = first
                .first()
                .is_some_and(|(first, _)| urgent(*first) != urgent(turn));
            if first.len() >= BUNDLE_LIMIT || other && !all_at_once {
                break;
            }
            first.push((turn, entry.clone()));
        }
        drop(adds);
        if first.first().is_some_and(|(first, _)| urgent(*first)) && !all_at_once {
            return first;
        }
        // Adds go before deletes; but nothing is added to a pipeline that is not whole.
        if !base_lacks {
            self.look_elsewhere(want, &mut first);
        }
        let room = BUNDLE_LIMIT.saturating_sub(first.len()).div_ceil(DELETE);
        let stale = self.backlog.iter().rev();
        let stale = stale.take_while(|(turn, _)| deletes(*turn));
        let may_go = stale.filter(|((_, cookie), entry)| {
            !(waiting.contains(cookie) || base_lacks && closes(entry))
        });
        let may_go = may_go.map(|(turn, entry)| (turn, entry.clone()));
        first.extend(may_go.take(room));
        first
    }

    /// Looks at ports of other hosts while the bundle has room.
    fn look_elsewhere(&mut self, want: &BridgeFlows, bundle: &mut Vec<(Turn, Entry)>) {
        while bundle.len() < BUNDLE_LIMIT {
            let Some(unit) = self.unseen.pop() else {
                self.unseen = Vec::new();
                return;
            };
            let turn = (Class::Elsewhere, unit.cookie());
            for entry in want.in_place(unit) {
                // It has been looked at since, and may be in this very bundle.
                if self.backlog.contains(entry) {
                    continue;
                }
                match self.find_missing(entry, Some((entry, turn))) {
                    Some(_) if bundle.len() < BUNDLE_LIMIT => bundle.push((turn, entry.clone())),
                    Some((entry, turn)) => self.backlog.insert(entry, turn),
                    None => {}
                }
            }
        }
    }

    /// Cookies of learned flows that nobody teaches any more once these changes are made, or teaches otherwise.
    fn forgotten(
        &mut self,
        want: &BridgeFlows,
        networks: impl Iterator<Item = Uuid>,
        changes: &[(Turn, Entry)],
    ) -> BTreeSet<Cookie> {
        let mut out = BTreeSet::new();
        if std::mem::take(&mut self.teaching_changed) && !self.learned.is_empty() {
            let wanted = networks.flat_map(|id| want.of(Unit::Network(id)));
            let taught: HashSet<Cookie> = wanted.flat_map(|entry| learns(entry.flow())).collect();
            out.extend(
                self.learned
                    .iter()
                    .filter(|cookie| !taught.contains(cookie)),
            );
        }
        // Mostly nothing is taught at all, and what is there has not to be looked for.
        let changes = changes.iter().filter(|_| self.mentions.teach());
        for (turn, entry) in changes {
            let old = self.installed.get(entry).map(Entry::flow);
            let old =
                old.filter(|old| deletes(*turn) || old.instructions != entry.flow().instructions);
            out.extend(old.into_iter().flat_map(learns));
        }
        out
    }

    /// True if the bridge has every flow that it shall have and no other.
    pub(super) fn is_right(&self) -> bool {
        self.is_compared()
            && self.on_its_way.is_empty()
            && self.backlog.is_empty()
            && self.unseen.is_empty()
            && self.aside.entries().is_empty()
            && self.conflicts.is_empty()
    }

    /// True if no flow is there that shall not be, and none is missing but those that serve the objects of the cookies
    /// in `waiting`, or that were refused and are not the pipeline's: what is missing closes.
    pub(super) fn is_guarded(&self, waiting: &BTreeSet<Cookie>) -> bool {
        let harmless = |entry: &Entry| !self.installed.contains(entry);
        let closed = |entry: &Entry| self.installed.get(entry).is_none_or(closes);
        self.is_compared()
            && self.on_its_way.is_empty()
            && self.unseen.is_empty()
            && self.conflicts.is_empty()
            && self
                .aside
                .entries()
                .iter()
                .all(|((class, _), entry)| class != Class::Base && closed(entry))
            && self.backlog.iter().all(|((class, cookie), entry)| {
                class != Class::Stale && waiting.contains(&cookie) && harmless(entry)
            })
    }

    /// True if every flow of the object is as it shall be, up to this class.
    pub(super) fn serves(&self, cookie: Cookie, last: Class) -> bool {
        let conflict = |entry: &Entry| entry.flow().cookie == cookie.raw();
        self.is_compared()
            && !self.backlog.holds(cookie, last)
            && (last < Class::Elsewhere || self.has_seen(cookie))
            && !self.aside.entries().holds(cookie, last)
            && !self.conflicts.iter().any(conflict)
    }

    /// True if every flow of every object is as it shall be, up to this class.
    pub(super) fn serves_all(&self, last: Class) -> bool {
        let mut classes = Class::ALL.into_iter().filter(|class| *class <= last);
        self.conflicts.is_empty()
            && self.aside.entries().is_empty()
            && classes.all(|class| self.has_all(class))
    }

    /// True if nothing of the class is missing that can be had.
    pub(super) fn has_all(&self, class: Class) -> bool {
        let unseen = class == Class::Elsewhere && !self.unseen.is_empty();
        self.is_compared() && !unseen && !self.backlog.holds_class(class)
    }

    /// False if what serves the cookie's object was not looked at yet.
    fn has_seen(&self, cookie: Cookie) -> bool {
        let found = self
            .unseen
            .binary_search_by_key(&Reverse(cookie), |unit| Reverse(unit.cookie()));
        found.is_err()
    }

    /// Flows that were refused, and why.
    pub(super) fn set_aside(&self) -> impl Iterator<Item = (&Entry, &str)> {
        self.aside.reasons()
    }

    /// One of the conflicts with others' flows.
    pub(super) fn conflict(&self) -> Option<&Flow> {
        self.conflicts.first().map(Entry::flow)
    }

    fn is_compared(&self) -> bool {
        self.happened.as_ref().is_some_and(Vec::is_empty)
    }

    /// Something has happened to the entry: it is looked at with the next update.
    fn note(&mut self, entry: &Entry) {
        if let Some(happened) = &mut self.happened {
            happened.push(entry.clone());
        }
    }

    fn install(&mut self, entry: Entry) {
        self.mentions.add(entry.flow());
        if let Some(old) = self.installed.replace(entry) {
            self.mentions.remove(old.flow());
        }
    }

    fn uninstall(&mut self, entry: &Entry) {
        if let Some(old) = self.installed.take(entry) {
            self.mentions.remove(old.flow());
        }
    }
}

/// True if that is what is done with an entry in this turn.
fn deletes((class, _): Turn) -> bool {
    class == Class::Stale
}

/// True if the flow forgets its packets.
fn closes(entry: &Entry) -> bool {
    entry.flow().instructions.is_drop()
}

/// The cookies of flows that the flow makes the switch learn.
pub(super) fn learns(flow: &Flow) -> impl Iterator<Item = Cookie> {
    flow.instructions
        .apply
        .iter()
        .filter_map(|action| match action {
            Action::Learn(learn) => Cookie::from_raw(learn.cookie),
            _ => None,
        })
}
