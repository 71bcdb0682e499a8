//! The connection as one future that never ends: it moves bytes between the server and a [`Session`], and events to the
//! client, and connects again for ever.
//!
//! It reads while it writes, so that a server that waits for its replies to be read never waits for us; and it stops
//! reading while the client has too much to take. Whoever polls it moves it on; it is dropped with the client.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Buf;
use tokio::io::ReadBuf;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, timeout};
use uuid::Uuid;

use super::backoff::Backoff;
use super::driver::Mail;
use super::stream::{self, Stream};
use super::{ConnectionError, Options, Remote};
use crate::operation::Condition;
use crate::session::{Resume, Session, SessionConfig, SessionError, SessionEvent};

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
        /// The bytes that told it.
        size: usize,
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

/// The most bytes that are read at once.
const READ_SIZE: usize = 1 << 16;

pub(super) struct Task {
    options: Arc<Options>,
    config: Arc<SessionConfig>,
    mail: Arc<Mail<Command, Delivery>>,
    unread: Arc<Semaphore>,
    unread_units: u32,
    resume: Resume,
    /// When this session was synced first.
    synced_at: Option<Instant>,
    /// Conditions have changed since the session was told them.
    conditions_noted: bool,
}

/// One connection that stands.
struct Conversation {
    stream: Box<dyn Stream>,
    session: Session,
    input: Box<[u8]>,
    /// Something was written that may be held back in the stream.
    to_flush: bool,
}

impl Task {
    pub(super) fn new(options: Arc<Options>, mail: Arc<Mail<Command, Delivery>>) -> Self {
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
            mail,
            unread,
            unread_units,
            resume: Resume::default(),
            synced_at: None,
            conditions_noted: false,
        }
    }

    /// Runs until it is dropped; without remotes there is nothing to do.
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
                    self.conditions_noted = false;
                    let resume = std::mem::take(&mut self.resume);
                    let mut conversation = Conversation {
                        stream,
                        session: Session::new(Arc::clone(&self.config), resume, Instant::now()),
                        input: vec![0; READ_SIZE].into_boxed_slice(),
                        to_flush: false,
                    };
                    let error = self.converse(remote, &mut conversation).await;
                    let session = conversation.session;
                    self.resume = session.resume();
                    // A server that fails again right after each first picture is not one that works.
                    if self
                        .synced_at
                        .take()
                        .is_some_and(|since| since.elapsed() >= options.max_backoff)
                    {
                        backoff.succeeded();
                    }
                    if matches!(error, ConnectionError::OutOfStep(_)) {
                        self.resume.last = None;
                    }
                    (error, session.unanswered())
                }
            };
            let (chance, _) = Uuid::new_v4().as_u64_pair();
            let retry_in = backoff.failed((chance >> 32) as u32);
            tracing::debug!(%remote, %error, ?retry_in, "not connected");
            self.mail.deliver(Delivery::Disconnected {
                remote: remote.clone(),
                error,
                retry_in,
                lost,
            });
            self.wait(retry_in).await;
        }
    }

    /// Waits before the next attempt; what the client asks meanwhile is not sent.
    async fn wait(&mut self, time: Duration) {
        let mut sleep = pin!(tokio::time::sleep(time));
        std::future::poll_fn(|context| {
            while let Poll::Ready(command) = self.mail.poll_command(context) {
                self.decline(command);
            }
            sleep.as_mut().poll(context)
        })
        .await;
    }

    /// Remembers conditions, for this session or the next.
    fn note_conditions(&mut self, table: &str, conditions: Vec<Condition>) {
        let config = Arc::make_mut(&mut self.config);
        if let Some(known) = config.tables.iter_mut().find(|known| known.name() == table) {
            known.set_conditions(conditions);
            self.conditions_noted = true;
        }
    }

    fn decline(&mut self, command: Command) {
        match command {
            Command::Request { id, .. } => self.mail.deliver(Delivery::NotSent { id }),
            Command::Conditions { table, conditions } => self.note_conditions(&table, conditions),
            Command::Resync { .. } => self.resume.last = None,
            // The request went with its session.
            Command::Cancel { .. } => {}
        }
    }

    /// Moves bytes until the connection ends.
    async fn converse(
        &mut self,
        remote: &Remote,
        conversation: &mut Conversation,
    ) -> ConnectionError {
        // Deadlines move with every byte, mostly away: the timer is set anew only when it fires or is too late.
        let mut timer = pin!(tokio::time::sleep(Duration::ZERO));
        loop {
            let step =
                std::future::poll_fn(|context| self.step(conversation, timer.as_mut(), context));
            let step = step.await;
            if conversation.session.is_synced() {
                self.synced_at.get_or_insert_with(Instant::now);
            }
            // What came before the error still happened.
            self.pass_on(remote, &mut conversation.session).await;
            if let Err(error) = step {
                return error;
            }
        }
    }

    /// Does all that can be done without waiting; ready when there is something to pass on.
    fn step(
        &mut self,
        conversation: &mut Conversation,
        mut timer: Pin<&mut Sleep>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        loop {
            while let Poll::Ready(command) = self.mail.poll_command(context) {
                self.obey(command, &mut conversation.session)?;
            }
            // The monitor may be under way with the conditions before: they are changed once it stands.
            if self.conditions_noted && conversation.session.is_synced() {
                self.conditions_noted = false;
                let config = Arc::clone(&self.config);
                conversation
                    .session
                    .change_conditions(config)
                    .map_err(ended)?;
            }
            let read = conversation.poll_read(context)?;
            conversation.poll_write(context)?;

            let deadline = conversation.session.deadline();
            let deadline = deadline.map(tokio::time::Instant::from_std);
            if let Some(deadline) = deadline {
                if timer.is_elapsed() || deadline < timer.deadline() {
                    timer.as_mut().reset(deadline);
                }
                if timer.as_mut().poll(context).is_ready() {
                    let session = &mut conversation.session;
                    session.handle_timeout(Instant::now()).map_err(ended)?;
                    continue;
                }
            }
            if conversation.session.has_events() {
                return Poll::Ready(Ok(()));
            }
            if read.is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn obey(&mut self, command: Command, session: &mut Session) -> Result<(), ConnectionError> {
        match command {
            Command::Request { id, bytes, wait } if session.is_synced() => {
                session.send(id, &bytes, wait, Instant::now());
            }
            Command::Cancel { id } => session.cancel(id),
            Command::Resync { error } => return Err(error),
            other => self.decline(other),
        }
        Ok(())
    }

    async fn pass_on(&mut self, remote: &Remote, session: &mut Session) {
        for (event, size) in session.take_events() {
            if matches!(event, SessionEvent::Connected { .. }) {
                self.mail.deliver(Delivery::Connected {
                    remote: remote.clone(),
                });
            }
            let units = u32::try_from(size / UNREAD_UNIT)
                .unwrap_or(u32::MAX)
                .min(self.unread_units);
            let mut unread = None;
            if units > 0 {
                unread = match Arc::clone(&self.unread).try_acquire_many_owned(units) {
                    Ok(permit) => Some(permit),
                    Err(_) => {
                        let permit = Arc::clone(&self.unread).acquire_many_owned(units).await;
                        session.touch(Instant::now());
                        permit.ok()
                    }
                };
            }
            self.mail.deliver(Delivery::Session {
                event,
                size,
                _unread: unread,
            });
        }
    }
}

impl Conversation {
    /// Writes what the stream takes.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Result<(), ConnectionError> {
        let mut stream = Pin::new(&mut *self.stream);
        while self.session.has_output() {
            match stream
                .as_mut()
                .poll_write(context, self.session.output_bytes())?
            {
                Poll::Ready(0) => return Err(ConnectionError::Closed),
                Poll::Ready(count) => {
                    self.session.output().advance(count);
                    self.to_flush = true;
                }
                Poll::Pending => return Ok(()),
            }
        }
        // TLS may have taken more than the socket has.
        if self.to_flush && stream.poll_flush(context)?.is_ready() {
            self.to_flush = false;
        }
        Ok(())
    }

    /// Reads what there is, up to [`READ_SIZE`] bytes.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Result<Poll<()>, ConnectionError> {
        let mut buffer = ReadBuf::new(&mut self.input);
        match Pin::new(&mut *self.stream).poll_read(context, &mut buffer)? {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(()) => match buffer.filled() {
                [] => Err(ConnectionError::Closed),
                bytes => {
                    let handled = self.session.handle_bytes(bytes, Instant::now());
                    handled.map(Poll::Ready).map_err(ended)
                }
            },
        }
    }
}

fn ended(error: SessionError) -> ConnectionError {
    ConnectionError::Session(Arc::new(error))
}
