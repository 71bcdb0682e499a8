//! Updates of both forms: decoded or refused, and what was decoded has the layout's columns.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ovsdb_client::MonitorTable;
use ovsdb_client::monitor::decode::{Form, UpdatesSeed};
use ovsdb_client::monitor::{Plan, RowUpdate};
use ovsdb_client::schema::Schema;

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let schema = serde_json::json!({"name": "D", "tables": {"T": {"columns": {
        "a": {"type": "string"},
        "b": {"type": {"key": "integer", "min": 0, "max": 1}},
        "c": {"type": {"key": "uuid", "min": 0, "max": "unlimited"}},
        "d": {"type": {"key": "string", "value": "real", "min": 0, "max": "unlimited"}},
        "e": {"type": "boolean"}}}}});
    Plan::new(&Schema::from_json(&schema).unwrap(), &[MonitorTable::new("T")]).unwrap()
});

fuzz_target!(|text: &str| {
    for form in [Form::Values, Form::Differences] {
        let Ok(updates) = UpdatesSeed::new(&PLAN, form).decode(text) else {
            continue;
        };
        for table in updates.tables {
            for (_, update) in table.rows {
                match update {
                    RowUpdate::Insert(data) => assert_eq!(data.len(), table.layout.columns().len()),
                    RowUpdate::Modify(columns) => {
                        assert!(columns.iter().all(|(at, _)| table.layout.column_type(*at).is_some()));
                    }
                    RowUpdate::Delete => {}
                }
            }
        }
    }
});
