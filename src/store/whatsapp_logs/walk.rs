//! Which rows a question about WhatsApp log rows looks at, and the statement that does; knows no page and no count.

use diesel::prelude::*;

use super::columns::{Index, SubjectId};
use super::condition::Where;
use crate::model::LogFilter;
use crate::model::log_query::{Comparison, Condition, SortKey, Test, Value};
use crate::model::whatsapp_log::{Column, Relation};
use crate::store::db::explain::Logs;
use crate::store::db::fragments::any_of;
use crate::store::schema::whatsapp_logs;

/// The first and the last millisecond of a stretch of `createdAt`.
pub type Window = (Option<i64>, Option<i64>);

/// Begins a statement about rows.
pub type Start<'s, 'a> = &'s dyn Fn() -> Logs<'a>;

/// Which rows a statement looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// The values that a column must have one of.
    Values(Column),
    Senders,
    Time,
    Updates,
}

/// Columns whose values have few rows each, the fewest first.
const SHARP: [Column; 5] =
    [Column::Id, Column::WhatsAppMessageId, Column::Related(Relation::Incident), Column::ToNumber, Column::FromNumber];

impl Walk {
    /// How to look at the rows of a stretch of time.
    pub fn of_time(filter: &LogFilter) -> Self {
        match filter.values(Column::Status) {
            Some([_]) => Self::Values(Column::Status),
            _ => Self::Time,
        }
    }

    /// How to look at all rows of a filter.
    pub fn of_all(filter: &LogFilter) -> Self {
        let related = Relation::ALL.into_iter().map(Column::Related);
        if let Some(column) = SHARP.into_iter().chain(related).find(|column| filter.values(*column).is_some()) {
            return Self::Values(column);
        }
        if filter.conditions.iter().any(|condition| condition.on(Column::UpdatedAt).is_some_and(is_bound_below)) {
            return Self::Updates;
        }
        match (filter.values(Column::Status), filter.senders()) {
            (Some(_), _) => Self::Values(Column::Status),
            (None, Some(_)) => Self::Senders,
            (None, None) => Self::Time,
        }
    }

    pub fn index(self, filter: &LogFilter) -> Index {
        match self {
            Self::Time => Index::Time,
            Self::Updates => Index::Updates,
            Self::Values(column) => match filter.values(column) {
                Some([_]) if column != Column::Id => Index::Value(column),
                _ => Index::Values(column),
            },
            Self::Senders => match filter.senders() {
                Some(senders) if senders.len() == 1 => Index::Subject,
                _ => Index::Subjects,
            },
        }
    }
}

/// Whether a walk gives its rows in an order as far as its first key, so that only those alike in it are sorted.
pub fn gives_the_order(index: Index, sort: &[SortKey]) -> bool {
    let by = match index {
        Index::Time | Index::Value(_) | Index::Subject => Column::CreatedAt,
        Index::Updates => Column::UpdatedAt,
        Index::Values(_) | Index::Subjects => return false,
    };
    sort.first().is_some_and(|first| first.column == by)
}

fn is_bound_below(test: &Test) -> bool {
    matches!(test, Test::OneOf(_) | Test::Compare(Comparison::Greater | Comparison::GreaterOrEqual, _))
}

/// The rows of a walk that a filter lets through, within a stretch of time.
pub fn statement<'a>(filter: &'a LogFilter, walk: Walk, window: Window, start: Logs<'a>) -> Logs<'a> {
    let index = walk.index(filter);
    let mut found = start.filter(whatsapp_logs::tenant_id.eq(filter.tenant().0));
    if let Some(senders) = filter.senders() {
        let bare = walk == Walk::Senders;
        let only = senders.first().filter(|_| senders.len() == 1);
        found = match only {
            Some(only) => found.filter(SubjectId { bare }.eq(*only)),
            None => found.filter(any_of(SubjectId { bare }, senders)),
        };
    }
    let bound = |comparison, at: i64| Condition::On(Column::CreatedAt, Test::Compare(comparison, Value::Integer(at)));
    // Named at least once, so that the index is walked which has it.
    let is_bounded = window.0.is_some() || filter.conditions.iter().any(|one| one.on(Column::CreatedAt).is_some());
    let from = if walk == Walk::Time && !is_bounded { Some(i64::MIN) } else { window.0 };
    let window: Vec<Condition> = [
        from.map(|from| bound(Comparison::GreaterOrEqual, from)),
        window.1.map(|to| bound(Comparison::LessOrEqual, to)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !window.is_empty() {
        found = found.filter(Where::new(&window, index));
    }
    if !filter.conditions.is_empty() {
        found = found.filter(Where::new(&filter.conditions, index));
    }
    found
}
