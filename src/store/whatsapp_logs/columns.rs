//! The columns of WhatsApp log rows as statements name them, and the `ORDER BY` clause; knows no condition.

use diesel::backend;
use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Untyped};

use crate::model::log_query::LogSortKey;
use crate::model::whatsapp_log::{Column, ColumnType, Relation};
use crate::store::db::connection::Backend;
use crate::store::schema::whatsapp_logs;

/// The index that a statement is to scan. It decides which columns are named bare, as in that index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    Time,
    Updates,
    /// Values of a column: only this column is bare.
    Values(Column),
    /// One value of a column, and then time.
    SingleValue(Column),
    /// Several subjects: no column is bare.
    Subjects,
    /// One subject, and then time.
    Subject,
}

impl Index {
    pub fn names(self, column: Column) -> bool {
        match self {
            Self::Time | Self::Subject => matches!(column, Column::CreatedAt | Column::Id),
            Self::Updates => matches!(column, Column::UpdatedAt | Column::Id),
            Self::Values(scanned) => column == scanned,
            Self::SingleValue(scanned) => column == scanned || matches!(column, Column::CreatedAt | Column::Id),
            Self::Subjects => false,
        }
    }
}

/// A column, or an expression of the same value that no index matches, so that one index is left for a statement.
#[derive(Clone, Copy)]
pub struct Named {
    pub column: Column,
    pub bare: bool,
}

impl<DB: backend::Backend> QueryFragment<DB> for Named {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_identifier(name(self.column))?;
        out.push_sql(match self.column.kind() {
            _ if self.bare => "",
            ColumnType::Integer | ColumnType::Instant => " + 0",
            ColumnType::Id | ColumnType::Text => " || ''",
        });
        Ok(())
    }
}

pub fn name(column: Column) -> &'static str {
    match column {
        Column::Id => "id",
        Column::CreatedAt => "created_at",
        Column::UpdatedAt => "updated_at",
        Column::Version => "version",
        Column::ToNumber => "to_number",
        Column::FromNumber => "from_number",
        Column::MessageText => "message_text",
        Column::StatusMessage => "status_message",
        Column::WhatsAppMessageId => "whatsapp_message_id",
        Column::Status => "status",
        Column::Cost => "whatsapp_cost_in_usd_cents",
        Column::Related(relation) => match relation {
            Relation::Incident => "incident_id",
            Relation::User => "user_id",
            Relation::Alert => "alert_id",
            Relation::Monitor => "monitor_id",
            Relation::ScheduledMaintenance => "scheduled_maintenance_id",
            Relation::StatusPage => "status_page_id",
            Relation::StatusPageAnnouncement => "status_page_announcement_id",
            Relation::Team => "team_id",
            Relation::OnCallDutyPolicy => "on_call_duty_policy_id",
            Relation::OnCallDutyPolicyEscalationRule => "on_call_duty_policy_escalation_rule_id",
            Relation::OnCallDutyPolicySchedule => "on_call_duty_policy_schedule_id",
        },
    }
}

/// The subject of a row's message, or an expression of the same value that no index matches.
pub struct SubjectId {
    pub bare: bool,
}

impl Expression for SubjectId {
    type SqlType = Nullable<BigInt>;
}

impl AppearsOnTable<whatsapp_logs::table> for SubjectId {}

impl<G> ValidGrouping<G> for SubjectId {
    type IsAggregate = is_aggregate::Never;
}

impl QueryId for SubjectId {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: backend::Backend> QueryFragment<DB> for SubjectId {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(if self.bare { "subject_id" } else { "subject_id + 0" });
        Ok(())
    }
}

/// `ORDER BY …`: nulls come first in a descending order and last in an ascending one (docs/oneuptime.md 3.5).
pub struct OrderBy(Vec<(Named, bool)>);

impl OrderBy {
    /// `index` is the index that has this order, if any.
    pub fn new(sort: &[LogSortKey], index: Option<Index>) -> Self {
        let bare = |column| index.is_some_and(|index| index.names(column));
        Self(sort.iter().map(|key| (Named { column: key.column, bare: bare(key.column) }, key.descending)).collect())
    }
}

impl Expression for OrderBy {
    type SqlType = Untyped;
}

impl AppearsOnTable<whatsapp_logs::table> for OrderBy {}

impl QueryFragment<Backend> for OrderBy {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        if !matches!(self.0.as_slice(), [(first, _), (id, _)] if first.bare && id.column == Column::Id) {
            out.unsafe_to_cache_prepared();
        }
        for (position, (named, descending)) in self.0.iter().enumerate() {
            out.push_sql(if position > 0 { ", " } else { "" });
            QueryFragment::<Backend>::walk_ast(named, out.reborrow())?;
            out.push_sql(if *descending { " DESC" } else { " ASC" });
            if named.column.is_nullable() {
                out.push_sql(if *descending { " NULLS FIRST" } else { " NULLS LAST" });
            }
        }
        Ok(())
    }
}
