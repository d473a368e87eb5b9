//! The page for trying the API out, all of whose files are in the binary; knows no key except those that it shows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, ContentType, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde_json::json;
use utoipa_swagger_ui::Config;

use crate::in_flight::Share;
use crate::model::key::KeyKind;
use crate::web::ApiError;
use crate::web::answer::SlicedBody;

/// A key that the page shows to everyone who opens it.
#[derive(Clone, Copy, Debug)]
pub struct ShownKey {
    pub name: &'static str,
    pub value: &'static str,
    pub kind: KeyKind,
}

/// Scripts and styles come from this server only, never inline. Swagger UI's style sheet has icons as `data:` URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page's files by name. Their bytes are shared, never copied.
pub struct Files(BTreeMap<&'static str, (Bytes, String)>);

impl Files {
    pub fn new(shown: &[ShownKey]) -> Self {
        let own = [
            ("", include_str!("../../assets/page/index.html"), "text/html; charset=utf-8"),
            ("page.js", include_str!("../../assets/page/page.js"), "text/javascript; charset=utf-8"),
            ("page.css", include_str!("../../assets/page/page.css"), "text/css; charset=utf-8"),
        ];
        let own = own.map(|(name, text, kind)| (name, (Bytes::from_static(text.as_bytes()), kind.to_owned())));
        let mut files = BTreeMap::from(own);
        let config = Arc::new(Config::default());
        for name in ["swagger-ui-bundle.js", "swagger-ui.css", "favicon-16x16.png", "favicon-32x32.png"] {
            // A file that is not in the binary is a 404.
            let Ok(Some(file)) = utoipa_swagger_ui::serve(name, Arc::clone(&config)) else { continue };
            let bytes = match file.bytes {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            };
            files.insert(name, (bytes, file.content_type));
        }
        files.insert("keys.json", (Bytes::from(keys(shown)), ContentType::json().to_string()));
        Self(files)
    }
}

/// The keys as JSON, each with the values to enter for the document's security schemes.
fn keys(shown: &[ShownKey]) -> String {
    let keys = shown.iter().map(|key| {
        let entered = match key.kind {
            KeyKind::Webhook => json!({"webhook": format!("Token {}", key.value)}),
            KeyKind::Master | KeyKind::Additional => json!({"x-api-key": key.value, "ApiKey": key.value}),
        };
        json!({"name": key.name, "value": key.value, "entered": entered})
    });
    json!({"keys": keys.collect::<Vec<_>>()}).to_string()
}

pub async fn file(name: Path<String>, files: Data<Files>) -> Result<HttpResponse, ApiError> {
    let (bytes, kind) = files.0.get(name.as_str()).ok_or(ApiError::NotFound)?;
    let body = SlicedBody::new(bytes.clone(), Share::default());
    Ok(with_security_headers(&mut HttpResponse::Ok()).content_type(kind.as_str()).body(body))
}

/// Redirects to the page, with a relative address that also works behind a path prefix.
pub async fn redirect() -> HttpResponse {
    with_security_headers(&mut HttpResponse::Found()).insert_header((LOCATION, "docs/")).finish()
}

fn with_security_headers(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
}
