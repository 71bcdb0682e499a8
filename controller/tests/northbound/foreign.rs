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
    assert!(
        outcome.err.contains("encap_ip of host"),
        "a host is more than its tunnels: {outcome:?}"
    );
    assert_eq!(server.run(&["host", "list"]).out.lines().count(), 2);
    let list = outcome.ok();
    assert!(list.contains("blue") && !list.contains("thief"), "{list}");
}

#[test]
fn every_reason_to_leave_a_row_out_is_told() {
    let server = Server::start();
    server
        .apply(
            "networks: [{name: good, type: local}]\nsubnets: [{network: good, cidr: 10.0.0.0/24}]\n\
             ports: [{name: p, network: good, addresses: [10.0.0.5]}]",
        )
        .ok();
    let good = server.json(&["network", "show", "good"])["id"].clone();
    let good = json!(["uuid", good]);
    let network = |name: &str, kind: &str, number: i64, segment: &str| {
        json!({"op": "insert", "table": "Network", "row": {
            "name": name, "type": kind, "segmentation_id": number, "segment": segment, "mtu": 1500,
        }})
    };
    let subnet = |name: &str, cidr: &str, gateway: &str| json!({"op": "insert", "table": "Subnet", "row": {"name": name, "network": good, "cidr": cidr, "gateway": gateway}});
    let port = |name: &str, mac: &str, address: &str| json!({"op": "insert", "table": "Port", "row": {"name": name, "network": good, "mac": mac, "addresses": address}});
    let cases = [
        (
            network("n1", "vxlan", 16_777_216, "vxlan/16777216"),
            "segmentation_id 16777216, expected 1 to 16777215",
        ),
        (
            network("n2", "geneve", 0, "geneve/0"),
            "segmentation_id 0, expected 1 to 16777215",
        ),
        (
            network("n3", "vlan", 4095, "vlan/w/4095"),
            "segmentation_id 4095, expected 1 to 4094",
        ),
        (network("n4", "flat", 0, "flat/"), "its name: an empty name"),
        (
            network("n5\n", "local", 0, "local/n5"),
            "its name: name \"n5\\n\" with control characters",
        ),
        (
            subnet("s1", "10.0.0.1/24", "10.0.0.1"),
            "cidr: 10.0.0.1/24 with bits set behind the prefix, expected 10.0.0.0/24",
        ),
        (
            subnet("s2", "elephant", "10.0.0.1"),
            "cidr \"elephant\": invalid IP address syntax",
        ),
        (
            subnet("s3", "10.1.0.0/24", "10.2.0.1"),
            "gateway: 10.2.0.1 is not in 10.1.0.0/24",
        ),
        (
            port("p1", "zebra", "10.0.0.6"),
            "\"zebra\" is not a MAC address",
        ),
        (
            port("p2", "01:00:00:00:00:01", "10.0.0.6"),
            "mac 01:00:00:00:00:01 is not the MAC address of one endpoint",
        ),
        (
            port("p3", "02:00:00:00:00:AA", "10.0.0.6"),
            "mac \"02:00:00:00:00:AA\", expected 02:00:00:00:00:aa",
        ),
        (
            port("p4", "02:00:00:00:00:04", "giraffe"),
            "\"giraffe\": invalid IP address syntax",
        ),
        (
            port("p5", "02:00:00:00:00:05", "224.0.0.1"),
            "224.0.0.1 is not a unicast address",
        ),
        (
            json!({"op": "insert", "table": "Physical_Network", "row": {"name": "a:b"}}),
            "with a colon or comma",
        ),
        (
            json!({"op": "insert", "table": "Physical_Network", "row": {"name": "w", "vlans": "5000"}}),
            "vlans: VLAN range \"5000\"",
        ),
    ];
    server.transact(
        cases
            .iter()
            .map(|(operation, _)| operation.clone())
            .collect(),
    );
    let inner = server.transact(json!([
        {"op": "insert", "table": "Network", "uuid-name": "bad", "row": {"name": "bad", "type": "local", "segment": "x", "mtu": 1500}},
        {"op": "insert", "table": "Port", "row": {"name": "in-bad", "network": ["named-uuid", "bad"], "mac": "02:00:00:00:00:09"}},
    ]));
    let outcome = server.run(&["port", "list", "-o", "json"]);
    for (operation, expected) in &cases {
        assert!(
            outcome.err.contains(expected),
            "{operation}: {expected}\n{}",
            outcome.err
        );
    }
    let missing = format!(
        "its network {} is not there or was left out",
        inner[0]["uuid"][1].as_str().unwrap()
    );
    assert!(outcome.err.contains(&missing), "{}", outcome.err);
    assert_eq!(
        outcome.err.lines().count(),
        cases.len() + 2,
        "{}",
        outcome.err
    );
    let ports: serde_json::Value = serde_json::from_str(&outcome.ok()).unwrap();
    assert_eq!(ports.as_array().unwrap().len(), 1);

    // Of two ports with one address, one is left out, and it is told which.
    server.transact(json!([port("twin", "02:00:00:00:00:0a", "10.0.0.5")]));
    let err = server.run(&["port", "list"]).err;
    assert!(err.contains("10.0.0.5 is also an address of port"), "{err}");
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
    let err = server
        .apply("networks: [{name: b, type: vxlan, vni: 1}]")
        .failed(1);
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
    assert_eq!(
        server.run(&["host", "delete", "h1"]).ok(),
        "deleted host h1\n"
    );
    assert_eq!(server.json(&["port", "show", "p"])["up"], false);
}
