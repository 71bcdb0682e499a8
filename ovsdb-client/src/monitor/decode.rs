//! Decoding of updates straight from JSON text into rows of known layouts.

use std::fmt;
use std::sync::Arc;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use uuid::Uuid;

use super::{Plan, RowUpdate, TableUpdate, TableUpdates};
use crate::replica::Layout;
use crate::value::Datum;
use crate::value::decode::DatumSeed;

/// The notation of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `<table-updates>` of RFC 7047 §4.1.6: old and new values.
    Values,
    /// `<table-updates2>` of ovsdb-server(7) §4.1.14: differences.
    Differences,
}

/// Decodes `<table-updates>` or `<table-updates2>`.
#[derive(Clone, Copy)]
pub struct UpdatesSeed<'p> {
    plan: &'p Plan,
    form: Form,
}

impl<'p> UpdatesSeed<'p> {
    /// For updates of a monitor of this plan.
    #[must_use]
    pub fn new(plan: &'p Plan, form: Form) -> Self {
        Self { plan, form }
    }

    /// Decodes one JSON text.
    ///
    /// # Errors
    /// The text is not such an update, or names a table, column or type that the monitor does not have.
    pub fn decode(self, json: &str) -> Result<TableUpdates, serde_json::Error> {
        decode_text(json, self)
    }
}

/// Decodes the whole of `json` by `seed`.
pub(crate) fn decode_text<'de, S: DeserializeSeed<'de>>(
    json: &'de str,
    seed: S,
) -> Result<S::Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

impl<'de> DeserializeSeed<'de> for UpdatesSeed<'_> {
    type Value = TableUpdates;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<TableUpdates, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for UpdatesSeed<'_> {
    type Value = TableUpdates;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of tables")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TableUpdates, A::Error> {
        let mut tables: Vec<TableUpdate> = Vec::new();
        while let Some(layout) = map.next_key_seed(TableSeed(self.plan))? {
            let rows = map.next_value_seed(RowsSeed {
                layout,
                form: self.form,
            })?;
            let update = TableUpdate {
                layout: Arc::clone(layout),
                rows,
            };
            match tables.binary_search_by(|known| known.layout.table().cmp(layout.table())) {
                Ok(at) => {
                    // Of two members with one name the last counts.
                    if let Some(known) = tables.get_mut(at) {
                        *known = update;
                    }
                }
                Err(at) => tables.insert(at, update),
            }
        }
        Ok(TableUpdates { tables })
    }
}

struct TableSeed<'p>(&'p Plan);

impl<'de, 'p> DeserializeSeed<'de> for TableSeed<'p> {
    type Value = &'p Arc<Layout>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for TableSeed<'p> {
    type Value = &'p Arc<Layout>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a monitored table")
    }

    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Self::Value, E> {
        self.0
            .layout(v)
            .ok_or_else(|| E::invalid_value(Unexpected::Str(v), &self))
    }
}

#[derive(Clone, Copy)]
struct RowsSeed<'p> {
    layout: &'p Layout,
    form: Form,
}

impl<'de> DeserializeSeed<'de> for RowsSeed<'_> {
    type Value = Vec<(Uuid, RowUpdate)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_> {
    type Value = Vec<(Uuid, RowUpdate)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "an object of rows of {}", self.layout.table())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::new();
        while let Some(uuid) = map.next_key::<Uuid>()? {
            rows.push((uuid, map.next_value_seed(UpdateSeed(self))?));
        }
        Ok(rows)
    }
}

/// One `<row-update>` or `<row-update2>`.
struct UpdateSeed<'p>(RowsSeed<'p>);

impl<'de> DeserializeSeed<'de> for UpdateSeed<'_> {
    type Value = RowUpdate;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RowUpdate, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for UpdateSeed<'_> {
    type Value = RowUpdate;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "an update of a row of {}", self.0.layout.table())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RowUpdate, A::Error> {
        let RowsSeed { layout, form } = self.0;
        let mut update = None;
        while let Some(kind) = map.next_key::<Kind>()? {
            match (form, kind) {
                (Form::Differences, Kind::Initial | Kind::Insert) | (Form::Values, Kind::New) => {
                    update = Some(RowUpdate::Insert(
                        map.next_value_seed(WholeRowSeed(layout))?,
                    ));
                }
                (Form::Differences, Kind::Modify) => {
                    update = Some(RowUpdate::Modify(
                        map.next_value_seed(DifferenceSeed(layout))?,
                    ));
                }
                (Form::Differences, Kind::Delete) => {
                    map.next_value::<IgnoredAny>()?;
                    update = Some(RowUpdate::Delete);
                }
                // With "new" beside it a modification, alone a deletion.
                (Form::Values, Kind::Old) => {
                    map.next_value::<IgnoredAny>()?;
                    update.get_or_insert(RowUpdate::Delete);
                }
                (_, kind) => {
                    return Err(A::Error::custom(format_args!(
                        "{kind:?} in an update of the other form"
                    )));
                }
            }
        }
        update.ok_or_else(|| A::Error::custom("an update of a row that says nothing"))
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Initial,
    Insert,
    Delete,
    Modify,
    Old,
    New,
}

/// A whole `<row>`; columns that are not given have their default.
struct WholeRowSeed<'p>(&'p Layout);

impl<'de> DeserializeSeed<'de> for WholeRowSeed<'_> {
    type Value = Vec<Datum>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Datum>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for WholeRowSeed<'_> {
    type Value = Vec<Datum>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a row of {}", self.0.table())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Datum>, A::Error> {
        let mut data = self.0.defaults();
        while let Some(position) = map.next_key_seed(ColumnSeed(self.0))? {
            let (Some(column_type), Some(datum)) =
                (self.0.column_type(position), data.get_mut(position))
            else {
                return Err(A::Error::custom("no such column"));
            };
            *datum = map.next_value_seed(DatumSeed::whole(column_type))?;
        }
        Ok(data)
    }
}

/// The columns of a row that are given, as differences.
struct DifferenceSeed<'p>(&'p Layout);

impl<'de> DeserializeSeed<'de> for DifferenceSeed<'_> {
    type Value = Vec<(usize, Datum)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DifferenceSeed<'_> {
    type Value = Vec<(usize, Datum)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "columns of {}", self.0.table())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut columns: Vec<(usize, Datum)> = Vec::new();
        while let Some(position) = map.next_key_seed(ColumnSeed(self.0))? {
            let column_type = self
                .0
                .column_type(position)
                .ok_or_else(|| A::Error::custom("no such column"))?;
            let datum = map.next_value_seed(DatumSeed::difference(column_type))?;
            match columns.binary_search_by_key(&position, |(at, _)| *at) {
                Ok(at) => {
                    if let Some((_, known)) = columns.get_mut(at) {
                        *known = datum;
                    }
                }
                Err(at) => columns.insert(at, (position, datum)),
            }
        }
        Ok(columns)
    }
}

struct ColumnSeed<'p>(&'p Layout);

impl<'de> DeserializeSeed<'de> for ColumnSeed<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for ColumnSeed<'_> {
    type Value = usize;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the name of a monitored column of {}", self.0.table())
    }

    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<usize, E> {
        self.0
            .position(v)
            .ok_or_else(|| E::invalid_value(Unexpected::Str(v), &self))
    }
}

/// The result of `monitor_cond_since`: whether the history was found, the last transaction, the updates.
pub(crate) struct SinceSeed<'p>(pub(crate) &'p Plan);

impl<'de> DeserializeSeed<'de> for SinceSeed<'_> {
    type Value = (bool, Uuid, TableUpdates);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for SinceSeed<'_> {
    type Value = (bool, Uuid, TableUpdates);

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[found, last-txn-id, updates]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let missing = |at, seed: &Self| A::Error::invalid_length(at, seed);
        let found = seq.next_element()?.ok_or_else(|| missing(0, &self))?;
        let last = seq.next_element()?.ok_or_else(|| missing(1, &self))?;
        let updates = seq.next_element_seed(UpdatesSeed::new(self.0, Form::Differences))?;
        Ok((found, last, updates.ok_or_else(|| missing(2, &self))?))
    }
}

/// The parameters of `update`, `update2` and `update3`, for the monitor that they name.
pub(crate) struct NotificationSeed<'p> {
    /// The monitors by their identifier.
    pub(crate) monitors: [(&'static str, Option<&'p Plan>); 2],
    pub(crate) form: Form,
    /// True for `update3`, which names the transaction.
    pub(crate) since: bool,
}

/// The identifier of a monitor that was asked for.
struct MonitorSeed<'s, 'p>(&'s [(&'static str, Option<&'p Plan>); 2]);

impl<'de, 'p> DeserializeSeed<'de> for MonitorSeed<'_, 'p> {
    type Value = (&'static str, &'p Plan);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for MonitorSeed<'_, 'p> {
    type Value = (&'static str, &'p Plan);

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the identifier of a monitor")
    }

    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Self::Value, E> {
        match self.0.iter().find(|(name, _)| *name == v) {
            Some(&(name, Some(plan))) => Ok((name, plan)),
            _ => Err(E::custom(format_args!(
                "an update for monitor {v:?}, which was never asked for"
            ))),
        }
    }
}

/// Which monitor an update is for, the transaction, and what changed.
pub(crate) type Notification = (&'static str, Option<Uuid>, TableUpdates);

impl<'de> DeserializeSeed<'de> for NotificationSeed<'_> {
    type Value = Notification;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Notification, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for NotificationSeed<'_> {
    type Value = Notification;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[monitor, updates] or [monitor, last-txn-id, updates]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Notification, A::Error> {
        let missing = |at, seed: &Self| A::Error::invalid_length(at, seed);
        let (name, plan) = seq
            .next_element_seed(MonitorSeed(&self.monitors))?
            .ok_or_else(|| missing(0, &self))?;
        let last = if self.since {
            Some(seq.next_element()?.ok_or_else(|| missing(1, &self))?)
        } else {
            None
        };
        let updates = seq.next_element_seed(UpdatesSeed::new(plan, self.form))?;
        Ok((name, last, updates.ok_or_else(|| missing(2, &self))?))
    }
}
