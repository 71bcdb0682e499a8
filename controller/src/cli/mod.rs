//! The commands of `heddle`, one file each. What a command prints for people is on standard output, what went wrong on
//! standard error; the exit code is 0 when it worked, 1 when it failed and 2 when the input was bad.

mod agent;
mod apply;
mod database;
mod db;
mod flow;
mod host;
mod lab;
mod log;
mod network;
mod object;
mod ovsdb;
mod physical_network;
mod port;
mod render;
mod subnet;
mod tls;
mod wait;

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::model::Settings;
use tls::TlsFiles;

/// How long a command waits for the database.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  heddle db init && heddle db serve           # create the northbound database and serve it
  heddle apply -f networks.yaml --wait        # make it so, and wait until every host has it
  heddle network list                         # what networks there are
  heddle port show web-1                      # one port, and the hosts where it is up
  heddle host show                            # every host, what it lacks and what it reports

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
    /// The northbound database: unix:FILE, tcp:ADDRESS:PORT or ssl:ADDRESS:PORT, and more of them separated by commas
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
    #[command(flatten)]
    tls: TlsFiles,
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
    Agent(Box<agent::Arguments>),
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
    let cli = Cli::from_arg_matches(&command().get_matches()).unwrap_or_else(|error| error.exit());
    match cli.run() {
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

/// The flags of [`Global`].
const GLOBAL: [&str; 6] = [
    "nb",
    "timeout",
    "private_key",
    "certificate",
    "ca_cert",
    "server_name",
];

/// The commands, each with help that tells only of the flags that it uses.
fn command() -> clap::Command {
    let mut command = Cli::command();
    // Puts the global flags into all commands.
    command.build();
    let mut command = hide(command, "db", &["nb", "timeout", "server_name"]);
    for unused in ["flow", "lab"] {
        command = hide(command, unused, &GLOBAL);
    }
    // The status of a running agent is asked of the agent.
    let asked = ["nb", "private_key", "certificate", "ca_cert", "server_name"];
    let command = command.mut_subcommand("agent", |agent| hide(agent, "status", &asked));
    hide(command, "ovsdb", &["nb"])
}

/// Hides flags from the help of a command and of those below it.
fn hide(command: clap::Command, name: &str, flags: &[&str]) -> clap::Command {
    fn all(command: clap::Command, flags: &[&str]) -> clap::Command {
        let names = command.get_subcommands().map(clap::Command::get_name);
        let names: Vec<String> = names.map(str::to_owned).collect();
        let command = command.mut_args(|flag| match flags.contains(&flag.get_id().as_str()) {
            true => flag.hide(true),
            false => flag,
        });
        names.into_iter().fold(command, |command, name| {
            command.mut_subcommand(name, |below| all(below, flags))
        })
    }
    command.mut_subcommand(name, |command| all(command, flags))
}

impl Cli {
    fn run(self) -> Result<(), Failure> {
        let Self { global, command } = self;
        match command {
            Command::Db(command) => command.run(&global),
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
    fn help_tells_of_the_flags_that_a_command_uses() {
        for (path, uses, not) in [
            (
                &["network", "list"][..],
                &["--nb <", "--timeout <", "--ca-cert <"][..],
                &[][..],
            ),
            (
                &["flow", "parse"],
                &[],
                &["--nb <", "--timeout <", "--ca-cert <"],
            ),
            (&["agent"], &["--nb <", "--ca-cert <"], &[]),
            (
                &["agent", "status"],
                &["--timeout <"],
                &["--nb <", "--ca-cert <"],
            ),
            (&["lab"], &[], &["--nb <", "--timeout <", "--ca-cert <"]),
            (
                &["db", "serve"],
                &["--ca-cert <"],
                &["--nb <", "--timeout <"],
            ),
            (
                &["ovsdb", "dump"],
                &["--timeout <", "--ca-cert <"],
                &["--nb <"],
            ),
        ] {
            let mut command = command();
            let mut at = &mut command;
            for name in path {
                at = at.find_subcommand_mut(name).unwrap();
            }
            let help = at.render_help().to_string();
            for flag in uses {
                assert!(help.contains(flag), "{path:?} {flag}: {help}");
            }
            for flag in not {
                assert!(!help.contains(flag), "{path:?} {flag}: {help}");
            }
        }
        // Hidden is not refused: a script may give them to every command.
        assert!(
            command()
                .try_get_matches_from(["heddle", "--nb", "unix:/x", "flow", "parse", "a"])
                .is_ok()
        );
    }

    /// The examples of a command and of those below it.
    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string);
        let lines = help.iter().flat_map(|help| help.lines());
        let lines = lines.filter_map(|line| line.strip_prefix("  ")?.split(" # ").next());
        let parts = lines.flat_map(|line| line.split(" && ").flat_map(|part| part.split(" | ")));
        let parts = parts.map(|part| part.trim_start_matches("RUST_LOG=debug ").trim());
        let mut out: Vec<String> = parts
            .filter(|part| part.starts_with("heddle "))
            .map(str::to_owned)
            .collect();
        out.extend(command.get_subcommands().flat_map(examples));
        out
    }

    #[test]
    fn examples_in_the_help_are_commands() {
        let command = command();
        let examples = examples(&command);
        assert!(examples.len() > 30, "{examples:?}");
        for example in examples {
            let words = example.split_whitespace();
            if let Err(error) = command.clone().try_get_matches_from(words) {
                panic!("{example}: {error}");
            }
        }
    }

    #[test]
    fn seconds_are_bounded() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["", "-1", "nan", "inf", "1e300", "x"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
