//! Recipients: addresses as messages use them, and how those of a person are found; knows no content of messages.

mod lookup;
pub mod person;
pub(super) mod person_page;
pub mod resolve;
pub mod rows;
pub mod target;
