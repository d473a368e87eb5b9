//! Turns a sort into the database's ORDER BY; knows no filter.

use diesel::prelude::*;

use super::dialect::json_extract;
use super::history::Messages;
use super::schema::messages;
use crate::model::Property;
use crate::model::history::{Sort, SortKey};

/// `ORDER BY key IS NULL, key, …, message_id`: a missing value comes last in both directions (docs/edna.md 4.2).
pub fn by<'a>(mut query: Messages<'a>, sort: &Sort) -> Messages<'a> {
    for key in sort.keys() {
        query = then_by(query, *key);
    }
    query
}

fn then_by(query: Messages<'_>, key: SortKey) -> Messages<'_> {
    macro_rules! then {
        ($expression:expr) => {
            if key.descending {
                query.then_order_by($expression.desc())
            } else {
                query.then_order_by($expression.asc())
            }
        };
    }
    macro_rules! then_nullable {
        ($column:expr) => {{
            let query = query.then_order_by($column.is_null());
            if key.descending { query.then_order_by($column.desc()) } else { query.then_order_by($column.asc()) }
        }};
    }
    match key.property {
        Property::MessageId => then!(messages::message_id),
        Property::TenantId => then!(messages::tenant_id),
        Property::ChannelType => then!(messages::channel_type),
        Property::Direction => then!(messages::direction),
        Property::Address => then!(messages::address),
        // The longest field of all stands in the item only.
        Property::Content => then!(json_extract(messages::item, "$.content")),
        Property::DeliveryStatus => then_nullable!(messages::delivery_status),
        Property::DeliveryStatusAt => then_nullable!(messages::delivery_status_at),
        Property::DeliveryStatusMessage => then_nullable!(messages::delivery_status_message),
        Property::SentOrReceivedAt => then!(messages::sent_or_received_at),
        Property::SubjectId => then_nullable!(messages::subject_id),
        Property::SubjectName => then_nullable!(messages::subject_name),
        Property::CascadeId => then_nullable!(messages::cascade_id),
        Property::CascadeName => then_nullable!(messages::cascade_name),
        Property::MatcherId => then_nullable!(messages::matcher_id),
        Property::MatcherName => then_nullable!(messages::matcher_name),
        Property::CascadeStageUuid => then_nullable!(messages::cascade_stage_uuid),
        Property::BroadcastId => then_nullable!(messages::broadcast_id),
        Property::BroadcastName => then_nullable!(messages::broadcast_name),
        Property::TrafficType => then_nullable!(messages::traffic_type),
        Property::Segments => then_nullable!(messages::segments),
        Property::SubscriberId => then_nullable!(messages::subscriber_id),
        Property::Comment => then_nullable!(messages::comment),
        Property::ReplyInMessageId => then_nullable!(messages::reply_in_message_id),
        Property::ReplyOutMessageId => then_nullable!(messages::reply_out_message_id),
        Property::ReplyOutMessageExternalRequestId => {
            then_nullable!(messages::reply_out_message_external_request_id)
        }
    }
}
