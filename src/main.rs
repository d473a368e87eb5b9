//! The program: arguments in, exit code out; knows no command.

use std::process::ExitCode;

fn main() -> ExitCode {
    history_gateway::cli::main(std::env::args_os())
}
