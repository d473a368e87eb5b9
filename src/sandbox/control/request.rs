//! What the handlers of control routes share: the extractor, a request's tenant and body, the forms of responses; knows no
//! tenant's state.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::web::Data;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Config;
use crate::model::Instant;
use crate::model::instant::Rounding;
use crate::sandbox::error::{ControlError, parse};
use crate::sandbox::registry::Registry;
use crate::sandbox::tenant::Tenant;
use crate::web::body::text;
use crate::web::error::{respond, status_code};
use crate::web::{Access, ApiError, Body, KeyHeader, Request};

/// How long a control request's body may be. Fixtures are the longest.
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// Access to the control routes. What keeps others out is in `guard`.
pub struct Control;

impl Access for Control {
    const KEY: KeyHeader = KeyHeader::None;
    const BODY_LIMIT_WITHOUT_KEY: usize = BODY_LIMIT;

    fn body_limit(_: &Config) -> usize {
        BODY_LIMIT
    }
}

pub type Outcome = Result<HttpResponse, ControlError>;

impl ResponseError for ControlError {
    fn status_code(&self) -> StatusCode {
        status_code(self)
    }

    fn error_response(&self) -> HttpResponse {
        respond(self)
    }
}

impl From<ApiError> for ControlError {
    /// Only a body that cannot be read leads here.
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Common(crate::web::CommonError::TooLarge { limit }) => Self::TooLarge { limit },
            ApiError::Common(_) => Self::Failed,
            error => Self::NotValid(error.to_string()),
        }
    }
}

/// The tenant that a route names.
pub fn tenant(registry: &Data<Registry>, request: &Request<Control>) -> Result<Arc<Tenant>, ControlError> {
    let id = request.path_parameter("tenant").parse().ok();
    id.and_then(|id| registry.tenant(id)).ok_or(ControlError::NotFound("tenant"))
}

/// A request's body; an empty one is `{}`.
pub fn body<T: DeserializeOwned>(request: &mut Request<Control>) -> Result<T, ControlError> {
    let json = text(bytes(request)?)?;
    parse(if json.trim().is_empty() { "{}" } else { &json })
}

pub fn bytes(request: &mut Request<Control>) -> Result<Vec<u8>, ControlError> {
    // A body without a caller is discarded if it is too long.
    if matches!(request.body, Body::Discarded) {
        return Err(ControlError::TooLarge { limit: BODY_LIMIT });
    }
    Ok(request.take_body()?)
}

pub fn json(status: StatusCode, answer: &impl Serialize) -> Outcome {
    let body = serde_json::to_string(answer).map_err(|error| {
        tracing::error!(cause = %error, "a control response could not be serialized");
        ControlError::Failed
    })?;
    Ok(HttpResponse::build(status).content_type(ContentType::json()).body(body))
}

pub fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// The date of a field.
pub fn date(path: &str, text: &str) -> Result<Instant, ControlError> {
    let wanted = "an ISO 8601 date such as 2026-03-01T10:00:00Z";
    Instant::parse(text, Rounding::Down).ok_or_else(|| ControlError::field(path, wanted))
}
