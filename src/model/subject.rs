//! A subject: a registered sender of one channel; knows no store.

/// A registered sender. OneUptime has no equivalent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub id: i64,
    pub name: Option<String>,
    pub channel_type: String,
}
