//! ISO 8601 durations, such as `PT10S` and `P1DT2H`; knows no clock.

use chrono::{DateTime, Months, TimeDelta};

use crate::model::Instant;

/// A duration. Months and years are those of the calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duration {
    months: u32,
    milliseconds: i64,
}

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The units of a date and of a time, in the order in which they may occur, with their milliseconds.
const DATE_UNITS: [(char, Unit); 4] = [
    ('Y', Unit::Months(12)),
    ('M', Unit::Months(1)),
    ('W', Unit::Milliseconds(7 * DAY)),
    ('D', Unit::Milliseconds(DAY)),
];
const TIME_UNITS: [(char, Unit); 3] =
    [('H', Unit::Milliseconds(HOUR)), ('M', Unit::Milliseconds(MINUTE)), ('S', Unit::Milliseconds(SECOND))];

#[derive(Clone, Copy)]
enum Unit {
    Months(u32),
    Milliseconds(i64),
}

impl Duration {
    /// Parses a duration, in which a fraction of a second has at most three digits.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('P')?;
        let (date, time) = match rest.split_once('T') {
            Some((_, "")) => return None,
            Some((date, time)) => (date, time),
            None => (rest, ""),
        };
        if date.is_empty() && time.is_empty() {
            return None;
        }
        let mut duration = Self::default();
        duration.add_all(date, &DATE_UNITS)?;
        duration.add_all(time, &TIME_UNITS)?;
        Some(duration)
    }

    pub fn of_seconds(seconds: i64) -> Self {
        Self { months: 0, milliseconds: seconds.saturating_mul(SECOND) }
    }

    /// Adds each number with its unit.
    fn add_all(&mut self, mut text: &str, mut units: &[(char, Unit)]) -> Option<()> {
        while !text.is_empty() {
            let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
            let (number, letter) = (&text[..end], text[end..].chars().next()?);
            let place = units.iter().position(|(unit, _)| *unit == letter)?;
            match units[place].1 {
                Unit::Months(months) => {
                    self.months = self.months.checked_add(number.parse::<u32>().ok()?.checked_mul(months)?)?;
                }
                Unit::Milliseconds(unit) => {
                    let amount = thousandths(number, letter == 'S')?.checked_mul(unit)? / 1000;
                    self.milliseconds = self.milliseconds.checked_add(amount)?;
                }
            }
            units = &units[place + 1..];
            text = &text[end + letter.len_utf8()..];
        }
        Some(())
    }

    /// The instant that is this much later; `None` if it is after the year 9999.
    pub fn after(self, instant: Instant) -> Option<Instant> {
        let at = DateTime::from_timestamp_millis(instant.0)?;
        let later = at.checked_add_months(Months::new(self.months))?;
        let later = later.checked_add_signed(TimeDelta::try_milliseconds(self.milliseconds)?)?;
        Some(Instant(later.timestamp_millis())).filter(|later| *later <= Instant::LAST)
    }
}

/// A number in thousandths; only a number of seconds may have a fraction.
fn thousandths(number: &str, may_have_fraction: bool) -> Option<i64> {
    let (whole, fraction) = match number.split_once('.') {
        Some((_, fraction)) if !may_have_fraction || fraction.is_empty() || fraction.len() > 3 => return None,
        Some((whole, fraction)) => (whole, format!("{fraction:0<3}").parse::<i64>().ok()?),
        None => (number, 0),
    };
    whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::Duration;
    use crate::model::Instant;

    #[test]
    fn durations_are_parsed() {
        let milliseconds = |text| Duration::parse(text).and_then(|duration| duration.after(Instant(0))).map(|at| at.0);
        for (text, wanted) in [
            ("PT10S", 10_000),
            ("PT0.5S", 500),
            ("P1DT2H", 26 * 3_600_000),
            ("P31D", 31 * 86_400_000),
            ("P1W", 7 * 86_400_000),
            ("PT1H2M3S", 3_723_000),
            ("P1M", 31 * 86_400_000),
            ("P1Y", 365 * 86_400_000),
            ("PT0S", 0),
        ] {
            assert_eq!(milliseconds(text), Some(wanted), "{text}");
        }
        for text in [
            "",
            "P",
            "PT",
            "1D",
            "P1",
            "P1DT",
            "PT1D",
            "P1H",
            "P-1D",
            "PT1S1M",
            "P1.5D",
            "PTS",
            "PT1.2345S",
            "p1d",
            "P9999999Y",
            "PT99999999999999999999S",
            "P9000Y",
        ] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
