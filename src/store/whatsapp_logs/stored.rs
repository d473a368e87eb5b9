//! A WhatsApp log row as it is stored, and a change of one; knows no statement.

use crate::model::WhatsAppLog;

/// A row as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRow {
    pub log: WhatsAppLog,
    /// The subject of the edna message that the row represents; `None` if it represents none or the message has none.
    pub subject_id: Option<i64>,
    pub source: RowSource,
}

/// Where a row's data comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum RowSource {
    Message,
    /// A copy that was imported in OneUptime's form.
    Import,
    /// A message that is newer than an imported copy, which is stored too.
    MessageWithCopy(Box<WhatsAppLog>),
}

impl RowSource {
    pub fn number(&self) -> i32 {
        match self {
            Self::Message => 0,
            Self::Import => 1,
            Self::MessageWithCopy(_) => MESSAGE_AND_COPY,
        }
    }
}

/// The number of a message that is stored beside a copy.
pub const MESSAGE_AND_COPY: i32 = 2;

/// A row before and after a change; `None` if it does not exist then.
pub struct RowChange {
    pub before: Option<StoredRow>,
    pub after: Option<StoredRow>,
}
