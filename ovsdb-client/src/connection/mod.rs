//! The tokio shell: sockets, the clock, and the [`Client`] that a program holds.
//!
//! ```text
//!   program ── next(), submit() ── Client ◄── deliveries ── Task ◄── bytes ──► server
//!                                  replica                  session
//!                                  backlog
//! ```
//!
//! Decoding happens in the task, applying in [`Client::next`]: what a program sees in the replica between two calls of
//! `next` never moves. The task is a future that the program itself polls while it waits, and a task of the runtime
//! while it does not.

mod backlog;
mod backoff;
mod client;
mod driver;
mod options;
mod remote;
mod stream;
mod task;
#[cfg(feature = "tls")]
mod tls;

pub use client::{CallError, Client, Event, SyncError};
pub use options::{Options, Tls};
pub use remote::{Remote, RemoteError};

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::replica::ReplicaError;
use crate::session::{ServerFault, SessionError};

/// Why there is no connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The system refused or broke the connection.
    #[error("{0}")]
    Io(Arc<io::Error>),
    /// The connection was not made in time.
    #[error("no connection after {} s", .0.as_secs_f32())]
    ConnectTimeout(Duration),
    /// An `ssl:` remote can not be used with what [`Options::tls`] says.
    #[error("TLS: {0}")]
    Tls(String),
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// The conversation failed.
    #[error(transparent)]
    Session(#[from] Arc<SessionError>),
    /// An update did not fit the replica, which is fetched anew.
    #[error("an update does not fit the replica: {0}")]
    OutOfStep(#[from] ReplicaError),
    /// The task of the connection has ended with its runtime.
    #[error("the runtime of the connection has ended")]
    TaskEnded,
}

impl ConnectionError {
    /// True when the server was reached and waiting alone will not help: somebody must change the database, the schema
    /// that is asked for, or the files for TLS.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Tls(_) => true,
            Self::Session(error) => matches!(
                **error,
                SessionError::Mismatch(_)
                    | SessionError::Schema(_)
                    | SessionError::Refused { .. }
                    | SessionError::Server(ServerFault::NoDatabase(_))
            ),
            _ => false,
        }
    }
}

impl From<io::Error> for ConnectionError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}
