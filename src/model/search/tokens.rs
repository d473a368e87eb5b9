//! Splits a text into words and codes, with their places.

use super::class::{Class, class};
use super::fold::fold_into;
use super::stem::stem;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A word, or a code of a single part.
    Word,
    /// A code of several parts as a whole; its parts follow.
    Code,
    /// A part of the code before it.
    Part,
}

/// A word or code of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: TokenKind,
    /// Which word of the text it is; a code has the position of its first part.
    pub position: u32,
    /// The folded word or code.
    pub written: &'a str,
    /// What the forms of a word share; of a code, the code itself.
    pub stem: &'a str,
    /// Where it begins and ends, in UTF-16 code units.
    pub from: usize,
    pub to: usize,
}

/// Calls `visit` with each word and code of a text, in order. It gives no list, because it runs for each message that
/// is stored, and a list costs several allocations a word.
pub fn visit_tokens(text: &str, mut visit: impl FnMut(&Token<'_>)) {
    let mut run = Run::default();
    let mut from = Place::default();
    for char in text.chars() {
        let to = Place { byte: from.byte + char.len_utf8(), unit: from.unit + char.len_utf16() };
        match class(char) {
            Class::Letter => run.add(from, to),
            Class::Digit => {
                run.add(from, to);
                run.has_digit = true;
            }
            Class::Mark if run.ends_at(from) => run.add(from, to),
            Class::Joiner(_) => {}
            Class::Mark | Class::Other => run.finish(text, &mut visit),
        }
        from = to;
    }
    run.finish(text, &mut visit);
}

/// A place in a text, as an offset in UTF-8 and in UTF-16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    byte: usize,
    unit: usize,
}

/// Letters and digits between joiners.
#[derive(Clone, Copy, Debug)]
struct Part {
    from: Place,
    to: Place,
    /// Where its folded form is in `Run::folded`.
    folded_from: usize,
    folded_to: usize,
}

/// A run of letters, digits and joiners. Joiners at its beginning and end are not in a part, and so trimmed.
#[derive(Debug, Default)]
struct Run {
    parts: Vec<Part>,
    has_digit: bool,
    folded: String,
    /// The position of the next word.
    position: u32,
}

impl Run {
    fn ends_at(&self, place: Place) -> bool {
        self.parts.last().is_some_and(|part| part.to == place)
    }

    fn add(&mut self, from: Place, to: Place) {
        match self.parts.last_mut() {
            Some(part) if part.to == from => part.to = to,
            _ => self.parts.push(Part { from, to, folded_from: 0, folded_to: 0 }),
        }
    }

    /// Visits the words of the run and begins a new one.
    fn finish(&mut self, text: &str, visit: &mut impl FnMut(&Token<'_>)) {
        let (Some(first), Some(last)) = (self.parts.first(), self.parts.last()) else { return };
        let (from, to) = (first.from, last.to);
        let is_code = self.has_digit && self.parts.len() > 1;
        self.fold(text);
        if is_code {
            let (position, written) = (self.position, self.folded.as_str());
            let kind = TokenKind::Code;
            visit(&Token { kind, position, written, stem: written, from: from.unit, to: to.unit });
        }
        let kind = if is_code { TokenKind::Part } else { TokenKind::Word };
        for part in &self.parts {
            let (position, written) = (self.position, &self.folded[part.folded_from..part.folded_to]);
            visit(&Token { kind, position, written, stem: &stem(written), from: part.from.unit, to: part.to.unit });
            self.position = self.position.saturating_add(1);
        }
        self.parts.clear();
        self.has_digit = false;
    }

    /// Folds the parts and puts the plain joiners between them.
    fn fold(&mut self, text: &str) {
        self.folded.clear();
        let mut before = None;
        for part in &mut self.parts {
            for char in text[before.unwrap_or(part.from.byte)..part.from.byte].chars() {
                if let Class::Joiner(joiner) = class(char) {
                    self.folded.push(joiner);
                }
            }
            part.folded_from = self.folded.len();
            fold_into(&text[part.from.byte..part.to.byte], &mut self.folded);
            part.folded_to = self.folded.len();
            before = Some(part.to.byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TokenKind, visit_tokens};

    /// The positions and folded words of a text, codes in brackets.
    fn words(text: &str) -> String {
        let mut words = Vec::new();
        visit_tokens(text, |token| {
            let word = format!("{}:{}", token.position, token.written);
            words.push(if token.kind == TokenKind::Code { format!("[{word}]") } else { word });
        });
        words.join(" ")
    }

    #[test]
    fn runs_without_a_digit_are_their_words() {
        for (text, expected) in [
            ("Привет, мир!", "0:привет 1:мир"),
            ("интернет-магазин и/или e_mail.", "0:интернет 1:магазин 2:и 3:или 4:e 5:mail"),
            ("don't -- ... stop", "0:don 1:t 2:stop"),
            ("", ""),
            ("\0\u{301}😀 \u{200f}", ""),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn runs_with_a_digit_are_codes_whole_and_by_their_parts() {
        for (text, expected) in [
            ("Заказ A-1042.", "0:заказ [1:a-1042] 1:a 2:1042"),
            ("12.50 руб", "[0:12.50] 0:12 1:50 2:руб"),
            ("до 2026/11/29!", "0:до [1:2026/11/29] 1:2026 2:11 3:29"),
            ("-1042. --1042-- x5", "0:1042 1:1042 2:x5"),
            ("a--1 _b_2_", "[0:a--1] 0:a 1:1 [2:b_2] 2:b 3:2"),
            ("Ａ－１０４２", "[0:a-1042] 0:a 1:1042"),
            ("№12,50", "0:12 1:50"),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn combining_marks_belong_to_the_letter_before_them() {
        assert_eq!(words("и\u{306}од е\u{308}лка"), "0:йод 1:елка");
        assert_eq!(words("\u{306}и 1\u{fe0f}\u{20e3}2 за\u{ad}каз"), "0:и 1:12 2:заказ");
        assert_eq!(words("a-\u{301}1"), "0:a 1:1");
    }

    #[test]
    fn places_are_in_utf16_code_units() {
        let mut places = Vec::new();
        visit_tokens("😀 Ёж e\u{301}-1 𝐚", |token| places.push((token.from, token.to)));
        assert_eq!(places, [(3, 5), (6, 10), (6, 8), (9, 10), (11, 13)]);
    }
}
