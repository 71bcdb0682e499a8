//! The task that owns the socket: it moves bytes between the server and a [`Session`], and events to the client.
//!
//! It connects again for ever and ends when the client is dropped. It reads while it writes, so that a server that waits
//! for its replies to be read never waits for us; and it stops reading while the client has too much to take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

use super::backoff::Backoff;
use super::stream::{self, Stream};
use super::{ConnectionError, Options, Remote};
use crate::operation::Condition;
use crate::session::{Resume, Session, SessionConfig, SessionEvent};

/// What the client asks of the task.
#[derive(Debug)]
pub(super) enum Command {
    /// Send a request with the id made from `id`.
    /// The server may hold it back for `wait`.
    Request {
        id: u64,
        bytes: Vec<u8>,
        wait: Duration,
    },
    /// Monitor these rows of a table from now on.
    Conditions {
        table: String,
        conditions: Vec<Condition>,
    },
    /// Cancel a request.
    Cancel { id: u64 },
    /// The replica is out of step: connect anew and fetch everything.
    Resync { error: ConnectionError },
}

/// What the task tells the client.
#[derive(Debug)]
pub(super) enum Delivery {
    /// From the session, with what keeps the amount of unread events bounded.
    Session {
        event: SessionEvent,
        _unread: Option<OwnedSemaphorePermit>,
    },
    /// The conversation is under way.
    Connected { remote: Remote },
    /// The connection ended or was never made.
    Disconnected {
        remote: Remote,
        error: ConnectionError,
        retry_in: Duration,
        lost: Vec<u64>,
    },
    /// A request came while there was no synced session; it was not sent.
    NotSent { id: u64 },
}

/// The unit of the unread limit, in bytes.
const UNREAD_UNIT: usize = 1024;

pub(super) struct Task {
    options: Arc<Options>,
    config: Arc<SessionConfig>,
    commands: UnboundedReceiver<Command>,
    deliveries: UnboundedSender<Delivery>,
    unread: Arc<Semaphore>,
    unread_units: u32,
    resume: Resume,
    /// When this session was synced first.
    synced_at: Option<Instant>,
    /// Conditions have changed since the session was told them.
    conditions_noted: bool,
}

/// The client was dropped.
struct ClientGone;

impl Task {
    pub(super) fn new(
        options: Arc<Options>,
        commands: UnboundedReceiver<Command>,
        deliveries: UnboundedSender<Delivery>,
    ) -> Self {
        let config = SessionConfig {
            database: options.database.clone(),
            tables: options.tables.clone(),
            every_table: options.every_table,
            server: options.server,
            probe_interval: options.probe_interval,
            sync_patience: options.sync_patience,
            reply_patience: options.reply_patience,
            max_message: options.max_message,
            max_replies: 1 << 20,
        };
        let unread_units = u32::try_from(options.max_unread / UNREAD_UNIT)
            .unwrap_or(u32::MAX >> 3)
            .clamp(1, u32::MAX >> 3);
        let unread = Arc::new(Semaphore::new(unread_units as usize));
        let config = Arc::new(config);
        Self {
            options,
            config,
            commands,
            deliveries,
            unread,
            unread_units,
            resume: Resume::default(),
            synced_at: None,
            conditions_noted: false,
        }
    }

    /// Runs until the client is gone.
    pub(super) async fn run(mut self) {
        let options = Arc::clone(&self.options);
        let mut backoff = Backoff::new(
            options.remotes.len(),
            options.min_backoff,
            options.max_backoff,
        );
        while let Some(remote) = options.remotes.get(backoff.current()) {
            let attempt = timeout(
                options.connect_timeout,
                stream::open(remote, options.tls.as_ref()),
            )
            .await;
            let (error, lost) = match attempt {
                Err(_) => (
                    ConnectionError::ConnectTimeout(options.connect_timeout),
                    Vec::new(),
                ),
                Ok(Err(error)) => (error, Vec::new()),
                Ok(Ok(stream)) => {
                    let now = Instant::now();
                    self.conditions_noted = false;
                    let mut session = Session::new(
                        Arc::clone(&self.config),
                        std::mem::take(&mut self.resume),
                        now,
                    );
                    let end = self.converse(remote, stream, &mut session).await;
                    let lost = session.unanswered();
                    self.resume = session.resume();
                    // A server that fails again right after each first picture is not one that works.
                    if self
                        .synced_at
                        .take()
                        .is_some_and(|since| since.elapsed() >= options.max_backoff)
                    {
                        backoff.succeeded();
                    }
                    let Ok(Err(error)) = end else { return };
                    if matches!(error, ConnectionError::OutOfStep(_)) {
                        self.resume.last = None;
                    }
                    (error, lost)
                }
            };
            let (chance, _) = Uuid::new_v4().as_u64_pair();
            let retry_in = backoff.failed((chance >> 32) as u32);
            tracing::debug!(%remote, %error, ?retry_in, "not connected");
            let remote = remote.clone();
            if self
                .deliveries
                .send(Delivery::Disconnected {
                    remote,
                    error,
                    retry_in,
                    lost,
                })
                .is_err()
            {
                return;
            }
            if self.wait(retry_in).await.is_err() {
                return;
            }
        }
    }

    /// Waits before the next attempt; what the client asks meanwhile is not sent.
    async fn wait(&mut self, time: Duration) -> Result<(), ClientGone> {
        let sleep = tokio::time::sleep(time);
        tokio::pin!(sleep);
        loop {
            tokio::select! {
                () = &mut sleep => return Ok(()),
                command = self.commands.recv() => self.decline(command)?,
            }
        }
    }

    /// Remembers conditions, for this session or the next.
    fn note_conditions(&mut self, table: &str, conditions: Vec<Condition>) {
        let config = Arc::make_mut(&mut self.config);
        if let Some(known) = config.tables.iter_mut().find(|known| known.name() == table) {
            known.set_conditions(conditions);
            self.conditions_noted = true;
        }
    }

    fn decline(&mut self, command: Option<Command>) -> Result<(), ClientGone> {
        match command {
            None => Err(ClientGone),
            Some(Command::Request { id, .. }) => self.deliver(Delivery::NotSent { id }),
            Some(Command::Conditions { table, conditions }) => {
                self.note_conditions(&table, conditions);
                Ok(())
            }
            Some(Command::Resync { .. }) => {
                self.resume.last = None;
                Ok(())
            }
            // The request went with its session.
            Some(Command::Cancel { .. }) => Ok(()),
        }
    }

    fn deliver(&self, delivery: Delivery) -> Result<(), ClientGone> {
        self.deliveries.send(delivery).map_err(|_| ClientGone)
    }

    /// Moves bytes until the connection ends; the outer error means that the client is gone.
    async fn converse(
        &mut self,
        remote: &Remote,
        stream: Box<dyn Stream>,
        session: &mut Session,
    ) -> Result<Result<(), ConnectionError>, ClientGone> {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut input = BytesMut::with_capacity(1 << 16);
        // Deadlines move with every byte, mostly away: the timer is set anew only when it fires or is too late.
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        loop {
            let deadline = session.deadline().map(tokio::time::Instant::from_std);
            if let Some(deadline) = deadline
                && (timer.is_elapsed() || deadline < timer.deadline())
            {
                timer.as_mut().reset(deadline);
            }
            // Each branch is cancel-safe: one read, one write, one command, one timer.
            let step = tokio::select! {
                read = reader.read_buf(&mut input) => match read {
                    Ok(0) => return Ok(Err(ConnectionError::Closed)),
                    Ok(_) => {
                        let result = session.handle_bytes(&input, Instant::now());
                        input.clear();
                        result
                    }
                    Err(error) => return Ok(Err(error.into())),
                },
                written = writer.write(session.output_bytes()), if session.has_output() => match written {
                    Ok(0) => return Ok(Err(ConnectionError::Closed)),
                    Ok(count) => {
                        session.output().advance(count);
                        Ok(())
                    }
                    Err(error) => return Ok(Err(error.into())),
                },
                command = self.commands.recv() => match command {
                    None => return Err(ClientGone),
                    Some(Command::Request { id, bytes, wait }) if session.is_synced() => {
                        session.send(id, &bytes, wait, Instant::now());
                        Ok(())
                    }
                    Some(Command::Conditions { table, conditions }) => {
                        self.note_conditions(&table, conditions);
                        Ok(())
                    }
                    Some(Command::Cancel { id }) => {
                        session.cancel(id);
                        Ok(())
                    }
                    Some(Command::Resync { error }) => return Ok(Err(error)),
                    other => {
                        self.decline(other)?;
                        Ok(())
                    }
                },
                () = &mut timer, if deadline.is_some() => session.handle_timeout(Instant::now()),
            };
            let step = match step {
                // The monitor may be under way with the conditions before: they are changed once it stands.
                Ok(()) if self.conditions_noted && session.is_synced() => {
                    self.conditions_noted = false;
                    session.change_conditions(Arc::clone(&self.config))
                }
                other => other,
            };
            if session.is_synced() {
                self.synced_at.get_or_insert_with(Instant::now);
            }
            // What came before the error still happened.
            self.pass_on(remote, session).await?;
            if let Err(error) = step {
                return Ok(Err(ConnectionError::Session(Arc::new(error))));
            }
        }
    }

    async fn pass_on(&mut self, remote: &Remote, session: &mut Session) -> Result<(), ClientGone> {
        for (event, size) in session.take_events() {
            if matches!(event, SessionEvent::Connected { .. }) {
                self.deliver(Delivery::Connected {
                    remote: remote.clone(),
                })?;
            }
            let units = u32::try_from(size / UNREAD_UNIT)
                .unwrap_or(u32::MAX)
                .min(self.unread_units);
            let mut unread = None;
            if units > 0 {
                unread = match Arc::clone(&self.unread).try_acquire_many_owned(units) {
                    Ok(permit) => Some(permit),
                    Err(_) => {
                        let permit = tokio::select! {
                            permit = Arc::clone(&self.unread).acquire_many_owned(units) => permit.ok(),
                            () = self.deliveries.closed() => return Err(ClientGone),
                        };
                        session.touch(Instant::now());
                        permit
                    }
                };
            }
            self.deliver(Delivery::Session {
                event,
                _unread: unread,
            })?;
        }
        Ok(())
    }
}
