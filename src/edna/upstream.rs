//! Asks another endpoint for a page of its history, and reads the page; knows no store and no progress.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::time::Duration;

use chrono::DateTime;
use serde_json::json;
use thiserror::Error;
use ureq::http::{Response, header};
use ureq::{Agent, Body};

use super::EdnaError;
use crate::model::item::LONGEST_ITEM;
use crate::model::upstream::{UpstreamKey, UpstreamUrl};
use crate::model::wire;
use crate::model::{Instant, Item, Property, TenantId};

/// The longest answer that is read: no page of 1000 messages comes near it, and what never ends does.
const LONGEST_ANSWER: u64 = 256 * 1024 * 1024;
/// The longest error that is read.
const LONGEST_ERROR: u64 = 64 * 1024;

/// How long one answer may take, from the first byte of the question to its own last.
pub const PATIENCE: Duration = Duration::from_mins(2);
/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Another endpoint, seen with one tenant's key.
#[derive(Clone)]
pub struct Upstream {
    agent: Agent,
    url: UpstreamUrl,
    key: UpstreamKey,
    tenant: TenantId,
}

/// What is asked: messages of a window by ascending id, both ends included.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    pub from: Instant,
    pub to: Instant,
    pub offset: u64,
    pub limit: usize,
}

/// A page as it came. Whether it fits what was asked is not looked at yet.
pub struct Page {
    pub entries: Vec<Entry>,
    pub has_next: bool,
}

/// One message of a page.
pub struct Entry {
    /// Its id, which may be there where the rest cannot be read.
    pub id: Option<i64>,
    /// The message, or why it is rejected.
    pub item: Result<Item, String>,
    /// What tells a rejected one from others.
    pub fingerprint: u64,
}

/// Why there is no page. No sentence repeats anything that the upstream said.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Trouble {
    /// It may go away by itself.
    #[error("{reason}")]
    Passing { reason: String, again: Again },
    /// Somebody has to mend something.
    #[error("{0}")]
    Final(String),
}

/// When the upstream wants to be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    NotSaid,
    After(Duration),
    At(Instant),
}

impl Upstream {
    /// `patience` is how long one answer may take.
    pub fn new(url: UpstreamUrl, key: UpstreamKey, tenant: TenantId, patience: Duration) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // Whoever answers from elsewhere would be sent the key.
            .max_redirects(0)
            .user_agent(concat!("history-gateway/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(patience))
            .timeout_connect(Some(CONNECT_WITHIN.min(patience)))
            .build();
        Self { agent: agent.into(), url, key, tenant }
    }

    pub fn url(&self) -> &UpstreamUrl {
        &self.url
    }

    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Asks once.
    pub async fn page(&self, question: Question) -> Result<Page, Trouble> {
        let upstream = self.clone();
        let asked = tokio::task::spawn_blocking(move || upstream.ask(question)).await;
        asked.unwrap_or_else(|_| Err(passing("the question was cut short")))
    }

    fn ask(&self, question: Question) -> Result<Page, Trouble> {
        let body = json!({
            "dateFrom": question.from.iso(),
            "dateTo": question.to.iso(),
            "offset": question.offset,
            "limit": question.limit,
            "sort": [{"property": Property::MessageId.name(), "direction": "ASC"}],
        });
        let response = self
            .agent
            .post(format!("{}/api/messages/history", self.url.as_str()))
            .header("x-api-key", self.key.reveal())
            .content_type("application/json")
            .send(body.to_string());
        let mut response = response.map_err(|error| trouble(&error))?;
        if response.status().as_u16() != 200 {
            return Err(refusal(&mut response));
        }
        let body = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
        let body = String::from_utf8(body.map_err(|error| trouble(&error))?).map_err(|_| unreadable())?;
        page(&body, self.tenant).ok_or_else(unreadable)
    }
}

fn passing(reason: impl Into<String>) -> Trouble {
    Trouble::Passing { reason: reason.into(), again: Again::NotSaid }
}

fn unreadable() -> Trouble {
    passing("it answered with something that is no page of a message history")
}

/// Reads `{"content":[…],"hasNext":…}`.
fn page(body: &str, tenant: TenantId) -> Option<Page> {
    let fields = wire::object(body).ok()?;
    let content = wire::array(fields.given("content")?)?;
    let has_next = match fields.given("hasNext")? {
        "true" => true,
        "false" => false,
        _ => return None,
    };
    Some(Page { entries: content.iter().map(|raw| entry(raw.get(), tenant)).collect(), has_next })
}

fn entry(text: &str, tenant: TenantId) -> Entry {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let fingerprint = hasher.finish();
    if text.len() > LONGEST_ITEM {
        return Entry { id: id(text), item: Err("it is longer than 1 MiB".into()), fingerprint };
    }
    match Item::parse(text, tenant) {
        Ok(item) => Entry { id: Some(item.message_id()), item: Ok(item), fingerprint },
        Err(error) => Entry { id: id(text), item: Err(error.to_string()), fingerprint },
    }
}

/// The id of what is no message otherwise.
fn id(text: &str) -> Option<i64> {
    let fields = wire::object(text).ok()?;
    wire::integer(fields.given(Property::MessageId.name())?).ok()
}

/// Why an upstream gave no page, from its status.
fn refusal(response: &mut Response<Body>) -> Trouble {
    let status = response.status().as_u16();
    let said = match status {
        401 => "it does not know the key (401): give the key file a key that is valid there",
        403 => "it does not let the key read the message history (403): give the key the right to, or take another",
        404 | 405 => {
            "it has no message history at this address (404 or 405): give the address before /api/messages/history"
        }
        300..=399 => {
            "it sends to another address, and the key is not sent there: give the address that it sends to, if it is right"
        }
        408 | 425 | 429 | 500..=599 => {
            return Trouble::Passing { reason: format!("it answered with status {status}"), again: again(response) };
        }
        400..=499 => {
            let code = code(response).map(|code| format!(", {code}")).unwrap_or_default();
            return Trouble::Final(format!(
                "it refuses the question (status {status}{code}): check that it is edna's message history, or a gateway's"
            ));
        }
        _ => return passing(format!("it answered with status {status}")),
    };
    Trouble::Final(said.into())
}

/// The code of an error, where it is one of edna's: anything else could be private.
fn code(response: &mut Response<Body>) -> Option<&'static str> {
    let body = response.body_mut().with_config().limit(LONGEST_ERROR).read_to_vec().ok()?;
    let error: serde_json::Value = serde_json::from_slice(&body).ok()?;
    EdnaError::TITLES.into_iter().find(|title| error["title"] == *title)
}

/// What `Retry-After` says: seconds, or a date.
fn again(response: &Response<Body>) -> Again {
    let text = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Ok(seconds) = text.trim().parse() {
        return Again::After(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text.trim());
    date.map_or(Again::NotSaid, |date| Again::At(Instant(date.timestamp_millis())))
}

/// Why nothing whole came back.
fn trouble(error: &ureq::Error) -> Trouble {
    match error {
        ureq::Error::Timeout(_) => passing("it did not answer in time"),
        ureq::Error::HostNotFound => passing("its host is not found"),
        ureq::Error::BodyExceedsLimit(_) => {
            Trouble::Final("its answer is longer than 256 MiB, which no page of 1000 messages should be".into())
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => Trouble::Final("its address cannot be used".into()),
        ureq::Error::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => passing("it refuses connections"),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => passing("it did not answer in time"),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                passing("the connection broke off")
            }
            // A secure connection's errors come so, too; they name certificates and no one's messages.
            _ => passing(format!("the connection failed: {error}")),
        },
        ureq::Error::Rustls(error) => passing(format!("no secure connection was made: {error}")),
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => {
            passing("the proxy that the environment names did not let the question through")
        }
        _ => passing("it did not answer in HTTP, or not to the end"),
    }
}
