//! How recent the data of a read must be, on a database with replicas; knows no database.

use std::fmt;

/// A point in a database's log. A server that has applied the log up to it has every write from before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Grows by one or more with each fail-over.
    pub timeline: u32,
    pub offset: u64,
}

impl Position {
    /// Parses the form that `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (timeline, offset) = text.split_once('-')?;
        let is_hexadecimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hexadecimal(timeline) || !is_hexadecimal(offset) {
            return None;
        }
        let timeline = u32::from_str_radix(timeline, 16).ok()?;
        Some(Self { timeline, offset: u64::from_str_radix(offset, 16).ok()? })
    }

    /// Whether a server that has applied the log up to here has every write from before `other`. After a fail-over, the
    /// new primary has what survived of the old one's writes.
    pub fn covers(self, other: Self) -> bool {
        self.timeline >= other.timeline && self.offset >= other.offset
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}-{:X}", self.timeline, self.offset)
    }
}

/// How recent the data of a read must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// As recent as any replica in use.
    #[default]
    Any,
    /// With every write from before a position.
    Since(Position),
    /// As recent as the primary.
    Primary,
}

impl Freshness {
    /// What a client is to send back; `None` if any data is recent enough.
    pub fn for_client(self) -> Option<String> {
        match self {
            Self::Any => None,
            Self::Since(position) => Some(position.to_string()),
            Self::Primary => Some("primary".into()),
        }
    }

    /// What a client sent back. A position that cannot be read means the primary.
    pub fn of_client(text: &str) -> Self {
        Position::parse(text).map_or(Self::Primary, Self::Since)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn position_round_trips(timeline in any::<u32>(), offset in any::<u64>()) {
            let position = Position { timeline, offset };
            prop_assert_eq!(Freshness::of_client(&position.to_string()), Freshness::Since(position));
        }

        #[test]
        fn any_other_text_means_the_primary(text in "[-+0-9A-Fa-fx ]{0,40}") {
            match Freshness::of_client(&text) {
                Freshness::Since(position) => prop_assert_eq!(Position::parse(&position.to_string()), Some(position)),
                freshness => prop_assert_eq!(freshness, Freshness::Primary),
            }
        }
    }

    #[test]
    fn position_of_a_later_timeline_is_not_covered() {
        let at = |timeline, offset| Position { timeline, offset };
        assert!(at(2, 7).covers(at(2, 7)) && at(3, 9).covers(at(2, 7)));
        assert!(!at(2, 6).covers(at(2, 7)) && !at(1, 9).covers(at(2, 7)));
    }
}
