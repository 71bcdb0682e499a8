//! One OpenFlow 1.4 conversation with one bridge, as a state machine: bytes in, bytes and events out. No socket, no clock.
//!
//! | state        | what it waits for                                    | what comes next                               |
//! |--------------|------------------------------------------------------|-----------------------------------------------|
//! | `Greeting`   | the switch's hello                                   | asks for ports, then for flows                |
//! | `Listing`    | all parts of both answers                            | [`SessionEvent::Began`]                       |
//! | `Idle`       | [`Session::program`]                                 | a bundle is opened and filled, then a barrier |
//! | `Filling`    | the barrier's answer: every change was taken, or not | commit, or discard                            |
//! | `Committing` | the commit's answer, or an error                     | [`SessionEvent::Acknowledged`] or `Refused`   |
//!
//! The commit waits for the barrier because Open vSwitch commits what is left when it has refused a part of a bundle.

use std::collections::BTreeMap;

use bytes::BytesMut;
use flows::ofpkt::{
    Body, BundleAdd, BundleControl, BundleControlKind, BundleFlags, DecodeError, ErrorMessage,
    FlowMod as WireFlowMod, FlowStatsRequest, FrameError, Hello, Message, MultipartReply,
    MultipartRequest, PortChange, SwitchConfig, take,
};
use flows::{Flow, Port, Version};

use crate::reconcile::reconciler::FlowMod;

/// Bundles are new in OpenFlow 1.4; nothing that heddle needs is newer.
const VERSION: Version = Version::V14;

/// The length of a message is a 16-bit number (OpenFlow 1.4, 7.1).
const MAX_MESSAGE: usize = 0xffff;

/// What a conversation came to.
#[derive(Debug, PartialEq)]
pub(super) enum SessionEvent {
    /// It has begun: all ports, by number, and the flows that were asked for.
    Began {
        ports: BTreeMap<u32, String>,
        flows: Vec<Flow>,
    },
    /// A port is there, or has this name now, or (none) is gone.
    PortChanged { ofport: u32, name: Option<String> },
    /// All changes given to [`Session::program`] are made.
    Acknowledged,
    /// None of them is.
    Refused { error: Refusal },
}

/// Why a bundle was refused.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum Refusal {
    /// One of its changes.
    #[error("{error} for {flow}")]
    Flow { error: String, flow: Box<Flow> },
    /// The bundle as a whole.
    #[error("{0}")]
    Bundle(String),
}

/// The conversation can not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
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
}

enum State {
    Greeting,
    Listing,
    Idle,
    Filling {
        changes: Vec<FlowMod>,
        first_xid: u32,
        refusal: Option<Refusal>,
    },
    Committing {
        refusal: Option<Refusal>,
    },
}

/// See the [module](self).
pub(super) struct Session {
    state: State,
    input: BytesMut,
    output: Vec<u8>,
    next_xid: u32,
    bundle_id: u32,
    flows_asked_for: FlowStatsRequest,
    ports: BTreeMap<u32, String>,
    flows: Vec<Flow>,
}

impl Session {
    /// Begins a conversation that will list `flows_asked_for`.
    pub(super) fn new(flows_asked_for: FlowStatsRequest) -> Self {
        let mut session = Self {
            state: State::Greeting,
            input: BytesMut::new(),
            output: Vec::new(),
            next_xid: 1,
            bundle_id: 0,
            flows_asked_for,
            ports: BTreeMap::new(),
            flows: Vec::new(),
        };
        session.send(Body::Hello(Hello::offering(&[VERSION])));
        session
    }

    /// Bytes for the switch; the caller takes away what it has sent.
    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Asks for a sign of life.
    pub(super) fn probe(&mut self) {
        self.send(Body::EchoRequest(Vec::new()));
    }

    /// Sends the changes as one bundle. There must be no other on its way.
    ///
    /// # Errors
    ///
    /// A change does not fit into a message; nothing is sent.
    pub(super) fn program(&mut self, changes: Vec<FlowMod>) -> Result<(), Refusal> {
        let before = (self.output.len(), self.next_xid);
        self.bundle_id = self.bundle_id.wrapping_add(1);
        self.control(BundleControlKind::OpenRequest);
        let first_xid = self.next_xid;
        for change in &changes {
            let xid = self.xid();
            let start = self.output.len();
            let message = Message::new(VERSION, xid, Body::FlowMod(Box::new(wire(change))));
            let add = BundleAdd::new(self.bundle_id, flags(), message);
            Message::new(VERSION, xid, Body::BundleAdd(add)).encode_into(&mut self.output);
            if self.output.len() - start > MAX_MESSAGE {
                self.output.truncate(before.0);
                self.next_xid = before.1;
                let error = format!("longer than an OpenFlow message can be ({MAX_MESSAGE} bytes)");
                return Err(Refusal::Flow {
                    error,
                    flow: Box::new(wire(change).flow),
                });
            }
        }
        self.send(Body::BarrierRequest);
        self.state = State::Filling {
            changes,
            first_xid,
            refusal: None,
        };
        Ok(())
    }

    /// Takes in bytes from the switch.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8]) -> Result<Vec<SessionEvent>, SessionError> {
        self.input.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(message) = take(&mut self.input)? {
            let message = Message::decode(&message)?;
            events.extend(self.handle(message)?);
        }
        Ok(events)
    }

    fn handle(&mut self, message: Message) -> Result<Option<SessionEvent>, SessionError> {
        match message.body {
            Body::Hello(hello) => {
                if Hello::offering(&[VERSION]).agree(hello).is_none() {
                    return Err(SessionError::Version);
                }
                if matches!(self.state, State::Greeting) {
                    // A management socket tells of ports only after this (its default is 0).
                    self.send(Body::SetConfig(SwitchConfig {
                        flags: 0,
                        miss_send_len: 128,
                    }));
                    self.send(Body::MultipartRequest(MultipartRequest::PortDesc(
                        Port::ANY,
                    )));
                    let flows = self.flows_asked_for.clone();
                    self.send(Body::MultipartRequest(MultipartRequest::Flow(flows)));
                    self.state = State::Listing;
                }
                Ok(None)
            }
            Body::EchoRequest(data) => {
                Message::new(VERSION, message.xid, Body::EchoReply(data))
                    .encode_into(&mut self.output);
                Ok(None)
            }
            Body::MultipartReply(MultipartReply::PortDesc(ports), _) => {
                self.ports
                    .extend(ports.into_iter().map(|port| (port.port.0, port.name)));
                Ok(None)
            }
            Body::MultipartReply(MultipartReply::Flow(flows), more) => {
                self.flows.extend(flows.into_iter().map(|stats| stats.flow));
                if more || !matches!(self.state, State::Listing) {
                    return Ok(None);
                }
                self.state = State::Idle;
                let (ports, flows) = (
                    std::mem::take(&mut self.ports),
                    std::mem::take(&mut self.flows),
                );
                Ok(Some(SessionEvent::Began { ports, flows }))
            }
            Body::PortStatus(status) => {
                Ok(self.port_status(status.desc.port.0, status.change, status.desc.name))
            }
            Body::Error(error) => self.error(message.xid, &error),
            Body::BarrierReply => {
                self.filled();
                Ok(None)
            }
            Body::BundleControl(control) => Ok(self.bundle_control(control)),
            // What is left is not meant for a controller that asked for none of it.
            _ => Ok(None),
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
        if matches!(self.state, State::Greeting | State::Listing) {
            match name {
                Some(name) => self.ports.insert(ofport, name),
                None => self.ports.remove(&ofport),
            };
            return None;
        }
        Some(SessionEvent::PortChanged { ofport, name })
    }

    fn error(
        &mut self,
        xid: u32,
        error: &ErrorMessage,
    ) -> Result<Option<SessionEvent>, SessionError> {
        let said = describe(error);
        match &mut self.state {
            State::Greeting => Err(SessionError::Version),
            State::Listing => Err(SessionError::Listing(said)),
            State::Idle => Ok(None),
            State::Filling {
                changes,
                first_xid,
                refusal,
            } => {
                let place = usize::try_from(xid.wrapping_sub(*first_xid)).unwrap_or(usize::MAX);
                let reason = match changes.get(place).map(wire) {
                    Some(change) => Refusal::Flow {
                        error: said,
                        flow: Box::new(change.flow),
                    },
                    None => Refusal::Bundle(said),
                };
                refusal.get_or_insert(reason);
                Ok(None)
            }
            State::Committing { refusal } => {
                let error = refusal.take().unwrap_or(Refusal::Bundle(said));
                self.state = State::Idle;
                Ok(Some(SessionEvent::Refused { error }))
            }
        }
    }

    /// The switch has answered all changes of the bundle.
    fn filled(&mut self) {
        if let State::Filling { refusal, .. } = &mut self.state {
            let refusal = refusal.take();
            let kind = match refusal {
                None => BundleControlKind::CommitRequest,
                Some(_) => BundleControlKind::DiscardRequest,
            };
            self.state = State::Committing { refusal };
            self.control(kind);
        }
    }

    fn bundle_control(&mut self, control: BundleControl) -> Option<SessionEvent> {
        if control.bundle_id != self.bundle_id {
            return None;
        }
        let State::Committing { refusal } = &mut self.state else {
            return None;
        };
        let event = match (control.kind, refusal.take()) {
            (BundleControlKind::CommitReply, _) => SessionEvent::Acknowledged,
            (BundleControlKind::DiscardReply, Some(error)) => SessionEvent::Refused { error },
            (_, refused) => {
                *refusal = refused;
                return None;
            }
        };
        self.state = State::Idle;
        Some(event)
    }

    fn control(&mut self, kind: BundleControlKind) {
        let control = BundleControl::new(self.bundle_id, kind, flags());
        self.send(Body::BundleControl(control));
    }

    fn send(&mut self, body: Body) {
        let xid = self.xid();
        Message::new(VERSION, xid, body).encode_into(&mut self.output);
    }

    fn xid(&mut self) -> u32 {
        let xid = self.next_xid;
        self.next_xid = xid.wrapping_add(1);
        xid
    }
}

fn flags() -> BundleFlags {
    BundleFlags::ATOMIC.with(BundleFlags::ORDERED)
}

fn wire(change: &FlowMod) -> WireFlowMod {
    match change {
        FlowMod::Add(flow) => WireFlowMod::add(flow.clone()),
        FlowMod::Delete(flow) => {
            // Should somebody have put a flow of their own in its place, that one stays.
            let mut delete = WireFlowMod::delete_strict(flow.clone());
            delete.cookie_mask = u64::MAX;
            delete
        }
        FlowMod::Forget(cookie) => WireFlowMod::delete_by_cookie(cookie.raw(), u64::MAX),
    }
}

fn describe(error: &ErrorMessage) -> String {
    match error.error(VERSION) {
        Some(known) => known.to_string(),
        None => format!("error type {} code {}", error.kind, error.code),
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
