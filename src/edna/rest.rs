//! What follows the beginning of a long answer, read as its client reads; knows no request and no form of items.

use std::sync::Arc;

use super::answer;
use crate::model::{CallerId, HistoryQuery};
use crate::store::messages::items;
use crate::store::{Store, StoreError};
use crate::web::answer::Rest;

/// The messages of a page whose items are still to be read. Nothing of the store is held while the client reads.
pub struct UnreadMessages {
    pub store: Store,
    pub caller: CallerId,
    pub query: Arc<HistoryQuery>,
    pub ids: Vec<i64>,
    pub has_next: bool,
}

impl Rest for UnreadMessages {
    type Error = StoreError;

    async fn next(&mut self) -> Result<Option<String>, StoreError> {
        if self.ids.is_empty() {
            return Ok(None);
        }
        let (query, ids) = (Arc::clone(&self.query), Arc::new(std::mem::take(&mut self.ids)));
        let theirs = Arc::clone(&ids);
        let work = move |connection: &mut _, _: &_| items::next(connection, &query, &theirs);
        let (items, read) = self.store.ask(self.caller, work).await?;
        self.ids = ids[read..].to_vec();
        Ok(Some(answer::more(&items)))
    }

    fn end(self) -> String {
        answer::after(self.has_next).to_owned()
    }
}
