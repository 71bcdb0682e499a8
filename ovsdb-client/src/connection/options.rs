//! What a client is told at its start.

use std::path::PathBuf;
use std::time::Duration;

use super::Remote;
use crate::monitor::MonitorTable;
use crate::session::ServerChoice;

/// The files and the name for `ssl:` remotes, as `ovs-vsctl set-ssl` and the tools of Open vSwitch take them. They are
/// read at each connection, so that renewed certificates count from the next on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Our private key, PEM.
    pub private_key: PathBuf,
    /// Our certificate and its chain, PEM; its common name is who we are to the server's role-based access control.
    pub certificate: PathBuf,
    /// The only authorities that servers' certificates may come from, PEM.
    pub ca_certificates: PathBuf,
    /// The name that the server's certificate must bear, and that it is asked for (SNI). `None`: any certificate of the
    /// authorities will do, as for the tools of Open vSwitch, whose own PKI puts no names into certificates.
    pub server_name: Option<String>,
}

/// Where to connect, what to replicate, and the limits.
#[derive(Clone, Debug)]
pub struct Options {
    /// The servers, tried in this order; not empty.
    pub remotes: Vec<Remote>,
    /// The database.
    pub database: String,
    /// The tables to replicate.
    pub tables: Vec<MonitorTable>,
    /// Replicate the tables that are not among `tables` too, with all their columns.
    pub every_table: bool,
    /// The files for `ssl:` remotes.
    pub tls: Option<Tls>,
    /// Which members of a cluster will do.
    pub server: ServerChoice,
    /// The time to connect to one remote.
    pub connect_timeout: Duration,
    /// The first wait between two rounds over the remotes; it doubles from round to round.
    pub min_backoff: Duration,
    /// The longest wait.
    pub max_backoff: Duration,
    /// After this long without a byte from the server it is probed; as long again, and the connection is given up.
    /// `None`: never.
    pub probe_interval: Option<Duration>,
    /// How long without a byte a server may prepare the first picture.
    pub sync_patience: Duration,
    /// How long a request may be without a reply, beyond the time that a transaction itself asks to wait. A cluster
    /// without a majority never replies; the connection is given up then.
    pub reply_patience: Duration,
    /// The longest message that the server may send, in bytes. The first picture of a database comes as one message: about
    /// 300 bytes a row for rows of a few columns. By default 256 MiB.
    pub max_message: usize,
    /// Updates, in bytes as received, that the program has not had yet. While it waits for nothing, no more than this
    /// is read from the server. What comes while it waits for the outcome of a transaction is read, and beyond this
    /// much the events for [`Client::next`](super::Client::next) are merged: the changes of many steps become their
    /// net change, which takes no more than the rows that differ.
    pub max_unread: usize,
    /// Transactions without outcome, and with an outcome that the program has not taken, in bytes as sent: beyond,
    /// they are refused.
    pub max_unsent: usize,
}

impl Options {
    /// Every limit at its default.
    #[must_use]
    pub fn new(remotes: Vec<Remote>, database: &str) -> Self {
        Self {
            remotes,
            database: database.to_owned(),
            tables: Vec::new(),
            every_table: false,
            tls: None,
            server: ServerChoice::default(),
            connect_timeout: Duration::from_secs(5),
            min_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(8),
            probe_interval: Some(Duration::from_secs(5)),
            sync_patience: Duration::from_secs(60),
            reply_patience: Duration::from_secs(30),
            max_message: 256 << 20,
            max_unread: 64 << 20,
            max_unsent: 64 << 20,
        }
    }

    /// Adds a table to replicate.
    #[must_use]
    pub fn table(mut self, table: MonitorTable) -> Self {
        self.tables.push(table);
        self
    }

    /// The files for `ssl:` remotes.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Which members of a cluster will do.
    #[must_use]
    pub fn server(mut self, server: ServerChoice) -> Self {
        self.server = server;
        self
    }
}
