//! Turns a sort into an `ORDER BY` clause; knows no filter.

use crate::model::Property;
use crate::model::history::Sort;
use crate::store::db::pinned::{Hidden, IndexHint, Syntax};

/// `key IS NULL, key, …, message_id`: a missing value comes last in both directions (docs/edna.md 4.2).
///
/// `hint` names the index that has this order. If none has it, the database must not scan another index, and with it the
/// whole tenant, just for the order.
pub fn write(sort: &Sort, hint: IndexHint, syntax: Syntax, mut push: impl FnMut(&str)) {
    let hidden = Hidden { hint, syntax };
    for (index, key) in sort.keys().iter().enumerate() {
        if index > 0 {
            push(", ");
        }
        let (column, sum) = column(key.property, hidden);
        if !key.property.is_required() {
            push(column);
            push(sum);
            push(" IS NULL, ");
        }
        push(column);
        push(sum);
        push(if key.descending { " DESC" } else { " ASC" });
    }
}

/// Whether a statement with this sort is worth keeping prepared. Callers choose their sorts, so keeping each would fill
/// the memory of the gateway and of the database.
pub fn is_common(sort: &Sort) -> bool {
    let common = [Property::MessageId, Property::SentOrReceivedAt];
    sort.keys().iter().all(|key| common.contains(&key.property))
}

/// The expression by which a property is sorted, and what hides it from an index.
fn column(property: Property, hidden: Hidden) -> (&'static str, &'static str) {
    let column = match property {
        Property::MessageId => return ("message_id", hidden.message_id()),
        Property::SentOrReceivedAt => return ("sent_or_received_at", hidden.sent_at()),
        Property::SubjectId => return ("subject_id", " + 0"),
        // Only the item contains it.
        Property::Content => match hidden.syntax {
            Syntax::File => "json_extract(item, '$.content')",
            #[cfg(feature = "postgres")]
            Syntax::Server => "message_content(item) COLLATE \"C\"",
        },
        Property::TenantId => "tenant_id",
        Property::ChannelType => "channel_type",
        Property::Direction => "direction",
        Property::Address => "address",
        Property::DeliveryStatus => "delivery_status",
        Property::DeliveryStatusAt => "delivery_status_at",
        Property::DeliveryStatusMessage => "delivery_status_message",
        Property::SubjectName => "subject_name",
        Property::CascadeId => "cascade_id",
        Property::CascadeName => "cascade_name",
        Property::MatcherId => "matcher_id",
        Property::MatcherName => "matcher_name",
        Property::CascadeStageUuid => "cascade_stage_uuid",
        Property::BroadcastId => "broadcast_id",
        Property::BroadcastName => "broadcast_name",
        Property::TrafficType => "traffic_type",
        Property::Segments => "segments",
        Property::SubscriberId => "subscriber_id",
        Property::Comment => "comment",
        Property::ReplyInMessageId => "reply_in_message_id",
        Property::ReplyOutMessageId => "reply_out_message_id",
        Property::ReplyOutMessageExternalRequestId => "reply_out_message_external_request_id",
    };
    (column, "")
}
