//! Writers that allocate at the same moment never get the same.

use std::collections::BTreeSet;

use crate::server::Server;

#[test]
fn concurrent_writers_get_different_numbers_and_addresses() {
    const WRITERS: usize = 8;
    const EACH: usize = 3;
    let server = Server::start();
    server
        .apply("networks: [{name: shared, type: geneve}]\nsubnets: [{network: shared, cidr: 10.0.0.0/24}]")
        .ok();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let server = &server;
            scope.spawn(move || {
                for turn in 0..EACH {
                    let name = format!("{writer}-{turn}");
                    let text = format!(
                        "networks: [{{name: n{name}, type: vxlan}}]\nports: [{{name: p{name}, network: shared}}]"
                    );
                    server.apply(&text).ok();
                }
            });
        }
    });
    let all = WRITERS * EACH;
    let networks = server.json(&["network", "list"]);
    let vnis: BTreeSet<_> = networks
        .as_array()
        .unwrap()
        .iter()
        .filter(|network| network["type"] == "vxlan")
        .map(|network| network["vni"].as_u64().unwrap())
        .collect();
    assert_eq!(vnis, (1..=all as u64).collect());
    let ports = server.json(&["port", "list"]);
    let ports = ports.as_array().unwrap();
    let addresses: BTreeSet<_> = ports
        .iter()
        .map(|port| port["addresses"][0].as_str().unwrap())
        .collect();
    let macs: BTreeSet<_> = ports
        .iter()
        .map(|port| port["mac"].as_str().unwrap())
        .collect();
    assert_eq!((addresses.len(), macs.len()), (all, all));
    assert_eq!(server.revision(), all as i64 + 1);
}
