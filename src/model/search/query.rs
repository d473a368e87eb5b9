//! A search as users write it, and what it looks for.

use super::clause::{Clause, Sought};
use super::error::{MAX_WORDS, SearchSyntaxError};
use super::parse::{clauses_of, pieces};

/// A parsed search: all of its clauses must hold for a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// As it was written.
    text: String,
    clauses: Vec<Clause>,
}

impl Query {
    /// Parses a search: `word`, `"a phrase"`, `begin*`, `-word`, `-"a phrase"`.
    pub fn parse(text: &str) -> Result<Self, SearchSyntaxError> {
        let (mut clauses, mut words) = (Vec::new(), 0);
        for piece in pieces(text) {
            for clause in clauses_of(&piece)? {
                words += if let Sought::Phrase(stems) = &clause.sought { stems.len() } else { 1 };
                if words > MAX_WORDS {
                    return Err(SearchSyntaxError::TooManyWords);
                }
                if !clauses.contains(&clause) {
                    clauses.push(clause);
                }
            }
        }
        if clauses.is_empty() {
            return Err(SearchSyntaxError::NoWords);
        }
        if clauses.iter().all(|clause| clause.negated) {
            return Err(SearchSyntaxError::OnlyNegatives);
        }
        Ok(Self { text: text.to_owned(), clauses })
    }

    /// The folded words, phrases and beginnings that it looks for, in order; not those that must not occur.
    pub fn terms(&self) -> Vec<&str> {
        self.clauses.iter().filter(|clause| !clause.negated).map(|clause| clause.shown.as_str()).collect()
    }

    /// The search as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Only what must occur.
    #[must_use]
    pub fn without_negatives(&self) -> Self {
        let clauses = self.clauses.iter().filter(|clause| !clause.negated).cloned().collect();
        Self { text: self.text.clone(), clauses }
    }

    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }
}

#[cfg(test)]
mod tests {
    use super::Query;
    use crate::model::search::error::{MAX_WORDS, SearchSyntaxError};

    fn terms(query: &str) -> Result<String, SearchSyntaxError> {
        Query::parse(query).map(|query| query.terms().join("|"))
    }

    #[test]
    fn terms_are_the_folded_words_that_it_looks_for() {
        for (query, expected) in [
            ("Доставка \"два слова\" -нет A-1042", "доставка|два слова|a-1042"),
            ("Ёлка* Café а\"б", "елка*|cafe|а|б"),
            ("\"Заказ A-1042, готов\"", "заказ a-1042 готов"),
            ("интернет-магазин привет,мир", "интернет|магазин|привет|мир"),
            ("да да ДА дать", "да|дать"),
        ] {
            assert_eq!(terms(query).as_deref(), Ok(expected), "{query}");
        }
    }

    #[test]
    fn a_query_without_words_or_with_negatives_only_is_an_error() {
        for query in ["", " ", "*", "-", "\"", "\"\"", "-\"\" ...", "😀 \u{301}"] {
            assert_eq!(terms(query), Err(SearchSyntaxError::NoWords), "{query}");
        }
        for query in ["-нет", "-\"a b\" -c", "-a*"] {
            assert_eq!(terms(query), Err(SearchSyntaxError::OnlyNegatives), "{query}");
        }
    }

    #[test]
    fn a_query_has_a_limit_of_words() {
        let words = |count| "a ".repeat(count);
        assert!(terms(&words(MAX_WORDS)).is_ok());
        assert_eq!(terms(&words(MAX_WORDS + 1)), Err(SearchSyntaxError::TooManyWords));
        assert_eq!(terms(&format!("\"{}", words(MAX_WORDS + 1))), Err(SearchSyntaxError::TooManyWords));
    }
}
