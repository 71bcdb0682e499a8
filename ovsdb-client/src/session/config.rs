//! What a session is for, and what the next one may go on from.

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::ServerChoice;
use crate::monitor::{MonitorTable, Plan, SchemaMismatch};
use crate::schema::Schema;

/// What a session is for.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// The database.
    pub database: String,
    /// The tables to replicate.
    pub tables: Vec<MonitorTable>,
    /// Replicate all other tables too.
    pub every_table: bool,
    /// Which members of a cluster will do.
    pub server: ServerChoice,
    /// After this long without a byte the server is asked whether it lives; as long again without an answer and the
    /// session ends. `None`: never.
    pub probe_interval: Option<Duration>,
    /// Before the first full picture, this long without a byte ends the session: the server may be busy with it.
    pub sync_patience: Duration,
    /// How long a request may be without a reply, beyond what it asks for itself.
    pub reply_patience: Duration,
    /// The longest message, in bytes.
    pub max_message: usize,
    /// The most bytes that wait for the server to read them, beyond the transactions.
    pub max_replies: usize,
}

impl SessionConfig {
    /// What can be monitored of what is wanted.
    pub(super) fn plan(&self, schema: &Schema) -> Result<Plan, SchemaMismatch> {
        let mut tables = self.tables.clone();
        if self.every_table {
            let other = schema
                .tables
                .keys()
                .filter(|name| !self.tables.iter().any(|table| table.name() == *name));
            tables.extend(other.map(|name| MonitorTable::new(name)));
        }
        Plan::new(schema, &tables)
    }
}

/// What the next session may go on from.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    /// What was monitored, and the last transaction that the replica holds.
    pub last: Option<(Arc<Plan>, Uuid)>,
    /// The cluster's log index that the last server told: a member behind it would lead back in time.
    pub min_index: Option<i64>,
    /// The transactions that came after that was told. The server tells its index before or after the rows, so that the
    /// replica is that many entries of the log further, or one less.
    pub ahead: i64,
    /// Since when members were refused because they may be behind what came after the index.
    pub doubted_since: Option<Instant>,
    /// The cluster's id.
    pub cluster: Option<Uuid>,
}
