//! An OVSDB client (RFC 7047, and what ovsdb-server(7) does beyond it) for programs that must not be wrong about what
//! the database holds.
//!
//! A [`Client`] keeps a [`Replica`] of some tables through every failure of the connection, tells what changed in the
//! server's order, and says of every [`Transaction`] what became of it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use ovsdb_client::{Client, Columns, Event, MonitorTable, Mutations, Options, Remote, Transaction};
//!
//! let options = Options::new(Remote::list("unix:/run/openvswitch/db.sock")?, "Open_vSwitch")
//!     .table(MonitorTable::new("Open_vSwitch").columns(["bridges"]))
//!     .table(MonitorTable::new("Bridge").columns(["name", "ports"]));
//! let mut client = Client::connect(options);
//! client.synced(std::time::Duration::from_secs(10)).await?;
//!
//! // One transaction: a bridge, and the reference that keeps it alive.
//! let root = client.replica().rows("Open_vSwitch").next().ok_or("no root row")?.uuid();
//! let mut transaction = Transaction::new();
//! let bridge = transaction.insert("Bridge", Columns::new().set("name", "br-demo").set("fail_mode", "secure"));
//! transaction.mutate("Open_vSwitch", root, Mutations::new().insert("bridges", bridge));
//! let committed = client.transact(transaction).await?;
//! println!("bridge {:?}", committed.uuid(bridge));
//!
//! loop {
//!     match client.next().await {
//!         Event::Synced(changes) | Event::Changed(changes) => {
//!             for change in changes.table("Bridge") {
//!                 println!("{}: {:?}", change.uuid(), change.after().map(|row| row.string("name")));
//!             }
//!         }
//!         Event::Disconnected { error, .. } => eprintln!("{error}"),
//!         _ => {}
//!     }
//! }
//! # }
//! ```
//!
//! # The parts
//!
//! | module | owns |
//! |---|---|
//! | [`value`] | atoms, sets and maps; their canonical form, JSON and differences |
//! | [`schema`] | tables, columns and types, as the server tells them |
//! | [`operation`] | building transactions and reading their outcomes |
//! | [`monitor`] | what is replicated, and decoding updates |
//! | [`replica`] | the rows, typed access to them, and what changed |
//! | [`typed`] | rows as Rust structs, checked against the schema |
//! | [`rpc`] | framing and members of JSON-RPC messages |
//! | [`session`] | one connection's conversation, without a socket or a clock |
//! | [`connection`] | sockets, back-off and the [`Client`] |
//!
//! # Which server
//!
//! [`Options::remotes`] are tried in order. Of a cluster the client talks to the leader, or to any member
//! ([`ServerChoice`]); a relay will do for both. It leaves a server that loses its leadership, its cluster or its
//! source, and never follows a member that is behind what was seen before: neither behind the index of the log that the
//! last one told, nor one that lacks a transaction that came after it. (A relay tells no index; it minds that of its own
//! source.) `ssl:` needs [`Options::tls`].
//!
//! # What holds
//!
//! - The replica moves only in [`Client::next`] (and in `transact` and `synced`, which call it), from one transaction
//!   boundary to another.
//! - After a disconnect the rows stay. The next [`Event::Synced`] tells the net difference, whether the server could
//!   resume or sent everything anew.
//! - A transaction's changes are in the replica, and were told, before its outcome is.
//! - A transaction is never sent twice. When its connection breaks before the reply, the outcome comes after the next
//!   sync: committed if a row that it inserted is there, else
//!   [`Unknown`](operation::TransactError::Unknown) with what the replica shows.
//! - While a program waits it moves the connection itself; while it does something else a task of the runtime does, so
//!   that probes are answered and what was submitted is sent.
//! - Events that nobody takes do not pile up: beyond [`Options::max_unread`] bytes they are merged into the net change.
//! - What a server sends is bounded in size, depth and unread amount; what does not fit ends the connection with an
//!   error that names the place.

pub mod connection;
pub mod monitor;
pub mod operation;
pub mod replica;
pub mod rpc;
pub mod schema;
pub mod session;
pub mod typed;
pub mod value;

pub use connection::{Client, Event, Options, Remote};
pub use monitor::MonitorTable;
pub use operation::{
    Columns, Committed, Condition, Mutations, NewRow, Operand, TransactError, Transaction,
    TransactionId,
};
pub use replica::{Changes, ColumnError, Replica, Row, RowChange};
pub use session::ServerChoice;
pub use value::{Atom, Datum};
