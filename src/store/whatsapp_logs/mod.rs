//! WhatsApp log rows in the store, written whole and read by id; knows no operator and no rule of which copy wins.

pub mod columns;
pub mod condition;
pub mod counts;
pub mod page;

use std::collections::{BTreeMap, BTreeSet};

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Nullable, Text};
use uuid::Uuid;

use super::Connection;
use super::connection::{Backend, on_each};
use super::dialect::any_of;
use super::error::StoreError;
use super::schema::{whatsapp_log_copies, whatsapp_logs};
use super::text::{kept, told};
use crate::model::fold::folded;
use crate::model::whatsapp_log::Relation;
use crate::model::{Instant, TenantId, WhatsAppLog};

/// A row as the store has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    pub log: WhatsAppLog,
    /// The subject of the edna message that the row is, if it is one and has one.
    pub subject_id: Option<i64>,
    pub source: Source,
}

/// Where what a row says comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    Message,
    /// It came in OneUptime's form.
    Import,
    /// A message that is newer than a copy in OneUptime's form.
    MessageBesideCopy(Box<WhatsAppLog>),
}

impl Source {
    fn number(&self) -> i32 {
        match self {
            Self::Message => 0,
            Self::Import => 1,
            Self::MessageBesideCopy(_) => BESIDE_COPY,
        }
    }
}

const BESIDE_COPY: i32 = 2;

/// What becomes of a row: what there was, and what is to be.
pub struct Change {
    pub before: Option<Stored>,
    pub after: Option<Stored>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = whatsapp_logs)]
struct Row {
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
}

#[derive(Insertable)]
#[diesel(table_name = whatsapp_logs, treat_none_as_default_value = false)]
struct NewRow {
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

/// A row's text, or null where it is not wanted.
struct MessageText {
    wanted: bool,
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

/// The rows among `ids` that the store has, with all that is kept beside them.
pub fn load(
    connection: &mut Connection,
    tenant: TenantId,
    ids: &BTreeSet<Uuid>,
) -> Result<BTreeMap<Uuid, Stored>, StoreError> {
    let mut stored = BTreeMap::new();
    let mut beside = Vec::new();
    for row in rows(connection, tenant, ids, true)? {
        if row.source == BESIDE_COPY {
            beside.push(row.id.clone());
        }
        let source = if row.source == Source::Import.number() { Source::Import } else { Source::Message };
        let subject_id = row.subject_id;
        let log = log(row)?;
        stored.insert(log.id, Stored { log, subject_id, source });
    }
    if beside.is_empty() {
        return Ok(stored);
    }
    let copies: Vec<String> = whatsapp_log_copies::table
        .filter(whatsapp_log_copies::tenant_id.eq(tenant.0))
        .filter(any_of(whatsapp_log_copies::id, &beside))
        .select(whatsapp_log_copies::log)
        .load(connection)?;
    for copy in copies {
        let copy: WhatsAppLog = serde_json::from_str(&copy)
            .map_err(|error| StoreError::Failed(format!("a row's copy cannot be read: {error}")))?;
        if let Some(row) = stored.get_mut(&copy.id) {
            row.source = Source::MessageBesideCopy(Box::new(copy));
        }
    }
    Ok(stored)
}

/// The rows among `ids` for an answer, their texts only where those are wanted.
pub fn answered(
    connection: &mut Connection,
    tenant: TenantId,
    ids: &BTreeSet<Uuid>,
    message_text: bool,
) -> Result<BTreeMap<Uuid, WhatsAppLog>, StoreError> {
    let rows = rows(connection, tenant, ids, message_text)?;
    rows.into_iter().map(|row| log(row).map(|log| (log.id, log))).collect()
}

fn rows(
    connection: &mut Connection,
    tenant: TenantId,
    ids: &BTreeSet<Uuid>,
    message_text: bool,
) -> Result<Vec<Row>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    Ok(whatsapp_logs::table
        .filter(whatsapp_logs::tenant_id.eq(tenant.0))
        .filter(any_of(whatsapp_logs::id, &ids))
        .select((
            whatsapp_logs::id,
            whatsapp_logs::created_at,
            whatsapp_logs::updated_at,
            whatsapp_logs::version,
            whatsapp_logs::to_number,
            whatsapp_logs::from_number,
            MessageText { wanted: message_text },
            whatsapp_logs::status_message,
            whatsapp_logs::whatsapp_message_id,
            whatsapp_logs::status,
            whatsapp_logs::whatsapp_cost_in_usd_cents,
            whatsapp_logs::incident_id,
            whatsapp_logs::user_id,
            whatsapp_logs::alert_id,
            whatsapp_logs::monitor_id,
            whatsapp_logs::scheduled_maintenance_id,
            whatsapp_logs::status_page_id,
            whatsapp_logs::status_page_announcement_id,
            whatsapp_logs::team_id,
            whatsapp_logs::on_call_duty_policy_id,
            whatsapp_logs::on_call_duty_policy_escalation_rule_id,
            whatsapp_logs::on_call_duty_policy_schedule_id,
            whatsapp_logs::subject_id,
            whatsapp_logs::source,
        ))
        .load(connection)?)
}

/// One page of a tenant's rows by ascending id, for export.
pub fn page_after(
    connection: &mut Connection,
    tenant: TenantId,
    after: Option<Uuid>,
    window: (Option<Instant>, Option<Instant>),
    limit: i64,
) -> Result<Vec<WhatsAppLog>, StoreError> {
    let mut page = whatsapp_logs::table
        .filter(whatsapp_logs::tenant_id.eq(tenant.0))
        .filter(whatsapp_logs::id.gt(after.map(|id| id.to_string()).unwrap_or_default()))
        .select(Row::as_select())
        .order(whatsapp_logs::id)
        .limit(limit)
        .into_boxed();
    if let Some(from) = window.0 {
        page = page.filter((whatsapp_logs::created_at + 0).ge(from.0));
    }
    if let Some(to) = window.1 {
        page = page.filter((whatsapp_logs::created_at + 0).le(to.0));
    }
    page.load(connection)?.into_iter().map(log).collect()
}

/// Writes changes and keeps the counts with them. The tenant is locked.
pub fn apply(connection: &mut Connection, tenant: TenantId, changes: Vec<Change>) -> Result<(), StoreError> {
    let mut sums = counts::Changes::default();
    let (mut removed, mut rows) = (Vec::new(), Vec::new());
    let (mut old_copies, mut copies) = (Vec::new(), Vec::new());
    for change in changes {
        if change.before == change.after {
            continue;
        }
        if let Some(before) = change.before {
            sums.remove(&before);
            removed.push(before.log.id.to_string());
            if let Source::MessageBesideCopy(copy) = before.source {
                old_copies.push(copy.id.to_string());
            }
        }
        if let Some(after) = change.after {
            sums.add(&after);
            if let Source::MessageBesideCopy(copy) = &after.source {
                copies.push((copy.id.to_string(), text_of(copy)));
            }
            rows.push(row(tenant, after));
        }
    }
    replace_copies(connection, tenant, &old_copies, copies)?;
    if !removed.is_empty() {
        let rows = whatsapp_logs::table.filter(whatsapp_logs::tenant_id.eq(tenant.0));
        diesel::delete(rows.filter(any_of(whatsapp_logs::id, &removed))).execute(connection)?;
    }
    if !rows.is_empty() {
        on_each!(
            connection,
            |file| {
                for row in rows {
                    diesel::insert_into(whatsapp_logs::table).values(row).execute(file)?;
                }
            },
            |server| {
                diesel::copy_from(whatsapp_logs::table).from_insertable(rows).execute(server)?;
            }
        );
    }
    counts::apply(connection, tenant, &sums)
}

fn replace_copies(
    connection: &mut Connection,
    tenant: TenantId,
    old: &[String],
    new: Vec<(String, String)>,
) -> Result<(), StoreError> {
    if !old.is_empty() {
        let copies = whatsapp_log_copies::table.filter(whatsapp_log_copies::tenant_id.eq(tenant.0));
        diesel::delete(copies.filter(any_of(whatsapp_log_copies::id, old))).execute(connection)?;
    }
    for (id, log) in new {
        let copy = (
            whatsapp_log_copies::tenant_id.eq(tenant.0),
            whatsapp_log_copies::id.eq(id),
            whatsapp_log_copies::log.eq(log),
        );
        diesel::insert_into(whatsapp_log_copies::table).values(copy).execute(connection)?;
    }
    Ok(())
}

/// A copy as it is kept; texts, numbers and lists have nothing that can fail.
fn text_of(log: &WhatsAppLog) -> String {
    serde_json::to_string(log).unwrap_or_default()
}

/// Reads an id that the gateway itself wrote.
fn uuid(text: &str) -> Result<Uuid, StoreError> {
    Uuid::try_parse(text).map_err(|_| StoreError::Failed("a WhatsApp log row has an id that is no UUID".into()))
}

fn log(row: Row) -> Result<WhatsAppLog, StoreError> {
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
    for (place, text) in related.iter().enumerate() {
        ids[place] = text.as_deref().map(uuid).transpose()?;
    }
    Ok(WhatsAppLog {
        id: uuid(&row.id)?,
        created_at: Instant(row.created_at),
        updated_at: Instant(row.updated_at),
        version: row.version,
        to_number: told(row.to_number),
        from_number: row.from_number.map(told),
        message_text: row.message_text.map(told),
        status_message: row.status_message.map(told),
        whatsapp_message_id: row.whatsapp_message_id.map(told),
        status: told(row.status),
        cost_in_usd_cents: row.whatsapp_cost_in_usd_cents,
        related: ids,
    })
}

/// A text as its column holds it, and as searches compare it where that is another one.
fn searchable(text: &str) -> (String, Option<String>) {
    let (kept, folded) = (kept(text).into_owned(), folded(text));
    let differs = kept != folded;
    (kept, differs.then_some(folded))
}

fn row(tenant: TenantId, stored: Stored) -> NewRow {
    let log = stored.log;
    let optional =
        |text: Option<&str>| text.map(searchable).map_or((None, None), |(kept, folded)| (Some(kept), folded));
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
