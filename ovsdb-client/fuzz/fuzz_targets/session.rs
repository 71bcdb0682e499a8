//! A whole conversation: whatever the server says and whenever, the session goes on or ends with an error.
#![no_main]

use std::sync::Arc;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use ovsdb_client::MonitorTable;
use ovsdb_client::session::{Resume, ServerChoice, Session, SessionConfig};

/// What brings a session to the point where updates come.
const HELLO: &[&str] = &[
    r#"{"id":"set_db_change_aware0","result":{},"error":null}"#,
    r#"{"id":"get_schema1","result":null,"error":"unknown database"}"#,
    r#"{"id":"get_schema2","result":{"name":"D","tables":{"T":{"columns":{"a":{"type":{"key":"string","min":0,"max":"unlimited"}}}}}},"error":null}"#,
    r#"{"id":"monitor_cond_since3","result":[false,"00000000-0000-0000-0000-000000000000",{}],"error":null}"#,
];

fuzz_target!(|input: (u8, Vec<(u16, &[u8])>)| {
    let (hello, chunks) = input;
    let config = SessionConfig {
        database: "D".to_owned(),
        tables: vec![MonitorTable::new("T")],
        every_table: false,
        server: ServerChoice::Leader,
        probe_interval: Some(Duration::from_secs(5)),
        sync_patience: Duration::from_secs(60),
        reply_patience: Duration::from_secs(30),
        max_message: 10_000,
        max_replies: 10_000,
    };
    let mut now = Instant::now();
    let mut session = Session::new(Arc::new(config), Resume::default(), now);
    for message in HELLO.iter().take(usize::from(hello) % 5) {
        session.handle_bytes(message.as_bytes(), now).unwrap();
    }
    session.send(1, b"{}", Duration::ZERO, now);
    for (wait, bytes) in chunks {
        now += Duration::from_millis(wait.into());
        if session.handle_timeout(now).is_err() || session.handle_bytes(bytes, now).is_err() {
            return;
        }
        session.take_events();
        assert!(session.output_bytes().len() < 100_000);
    }
});
