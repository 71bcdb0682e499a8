//! Every fault a document can have by itself, as the user reads it.

use super::*;

/// What is wrong with `text`, a line each.
fn faults(text: &str) -> String {
    match Document::parse(text) {
        Ok(document) => panic!("accepted: {document:?}"),
        Err(faults) => faults
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

#[test]
fn a_whole_document_is_read() {
    let document = Document::parse(
        "physical_networks:\n- {name: provider, vlans: [1001-1500, 7, 1501-2000]}\n\
         networks:\n- name: 007\n  type: vxlan\n  vni: 17\n  mtu: 1400\n  learning: true\n  project: acme\n\
         - {name: wire, type: vlan, physical_network: provider, vlan: 1001}\n\
         subnets:\n- {network: '007', cidr: fd00::/64, gateway: fd00::1}\n\
         ports:\n- name: web-1\n  network: 007\n  mac: 02:00:00:00:00:01\n  addresses: [\"fd00::5\"]\n  port_security: false\n",
    )
    .unwrap();
    let at = |line, column| Place { line, column };
    assert_eq!(
        document.physical_networks[0].vlans,
        Some(vec![7..=7, 1001..=2000])
    );
    assert_eq!(
        document.networks[0].name,
        At {
            value: "007".to_owned(),
            place: at(4, 9)
        }
    );
    assert_eq!(
        document.networks[0].vni,
        Some(At {
            value: 17,
            place: at(6, 8)
        })
    );
    assert_eq!(document.networks[0].learning, Some(true));
    assert_eq!(
        document.networks[1].physical_network,
        Some(At {
            value: "provider".to_owned(),
            place: at(10, 46)
        })
    );
    assert_eq!(document.subnets[0].name.value, "007-fd00::/64");
    assert_eq!(
        document.ports[0].mac.as_ref().unwrap().value.to_string(),
        "02:00:00:00:00:01"
    );
    assert_eq!(document.ports[0].mac.as_ref().unwrap().place, at(16, 8));
    assert_eq!(document.ports[0].port_security, Some(false));
}

#[test]
fn macs_are_never_read_as_numbers() {
    for mac in ["10:20:30:40:50:59", "02:00:00:00:00:01", "0:0:0:0:0:1"] {
        let document =
            Document::parse(&format!("ports: [{{name: a, network: b, mac: {mac}}}]")).unwrap();
        assert!(document.ports[0].mac.is_some(), "{mac}");
    }
}

#[test]
fn aliases_and_merges_point_at_what_was_written() {
    let document =
        Document::parse("networks:\n- &base {name: a, type: vxlan}\n- {<<: *base, name: b}\n")
            .unwrap();
    assert_eq!(document.networks[1].name.value, "b");
    assert_eq!(
        document.networks[1].network_type.as_ref().unwrap().place,
        Place {
            line: 2,
            column: 25
        }
    );
}

#[test]
fn faults_say_where_what_and_what_was_expected() {
    for (text, expected) in [
        (
            "",
            "1:1: an empty document, expected at least one of physical_networks, networks, subnets, ports",
        ),
        (
            "# nothing\n",
            "1:1: an empty document, expected at least one of physical_networks, networks, subnets, ports",
        ),
        (
            "[]",
            "1:1: the document: a list, expected a mapping with the fields physical_networks, networks, subnets, ports",
        ),
        (
            "network: []",
            "1:1: unknown field \"network\" in the document, expected one of physical_networks, networks, subnets, ports",
        ),
        ("ports: 7", "1:8: ports: 7, expected a list"),
        (
            "ports: [7]",
            "1:9: a port: 7, expected a mapping with the fields name, network, mac, addresses, port_security",
        ),
        (
            "ports:\n- name: a\n  network: b\n  adresses: []",
            "4:3: unknown field \"adresses\" in a port, expected one of name, network, mac, addresses, port_security",
        ),
        (
            "ports: [{name: a}]",
            "1:9: a port without network, expected the name of its network",
        ),
        (
            "ports: [{network: a}]",
            "1:9: a port without name, expected a name",
        ),
        (
            "ports: [{name: a, network: b, mac: 02:00}]",
            "1:36: \"02:00\" is not a MAC address: expected six pairs of hexadecimal digits, such as 02:00:00:00:00:01",
        ),
        (
            "ports: [{name: a, network: b, mac: 01:00:5e:00:00:01}]",
            "1:36: 01:00:5e:00:00:01 is not the MAC address of one endpoint, expected a unicast address such as 02:00:00:00:00:01",
        ),
        (
            "ports: [{name: a, network: b, mac: 00:00:00:00:00:00}]",
            "1:36: 00:00:00:00:00:00 is not the MAC address of one endpoint, expected a unicast address such as 02:00:00:00:00:01",
        ),
        (
            "ports: [{name: a, network: b, addresses: 10.0.0.1}]",
            "1:42: addresses: \"10.0.0.1\", expected a list such as [10.0.0.5, \"fd00::5\"]",
        ),
        (
            "ports: [{name: a, network: b, addresses: [10.0.0.256]}]",
            "1:43: addresses: \"10.0.0.256\", expected an address such as 10.0.0.5 or fd00::5",
        ),
        (
            "ports: [{name: a, network: b, addresses: [10.0.0.5/24]}]",
            "1:43: addresses: \"10.0.0.5/24\", expected an address such as 10.0.0.5 or fd00::5",
        ),
        (
            "ports: [{name: a, network: b, addresses: [10.0.0.2, 10.0.0.2]}]",
            "1:53: 10.0.0.2 for the second time, expected each address once",
        ),
        (
            "ports: [{name: a, network: b, port_security: off}]",
            "1:46: port_security: \"off\", expected true or false",
        ),
        (
            "ports: [{name: [a], network: b}]",
            "1:16: name: a list, expected a text (true and false need quotes)",
        ),
        (
            "ports: [{name: \"a\\nb\", network: b}]",
            "1:16: name \"a\\nb\" with control characters, expected none",
        ),
        ("ports: [{name: '', network: b}]", "1:16: an empty name"),
        (
            "ports:\n- {name: a, network: b}\n- {name: a, network: b}",
            "3:10: port \"a\" for the second time, expected each name once: the first is at 2:10",
        ),
        (
            "networks: [{name: a, type: vxlam}]",
            "1:28: type: \"vxlam\", expected one of vxlan, gre, geneve, vlan, flat, local",
        ),
        (
            "networks: [{name: a, vni: 0}]",
            "1:27: vni: 0, expected a number from 1 to 4294967295 (to 16777215 for vxlan and geneve)",
        ),
        (
            "networks: [{name: a, vni: -1}]",
            "1:27: vni: -1, expected a number from 1 to 4294967295 (to 16777215 for vxlan and geneve)",
        ),
        (
            "networks: [{name: a, vni: 4294967296}]",
            "1:27: vni: 4294967296, expected a number from 1 to 4294967295 (to 16777215 for vxlan and geneve)",
        ),
        (
            "networks: [{name: a, vni: x}]",
            "1:27: vni: \"x\", expected a number from 1 to 4294967295 (to 16777215 for vxlan and geneve)",
        ),
        (
            "networks: [{name: a, vlan: 4095}]",
            "1:28: vlan: 4095, expected a number from 1 to 4094",
        ),
        (
            "networks: [{name: a, vlan: 0}]",
            "1:28: vlan: 0, expected a number from 1 to 4094",
        ),
        (
            "networks: [{name: a, mtu: 67}]",
            "1:27: mtu: 67, expected a number from 68 to 65535 bytes",
        ),
        (
            "networks: [{name: a, physical_network: 'a:b'}]",
            "1:40: physical network name \"a:b\" with a colon or comma, expected none: they separate bridge mappings",
        ),
        (
            "physical_networks: [{name: a, vlans: [4095]}]",
            "1:39: VLAN range \"4095\", expected one id or two such as 1001-2000, from 1 to 4094",
        ),
        (
            "physical_networks: [{name: a, vlans: 7}]",
            "1:38: vlans: 7, expected a list of ranges such as [1001-2000]",
        ),
        (
            "subnets: [{network: a, cidr: 10.0.0.1/24}]",
            "1:30: 10.0.0.1/24 with bits set behind the prefix, expected 10.0.0.0/24",
        ),
        (
            "subnets: [{network: a, cidr: 10.0.0.0}]",
            "1:30: cidr: \"10.0.0.0\", expected a prefix such as 10.0.0.0/24 or fd00::/64",
        ),
        (
            "subnets: [{network: a, cidr: 224.0.0.0/24}]",
            "1:30: 224.0.0.0/24 holds addresses that are not for endpoints, expected a unicast prefix such as 10.0.0.0/24 or fd00::/64",
        ),
        (
            "subnets: [{network: a}]",
            "1:11: a subnet without cidr, expected a prefix such as 10.0.0.0/24",
        ),
        (
            "subnets: [{cidr: 10.0.0.0/24, network: a, gateway: x}]",
            "1:52: gateway: \"x\", expected an address such as 10.0.0.5 or fd00::5",
        ),
    ] {
        assert_eq!(faults(text), expected, "{text}");
    }
}

#[test]
fn every_fault_is_told_in_the_order_of_the_text() {
    let text = "ports: [{name: a}]\nnetworks: [{name: b, vlan: 9999, mtu: 1, x: 2}]\n";
    let places: Vec<_> = Document::parse(text)
        .unwrap_err()
        .iter()
        .map(|fault| fault.place.line)
        .collect();
    assert_eq!(places, [1, 2, 2, 2]);
}

#[test]
fn what_is_not_yaml_is_one_fault_with_its_place() {
    for (text, place) in [
        ("ports: [", Place { line: 1, column: 8 }),
        (
            "ports: [{name: a, name: b}]",
            Place {
                line: 1,
                column: 19,
            },
        ),
        ("a: *nobody", Place { line: 1, column: 4 }),
        ("ports: []\n---\nports: []", Place { line: 3, column: 1 }),
    ] {
        let faults = Document::parse(text).unwrap_err();
        println!("{}", faults[0]);
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].place.line, place.line, "{}", faults[0]);
        assert!(matches!(faults[0].wrong, Wrong::Yaml(_)));
    }
}

#[test]
fn hostile_documents_end_early() {
    let deep = "[".repeat(100_000);
    let nested = format!("ports: {}{}", "[".repeat(40), "]".repeat(40));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let previous = level - 1;
        bomb += &format!(
            "a{level}: &a{level} [{}]\n",
            vec![format!("*a{previous}"); 10].join(", ")
        );
    }
    let large = " ".repeat(MAX_BYTES + 1);
    for text in [&deep, &nested, &bomb, &large] {
        let started = std::time::Instant::now();
        let faults = Document::parse(text).unwrap_err();
        println!("{} {:?}", faults[0], started.elapsed());
        assert!(matches!(faults[0].wrong, Wrong::Yaml(_)), "{}", faults[0]);
        assert_eq!(faults.len(), 1);
    }
}
