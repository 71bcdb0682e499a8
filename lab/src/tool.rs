//! Running the system's programs (`ip`, `ovs-vsctl`, `ethtool`, ...) and turning their failures into errors that name the command.
//! The lab may do this; the controller must not.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::{Error, Result};

/// Runs `program` with `args` to its end.
///
/// # Errors
/// When it can not be started, or ends with anything but 0. Its output otherwise.
pub fn run<A: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = A>) -> Result<String> {
    let mut command = Command::new(program);
    command.args(args);
    output(&mut command)
}

/// Runs a prepared command to its end, with nothing on its standard input.
///
/// # Errors
/// As [`run`].
pub fn output(command: &mut Command) -> Result<String> {
    let line = line(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io(format!("run `{line}`")))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(stdout.into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = if stderr.trim().is_empty() {
        &stdout
    } else {
        &stderr
    };
    Err(Error::Command {
        command: line,
        status: output.status.to_string(),
        said: said.trim().to_owned(),
    })
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        let arg = arg.to_string_lossy();
        line.push(' ');
        if arg.is_empty() || arg.contains([' ', '"', '\'', '*', '$', '\\']) {
            line.push('\'');
            line.push_str(&arg.replace('\'', r"'\''"));
            line.push('\'');
        } else {
            line.push_str(&arg);
        }
    }
    line
}

/// Splits words that hold no spaces of their own, for commands that read better as one line.
pub(crate) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split_whitespace()
}
