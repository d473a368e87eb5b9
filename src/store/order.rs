//! Turns a sort into the database's ORDER BY; knows no filter.

use diesel::expression::{AppearsOnTable, Expression};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::QueryResult;
use diesel::sql_types::Untyped;

use super::dialect::{Backend, CONTENT_OF};
use super::schema::messages;
use crate::model::Property;
use crate::model::history::{Sort, SortKey};

/// `ORDER BY key IS NULL, key, …, message_id`: a missing value comes last in both directions (docs/edna.md 4.2).
///
/// A list of its own, because diesel nests what `then_order_by` adds and takes twice as long for every level:
/// a request that named all properties kept a core busy for hours.
pub struct OrderBy {
    pub sort: Sort,
    /// Whether the walk's own index gives this order. Where it does not, `column + 0` keeps the database from
    /// walking another index, and with it the whole tenant, for the sake of the order alone.
    pub by_index: bool,
}

impl Expression for OrderBy {
    type SqlType = Untyped;
}

impl AppearsOnTable<messages::table> for OrderBy {}

impl QueryFragment<Backend> for OrderBy {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        for (place, key) in self.sort.keys().iter().enumerate() {
            if place > 0 {
                out.push_sql(", ");
            }
            push(*key, self.by_index, out.reborrow())?;
        }
        Ok(())
    }
}

fn push(key: SortKey, by_index: bool, mut out: AstPass<'_, '_, Backend>) -> QueryResult<()> {
    if !key.property.is_required() {
        column(key.property, out.reborrow())?;
        out.push_sql(" IS NULL, ");
    }
    column(key.property, out.reborrow())?;
    let indexed = [Property::MessageId, Property::SentOrReceivedAt, Property::SubjectId];
    if !by_index && indexed.contains(&key.property) {
        out.push_sql(" + 0");
    }
    out.push_sql(if key.descending { " DESC" } else { " ASC" });
    Ok(())
}

/// Writes what a property is sorted by.
fn column(property: Property, mut out: AstPass<'_, '_, Backend>) -> QueryResult<()> {
    match property {
        Property::MessageId => messages::message_id.walk_ast(out),
        Property::TenantId => messages::tenant_id.walk_ast(out),
        Property::ChannelType => messages::channel_type.walk_ast(out),
        Property::Direction => messages::direction.walk_ast(out),
        Property::Address => messages::address.walk_ast(out),
        // The longest field of all stands in the item only.
        Property::Content => {
            let (before, after) = CONTENT_OF;
            out.push_sql(before);
            messages::item.walk_ast(out.reborrow())?;
            out.push_sql(after);
            Ok(())
        }
        Property::DeliveryStatus => messages::delivery_status.walk_ast(out),
        Property::DeliveryStatusAt => messages::delivery_status_at.walk_ast(out),
        Property::DeliveryStatusMessage => messages::delivery_status_message.walk_ast(out),
        Property::SentOrReceivedAt => messages::sent_or_received_at.walk_ast(out),
        Property::SubjectId => messages::subject_id.walk_ast(out),
        Property::SubjectName => messages::subject_name.walk_ast(out),
        Property::CascadeId => messages::cascade_id.walk_ast(out),
        Property::CascadeName => messages::cascade_name.walk_ast(out),
        Property::MatcherId => messages::matcher_id.walk_ast(out),
        Property::MatcherName => messages::matcher_name.walk_ast(out),
        Property::CascadeStageUuid => messages::cascade_stage_uuid.walk_ast(out),
        Property::BroadcastId => messages::broadcast_id.walk_ast(out),
        Property::BroadcastName => messages::broadcast_name.walk_ast(out),
        Property::TrafficType => messages::traffic_type.walk_ast(out),
        Property::Segments => messages::segments.walk_ast(out),
        Property::SubscriberId => messages::subscriber_id.walk_ast(out),
        Property::Comment => messages::comment.walk_ast(out),
        Property::ReplyInMessageId => messages::reply_in_message_id.walk_ast(out),
        Property::ReplyOutMessageId => messages::reply_out_message_id.walk_ast(out),
        Property::ReplyOutMessageExternalRequestId => messages::reply_out_message_external_request_id.walk_ast(out),
    }
}
