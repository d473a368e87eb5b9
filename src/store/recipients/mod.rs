//! Recipients: addresses as messages use them, and how those of a person are found; knows no content of messages.

pub mod people;
pub(super) mod person;
pub mod subscribers;
