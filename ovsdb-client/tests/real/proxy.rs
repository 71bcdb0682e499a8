//! A server in between: it passes bytes on to a real one, and cuts connections or does worse.

use std::collections::VecDeque;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use ovsdb_client::Remote;
use ovsdb_client::rpc::Framer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{AbortHandle, JoinHandle};

use crate::server::{SCHEMA, temp_dir};

/// What is done to one connection instead of passing it on.
pub(crate) type Mischief =
    Box<dyn FnOnce(UnixStream) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// The server in between.
pub(crate) struct Proxy {
    socket: PathBuf,
    _dir: tempfile::TempDir,
    accept: JoinHandle<()>,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Proxy {
    /// Does each mischief to one connection, in order, and passes later ones on to the server at `target`.
    pub(crate) fn start(target: PathBuf, mischief: Vec<Mischief>) -> Self {
        let dir = temp_dir();
        let socket = dir.path().join("proxy");
        let listener = UnixListener::bind(&socket).unwrap();
        let connections = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&connections);
        let mut mischief = VecDeque::from(mischief);
        let accept = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let task = match mischief.pop_front() {
                    Some(mischief) => tokio::spawn(mischief(stream)),
                    None => {
                        let target = target.clone();
                        tokio::spawn(async move {
                            if let Ok(mut server) = UnixStream::connect(target).await {
                                // Ends with either side, which is all that matters.
                                let _ =
                                    tokio::io::copy_bidirectional(&mut stream, &mut server).await;
                            }
                        })
                    }
                };
                known.lock().unwrap().push(task.abort_handle());
            }
        });
        Self {
            socket,
            _dir: dir,
            accept,
            connections,
        }
    }

    /// Where it listens.
    pub(crate) fn remote(&self) -> Remote {
        Remote::Unix(self.socket.clone())
    }

    /// Breaks all connections.
    pub(crate) fn cut(&self) {
        self.connections
            .lock()
            .unwrap()
            .drain(..)
            .for_each(|connection| connection.abort());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accept.abort();
        self.cut();
    }
}

/// Plays a server with an empty database until the client is synced.
pub(crate) async fn handshake(stream: &mut UnixStream) {
    handshake_as(stream, |_| None).await;
}

/// The same, with other answers to some requests: result and error. Ends as well when the client leaves.
pub(crate) async fn handshake_as(
    stream: &mut UnixStream,
    answer: impl Fn(&Value) -> Option<(Value, Value)>,
) {
    let mut framer = Framer::new(1 << 20);
    let mut buffer = [0; 4096];
    loop {
        let Ok(count @ 1..) = stream.read(&mut buffer).await else {
            return;
        };
        framer.push(&buffer[..count]);
        while let Some(frame) = framer.next_message().unwrap() {
            let request: Value = serde_json::from_slice(frame.bytes()).unwrap();
            let plain = || match request["method"].as_str().unwrap() {
                "get_schema" if request["params"][0] == "_Server" => {
                    (Value::Null, json!("unknown database"))
                }
                "get_schema" => (serde_json::from_str(SCHEMA).unwrap(), Value::Null),
                "monitor_cond_since" => (json!([false, uuid::Uuid::nil(), {}]), Value::Null),
                _ => (json!({}), Value::Null),
            };
            let (result, error) = answer(&request).unwrap_or_else(plain);
            let reply = json!({"id": request["id"], "result": result, "error": error}).to_string();
            // The client may have left.
            let _ = stream.write_all(reply.as_bytes()).await;
            if request["method"] == "monitor_cond_since" {
                return;
            }
        }
    }
}
