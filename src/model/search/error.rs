//! Why a text is no search; knows no clause.

use thiserror::Error;

/// How many words a query may have: each of them costs a comparison for each word of a document.
pub const MAX_WORDS: usize = 128;

/// Why a text is no search.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SearchSyntaxError {
    #[error("a word to search for")]
    NoWords,
    /// It says only what must not be there.
    #[error("a word to search for, not only words that must not occur")]
    OnlyNegatives,
    #[error("at most {MAX_WORDS} words")]
    TooManyWords,
    /// `-one.two*`: it is not clear what must not be there.
    #[error("without a '-' before the beginning of several words")]
    NegatedPrefix,
}
