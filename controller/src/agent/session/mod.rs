//! One OpenFlow 1.4 conversation with one bridge, as a state machine: bytes in, bytes and events out. No socket, no clock.
//!
//! | state      | what it waits for                                 | what comes next                                 |
//! |------------|---------------------------------------------------|-------------------------------------------------|
//! | `Greeting` | the switch's hello                                | asks to be told of changes, for ports and flows |
//! | `Listing`  | every part of the [`listing`]                     | [`SessionEvent::Began`]                         |
//! | `Running`  | [`Session::program`], and what the switch tells   | [`bundles`] on their way; changes by others     |
//!
//! The switch tells of changes from before the listing begins, so that nothing that happens meanwhile is missed: what it
//! tells comes after [`SessionEvent::Began`] as [`SessionEvent::FlowsChanged`]. When it has to pause for want of room it
//! makes up for it before it goes on (OpenFlow 1.5.1, 7.3.5.19.3), so a pause is of no interest here.

mod bundles;
mod listing;
mod outbox;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;
use flows::ofpkt::{
    ALL_TABLES, ANY_GROUP, Body, DecodeError, ErrorMessage, FlowEvent, FlowMonitorRequest,
    FlowUpdate, FrameError, Hello, Message, MultipartReply, MultipartRequest, PortChange,
    SwitchConfig, take,
};
use flows::{Match, Port, Version};

use self::bundles::Bundles;
use self::listing::Listing;
use self::outbox::Outbox;
use crate::reconcile::observation::{Listed, Observation};
use crate::reconcile::reconciler::{FlowMod, Refused};

/// Bundles are new in OpenFlow 1.4; nothing that heddle needs is newer.
pub const VERSION: Version = Version::V14;

/// `OFPET_BUNDLE_FAILED` (OpenFlow 1.4, 7.5.4.18).
const BUNDLE_FAILED: u16 = 17;

/// Number of the one flow monitor of a session.
const MONITOR: u32 = 1;
/// Flows added, removed, changed, with their instructions (OpenFlow 1.5.1, 7.3.5.19.1).
const WATCH: u16 = 2 | 4 | 8 | 16;

/// Which flows of the bridge a session is about.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The only table, if not all.
    pub table: Option<u8>,
    /// Cookies that flows of large tables probably have. A switch finds the flows of one cookie without looking at the
    /// others, so listing them by cookie does not pause forwarding; what has other cookies is found, too, but not so cheaply.
    pub cookies: Arc<[u64]>,
}

/// What a conversation came to.
#[derive(Debug, PartialEq)]
pub enum SessionEvent {
    /// Before it begins: flows in its scope, in no order, each once.
    Listed(Listed),
    /// It has begun: all flows in its scope are listed, and these are all ports.
    Began {
        /// Name by number.
        ports: BTreeMap<u32, String>,
    },
    /// A port is there, or has this name now, or (none) is gone.
    PortChanged {
        /// Its number.
        ofport: u32,
        /// Its name, at most 15 bytes of it.
        name: Option<String>,
    },
    /// Others have changed flows, in this order.
    FlowsChanged(Vec<Observation>),
    /// All changes of the first bundle that was not answered yet are made.
    Acknowledged,
    /// None of them is, nor of the bundles after it.
    Refused {
        /// Why.
        error: Refusal,
    },
}

/// Why a bundle was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// These of its changes: the first, and the others.
    #[error("{0}")]
    Changes(Refused, Vec<Refused>),
    /// The bundle as a whole.
    #[error("{0}")]
    Bundle(String),
}

/// The conversation can not go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The stream can not be cut into messages.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A message makes no sense.
    #[error("a message that can not be read: {0}")]
    Decode(#[from] DecodeError),
    /// No common version.
    #[error(
        "the bridge does not speak OpenFlow 1.4: allow it with `ovs-vsctl add bridge BRIDGE protocols OpenFlow14` \
         (or clear protocols)"
    )]
    Version,
    /// A question that every switch can answer was refused.
    #[error("the switch refused to say what is there: {0}")]
    Listing(String),
    /// Nobody knows what is there now.
    #[error("the switch committed a bundle of which it has refused a part: {0}")]
    Contradiction(Refusal),
}

enum State {
    Greeting,
    Listing {
        listing: Listing,
        /// What others have done since it began.
        meanwhile: Vec<Observation>,
    },
    Running,
}

/// See the [module](self).
pub struct Session {
    state: State,
    input: BytesMut,
    outbox: Outbox,
    scope: Scope,
    ports: BTreeMap<u32, String>,
    monitor_xid: Option<u32>,
    bundles: Bundles,
}

impl Session {
    /// Begins a conversation about the flows in `scope`.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        let mut outbox = Outbox::default();
        outbox.send(Body::Hello(Hello::offering(&[VERSION])));
        Self {
            state: State::Greeting,
            input: BytesMut::new(),
            outbox,
            scope,
            ports: BTreeMap::new(),
            monitor_xid: None,
            bundles: Bundles::default(),
        }
    }

    /// Bytes for the switch; the caller takes away what it has sent.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.outbox.bytes
    }

    /// Asks for a sign of life.
    pub fn probe(&mut self) {
        self.outbox.send(Body::EchoRequest(Vec::new()));
    }

    /// Sends the changes as one bundle, behind those that are on their way: it is answered after them, and made only if
    /// they are. There is an answer at once if the switch could not read a change and no bundle is before it.
    pub fn program(&mut self, changes: Vec<FlowMod>) -> Vec<SessionEvent> {
        let mut events = Vec::new();
        self.bundles.program(changes, &mut self.outbox, &mut events);
        events
    }

    /// Takes in bytes from the switch.
    ///
    /// # Errors
    /// When the conversation can not go on.
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> Result<Vec<SessionEvent>, SessionError> {
        self.input.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(message) = take(&mut self.input)? {
            let message = Message::decode(&message)?;
            self.handle(message, &mut events)?;
        }
        Ok(events)
    }

    fn handle(
        &mut self,
        message: Message,
        events: &mut Vec<SessionEvent>,
    ) -> Result<(), SessionError> {
        let xid = message.xid;
        match message.body {
            Body::Hello(hello) => {
                if Hello::offering(&[VERSION]).agree(hello).is_none() {
                    return Err(SessionError::Version);
                }
                if matches!(self.state, State::Greeting) {
                    self.ask();
                    events.push(SessionEvent::Listed(Listed::Nothing));
                }
            }
            Body::EchoRequest(data) => self.outbox.answer(xid, Body::EchoReply(data)),
            Body::MultipartReply(MultipartReply::PortDesc(ports), _) => {
                let ports = ports.into_iter().map(|port| (port.port.0, port.name));
                self.ports.extend(ports);
            }
            Body::MultipartReply(MultipartReply::FlowMonitor(updates), _) => {
                self.flows_changed(updates, events);
            }
            Body::MultipartReply(reply, more) => self.listed(xid, reply, more, events),
            Body::PortStatus(status) => {
                let (port, name) = (status.desc.port.0, status.desc.name);
                events.extend(self.port_status(port, status.change, name));
            }
            Body::Error(error) => self.error(xid, &error, events)?,
            Body::BarrierReply => self.bundles.answered(xid, &mut self.outbox, events),
            Body::BundleControl(control) => {
                self.bundles.control(control, &mut self.outbox, events)?;
            }
            // What is left is not meant for a controller that asked for none of it.
            _ => {}
        }
        Ok(())
    }

    /// Asks for all that must be known.
    fn ask(&mut self) {
        // A management socket tells of ports only after this (its default is 0).
        self.outbox.send(Body::SetConfig(SwitchConfig {
            flags: 0,
            miss_send_len: 128,
        }));
        let ports = MultipartRequest::PortDesc(Port::ANY);
        self.outbox.send(Body::MultipartRequest(ports));
        let monitor = FlowMonitorRequest {
            id: MONITOR,
            command: 0,
            flags: WATCH,
            out_port: Port::ANY,
            out_group: ANY_GROUP,
            table: self.scope.table.unwrap_or(ALL_TABLES),
            matches: Match::new(),
        };
        let monitor = MultipartRequest::FlowMonitor(vec![monitor]);
        self.monitor_xid = Some(self.outbox.send(Body::MultipartRequest(monitor)));
        self.state = State::Listing {
            listing: Listing::begin(&self.scope, &mut self.outbox),
            meanwhile: Vec::new(),
        };
    }

    fn listed(
        &mut self,
        xid: u32,
        reply: MultipartReply,
        more: bool,
        events: &mut Vec<SessionEvent>,
    ) {
        let State::Listing { listing, meanwhile } = &mut self.state else {
            return;
        };
        let mut listed = Vec::new();
        let is_all = listing.handle(xid, reply, more, &mut self.outbox, &mut listed);
        for listed in listed {
            match (events.last_mut(), listed) {
                (Some(SessionEvent::Listed(Listed::Flows(before))), Listed::Flows(flows)) => {
                    before.extend(flows);
                }
                (_, listed) => events.push(SessionEvent::Listed(listed)),
            }
        }
        if is_all {
            let ports = std::mem::take(&mut self.ports);
            events.push(SessionEvent::Began { ports });
            if !meanwhile.is_empty() {
                events.push(SessionEvent::FlowsChanged(std::mem::take(meanwhile)));
            }
            self.state = State::Running;
        }
    }

    fn flows_changed(&mut self, updates: Vec<FlowUpdate>, events: &mut Vec<SessionEvent>) {
        // This session's own changes come as `Abbreviated`.
        let observations = updates.into_iter().filter_map(|update| match update {
            FlowUpdate::Full(FlowEvent::Removed, _, flow) => Some(Observation::Gone(*flow)),
            FlowUpdate::Full(_, _, flow) => Some(Observation::There(*flow)),
            FlowUpdate::Abbreviated(_)
            | FlowUpdate::Paused
            | FlowUpdate::Resumed
            | FlowUpdate::Other(..) => None,
        });
        if let State::Listing { meanwhile, .. } = &mut self.state {
            meanwhile.extend(observations);
            return;
        }
        let observations: Vec<_> = observations.collect();
        match events.last_mut() {
            _ if observations.is_empty() => {}
            Some(SessionEvent::FlowsChanged(before)) => before.extend(observations),
            _ => events.push(SessionEvent::FlowsChanged(observations)),
        }
    }

    fn port_status(
        &mut self,
        ofport: u32,
        change: PortChange,
        name: String,
    ) -> Option<SessionEvent> {
        let name = match change {
            PortChange::Add | PortChange::Modify => Some(name),
            PortChange::Delete => None,
        };
        if matches!(self.state, State::Running) {
            return Some(SessionEvent::PortChanged { ofport, name });
        }
        match name {
            Some(name) => self.ports.insert(ofport, name),
            None => self.ports.remove(&ofport),
        };
        None
    }

    fn error(
        &mut self,
        xid: u32,
        error: &ErrorMessage,
        events: &mut Vec<SessionEvent>,
    ) -> Result<(), SessionError> {
        if self.monitor_xid == Some(xid) {
            tracing::warn!(
                "the switch does not tell of changed flows ({}): what others do to them is seen in the next session only",
                describe(error)
            );
            return Ok(());
        }
        match self.state {
            State::Greeting => Err(SessionError::Version),
            State::Listing { .. } => Err(SessionError::Listing(describe(error))),
            State::Running => {
                let bundle_failed = error.kind == BUNDLE_FAILED;
                let error = describe(error);
                self.bundles
                    .error(xid, error, bundle_failed, &mut self.outbox, events);
                Ok(())
            }
        }
    }
}

fn describe(error: &ErrorMessage) -> String {
    match error.error(VERSION) {
        Some(known) => known.to_string(),
        None => format!("error type {} code {}", error.kind, error.code),
    }
}

#[cfg(test)]
mod tests;
