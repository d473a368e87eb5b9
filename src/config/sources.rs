//! Where a setting was given: the line of the settings file or the environment variable; knows no meaning of a setting.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::ConfigError;

/// The defaults, which document every setting.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");
/// How the names of environment variables begin.
pub const PREFIX: &str = "HISTORY_GATEWAY";

/// The old names of renamed settings, each with the current name.
const RENAMED: [(&str, &str); 5] = [
    ("database.expensive_questions", "database.expensive_queries"),
    ("database.readers", "database.read_connections"),
    ("ingest.waiting_messages_per_tenant", "ingest.pending_messages_per_tenant"),
    ("pull.every_seconds", "pull.poll_interval_seconds"),
    ("pull.tail_hours", "pull.overlap_hours"),
];

/// The settings file and the environment variables that name settings.
pub struct Sources {
    file: Option<(String, String)>,
    /// Each variable and the setting that it names.
    variables: Vec<(String, String)>,
}

impl Sources {
    /// Reads the file. A file that is not valid TOML is rejected with the line of the error.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let file = file.map(read_file).transpose()?;
        let variables = std::env::vars_os().filter_map(|(name, _)| {
            let name = name.into_string().ok()?;
            let setting = name.to_lowercase().strip_prefix(&format!("{PREFIX}__").to_lowercase())?.replace("__", ".");
            Some((name, setting))
        });
        Ok(Self { file, variables: variables.collect() })
    }

    /// No file and no variables, so that only the defaults apply.
    pub fn none() -> Self {
        Self { file: None, variables: Vec::new() }
    }

    /// The text of the settings file.
    pub fn file(&self) -> Option<&str> {
        self.file.as_ref().map(|(_, text)| text.as_str())
    }

    /// The name of a setting, and in parentheses where it was given. A variable takes precedence over the file, as its
    /// value does.
    pub fn named(&self, setting: &str) -> String {
        if let Some((variable, _)) = self.variables.iter().find(|(_, named)| named == setting) {
            return format!("{setting} ({variable})");
        }
        let line = self.file.as_ref().and_then(|(name, text)| Some((name, line_of(text, setting)?)));
        line.map_or_else(|| setting.to_owned(), |(name, line)| format!("{setting} ({name}:{line})"))
    }

    /// A sentence for each given setting that does not exist.
    pub fn unknown(&self) -> Vec<String> {
        let Ok(known) = DeTable::parse(DEFAULTS) else { return Vec::new() };
        let known = known.get_ref();
        let mut found = Vec::new();
        if let Some(given) = self.file().and_then(|text| DeTable::parse(text).ok()) {
            find_unknown(known, given.get_ref(), "", &mut found);
        }
        for (_, setting) in &self.variables {
            let (section, name) = setting.split_once('.').unwrap_or(("", setting));
            let table = if section.is_empty() { Some(known) } else { section_table(known, section) };
            match table {
                Some(table) if table.contains_key(name) => {}
                Some(table) => found.push((setting.clone(), setting_names(table))),
                None => found.push((setting.clone(), setting_names(known))),
            }
        }
        found
            .into_iter()
            .map(|(setting, names)| match RENAMED.iter().find(|(old, _)| *old == setting) {
                Some((_, new)) => format!("{}: this setting is now called {new}", self.named(&setting)),
                None => format!("{}: unknown setting, expected one of {names}", self.named(&setting)),
            })
            .collect()
    }
}

fn read_file(path: &Path) -> Result<(String, String), ConfigError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable(format!("'{name}': {error}")))?;
    if let Err(error) = DeTable::parse(&text) {
        let line = error.span().map_or(1, |span| line_at(&text, span.start));
        // Only the name: the value may be a password.
        let setting =
            text.lines().nth(line - 1).and_then(|line| line.split_once('=')).map(|(setting, _)| setting.trim());
        let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        let setting = setting.filter(is_name).map(|setting| format!("{setting}: ")).unwrap_or_default();
        let reason = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        return Err(ConfigError::Unreadable(format!("{name}:{line}: {setting}{reason}")));
    }
    Ok((name, text))
}

fn find_unknown(known: &DeTable<'_>, given: &DeTable<'_>, path: &str, found: &mut Vec<(String, String)>) {
    for (name, value) in given {
        let name = name.get_ref();
        let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        match (known.get(name.as_ref()).map(toml::Spanned::get_ref), value.get_ref()) {
            (None, _) => found.push((path, setting_names(known))),
            (Some(DeValue::Table(known)), DeValue::Table(given)) => find_unknown(known, given, &path, found),
            _ => {}
        }
    }
}

fn section_table<'a, 'b>(known: &'a DeTable<'b>, section: &str) -> Option<&'a DeTable<'b>> {
    known.get(section)?.get_ref().as_table()
}

fn setting_names(table: &DeTable<'_>) -> String {
    table.keys().map(|name| name.get_ref().as_ref()).collect::<Vec<_>>().join(", ")
}

/// The line of a setting such as `pull.upstreams[0].url`, or of the longest part of its path that is present.
fn line_of(text: &str, setting: &str) -> Option<usize> {
    let whole = DeTable::parse(text).ok()?;
    let (mut table, mut line) = (Some(whole.get_ref()), None);
    for part in setting.split('.') {
        let (name, index) = part.split_once('[').unwrap_or((part, ""));
        let Some((key, value)) = table.and_then(|table| table.get_key_value(name)) else { break };
        line = Some(line_at(text, key.span().start));
        let index = index.trim_end_matches(']').parse::<usize>().ok();
        let value = match (value.get_ref().as_array(), index) {
            (Some(list), Some(index)) => {
                let item = list.get(index)?;
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
