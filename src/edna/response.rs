//! The history's response, joined from items that are stored in rendered form; a long one is read from the store at the
//! pace of its client. Knows no request.

use std::sync::Arc;

use crate::model::HistoryQuery;
use crate::store::messages::items;
use crate::store::{Reader, Store, StoreError};
use crate::web::answer::RemainingParts;

/// The beginning of `{"content":[…],"hasNext":…}`: two keys and no others, because widely installed clients take a
/// top-level `status` or `code` for a failure (docs/edna.md §4).
const BEGINNING: &str = r#"{"content":["#;

const HAS_NEXT: &str = r#"],"hasNext":true}"#;
const IS_LAST: &str = r#"],"hasNext":false}"#;

/// The parts of a body whose items have all been read.
pub fn whole(items: Vec<u8>, has_next: bool) -> (&'static str, Vec<u8>, &'static str) {
    (BEGINNING, items, end(has_next))
}

/// The beginning of a body, with its first items.
pub fn beginning(items: &[u8]) -> Vec<u8> {
    [BEGINNING.as_bytes(), items].concat()
}

/// The end of the body.
fn end(has_next: bool) -> &'static str {
    if has_next { HAS_NEXT } else { IS_LAST }
}

/// The messages of a page whose items are not read yet. No connection or transaction is held while the client reads.
pub struct UnreadMessages {
    pub store: Store,
    pub reader: Reader,
    pub query: Arc<HistoryQuery>,
    pub ids: Vec<i64>,
    pub has_next: bool,
}

impl RemainingParts for UnreadMessages {
    type Error = StoreError;

    async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.ids.is_empty() {
            return Ok(None);
        }
        let (query, ids) = (Arc::clone(&self.query), Arc::new(std::mem::take(&mut self.ids)));
        let ids_to_read = Arc::clone(&ids);
        let work = move |connection: &mut _, _: &_| items::next(connection, &query, &ids_to_read);
        let (items, read) = self.store.query(&self.reader, work).await?;
        self.ids = ids[read..].to_vec();
        // Each further item follows a comma; a part may have none.
        Ok(Some(if items.is_empty() { Vec::new() } else { [&b","[..], &items.into_bytes()?].concat() }))
    }

    fn end(self) -> String {
        end(self.has_next).to_owned()
    }
}
