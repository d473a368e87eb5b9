//! A message in edna's wire form, parsed from and rendered to JSON; knows no store and no request.

use std::collections::HashSet;
use std::fmt::{self, Write};

use thiserror::Error;

use super::instant::Rounding;
use super::property::ValueType;
use super::wire::{self, Fields, NotAnInteger, NotAnObject};
use super::{DeliveryStatus, Instant, Property, TenantId, Value, delivery, subscriber};

/// A message in the form in which it is returned, imported, exported and stored (docs/edna.md §4 and 6.6).
///
/// The required fields are always present. `Debug` shows only the message id: the rest is private.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    values: [Option<Value>; Property::COUNT],
    extra: Vec<(String, String)>,
}

/// Why an item is rejected. Names the field, never its value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ItemError {
    #[error(transparent)]
    NotAnObject(#[from] NotAnObject),
    #[error("the field '{0}' is missing")]
    Missing(&'static str),
    #[error("the field '{0}' occurs twice")]
    Twice(&'static str),
    #[error("an unknown field occurs twice")]
    UnknownTwice,
    #[error("the field '{0}' must be {1}")]
    Wrong(&'static str, &'static str),
    #[error("the field 'tenantId' names another tenant")]
    OtherTenant,
    #[error("an unknown field is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("it is longer than 1 MiB")]
    TooLong,
}

/// The longest accepted item, in bytes. It bounds the size of a page.
pub const MAX_ITEM_BYTES: usize = 1024 * 1024;

/// How deep an unknown field may be nested: databases and clients parse at most a few hundred levels.
const MAX_DEPTH: i64 = 100;

impl Item {
    /// Parses an item of a tenant that a feed delivers.
    pub fn parse(text: &str, tenant: TenantId) -> Result<Self, ItemError> {
        if text.len() > MAX_ITEM_BYTES {
            return Err(ItemError::TooLong);
        }
        Self::from_fields(&wire::object(text)?, text.len(), tenant)
    }

    /// The same for an object that is parsed already, from so many bytes.
    pub fn from_fields(fields: &Fields<'_>, bytes: usize, tenant: TenantId) -> Result<Self, ItemError> {
        if bytes > MAX_ITEM_BYTES {
            return Err(ItemError::TooLong);
        }
        Self::with_defaults(fields, tenant, &[])?.of_valid_length(bytes)
    }

    /// The message id of an object that may not be an item otherwise.
    pub fn id_in(fields: &Fields<'_>) -> Option<i64> {
        wire::integer(fields.given(Property::MessageId.name())?).ok()
    }

    /// Parses an item from the store.
    pub fn parse_stored(text: &str, tenant: TenantId) -> Result<Self, ItemError> {
        Self::parse_with(text, tenant, &[])
    }

    /// Checks the length of an item that was built from so many bytes. Content that was received as an object can
    /// become twice as long as a string.
    pub fn of_valid_length(self, bytes: usize) -> Result<Self, ItemError> {
        let is_too_long = bytes > MAX_ITEM_BYTES / 2 && self.render().len() > MAX_ITEM_BYTES;
        if is_too_long { Err(ItemError::TooLong) } else { Ok(self) }
    }

    /// Parses an item of a tenant, with default values for fields that it may lack.
    pub fn parse_with(text: &str, tenant: TenantId, defaults: &[(Property, Value)]) -> Result<Self, ItemError> {
        Self::with_defaults(&wire::object(text)?, tenant, defaults)
    }

    fn with_defaults(fields: &Fields<'_>, tenant: TenantId, defaults: &[(Property, Value)]) -> Result<Self, ItemError> {
        let mut item = Self { values: [const { None }; Property::COUNT], extra: Vec::new() };
        let (mut seen, mut seen_unknown) = ([false; Property::COUNT], HashSet::new());
        for (name, raw) in &fields.0 {
            let Some(property) = Property::from_name(name) else {
                if !seen_unknown.insert(&**name) {
                    return Err(ItemError::UnknownTwice);
                }
                match raw.get() {
                    "null" => {}
                    json if wire::depth(json) > MAX_DEPTH => return Err(ItemError::TooDeep),
                    json => item.extra.push((name.clone().into_owned(), wire::compact(json))),
                }
                continue;
            };
            if std::mem::replace(&mut seen[property as usize], true) {
                return Err(ItemError::Twice(property.name()));
            }
            item.values[property as usize] = value(property, raw.get())?;
        }
        match item.integer(Property::TenantId) {
            Some(id) if id != tenant.0 => return Err(ItemError::OtherTenant),
            _ => item.set(Property::TenantId, Some(Value::Integer(tenant.0))),
        }
        for (property, value) in defaults {
            if item.get(*property).is_none() {
                item.set(*property, Some(value.clone()));
            }
        }
        match Property::ALL.iter().find(|property| property.is_required() && item.get(**property).is_none()) {
            Some(missing) => Err(ItemError::Missing(missing.name())),
            None => Ok(item),
        }
    }

    /// Builds an item from known fields, for items that the gateway creates itself; `None` if a required field is
    /// missing.
    pub fn from_values(values: impl IntoIterator<Item = (Property, Value)>) -> Option<Self> {
        let mut item = Self { values: [const { None }; Property::COUNT], extra: Vec::new() };
        for (property, value) in values {
            item.set(property, Some(value));
        }
        Property::ALL.iter().all(|property| !property.is_required() || item.get(*property).is_some()).then_some(item)
    }

    pub fn get(&self, property: Property) -> Option<&Value> {
        self.values[property as usize].as_ref()
    }

    pub fn set(&mut self, property: Property, value: Option<Value>) {
        self.values[property as usize] = value;
    }

    pub fn integer(&self, property: Property) -> Option<i64> {
        match self.get(property) {
            Some(Value::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    pub fn text(&self, property: Property) -> Option<&str> {
        match self.get(property) {
            Some(Value::Text(value)) => Some(value),
            _ => None,
        }
    }

    pub fn instant(&self, property: Property) -> Option<Instant> {
        match self.get(property) {
            Some(Value::Instant(value)) => Some(*value),
            _ => None,
        }
    }

    pub fn message_id(&self) -> i64 {
        self.integer(Property::MessageId).unwrap_or_default()
    }

    /// Its approximate length in bytes.
    pub fn bytes(&self) -> usize {
        let known = self.values.iter().flatten().map(|value| match value {
            Value::Text(text) => text.len(),
            Value::Integer(_) | Value::Instant(_) => 8,
        });
        let extra = self.extra.iter().map(|(name, json)| name.len() + json.len());
        known.chain(extra).sum()
    }

    /// Unknown fields in the order in which they were received, as compact JSON.
    pub fn extra(&self) -> &[(String, String)] {
        &self.extra
    }

    pub fn clear_extra(&mut self) {
        self.extra.clear();
    }

    pub fn push_extra(&mut self, name: String, json: String) {
        self.extra.push((name, json));
    }

    /// The item's own status; the one with the lowest precedence if it has none.
    pub fn status(&self) -> DeliveryStatus {
        DeliveryStatus {
            word: self.text(Property::DeliveryStatus).map(str::to_owned),
            at: self.instant(Property::DeliveryStatusAt),
            message: self.text(Property::DeliveryStatusMessage).map(str::to_owned),
        }
    }

    /// The item as JSON: known fields in edna's order, then the unknown ones; fields without a value are omitted.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(640);
        out.push('{');
        for property in Property::ALL {
            if let Some(value) = self.get(*property) {
                push_name(&mut out, property.name());
                // Writing to a string cannot fail.
                let _ = match value {
                    Value::Integer(value) => write!(out, "{value}"),
                    Value::Instant(value) => write!(out, "\"{value}\""),
                    Value::Text(value) => {
                        wire::push_text(&mut out, value);
                        Ok(())
                    }
                };
            }
        }
        for (name, json) in &self.extra {
            push_name(&mut out, name);
            out.push_str(json);
        }
        out.push('}');
        out
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({})", self.message_id())
    }
}

fn push_name(out: &mut String, name: &str) {
    if out.len() > 1 {
        out.push(',');
    }
    wire::push_text(out, name);
    out.push(':');
}

/// Parses the value of a known field into the form in which it is stored and returned; null is no value.
fn value(property: Property, raw: &str) -> Result<Option<Value>, ItemError> {
    if raw == "null" {
        return Ok(None);
    }
    let wrong = |expected| ItemError::Wrong(property.name(), expected);
    let value = match property.kind() {
        ValueType::Integer => Value::Integer(wire::integer(raw).map_err(|error| match error {
            NotAnInteger::TooSmall | NotAnInteger::TooLarge => wrong("an integer of 64 bits"),
            NotAnInteger::Fraction | NotAnInteger::WrongType => wrong("an integer"),
        })?),
        ValueType::Instant => {
            let text = wire::text(raw).ok_or_else(|| wrong("a date in a string"))?;
            Value::Instant(Instant::parse(&text, Rounding::Down).ok_or_else(|| wrong("an ISO 8601 date"))?)
        }
        ValueType::Text => Value::Text(text(property, raw)?),
    };
    if property == Property::MessageId && matches!(value, Value::Integer(id) if id < 1) {
        return Err(wrong("a positive integer"));
    }
    Ok(Some(value))
}

/// The longest address, in bytes: no phone number, mail address or push channel is longer.
const MAX_ADDRESS_BYTES: usize = 1024;
/// The longest channel type and traffic type, in bytes.
pub const MAX_WORD_BYTES: usize = 256;

fn text(property: Property, raw: &str) -> Result<String, ItemError> {
    let wrong = |expected| ItemError::Wrong(property.name(), expected);
    let text = match property {
        // An object is written as compact JSON; a string is kept verbatim, whatever it contains.
        Property::Content if raw.starts_with('{') => wire::compact(raw),
        // edna's documentation says integer, but live payloads contain a UUID string.
        Property::ReplyOutMessageExternalRequestId if wire::integer(raw).is_ok() && !raw.starts_with('"') => raw.into(),
        Property::Content => wire::text(raw).ok_or_else(|| wrong("a string or an object"))?,
        _ => wire::text(raw).ok_or_else(|| wrong("a string"))?,
    };
    match property {
        // These fields are indexed, and an index cannot hold longer values.
        Property::Address if text.len() > MAX_ADDRESS_BYTES => Err(wrong("an address of at most 1024 bytes")),
        Property::ChannelType | Property::TrafficType if text.len() > MAX_WORD_BYTES => {
            Err(wrong("a word of at most 256 bytes"))
        }
        Property::Direction if text != "IN" && text != "OUT" => Err(wrong("IN or OUT")),
        Property::ChannelType if text.trim().is_empty() => Err(wrong("a word")),
        Property::Address if subscriber::is_blank(&text) => Err(wrong("an address")),
        Property::Address => Ok(subscriber::stored_form(&text)),
        Property::DeliveryStatus => Ok(delivery::canonical(text)),
        _ => Ok(text),
    }
}
