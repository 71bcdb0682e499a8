//! `heddle-lab test`: the one test command.

use std::process::{Command, ExitCode};

use anyhow::Context;
use clap::Args;

use super::setup;

/// What to run.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Passed on to `cargo test --workspace`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    args: Vec<String>,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        setup::ensure()?;
        setup::check_root("the end-to-end tests")?;
        cargo(["test", "--workspace"].into_iter().map(str::to_owned).chain(self.args))
    }
}

/// Runs cargo with its own output and exit code.
pub(super) fn cargo(args: impl IntoIterator<Item = String>) -> anyhow::Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(args)
        .status()
        .context("cargo could not be started")?;
    // A signal has no code.
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
