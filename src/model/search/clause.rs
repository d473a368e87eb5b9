//! The parts of a query, and the index terms that they stand for.

use super::class::{Class, class};
use super::terms::{TermKind, is_whole, term};

/// Something that a document must have, or must not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Whether a document that has it is left out.
    pub negated: bool,
    pub(super) sought: Sought,
    /// The folded words that it looks for, as users see them.
    pub(super) shown: String,
}

/// What a clause looks for; all of it folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sought {
    Stem(String),
    /// A whole code of several parts.
    Code(String),
    /// The stems of consecutive words.
    Phrase(Vec<String>),
    /// The beginning of a word, or of a whole code if it has several parts.
    Prefix(String),
}

/// What a clause looks for in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClauseKind {
    /// A document must have this term.
    Word(String),
    /// A document must have all of these terms; only the exact match checks that they are consecutive.
    Phrase(Vec<String>),
    /// A document must have a term that begins with one of these.
    Prefix(Vec<String>),
}

impl Clause {
    /// What to look for in an index. That may find more than the clause does, never less.
    pub fn kind(&self) -> ClauseKind {
        match &self.sought {
            Sought::Stem(stem) => ClauseKind::Word(term(TermKind::Stem, stem)),
            Sought::Code(code) => ClauseKind::Word(term(TermKind::Code, code)),
            Sought::Phrase(stems) => ClauseKind::Phrase(stems.iter().map(|stem| term(TermKind::Stem, stem)).collect()),
            Sought::Prefix(code) if is_code(code) => ClauseKind::Prefix(vec![term(TermKind::Code, code)]),
            // The stem stands for the written form where both are equal.
            Sought::Prefix(word) => ClauseKind::Prefix(vec![term(TermKind::Stem, word), term(TermKind::Written, word)]),
        }
    }

    /// Whether an index finds exactly what the clause does; a phrase, only if the index knows all positions. A negated
    /// clause that is not exact must not be looked up, as it would leave out documents that match.
    pub fn is_exact(&self) -> bool {
        match &self.sought {
            Sought::Stem(text) | Sought::Code(text) => is_whole(text),
            Sought::Phrase(stems) => stems.iter().all(|stem| is_whole(stem)),
            // A stem may begin otherwise than its word: happi, happy.
            Sought::Prefix(text) => is_code(text) && is_whole(text),
        }
    }
}

/// Whether a folded text has several parts.
pub(super) fn is_code(text: &str) -> bool {
    text.chars().any(|char| matches!(class(char), Class::Joiner(_)))
}

#[cfg(test)]
mod tests {
    use super::ClauseKind;
    use crate::model::search::Query;

    fn kinds(query: &str) -> Vec<(bool, bool, ClauseKind)> {
        let query = Query::parse(query).unwrap();
        query.clauses().iter().map(|clause| (clause.negated, clause.is_exact(), clause.kind())).collect()
    }

    #[test]
    fn clauses_stand_for_index_terms() {
        let word = |term: &str| ClauseKind::Word(term.into());
        let phrase = |terms: &[&str]| ClauseKind::Phrase(terms.iter().map(ToString::to_string).collect());
        let beginning = |terms: &[&str]| ClauseKind::Prefix(terms.iter().map(ToString::to_string).collect());
        for (query, expected) in [
            ("Доставки", (false, true, word("sдоставк"))),
            ("A-1042", (false, true, word("ca\u{e02d}1042"))),
            ("1042", (false, true, word("s1042"))),
            ("\"два слова A-1\"", (false, true, phrase(&["sдва", "sслов", "sa", "s1"]))),
            ("Доста*", (false, false, beginning(&["sдоста", "wдоста"]))),
            ("A-10*", (false, true, beginning(&["ca\u{e02d}10"]))),
            ("10*", (false, false, beginning(&["s10", "w10"]))),
        ] {
            assert_eq!(kinds(query), [expected], "{query}");
        }
        assert_eq!(kinds("да -нет")[1], (true, true, word("sнет")));
        assert!(!kinds(&"1".repeat(200))[0].1);
    }
}
