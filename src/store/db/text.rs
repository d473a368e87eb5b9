//! Texts as columns hold them: PostgreSQL has no U+0000 in a text, and JSON has; knows no table.

use std::borrow::Cow;

/// A text as a column holds it: the same text, or U+0000 and U+0001 written as two characters each. The order of
/// texts stays as it was, and no two texts become one.
pub fn encode(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', '\u{1}']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}"))
}

/// Texts as a column holds them.
pub fn encode_all(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| encode(text).into_owned()).collect()
}

/// The text that a column's stands for.
pub fn decode(text: String) -> String {
    if !text.contains('\u{1}') {
        return text;
    }
    text.replace("\u{1}\u{1}", "\0").replace("\u{1}\u{2}", "\u{1}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{decode, encode};

    proptest! {
        #[test]
        fn encoding_round_trips_and_preserves_order(a in "[\u{0}-\u{3}x]{0,6}", b in "[\u{0}-\u{3}x]{0,6}") {
            prop_assert_eq!(encode(&a).as_bytes().cmp(encode(&b).as_bytes()), a.as_bytes().cmp(b.as_bytes()));
            prop_assert!(!encode(&a).contains('\0'));
            prop_assert_eq!(decode(encode(&a).into_owned()), a);
        }
    }
}
