//! Where a setting was given: on which line of the settings file, in which variable; knows no setting's meaning.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{ConfigError, DEFAULTS, PREFIX};

/// Settings that had another name once, and their name now.
const RENAMED: [(&str, &str); 5] = [
    ("database.expensive_questions", "database.expensive_queries"),
    ("database.readers", "database.read_connections"),
    ("ingest.waiting_messages_per_tenant", "ingest.pending_messages_per_tenant"),
    ("pull.every_seconds", "pull.poll_interval_seconds"),
    ("pull.tail_hours", "pull.overlap_hours"),
];

/// The settings file and the variables of the environment that name settings.
pub struct Sources {
    file: Option<(String, String)>,
    /// Each variable with the setting that it names.
    variables: Vec<(String, String)>,
}

impl Sources {
    /// Reads the file, and refuses one that is no TOML with the line on which it stops being that.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let file = file.map(text).transpose()?;
        let variables = std::env::vars_os().filter_map(|(name, _)| {
            let name = name.into_string().ok()?;
            let setting = name.to_lowercase().strip_prefix(&format!("{PREFIX}__").to_lowercase())?.replace("__", ".");
            Some((name, setting))
        });
        Ok(Self { file, variables: variables.collect() })
    }

    /// The defaults alone.
    pub fn none() -> Self {
        Self { file: None, variables: Vec::new() }
    }

    /// The file's text.
    pub fn file(&self) -> Option<&str> {
        self.file.as_ref().map(|(_, text)| text.as_str())
    }

    /// A setting's name, and in brackets where it was given: the variable wins over the file, as its value does.
    pub fn named(&self, setting: &str) -> String {
        if let Some((variable, _)) = self.variables.iter().find(|(_, named)| named == setting) {
            return format!("{setting} ({variable})");
        }
        let line = self.file.as_ref().and_then(|(name, text)| Some((name, line_of(text, setting)?)));
        line.map_or_else(|| setting.to_owned(), |(name, line)| format!("{setting} ({name}:{line})"))
    }

    /// A sentence for each setting that is given and that nobody knows.
    pub fn unknown(&self) -> Vec<String> {
        let Ok(known) = DeTable::parse(DEFAULTS) else { return Vec::new() };
        let known = known.get_ref();
        let mut found = Vec::new();
        if let Some(given) = self.file().and_then(|text| DeTable::parse(text).ok()) {
            unknown_in(known, given.get_ref(), "", &mut found);
        }
        for (_, setting) in &self.variables {
            let (section, name) = setting.split_once('.').unwrap_or(("", setting));
            let table = if section.is_empty() { Some(known) } else { table(known, section) };
            match table {
                Some(table) if table.contains_key(name) => {}
                Some(table) => found.push((setting.clone(), names(table))),
                None => found.push((setting.clone(), names(known))),
            }
        }
        found
            .into_iter()
            .map(|(setting, names)| match RENAMED.iter().find(|(old, _)| *old == setting) {
                Some((_, new)) => format!("{}: this setting is called {new} now", self.named(&setting)),
                None => format!("{}: there is no such setting, only {names}", self.named(&setting)),
            })
            .collect()
    }
}

fn text(path: &Path) -> Result<(String, String), ConfigError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable(format!("the file '{name}' cannot be read: {error}")))?;
    if let Err(error) = DeTable::parse(&text) {
        let line = error.span().map_or(1, |span| line_at(&text, span.start));
        // Never what stands after the name: it may be a password.
        let setting =
            text.lines().nth(line - 1).and_then(|line| line.split_once('=')).map(|(setting, _)| setting.trim());
        let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        let setting = setting.filter(is_name).map(|setting| format!("{setting}: ")).unwrap_or_default();
        let reason = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        return Err(ConfigError::Unreadable(format!("{name}:{line}: {setting}{reason}")));
    }
    Ok((name, text))
}

fn unknown_in(known: &DeTable<'_>, given: &DeTable<'_>, path: &str, found: &mut Vec<(String, String)>) {
    for (name, value) in given {
        let name = name.get_ref();
        let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        match (known.get(name.as_ref()).map(toml::Spanned::get_ref), value.get_ref()) {
            (None, _) => found.push((path, names(known))),
            (Some(DeValue::Table(known)), DeValue::Table(given)) => unknown_in(known, given, &path, found),
            _ => {}
        }
    }
}

fn table<'a, 'b>(known: &'a DeTable<'b>, section: &str) -> Option<&'a DeTable<'b>> {
    known.get(section)?.get_ref().as_table()
}

fn names(table: &DeTable<'_>) -> String {
    table.keys().map(|name| name.get_ref().as_ref()).collect::<Vec<_>>().join(", ")
}

/// The line on which a setting such as `pull.upstreams[0].url` stands, or as much of its path as there is.
fn line_of(text: &str, setting: &str) -> Option<usize> {
    let whole = DeTable::parse(text).ok()?;
    let (mut table, mut line) = (Some(whole.get_ref()), None);
    for part in setting.split('.') {
        let (name, place) = part.split_once('[').unwrap_or((part, ""));
        let Some((key, value)) = table.and_then(|table| table.get_key_value(name)) else { break };
        line = Some(line_at(text, key.span().start));
        let place = place.trim_end_matches(']').parse::<usize>().ok();
        let value = match (value.get_ref().as_array(), place) {
            (Some(list), Some(place)) => {
                let item = list.get(place)?;
                line = Some(line_at(text, item.span().start));
                item
            }
            _ => value,
        };
        table = value.get_ref().as_table();
    }
    line
}

fn line_at(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
}
