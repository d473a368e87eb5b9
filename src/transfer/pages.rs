//! Reads what is no message from the source, a page at a time; knows no SQL.

use super::Transfer;
use crate::model::{Instant, TenantId, WhatsAppLog};
use crate::store::messages::pending::{self, StoredPending};
use crate::store::{Connection, StoreError, whatsapp_logs};

/// How many rows are read and written at a time.
const PAGE: i64 = 500;

impl Transfer<'_> {
    /// Passes the pending messages to `take`.
    pub(super) async fn each_page_of_pending(
        &self,
        take: impl AsyncFnMut(Vec<StoredPending>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let read =
            |connection: &mut Connection, tenant, after: &_| pending::page_after(connection, tenant, after, PAGE);
        let beginning = (i64::MIN, i64::MIN, String::new());
        self.each_page(beginning, read, |stored: &StoredPending| stored.key.clone(), take).await
    }

    /// Passes the events of other kinds to `take`, each with its digest and when it was received.
    pub(super) async fn each_page_of_other_events(
        &self,
        take: impl AsyncFnMut(Vec<(String, Option<Instant>, String)>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let read = |connection: &mut Connection, tenant, after: &String| {
            pending::events_after(connection, tenant, after, PAGE)
        };
        self.each_page(String::new(), read, |(digest, ..): &(String, _, _)| digest.clone(), take).await
    }

    /// Passes the imported rows of the WhatsApp log to `take`.
    pub(super) async fn each_page_of_imported_logs(
        &self,
        take: impl AsyncFnMut(Vec<WhatsAppLog>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let read = |connection: &mut Connection, tenant, after: &_| {
            whatsapp_logs::imported_after(connection, tenant, *after, PAGE)
        };
        self.each_page(None, read, |log: &WhatsAppLog| Some(log.id), take).await
    }

    async fn each_page<K: Clone + Send + 'static, T: Send + 'static>(
        &self,
        beginning: K,
        read: impl Fn(&mut Connection, TenantId, &K) -> Result<Vec<T>, StoreError> + Copy + Send + 'static,
        key: impl Fn(&T) -> K,
        mut take: impl AsyncFnMut(Vec<T>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (tenant, mut after) = (self.tenant, beginning);
        loop {
            let from = after.clone();
            let page = self.from.read_primary(move |connection| read(connection, tenant, &from)).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = key(last);
            take(page).await?;
        }
    }
}
