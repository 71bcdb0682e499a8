//! The northbound database behind the library's own functions: sites survive the way through a real ovsdb-server, and
//! what agents write arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use controller::model::document::{Document, Fault};
use controller::model::{Site, TunnelType};
use controller::northbound::{
    CommitError, Committed, DATABASE, Registration, Report, bump, commit, plan, port_down, port_up,
    random_mac, register, report, site, tables,
};
use ovsdb_client::{Client, Options, Remote, TransactError, Transaction};

use crate::server::Server;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A synced client.
async fn client(server: &Server) -> Client {
    let remote = server.remote().parse::<Remote>().unwrap();
    let mut client = Client::connect(
        tables()
            .into_iter()
            .fold(Options::new(vec![remote], DATABASE), Options::table),
    );
    client.synced(PATIENCE).await.unwrap();
    client
}

async fn apply(client: &mut Client, text: &str) -> Result<Committed, CommitError<Vec<Fault>>> {
    let document = Document::parse(text).unwrap();
    tokio::time::timeout(
        PATIENCE,
        commit(client, |site| plan(&document, site, &mut random_mac)),
    )
    .await
    .unwrap()
}

async fn transact(client: &mut Client, transaction: Transaction) -> Result<(), TransactError> {
    tokio::time::timeout(PATIENCE, client.transact(transaction))
        .await
        .unwrap()
        .map(drop)
}

/// The site in another client's replica once it has reached `revision`.
async fn seen_by(client: &mut Client, revision: u64) -> Site {
    let reached = async {
        while site(client.replica()).site.revision < revision {
            client.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.unwrap();
    let reading = site(client.replica());
    assert!(reading.left_out.is_empty(), "{:?}", reading.left_out);
    reading.site
}

const DOCUMENT: &str = "
physical_networks: [{name: provider, vlans: [7, 1001-2000]}, {name: inside}]
networks:
- {name: a, type: vxlan, project: acme, learning: true, mtu: 1400}
- {name: b, type: gre, vni: 4294967295}
- {name: c, type: geneve, vni: 16777215}
- {name: d, type: vlan, physical_network: provider}
- {name: e, type: flat, physical_network: inside, learning: false}
- {name: f, type: local}
subnets:
- {network: a, cidr: 10.0.0.0/24, gateway: 10.0.0.254}
- {network: a, cidr: 'fd00::/64', gateway: 'fd00::1'}
ports:
- {name: p, network: a}
- {name: q, network: a, addresses: []}
- {name: r, network: f, port_security: false}
";

#[tokio::test]
async fn a_site_survives_the_way_through_the_database() {
    let server = Server::start();
    let (mut writer, mut reader) = (client(&server).await, client(&server).await);
    let committed = apply(&mut writer, DOCUMENT).await.unwrap();
    assert_eq!(committed.revision, 1);
    assert_eq!(site(writer.replica()).site, committed.after);
    assert_eq!(seen_by(&mut reader, 1).await, committed.after);

    // Every field of every kind of object changes, and comes back as it was written.
    let text = "
physical_networks: [{name: provider, vlans: [1500-1600]}]
networks: [{name: a, mtu: 1300, learning: false, project: other}, {name: b, type: vxlan}, {name: d, type: local}]
subnets: [{name: a-10.0.0.0/24, network: a, cidr: 10.0.0.0/23, gateway: 10.0.1.254}]
ports: [{name: p, network: a, mac: '02:00:00:00:00:01', addresses: [10.0.1.1], port_security: false}]";
    let changed = apply(&mut writer, text).await.unwrap();
    assert_eq!(changed.revision, 2);
    assert_eq!(changed.changes.len(), 6);
    assert_eq!(seen_by(&mut reader, 2).await, changed.after);
    assert!(apply(&mut writer, text).await.unwrap().changes.is_empty());
}

#[tokio::test]
async fn a_writer_with_an_old_picture_looks_again() {
    let server = Server::start();
    let (mut first, mut second) = (client(&server).await, client(&server).await);
    apply(&mut first, "networks: [{name: a, type: vxlan}]")
        .await
        .unwrap();
    // The second client has not taken an event since: its picture is the empty site.
    assert_eq!(site(second.replica()).site.revision, 0);
    let committed = apply(&mut second, "networks: [{name: b, type: vxlan}]")
        .await
        .unwrap();
    assert_eq!(committed.revision, 2);
    let numbers: BTreeSet<_> = committed
        .after
        .networks
        .values()
        .map(|network| network.segment.to_string())
        .collect();
    assert_eq!(
        numbers,
        BTreeSet::from(["vxlan 1".to_owned(), "vxlan 2".to_owned()])
    );
    // And what the old picture allowed is refused on the new one.
    let refused = apply(
        &mut first,
        "networks: [{name: c, type: gre, vni: 5}, {name: d, type: vxlan, vni: 2}]",
    )
    .await;
    assert!(matches!(refused, Err(CommitError::Plan(faults)) if faults.len() == 1));
    assert_eq!(bump(&mut first).await.unwrap(), 3);
}

#[tokio::test]
async fn what_an_agent_writes_arrives() {
    let server = Server::start();
    let mut client = client(&server).await;
    let intent = apply(&mut client, DOCUMENT).await.unwrap().after;
    let port = intent
        .ports
        .values()
        .find(|port| port.name == "p")
        .unwrap()
        .id;

    let mut registration = Registration {
        name: "h1".to_owned(),
        encap_ip: Some("192.0.2.1".parse().unwrap()),
        encap_types: BTreeSet::from([TunnelType::Vxlan, TunnelType::Geneve]),
        bridge_mappings: BTreeMap::from([("provider".to_owned(), "br-eth1".to_owned())]),
    };
    let (mut insert, mut twice) = (Transaction::new(), Transaction::new());
    register(&mut insert, None, &registration);
    register(&mut twice, None, &registration);
    transact(&mut client, insert).await.unwrap();
    let again = transact(&mut client, twice).await;
    assert!(
        matches!(again, Err(TransactError::TryAgain { .. })),
        "one row a name: {again:?}"
    );

    let now = site(client.replica()).site;
    let host = now.hosts.values().next().unwrap().clone();
    assert_eq!(
        (&host.name, host.encap_ip, &host.encap_types),
        (
            &registration.name,
            registration.encap_ip,
            &registration.encap_types
        )
    );
    assert_eq!(host.bridge_mappings, registration.bridge_mappings);

    let mut again = Transaction::new();
    register(
        &mut again,
        now.host_named(&registration.name),
        &registration,
    );
    report(&mut again, &host, &Report::default());
    assert!(again.is_empty(), "nothing to say is nothing to write");

    registration.encap_ip = None;
    let said = Report {
        applied: 7,
        unbound: BTreeMap::from([("tap9".to_owned(), "nobody".to_owned())]),
        problems: BTreeMap::from([("bridge br-eth1".to_owned(), "is not there".to_owned())]),
    };
    let mut all = Transaction::new();
    register(&mut all, now.host_named(&registration.name), &registration);
    report(&mut all, &host, &said);
    port_up(&mut all, port, host.id);
    transact(&mut client, all).await.unwrap();
    let now = site(client.replica()).site;
    let host = now.hosts.get(&host.id).unwrap().clone();
    assert_eq!((host.encap_ip, host.applied), (None, 7));
    assert_eq!(
        (&host.unbound, &host.problems),
        (&said.unbound, &said.problems)
    );
    assert_eq!(now.ports.get(&port).unwrap().hosts, [host.id].into());
    assert_eq!(now.revision, intent.revision, "nothing of this is intent");

    let mut down = Transaction::new();
    port_down(&mut down, port, host.id);
    transact(&mut client, down).await.unwrap();
    assert!(
        site(client.replica())
            .site
            .ports
            .get(&port)
            .unwrap()
            .hosts
            .is_empty()
    );
}

#[tokio::test]
async fn a_deleted_host_is_up_nowhere() {
    let server = Server::start();
    let mut client = client(&server).await;
    let intent = apply(&mut client, DOCUMENT).await.unwrap().after;
    let port = intent
        .ports
        .values()
        .find(|port| port.name == "p")
        .unwrap()
        .id;
    let name = |name: &str| Registration {
        name: name.to_owned(),
        encap_ip: None,
        encap_types: BTreeSet::new(),
        bridge_mappings: BTreeMap::new(),
    };
    for host in ["h1", "h2"] {
        let mut insert = Transaction::new();
        register(&mut insert, None, &name(host));
        transact(&mut client, insert).await.unwrap();
    }
    let hosts: Vec<_> = site(client.replica()).site.hosts.into_values().collect();
    let mut up = Transaction::new();
    hosts
        .iter()
        .for_each(|host| port_up(&mut up, port, host.id));
    transact(&mut client, up).await.unwrap();
    assert_eq!(
        site(client.replica())
            .site
            .ports
            .get(&port)
            .unwrap()
            .hosts
            .len(),
        2
    );
    let gone = hosts.first().unwrap().name.clone();
    let removed = commit(&mut client, |site| {
        controller::northbound::remove(
            site,
            controller::northbound::Table::Host,
            std::slice::from_ref(&gone),
            false,
        )
    });
    tokio::time::timeout(PATIENCE, removed)
        .await
        .unwrap()
        .unwrap();
    let left = site(client.replica())
        .site
        .ports
        .get(&port)
        .unwrap()
        .hosts
        .clone();
    assert_eq!(left, [hosts.get(1).unwrap().id].into());
}

#[tokio::test]
async fn a_host_repairs_what_others_wrote_into_its_row() {
    let server = Server::start();
    let mut client = client(&server).await;
    server.transact(serde_json::json!([
        {"op": "insert", "table": "Host", "row": {"name": "h1", "encap_ip": "elephant"}},
    ]));
    let arrived = async {
        while site(client.replica()).site.hosts.is_empty() {
            client.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.unwrap();
    assert_eq!(site(client.replica()).left_out.len(), 1);
    let registration = Registration {
        name: "h1".to_owned(),
        encap_ip: Some("192.0.2.1".parse().unwrap()),
        encap_types: BTreeSet::new(),
        bridge_mappings: BTreeMap::new(),
    };
    let mut repair = Transaction::new();
    let now = site(client.replica()).site;
    register(&mut repair, now.host_named("h1"), &registration);
    transact(&mut client, repair).await.unwrap();
    let reading = site(client.replica());
    assert!(reading.left_out.is_empty());
    assert_eq!(
        reading.site.hosts.values().next().unwrap().encap_ip,
        registration.encap_ip
    );
}
