//! What a program that runs for long writes to standard error: one line an event, for people, files and the journal.
//!
//! When standard error is the journal (systemd.exec(5), `JOURNAL_STREAM`), a line begins with its priority as sd-daemon(3)
//! has it, and the journal knows the time. Elsewhere it begins with the time and the level, in colour on a terminal.

use std::fmt;
use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::Failure;

/// Writes events as `RUST_LOG` says, from here on. Without it: all but debugging.
///
/// # Errors
///
/// `RUST_LOG` can not be read.
pub(super) fn start() -> Result<(), Failure> {
    let filter = match std::env::var("RUST_LOG") {
        Err(_) => EnvFilter::new("info"),
        Ok(text) => EnvFilter::try_new(&text)
            .map_err(|error| Failure::input(format_args!("RUST_LOG={text}: {error}")))?,
    };
    let style = if is_journal() {
        Style::Journal
    } else if std::io::stderr().is_terminal() {
        Style::Terminal
    } else {
        Style::File
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .event_format(style)
        .init();
    Ok(())
}

/// True if `JOURNAL_STREAM` names the device and inode of standard error.
fn is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    std::fs::metadata("/proc/self/fd/2")
        .is_ok_and(|found| stream == format!("{}:{}", found.dev(), found.ino()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Journal,
    Terminal,
    File,
}

impl Style {
    /// What a line begins with.
    fn head(self, level: Level, out: &mut Writer<'_>) -> fmt::Result {
        let (priority, colour) = match level {
            Level::ERROR => (3, 31),
            Level::WARN => (4, 33),
            Level::INFO => (6, 32),
            Level::DEBUG | Level::TRACE => (7, 34),
        };
        match self {
            Self::Journal => write!(out, "<{priority}>"),
            Self::Terminal => {
                SystemTime.format_time(out)?;
                write!(out, " \u{1b}[{colour}m{level:>5}\u{1b}[0m ")
            }
            Self::File => {
                SystemTime.format_time(out)?;
                write!(out, " {level:>5} ")
            }
        }
    }
}

impl<S, N> FormatEvent<S, N> for Style
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        self.head(*event.metadata().level(), &mut out)?;
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        one_line(&text, &mut out)?;
        writeln!(out)
    }
}

/// Names and errors come from others: no character of theirs ends a line or moves a cursor.
fn one_line(text: &str, out: &mut Writer<'_>) -> fmt::Result {
    for c in text.chars() {
        if c.is_control() {
            write!(out, "{}", c.escape_default())?;
        } else {
            out.write_char(c)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::{info, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(style: Style, log: impl FnOnce()) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .event_format(style)
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = memory.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_journal_gets_priorities_and_no_time() {
        let text = written(Style::Journal, || {
            info!(bridge = "br-int", flows = 3, "OpenFlow session");
            warn!("gone");
        });
        assert_eq!(
            text,
            "<6>OpenFlow session bridge=\"br-int\" flows=3\n<4>gone\n"
        );
    }

    #[test]
    fn an_event_is_one_line_whatever_others_say() {
        let text = written(Style::Journal, || {
            let error = "first\n<0>second\u{1b}[2J";
            warn!(port = "a\nb", "refused: {error}");
        });
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(text.contains(r"refused: first\n<0>second"), "{text:?}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn a_file_gets_the_time_and_the_level() {
        let text = written(Style::File, || info!("up"));
        assert!(text.ends_with("Z  INFO up\n"), "{text:?}");
        assert!(text.starts_with("20"), "{text:?}");
        assert!(!text.contains('\u{1b}'));
    }
}
