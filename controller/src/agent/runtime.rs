//! The agent's place on the host: a directory that holds its lock and its socket. Two agents that program one switch would
//! undo each other's work, so an agent that finds the lock taken does not start.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// The name of the socket in the directory.
const SOCKET: &str = "agent.sock";
/// The name of the lock.
const LOCK: &str = "agent.lock";

/// Why an agent can not run from a directory.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The directory can not be used.
    #[error("{}: {error}", path.display())]
    Io {
        /// What was looked at.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another agent runs from there.
    #[error("{} is locked: another agent runs on this host; two on different switches need a --runtime-dir each", .0.display())]
    Taken(PathBuf),
    /// Something else has the name of the socket.
    #[error("{} is not a socket: remove it", .0.display())]
    NotASocket(PathBuf),
}

/// The directory, held while this lives.
#[derive(Debug)]
pub struct Runtime {
    socket: PathBuf,
    /// The lock ends with the file.
    lock: File,
    noted: Option<String>,
}

/// The length of a note, in bytes.
const NOTE: usize = 16;

impl Runtime {
    /// Takes the directory and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// It can not be used, or another agent has it.
    pub fn take(directory: &Path) -> Result<Self, RuntimeError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| RuntimeError::Io { path, error }
        };
        fs::create_dir_all(directory).map_err(at(directory))?;
        let path = directory.join(LOCK);
        let mut options = File::options();
        let open = options.create(true).truncate(false).read(true).write(true);
        let lock = open.open(&path).map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RuntimeError::Taken(path)),
            Err(TryLockError::Error(error)) => return Err(RuntimeError::Io { path, error }),
        }
        let mut note = [0; NOTE];
        let noted = lock.read_exact_at(&mut note, 0).ok();
        Ok(Self {
            socket: socket(directory),
            noted: noted.and_then(|()| Some(std::str::from_utf8(&note).ok()?.to_owned())),
            lock,
        })
    }

    /// What the agent that had the directory before this one noted last.
    pub(super) fn noted(&self) -> Option<&str> {
        self.noted.as_deref()
    }

    /// Notes something for the next agent: the first 16 bytes of it.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub(super) fn note(&self, text: &str) -> io::Result<()> {
        let line = format!("{text:NOTE$.NOTE$}\n");
        self.lock.write_all_at(line.as_bytes(), 0)
    }

    /// Listens on the socket, in place of one that an agent has left behind. Only the agent's own user may connect.
    ///
    /// # Errors
    ///
    /// The system refuses, or something that is no socket has its name.
    pub(super) fn listen(&self) -> Result<UnixListener, RuntimeError> {
        let at = |error| RuntimeError::Io {
            path: self.socket.clone(),
            error,
        };
        match fs::symlink_metadata(&self.socket) {
            // Whoever made it is gone: the lock is ours.
            Ok(found) if found.file_type().is_socket() => {
                fs::remove_file(&self.socket).map_err(at)?;
            }
            Ok(_) => return Err(RuntimeError::NotASocket(self.socket.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(error)),
        }
        let listener = UnixListener::bind(&self.socket).map_err(at)?;
        fs::set_permissions(&self.socket, fs::Permissions::from_mode(0o600)).map_err(at)?;
        Ok(listener)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // Best effort: the next agent takes a socket that is left behind for what it is.
        let _ = fs::remove_file(&self.socket);
    }
}

/// Where the agent that runs from this directory answers.
#[must_use]
pub fn socket(directory: &Path) -> PathBuf {
    directory.join(SOCKET)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::Builder::new()
            .prefix("heddle-runtime-")
            .tempdir()
            .unwrap()
    }

    #[test]
    fn two_agents_do_not_share_a_directory() {
        let directory = directory();
        let path = directory.path().join("made/by/the/agent");
        let first = Runtime::take(&path).unwrap();
        let error = Runtime::take(&path).unwrap_err();
        assert!(matches!(error, RuntimeError::Taken(_)), "{error}");
        first.note("0123456789abcdef").unwrap();
        drop(first);
        let second = Runtime::take(&path).unwrap();
        assert_eq!(second.noted(), Some("0123456789abcdef"));
    }

    #[tokio::test]
    async fn a_socket_that_was_left_behind_is_replaced_and_a_file_is_not() {
        let directory = directory();
        let path = socket(directory.path());
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let runtime = Runtime::take(directory.path()).unwrap();
        let listener = runtime.listen().unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop((listener, runtime));
        assert!(!path.exists());

        fs::write(&path, "not ours").unwrap();
        let runtime = Runtime::take(directory.path()).unwrap();
        let error = runtime.listen().unwrap_err();
        assert!(matches!(error, RuntimeError::NotASocket(_)), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "not ours");
    }
}
