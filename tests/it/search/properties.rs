//! Properties of the search that hold for any text: its places, its spellings, its index and its cost.

use std::collections::HashSet;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use proptest::prelude::*;

use history_gateway::model::search::{
    ClauseKind, Field, IndexTerms, Query, TokenKind, fields, fold, index_terms, visit_tokens,
};

/// Texts with much of what the rules are about.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[абйиёЁa-cA-C12]{1,3}",
        "[ ,.\\-_/*\"-]",
        "[аb]{199,201}[бc]{0,2}",
        "доставк[аиу]|слов[ао]|happ(y|ily|i)|deliver(y|ies)|A-1042|12\\.50",
        "[\u{300}-\u{310}\u{327}\u{338}\u{ad}\u{fe0f}\0😀éǆÅﬁ①½－ﾊﾞㅎ한ḍ̇ΐςßİıअी\u{37a}\u{fe70}א\u{5b0}]",
    ];
    prop_oneof![3 => proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()), 1 => any::<String>()]
}

fn words(text: &str) -> Vec<(TokenKind, u32, String, String)> {
    let mut words = Vec::new();
    visit_tokens(text, |token| words.push((token.kind, token.position, token.written.into(), token.stem.into())));
    words
}

/// A document with some texts.
fn document(texts: &[String]) -> Vec<Field<'_>> {
    texts.iter().map(|text| Field { path: "content.text".into(), text: text.into() }).collect()
}

/// A query, and queries made of what a document says itself, because those are the likelier to match.
fn queries(texts: &[String], other: &str) -> Vec<String> {
    let (first, all) = (&texts[0], texts.join(" ").replace('"', ""));
    let mut queries = vec![other.into(), first.clone(), format!("\"{first}"), format!("{first} -{other}")];
    queries.push(format!("\"{all}\""));
    for (_, _, written, stem) in words(&all).into_iter().take(8) {
        let half: String = written.chars().take(written.chars().count().div_ceil(2)).collect();
        queries.push(format!("{written}* {half}*"));
        // A stem that is no beginning of its word must not count as one.
        queries.push(format!("{written} -{stem}x* -{other}*"));
        queries.push(format!("{written} -{stem}*"));
        queries.push(format!("{written} -\"{all}\""));
    }
    queries
}

/// Whether an index finds a document. One that `knows_positions` looks for phrases as such; any other looks for all of
/// their words, and must not look for negated phrases.
fn index_finds(query: &Query, terms: &IndexTerms, knows_positions: bool) -> bool {
    let places: HashSet<(u32, &str)> = terms.iter().collect();
    let has = |term: &str| places.iter().any(|(_, other)| *other == term);
    query.clauses().iter().filter(|clause| !clause.negated || clause.is_exact()).all(|clause| {
        let found = match clause.kind() {
            ClauseKind::Word(word) => has(&word),
            ClauseKind::Prefix(terms) => {
                terms.iter().any(|term| places.iter().any(|(_, other)| other.starts_with(term)))
            }
            ClauseKind::Phrase(_) if clause.negated && !knows_positions => return true,
            ClauseKind::Phrase(terms) if !knows_positions => terms.iter().all(|term| has(term)),
            ClauseKind::Phrase(terms) => places.iter().any(|(start, _)| {
                (*start..).zip(&terms).all(|(position, term)| places.contains(&(position, term.as_str())))
            }),
        };
        found != clause.negated
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_index_finds_whatever_matches(query in text(), texts in proptest::collection::vec(text(), 1..4)) {
        let document = document(&texts);
        let terms = index_terms(&document);
        for query in queries(&texts, &query) {
            let Ok(query) = Query::parse(&query) else { continue };
            if query.matches(&document).is_some() {
                prop_assert!(index_finds(&query, &terms, true), "{query:?} {terms:?}");
                prop_assert!(index_finds(&query, &terms, false), "{query:?} {terms:?}");
            } else if query.clauses().iter().all(history_gateway::model::search::Clause::is_exact) {
                prop_assert!(!index_finds(&query, &terms, true), "{query:?} {terms:?}");
            }
        }
    }

    #[test]
    fn a_text_matches_its_own_words_and_the_phrase_of_them(text in text()) {
        let text = text.replace('"', "");
        let document = document(std::slice::from_ref(&text));
        if let Ok(query) = Query::parse(&format!("\"{text}\"")) {
            prop_assert!(query.matches(&document).is_some());
        }
        // Fractions like ½ have a folded form that nobody writes.
        for (_, _, written, _) in words(&text).into_iter().filter(|(_, _, written, _)| !written.contains('\u{2044}')) {
            for query in [written.clone(), format!("{written}*"), format!("\"{written}\"")] {
                prop_assert!(Query::parse(&query).unwrap().matches(&document).is_some(), "{query}");
            }
        }
    }

    #[test]
    fn precomposed_and_decomposed_spellings_have_the_same_words(text in text()) {
        let nfd = DecomposingNormalizerBorrowed::new_nfd().normalize(&text);
        let nfc = ComposingNormalizerBorrowed::new_nfc().normalize(&text);
        prop_assert_eq!(words(&nfd), words(&nfc));
        prop_assert_eq!(words(&nfd), words(&text));
    }

    #[test]
    fn places_slice_the_text_at_characters_and_fold_to_the_word(text in text()) {
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut last = 0;
        visit_tokens(&text, |token| {
            let slice = String::from_utf16(&units[token.from..token.to]).unwrap();
            let parts: Vec<_> = token.written.split(['-', '_', '.', '/']).collect();
            if token.kind == TokenKind::Code {
                assert!(parts.len() > 1);
            } else {
                assert!(token.from >= last);
                last = token.to;
                assert_eq!(fold(&slice), token.written);
            }
            assert!(!token.written.is_empty() && !token.stem.is_empty());
        });
    }

    #[test]
    fn hits_are_sorted_apart_and_at_characters(query in text(), text in text()) {
        let document = document(std::slice::from_ref(&text));
        let Ok(query) = Query::parse(&query) else { return Ok(()) };
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut last = 0;
        for hit in query.matches(&document).unwrap_or_default() {
            prop_assert!(last <= hit.from && hit.from < hit.to && hit.to <= units.len());
            prop_assert!(String::from_utf16(&units[hit.from..hit.to]).is_ok());
            last = hit.to;
        }
    }

    #[test]
    fn terms_have_only_characters_that_no_tokenizer_splits_at(text in text()) {
        for (_, term) in index_terms(&document(&[text])).iter() {
            prop_assert!(term.chars().all(|char| char.is_ascii_alphanumeric() || !char.is_ascii()), "{term:?}");
            prop_assert!(term.len() > 1 && term.len() < 2046 && term.starts_with(['s', 'w', 'c']), "{term:?}");
        }
    }
}

/// These take minutes if something costs more than linear time.
#[test]
fn long_texts_take_linear_time() {
    for unit in [
        "y",
        "ы",
        "и\u{306}",
        "\u{301}",
        "a\u{301}\u{327}",
        "é",
        "1",
        "1-",
        "a-",
        "-",
        "a ",
        "\"",
        "-\"a",
        "😀",
        "한",
        "*",
    ] {
        let text = unit.repeat(100_000 / unit.len());
        let document = fields(&text, Some("a"));
        index_terms(&document);
        for query in ["a", "a* -b", "\"a a a b\"", &text] {
            if let Ok(query) = Query::parse(query) {
                query.matches(&document);
            }
        }
    }
    let many = format!("a{}", "\u{301}\u{323}\u{327}".repeat(30_000));
    assert_eq!(words(&many)[0].2, "a");
}
