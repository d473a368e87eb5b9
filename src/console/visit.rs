//! The extractors of the console's handlers: who is there, in which language, and the form that was sent; knows no page.

use std::collections::HashMap;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, ContentType, HOST, LOCATION, REFERRER_POLICY, RETRY_AFTER,
};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::future::LocalBoxFuture;
use maud::Markup;

use super::Console;
use super::cookies::Cookies;
use super::csrf;
use super::layout::{Files, Frame};
use super::texts::{Language, Localized};
use super::time::Times;
use super::zone::Zone;
use crate::app::App;
use crate::model::key::Secret;
use crate::model::user::{User, UserId};
use crate::model::{CallerId, Instant};
use crate::store::StoreError;
use crate::viewer::Viewer;
use crate::web::body::{self, ReadOptions};
use crate::web::{ApiError, Body, client};

/// All of the console's own, nothing inline, in no other page.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// Where htmx says which page it wants a part of, and where it is told to lead the browser to another.
const HX_CURRENT_URL: &str = "hx-current-url";
const HX_REDIRECT: &str = "hx-redirect";

/// Maximum size of a form.
const MAX_FORM_BYTES: usize = 8 * 1024;

/// Maximum number of its fields: each takes memory of its own.
const MAX_FIELDS: usize = 32;

/// A request for a page, from anybody.
#[derive(Clone)]
pub struct Visit {
    pub app: Data<App>,
    console: Data<Console>,
    pub cookies: Cookies,
    pub now: Instant,
    language: Language,
    http: HttpRequest,
}

impl Visit {
    async fn read(http: &HttpRequest) -> Result<Self, actix_web::Error> {
        // Every server registers both.
        let app = http.app_data::<Data<App>>().ok_or(ApiError::NotFound)?.clone();
        let console = http.app_data::<Data<Console>>().ok_or(ApiError::NotFound)?.clone();
        let cookies = Cookies::new(http, app.config.console.secure_cookies, &app.config.server.trusted_proxies);
        let language = cookies.language().or_else(|| accepted_language(http)).unwrap_or_default();
        let visit = Self { now: app.clock.now(), app, console, cookies, language, http: http.clone() };
        match visit.console.exists(&visit.app, visit.client()).await {
            Ok(true) => Ok(visit),
            Ok(false) => Err(ApiError::NotFound.into()),
            Err(error) => Err(as_error(visit.unavailable(&error))),
        }
    }

    pub fn texts(&self) -> Localized<'_> {
        self.console.texts.of(self.language)
    }

    /// How times are written.
    pub fn times(&self) -> Times<'_> {
        Times { texts: self.texts(), zone: self.zone(), now: self.now, is_printed: false }
    }

    /// The zone in which times are shown.
    pub fn zone(&self) -> Zone {
        self.cookies.zone().unwrap_or_default()
    }

    /// The client's address, also behind a trusted proxy.
    pub fn client(&self) -> Option<std::net::IpAddr> {
        client::address(&self.http, &self.app.config.server.trusted_proxies)
    }

    /// The address of the page, to return to.
    pub fn address(&self) -> String {
        // What these two answer stands at the address before them.
        let sent = ["/change", "/reveal"].iter().find_map(|end| self.http.path().strip_suffix(end));
        if let Some(page) = sent {
            return page.to_owned();
        }
        self.http.uri().path_and_query().map(ToString::to_string).unwrap_or_default()
    }

    /// The path of the page.
    pub fn path(&self) -> &str {
        self.http.path()
    }

    /// Scheme, host and port of the server as the browser knows it, for links.
    pub fn origin(&self) -> String {
        let is_secure = client::is_over_tls(&self.http, &self.app.config.server.trusted_proxies);
        let host = self.http.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        format!("{}://{host}", if is_secure { "https" } else { "http" })
    }

    /// The parameters of the query string, in order.
    pub fn parameters(&self) -> Vec<(String, String)> {
        serde_urlencoded::from_str(self.http.query_string()).unwrap_or_default()
    }

    /// A parameter of the query string.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// A page for anybody, with its title, the token of its forms, and the address to return to.
    pub fn page(
        &self,
        status: StatusCode,
        (title, form_token, address): (&str, &str, String),
        content: &Markup,
    ) -> HttpResponse {
        html(status, Frame { address, ..self.frame(form_token, None) }.page(title, content))
    }

    /// Leads to the page for signing in, and from there back to this page.
    fn to_login(&self) -> HttpResponse {
        let part_of = self.http.headers().get(HX_CURRENT_URL).and_then(|url| url.to_str().ok()).and_then(path_of);
        let page = part_of.map_or_else(|| self.address(), str::to_owned);
        let next = serde_urlencoded::to_string([("next", page)]).unwrap_or_default();
        let wanted = if *self.http.method() == Method::GET { format!("?{next}") } else { String::new() };
        let login = format!("/console/login{wanted}");
        if part_of.is_none() {
            return redirect(&login).finish();
        }
        // A script that wants a part of a page would follow a redirect, and find no such part in the page for signing in.
        response(StatusCode::OK).insert_header((HX_REDIRECT, login)).finish()
    }

    fn frame<'a>(&'a self, form_token: &'a str, user: Option<&'a User>) -> Frame<'a> {
        let console = &self.console;
        let files = Files {
            style: console.style.address(),
            icon: console.icon.address(),
            htmx: console.htmx.address(),
            script: console.script.address(),
        };
        Frame {
            texts: self.texts(),
            zone: self.zone(),
            now: self.now,
            files,
            address: self.address(),
            form_token,
            user,
        }
    }

    /// A page that says only why there is nothing else.
    pub fn problem(&self, status: StatusCode, title: &'static str, text: &'static str) -> HttpResponse {
        html(status, self.frame("", None).problem(title, text))
    }

    pub fn unavailable(&self, error: &StoreError) -> HttpResponse {
        error.log("a page of the console could not be made");
        self.problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable-title", "unavailable")
    }

    /// The user of the browser's session, with its token.
    pub async fn session(&self) -> Result<Option<(User, Secret)>, StoreError> {
        let Some(token) = self.cookies.session() else { return Ok(None) };
        let user = self.app.sign_in.user(&token, self.client(), self.now).await?;
        Ok(user.map(|user| (user, token)))
    }
}

impl FromRequest for Visit {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(http: &HttpRequest, _: &mut Payload) -> Self::Future {
        let http = http.clone();
        Box::pin(async move { Self::read(&http).await })
    }
}

/// A request for a page from a user who is signed in. Everybody else is led to the page for signing in.
pub struct SignedIn {
    pub user: User,
    /// What the forms of the session contain.
    pub form_token: String,
    pub visit: Visit,
    token: Secret,
}

impl SignedIn {
    async fn read(http: &HttpRequest) -> Result<Self, actix_web::Error> {
        let visit = Visit::read(http).await?;
        let found = visit.session().await.map_err(|error| as_error(visit.unavailable(&error)))?;
        let Some((user, token)) = found else {
            return Err(as_error(visit.to_login()));
        };
        // For the request's log line.
        http.extensions_mut().insert(CallerId { tenant: user.grants.tenant, key: 0 });
        http.extensions_mut().insert(UserId(user.id));
        Ok(Self { form_token: csrf::form_token(&token), user, visit, token })
    }

    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// What the user sees.
    pub fn viewer(&self) -> Viewer {
        let visit = &self.visit;
        Viewer::new(visit.app.get_ref().clone(), self.user.clone(), self.token.clone(), (visit.client(), visit.now))
    }

    pub(super) fn frame(&self) -> Frame<'_> {
        self.visit.frame(&self.form_token, Some(&self.user))
    }

    /// A page with its title.
    pub fn page(&self, status: StatusCode, title: &str, content: &Markup) -> HttpResponse {
        html(status, self.frame().page(title, content))
    }
}

impl FromRequest for SignedIn {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(http: &HttpRequest, _: &mut Payload) -> Self::Future {
        let http = http.clone();
        Box::pin(async move { Self::read(&http).await })
    }
}

/// The fields of a form that a page of the console sent; anything else is refused before the handler.
pub struct Form {
    visit: Visit,
    fields: HashMap<String, String>,
}

impl Form {
    /// A field; empty if the form has none of that name.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    pub fn visit(&self) -> &Visit {
        &self.visit
    }

    /// Frees the fields.
    pub fn into_visit(self) -> Visit {
        self.visit
    }

    /// Takes a field out of the form.
    pub fn take(&mut self, name: &str) -> String {
        self.fields.remove(name).unwrap_or_default()
    }

    async fn read(http: &HttpRequest, payload: Payload) -> Result<Self, actix_web::Error> {
        let visit = Visit::read(http).await?;
        let refused = |status| as_error(visit.problem(status, "form-not-accepted-title", "form-not-accepted"));
        let timeout = Duration::from_secs(visit.app.config.server.body_timeout_seconds);
        let reading = ReadOptions { limit: MAX_FORM_BYTES, weight: 2, timeout };
        let (body, unread) = body::read(http.headers(), payload, reading, &visit.app.in_flight).await;
        body::mark_as_read(http);
        unread.hold_until_response(http);
        let bytes = match body {
            Body::Whole(bytes) => bytes,
            Body::TooLarge { .. } => return Err(refused(StatusCode::PAYLOAD_TOO_LARGE)),
            Body::Overloaded => {
                let problem = visit.problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable-title", "unavailable");
                return Err(as_error(problem));
            }
            Body::Incomplete | Body::Discarded => return Err(refused(StatusCode::FORBIDDEN)),
        };
        if bytes.split(|byte| *byte == b'&').count() > MAX_FIELDS {
            return Err(refused(StatusCode::FORBIDDEN));
        }
        let fields: HashMap<String, String> =
            serde_urlencoded::from_bytes(&bytes).map_err(|_| refused(StatusCode::FORBIDDEN))?;
        // A page for signing in has the token of a cookie of its own; any other page that of the session.
        let tokens = [visit.cookies.session(), visit.cookies.form()];
        let sent = fields.get("token").map_or("", String::as_str);
        let is_own = tokens.iter().flatten().any(|token| csrf::has_token(token, sent));
        if is_own && csrf::is_same_origin(http) {
            Ok(Self { visit, fields })
        } else {
            Err(refused(StatusCode::FORBIDDEN))
        }
    }
}

impl FromRequest for Form {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(http: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (http, payload) = (http.clone(), payload.take());
        Box::pin(async move { Self::read(&http, payload).await })
    }
}

/// A response with the headers of all pages.
fn response(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    // Without `same-origin`, browsers name no origin when they send a form.
    response.insert_header((CONTENT_SECURITY_POLICY, POLICY)).insert_header((REFERRER_POLICY, "same-origin"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((RETRY_AFTER, "1"));
    }
    response
}

pub(super) fn html(status: StatusCode, page: Markup) -> HttpResponse {
    // Browsers drop the character that no page may have.
    let page = page.into_string().replace('\0', "\u{fffd}");
    response(status).content_type(ContentType::html()).body(page)
}

/// Leads the browser to another page of the console.
pub fn redirect(address: &str) -> HttpResponseBuilder {
    let mut response = response(StatusCode::SEE_OTHER);
    response.insert_header((LOCATION, address));
    response
}

/// The path and the query of a URL.
fn path_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    Some(&rest[rest.find('/')?..])
}

/// An error whose response is a page.
fn as_error(response: HttpResponse) -> actix_web::Error {
    InternalError::from_response("", response).into()
}

/// The first language of `Accept-Language` that the console has, by the order in which they are listed: browsers list the
/// preferred one first.
fn accepted_language(http: &HttpRequest) -> Option<Language> {
    let header = http.headers().get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    header.split(',').find_map(|range| Language::from_tag(range.split(';').next()?.trim()))
}
