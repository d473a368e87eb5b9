//! The terms of one message; knows no index.

/// The terms of a message.
pub struct Document {
    pub message_id: i64,
    pub terms: Vec<String>,
}
