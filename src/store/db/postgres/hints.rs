//! The commands that copy and restore a PostgreSQL database, for those who look for ours; knows no connection.

/// The command that copies the database into a file.
pub fn dump_hint(url: &str, into: &str) -> String {
    format!(
        "the store is on a PostgreSQL server, which backs it up with: pg_dump --format=custom --file={} {}; {PASSWORD_HINT}",
        quoted(into),
        quoted(&without_passwords(url))
    )
}

/// The command that restores the database from such a file.
pub fn restore_hint(url: &str, from: &str) -> String {
    format!(
        "the store is on a PostgreSQL server, which restores it, into a database that is empty, with: pg_restore \
         --no-owner --single-transaction --dbname={} {}; {PASSWORD_HINT}",
        quoted(&without_passwords(url)),
        quoted(from)
    )
}

const PASSWORD_HINT: &str = "PGPASSWORD or ~/.pgpass tell it the password";

/// The URL as it may be shown and pasted: without its passwords.
fn without_passwords(url: &str) -> String {
    let (plain, settings) = url.split_once('?').unwrap_or((url, ""));
    let plain = match plain.rsplit_once('@') {
        Some((before, host)) => {
            let user = before.match_indices(':').nth(1).map_or(before, |(colon, _)| &before[..colon]);
            format!("{user}@{host}")
        }
        None => plain.to_owned(),
    };
    let is_shown = |setting: &&str| !matches!(setting.split('=').next(), Some("password" | "sslpassword"));
    let settings: Vec<&str> = settings.split('&').filter(is_shown).filter(|setting| !setting.is_empty()).collect();
    if settings.is_empty() { plain } else { format!("{plain}?{}", settings.join("&")) }
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
