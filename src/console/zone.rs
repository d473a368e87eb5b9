//! The zone in which a user reads times: its days, and its distance from UTC at each instant; knows no page.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::model::Instant;
use crate::model::history::Window;

/// A text is not a valid range of days.
#[derive(Debug, PartialEq, Eq)]
pub struct NotDays;

/// A zone of the IANA database. UTC unless another is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Default for Zone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl Zone {
    /// The zones that every page offers. A browser may name any other.
    pub const OFFERED: [Self; 48] = [
        Self(Tz::UTC),
        Self(Tz::Europe__Kaliningrad),
        Self(Tz::Europe__Moscow),
        Self(Tz::Europe__Samara),
        Self(Tz::Asia__Yekaterinburg),
        Self(Tz::Asia__Omsk),
        Self(Tz::Asia__Novosibirsk),
        Self(Tz::Asia__Krasnoyarsk),
        Self(Tz::Asia__Irkutsk),
        Self(Tz::Asia__Yakutsk),
        Self(Tz::Asia__Vladivostok),
        Self(Tz::Asia__Magadan),
        Self(Tz::Asia__Kamchatka),
        Self(Tz::Europe__Minsk),
        Self(Tz::Europe__Kyiv),
        Self(Tz::Europe__Chisinau),
        Self(Tz::Asia__Tbilisi),
        Self(Tz::Asia__Yerevan),
        Self(Tz::Asia__Baku),
        Self(Tz::Asia__Tashkent),
        Self(Tz::Asia__Almaty),
        Self(Tz::Asia__Bishkek),
        Self(Tz::Europe__London),
        Self(Tz::Europe__Lisbon),
        Self(Tz::Europe__Berlin),
        Self(Tz::Europe__Athens),
        Self(Tz::Europe__Istanbul),
        Self(Tz::Africa__Cairo),
        Self(Tz::Africa__Lagos),
        Self(Tz::Africa__Johannesburg),
        Self(Tz::Africa__Nairobi),
        Self(Tz::Asia__Jerusalem),
        Self(Tz::Asia__Riyadh),
        Self(Tz::Asia__Dubai),
        Self(Tz::Asia__Tehran),
        Self(Tz::Asia__Karachi),
        Self(Tz::Asia__Kolkata),
        Self(Tz::Asia__Bangkok),
        Self(Tz::Asia__Jakarta),
        Self(Tz::Asia__Singapore),
        Self(Tz::Asia__Shanghai),
        Self(Tz::Asia__Tokyo),
        Self(Tz::Australia__Sydney),
        Self(Tz::America__Sao_Paulo),
        Self(Tz::America__New_York),
        Self(Tz::America__Chicago),
        Self(Tz::America__Denver),
        Self(Tz::America__Los_Angeles),
    ];

    /// The zone of a name such as `Europe/Moscow`.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// How far the zone is from UTC at an instant: `UTC`, `UTC+3`, `UTC−3:30`.
    pub fn offset(self, at: Instant) -> String {
        let seconds = self.0.offset_from_utc_datetime(&utc(at)).fix().local_minus_utc();
        let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
        let sign = if seconds < 0 { '\u{2212}' } else { '+' };
        match (hours, minutes) {
            (0, 0) => "UTC".into(),
            (_, 0) => format!("UTC{sign}{hours}"),
            _ => format!("UTC{sign}{hours}:{minutes:02}"),
        }
    }

    fn local(self, at: Instant) -> NaiveDateTime {
        self.0.from_utc_datetime(&utc(at)).naive_local()
    }

    /// `2026-03-01`
    pub fn date(self, at: Instant) -> String {
        self.local(at).format("%Y-%m-%d").to_string()
    }

    /// `14:05:03`
    pub fn clock(self, at: Instant) -> String {
        self.local(at).format("%H:%M:%S").to_string()
    }

    /// The day that it is at an instant.
    pub fn day_of(self, at: Instant) -> Window {
        let date = self.local(at).date();
        let next = date.succ_opt().and_then(|next| self.first_of(next));
        Window { from: self.first_of(date).unwrap_or(at), to: next.map_or(at, Instant::before) }
    }

    /// The first instant of a date of the zone.
    pub fn start_of(self, date: &str) -> Option<Instant> {
        self.first_of(parse(date)?)
    }

    /// The last instant of a date of the zone.
    pub fn end_of(self, date: &str) -> Option<Instant> {
        self.first_of(parse(date)?.succ_opt()?).map(Instant::before)
    }

    fn first_of(self, date: NaiveDate) -> Option<Instant> {
        // Where clocks are set forward at midnight, the day begins later.
        let midnight = date.and_time(NaiveTime::MIN);
        let mut starts = (0..=24).filter_map(|quarters| midnight.checked_add_signed(TimeDelta::minutes(15 * quarters)));
        let first = starts.find_map(|start| self.0.from_local_datetime(&start).earliest())?;
        Some(Instant(first.timestamp_millis()))
    }

    /// From the first instant of a date to the last of another; an empty one leaves its end open. Fails if one is no date, or
    /// the last comes before the first.
    pub fn days(self, from: &str, to: &str) -> Result<(Option<Instant>, Option<Instant>), NotDays> {
        let first = if from.is_empty() { None } else { Some(self.start_of(from).ok_or(NotDays)?) };
        let last = if to.is_empty() { None } else { Some(self.end_of(to).ok_or(NotDays)?) };
        let is_reversed = first.zip(last).is_some_and(|(first, last)| first > last);
        if is_reversed { Err(NotDays) } else { Ok((first, last)) }
    }
}

fn utc(at: Instant) -> NaiveDateTime {
    DateTime::<Utc>::from_timestamp_millis(at.0).unwrap_or_default().naive_utc()
}

/// A date as forms send it: `2026-03-01`.
fn parse(date: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(date, "%Y-%m-%d").ok().filter(|_| date.len() == 10)
}

#[cfg(test)]
mod tests {
    use super::{NotDays, Zone};
    use crate::model::Instant;
    use crate::model::instant::Rounding;

    fn zone(name: &str) -> Zone {
        Zone::from_name(name).unwrap()
    }

    #[test]
    fn times_are_written_in_their_zone() {
        let written = |name, at| {
            let (zone, at) = (zone(name), Instant::parse(at, Rounding::Down).unwrap());
            format!("{} {} {}", zone.date(at), zone.clock(at), zone.offset(at))
        };
        let winter = "2026-03-01T12:05:03Z";
        assert_eq!(written("UTC", winter), "2026-03-01 12:05:03 UTC");
        assert_eq!(written("Europe/London", winter), "2026-03-01 12:05:03 UTC");
        assert_eq!(written("Europe/Moscow", winter), "2026-03-01 15:05:03 UTC+3");
        assert_eq!(written("America/St_Johns", winter), "2026-03-01 08:35:03 UTC\u{2212}3:30");
        assert_eq!(written("Pacific/Auckland", winter), "2026-03-02 01:05:03 UTC+13");
        assert_eq!(written("Europe/Berlin", winter), "2026-03-01 13:05:03 UTC+1");
        assert_eq!(written("Europe/Berlin", "2026-07-01T12:05:03Z"), "2026-07-01 14:05:03 UTC+2");
        assert_eq!(Zone::from_name("Europe/Nowhere"), None);
        assert_eq!(Zone::from_name(Zone::OFFERED[2].name()), Some(Zone::OFFERED[2]));
    }

    #[test]
    fn a_day_begins_and_ends_by_its_zone() {
        let day = |name, date| {
            let (zone, iso) = (zone(name), |at: Option<Instant>| at.map(Instant::iso).unwrap_or_default());
            [iso(zone.start_of(date)), iso(zone.end_of(date))]
        };
        assert_eq!(day("UTC", "2026-03-01"), ["2026-03-01T00:00:00.000Z", "2026-03-01T23:59:59.999Z"]);
        assert_eq!(day("Europe/Moscow", "2026-03-01"), ["2026-02-28T21:00:00.000Z", "2026-03-01T20:59:59.999Z"]);
        // A day of 23 hours, and one that begins at one o'clock.
        assert_eq!(day("Europe/Berlin", "2026-03-29"), ["2026-03-28T23:00:00.000Z", "2026-03-29T21:59:59.999Z"]);
        assert_eq!(day("Africa/Cairo", "2026-04-24"), ["2026-04-23T22:00:00.000Z", "2026-04-24T20:59:59.999Z"]);
        for wrong in ["2026-03-32", "2026-3-1", "2026-03-01T00:00:00Z", "", "x"] {
            assert_eq!(day("UTC", wrong), ["", ""], "{wrong}");
        }
        let at = Instant::parse("2026-03-29T12:00:00Z", Rounding::Down).unwrap();
        let day_of = |name| [zone(name).day_of(at).from, zone(name).day_of(at).to].map(Instant::iso);
        assert_eq!(day_of("Europe/Berlin"), ["2026-03-28T23:00:00.000Z", "2026-03-29T21:59:59.999Z"]);
        assert_eq!(day_of("Etc/GMT+12"), ["2026-03-29T12:00:00.000Z", "2026-03-30T11:59:59.999Z"]);
    }

    #[test]
    fn days_are_in_order_or_open() {
        let days = |from, to| zone("UTC").days(from, to);
        assert_eq!(days("", ""), Ok((None, None)));
        assert!(days("2026-03-01", "2026-03-01").is_ok());
        assert_eq!(days("2026-03-02", "2026-03-01"), Err(NotDays));
        assert_eq!(days("x", ""), Err(NotDays));
    }
}
