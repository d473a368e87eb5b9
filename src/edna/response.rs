//! The history's response, joined from items that are stored in rendered form; a long one is read from the store at the
//! pace of its client. Knows no request.

use std::sync::Arc;

use crate::model::{CallerId, HistoryQuery};
use crate::store::messages::items;
use crate::store::{Store, StoreError};
use crate::web::answer::RemainingParts;

/// The beginning of `{"content":[…],"hasNext":…}`: two keys and no others, because widely installed clients take a
/// top-level `status` or `code` for a failure (docs/edna.md §4).
const BEGINNING: &str = r#"{"content":["#;

/// The beginning of the body, with its first items.
pub fn begin(items: &[String]) -> String {
    let length: usize = items.iter().map(|item| item.len() + 1).sum();
    let mut body = String::with_capacity(BEGINNING.len() + length + end(true).len());
    body.push_str(BEGINNING);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push_str(item);
    }
    body
}

/// Further items, each after a comma.
fn further_items(items: &[String]) -> String {
    let mut part = String::with_capacity(items.iter().map(|item| item.len() + 1).sum());
    for item in items {
        part.push(',');
        part.push_str(item);
    }
    part
}

/// The end of the body.
pub fn end(has_next: bool) -> &'static str {
    if has_next { r#"],"hasNext":true}"# } else { r#"],"hasNext":false}"# }
}

/// The messages of a page whose items are not read yet. No connection or transaction is held while the client reads.
pub struct UnreadMessages {
    pub store: Store,
    pub caller: CallerId,
    pub query: Arc<HistoryQuery>,
    pub ids: Vec<i64>,
    pub has_next: bool,
}

impl RemainingParts for UnreadMessages {
    type Error = StoreError;

    async fn next(&mut self) -> Result<Option<String>, StoreError> {
        if self.ids.is_empty() {
            return Ok(None);
        }
        let (query, ids) = (Arc::clone(&self.query), Arc::new(std::mem::take(&mut self.ids)));
        let ids_to_read = Arc::clone(&ids);
        let work = move |connection: &mut _, _: &_| items::next(connection, &query, &ids_to_read);
        let (items, read) = self.store.query(self.caller, work).await?;
        self.ids = ids[read..].to_vec();
        Ok(Some(further_items(&items)))
    }

    fn end(self) -> String {
        end(self.has_next).to_owned()
    }
}
