//! What a database's failures mean, whichever database it is; knows no statement.

use diesel::result::{DatabaseErrorKind, Error};

use crate::store::error::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match &error {
            Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => Self::ReadOnly,
            Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Self::Busy,
            Error::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                information,
            ) => Self::Away { cause: one_line(information.message()) },
            Error::BrokenTransactionManager => Self::Away { cause: "it broke off in the middle".into() },
            Error::DatabaseError(_, information) => failure(information.message()),
            other => failure(&other.to_string()),
        }
    }
}

/// What a database's sentence means; diesel gives no code with most of them.
pub fn failure(sentence: &str) -> StoreError {
    let says = |words: &[&str]| words.iter().any(|words| sentence.contains(words));
    if says(&["locked", "busy", "due to statement timeout", "due to lock timeout", "deadlock detected"]) {
        StoreError::Busy
    } else if says(&["disk is full", "No space left on device"]) {
        StoreError::Full
    } else if says(&["malformed", "not a database"]) {
        StoreError::Malformed(sentence.to_owned())
    } else if says(&["readonly database", "read-write mode during recovery"]) {
        StoreError::ReadOnly
    } else {
        StoreError::Failed(sentence.to_owned())
    }
}

/// A sentence without its line breaks.
pub fn one_line(sentence: &str) -> String {
    sentence.split_whitespace().collect::<Vec<_>>().join(" ")
}
