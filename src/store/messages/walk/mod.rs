//! Finds a page of a `MessageQuery`: reads the messages of one index, or of several at once, in the order of their ids,
//! and keeps those that match; a walk over all pages reads each message once. Knows no wire form.
//!
//! | the query names | what is read |
//! |---|---|
//! | message ids | these messages |
//! | a comment | `messages_by_comment` |
//! | addresses or subscribers | `messages_by_recipient`, for each recipient that they resolve to |
//! | a broadcast | `messages_by_broadcast` |
//! | delivery statuses other than SENT, DELIVERED and READ | `messages_by_status` |
//! | a cascade | `messages_by_cascade` |
//! | subjects | `messages_by_subject` |
//! | none of these | all messages by their ids |
//!
//! The first that applies, with at most 256 values, is read; the other filters are checked for each of its messages. A search reads the text
//! index instead, unless the query names ids, a comment or a person.

pub(super) mod condition;
mod found;
mod lookup;
mod page;
mod people;
mod result;
mod searched;
pub(super) mod source;
pub(super) mod statement;
mod stream;

pub use lookup::Lookup;
pub use page::{database_plan, page, page_counted};
pub use result::{WalkLimits, WalkPage};
