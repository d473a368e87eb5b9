//! Addresses of the console: with a query string, and which of them a browser is led to; knows no page.

/// The longest address that a browser is led back to. It holds what was looked for, sealed.
const MAX_LENGTH: usize = 4096;

/// A path with a query string, if there is anything to say in it.
pub fn with_query<T: serde::Serialize>(path: &str, pairs: &[T]) -> String {
    match serde_urlencoded::to_string(pairs) {
        Ok(query) if !query.is_empty() => format!("{path}?{query}"),
        _ => path.to_owned(),
    }
}

/// An address of the console to lead a browser to; the start page for any other.
pub fn own_address(address: &str) -> &str {
    let is_own = address.starts_with("/console/") && address.len() <= MAX_LENGTH;
    let path = address.split(['?', '#']).next().unwrap_or_default();
    // Browsers read an encoded dot as one.
    let decoded = path.to_ascii_lowercase().replace("%2e", ".");
    let is_own = is_own && !decoded.split('/').any(|part| part == "..");
    let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own && is_plain { address } else { "/console/" }
}

#[cfg(test)]
mod tests {
    use super::{own_address, with_query};

    #[test]
    fn only_a_query_has_a_question_mark() {
        assert_eq!(
            with_query("/console/messages", &[("to", "1 2"), ("from", "&")]),
            "/console/messages?to=1+2&from=%26"
        );
        assert_eq!(with_query::<(&str, &str)>("/console/messages", &[]), "/console/messages");
    }

    #[test]
    fn only_addresses_of_the_console_are_returned_to() {
        assert_eq!(own_address("/console/messages/1?tab=raw"), "/console/messages/1?tab=raw");
        let long = format!("/console/messages?text={}", "x".repeat(3000));
        assert_eq!(own_address(&long), long);
        for other in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/console/",
            "/console/\r\nx: y",
            "/console/\\x",
            "/console/../docs",
            "/console/%2e%2E/docs",
            "/console/..//evil.example",
        ] {
            assert_eq!(own_address(other), "/console/", "{other}");
        }
    }
}
