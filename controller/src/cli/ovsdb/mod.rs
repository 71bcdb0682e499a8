//! `heddle ovsdb`: what any OVSDB server holds, and what changes in it. Knows nothing of heddle's own databases.

mod picture;

use clap::{Args, Subcommand, ValueEnum};
use ovsdb_client::{Changes, Client, Event, MonitorTable, Options, Remote, ServerChoice};

use super::render::emit;
use super::{Failure, Global};
use picture::Picture;

pub(super) const EXAMPLES: &str = "\
Examples:
  heddle ovsdb list unix:/run/openvswitch/db.sock Open_vSwitch         # tables, numbers of rows
  heddle ovsdb list unix:/run/openvswitch/db.sock Open_vSwitch Bridge  # one row after the other
  heddle ovsdb dump tcp:10.0.0.1:6641 Heddle_Northbound Port name up -o csv
  heddle ovsdb watch unix:/run/heddle/nb.sock Heddle_Northbound        # changes as they come";

/// Looks into an OVSDB server.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tables and their numbers of rows, or the rows of a table one after the other
    List(Arguments),
    /// Print changes as they come, until interrupted
    Watch(Watch),
    /// The rows of every table, or of one
    Dump(Arguments),
}

/// What to look at.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The server: unix:FILE, tcp:ADDRESS:PORT or ssl:ADDRESS:PORT, and more of them separated by commas
    remote: String,
    /// The database
    database: String,
    /// The table [default: all]
    table: Option<String>,
    /// The columns [default: all]
    #[arg(value_name = "COLUMN")]
    columns: Vec<String>,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    output: Format,
    /// Ask the leader of a cluster, not just any member or relay
    #[arg(long)]
    leader: bool,
}

/// What to watch.
#[derive(Debug, Args)]
pub(super) struct Watch {
    #[command(flatten)]
    what: Arguments,
    /// Print the rows that are there at the start too
    #[arg(long)]
    initial: bool,
}

/// How to print rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For programs; `watch`: one object a line
    Json,
    /// For spreadsheets
    Csv,
}

impl Command {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::List(arguments) => {
                let (client, _) = arguments.synced(global).await?;
                let picture = arguments.picture();
                emit(&match arguments.table {
                    Some(_) => picture.records(client.replica()),
                    None => picture.counts(client.replica()),
                })
            }
            Self::Dump(arguments) => {
                let (client, _) = arguments.synced(global).await?;
                emit(&arguments.picture().rows(client.replica()))
            }
            Self::Watch(watch) => watch.run(global).await,
        }
    }
}

impl Arguments {
    fn picture(&self) -> Picture<'_> {
        Picture {
            format: self.output,
            columns: &self.columns,
        }
    }

    fn options(&self, global: &Global) -> Result<Options, Failure> {
        let remotes = Remote::list(&self.remote)
            .map_err(|error| Failure::input(format_args!("REMOTE: {error}")))?;
        let mut options = Options::new(remotes, &self.database);
        options.server = if self.leader {
            ServerChoice::Leader
        } else {
            ServerChoice::Any
        };
        match &self.table {
            None => options.every_table = true,
            Some(table) => {
                let mut table = MonitorTable::new(table);
                if !self.columns.is_empty() {
                    table = table.columns(self.columns.iter().map(String::as_str));
                }
                options.tables.push(table);
            }
        }
        options.tls = global.tls.for_remotes("REMOTE", &options.remotes)?;
        Ok(options)
    }

    /// A client with the whole picture, and what it consists of.
    async fn synced(&self, global: &Global) -> Result<(Client, Changes), Failure> {
        let mut client = Client::connect(self.options(global)?);
        let timeout = global.database_timeout();
        let mut last = format!(
            "{}: no answer within {} s",
            self.remote,
            timeout.as_secs_f64()
        );
        let wait = async {
            loop {
                match client.next().await {
                    Event::Synced(changes) => return Ok(changes),
                    Event::Disconnected { remote, error, .. } => {
                        let lasting = error.is_lasting();
                        last = format!("{remote}: {:#}", anyhow::Error::from(error));
                        if lasting {
                            return Err(());
                        }
                    }
                    _ => {}
                }
            }
        };
        match tokio::time::timeout(timeout, wait).await {
            Ok(Ok(changes)) => Ok((client, changes)),
            Ok(Err(())) | Err(_) => Err(Failure::failed(last)),
        }
    }
}

impl Watch {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        let (mut client, rows) = self.what.synced(global).await?;
        let picture = self.what.picture();
        let text = |changes: &Changes| {
            changes
                .iter()
                .map(|change| picture.change(change))
                .collect::<String>()
        };
        emit(&picture.change_header())?;
        if self.initial {
            emit(&text(&rows))?;
        }
        drop(rows);
        loop {
            match client.next().await {
                Event::Synced(changes) | Event::Changed(changes) => emit(&text(&changes))?,
                Event::Disconnected { remote, error, .. } => {
                    eprintln!("heddle: {remote}: {:#}", anyhow::Error::from(error));
                }
                Event::Connected { .. }
                | Event::ConditionsChanged
                | Event::Lock { .. }
                | Event::TransactionDone { .. } => {}
            }
        }
    }
}
