//! Which index a walk reads, by what its query names; knows no page.

use crate::model::MessageQuery;
use crate::store::messages::keys;

/// How many values of one index are read at most; each takes a statement of its own. With more, the next index that applies
/// is read, or all messages.
const MAX_STREAMS: usize = 256;

/// An index of messages, in which the messages with one value are in the order of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    Comment,
    Recipient,
    Broadcast,
    Status,
    Cascade,
    Subject,
}

impl Index {
    /// Its name, and the column that its values are in.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Comment => ("messages_by_comment", "comment_key"),
            Self::Recipient => ("messages_by_recipient", "recipient_id"),
            Self::Broadcast => ("messages_by_broadcast", "broadcast_id"),
            Self::Status => ("messages_by_status", "undelivered_status"),
            Self::Cascade => ("messages_by_cascade", "cascade_id"),
            Self::Subject => ("messages_by_subject", "subject_id"),
        }
    }
}

/// The messages that one stream reads, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// All messages of the tenant.
    All,
    /// These, in ascending order.
    Ids(Vec<i64>),
    Number(Index, i64),
    Text(Index, String),
}

/// The sources of a query. No message is in two of them. `recipients` are those that its addresses and subscribers
/// resolve to, if it names any.
pub fn sources(query: &MessageQuery, recipients: Option<&[i64]>) -> Vec<Source> {
    let filters = &query.filters;
    let numbers = |index, list: &[i64]| list.iter().map(|value| Source::Number(index, *value)).collect();
    let statuses: Option<Vec<Source>> = filters
        .delivery_statuses
        .iter()
        .map(|word| keys::undelivered_status(word).map(|word| Source::Text(Index::Status, word.into_owned())))
        .collect();
    let candidates = [
        (!filters.message_ids.is_empty()).then(|| vec![Source::Ids(filters.message_ids.clone())]),
        filters.comment.as_ref().map(|comment| vec![Source::Number(Index::Comment, keys::comment_key(comment))]),
        recipients.map(|recipients| numbers(Index::Recipient, recipients)),
        (!filters.broadcast_ids.is_empty()).then(|| numbers(Index::Broadcast, &filters.broadcast_ids)),
        statuses.filter(|statuses| !statuses.is_empty()),
        (!filters.cascade_ids.is_empty()).then(|| numbers(Index::Cascade, &filters.cascade_ids)),
        query.subjects().map(|subjects| numbers(Index::Subject, subjects)),
    ];
    let first = candidates.into_iter().flatten().find(|sources| sources.len() <= MAX_STREAMS);
    first.unwrap_or_else(|| vec![Source::All])
}

impl Source {
    pub fn index(&self) -> Option<Index> {
        match self {
            Self::All | Self::Ids(_) => None,
            Self::Number(index, _) | Self::Text(index, _) => Some(*index),
        }
    }
}
