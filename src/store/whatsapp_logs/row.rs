//! A WhatsApp log row as its table stores it, and its conversion from and to the model; knows no statement.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Nullable, Text};
use uuid::Uuid;

use super::stored::StoredRow;
use crate::model::fold::case_fold;
use crate::model::whatsapp_log::Relation;
use crate::model::{Instant, TenantId, WhatsAppLog};
use crate::store::db::connection::Backend;
use crate::store::db::rows::whole_row;
use crate::store::db::text::{decode, encode};
use crate::store::error::StoreError;
use crate::store::schema::whatsapp_logs;

#[derive(Queryable, Selectable)]
#[diesel(table_name = whatsapp_logs)]
pub struct Row {
    pub id: String,
    created_at: i64,
    updated_at: i64,
    version: i64,
    to_number: String,
    from_number: Option<String>,
    message_text: Option<String>,
    status_message: Option<String>,
    whatsapp_message_id: Option<String>,
    status: String,
    whatsapp_cost_in_usd_cents: i64,
    incident_id: Option<String>,
    user_id: Option<String>,
    alert_id: Option<String>,
    monitor_id: Option<String>,
    scheduled_maintenance_id: Option<String>,
    status_page_id: Option<String>,
    status_page_announcement_id: Option<String>,
    team_id: Option<String>,
    on_call_duty_policy_id: Option<String>,
    on_call_duty_policy_escalation_rule_id: Option<String>,
    on_call_duty_policy_schedule_id: Option<String>,
    pub subject_id: Option<i64>,
    pub source: i32,
}

whole_row! {
    /// A row as it is written.
    pub struct NewRow in whatsapp_logs {
        tenant_id: i64,
        id: String,
        created_at: i64,
        updated_at: i64,
        version: i64,
        to_number: String,
        from_number: Option<String>,
        message_text: Option<String>,
        status_message: Option<String>,
        whatsapp_message_id: Option<String>,
        status: String,
        whatsapp_cost_in_usd_cents: i64,
        incident_id: Option<String>,
        user_id: Option<String>,
        alert_id: Option<String>,
        monitor_id: Option<String>,
        scheduled_maintenance_id: Option<String>,
        status_page_id: Option<String>,
        status_page_announcement_id: Option<String>,
        team_id: Option<String>,
        on_call_duty_policy_id: Option<String>,
        on_call_duty_policy_escalation_rule_id: Option<String>,
        on_call_duty_policy_schedule_id: Option<String>,
        subject_id: Option<i64>,
        source: i32,
        folded_to_number: Option<String>,
        folded_from_number: Option<String>,
        folded_message_text: Option<String>,
        folded_status_message: Option<String>,
        folded_whatsapp_message_id: Option<String>,
        folded_status: Option<String>,
    }
}

/// A row's message text, or null if it is not requested.
pub struct MessageText {
    pub wanted: bool,
}

impl Expression for MessageText {
    type SqlType = Nullable<Text>;
}

impl AppearsOnTable<whatsapp_logs::table> for MessageText {}
impl SelectableExpression<whatsapp_logs::table> for MessageText {}

impl<G> ValidGrouping<G> for MessageText {
    type IsAggregate = is_aggregate::Never;
}

impl QueryId for MessageText {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Backend> for MessageText {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql(if self.wanted { "message_text" } else { "CAST(NULL AS TEXT)" });
        Ok(())
    }
}

/// Parses an id that the gateway itself wrote.
pub fn uuid(text: &str) -> Result<Uuid, StoreError> {
    Uuid::try_parse(text).map_err(|_| StoreError::DamagedRow("a WhatsApp log row has an id that is not a UUID".into()))
}

pub fn log(row: Row) -> Result<WhatsAppLog, StoreError> {
    let related = [
        row.incident_id,
        row.user_id,
        row.alert_id,
        row.monitor_id,
        row.scheduled_maintenance_id,
        row.status_page_id,
        row.status_page_announcement_id,
        row.team_id,
        row.on_call_duty_policy_id,
        row.on_call_duty_policy_escalation_rule_id,
        row.on_call_duty_policy_schedule_id,
    ];
    let mut ids = [None; Relation::COUNT];
    for (index, text) in related.iter().enumerate() {
        ids[index] = text.as_deref().map(uuid).transpose()?;
    }
    Ok(WhatsAppLog {
        id: uuid(&row.id)?,
        created_at: Instant(row.created_at),
        updated_at: Instant(row.updated_at),
        version: row.version,
        to_number: decode(row.to_number),
        from_number: row.from_number.map(decode),
        message_text: row.message_text.map(decode),
        status_message: row.status_message.map(decode),
        whatsapp_message_id: row.whatsapp_message_id.map(decode),
        status: decode(row.status),
        cost_in_usd_cents: row.whatsapp_cost_in_usd_cents,
        related: ids,
    })
}

/// A text encoded for its column, and its case-folded form if that is different.
fn searchable(text: &str) -> (String, Option<String>) {
    let (encoded, folded) = (encode(text).into_owned(), case_fold(text));
    let differs = encoded != folded;
    (encoded, differs.then_some(folded))
}

pub fn row(tenant: TenantId, stored: StoredRow) -> NewRow {
    let log = stored.log;
    let optional =
        |text: Option<&str>| text.map(searchable).map_or((None, None), |(encoded, folded)| (Some(encoded), folded));
    let (to_number, folded_to_number) = searchable(&log.to_number);
    let (from_number, folded_from_number) = optional(log.from_number.as_deref());
    let (message_text, folded_message_text) = optional(log.message_text.as_deref());
    let (status_message, folded_status_message) = optional(log.status_message.as_deref());
    let (whatsapp_message_id, folded_whatsapp_message_id) = optional(log.whatsapp_message_id.as_deref());
    let (status, folded_status) = searchable(&log.status);
    let related = |relation| log.related(relation).map(|id| id.to_string());
    NewRow {
        tenant_id: tenant.0,
        id: log.id.to_string(),
        created_at: log.created_at.0,
        updated_at: log.updated_at.0,
        version: log.version,
        to_number,
        from_number,
        message_text,
        status_message,
        whatsapp_message_id,
        status,
        whatsapp_cost_in_usd_cents: log.cost_in_usd_cents,
        incident_id: related(Relation::Incident),
        user_id: related(Relation::User),
        alert_id: related(Relation::Alert),
        monitor_id: related(Relation::Monitor),
        scheduled_maintenance_id: related(Relation::ScheduledMaintenance),
        status_page_id: related(Relation::StatusPage),
        status_page_announcement_id: related(Relation::StatusPageAnnouncement),
        team_id: related(Relation::Team),
        on_call_duty_policy_id: related(Relation::OnCallDutyPolicy),
        on_call_duty_policy_escalation_rule_id: related(Relation::OnCallDutyPolicyEscalationRule),
        on_call_duty_policy_schedule_id: related(Relation::OnCallDutyPolicySchedule),
        subject_id: stored.subject_id,
        source: stored.source.number(),
        folded_to_number,
        folded_from_number,
        folded_message_text,
        folded_status_message,
        folded_whatsapp_message_id,
        folded_status,
    }
}
