//! Why a command failed, in one sentence; and printing that notices when nobody reads any more. Knows no command.

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
    Said(String),
    /// The reader of our output went away, as `head` does: no failure of ours.
    #[error("nobody reads the output")]
    NobodyReads,
}

impl Failure {
    pub fn message(sentence: impl Into<String>) -> Self {
        Self::Said(sentence.into())
    }

    /// A failure to write standard output.
    pub fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::NobodyReads,
            _ => Self::Said(format!("the output cannot be written: {error}")),
        }
    }
}

/// Prints to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

/// Tells the user something on standard error. Where nobody reads it, the command goes on.
pub fn print_note(sentence: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{sentence}");
}

/// The same for the last sentence of the program, which ends also where its output takes nothing more.
pub fn say_last(sentence: String) {
    write_within_timeout(move || print_note(sentence));
}
