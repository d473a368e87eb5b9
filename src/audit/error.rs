//! The failures of the audit log, one sentence each; knows no record.

use thiserror::Error;

use crate::store::StoreError;

/// Why something cannot be recorded. What the user wanted to see is not shown then.
#[derive(Clone, Debug, Error)]
pub enum AuditError {
    #[error(
        "the audit log needs a key for its digests; name a file in the setting audit.key_file, the same for all gateways of \
         the database"
    )]
    NoKeyFile,
    #[error("the key of the audit log '{file}' {cause}")]
    KeyFile { file: String, cause: String },
    #[error("too many records of the audit log wait to be written; try again")]
    Full,
    #[error(transparent)]
    Store(#[from] StoreError),
}
