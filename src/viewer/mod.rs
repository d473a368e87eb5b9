//! What a user of the console sees: reads messages by the user's grants, masked unless they were revealed, and records
//! each access before it returns what was found; knows no page.

pub mod chain;
pub mod conversation;
pub mod evidence;
pub mod find;
pub mod list;
pub mod log;
pub mod message;
mod reveal;
mod sealed;
pub mod start;
pub mod users;

use std::net::IpAddr;
use std::sync::Arc;

use thiserror::Error;

pub use sealed::Sealer;

use crate::app::App;
use crate::audit::AuditError;
use crate::model::audit::{Action, AuditKey, AuditRecord, Who};
use crate::model::history::QueryError;
use crate::model::key::Secret;
use crate::model::message_query::WalkPosition;
use crate::model::user::{Role, User};
use crate::model::{CallerId, Freshness, Grants, Instant, Item, MessageFilters, MessageQuery, Sight, TenantId};
use crate::store::messages::walk::WalkPage;
use crate::store::{Budget, Connection, Reader, StoreError};

/// Why a user sees nothing.
#[derive(Debug, Error)]
pub enum ViewError {
    #[error("there is no such message, or this user may not see it")]
    NotFound,
    #[error("there is no such subject, or this user may not see it")]
    NoSuchSubject,
    #[error("the user's role does not allow it")]
    NotAllowed,
    #[error("what was sent is not valid")]
    NotValid,
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A user who looks at something, in one request.
pub struct Viewer {
    app: App,
    user: User,
    session: Secret,
    from: Option<IpAddr>,
    now: Instant,
}

impl Viewer {
    pub fn new(app: App, user: User, session: Secret, (from, now): (Option<IpAddr>, Instant)) -> Self {
        Self { app, user, session, from, now }
    }

    pub fn user(&self) -> &User {
        &self.user
    }

    pub fn now(&self) -> Instant {
        self.now
    }

    /// Hides what stands in the console's addresses from everybody without this session.
    pub fn sealer(&self) -> Sealer {
        Sealer::new(&self.session)
    }

    pub fn may_reveal(&self) -> bool {
        matches!(self.user.role, Role::Agent | Role::Admin)
    }

    fn tenant(&self) -> TenantId {
        self.user.grants.tenant
    }

    /// The grants with what was revealed.
    fn revealing(&self) -> Grants {
        Grants { sight: Sight::Whole, ..self.user.grants.clone() }
    }

    /// Users take turns like keys; no key has a negative number.
    fn reader(&self) -> Reader {
        self.app.store.reader(CallerId { tenant: self.tenant(), key: -self.user.id }, Freshness::Primary)
    }

    async fn query<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection, &Budget) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        self.app.store.query(&self.reader(), work).await
    }

    fn key(&self) -> Result<Arc<AuditKey>, AuditError> {
        self.app.audit.key()
    }

    /// A record of this user.
    fn record(&self, action: Action) -> AuditRecord {
        AuditRecord { from: self.from, ..AuditRecord::new(self.now, Who::user(&self.user), action) }
    }

    /// Writes a record. Nothing may be shown before this returns.
    async fn write(&self, record: AuditRecord) -> Result<(), ViewError> {
        Ok(self.app.audit.record(self.tenant(), record, self.now).await?)
    }

    /// A query of messages as this user sees them.
    fn messages(
        &self,
        filters: MessageFilters,
        (descending, limit): (bool, i64),
        grants: &Grants,
    ) -> Result<MessageQuery, ViewError> {
        let query = MessageQuery::new(filters, (descending, limit), grants, self.app.config.policy());
        query.map_err(|error| match error {
            QueryError::Subject(_) => ViewError::NoSuchSubject,
            _ => ViewError::NotValid,
        })
    }

    async fn walk(&self, query: Arc<MessageQuery>) -> Result<Walked, StoreError> {
        if query.filters.text.is_some() && self.app.config.search.on_demand {
            self.app.store.update_index(self.tenant(), self.now).await?;
        }
        let page = self.app.store.walk(&self.reader(), Arc::clone(&query)).await?;
        Walked::new(&query, page)
    }
}

/// Messages of a walk.
pub struct Walked {
    pub items: Vec<Item>,
    /// Where the walk goes on; `None` at its end.
    pub next: Option<WalkPosition>,
    /// Whether the page is as long as was wanted, or the last one.
    pub complete: bool,
    /// The phone numbers for which the international form was found instead of what was typed.
    pub international: Vec<String>,
}

impl Walked {
    fn new(query: &MessageQuery, page: WalkPage) -> Result<Self, StoreError> {
        let damaged = |_| StoreError::DamagedRow("a stored item cannot be read".into());
        let international = query.addresses.iter().zip(&page.national).filter(|(_, counts)| **counts);
        let international =
            international.filter_map(|(named, _)| named.national.as_ref()).map(|form| form.address.clone());
        let (international, next, complete) = (international.collect(), page.next, page.complete);
        let text = format!("[{}]", page.items.into_text()?);
        let parts: Vec<&serde_json::value::RawValue> = serde_json::from_str(&text).map_err(damaged)?;
        let item = |raw: &&serde_json::value::RawValue| {
            let text = if query.filters.text.is_some() {
                // With a search, an item stands beside the places that were found.
                let found: FoundItem = serde_json::from_str(raw.get()).map_err(damaged)?;
                found.message.get()
            } else {
                raw.get()
            };
            Item::parse_stored(text, query.tenant())
                .map_err(|_| StoreError::DamagedRow("a stored item cannot be read".into()))
        };
        Ok(Self { items: parts.iter().map(item).collect::<Result<_, _>>()?, next, complete, international })
    }
}

#[derive(serde::Deserialize)]
struct FoundItem<'a> {
    #[serde(borrow)]
    message: &'a serde_json::value::RawValue,
}
