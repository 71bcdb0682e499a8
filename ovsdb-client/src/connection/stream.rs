//! Byte streams to a [`Remote`].

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::{ConnectionError, Remote, Tls};

/// A connected byte stream of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects.
///
/// # Errors
/// What the system says, or TLS; the caller bounds the time.
pub(super) async fn open(
    remote: &Remote,
    tls: Option<&Tls>,
) -> Result<Box<dyn Stream>, ConnectionError> {
    match remote {
        Remote::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Remote::Tcp { host, port } => Ok(Box::new(tcp(host, *port).await?)),
        Remote::Ssl { host, port } => {
            let tls = tls.ok_or_else(|| {
                ConnectionError::Tls(format!("no keys and certificates given for {remote}"))
            })?;
            secure(host, *port, tls).await
        }
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    // Transactions are small and waited for.
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(feature = "tls")]
async fn secure(host: &str, port: u16, tls: &Tls) -> Result<Box<dyn Stream>, ConnectionError> {
    let connector = super::tls::Connector::new(host, tls)?;
    Ok(Box::new(connector.connect(tcp(host, port).await?).await?))
}

#[cfg(not(feature = "tls"))]
async fn secure(_: &str, _: u16, _: &Tls) -> Result<Box<dyn Stream>, ConnectionError> {
    Err(ConnectionError::Tls(
        "this program was built without TLS".to_owned(),
    ))
}
