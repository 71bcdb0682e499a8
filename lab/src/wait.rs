//! Waiting for a condition with a deadline. Nothing in the lab waits in another way.

use std::thread;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(10);

/// What a look at a condition found.
pub enum Look<T> {
    /// It is there.
    Done(T),
    /// Not yet; the text says what was seen instead, for the message if it never comes.
    NotYet(String),
}

/// Looks again and again until `look` finds what it wants.
///
/// # Errors
/// [`Error::Timeout`] after `patience`, with the last thing seen; or the first error of `look` itself.
pub fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<Look<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        let last = match look()? {
            Look::Done(found) => return Ok(found),
            Look::NotYet(last) => last,
        };
        if start.elapsed() >= patience {
            return Err(Error::Timeout {
                what: what.to_owned(),
                after: patience,
                last,
            });
        }
        thread::sleep(INTERVAL);
    }
}

/// [`until`] for a plain yes or no.
///
/// # Errors
/// [`Error::Timeout`] after `patience`, or the first error of `look` itself.
pub fn until_true(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<bool>,
) -> Result<()> {
    until(what, patience, || {
        Ok(if look()? {
            Look::Done(())
        } else {
            Look::NotYet(String::new())
        })
    })
}
