//! The failures of the store, one sentence each; knows no message and no response.

use std::fmt;

use thiserror::Error;

use crate::model::TenantId;

/// Why a query was cancelled before it had a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    ClientGone,
    Deadline,
    Stopping,
    /// The server that ran the query was replaced, or does not respond.
    ServerLost,
    /// The query turned out to be expensive: it runs again as an expensive one.
    TooExpensive,
}

impl CancelReason {
    pub fn word(self) -> &'static str {
        match self {
            Self::ClientGone => "client_gone",
            Self::Deadline => "deadline",
            Self::Stopping => "stopping",
            Self::ServerLost => "server_lost",
            Self::TooExpensive => "bound",
        }
    }

    pub(super) const ALL: [Self; 5] =
        [Self::ClientGone, Self::Deadline, Self::Stopping, Self::ServerLost, Self::TooExpensive];
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientGone => "its client disconnected",
            Self::Deadline => "its deadline passed",
            Self::Stopping => "the server stops",
            Self::ServerLost => "its database server was replaced or does not respond",
            Self::TooExpensive => "it examines more rows than a cheap query may",
        })
    }
}

/// Every failure of the store. The sentences are shown and logged, so they contain no value of a row.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    #[error("the store is busy: it did not answer in time; try again")]
    Busy,
    #[error("the query was cancelled: {0}; try again")]
    Cancelled(CancelReason),
    #[error("too many expensive queries are waiting; try again")]
    Overloaded,
    #[error("'{url}' is no database address: {reason}; use sqlite://FILE or postgres://USER@HOST/DATABASE")]
    Address { url: String, reason: &'static str },
    #[error(
        "there is no store at '{file}'; check --database and the setting database.url, or make a store: \
         'history-gateway tenant create' makes one with a tenant, 'history-gateway migrate' an empty one"
    )]
    Missing { file: String },
    #[error("the store '{file}' cannot be opened: {cause}; check that its directory exists and may be written to")]
    CannotOpen { file: String, cause: String },
    #[error(
        "the database '{database}' cannot be reached: {cause}; check database.url, and that the server runs and accepts this role"
    )]
    CannotConnect {
        database: String,
        cause: String,
        /// Whether a server has answered that it does not want this client.
        is_refused: bool,
    },
    #[error(
        "no server of '{database}' accepts writes: {cause}; promote one, or check that database.url names the right ones"
    )]
    NoPrimary { database: String, cause: String },
    #[error(
        "the server of '{database}' is an old primary: another server was promoted after it, so it is neither read nor \
         written; stop it, or start history-gateway again if it is the right one"
    )]
    OldPrimary { database: String },
    #[error(
        "the store '{file}' is a file, which has no replicas; use postgres:// in database.url, or no database.replicas"
    )]
    NoReplicas { file: String },
    #[error("the connection to the database was lost: {cause}")]
    ConnectionLost { cause: String },
    #[error("the server of '{database}' is PostgreSQL {version}; history-gateway needs PostgreSQL 14 or newer")]
    OldServer { database: String, version: String },
    #[error("the database '{database}' has the encoding {encoding}; make one with ENCODING 'UTF8' TEMPLATE template0")]
    Encoding { database: String, encoding: String },
    #[error("the role '{role}' may not {what} in '{database}'; {remedy}")]
    MissingRights { database: String, role: String, what: String, remedy: String },
    #[error("'{file}' is not a history-gateway store; it was left as it is; name another one in database.url")]
    NotAStore { file: String },
    #[error(
        "the store '{file}' was written by a newer version (its schema has '{version}'); it was left as it is; \
         use that version or a newer one"
    )]
    NewerSchema { file: String, version: String },
    #[error("the store '{file}' was written by an older version; 'history-gateway migrate' brings it up to date")]
    OlderSchema { file: String },
    #[error("the store '{file}' is damaged: {cause}; restore it from a copy")]
    Damaged { file: String, cause: String },
    #[error("the store's schema is out of date; run 'history-gateway migrate'")]
    Outdated,
    #[error("the disk is full: the last write was rolled back; earlier writes are safe")]
    Full,
    #[error(
        "the store '{file}' was removed, replaced or moved while it was open, and nothing more is written to it; put it back, \
         or start again"
    )]
    Vanished { file: String },
    #[error("the store may not be written to; check the permissions of its file and directory, or its server's role")]
    ReadOnly,
    #[error("there is no tenant {0}; 'history-gateway tenant create --id {0} --name NAME' makes it")]
    UnknownTenant(TenantId),
    #[error(
        "the other store has tenant {tenant} with another project, or another tenant with the project {project_id}; \
         copy into a store without them"
    )]
    TakenProject { tenant: TenantId, project_id: String },
    #[error("a key belongs to tenant {tenant} in the other store; one key identifies one tenant")]
    TakenKey { tenant: TenantId },
    #[error(
        "a login of this tenant belongs to a user of tenant {tenant} in the target; give one of them another login"
    )]
    TakenLogin { tenant: TenantId },
    #[error("a row of the store is damaged: {0}; 'history-gateway check' shows details")]
    DamagedRow(String),
    #[error(
        "the store is damaged: {0}; 'history-gateway check' shows details, and 'restore' puts a backup in its place"
    )]
    Malformed(String),
    #[error("the store failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// Whether the store is sound, and the request named something that does not exist.
    pub fn is_request_error(&self) -> bool {
        matches!(self, Self::UnknownTenant(_))
    }

    /// Whether the cause lies in the store, so that other requests fail too until somebody fixes it.
    pub fn is_store_fault(&self) -> bool {
        matches!(self, Self::Full | Self::ReadOnly | Self::Vanished { .. } | Self::Malformed(_) | Self::Damaged { .. })
    }

    /// Whether a server of the database may be starting, or about to be promoted, so that waiting for it makes sense.
    pub fn is_server_away(&self) -> bool {
        match self {
            Self::CannotConnect { is_refused, .. } => !is_refused,
            Self::NoPrimary { .. }
            | Self::OldPrimary { .. }
            | Self::ConnectionLost { .. }
            | Self::ReadOnly
            | Self::Busy => true,
            _ => false,
        }
    }

    /// Whether the failure is permanent, so that a retry does not help.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::DamagedRow(_) | Self::Damaged { .. } | Self::Malformed(_))
    }

    /// Logs the cause, which the response does not contain. Cancelled and rejected queries have a log line already.
    pub fn log(&self, sentence: &'static str) {
        match self {
            Self::Cancelled(_) | Self::Overloaded => {}
            Self::Busy => tracing::warn!(cause = %self, "{sentence}"),
            _ => tracing::error!(cause = %self, "{sentence}"),
        }
    }
}
