//! The JSON of schemas. Every fault names its place, such as `Port.tag: min`.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeSeed;
use serde_json::{Map, Value};

use super::{BaseType, ColumnSchema, ColumnType, Constraint, Schema, Strength, TableSchema};
use crate::value::decode::DatumSeed;
use crate::value::{AtomType, Datum, Real};

/// A schema that does not follow RFC 7047 §3.2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema, {place}: expected {expected}")]
pub struct SchemaError {
    /// Table, column and member.
    pub place: String,
    /// What should stand there.
    pub expected: &'static str,
}

fn wrong(place: &str, expected: &'static str) -> SchemaError {
    SchemaError {
        place: place.to_owned(),
        expected,
    }
}

/// An object being taken apart: what is left at the end is an unknown member.
struct Members<'v> {
    place: String,
    members: &'v Map<String, Value>,
    taken: BTreeSet<&'static str>,
}

impl<'v> Members<'v> {
    fn of(value: &'v Value, place: &str) -> Result<Self, SchemaError> {
        let members = value.as_object().ok_or_else(|| wrong(place, "an object"))?;
        Ok(Self {
            place: place.to_owned(),
            members,
            taken: BTreeSet::new(),
        })
    }

    fn optional(&mut self, name: &'static str) -> Option<&'v Value> {
        self.taken.insert(name);
        self.members.get(name)
    }

    fn required(&mut self, name: &'static str) -> Result<&'v Value, SchemaError> {
        self.optional(name)
            .ok_or_else(|| wrong(&format!("{}: {name}", self.place), "this member"))
    }

    fn place(&self, name: &str) -> String {
        format!("{}: {name}", self.place)
    }

    fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, SchemaError> {
        self.optional(name)
            .map(|value| {
                value
                    .as_bool()
                    .ok_or_else(|| wrong(&self.place(name), "true or false"))
            })
            .transpose()
    }

    fn integer(&mut self, name: &'static str) -> Result<Option<i64>, SchemaError> {
        self.optional(name)
            .map(|value| {
                value
                    .as_i64()
                    .ok_or_else(|| wrong(&self.place(name), "an integer"))
            })
            .transpose()
    }

    fn real(&mut self, name: &'static str) -> Result<Option<Real>, SchemaError> {
        self.optional(name)
            .map(|value| {
                value
                    .as_f64()
                    .and_then(|n| Real::try_from(n).ok())
                    .ok_or_else(|| wrong(&self.place(name), "a number"))
            })
            .transpose()
    }

    fn length(&mut self, name: &'static str) -> Result<Option<u32>, SchemaError> {
        self.integer(name)?
            .map(|length| {
                u32::try_from(length).map_err(|_| wrong(&self.place(name), "0 to 4294967295"))
            })
            .transpose()
    }

    fn string(&mut self, name: &'static str) -> Result<Option<&'v str>, SchemaError> {
        self.optional(name)
            .map(|value| {
                value
                    .as_str()
                    .ok_or_else(|| wrong(&self.place(name), "a string"))
            })
            .transpose()
    }

    fn end(self) -> Result<(), SchemaError> {
        match self
            .members
            .keys()
            .find(|name| !self.taken.contains(name.as_str()))
        {
            None => Ok(()),
            Some(name) => Err(wrong(&self.place(name), "no such member")),
        }
    }
}

/// `<id>` of RFC 7047 §3.1.
fn is_id(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

impl Schema {
    /// The schema in the result of `get_schema` or in a schema file.
    ///
    /// # Errors
    /// What does not follow RFC 7047 §3.2, and references to tables that the schema lacks.
    pub fn from_json(json: &Value) -> Result<Self, SchemaError> {
        let mut members = Members::of(json, "database")?;
        let name = members.string("name")?.filter(|name| is_id(name));
        let name = name
            .ok_or_else(|| wrong("database: name", "an identifier"))?
            .to_owned();
        let version = members.string("version")?.map(str::to_owned);
        if version.as_ref().is_some_and(|version| !is_version(version)) {
            return Err(wrong("database: version", "three numbers, x.y.z"));
        }
        members.optional("cksum");
        let tables = members
            .required("tables")?
            .as_object()
            .ok_or_else(|| wrong("database: tables", "an object"))?;
        members.end()?;
        let mut parsed = BTreeMap::new();
        for (table, value) in tables {
            if !is_id(table) || table.starts_with('_') {
                return Err(wrong(table, "an identifier that does not begin with _"));
            }
            parsed.insert(table.clone(), TableSchema::from_json(table, value)?);
        }
        // Before isRoot existed every table was one: a schema that never says it has only root tables.
        if !tables.values().any(|table| table.get("isRoot").is_some()) {
            parsed.values_mut().for_each(|table| table.is_root = true);
        }
        keep_what_rows_live_by(&mut parsed);
        let schema = Self {
            name,
            version,
            tables: parsed,
        };
        schema.check_references()?;
        Ok(schema)
    }

    fn check_references(&self) -> Result<(), SchemaError> {
        for (table, schema) in &self.tables {
            for (column, schema) in &schema.columns {
                for base in
                    std::iter::once(&schema.column_type.key).chain(&schema.column_type.value)
                {
                    if let Constraint::Reference { table: target, .. } = &base.constraint
                        && !self.tables.contains_key(target)
                    {
                        return Err(wrong(
                            &format!("{table}.{column}: refTable"),
                            "a table of this schema",
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Columns with strong references to tables that are no roots are not ephemeral.
fn keep_what_rows_live_by(tables: &mut BTreeMap<String, TableSchema>) {
    let roots: BTreeSet<String> = tables
        .iter()
        .filter(|(_, table)| table.is_root)
        .map(|(name, _)| name.clone())
        .collect();
    let keeps = |base: &BaseType| match &base.constraint {
        Constraint::Reference {
            table,
            strength: Strength::Strong,
        } => !roots.contains(table),
        _ => false,
    };
    for column in tables
        .values_mut()
        .flat_map(|table| table.columns.values_mut())
    {
        if keeps(&column.column_type.key) || column.column_type.value.as_ref().is_some_and(keeps) {
            column.ephemeral = false;
        }
    }
}

fn is_version(version: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    version.split('.').count() == 3 && version.split('.').all(number)
}

impl TableSchema {
    /// The `<table-schema>` of the table called `table`.
    ///
    /// # Errors
    /// What does not follow RFC 7047 §3.2.
    pub fn from_json(table: &str, json: &Value) -> Result<Self, SchemaError> {
        let mut members = Members::of(json, table)?;
        let columns_json = members.required("columns")?;
        let max_rows = members
            .integer("maxRows")?
            .map(|rows| {
                u64::try_from(rows)
                    .ok()
                    .filter(|&rows| rows > 0)
                    .ok_or_else(|| wrong(&format!("{table}: maxRows"), "at least 1"))
            })
            .transpose()?;
        let is_root = members.boolean("isRoot")?.unwrap_or(false);
        let mutable = members.boolean("mutable")?.unwrap_or(true);
        let indexes = members.optional("indexes");
        members.end()?;
        let columns_json = columns_json
            .as_object()
            .ok_or_else(|| wrong(&format!("{table}: columns"), "an object"))?;
        if columns_json.is_empty() {
            return Err(wrong(&format!("{table}: columns"), "at least one column"));
        }
        let mut columns = BTreeMap::new();
        for (column, value) in columns_json {
            let place = format!("{table}.{column}");
            if !is_id(column) || column.starts_with('_') {
                return Err(wrong(&place, "an identifier that does not begin with _"));
            }
            columns.insert(column.clone(), ColumnSchema::from_json(&place, value)?);
        }
        let indexes =
            indexes.map_or(Ok(Vec::new()), |json| parse_indexes(table, json, &columns))?;
        Ok(Self {
            columns,
            mutable,
            max_rows,
            is_root,
            indexes,
        })
    }
}

fn parse_indexes(
    table: &str,
    json: &Value,
    columns: &BTreeMap<String, ColumnSchema>,
) -> Result<Vec<Vec<String>>, SchemaError> {
    let place = format!("{table}: indexes");
    let fault = || {
        wrong(
            &place,
            "arrays of distinct column names that are not ephemeral",
        )
    };
    let mut indexes = Vec::new();
    for index in json.as_array().ok_or_else(fault)? {
        let mut names = Vec::<String>::new();
        for name in index.as_array().ok_or_else(fault)? {
            let name = name.as_str().ok_or_else(fault)?;
            let column = columns.get(name).ok_or_else(fault)?;
            if names.iter().any(|known| known == name) || column.ephemeral {
                return Err(fault());
            }
            names.push(name.to_owned());
        }
        if names.is_empty() {
            return Err(fault());
        }
        indexes.push(names);
    }
    Ok(indexes)
}

impl ColumnSchema {
    /// The `<column-schema>` of the column at `place` (`Table.column`).
    ///
    /// # Errors
    /// What does not follow RFC 7047 §3.2.
    pub fn from_json(place: &str, json: &Value) -> Result<Self, SchemaError> {
        let mut members = Members::of(json, place)?;
        let column_type = ColumnType::from_json(place, members.required("type")?)?;
        let ephemeral = members.boolean("ephemeral")?.unwrap_or(false);
        let mutable = members.boolean("mutable")?.unwrap_or(true);
        members.end()?;
        let weak = |base: &BaseType| {
            matches!(
                base.constraint,
                Constraint::Reference {
                    strength: Strength::Weak,
                    ..
                }
            )
        };
        let mutable =
            mutable || weak(&column_type.key) || column_type.value.as_ref().is_some_and(weak);
        Ok(Self {
            column_type,
            ephemeral,
            mutable,
        })
    }
}

impl ColumnType {
    /// A `<type>`: an atomic type's name or an object.
    ///
    /// # Errors
    /// What does not follow RFC 7047 §3.2.
    pub fn from_json(place: &str, json: &Value) -> Result<Self, SchemaError> {
        if json.is_string() {
            return Ok(Self::scalar(BaseType::from_json(place, json)?));
        }
        let mut members = Members::of(json, place)?;
        let key = BaseType::from_json(&members.place("key"), members.required("key")?)?;
        let value = members
            .optional("value")
            .map(|json| BaseType::from_json(&format!("{place}: value"), json));
        let value = value.transpose()?;
        let bound = |name: &'static str, json: Option<&Value>| match json {
            None => Ok(Some(1)),
            Some(Value::String(word)) if word == "unlimited" && name == "max" => Ok(None),
            Some(json) => match json.as_u64().and_then(|n| u32::try_from(n).ok()) {
                Some(bound) => Ok(Some(bound)),
                None => Err(wrong(&format!("{place}: {name}"), "a number of elements")),
            },
        };
        let min = bound("min", members.optional("min"))?.unwrap_or(1);
        let max = bound("max", members.optional("max"))?;
        members.end()?;
        if min > 1 || max.is_some_and(|max| max < 1 || max < min) {
            return Err(wrong(
                place,
                "min 0 or 1, and max at least 1 and at least min",
            ));
        }
        Ok(Self {
            key,
            value,
            min,
            max,
        })
    }
}

impl BaseType {
    /// A `<base-type>`: an atomic type's name or an object with constraints.
    ///
    /// # Errors
    /// What does not follow RFC 7047 §3.2.
    pub fn from_json(place: &str, json: &Value) -> Result<Self, SchemaError> {
        let atom_of = |json: &Value| {
            json.as_str()
                .and_then(AtomType::from_name)
                .ok_or_else(|| wrong(place, "one of integer, real, boolean, string, uuid"))
        };
        if json.is_string() {
            return Ok(Self::new(atom_of(json)?));
        }
        let mut members = Members::of(json, place)?;
        let atom = atom_of(members.required("type")?)?;
        let constraint = match members.optional("enum") {
            Some(json) => Constraint::Enum(parse_enum(place, atom, json)?),
            None => parse_constraint(place, atom, &mut members)?,
        };
        members.end()?;
        Ok(Self { atom, constraint })
    }
}

fn parse_constraint(
    place: &str,
    atom: AtomType,
    members: &mut Members<'_>,
) -> Result<Constraint, SchemaError> {
    let constraint = match atom {
        AtomType::Integer => {
            let (min, max) = (
                members.integer("minInteger")?,
                members.integer("maxInteger")?,
            );
            check_range(place, "minInteger at most maxInteger", &min, &max)?;
            Constraint::Integer(min, max)
        }
        AtomType::Real => {
            let (min, max) = (members.real("minReal")?, members.real("maxReal")?);
            check_range(place, "minReal at most maxReal", &min, &max)?;
            Constraint::Real(min, max)
        }
        AtomType::String => {
            let (min, max) = (members.length("minLength")?, members.length("maxLength")?);
            check_range(place, "minLength at most maxLength", &min, &max)?;
            Constraint::Length(min, max)
        }
        AtomType::Boolean => Constraint::None,
        AtomType::Uuid => {
            let table = members.string("refTable")?;
            let strength = match members.string("refType")? {
                None | Some("strong") => Strength::Strong,
                Some("weak") => Strength::Weak,
                Some(_) => return Err(wrong(&format!("{place}: refType"), "strong or weak")),
            };
            match table {
                Some(table) if is_id(table) => Constraint::Reference {
                    table: table.to_owned(),
                    strength,
                },
                Some(_) => return Err(wrong(&format!("{place}: refTable"), "an identifier")),
                None => Constraint::None,
            }
        }
    };
    Ok(match constraint {
        Constraint::Integer(None, None)
        | Constraint::Real(None, None)
        | Constraint::Length(None, None) => Constraint::None,
        other => other,
    })
}

fn check_range<T: PartialOrd>(
    place: &str,
    expected: &'static str,
    min: &Option<T>,
    max: &Option<T>,
) -> Result<(), SchemaError> {
    match (min, max) {
        (Some(min), Some(max)) if min > max => Err(wrong(place, expected)),
        _ => Ok(()),
    }
}

fn parse_enum(place: &str, atom: AtomType, json: &Value) -> Result<Datum, SchemaError> {
    let set = ColumnType {
        min: 1,
        ..ColumnType::set(BaseType::new(atom))
    };
    DatumSeed::whole(&set).deserialize(json).map_err(|_| {
        wrong(
            &format!("{place}: enum"),
            "a set of at least one atom of the type",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn column(json: Value) -> Result<ColumnType, String> {
        ColumnType::from_json("T.c", &json).map_err(|e| e.to_string())
    }

    #[test]
    fn types_say_what_they_are() {
        for (json, text) in [
            (json!("string"), "string"),
            (json!({"key": "integer", "min": 0}), "optional integer"),
            (
                json!({"key": {"type": "string", "enum": ["set", ["a", "b"]]}}),
                "string",
            ),
            (
                json!({"key": "uuid", "min": 0, "max": "unlimited"}),
                "set of uuid",
            ),
            (
                json!({"key": "string", "value": "real", "min": 0, "max": 3}),
                "map of string to real with 0 to 3",
            ),
        ] {
            assert_eq!(column(json).unwrap().to_string(), text);
        }
    }

    #[test]
    fn faults_name_their_place() {
        for (json, text) in [
            (
                json!("void"),
                "schema, T.c: expected one of integer, real, boolean, string, uuid",
            ),
            (
                json!({"key": "real", "min": 5, "max": 3}),
                "schema, T.c: expected min 0 or 1, and max at least 1 and at least min",
            ),
            (
                json!({"key": {"type": "integer", "minInteger": 5, "maxInteger": 3}}),
                "schema, T.c: key: expected minInteger at most maxInteger",
            ),
            (
                json!({"key": "real", "maximum": 3}),
                "schema, T.c: maximum: expected no such member",
            ),
        ] {
            assert_eq!(column(json).unwrap_err(), text);
        }
    }

    #[test]
    fn references_must_lead_somewhere_and_weak_ones_are_mutable() {
        let schema = |target: &str| {
            json!({"name": "d", "tables": {"a": {"columns": {"r": {"mutable": false,
                "type": {"key": {"type": "uuid", "refTable": target, "refType": "weak"}}}}}}})
        };
        assert_eq!(
            Schema::from_json(&schema("b")).unwrap_err().to_string(),
            "schema, a.r: refTable: expected a table of this schema"
        );
        let schema = Schema::from_json(&schema("a")).unwrap();
        assert!(schema.tables["a"].columns["r"].mutable);
        assert!(schema.tables["a"].is_root);
        assert_eq!(schema.version, None);
    }
}
