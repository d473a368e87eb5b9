//! Matches texts against the patterns of `LIKE`, in bounded steps that whoever asks can end; knows no database.
//!
//! A database's own `LIKE` cannot be ended within one text, and a pattern of some thousand `_` keeps it busy for seconds.

/// How many characters are compared between two looks at whether the match is still wanted.
const STEPS_BETWEEN_LOOKS: usize = 16 * 1024;

/// A pattern, taken apart at its `%`: what lies between them is found one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matcher {
    segments: Vec<Segment>,
    starts_anchored: bool,
    ends_anchored: bool,
}

/// A run of literals, each after so many characters that may be any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Segment {
    parts: Vec<(usize, String)>,
    /// How many characters that may be any stand at its end.
    after: usize,
}

/// Counts steps and asks now and then whether to go on.
struct Steps<'a, E> {
    taken: usize,
    go_on: &'a mut dyn FnMut() -> Result<(), E>,
}

impl<E> Steps<'_, E> {
    fn take(&mut self, steps: usize) -> Result<(), E> {
        self.taken += steps;
        if self.taken < STEPS_BETWEEN_LOOKS {
            return Ok(());
        }
        self.taken = 0;
        (self.go_on)()
    }
}

impl Matcher {
    /// Reads a pattern: `%` stands for any text, `_` for one character, a backslash makes the next character plain.
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

    /// Whether a text matches; fails as soon as `go_on` does.
    pub fn matches<E>(&self, text: &str, go_on: &mut dyn FnMut() -> Result<(), E>) -> Result<bool, E> {
        let mut steps = Steps { taken: 0, go_on };
        let (mut rest, last) = (text, self.segments.len().saturating_sub(1));
        for (place, segment) in self.segments.iter().enumerate() {
            let from_start = place == 0 && self.starts_anchored;
            let to_end = place == last && self.ends_anchored;
            steps.take(1)?;
            let after = match (from_start, to_end) {
                (true, _) => segment.at_start(rest, &mut steps)?,
                (false, true) => segment.at_end(rest, &mut steps)?,
                (false, false) => segment.first(rest, &mut steps)?,
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
    /// How many characters it takes.
    fn length(&self) -> usize {
        self.parts.iter().map(|(gap, literal)| gap + literal.chars().count()).sum::<usize>() + self.after
    }

    /// What follows it where a text begins with it.
    fn at_start<'t, E>(&self, text: &'t str, steps: &mut Steps<'_, E>) -> Result<Option<&'t str>, E> {
        Self::rest(&self.parts, self.after, text, steps)
    }

    /// Nothing where a text ends with it.
    fn at_end<'t, E>(&self, text: &'t str, steps: &mut Steps<'_, E>) -> Result<Option<&'t str>, E> {
        let length = self.length();
        steps.take(length)?;
        let start = match length.checked_sub(1) {
            None => Some(text.len()),
            Some(before) => text.char_indices().rev().nth(before).map(|(start, _)| start),
        };
        match start {
            Some(start) => self.at_start(&text[start..], steps),
            None => Ok(None),
        }
    }

    /// What follows the first place where it is found.
    fn first<'t, E>(&self, text: &'t str, steps: &mut Steps<'_, E>) -> Result<Option<&'t str>, E> {
        let Some((gap, literal)) = self.parts.first() else { return self.at_start(text, steps) };
        let Some(mut from) = skip(text, *gap) else { return Ok(None) };
        loop {
            let found = from.find(literal.as_str());
            steps.take(found.unwrap_or(from.len()) / 64 + 1)?;
            let Some(found) = found else { return Ok(None) };
            // The first literal is at its place; the rest of the segment has to be too.
            let rest = Self::rest(&self.parts[1..], self.after, &from[found + literal.len()..], steps)?;
            if rest.is_some() {
                return Ok(rest);
            }
            let Some(next) = skip(&from[found..], 1) else { return Ok(None) };
            from = next;
        }
    }

    fn rest<'t, E>(
        parts: &[(usize, String)],
        after: usize,
        text: &'t str,
        steps: &mut Steps<'_, E>,
    ) -> Result<Option<&'t str>, E> {
        let mut rest = text;
        for (gap, literal) in parts {
            steps.take(gap + literal.len())?;
            match skip(rest, *gap).and_then(|rest| rest.strip_prefix(literal.as_str())) {
                Some(after) => rest = after,
                None => return Ok(None),
            }
        }
        steps.take(after)?;
        Ok(skip(rest, after))
    }
}

/// A text after so many characters of it.
fn skip(text: &str, characters: usize) -> Option<&str> {
    match characters.checked_sub(1) {
        None => Some(text),
        Some(before) => text.char_indices().nth(before).map(|(at, char)| &text[at + char.len_utf8()..]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Matcher, STEPS_BETWEEN_LOOKS};

    /// The same rules once more, plainly.
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
            let plain = like(&characters(&pattern), &characters(&text));
            prop_assert_eq!(matches(&pattern, &text), plain, "{} {}", pattern, text);
        }
    }

    #[test]
    fn expensive_match_stops_when_its_callback_fails() {
        let pattern = format!("%{}b%", "a_".repeat(2000));
        let text = "a".repeat(100_000);
        let mut looks = 0;
        let ended = Matcher::new(&pattern).matches(&text, &mut || {
            looks += 1;
            if looks < 3 { Ok(()) } else { Err("ended") }
        });
        assert_eq!((ended, looks), (Err("ended"), 3));
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
        assert!(looks <= 5000 / STEPS_BETWEEN_LOOKS + 1, "{looks}");
    }
}
