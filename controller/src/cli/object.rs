//! What the commands of all kinds of object share: reading the site, finding objects by name, deleting them.

use std::collections::BTreeMap;

use clap::Args;

use super::database::Database;
use super::render::emit;
use super::{Failure, Global};
use crate::model::Site;
use crate::northbound::{Change, Table, remove};

/// Which objects to delete.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Delete {
    /// Their names
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

impl Delete {
    /// Deletes all of them or none.
    pub(super) async fn run(self, global: &Global, table: Table, cascade: bool) -> Result<(), Failure> {
        let mut database = Database::connect(global).await?;
        let done = database
            .commit(|site| remove(site, table, &self.names, cascade).map_err(Failure::failed))
            .await?;
        emit(&deleted(&done.changes))
    }
}

/// A line for each deleted object, those that others were in last.
fn deleted(changes: &[Change]) -> String {
    changes
        .iter()
        .rev()
        .map(|change| format!("deleted {} {}\n", change.table.noun(), change.name))
        .collect()
}

/// The database as it is now.
pub(super) async fn read_site(global: &Global) -> Result<Site, Failure> {
    Database::connect(global).await?.site()
}

/// Pairs by their first, in one walk: a site may have many networks and many ports.
pub(super) fn grouped<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, Vec<V>> {
    let mut groups: BTreeMap<K, Vec<V>> = BTreeMap::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}

/// The objects called `names`, or all where there are no names.
///
/// # Errors
/// A name that none of them has; `command` lists those there are.
pub(super) fn named<'a, T>(
    all: impl Iterator<Item = &'a T>,
    names: &[String],
    table: Table,
    name_of: impl Fn(&T) -> &str,
) -> Result<Vec<&'a T>, Failure> {
    let mut sorted: Vec<&T> = all.collect();
    sorted.sort_by(|a, b| name_of(a).cmp(name_of(b)));
    if names.is_empty() {
        return Ok(sorted);
    }
    let find = |name: &String| {
        let at = sorted.binary_search_by(|one| name_of(one).cmp(name)).ok();
        at.and_then(|at| sorted.get(at).copied()).ok_or_else(|| {
            let command = table.noun().replace(' ', "-");
            Failure::failed(format_args!(
                "there is no {} {name:?}: `heddle {command} list` shows those there are",
                table.noun()
            ))
        })
    };
    names.iter().map(find).collect()
}
