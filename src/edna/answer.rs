//! The answer's body, put together from items that are rendered already.

use crate::store::history::Page;

/// `{"content":[…],"hasNext":…}`: two keys and no others, because widely installed clients take a `status`
/// or `code` at the top for a failure (docs/edna.md §4).
pub fn body(page: &Page) -> String {
    let length: usize = page.items.iter().map(|item| item.len() + 1).sum();
    let mut body = String::with_capacity(length + 40);
    body.push_str(r#"{"content":["#);
    for (place, item) in page.items.iter().enumerate() {
        if place > 0 {
            body.push(',');
        }
        body.push_str(item);
    }
    body.push_str(r#"],"hasNext":"#);
    body.push_str(if page.has_next { "true}" } else { "false}" });
    body
}
