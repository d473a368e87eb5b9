//! What a search looks for, in the language of each database's index; knows no statement.
//!
//! An index finds what may match. It has no positions, so of a phrase it finds the words, and a negated phrase is left to
//! the exact match.

use crate::model::search::{Clause, ClauseKind, Query};

/// The clauses that an index decides.
fn indexed(query: &Query) -> impl Iterator<Item = (bool, ClauseKind)> {
    let is_indexed = |clause: &&Clause| {
        let is_phrase = matches!(clause.kind(), ClauseKind::Phrase(_));
        !clause.negated || (clause.is_exact() && !is_phrase)
    };
    query.clauses().iter().filter(is_indexed).map(|clause| (clause.negated, clause.kind()))
}

/// A search in the language of FTS5.
pub fn for_file(query: &Query) -> String {
    // Terms have no quotes.
    let quoted = |term: &String| format!("\"{term}\"");
    let (mut wanted, mut unwanted): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for (negated, kind) in indexed(query) {
        let clause = match kind {
            ClauseKind::Word(term) => quoted(&term),
            ClauseKind::Phrase(terms) => terms.iter().map(quoted).collect::<Vec<_>>().join(" AND "),
            ClauseKind::Prefix(terms) => terms.iter().map(|term| quoted(term) + " *").collect::<Vec<_>>().join(" OR "),
        };
        if negated { &mut unwanted } else { &mut wanted }.push(format!("({clause})"));
    }
    let wanted = wanted.join(" AND ");
    if unwanted.is_empty() { wanted } else { format!("({wanted}) NOT ({})", unwanted.join(" OR ")) }
}

/// The term of a message with too many terms for a row: each search takes it for a candidate.
#[cfg(feature = "postgres")]
pub const ANY: &str = "any";

/// A search in the language of `tsquery`, within a range.
#[cfg(feature = "postgres")]
pub fn for_server(query: &Query, range: &str) -> String {
    let quoted = |term: &String| format!("'{term}'");
    let mut clauses = Vec::new();
    for (negated, kind) in indexed(query) {
        let clause = match kind {
            ClauseKind::Word(term) => quoted(&term),
            ClauseKind::Phrase(terms) => terms.iter().map(quoted).collect::<Vec<_>>().join(" & "),
            ClauseKind::Prefix(terms) => terms.iter().map(|term| quoted(term) + ":*").collect::<Vec<_>>().join(" | "),
        };
        clauses.push(format!("{}({clause})", if negated { "!" } else { "" }));
    }
    format!("'{range}' & ('{ANY}' | ({}))", clauses.join(" & "))
}
