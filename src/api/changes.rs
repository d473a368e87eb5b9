//! `GET /v1/changes` and `POST /v1/changes/query`: what has changed since a token (docs/api.md §2); knows no SQL.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use tokio::time::Instant;

use super::cursor;
use super::filters::{self, query_error};
use super::message::ReadMessage;
use super::messages::QueryMessages;
use super::parameters::{Arity, Known, Parameters, invalid};
use crate::model::audit::{Action, filters as recorded};
use crate::model::message_query::MAX_LIMIT;
use crate::model::{Caller, Freshness, MessageQuery, TenantId};
use crate::store::changes::page::{ChangePage, Since};
use crate::store::messages::items;
use crate::store::{Reader, StoreError};
use crate::web::answer::json;
use crate::web::body::text;
use crate::web::{Access, ApiError, CommonError, Request};

/// The parameters besides the shared ones.
const OWN: [Known; 3] = [("since", Arity::One), ("wait", Arity::One), ("limit", Arity::One)];

const DEFAULT_LIMIT: i64 = 100;

/// For how many seconds a response may be held.
const MAX_WAIT: i64 = 60;

/// How long a reader pauses that was woken for changes which it may not see.
const PAUSE: Duration = Duration::from_millis(20);

/// Follow changes
///
/// Returns every message that is new or has changed since a token, in the order of the commits, and a token to go on with.
/// `since=now` returns the first token. To copy all messages, take it, walk `/v1/messages`, and then follow the changes.
///
/// Use `POST /v1/changes/query` to send an address: proxies write URLs to their logs.
#[utoipa::path(
    get,
    path = "/v1/changes",
    operation_id = "listChanges",
    tag = "messages",
    security(("x-api-key" = [])),
    params(super::document::ChangeParameters),
    responses(
        (status = 200, description = "The changes.", body = super::document::ChangeList),
        super::document::ChangeErrors
    )
)]
pub async fn list_changes(request: Request<ReadMessage>) -> Result<HttpResponse, ApiError> {
    let caller = request.authorized()?;
    let parameters = Parameters::from_url(request.query_string(), &filters::known(&OWN))?;
    respond(&request, &caller, &parameters).await
}

/// Follow changes by a query
///
/// The same as `GET /v1/changes`, with the parameters in a JSON object; a list is an array.
#[utoipa::path(
    post,
    path = "/v1/changes/query",
    operation_id = "queryChanges",
    tag = "messages",
    security(("x-api-key" = [])),
    request_body(content = super::document::ChangeRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The changes.", body = super::document::ChangeList),
        super::document::ChangeQueryErrors
    )
)]
pub async fn query_changes(mut request: Request<QueryMessages>) -> Result<HttpResponse, ApiError> {
    let caller = request.authorized()?;
    let parameters = Parameters::of_body(&text(request.take_body()?)?, request.query_string(), &filters::known(&OWN))?;
    respond(&request, &caller, &parameters).await
}

async fn respond<A: Access>(
    request: &Request<A>,
    caller: &Caller,
    parameters: &Parameters,
) -> Result<HttpResponse, ApiError> {
    let app = &request.app;
    let since = parameters.text("since")?.ok_or_else(|| {
        ApiError::NotValid(
            "The parameter 'since' is missing: give 'now' to start, or the 'next' of the last response.".into(),
        )
    })?;
    let filters = filters::filters(parameters)?;
    let limit = parameters.within("limit", 1..=MAX_LIMIT, || ApiError::PageLimitNotValid)?.unwrap_or(DEFAULT_LIMIT);
    let too_long = || invalid("wait", &format!("an integer of seconds between 0 and {MAX_WAIT}"));
    let wait = parameters.within("wait", 0..=MAX_WAIT, too_long)?.unwrap_or(0);
    let since = if since == "now" { Since::Now } else { read_token(caller.grants.tenant, &since)? };
    // A replica may be behind the token.
    let reader = app.store.reader(caller.id(), Freshness::Primary);
    filters::check(app, &reader, &filters).await?;
    let mut query =
        MessageQuery::new(filters, (true, limit), &caller.grants, app.config.policy()).map_err(query_error)?;
    query.include_national_forms();
    let wait = Duration::from_secs(u64::try_from(wait).unwrap_or_default());
    let query = Arc::new(query);
    let page = next_page(request, Arc::clone(&query), (reader, since), wait).await?;
    let rows = page.changes.iter().filter(|change| change.item.is_some()).count();
    request.record_read(caller, (Action::ApiRead, rows), |record, key| recorded::of_messages(&query, record, key))?;
    Ok(json(&app.in_flight.for_tenant(caller.grants.tenant), StatusCode::OK, body(caller.grants.tenant, page)?)?)
}

/// The next page. If there is nothing yet, it waits without a connection to the database.
async fn next_page<A: Access>(
    request: &Request<A>,
    query: Arc<MessageQuery>,
    (reader, mut since): (Reader, Since),
    wait: Duration,
) -> Result<ChangePage, ApiError> {
    let (app, deadline) = (&request.app, Instant::now() + wait);
    let (signals, mut is_woken) = (app.store.change_signals(), false);
    loop {
        // Before it reads, so that it misses no change in between.
        let is_waiting = since != Since::Now && Instant::now() < deadline && !signals.is_stopping();
        let max_readers = app.config.changes.max_waiting_readers;
        let wait = || app.store.wait_for_changes(query.tenant(), max_readers);
        let subscription = is_waiting.then(wait);
        let page = app.store.changes(&reader, Arc::clone(&query), since).await?.ok_or(ApiError::ChangesExpired)?;
        let Some(subscription) = subscription.filter(|_| page.changes.is_empty() && !page.more) else {
            if is_woken {
                request.is_still_authorized().await?;
            }
            return Ok(page);
        };
        // Too many readers wait already.
        let mut subscription = subscription.ok_or(CommonError::Unavailable)?;
        since = Since::Sequence { epoch: page.epoch, sequence: page.next };
        if tokio::time::timeout_at(deadline, subscription.beyond(page.next)).await.is_err() || signals.is_stopping() {
            return Ok(page);
        }
        if is_woken {
            tokio::time::sleep(PAUSE).await;
        }
        is_woken = true;
    }
}

/// `{"changes":[…],"next":"…","more":false}`, joined from items that are rendered already.
fn body(tenant: TenantId, page: ChangePage) -> Result<String, StoreError> {
    let bytes: usize = page.changes.iter().map(|change| change.item.as_ref().map_or(0, Vec::len) + 64).sum();
    let mut body = String::with_capacity(bytes + 128);
    body.push_str(r#"{"changes":["#);
    for (index, change) in page.changes.into_iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        let (id, kind) = (change.message_id, if change.item.is_some() { "upserted" } else { "removed" });
        // Writing to a string cannot fail.
        let _ = write!(body, r#"{{"kind":"{kind}","messageId":{id}"#);
        if let Some(item) = change.item {
            body.push_str(r#","message":"#);
            body.push_str(&items::text(item)?);
        }
        body.push('}');
    }
    body.push_str(r#"],"next":""#);
    body.push_str(&write_token(tenant, page.epoch, page.next));
    body.push_str(if page.more { r#"","more":true}"# } else { r#"","more":false}"# });
    Ok(body)
}

/// What tells the tokens of one tenant from those of another, and from cursors.
fn owner(tenant: TenantId) -> Vec<u8> {
    format!("changes of {tenant}").into_bytes()
}

fn write_token(tenant: TenantId, epoch: i64, sequence: i64) -> String {
    cursor::encode(&owner(tenant), &[epoch.to_be_bytes(), sequence.to_be_bytes()].concat())
}

fn read_token(tenant: TenantId, text: &str) -> Result<Since, ApiError> {
    let payload = cursor::decode(&owner(tenant), text);
    let numbers = payload.as_deref().and_then(|payload| payload.split_first_chunk());
    let since = numbers.and_then(|(epoch, rest)| {
        let sequence = i64::from_be_bytes(rest.try_into().ok()?);
        Some(Since::Sequence { epoch: i64::from_be_bytes(*epoch), sequence })
    });
    since.ok_or_else(|| invalid("since", "the 'next' of a response for the same tenant, or now"))
}
