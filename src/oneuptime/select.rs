//! Which columns are selected, and how a row is rendered with them; knows no query.

use serde_json::Value as Json;

use super::OneUptimeError;
use super::columns::{FIELDS, Field, index};
use super::value;
use crate::model::key::{Profile, Project};
use crate::model::log_query::Projection;
use crate::model::whatsapp_log::Column;
use crate::model::{WhatsAppLog, wire};

/// The selected columns: for each element of `FIELDS` nothing, or the inner columns that are selected with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select(Vec<Option<Vec<&'static str>>>);

impl Default for Select {
    fn default() -> Self {
        let mut chosen = vec![None; FIELDS.len()];
        chosen[0] = Some(Vec::new());
        Self(chosen)
    }
}

impl Select {
    /// Everything that is stored of a row, as `export` writes it.
    pub fn everything() -> Self {
        let is_stored = |field| matches!(field, Field::Column(_) | Field::DeletedAt | Field::ProjectId);
        Self(FIELDS.iter().map(|(_, field)| is_stored(*field).then(Vec::new)).collect())
    }

    /// Parses a `select`.
    pub fn parse(raw: &str) -> Result<Self, OneUptimeError> {
        let fields = value::object(raw).ok_or_else(|| OneUptimeError::bad("Select must be an object."))?;
        let mut select = Self::default();
        for (name, raw) in fields {
            let index = index(&name).ok_or_else(|| unknown(&name))?;
            let field = FIELDS[index].1;
            if field == Field::Hidden {
                return Err(OneUptimeError::Hidden("select", name));
            }
            let inner = match (serde_json::from_str(raw.get()).unwrap_or(Json::Null), field.related()) {
                (Json::Object(_), Some((model, readable))) => Some(inner(raw.get(), model, readable)?),
                (Json::Object(_) | Json::Array(_), _) => {
                    let sentence = format!("Invalid select clause. Select on \"{name}\" must be true or false.");
                    return Err(OneUptimeError::Bad(sentence));
                }
                (chosen, _) => is_true(&chosen).then(Vec::new),
            };
            // The id is always selected.
            if index > 0 {
                select.0[index] = inner;
            }
        }
        Ok(select)
    }

    /// What has to be read from the store for it.
    pub fn wanted(&self) -> Projection {
        let chosen = |index: usize| self.0[index].is_some();
        if !(1..FIELDS.len()).any(chosen) {
            return Projection::Ids;
        }
        Projection::Rows { message_text: index("messageText").is_some_and(chosen) }
    }

    /// Renders a row.
    pub fn push(&self, out: &mut String, log: &WhatsAppLog, project: &Project, profile: Profile) {
        out.push('{');
        for ((name, field), inner) in FIELDS.iter().zip(&self.0) {
            let Some(inner) = inner else { continue };
            if !out.ends_with('{') {
                out.push(',');
            }
            wire::push_text(out, name);
            out.push(':');
            push_field(out, *field, inner, log, project, profile);
        }
        out.push('}');
    }
}

/// Renders a row with nothing but its id.
pub fn push_id_alone(out: &mut String, id: uuid::Uuid) {
    out.push_str(r#"{"_id":"#);
    wire::push_text(out, &id.to_string());
    out.push('}');
}

fn unknown(name: &str) -> OneUptimeError {
    let columns = FIELDS.map(|(known, _)| known).join(", ");
    OneUptimeError::Bad(format!(
        "Invalid select clause. Cannot select on \"{name}\". This column does not exist on WhatsApp Log. \
         Here are the columns you can select on instead: {columns}"
    ))
}

/// The inner columns that the object of a relation selects.
fn inner(raw: &str, model: &str, readable: &'static [&'static str]) -> Result<Vec<&'static str>, OneUptimeError> {
    let mut chosen = Vec::new();
    for (name, raw) in value::object(raw).unwrap_or_default() {
        let wanted: Json = serde_json::from_str(raw.get()).unwrap_or(Json::Null);
        if wanted.is_object() || wanted.is_array() {
            let sentence = "You cannot query deep relations. Querying deep relations is not supported.";
            return Err(OneUptimeError::bad(sentence));
        }
        match readable.iter().find(|known| **known == name) {
            Some(known) if is_true(&wanted) => chosen.push(*known),
            Some(_) => {}
            None if name == "_id" => {}
            None => return Err(OneUptimeError::Bad(format!("Column {name} not found on {model}"))),
        }
    }
    // In the order of the reference page, whatever the order of the request.
    Ok(readable.iter().copied().filter(|known| chosen.contains(known)).collect())
}

/// Whether a value is truthy in JavaScript.
fn is_true(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(_) | Json::Object(_) => true,
    }
}

fn push_field(out: &mut String, field: Field, inner: &[&str], log: &WhatsAppLog, project: &Project, profile: Profile) {
    match field {
        Field::Column(column) => push_column(out, column, log, profile),
        Field::ProjectId => value::push_id(out, profile, &project.id),
        Field::Project => push_related(out, &project.id, inner, |name| (name == "name").then_some(&project.name)),
        Field::Related(relation) => match log.related(relation) {
            Some(id) => push_related(out, &id.to_string(), inner, |_| None),
            None => out.push_str("null"),
        },
        Field::DeletedAt | Field::Hidden => out.push_str("null"),
    }
}

/// Renders a related object: its id, and the selected columns, null if their value is not known.
fn push_related<'a>(out: &mut String, id: &str, inner: &[&str], known: impl Fn(&str) -> Option<&'a String>) {
    out.push_str(r#"{"_id":"#);
    wire::push_text(out, id);
    for name in inner {
        out.push(',');
        wire::push_text(out, name);
        out.push(':');
        match known(name) {
            Some(text) => wire::push_text(out, text),
            None => out.push_str("null"),
        }
    }
    out.push('}');
}

fn push_column(out: &mut String, column: Column, log: &WhatsAppLog, profile: Profile) {
    match column {
        Column::Id => wire::push_text(out, &log.id.to_string()),
        Column::CreatedAt => value::push_date(out, profile, log.created_at),
        Column::UpdatedAt => value::push_date(out, profile, log.updated_at),
        Column::Version | Column::Cost => out.push_str(&log.integer(column).unwrap_or_default().to_string()),
        Column::Related(relation) => match log.related(relation) {
            Some(id) => value::push_id(out, profile, &id.to_string()),
            None => out.push_str("null"),
        },
        Column::ToNumber | Column::FromNumber => match log.text(column) {
            Some(phone) => value::push_phone(out, profile, phone),
            None => out.push_str("null"),
        },
        Column::MessageText | Column::StatusMessage | Column::WhatsAppMessageId | Column::Status => {
            match log.text(column) {
                Some(text) => wire::push_text(out, text),
                None => out.push_str("null"),
            }
        }
    }
}
