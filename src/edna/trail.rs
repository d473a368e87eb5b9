//! `GET /v1/messages/{messageId}`: a message, its status trail, and where it came from, as JSON; knows no store.

use serde_json::{Value, json};

use crate::model::{Heard, Item, MessageCopy, StatusNotice, merge};

/// The answer's body. The trail holds every status event known for the message, the earliest first, those that came with
/// copies of it included.
pub fn body(item: &Item, copies: &[MessageCopy], notices: &[StatusNotice]) -> String {
    let own: Vec<StatusNotice> =
        copies.iter().filter_map(|copy| StatusNotice::of_item(&copy.item, copy.heard)).collect();
    let mut trail = merge::that_count(item, notices.iter().chain(&own));
    trail.sort_by_cached_key(|notice| (notice.event.at, notice.event.clone(), notice.heard.source, notice.digest()));
    let mut trail: Vec<String> = trail.into_iter().map(event).collect();
    // Two that differ in what is not understood only look the same.
    trail.dedup();
    let mut sources: Vec<Heard> = merge::counting(copies.to_vec()).0.iter().map(|copy| copy.heard).collect();
    sources.sort_by_key(|heard| (heard.at, heard.source));
    sources.dedup();
    let sources: Vec<String> = sources.into_iter().map(|source| object(heard(source))).collect();
    format!(r#"{{"item":{},"trail":[{}],"sources":[{}]}}"#, item.render(), trail.join(","), sources.join(","))
}

/// One status event, its fields named as in edna's webhook.
fn event(notice: &StatusNotice) -> String {
    let text = |text: &Option<String>| text.clone().map(Value::from);
    let status = [
        ("status", text(&notice.event.word)),
        ("statusAt", notice.event.at.map(|at| json!(at.to_string()))),
        ("error", text(&notice.event.message)),
        ("requestId", text(&notice.request_id)),
        ("cascadeId", notice.cascade_id.map(Value::from)),
        ("cascadeStageUUID", text(&notice.cascade_stage_uuid)),
        ("comment", text(&notice.comment)),
    ];
    object(status.into_iter().chain(heard(notice.heard)))
}

fn heard(heard: Heard) -> [(&'static str, Option<Value>); 2] {
    [("source", Some(json!(heard.source.word()))), ("receivedAt", heard.at.map(|at| json!(at.to_string())))]
}

/// A JSON object of the fields that have a value, in their order.
fn object(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> String {
    let fields = fields.into_iter().filter_map(|(name, value)| Some(format!("{}:{}", json!(name), value?)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}
