//! Dates on the command line; knows no command.

use crate::model::Instant;
use crate::model::instant::Rounding;

pub fn parse_from(text: &str) -> Result<Instant, String> {
    parse(text, Rounding::Up)
}

pub fn parse_to(text: &str) -> Result<Instant, String> {
    parse(text, Rounding::Down)
}

/// Parses a date from the command line.
pub fn parse(text: &str, rounding: Rounding) -> Result<Instant, String> {
    Instant::parse(text, rounding)
        .ok_or_else(|| "must be an ISO 8601 date such as 2026-03-01 or 2026-03-01T10:00:00Z".into())
}
