//! Where a server listens: `unix:PATH`, `tcp:HOST:PORT` or `ssl:HOST:PORT`, as every tool of Open vSwitch writes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// One server's address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remote {
    /// `unix:PATH`: a socket of this host.
    Unix(PathBuf),
    /// `tcp:HOST:PORT`; an IPv6 address in brackets; without `:PORT` 6640.
    Tcp {
        /// A name or an address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// `ssl:HOST:PORT`: TLS over TCP, with the files of [`Options::tls`](super::Options::tls).
    Ssl {
        /// A name or an address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
}

/// The port of OVSDB (RFC 7047 §6).
const DEFAULT_PORT: u16 = 6640;

/// A text that is no [`Remote`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is not a remote: expected unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT, with an IPv6 address in brackets"
)]
pub struct RemoteError {
    /// The text as it was given.
    pub found: String,
}

impl Remote {
    /// The remotes of a list with commas between them, such as `tcp:10.0.0.1:6641,tcp:10.0.0.2:6641`.
    ///
    /// # Errors
    /// A part is no remote, or there is none at all.
    pub fn list(text: &str) -> Result<Vec<Self>, RemoteError> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let remotes: Vec<Self> = parts.map(str::parse).collect::<Result<_, _>>()?;
        if remotes.is_empty() {
            return Err(RemoteError {
                found: text.to_owned(),
            });
        }
        Ok(remotes)
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(out, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(out, "tcp:{host}:{port}"),
            Self::Ssl { host, port } if host.contains(':') => write!(out, "ssl:[{host}]:{port}"),
            Self::Ssl { host, port } => write!(out, "ssl:{host}:{port}"),
        }
    }
}

impl FromStr for Remote {
    type Err = RemoteError;

    fn from_str(text: &str) -> Result<Self, RemoteError> {
        let wrong = || RemoteError {
            found: text.to_owned(),
        };
        match text.split_once(':').ok_or_else(wrong)? {
            ("unix", path) if !path.is_empty() => Ok(Self::Unix(path.into())),
            ("tcp", address) => {
                let (host, port) = host_and_port(address).ok_or_else(wrong)?;
                Ok(Self::Tcp { host, port })
            }
            ("ssl", address) => {
                let (host, port) = host_and_port(address).ok_or_else(wrong)?;
                Ok(Self::Ssl { host, port })
            }
            _ => Err(wrong()),
        }
    }
}

fn host_and_port(address: &str) -> Option<(String, u16)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (
                host,
                if rest.is_empty() {
                    None
                } else {
                    Some(rest.strip_prefix(':')?)
                },
            )
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let port = port.map_or(Some(DEFAULT_PORT), |port| {
        port.parse().ok().filter(|&port| port != 0)
    })?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_survive_their_text_form() {
        for text in [
            "unix:/run/openvswitch/db.sock",
            "ssl:[fd00::1]:6640",
            "tcp:127.0.0.1:6640",
            "tcp:[::1]:6641",
            "tcp:db.example:1",
            "ssl:[fd00::1]:6640",
        ] {
            assert_eq!(text.parse::<Remote>().unwrap().to_string(), text);
        }
        assert_eq!(
            "tcp:[fd00::1]".parse::<Remote>().unwrap().to_string(),
            "tcp:[fd00::1]:6640"
        );
        assert_eq!(Remote::list("tcp:a:1, unix:/b,").unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_remote_is_refused() {
        for text in [
            "",
            "unix:",
            "tcp:",
            "tcp::1",
            "tcp:a:0",
            "tcp:a:65536",
            "tcp:[a]:1",
            "tcp:fd00::1",
            "ptcp:1",
            "/x",
        ] {
            assert!(text.parse::<Remote>().is_err(), "{text}");
        }
        assert!(Remote::list(",").is_err());
    }
}
