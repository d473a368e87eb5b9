//! Times as people read them, in the zone that they have chosen; knows no page.

use maud::{Markup, html};

use super::texts::Localized;
use crate::model::Instant;
use crate::model::instant::Rounding;

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A text is not a valid range of days.
#[derive(Debug, PartialEq, Eq)]
pub struct NotDays;

/// A fixed distance from UTC, in minutes. A name such as Europe/Berlin would be ambiguous once a year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone(i64);

impl Zone {
    /// All zones in use that are whole hours, and the half and quarter ones.
    pub const MINUTES: [i64; 38] = [
        -720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -120, -60, 0, 60, 120, 180, 210, 240,
        270, 300, 330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630, 660, 720, 765, 780, 840,
    ];

    pub fn from_minutes(minutes: i64) -> Option<Self> {
        Self::MINUTES.contains(&minutes).then_some(Self(minutes))
    }

    pub fn minutes(self) -> i64 {
        self.0
    }

    /// `UTC`, `UTC+3`, `UTC−3:30`
    pub fn name(self) -> String {
        let (hours, minutes) = (self.0.abs() / 60, self.0.abs() % 60);
        let sign = if self.0 < 0 { '\u{2212}' } else { '+' };
        match (self.0, minutes) {
            (0, _) => "UTC".into(),
            (_, 0) => format!("UTC{sign}{hours}"),
            _ => format!("UTC{sign}{hours}:{minutes:02}"),
        }
    }

    /// A time as if the zone were UTC.
    fn local(self, at: Instant) -> Instant {
        Instant(at.0.saturating_add(self.0 * MINUTE))
    }

    /// `2026-03-01`
    pub fn date(self, at: Instant) -> String {
        self.local(at).date()
    }

    /// The first instant of the day that it is at an instant.
    pub fn midnight(self, at: Instant) -> Instant {
        let local = self.local(at).0;
        Instant(local - local.rem_euclid(DAY) - self.0 * MINUTE)
    }

    /// The first instant of a date of the zone.
    pub fn start_of(self, date: &str) -> Option<Instant> {
        let midnight = Instant::parse(date, Rounding::Down).filter(|_| date.len() == 10)?;
        Some(Instant(midnight.0 - self.0 * MINUTE))
    }

    /// The last instant of a date of the zone.
    pub fn end_of(self, date: &str) -> Option<Instant> {
        Some(Instant(self.start_of(date)?.0 + DAY - 1))
    }

    /// From the first instant of a date to the last of another; an empty one leaves its end open. Fails if one is no date, or
    /// the last comes before the first.
    pub fn days(self, from: &str, to: &str) -> Result<(Option<Instant>, Option<Instant>), NotDays> {
        let first = if from.is_empty() { None } else { Some(self.start_of(from).ok_or(NotDays)?) };
        let last = if to.is_empty() { None } else { Some(self.end_of(to).ok_or(NotDays)?) };
        let is_reversed = first.zip(last).is_some_and(|(first, last)| first > last);
        if is_reversed { Err(NotDays) } else { Ok((first, last)) }
    }

    /// `14:05:03`
    fn clock(self, at: Instant) -> String {
        self.local(at).to_string().get(11..19).unwrap_or_default().to_owned()
    }
}

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
        let (zone, relative) = (self.zone, self.relative(at));
        html! {
            time datetime=(at.iso()) { (zone.date(at)) " " (zone.clock(at)) " " (zone.name()) }
            @if let Some(relative) = relative { span.muted { ", " (relative) } }
        }
    }

    /// The same as text.
    pub fn text(self, at: Instant) -> String {
        format!("{} {} {}", self.zone.date(at), self.zone.clock(at), self.zone.name())
    }

    /// `14:05:03 UTC+3`, where the date stands above.
    pub fn clock(self, at: Instant) -> Markup {
        html! { time datetime=(at.iso()) title=(self.text(at)) { (self.zone.clock(at)) " " (self.zone.name()) } }
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

#[cfg(test)]
mod tests {
    use super::Zone;
    use crate::model::Instant;

    #[test]
    fn times_are_written_in_their_zone() {
        let at = Instant(1_772_366_703_000);
        let written = |minutes| {
            let zone = Zone::from_minutes(minutes).unwrap();
            format!("{} {} {}", zone.date(at), zone.clock(at), zone.name())
        };
        assert_eq!(written(0), "2026-03-01 12:05:03 UTC");
        assert_eq!(written(180), "2026-03-01 15:05:03 UTC+3");
        assert_eq!(written(-210), "2026-03-01 08:35:03 UTC\u{2212}3:30");
        assert_eq!(written(780), "2026-03-02 01:05:03 UTC+13");
        assert_eq!(Zone::from_minutes(1), None);
    }

    #[test]
    fn a_day_ends_by_its_zone() {
        let end = |minutes, date| Zone::from_minutes(minutes).unwrap().end_of(date).map(Instant::iso);
        assert_eq!(end(0, "2026-03-01").unwrap(), "2026-03-01T23:59:59.999Z");
        assert_eq!(end(180, "2026-03-01").unwrap(), "2026-03-01T20:59:59.999Z");
        assert_eq!(end(0, "2026-03-32"), None);
        let midnight = |minutes| Zone::from_minutes(minutes).unwrap().midnight(Instant(1_772_366_703_000)).iso();
        assert_eq!(midnight(180), "2026-02-28T21:00:00.000Z");
        assert_eq!(midnight(-720), "2026-03-01T12:00:00.000Z");
        assert_eq!(end(0, "2026-03-01T00:00:00Z"), None);
    }
}
