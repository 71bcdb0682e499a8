//! What `ovsdb-client dump` says a database holds, for comparison with a replica.

use std::collections::BTreeMap;
use std::process::Command;

use ovsdb_client::Replica;
use ovsdb_client::schema::Schema;
use ovsdb_client::value::Datum;
use ovsdb_client::value::decode::DatumSeed;
use serde::de::DeserializeSeed;
use serde_json::Value;
use uuid::Uuid;

use crate::server::run;

/// Table, row, column, value.
pub(crate) type Picture = BTreeMap<String, BTreeMap<Uuid, BTreeMap<String, Datum>>>;

/// The rows of a replica.
pub(crate) fn of_replica(replica: &Replica) -> Picture {
    let rows = |rows: &mut dyn Iterator<Item = &ovsdb_client::Row>| {
        rows.map(|row| {
            (
                row.uuid(),
                row.columns()
                    .map(|(name, datum)| (name.to_owned(), datum.clone()))
                    .collect(),
            )
        })
        .collect()
    };
    replica
        .tables()
        .map(|(name, table)| (name.to_owned(), rows(&mut table.rows())))
        .collect()
}

/// What `ovsdb-client dump` prints, read by the schema.
pub(crate) fn dump(remote: &str, schema: &Schema, args: &[String]) -> Picture {
    let mut command = Command::new("ovsdb-client");
    command.args(args).args([
        "--no-leader-only",
        "--format=json",
        "dump",
        remote,
        &schema.name,
    ]);
    let mut picture = Picture::new();
    for line in run(&mut command).lines().filter(|line| !line.is_empty()) {
        let table: Value = serde_json::from_str(line).unwrap();
        let name = table["caption"]
            .as_str()
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        let columns: Vec<&str> = table["headings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|h| h.as_str().unwrap())
            .collect();
        let mut rows = BTreeMap::new();
        for data in table["data"].as_array().unwrap() {
            let mut uuid = None;
            let mut row = BTreeMap::new();
            for (&column, json) in columns.iter().zip(data.as_array().unwrap()) {
                if column == "_uuid" {
                    uuid = json[1].as_str().map(|text| Uuid::parse_str(text).unwrap());
                } else {
                    let column_type = &schema.tables[name].columns[column].column_type;
                    row.insert(
                        column.to_owned(),
                        DatumSeed::whole(column_type).deserialize(json).unwrap(),
                    );
                }
            }
            rows.insert(uuid.unwrap(), row);
        }
        picture.insert(name.to_owned(), rows);
    }
    picture
}
