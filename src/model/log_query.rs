//! A validated query for WhatsApp log rows: its filter, its order and its page; knows no store and no JSON.

use std::collections::BTreeSet;

use super::fold::{Pattern, case_fold};
use super::like::Matcher;
use super::whatsapp_log::Column;
use super::{Grants, TenantId};

/// A value in a condition, of its column's type: integers, instants as milliseconds, ids as lower-case text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operand {
    Integer(i64),
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Different and not null.
    Different,
}

/// A predicate on the value of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    IsNull,
    IsNotNull,
    /// Equal to one of them; never true if the list is empty.
    OneOf(Vec<Operand>),
    /// Not null and equal to none of them; always true, also for null, if the list is empty.
    NoneOf(Vec<Operand>),
    Compare(Comparison, Operand),
    Matches(Pattern),
    /// Null, or not matching the pattern.
    DoesNotMatch(Pattern),
    OrNull(Box<Predicate>),
}

impl Predicate {
    /// Whether it is true for a value, such as that of a column that has the same value in every row.
    pub fn holds_for(&self, value: &Operand) -> bool {
        let matches = |pattern: &Pattern| match value {
            // The callback never cancels it.
            Operand::Text(text) => {
                Matcher::new(pattern.as_str()).matches::<()>(&case_fold(text), &mut || Ok(())) == Ok(true)
            }
            Operand::Integer(_) => false,
        };
        match self {
            Self::IsNull => false,
            Self::IsNotNull => true,
            Self::OneOf(values) => values.contains(value),
            Self::NoneOf(values) => !values.contains(value),
            Self::Compare(comparison, other) => match comparison {
                Comparison::Less => value < other,
                Comparison::LessOrEqual => value <= other,
                Comparison::Greater => value > other,
                Comparison::GreaterOrEqual => value >= other,
                Comparison::Different => value != other,
            },
            Self::Matches(pattern) => matches(pattern),
            Self::DoesNotMatch(pattern) => !matches(pattern),
            Self::OrNull(predicate) => predicate.holds_for(value),
        }
    }

    /// Whether it is true for null, such as in a column that never has a value.
    pub fn holds_for_null(&self) -> bool {
        match self {
            Self::IsNull | Self::OrNull(_) | Self::DoesNotMatch(_) => true,
            Self::NoneOf(values) => values.is_empty(),
            Self::IsNotNull | Self::OneOf(_) | Self::Compare(..) | Self::Matches(_) => false,
        }
    }
}

/// A condition on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    On(Column, Predicate),
    /// At least one of them matches the pattern.
    AnyMatches(Vec<SearchTarget>, Pattern),
}

/// What a pattern is matched against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchTarget {
    Column(Column),
    /// The project's id, which is the same for every row.
    Project(String),
}

impl Condition {
    /// A condition that no row meets.
    pub const NEVER: Self = Self::On(Column::Id, Predicate::OneOf(Vec::new()));

    /// Its predicate, if it is a condition on this column.
    pub fn on(&self, wanted: Column) -> Option<&Predicate> {
        match self {
            Self::On(column, predicate) if *column == wanted => Some(predicate),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSortKey {
    pub column: Column,
    pub descending: bool,
}

/// Selects some of the rows that may be seen.
#[derive(Clone, Debug)]
pub struct LogFilter {
    tenant: TenantId,
    senders: Option<BTreeSet<i64>>,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
}

impl LogFilter {
    pub fn new(grants: &Grants, conditions: Vec<Condition>) -> Self {
        Self { tenant: grants.tenant, senders: grants.senders.clone(), conditions }
    }

    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The subjects whose messages the caller may see; `None` for all rows.
    pub fn senders(&self) -> Option<&BTreeSet<i64>> {
        self.senders.as_ref()
    }

    /// Whether no row can match, as far as the conditions alone show.
    pub fn is_impossible(&self) -> bool {
        self.conditions
            .iter()
            .any(|condition| matches!(condition, Condition::On(_, Predicate::OneOf(list)) if list.is_empty()))
    }

    /// The values of which a column must have one, if a condition lists them.
    pub fn values(&self, column: Column) -> Option<&[Operand]> {
        self.conditions.iter().find_map(|condition| match condition.on(column)? {
            Predicate::OneOf(values) => Some(values.as_slice()),
            _ => None,
        })
    }
}

/// A filter, an order and a page.
#[derive(Clone, Debug)]
pub struct LogQuery {
    pub filter: LogFilter,
    /// Never empty. The id is its last key, so pages never overlap (docs/oneuptime.md 3.5).
    pub sort: Vec<LogSortKey>,
    pub skip: i64,
    pub limit: i64,
    pub wanted: Projection,
}

/// Which columns of a page's rows are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Projection {
    Ids,
    /// All columns, but the message text, which can be long, only if it is requested.
    Rows {
        message_text: bool,
    },
}

impl LogQuery {
    /// Completes the requested sort keys: newest first by default, no column twice, the id last.
    pub fn sort(keys: impl IntoIterator<Item = LogSortKey>) -> Vec<LogSortKey> {
        let mut sort: Vec<LogSortKey> = Vec::new();
        for key in keys {
            if sort.iter().all(|other| other.column != key.column) {
                sort.push(key);
            }
        }
        let newest_first = |column| LogSortKey { column, descending: true };
        if sort.is_empty() {
            sort.push(newest_first(Column::CreatedAt));
        }
        match sort.iter().position(|key| key.column == Column::Id) {
            // Ids are unique, so later keys have no effect.
            Some(index) => sort.truncate(index + 1),
            None => sort.push(newest_first(Column::Id)),
        }
        sort
    }
}
