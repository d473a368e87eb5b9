//! Walks the strings of a JSON object or list, however deep, without recursion.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::value::RawValue;

/// How long a path may get before the rest of it is left out. Long keys above many values must not cost more than the
/// content itself.
const MAX_PATH_BYTES: usize = 300;

/// An object or list that is being walked, and where in it.
#[derive(Clone, Copy, Debug)]
enum Level<'a> {
    /// The key, without quotes and as escaped as it was, and whether its value is still to come.
    Object(&'a str, bool),
    List(usize),
}

/// Calls `visit` with each string that is the value of a key: the key, the path and the string. `false` if the text is
/// no JSON object or list.
pub fn visit_values<'a>(
    text: &'a str,
    is_wanted: impl Fn(&str) -> bool,
    mut visit: impl FnMut(String, Cow<'a, str>),
) -> bool {
    // Checks the whole syntax, without recursion and without building values.
    let Ok(json) = serde_json::from_str::<&RawValue>(text) else { return false };
    let json = json.get();
    if !json.starts_with(['{', '[']) {
        return false;
    }
    let (mut levels, mut at) = (Vec::new(), 0);
    while let Some(byte) = json.as_bytes().get(at) {
        at += 1;
        match (byte, levels.last_mut()) {
            (b'{', _) => levels.push(Level::Object("", false)),
            (b'[', _) => levels.push(Level::List(0)),
            (b'}' | b']', _) => {
                levels.pop();
            }
            (b',', Some(Level::Object(_, has_key))) => *has_key = false,
            (b',', Some(Level::List(index))) => *index += 1,
            (b'"', level) => {
                let string = string_at(json, at);
                at += string.len() + 1;
                match level {
                    Some(Level::Object(key, has_key)) if !*has_key => (*key, *has_key) = (string, true),
                    Some(Level::Object(key, _)) if is_wanted(&unescape(key)) => visit(path(&levels), unescape(string)),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    true
}

/// The inside of the string whose opening quote is just before `start`.
fn string_at(json: &str, start: usize) -> &str {
    let bytes = json.as_bytes();
    let mut end = start;
    while let Some(byte) = bytes.get(end).filter(|byte| **byte != b'"') {
        end += if *byte == b'\\' { 2 } else { 1 };
    }
    json.get(start..end).unwrap_or_default()
}

fn path(levels: &[Level<'_>]) -> String {
    let mut path = String::from("content");
    for level in levels {
        path.push('.');
        match level {
            // What is after the cut must cost nothing. Each character may be escaped as six bytes.
            Level::Object(key, _) => path.push_str(&unescape(&key[..key.floor_char_boundary(8 * MAX_PATH_BYTES)])),
            Level::List(index) => {
                // Writing to a string cannot fail.
                let _ = write!(path, "{index}");
            }
        }
        if path.len() > MAX_PATH_BYTES {
            path.truncate(path.floor_char_boundary(MAX_PATH_BYTES));
            path.push('…');
            break;
        }
    }
    path
}

/// The text of a valid JSON string. A lone surrogate becomes the replacement character, which has its length in UTF-16,
/// because a text that was cut within an emoji must still be found.
fn unescape(string: &str) -> Cow<'_, str> {
    let Some(first) = string.find('\\') else { return Cow::Borrowed(string) };
    let mut text = String::with_capacity(string.len());
    text.push_str(&string[..first]);
    let mut rest = &string[first..];
    while let Some(escape) = rest.find('\\') {
        text.push_str(&rest[..escape]);
        rest = &rest[escape + 1..];
        let mut chars = rest.chars();
        let escaped = chars.next();
        rest = chars.as_str();
        match escaped {
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('u') => {
                let mut units = Vec::new();
                units.extend(code_unit(&mut rest));
                while let Some(mut next) = rest.strip_prefix("\\u") {
                    units.extend(code_unit(&mut next));
                    rest = next;
                }
                text.extend(char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)));
            }
            Some(char) => text.push(char),
            None => {}
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The code unit that the four digits at the beginning of a text say; takes them off.
fn code_unit(rest: &mut &str) -> Option<u16> {
    let (digits, after) = rest.split_at_checked(4)?;
    *rest = after;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::unescape;

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        assert_eq!(unescape(r"a\ud83d\ude00\ud83d"), "a😀\u{fffd}");
        assert_eq!(unescape(r"\ude00\ud83d\n"), "\u{fffd}\u{fffd}\n");
    }

    proptest! {
        #[test]
        fn strings_are_decoded_like_serde_json_does(text in any::<String>(), escapes in r#"(\\["\\/bfnrt]|\\u[01][0-9a-f]{3}|ж|\\ud83d\\ude00){0,20}"#) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unescape(&json[1..json.len() - 1]), text);
            let expected: String = serde_json::from_str(&format!("\"{escapes}\"")).unwrap();
            prop_assert_eq!(unescape(&escapes), expected);
        }
    }
}
