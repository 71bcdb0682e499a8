//! `heddle-lab bench`: the benches are the bench targets of the workspace's packages; nothing else lists them.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;

use super::{setup, test};

/// What to run.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The bench [default: list them]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Passed on to the bench
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGS"
    )]
    args: Vec<String>,
}

/// The part of `cargo metadata` that tells of benches.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let benches = benches()?;
        let Some(name) = self.name else {
            if benches.is_empty() {
                println!("no package of this workspace has a bench");
            }
            for (bench, package) in &benches {
                println!("{bench}  ({package})");
            }
            return Ok(ExitCode::SUCCESS);
        };
        let Some((bench, package)) = benches.iter().find(|(bench, _)| *bench == name) else {
            bail!("there is no bench {name:?}; `cargo lab bench` lists those there are");
        };
        setup::ensure()?;
        let mut command = test::cargo();
        command.args(["bench", "--package", package, "--bench", bench, "--"]);
        test::run(command.args(self.args))
    }
}

/// Every bench with its package, sorted.
fn benches() -> anyhow::Result<Vec<(String, String)>> {
    let output = test::cargo()
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output();
    let output = output.context("cargo could not be started")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    read(&output.stdout)
}

fn read(metadata: &[u8]) -> anyhow::Result<Vec<(String, String)>> {
    let metadata: Metadata =
        serde_json::from_slice(metadata).context("cargo metadata is not as expected")?;
    let mut benches = Vec::new();
    for package in metadata.packages {
        let targets = package
            .targets
            .into_iter()
            .filter(|target| target.kind.iter().any(|kind| kind == "bench"));
        benches.extend(targets.map(|target| (target.name, package.name.clone())));
    }
    benches.sort();
    Ok(benches)
}

#[cfg(test)]
mod tests {
    #[test]
    fn benches_are_found_among_all_targets() {
        let metadata = br#"{"version": 1, "packages": [{"name": "flows", "targets": [
            {"name": "flows", "kind": ["lib"]}, {"name": "parse", "kind": ["bench"]}]}]}"#;
        assert_eq!(
            super::read(metadata).unwrap(),
            [("parse".to_owned(), "flows".to_owned())]
        );
        assert!(super::read(b"{").is_err());
    }
}
