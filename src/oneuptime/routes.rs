//! `/api/whatsapp-log`: from the request as it came to the response.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, RETRY_AFTER};
use uuid::Uuid;

use super::error::Act;
use super::request::{Paging, Parts};
use super::rest::{Rendering, UnreadRows};
use super::{OneUptimeError, query, value};
use crate::app::App;
use crate::model::ask::{Asked, ErrorTitle};
use crate::model::key::Profile;
use crate::model::log_query::{Condition, SortKey, Test, Value};
use crate::model::whatsapp_log::Column;
use crate::model::{Caller, LogFilter, LogQuery, wire};
use crate::store::whatsapp_logs::page::{self, Page, Rows};
use crate::store::{Budget, Connection, StoreError};
use crate::web::{InFlight, answer};

/// What the dialect answers from.
#[derive(Clone)]
pub struct OneUptime {
    pub app: App,
    /// The form of answers for keys that have none of their own.
    pub profile: Profile,
    pub in_flight: InFlight,
}

/// What a route asks for.
#[derive(Clone, Debug)]
pub enum Call {
    /// With the parameters of the URL.
    List(Vec<(String, String)>),
    Item(String),
    Count,
    /// A change, which is refused; with the id in the path, if there is one.
    Change(Act, Option<String>),
}

impl Call {
    fn act(&self) -> Act {
        match self {
            Self::Change(act, _) => *act,
            _ => Act::Read,
        }
    }
}

impl OneUptime {
    /// Answers a request, its checks in the order of docs/oneuptime.md §6.
    pub async fn answer(&self, asked: Asked, call: Call) -> HttpResponse {
        self.checked(asked, call).await.unwrap_or_else(|error| respond(&error))
    }

    async fn checked(&self, asked: Asked, call: Call) -> Result<HttpResponse, OneUptimeError> {
        let in_url: &[(String, String)] = if let Call::List(in_url) = &call { in_url } else { &[] };
        Paging::new(in_url, &Parts::default())?;
        let id = match &call {
            Call::Item(id) | Call::Change(_, Some(id)) => Some(item_id(id)?),
            _ => None,
        };
        let parts = Parts::read(&asked.body)?;
        let paging = Paging::new(in_url, &parts);
        let paging = if matches!(call, Call::List(_)) { Some(paging?) } else { None };
        let caller = asked.caller.map_err(|denial| OneUptimeError::denied(denial, call.act()))?;
        if let Call::Change(act, _) = call {
            return Err(OneUptimeError::Refused(act));
        }
        let profile = caller.profile.unwrap_or(self.profile);
        let paging = paging.map(|paging| paging.check(profile)).transpose()?;
        if !caller.may_read_whatsapp_logs() {
            return Err(OneUptimeError::NoPermission);
        }
        match (call, paging, id) {
            (Call::List(_), Some(paging), _) => self.list(&caller, &parts, paging, profile).await,
            (Call::Item(_), _, Some(id)) => self.item(&caller, &parts, id, profile).await,
            _ => self.count(&caller, &parts).await,
        }
    }

    async fn list(
        &self,
        caller: &Arc<Caller>,
        parts: &Parts,
        paging: Paging,
        profile: Profile,
    ) -> Result<HttpResponse, OneUptimeError> {
        let filter = filter(caller, query::parse(parts.query(), &caller.project.id)?);
        let select = parts.select()?;
        let sort = parts.sort()?;
        parts.group_by()?;
        let query = LogQuery { filter, sort, skip: paging.skip, limit: paging.limit, wanted: select.wanted() };
        let rows = Rendering { select, project: caller.project.clone(), profile };
        let (page, first, ids) = self.page(caller, &query, &rows).await?;
        let Paging { skip, limit } = paging;
        let (before, after) = match profile {
            Profile::Published => (format!(r#"{{"count":{page},"limit":{limit},"skip":{skip},"data":["#), "]}".into()),
            Profile::Live => (r#"{"data":["#.into(), format!(r#"],"count":{page},"skip":{skip},"limit":{limit}}}"#)),
        };
        if ids.is_empty() {
            return Ok(self.json(caller, before + &first + &after));
        }
        let rest = UnreadRows { store: self.app.store.clone(), caller: caller.id(), query, rows, ids, after };
        let answer = answer::parts(&self.in_flight.of(caller.tenant), before + &first, rest);
        Ok(answer.unwrap_or_else(|| respond(&OneUptimeError::Unavailable)))
    }

    async fn item(
        &self,
        caller: &Arc<Caller>,
        parts: &Parts,
        id: Value,
        profile: Profile,
    ) -> Result<HttpResponse, OneUptimeError> {
        let select = parts.select()?;
        let filter = filter(caller, vec![Condition::On(Column::Id, Test::OneOf(vec![id]))]);
        let sort = LogQuery::sort([SortKey { column: Column::Id, descending: true }]);
        // Of more than one, so that there is nothing to count.
        let query = LogQuery { filter, sort, skip: 0, limit: 2, wanted: select.wanted() };
        let rows = Rendering { select, project: caller.project.clone(), profile };
        let (_, item, _) = self.page(caller, &query, &rows).await?;
        Ok(self.json(caller, if item.is_empty() { "{}".into() } else { item }))
    }

    /// The count of all rows, the first rows of the page as they are answered, and the ids of the others.
    async fn page(
        &self,
        caller: &Caller,
        query: &LogQuery,
        rows: &Rendering,
    ) -> Result<(i64, String, Vec<Uuid>), StoreError> {
        let (query, rows) = (query.clone(), rows.clone());
        let work = move |connection: &mut Connection, budget: &Budget| {
            let Page { count, rows: found } = page::page(connection, &query, budget)?;
            Ok(match found {
                Rows::Ids(ids) => (count, Rendering::of_ids(&ids), Vec::new()),
                Rows::Whole(found, rest) => (count, rows.of_rows(&found, budget)?, rest),
            })
        };
        self.app.store.ask(caller.id(), work).await
    }

    async fn count(&self, caller: &Arc<Caller>, parts: &Parts) -> Result<HttpResponse, OneUptimeError> {
        let filter = filter(caller, query::parse(parts.query(), &caller.project.id)?);
        let count =
            self.app.store.ask(caller.id(), move |connection, budget| page::count(connection, &filter, budget)).await?;
        Ok(self.json(caller, format!(r#"{{"count":{count}}}"#)))
    }

    fn json(&self, caller: &Caller, body: String) -> HttpResponse {
        answer::json(&self.in_flight.of(caller.tenant), StatusCode::OK, body)
            .unwrap_or_else(|| respond(&OneUptimeError::Unavailable))
    }
}

/// The rows that a caller may see, as far as the conditions let them through.
fn filter(caller: &Caller, conditions: Vec<Condition>) -> LogFilter {
    LogFilter { tenant: caller.tenant, senders: caller.senders.clone(), conditions }
}

/// An id of a path.
fn item_id(text: &str) -> Result<Value, OneUptimeError> {
    value::id(text).map(|id| Value::Text(id.to_string())).ok_or_else(|| {
        let mut quoted = String::new();
        wire::push_text(&mut quoted, text);
        OneUptimeError::Bad(format!(
            "Invalid ID format: {quoted}. Expected a valid UUID (e.g., \"550e8400-e29b-41d4-a716-446655440000\")."
        ))
    })
}

/// An error as a response.
pub fn respond(error: &OneUptimeError) -> HttpResponse {
    // Every status of the table is a valid one.
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = HttpResponse::build(status);
    if let Some(seconds) = error.retry_after() {
        response.insert_header((RETRY_AFTER, seconds));
    }
    let mut response = response.content_type(ContentType::json()).body(error.body());
    response.extensions_mut().insert(ErrorTitle(error.title()));
    response
}
