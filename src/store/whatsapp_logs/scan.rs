//! One statement that reads WhatsApp log rows: which rows, through which index, and in which order; knows no page and
//! no count.

use diesel::prelude::*;

use super::columns::{Index, OrderBy, SubjectId};
use super::condition::Where;
use crate::model::LogFilter;
use crate::model::log_query::{Comparison, Condition, LogSortKey, Operand, Predicate};
use crate::model::whatsapp_log::{Column, Relation};
use crate::store::db::explain::Logs;
use crate::store::db::fragments::any_of;
use crate::store::schema::whatsapp_logs;

/// The first and the last millisecond of `createdAt`; `None` if the range is open there.
pub type TimeRange = (Option<i64>, Option<i64>);

/// Starts a statement about rows.
pub type NewStatement<'s, 'q> = &'s dyn Fn() -> Logs<'q>;

/// Which rows a scan reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanTarget {
    /// Those with the values that a condition lists for a column.
    Values(Column),
    Senders,
    Time,
    Updates,
}

/// A scan of the rows that match a filter.
#[derive(Clone, Copy)]
pub struct Scan<'q> {
    filter: &'q LogFilter,
    pub target: ScanTarget,
    index: Index,
}

/// Columns with few rows per value, the most selective first.
const SELECTIVE: [Column; 5] =
    [Column::Id, Column::WhatsAppMessageId, Column::Related(Relation::Incident), Column::ToNumber, Column::FromNumber];

impl<'q> Scan<'q> {
    pub fn new(filter: &'q LogFilter, target: ScanTarget) -> Self {
        Self { filter, target, index: index(filter, target) }
    }

    /// The scan for the rows of a time range.
    pub fn of_range(filter: &'q LogFilter) -> Self {
        Self::new(
            filter,
            match filter.values(Column::Status) {
                Some([_]) => ScanTarget::Values(Column::Status),
                _ => ScanTarget::Time,
            },
        )
    }

    /// The scan for all rows that match a filter.
    pub fn of_all(filter: &'q LogFilter) -> Self {
        Self::new(filter, target_of_all(filter))
    }

    /// Whether the rows come in the order of the first sort key, so that only rows with equal keys need sorting.
    pub fn is_in_order(&self, sort: &[LogSortKey]) -> bool {
        let column = match self.index {
            Index::Time | Index::SingleValue(_) | Index::Subject => Column::CreatedAt,
            Index::Updates => Column::UpdatedAt,
            Index::Values(_) | Index::Subjects => return false,
        };
        sort.first().is_some_and(|first| first.column == column)
    }

    /// `SELECT … FROM whatsapp_logs WHERE … ORDER BY …`, without the columns and the page yet.
    pub fn ordered(&self, sort: &'q [LogSortKey], is_in_order: bool, range: TimeRange, start: Logs<'q>) -> Logs<'q> {
        let order = is_in_order.then_some(self.index);
        self.statement(range, start).order(OrderBy::new(sort, order))
    }

    /// The rows of a time range, in no order.
    pub fn statement(&self, range: TimeRange, start: Logs<'q>) -> Logs<'q> {
        let Self { filter, target, index } = *self;
        let mut statement = start.filter(whatsapp_logs::tenant_id.eq(filter.tenant().0));
        if let Some(senders) = filter.senders() {
            let bare = target == ScanTarget::Senders;
            let only = senders.first().filter(|_| senders.len() == 1);
            statement = match only {
                Some(only) => statement.filter(SubjectId { bare }.eq(*only)),
                None => statement.filter(any_of(SubjectId { bare }, senders)),
            };
        }
        let bound = |comparison, at: i64| {
            Condition::On(Column::CreatedAt, Predicate::Compare(comparison, Operand::Integer(at)))
        };
        // A scan by time always has a condition on `createdAt`, so that the index by time can be used.
        let is_bounded =
            range.0.is_some() || filter.conditions.iter().any(|condition| condition.on(Column::CreatedAt).is_some());
        let from = if target == ScanTarget::Time && !is_bounded { Some(i64::MIN) } else { range.0 };
        let range: Vec<Condition> = [
            from.map(|from| bound(Comparison::GreaterOrEqual, from)),
            range.1.map(|to| bound(Comparison::LessOrEqual, to)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !range.is_empty() {
            statement = statement.filter(Where::new(&range, index));
        }
        if !filter.conditions.is_empty() {
            statement = statement.filter(Where::new(&filter.conditions, index));
        }
        statement
    }
}

fn target_of_all(filter: &LogFilter) -> ScanTarget {
    let related = Relation::ALL.into_iter().map(Column::Related);
    if let Some(column) = SELECTIVE.into_iter().chain(related).find(|column| filter.values(*column).is_some()) {
        return ScanTarget::Values(column);
    }
    if filter.conditions.iter().any(|condition| condition.on(Column::UpdatedAt).is_some_and(is_lower_bound)) {
        return ScanTarget::Updates;
    }
    match (filter.values(Column::Status), filter.senders()) {
        (Some(_), _) => ScanTarget::Values(Column::Status),
        (None, Some(_)) => ScanTarget::Senders,
        (None, None) => ScanTarget::Time,
    }
}

fn index(filter: &LogFilter, target: ScanTarget) -> Index {
    match target {
        ScanTarget::Time => Index::Time,
        ScanTarget::Updates => Index::Updates,
        ScanTarget::Values(column) => match filter.values(column) {
            Some([_]) if column != Column::Id => Index::SingleValue(column),
            _ => Index::Values(column),
        },
        ScanTarget::Senders => match filter.senders() {
            Some(senders) if senders.len() == 1 => Index::Subject,
            _ => Index::Subjects,
        },
    }
}

fn is_lower_bound(predicate: &Predicate) -> bool {
    matches!(predicate, Predicate::OneOf(_) | Predicate::Compare(Comparison::Greater | Comparison::GreaterOrEqual, _))
}
