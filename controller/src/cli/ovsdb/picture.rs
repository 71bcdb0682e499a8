//! Rows and changes as text: tables and records for people, JSON and CSV for programs.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use ovsdb_client::schema::ColumnType;
use ovsdb_client::{Atom, Datum, Replica, Row, RowChange};
use serde_json::{Map, Value, json};

use super::Format;

/// How to print, and which columns in which order; none: all.
#[derive(Clone, Copy)]
pub(super) struct Picture<'a> {
    pub(super) format: Format,
    pub(super) columns: &'a [String],
}

impl Picture<'_> {
    /// The tables with their numbers of rows.
    pub(super) fn counts(self, replica: &Replica) -> String {
        let counts = replica.tables().map(|(name, table)| (name, table.len()));
        match self.format {
            Format::Json => object(counts.map(|(name, count)| (name.to_owned(), json!(count)))),
            _ => self.grid(
                &["table", "rows"],
                counts.map(|(name, count)| vec![name.to_owned(), count.to_string()]),
            ),
        }
    }

    /// The rows of every table.
    pub(super) fn rows(self, replica: &Replica) -> String {
        if self.format == Format::Json {
            let tables = replica.tables().map(|(name, table)| {
                (
                    name.to_owned(),
                    Value::Array(table.rows().map(|row| self.row_json(row)).collect()),
                )
            });
            return object(tables);
        }
        let mut text = String::new();
        let several = replica.tables().len() > 1;
        for (name, table) in replica.tables() {
            if several {
                let _ = writeln!(text, "{}{name}", if text.is_empty() { "" } else { "\n" });
            }
            let columns: Vec<&str> = table.layout().columns().map(|(column, _)| column).collect();
            let columns = self.chosen(&columns);
            let header: Vec<&str> = std::iter::once("_uuid")
                .chain(columns.iter().copied())
                .collect();
            let rows = table.rows().map(|row| {
                let cells = columns
                    .iter()
                    .map(|column| row.get(column).map(ToString::to_string).unwrap_or_default());
                std::iter::once(row.uuid().to_string())
                    .chain(cells)
                    .collect()
            });
            text += &self.grid(&header, rows);
        }
        text
    }

    /// The rows of a table, for people a line for each column.
    pub(super) fn records(self, replica: &Replica) -> String {
        if self.format != Format::Table {
            return self.rows(replica);
        }
        let mut text = String::new();
        for row in replica.tables().flat_map(|(_, table)| table.rows()) {
            let names: Vec<&str> = row.columns().map(|(column, _)| column).collect();
            let names = self.chosen(&names);
            let width = names
                .iter()
                .map(|name| name.len())
                .chain([5])
                .max()
                .unwrap_or_default();
            let _ = writeln!(
                text,
                "{}{:width$}  {}",
                if text.is_empty() { "" } else { "\n" },
                "_uuid",
                row.uuid()
            );
            for name in names {
                let value = row.get(name).map(ToString::to_string).unwrap_or_default();
                let _ = writeln!(text, "{name:width$}  {value}");
            }
        }
        text
    }

    /// What stands above the changes.
    pub(super) fn change_header(self) -> String {
        match self.format {
            Format::Csv => {
                csv(["table", "_uuid", "change", "column", "old", "new"].map(str::to_owned))
            }
            _ => String::new(),
        }
    }

    /// One row that has changed.
    pub(super) fn change(self, change: &RowChange) -> String {
        let kind = match change {
            RowChange::Inserted { .. } => "inserted",
            RowChange::Modified { .. } => "modified",
            RowChange::Deleted { .. } => "deleted",
        };
        let row = change.newest();
        let names: Vec<&str> = row.columns().map(|(column, _)| column).collect();
        let names: Vec<&str> = self
            .chosen(&names)
            .into_iter()
            .filter(|name| change.changed(name))
            .collect();
        let value = |row: Option<&Row>, column: &str| {
            row.and_then(|row| row.get(column)).map(ToString::to_string)
        };
        match self.format {
            Format::Json => {
                let side = |row: Option<&Row>| {
                    row.map(|row| {
                        names
                            .iter()
                            .map(|name| ((*name).to_owned(), column_json(row, name)))
                            .collect::<Map<_, _>>()
                    })
                };
                let change = json!({"table": row.table(), "_uuid": row.uuid(), "change": kind,
                    "old": side(change.before()), "new": side(change.after())});
                format!("{change}\n")
            }
            Format::Csv => {
                let lines = names.iter().map(|name| {
                    let (old, new) = (value(change.before(), name), value(change.after(), name));
                    csv([
                        row.table().to_owned(),
                        row.uuid().to_string(),
                        kind.to_owned(),
                        (*name).to_owned(),
                        old.unwrap_or_default(),
                        new.unwrap_or_default(),
                    ])
                });
                lines.collect()
            }
            Format::Table => {
                let mut text = format!("{} {} {kind}", row.table(), row.uuid());
                for name in names {
                    text += &match (value(change.before(), name), value(change.after(), name)) {
                        (Some(old), Some(new)) => format!(" {name}: {old} -> {new}"),
                        (old, new) => format!(" {name}={}", new.or(old).unwrap_or_default()),
                    };
                }
                text + "\n"
            }
        }
    }

    /// The columns asked for in their order, or those given.
    fn chosen<'n>(&'n self, all: &[&'n str]) -> Vec<&'n str> {
        if self.columns.is_empty() {
            all.to_vec()
        } else {
            self.columns.iter().map(String::as_str).collect()
        }
    }

    fn row_json(self, row: &Row) -> Value {
        let names: Vec<&str> = row.columns().map(|(column, _)| column).collect();
        let columns = self
            .chosen(&names)
            .into_iter()
            .map(|name| (name.to_owned(), column_json(row, name)));
        std::iter::once(("_uuid".to_owned(), json!(row.uuid())))
            .chain(columns)
            .collect::<Map<_, _>>()
            .into()
    }

    fn grid(self, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
        if self.format == Format::Csv {
            return std::iter::once(csv(header.iter().map(|name| (*name).to_owned())))
                .chain(rows.map(csv))
                .collect();
        }
        let mut table = Table::new();
        table
            .load_style(NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(header);
        table.add_rows(rows);
        // The preset pads the first column; a list begins at the margin.
        table
            .lines()
            .map(|line| line.trim().to_owned() + "\n")
            .collect()
    }
}

fn object(members: impl Iterator<Item = (String, Value)>) -> String {
    format!("{:#}\n", Value::Object(members.collect()))
}

/// A column as plain JSON: a scalar, null or a scalar, an array, an object.
fn column_json(row: &Row, column: &str) -> Value {
    let column_type = row
        .layout()
        .position(column)
        .and_then(|at| row.layout().column_type(at));
    match (row.get(column), column_type) {
        (Some(datum), Some(column_type)) => datum_json(datum, column_type),
        _ => Value::Null,
    }
}

fn datum_json(datum: &Datum, column_type: &ColumnType) -> Value {
    match (datum.as_map(), datum.as_set()) {
        (Some(pairs), _) => pairs
            .iter()
            .map(|(key, value)| (atom_text(key), atom_json(value)))
            .collect::<Map<_, _>>()
            .into(),
        (None, Some(atoms)) if column_type.is_single() => {
            atoms.first().map_or(Value::Null, atom_json)
        }
        (None, atoms) => atoms.unwrap_or_default().iter().map(atom_json).collect(),
    }
}

fn atom_json(atom: &Atom) -> Value {
    match atom {
        Atom::Uuid(uuid) => json!(uuid),
        other => json!(other),
    }
}

fn atom_text(atom: &Atom) -> String {
    atom.as_str()
        .map_or_else(|| atom.to_string(), str::to_owned)
}

/// One line of RFC 4180.
fn csv(cells: impl IntoIterator<Item = String>) -> String {
    let quoted = cells.into_iter().map(|cell| {
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_commas_quotes_and_line_ends_are_quoted() {
        let cells = ["plain", "a,b", "say \"x\"", "two\nlines", ""].map(str::to_owned);
        assert_eq!(
            csv(cells),
            "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\n"
        );
    }
}
