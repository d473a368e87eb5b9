//! The terms of one message; knows no index.

/// The terms of a message.
pub struct MessageTerms {
    pub message_id: i64,
    pub terms: Vec<String>,
}
