//! A scan of messages for a query: which rows, through which index, and whether they come in the query's order; knows no
//! page and no SQL.
//!
//! | rows | index |
//! |---|---|
//! | one message, or several listed ones | primary key |
//! | the messages of recipients, by id | `messages_by_recipient` |
//! | the messages of subjects, between ids | `messages_by_subject` |
//! | all messages between ids | primary key |
//! | all messages of the window, by time | `messages_by_time` |
//!
//! `column + 0` hides a column's index from the database, so exactly one index is left for each statement
//! (`pinned::Hidden`).

use crate::model::Property;
use crate::model::history::{Direction, HistoryQuery, SortKey};
use crate::store::db::fragments::InList;
use crate::store::db::pinned::IndexHint;
use crate::store::db::text::{encode, encode_all};

/// Which messages a scan reads.
pub enum ScanTarget {
    /// The messages with these ids.
    Listed(Values<i64>),
    Recipients(Values<i64>),
    /// The messages of the current recipient of the enclosing statement.
    CurrentRecipient,
    /// The messages of these subjects, between two ids.
    Subjects(Values<i64>, (i64, i64)),
    /// The messages between two ids.
    Ids((i64, i64)),
    /// The messages of the window, by time.
    Time,
}

/// The values that a column may have.
pub enum Values<T> {
    One(T),
    Several(InList),
}

impl Values<i64> {
    pub fn numbers(list: &[i64]) -> Self {
        match list {
            [only] => Self::One(*only),
            several => Self::Several(InList::new(several)),
        }
    }
}

impl Values<String> {
    /// `None` if any value matches.
    pub(super) fn texts(list: &[String]) -> Option<Self> {
        match list {
            [] => None,
            [only] => Some(Self::One(encode(only).into_owned())),
            several => Some(Self::Several(InList::new(&encode_all(several)))),
        }
    }
}

/// A scan for a query.
pub struct Scan<'q> {
    pub(super) query: &'q HistoryQuery,
    pub(super) tenant: i64,
    pub(super) target: ScanTarget,
    /// The query's subjects, unless they are the scan's target.
    pub(super) subjects: Option<Values<i64>>,
    pub(super) channel_types: Option<Values<String>>,
    pub(super) direction: Option<&'static str>,
    pub(super) traffic_types: Option<Values<String>>,
    /// Whether its rows come in the query's order, so that no sort is needed.
    pub is_in_order: bool,
    /// The index that gives the order, if any.
    pub(super) order: IndexHint,
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
            ScanTarget::Listed(values) => (matches!(values, Values::One(_)), IndexHint::PrimaryKey),
            ScanTarget::CurrentRecipient => (true, IndexHint::ById),
            ScanTarget::Recipients(values) | ScanTarget::Subjects(values, _) => {
                (matches!(values, Values::One(_)) && is_by_message_id(query), IndexHint::ById)
            }
            ScanTarget::Ids(_) => (is_by_message_id(query), IndexHint::PrimaryKey),
            ScanTarget::Time => (is_by_time(query), IndexHint::ByTime),
        };
        let filters_subjects = !matches!(target, ScanTarget::Subjects(..));
        Self {
            query,
            tenant: query.tenant().0,
            target,
            subjects: query.subjects().filter(|_| filters_subjects).map(Values::numbers),
            channel_types: Values::texts(&query.channel_types),
            direction: query.direction.map(Direction::word),
            traffic_types: Values::texts(&query.traffic_types),
            is_in_order,
            order: if is_in_order { order } else { IndexHint::None },
        }
    }
}
