//! Where the agent answers questions about itself, over HTTP: `/metrics` for Prometheus, `/status` as JSON.
//!
//! Nobody who asks can disturb the agent's loop: it is asked for a picture of itself at most once in a while, and text
//! is made of it on another thread. So many connections at a time, each of them for so long, with a request so big: what
//! is more waits or ends. hyper is used without a framework on top because it is hyper that has those limits.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use super::metrics;
use super::status::Status;

/// What one who asks may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For how long a picture is good enough for the next who asks.
    fresh: Duration,
    /// How long the loop has to answer.
    loop_patience: Duration,
    /// How long a client has to send its request.
    request_patience: Duration,
    /// How long it has for everything.
    connection_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fresh: Duration::from_millis(500),
            loop_patience: Duration::from_secs(5),
            request_patience: Duration::from_secs(5),
            connection_patience: Duration::from_secs(15),
        }
    }
}

/// Connections at a time on one socket; others wait to be accepted.
const CONNECTIONS: usize = 16;
/// What a request may have before its body, in bytes: hyper's least.
const REQUEST_BYTES: usize = 8192;
/// The pause after the system could not accept a connection, as when it is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// Somebody wants a picture of the agent.
pub(super) type Question = oneshot::Sender<Arc<Status>>;

/// The listening sockets; dropping it closes them.
#[derive(Debug)]
pub(super) struct Endpoint {
    tasks: Vec<AbortHandle>,
}

impl Endpoint {
    /// Starts to answer on these sockets. The questions go to the agent's loop.
    pub(super) fn start(
        listeners: Vec<Listener>,
        limits: Limits,
    ) -> (Self, mpsc::Receiver<Question>) {
        let (questions, receiver) = mpsc::channel(1);
        let asker = Arc::new(Asker {
            limits,
            questions,
            newest: Mutex::new(None),
        });
        let start = |listener| tokio::spawn(accept(listener, Arc::clone(&asker))).abort_handle();
        let tasks = listeners.into_iter().map(start).collect();
        (Self { tasks }, receiver)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// A socket that accepts.
#[derive(Debug)]
pub(super) enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Listener {
    async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Unix(listener) => Box::new(listener.accept().await?.0),
            Self::Tcp(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

async fn accept(listener: Listener, asker: Arc<Asker>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok(stream) => {
                tokio::spawn(serve(stream, Arc::clone(&asker), place));
            }
            Err(error) => {
                warn!("a connection to the agent's socket can not be accepted: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: Box<dyn Stream>, asker: Arc<Asker>, _place: OwnedSemaphorePermit) {
    let limits = asker.limits;
    let answer = service_fn(|request| {
        let asker = Arc::clone(&asker);
        async move { Ok::<_, Infallible>(asker.answer(&request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.request_patience)
        .max_buf_size(REQUEST_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer);
    match timeout(limits.connection_patience, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!("a client of the agent's socket: {error}"),
        Err(_) => debug!("a client of the agent's socket was too slow"),
    }
}

/// Asks the loop.
struct Asker {
    limits: Limits,
    questions: mpsc::Sender<Question>,
    /// The last picture and when it was made. Held while the loop is asked: the others get the same picture.
    newest: Mutex<Option<(Instant, Arc<Status>)>>,
}

impl Asker {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
            refused
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        type Write = fn(Arc<Status>) -> Option<String>;
        let (content_type, write): (_, Write) = match request.uri().path() {
            "/metrics" => (metrics::CONTENT_TYPE, |status| metrics::text(status).ok()),
            "/status" => ("application/json", |status| {
                serde_json::to_string(&*status).ok()
            }),
            _ => {
                return plain(StatusCode::NOT_FOUND, "there are /metrics and /status\n");
            }
        };
        let Some(status) = self.status().await else {
            let text = "the agent is busy and did not answer\n";
            return plain(StatusCode::SERVICE_UNAVAILABLE, text);
        };
        match tokio::task::spawn_blocking(move || write(status)).await {
            Ok(Some(text)) => respond(StatusCode::OK, content_type, Bytes::from(text)),
            Ok(None) | Err(_) => plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the picture can not be written down\n",
            ),
        }
    }

    /// The agent's picture of itself; none when its loop does not answer.
    async fn status(&self) -> Option<Arc<Status>> {
        let mut newest = self.newest.lock().await;
        if let Some((made, status)) = &*newest
            && made.elapsed() < self.limits.fresh
        {
            return Some(Arc::clone(status));
        }
        let ask = async {
            let (question, answer) = oneshot::channel();
            self.questions.send(question).await.ok()?;
            answer.await.ok()
        };
        let status = timeout(self.limits.loop_patience, ask)
            .await
            .ok()
            .flatten()?;
        *newest = Some((Instant::now(), Arc::clone(&status)));
        Some(status)
    }
}

fn plain(code: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    respond(code, "text/plain", Bytes::from_static(text.as_bytes()))
}

fn respond(code: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = code;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
