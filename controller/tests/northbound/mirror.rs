//! The mirror of the site against reading it whole, after every one of many changes of a real database.

use std::collections::BTreeSet;
use std::time::Duration;

use controller::model::{Site, Touched};
use controller::northbound::{DATABASE, Mirror, site, tables};
use ovsdb_client::{Client, Columns, Event, Operand, Options, Remote, Transaction};
use uuid::Uuid;

use crate::server::Server;

const PATIENCE: Duration = Duration::from_secs(60);

async fn client(server: &Server) -> Client {
    let remote = server.remote().parse::<Remote>().unwrap();
    let options = Options::new(vec![remote], DATABASE);
    Client::connect(tables().into_iter().fold(options, Options::table))
}

/// Numbers that look random and are the same in every run (xorshift64, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let limit = all.len().max(1) as u64;
        all.get(self.below(limit) as usize).copied()
    }

    /// Three of four times the first.
    fn mostly<T>(&mut self, usual: T, other: T) -> T {
        if self.below(4) == 0 { other } else { usual }
    }
}

fn rows(client: &Client, table: &str) -> Vec<Uuid> {
    client.replica().rows(table).map(|row| row.uuid()).collect()
}

fn network(dice: &mut Dice) -> Columns {
    let n = dice.below(4);
    let segment = format!("vxlan/{}", n + 1);
    Columns::new()
        .set(
            "name",
            dice.mostly(format!("net{n}"), "bad\n".to_owned()).as_str(),
        )
        .set("type", "vxlan")
        .set("segmentation_id", n as i64 + 1)
        .set(
            "segment",
            dice.mostly(segment, format!("wrong{n}")).as_str(),
        )
        .set("mtu", 1450)
}

fn addresses(dice: &mut Dice) -> Operand {
    let mut all = BTreeSet::new();
    for _ in 0..dice.below(3) {
        let n = dice.below(4);
        all.insert(dice.mostly(format!("10.0.0.{n}"), format!("fd00::{n}")));
    }
    Operand::set(all.iter().map(String::as_str))
}

fn port(dice: &mut Dice, networks: &[Uuid]) -> Option<Columns> {
    let n = dice.below(12);
    let mac = dice.mostly(format!("02:00:00:00:00:{n:02x}"), "zebra".to_owned());
    Some(
        Columns::new()
            .set("name", format!("port{n}").as_str())
            .set("network", dice.one_of(networks)?)
            .set("mac", mac.as_str())
            .set("addresses", addresses(dice)),
    )
}

fn host(dice: &mut Dice) -> Columns {
    let n = dice.below(3);
    let address = dice.mostly(format!("192.0.2.{}", n + 1), "nowhere".to_owned());
    let types = dice.mostly(["vxlan", "gre"], ["vxlan", "carrier-pigeon"]);
    Columns::new()
        .set("name", format!("h{n}").as_str())
        .set("encap_ip", Some(address.as_str()))
        .set("encap_types", Operand::set(types))
        .set("applied", dice.below(5) as i64)
}

/// One to three random operations. The server refuses what its indexes and references do not allow.
fn transaction(client: &Client, dice: &mut Dice) -> Transaction {
    let mut out = Transaction::new();
    let (networks, ports, hosts) = (
        rows(client, "Network"),
        rows(client, "Port"),
        rows(client, "Host"),
    );
    for _ in 0..=dice.below(3) {
        match dice.below(14) {
            0 => drop(out.insert("Network", network(dice))),
            1..=3 => {
                if let Some(columns) = port(dice, &networks) {
                    out.insert("Port", columns);
                }
            }
            4 => drop(out.insert("Host", host(dice))),
            5 => {
                if let Some(id) = dice.one_of(&networks) {
                    let columns = network(dice);
                    out.update("Network", id, columns);
                }
            }
            6..=9 => {
                if let (Some(id), Some(columns)) = (dice.one_of(&ports), port(dice, &networks)) {
                    let columns = match dice.below(3) {
                        0 => columns,
                        1 => Columns::new().set("addresses", addresses(dice)),
                        _ => Columns::new().set("hosts", Operand::set(dice.one_of(&hosts))),
                    };
                    out.update("Port", id, columns);
                }
            }
            10 => {
                if let Some(id) = dice.one_of(&hosts) {
                    let columns = host(dice);
                    out.update("Host", id, columns);
                }
            }
            11 => {
                if let Some(id) = dice.one_of(&ports) {
                    out.delete("Port", id);
                }
            }
            12 => {
                let (network, id) = (dice.one_of(&networks), dice.one_of(&hosts));
                if let Some(id) = network {
                    out.delete("Network", id);
                }
                if let Some(id) = id {
                    out.delete("Host", id);
                }
            }
            _ => {
                if let Some(network) = dice.one_of(&networks) {
                    let n = dice.below(30);
                    let columns = Columns::new()
                        .set("name", format!("s{n}").as_str())
                        .set("network", network)
                        .set("cidr", dice.mostly("10.0.0.0/24", "elephant"));
                    out.insert("Subnet", columns);
                }
            }
        }
    }
    out
}

#[tokio::test]
async fn any_sequence_of_changes_gives_what_reading_it_whole_gives() {
    let server = Server::start();
    let mut writer = client(&server).await;
    let mut reader = client(&server).await;
    writer.synced(PATIENCE).await.unwrap();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut mirror = Mirror::default();
    let (mut taken, mut left_out) = (0, BTreeSet::new());
    for _ in 0..600 {
        let transaction = transaction(&writer, &mut dice);
        if transaction.is_empty() || writer.transact(transaction).await.is_err() {
            continue;
        }
        taken += 1;
        let target = site(writer.replica());
        let follow = async {
            while (mirror.site(), mirror.left_out().count())
                != (&target.site, target.left_out.len())
            {
                let (Event::Synced(changes) | Event::Changed(changes)) = reader.next().await else {
                    continue;
                };
                let before = mirror.site().clone();
                let known: Vec<_> = mirror.left_out().cloned().collect();
                let update = mirror.update(reader.replica(), &changes);
                let whole = site(reader.replica());
                assert_eq!(*mirror.site(), whole.site);
                let now: Vec<_> = mirror.left_out().cloned().collect();
                assert_eq!(now, whole.left_out);
                assert_eq!(update.touched, Touched::between(&before, mirror.site()));
                let news: Vec<_> = now.iter().filter(|row| !known.contains(row)).collect();
                assert_eq!(update.left_out.len(), news.len(), "{update:?}");
                left_out.extend(news.iter().map(|row| {
                    let reason = format!("{:?}", row.source);
                    reason
                        .split([' ', '('])
                        .next()
                        .unwrap_or_default()
                        .to_owned()
                }));
            }
        };
        tokio::time::timeout(PATIENCE, follow).await.unwrap();
    }
    assert!(taken > 100, "only {taken} transactions were taken");
    for reason in ["AddressTaken", "NoNetwork", "SegmentKey", "Mac"] {
        assert!(
            left_out.contains(reason),
            "{reason} never happened: {left_out:?}"
        );
    }
    assert_ne!(*mirror.site(), Site::default());
}
