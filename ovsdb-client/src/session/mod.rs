//! One connection's conversation as a state machine: bytes, requests and the time in; bytes and events out.
//!
//! It owns no socket and reads no clock. Its life is: ask for database change awareness, watch the `_Server` database
//! until this server is one to talk to, get the schema, start the monitor, then updates and transactions. An error ends
//! it; the shell around it connects anew with what [`Session::resume`] has kept.
//!
//! ```text
//!   _Server schema ──► _Server monitor ──► (right server?) ──► schema ──► monitor ──► synced
//!        └── the server has no _Server database (before Open vSwitch 2.9) ──┘
//! ```

mod config;
mod error;
mod server;
#[cfg(test)]
mod tests;

pub use config::{Resume, SessionConfig};
pub use error::SessionError;
pub use server::{ServerChoice, ServerFault};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::monitor::decode::{Form, NotificationSeed, SinceSeed, UpdatesSeed, decode_text};
use crate::monitor::{Plan, TableUpdates};
use crate::rpc::{Frame, Framer, Message};
use crate::schema::Schema;
use server::ServerWatch;

/// After so long members that may be behind by what came after the index are believed: one that is in contact with its
/// cluster has long since caught up.
const DOUBT_PATIENCE: Duration = Duration::from_secs(10);

/// The identifiers of our two monitors on the wire.
const DATA: &str = "data";
const SERVER: &str = "server";

/// What a session tells.
#[derive(Debug)]
pub enum SessionEvent {
    /// The server is the right one and its schema fits. Comes again when the schema has changed under way.
    Connected {
        /// The server's schema.
        schema: Arc<Schema>,
        /// What is monitored.
        plan: Arc<Plan>,
    },
    /// The first picture: complete, or (`resumed`) only what changed since the last session.
    Synced {
        /// True when `updates` are to be applied to what the last session left.
        resumed: bool,
        /// The rows.
        updates: TableUpdates,
    },
    /// One step of the server.
    Update(TableUpdates),
    /// The reply to a [request](Session::send): its result or error.
    Reply {
        /// The number of the request.
        id: u64,
        /// `Err`: the error member.
        reply: Result<Value, Value>,
    },
    /// The conditions are now those of the last [`Session::change_conditions`]; the rows were told before.
    ConditionsChanged,
    /// A lock was granted (true) or stolen (false), RFC 7047 §4.1.9.
    Lock {
        /// The lock's name.
        name: String,
        /// Whether it is ours now.
        owned: bool,
    },
}

/// What a reply is for.
#[derive(Clone, Debug)]
enum Pending {
    Aware,
    ServerSchema,
    ServerMonitor,
    Schema,
    Monitor(Method),
    Probe,
    Conditions(Arc<Plan>),
}

/// The three requests for a monitor, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    CondSince,
    Cond,
    Plain,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::CondSince => "monitor_cond_since",
            Self::Cond => "monitor_cond",
            Self::Plain => "monitor",
        }
    }
}

/// The state machine of one connection.
#[derive(Debug)]
pub struct Session {
    framer: Framer,
    core: Core,
}

#[derive(Debug)]
struct Core {
    config: Arc<SessionConfig>,
    resume: Resume,
    output: BytesMut,
    events: Vec<(SessionEvent, usize)>,
    pending: HashMap<String, Pending>,
    /// The callers' requests without a reply, and when they are to have one at the latest.
    callers: BTreeMap<u64, Option<Instant>>,
    /// The same by time.
    reply_deadlines: BTreeSet<(Instant, u64)>,
    next_id: u64,
    server: ServerWatch,
    schema: Option<Arc<Schema>>,
    plan: Option<Arc<Plan>>,
    asked_schema: bool,
    synced: bool,
    /// The replica is of an earlier session, which this one is to go on from.
    continues: bool,
    last_bytes: Instant,
    probing: bool,
    reply_bytes: usize,
}

impl Session {
    /// A session over a connection that has just been made; its first requests are in the [output](Self::output).
    #[must_use]
    pub fn new(config: Arc<SessionConfig>, resume: Resume, now: Instant) -> Self {
        let mut core = Core {
            server: ServerWatch::new(&config.database),
            continues: resume.last.is_some(),
            resume,
            output: BytesMut::new(),
            events: Vec::new(),
            pending: HashMap::new(),
            callers: BTreeMap::new(),
            reply_deadlines: BTreeSet::new(),
            next_id: 0,
            schema: None,
            plan: None,
            asked_schema: false,
            synced: false,
            last_bytes: now,
            probing: false,
            reply_bytes: 0,
            config,
        };
        core.request("set_db_change_aware", &json!([true]), Pending::Aware);
        core.request("get_schema", &json!(["_Server"]), Pending::ServerSchema);
        Self {
            framer: Framer::new(core.config.max_message),
            core,
        }
    }

    /// Bytes for the server; whoever sends some takes them off the front.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.core.output
    }

    /// The bytes for the server.
    #[must_use]
    pub fn output_bytes(&self) -> &[u8] {
        &self.core.output
    }

    /// True when there are bytes for the server.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.core.output.is_empty()
    }

    /// True when there is something to [take](Self::take_events).
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.core.events.is_empty()
    }

    /// What has happened since the last call, each with the size in bytes of the message that told it.
    pub fn take_events(&mut self) -> Vec<(SessionEvent, usize)> {
        std::mem::take(&mut self.core.events)
    }

    /// True once the first picture has come.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.core.synced
    }

    /// Sends a request that [`Transaction`](crate::Transaction) or a caller has put into words; its reply comes as
    /// [`SessionEvent::Reply`] with `id`, which [`Session::caller_id`] has put into the text.
    ///
    /// `wait` is the time that the request itself asks the server to hold it back.
    pub fn send(&mut self, id: u64, request: &[u8], wait: Duration, now: Instant) {
        let core = &mut self.core;
        let deadline = now.checked_add(core.config.reply_patience.saturating_add(wait));
        if let Some(deadline) = deadline {
            core.reply_deadlines.insert((deadline, id));
        }
        core.callers.insert(id, deadline);
        core.output.extend_from_slice(request);
    }

    /// The `id` member of a caller's request.
    #[must_use]
    pub fn caller_id(id: u64) -> String {
        format!("c{id}")
    }

    /// Changes which rows are monitored, `monitor_cond_change` (ovsdb-server(7) §4.1.13), to the conditions in
    /// `config`, which is the one of this session otherwise. [`SessionEvent::ConditionsChanged`] follows when there
    /// is a change.
    ///
    /// # Errors
    /// The tables do not fit the schema.
    pub fn change_conditions(&mut self, config: Arc<SessionConfig>) -> Result<(), SessionError> {
        let core = &mut self.core;
        core.config = Arc::clone(&config);
        if let (Some(schema), Some(plan)) = (&core.schema, &core.plan) {
            let next = Arc::new(config.plan(schema)?);
            let changes = plan.condition_changes(&next);
            core.plan = Some(Arc::clone(&next));
            if changes.is_empty() {
                core.events.push((SessionEvent::ConditionsChanged, 0));
            } else {
                core.request(
                    "monitor_cond_change",
                    &json!([DATA, DATA, changes]),
                    Pending::Conditions(next),
                );
            }
        }
        Ok(())
    }

    /// Sends `cancel` (RFC 7047 §4.1.4) for a request that was [sent](Self::send) and has no reply yet: the reply comes
    /// at once, as an error if the request was still waiting.
    pub fn cancel(&mut self, id: u64) {
        if self.core.callers.contains_key(&id) {
            let cancel = json!({"method": "cancel", "params": [Self::caller_id(id)], "id": null});
            self.core
                .output
                .extend_from_slice(cancel.to_string().as_bytes());
        }
    }

    /// The callers' requests without a reply, in the order of their numbers: at the end of the session their fate is
    /// unknown.
    #[must_use]
    pub fn unanswered(&self) -> Vec<u64> {
        self.core.callers.keys().copied().collect()
    }

    /// What the next session may go on from.
    #[must_use]
    pub fn resume(&self) -> Resume {
        self.core.resume.clone()
    }

    /// Takes bytes from the server.
    ///
    /// # Errors
    /// The session is over.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant) -> Result<(), SessionError> {
        self.touch(now);
        self.framer.push(bytes);
        while let Some(frame) = self.framer.next_message()? {
            self.core.handle_message(&frame)?;
        }
        Ok(())
    }

    /// Counts as a sign of life: the reader itself was busy until now.
    pub fn touch(&mut self, now: Instant) {
        self.core.last_bytes = now;
        self.core.probing = false;
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called, unless bytes come before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let reply = self
            .core
            .reply_deadlines
            .first()
            .map(|(deadline, _)| *deadline);
        [reply, self.life_deadline()].into_iter().flatten().min()
    }

    /// When the server has been silent for too long.
    fn life_deadline(&self) -> Option<Instant> {
        let core = &self.core;
        if !core.synced {
            return core.last_bytes.checked_add(core.config.sync_patience);
        }
        let intervals = if core.probing { 2 } else { 1 };
        core.last_bytes
            .checked_add(core.config.probe_interval?.checked_mul(intervals)?)
    }

    /// Takes note that time has passed: probes the server, or gives it up.
    ///
    /// # Errors
    /// The session is over.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        if self
            .core
            .reply_deadlines
            .first()
            .is_some_and(|(deadline, _)| *deadline <= now)
        {
            return Err(SessionError::NoReply(
                self.core.config.reply_patience.as_secs(),
            ));
        }
        if self.life_deadline().is_none_or(|deadline| now < deadline) {
            return Ok(());
        }
        let core = &mut self.core;
        if !core.synced || core.probing {
            return Err(SessionError::Silent(
                now.saturating_duration_since(core.last_bytes).as_secs(),
            ));
        }
        core.probing = true;
        core.request("echo", &json!([]), Pending::Probe);
        Ok(())
    }
}

impl Core {
    fn request(&mut self, method: &'static str, params: &Value, pending: Pending) {
        let id = format!("{method}{}", self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        let request = json!({"method": method, "params": params, "id": id});
        self.output
            .extend_from_slice(request.to_string().as_bytes());
        self.pending.insert(format!("\"{id}\""), pending);
    }

    fn handle_message(&mut self, frame: &Frame<'_>) -> Result<(), SessionError> {
        let size = frame.bytes().len();
        let message = frame.message()?;
        match (message.method, message.id) {
            (Some(method), Some(id)) => self.handle_request(method, message.params, id),
            (Some(method), None) => {
                self.handle_notification(method, message.params.unwrap_or("null"), size)
            }
            (None, Some(id)) => {
                if let Some(caller) = caller_of(id)
                    && let Some(deadline) = self.callers.remove(&caller)
                {
                    if let Some(deadline) = deadline {
                        self.reply_deadlines.remove(&(deadline, caller));
                    }
                    return self.handle_callers_reply(caller, &message, size);
                }
                let Some(pending) = self.pending.remove(id) else {
                    return Err(SessionError::UnexpectedReply(
                        id.chars().take(100).collect(),
                    ));
                };
                self.handle_reply(pending, &message, size)
            }
            // ovsdb-server answers what it can not parse with a null id; our requests always parse.
            (None, None) => Err(SessionError::UnexpectedReply("null".to_owned())),
        }
    }

    fn handle_callers_reply(
        &mut self,
        id: u64,
        message: &Message<'_>,
        size: usize,
    ) -> Result<(), SessionError> {
        let parse = |json: &str| {
            serde_json::from_str::<Value>(json).map_err(|source| SessionError::Malformed {
                what: "reply",
                source,
            })
        };
        let reply = match message.error {
            Some(error) => Err(parse(error)?),
            None => Ok(message.result.map_or(Ok(Value::Null), parse)?),
        };
        self.events.push((SessionEvent::Reply { id, reply }, size));
        Ok(())
    }

    fn handle_request(
        &mut self,
        method: &str,
        params: Option<&str>,
        id: &str,
    ) -> Result<(), SessionError> {
        let (result, error) = match method {
            "\"echo\"" => (params.unwrap_or("[]"), "null"),
            _ => ("null", "\"unknown method\""),
        };
        // What the server has read is no longer in the output; what it leaves unread may not grow for ever.
        if self.output.is_empty() {
            self.reply_bytes = 0;
        }
        let reply = format!("{{\"id\":{id},\"result\":{result},\"error\":{error}}}");
        self.reply_bytes = self.reply_bytes.saturating_add(reply.len());
        if self.reply_bytes > self.config.max_replies {
            return Err(SessionError::NotReading);
        }
        self.output.extend_from_slice(reply.as_bytes());
        Ok(())
    }

    fn handle_notification(
        &mut self,
        method: &str,
        params: &str,
        size: usize,
    ) -> Result<(), SessionError> {
        let (form, since) = match method {
            "\"update\"" => (Form::Values, false),
            "\"update2\"" => (Form::Differences, false),
            "\"update3\"" => (Form::Differences, true),
            "\"monitor_canceled\"" => return self.restart(params),
            "\"locked\"" | "\"stolen\"" => {
                let source = |source| SessionError::Malformed {
                    what: "lock notification",
                    source,
                };
                let [name]: [String; 1] = serde_json::from_str(params).map_err(source)?;
                self.events.push((
                    SessionEvent::Lock {
                        name,
                        owned: method == "\"locked\"",
                    },
                    size,
                ));
                return Ok(());
            }
            _ => return Ok(()),
        };
        let monitors = [
            (DATA, self.plan.as_deref().filter(|_| self.synced)),
            (SERVER, self.server.plan()),
        ];
        let seed = NotificationSeed {
            monitors,
            form,
            since,
        };
        let (monitor, last, updates) =
            decode_text(params, seed).map_err(|source| SessionError::Malformed {
                what: "update",
                source,
            })?;
        if monitor == SERVER {
            self.server.apply(updates)?;
            return self.check_server();
        }
        self.advance(last);
        self.events.push((SessionEvent::Update(updates), size));
        Ok(())
    }

    fn handle_reply(
        &mut self,
        pending: Pending,
        message: &Message<'_>,
        size: usize,
    ) -> Result<(), SessionError> {
        let malformed = |what| move |source| SessionError::Malformed { what, source };
        let result = message.result.unwrap_or("null");
        if let Some(error) = message.error {
            return self.handle_refusal(pending, error);
        }
        match pending {
            Pending::Aware | Pending::Probe => Ok(()),
            Pending::Conditions(plan) => {
                // From here on the next session may go on with the new conditions.
                if let Some((known, _)) = &mut self.resume.last {
                    *known = plan;
                }
                self.events.push((SessionEvent::ConditionsChanged, 0));
                Ok(())
            }
            Pending::ServerSchema => {
                let json = serde_json::from_str::<Value>(result)
                    .map_err(malformed("schema of _Server"))?;
                let requests = self.server.watch(&Schema::from_json(&json)?)?;
                self.request(
                    "monitor_cond",
                    &json!(["_Server", SERVER, requests]),
                    Pending::ServerMonitor,
                );
                Ok(())
            }
            Pending::ServerMonitor => {
                if let Some(plan) = self.server.plan() {
                    let updates = UpdatesSeed::new(plan, Form::Differences).decode(result);
                    self.server
                        .apply(updates.map_err(malformed("reply to monitor_cond"))?)?;
                }
                self.check_server()
            }
            Pending::Schema => {
                let json = serde_json::from_str::<Value>(result).map_err(malformed("schema"))?;
                let schema = Arc::new(Schema::from_json(&json)?);
                let plan = Arc::new(self.config.plan(&schema)?);
                self.schema = Some(Arc::clone(&schema));
                self.plan = Some(Arc::clone(&plan));
                self.events.push((
                    SessionEvent::Connected {
                        schema,
                        plan: Arc::clone(&plan),
                    },
                    0,
                ));
                self.monitor(Method::CondSince, &plan);
                Ok(())
            }
            Pending::Monitor(method) => {
                let Some(plan) = self.plan.clone() else {
                    return Ok(());
                };
                let what = malformed("reply to the monitor request");
                let (resumed, last, updates) = match method {
                    Method::CondSince => decode_text(result, SinceSeed(&plan)).map_err(what)?,
                    Method::Cond => (
                        false,
                        Uuid::nil(),
                        UpdatesSeed::new(&plan, Form::Differences)
                            .decode(result)
                            .map_err(what)?,
                    ),
                    Method::Plain => (
                        false,
                        Uuid::nil(),
                        UpdatesSeed::new(&plan, Form::Values)
                            .decode(result)
                            .map_err(what)?,
                    ),
                };
                if !resumed {
                    self.doubt(&plan)?;
                }
                self.synced = true;
                self.continues = false;
                (self.resume.ahead, self.resume.doubted_since) = (0, None);
                self.resume.last = Some((plan, last));
                self.events
                    .push((SessionEvent::Synced { resumed, updates }, size));
                Ok(())
            }
        }
    }

    fn handle_refusal(&mut self, pending: Pending, error: &str) -> Result<(), SessionError> {
        let refused = |request| {
            let error = error.chars().take(500).collect();
            Err(SessionError::Refused { request, error })
        };
        match (pending, self.plan.clone()) {
            // Before Open vSwitch 2.9: without this the server disconnects instead of telling, which does as well.
            (Pending::Aware, _) => Ok(()),
            (Pending::ServerSchema | Pending::ServerMonitor, _) => {
                self.ask_schema();
                Ok(())
            }
            (Pending::Monitor(Method::CondSince), Some(plan)) => {
                self.monitor(Method::Cond, &plan);
                Ok(())
            }
            (Pending::Monitor(Method::Cond), Some(plan)) => {
                self.monitor(Method::Plain, &plan);
                Ok(())
            }
            (Pending::Monitor(method), _) => refused(method.name()),
            (Pending::Schema, _) => refused("get_schema"),
            (Pending::Conditions(_), _) => refused("monitor_cond_change"),
            (Pending::Probe, _) => Ok(()),
        }
    }

    /// Goes on once this server is one to talk to, and ends the session when it no longer is.
    fn check_server(&mut self) -> Result<(), SessionError> {
        let state = self.server.check(self.config.server, &self.resume)?;
        if state.cluster.is_some() && self.resume.cluster != state.cluster {
            self.resume.ahead = 0;
        }
        self.resume.cluster = state.cluster.or(self.resume.cluster);
        if let (Some(index), Some(known)) = (state.index, self.resume.min_index) {
            let further = index.saturating_sub(known);
            self.resume.ahead = match self.continues {
                // Another server: what it has more may be what we have, too.
                true => self.resume.ahead.saturating_sub(further).max(0),
                false if further > 0 => 0,
                false => self.resume.ahead,
            };
        }
        self.resume.min_index = state.index.or(self.resume.min_index);
        self.ask_schema();
        Ok(())
    }

    /// The server cancelled a monitor: the database was converted, and has another schema now, or was removed, and then
    /// has none. Both show when it is asked.
    fn restart(&mut self, params: &str) -> Result<(), SessionError> {
        let malformed = |source| SessionError::Malformed {
            what: "monitor_canceled",
            source,
        };
        let [monitor]: [String; 1] = serde_json::from_str(params).map_err(malformed)?;
        if monitor != DATA {
            return Err(SessionError::MonitorCanceled);
        }
        if self.synced {
            self.synced = false;
            self.asked_schema = false;
            self.ask_schema();
        }
        Ok(())
    }

    fn ask_schema(&mut self) {
        if !self.asked_schema {
            self.asked_schema = true;
            self.request(
                "get_schema",
                &json!([self.config.database]),
                Pending::Schema,
            );
        }
    }

    fn monitor(&mut self, method: Method, plan: &Plan) {
        let database = &self.config.database;
        let params = match method {
            Method::CondSince => {
                let known = self
                    .resume
                    .last
                    .as_ref()
                    .filter(|(earlier, _)| plan.continues(earlier));
                let last = known.map_or(Uuid::nil(), |(_, last)| *last);
                json!([database, DATA, plan.requests(), last])
            }
            Method::Cond | Method::Plain => json!([database, DATA, plan.requests()]),
        };
        self.request(method.name(), &params, Pending::Monitor(method));
    }

    /// Remembers the last transaction; an update of another form knows none, and nothing can be resumed then.
    fn advance(&mut self, last: Option<Uuid>) {
        let last = last.unwrap_or(Uuid::nil());
        if let Some((_, known)) = &mut self.resume.last {
            // A change of the conditions sends rows without a transaction.
            if *known != last {
                self.resume.ahead = self.resume.ahead.saturating_add(1);
            }
            *known = last;
        }
    }

    /// A member of the same cluster does not know the last transaction that we have: its history has been cut off, or
    /// it is behind.
    fn doubt(&mut self, plan: &Plan) -> Result<(), ServerFault> {
        let Some((earlier, last)) = self.resume.last.as_ref().filter(|_| self.continues) else {
            return Ok(());
        };
        let asked = plan.continues(earlier) && !last.is_nil();
        let since = self.resume.doubted_since.unwrap_or(self.last_bytes);
        let index = self.resume.min_index.filter(|_| self.server.is_clustered());
        if let Some(found) = index
            && asked
            && self.resume.ahead > 0
            && self.last_bytes.saturating_duration_since(since) < DOUBT_PATIENCE
        {
            self.resume.doubted_since = Some(since);
            let expected = found.saturating_add(self.resume.ahead);
            return Err(ServerFault::Behind { found, expected });
        }
        Ok(())
    }
}

/// The number in the `id` member of a reply to a caller's request, as [`Session::caller_id`] has put it there.
fn caller_of(id: &str) -> Option<u64> {
    id.strip_prefix("\"c")?.strip_suffix('"')?.parse().ok()
}
