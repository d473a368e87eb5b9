//! What a connection is for, and what persists on it between transactions; knows no database.

/// What persists on a connection between transactions. Nothing does behind a pooler that assigns another server process
/// to each transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionState {
    /// Prepared statements keep their names.
    pub statements_persist: bool,
    /// Settings persist, and affect no other client.
    pub settings_persist: bool,
}

/// Whether statements are prepared once for each connection, or anew each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreparedStatements {
    /// Once, unless a pooler shares its server processes.
    Auto,
    Always,
    Never,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Read,
    Write,
}
