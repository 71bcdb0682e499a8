//! A simulated bridge that speaks OpenFlow 1.4 from the codec, message by message, and misbehaves on command. Knows nothing of
//! heddle, of sockets or of time.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, BTreeSet};

use bytes::BytesMut;
use flows::ofpkt::{
    ALL_TABLES, Body, BundleControl, BundleControlKind, BundleFlags, ErrorMessage, FlowEvent,
    FlowMod, FlowModCommand, FlowStats, FlowStatsRequest, FlowUpdate, Hello, Message,
    MultipartReply, MultipartRequest, PortChange, PortDesc, PortStatus, TableStats, take,
};
use flows::{EthAddr, Flow, FlowTable, Port, Version};

use crate::packets::Tables;

const VERSION: Version = Version::V14;
/// OFPET_FLOW_MOD_FAILED, OFPFMFC_TABLE_FULL.
const TABLE_FULL: (u16, u16) = (5, 1);
/// OFPET_BUNDLE_FAILED, OFPBFC_MSG_FAILED.
const MSG_FAILED: (u16, u16) = (17, 13);

/// What the switch does wrong from now on.
#[derive(Default)]
pub struct Mischief {
    /// Refuses the n-th change from now, when it comes into a bundle.
    pub refuse: Option<usize>,
    /// Refuses the first change of the next bundle, when that is committed.
    pub refuse_commit: bool,
    /// Closes the connection when the n-th change from now comes into a bundle.
    pub hang_up: Option<usize>,
    /// Commits the next bundle and closes the connection before it says so.
    pub swallow_answer: bool,
    /// What the next answer that lists flows has wrong.
    pub lie: Option<Lie>,
}

/// What is wrong in a list of flows.
pub enum Lie {
    /// The n-th flow is left out.
    Conceal(usize),
    /// The n-th flow is said to drop.
    Alter(usize),
    /// This flow is not there.
    Invent(Flow),
}

impl Lie {
    /// What it makes of the truth; none if the list is too short for it.
    fn tell(&self, listed: &mut Vec<Flow>) -> Option<()> {
        match self {
            Self::Conceal(n) => {
                listed.get(*n)?;
                listed.remove(*n);
            }
            Self::Alter(n) => {
                let flow = listed.get_mut(*n)?;
                *flow =
                    Flow::new(flow.table, flow.priority, flow.matches.clone()).cookie(flow.cookie);
            }
            Self::Invent(flow) => listed.push(flow.clone()),
        }
        Some(())
    }
}

/// A bridge and the one connection to it.
#[derive(Default)]
pub struct Bridge {
    /// Name by number.
    pub ports: BTreeMap<u32, String>,
    /// The other end of each patch port, by name.
    peers: BTreeMap<String, String>,
    pub mischief: Mischief,
    /// How often it was told to add or delete.
    pub told: usize,
    flows: FlowTable,
    /// The flows as packets see them, since these have last been looked at.
    tables: OnceCell<Tables>,
    /// Packets may go otherwise than when somebody last asked.
    changed: Cell<bool>,
    connection: Option<Connection>,
}

#[derive(Default)]
struct Connection {
    input: BytesMut,
    output: Vec<u8>,
    bundles: BTreeMap<u32, Vec<(u32, FlowMod)>>,
    watching: bool,
    /// The places of flows that have changed since the monitor had to pause.
    paused: Option<BTreeSet<(u8, u16, String)>>,
}

impl Bridge {
    pub fn flows(&self) -> &FlowTable {
        &self.flows
    }

    pub fn flows_mut(&mut self) -> &mut FlowTable {
        self.tables.take();
        self.changed.set(true);
        &mut self.flows
    }

    pub fn tables(&self) -> &Tables {
        self.tables.get_or_init(|| Tables::new(&self.flows))
    }

    /// True if packets may go otherwise since this was last asked.
    pub fn has_changed(&self) -> bool {
        self.changed.take()
    }

    pub fn peers(&self) -> &BTreeMap<String, String> {
        &self.peers
    }

    pub fn set_peers(&mut self, peers: BTreeMap<String, String>) {
        self.changed.set(self.changed.get() || self.peers != peers);
        self.peers = peers;
    }

    pub fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Somebody connects; whoever was connected is not any more.
    pub fn connect(&mut self) {
        self.connection = Some(Connection::default());
        self.send(1, Body::Hello(Hello::offering(&[VERSION])));
    }

    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    /// The process ends and another begins: no flows, and these ports.
    pub fn restart(&mut self, ports: BTreeMap<u32, String>) {
        *self = Self {
            ports,
            peers: std::mem::take(&mut self.peers),
            changed: Cell::new(true),
            ..Self::default()
        };
    }

    pub fn receive(&mut self, bytes: &[u8]) {
        if let Some(connection) = &mut self.connection {
            connection.input.extend_from_slice(bytes);
        }
    }

    /// The first `count` bytes of what the switch has said.
    pub fn take_output(&mut self, count: usize) -> Vec<u8> {
        match &mut self.connection {
            Some(connection) => {
                let count = count.min(connection.output.len());
                connection.output.drain(..count).collect()
            }
            None => Vec::new(),
        }
    }

    pub fn set_port(&mut self, number: u32, name: Option<&str>) {
        self.changed.set(true);
        let (change, name) = match name {
            Some(name) => {
                self.ports.insert(number, name.to_owned());
                (PortChange::Add, name.to_owned())
            }
            None => match self.ports.remove(&number) {
                Some(name) => (PortChange::Delete, name),
                None => return,
            },
        };
        let desc = describe(number, &name);
        self.send(0, Body::PortStatus(PortStatus { change, desc }));
    }

    /// Somebody else adds a flow, or deletes the one in its place.
    pub fn edit(&mut self, flow: Flow, add: bool) {
        let event = if !add {
            self.flows_mut().remove(&flow);
            FlowEvent::Removed
        } else if self.flows_mut().insert(flow.clone()).is_some() {
            FlowEvent::Modified
        } else {
            FlowEvent::Added
        };
        self.tell(event, flow);
    }

    /// `ovs-ofctl del-flows`.
    pub fn delete_all(&mut self) {
        let flows: Vec<Flow> = self.flows.iter().cloned().collect();
        for flow in flows {
            self.edit(flow, false);
        }
    }

    /// The monitor has no room: it tells only what is removed, and what else has changed when it goes on.
    pub fn pause(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        if connection.watching && connection.paused.is_none() {
            connection.paused = Some(BTreeSet::new());
            self.update(vec![FlowUpdate::Paused]);
        }
    }

    pub fn resume(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let Some(changed) = connection.paused.take() else {
            return;
        };
        let there = self
            .flows
            .iter()
            .filter(|flow| changed.contains(&place(flow)));
        let mut updates: Vec<_> = there
            .map(|flow| FlowUpdate::Full(FlowEvent::Added, 0, Box::new(flow.clone())))
            .collect();
        updates.push(FlowUpdate::Resumed);
        for update in updates {
            self.update(vec![update]);
        }
    }

    /// Handles the next message, if a whole one is there. True if flows may have changed.
    pub fn handle_next(&mut self) -> Option<bool> {
        let connection = self.connection.as_mut()?;
        let message = take(&mut connection.input).unwrap()?;
        let message = Message::decode(&message).unwrap();
        let xid = message.xid;
        match message.body {
            Body::EchoRequest(data) => self.send(xid, Body::EchoReply(data)),
            Body::BarrierRequest => self.send(xid, Body::BarrierReply),
            Body::MultipartRequest(request) => self.answer(xid, request),
            Body::BundleControl(control) => return Some(self.control(xid, control)),
            Body::BundleAdd(add) => {
                let Body::FlowMod(change) = add.message.body else {
                    panic!("only flows are put into bundles")
                };
                if is_now(&mut self.mischief.hang_up) {
                    self.disconnect();
                    return Some(false);
                }
                if is_now(&mut self.mischief.refuse) {
                    self.refuse(xid, TABLE_FULL);
                    return Some(false);
                }
                let connection = self.connection.as_mut()?;
                let bundle = connection.bundles.get_mut(&add.bundle_id);
                bundle.expect("the bundle is open").push((xid, *change));
            }
            Body::Hello(_) | Body::SetConfig(_) | Body::EchoReply(_) => {}
            other => panic!("heddle does not send {other:?}"),
        }
        Some(false)
    }

    fn answer(&mut self, xid: u32, request: MultipartRequest) {
        let reply = match request {
            MultipartRequest::PortDesc(_) => {
                let ports = self.ports.iter();
                MultipartReply::PortDesc(ports.map(|(n, name)| describe(*n, name)).collect())
            }
            MultipartRequest::FlowMonitor(_) => {
                self.connection.iter_mut().for_each(|c| c.watching = true);
                MultipartReply::FlowMonitor(Vec::new())
            }
            MultipartRequest::Table => {
                let count = |table| self.flows.iter().filter(|f| f.table == table).count();
                let stats = |table| TableStats {
                    table,
                    active: count(table).try_into().unwrap(),
                    lookups: 0,
                    matched: 0,
                    abilities: None,
                };
                MultipartReply::Table((0..=91).map(stats).collect())
            }
            MultipartRequest::Flow(question) => {
                let mut listed: Vec<_> = self
                    .flows
                    .iter()
                    .filter(|flow| is_meant(flow, &question))
                    .cloned()
                    .collect();
                let lie = &mut self.mischief.lie;
                lie.take_if(|lie| lie.tell(&mut listed).is_some());
                let (head, tail) = listed.split_at(listed.len() / 2);
                let part = |part: &[Flow]| {
                    MultipartReply::Flow(part.iter().cloned().map(FlowStats::new).collect())
                };
                self.send(xid, Body::MultipartReply(part(head), true));
                part(tail)
            }
            other => panic!("heddle does not ask {other:?}"),
        };
        self.send(xid, Body::MultipartReply(reply, false));
    }

    fn control(&mut self, xid: u32, control: BundleControl) -> bool {
        let Some(connection) = &mut self.connection else {
            return false;
        };
        let answer = match control.kind {
            BundleControlKind::OpenRequest => {
                connection.bundles.insert(control.bundle_id, Vec::new());
                BundleControlKind::OpenReply
            }
            BundleControlKind::DiscardRequest => {
                connection.bundles.remove(&control.bundle_id).unwrap();
                BundleControlKind::DiscardReply
            }
            BundleControlKind::CommitRequest => {
                let changes = connection.bundles.remove(&control.bundle_id).unwrap();
                if let Some((first, _)) = changes.first().filter(|_| self.mischief.refuse_commit) {
                    self.mischief.refuse_commit = false;
                    self.refuse(*first, TABLE_FULL);
                    self.refuse(xid, MSG_FAILED);
                    return false;
                }
                for (xid, change) in changes {
                    self.carry_out(xid, change);
                }
                if std::mem::take(&mut self.mischief.swallow_answer) {
                    self.disconnect();
                }
                BundleControlKind::CommitReply
            }
            other => panic!("heddle does not send {other:?}"),
        };
        let flags = BundleFlags::ATOMIC.with(BundleFlags::ORDERED);
        let reply = BundleControl::new(control.bundle_id, answer, flags);
        self.send(xid, Body::BundleControl(reply));
        answer == BundleControlKind::CommitReply
    }

    fn carry_out(&mut self, xid: u32, change: FlowMod) {
        let meant = |flow: &&Flow| {
            (flow.cookie ^ change.flow.cookie) & change.cookie_mask == 0
                && [flow.table, ALL_TABLES].contains(&change.flow.table)
        };
        // To forget what was learned, and only that, is no news.
        self.told += usize::from(change.command != FlowModCommand::Delete);
        let flows = self.flows_mut();
        match change.command {
            FlowModCommand::Add => drop(flows.insert(change.flow)),
            FlowModCommand::DeleteStrict => {
                if flows.get(&change.flow).filter(meant).is_some() {
                    flows.remove(&change.flow);
                }
            }
            FlowModCommand::Delete => {
                let gone: Vec<_> = flows.iter().filter(meant).cloned().collect();
                for flow in gone {
                    flows.remove(&flow);
                }
            }
            other => panic!("heddle does not {other:?}"),
        }
        self.update(vec![FlowUpdate::Abbreviated(xid)]);
    }

    fn tell(&mut self, event: FlowEvent, flow: Flow) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        match &mut connection.paused {
            Some(changed) if event != FlowEvent::Removed => {
                changed.insert(place(&flow));
            }
            _ => self.update(vec![FlowUpdate::Full(event, 0, Box::new(flow))]),
        }
    }

    fn update(&mut self, updates: Vec<FlowUpdate>) {
        if self.connection.as_ref().is_some_and(|c| c.watching) {
            let reply = MultipartReply::FlowMonitor(updates);
            self.send(0, Body::MultipartReply(reply, false));
        }
    }

    fn refuse(&mut self, xid: u32, (kind, code): (u16, u16)) {
        let error = ErrorMessage {
            kind,
            code,
            experimenter: None,
            data: Vec::new(),
            nicira: None,
        };
        self.send(xid, Body::Error(error));
    }

    fn send(&mut self, xid: u32, body: Body) {
        if let Some(connection) = &mut self.connection {
            Message::new(VERSION, xid, body).encode_into(&mut connection.output);
        }
    }
}

/// Counts down to what shall happen once.
fn is_now(left: &mut Option<usize>) -> bool {
    match left {
        Some(0) => {
            *left = None;
            true
        }
        Some(n) => {
            *n -= 1;
            false
        }
        None => false,
    }
}

fn is_meant(flow: &Flow, question: &FlowStatsRequest) -> bool {
    [flow.table, ALL_TABLES].contains(&question.table)
        && (flow.cookie ^ question.cookie) & question.cookie_mask == 0
}

fn place(flow: &Flow) -> (u8, u16, String) {
    (flow.table, flow.priority, flow.matches.to_string())
}

fn describe(number: u32, name: &str) -> PortDesc {
    PortDesc {
        port: Port(number),
        hw_addr: EthAddr([2, 0, 0, 0, 0, 1]),
        name: name.chars().take(15).collect(),
        config: 0,
        state: 0,
        features: [0; 4],
        speeds: [0; 2],
        properties: Vec::new(),
        ethernet: true,
    }
}
