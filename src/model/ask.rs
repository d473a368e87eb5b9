//! What the web server hands to a dialect: who asks, the body as far as it came, and the time; knows no header.

use std::sync::Arc;

use super::{Caller, Instant};

/// A request before a dialect has read it.
pub struct Asked {
    pub caller: Result<Arc<Caller>, Denial>,
    pub body: Body,
    pub now: Instant,
}

/// Why nobody may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    NoKey,
    UnknownKey,
    /// The key made more requests than it may; in how many seconds it may again.
    TooManyRequests {
        retry_after: u64,
    },
    /// The store did not say whether there is such a key.
    Unavailable,
}

/// A request's body.
pub enum Body {
    Whole(Vec<u8>),
    TooLarge {
        limit: usize,
    },
    /// It stopped arriving.
    Incomplete,
    /// There was no room for it.
    Overloaded,
    /// Nothing of it was looked at: it is longer than what is kept of whoever has no valid key.
    PassedOver,
}
