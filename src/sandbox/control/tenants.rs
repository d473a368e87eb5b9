//! Creates, lists, resets and deletes tenants; knows no store.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::request::{Control, Outcome, body, date, json, no_content, tenant};
use crate::model::{TenantId, wire};
use crate::sandbox::error::ControlError;
use crate::sandbox::fixtures::{self, Fixtures};
use crate::sandbox::registry::{Defaults, Registry};
use crate::sandbox::tenant::Tenant;
use crate::store::messages::daily_counts;
use crate::web::Request;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CreateTenant {
    fixtures: Option<Box<RawValue>>,
    logs: Option<Vec<Box<RawValue>>>,
    now: Option<String>,
    strict: Option<bool>,
}

/// A tenant, as its creation answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created<'a> {
    tenant_id: i64,
    project_id: &'a str,
    keys: BTreeMap<&'static str, &'a str>,
}

/// A tenant, as the list shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    tenant_id: i64,
    project_id: String,
    messages: i64,
    now: String,
    strict: bool,
    faults: usize,
    requests: u64,
}

#[derive(Serialize)]
struct List {
    tenants: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    strict: bool,
}

pub async fn create(registry: Data<Registry>, mut request: Request<Control>) -> Outcome {
    let CreateTenant { fixtures, logs, now, strict } = body(&mut request)?;
    let now = now.map(|now| date("now", &now)).transpose()?.or(registry.settings.defaults.now);
    let defaults = Defaults { now, strict: strict.unwrap_or(registry.settings.defaults.strict) };
    let id = registry.new_id();
    let fixtures = read_fixtures(id, fixtures.as_deref(), logs.unwrap_or_default())?;
    let tenant = registry.create_tenant(id, fixtures, defaults).await?;
    json(StatusCode::CREATED, &Created::of(&tenant))
}

impl<'a> Created<'a> {
    fn of(tenant: &'a Tenant) -> Self {
        let keys = tenant.keys.iter().map(|key| (key.spec.name, key.secret.reveal()));
        Self { tenant_id: tenant.id.0, project_id: &tenant.project_id, keys: keys.collect() }
    }
}

fn read_fixtures(
    tenant: TenantId,
    given: Option<&RawValue>,
    logs: Vec<Box<RawValue>>,
) -> Result<Fixtures, ControlError> {
    let log = |(place, raw): (usize, Box<RawValue>)| {
        let invalid = |error| ControlError::NotValid(format!("The field 'logs[{place}]' is not valid: {error}."));
        fixtures::log(raw.get(), tenant).map_err(invalid)
    };
    let logs = logs.into_iter().enumerate().map(log).collect::<Result<Vec<_>, _>>()?;
    let raw = given.map_or("\"empty\"", RawValue::get);
    if let Some(word) = wire::text(raw) {
        return match word.as_str() {
            "demo" => Ok(Fixtures::Demo { logs }),
            "empty" => Ok(Fixtures::Given { items: Vec::new(), logs }),
            _ => Err(wrong_fixtures()),
        };
    }
    let item = |(place, raw): (usize, &RawValue)| {
        let invalid = |error| ControlError::NotValid(format!("The field 'fixtures[{place}]' is not valid: {error}."));
        fixtures::item(raw.get(), tenant).map_err(invalid)
    };
    let items = wire::array(raw).ok_or_else(wrong_fixtures)?;
    let items = items.into_iter().enumerate().map(item).collect::<Result<Vec<_>, _>>()?;
    Ok(Fixtures::Given { items, logs })
}

fn wrong_fixtures() -> ControlError {
    ControlError::field("fixtures", "\"demo\", \"empty\" or a list of messages")
}

pub async fn list(registry: Data<Registry>, _: Request<Control>) -> Outcome {
    let mut tenants = Vec::new();
    for tenant in registry.tenants() {
        let instance = tenant.instance();
        let id = tenant.id;
        let store = instance.app().store.clone();
        let messages = store.read_primary(move |connection| daily_counts::total(connection, id)).await?;
        tenants.push(Listed {
            tenant_id: id.0,
            project_id: tenant.project_id.clone(),
            messages,
            now: instance.clock.now().iso(),
            strict: instance.is_strict(),
            faults: instance.faults().rules().len(),
            requests: instance.journal().len(),
        });
    }
    json(StatusCode::OK, &List { tenants })
}

pub async fn delete(registry: Data<Registry>, request: Request<Control>) -> Result<HttpResponse, ControlError> {
    let tenant = tenant(&registry, &request)?;
    if registry.delete(tenant.id.0) { Ok(no_content()) } else { Err(ControlError::NotFound("tenant")) }
}

/// A body that has no fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

pub async fn reset(registry: Data<Registry>, mut request: Request<Control>) -> Result<HttpResponse, ControlError> {
    let tenant = tenant(&registry, &request)?;
    let Nothing {} = body(&mut request)?;
    tenant.reset(&registry.config, &registry.settings.destinations).await?;
    Ok(no_content())
}

pub async fn strict(registry: Data<Registry>, mut request: Request<Control>) -> Result<HttpResponse, ControlError> {
    let tenant = tenant(&registry, &request)?;
    let Strict { strict } = body(&mut request)?;
    tenant.instance().set_strict(strict);
    Ok(no_content())
}
