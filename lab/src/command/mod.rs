//! The commands of `heddle-lab`, one file each.

mod bench;
mod demo;
mod down;
mod picture;
mod setup;
mod stage;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  cargo lab demo                  # three hosts, seven networks, everybody probes everybody
  cargo lab demo --keep           # the same, and leave it up to look around
  cargo lab down                  # remove what was left up
  cargo lab test                  # every test of the workspace
  cargo lab test -p flows         # what follows goes to `cargo test --workspace`
  cargo lab bench                 # the benches there are";

/// Simulated hosts with a real Open vSwitch each, on this machine, in network namespaces.
///
/// A lab makes its own namespaces, interfaces, processes and files, and removes exactly those: also after Ctrl-C, and what a killed
/// one has left is removed by the next. The system's own Open vSwitch and interfaces are not touched. Needs root.
#[derive(Debug, Parser)]
#[command(name = "heddle-lab", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show heddle at work on three hosts: who reaches whom, and who must not
    Demo(demo::Arguments),
    /// Run every test of the workspace
    Test(test::Arguments),
    /// Run a bench, or list them
    Bench(bench::Arguments),
    /// Install what labs need of the system, or say what is missing
    Setup,
    /// Remove labs that were left up
    Down(down::Arguments),
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Demo(arguments) => arguments.run(),
            Command::Test(arguments) => arguments.run(),
            Command::Bench(arguments) => arguments.run(),
            Command::Setup => setup::run(),
            Command::Down(arguments) => arguments.run(),
        }
    }
}
