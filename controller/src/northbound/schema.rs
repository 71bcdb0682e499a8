//! The schema of the northbound database: one file, which the server and this crate both read.

use ovsdb_client::MonitorTable;

/// The schema in the notation of RFC 7047 §3.2, as `ovsdb-tool create` takes it.
pub const SCHEMA: &str = include_str!("heddle-nb.ovsschema");

/// The name of the database.
pub const DATABASE: &str = "Heddle_Northbound";

/// The tables and columns that this crate reads: all of the schema but what is there for other programs.
const READ: [(&str, &[&str]); 6] = [
    ("NB_Global", &["revision"]),
    ("Physical_Network", &["name", "vlans"]),
    (
        "Network",
        &[
            "name",
            "project",
            "type",
            "physical_network",
            "segmentation_id",
            "segment",
            "mtu",
            "learning",
        ],
    ),
    ("Subnet", &["name", "network", "cidr", "gateway"]),
    (
        "Port",
        &[
            "name",
            "network",
            "mac",
            "addresses",
            "port_security",
            "hosts",
        ],
    ),
    (
        "Host",
        &[
            "name",
            "encap_ip",
            "encap_types",
            "bridge_mappings",
            "applied",
            "unbound",
            "problems",
        ],
    ),
];

/// What to replicate of the database, so that [`site`](super::site) can read it.
#[must_use]
pub fn tables() -> Vec<MonitorTable> {
    READ.into_iter()
        .map(|(name, columns)| MonitorTable::new(name).columns(columns.iter().copied()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::document::Document;
    use crate::model::{NetworkType, Site, TunnelType};
    use crate::northbound::{Action, Table, changes, plan, random_mac};

    fn schema() -> serde_json::Value {
        serde_json::from_str(SCHEMA).unwrap()
    }

    #[test]
    fn tables_and_types_are_those_of_the_model() {
        let schema = schema();
        assert_eq!(schema["name"], DATABASE);
        for table in Table::ALL {
            assert!(
                schema["tables"][table.name()].is_object(),
                "{}",
                table.name()
            );
        }
        let types = &schema["tables"]["Network"]["columns"]["type"]["type"]["key"]["enum"][1];
        assert_eq!(
            *types,
            serde_json::json!(NetworkType::ALL.map(NetworkType::name))
        );
        let tunnels = &schema["tables"]["Host"]["columns"]["encap_types"]["type"]["key"]["enum"][1];
        assert_eq!(
            *tunnels,
            serde_json::json!(TunnelType::ALL.map(TunnelType::name))
        );
    }

    #[test]
    fn what_is_read_is_what_there_is() {
        let schema = schema();
        let tables = schema["tables"].as_object().unwrap();
        let found: Vec<(&str, BTreeSet<&str>)> = tables
            .iter()
            .map(|(name, table)| {
                let columns = table["columns"]
                    .as_object()
                    .unwrap()
                    .keys()
                    .map(String::as_str);
                (
                    name.as_str(),
                    columns
                        .filter(|column| !["external_ids", "options"].contains(column))
                        .collect(),
                )
            })
            .collect();
        let mut read: Vec<(&str, BTreeSet<&str>)> = READ
            .into_iter()
            .map(|(name, columns)| (name, columns.iter().copied().collect()))
            .collect();
        read.sort();
        let mut found = found;
        found.sort();
        assert_eq!(read, found);
    }

    #[test]
    fn every_column_that_intent_writes_is_in_the_schema() {
        let text = "physical_networks: [{name: w}]\nnetworks: [{name: n, type: local}]\n\
            subnets: [{network: n, cidr: 10.0.0.0/24}]\nports: [{name: p, network: n}]";
        let after = plan(
            &Document::parse(text).unwrap(),
            &Site::default(),
            &mut random_mac,
        )
        .unwrap();
        let mut tables = BTreeSet::new();
        for change in changes(&Site::default(), &after) {
            tables.insert(change.table);
            let Action::Created(columns) = change.action else {
                panic!("{change:?}")
            };
            for (column, _) in columns {
                let found = &schema()["tables"][change.table.name()]["columns"][column];
                assert!(found.is_object(), "{}.{column}", change.table.name());
            }
        }
        assert_eq!(tables.len(), 4);
    }
}
