//! `POST /api/messages/history`: from the request to one page of messages; knows no SQL.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::request;
use super::response::{self, UnreadMessages};
use crate::app::App;
use crate::config::Config;
use crate::model::audit::{Action, filters};
use crate::model::history::QueryError;
use crate::model::{Caller, HistoryQuery};
use crate::store::messages::history;
use crate::store::messages::items::Page;
use crate::store::{Budget, Connection, Reader, StoreError, subjects};
use crate::web::answer::{json_parts, streamed};
use crate::web::body::text;
use crate::web::{Access, ApiError, KeyHeader, Request};

/// Access to the message history.
pub struct ReadHistory;

impl Access for ReadHistory {
    const KEY: KeyHeader = KeyHeader::Api("x-api-key");

    fn body_limit(config: &Config) -> usize {
        config.server.body_limit_bytes
    }

    fn check(caller: &Caller) -> Result<(), &'static str> {
        caller.may_read_history()
    }
}

/// Query the message history
///
/// Returns messages that were sent to subscribers or received from them: by default the newest 15 of the last 30 days.
/// The body is read as JSON whatever its `Content-Type`; an empty body and `[]` mean `{}`.
#[utoipa::path(
    post,
    path = "/api/messages/history",
    operation_id = "getMessageHistory",
    tag = "edna",
    security(("x-api-key" = [])),
    params(("History-Position" = Option<String>, Header, description = "From a response that wrote: the answer contains what was written.")),
    request_body(content = Option<super::document::HistoryRequest>, content_type = "application/json"),
    responses(
        (status = 200, description = "One page of messages.", body = super::document::HistoryResponse),
        super::document::HistoryErrors
    )
)]
pub async fn history(mut request: Request<ReadHistory>) -> Result<HttpResponse, ApiError> {
    // The checks are in the order of docs/edna.md 1.5.
    let caller = request.authorized()?;
    let body = text(request.take_body()?)?;
    let app = &request.app;
    let request::Parsed { request: wanted, undocumented_channel_types } = request::parse(&body)?;
    let reader = request.reader(&caller);
    check_channel_types(app, &reader, undocumented_channel_types).await?;
    let named_subject = wanted.subject_id;
    let query = match HistoryQuery::new(wanted, &caller.grants, request.now, app.config.policy()) {
        Err(QueryError::Subject(subject)) if !subject_exists(app, &reader, subject).await? => {
            return Err(ApiError::SubjectNotFound);
        }
        query => Arc::new(query?),
    };
    let page = match named_subject {
        None => Some(app.store.page(&reader, Arc::clone(&query)).await?),
        Some(subject) => page_of_subject(app, &reader, &query, subject).await?,
    };
    let page = page.ok_or(ApiError::SubjectNotFound)?;
    let rows = page.items.len() + page.rest.len();
    request.record_read(&caller, (Action::ApiRead, rows), |record, key| filters::of_history(&query, record, key))?;
    let items = page.items.into_bytes()?;
    let in_flight = app.in_flight.for_tenant(caller.grants.tenant);
    if page.rest.is_empty() {
        return Ok(json_parts(&in_flight, StatusCode::OK, response::whole(items, page.has_next))?);
    }
    let rest = UnreadMessages { store: app.store.clone(), reader, query, ids: page.rest, has_next: page.has_next };
    Ok(streamed(&in_flight, response::beginning(&items), rest)?)
}

/// A page of a subject's messages; `None` if there is no such subject.
async fn page_of_subject(
    app: &App,
    reader: &Reader,
    query: &Arc<HistoryQuery>,
    subject: i64,
) -> Result<Option<Page>, StoreError> {
    let query = Arc::clone(query);
    let work = move |connection: &mut Connection, budget: &Budget| {
        if !subjects::exists(connection, query.tenant(), subject)? {
            return Ok(None);
        }
        history::page(connection, &query, budget).map(Some)
    };
    app.store.planned_query(reader, work).await
}

async fn subject_exists(app: &App, reader: &Reader, subject: i64) -> Result<bool, StoreError> {
    let tenant = reader.caller.tenant;
    app.store.query(reader, move |connection, _| subjects::exists(connection, tenant, subject)).await
}

/// Rejects a channel word that edna does not document and that the tenant does not have (docs/edna.md 6.4).
async fn check_channel_types(app: &App, reader: &Reader, words: Vec<(String, String)>) -> Result<(), ApiError> {
    if words.is_empty() {
        return Ok(());
    }
    let tenant = reader.caller.tenant;
    let known = app.store.query(reader, move |connection, _| subjects::channel_types(connection, tenant)).await?;
    match words.iter().find(|(_, word)| !known.contains(word)) {
        Some((path, _)) => Err(ApiError::field(path, "a channel type such as SMS, WHATSAPP, VIBER or PUSH")),
        None => Ok(()),
    }
}
