//! Recipients: the addresses of persons as messages use them, and how a person's are found; knows no message.

pub mod people;
pub(super) mod person;
pub mod subscribers;
