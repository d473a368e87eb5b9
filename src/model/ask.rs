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
    /// There was more of something than may be; in how many seconds there may again.
    TooMany {
        of: Excess,
        retry_after: u64,
    },
    /// The store did not say whether there is such a key.
    Unavailable,
}

/// What there was too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Of one key.
    Requests,
    /// From one address.
    WrongKeys,
}

impl Excess {
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Requests => "The key makes too many requests; the Retry-After header tells when to try again.",
            Self::WrongKeys => {
                "Too many wrong keys came from this address; the Retry-After header tells when to try again."
            }
        }
    }
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
