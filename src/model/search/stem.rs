//! Gives the stem of a word, which its forms share.

use std::borrow::Cow;

use frostem::{Algorithm, Stemmer};

/// Longer words are no words of a language, and a stemmer's steps may cost more than linear time.
const MAX_BYTES: usize = 128;

/// The stem of a folded word: by the Russian rules for Cyrillic ones, by the English rules for Latin ones, else itself.
pub fn stem(word: &str) -> Cow<'_, str> {
    let algorithm = match word.chars().next() {
        _ if word.len() > MAX_BYTES => None,
        Some(first) if is_cyrillic(first) => word.chars().all(is_cyrillic).then_some(Algorithm::Russian),
        Some(first) if is_latin(first) => word.chars().all(is_latin).then_some(Algorithm::English),
        _ => None,
    };
    match algorithm.map(|algorithm| Stemmer::new(algorithm).stem(word)) {
        Some(stem) if !stem.is_empty() => stem,
        _ => Cow::Borrowed(word),
    }
}

fn is_cyrillic(char: char) -> bool {
    matches!(char, 'а'..='я' | 'ѐ'..='\u{52f}')
}

fn is_latin(char: char) -> bool {
    matches!(char, 'a'..='z' | 'ß'..='ö' | 'ø'..='ɏ')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::stem;

    #[test]
    fn russian_and_english_word_forms_have_one_stem() {
        for forms in [
            &["доставка", "доставку", "доставки", "доставкой"][..],
            &["заказ", "заказы", "заказов"],
            &["елка", "елки"],
            &["delivery", "deliveries"],
            &["order", "orders", "ordered"],
        ] {
            assert!(forms.iter().all(|form| stem(form) == stem(forms[0])), "{forms:?}");
        }
    }

    #[test]
    fn words_of_other_or_mixed_scripts_and_with_digits_have_none() {
        let long = "доставки".repeat(10);
        for word in ["orderы", "заказs", "orders2", "λόγοι", "字", long.as_str()] {
            assert_eq!(stem(word), word);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn stemmers_take_any_letters(word in "[a-zß-öø-ɏ]{0,12}|[а-яѐ-ԯ]{0,12}|[yaeiou]{0,10}[a-z]{0,4}(ing|ed|ly|ies|s)?") {
            prop_assert!(stem(&word).len() <= word.len() + 1);
        }
    }
}
