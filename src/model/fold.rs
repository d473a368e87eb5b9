//! Case folding and patterns for case-insensitive search, identical on every database; knows no column.

/// How many characters a pattern may have: more than any message that WhatsApp sends.
pub const MAX_PATTERN_CHARS: usize = 5000;

/// The case-folded form of a text, which searches compare. Unicode's simple case folding maps each character to one
/// character, so that `_` matches it. Code points that some database cannot store or distinguish become other
/// noncharacters.
pub fn case_fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

fn fold_char(char: char) -> char {
    match char {
        '\0' => '\u{fdd0}',
        '\u{fffe}' => '\u{fdd1}',
        '\u{ffff}' => '\u{fdd2}',
        // Its upper case is `I`, but it must not match `i`.
        'ı' => char,
        'A'..='Z' => char.to_ascii_lowercase(),
        _ if char.is_ascii() => char,
        // Through the upper case, because some lower-case letters share one: σ and ς, s and ſ.
        _ => {
            let capital = single(char, char.to_uppercase());
            single(capital, capital.to_lowercase())
        }
    }
}

/// The single character that a mapping gives, or the character itself if it gives several.
fn single(char: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => char,
    }
}

/// A case-folded `LIKE` pattern with the backslash as its escape character: `%` matches any text, `_` one character,
/// and anything else itself (docs/oneuptime.md §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Matches values that contain a text; `None` if the text is too long.
    pub fn contains(text: &str) -> Option<Self> {
        Self::new("%", text, "%")
    }

    pub fn starts_with(text: &str) -> Option<Self> {
        Self::new("", text, "%")
    }

    pub fn ends_with(text: &str) -> Option<Self> {
        Self::new("%", text, "")
    }

    /// `None` if the text is too long.
    fn new(before: &str, text: &str, after: &str) -> Option<Self> {
        let text = text.trim();
        if text.chars().nth(MAX_PATTERN_CHARS).is_some() {
            return None;
        }
        let (mut pattern, mut ends_with_percent) = (String::with_capacity(text.len() + 2), false);
        let text = case_fold(text);
        let mut chars = before.chars().chain(text.chars());
        while let Some(char) = chars.next() {
            // A backslash makes the character after it literal, and stands for itself at the end.
            let (char, is_literal) = if char == '\\' { (chars.next().unwrap_or('\\'), true) } else { (char, false) };
            match char {
                // A run of `%` matches the same as one, and costs the database more.
                '%' if !is_literal => {
                    if !ends_with_percent {
                        pattern.push('%');
                    }
                    ends_with_percent = true;
                    continue;
                }
                '%' | '_' | '\\' if is_literal => pattern.push('\\'),
                _ => {}
            }
            pattern.push(char);
            ends_with_percent = false;
        }
        if !ends_with_percent {
            pattern.push_str(after);
        }
        Some(Self(pattern))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, case_fold};

    #[test]
    fn case_folding_covers_all_scripts_and_keeps_char_counts() {
        for (one, other) in [("ПРИВЕТ", "привет"), ("Ёлка", "ЁЛКА"), ("ÉCOLE", "école"), ("ΟΔΟΣ", "οδος"), ("ǅ", "ǆ")]
        {
            assert_eq!(case_fold(one), case_fold(other), "{one} {other}");
        }
        for text in ["Straße", "İstanbul ısı", "ﬁ", "ŉ", "\0\u{1}", "ʼN", "ẞ"] {
            assert_eq!(case_fold(text).chars().count(), text.chars().count(), "{text}");
            assert_eq!(case_fold(&case_fold(text)), case_fold(text), "{text}");
        }
        assert_ne!(case_fold("ı"), case_fold("i"));
    }

    #[test]
    fn patterns_are_trimmed_and_minimized() {
        for (text, pattern) in [
            ("  a b ", "%a b%"),
            ("%%%a%%%%b%%", "%a%b%"),
            (r"c:\dir", r"%c:dir%"),
            (r"c:\\dir", r"%c:\\dir%"),
            (r"a\", r"%a\\%"),
            (r"a\%", r"%a\%%"),
            (r"100\%%", r"%100\%%"),
            (r"a\_b_", r"%a\_b_%"),
            ("", "%"),
        ] {
            assert_eq!(Pattern::contains(text), Some(Pattern(pattern.into())), "{text}");
        }
        assert_eq!(Pattern::ends_with(r"a\"), Some(Pattern(r"%a\\".into())));
        assert_eq!(Pattern::contains(&"x".repeat(5001)), None);
    }
}
