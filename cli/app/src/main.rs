//! The `kiln` binary.

mod command;
mod configuration;
mod engine;
mod output;
mod show;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::main()
}
