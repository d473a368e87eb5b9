//! What queries ask for, in the form of the audit log: with digests in place of addresses and texts; knows no store.

use serde_json::{Value, json};

use super::{AuditKey, AuditRecord, Filter};
use crate::model::log_query::{Condition, Operand, Predicate};
use crate::model::subscriber;
use crate::model::whatsapp_log::{Column, ColumnType};
use crate::model::{HistoryQuery, Instant, LogFilter, MessageFilters, MessageQuery, search};

/// Records the filter of a history query.
pub fn of_history(query: &HistoryQuery, record: &mut AuditRecord, key: &AuditKey) {
    record.name_recipients(&query.recipient, key);
    record.filter = Filter::default()
        .with("messageId", query.message_id)
        .with("from", query.window.from.iso())
        .with("to", query.window.to.iso())
        .with("channelType", query.channel_types.clone())
        .with("direction", query.direction.map(super::super::history::Direction::word))
        .with("trafficType", query.traffic_types.clone())
        .with("subjectId", query.subjects().map(<[i64]>::to_vec));
}

/// Records the filters of a message query, and the persons that it names.
pub fn of_messages(query: &MessageQuery, record: &mut AuditRecord, key: &AuditKey) {
    let forms = query.addresses.iter().flat_map(|named| named.forms.iter().chain(&named.national));
    record.name_recipients(forms, key);
    record.filter = of_filters(&query.filters, key);
}

fn of_filters(filters: &MessageFilters, key: &AuditKey) -> Filter {
    Filter::default()
        .with("subscriberId", filters.subscriber_ids.clone())
        .with("channelType", filters.channel_types.clone())
        .with("direction", filters.direction.map(super::super::history::Direction::word))
        .with("trafficType", filters.traffic_types.clone())
        .with("subjectId", filters.subject_ids.clone())
        .with("deliveryStatus", filters.delivery_statuses.clone())
        .with("cascadeId", filters.cascade_ids.clone())
        .with("broadcastId", filters.broadcast_ids.clone())
        .with("matcherId", filters.matcher_ids.clone())
        .with_digest("comment", filters.comment.as_deref(), key)
        .with("messageId", filters.message_ids.clone())
        .with("replyTo", filters.reply_to)
        .with("from", filters.from.map(Instant::iso))
        .with("to", filters.to.map(Instant::iso))
        .with_digest("deliveryError", filters.delivery_error.as_deref(), key)
        .with_digest("text", filters.text.as_ref().map(search::Query::text), key)
}

/// Records the columns of a filter of the WhatsApp log, with the values that they are compared with.
pub fn of_logs(filter: &LogFilter, record: &mut AuditRecord, key: &AuditKey) {
    let mut conditions = Vec::new();
    for condition in &filter.conditions {
        let (column, predicate) = match condition {
            Condition::On(column, predicate) => (*column, predicate),
            Condition::AnyMatches(_, pattern) => {
                conditions.push(json!({"any": {"matches": key.digest(pattern.as_str())}}));
                continue;
            }
        };
        if let Predicate::OneOf(values) = predicate
            && column == Column::ToNumber
        {
            let texts = values.iter().filter_map(|value| match value {
                Operand::Text(text) => Some(subscriber::stored_form(text)),
                Operand::Integer(_) => None,
            });
            record.name_addresses(texts.collect::<Vec<_>>().iter().map(String::as_str), key);
        }
        conditions.push(json!({column_name(column): of_predicate(column, predicate, key)}));
    }
    record.filter = Filter::default().with("query", conditions);
}

fn of_predicate(column: Column, predicate: &Predicate, key: &AuditKey) -> Value {
    let is_shown = column.kind() != ColumnType::Text || column == Column::Status;
    let value = |operand: &Operand| match operand {
        Operand::Integer(number) if column.kind() == ColumnType::Instant => json!(Instant(*number).iso()),
        Operand::Integer(number) => json!(number),
        Operand::Text(text) if is_shown => json!(text),
        Operand::Text(text) => json!(key.digest(text)),
    };
    match predicate {
        Predicate::IsNull => json!("null"),
        Predicate::IsNotNull => json!("not null"),
        Predicate::OneOf(values) => json!(values.iter().map(value).collect::<Vec<_>>()),
        Predicate::NoneOf(values) => json!({"not": values.iter().map(value).collect::<Vec<_>>()}),
        Predicate::Compare(comparison, operand) => json!({format!("{comparison:?}"): value(operand)}),
        Predicate::Matches(pattern) => json!({"matches": key.digest(pattern.as_str())}),
        Predicate::DoesNotMatch(pattern) => json!({"notMatches": key.digest(pattern.as_str())}),
        Predicate::OrNull(inner) => json!({"orNull": of_predicate(column, inner, key)}),
    }
}

/// The name of a column, with a lower-case letter first.
fn column_name(column: Column) -> String {
    let name = format!("{column:?}");
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
