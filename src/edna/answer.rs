//! The answer's body, put together from items that are rendered already; knows no store.

/// `{"content":[…],"hasNext":…}`: two keys and no others, because widely installed clients take a `status`
/// or `code` at the top for a failure (docs/edna.md §4).
const BEFORE: &str = r#"{"content":["#;

/// The beginning of a body, with its first items.
pub fn begin(items: &[String]) -> String {
    let length: usize = items.iter().map(|item| item.len() + 1).sum();
    let mut body = String::with_capacity(BEFORE.len() + length + after(true).len());
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
pub fn more(items: &[String]) -> String {
    let mut part = String::with_capacity(items.iter().map(|item| item.len() + 1).sum());
    for item in items {
        part.push(',');
        part.push_str(item);
    }
    part
}

/// The end of a body.
pub fn after(has_next: bool) -> &'static str {
    if has_next { r#"],"hasNext":true}"# } else { r#"],"hasNext":false}"# }
}
