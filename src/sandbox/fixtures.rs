//! What a tenant of a sandbox begins with: its subjects, and messages and rows of its own or made-up ones; knows no key.

use serde_json::json;

use crate::generate::logs::{LogPlan, Logs};
use crate::generate::{Messages, Plan};
use crate::ingest::{Entry, Pipeline};
use crate::model::subject::Subject;
use crate::model::{Instant, Item, Property, TenantId, WhatsAppLog, wire};
use crate::oneuptime::row;
use crate::store::{Store, StoreError};

/// The subjects of every tenant, in the order of their ids.
pub const SUBJECTS: [(i64, &str, &str); 4] = [
    (501, "sandbox_WA", "WHATSAPP"),
    (511, "sandbox_SMS", "SMS"),
    (521, "sandbox_VIBER", "VIBER"),
    (531, "sandbox_PUSH", "PUSH"),
];

const DEMO_MESSAGES: u64 = 400;
const DEMO_LOGS: u64 = 100;
const DEMO_SEED: u64 = 3193;
const DEMO_RECIPIENTS: u64 = 20;
const DEMO_DAYS: u32 = 30;

/// edna's published sample. The demo data includes its two messages.
const SAMPLE: &str = include_str!("../../tests/fixtures/edna-response.json");

/// The messages and rows that a tenant begins with.
pub enum Fixtures {
    /// Made-up ones, and some given rows.
    Demo {
        logs: Vec<WhatsAppLog>,
    },
    Given {
        items: Vec<Item>,
        logs: Vec<WhatsAppLog>,
    },
}

impl Fixtures {
    pub const fn empty() -> Self {
        Self::Given { items: Vec::new(), logs: Vec::new() }
    }

    /// Records everything. The made-up messages are those of the days before `now`.
    pub async fn record(self, store: &Store, tenant: TenantId, now: Instant) -> Result<(), StoreError> {
        match self {
            Self::Demo { logs: given } => {
                record(store, tenant, Messages::new(demo_plan(tenant, now))).await?;
                record(store, tenant, sample(tenant)).await?;
                let logs = LogPlan { logs: DEMO_LOGS, seed: DEMO_SEED, days: DEMO_DAYS, until: now };
                record(store, tenant, Logs::new(logs)).await?;
                record(store, tenant, given).await
            }
            Self::Given { items, logs } => {
                record(store, tenant, items).await?;
                record(store, tenant, logs).await
            }
        }
    }
}

async fn record<E: Entry>(
    store: &Store,
    tenant: TenantId,
    entries: impl IntoIterator<Item = E>,
) -> Result<(), StoreError> {
    let mut pipeline = Pipeline::new(store, tenant);
    for entry in entries {
        pipeline.push(entry).await?;
    }
    pipeline.finish().await.map(|_| ())
}

fn demo_plan(tenant: TenantId, until: Instant) -> Plan {
    Plan { tenant, messages: DEMO_MESSAGES, seed: DEMO_SEED, days: DEMO_DAYS, until, recipients: DEMO_RECIPIENTS }
}

/// An address that has messages in the demo data.
pub fn demo_address(tenant: TenantId, until: Instant) -> Option<String> {
    Messages::new(demo_plan(tenant, until)).find_map(|item| item.text(Property::Address).map(str::to_owned))
}

/// The subjects of every tenant.
pub fn subjects() -> impl Iterator<Item = Subject> {
    SUBJECTS.into_iter().map(|(id, name, channel)| Subject {
        id,
        name: Some(name.into()),
        channel_type: channel.into(),
    })
}

/// A message of a fixture, as the tenant's own: one that was recorded elsewhere names another tenant.
pub fn item(raw: &str, tenant: TenantId) -> Result<Item, String> {
    let mut fields = wire::object(raw).map_err(|error| error.to_string())?;
    fields.0.retain(|(name, _)| name != Property::TenantId.name());
    Item::from_fields(&fields, raw.len(), tenant).map_err(|error| error.to_string())
}

/// A WhatsApp log row of a fixture, as the tenant's own.
pub fn log(raw: &str, tenant: TenantId) -> Result<WhatsAppLog, String> {
    let fields = wire::object(raw).map_err(|error| error.to_string())?;
    let own = fields.0.iter().filter(|(name, _)| name != "projectId" && name != "project");
    let own: Vec<String> = own.map(|(name, raw)| format!("{}:{raw}", json!(name))).collect();
    let project = tenant.derived_project_id().to_string();
    row::parse(&format!("{{{}}}", own.join(",")), &project).map(|parsed| parsed.log).map_err(|error| error.to_string())
}

/// The messages of the sample.
fn sample(tenant: TenantId) -> Vec<Item> {
    let fields = wire::object(SAMPLE.trim()).map(|fields| fields.0).unwrap_or_default();
    let content = fields.iter().find(|(name, _)| name == "content").and_then(|(_, raw)| wire::array(raw.get()));
    content.into_iter().flatten().filter_map(|raw| item(raw.get(), tenant).ok()).collect()
}
