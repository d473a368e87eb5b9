//! The extractor: takes from a request what a handler needs, which is app, caller, body and time; knows no route.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::future::LocalBoxFuture;

use super::answer::POSITION_HEADER;
use super::body::{self, Body, ReadOptions, UnreadBody};
use super::client;
use super::error::{ApiError, CommonError};
use crate::app::App;
use crate::audit::ApiRead;
use crate::config::Config;
use crate::keys::{AuthError, Limit, PresentedKey};
use crate::model::audit::{Action, AuditKey, AuditRecord};
use crate::model::{Caller, Freshness, Instant};
use crate::store::Reader;

/// Which header holds the key, and which kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyHeader {
    /// The route needs no key.
    None,
    Api(&'static str),
    /// A webhook key, in the header named by the setting `webhooks.header`.
    Webhook,
}

/// Who may call a route, and how much of a request's body is stored.
pub trait Access: 'static {
    const KEY: KeyHeader;

    /// How many times its length a body occupies in memory while the request is handled.
    const BODY_WEIGHT: usize = 1;

    /// How many bytes of the body are stored for a caller without a valid key, on routes that report an unreadable body
    /// before the key.
    const BODY_LIMIT_WITHOUT_KEY: usize = 0;

    /// How many bytes of the body are stored.
    fn body_limit(config: &Config) -> usize;

    /// Fails with a sentence that says what the caller lacks. The body of a rejected caller is not stored.
    fn check(_caller: &Caller) -> Result<(), &'static str> {
        Ok(())
    }
}

/// Access to a route without a key that ignores the body.
pub struct Public;

impl Access for Public {
    const KEY: KeyHeader = KeyHeader::None;

    fn body_limit(_: &Config) -> usize {
        0
    }
}

/// A request whose body was read within its limits.
pub struct Request<A> {
    pub app: web::Data<App>,
    pub caller: Result<Arc<Caller>, AuthError>,
    pub body: Body,
    pub now: Instant,
    http: HttpRequest,
    access: PhantomData<A>,
}

impl<A: Access> Request<A> {
    /// The caller, if it may call this route.
    pub fn authorized(&self) -> Result<Arc<Caller>, ApiError> {
        let caller = self.caller.clone()?;
        A::check(&caller).map_err(ApiError::AccessDenied)?;
        Ok(caller)
    }

    /// Whether the key is still valid, for a response that was held for a while.
    pub async fn is_still_authorized(&self) -> Result<(), ApiError> {
        match caller::<A>(&self.app, &self.http, self.app.clock.now()).await {
            Ok(_) | Err(AuthError::TooMany { limit: Limit::Requests, .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the body, which is freed when the handler is done with it.
    pub fn take_body(&mut self) -> Result<Vec<u8>, ApiError> {
        match std::mem::replace(&mut self.body, Body::Discarded) {
            Body::Whole(bytes) => Ok(bytes),
            Body::TooLarge { limit } => Err(CommonError::TooLarge { limit }.into()),
            Body::Incomplete => Err(ApiError::NotValid("The body did not arrive whole in time.".into())),
            // A body is discarded only if the key is not valid, and that error is reported first.
            Body::Overloaded | Body::Discarded => Err(CommonError::Unavailable.into()),
        }
    }

    /// A path parameter; empty if the route has none of that name.
    pub fn path_parameter(&self, name: &str) -> &str {
        self.http.match_info().get(name).unwrap_or_default()
    }

    /// The parameters of the query string, in order; none if it cannot be parsed.
    pub fn query_parameters(&self) -> Vec<(String, String)> {
        let parameters = web::Query::from_query(self.http.query_string());
        parameters.map(web::Query::into_inner).unwrap_or_default()
    }

    /// The query string as it was sent.
    pub fn query_string(&self) -> &str {
        self.http.query_string()
    }

    /// How recent the data of the response must be, as the client demands.
    pub fn freshness(&self) -> Freshness {
        let header = self.http.headers().get(POSITION_HEADER);
        header.map_or(Freshness::Any, |value| value.to_str().map_or(Freshness::Primary, Freshness::of_client))
    }

    /// The reader of the request's data.
    pub fn reader(&self, caller: &Caller) -> Reader {
        self.app.store.reader(caller.id(), self.freshness())
    }

    /// Records that the caller reads `rows` messages, as the settings say; `filter` adds what it has asked for. If that
    /// fails, the response must not be sent.
    pub fn record_read(
        &self,
        caller: &Caller,
        (action, rows): (Action, usize),
        filter: impl FnOnce(&mut AuditRecord, &AuditKey),
    ) -> Result<(), CommonError> {
        let from = client::address(&self.http, &self.app.config.server.trusted_proxies);
        let read = ApiRead { caller, action, from, rows: rows as u64, at: self.now };
        self.app.audit.api_read(&read, filter).map_err(|error| {
            tracing::warn!(cause = %error, "a read was refused, because it cannot be recorded");
            CommonError::Unavailable
        })
    }

    pub fn path(&self) -> &str {
        self.http.path()
    }

    pub fn has_header(&self, name: &str) -> bool {
        self.http.headers().contains_key(name)
    }
}

impl<A: Access> FromRequest for Request<A> {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(http: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (http, payload) = (http.clone(), payload.take());
        Box::pin(async move {
            // Every server registers its app.
            let app = http.app_data::<web::Data<App>>().ok_or(ApiError::NotFound)?.clone();
            let now = app.clock.now();
            let caller = caller::<A>(&app, &http, now).await;
            if let Ok(caller) = &caller {
                // For the request's log line.
                http.extensions_mut().insert(caller.id());
            }
            let body = read_body::<A>(&app, &http, payload, caller.as_deref().ok()).await;
            Ok(Self { app, caller, body, now, http, access: PhantomData })
        })
    }
}

async fn caller<A: Access>(app: &App, http: &HttpRequest, now: Instant) -> Result<Arc<Caller>, AuthError> {
    let presented = |header: &str| {
        let key = match http.headers().get(header) {
            None => Err(AuthError::NoKey),
            Some(value) => value.to_str().ok().filter(|text| !text.trim().is_empty()).ok_or(AuthError::UnknownKey),
        };
        PresentedKey { key, from: client::address(http, &app.config.server.trusted_proxies) }
    };
    match A::KEY {
        KeyHeader::None => Err(AuthError::NoKey),
        KeyHeader::Api(header) => app.keys.caller(presented(header), now).await,
        KeyHeader::Webhook => app.keys.webhook_caller(presented(&app.config.webhooks.header), now).await,
    }
}

async fn read_body<A: Access>(app: &App, http: &HttpRequest, payload: Payload, caller: Option<&Caller>) -> Body {
    // What follows a CONNECT request is meant for another server, and has no end.
    if http.method() == Method::CONNECT {
        UnreadBody::new(payload).hold_until_response(http);
        return Body::Incomplete;
    }
    let limit = A::body_limit(&app.config);
    let limit = match caller {
        None => limit.min(A::BODY_LIMIT_WITHOUT_KEY),
        Some(caller) if A::check(caller).is_err() => 0,
        Some(_) => limit,
    };
    let timeout = Duration::from_secs(app.config.server.body_timeout_seconds);
    let in_flight =
        caller.map_or_else(|| app.in_flight.clone(), |caller| app.in_flight.for_tenant(caller.grants.tenant));
    let reading = ReadOptions { limit, weight: A::BODY_WEIGHT, timeout };
    let (body, unread) = body::read(http.headers(), payload, reading, &in_flight).await;
    body::mark_as_read(http);
    unread.hold_until_response(http);
    match body {
        Body::TooLarge { .. } if caller.is_none() => Body::Discarded,
        body => body,
    }
}
