//! How texts are encoded in columns: PostgreSQL allows no U+0000 in a text, JSON does; knows no table.

use std::borrow::Cow;

/// Encodes a text for a column: U+0000 and U+0001 become two characters each, all else is unchanged. The encoding keeps
/// the order of texts, and different texts stay different.
pub fn encode(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', '\u{1}']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}"))
}

/// Encodes texts for a column.
pub fn encode_all(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| encode(text).into_owned()).collect()
}

/// Decodes a column's text.
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
