//! `/api/whatsapp-log`: from the request to rows, an item or a count, with the checks in the order of docs/oneuptime.md
//! §6; knows no SQL.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::error::Action;
use super::request::{Paging, RawRequest};
use super::response::{Rendering, UnreadRows};
use super::{OneUptimeError, query, value};
use crate::app::App;
use crate::config::Config;
use crate::model::audit::{self, filters};
use crate::model::key::Profile;
use crate::model::log_query::{Condition, LogSortKey, Operand, Predicate};
use crate::model::whatsapp_log::Column;
use crate::model::{Caller, LogFilter, LogQuery, wire};
use crate::store::whatsapp_logs::page::{self, LogPage, PageRows};
use crate::store::{Budget, Connection, Reader, StoreError};
use crate::web::error::{respond, status_code};
use crate::web::{Access, KeyHeader, Request, answer};

/// How many bytes of a body are read without a valid key: a malformed body is reported before the key.
const BODY_LIMIT_WITHOUT_KEY: usize = 16 * 1024;

/// Access to the WhatsApp log.
pub struct ReadLogs;

impl Access for ReadLogs {
    const KEY: KeyHeader = KeyHeader::Api("ApiKey");
    const BODY_LIMIT_WITHOUT_KEY: usize = BODY_LIMIT_WITHOUT_KEY;

    fn body_limit(config: &Config) -> usize {
        config.server.body_limit_bytes
    }
}

/// The exact number of matching rows.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"count": 42}))]
pub struct LogCount {
    /// The number of rows.
    #[schema(value_type = u64)]
    count: i64,
}

pub async fn get_list(request: Request<ReadLogs>) -> Result<HttpResponse, OneUptimeError> {
    let in_url = request.query_parameters();
    Paging::new(&in_url, &RawRequest::default())?;
    let parts = RawRequest::read(&request.body)?;
    let paging = Paging::new(&in_url, &parts)?;
    let (caller, profile) = caller(&request, Action::Read)?;
    let Paging { skip, limit } = paging.check(profile)?;
    check_may_read(&caller)?;
    let filter = LogFilter::new(&caller.grants, query::parse(parts.query(), &caller.project.id)?);
    let select = parts.select()?;
    let sort = parts.sort()?;
    parts.group_by()?;
    let query = LogQuery { filter, sort, skip, limit, wanted: select.wanted() };
    let rows = Rendering { select, project: caller.project.clone(), profile };
    let reader = request.reader(&caller);
    let LoadedPage { count, first, ids, loaded } = read_page(&request.app, &reader, &query, &rows).await?;
    record_read(&request, &caller, (audit::Action::ApiRead, loaded + ids.len()), &query.filter)?;
    let (before, after) = match profile {
        Profile::Published => (format!(r#"{{"count":{count},"limit":{limit},"skip":{skip},"data":["#), "]}".into()),
        Profile::Live => (r#"{"data":["#.into(), format!(r#"],"count":{count},"skip":{skip},"limit":{limit}}}"#)),
    };
    let in_flight = request.app.in_flight.for_tenant(caller.grants.tenant);
    if ids.is_empty() {
        return Ok(answer::json(&in_flight, StatusCode::OK, before + &first + &after)?);
    }
    let rest = UnreadRows { store: request.app.store.clone(), reader, query, rows, ids, after };
    Ok(answer::streamed(&in_flight, before + &first, rest)?)
}

pub async fn get_item(request: Request<ReadLogs>) -> Result<HttpResponse, OneUptimeError> {
    let id = item_id(request.path_parameter("id"))?;
    let parts = RawRequest::read(&request.body)?;
    let (caller, profile) = caller(&request, Action::Read)?;
    check_may_read(&caller)?;
    let select = parts.select()?;
    let filter = LogFilter::new(&caller.grants, vec![Condition::On(Column::Id, Predicate::OneOf(vec![id]))]);
    let sort = LogQuery::sort([LogSortKey { column: Column::Id, descending: true }]);
    // The limit is 2 because a page with fewer rows than its limit needs no count.
    let query = LogQuery { filter, sort, skip: 0, limit: 2, wanted: select.wanted() };
    let rows = Rendering { select, project: caller.project.clone(), profile };
    let reader = request.reader(&caller);
    let LoadedPage { first, loaded, .. } = read_page(&request.app, &reader, &query, &rows).await?;
    record_read(&request, &caller, (audit::Action::ApiRead, loaded), &query.filter)?;
    let item = if first.is_empty() { "{}".into() } else { first };
    Ok(answer::json(&request.app.in_flight.for_tenant(caller.grants.tenant), StatusCode::OK, item)?)
}

pub async fn count(request: Request<ReadLogs>) -> Result<HttpResponse, OneUptimeError> {
    let parts = RawRequest::read(&request.body)?;
    let (caller, _) = caller(&request, Action::Read)?;
    check_may_read(&caller)?;
    let filter = LogFilter::new(&caller.grants, query::parse(parts.query(), &caller.project.id)?);
    let counted = filter.clone();
    let work = move |connection: &mut Connection, budget: &Budget| page::count(connection, &counted, budget);
    let count = LogCount { count: request.app.store.planned_query(&request.reader(&caller), work).await? };
    record_read(&request, &caller, (audit::Action::ApiCount, 0), &filter)?;
    Ok(answer::typed(&request.app.in_flight.for_tenant(caller.grants.tenant), StatusCode::OK, &count)?)
}

pub async fn create(request: Request<ReadLogs>) -> Result<HttpResponse, OneUptimeError> {
    refuse(&request, Action::Create)
}

pub async fn update(request: Request<ReadLogs>) -> Result<HttpResponse, OneUptimeError> {
    item_id(request.path_parameter("id"))?;
    refuse(&request, Action::Update)
}

pub async fn delete(request: Request<ReadLogs>) -> Result<HttpResponse, OneUptimeError> {
    item_id(request.path_parameter("id"))?;
    refuse(&request, Action::Delete)
}

/// Rejects a change, whatever the key.
fn refuse(request: &Request<ReadLogs>, action: Action) -> Result<HttpResponse, OneUptimeError> {
    RawRequest::read(&request.body)?;
    caller(request, action)?;
    Err(OneUptimeError::Refused(action))
}

/// The caller, and the profile of its responses.
fn caller(request: &Request<ReadLogs>, action: Action) -> Result<(Arc<Caller>, Profile), OneUptimeError> {
    let caller = request.caller.clone().map_err(|error| OneUptimeError::denied(error, action))?;
    let profile = caller.profile.unwrap_or_else(|| request.app.config.profile());
    Ok((caller, profile))
}

fn check_may_read(caller: &Caller) -> Result<(), OneUptimeError> {
    if caller.may_read_whatsapp_logs() { Ok(()) } else { Err(OneUptimeError::NoPermission) }
}

/// Records what the caller reads.
fn record_read(
    request: &Request<ReadLogs>,
    caller: &Caller,
    read: (audit::Action, usize),
    filter: &LogFilter,
) -> Result<(), OneUptimeError> {
    Ok(request.record_read(caller, read, |record, key| filters::of_logs(filter, record, key))?)
}

/// A page of which the first rows are loaded.
struct LoadedPage {
    /// How many rows match.
    count: i64,
    /// The first rows of the page in rendered form, and how many they are.
    first: String,
    loaded: usize,
    /// The ids of the others.
    ids: Vec<Uuid>,
}

async fn read_page(app: &App, reader: &Reader, query: &LogQuery, rows: &Rendering) -> Result<LoadedPage, StoreError> {
    let (query, rows) = (query.clone(), rows.clone());
    let work = move |connection: &mut Connection, budget: &Budget| {
        let LogPage { count, rows: found } = page::page(connection, &query, budget)?;
        Ok(match found {
            PageRows::Ids(ids) => {
                LoadedPage { count, first: Rendering::of_ids(&ids), loaded: ids.len(), ids: Vec::new() }
            }
            PageRows::Whole(found, ids) => {
                LoadedPage { count, first: rows.of_rows(&found, budget)?, loaded: found.len(), ids }
            }
        })
    };
    app.store.planned_query(reader, work).await
}

/// Parses an id from the path.
fn item_id(text: &str) -> Result<Operand, OneUptimeError> {
    value::id(text).map(|id| Operand::Text(id.to_string())).ok_or_else(|| {
        let mut quoted = String::new();
        wire::push_text(&mut quoted, text);
        OneUptimeError::Bad(format!(
            "Invalid ID format: {quoted}. Expected a valid UUID (e.g., \"550e8400-e29b-41d4-a716-446655440000\")."
        ))
    })
}

impl ResponseError for OneUptimeError {
    fn status_code(&self) -> StatusCode {
        status_code(self)
    }

    fn error_response(&self) -> HttpResponse {
        respond(self)
    }
}
