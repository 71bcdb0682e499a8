//! `heddle-lab setup`: what labs need of the system, and how to get it.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};

/// A file that labs use, and the Debian package that has it.
struct Need {
    file: &'static str,
    package: &'static str,
}

const NEEDS: [Need; 12] = [
    Need {
        file: "ovs-vswitchd",
        package: "openvswitch-switch",
    },
    Need {
        file: "ovsdb-server",
        package: "openvswitch-switch",
    },
    Need {
        file: "ovs-vsctl",
        package: "openvswitch-switch",
    },
    Need {
        file: "/usr/share/openvswitch/vswitch.ovsschema",
        package: "openvswitch-switch",
    },
    Need {
        file: "ovsdb-tool",
        package: "openvswitch-common",
    },
    Need {
        file: "ovs-ofctl",
        package: "openvswitch-common",
    },
    Need {
        file: "ip",
        package: "iproute2",
    },
    Need {
        file: "ss",
        package: "iproute2",
    },
    Need {
        file: "faketime",
        package: "faketime",
    },
    Need {
        file: "ethtool",
        package: "ethtool",
    },
    Need {
        file: "tcpdump",
        package: "tcpdump",
    },
    // For whoever looks around in a demo.
    Need {
        file: "ping",
        package: "iputils-ping",
    },
];

/// Where programs are looked for beside `PATH`: a user's `PATH` often lacks them.
const PLACES: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"];

impl Need {
    fn is_there(&self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut places = std::env::split_paths(&path).chain(PLACES.map(Into::into));
        // Joining an absolute path gives that path.
        places.any(|place| place.join(self.file).exists())
    }
}

pub(super) fn run() -> anyhow::Result<ExitCode> {
    if ensure()? {
        println!("all there: {}", NEEDS.map(|need| need.file).join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that everything is there. True when nothing had to be done.
pub(super) fn ensure() -> anyhow::Result<bool> {
    let missing: Vec<_> = NEEDS.iter().filter(|need| !need.is_there()).collect();
    if missing.is_empty() {
        return Ok(true);
    }
    let files: Vec<_> = missing.iter().map(|need| need.file).collect();
    let mut packages: Vec<_> = missing.iter().map(|need| need.package).collect();
    packages.sort_unstable();
    packages.dedup();
    let (files, packages_text) = (files.join(", "), packages.join(" "));
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!(
            "missing: {files}; install what this system calls the Debian packages {packages_text}"
        );
    }
    if !nix::unistd::geteuid().is_root() {
        bail!(
            "missing: {files}; install them with: sudo apt-get install -y --no-install-recommends {packages_text}"
        );
    }
    println!("missing: {files}; installing {packages_text}");
    let install: Vec<_> = ["install", "-y", "--no-install-recommends"]
        .into_iter()
        .chain(packages)
        .collect();
    // A fresh machine has no package lists yet, or old ones.
    if !apt_get(&install)? {
        println!("fetching package lists first");
        if !apt_get(&["update"])? || !apt_get(&install)? {
            bail!("apt-get did not install {packages_text}; its messages are above");
        }
    }
    let still: Vec<_> = NEEDS
        .iter()
        .filter(|need| !need.is_there())
        .map(|need| need.file)
        .collect();
    if still.is_empty() {
        Ok(false)
    } else {
        bail!("still missing after the installation: {}", still.join(", "))
    }
}

/// Runs apt-get; its output is the progress.
fn apt_get(args: &[&str]) -> anyhow::Result<bool> {
    let mut command = Command::new("apt-get");
    command
        .arg("-q")
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    Ok(command
        .status()
        .context("apt-get could not be started")?
        .success())
}

/// An error that says how to become root, if this is somebody else.
pub(super) fn check_root(what: &str) -> anyhow::Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    bail!(
        "{what} needs root, for network namespaces: run it in a root shell, or with `sudo -E env PATH=\"$PATH\" ...`"
    )
}

#[cfg(test)]
mod tests {
    use super::Need;

    #[test]
    fn programs_and_files_are_found_or_missed() {
        let is_there = |file| Need { file, package: "" }.is_there();
        assert!(is_there("sh") && is_there("/etc/passwd"));
        assert!(!is_there("no-such-program") && !is_there("/etc/no-such-file"));
    }
}
