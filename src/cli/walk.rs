//! Walks the messages of a query page by page, for commands; knows no output.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::{Failure, print_note};
use crate::model::{Item, MessageQuery, TenantId};
use crate::store::{Reader, Store, StoreError};

/// Walks the messages of a query, and passes each to `take` with the places that a search found, until it returns
/// `false`. Returns whether further messages may match.
pub async fn each_message(
    store: &Store,
    reader: &Reader,
    mut query: MessageQuery,
    mut take: impl FnMut(&str) -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let mut is_first = true;
    loop {
        let page = store.walk(reader, Arc::new(query.clone())).await?;
        if std::mem::take(&mut is_first) {
            note_country_code(&query, &page.national);
            if page.index.is_some_and(|index| !index.is_complete()) {
                print_note(
                    "Note: the text index is behind, so some messages may be missing; 'search rebuild' or a running server completes it.",
                );
            }
        }
        let json = format!("[{}]", page.items.into_text()?);
        let damaged = |error: serde_json::Error| StoreError::DamagedRow(format!("an item is no JSON: {error}"));
        let messages: Vec<&RawValue> = serde_json::from_str(&json).map_err(damaged)?;
        for message in messages {
            if !take(message.get())? {
                return Ok(true);
            }
        }
        match page.next {
            None => return Ok(false),
            next => query.position = next,
        }
    }
}

/// Says which phone numbers were read as Russian ones.
fn note_country_code(query: &MessageQuery, national: &[bool]) {
    let read = query.addresses.iter().zip(national).filter(|(_, counts)| **counts).count();
    if read > 0 {
        print_note("Note: no message has the phone number as it was typed, so it was tried with the country code 7.");
    }
}

/// An element of a search's page.
#[derive(Deserialize)]
struct Found<'a> {
    #[serde(borrow)]
    message: &'a RawValue,
}

/// The item of a page's element.
pub fn item(message: &str, has_hits: bool, tenant: TenantId) -> Result<Item, Failure> {
    let damaged = || Failure::message("a stored message cannot be read; 'history-gateway check' shows details");
    let found: Option<Found> =
        if has_hits { Some(serde_json::from_str(message).map_err(|_| damaged())?) } else { None };
    let text = found.map_or(message, |found| found.message.get());
    Item::parse_stored(text, tenant).map_err(|_| damaged())
}
