//! Objects as text: tables for people, JSON and YAML for programs.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};

use clap::{Args, ValueEnum};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use super::Failure;

/// How to print what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
    /// For programs and people
    Yaml,
}

/// The option that all commands that print objects have.
#[derive(Clone, Copy, Debug, Args)]
#[group(skip)]
pub(super) struct Output {
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
}

impl Output {
    /// Prints many objects of a kind: a table with a line each, or a list. `lines` gives the cells of a line.
    pub(super) fn list<T: Serialize>(
        self,
        objects: &[T],
        header: &[&str],
        cells: impl Fn(&T) -> Vec<String>,
    ) -> Result<(), Failure> {
        match self.output {
            Format::Table => {
                let mut table = Table::new();
                table
                    .load_style(NOTHING)
                    .set_content_arrangement(ContentArrangement::Disabled)
                    .set_header(header);
                for object in objects {
                    table.add_row(cells(object));
                }
                // The preset pads the first column; a list begins at the margin.
                emit(
                    &table
                        .lines()
                        .map(|line| line.trim().to_owned() + "\n")
                        .collect::<String>(),
                )
            }
            format => structured(format, &objects),
        }
    }

    /// Prints objects one after the other, a line for each of their fields; or a list of them, or the `only` one by
    /// itself.
    pub(super) fn each<T: Serialize>(
        self,
        objects: &[T],
        only: bool,
        fields: impl Fn(&T) -> Vec<(&'static str, String)>,
    ) -> Result<(), Failure> {
        match (self.output, objects) {
            (Format::Table, _) => emit(
                &objects
                    .iter()
                    .map(|object| paragraph(&fields(object)))
                    .collect::<Vec<_>>()
                    .join("\n"),
            ),
            (format, [one]) if only => structured(format, one),
            (format, _) => structured(format, &objects),
        }
    }
}

/// One line a field, and more where a value has more.
fn paragraph(fields: &[(&'static str, String)]) -> String {
    let width = fields
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for (name, value) in fields {
        let mut lines = value.lines();
        let _ = writeln!(text, "{name:width$}  {}", lines.next().unwrap_or("-"));
        for line in lines {
            let _ = writeln!(text, "{:width$}  {line}", "");
        }
    }
    text
}

/// Writes to standard output. A reader that has gone, as in `| head`, has seen enough.
pub(super) fn emit(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format_args!(
            "standard output takes no more: {error}"
        ))),
        _ => Ok(()),
    }
}

fn structured<T: Serialize>(format: Format, object: &T) -> Result<(), Failure> {
    let text = match format {
        Format::Yaml => serde_saphyr::to_string(object).map_err(Failure::failed)?,
        Format::Json | Format::Table => {
            serde_json::to_string_pretty(object).map_err(Failure::failed)?
        }
    };
    emit(&format!("{}\n", text.trim_end()))
}

/// `a, b, c`, or `-` for nothing.
pub(super) fn joined<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    between(values, ", ")
}

/// A line for each, or `-` for nothing.
pub(super) fn lines<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    between(values, "\n")
}

fn between<T: ToString>(values: impl IntoIterator<Item = T>, separator: &str) -> String {
    let text = values
        .into_iter()
        .map(|value| value.to_string())
        .collect::<Vec<_>>()
        .join(separator);
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}
