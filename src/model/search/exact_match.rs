//! Decides whether a document matches a query, and where; knows no index.

use super::clause::{Sought, is_code};
use super::fields::Field;
use super::query::Query;
use super::tokens::{Token, TokenKind, visit_tokens};

/// A place in a document that a query looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit<'a> {
    /// The path of the field.
    pub path: &'a str,
    /// Where it begins and ends, in UTF-16 code units.
    pub from: usize,
    pub to: usize,
}

/// What a clause looks for, with stems as numbers.
enum Test<'q> {
    Stem(usize),
    Code(&'q str),
    Phrase(Vec<usize>),
    WordPrefix(&'q str),
    CodePrefix(&'q str),
}

/// A word of a field: the number of its stem, if the query has that, and its place.
type Word = (Option<usize>, usize, usize);

/// The clauses of a query, and which of them were found.
struct Search<'q> {
    stems: Vec<&'q str>,
    /// Each with whether it is negated and whether it was found.
    tests: Vec<(Test<'q>, bool, bool)>,
}

impl Query {
    /// The places that a document has of what the query looks for, in their order; `None` if the document does not
    /// match. Overlapping places become one.
    pub fn matches<'f>(&self, fields: &'f [Field<'_>]) -> Option<Vec<Hit<'f>>> {
        let (mut search, mut hits) = (Search::new(self), Vec::new());
        for field in fields {
            let mut places = search.places(&field.text);
            if search.tests.iter().any(|(_, negated, found)| *negated && *found) {
                return None;
            }
            places.sort_unstable();
            let first = hits.len();
            for (from, to) in places {
                match hits[first..].last_mut() {
                    Some(Hit { to: last, .. }) if from < *last => *last = to.max(*last),
                    _ => hits.push(Hit { path: &field.path, from, to }),
                }
            }
        }
        search.tests.iter().all(|(_, negated, found)| negated != found).then_some(hits)
    }
}

impl<'q> Search<'q> {
    fn new(query: &'q Query) -> Self {
        let mut stems: Vec<&str> = Vec::new();
        let mut number = |stem: &'q str| {
            stems.iter().position(|other| *other == stem).unwrap_or_else(|| {
                stems.push(stem);
                stems.len() - 1
            })
        };
        let clauses = query.clauses().iter();
        let tests = clauses.map(|clause| {
            let test = match &clause.sought {
                Sought::Stem(stem) => Test::Stem(number(stem)),
                Sought::Code(code) => Test::Code(code),
                Sought::Phrase(stems) => Test::Phrase(stems.iter().map(|stem| number(stem)).collect()),
                Sought::Prefix(text) if is_code(text) => Test::CodePrefix(text),
                Sought::Prefix(text) => Test::WordPrefix(text),
            };
            (test, clause.negated, false)
        });
        let tests = tests.collect();
        Self { stems, tests }
    }

    /// Where the clauses are in a text, in no order; notes which of them were found.
    fn places(&mut self, text: &str) -> Vec<(usize, usize)> {
        let (mut words, mut places): (Vec<Word>, Vec<_>) = (Vec::new(), Vec::new());
        let has_phrase = self.tests.iter().any(|(test, ..)| matches!(test, Test::Phrase(_)));
        visit_tokens(text, |token| {
            let number = self.stems.iter().position(|stem| *stem == token.stem);
            for (test, negated, found) in &mut self.tests {
                if test.is_met(token, number) {
                    *found = true;
                    if !*negated {
                        places.push((token.from, token.to));
                    }
                }
            }
            if has_phrase && token.kind != TokenKind::Code {
                words.push((number, token.from, token.to));
            }
        });
        for (test, negated, found) in &mut self.tests {
            let Test::Phrase(phrase) = test else { continue };
            for window in words.windows(phrase.len()) {
                if window.iter().zip(&*phrase).all(|((number, ..), sought)| *number == Some(*sought)) {
                    *found = true;
                    if let ([(_, from, _), .., (_, _, to)], false) = (window, *negated) {
                        places.push((*from, *to));
                    }
                }
            }
        }
        places
    }
}

impl Test<'_> {
    fn is_met(&self, token: &Token<'_>, number: Option<usize>) -> bool {
        let is_code = token.kind == TokenKind::Code;
        match self {
            Self::Stem(stem) => !is_code && number == Some(*stem),
            Self::WordPrefix(beginning) => !is_code && token.written.starts_with(beginning),
            Self::Code(code) => is_code && token.written == *code,
            Self::CodePrefix(beginning) => is_code && token.written.starts_with(beginning),
            // Is no single token.
            Self::Phrase(_) => false,
        }
    }
}
