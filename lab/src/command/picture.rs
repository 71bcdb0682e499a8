//! The matrix of who reached whom, as text of bounded width with colours where they help.

use std::time::Duration;

use lab::probe::{Matrix, Verdict};

/// How a cell looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Plain,
    Good,
    Dim,
    Bad,
}

/// The matrix as lines; `colours` when a terminal shows them.
pub(super) fn matrix(matrix: &Matrix, colours: bool) -> String {
    let names = matrix.names();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let mut text = format!("{:width$}  to", "from");
    text.push('\n');
    text += &" ".repeat(width + 3);
    for column in 1..=names.len() {
        text += &format!("{column:>4}");
    }
    text.push('\n');
    for (from, name) in names.iter().enumerate() {
        text += &format!("{name:width$} {:>2}", from + 1);
        for to in 0..names.len() {
            let (cell, look) = if from == to {
                ("\\".to_owned(), Look::Dim)
            } else {
                cell(matrix.verdict(from, to))
            };
            text += &paint(&format!("{cell:>4}"), look, colours);
        }
        text.push('\n');
    }
    text
}

fn cell(verdict: Verdict) -> (String, Look) {
    match verdict {
        Verdict::Reached(rtt) => (milliseconds(rtt), Look::Good),
        Verdict::Apart => (".".to_owned(), Look::Dim),
        Verdict::Lost => ("LOST".to_owned(), Look::Bad),
        Verdict::Leaked => ("LEAK".to_owned(), Look::Bad),
        Verdict::Ignored => (String::new(), Look::Plain),
    }
}

/// In three characters.
fn milliseconds(rtt: Duration) -> String {
    let milliseconds = rtt.as_secs_f64() * 1000.0;
    if milliseconds < 9.95 {
        format!("{milliseconds:.1}")
    } else {
        format!("{:.0}", milliseconds.min(999.0))
    }
}

/// What is wrong, in red.
pub(super) fn bad(text: &str, colours: bool) -> String {
    paint(text, Look::Bad, colours)
}

fn paint(text: &str, look: Look, colours: bool) -> String {
    let code = match look {
        Look::Plain => return text.to_owned(),
        Look::Good => "32",
        Look::Dim => "2",
        Look::Bad => "1;31",
    };
    if colours {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_fits_its_cell() {
        for (milliseconds_in, text) in [
            (0, "0.0"),
            (94, "9.4"),
            (96, "9.6"),
            (100, "10"),
            (99_999, "999"),
        ] {
            assert_eq!(
                milliseconds(Duration::from_micros(milliseconds_in * 100)),
                text
            );
        }
        for verdict in [
            Verdict::Lost,
            Verdict::Leaked,
            Verdict::Apart,
            Verdict::Reached(Duration::from_secs(70)),
        ] {
            assert!(cell(verdict).0.len() <= 4, "{verdict:?}");
        }
        assert_eq!(bad("LEAK", true), "\x1b[1;31mLEAK\x1b[0m");
        assert_eq!(bad("LEAK", false), "LEAK");
    }
}
