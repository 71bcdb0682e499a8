//! Sessions against a scripted peer, in virtual time: what a server may do, and what a hostile one does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::monitor::{MonitorTable, RowUpdate};

const NIL: &str = "00000000-0000-0000-0000-000000000000";
const ROW: &str = "00000000-0000-0000-0000-0000000000aa";

fn schema() -> Value {
    json!({"name": "Test", "version": "1.0.0", "tables": {"Port": {"columns": {
        "name": {"type": "string"},
        "tag": {"type": {"key": "integer", "min": 0, "max": 1}},
        "trunks": {"type": {"key": "integer", "min": 0, "max": "unlimited"}}}}}})
}

fn config() -> SessionConfig {
    SessionConfig {
        database: "Test".to_owned(),
        tables: vec![MonitorTable::new("Port")],
        every_table: false,
        server: ServerChoice::Leader,
        probe_interval: Some(Duration::from_secs(5)),
        sync_patience: Duration::from_secs(60),
        reply_patience: Duration::from_secs(30),
        max_message: 10_000,
        max_replies: 2000,
    }
}

/// A session and the server that the test plays.
struct Peer {
    session: Session,
    now: Instant,
    requests: Framer,
}

impl Peer {
    fn new(resume: Resume) -> Self {
        let now = Instant::now();
        Self {
            session: Session::new(Arc::new(config()), resume, now),
            now,
            requests: Framer::new(1 << 20),
        }
    }

    /// What the session has sent since the last call.
    fn requests(&mut self) -> Vec<Value> {
        let output = self.session.output().split();
        self.requests.push(&output);
        let mut requests = Vec::new();
        while let Some(frame) = self.requests.next_message().unwrap() {
            requests.push(serde_json::from_slice(frame.bytes()).unwrap());
        }
        requests
    }

    fn feed(&mut self, message: &Value) -> Result<(), SessionError> {
        self.session
            .handle_bytes(message.to_string().as_bytes(), self.now)
    }

    /// Answers every request by method until the session asks no more.
    fn serve(
        &mut self,
        answer: &mut dyn FnMut(&str, &Value) -> Result<Value, Value>,
    ) -> Result<(), SessionError> {
        loop {
            let requests = self.requests();
            if requests.is_empty() {
                return Ok(());
            }
            for request in requests {
                let reply = match answer(request["method"].as_str().unwrap(), &request["params"]) {
                    Ok(result) => json!({"id": request["id"], "result": result, "error": null}),
                    Err(error) => json!({"id": request["id"], "result": null, "error": error}),
                };
                self.feed(&reply)?;
            }
        }
    }

    /// A session that is synced with an empty database.
    fn synced() -> Self {
        let mut peer = Self::new(Resume::default());
        peer.serve(&mut standalone).unwrap();
        assert!(peer.session.is_synced());
        peer.session.take_events();
        peer
    }

    fn names(&mut self) -> Vec<&'static str> {
        let name = |(event, _): (SessionEvent, usize)| match event {
            SessionEvent::Connected { .. } => "connected",
            SessionEvent::Synced { resumed: true, .. } => "resumed",
            SessionEvent::Synced { resumed: false, .. } => "synced",
            SessionEvent::Update(_) => "update",
            SessionEvent::ConditionsChanged => "conditions",
            SessionEvent::Reply { .. } => "reply",
            SessionEvent::Lock { .. } => "lock",
        };
        self.session.take_events().into_iter().map(name).collect()
    }
}

/// A server of before Open vSwitch 2.9 as far as `_Server` goes, with an empty database.
fn standalone(method: &str, params: &Value) -> Result<Value, Value> {
    match method {
        "get_schema" if params[0] == "_Server" => Err(json!({"error": "unknown database"})),
        "get_schema" => Ok(schema()),
        "monitor_cond_since" => Ok(json!([false, NIL, {}])),
        "monitor_cond" | "monitor" => Ok(json!({})),
        _ => Ok(json!({})),
    }
}

/// A server that knows what it is.
fn member(row: Value) -> impl FnMut(&str, &Value) -> Result<Value, Value> {
    move |method, params| match method {
        "get_schema" if params[0] == "_Server" => Ok(
            json!({"name": "_Server", "tables": {"Database": {"columns": {
            "name": {"type": "string"}, "model": {"type": "string"}, "connected": {"type": "boolean"},
            "leader": {"type": "boolean"}, "cid": {"type": {"key": "uuid", "min": 0}},
            "index": {"type": {"key": "integer", "min": 0}}}}}}),
        ),
        "monitor_cond" if params[0] == "_Server" => {
            Ok(json!({"Database": {ROW: {"initial": row}}}))
        }
        _ => standalone(method, params),
    }
}

#[test]
fn the_best_monitor_that_the_server_knows_is_used() {
    for (known, form) in [
        ("monitor_cond_since", "update3"),
        ("monitor_cond", "update2"),
        ("monitor", "update"),
    ] {
        let mut peer = Peer::new(Resume::default());
        peer.serve(&mut |method: &str, params: &Value| match method {
            "monitor_cond_since" | "monitor_cond" | "monitor" if method != known => {
                Err(json!("unknown method"))
            }
            _ => standalone(method, params),
        })
        .unwrap();
        assert_eq!(peer.names(), ["connected", "synced"], "{known}");
        let (row, change) = (
            json!({"name": "a"}),
            if form == "update" { "new" } else { "insert" },
        );
        let updates = json!({"Port": {ROW: {change: row}}});
        let params = if form == "update3" {
            json!(["data", NIL, updates])
        } else {
            json!(["data", updates])
        };
        peer.feed(&json!({"method": form, "params": params, "id": null}))
            .unwrap();
        let events = peer.session.take_events();
        let [(SessionEvent::Update(updates), _)] = events.as_slice() else {
            panic!("{known}: {events:?}")
        };
        assert!(
            matches!(&updates.tables[0].rows[0].1, RowUpdate::Insert(data) if data[0] == "a".into())
        );
    }
}

#[test]
fn a_session_resumes_from_the_last_transaction_unless_the_rows_differ() {
    let mut peer = Peer::synced();
    let last = Uuid::from_u128(7);
    peer.feed(&json!({"method": "update3", "params": ["data", last, {}], "id": null}))
        .unwrap();
    let resume = peer.session.resume();
    let mut asked = None;
    let mut peer = Peer::new(resume.clone());
    peer.serve(&mut |method: &str, params: &Value| match method {
        "monitor_cond_since" => {
            asked = Some(params[3].clone());
            Ok(json!([true, last, {}]))
        }
        _ => standalone(method, params),
    })
    .unwrap();
    assert_eq!(asked, Some(json!(last)));
    assert_eq!(peer.names(), ["connected", "resumed"]);

    let mut asked = None;
    let mut peer = Peer::new(resume);
    peer.serve(&mut |method: &str, params: &Value| match method {
        "get_schema" if params[0] == "Test" => {
            let mut schema = schema();
            schema["tables"]["Port"]["columns"]["more"] = json!({"type": "string"});
            Ok(schema)
        }
        "monitor_cond_since" => {
            asked = Some(params[3].clone());
            standalone(method, params)
        }
        _ => standalone(method, params),
    })
    .unwrap();
    assert_eq!(asked, Some(json!(NIL)), "the replica lacks the new column");
}

#[test]
fn only_a_server_that_will_do_is_talked_to() {
    let row = |connected: bool, leader: bool, index: i64| {
        json!({"name": "Test", "model": "clustered", "connected": connected, "leader": leader, "index": index,
            "cid": ["uuid", ROW]})
    };
    let cluster = Some(Uuid::parse_str(ROW).unwrap());
    let try_it = |row: Value, min_index: Option<i64>| {
        let mut peer = Peer::new(Resume {
            min_index,
            cluster,
            ..Resume::default()
        });
        peer.serve(&mut member(row))
            .map(|()| peer.session.is_synced())
            .map_err(|error| error.to_string())
    };
    assert_eq!(try_it(row(true, true, 5), None), Ok(true));
    assert_eq!(try_it(row(true, true, 5), Some(5)), Ok(true));
    assert!(
        try_it(row(true, false, 5), None)
            .unwrap_err()
            .contains("not the leader")
    );
    assert!(
        try_it(row(false, true, 5), None)
            .unwrap_err()
            .contains("lost contact")
    );
    assert!(
        try_it(row(true, true, 5), Some(6))
            .unwrap_err()
            .contains("behind")
    );
    assert!(
        try_it(json!({"name": "Other", "model": "standalone"}), None)
            .unwrap_err()
            .contains("no database Test")
    );

    let relay = |connected: bool| json!({"name": "Test", "model": "relay", "connected": connected, "leader": false});
    assert_eq!(try_it(relay(true), None), Ok(true));
    assert!(
        try_it(relay(false), None)
            .unwrap_err()
            .contains("lost contact")
    );

    // What it says of itself counts all the time.
    let mut peer = Peer::new(Resume::default());
    peer.serve(&mut member(row(true, true, 5))).unwrap();
    let update = json!({"Database": {ROW: {"modify": {"leader": false}}}});
    let error = peer.feed(&json!({"method": "update2", "params": ["server", update], "id": null}));
    assert!(matches!(
        error,
        Err(SessionError::Server(ServerFault::NotLeader))
    ));
}

#[test]
fn a_member_that_lacks_our_last_transaction_is_refused_while_it_may_be_behind() {
    let row = |index: i64| {
        json!({"name": "Test", "model": "clustered", "connected": true, "leader": true, "index": index,
            "cid": ["uuid", ROW]})
    };
    let last = Uuid::from_u128(7);
    // The server told index 5, then rows of a transaction, and died before it told the next index.
    let mut peer = Peer::new(Resume::default());
    peer.serve(&mut member(row(5))).unwrap();
    peer.feed(&json!({"method": "update3", "params": ["data", last, {}], "id": null}))
        .unwrap();
    // Rows for other conditions are no transaction.
    peer.feed(&json!({"method": "update3", "params": ["data", last, {}], "id": null}))
        .unwrap();
    let resume = peer.session.resume();
    let died = peer.now;
    let next = |resume: &Resume, index: i64, found: bool, later: u64| {
        let mut peer = Peer::new(resume.clone());
        peer.now = died + Duration::from_secs(later);
        let mut answer = member(row(index));
        let end = peer.serve(&mut |method: &str, params: &Value| match method {
            "monitor_cond_since" => {
                assert_eq!(
                    params[3],
                    json!(last),
                    "what it refused before is not forgotten"
                );
                Ok(json!([found, last, {}]))
            }
            _ => answer(method, params),
        });
        (
            end.map_err(|error| error.to_string()),
            peer.session.resume(),
        )
    };
    let behind = |index: i64, expected: i64| {
        Err(format!(
            "the server is behind: its log is at {index}, but {expected} was seen before"
        ))
    };
    assert_eq!(next(&resume, 4, false, 0).0, behind(4, 5));
    let (end, refused) = next(&resume, 5, false, 0);
    assert_eq!(end, behind(5, 6));
    assert_eq!(next(&refused, 5, false, 9).0, behind(5, 6));
    assert_eq!(
        next(&refused, 5, true, 9).0,
        Ok(()),
        "it has the transaction"
    );
    assert_eq!(next(&refused, 6, false, 9).0, Ok(()), "it is further");
    assert_eq!(next(&refused, 5, false, 11).0, Ok(()), "nothing ever comes");
    assert_eq!(next(&refused, 6, false, 9).1.ahead, 0);

    // Whoever has told the index after the rows may lose its history.
    let update = json!({"Database": {ROW: {"modify": {"index": 6}}}});
    let mut peer = Peer::new(Resume::default());
    peer.serve(&mut member(row(5))).unwrap();
    peer.feed(&json!({"method": "update3", "params": ["data", last, {}], "id": null}))
        .unwrap();
    peer.feed(&json!({"method": "update2", "params": ["server", update], "id": null}))
        .unwrap();
    assert_eq!(next(&peer.session.resume(), 6, false, 0).0, Ok(()));
}

#[test]
fn a_conversion_starts_the_monitor_anew() {
    let mut peer = Peer::synced();
    peer.feed(&json!({"method": "monitor_canceled", "params": ["data"], "id": null}))
        .unwrap();
    assert!(!peer.session.is_synced());
    peer.serve(&mut standalone).unwrap();
    assert_eq!(peer.names(), ["connected", "synced"]);
    peer.feed(&json!({"method": "monitor_canceled", "params": ["data"], "id": null}))
        .unwrap();
    let removed = peer.serve(&mut |_: &str, _: &Value| Err(json!({"error": "unknown database"})));
    assert!(matches!(
        removed,
        Err(SessionError::Refused {
            request: "get_schema",
            ..
        })
    ));
}

#[test]
fn a_slow_first_picture_is_not_given_up_while_bytes_come() {
    let mut peer = Peer::new(Resume::default());
    let requests = peer.requests();
    let reply = json!({"id": requests[0]["id"], "result": {}, "error": null}).to_string();
    for byte in reply.as_bytes() {
        peer.now += Duration::from_secs(59);
        peer.session.handle_timeout(peer.now).unwrap();
        peer.session.handle_bytes(&[*byte], peer.now).unwrap();
    }
    peer.now += Duration::from_secs(60);
    assert!(matches!(
        peer.session.handle_timeout(peer.now),
        Err(SessionError::Silent(60))
    ));
}

#[test]
fn a_silent_server_is_probed_and_then_given_up() {
    let mut peer = Peer::synced();
    for _ in 0..3 {
        peer.now += Duration::from_secs(5);
        assert_eq!(peer.session.deadline(), Some(peer.now));
        peer.session.handle_timeout(peer.now).unwrap();
        let requests = peer.requests();
        assert_eq!(requests[0]["method"], "echo");
        peer.feed(&json!({"id": requests[0]["id"], "result": [], "error": null}))
            .unwrap();
    }
    peer.now += Duration::from_secs(5);
    peer.session.handle_timeout(peer.now).unwrap();
    peer.now += Duration::from_secs(5);
    assert!(matches!(
        peer.session.handle_timeout(peer.now),
        Err(SessionError::Silent(10))
    ));
}

#[test]
fn a_request_without_reply_ends_the_session_though_the_server_lives() {
    let mut peer = Peer::synced();
    peer.session.send(1, b"{}", Duration::ZERO, peer.now);
    peer.session
        .send(2, b"{}", Duration::from_secs(100), peer.now);
    assert_eq!(peer.session.core.reply_deadlines.len(), 2);
    for id in [1, 2] {
        peer.feed(&json!({"id": Session::caller_id(id), "result": [], "error": null}))
            .unwrap();
    }
    assert!(peer.session.core.reply_deadlines.is_empty());
    peer.session.send(3, b"{}", Duration::ZERO, peer.now);
    for _ in 0..29 {
        peer.now += Duration::from_secs(1);
        peer.session.handle_timeout(peer.now).unwrap();
        peer.feed(&json!({"method": "echo", "params": [], "id": "x"}))
            .unwrap();
    }
    peer.now += Duration::from_secs(1);
    assert!(matches!(
        peer.session.handle_timeout(peer.now),
        Err(SessionError::NoReply(30))
    ));
    assert_eq!(peer.session.unanswered(), [3]);
}

#[test]
fn echo_is_answered_and_other_requests_are_refused() {
    let mut peer = Peer::synced();
    peer.feed(&json!({"method": "echo", "params": ["a", {"b": 1}], "id": [7]}))
        .unwrap();
    peer.feed(&json!({"method": "dance", "params": [], "id": 8}))
        .unwrap();
    assert_eq!(
        peer.requests(),
        [
            json!({"id": [7], "result": ["a", {"b": 1}], "error": null}),
            json!({"id": 8, "result": null, "error": "unknown method"})
        ]
    );
}

#[test]
fn a_server_that_asks_and_does_not_read_is_given_up() {
    let mut peer = Peer::synced();
    let echo = json!({"method": "echo", "params": ["x".repeat(500)], "id": "x"});
    for _ in 0..100 {
        match peer.feed(&echo) {
            Ok(()) => assert!(peer.session.output_bytes().len() < 3000),
            Err(error) => return assert!(matches!(error, SessionError::NotReading)),
        }
    }
    panic!("the output grows for ever");
}

#[test]
fn what_nobody_asked_for_ends_the_session_with_its_place() {
    let update =
        |updates: Value| json!({"method": "update3", "params": ["data", NIL, updates], "id": null});
    for (message, words) in [
        (
            json!({"id": "never", "result": {}, "error": null}),
            "request \"never\", which was never made",
        ),
        (
            json!({"id": null, "result": null, "error": {"error": "x"}}),
            "request null",
        ),
        (
            json!({"method": "update3", "params": ["other", NIL, {}], "id": null}),
            "monitor \"other\"",
        ),
        (
            json!({"method": "update3", "params": ["server", NIL, {}], "id": null}),
            "monitor \"server\"",
        ),
        (
            json!({"method": "update3", "params": {}, "id": null}),
            "expected [monitor",
        ),
        (
            update(json!({"Wall": {}})),
            "\"Wall\", expected the name of a monitored table",
        ),
        (update(json!({"Port": {"x": {"insert": {}}}})), "UUID"),
        (
            update(json!({"Port": {ROW: {"insert": {"colour": "red"}}}})),
            "expected the name of a monitored column of Port",
        ),
        (
            update(json!({"Port": {ROW: {"insert": {"name": 5}}}})),
            "expected string",
        ),
        (
            update(json!({"Port": {ROW: {"insert": {"tag": ["set", [1, 2]]}}}})),
            "expected optional integer",
        ),
        (
            update(json!({"Port": {ROW: {"modify": {"tag": ["set", [1, 2]]}}}})),
            "expected optional integer",
        ),
        (update(json!({"Port": {ROW: {}}})), "says nothing"),
        (
            update(json!({"Port": {ROW: {"new": {}}}})),
            "of the other form",
        ),
        (update(json!({"Port": {ROW: {"paint": {}}}})), "paint"),
        (
            json!({"method": "locked", "params": [], "id": null}),
            "lock notification",
        ),
    ] {
        let mut peer = Peer::synced();
        let error = peer.feed(&message).expect_err(words);
        let mut text = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            text = format!("{text}: {source}");
        }
        assert!(text.contains(words), "{text:?} lacks {words:?}");
        assert!(peer.session.take_events().is_empty());
    }
    // A notification of a kind that does not exist yet harms nobody.
    Peer::synced()
        .feed(&json!({"method": "update9", "params": [], "id": null}))
        .unwrap();
}

#[test]
fn no_truncated_or_garbled_message_does_more_than_end_the_session() {
    let messages = [
        json!({"method": "update3", "params": ["data", NIL, {"Port": {ROW: {"insert": {"name": "a\u{e9}\n",
            "trunks": ["set", [1, 2, 3]]}}}}], "id": null}),
        json!({"method": "echo", "params": [1.5e3, -7, null, true], "id": "e"}),
        json!({"id": "c1", "result": [{"uuid": ["uuid", ROW]}, {"count": 1}], "error": null}),
    ];
    for message in messages {
        let text = message.to_string();
        for at in 0..text.len() {
            for byte in [
                None,
                Some(b'"'),
                Some(b'}'),
                Some(b'['),
                Some(b'0'),
                Some(0xff),
                Some(b'\\'),
            ] {
                let mut peer = Peer::synced();
                peer.session.send(1, b"{}", Duration::ZERO, peer.now);
                let mut bytes = text.clone().into_bytes();
                match byte {
                    Some(byte) => bytes[at] = byte,
                    None => bytes.truncate(at),
                }
                let before = peer.session.handle_bytes(&bytes, peer.now);
                // A string that never ends swallows what comes after; nothing else does.
                let _ = before.and_then(|()| peer.session.handle_bytes(b"{}", peer.now));
            }
        }
    }
}
