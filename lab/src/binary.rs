//! Where the product's program `heddle` is: built from this workspace, or beside the running program.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::{Error, Result, tool};

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

fn find() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(Error::io("find the running program"))?;
    let unexpected = || {
        Error::unexpected(
            "the running program",
            own.display().to_string(),
            "a file in a directory",
        )
    };
    // Tests run in TARGET/PROFILE/deps, programs in TARGET/PROFILE.
    let mut dir = own.parent().ok_or_else(unexpected)?;
    if dir.ends_with("deps") {
        dir = dir.parent().ok_or_else(unexpected)?;
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    if let (Some(workspace), Some(target)) = (workspace.filter(|path| path.join("Cargo.toml").exists()), dir.parent()) {
        build(workspace, target, dir)?;
    }
    let heddle = dir.join("heddle");
    if heddle.exists() {
        return Ok(heddle);
    }
    Err(Error::unexpected(
        "the heddle program",
        "nothing",
        heddle.display().to_string(),
    ))
}

/// Builds into the same directory that the running program is from.
fn build(workspace: &Path, target: &Path, dir: &Path) -> Result<()> {
    let profile = match dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // The whole workspace decides the features of dependencies, as it does for its tests: nothing is built twice.
    command.current_dir(workspace).args([
        "build",
        "--quiet",
        "--workspace",
        "--bin",
        "heddle",
        "--profile",
        profile,
    ]);
    command.arg("--target-dir").arg(target);
    tool::output(&mut command).map(drop)
}
