//! `heddle-lab down`: removes labs that nobody uses any more.

use std::process::ExitCode;

use clap::Args;

use super::setup;

/// Which ones.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The lab's id, as `demo --keep` prints it [default: all that were left up]
    #[arg(value_name = "ID")]
    id: Option<String>,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        setup::check_root("removing a lab")?;
        let wanted = |lab: &&lab::Found| self.id.as_ref().is_none_or(|id| *id == lab.id);
        let labs = lab::find_all()?;
        let mut found = labs.iter().filter(wanted).peekable();
        if found.peek().is_none() {
            match &self.id {
                None => println!("no lab is up"),
                Some(id) => anyhow::bail!("there is no lab {id:?}"),
            }
        }
        for lab in found {
            if lab.in_use() {
                println!(
                    "lab {}: left alone, the program that made it still runs",
                    lab.id
                );
                continue;
            }
            let (processes, namespaces) = lab.size();
            lab.tear_down()?;
            println!(
                "lab {}: {processes} processes and {namespaces} namespaces removed",
                lab.id
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
