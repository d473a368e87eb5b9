//! Parses status events: edna's webhooks leniently, your own systems strictly (docs/edna.md 6.2, 6.7); knows no store.

use thiserror::Error;

use super::instant::Rounding;
use super::wire::{self, Fields};
use super::{DeliveryStatus, Instant, Provenance, StatusEvent, delivery};

/// The longest request id and status word, in bytes. Request ids are indexed.
const MAX_BYTES: usize = 1024;

/// What to do with a field of a wrong type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Ignore it: the sender cannot correct it.
    Lenient,
    /// Reject the event.
    Strict,
}

/// Why an event is invalid. Names the field, never its value.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidEvent {
    #[error("the field '{0}' must be {1}")]
    Field(&'static str, &'static str),
    #[error("it names neither a message nor a request")]
    Nameless,
    #[error("it tells nothing")]
    Empty,
    #[error("it is not a JSON object")]
    NotAnObject,
}

impl StatusEvent {
    /// Parses one event; `raw` is its JSON.
    pub fn parse(
        fields: &Fields<'_>,
        raw: &str,
        provenance: Provenance,
        strictness: Strictness,
    ) -> Result<Self, InvalidEvent> {
        let reader = FieldReader { fields, strictness };
        let fits = |text: &String| text.len() <= MAX_BYTES;
        let message_id =
            reader.value("messageId", "a positive integer", |raw| wire::integer(raw).ok().filter(|id| *id > 0))?;
        let request_id =
            reader.value("requestId", "a text of at most 1024 bytes", |raw| wire::text_or_digits(raw).filter(fits))?;
        if message_id.is_none() && request_id.is_none() {
            return Err(InvalidEvent::Nameless);
        }
        let word = fields.given("status").and_then(wire::text).filter(|word| !word.trim().is_empty() && fits(word));
        let word = word.ok_or(InvalidEvent::Field("status", "a word"))?;
        let at = reader.value("statusAt", "an ISO 8601 date in a string", |raw| {
            wire::text(raw).and_then(|text| Instant::parse(&text, Rounding::Down))
        })?;
        let text = |name| reader.value(name, "a string", wire::text).map(|text| text.filter(|text| !text.is_empty()));
        let integer = |name| reader.value(name, "an integer", |raw| wire::integer(raw).ok());
        // edna's webhooks spell it with `UUID`, its items with `Uuid`.
        let stage = match text("cascadeStageUUID")? {
            None => text("cascadeStageUuid")?,
            stage => stage,
        };
        Ok(Self {
            message_id,
            request_id,
            subject_id: integer("subjectId")?,
            status: DeliveryStatus {
                word: Some(delivery::canonical(word.trim().to_owned())),
                at,
                message: text("error")?,
            },
            cascade_id: integer("cascadeId")?,
            cascade_stage_uuid: stage,
            comment: text("comment")?,
            provenance,
            body: Some(wire::compact(raw)),
        })
    }
}

struct FieldReader<'a> {
    fields: &'a Fields<'a>,
    strictness: Strictness,
}

impl FieldReader<'_> {
    fn value<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, InvalidEvent> {
        let Some(raw) = self.fields.given(name) else { return Ok(None) };
        match parse(raw) {
            None if self.strictness == Strictness::Strict => Err(InvalidEvent::Field(name, expected)),
            value => Ok(value),
        }
    }
}
