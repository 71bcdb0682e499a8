//! Rows that other programs wrote.

use serde_json::json;

use crate::server::Server;

#[test]
fn a_row_that_makes_no_sense_is_reported_and_the_rest_works() {
    let server = Server::start();
    server.apply("networks: [{name: blue, type: vxlan}]").ok();
    server.transact(json!([
        {"op": "insert", "table": "Network", "row": {"name": "thief", "type": "vxlan", "segmentation_id": 1, "segment": "other", "mtu": 1450}},
        {"op": "insert", "table": "Host", "row": {"name": "h1", "encap_ip": "not-an-address"}},
    ]));
    let outcome = server.run(&["network", "list"]);
    assert!(outcome.err.contains("network \"thief\""), "{outcome:?}");
    assert!(
        outcome
            .err
            .contains("segment \"other\", expected \"vxlan/1\" as the other columns have it"),
        "{outcome:?}"
    );
    assert!(
        outcome.err.contains("host \"h1\"") && outcome.err.contains("not-an-address"),
        "{outcome:?}"
    );
    let list = outcome.ok();
    assert!(list.contains("blue") && !list.contains("thief"), "{list}");
}

#[test]
fn the_database_itself_refuses_a_taken_segment_and_mac() {
    let server = Server::start();
    server
        .apply("networks: [{name: a, type: local}]\nports: [{name: p, network: a, mac: '02:00:00:00:00:01'}]")
        .ok();
    // Without the left-out row in its picture of the site, apply relies on the index.
    server.transact(json!([
        {"op": "insert", "table": "Network", "row": {"name": "thief", "type": "gre", "segmentation_id": 7, "segment": "vxlan/1", "mtu": 1450}},
    ]));
    let err = server.apply("networks: [{name: b, type: vxlan, vni: 1}]").failed(1);
    assert!(err.contains("constraint violation"), "{err}");
    assert_eq!(server.revision(), 1);
}

#[test]
fn hosts_are_shown_with_what_they_lack() {
    let server = Server::start();
    server
        .apply("networks: [{name: a, type: local}]\nports: [{name: p, network: a}]")
        .ok();
    let inserted = server.transact(json!([{"op": "insert", "table": "Host", "row": {
        "name": "h1", "encap_ip": "192.0.2.1", "encap_types": ["set", ["vxlan", "gre"]], "applied": 1,
        "bridge_mappings": ["map", [["provider", "br-eth1"]]],
        "unbound": ["map", [["tap9", "no-\u{1b}such-port"]]],
        "problems": ["map", [["bridge br-eth2", "is not there: ovs-vsctl add-br br-eth2"]]],
    }}]));
    let host = inserted[0]["uuid"].clone();
    server.transact(json!([
        {"op": "mutate", "table": "Port", "where": [["name", "==", "p"]], "mutations": [["hosts", "insert", host]]},
    ]));
    let shown = server.run(&["host", "show", "h1"]).ok();
    for line in [
        "tunnel address  192.0.2.1\n",
        "bridges         provider on br-eth1\n",
        "revision        1 (up to date)\n",
        "ports           p\n",
        "unbound         tap9 names no port: iface-id=no-?such-port\n",
        "problems        bridge br-eth2: is not there: ovs-vsctl add-br br-eth2\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    assert_eq!(server.json(&["port", "show", "p"])["hosts"], json!(["h1"]));
    assert!(server.run(&["port", "list"]).ok().contains("up on h1"));
    assert_eq!(server.run(&["host", "delete", "h1"]).ok(), "deleted host h1\n");
    assert_eq!(server.json(&["port", "show", "p"])["up"], false);
}
