//! Types and schemas as JSON, in the shortest form: what has its default value is left out, as ovsdb-server writes them.

use serde_json::{Map, Value, json};

use super::{BaseType, ColumnSchema, ColumnType, Constraint, Schema, Strength, TableSchema};

impl BaseType {
    /// The `<base-type>` (RFC 7047 §3.2).
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                members.insert(name.to_owned(), value);
            }
        };
        match &self.constraint {
            Constraint::None => return json!(self.atom.name()),
            Constraint::Enum(allowed) => put("enum", json!(allowed)),
            Constraint::Integer(min, max) => {
                put("minInteger", json!(min));
                put("maxInteger", json!(max));
            }
            Constraint::Real(min, max) => {
                put("minReal", json!(min));
                put("maxReal", json!(max));
            }
            Constraint::Length(min, max) => {
                put("minLength", json!(min));
                put("maxLength", json!(max));
            }
            Constraint::Reference { table, strength } => {
                put("refTable", json!(table));
                if *strength == Strength::Weak {
                    put("refType", json!("weak"));
                }
            }
        }
        put("type", json!(self.atom.name()));
        Value::Object(members)
    }
}

impl ColumnType {
    /// The `<type>` (RFC 7047 §3.2).
    #[must_use]
    pub fn to_json(&self) -> Value {
        if self.is_scalar() && self.key.constraint == Constraint::None {
            return self.key.to_json();
        }
        let mut members = Map::new();
        members.insert("key".to_owned(), self.key.to_json());
        if let Some(value) = &self.value {
            members.insert("value".to_owned(), value.to_json());
        }
        if self.min != 1 {
            members.insert("min".to_owned(), json!(self.min));
        }
        if self.max != Some(1) {
            members.insert(
                "max".to_owned(),
                self.max
                    .map_or_else(|| json!("unlimited"), |max| json!(max)),
            );
        }
        Value::Object(members)
    }
}

impl ColumnSchema {
    /// The `<column-schema>` (RFC 7047 §3.2).
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("type".to_owned(), self.column_type.to_json());
        if !self.mutable {
            members.insert("mutable".to_owned(), json!(false));
        }
        if self.ephemeral {
            members.insert("ephemeral".to_owned(), json!(true));
        }
        Value::Object(members)
    }
}

impl TableSchema {
    /// The `<table-schema>` (RFC 7047 §3.2); `root_by_default` leaves out that a table is a root.
    #[must_use]
    pub fn to_json(&self, root_by_default: bool) -> Value {
        let mut members = Map::new();
        let columns: Map<_, _> = self
            .columns
            .iter()
            .map(|(name, column)| (name.clone(), column.to_json()))
            .collect();
        members.insert("columns".to_owned(), Value::Object(columns));
        if !self.mutable {
            members.insert("mutable".to_owned(), json!(false));
        }
        if let Some(max_rows) = self.max_rows {
            members.insert("maxRows".to_owned(), json!(max_rows));
        }
        if self.is_root && !root_by_default {
            members.insert("isRoot".to_owned(), json!(true));
        }
        if !self.indexes.is_empty() {
            members.insert("indexes".to_owned(), json!(self.indexes));
        }
        Value::Object(members)
    }
}

impl Schema {
    /// The `<database-schema>` (RFC 7047 §3.2).
    #[must_use]
    pub fn to_json(&self) -> Value {
        // A schema that never says isRoot has only roots.
        let all_roots = self.tables.values().all(|table| table.is_root);
        let tables: Map<_, _> = self
            .tables
            .iter()
            .map(|(name, table)| (name.clone(), table.to_json(all_roots)))
            .collect();
        let mut schema = json!({"name": self.name, "tables": tables});
        if let (Some(version), Value::Object(members)) = (&self.version, &mut schema) {
            members.insert("version".to_owned(), json!(version));
        }
        schema
    }
}
