//! Turns a sort into an `ORDER BY` clause; knows no filter.

use diesel::expression::{AppearsOnTable, Expression};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::QueryResult;
use diesel::sql_types::Untyped;

use crate::model::Property;
use crate::model::history::Sort;
use crate::store::db::connection::Backend;
use crate::store::db::fragments::{self, IndexHint, ItemContent, PinnedColumn};
use crate::store::schema::messages;

/// `ORDER BY key IS NULL, key, …, message_id`: a missing value comes last in both directions (docs/edna.md 4.2).
///
/// It writes the whole list itself, because diesel nests what `then_order_by` adds and takes twice as long for every
/// level: a request that named all properties kept a core busy for hours.
pub struct OrderBy {
    sort: Sort,
    message_id: PinnedColumn<messages::message_id>,
    sent_at: PinnedColumn<messages::sent_or_received_at>,
    subject_id: PinnedColumn<messages::subject_id>,
}

impl OrderBy {
    /// `hint` names the index that has this order. If none has it, the database must not scan another index, and with
    /// it the whole tenant, just for the order.
    pub fn new(sort: Sort, hint: IndexHint) -> Self {
        Self {
            sort,
            message_id: fragments::message_id(hint),
            sent_at: fragments::sent_at(hint),
            subject_id: fragments::subject_id(),
        }
    }
}

impl Expression for OrderBy {
    type SqlType = Untyped;
}

impl AppearsOnTable<messages::table> for OrderBy {}

impl QueryFragment<Backend> for OrderBy {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        // Callers choose their sorts, so caching each as a prepared statement would fill the memory of the gateway and
        // of the database.
        let common = [Property::MessageId, Property::SentOrReceivedAt];
        if !self.sort.keys().iter().all(|key| common.contains(&key.property)) {
            out.unsafe_to_cache_prepared();
        }
        for (index, key) in self.sort.keys().iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            if !key.property.is_required() {
                self.column(key.property, out.reborrow())?;
                out.push_sql(" IS NULL, ");
            }
            self.column(key.property, out.reborrow())?;
            out.push_sql(if key.descending { " DESC" } else { " ASC" });
        }
        Ok(())
    }
}

impl OrderBy {
    /// Writes the expression by which a property is sorted.
    fn column<'b>(&'b self, property: Property, out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        match property {
            Property::MessageId => self.message_id.walk_ast(out),
            Property::TenantId => messages::tenant_id.walk_ast(out),
            Property::ChannelType => messages::channel_type.walk_ast(out),
            Property::Direction => messages::direction.walk_ast(out),
            Property::Address => messages::address.walk_ast(out),
            Property::Content => ItemContent.walk_ast(out),
            Property::DeliveryStatus => messages::delivery_status.walk_ast(out),
            Property::DeliveryStatusAt => messages::delivery_status_at.walk_ast(out),
            Property::DeliveryStatusMessage => messages::delivery_status_message.walk_ast(out),
            Property::SentOrReceivedAt => self.sent_at.walk_ast(out),
            Property::SubjectId => self.subject_id.walk_ast(out),
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
}
