//! `heddle wait`.

use serde_json::json;

use crate::server::{Server, heddle};

fn host(server: &Server, name: &str, applied: i64) {
    server.transact(
        json!([{"op": "insert", "table": "Host", "row": {"name": name, "applied": applied}}]),
    );
}

#[test]
fn waiting_needs_every_host_and_names_those_that_lag() {
    let server = Server::start();
    assert_eq!(
        server.run(&["wait"]).ok(),
        "no host has registered: revision 1 waits for the first\n"
    );
    host(&server, "h1", 1_000_000);
    host(&server, "h2", 1);
    assert_eq!(
        server.run(&["wait", "--timeout", "0.2"]).failed(1),
        "heddle: revision 2 is not everywhere after 0.2 s: h2 has 1; `heddle host show` tells more\n"
    );
    assert!(
        server
            .run(&["wait", "--host", "h1"])
            .ok()
            .starts_with("1 host(s) have revision 3 after ")
    );
    assert_eq!(
        server
            .run(&["wait", "--host", "h3", "--timeout", "0.2"])
            .failed(1),
        "heddle: revision 4 is not everywhere after 0.2 s: h3 has never registered; `heddle host show` tells more\n"
    );
}

#[test]
fn waiting_ends_when_the_last_host_acknowledges() {
    let server = Server::start();
    host(&server, "h1", 0);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            server.run_with(
                &["apply", "-f", "-", "--wait", "--timeout", "60"],
                "networks: [{name: a, type: local}]",
            )
        });
        // The host sees the revision, as an agent would, and acknowledges it.
        while server.revision() < 1 {
            assert!(
                !waiting.is_finished(),
                "it must not end before the host has acknowledged"
            );
            std::thread::yield_now();
        }
        assert!(!waiting.is_finished());
        server.transact(
            json!([{"op": "update", "table": "Host", "where": [["name", "==", "h1"]], "row": {"applied": 1}}]),
        );
        let told = waiting.join().unwrap().ok();
        assert!(
            told.contains("revision 1\n1 host(s) have revision 1 after "),
            "{told}"
        );
    });
}

#[test]
fn waiting_for_a_port_needs_it_up_somewhere() {
    let server = Server::start();
    server
        .apply("networks: [{name: a, type: local}]\nports: [{name: p, network: a}]")
        .ok();
    assert_eq!(
        server.run(&["wait", "--port", "q"]).failed(1),
        "heddle: there is no port \"q\": `heddle port list` shows those there are\n"
    );
    let err = server
        .run(&["wait", "--port", "p", "--timeout", "0.2"])
        .failed(1);
    assert!(
        err.starts_with("heddle: not up after 0.2 s: port p;"),
        "{err}"
    );
    host(&server, "h1", 1_000_000);
    server.transact(json!([
        {"op": "insert", "table": "Host", "uuid-name": "h", "row": {"name": "h2", "applied": 1_000_000}},
        {"op": "mutate", "table": "Port", "where": [["name", "==", "p"]],
         "mutations": [["hosts", "insert", ["named-uuid", "h"]]]},
    ]));
    assert!(
        server
            .run(&["wait", "--port", "p"])
            .ok()
            .starts_with("2 host(s) have revision 2 after ")
    );
}

#[test]
fn a_database_that_goes_away_while_waiting_is_told() {
    let mut server = Server::start();
    host(&server, "h1", 0);
    let arguments = ["--nb", &server.remote(), "wait", "--timeout", "2"].map(str::to_owned);
    let waiting = std::thread::spawn(move || heddle(&arguments.each_ref().map(String::as_str), ""));
    while server.revision() < 1 {
        std::thread::yield_now();
    }
    server.end();
    let err = waiting.join().unwrap().failed(1);
    // The server may end before it has told heddle the revision that the test has seen already.
    let told = [
        "broke and did not come back in time",
        "did not answer within 2 s",
    ];
    assert!(told.iter().any(|told| err.contains(told)), "{err}");
}
