//! Makes the terms that a full-text index stores, and that a query looks up there.

use super::class::{Class, class};
use super::fields::Field;
use super::tokens::{TokenKind, visit_tokens};

/// How many characters a term may have. PostgreSQL takes 2046 bytes; the exact match decides about what was cut.
pub const MAX_TERM_CHARS: usize = 200;

/// How many positions stay free between two fields, so that no phrase crosses them.
const FIELD_GAP: u32 = 1;

/// What a term holds; its first character says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermKind {
    Stem,
    /// A word as it was written, if that is not its stem.
    Written,
    /// A code of several parts as a whole.
    Code,
}

/// The terms of a document with their positions, in order. They are in one string, because an index wants many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexTerms {
    text: String,
    /// The position of each term, and where it ends in `text`.
    terms: Vec<(u32, usize)>,
}

impl IndexTerms {
    /// The position and the text of each term. Its characters are ASCII letters and digits, or not ASCII. A position
    /// may have several terms: first the whole code that begins there, then the stem, then the written form.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        let mut from = 0;
        self.terms.iter().map(move |(position, to)| {
            let term = &self.text[from..*to];
            from = *to;
            (*position, term)
        })
    }

    fn push(&mut self, position: u32, kind: TermKind, text: &str) {
        push_term(kind, text, &mut self.text);
        self.terms.push((position, self.text.len()));
    }
}

/// The terms of a document.
pub fn index_terms(fields: &[Field<'_>]) -> IndexTerms {
    let bytes: usize = fields.iter().map(|field| field.text.len()).sum();
    // A guess for plain words: a stem and a written form for each.
    let mut terms = IndexTerms { text: String::with_capacity(bytes * 2), terms: Vec::with_capacity(bytes / 5) };
    let mut start = 0_u32;
    for field in fields {
        let mut next = start;
        visit_tokens(&field.text, |token| {
            let position = start.saturating_add(token.position);
            if token.kind == TokenKind::Code {
                terms.push(position, TermKind::Code, token.written);
                return;
            }
            terms.push(position, TermKind::Stem, token.stem);
            if token.stem != token.written {
                terms.push(position, TermKind::Written, token.written);
            }
            next = position.saturating_add(1 + FIELD_GAP);
        });
        start = next;
    }
    terms
}

/// The term for a folded text.
pub fn term(kind: TermKind, text: &str) -> String {
    let mut term = String::with_capacity(text.len().min(4 * MAX_TERM_CHARS) + 1);
    push_term(kind, text, &mut term);
    term
}

/// Whether a term holds all of a text, and no longer text has the same term.
pub fn is_whole(text: &str) -> bool {
    text.len() < MAX_TERM_CHARS || text.chars().nth(MAX_TERM_CHARS - 1).is_none()
}

fn push_term(kind: TermKind, text: &str, terms: &mut String) {
    terms.push(match kind {
        TermKind::Stem => 's',
        TermKind::Written => 'w',
        TermKind::Code => 'c',
    });
    if kind == TermKind::Code {
        terms.extend(text.chars().take(MAX_TERM_CHARS).map(index_char));
    } else if is_whole(text) {
        terms.push_str(text);
    } else {
        terms.extend(text.chars().take(MAX_TERM_CHARS));
    }
}

/// The joiners as characters of private use, at which no tokenizer splits and which no folded text holds.
fn index_char(char: char) -> char {
    match class(char) {
        Class::Joiner('-') => '\u{e02d}',
        Class::Joiner('_') => '\u{e05f}',
        Class::Joiner('.') => '\u{e02e}',
        Class::Joiner('/') => '\u{e02f}',
        _ => char,
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_TERM_CHARS, TermKind, index_terms, is_whole, term};
    use crate::model::search::Field;

    fn terms(texts: &[&str]) -> String {
        let fields: Vec<_> = texts.iter().map(|text| Field { path: String::new(), text: (*text).into() }).collect();
        let terms: Vec<_> = index_terms(&fields).iter().map(|(at, term)| format!("{at}:{term}")).collect();
        terms.join(" ")
    }

    #[test]
    fn a_term_says_whether_it_is_a_stem_a_written_form_or_a_code() {
        assert_eq!(terms(&["Доставка: стол"]), "0:sдоставк 0:wдоставка 1:sстол");
        assert_eq!(terms(&["A-1_2.3/4"]), "0:ca\u{e02d}1\u{e05f}2\u{e02e}3\u{e02f}4 0:sa 1:s1 2:s2 3:s3 4:s4");
    }

    #[test]
    fn fields_are_a_gap_apart() {
        assert_eq!(terms(&["a b", "", "...", "c", "d"]), "0:sa 1:sb 3:sc 5:sd");
    }

    #[test]
    fn long_terms_are_cut() {
        let long = "ж".repeat(MAX_TERM_CHARS);
        for text in [long.clone(), format!("{long}1")] {
            assert_eq!(terms(&[&text]), format!("0:s{long}"));
            assert_eq!(term(TermKind::Stem, &text), format!("s{long}"));
            assert!(!is_whole(&text));
        }
        assert!(is_whole(&long[2..]));
        assert!(term(TermKind::Code, &"1-".repeat(1000)).len() < 2046);
    }
}
