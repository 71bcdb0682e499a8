//! The client: a replica that moves with each event, and transactions with their outcomes in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::backlog::Backlog;
use super::driver::{Driver, Mail};
use super::task::{Command, Delivery, Task};
use super::{ConnectionError, Options, Remote};
use crate::operation::{Committed, Condition, TransactError, Transaction, TransactionId};
use crate::replica::{Changes, Replica, ReplicaError};
use crate::schema::Schema;
use crate::session::{Session, SessionEvent};
use serde_json::{Value, json};

/// What happened, in the server's order.
#[derive(Clone, Debug)]
pub enum Event {
    /// A connection is up and its schema fits; the replica still shows what it showed before.
    Connected {
        /// To whom.
        remote: Remote,
    },
    /// The replica is as the server is now. The changes are those since the last event: at first every row, after a
    /// reconnect only what has really changed.
    Synced(Changes),
    /// One step of the server: one transaction, or several that it has sent together; or the net change of many steps
    /// that the program was slow to take ([`Options::max_unread`]).
    Changed(Changes),
    /// The connection ended or could not be made. The replica keeps its rows; the client tries again by itself.
    Disconnected {
        /// To whom.
        remote: Remote,
        /// Why.
        error: ConnectionError,
        /// The wait before the next attempt.
        retry_in: Duration,
    },
    /// The replica holds the rows of the conditions set last, which were told before.
    ConditionsChanged,
    /// A lock was granted or taken away (RFC 7047 §4.1.8). After [`Event::Disconnected`] none is ours.
    Lock {
        /// Its name.
        name: String,
        /// Whether it is ours now.
        owned: bool,
    },
    /// What became of a transaction; its changes are in the replica and were told before.
    TransactionDone {
        /// Which.
        id: TransactionId,
        /// Committed, or why not.
        outcome: Result<Committed, TransactError>,
    },
}

/// A [`Client::call`] without result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    /// There is no synced connection; nothing was sent.
    #[error("not connected to the database")]
    NotConnected,
    /// The connection broke before the reply.
    #[error("the connection broke before the reply")]
    Broken,
    /// The server's error.
    #[error("the server refused: {0}")]
    Refused(Value),
    /// The result is not what the method returns.
    #[error("a malformed reply: {0}")]
    Malformed(String),
}

/// The replica was not synced in time.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the database was not reached within {} s{}", within.as_secs_f32(), last.as_ref().map(|(r, e)| format!(": {r}: {e}")).unwrap_or_default())]
pub struct SyncError {
    /// The time given.
    pub within: Duration,
    /// The last failure.
    pub last: Option<(Remote, ConnectionError)>,
}

/// What became of a transaction, and its size as sent.
type SizedOutcome = (Result<Committed, TransactError>, usize);

/// A connection to a database that lives through every failure, with a replica of some tables.
///
/// Owned by one task of the program, which calls [`next`](Self::next) in a loop. Dropping it ends the connection.
#[derive(Debug)]
pub struct Client {
    options: Arc<Options>,
    driver: Driver<Command, Delivery>,
    replica: Replica,
    schema: Option<Arc<Schema>>,
    /// Events to come.
    backlog: Backlog,
    /// The transaction that `transact` waits for, and its outcome.
    awaited: Option<(u64, Option<SizedOutcome>)>,
    /// Sent and without a reply.
    waiting: BTreeMap<u64, (Transaction, usize)>,
    /// Sent over a connection that broke; judged when the replica is synced again.
    lost: BTreeMap<u64, (Transaction, usize)>,
    waiting_bytes: usize,
    /// Of those waiting, the ones that were cancelled.
    cancelled: BTreeSet<u64>,
    /// The request of the last [`call`](Self::call), and its answer.
    call: Option<(u64, Option<Result<Value, CallError>>)>,
    next_id: u64,
    synced: bool,
    /// Changes of the layout, told with the next full picture.
    layout_changes: Changes,
    /// An update did not fit: nothing more is applied until a full picture comes.
    out_of_step: bool,
    last_error: Option<(Remote, ConnectionError)>,
    ended: bool,
}

impl Client {
    /// Starts to connect, in a task of the current tokio runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn connect(options: Options) -> Self {
        let options = Arc::new(options);
        let mail = Arc::new(Mail::new());
        let task = Task::new(Arc::clone(&options), Arc::clone(&mail));
        Self {
            driver: Driver::start(mail, task.run()),
            replica: Replica::default(),
            schema: None,
            backlog: Backlog::new(options.max_unread),
            awaited: None,
            waiting: BTreeMap::new(),
            lost: BTreeMap::new(),
            waiting_bytes: 0,
            cancelled: BTreeSet::new(),
            call: None,
            next_id: 0,
            synced: false,
            layout_changes: Changes::default(),
            out_of_step: false,
            last_error: None,
            ended: false,
            options,
        }
    }

    /// The rows as of the last event.
    #[must_use]
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The schema of the database, once connected.
    #[must_use]
    pub fn schema(&self) -> Option<&Arc<Schema>> {
        self.schema.as_ref()
    }

    /// True from [`Event::Synced`] to [`Event::Disconnected`].
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    /// The next event; the replica moves on with it.
    ///
    /// Cancel-safe: an event is either returned or still to come.
    pub async fn next(&mut self) -> Event {
        self.settle();
        loop {
            if let Some(event) = self.backlog.pop() {
                return event;
            }
            self.receive().await;
        }
    }

    /// A `transact` that was cancelled waits no more: its outcome is an event.
    fn settle(&mut self) {
        if let Some((id, Some((outcome, size)))) = self.awaited.take() {
            self.backlog.push_outcome(id, outcome, size);
        }
    }

    /// Sends a transaction. Never blocks; the outcome comes as [`Event::TransactionDone`], after the changes that it
    /// made. Without a synced connection the outcome is [`TransactError::NotConnected`].
    pub fn submit(&mut self, transaction: Transaction) -> TransactionId {
        let id = self.enter(transaction);
        self.driver.urge();
        id
    }

    fn enter(&mut self, transaction: Transaction) -> TransactionId {
        let id = self.next_id;
        self.next_id = self.next_id.saturating_add(1);
        if let Err(error) = self.send(id, transaction) {
            self.done(id, Err(error), 0);
        }
        TransactionId(id)
    }

    fn send(&mut self, id: u64, transaction: Transaction) -> Result<(), TransactError> {
        if self.ended {
            return Err(TransactError::Closed);
        }
        if !self.synced {
            return Err(TransactError::NotConnected);
        }
        let bytes = transaction
            .request(&self.options.database, &Session::caller_id(id))
            .map_err(|error| TransactError::Malformed(error.to_string()))?;
        let size = bytes.len();
        let waiting = self.waiting_bytes.saturating_add(size);
        // Outcomes that nobody takes are bounded by this too.
        if waiting.saturating_add(self.backlog.outcomes()) > self.options.max_unsent {
            return Err(TransactError::Overloaded);
        }
        self.driver.command(Command::Request {
            id,
            bytes,
            wait: transaction.longest_wait(),
        });
        self.waiting_bytes = waiting;
        self.waiting.insert(id, (transaction, size));
        Ok(())
    }

    /// Sends a transaction and waits for its outcome; other events are kept for [`next`](Self::next), merged when they
    /// become too many ([`Options::max_unread`]).
    ///
    /// Cancel-safe: cancelled, the outcome comes as an event.
    ///
    /// # Errors
    /// Everything but a commit.
    pub async fn transact(&mut self, transaction: Transaction) -> Result<Committed, TransactError> {
        self.settle();
        self.awaited = Some((self.next_id, None));
        self.enter(transaction);
        loop {
            let done = self.awaited.take_if(|(_, outcome)| outcome.is_some());
            if let Some((_, Some((outcome, _)))) = done {
                return outcome;
            }
            self.receive().await;
        }
    }

    /// Cancels a transaction that is held back by a [`wait`](Transaction::wait_for) with a timeout: its outcome comes at
    /// once, as [`TransactError::Refused`] unless it had already happened.
    pub fn cancel(&mut self, id: TransactionId) {
        if !self.waiting.contains_key(&id.0) {
            return;
        }
        self.cancelled.insert(id.0);
        self.driver.command(Command::Cancel { id: id.0 });
        self.driver.urge();
    }

    /// Replicates other rows of a table from now on: those that meet any of `conditions`; none: all. The rows come as
    /// [`Event::Changed`], then [`Event::ConditionsChanged`] tells that all are there; without a connection
    /// [`Event::Synced`] does.
    pub fn set_conditions(&mut self, table: &str, conditions: Vec<Condition>) {
        self.driver.command(Command::Conditions {
            table: table.to_owned(),
            conditions,
        });
        self.driver.urge();
    }

    /// Calls any method of the server, such as `get_server_id`, and waits for the result; other events are kept for
    /// [`next`](Self::next).
    ///
    /// Cancel-safe: cancelled, the answer is dropped.
    ///
    /// # Errors
    /// There was no synced connection, it broke, or the server refused.
    pub async fn call(&mut self, method: &str, params: &Value) -> Result<Value, CallError> {
        if !self.synced {
            return Err(CallError::NotConnected);
        }
        let id = self.next_id;
        self.next_id = self.next_id.saturating_add(1);
        let request = json!({"method": method, "params": params, "id": Session::caller_id(id)});
        let bytes = request.to_string().into_bytes();
        self.call = Some((id, None));
        self.driver.command(Command::Request {
            id,
            bytes,
            wait: Duration::ZERO,
        });
        loop {
            if let Some((_, Some(answer))) = self.call.take_if(|(_, answer)| answer.is_some()) {
                return answer;
            }
            self.receive().await;
        }
    }

    /// The names of the server's databases (RFC 7047 §4.1.1).
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn databases(&mut self) -> Result<Vec<String>, CallError> {
        let names = self.call("list_dbs", &json!([])).await?;
        serde_json::from_value(names).map_err(|error| CallError::Malformed(error.to_string()))
    }

    /// Converts the database to another schema, online (ovsdb-server(7) §4.1.19). [`Event::Connected`] and
    /// [`Event::Synced`] follow with the new schema.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn convert(&mut self, schema: &Value) -> Result<(), CallError> {
        let database = self.options.database.clone();
        self.call("convert", &json!([database, schema]))
            .await
            .map(|_| ())
    }

    /// Asks for a lock (RFC 7047 §4.1.8): true when it is ours at once, else [`Event::Lock`] tells when it becomes so.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn lock(&mut self, name: &str) -> Result<bool, CallError> {
        let result = self.call("lock", &json!([name])).await?;
        Ok(result.get("locked") == Some(&Value::Bool(true)))
    }

    /// Takes a lock from whoever has it (RFC 7047 §4.1.8).
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn steal(&mut self, name: &str) -> Result<(), CallError> {
        self.call("steal", &json!([name])).await.map(|_| ())
    }

    /// Gives a lock back, or stops waiting for it (RFC 7047 §4.1.8).
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn unlock(&mut self, name: &str) -> Result<(), CallError> {
        self.call("unlock", &json!([name])).await.map(|_| ())
    }

    /// Waits until the replica is synced; the events are kept for [`next`](Self::next).
    ///
    /// # Errors
    /// It was not within the time given; the last failure says why. The client goes on trying.
    pub async fn synced(&mut self, within: Duration) -> Result<(), SyncError> {
        let wait = async {
            while !self.synced {
                self.receive().await;
            }
        };
        match tokio::time::timeout(within, wait).await {
            Ok(()) => Ok(()),
            Err(_) => Err(SyncError {
                within,
                last: self.last_error.clone(),
            }),
        }
    }

    /// Takes one delivery of the task. Cancel-safe: it waits in one place only, before anything is taken.
    async fn receive(&mut self) {
        if self.ended {
            std::future::pending::<()>().await;
        }
        match self.driver.delivery().await {
            Some(Delivery::Session { event, size, .. }) => self.take(event, size),
            Some(Delivery::Connected { remote }) => {
                self.backlog.push(Event::Connected { remote }, 0)
            }
            Some(Delivery::Disconnected {
                remote,
                error,
                retry_in,
                lost,
            }) => {
                self.disconnected(remote, error, retry_in, &lost);
            }
            Some(Delivery::NotSent { id }) => {
                if let Some((call, answer)) = &mut self.call
                    && *call == id
                {
                    *answer = Some(Err(CallError::NotConnected));
                }
                if self
                    .waiting
                    .remove(&id)
                    .map(|(_, size)| self.release(size))
                    .is_some()
                {
                    self.done(id, Err(TransactError::NotConnected), 0);
                }
            }
            None => {
                self.ended = true;
                let waiting = std::mem::take(&mut self.waiting);
                for id in waiting
                    .into_keys()
                    .chain(std::mem::take(&mut self.lost).into_keys())
                {
                    self.done(id, Err(TransactError::Closed), 0);
                }
                if let Some(remote) = self.options.remotes.first().cloned() {
                    self.disconnected(remote, ConnectionError::TaskEnded, Duration::MAX, &[]);
                }
            }
        }
    }

    fn take(&mut self, event: SessionEvent, size: usize) {
        match event {
            SessionEvent::Connected { schema, plan } => {
                self.schema = Some(schema);
                self.synced = false;
                let changes = self.replica.set_layouts(&plan.layouts);
                self.layout_changes.extend(changes);
            }
            // The task has been told to fetch everything, and will.
            SessionEvent::Synced { resumed: true, .. } if self.out_of_step => {}
            SessionEvent::Synced { resumed, updates } => {
                self.out_of_step = false;
                let changes = if resumed {
                    self.replica.apply(updates)
                } else {
                    self.replica.replace(updates)
                };
                match changes {
                    Ok(changes) => {
                        let mut all = std::mem::take(&mut self.layout_changes);
                        all.extend(changes);
                        self.synced = true;
                        self.backlog.push(Event::Synced(all), size);
                        self.judge_lost();
                    }
                    Err(error) => self.resync(error),
                }
            }
            SessionEvent::Update(_) if self.out_of_step => {}
            SessionEvent::Update(updates) => match self.replica.apply(updates) {
                Ok(changes) if changes.is_empty() => {}
                Ok(changes) => self.backlog.push(Event::Changed(changes), size),
                Err(error) => self.resync(error),
            },
            SessionEvent::Reply { id, reply }
                if self.call.as_ref().is_some_and(|(call, _)| *call == id) =>
            {
                let reply = reply.map_err(CallError::Refused);
                self.call = Some((id, Some(reply)));
            }
            SessionEvent::Reply { id, reply } => {
                if let Some((transaction, size)) = self.waiting.remove(&id) {
                    self.release(size);
                    let outcome = match reply {
                        Ok(Value::Array(results)) => transaction.outcome(Ok(results)),
                        Ok(other) => Err(TransactError::Malformed(
                            other.to_string().chars().take(200).collect(),
                        )),
                        Err(error) => transaction.outcome(Err(error)),
                    };
                    let asked = self.cancelled.remove(&id);
                    let outcome =
                        outcome.map_err(|error| if asked { error } else { error.or_unknown() });
                    // A cluster may commit a transaction, not know it, and try it again: what it then refuses is there.
                    let outcome =
                        outcome.or_else(|error| transaction.proven(&self.replica).ok_or(error));
                    self.done(id, outcome, size);
                }
            }
            SessionEvent::ConditionsChanged => self.backlog.push(Event::ConditionsChanged, 0),
            SessionEvent::Lock { name, owned } => {
                self.backlog.push(Event::Lock { name, owned }, size)
            }
        }
    }

    fn resync(&mut self, error: ReplicaError) {
        self.out_of_step = true;
        self.synced = false;
        self.driver.command(Command::Resync {
            error: error.into(),
        });
        self.driver.urge();
    }

    fn disconnected(
        &mut self,
        remote: Remote,
        error: ConnectionError,
        retry_in: Duration,
        lost: &[u64],
    ) {
        self.synced = false;
        self.last_error = Some((remote.clone(), error.clone()));
        if let Some((_, answer)) = &mut self.call {
            answer.get_or_insert(Err(CallError::Broken));
        }
        for id in lost {
            self.cancelled.remove(id);
            if let Some(transaction) = self.waiting.remove(id) {
                self.lost.insert(*id, transaction);
            }
        }
        let event = Event::Disconnected {
            remote,
            error,
            retry_in,
        };
        self.backlog.push(event, 0);
    }

    fn judge_lost(&mut self) {
        for (id, (transaction, size)) in std::mem::take(&mut self.lost) {
            self.release(size);
            let outcome = transaction.judge(&self.replica);
            self.done(id, outcome, size);
        }
    }

    fn release(&mut self, size: usize) {
        self.waiting_bytes = self.waiting_bytes.saturating_sub(size);
    }

    /// Tells an outcome; `size` is that of the transaction as sent, 0 if it was not.
    fn done(&mut self, id: u64, outcome: Result<Committed, TransactError>, size: usize) {
        match &mut self.awaited {
            Some((awaited, slot)) if *awaited == id => *slot = Some((outcome, size)),
            _ => self.backlog.push_outcome(id, outcome, size),
        }
    }
}
