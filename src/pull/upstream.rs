//! Requests a page of another endpoint's history, and parses it; knows no store and no progress.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::json;
use thiserror::Error;

use crate::model::upstream::{UpstreamKey, UpstreamUrl};
use crate::model::{ErrorTitle, Instant, Item, Property, TenantId, wire};
use crate::outbound::{Client, RequestError, Response, RetryAfter};

/// The longest page that is read: far more than 1000 messages take, and a bound for an endless response.
const MAX_PAGE_BYTES: u64 = 256 * 1024 * 1024;
/// The longest error response that is read.
const MAX_ERROR_BYTES: u64 = 64 * 1024;

/// How long one request may take, from its first byte to the last byte of the response.
pub const TIMEOUT: Duration = Duration::from_mins(2);

/// Another endpoint, with one tenant's key.
#[derive(Clone)]
pub struct Upstream {
    client: Client,
    url: UpstreamUrl,
    key: UpstreamKey,
    tenant: TenantId,
}

/// A request for messages of a time range, both ends inclusive, by ascending id.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    pub from: Instant,
    pub to: Instant,
    pub offset: u64,
    pub limit: usize,
}

/// A page as received. Whether it matches its request is checked later.
pub struct UpstreamPage {
    pub entries: Vec<Entry>,
    pub has_next: bool,
}

/// One message of a page.
pub struct Entry {
    /// The message's id, which may be readable even if the message is rejected.
    pub id: Option<i64>,
    /// The message, or why it is rejected.
    pub item: Result<Item, String>,
    /// A hash of the message's text, which identifies a rejected message.
    pub fingerprint: u64,
}

/// Why there is no page. No sentence repeats anything that the upstream sent.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UpstreamError {
    /// A retry may succeed.
    #[error("{reason}")]
    Transient { reason: String, retry_after: RetryAfter },
    /// A retry does not help: something has to be corrected first.
    #[error("{0}")]
    Permanent(String),
}

impl Upstream {
    /// `timeout` covers one page.
    pub fn new(url: UpstreamUrl, key: UpstreamKey, tenant: TenantId, timeout: Duration) -> Self {
        Self { client: Client::new(timeout), url, key, tenant }
    }

    pub fn url(&self) -> &UpstreamUrl {
        &self.url
    }

    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Requests a page once.
    pub async fn page(&self, request: PageRequest) -> Result<UpstreamPage, UpstreamError> {
        let body = json!({
            "dateFrom": request.from.iso(),
            "dateTo": request.to.iso(),
            "offset": request.offset,
            "limit": request.limit,
            "sort": [{"property": Property::MessageId.name(), "direction": "ASC"}],
        });
        let url = format!("{}/api/messages/history", self.url.as_str());
        let key = ("x-api-key", self.key.reveal().to_owned());
        let tenant = self.tenant;
        self.client.post_json(url, key, body.to_string(), move |response| read_page(response, tenant)).await?
    }
}

fn read_page(mut response: Response, tenant: TenantId) -> Result<UpstreamPage, UpstreamError> {
    if response.status() != 200 {
        return Err(error_for_status(&mut response));
    }
    let body = String::from_utf8(response.body(MAX_PAGE_BYTES)?).map_err(|_| unreadable())?;
    page(&body, tenant).ok_or_else(unreadable)
}

impl From<RequestError> for UpstreamError {
    fn from(request_error: RequestError) -> Self {
        match request_error {
            RequestError::Transient(reason) => transient(reason),
            RequestError::Permanent(reason) => Self::Permanent(reason),
            RequestError::TooLong => {
                Self::Permanent("its answer is longer than 256 MiB, which no page of 1000 messages should be".into())
            }
        }
    }
}

fn transient(reason: impl Into<String>) -> UpstreamError {
    UpstreamError::Transient { reason: reason.into(), retry_after: RetryAfter::Absent }
}

fn unreadable() -> UpstreamError {
    transient("it answered with something that is no page of a message history")
}

/// Parses `{"content":[…],"hasNext":…}`.
fn page(body: &str, tenant: TenantId) -> Option<UpstreamPage> {
    let fields = wire::object(body).ok()?;
    let content = wire::array(fields.given("content")?)?;
    let has_next = match fields.given("hasNext")? {
        "true" => true,
        "false" => false,
        _ => return None,
    };
    Some(UpstreamPage { entries: content.iter().map(|raw| entry(raw.get(), tenant)).collect(), has_next })
}

fn entry(text: &str, tenant: TenantId) -> Entry {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let fingerprint = hasher.finish();
    let fields = match wire::object(text) {
        Ok(fields) => fields,
        Err(error) => return Entry { id: None, item: Err(error.to_string()), fingerprint },
    };
    match Item::from_fields(&fields, text.len(), tenant) {
        Ok(item) => Entry { id: Some(item.message_id()), item: Ok(item), fingerprint },
        Err(error) => Entry { id: Item::id_in(&fields), item: Err(error.to_string()), fingerprint },
    }
}

/// The error for a response whose status is not 200.
fn error_for_status(response: &mut Response) -> UpstreamError {
    let status = response.status();
    let reason = match status {
        401 => "it does not know the key (401): give the key file a key that is valid there",
        403 => "it does not let the key read the message history (403): give the key that right, or use another key",
        404 | 405 => {
            "it has no message history at this address (404 or 405): give the address before /api/messages/history"
        }
        300..=399 => {
            "it sends to another address, and the key is not sent there: give the address that it sends to, if it is right"
        }
        408 | 425 | 429 | 500..=599 => {
            let reason = format!("it answered with status {status}");
            return UpstreamError::Transient { reason, retry_after: response.retry_after() };
        }
        400..=499 => {
            let body = response.body(MAX_ERROR_BYTES).unwrap_or_default();
            let title = title(&body).map(|title| format!(", {title}")).unwrap_or_default();
            return UpstreamError::Permanent(format!(
                "it refuses the request (status {status}{title}): check that it is edna's message history, or a gateway's"
            ));
        }
        _ => return transient(format!("it answered with status {status}")),
    };
    UpstreamError::Permanent(reason.into())
}

/// The title of an error, if it is one of edna's: any other text could be private.
fn title(body: &[u8]) -> Option<&'static str> {
    let error: serde_json::Value = serde_json::from_slice(body).ok()?;
    ErrorTitle::ALL.into_iter().map(ErrorTitle::as_str).find(|title| error["title"] == *title)
}
