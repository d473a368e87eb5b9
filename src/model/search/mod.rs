//! Text search over messages (docs/api.md §3): the texts that are searched, their words, index terms, queries and the
//! exact match; knows no index.

mod class;
mod clause;
mod error;
mod exact_match;
mod fields;
mod fold;
mod json;
mod parse;
mod query;
mod stem;
mod terms;
mod tokens;

pub use clause::{Clause, ClauseKind};
pub use error::SearchSyntaxError;
pub use exact_match::Hit;
pub use fields::{Field, fields, fields_of};
pub use fold::fold;
pub use query::Query;
pub use terms::{IndexTerms, index_terms};
pub use tokens::{Token, TokenKind, visit_tokens};
