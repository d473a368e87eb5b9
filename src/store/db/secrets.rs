//! Database addresses as logs and errors may show them: without passwords; knows no connection.

/// Whether user and password end at the first `@`, and two hexadecimal digits follow every `%`.
pub fn is_encoded(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let percents = rest.split('%').skip(1);
    rest.matches('@').count() == authority.matches('@').count()
        && authority.matches('@').count() <= 1
        && !rest.contains('#')
        && percents
            .into_iter()
            .all(|after| after.len() > 1 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

/// An address as logs and errors may show it: a SQLite address unchanged, a PostgreSQL address without user, password
/// and settings, and of an address that cannot be parsed only what cannot be a password.
pub fn without_secrets(url: &str) -> String {
    let plain = url.split('?').next().unwrap_or_default();
    match plain.split_once("://") {
        _ if url.starts_with("sqlite:") || !url.contains([':', '@', '=']) => url.to_owned(),
        Some((scheme @ ("postgres" | "postgresql"), rest))
            if is_encoded(url.split_once("://").map_or("", |(_, rest)| rest)) =>
        {
            let host = rest.split_once('@').map_or(rest, |(_, host)| host);
            if host == rest { plain.to_owned() } else { format!("{scheme}://…@{host}") }
        }
        _ => url
            .split_once(':')
            .filter(|(scheme, _)| !scheme.contains(['@', '=']))
            .map_or("…".into(), |(scheme, _)| format!("{scheme}:…")),
    }
}
