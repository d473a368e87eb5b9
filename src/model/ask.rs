//! What the web server and a dialect hand each other: who asks, the body as far as it came, the time, and an error's
//! title for the log; knows no header.

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

/// The short name of the error that a request is answered with, for the log; a response's extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorTitle(pub &'static str);

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
