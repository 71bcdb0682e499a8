//! A socket with nothing around it: what any client is measured against.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use ovsdb_client::rpc::Framer;
use serde_json::json;
use uuid::Uuid;

use crate::server::Server;

/// A blocking socket that can tell where messages end.
pub(crate) struct Bare {
    stream: UnixStream,
    framer: Framer,
    buffer: Vec<u8>,
}

impl Bare {
    pub(crate) fn connect(server: &Server) -> Self {
        Self {
            stream: UnixStream::connect(server.socket()).unwrap(),
            framer: Framer::new(1 << 30),
            buffer: vec![0; 1 << 16],
        }
    }

    /// A connection that is sent the changes of all rows, as a client's is.
    pub(crate) fn monitoring(server: &Server) -> Self {
        let mut bare = Self::connect(server);
        let request = json!({"method": "monitor_cond_since", "id": "m",
            "params": ["Bench", "m", {"Port": [{}]}, Uuid::nil()]});
        bare.call(request.to_string().as_bytes());
        bare
    }

    /// Sends bytes.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends a request and waits for its reply.
    pub(crate) fn call(&mut self, request: &[u8]) {
        self.send(request);
        self.reply();
    }

    /// Reads until a reply, past updates.
    pub(crate) fn reply(&mut self) {
        while !self.message() {}
    }

    /// Reads one message; true if it is a reply.
    pub(crate) fn message(&mut self) -> bool {
        loop {
            if let Some(frame) = self.framer.next_message().unwrap() {
                let message = frame.bytes();
                let is_reply = message.windows(9).any(|part| part == b"\"result\":");
                if is_reply {
                    assert!(
                        !message.windows(7).any(|part| part == b"details"),
                        "{}",
                        String::from_utf8_lossy(message)
                    );
                }
                return is_reply;
            }
            let count = self.stream.read(&mut self.buffer).unwrap();
            assert!(count > 0, "the server left");
            self.framer.push(&self.buffer[..count]);
        }
    }

    /// Sends from another thread while replies are read here: a server that waits for its replies to be read reads no
    /// more requests.
    pub(crate) fn pipeline(&mut self, writes: Vec<Vec<u8>>, replies: usize) {
        let mut sender = self.stream.try_clone().unwrap();
        let send = std::thread::spawn(move || {
            for bytes in writes {
                sender.write_all(&bytes).unwrap();
            }
        });
        for _ in 0..replies {
            self.reply();
        }
        send.join().unwrap();
    }
}
