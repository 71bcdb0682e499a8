//! A connection to a switch's management socket that sends one thing after the other and waits for the answers.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use flows::Version;
use flows::ofpkt::{Body, Hello, Message, MultipartReply, take};

const PATIENCE: Duration = Duration::from_secs(20);

/// A connection over which one version is spoken.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    received: BytesMut,
    version: Version,
    xid: Arc<AtomicU32>,
}

fn other(what: impl std::fmt::Display) -> io::Error {
    io::Error::other(what.to_string())
}

/// A message that a switch has sent is encoded again as the same bytes.
///
/// # Errors
/// If it is not: both.
pub(crate) fn again(bytes: &[u8], message: &Message) -> io::Result<()> {
    let again = message.encode();
    // A switch tells how long an option of tunnels is where an action names a part of it; we say how long it may be.
    let options = || Message::decode(&again).is_ok_and(|second| second == *message);
    if again == bytes || (format!("{message:?}").to_lowercase().contains("metadata") && options()) {
        return Ok(());
    }
    Err(other(format!(
        "{bytes:02x?} is encoded again as {again:02x?}"
    )))
}

impl Connection {
    /// Connects and shakes hands.
    ///
    /// # Errors
    /// If the socket is not there or the switch does not speak the version.
    pub fn open(socket: &Path, version: Version) -> io::Result<Self> {
        Self::open_after(socket, version, Arc::default())
    }

    /// The same with transaction ids that come after those in use.
    ///
    /// # Errors
    /// If the socket is not there or the switch does not speak the version.
    pub fn open_after(socket: &Path, version: Version, xid: Arc<AtomicU32>) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut connection = Self {
            stream,
            received: BytesMut::new(),
            version,
            xid,
        };
        connection.send(Body::Hello(Hello::offering(&[version])))?;
        match connection.receive()?.1.body {
            Body::Hello(_) => Ok(connection),
            body => Err(other(format!("{body:?} instead of a hello"))),
        }
    }

    /// The version that is spoken.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Waits at most so long for a message from now on.
    ///
    /// # Errors
    /// If the socket takes no timeout.
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(patience))
    }

    /// A new transaction id.
    #[must_use]
    pub fn next_xid(&self) -> u32 {
        self.xid.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Sends a message under a new transaction id, which it returns.
    ///
    /// # Errors
    /// If the switch has closed the connection.
    pub fn send(&mut self, body: Body) -> io::Result<u32> {
        let xid = self.next_xid();
        self.send_as(xid, body)?;
        Ok(xid)
    }

    /// Sends a message under this transaction id.
    ///
    /// # Errors
    /// If the switch has closed the connection.
    pub fn send_as(&mut self, xid: u32, body: Body) -> io::Result<()> {
        self.send_bytes(&Message::new(self.version, xid, body).encode())
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// If the switch has closed the connection.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next message, as bytes and read; requests for an echo are answered on the way.
    ///
    /// # Errors
    /// If none comes in time, or it can not be read.
    pub fn receive(&mut self) -> io::Result<(Vec<u8>, Message)> {
        loop {
            let (bytes, message) = self.receive_any()?;
            match message.body {
                Body::EchoRequest(data) => self.send_as(message.xid, Body::EchoReply(data))?,
                _ => return Ok((bytes, message)),
            }
        }
    }

    /// The next message, as bytes and read.
    ///
    /// # Errors
    /// If none comes in time, or it can not be read.
    pub fn receive_any(&mut self) -> io::Result<(Vec<u8>, Message)> {
        loop {
            if let Some(bytes) = take(&mut self.received).map_err(other)? {
                let message = Message::decode(&bytes)
                    .map_err(|e| other(format!("{e}: {:02x?}", &bytes[..])))?;
                return Ok((bytes.to_vec(), message));
            }
            let mut buffer = [0; 65536];
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Err(other("the switch closed the connection"));
            }
            self.received
                .extend_from_slice(buffer.get(..count).unwrap_or_default());
        }
    }

    /// Sends a question and collects the answer: one message, or all parts of one; messages that belong to something else
    /// are dropped.
    ///
    /// # Errors
    /// If there is none.
    pub fn ask(&mut self, body: Body) -> io::Result<Vec<(Vec<u8>, Message)>> {
        let xid = self.send(body)?;
        let mut parts = Vec::new();
        loop {
            let (bytes, message) = self.receive()?;
            if message.xid != xid {
                continue;
            }
            let more = matches!(message.body, Body::MultipartReply(_, true));
            parts.push((bytes, message));
            if !more {
                return Ok(parts);
            }
        }
    }

    /// Sends a change and waits until it is done; what the switch says to it is its refusal.
    ///
    /// # Errors
    /// If the connection fails.
    pub fn change(&mut self, body: Body) -> io::Result<Option<(Vec<u8>, Message)>> {
        let xid = self.send(body)?;
        let barrier = self.send(Body::BarrierRequest)?;
        let mut refusal = None;
        loop {
            let (bytes, message) = self.receive()?;
            if message.xid == barrier {
                return Ok(refusal);
            }
            if message.xid == xid && refusal.is_none() {
                refusal = Some((bytes, message));
            }
        }
    }

    /// The same for a question with one kind of answer.
    ///
    /// # Errors
    /// If there is none.
    pub fn ask_parts(&mut self, body: Body) -> io::Result<Vec<MultipartReply>> {
        let answers = self.ask(body)?;
        answers
            .into_iter()
            .map(|(bytes, message)| {
                again(&bytes, &message)?;
                match message.body {
                    Body::MultipartReply(reply, _) => Ok(reply),
                    body => Err(other(format!("{body:?}"))),
                }
            })
            .collect()
    }
}
