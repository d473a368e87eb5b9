//! One statement that reads messages of a query: which rows, through which index, and whether they come in the query's
//! order; knows no page.
//!
//! | rows | index |
//! |---|---|
//! | one message | primary key |
//! | the messages of recipients, by id | `messages_by_recipient` |
//! | the messages of subjects, between ids | `messages_by_subject` |
//! | all messages between ids | primary key |
//! | all messages of the window, by time | `messages_by_time` |
//!
//! `column + 0` hides a column's index from the database, so exactly one index is left for each statement
//! (`fragments::PinnedColumn`).

use diesel::prelude::*;

use crate::model::Property;
use crate::model::history::{HistoryQuery, SortKey};
use crate::store::db::explain::Messages;
use crate::store::db::fragments::{self, IndexHint, any_of};
use crate::store::db::text::{encode, encode_all};
use crate::store::messages::order::OrderBy;
use crate::store::recipients::person_page::CurrentRecipient;
use crate::store::schema::messages;

/// Which messages a scan reads.
#[derive(Clone, Debug)]
pub enum ScanTarget {
    One(i64),
    Recipients(Vec<i64>),
    /// The messages of the current recipient of the enclosing statement.
    CurrentRecipient,
    /// The messages of these subjects, between two ids.
    Subjects(Vec<i64>, (i64, i64)),
    /// The messages between two ids.
    Ids((i64, i64)),
    /// The messages of the window, by time.
    Time,
}

/// A scan for a query.
pub struct Scan<'q> {
    query: &'q HistoryQuery,
    target: ScanTarget,
    /// Whether its rows come in the query's order, so that no sort is needed.
    pub is_in_order: bool,
    /// The index that gives the order, if any.
    order: IndexHint,
}

/// Whether a query sorts by id alone.
pub fn is_by_message_id(query: &HistoryQuery) -> bool {
    matches!(query.sort.keys(), [SortKey { property: Property::MessageId, .. }])
}

/// Whether a query sorts by time, and by id in the same direction.
pub fn is_by_time(query: &HistoryQuery) -> bool {
    match query.sort.keys() {
        [time, id] => time.property == Property::SentOrReceivedAt && time.descending == id.descending,
        _ => false,
    }
}

impl<'q> Scan<'q> {
    pub fn new(query: &'q HistoryQuery, target: ScanTarget) -> Self {
        let (is_in_order, order) = match &target {
            ScanTarget::One(_) => (true, IndexHint::PrimaryKey),
            ScanTarget::CurrentRecipient => (true, IndexHint::ById),
            ScanTarget::Recipients(list) | ScanTarget::Subjects(list, _) => {
                (list.len() == 1 && is_by_message_id(query), IndexHint::ById)
            }
            ScanTarget::Ids(_) => (is_by_message_id(query), IndexHint::PrimaryKey),
            ScanTarget::Time => (is_by_time(query), IndexHint::ByTime),
        };
        Self { query, target, is_in_order, order: if is_in_order { order } else { IndexHint::None } }
    }

    /// `SELECT … FROM messages WHERE … ORDER BY … OFFSET … LIMIT …`, without the columns yet.
    pub fn statement(&self, start: Messages<'q>, (offset, limit): (i64, i64)) -> Messages<'q> {
        self.filtered(start).order(OrderBy::new(self.query.sort.clone(), self.order)).offset(offset).limit(limit)
    }

    fn filtered(&self, start: Messages<'q>) -> Messages<'q> {
        let query = self.query;
        let mut statement = start.filter(messages::tenant_id.eq(query.tenant().0));
        let (from, to) = (query.window.from.0, query.window.to.0);
        statement = statement.filter(fragments::sent_at(IndexHint::None).between(from, to));
        statement = match &self.target {
            ScanTarget::One(id) => statement.filter(messages::message_id.eq(*id)),
            ScanTarget::Recipients(list) => match list.as_slice() {
                [only] => statement.filter(messages::recipient_id.eq(*only)),
                list => statement.filter(any_of(messages::recipient_id, list)),
            },
            ScanTarget::CurrentRecipient => statement.filter(CurrentRecipient),
            ScanTarget::Subjects(list, (least, greatest)) => match list.as_slice() {
                [only] => statement.filter(messages::subject_id.eq(*only)),
                list => statement.filter(any_of(messages::subject_id, list)),
            }
            .filter(fragments::message_id(IndexHint::ById).between(*least, *greatest)),
            ScanTarget::Ids((least, greatest)) => statement.filter(messages::message_id.between(*least, *greatest)),
            ScanTarget::Time => statement.filter(fragments::sent_at(IndexHint::ByTime).between(from, to)),
        };
        if let (Some(subjects), ScanTarget::One(_) | ScanTarget::Recipients(_) | ScanTarget::CurrentRecipient) =
            (query.subjects(), &self.target)
        {
            statement = match subjects {
                [only] => statement.filter(fragments::subject_id().eq(*only)),
                several => statement.filter(any_of(fragments::subject_id(), several)),
            };
        }
        statement = match query.channel_types.as_slice() {
            [] => statement,
            [only] => statement.filter(messages::channel_type.eq(encode(only))),
            several => statement.filter(any_of(messages::channel_type, &encode_all(several))),
        };
        if let Some(direction) = query.direction {
            statement = statement.filter(messages::direction.eq(direction.word()));
        }
        match query.traffic_types.as_slice() {
            [] => statement,
            [only] => statement.filter(messages::traffic_type.eq(encode(only))),
            several => statement.filter(any_of(messages::traffic_type, &encode_all(several))),
        }
    }
}
