//! Folds words, so that case, accents, ё and forms for other widths do not count.

use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use super::class::is_mark;

/// The folded form of a word: its letters and digits in lower case, without accents.
pub fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    fold_into(word, &mut folded);
    folded
}

/// Appends the folded form of a word.
pub fn fold_into(word: &str, folded: &mut String) {
    let start = folded.len();
    for char in word.chars() {
        // Most words have such letters only, and nothing that could combine with them.
        folded.push(match char {
            'a'..='z' | '0'..='9' | 'а'..='я' => char,
            'A'..='Z' => char.to_ascii_lowercase(),
            // The block has each small letter 32 places after its capital.
            'А'..='Я' => char::from_u32(u32::from(char) + 32).unwrap_or(char),
            'ё' | 'Ё' => 'е',
            _ => {
                folded.truncate(start);
                fold_any_into(word, folded);
                return;
            }
        });
    }
}

fn fold_any_into(word: &str, folded: &mut String) {
    let mut plain = String::with_capacity(word.len());
    for char in DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(word.chars()) {
        if is_mark(char) {
            if char == '\u{306}' && plain.ends_with('и') {
                // й is a letter of its own.
                plain.pop();
                plain.push('й');
            } else if !is_accent(char) {
                plain.push(char);
            }
        } else if char.is_ascii_alphanumeric() {
            plain.push(char.to_ascii_lowercase());
        } else if char == '\u{2044}' || (!char.is_ascii() && char.is_alphanumeric()) {
            // The fraction slash keeps ½ from being 12. Anything else comes from signs like ⑴ or is invisible.
            push_lower_case(char, &mut plain);
        }
    }
    folded.extend(ComposingNormalizerBorrowed::new_nfc().normalize_iter(plain.chars()));
}

/// Appends the lower case; through the upper case, because some small letters share one: σ and ς, ß and ss.
fn push_lower_case(char: char, plain: &mut String) {
    if char == 'ı' {
        // Its upper case is `I`, but it must not match `i`.
        plain.push(char);
        return;
    }
    let lower = char.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    plain.extend(lower);
}

/// Whether a mark may be left out. Vowel signs and the like are no accents: words would differ in nothing else.
fn is_accent(mark: char) -> bool {
    match CanonicalCombiningClassMapBorrowed::new().get_u8(mark) {
        0 => !mark.is_alphabetic(),
        // Lines through a letter; points of Hebrew, Arabic and Syriac; marks above and below.
        class => matches!(class, 1 | 10..=36 | 200..),
    }
}

#[cfg(test)]
mod tests {
    use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

    use super::fold;

    #[test]
    fn case_accents_and_yo_do_not_count() {
        for (one, other) in [
            ("ЁЛКА", "елка"),
            ("ёлка", "е\u{308}лка"),
            ("Café", "CAFE"),
            ("за́мок", "замок"),
            ("ОДОΣ", "ОДОς"),
            ("Straße", "STRASSE"),
            ("ẞ", "ss"),
            ("İ", "i"),
            ("їжак", "іжак"),
            ("مُحَمَّد", "محمد"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("ı"), fold("i"));
    }

    #[test]
    fn short_i_is_a_letter_of_its_own() {
        assert_ne!(fold("мой"), fold("мои"));
        for one in ["й", "Й", "и\u{306}", "И\u{306}", "и\u{301}\u{306}", "и\u{323}\u{306}", "й\u{301}"] {
            assert_eq!(fold(one), "й", "{one}");
        }
        assert_eq!(fold("и\u{301}"), "и");
        assert_eq!(fold("ѝ"), "и");
    }

    #[test]
    fn forms_for_other_widths_are_folded() {
        for (form, plain) in [
            ("ＡＢＣ１２", "abc12"),
            ("ﬁn", "fin"),
            ("①", "1"),
            ("Ⅳ", "iv"),
            ("ﾊﾞ", "バ"),
            ("⑴", "1"),
            ("½", "1⁄2"),
            ("ŀ", "l"),
        ] {
            assert_eq!(fold(form), plain, "{form}");
        }
    }

    #[test]
    fn vowel_signs_and_voicing_are_kept() {
        assert_eq!(fold("हिन्दी"), "हिन्दी");
        assert_ne!(fold("か"), fold("が"));
        assert_eq!(fold("한국"), "한국");
    }

    #[test]
    fn folding_is_stable_and_equal_for_each_spelling() {
        let nfd = DecomposingNormalizerBorrowed::new_nfd();
        let nfc = ComposingNormalizerBorrowed::new_nfc();
        for char in '\0'..'\u{30000}' {
            let text = char.to_string();
            let folded = fold(&text);
            assert_eq!(fold(&folded), folded, "{char:?} {:x}", u32::from(char));
            assert_eq!(fold(&nfd.normalize(&text)), folded, "{char:?}");
            assert_eq!(fold(&nfc.normalize(&text)), folded, "{char:?}");
        }
    }
}
