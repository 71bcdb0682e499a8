//! Committing intent: look at the site, plan, write under the guard of what was seen, and look again when somebody
//! else was faster.

use std::time::Duration;

use ovsdb_client::operation::{Effects, TransactError};
use ovsdb_client::{Client, Replica, Row};

use super::change::{Change, changes};
use super::rows::{GLOBAL, revision, site};
use super::transaction::{Seen, transaction};
use crate::model::Site;

/// How often a writer may find that somebody else was faster. Each time, somebody was.
const TRIES: u32 = 1000;

/// Intent as it was committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// The revision that the changes made; without changes, that of the site.
    pub revision: u64,
    /// The site with the changes.
    pub after: Site,
    /// What was written.
    pub changes: Vec<Change>,
}

/// Why intent was not committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError<E> {
    /// The plan does not go with the site.
    #[error("the change does not go with what the database has")]
    Plan(E),
    /// The database did not take it.
    #[error("the database did not take the change")]
    Transact(#[source] TransactError),
    /// Others wrote all the time.
    #[error(
        "others changed the database each of {TRIES} times that this change was about to be written: try again"
    )]
    Contended,
}

/// What the next transaction relies on.
fn seen(replica: &Replica) -> Seen {
    Seen {
        global: replica.rows(GLOBAL).next().map(Row::uuid),
        revision: revision(replica),
    }
}

/// Writes what `plan` makes of the site, as one transaction on exactly the site that it was made of; `plan` is asked
/// again when the site has changed meanwhile. `client` must be synced. Waits for the database as long as it takes: the
/// caller has the clock.
///
/// # Errors
/// See [`CommitError`]; nothing was written then, unless the connection broke at the wrong moment.
pub async fn commit<E>(
    client: &mut Client,
    mut plan: impl FnMut(&Site) -> Result<Site, E>,
) -> Result<Committed, CommitError<E>> {
    put(client, |before| {
        let after = plan(before)?;
        let changes = changes(before, &after);
        Ok(if changes.is_empty() {
            None
        } else {
            Some((after, changes))
        })
    })
    .await
}

/// Moves the revision without any other change, so that every host acknowledges anew.
///
/// # Errors
/// As [`commit`].
pub async fn bump(client: &mut Client) -> Result<u64, CommitError<std::convert::Infallible>> {
    Ok(put(client, |before| Ok(Some((before.clone(), Vec::new()))))
        .await?
        .revision)
}

/// Writes what `decide` makes of the site; nothing to write ends it too.
async fn put<E>(
    client: &mut Client,
    mut decide: impl FnMut(&Site) -> Result<Option<(Site, Vec<Change>)>, E>,
) -> Result<Committed, CommitError<E>> {
    for _ in 0..TRIES {
        let (seen, before) = (seen(client.replica()), site(client.replica()).site);
        let Some((mut after, changes)) = decide(&before).map_err(CommitError::Plan)? else {
            return Ok(Committed {
                revision: before.revision,
                after: before,
                changes: Vec::new(),
            });
        };
        match client.transact(transaction(seen, &changes)).await {
            Ok(_)
            | Err(TransactError::Unknown {
                effects: Effects::Present,
            }) => {
                after.revision = seen.next();
                return Ok(Committed {
                    revision: after.revision,
                    after,
                    changes,
                });
            }
            // Somebody was faster, or the reply was lost: the replica shows what there is now, and the plan is made anew.
            Err(TransactError::TryAgain { .. } | TransactError::Unknown { .. }) => {}
            Err(TransactError::NotConnected) => {
                while !client.is_synced() {
                    // Who gives up, and when, is for the caller to say.
                    let _ = client.synced(Duration::from_secs(1)).await;
                }
            }
            Err(error) => return Err(CommitError::Transact(error)),
        }
    }
    Err(CommitError::Contended)
}
