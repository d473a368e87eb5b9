//! What follows the beginning of a long answer, read as its client reads; knows no request and no form of items.

use std::sync::Arc;

use futures_util::{Stream, stream};

use super::answer;
use crate::model::{CallerId, HistoryQuery};
use crate::store::{Store, StoreError, items};

/// The messages of a page whose items are still to be read. Nothing of the store is held while the client reads.
pub struct Rest {
    pub store: Store,
    pub caller: CallerId,
    pub query: Arc<HistoryQuery>,
    pub ids: Vec<i64>,
    pub has_next: bool,
}

impl Rest {
    /// The parts of the answer, its end the last of them.
    pub fn parts(self) -> impl Stream<Item = Result<String, StoreError>> {
        stream::unfold(Some(self), |rest| async {
            let mut rest = rest?;
            if rest.ids.is_empty() {
                return Some((Ok(answer::after(rest.has_next).to_owned()), None));
            }
            match rest.next().await {
                Ok(part) => Some((Ok(part), Some(rest))),
                Err(error) => {
                    tracing::warn!(cause = %error, "a long answer broke off, and its connection with it");
                    Some((Err(error), None))
                }
            }
        })
    }

    async fn next(&mut self) -> Result<String, StoreError> {
        let (query, ids) = (Arc::clone(&self.query), Arc::new(std::mem::take(&mut self.ids)));
        let theirs = Arc::clone(&ids);
        let work = move |connection: &mut _, _: &_| items::next(connection, &query, &theirs);
        let (items, read) = self.store.ask(self.caller, work).await?;
        self.ids = ids[read..].to_vec();
        Ok(answer::more(&items))
    }
}
