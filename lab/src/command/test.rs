//! `heddle-lab test`: the one test command.

use std::process::{Command, ExitCode};

use anyhow::Context;
use clap::Args;

use super::setup;

/// What to run.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Passed on to `cargo test --workspace`
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGS"
    )]
    args: Vec<String>,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        setup::ensure()?;
        setup::check_root("the end-to-end tests")?;
        lab::build_heddle()?;
        let mut command = cargo();
        command.args(["test", "--workspace"]).args(self.args);
        run(command.env(lab::HEDDLE_VARIABLE, lab::heddle()?))
    }
}

/// The cargo that runs this program, or the one there is.
pub(super) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs cargo with its own output and exit code.
pub(super) fn run(command: &mut Command) -> anyhow::Result<ExitCode> {
    let status = command.status().context("cargo could not be started")?;
    // A signal has no code.
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
