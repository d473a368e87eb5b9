//! The history, edna's webhooks, and what own systems send and read: from the request as it came to the response.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, RETRY_AFTER};

use super::own::{self, Kind};
use super::rest::UnreadMessages;
use super::{EdnaError, answer, request, trail, webhook};
use crate::app::App;
use crate::ingest::{Fate, Rejection};
use crate::model::ask::{Asked, Body, Denial, ErrorTitle};
use crate::model::{Caller, HistoryQuery, Policy, Property, Source, StatusNotice, TenantId};
use crate::store::messages;
use crate::store::messages::history::{self, Page};
use crate::store::messages::status_events;
use crate::store::{Budget, Connection, LookupFor, StoreError, subjects};
use crate::web::InFlight;
use crate::web::answer::{json, parts};

/// What the dialect answers from.
#[derive(Clone)]
pub struct Edna {
    pub app: App,
    pub policy: Policy,
    pub in_flight: InFlight,
}

impl Edna {
    /// Answers a history request, its checks in the order of docs/edna.md 1.5.
    pub async fn history(&self, asked: Asked) -> HttpResponse {
        self.answer(asked).await.unwrap_or_else(|error| respond(&error))
    }

    /// Takes what edna tells by its webhooks. Whatever has a meaning is durable when this answers 200.
    pub async fn webhook(&self, asked: Asked) -> HttpResponse {
        self.hear(asked).await.unwrap_or_else(|error| respond(&error))
    }

    /// Takes what an own system tells of messages or of statuses.
    pub async fn take(&self, asked: Asked, kind: Kind) -> HttpResponse {
        self.taken(asked, kind).await.unwrap_or_else(|error| respond(&error))
    }

    /// Answers for one message.
    pub async fn message(&self, asked: Asked, id: &str) -> HttpResponse {
        self.told(asked, id).await.unwrap_or_else(|error| respond(&error))
    }

    async fn hear(&self, asked: Asked) -> Result<HttpResponse, EdnaError> {
        let caller = asked.caller.map_err(|denial| match denial {
            Denial::NoKey | Denial::UnknownKey => EdnaError::WebhookKeyNotFound,
            other => other.into(),
        })?;
        let call = webhook::parse(&whole(asked.body)?, caller.tenant, asked.now);
        let call = call.inspect_err(|_| self.app.door.counters().reject(Source::Webhook, Rejection::Unreadable, 1))?;
        let (brought, rejected) = (call.events.len(), call.rejected);
        if brought > 0 {
            let fates = self.app.door.record(caller.tenant, call.events).await?;
            if fates.contains(&Fate::NoRoom) {
                let tenant = caller.tenant;
                tracing::warn!(%tenant, "a tenant has as many waiting messages or other events as are kept");
                return Err(EdnaError::Unavailable);
            }
        }
        self.app.door.counters().reject(Source::Webhook, Rejection::Unreadable, rejected.len());
        if let Some(reason) = rejected.first() {
            tracing::warn!(events = rejected.len(), %reason, "events of a webhook have no meaning; the first one's reason");
        }
        match rejected.first() {
            Some(reason) if brought == 0 => Err(EdnaError::NotValid(format!("The event has no meaning: {reason}."))),
            _ => Ok(self.json(caller.tenant, StatusCode::OK, r#"{"status":"ok"}"#.into())),
        }
    }

    async fn taken(&self, asked: Asked, kind: Kind) -> Result<HttpResponse, EdnaError> {
        let caller = asked.caller?;
        if !caller.may_send_messages() {
            return Err(EdnaError::AccessDenied("The key does not belong to the messaging group."));
        }
        let request = own::parse(&whole(asked.body)?, kind, &caller, asked.now);
        let request =
            request.inspect_err(|_| self.app.door.counters().reject(Source::Api, Rejection::Unreadable, 1))?;
        self.app.door.counters().reject(Source::Api, Rejection::Unreadable, request.rejected());
        let (events, entries) = request.parts();
        let fates = match events.len() {
            0 => Vec::new(),
            _ => self.app.door.record(caller.tenant, events).await?,
        };
        let (body, is_wrong) = own::answer(&entries, &fates);
        let status = if is_wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        Ok(self.json(caller.tenant, status, body))
    }

    async fn told(&self, asked: Asked, id: &str) -> Result<HttpResponse, EdnaError> {
        let caller = asked.caller?;
        if !caller.may_read_history() {
            return Err(EdnaError::AccessDenied("The key does not belong to the message-history group."));
        }
        let id: i64 = id.parse().map_err(|_| EdnaError::NotValid("The message id must be an integer.".into()))?;
        let (whose, tenant) = (caller.id(), caller.tenant);
        let found = self.app.store.ask(whose, move |connection, _| {
            let ids = [id].into();
            let Some(message) = messages::load(connection, caller.tenant, &ids)?.remove(&id) else { return Ok(None) };
            let subject = message.item.integer(Property::SubjectId);
            if caller.senders.is_some() && !subject.is_some_and(|subject| caller.sees_subject(subject)) {
                return Ok(None);
            }
            let known = status_events::of_messages(connection, caller.tenant, &ids)?.remove(&id).unwrap_or_default();
            let notices: Vec<StatusNotice> = known.into_iter().map(|event| event.notice).collect();
            Ok::<_, StoreError>(Some(trail::body(&message.item, &message.copies, &notices)))
        });
        let body = found.await?.ok_or(EdnaError::MessageNotFound)?;
        Ok(self.json(tenant, StatusCode::OK, body))
    }

    async fn answer(&self, asked: Asked) -> Result<HttpResponse, EdnaError> {
        let caller = asked.caller?;
        if !caller.may_read_history() {
            return Err(EdnaError::AccessDenied("The key does not belong to the message-history group."));
        }
        let body = whole(asked.body)?;
        let request::Parsed { request, undocumented } = request::parse(&body)?;
        self.check_channel_types(&caller, undocumented).await?;
        let named_subject = request.subject_id;
        let query = Arc::new(HistoryQuery::new(request, &caller, asked.now, self.policy)?);
        let page = match named_subject {
            None => self.app.store.page(caller.id(), Arc::clone(&query)).await?,
            Some(subject) => self.page_of_subject(&caller, &query, subject).await??,
        };
        let mut first = answer::begin(&page.items);
        if page.rest.is_empty() {
            first.push_str(answer::after(page.has_next));
            return Ok(self.json(caller.tenant, StatusCode::OK, first));
        }
        let rest = UnreadMessages {
            store: self.app.store.clone(),
            caller: caller.id(),
            query,
            ids: page.rest,
            has_next: page.has_next,
        };
        Ok(parts(&self.in_flight.of(caller.tenant), first, rest).unwrap_or_else(|| respond(&EdnaError::Unavailable)))
    }

    async fn page_of_subject(
        &self,
        caller: &Arc<Caller>,
        query: &Arc<HistoryQuery>,
        subject: i64,
    ) -> Result<Result<Page, EdnaError>, StoreError> {
        let (theirs, query) = (Arc::clone(caller), Arc::clone(query));
        let work = move |connection: &mut Connection, budget: &Budget| {
            if !subjects::exists(connection, theirs.tenant, subject)? {
                return Ok(Err(EdnaError::SubjectNotFound));
            }
            if !theirs.sees_subject(subject) {
                return Ok(Err(EdnaError::AccessDenied("The subject does not belong to the key's senders.")));
            }
            Ok(Ok(history::page(connection, &query, budget)?))
        };
        self.app.store.ask(caller.id(), work).await
    }

    fn json(&self, tenant: TenantId, status: StatusCode, body: String) -> HttpResponse {
        json(&self.in_flight.of(tenant), status, body).unwrap_or_else(|| respond(&EdnaError::Unavailable))
    }

    /// A channel word that is neither documented nor known of the tenant is a mistake (docs/edna.md 6.4).
    async fn check_channel_types(&self, caller: &Caller, words: Vec<(String, String)>) -> Result<(), EdnaError> {
        if words.is_empty() {
            return Ok(());
        }
        let tenant = caller.tenant;
        let known = self
            .app
            .store
            .quick_read(LookupFor::Caller, move |connection| subjects::channel_types(connection, tenant))
            .await?;
        match words.iter().find(|(_, word)| !known.contains(word)) {
            Some((path, _)) => Err(request::wrong(path, "a channel type such as SMS, WHATSAPP, VIBER or PUSH")),
            None => Ok(()),
        }
    }
}

/// A body that came as it should.
fn whole(body: Body) -> Result<Vec<u8>, EdnaError> {
    match body {
        Body::Whole(body) => Ok(body),
        Body::TooLarge { limit } => Err(EdnaError::TooLarge { limit }),
        Body::Incomplete => Err(EdnaError::NotValid("The body did not arrive whole in time.".into())),
        // What is passed over is so because of the key, which is told of first.
        Body::Overloaded | Body::PassedOver => Err(EdnaError::Unavailable),
    }
}

/// An error as a response.
pub fn respond(error: &EdnaError) -> HttpResponse {
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
