//! The socket of an OpenFlow session: a task that connects to a bridge's management socket, for ever.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::session::{Refusal, Scope, Session, SessionError, SessionEvent};
use crate::model::{INTEGRATION_BRIDGE, TUNNEL_BRIDGE};
use crate::reconcile::observation::{Listed, Observation};
use crate::reconcile::reconciler::FlowMod;

/// The pause before the second attempt to connect; it doubles up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// How long a switch may be silent before it is asked for a sign of life, and again before it is given up.
const SILENCE: Duration = Duration::from_secs(5);

/// What happens with a bridge.
#[derive(Debug)]
pub(super) enum LinkEvent {
    /// Before a session begins: flows (on a provider bridge: of table 0).
    Listed { bridge: String, listed: Listed },
    /// A session has begun: all flows are listed, and these are all ports by number.
    Began {
        bridge: String,
        session: u64,
        ports: BTreeMap<u32, String>,
    },
    /// There is no session, or no more.
    Ended {
        bridge: String,
        error: LinkError,
        retry_in: Duration,
    },
    /// A port is there, or has this name now, or (none) is gone.
    PortChanged {
        bridge: String,
        ofport: u32,
        name: Option<String>,
    },
    /// Others have changed flows, in this order.
    FlowsChanged {
        bridge: String,
        observations: Vec<Observation>,
    },
    /// The changes given to [`Link::program`] are made.
    Acknowledged { bridge: String },
    /// Nothing is made of what is on its way. The session goes on under this number, for what was sent without knowing of
    /// that must not be made either.
    Refused {
        bridge: String,
        session: u64,
        error: Refusal,
    },
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// The socket.
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    /// The switch closed the connection.
    #[error("the switch closed the connection")]
    Closed,
    /// The switch does not answer.
    #[error("the switch has been silent for {} s", (SILENCE * 2).as_secs())]
    Silent,
    /// What the switch says.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// A bridge; dropping it ends the session.
#[derive(Debug)]
pub(super) struct Link {
    /// The number of the session that the owner knows of: changes that were made for one are not sent in another.
    session: u64,
    commands: mpsc::UnboundedSender<(u64, Vec<FlowMod>)>,
    task: AbortHandle,
}

impl Link {
    /// Starts to connect; see [`Scope::cookies`].
    pub(super) fn open(
        bridge: &str,
        rundir: &Path,
        cookies: Arc<[u64]>,
        events: mpsc::Sender<LinkEvent>,
    ) -> Self {
        let (commands, receiver) = mpsc::unbounded_channel();
        let path = rundir.join(format!("{bridge}.mgmt"));
        let task = Task {
            bridge: bridge.to_owned(),
            path,
            cookies,
            events,
            commands: receiver,
            session: 0,
        };
        Self {
            session: 0,
            commands,
            task: tokio::spawn(task.run()).abort_handle(),
        }
    }

    /// The owner has been told that this session has begun, or that it goes on after a refusal.
    pub(super) fn began(&mut self, session: u64) {
        self.session = session;
    }

    /// Sends changes as one bundle, behind those that are on their way; each has one answer, in the same order.
    pub(super) fn program(&self, changes: Vec<FlowMod>) {
        // The task ends only with this link, so there is somebody to receive it.
        if self.commands.send((self.session, changes)).is_err() {
            tracing::error!("the OpenFlow task has ended");
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Task {
    bridge: String,
    path: PathBuf,
    cookies: Arc<[u64]>,
    events: mpsc::Sender<LinkEvent>,
    commands: mpsc::UnboundedReceiver<(u64, Vec<FlowMod>)>,
    session: u64,
}

impl Task {
    async fn run(mut self) {
        let mut pause = MIN_PAUSE;
        loop {
            let mut began = false;
            let Err(error) = self.converse(&mut began).await else {
                return;
            };
            if began {
                pause = MIN_PAUSE;
            }
            let ended = LinkEvent::Ended {
                bridge: self.bridge.clone(),
                error,
                retry_in: pause,
            };
            if self.events.send(ended).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// One session from connect to failure; without one when nobody listens any more.
    async fn converse(&mut self, began: &mut bool) -> Result<(), LinkError> {
        let path = self.path.clone();
        let io = |error| LinkError::Io {
            path: path.clone(),
            error,
        };
        let connected = timeout(SILENCE, UnixStream::connect(&self.path)).await;
        let mut stream = connected.map_err(|_| LinkError::Silent)?.map_err(io)?;
        let (mut reader, mut writer) = stream.split();
        let mut session = Session::new(self.scope());
        self.session = self.session.wrapping_add(1);
        let mut buffer = vec![0; 64 * 1024];
        let mut deadline = Instant::now() + SILENCE;
        let mut probed = false;
        loop {
            let has_output = !session.output().is_empty();
            tokio::select! {
                read = reader.read(&mut buffer) => {
                    let count = read.map_err(io)?;
                    if count == 0 {
                        return Err(LinkError::Closed);
                    }
                    (deadline, probed) = (Instant::now() + SILENCE, false);
                    for event in session.handle_bytes(buffer.get(..count).unwrap_or_default())? {
                        *began |= matches!(event, SessionEvent::Began { .. });
                        let event = self.named(event);
                        if self.events.send(event).await.is_err() {
                            return Ok(());
                        }
                    }
                }
                written = async { writer.write(session.output()).await }, if has_output => {
                    let count = written.map_err(io)?;
                    session.output().drain(..count);
                }
                changes = self.commands.recv(), if *began => match changes {
                    Some((meant_for, changes)) if meant_for == self.session => {
                        for event in session.program(changes) {
                            let event = self.named(event);
                        if self.events.send(event).await.is_err() {
                                return Ok(());
                            }
                        }
                    }
                    Some(_) => {}
                    None => return Ok(()),
                },
                () = sleep_until(deadline) => {
                    if probed {
                        return Err(LinkError::Silent);
                    }
                    session.probe();
                    (deadline, probed) = (Instant::now() + SILENCE, true);
                }
            }
        }
    }

    /// heddle's own bridges whole; of a provider bridge table 0, where heddle adds to the operator's flows.
    fn scope(&self) -> Scope {
        let own = [INTEGRATION_BRIDGE, TUNNEL_BRIDGE].contains(&self.bridge.as_str());
        Scope {
            table: (!own).then_some(crate::compile::pipeline::provider::TRANSLATE.number),
            cookies: Arc::clone(&self.cookies),
        }
    }

    fn named(&mut self, event: SessionEvent) -> LinkEvent {
        let bridge = self.bridge.clone();
        match event {
            SessionEvent::Listed(listed) => LinkEvent::Listed { bridge, listed },
            SessionEvent::Began { ports } => LinkEvent::Began {
                bridge,
                session: self.session,
                ports,
            },
            SessionEvent::PortChanged { ofport, name } => LinkEvent::PortChanged {
                bridge,
                ofport,
                name,
            },
            SessionEvent::FlowsChanged(observations) => LinkEvent::FlowsChanged {
                bridge,
                observations,
            },
            SessionEvent::Acknowledged => LinkEvent::Acknowledged { bridge },
            SessionEvent::Refused { error } => {
                self.session = self.session.wrapping_add(1);
                LinkEvent::Refused {
                    bridge,
                    session: self.session,
                    error,
                }
            }
        }
    }
}
