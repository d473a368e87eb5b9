//! The errors of commands, one sentence each, and printing that detects a closed output; knows no command.

use std::io::{self, Write};

use thiserror::Error;

use crate::config::ConfigError;
use crate::store::StoreError;
use crate::telemetry::write_within_timeout;

#[derive(Debug, Error)]
pub enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Message(String),
    /// The reader of the output closed it, as `head` does. The program exits with 0.
    #[error("standard output was closed")]
    OutputClosed,
}

impl Failure {
    pub fn message(sentence: impl Into<String>) -> Self {
        Self::Message(sentence.into())
    }

    /// An error of writing to standard output.
    pub fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Message(format!("cannot write to standard output: {error}")),
        }
    }
}

/// Prints to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

/// Prints a sentence to standard error. If nobody reads it, the command continues.
pub fn print_note(sentence: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{sentence}");
}

/// Prints the program's last sentence to standard error. The program exits even if the output blocks.
pub fn print_last_note(sentence: String) {
    write_within_timeout(move || print_note(sentence));
}
