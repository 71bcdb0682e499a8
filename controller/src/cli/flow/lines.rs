//! The lines of an input of any length: read in bounded memory, worked on by all cores, taken in order. Knows nothing of
//! what stands in a line but what a comment is.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::thread;

use crate::cli::Failure;

/// The longest line that is read, in bytes. The largest message there can be is an eighth of it in hexadecimal.
const LONGEST: usize = 1 << 20;
/// What some editors put in front of a text in UTF-8: nobody sees it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes that are worked on together.
const BATCH: usize = 4 << 20;
/// Bytes asked for in one read.
const READ: usize = 1 << 20;
/// Fewer lines than these are not worth a thread.
const SHARE: usize = 128;

/// A line that says something.
pub(super) struct Line<'a> {
    /// Its number in the input, from 1.
    number: u64,
    /// Its number among the lines that say something, from 1.
    pub(super) index: u64,
    bytes: &'a [u8],
}

/// What is wrong with a line: the column, from 1, and what was found and expected.
pub(super) type Wrong = (usize, String);

/// What comes of lines, and what is to be said of them.
pub(super) struct Made<'a, T> {
    /// What comes of them.
    pub(super) out: T,
    name: &'a str,
    /// The number of the line that is worked on.
    number: u64,
    complaints: String,
}

impl<T> Made<'_, T> {
    /// Says something of the line that is worked on, which comes out nonetheless.
    pub(super) fn warn(&mut self, column: usize, what: &str) {
        let (name, number) = (self.name, self.number);
        self.complaints
            .push_str(&format!("{name}:{number}:{column}: warning: {what}\n"));
    }
}

/// How many lines said something, and of how many of them it was wrong.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Tally {
    pub(super) total: u64,
    pub(super) bad: u64,
}

/// What came of some lines.
struct Part<T> {
    made: T,
    /// What is wrong with some of them or surprising, a line each.
    complaints: String,
    bad: u64,
}

/// Gives each line of `source`, whose name is for complaints, to `work`, and what came of many lines, in order, to `take`.
/// Complaints go to standard error. The rest is not read once `take` breaks off.
pub(super) fn work_through<T: Default + Send>(
    name: &str,
    source: impl Read,
    tally: &mut Tally,
    work: impl Fn(&Line<'_>, &str, &mut Made<'_, T>) -> Result<(), Wrong> + Sync,
    mut take: impl FnMut(T) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure> {
    let share = |lines: &mut [Line<'_>]| {
        let mut made = Made {
            out: T::default(),
            name,
            number: 0,
            complaints: String::new(),
        };
        let mut bad = 0;
        for line in lines {
            made.number = line.number;
            let done = line.text().and_then(|text| work(line, text, &mut made));
            if let Err((column, what)) = done {
                bad += 1;
                made.complaints
                    .push_str(&format!("{name}:{}:{column}: {what}\n", line.number));
            }
        }
        Part {
            made: made.out,
            complaints: made.complaints,
            bad,
        }
    };
    let (mut batches, mut number) = (Batches::new(source), 0);
    loop {
        let read = batches.next();
        let read = read.map_err(|error| Failure::failed(format_args!("{name}: {error}")));
        let Some(batch) = read? else { return Ok(()) };
        let mut lines = lines(batch, &mut number, &mut tally.total);
        for part in spread(&mut lines, SHARE, share) {
            tally.bad += part.bad;
            // Standard error may be closed: there is nobody left to tell.
            let _ = io::stderr().write_all(part.complaints.as_bytes());
            if take(part.made)?.is_break() {
                return Ok(());
            }
        }
    }
}

/// Shares items among all cores, at least `least` for each; what came of the shares is in their order.
pub(super) fn spread<I: Send, O: Send>(
    items: &mut [I],
    least: usize,
    work: impl Fn(&mut [I]) -> O + Sync,
) -> Vec<O> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(cores).max(least);
    if items.len() <= share {
        return vec![work(items)];
    }
    thread::scope(|scope| {
        let work = &work;
        let started: Vec<_> = items
            .chunks_mut(share)
            .map(|part| scope.spawn(move || work(part)))
            .collect();
        let ended = started.into_iter().map(|thread| thread.join());
        ended
            .map(|made| made.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

impl Line<'_> {
    fn text(&self) -> Result<&str, Wrong> {
        if self.bytes.len() > LONGEST {
            return Err((
                LONGEST + 1,
                format!("the line goes on, expected its end: {LONGEST} bytes are read"),
            ));
        }
        std::str::from_utf8(self.bytes).map_err(|error| {
            let at = error.valid_up_to();
            let byte = self.bytes.get(at).copied().unwrap_or_default();
            (
                at + 1,
                format!("byte {byte:#04x} is not UTF-8, expected text"),
            )
        })
    }
}

/// What a line says, without comment and white space behind; nothing if it says nothing. What `dump-flows` prints as its
/// head is nothing either.
fn content(line: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(b'#', line).unwrap_or(line.len());
    let text = line.split_at(end).0.trim_ascii_end();
    let said = text.trim_ascii_start();
    let is_head = said.starts_with(b"NXST_FLOW reply") || said.starts_with(b"OFPST_FLOW reply");
    (!said.is_empty() && !is_head).then_some(text)
}

/// The lines of `text` that say something; `number` counts all lines, `index` these.
fn lines<'a>(text: &'a [u8], number: &mut u64, index: &mut u64) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let mut rest = text;
    if *number == 0 {
        rest = rest.strip_prefix(BYTE_ORDER_MARK).unwrap_or(rest);
    }
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, next) = rest.split_at(end);
        rest = next;
        *number += 1;
        if let Some(bytes) = content(line) {
            *index += 1;
            lines.push(Line {
                number: *number,
                index: *index,
                bytes,
            });
        }
    }
    lines
}

/// Cuts a source into batches of whole lines, of which only the last may lack its end.
struct Batches<R> {
    source: R,
    buffer: Vec<u8>,
    /// Bytes at the beginning of the buffer that have been a batch.
    used: usize,
    /// True while the rest of a line that is too long is passed over.
    passing: bool,
}

impl<R: Read> Batches<R> {
    fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            used: 0,
            passing: false,
        }
    }

    /// The next batch; nothing at the end. Does not wait for more where a batch is there and the source has no more yet.
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.drain(..self.used);
        self.used = 0;
        loop {
            let read = self.read()?;
            if read == 0 {
                self.used = self.buffer.len();
            } else if read < READ || self.buffer.len() >= BATCH {
                self.used = memchr::memrchr(b'\n', &self.buffer).map_or(0, |at| at + 1);
            }
            if read == 0 || self.used > 0 {
                let batch = self.buffer.split_at(self.used).0;
                return Ok((!batch.is_empty()).then_some(batch));
            }
        }
    }

    /// Reads once, but for what is passed over; how much was read. Of a line that is too long just so much is kept that
    /// this can be seen.
    fn read(&mut self) -> io::Result<usize> {
        let kept = self.buffer.len();
        self.buffer.resize(kept + READ, 0);
        let place = self.buffer.split_at_mut(kept).1;
        let read = loop {
            match self.source.read(place) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let read = read?;
        self.buffer.truncate(kept + read);
        if self.passing {
            let new = self.buffer.split_at(kept).1;
            let end = memchr::memchr(b'\n', new);
            self.buffer.drain(kept..kept + end.unwrap_or(read));
            self.passing = end.is_none();
        }
        let last = memchr::memrchr(b'\n', &self.buffer).map_or(0, |at| at + 1);
        if self.buffer.len() - last > LONGEST {
            self.buffer.truncate(last + LONGEST + 1);
            self.passing = true;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what it has in pieces of a size.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
            let len = self.0.len().min(self.1).min(place.len());
            let (head, tail) = self.0.split_at(len);
            place[..len].copy_from_slice(head);
            self.0 = tail;
            Ok(len)
        }
    }

    fn texts(input: &[u8], piece: usize) -> (Vec<(u64, u64, String)>, Tally) {
        let (mut found, mut tally) = (Vec::new(), Tally::default());
        let work = |line: &Line<'_>, text: &str, made: &mut Made<'_, Vec<_>>| {
            made.out.push((line.number, line.index, text.to_owned()));
            if text == "bad" {
                return Err((1, "bad, expected good".to_owned()));
            }
            Ok(())
        };
        let take = |made: Vec<_>| {
            found.extend(made);
            Ok(ControlFlow::Continue(()))
        };
        work_through("-", Pieces(input, piece), &mut tally, work, take).unwrap();
        (found, tally)
    }

    #[test]
    fn lines_that_say_something_come_in_order_however_they_are_read() {
        let input = b"one # first\r\n\n# none\nNXST_FLOW reply (xid=0x4):\n two \nbad\n\xff\nlast";
        for piece in [1, 2, 3, 7, 1000] {
            let (found, tally) = texts(input, piece);
            let expected = [(1, 1, "one"), (5, 2, " two"), (6, 3, "bad"), (8, 5, "last")];
            let expected = expected.map(|(number, index, text)| (number, index, text.to_owned()));
            assert_eq!(found, expected);
            assert_eq!(tally, Tally { total: 5, bad: 2 });
        }
        assert_eq!(texts(b"", 1), (vec![], Tally::default()));
    }

    #[test]
    fn many_lines_are_shared_and_stay_in_order() {
        let input: String = (1..=100_000).map(|n| format!("line {n}\n")).collect();
        for piece in [100, 1 << 20] {
            let (found, tally) = texts(input.as_bytes(), piece);
            assert_eq!(
                tally,
                Tally {
                    total: 100_000,
                    bad: 0
                }
            );
            for ((number, index, text), n) in found.iter().zip(1u64..) {
                assert_eq!((*number, *index), (n, n));
                assert_eq!(*text, format!("line {n}"));
            }
        }
    }

    #[test]
    fn a_line_without_end_is_told_and_passed_over_in_bounded_memory() {
        let mut input = b"one\n".to_vec();
        input.resize(3 * BATCH, b'x');
        input.extend_from_slice(b"\ntwo\n# ");
        input.resize(input.len() + 2 * BATCH, b'c');
        input.extend_from_slice(b"\nthree");
        for piece in [1000, 1 << 16, READ] {
            let (found, tally) = texts(&input, piece);
            let numbers: Vec<_> = found
                .iter()
                .map(|(number, _, text)| (*number, &**text))
                .collect();
            assert_eq!(numbers, [(1, "one"), (3, "two"), (5, "three")]);
            assert_eq!(tally, Tally { total: 4, bad: 1 });
        }
        let mut batches = Batches::new(Pieces(&input, READ));
        while batches.next().unwrap().is_some() {}
        assert!(batches.buffer.capacity() <= 2 * (BATCH + READ + LONGEST));
    }
}
