//! The page to try the API out, all of whose files are in the binary; knows no key but those that it is told to show.

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

use super::Gateway;
use crate::in_flight::Share;
use crate::model::key::KeyKind;
use crate::web::ApiError;
use crate::web::answer::Sliced;

/// A key that the page shows to everybody who opens it.
#[derive(Clone, Copy, Debug)]
pub struct ShownKey {
    pub name: &'static str,
    pub value: &'static str,
    pub kind: KeyKind,
}

/// Scripts and styles come from here alone, and nothing is inline. Swagger UI's style sheet has its icons in it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page's files by name, in memory that is never copied.
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
            // A file that is not in the binary is not found.
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

/// The keys, each with what it is entered for in the document's security schemes.
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

pub async fn file(name: Path<String>, gateway: Data<Gateway>) -> Result<HttpResponse, ApiError> {
    let (bytes, kind) = gateway.docs.0.get(name.as_str()).ok_or(ApiError::NotFound)?;
    let body = Sliced::new(bytes.clone(), Share::default());
    Ok(guarded(&mut HttpResponse::Ok()).content_type(kind.as_str()).body(body))
}

/// Leads to the page, also where the gateway stands behind a prefix.
pub async fn lead() -> HttpResponse {
    guarded(&mut HttpResponse::Found()).insert_header((LOCATION, "docs/")).finish()
}

fn guarded(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
}
