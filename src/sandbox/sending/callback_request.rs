//! A request to set callbacks: its checks in edna's order, each with edna's code; knows no message.

use serde_json::Value;

use super::callbacks::CallbackChange;
use super::engine::is_available;
use crate::model::TenantId;
use crate::sandbox::instance::Instance;
use crate::store::{LookupFor, StoreError, subjects};

/// The longest URL, in characters.
const MAX_URL: usize = 500;

/// What a request to set callbacks is checked against.
pub struct Checks<'a> {
    pub instance: &'a Instance,
    pub tenant: TenantId,
}

impl Checks<'_> {
    /// Sets what a request asks for; returns `ok`, or the code of what is wrong with it.
    pub async fn apply(&self, body: &Value) -> Result<&'static str, StoreError> {
        Ok(match self.run(body).await? {
            Ok(change) => {
                self.instance.sending.change_callbacks(&change);
                "ok"
            }
            Err(code) => code,
        })
    }

    /// The change that a request asks for, or the code of what is wrong with it.
    async fn run(&self, body: &Value) -> Result<Result<CallbackChange, &'static str>, StoreError> {
        let url = |name: &str| body[name].as_str().map(str::trim).filter(|url| !url.is_empty()).map(str::to_owned);
        let (status, incoming) = (url("statusCallbackUrl"), url("inMessageCallbackUrl"));
        let urls: Vec<String> =
            [status.clone(), incoming.clone(), url("messageMatcherCallbackUrl")].into_iter().flatten().collect();
        if urls.is_empty() {
            return Ok(Err("url-not-specified"));
        }
        if urls.iter().any(|url| url.chars().count() > MAX_URL) {
            return Ok(Err("error-callback-url-max-length"));
        }
        if self.instance.is_strict() && urls.iter().any(|url| !url.starts_with("https://")) {
            return Ok(Err("error-callback-url-not-https"));
        }
        let subject = match &body["subjectId"] {
            Value::Null => None,
            Value::String(digits) => Some(digits.parse().ok()),
            number => Some(number.as_i64()),
        };
        let subject = match subject {
            None => None,
            Some(Some(id)) if self.has_subject(id).await? => Some(id),
            Some(_) => return Ok(Err("error-subject-unknown")),
        };
        for url in &urls {
            if !is_available(url, self.instance.sending.destinations()).await {
                return Ok(Err("error-callback-url-not-available"));
            }
        }
        Ok(Ok(CallbackChange { status, incoming, subject }))
    }

    async fn has_subject(&self, id: i64) -> Result<bool, StoreError> {
        let tenant = self.tenant;
        let store = &self.instance.app().store;
        store.quick_read(LookupFor::Gateway, move |connection| subjects::exists(connection, tenant, id)).await
    }
}
