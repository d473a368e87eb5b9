//! `GET /v1/messages` and `POST /v1/messages/query`: messages by filters, page by page with a cursor (docs/api.md §1);
//! knows no SQL.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;

use super::cursor;
use super::filters::{self, query_error};
use super::message::ReadMessage;
use super::parameters::{Arity, Known, Parameters, invalid};
use crate::config::Config;
use crate::model::audit::{Action, filters as recorded};
use crate::model::message_query::{DEFAULT_LIMIT, MAX_LIMIT, WalkPosition};
use crate::model::{Caller, Freshness, Instant, MessageQuery};
use crate::store::StoreError;
use crate::store::messages::walk::WalkPage;
use crate::web::answer::{POSITION_HEADER, json};
use crate::web::body::text;
use crate::web::{Access, ApiError, KeyHeader, Request};

/// The parameters besides the shared ones.
const OWN: [Known; 6] = [
    ("text", Arity::One),
    ("from", Arity::One),
    ("to", Arity::One),
    ("order", Arity::One),
    ("limit", Arity::One),
    ("cursor", Arity::One),
];

/// Access to queries in a body.
pub struct QueryMessages;

impl Access for QueryMessages {
    const KEY: KeyHeader = KeyHeader::Api("x-api-key");

    fn body_limit(config: &Config) -> usize {
        config.server.body_limit_bytes
    }

    fn check(caller: &Caller) -> Result<(), &'static str> {
        caller.may_read_history()
    }
}

/// List messages
///
/// Returns messages by filters, the newest first, page by page. While a response has `next`, the same request with
/// `cursor` set to it returns the next page. A walk from the first page to the last returns each message that matches
/// all the while exactly once, whatever is written meanwhile, and the last page costs no more than the first.
///
/// Use `POST /v1/messages/query` to send an address: proxies write URLs to their logs.
#[utoipa::path(
    get,
    path = "/v1/messages",
    operation_id = "listMessages",
    tag = "messages",
    security(("x-api-key" = [])),
    params(
        super::document::ListParameters,
        ("History-Position" = Option<String>, Header, description = "From a response that wrote: the answer contains what was written.")
    ),
    responses(
        (status = 200, description = "One page of messages.", body = super::document::MessageList),
        super::document::ListErrors
    )
)]
pub async fn list_messages(request: Request<ReadMessage>) -> Result<HttpResponse, ApiError> {
    let caller = request.authorized()?;
    let parameters = Parameters::from_url(request.query_string(), &filters::known(&OWN))?;
    respond(&request, &caller, &parameters).await
}

/// Query messages
///
/// The same as `GET /v1/messages`, with the parameters in a JSON object; a list is an array.
#[utoipa::path(
    post,
    path = "/v1/messages/query",
    operation_id = "queryMessages",
    tag = "messages",
    security(("x-api-key" = [])),
    params(("History-Position" = Option<String>, Header, description = "From a response that wrote: the answer contains what was written.")),
    request_body(content = Option<super::document::ListRequest>, content_type = "application/json"),
    responses(
        (status = 200, description = "One page of messages.", body = super::document::MessageList),
        super::document::QueryErrors
    )
)]
pub async fn query_messages(mut request: Request<QueryMessages>) -> Result<HttpResponse, ApiError> {
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
    let filters = filters::filters(parameters)?;
    let limit = parameters.within("limit", 1..=MAX_LIMIT, || ApiError::PageLimitNotValid)?.unwrap_or(DEFAULT_LIMIT);
    let order = |word: &str| [("desc", true), ("asc", false)].into_iter().find(|(name, _)| *name == word);
    let descending = parameters.word("order", "desc or asc", order)?.is_none_or(|(_, descending)| descending);
    if filters.text.is_some() {
        if !app.config.search.enabled {
            return Err(ApiError::NotValid(
                "The parameter 'text' cannot be used: the setting search.enabled is false.".into(),
            ));
        }
        if !descending {
            return Err(ApiError::NotValid("The parameter 'order' must be desc with 'text'.".into()));
        }
    }
    // A replica may lag: a later page could miss messages, and so could a first page that follows `since=now`. A first page
    // may come from one if the client says how recent it has to be.
    let may_be_behind = request.has_header(POSITION_HEADER) && parameters.text("cursor")?.is_none();
    let reader = if may_be_behind { request.reader(caller) } else { app.store.reader(caller.id(), Freshness::Primary) };
    filters::check(app, &reader, &filters).await?;
    let policy = app.config.policy();
    let mut query = MessageQuery::new(filters, (descending, limit), &caller.grants, policy).map_err(query_error)?;
    if let Some(cursor) = parameters.text("cursor")? {
        query.position = Some(read_cursor(&query, &cursor)?);
    }
    if query.filters.text.is_some() && app.config.search.on_demand {
        app.store.update_index(caller.grants.tenant, request.now).await?;
    }
    let query = Arc::new(query);
    let page = app.store.walk(&reader, Arc::clone(&query)).await?;
    let read = (Action::ApiRead, page.items.len());
    request.record_read(caller, read, |record, key| recorded::of_messages(&query, record, key))?;
    Ok(json(&app.in_flight.for_tenant(caller.grants.tenant), StatusCode::OK, body(&query, page)?)?)
}

/// `{"messages":[…],"next":"…","complete":true,"interpretedAs":["…"],"search":{…}}`, joined from items that are rendered already.
fn body(query: &MessageQuery, page: WalkPage) -> Result<String, StoreError> {
    let national = query.addresses.iter().zip(&page.national).filter(|(_, counts)| **counts);
    let interpreted: Vec<&str> =
        national.filter_map(|(named, _)| named.national.as_ref()).map(|form| form.address.as_str()).collect();
    let mut body = String::with_capacity(page.items.bytes() + 128);
    body.push_str(r#"{"messages":["#);
    body.push_str(&page.items.into_text()?);
    body.push(']');
    if let Some(next) = &page.next {
        // A cursor has no character that JSON escapes.
        body.push_str(r#","next":""#);
        body.push_str(&write_cursor(query, next));
        body.push('"');
    }
    body.push_str(if page.complete { r#","complete":true"# } else { r#","complete":false"# });
    if !interpreted.is_empty() {
        body.push_str(r#","interpretedAs":"#);
        // Strings can always be serialized.
        body.push_str(&serde_json::to_string(&interpreted).unwrap_or_default());
    }
    if let Some(search) = &query.filters.text {
        let terms = search.terms();
        let indexed_up_to = page.index.filter(|index| !index.is_complete()).map(|index| {
            // An index that was never complete has nothing for certain.
            index.complete_at.unwrap_or(Instant(0)).to_string()
        });
        body.push_str(r#","search":"#);
        body.push_str(&serde_json::to_string(&SearchNote { terms, indexed_up_to }).unwrap_or_default());
    }
    body.push('}');
    Ok(body)
}

/// What a response tells of its search.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SearchNote<'a> {
    terms: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    indexed_up_to: Option<String>,
}

/// The message id, and a bit for each named address whose national form counts.
fn write_cursor(query: &MessageQuery, position: &WalkPosition) -> String {
    let mut payload = position.message_id.to_be_bytes().to_vec();
    let bits =
        position.national.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit)));
    payload.extend(bits);
    cursor::encode(&query.fingerprint(), &payload)
}

fn read_cursor(query: &MessageQuery, text: &str) -> Result<WalkPosition, ApiError> {
    let payload = cursor::decode(&query.fingerprint(), text);
    let position = payload.as_deref().and_then(|payload| payload.split_first_chunk()).map(|(id, bits)| WalkPosition {
        message_id: i64::from_be_bytes(*id),
        national: bits.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect(),
    });
    position.ok_or_else(|| invalid("cursor", "the 'next' of a response to the same filters and order"))
}
