//! Maps database errors to store errors, for both databases; knows no statement.

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
            ) => Self::ConnectionLost { cause: one_line(information.message()) },
            Error::BrokenTransactionManager => {
                Self::ConnectionLost { cause: "it was interrupted in a transaction".into() }
            }
            Error::DatabaseError(_, information) => failure(information.message()),
            other => failure(&other.to_string()),
        }
    }
}

/// Classifies a database's error message, because diesel gives no code for most of them.
pub fn failure(sentence: &str) -> StoreError {
    let contains_any = |phrases: &[&str]| phrases.iter().any(|phrase| sentence.contains(phrase));
    if contains_any(&["locked", "busy", "due to statement timeout", "due to lock timeout", "deadlock detected"]) {
        StoreError::Busy
    } else if contains_any(&["disk is full", "No space left on device"]) {
        StoreError::Full
    } else if contains_any(&["malformed", "not a database"]) {
        StoreError::Malformed(sentence.to_owned())
    } else if contains_any(&["readonly database", "read-write mode during recovery"]) {
        StoreError::ReadOnly
    } else {
        StoreError::Failed(sentence.to_owned())
    }
}

/// A message without its line breaks.
pub fn one_line(sentence: &str) -> String {
    sentence.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reasons for which a server that runs refuses a connection. In another language than English, they are not recognised.
#[cfg(feature = "postgres")]
const REFUSALS: [&str; 6] = [
    "authentication failed",
    "does not exist",
    "pg_hba.conf",
    "no password supplied",
    "certificate",
    "address cannot be read",
];

/// Whether a server that runs has refused a connection, so that trying again does not help.
#[cfg(feature = "postgres")]
pub fn is_refusal(cause: &str) -> bool {
    REFUSALS.iter().any(|refusal| cause.contains(refusal))
}
