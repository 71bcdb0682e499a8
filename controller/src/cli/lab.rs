//! `heddle lab`: hands over to `heddle-lab`, which is a program of its own so that hypervisors need not carry it.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use super::Failure;

const PROGRAM: &str = "heddle-lab";

/// Simulated hosts on this machine: demo, tests, benches (the program heddle-lab)
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(super) struct Arguments {
    /// What heddle-lab is told; `heddle lab --help` shows it
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENT"
    )]
    arguments: Vec<OsString>,
}

impl Arguments {
    /// Does not return unless the program can not be started.
    pub(super) fn run(self) -> Result<(), Failure> {
        let beside = std::env::current_exe()
            .ok()
            .map(|heddle| heddle.with_file_name(PROGRAM));
        let program = beside
            .filter(|path| path.exists())
            .unwrap_or_else(|| PathBuf::from(PROGRAM));
        let error = Command::new(&program).args(self.arguments).exec();
        Err(Failure::failed(format_args!(
            "{} can not be started: {error}; in a clone of the repository `cargo lab` builds and runs it",
            program.display()
        )))
    }
}
