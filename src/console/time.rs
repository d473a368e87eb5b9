//! Times as people read them, in the zone that they have chosen; knows no page.

use maud::{Markup, html};

use super::texts::Localized;
use super::zone::Zone;
use crate::model::Instant;

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How times are written on a page.
#[derive(Clone, Copy)]
pub struct Times<'a> {
    pub texts: Localized<'a>,
    pub zone: Zone,
    pub now: Instant,
    /// Whether it is for a sheet that outlives its page: it has no ages, and no links into the console.
    pub is_printed: bool,
}

impl Times<'_> {
    /// `2026-03-01 14:05:03 UTC+3, 2 h ago`
    pub fn full(self, at: Instant) -> Markup {
        let relative = self.relative(at);
        html! {
            time datetime=(at.iso()) { (self.text(at)) }
            @if let Some(relative) = relative { span.muted { ", " (relative) } }
        }
    }

    /// The same as text.
    pub fn text(self, at: Instant) -> String {
        format!("{} {} {}", self.zone.date(at), self.zone.clock(at), self.zone.offset(at))
    }

    /// `14:05:03 UTC+3`, where the date stands above.
    pub fn clock(self, at: Instant) -> Markup {
        html! { time datetime=(at.iso()) title=(self.text(at)) { (self.zone.clock(at)) " " (self.zone.offset(at)) } }
    }

    /// How long ago something was; nothing for the future.
    pub fn relative(self, at: Instant) -> Option<String> {
        let passed = self.now.0.saturating_sub(at.0);
        let (id, number) = match passed {
            _ if passed < 0 || self.is_printed => return None,
            _ if passed < MINUTE => return Some(self.texts.text("just-now")),
            _ if passed < HOUR => ("minutes-ago", passed / MINUTE),
            _ if passed < DAY => ("hours-ago", passed / HOUR),
            _ => ("days-ago", passed / DAY),
        };
        Some(self.texts.with(id, [("number", number.into())]))
    }
}
