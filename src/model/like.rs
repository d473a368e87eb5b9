//! Matches texts against `LIKE` patterns in bounded steps, so that a match can be cancelled; knows no database.
//!
//! A database's own `LIKE` cannot be cancelled within a text, and a pattern of a few thousand `_` keeps it busy for
//! seconds.

/// How many characters are compared between two checks of whether to continue.
const STEPS_BETWEEN_CHECKS: usize = 16 * 1024;

/// A pattern, split at its `%` into segments that are searched one after another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matcher {
    segments: Vec<Segment>,
    starts_anchored: bool,
    ends_anchored: bool,
}

/// A run of literals, each preceded by a number of arbitrary characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Segment {
    parts: Vec<(usize, String)>,
    /// How many arbitrary characters end it.
    after: usize,
}

/// Counts steps and calls `check` regularly; fails when that fails.
struct Steps<'a, E> {
    count: usize,
    check: &'a mut dyn FnMut() -> Result<(), E>,
}

impl<E> Steps<'_, E> {
    fn add(&mut self, steps: usize) -> Result<(), E> {
        self.count += steps;
        if self.count < STEPS_BETWEEN_CHECKS {
            return Ok(());
        }
        self.count = 0;
        (self.check)()
    }
}

impl Matcher {
    /// Parses a pattern: `%` matches any text, `_` one character, a backslash makes the next character literal.
    pub fn new(pattern: &str) -> Self {
        let mut matcher = Self { starts_anchored: true, ends_anchored: true, segments: Vec::new() };
        let mut segment = Segment::default();
        let (mut gap, mut literal, mut is_empty) = (0, String::new(), true);
        let mut chars = pattern.chars();
        while let Some(char) = chars.next() {
            if char != '_' && char != '%' {
                literal.push(if char == '\\' { chars.next().unwrap_or('\\') } else { char });
                (is_empty, matcher.ends_anchored) = (false, true);
                continue;
            }
            if !literal.is_empty() {
                segment.parts.push((std::mem::take(&mut gap), std::mem::take(&mut literal)));
            }
            if char == '_' {
                gap += 1;
                (is_empty, matcher.ends_anchored) = (false, true);
                continue;
            }
            segment.after = std::mem::take(&mut gap);
            if is_empty && matcher.segments.is_empty() {
                matcher.starts_anchored = false;
            } else if !is_empty {
                matcher.segments.push(std::mem::take(&mut segment));
            }
            (segment, is_empty, matcher.ends_anchored) = (Segment::default(), true, false);
        }
        if !literal.is_empty() {
            segment.parts.push((std::mem::take(&mut gap), literal));
        }
        segment.after = gap;
        if !is_empty || pattern.is_empty() {
            matcher.segments.push(segment);
        }
        matcher
    }

    /// Whether a text matches; fails as soon as `check` does.
    pub fn matches<E>(&self, text: &str, check: &mut dyn FnMut() -> Result<(), E>) -> Result<bool, E> {
        let mut steps = Steps { count: 0, check };
        let (mut rest, last) = (text, self.segments.len().saturating_sub(1));
        for (index, segment) in self.segments.iter().enumerate() {
            let from_start = index == 0 && self.starts_anchored;
            let to_end = index == last && self.ends_anchored;
            steps.add(1)?;
            let after = match (from_start, to_end) {
                (true, _) => segment.strip_start(rest, &mut steps)?,
                (false, true) => segment.strip_end(rest, &mut steps)?,
                (false, false) => segment.find_first(rest, &mut steps)?,
            };
            match after {
                Some(after) if !to_end || after.is_empty() => rest = after,
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}

impl Segment {
    /// How many characters it matches.
    fn length(&self) -> usize {
        self.parts.iter().map(|(gap, literal)| gap + literal.chars().count()).sum::<usize>() + self.after
    }

    /// The text after the segment, if the text starts with it.
    fn strip_start<'t, E>(&self, text: &'t str, steps: &mut Steps<'_, E>) -> Result<Option<&'t str>, E> {
        Self::strip_parts(&self.parts, self.after, text, steps)
    }

    /// The empty text after the segment, if the text ends with it.
    fn strip_end<'t, E>(&self, text: &'t str, steps: &mut Steps<'_, E>) -> Result<Option<&'t str>, E> {
        let length = self.length();
        steps.add(length)?;
        let start = match length.checked_sub(1) {
            None => Some(text.len()),
            Some(before) => text.char_indices().rev().nth(before).map(|(start, _)| start),
        };
        match start {
            Some(start) => self.strip_start(&text[start..], steps),
            None => Ok(None),
        }
    }

    /// The text after the first occurrence of the segment.
    fn find_first<'t, E>(&self, text: &'t str, steps: &mut Steps<'_, E>) -> Result<Option<&'t str>, E> {
        let Some((gap, literal)) = self.parts.first() else { return self.strip_start(text, steps) };
        let Some(mut from) = skip(text, *gap) else { return Ok(None) };
        loop {
            let found = from.find(literal.as_str());
            steps.add(found.unwrap_or(from.len()) / 64 + 1)?;
            let Some(found) = found else { return Ok(None) };
            // The first literal matches here; the rest of the segment must follow it.
            let rest = Self::strip_parts(&self.parts[1..], self.after, &from[found + literal.len()..], steps)?;
            if rest.is_some() {
                return Ok(rest);
            }
            let Some(next) = skip(&from[found..], 1) else { return Ok(None) };
            from = next;
        }
    }

    fn strip_parts<'t, E>(
        parts: &[(usize, String)],
        after: usize,
        text: &'t str,
        steps: &mut Steps<'_, E>,
    ) -> Result<Option<&'t str>, E> {
        let mut rest = text;
        for (gap, literal) in parts {
            steps.add(gap + literal.len())?;
            match skip(rest, *gap).and_then(|rest| rest.strip_prefix(literal.as_str())) {
                Some(after) => rest = after,
                None => return Ok(None),
            }
        }
        steps.add(after)?;
        Ok(skip(rest, after))
    }
}

/// The text after its first `characters` characters, if it has so many.
fn skip(text: &str, characters: usize) -> Option<&str> {
    match characters.checked_sub(1) {
        None => Some(text),
        Some(before) => text.char_indices().nth(before).map(|(at, char)| &text[at + char.len_utf8()..]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Matcher, STEPS_BETWEEN_CHECKS};

    /// A naive implementation of the same rules.
    fn like(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) | (['\\'], ['\\']) => true,
            (['%', rest @ ..], _) => (0..=text.len()).any(|skipped| like(rest, &text[skipped..])),
            (['_', rest @ ..], [_, text @ ..]) => like(rest, text),
            (['\\', char, rest @ ..], [first, text @ ..]) => char == first && like(rest, text),
            ([char, rest @ ..], [first, text @ ..]) if !['%', '_', '\\'].contains(char) => {
                char == first && like(rest, text)
            }
            _ => false,
        }
    }

    fn matches(pattern: &str, text: &str) -> bool {
        Matcher::new(pattern).matches::<()>(text, &mut || Ok(())) == Ok(true)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn matcher_agrees_with_a_naive_implementation(pattern in r"[abж%_\\]{0,8}", text in r"[abж%\\]{0,8}") {
            let characters = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = like(&characters(&pattern), &characters(&text));
            prop_assert_eq!(matches(&pattern, &text), expected, "{} {}", pattern, text);
        }
    }

    #[test]
    fn expensive_match_stops_when_its_callback_fails() {
        let pattern = format!("%{}b%", "a_".repeat(2000));
        let text = "a".repeat(100_000);
        let mut looks = 0;
        let result = Matcher::new(&pattern).matches(&text, &mut || {
            looks += 1;
            if looks < 3 { Ok(()) } else { Err("ended") }
        });
        assert_eq!((result, looks), (Err("ended"), 3));
    }

    #[test]
    fn wildcard_only_pattern_takes_one_step_per_character() {
        let mut looks = 0;
        let pattern = format!("%{}%", "_".repeat(5000));
        let found = Matcher::new(&pattern).matches::<()>(&"x".repeat(200_000), &mut || {
            looks += 1;
            Ok(())
        });
        assert_eq!(found, Ok(true));
        assert!(looks <= 5000 / STEPS_BETWEEN_CHECKS + 1, "{looks}");
    }
}
