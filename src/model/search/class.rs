//! Says what a character is to the search: a part of a word, a joiner inside a code, or neither.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Letter,
    Digit,
    /// Belongs to the letter or digit before it.
    Mark,
    /// Joins the parts of a code; one of `-_./`.
    Joiner(char),
    Other,
}

pub fn class(char: char) -> Class {
    match char {
        'a'..='z' | 'A'..='Z' | 'А'..='я' | 'ё' | 'Ё' => Class::Letter,
        '0'..='9' => Class::Digit,
        '-' | '_' | '.' | '/' => Class::Joiner(char),
        _ if char.is_ascii() => Class::Other,
        // Their forms for other widths, which decompose to them.
        '\u{fe63}' | '\u{ff0d}' => Class::Joiner('-'),
        '\u{fe33}' | '\u{fe34}' | '\u{fe4d}'..='\u{fe4f}' | '\u{ff3f}' => Class::Joiner('_'),
        '\u{2024}' | '\u{fe52}' | '\u{ff0e}' => Class::Joiner('.'),
        '\u{ff0f}' => Class::Joiner('/'),
        _ if is_mark(char) || is_spacing_mark(char) || is_invisible(char) => Class::Mark,
        _ if char.is_alphabetic() => Class::Letter,
        _ if char.is_numeric() => Class::Digit,
        _ => Class::Other,
    }
}

/// Soft hyphens and the characters that only forbid or ask for a ligature or a line break: nobody sees them in a word.
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Whether a character combines with the one before it.
pub fn is_mark(char: char) -> bool {
    // The first combining mark of Unicode.
    char >= '\u{300}' && GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(char))
}

/// Letters by their category that decompose to a mark, or to a space and a mark.
fn is_spacing_mark(char: char) -> bool {
    matches!(
        char,
        '\u{37a}' | '\u{e33}' | '\u{eb3}' | '\u{fc5e}'..='\u{fc63}' | '\u{fe70}'..='\u{fe7f}' | '\u{ff9e}' | '\u{ff9f}'
    )
}

#[cfg(test)]
mod tests {
    use icu_normalizer::DecomposingNormalizerBorrowed;

    use super::{Class, class, is_mark};
    use crate::model::search::fold;

    #[test]
    fn letters_digits_marks_and_joiners_are_told_apart() {
        for (char, expected) in [
            ('й', Class::Letter),
            ('é', Class::Letter),
            ('字', Class::Letter),
            ('א', Class::Letter),
            ('Ⅳ', Class::Letter),
            ('٣', Class::Digit),
            ('½', Class::Digit),
            ('\u{301}', Class::Mark),
            ('\u{fe0f}', Class::Mark),
            ('\u{ad}', Class::Mark),
            ('\u{ff9e}', Class::Mark),
            ('.', Class::Joiner('.')),
            ('－', Class::Joiner('-')),
            ('\u{2011}', Class::Other),
            ('–', Class::Other),
            ('😀', Class::Other),
            ('\0', Class::Other),
            ('\u{37a}', Class::Mark),
        ] {
            assert_eq!(class(char), expected, "{char:?}");
        }
    }

    #[test]
    fn joiners_are_what_decomposes_to_one() {
        let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
        for char in '\0'..'\u{30000}' {
            let decomposed: String = nfkd.normalize_iter(std::iter::once(char)).collect();
            let joiner = ["-", "_", ".", "/"].iter().find(|joiner| decomposed == **joiner);
            let found = if let Class::Joiner(joiner) = class(char) { Some(joiner.to_string()) } else { None };
            assert_eq!(found.as_deref(), joiner.copied(), "{char:?}");
        }
    }

    #[test]
    fn no_letter_or_digit_begins_with_a_mark() {
        let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
        for char in ('\0'..'\u{30000}').filter(|char| matches!(class(*char), Class::Letter | Class::Digit)) {
            let first = nfkd.normalize_iter(std::iter::once(char)).next().unwrap();
            assert!(first != ' ' && !is_mark(first), "{char:?} {:x}", u32::from(char));
        }
    }

    #[test]
    fn folding_leaves_something_of_each_letter_and_digit() {
        for char in ('\0'..'\u{30000}').filter(|char| matches!(class(*char), Class::Letter | Class::Digit)) {
            let folded = fold(char.encode_utf8(&mut [0; 4]));
            assert!(!folded.is_empty(), "{char:?} {:x}", u32::from(char));
            assert!(folded.chars().all(|char| !char.is_ascii() || char.is_ascii_alphanumeric()), "{char:?} {folded}");
        }
    }
}
