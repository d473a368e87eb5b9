//! Where a search is found in a message, in the form of a response; knows no query besides.

use std::fmt::Write;

use crate::model::search::{Query, fields_of};
use crate::model::{Item, wire};

/// How many places of one message a response tells at most.
const MAX_HITS: usize = 100;

/// The first places of a message's texts that a search looks for, as a JSON array; `None` if the message does not match.
pub fn found(search: &Query, item: &Item) -> Option<String> {
    let fields = fields_of(item);
    let mut json = String::from("[");
    for hit in search.matches(&fields)?.into_iter().take(MAX_HITS) {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(r#"{"path":"#);
        wire::push_text(&mut json, hit.path);
        // Writing to a string cannot fail.
        let _ = write!(json, r#","from":{},"to":{}}}"#, hit.from, hit.to);
    }
    json.push(']');
    Some(json)
}

/// `{"message":{…},"hits":[…]}`
pub fn render(item: &[u8], hits: &str) -> Vec<u8> {
    [br#"{"message":"#, item, br#","hits":"#, hits.as_bytes(), b"}"].concat()
}
