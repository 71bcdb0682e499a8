//! What can go wrong while a lab is built, used or torn down. Every message names the thing it is about.

use std::io;
use std::time::Duration;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a lab could not do something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An external program said no.
    #[error("`{command}` failed ({status}): {said}")]
    Command {
        /// The program and its arguments, as one would type them.
        command: String,
        /// How it ended.
        status: String,
        /// Its standard error (or output, when that was empty), trimmed.
        said: String,
    },
    /// The operating system said no.
    #[error("cannot {what}")]
    Io {
        /// What was being done, with the name of the file, namespace or address.
        what: String,
        /// The reason.
        source: io::Error,
    },
    /// Something did not come true in time.
    #[error("gave up after {} s: {what}{}{last}", .after.as_secs(), if .last.is_empty() { "" } else { "; last seen: " })]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        after: Duration,
        /// The last answer that was not good enough; may be empty.
        last: String,
    },
    /// A process that should run has ended.
    #[error("{name} ended by itself; the end of its log:\n{log}")]
    Died {
        /// The process.
        name: String,
        /// The last lines it wrote.
        log: String,
    },
    /// The lab is being torn down; nothing new can be made in it.
    #[error("the lab is being torn down")]
    Ended,
    /// Text from a file or a program was not what it should be.
    #[error("{what}: {found:?}, expected {expected}")]
    Unexpected {
        /// Where the text came from.
        what: String,
        /// The text, or its wrong part.
        found: String,
        /// What belongs there.
        expected: String,
    },
}

impl Error {
    /// For `map_err`: an [`Error::Io`] that says what was being done.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// For `map_err`: an [`Error::Io`] from a system call's number.
    pub fn errno(what: impl Into<String>) -> impl FnOnce(nix::Error) -> Self {
        let what = what.into();
        move |errno| Self::Io {
            what,
            source: errno.into(),
        }
    }

    /// Text that is not what it should be.
    pub fn unexpected(
        what: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Unexpected {
            what: what.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }
}
