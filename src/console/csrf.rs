//! Whether a form was sent by the console's own page: by the origin that the browser reports, and by a token; knows no
//! page.

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, ORIGIN};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::model::hexadecimal;
use crate::model::key::Secret;

/// Whether a page of this server sent the request. A browser says so in `Sec-Fetch-Site`, or names the page's origin.
pub fn is_same_origin(http: &HttpRequest) -> bool {
    let header = |name: &str| http.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = header("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = header(ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, host)| header(HOST.as_str()) == Some(host))
}

/// What the forms of a session contain, so that no page without access to its cookie can send one.
pub fn form_token(session: &Secret) -> String {
    let digest = Sha256::new_with_prefix("form of ").chain_update(session.reveal()).finalize();
    hexadecimal(&digest[..16])
}

/// Whether a form has the token of its session.
pub fn has_token(session: &Secret, sent: &str) -> bool {
    form_token(session).as_bytes().ct_eq(sent.as_bytes()).into()
}
