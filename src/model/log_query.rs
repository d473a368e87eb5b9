//! A valid question for WhatsApp log rows: what it keeps, in which order, which page; knows no store and no JSON.

use std::collections::BTreeSet;

use super::fold::{Pattern, case_fold};
use super::like::Matcher;
use super::whatsapp_log::Column;
use super::{Caller, TenantId};

/// A value in a condition, of its column's kind: integers, instants as milliseconds, ids as lower-case text.
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
    /// Not the same, and not null either.
    Different,
}

/// What is asked of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    IsNull,
    IsNotNull,
    /// Equal to one of them; to nothing where there are none.
    OneOf(Vec<Operand>),
    /// Not null and equal to none of them; anything at all where there are none.
    NoneOf(Vec<Operand>),
    Compare(Comparison, Operand),
    Matches(Pattern),
    /// Null, or not like the pattern.
    DoesNotMatch(Pattern),
    OrNull(Box<Predicate>),
}

impl Predicate {
    /// What a value comes to, as in a column that has this one in every row.
    pub fn holds_for(&self, value: &Operand) -> bool {
        let matches = |pattern: &Pattern| match value {
            // Nothing ends it.
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
            Self::OrNull(test) => test.holds_for(value),
        }
    }

    /// What a null comes to, as in a column that never has a value.
    pub fn holds_for_null(&self) -> bool {
        match self {
            Self::IsNull | Self::OrNull(_) | Self::DoesNotMatch(_) => true,
            Self::NoneOf(values) => values.is_empty(),
            Self::IsNotNull | Self::OneOf(_) | Self::Compare(..) | Self::Matches(_) => false,
        }
    }
}

/// What a row must fulfil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    On(Column, Predicate),
    /// One of them is like the pattern.
    AnyMatches(Vec<Searched>, Pattern),
}

/// Where a pattern is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Searched {
    Column(Column),
    /// The project's id, which is the same for every row.
    Project(String),
}

impl Condition {
    /// What no row fulfils.
    pub const NEVER: Self = Self::On(Column::Id, Predicate::OneOf(Vec::new()));

    /// Whether it is a test of a column.
    pub fn on(&self, wanted: Column) -> Option<&Predicate> {
        match self {
            Self::On(column, test) if *column == wanted => Some(test),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSortKey {
    pub column: Column,
    pub descending: bool,
}

/// Which rows of those that the caller may see.
#[derive(Clone, Debug)]
pub struct LogFilter {
    tenant: TenantId,
    senders: Option<BTreeSet<i64>>,
    /// All of them must be fulfilled.
    pub conditions: Vec<Condition>,
}

impl LogFilter {
    pub fn new(caller: &Caller, conditions: Vec<Condition>) -> Self {
        Self { tenant: caller.tenant, senders: caller.senders.clone(), conditions }
    }

    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The subjects whose messages the caller sees; all rows where there are none.
    pub fn senders(&self) -> Option<&BTreeSet<i64>> {
        self.senders.as_ref()
    }

    /// Whether it is clear without a look that no row fulfils it.
    pub fn is_impossible(&self) -> bool {
        self.conditions
            .iter()
            .any(|condition| matches!(condition, Condition::On(_, Predicate::OneOf(list)) if list.is_empty()))
    }

    /// The values that a column must have one of.
    pub fn values(&self, column: Column) -> Option<&[Operand]> {
        self.conditions.iter().find_map(|condition| match condition.on(column)? {
            Predicate::OneOf(values) => Some(values.as_slice()),
            _ => None,
        })
    }
}

/// Which page of them.
#[derive(Clone, Debug)]
pub struct LogQuery {
    pub filter: LogFilter,
    /// Never empty, and the id is its last key, so that pages never overlap (docs/oneuptime.md 3.5).
    pub sort: Vec<LogSortKey>,
    pub skip: i64,
    pub limit: i64,
    pub wanted: Wanted,
}

/// What is wanted of a page's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Ids,
    /// The other columns too; the text, which can be long, only where it is asked for.
    Rows {
        message_text: bool,
    },
}

impl LogQuery {
    /// The sort keys that were asked for, made whole: the newest first by default, no column twice, the id last.
    pub fn sort(asked: impl IntoIterator<Item = LogSortKey>) -> Vec<LogSortKey> {
        let mut sort: Vec<LogSortKey> = Vec::new();
        for key in asked {
            if sort.iter().all(|known| known.column != key.column) {
                sort.push(key);
            }
        }
        let newest_first = |column| LogSortKey { column, descending: true };
        if sort.is_empty() {
            sort.push(newest_first(Column::CreatedAt));
        }
        match sort.iter().position(|key| key.column == Column::Id) {
            // Nothing is left to order after the id.
            Some(place) => sort.truncate(place + 1),
            None => sort.push(newest_first(Column::Id)),
        }
        sort
    }
}
