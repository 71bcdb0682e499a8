//! The flows of a bridge, asked for in pieces, because the switch does not forward while it answers one question.
//!
//! Open vSwitch puts a whole answer together in one go. That takes it a microsecond or two a flow that it tells, and a tenth
//! of one a flow that it has to look at; the flows of one cookie it finds without looking at others. So:
//!
//! 1. It says how many flows each table has. A table with few is asked for whole, one table after the other.
//! 2. The flows of larger tables are asked for by the cookies that are expected.
//! 3. It says again how many there are. A table of which more is there, or less, has flows with other cookies, or is
//!    changing: it is asked for in slices of cookies, each flow in one.
//!
//! What is said is passed on at once and kept here no longer: most of it is what its receiver has already.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use flows::Flow;
use flows::ofpkt::{
    ALL_TABLES, Body, FlowStats, FlowStatsRequest, MultipartReply, MultipartRequest,
};

use super::Scope;
use super::outbox::Outbox;
use crate::reconcile::observation::Listed;

/// A question may have about as many flows in its answer, and so may all questions together that are on their way.
const PIECE: usize = 1_500;
/// What a question for one cookie counts as, whose answer is a handful of flows.
const COOKIE: usize = 30;
/// The bits of a cookie that slices differ in: of heddle's cookies the low ones are those of a random number.
const SLICE_BITS: u32 = 12;

pub(super) struct Listing {
    only: Option<u8>,
    cookies: Arc<[u64]>,
    phase: Phase,
    /// The question how many there are.
    counting: u32,
    tables: BTreeMap<u8, Table>,
    /// Questions yet to be asked, apart from those by cookie, and what each counts as.
    questions: VecDeque<(FlowStatsRequest, usize)>,
    /// The place in `cookies` of the first that is not asked for yet.
    next_cookie: usize,
    asked: BTreeMap<u32, Asked>,
    /// What the questions on their way count as.
    load: usize,
}

#[derive(Clone, Copy)]
enum Phase {
    Counting,
    Asking,
    Recounting,
    Slicing,
}

/// A question on its way.
#[derive(Clone, Copy)]
struct Asked {
    weight: usize,
    /// For one cookie in all tables: those that are asked for whole have been or will be.
    by_cookie: bool,
}

#[derive(Default)]
struct Table {
    /// How many flows it had when the listing began.
    count: usize,
    /// How many were found.
    found: usize,
}

impl Table {
    fn is_large(&self) -> bool {
        self.count > PIECE
    }
}

impl Listing {
    pub(super) fn begin(scope: &Scope, outbox: &mut Outbox) -> Self {
        Self {
            only: scope.table,
            cookies: Arc::clone(&scope.cookies),
            phase: Phase::Counting,
            counting: count(outbox),
            tables: BTreeMap::new(),
            questions: VecDeque::new(),
            next_cookie: 0,
            asked: BTreeMap::new(),
            load: 0,
        }
    }

    /// Takes an answer, or a part of one, and adds to `listed` what it says. True if there is nothing left to ask.
    pub(super) fn handle(
        &mut self,
        xid: u32,
        reply: MultipartReply,
        more: bool,
        outbox: &mut Outbox,
        listed: &mut Vec<Listed>,
    ) -> bool {
        match reply {
            MultipartReply::Table(tables) if xid == self.counting => {
                for table in tables {
                    if self.only.is_none_or(|only| only == table.table) {
                        let count = usize::try_from(table.active).unwrap_or(usize::MAX);
                        listed.extend(self.counted(table.table, count));
                    }
                }
                if more {
                    return false;
                }
                self.phase = match self.phase {
                    Phase::Counting => Phase::Asking,
                    Phase::Asking | Phase::Recounting | Phase::Slicing => Phase::Slicing,
                };
            }
            MultipartReply::Flow(flows) => {
                let Some(asked) = self.asked.get(&xid).copied() else {
                    return false;
                };
                let flows = flows.into_iter().map(|FlowStats { flow, .. }| flow);
                let flows: Vec<Flow> = flows.filter(|flow| self.is_new(flow, asked)).collect();
                if !flows.is_empty() {
                    listed.push(Listed::Flows(flows));
                }
                if more {
                    return false;
                }
                self.asked.remove(&xid);
                self.load = self.load.saturating_sub(asked.weight);
            }
            _ => return false,
        }
        self.ask(outbox);
        if !self.asked.is_empty() {
            return false;
        }
        match self.phase {
            Phase::Asking if self.has_large() => {
                self.phase = Phase::Recounting;
                self.counting = count(outbox);
                false
            }
            Phase::Asking | Phase::Slicing => true,
            Phase::Counting | Phase::Recounting => false,
        }
    }

    /// Counts a flow, unless it is in the answer to another question as well.
    fn is_new(&mut self, flow: &Flow, asked: Asked) -> bool {
        let table = self.tables.entry(flow.table).or_default();
        let is_new = table.is_large() || !asked.by_cookie;
        table.found = table.found.saturating_add(usize::from(is_new));
        is_new
    }

    fn has_large(&self) -> bool {
        self.tables.values().any(Table::is_large)
    }

    /// A table has this many flows. Says so if it has to be listed again.
    fn counted(&mut self, number: u8, count: usize) -> Option<Listed> {
        let whole = FlowStatsRequest {
            table: number,
            ..FlowStatsRequest::all()
        };
        match self.phase {
            Phase::Counting if count > 0 => {
                let table = self.tables.entry(number).or_default();
                table.count = count;
                if !table.is_large() {
                    self.questions.push_back((whole, count));
                }
            }
            Phase::Recounting => {
                let table = self.tables.get_mut(&number)?;
                if !table.is_large() || table.found == count {
                    return None;
                }
                table.found = 0;
                let slices = count.div_ceil(PIECE).next_power_of_two();
                let slices = 1 << slices.ilog2().min(SLICE_BITS);
                self.questions.extend((0..slices).map(|cookie| {
                    let slice = FlowStatsRequest {
                        cookie,
                        cookie_mask: slices - 1,
                        ..whole.clone()
                    };
                    (slice, PIECE)
                }));
                return Some(Listed::Again(number));
            }
            Phase::Counting | Phase::Asking | Phase::Slicing => {}
        }
        None
    }

    /// Asks as much as may be on its way.
    fn ask(&mut self, outbox: &mut Outbox) {
        loop {
            let weight = self.questions.front().map_or(COOKIE, |(_, weight)| *weight);
            if self.load > 0 && self.load.saturating_add(weight) > PIECE {
                return;
            }
            let by_cookie = self.questions.is_empty();
            let question = match self.questions.pop_front() {
                Some((question, _)) => question,
                None => match self.next_by_cookie() {
                    Some(question) => question,
                    None => return,
                },
            };
            let xid = outbox.send(Body::MultipartRequest(MultipartRequest::Flow(question)));
            self.asked.insert(xid, Asked { weight, by_cookie });
            self.load = self.load.saturating_add(weight);
        }
    }

    fn next_by_cookie(&mut self) -> Option<FlowStatsRequest> {
        if !matches!(self.phase, Phase::Asking) || !self.has_large() {
            return None;
        }
        let cookie = self.cookies.get(self.next_cookie)?;
        self.next_cookie += 1;
        Some(FlowStatsRequest {
            table: self.only.unwrap_or(ALL_TABLES),
            ..FlowStatsRequest::with_cookie(*cookie, u64::MAX)
        })
    }
}

/// Asks how many flows each table has.
fn count(outbox: &mut Outbox) -> u32 {
    outbox.send(Body::MultipartRequest(MultipartRequest::Table))
}
