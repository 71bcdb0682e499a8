//! `heddle`: the one binary of the product. Every command is a file of `controller::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    controller::cli::main()
}
