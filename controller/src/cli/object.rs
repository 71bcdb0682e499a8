//! What the commands of all kinds of object share: list, show and delete. What an object looks like is in the file of
//! its kind.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::database::Database;
use super::render::{Output, emit};
use super::{Failure, Global};
use crate::model::Site;
use crate::northbound::{Change, Table, remove};

/// A kind of object.
pub(super) trait Kind {
    /// Where its objects are.
    const TABLE: Table;
    /// What stands above the columns of a list.
    const HEADER: &'static [&'static str];
    /// The arguments of its `delete`.
    type Delete: Chosen;
    /// An object as commands print it.
    type View<'a>: Serialize;
    /// All objects of a site, in any order.
    fn views(site: &Site) -> Vec<Self::View<'_>>;
    /// The object's name and id, by which it can be shown.
    fn names(view: &Self::View<'_>) -> (String, String);
    /// The object as a line of a list, under [`HEADER`](Self::HEADER).
    fn cells(view: &Self::View<'_>) -> Vec<String>;
    /// The object in full; a value may have more lines than one.
    fn fields(view: &Self::View<'_>) -> Vec<(&'static str, String)>;
}

/// What there is to do with objects of any kind.
#[derive(Debug, Subcommand)]
pub(super) enum Command<D: Args> {
    /// Print a line for each of them
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Print them in full
    Show {
        /// Their names or ids [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Delete all that are named, or nothing where one of them can not be deleted
    Delete(D),
}

/// Which objects to delete, and whether with what is in them.
pub(super) trait Chosen: Args {
    /// The names, and true for all that is inside too.
    fn chosen(&self) -> (&[String], bool);
}

/// Which objects to delete.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Names {
    /// Their names
    #[arg(required = true, value_name = "NAME")]
    pub(super) names: Vec<String>,
}

impl Chosen for Names {
    fn chosen(&self) -> (&[String], bool) {
        (&self.names, false)
    }
}

/// Runs a command on objects of kind `K`.
pub(super) async fn run<K: Kind>(
    command: Command<K::Delete>,
    global: &Global,
) -> Result<(), Failure> {
    let mut database = Database::connect(global).await?;
    match command {
        Command::List { output } => {
            let site = database.site()?;
            output.list(&sorted::<K>(&site), K::HEADER, K::cells)
        }
        Command::Show { names, output } => {
            let site = database.site()?;
            output.each(&named::<K>(&site, &names)?, names.len() == 1, K::fields)
        }
        Command::Delete(delete) => {
            let (names, cascade) = delete.chosen();
            let plan =
                |site: &Site| remove(site, K::TABLE, names, cascade).map_err(Failure::failed);
            let done = database.commit(plan).await?;
            emit(&deleted(&done.changes))
        }
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

fn sorted<K: Kind>(site: &Site) -> Vec<K::View<'_>> {
    let mut views = K::views(site);
    views.sort_by_cached_key(|view| K::names(view).0);
    views
}

/// The objects with these names or ids, in this order; all where there are no names.
fn named<'a, K: Kind>(site: &'a Site, names: &[String]) -> Result<Vec<K::View<'a>>, Failure> {
    let mut views = sorted::<K>(site);
    if names.is_empty() {
        return Ok(views);
    }
    let places: BTreeMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (name.as_str(), at))
        .collect();
    let place = |view: &K::View<'a>| {
        let (name, id) = K::names(view);
        places
            .get(name.as_str())
            .or_else(|| places.get(id.as_str()))
            .copied()
    };
    views.retain(|view| place(view).is_some());
    views.sort_by_cached_key(&place);
    let found: BTreeSet<usize> = views.iter().filter_map(&place).collect();
    match places.iter().find(|(_, at)| !found.contains(at)) {
        None => Ok(views),
        Some((name, _)) => {
            let (noun, command) = (K::TABLE.noun(), K::TABLE.noun().replace(' ', "-"));
            Err(Failure::failed(format_args!(
                "there is no {noun} {name:?}: `heddle {command} list` shows those there are"
            )))
        }
    }
}

/// Pairs by their first, the seconds in order; in one walk, as a site may have many networks and many ports.
pub(super) fn grouped<K: Ord, V: Ord>(
    pairs: impl IntoIterator<Item = (K, V)>,
) -> BTreeMap<K, Vec<V>> {
    let mut groups: BTreeMap<K, Vec<V>> = BTreeMap::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups.values_mut().for_each(|group| group.sort());
    groups
}
