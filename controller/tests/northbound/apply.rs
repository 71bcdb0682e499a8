//! `heddle apply`, and what the other commands show and delete afterwards.

use serde_json::json;

use crate::server::Server;

const DOCUMENT: &str = "
physical_networks:
- {name: provider, vlans: [1001-1002]}
networks:
- {name: blue, type: vxlan, vni: 17, project: acme}
- {name: wire, type: vlan, physical_network: provider}
- {name: bare, type: flat, physical_network: provider}
- {name: here, type: local}
subnets:
- {name: s4, network: blue, cidr: 10.0.0.0/24, gateway: 10.0.0.1}
- {network: blue, cidr: 'fd00::/64'}
ports:
- {name: web-1, network: blue, mac: '02:00:00:00:00:01', addresses: [10.0.0.5]}
- {name: web-2, network: blue}
- {name: trunk, network: wire, port_security: false}
";

#[test]
fn a_document_becomes_rows_and_rows_become_lists() {
    let server = Server::start();
    let told = server.apply(DOCUMENT).ok();
    assert!(
        told.contains("created network wire: vlan 1001 on provider, mtu 1500\n"),
        "{told}"
    );
    assert!(
        told.contains("created port web-1: in blue, 02:00:00:00:00:01, 10.0.0.5\n"),
        "{told}"
    );
    assert!(told.ends_with("revision 1\n"), "{told}");

    let networks = server.json(&["network", "list"]);
    let names: Vec<_> = networks
        .as_array()
        .unwrap()
        .iter()
        .map(|network| network["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["bare", "blue", "here", "wire"]);
    assert_eq!(networks[1]["vni"], 17);
    assert_eq!(networks[1]["mtu"], 1450);
    assert_eq!(networks[1]["project"], "acme");
    assert_eq!(networks[1]["subnets"], json!(["10.0.0.0/24", "fd00::/64"]));
    assert_eq!(networks[1]["ports"], json!(["web-1", "web-2"]));
    assert_eq!(networks[3]["vlan"], 1001);

    let port = server.json(&["port", "show", "web-2"]);
    assert_eq!(port["addresses"], json!(["10.0.0.2", "fd00::1"]));
    assert_eq!(port["up"], false);
    assert_eq!(
        server.json(&["port", "show", "trunk"])["port_security"],
        false
    );

    let table = server.run(&["port", "list"]).ok();
    assert!(table.starts_with("NAME"), "{table}");
    assert!(
        table.contains("web-1  blue     02:00:00:00:00:01  10.0.0.5"),
        "{table}"
    );
    let yaml = server.run(&["subnet", "show", "s4", "-o", "yaml"]).ok();
    assert!(
        yaml.contains("gateway: \"10.0.0.1\"\n") && yaml.contains("used: 2\n"),
        "{yaml}"
    );
    let wires = server.run(&["physical-network", "show"]).ok();
    assert!(
        wires.contains("vlans     1001-1002\n") && wires.contains("networks  bare, wire\n"),
        "{wires}"
    );
}

#[test]
fn the_same_again_writes_nothing() {
    let server = Server::start();
    server.apply(DOCUMENT).ok();
    let before = server.transact(json!([{"op": "select", "table": "Port", "where": []}]));
    assert_eq!(
        server.apply(DOCUMENT).ok(),
        "nothing changed: the database has it all already, revision 1\n"
    );
    assert_eq!(server.revision(), 1);
    assert_eq!(
        server.transact(json!([{"op": "select", "table": "Port", "where": []}])),
        before
    );
}

#[test]
fn changes_are_told_and_written() {
    let server = Server::start();
    server.apply(DOCUMENT).ok();
    let told = server.apply("networks: [{name: blue, mtu: 1400, learning: true}]\nports: [{name: web-1, network: blue, addresses: [10.0.0.9]}]").ok();
    assert_eq!(
        told,
        "changed network blue: mtu 1450 -> 1400; learning false -> true\n\
         changed port web-1: addresses 10.0.0.5 -> 10.0.0.9\nrevision 2\n"
    );
    assert_eq!(
        server.json(&["port", "show", "web-1"])["addresses"],
        json!(["10.0.0.9"])
    );
    assert_eq!(server.json(&["network", "show", "blue"])["mtu"], 1400);
}

#[test]
fn bad_input_has_its_place_and_writes_nothing() {
    let server = Server::start();
    server.apply(DOCUMENT).ok();
    let file = server.path().join("bad.yaml");
    std::fs::write(
        &file,
        "networks:\n- {name: a, type: vxlan, vni: 17}\n- {name: c, type: gre}\nports: []\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(
        server.run(&["apply", "-f", file]).failed(2),
        format!(
            "{file}:2:31: vxlan 17 is taken by network \"blue\", expected another vni, or none for the next free one\n"
        )
    );
    let err = server
        .apply("ports: [{name: a, network: blue, mac: zz}]\nnetwork: []")
        .failed(2);
    assert_eq!(err.lines().count(), 2, "{err}");
    let err = server
        .apply("ports: [{name: a, network: blue, addresses: [10.9.0.1]}]")
        .failed(2);
    assert!(
        err.contains(
            "10.9.0.1 is in no subnet of network \"blue\", expected an address of 10.0.0.0/24"
        ),
        "{err}"
    );
    assert_eq!(server.revision(), 1);
    assert_eq!(
        server.json(&["network", "list"]).as_array().unwrap().len(),
        4
    );
    assert_eq!(
        server.run(&["apply", "-f", "/nonexistent.yaml"]).failed(2),
        "/nonexistent.yaml: No such file or directory (os error 2), expected a YAML document\n"
    );
}

#[test]
fn a_dry_run_tells_and_writes_nothing() {
    let server = Server::start();
    let told = server
        .run_with(&["apply", "-f", "-", "--dry-run"], DOCUMENT)
        .ok();
    assert!(
        told.contains("would be created network here: local, mtu 1500\n"),
        "{told}"
    );
    assert!(told.ends_with("dry run: nothing was written\n"), "{told}");
    assert_eq!(server.revision(), 0);
}

#[test]
fn deleting_needs_what_is_inside_to_be_deleted_too() {
    let server = Server::start();
    server.apply(DOCUMENT).ok();
    assert_eq!(
        server.run(&["network", "delete", "here", "blue"]).failed(1),
        "heddle: network \"blue\" has 2 port(s) and 2 subnet(s): delete them first, or all at once with --cascade\n"
    );
    assert_eq!(
        server.json(&["network", "list"]).as_array().unwrap().len(),
        4,
        "all of them or none"
    );
    let told = server
        .run(&["network", "delete", "here", "blue", "--cascade"])
        .ok();
    assert!(
        told.contains("deleted port web-1\n") && told.contains("deleted network blue\n"),
        "{told}"
    );
    assert_eq!(server.revision(), 2);
    assert_eq!(server.json(&["port", "list"]).as_array().unwrap().len(), 1);
    assert_eq!(
        server.run(&["port", "delete", "trunk"]).ok(),
        "deleted port trunk\n"
    );
    assert_eq!(
        server.run(&["port", "show", "trunk"]).failed(1),
        "heddle: there is no port \"trunk\": `heddle port list` shows those there are\n"
    );
}

#[test]
fn a_large_document_is_one_transaction() {
    let server = Server::start();
    let mut text =
        "networks: [{name: n, type: vxlan}]\nsubnets: [{network: n, cidr: 10.0.0.0/16}]\nports:\n"
            .to_owned();
    for port in 0..2000 {
        text += &format!("- {{name: p{port}, network: n}}\n");
    }
    let told = server.apply(&text).ok();
    assert_eq!(
        told,
        "created 1 network\ncreated 1 subnet\ncreated 2000 ports\nrevision 1\n"
    );
}
