//! Why a session ended.

use super::ServerFault;
use crate::monitor::SchemaMismatch;
use crate::rpc::{FrameError, MessageError};
use crate::schema::SchemaError;

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The stream is not JSON-RPC.
    #[error("the server sent {0}")]
    Frame(#[from] FrameError),
    /// A message that is not an object of members.
    #[error("the server sent a malformed message: {0}")]
    Message(#[from] MessageError),
    /// A message that is not what the protocol says.
    #[error("the server sent a malformed {what}")]
    Malformed {
        /// The message.
        what: &'static str,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A reply to no request of ours.
    #[error("the server answered request {0}, which was never made")]
    UnexpectedReply(String),
    /// The server refused a request that every server grants.
    #[error("the server refused {request}: {error}")]
    Refused {
        /// The method.
        request: &'static str,
        /// The error member.
        error: String,
    },
    /// The schema can not be read.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The schema is not what the program needs.
    #[error(transparent)]
    Mismatch(#[from] SchemaMismatch),
    /// This server is not one to talk to now.
    #[error(transparent)]
    Server(#[from] ServerFault),
    /// The server cancelled the monitor of its own state.
    #[error("the server cancelled the monitor of its _Server database")]
    MonitorCanceled,
    /// Nothing came for too long, in seconds.
    #[error("the server was silent for {0} seconds")]
    Silent(u64),
    /// A request had no reply for too long, in seconds.
    #[error("a request was not answered for {0} seconds")]
    NoReply(u64),
    /// The server asks faster than it reads the answers.
    #[error("the server does not read our replies")]
    NotReading,
}
