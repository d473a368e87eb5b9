//! `POST /api/messages/history`: from the request as it came to the response.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, RETRY_AFTER};

use super::{EdnaError, answer, request};
use crate::model::ask::{Asked, Body};
use crate::model::{Caller, HistoryQuery, Policy};
use crate::store::{Store, StoreError, history, subjects};

/// What the dialect answers from.
#[derive(Clone)]
pub struct Edna {
    pub store: Store,
    pub policy: Policy,
}

impl Edna {
    /// Answers a history request, its checks in the order of docs/edna.md 1.5.
    pub async fn history(&self, asked: Asked) -> HttpResponse {
        match self.answer(asked).await {
            Ok(body) => HttpResponse::Ok().content_type(ContentType::json()).body(body),
            Err(error) => respond(&error),
        }
    }

    async fn answer(&self, asked: Asked) -> Result<String, EdnaError> {
        let caller = asked.caller?;
        if !caller.may_read_history() {
            return Err(EdnaError::AccessDenied("The key does not belong to the message-history group."));
        }
        let body = match asked.body {
            Body::Whole(body) => body,
            Body::TooLarge { limit } => return Err(EdnaError::TooLarge { limit }),
            Body::Incomplete => return Err(EdnaError::NotValid("The body did not arrive whole in time.".into())),
        };
        let request::Parsed { request, undocumented } = request::parse(&body)?;
        self.check_channel_types(&caller, undocumented).await?;
        let named_subject = request.subject_id;
        let query = HistoryQuery::new(request, &caller, asked.now, self.policy)?;
        if named_subject.is_none() {
            return Ok(answer::body(&self.store.page(query).await?));
        }
        let page = self.store.read(move |connection| {
            if let Some(subject) = named_subject
                && !subjects::exists(connection, caller.tenant, subject)?
            {
                return Ok(Err(EdnaError::SubjectNotFound));
            }
            if named_subject.is_some_and(|subject| !caller.sees_subject(subject)) {
                return Ok(Err(EdnaError::AccessDenied("The subject does not belong to the key's senders.")));
            }
            Ok::<_, StoreError>(Ok(history::page(connection, &query)?))
        });
        Ok(answer::body(&page.await??))
    }

    /// A channel word that is neither documented nor known of the tenant is a mistake (docs/edna.md 6.4).
    async fn check_channel_types(&self, caller: &Caller, words: Vec<(String, String)>) -> Result<(), EdnaError> {
        if words.is_empty() {
            return Ok(());
        }
        let tenant = caller.tenant;
        let known = self.store.glance(move |connection| subjects::channel_types(connection, tenant)).await?;
        match words.iter().find(|(_, word)| !known.contains(word)) {
            Some((path, _)) => Err(request::wrong(path, "a channel type such as SMS, WHATSAPP, VIBER or PUSH")),
            None => Ok(()),
        }
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
    response.content_type(ContentType::json()).body(error.body())
}
