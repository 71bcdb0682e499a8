//! The last known intent as a file: rows of the northbound database as they were, in the notation of `<table-updates2>`
//! (ovsdb-server(7) §4.1.14), between a line that says whose they are and a checksum. They are read back by the same code
//! that reads the database, so that a file can say nothing that a database could not. When it is written and used is
//! the business of `keeper`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use ovsdb_client::monitor::Plan;
use ovsdb_client::monitor::decode::{Form, UpdatesSeed};
use ovsdb_client::replica::{Replica, ReplicaError, Row};
use ovsdb_client::schema::Schema;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::northbound;

/// What a file of ours calls itself.
const FORMAT: &str = "heddle last known intent";
/// The version of the notation: another one is not read.
const VERSION: u32 = 1;
/// The longest file that is read, in bytes: a site of a million ports.
const LONGEST: u64 = 512 << 20;
/// What a host says of itself again and again is no intent, and is not kept.
const REPORTED: [(&str, &str); 3] = [
    ("Host", "applied"),
    ("Host", "unbound"),
    ("Host", "problems"),
];

/// Whose intent it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Origin {
    /// The host's name.
    pub(super) host: String,
    /// The remotes of the northbound database.
    pub(super) remotes: Vec<String>,
    /// The boot of the machine in which it was written (`/proc/sys/kernel/random/boot_id`).
    pub(super) boot: String,
    /// The revision.
    pub(super) revision: u64,
}

#[derive(Deserialize, Serialize)]
struct Head {
    format: String,
    version: u32,
    #[serde(flatten)]
    origin: Origin,
}

#[derive(Deserialize, Serialize)]
struct Foot {
    checksum: String,
}

/// What was in a file.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) origin: Origin,
    /// See [`write`].
    pub(super) checksum: String,
    /// The rows, as if the database had sent them.
    pub(super) replica: Replica,
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum IntentFileError {
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A directory, a pipe or the like.
    #[error("it is not a regular file")]
    NotAFile,
    /// Nothing of ours.
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    /// Not of the form that [`write`] gives it.
    #[error("it is not a file of heddle's last known intent")]
    Foreign,
    /// Of another release.
    #[error("it has version {0} of the notation, expected {VERSION}")]
    Version(u32),
    /// Cut off or altered.
    #[error("its checksum is {expected}, but its content has {found}")]
    Checksum {
        /// What it says.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Rows that are none.
    #[error("its rows can not be read: {0}")]
    Rows(#[from] serde_json::Error),
    /// Rows that contradict each other.
    #[error("its rows can not be read: {0}")]
    Replica(#[from] ReplicaError),
    /// The schema that the program was built with.
    #[error("the schema of the program can not be used: {0}")]
    Schema(String),
}

/// True if a change of this column changes what the file says.
pub(super) fn is_kept(table: &str, column: &str) -> bool {
    !REPORTED.contains(&(table, column))
}

/// Writes rows, those of a table together, so that at every moment there is either the old file or the new one, also after
/// the power has failed. Returns a checksum of it all, in 16 digits.
///
/// # Errors
///
/// The system refuses. The old file is as it was.
pub(super) fn write(path: &Path, origin: &Origin, rows: &[Row]) -> io::Result<String> {
    let new = path.with_extension("new");
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut out = Checked::new(BufWriter::new(File::create(&new)?));
    let head = Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        origin: origin.clone(),
    };
    serde_json::to_writer(&mut out, &head)?;
    out.write_all(b"\n{")?;
    let mut tables = rows.chunk_by(|a, b| a.table() == b.table()).peekable();
    while let Some(rows) = tables.next() {
        let table = rows.first().map_or("", Row::table);
        write!(out, "\"{table}\":{{")?;
        for (at, row) in rows.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(out, "{comma}\"{}\":{{\"initial\":", row.uuid())?;
            serde_json::to_writer(&mut out, &Columns(row))?;
            out.write_all(b"}")?;
        }
        out.write_all(if tables.peek().is_some() { b"}," } else { b"}" })?;
    }
    out.write_all(b"}\n")?;
    let checksum = out.checksum();
    let foot = Foot {
        checksum: checksum.clone(),
    };
    serde_json::to_writer(&mut out, &foot)?;
    out.write_all(b"\n")?;
    let file = out
        .inner
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(checksum)
}

/// Reads what [`write`] has written; none if there is no file.
///
/// # Errors
///
/// It is anything else.
pub(super) fn read(path: &Path) -> Result<Option<Kept>, IntentFileError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !found.is_file() {
        return Err(IntentFileError::NotAFile);
    }
    let mut bytes = Vec::new();
    let limit = LONGEST.saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
        return Err(IntentFileError::TooLong);
    }
    parse(&bytes).map(Some)
}

fn parse(bytes: &[u8]) -> Result<Kept, IntentFileError> {
    let foreign = || IntentFileError::Foreign;
    let text = std::str::from_utf8(bytes).map_err(|_| foreign())?;
    let (checked, foot) = text
        .strip_suffix('\n')
        .and_then(|text| text.rsplit_once('\n'))
        .ok_or_else(foreign)?;
    let (head, body) = checked.split_once('\n').ok_or_else(foreign)?;
    let head: Head = serde_json::from_str(head).map_err(|_| foreign())?;
    if head.format != FORMAT {
        return Err(foreign());
    }
    if head.version != VERSION {
        return Err(IntentFileError::Version(head.version));
    }
    let foot: Foot = serde_json::from_str(foot).map_err(|_| foreign())?;
    let mut sum = Checked::new(io::sink());
    sum.write_all(checked.as_bytes())?;
    sum.write_all(b"\n")?;
    let found = sum.checksum();
    if found != foot.checksum {
        return Err(IntentFileError::Checksum {
            expected: foot.checksum,
            found,
        });
    }
    let schema = |error: String| IntentFileError::Schema(error);
    let json = serde_json::from_str(northbound::SCHEMA)?;
    let ours = Schema::from_json(&json).map_err(|error| schema(error.to_string()))?;
    let plan =
        Plan::new(&ours, &northbound::tables()).map_err(|error| schema(error.to_string()))?;
    let rows = UpdatesSeed::new(&plan, Form::Differences).decode(body)?;
    Ok(Kept {
        origin: head.origin,
        checksum: found,
        replica: Replica::still(&plan, rows)?,
    })
}

/// The columns of a row that are kept.
struct Columns<'r>(&'r Row);

impl Serialize for Columns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = self.0.table();
        serializer.collect_map(
            self.0
                .columns()
                .filter(|(column, _)| is_kept(table, column)),
        )
    }
}

/// A writer that adds up what goes through it: FNV-1a, 64 bits, against accidents, not against attackers.
struct Checked<W> {
    inner: W,
    sum: u64,
}

impl<W> Checked<W> {
    fn new(inner: W) -> Self {
        let sum = 0xcbf2_9ce4_8422_2325;
        Self { inner, sum }
    }

    fn checksum(&self) -> String {
        format!("{:016x}", self.sum)
    }
}

impl<W: Write> Write for Checked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        for byte in bytes.iter().take(written) {
            self.sum = (self.sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
#[path = "intent_file_tests.rs"]
mod tests;
