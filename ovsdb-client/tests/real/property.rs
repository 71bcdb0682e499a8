//! Whatever is written by whomever, and wherever the connection breaks: the replica is the database, and the changes
//! that were told lead from each picture to the next.

use std::collections::BTreeMap;
use std::time::Duration;

use ovsdb_client::{
    Changes, Client, Columns, Condition, Event, MonitorTable, Mutations, Options, Row, RowChange,
    Transaction,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::oracle;
use crate::proxy::Proxy;
use crate::server::{PATIENCE, SCHEMA, Server};

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// Writes by the subject itself or by another client.
    Write {
        by_subject: bool,
        writes: Vec<Write>,
    },
    /// Breaks the subject's connection.
    Cut,
    /// Lets the subject take this many events.
    Take(u8),
}

#[derive(Clone, Debug)]
enum Write {
    Insert {
        tag: Option<u16>,
        trunks: Vec<i64>,
        interface: bool,
    },
    Update {
        pick: u8,
        ratio: i32,
        tag: Option<u16>,
    },
    Mutate {
        pick: u8,
        add: Vec<i64>,
        take: Vec<i64>,
        key: u8,
        value: u8,
    },
    Delete {
        pick: u8,
    },
}

fn write() -> impl Strategy<Value = Write> {
    let trunks = || prop::collection::vec(0_i64..6, 0..5);
    let tag = || prop::option::of(0_u16..4096);
    prop_oneof![
        3 => (tag(), trunks(), any::<bool>()).prop_map(|(tag, trunks, interface)| Write::Insert { tag, trunks, interface }),
        2 => (any::<u8>(), any::<i32>(), tag()).prop_map(|(pick, ratio, tag)| Write::Update { pick, ratio, tag }),
        3 => (any::<u8>(), trunks(), trunks(), 0_u8..4, any::<u8>())
            .prop_map(|(pick, add, take, key, value)| Write::Mutate { pick, add, take, key, value }),
        1 => any::<u8>().prop_map(|pick| Write::Delete { pick }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<bool>(), prop::collection::vec(write(), 1..6))
            .prop_map(|(by_subject, writes)| Step::Write { by_subject, writes }),
        1 => Just(Step::Cut),
        3 => (1_u8..5).prop_map(Step::Take),
    ]
}

/// Puts writes into a transaction; rows are picked by name, so that they may be gone.
fn transaction(writes: &[Write], created: &mut u32) -> Transaction {
    let mut transaction = Transaction::new();
    for write in writes {
        let named = |pick: u8| {
            Condition::equal("name", format!("p{}", u32::from(pick) % (*created).max(1)))
        };
        match write {
            Write::Insert {
                tag,
                trunks,
                interface,
            } => {
                let mut columns = Columns::new()
                    .set("name", format!("p{created}"))
                    .set("tag", *tag);
                columns = columns.set(
                    "trunks",
                    trunks
                        .iter()
                        .copied()
                        .collect::<std::collections::BTreeSet<_>>(),
                );
                if *interface {
                    let row = transaction.insert(
                        "Interface",
                        Columns::new().set("name", format!("i{created}")),
                    );
                    columns = columns.set("interfaces", row);
                }
                transaction.insert("Port", columns);
                *created += 1;
            }
            Write::Update { pick, ratio, tag } => {
                let ratio = ovsdb_client::value::Real::try_from(f64::from(*ratio) / 8.0).unwrap();
                transaction.update(
                    "Port",
                    named(*pick),
                    Columns::new().set("ratio", ratio).set("tag", *tag),
                );
            }
            Write::Mutate {
                pick,
                add,
                take,
                key,
                value,
            } => {
                let set = |numbers: &[i64]| {
                    numbers
                        .iter()
                        .copied()
                        .collect::<std::collections::BTreeSet<_>>()
                };
                let mutations = Mutations::new()
                    .insert("trunks", set(add))
                    .delete("trunks", set(take))
                    .add("seq", 1)
                    .set_keys(
                        "external_ids",
                        vec![(format!("k{key}"), format!("v{value}"))],
                    );
                transaction.mutate("Port", named(*pick), mutations);
            }
            Write::Delete { pick } => {
                transaction.delete("Port", named(*pick));
            }
        }
    }
    transaction
}

/// What one gets who believes the changes alone.
#[derive(Default)]
struct Shadow {
    rows: BTreeMap<(String, Uuid), Row>,
    outcomes: usize,
}

impl Shadow {
    fn apply(&mut self, changes: &Changes) {
        for change in changes.iter() {
            let key = (change.newest().table().to_owned(), change.uuid());
            let before = match change.after() {
                Some(row) => self.rows.insert(key, row.clone()),
                None => self.rows.remove(&key),
            };
            assert_eq!(
                before.as_ref(),
                change.before(),
                "told from another picture"
            );
            if let RowChange::Modified {
                old: before,
                new: after,
            } = change
            {
                assert_ne!(before, after, "told without a difference");
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Synced(changes) | Event::Changed(changes) => self.apply(&changes),
            Event::TransactionDone { .. } => self.outcomes += 1,
            _ => {}
        }
    }
}

async fn run(steps: Vec<Step>) {
    let server = Server::start(SCHEMA);
    let proxy = Proxy::start(server.socket(), Vec::new());
    let options = |remote| {
        let mut options = Options::new(vec![remote], "Test")
            .table(MonitorTable::new("Port").index(["tag"]))
            .table(MonitorTable::new("Interface"));
        options.min_backoff = Duration::from_millis(1);
        Client::connect(options)
    };
    let (mut subject, mut other) = (options(proxy.remote()), options(server.remote()));
    subject.synced(PATIENCE).await.unwrap();
    other.synced(PATIENCE).await.unwrap();
    let mut shadow = Shadow::default();
    let (mut created, mut submitted) = (0, 0);
    for step in steps {
        match step {
            Step::Write {
                by_subject: true,
                writes,
            } => {
                subject.submit(transaction(&writes, &mut created));
                submitted += 1;
            }
            Step::Write {
                by_subject: false,
                writes,
            } => other
                .transact(transaction(&writes, &mut created))
                .await
                .map(drop)
                .unwrap(),
            Step::Cut => proxy.cut(),
            Step::Take(count) => {
                for _ in 0..count {
                    let Ok(event) =
                        tokio::time::timeout(Duration::from_millis(1), subject.next()).await
                    else {
                        break;
                    };
                    shadow.take(event);
                }
            }
        }
    }
    // Every transaction has just one outcome.
    while shadow.outcomes < submitted {
        let event = tokio::time::timeout(PATIENCE, subject.next())
            .await
            .expect("an event");
        shadow.take(event);
    }
    assert_eq!(shadow.outcomes, submitted);
    // A last write that both see says that all before it has been seen.
    subject.synced(PATIENCE).await.unwrap();
    let mut last = Transaction::new();
    last.insert("Port", Columns::new().set("name", "last"));
    other.transact(last).await.unwrap();
    while subject.replica().find("Port", "name", "last").is_none() || !subject.is_synced() {
        let event = tokio::time::timeout(PATIENCE, subject.next())
            .await
            .expect("an event");
        shadow.take(event);
    }
    // The replica moves before its events are taken.
    while let Ok(event) = tokio::time::timeout(Duration::ZERO, subject.next()).await {
        shadow.take(event);
    }
    let schema = subject.schema().unwrap();
    let truth = oracle::dump(&server.remote().to_string(), schema, &[]);
    assert_eq!(oracle::of_replica(subject.replica()), truth);
    let rows: BTreeMap<(String, Uuid), Row> = subject
        .replica()
        .tables()
        .flat_map(|(name, table)| {
            table
                .rows()
                .map(move |row| ((name.to_owned(), row.uuid()), row.clone()))
        })
        .collect();
    assert_eq!(shadow.rows, rows);
    for row in subject.replica().rows("Port") {
        let table = subject.replica().table("Port").unwrap();
        let by_index: Vec<Uuid> = table
            .find(&["tag"], &[row.get("tag").unwrap().clone()])
            .map(Row::uuid)
            .collect();
        let by_scan: Vec<Uuid> = table
            .rows()
            .filter(|other| other.get("tag") == row.get("tag"))
            .map(Row::uuid)
            .collect();
        assert_eq!(by_index, by_scan);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn the_replica_is_the_database(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps));
    }
}
