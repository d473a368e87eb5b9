//! One statement that reads WhatsApp log rows: which rows, by which index, and whether they come in an order; knows no page
//! and no count.

use diesel::prelude::*;

use super::columns::{Index, OrderBy, SubjectId};
use super::condition::Where;
use crate::model::LogFilter;
use crate::model::log_query::{Comparison, Condition, LogSortKey, Operand, Predicate};
use crate::model::whatsapp_log::{Column, Relation};
use crate::store::db::explain::Logs;
use crate::store::db::fragments::any_of;
use crate::store::schema::whatsapp_logs;

/// The first and the last millisecond of `createdAt`, as far as there are any.
pub type TimeRange = (Option<i64>, Option<i64>);

/// Begins a statement about rows.
pub type Start<'s, 'q> = &'s dyn Fn() -> Logs<'q>;

/// Which rows a scan reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The values that a column must have one of.
    Values(Column),
    Senders,
    Time,
    Updates,
}

/// A scan of the rows that a filter lets through.
#[derive(Clone, Copy)]
pub struct Scan<'q> {
    filter: &'q LogFilter,
    pub rows: Rows,
    index: Index,
}

/// Columns whose values have few rows each, the fewest first.
const SELECTIVE: [Column; 5] =
    [Column::Id, Column::WhatsAppMessageId, Column::Related(Relation::Incident), Column::ToNumber, Column::FromNumber];

impl<'q> Scan<'q> {
    pub fn new(filter: &'q LogFilter, rows: Rows) -> Self {
        Self { filter, rows, index: index(filter, rows) }
    }

    /// The scan for a range of time.
    pub fn of_range(filter: &'q LogFilter) -> Self {
        Self::new(
            filter,
            match filter.values(Column::Status) {
                Some([_]) => Rows::Values(Column::Status),
                _ => Rows::Time,
            },
        )
    }

    /// The scan for all rows of a filter.
    pub fn of_all(filter: &'q LogFilter) -> Self {
        Self::new(filter, rows_of_all(filter))
    }

    /// Whether the rows come in an order as far as its first key, so that only those alike in it are sorted.
    pub fn is_in_order(&self, sort: &[LogSortKey]) -> bool {
        let by = match self.index {
            Index::Time | Index::Operand(_) | Index::Subject => Column::CreatedAt,
            Index::Updates => Column::UpdatedAt,
            Index::Values(_) | Index::Subjects => return false,
        };
        sort.first().is_some_and(|first| first.column == by)
    }

    /// `SELECT … FROM whatsapp_logs WHERE … ORDER BY …`, its columns and its page still to be named.
    pub fn ordered(&self, sort: &'q [LogSortKey], range: TimeRange, start: Logs<'q>) -> Logs<'q> {
        let order = self.is_in_order(sort).then_some(self.index);
        self.statement(range, start).order(OrderBy::new(sort, order))
    }

    /// The rows within a range of time, in no order.
    pub fn statement(&self, range: TimeRange, start: Logs<'q>) -> Logs<'q> {
        let Self { filter, rows, index } = *self;
        let mut found = start.filter(whatsapp_logs::tenant_id.eq(filter.tenant().0));
        if let Some(senders) = filter.senders() {
            let bare = rows == Rows::Senders;
            let only = senders.first().filter(|_| senders.len() == 1);
            found = match only {
                Some(only) => found.filter(SubjectId { bare }.eq(*only)),
                None => found.filter(any_of(SubjectId { bare }, senders)),
            };
        }
        let bound = |comparison, at: i64| {
            Condition::On(Column::CreatedAt, Predicate::Compare(comparison, Operand::Integer(at)))
        };
        // Named at least once, so that the index by time can be used.
        let is_bounded = range.0.is_some() || filter.conditions.iter().any(|one| one.on(Column::CreatedAt).is_some());
        let from = if rows == Rows::Time && !is_bounded { Some(i64::MIN) } else { range.0 };
        let range: Vec<Condition> = [
            from.map(|from| bound(Comparison::GreaterOrEqual, from)),
            range.1.map(|to| bound(Comparison::LessOrEqual, to)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !range.is_empty() {
            found = found.filter(Where::new(&range, index));
        }
        if !filter.conditions.is_empty() {
            found = found.filter(Where::new(&filter.conditions, index));
        }
        found
    }
}

fn rows_of_all(filter: &LogFilter) -> Rows {
    let related = Relation::ALL.into_iter().map(Column::Related);
    if let Some(column) = SELECTIVE.into_iter().chain(related).find(|column| filter.values(*column).is_some()) {
        return Rows::Values(column);
    }
    if filter.conditions.iter().any(|condition| condition.on(Column::UpdatedAt).is_some_and(is_bound_below)) {
        return Rows::Updates;
    }
    match (filter.values(Column::Status), filter.senders()) {
        (Some(_), _) => Rows::Values(Column::Status),
        (None, Some(_)) => Rows::Senders,
        (None, None) => Rows::Time,
    }
}

fn index(filter: &LogFilter, rows: Rows) -> Index {
    match rows {
        Rows::Time => Index::Time,
        Rows::Updates => Index::Updates,
        Rows::Values(column) => match filter.values(column) {
            Some([_]) if column != Column::Id => Index::Operand(column),
            _ => Index::Values(column),
        },
        Rows::Senders => match filter.senders() {
            Some(senders) if senders.len() == 1 => Index::Subject,
            _ => Index::Subjects,
        },
    }
}

fn is_bound_below(test: &Predicate) -> bool {
    matches!(test, Predicate::OneOf(_) | Predicate::Compare(Comparison::Greater | Comparison::GreaterOrEqual, _))
}
