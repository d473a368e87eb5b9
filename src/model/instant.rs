//! A point in time with millisecond precision, and the forms in which edna reads and writes it; knows no clock.

use std::fmt;

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, Timelike, Utc};

/// Milliseconds since 1970-01-01T00:00:00Z.
///
/// Displayed in edna's form: `2024-07-23T08:08:20.000+0000` (UTC, three fraction digits, a zone without a colon).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Instant(pub i64);

/// How to round digits beyond the millisecond. The start of a window is rounded up and its end down, so that both stay
/// inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    Down,
    Up,
}

/// UTC, as edna writes it.
const ZONE: &str = "+0000";

pub const DAY: i64 = 24 * 60 * 60 * 1000;

impl Instant {
    /// The first and the last instant of the years 0000 to 9999.
    pub const FIRST: Self = Self(-62_167_219_200_000);
    pub const LAST: Self = Self(253_402_300_799_999);

    /// Parses a date in the forms that edna's clients send (docs/edna.md 2.2): `…Z`, `±hh:mm`, `±hhmm`, with or without
    /// a fraction, without a zone (UTC), or a date only (midnight UTC).
    pub fn parse(text: &str, rounding: Rounding) -> Option<Self> {
        if !starts_with_date(text) {
            return None;
        }
        let utc = if text.len() == 10 { date(text)?.and_hms_opt(0, 0, 0)? } else { date_time(text)? };
        let has_remainder = utc.nanosecond() % 1_000_000 != 0;
        let instant = Self(utc.and_utc().timestamp_millis() + i64::from(has_remainder && rounding == Rounding::Up));
        // A zone, a leap second or rounding can move the date out of the years that four digits can represent.
        (Self::FIRST..=Self::LAST).contains(&instant).then_some(instant)
    }

    /// The first instant after a UTC day. A key is valid until the end of its last day.
    pub fn end_of_day(date: NaiveDate) -> Option<Self> {
        let next = date.succ_opt()?.and_hms_opt(0, 0, 0)?;
        Some(Self(next.and_utc().timestamp_millis()))
    }

    /// The number of whole UTC days since 1970-01-01.
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(DAY)))
    }

    #[must_use]
    pub fn plus(self, time: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The instant before.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The UTC date, `YYYY-MM-DD`.
    pub fn date(self) -> String {
        self.utc().format("%Y-%m-%d").to_string()
    }

    /// In OneUptime's form: `2026-03-26T10:26:14.311Z`.
    pub fn iso(self) -> String {
        let mut text = self.to_string();
        text.truncate(text.len() - ZONE.len());
        text.push('Z');
        text
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = self.utc();
        let Some(year) = u32::try_from(utc.year()).ok().filter(|year| *year < 10_000) else {
            return write!(f, "{}{ZONE}", utc.format("%Y-%m-%dT%H:%M:%S%.3f"));
        };
        // Every message contains two dates, and every record of the audit log several. Formatting each of their numbers
        // with `write!` would take most of the time that rendering a message takes.
        let mut text = *b"0000-00-00T00:00:00.000";
        put_digits(&mut text[0..4], year);
        put_digits(&mut text[5..7], utc.month());
        put_digits(&mut text[8..10], utc.day());
        put_digits(&mut text[11..13], utc.hour());
        put_digits(&mut text[14..16], utc.minute());
        put_digits(&mut text[17..19], utc.second());
        put_digits(&mut text[20..23], utc.timestamp_subsec_millis());
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)?;
        f.write_str(ZONE)
    }
}

/// Writes a number with as many digits as there is room for.
fn put_digits(room: &mut [u8], mut number: u32) {
    for digit in room.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// chrono accepts more than ISO 8601 (signs, single digits, spaces), so the shape is checked first.
fn starts_with_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    bytes.len() >= 10
        && digits(0..4)
        && bytes[4] == b'-'
        && digits(5..7)
        && bytes[7] == b'-'
        && digits(8..10)
        && !text.contains(char::is_whitespace)
}

fn date_time(text: &str) -> Option<NaiveDateTime> {
    if !matches!(text.as_bytes()[10], b'T' | b't') {
        return None;
    }
    let (date, time) = (&text[..10], &text[11..]);
    if let Some(local) = time.strip_suffix(['Z', 'z']) {
        return naive(date, local);
    }
    let Some(sign) = time.rfind(['+', '-']) else {
        return naive(date, time);
    };
    let offset = offset_minutes(&time[sign + 1..])?;
    let offset = if time.as_bytes()[sign] == b'-' { -offset } else { offset };
    naive(date, &time[..sign])?.checked_sub_signed(Duration::minutes(offset))
}

fn naive(date: &str, time: &str) -> Option<NaiveDateTime> {
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let is_well_formed = matches!(clock.len(), 5 | 8)
        && clock.bytes().enumerate().all(|(at, byte)| if at % 3 == 2 { byte == b':' } else { byte.is_ascii_digit() })
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !is_well_formed {
        return None;
    }
    let (hour, minute, second) = (number(&clock[..2])?, number(&clock[3..5])?, clock.get(6..).map_or(Some(0), number)?);
    let nanos = &fraction[..fraction.len().min(9)];
    // A fraction has at most nine digits here, so the exponent is not negative.
    let nanos_read = number(nanos)? * 10_u32.pow(9 - u32::try_from(nanos.len()).ok()?);
    // Digits beyond the nanosecond still make the instant later than its millisecond.
    let has_tail = fraction.len() > 9 && nanos.ends_with('0') && fraction[9..].bytes().any(|byte| byte != b'0');
    // chrono represents a leap second as second 59 with 1,000,000,000 more nanoseconds.
    let (second, leap) = if second == 60 { (59, 1_000_000_000) } else { (second, 0) };
    self::date(date)?.and_hms_nano_opt(hour, minute, second, leap + nanos_read + u32::from(has_tail))
}

/// Parses a `YYYY-MM-DD` whose shape has been checked.
fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(text[..4].parse().ok()?, number(&text[5..7])?, number(&text[8..10])?)
}

fn number(digits: &str) -> Option<u32> {
    digits.parse().ok()
}

/// Parses `hh`, `hhmm` or `hh:mm`.
fn offset_minutes(text: &str) -> Option<i64> {
    let digits = match text.as_bytes() {
        [_, _, b':', _, _] => format!("{}{}", &text[..2], &text[3..]),
        _ => text.to_owned(),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 2 | 4) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = digits.get(2..).filter(|rest| !rest.is_empty()).map_or(Some(0), |rest| rest.parse().ok())?;
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}
