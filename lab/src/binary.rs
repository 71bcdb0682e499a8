//! Where the product's program `heddle` is: built from this workspace, or beside the running program.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::{Error, Result, tool};

/// Names a `heddle` that is built already; `heddle-lab test` sets it, so that no test builds anything.
pub const HEDDLE_VARIABLE: &str = "HEDDLE_PROGRAM";

/// The `heddle` that belongs to the running program, built first if this is a checkout. Built at most once a process.
///
/// # Errors
/// When it does not build, or is not there.
pub fn heddle() -> Result<&'static Path> {
    static FOUND: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| find().map_err(|error| error.to_string()));
    found
        .as_deref()
        .map_err(|said| Error::unexpected("the heddle program", said, "one that runs"))
}

/// Builds that program with cargo's own progress on the terminal, if this is a checkout.
///
/// # Errors
/// When it does not build.
pub fn build_heddle() -> Result<()> {
    if std::env::var_os(HEDDLE_VARIABLE).is_some() {
        return Ok(());
    }
    let dir = directory()?;
    let Some(mut command) = build_command(&dir) else {
        return Ok(());
    };
    let line = tool::line(&command);
    let status = command
        .status()
        .map_err(Error::io(format!("run `{line}`")))?;
    if status.success() {
        return Ok(());
    }
    let said = "its messages are above".to_owned();
    Err(Error::Command {
        command: line,
        status: status.to_string(),
        said,
    })
}

fn find() -> Result<PathBuf> {
    let heddle = match std::env::var_os(HEDDLE_VARIABLE) {
        Some(heddle) => heddle.into(),
        None => {
            let dir = directory()?;
            if let Some(mut command) = build_command(&dir) {
                tool::output(command.arg("--quiet"))?;
            }
            dir.join("heddle")
        }
    };
    if heddle.exists() {
        return Ok(heddle);
    }
    Err(Error::unexpected(
        "the heddle program",
        "nothing",
        heddle.display().to_string(),
    ))
}

/// Where this program's siblings are: tests run in TARGET/PROFILE/deps, programs in TARGET/PROFILE.
fn directory() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(Error::io("find the running program"))?;
    let parent = own.parent().map(|dir| {
        if dir.ends_with("deps") {
            dir.parent().unwrap_or(dir)
        } else {
            dir
        }
    });
    let parent = parent.map(Path::to_owned);
    parent.ok_or_else(|| {
        Error::unexpected(
            "the running program",
            own.display().to_string(),
            "a file in a directory",
        )
    })
}

/// How to build it into the same directory that the running program is from; none outside a checkout.
fn build_command(dir: &Path) -> Option<Command> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .filter(|path| path.join("Cargo.toml").exists())?;
    let profile = match dir.file_name()?.to_str()? {
        "debug" => "dev",
        name => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // The whole workspace decides the features of dependencies, as it does for its tests: nothing is built twice.
    command.current_dir(workspace).args([
        "build",
        "--workspace",
        "--bin",
        "heddle",
        "--profile",
        profile,
    ]);
    command.arg("--target-dir").arg(dir.parent()?);
    Some(command)
}
