//! A command's connection to the northbound database, with a deadline on everything: a database that does not answer is
//! a message, not a command that hangs.

use std::time::Duration;

use anyhow::anyhow;
use ovsdb_client::{Client, Options, Remote};
use tokio::time::{Instant, timeout_at};

use super::{Failure, Global};
use crate::model::Site;
use crate::northbound::{self, CommitError, Committed, DATABASE};

/// A synced connection.
pub(super) struct Database {
    client: Client,
    remote: String,
    timeout: Duration,
}

impl Database {
    /// Connects and replicates the database.
    ///
    /// # Errors
    /// There is none in time, or the remote is not one.
    pub(super) async fn connect(global: &Global) -> Result<Self, Failure> {
        let remotes = Remote::list(global.nb())
            .map_err(|error| Failure::input(format_args!("--nb: {error}")))?;
        let mut options = northbound::tables()
            .into_iter()
            .fold(Options::new(remotes.clone(), DATABASE), Options::table);
        options.tls = global.tls.for_remotes("--nb", &remotes)?;
        let timeout = global.database_timeout();
        let mut client = Client::connect(options);
        client.synced(timeout).await.map_err(|error| {
            let why = error.last.map_or(": it does not answer".to_owned(), |(_, why)| {
                format!(": {:#}", anyhow::Error::from(why))
            });
            Failure::failed(format_args!(
                "no northbound database at {} after {} s{why}; `heddle db serve` serves one, --nb or HEDDLE_NB names another",
                global.nb(),
                timeout.as_secs_f64()
            ))
        })?;
        Ok(Self {
            client,
            remote: global.nb().to_owned(),
            timeout,
        })
    }

    /// The site as it is now. Rows that make no sense are told on standard error.
    pub(super) fn site(&self) -> Result<Site, Failure> {
        let reading = northbound::site(self.client.replica());
        for left_out in &reading.left_out {
            eprintln!("heddle: {:#}", anyhow!(left_out.clone()));
        }
        Ok(reading.site)
    }

    /// Writes what `plan` makes of the site.
    pub(super) async fn commit(
        &mut self,
        plan: impl FnMut(&Site) -> Result<Site, Failure>,
    ) -> Result<Committed, Failure> {
        self.site()?;
        let deadline = Instant::now() + self.timeout;
        let done = timeout_at(deadline, northbound::commit(&mut self.client, plan)).await;
        match done.map_err(|_| self.silent())? {
            Ok(done) => Ok(done),
            Err(CommitError::Plan(failure)) => Err(failure),
            Err(CommitError::Transact(error)) => Err(Failure::Failed(
                anyhow!(error).context("the database did not take the change"),
            )),
            Err(CommitError::Contended) => Err(Failure::failed(CommitError::<Failure>::Contended)),
        }
    }

    /// Moves the revision without any other change.
    pub(super) async fn bump(&mut self) -> Result<u64, Failure> {
        let deadline = Instant::now() + self.timeout;
        let done = timeout_at(deadline, northbound::bump(&mut self.client)).await;
        done.map_err(|_| self.silent())?
            .map_err(|error| Failure::Failed(error.into()))
    }

    /// Looks at the site whenever it changes, until nothing of `missing` is left or the deadline has come.
    ///
    /// # Errors
    /// There is no connection at the deadline. What is still missing then is no error here.
    pub(super) async fn until(
        &mut self,
        deadline: Instant,
        mut missing: impl FnMut(&Site) -> Vec<String>,
    ) -> Result<Vec<String>, Failure> {
        loop {
            let left = missing(&northbound::site(self.client.replica()).site);
            if left.is_empty() {
                return Ok(left);
            }
            if timeout_at(deadline, self.client.next()).await.is_err() {
                return if self.client.is_synced() {
                    Ok(left)
                } else {
                    Err(self.gone())
                };
            }
        }
    }

    /// The database went away and has not come back.
    fn gone(&self) -> Failure {
        Failure::failed(format_args!(
            "the connection to the northbound database at {} broke and did not come back in time",
            self.remote
        ))
    }

    /// The database stopped answering in the middle of a change.
    fn silent(&self) -> Failure {
        Failure::failed(format_args!(
            "the northbound database at {} did not answer within {} s: whether it took the change is not known, and to \
             do the same again does no harm",
            self.remote,
            self.timeout.as_secs_f64()
        ))
    }
}
