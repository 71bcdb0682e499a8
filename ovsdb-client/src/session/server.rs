//! The `_Server` database (ovsdb-server(5)): whether this server is the one to talk to.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Resume, SessionError};
use crate::monitor::{MonitorTable, Plan, TableUpdates};
use crate::replica::Replica;
use crate::schema::Schema;

/// Which servers will do for a clustered database. A standalone database has only one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerChoice {
    /// The leader only, or a relay: the shortest way for writes, and nothing older than the last write is read, but by
    /// way of a relay.
    #[default]
    Leader,
    /// Any member that is in contact with the cluster, and any relay that is in contact with its source.
    Any,
}

/// A server that is not one to talk to now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerFault {
    /// The server does not have the database.
    #[error("the server has no database {0}")]
    NoDatabase(String),
    /// A member without contact to its cluster, or a relay without contact to its source.
    #[error(
        "the server has lost contact with the rest of its cluster, or with the source that it relays"
    )]
    Isolated,
    /// Not the leader.
    #[error("the server is not the leader of its cluster")]
    NotLeader,
    /// The server's log is behind what was seen before.
    #[error("the server is behind: its log is at {found}, but {expected} was seen before")]
    Behind {
        /// The index of the server's log.
        found: i64,
        /// The index seen before.
        expected: i64,
    },
}

/// What the server says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ServerState {
    pub(super) cluster: Option<Uuid>,
    pub(super) index: Option<i64>,
}

/// A monitor of `_Server.Database`.
#[derive(Debug)]
pub(super) struct ServerWatch {
    database: String,
    plan: Option<Plan>,
    replica: Replica,
}

const COLUMNS: [&str; 7] = [
    "name",
    "model",
    "connected",
    "leader",
    "cid",
    "sid",
    "index",
];

impl ServerWatch {
    pub(super) fn new(database: &str) -> Self {
        Self {
            database: database.to_owned(),
            plan: None,
            replica: Replica::default(),
        }
    }

    /// The monitor's plan; `None` until the schema of `_Server` has come.
    pub(super) fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// What to monitor, by the schema of `_Server`.
    pub(super) fn watch(&mut self, schema: &Schema) -> Result<Map<String, Value>, SessionError> {
        let table = MonitorTable::new("Database")
            .columns(["name"])
            .optional_columns(COLUMNS);
        let plan = Plan::new(schema, &[table])?;
        self.replica.set_layouts(&plan.layouts);
        let requests = plan.requests().clone();
        self.plan = Some(plan);
        Ok(requests)
    }

    pub(super) fn apply(&mut self, updates: TableUpdates) -> Result<(), SessionError> {
        let applied = self.replica.apply(updates);
        applied
            .map(|_| ())
            .map_err(|error| SessionError::Malformed {
                what: "update of _Server",
                source: serde::de::Error::custom(error),
            })
    }

    /// Whether the database is one member's copy of a cluster's.
    pub(super) fn is_clustered(&self) -> bool {
        let database = self.database.as_str();
        let row = self.replica.find("Database", "name", database);
        row.is_some_and(|row| row.string("model") == Ok("clustered"))
    }

    pub(super) fn check(
        &self,
        choice: ServerChoice,
        resume: &Resume,
    ) -> Result<ServerState, ServerFault> {
        let row = self
            .replica
            .find("Database", "name", self.database.as_str());
        let row = row.ok_or_else(|| ServerFault::NoDatabase(self.database.clone()))?;
        let state = ServerState {
            cluster: row.optional_uuid("cid").ok().flatten(),
            index: row.optional_integer("index").ok().flatten(),
        };
        // Columns that an older server lacks say nothing against it.
        let model = row.string("model").unwrap_or("standalone");
        if model == "standalone" {
            return Ok(state);
        }
        if row.boolean("connected") == Ok(false) {
            return Err(ServerFault::Isolated);
        }
        // A relay leads nothing, but passes writes on to the leader.
        if model == "clustered"
            && choice == ServerChoice::Leader
            && row.boolean("leader") == Ok(false)
        {
            return Err(ServerFault::NotLeader);
        }
        // A cluster made anew counts from the start.
        let same_cluster = resume
            .cluster
            .is_none_or(|cluster| state.cluster == Some(cluster));
        if let (Some(found), Some(expected)) = (state.index, resume.min_index)
            && found < expected
            && same_cluster
        {
            return Err(ServerFault::Behind { found, expected });
        }
        Ok(state)
    }
}
