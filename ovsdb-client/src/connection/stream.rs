//! Byte streams to a [`Remote`].

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::Remote;

/// A connected byte stream of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects.
///
/// # Errors
/// What the system says; the caller bounds the time.
pub(super) async fn open(remote: &Remote) -> io::Result<Box<dyn Stream>> {
    match remote {
        Remote::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Remote::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            // Transactions are small and waited for.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
    }
}
