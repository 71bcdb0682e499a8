//! The commands of `heddle`, one file each. What a command prints for people is on standard output, what went wrong on
//! standard error; the exit code is 0 when it worked, 1 when it failed and 2 when the input was bad.

mod agent;
mod apply;
mod database;
mod db;
mod flow;
mod host;
mod lab;
mod network;
mod object;
mod ovsdb;
mod physical_network;
mod port;
mod render;
mod subnet;
mod wait;

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::model::Settings;

/// How long a command waits for the database.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  heddle db init && heddle db serve           create the northbound database and serve it
  heddle apply -f networks.yaml --wait        make it so, and wait until every host has it
  heddle network list                         what networks there are
  heddle port show web-1                      one port, and the hosts where it is up
  heddle host show                            every host, what it lacks and what it reports

Exit codes: 0 it worked, 1 it failed, 2 bad input (nothing was written)";

/// A network controller for Open vSwitch.
///
/// heddle turns a list of networks and ports into working virtual networks across hosts. The list is in the northbound
/// database, which these commands write and read; on each host `heddle agent` makes it so.
#[derive(Debug, Parser)]
#[command(name = "heddle", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command that talks to the northbound database needs.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The northbound database: unix:FILE or tcp:ADDRESS:PORT, and more of them separated by commas
    /// [default: unix:/run/heddle/nb.sock; `heddle agent`: what external_ids:heddle-nb says]
    #[arg(
        long,
        global = true,
        env = "HEDDLE_NB",
        value_name = "REMOTE",
        hide_env_values = true
    )]
    nb: Option<String>,
    /// Give up after this many seconds [default: 5, and 30 to wait for hosts]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
}

impl Global {
    /// Where the northbound database is.
    fn nb(&self) -> &str {
        self.nb.as_deref().unwrap_or(Settings::DEFAULT_NB)
    }

    /// How long to wait for the database.
    fn database_timeout(&self) -> Duration {
        self.timeout.unwrap_or(DATABASE_TIMEOUT)
    }
}

/// Reads a number of seconds up to a day.
fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a number of seconds from 0 to 86400, such as 30 or 0.5".to_owned();
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    if !(0.0..=86400.0).contains(&seconds) {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create or serve the northbound database
    #[command(subcommand)]
    Db(db::Command),
    /// Make this host's Open vSwitch what the northbound database says
    Agent(agent::Arguments),
    /// Make what a YAML document says of networks, subnets and ports
    Apply(apply::Arguments),
    /// List, show or delete networks
    #[command(subcommand, after_help = network::EXAMPLES)]
    Network(object::Command<network::Delete>),
    /// List, show or delete subnets
    #[command(subcommand, after_help = subnet::EXAMPLES)]
    Subnet(object::Command<object::Names>),
    /// List, show or delete ports
    #[command(subcommand, after_help = port::EXAMPLES)]
    Port(object::Command<object::Names>),
    /// List, show or delete hosts
    #[command(subcommand, after_help = host::EXAMPLES)]
    Host(object::Command<object::Names>),
    /// List, show or delete the declarations of physical networks
    #[command(subcommand, after_help = physical_network::EXAMPLES)]
    PhysicalNetwork(object::Command<object::Names>),
    /// Wait until every host has what the database says
    Wait(wait::Arguments),
    /// Read flows and OpenFlow messages, and write them in another form
    #[command(subcommand, after_help = flow::EXAMPLES)]
    Flow(flow::Command),
    /// Look into any OVSDB server: list, dump and watch its rows
    #[command(subcommand, after_help = ovsdb::EXAMPLES)]
    Ovsdb(ovsdb::Command),
    /// Simulated hosts on this machine: demo, tests, benches (the program heddle-lab)
    Lab(lab::Arguments),
}

/// Why a command did not work.
#[derive(Debug)]
pub enum Failure {
    /// The input was bad: one message a line. Exit code 2.
    Input(Vec<String>),
    /// Anything else, with its causes. Exit code 1.
    Failed(anyhow::Error),
}

impl Failure {
    /// Bad input with one message.
    fn input(message: impl fmt::Display) -> Self {
        Self::Input(vec![message.to_string()])
    }

    /// A failure with one message.
    fn failed(message: impl fmt::Display) -> Self {
        Self::Failed(anyhow::anyhow!("{message}"))
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// Runs the command that the program's arguments name.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Input(messages)) => {
            for message in messages {
                eprintln!("{message}");
            }
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            eprintln!("heddle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    fn run(self) -> Result<(), Failure> {
        let Self { global, command } = self;
        match command {
            Command::Db(command) => command.run(),
            Command::Lab(arguments) => arguments.run(),
            Command::Flow(command) => command.run(),
            Command::Agent(arguments) => block_on(arguments.run(&global)),
            Command::Apply(arguments) => block_on(arguments.run(&global)),
            Command::Network(command) => {
                block_on(object::run::<network::Networks>(command, &global))
            }
            Command::Subnet(command) => block_on(object::run::<subnet::Subnets>(command, &global)),
            Command::Port(command) => block_on(object::run::<port::Ports>(command, &global)),
            Command::Host(command) => block_on(object::run::<host::Hosts>(command, &global)),
            Command::PhysicalNetwork(command) => block_on(object::run::<
                physical_network::PhysicalNetworks,
            >(command, &global)),
            Command::Ovsdb(command) => block_on(command.run(&global)),
            Command::Wait(arguments) => block_on(arguments.run(&global)),
        }
    }
}

/// Runs a command that talks to the database.
fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format_args!("the runtime does not start: {error}")))?;
    runtime.block_on(command)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seconds_are_bounded() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["", "-1", "nan", "inf", "1e300", "x"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
