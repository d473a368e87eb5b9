//! The history's answer, joined from items that are rendered already; a long one is read as its client reads. Knows no
//! request.

use std::sync::Arc;

use crate::model::{CallerId, HistoryQuery};
use crate::store::messages::items;
use crate::store::{Store, StoreError};
use crate::web::answer::Rest;

/// `{"content":[…],"hasNext":…}`: two keys and no others, because widely installed clients take a `status`
/// or `code` at the top for a failure (docs/edna.md §4).
const BEFORE: &str = r#"{"content":["#;

/// The beginning of a body, with its first items.
pub fn begin(items: &[String]) -> String {
    let length: usize = items.iter().map(|item| item.len() + 1).sum();
    let mut body = String::with_capacity(BEFORE.len() + length + end(true).len());
    body.push_str(BEFORE);
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            body.push(',');
        }
        body.push_str(item);
    }
    body
}

/// Items that follow others.
fn more(items: &[String]) -> String {
    let mut part = String::with_capacity(items.iter().map(|item| item.len() + 1).sum());
    for item in items {
        part.push(',');
        part.push_str(item);
    }
    part
}

/// The end of a body.
pub fn end(has_next: bool) -> &'static str {
    if has_next { r#"],"hasNext":true}"# } else { r#"],"hasNext":false}"# }
}

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
        let (items, read) = self.store.query(self.caller, work).await?;
        self.ids = ids[read..].to_vec();
        Ok(Some(more(&items)))
    }

    fn end(self) -> String {
        end(self.has_next).to_owned()
    }
}
