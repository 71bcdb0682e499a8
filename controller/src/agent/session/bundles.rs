//! Bundles on their way: the switch fills one while it commits the one before, and makes them in order or not at all.
//!
//! | a bundle is    | until                                                          | then                                  |
//! |----------------|----------------------------------------------------------------|---------------------------------------|
//! | filling        | its barrier is answered: every change was taken, or not        | it waits for the bundles before it    |
//! | filled         | it is the first                                                | commit; discard if one was refused    |
//! | ending         | the answer to that, or an error                                | acknowledged; refused with all behind |
//!
//! The commit waits for the barrier because Open vSwitch commits what is left when it has refused a part of a bundle, and
//! for the commit before because a change may rely on one before it.

use std::collections::VecDeque;

use flows::ofpkt::{
    Body, BundleAddHead, BundleControl, BundleControlKind, BundleFlags, FlowChange,
    FlowMod as WireFlowMod,
};

use super::outbox::Outbox;
use super::{Refusal, SessionError, SessionEvent, VERSION};
use crate::reconcile::reconciler::{FlowMod, Refused};

/// The length of a message is a 16-bit number (OpenFlow 1.4, 7.1).
const MAX_MESSAGE: usize = 0xffff;

#[derive(Default)]
pub(super) struct Bundles {
    /// The first is the oldest.
    queue: VecDeque<Bundle>,
    next_id: u32,
    /// Why a bundle was refused, until those behind it are taken back.
    refusal: Option<Refusal>,
}

struct Bundle {
    id: u32,
    changes: Vec<FlowMod>,
    first_xid: u32,
    /// Why it can not be made.
    refusal: Option<Refusal>,
    progress: Progress,
}

#[derive(Clone, Copy, PartialEq)]
enum Progress {
    Filling {
        barrier: u32,
    },
    Filled,
    Ending {
        end: u32,
    },
    /// A part of it can not be sent, so the switch does not know of it.
    Unsent,
}

impl Bundle {
    /// The change that a transaction id belongs to.
    fn change(&self, xid: u32) -> Option<&FlowMod> {
        let place = usize::try_from(xid.wrapping_sub(self.first_xid)).ok()?;
        self.changes.get(place)
    }

    /// Takes note of a change that the switch refuses, for itself or because something is wrong with the bundle.
    fn refuse(&mut self, refused: Refused, bundle_failed: bool) {
        let to_blame = !bundle_failed && !matches!(refused.change, FlowMod::Forget(_));
        match &mut self.refusal {
            None if to_blame => self.refusal = Some(Refusal::Changes(refused, Vec::new())),
            None => self.refusal = Some(Refusal::Bundle(refused.to_string())),
            Some(Refusal::Changes(_, others)) if to_blame => others.push(refused),
            Some(_) => {}
        }
    }

    /// True for the transaction ids from the request to open it up to its barrier.
    fn encloses(&self, xid: u32) -> bool {
        let open = self.first_xid.wrapping_sub(1);
        matches!(self.progress, Progress::Filling { barrier }
            if xid.wrapping_sub(open) <= barrier.wrapping_sub(open))
    }
}

impl Bundles {
    pub(super) fn program(
        &mut self,
        changes: Vec<FlowMod>,
        outbox: &mut Outbox,
        events: &mut Vec<SessionEvent>,
    ) {
        self.next_id = self.next_id.wrapping_add(1);
        let mark = outbox.mark();
        let open = control(outbox, self.next_id, BundleControlKind::OpenRequest);
        let mut bundle = Bundle {
            id: self.next_id,
            first_xid: open.wrapping_add(1),
            refusal: None,
            progress: Progress::Unsent,
            changes,
        };
        fill(&mut bundle, outbox);
        if bundle.refusal.is_none() {
            let barrier = outbox.send(Body::BarrierRequest);
            bundle.progress = Progress::Filling { barrier };
        } else {
            outbox.rewind(mark);
        }
        self.queue.push_back(bundle);
        self.advance(outbox, events);
    }

    /// A barrier is answered: the switch has answered all that came before it.
    pub(super) fn answered(
        &mut self,
        xid: u32,
        outbox: &mut Outbox,
        events: &mut Vec<SessionEvent>,
    ) {
        let barrier = Progress::Filling { barrier: xid };
        if let Some(bundle) = self.queue.iter_mut().find(|b| b.progress == barrier) {
            bundle.progress = Progress::Filled;
            self.advance(outbox, events);
        }
    }

    pub(super) fn control(
        &mut self,
        control: BundleControl,
        outbox: &mut Outbox,
        events: &mut Vec<SessionEvent>,
    ) -> Result<(), SessionError> {
        let is_answer = |first: &Bundle| {
            control.bundle_id == first.id && matches!(first.progress, Progress::Ending { .. })
        };
        if !self.queue.front().is_some_and(is_answer) {
            return Ok(());
        }
        let refusal = self
            .queue
            .front_mut()
            .and_then(|first| first.refusal.take());
        match (control.kind, refusal) {
            (BundleControlKind::CommitReply, None) => events.push(SessionEvent::Acknowledged),
            (BundleControlKind::CommitReply, Some(refusal)) => {
                return Err(SessionError::Contradiction(refusal));
            }
            (BundleControlKind::DiscardReply, _) => {}
            _ => return Ok(()),
        }
        self.queue.pop_front();
        self.advance(outbox, events);
        Ok(())
    }

    pub(super) fn error(
        &mut self,
        xid: u32,
        error: String,
        bundle_failed: bool,
        outbox: &mut Outbox,
        events: &mut Vec<SessionEvent>,
    ) {
        // A change is refused when it comes, or when its bundle is committed; then one more error answers the commit.
        for bundle in &mut self.queue {
            if let Some(change) = bundle.change(xid) {
                let refused = Refused {
                    change: change.clone(),
                    reason: error,
                };
                bundle.refuse(refused, bundle_failed);
                return;
            }
        }
        let ending = Progress::Ending { end: xid };
        if self
            .queue
            .front()
            .is_some_and(|first| first.progress == ending)
        {
            let refusal = self.queue.pop_front().and_then(|bundle| bundle.refusal);
            let refusal = refusal.unwrap_or(Refusal::Bundle(error));
            self.refusal.get_or_insert(refusal);
            self.advance(outbox, events);
        } else if let Some(bundle) = self.queue.iter_mut().find(|bundle| bundle.encloses(xid)) {
            bundle.refusal.get_or_insert(Refusal::Bundle(error));
        }
    }

    /// Ends the first bundle if it is filled.
    fn advance(&mut self, outbox: &mut Outbox, events: &mut Vec<SessionEvent>) {
        while let Some(first) = self.queue.front_mut() {
            match first.progress {
                Progress::Filling { .. } | Progress::Ending { .. } => return,
                Progress::Unsent => {
                    let refusal = self.queue.pop_front().and_then(|bundle| bundle.refusal);
                    self.refusal = self.refusal.take().or(refusal);
                }
                Progress::Filled => {
                    let refusal = first.refusal.take();
                    self.refusal = self.refusal.take().or(refusal);
                    let kind = match self.refusal {
                        None => BundleControlKind::CommitRequest,
                        Some(_) => BundleControlKind::DiscardRequest,
                    };
                    let end = control(outbox, first.id, kind);
                    first.progress = Progress::Ending { end };
                    return;
                }
            }
        }
        if let Some(error) = self.refusal.take() {
            events.push(SessionEvent::Refused { error });
        }
    }
}

fn control(outbox: &mut Outbox, bundle_id: u32, kind: BundleControlKind) -> u32 {
    outbox.send(Body::BundleControl(BundleControl::new(
        bundle_id,
        kind,
        flags(),
    )))
}

/// Writes the changes. What can not be sent is refused.
fn fill(bundle: &mut Bundle, outbox: &mut Outbox) {
    let mut refused = Vec::new();
    for change in &bundle.changes {
        let head = BundleAddHead {
            version: VERSION,
            xid: outbox.xid(),
            bundle_id: bundle.id,
            flags: flags(),
        };
        let written = match change {
            FlowMod::Add(flow) => write(head, FlowChange::add(flow), outbox),
            // Should somebody have put a flow of their own in its place, that one stays.
            FlowMod::Delete(flow) => write(head, FlowChange::delete_strict(flow, u64::MAX), outbox),
            FlowMod::Forget(cookie) => {
                let forget = WireFlowMod::delete_by_cookie(cookie.raw(), u64::MAX);
                write(head, FlowChange::from(&forget), outbox)
            }
        };
        if let Err(reason) = written {
            let change = change.clone();
            refused.push(Refused { change, reason });
        }
    }
    for refused in refused {
        bundle.refuse(refused, false);
    }
}

/// Writes one change. The switch must read in the message what was meant.
fn write(head: BundleAddHead, change: FlowChange<'_>, outbox: &mut Outbox) -> Result<(), String> {
    let start = outbox.bytes.len();
    head.encode_into(change, &mut outbox.bytes);
    let message = outbox.bytes.get(start..).unwrap_or_default();
    if message.len() > MAX_MESSAGE {
        return Err(format!(
            "longer than an OpenFlow message can be ({MAX_MESSAGE} bytes)"
        ));
    }
    match head.reads_back(change, message) {
        Ok(true) => Ok(()),
        Ok(false) => Err("a switch would read something else".to_owned()),
        Err(error) => Err(format!("a switch could not read it: {error}")),
    }
}

pub(super) fn flags() -> BundleFlags {
    BundleFlags::ATOMIC.with(BundleFlags::ORDERED)
}
