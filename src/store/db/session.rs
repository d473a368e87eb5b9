//! What a connection is for, and what stays with it from one transaction to the next; knows no database.

/// What stays with a connection from one transaction to the next. Nothing does behind a pooler that hands out another
/// server process for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Statements keep their names.
    pub named: bool,
    /// Settings stay, and touch nobody else.
    pub set_once: bool,
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
