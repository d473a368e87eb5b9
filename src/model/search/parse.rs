//! Splits the text of a query into its pieces, and those into clauses.

use super::clause::{Clause, Sought};
use super::error::{MAX_WORDS, SearchSyntaxError};
use super::tokens::{TokenKind, visit_tokens};

/// What is between white space and quotes, or inside quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    negated: bool,
    quoted: bool,
    text: &'a str,
}

pub fn pieces(query: &str) -> impl Iterator<Item = Piece<'_>> {
    let (mut rest, mut begins) = (query, true);
    std::iter::from_fn(move || {
        let trimmed = rest.trim_start();
        // A minus negates only at the beginning or after white space.
        begins |= trimmed.len() < rest.len();
        rest = trimmed;
        if rest.is_empty() {
            return None;
        }
        let negation = rest.strip_prefix('-').filter(|_| begins);
        rest = negation.unwrap_or(rest);
        begins = false;
        let quotation = rest.strip_prefix('"');
        rest = quotation.unwrap_or(rest);
        let end = match quotation {
            Some(quotation) => quotation.find('"'),
            None => rest.find(|char: char| char == '"' || char.is_whitespace()),
        };
        let (text, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = if quotation.is_some() { after.strip_prefix('"').unwrap_or(after) } else { after };
        Some(Piece { negated: negation.is_some(), quoted: quotation.is_some(), text })
    })
}

/// A word or code of a piece, folded.
struct Word {
    kind: TokenKind,
    written: String,
    stem: String,
}

/// The clauses of a piece: each of its words, or the phrase of them.
pub fn clauses_of(piece: &Piece<'_>) -> Result<Vec<Clause>, SearchSyntaxError> {
    let starless = piece.text.trim_end_matches('*');
    let is_prefix = !piece.quoted && starless.len() < piece.text.len();
    let (mut words, mut count) = (Vec::new(), 0);
    visit_tokens(starless, |token| {
        count += 1;
        // Of a word too many, only that it is there counts. A code has a token for itself and one for each part.
        if words.len() <= 2 * MAX_WORDS {
            words.push(Word { kind: token.kind, written: token.written.into(), stem: token.stem.into() });
        }
    });
    if count > words.len() {
        return Err(SearchSyntaxError::TooManyWords);
    }
    let is_single = words.iter().filter(|word| word.kind != TokenKind::Part).count() <= 1;
    if piece.quoted || (piece.negated && !is_single) {
        return if is_prefix { Err(SearchSyntaxError::NegatedPrefix) } else { Ok(phrase(piece.negated, words)) };
    }
    // The parts of a code are found with it.
    words.retain(|word| word.kind != TokenKind::Part);
    let last = words.len().saturating_sub(1);
    let clause = |(index, word): (usize, Word)| {
        let (sought, shown) = match word.kind {
            _ if is_prefix && index == last => (Sought::Prefix(word.written.clone()), format!("{}*", word.written)),
            TokenKind::Code => (Sought::Code(word.stem), word.written),
            TokenKind::Word | TokenKind::Part => (Sought::Stem(word.stem), word.written),
        };
        Clause { negated: piece.negated, sought, shown }
    };
    Ok(words.into_iter().enumerate().map(clause).collect())
}

/// The clause for consecutive words; a code stands for its parts.
fn phrase(negated: bool, words: Vec<Word>) -> Vec<Clause> {
    let shown: Vec<_> =
        words.iter().filter(|word| word.kind != TokenKind::Part).map(|word| word.written.as_str()).collect();
    let shown = shown.join(" ");
    let stems = words.into_iter().filter(|word| word.kind != TokenKind::Code).map(|word| word.stem);
    let mut stems: Vec<_> = stems.collect();
    let sought = match stems.len() {
        0 => None,
        1 => stems.pop().map(Sought::Stem),
        _ => Some(Sought::Phrase(stems)),
    };
    sought.map(|sought| Clause { negated, sought, shown }).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::pieces;
    use crate::model::search::{ClauseKind, Query, SearchSyntaxError};

    /// The pieces, negated ones with a minus and quoted ones in brackets.
    fn split(query: &str) -> String {
        let piece = |piece: super::Piece<'_>| {
            let sign = if piece.negated { "-" } else { "" };
            if piece.quoted { format!("{sign}[{}]", piece.text) } else { format!("{sign}{}", piece.text) }
        };
        pieces(query).map(piece).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn a_minus_negates_only_at_the_beginning_of_a_token() {
        assert_eq!(split("-a b-c \u{a0}-d --e"), "-a|b-c|-d|--e");
        assert_eq!(split("\"a\"-b c\"-d\""), "[a]|-b|c|[-d]");
        assert_eq!(Query::parse("\"a\"-b").unwrap().terms(), ["a", "b"]);
    }

    #[test]
    fn quotes_make_phrases_and_an_unclosed_one_reaches_to_the_end() {
        assert_eq!(split("a \"b c\" -\"d e\"f \"g -h*"), "a|[b c]|-[d e]|f|[g -h*]");
        assert_eq!(split("a\""), "a|[]");
    }

    #[test]
    fn a_star_counts_only_at_the_end_of_a_token() {
        for (query, terms) in [("дост*", "дост*"), ("a*b", "a b"), ("*a", "a"), ("\"a b*\"", "a b"), ("a.b**", "a b*")]
        {
            assert_eq!(Query::parse(query).unwrap().terms().join(" "), terms, "{query}");
        }
    }

    #[test]
    fn a_negated_token_of_several_words_is_a_phrase() {
        let query = Query::parse("a -интернет-магазин").unwrap();
        assert_eq!(query.clauses()[1].kind(), ClauseKind::Phrase(vec!["sинтернет".into(), "sмагазин".into()]));
        assert_eq!(Query::parse("a -интернет-мага*"), Err(SearchSyntaxError::NegatedPrefix));
    }
}
