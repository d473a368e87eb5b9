//! The program: arguments in, exit code out; knows no command.

use std::process::ExitCode;

/// mimalloc, because the system's allocator gives a response's memory back to the kernel and takes it again for the next.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    history_gateway::cli::main(std::env::args_os())
}
