//! A row in OneUptime's format, as `import` reads and `export` writes it; knows no response.

use std::collections::HashSet;

use thiserror::Error;
use uuid::Uuid;

use super::columns::{FIELDS, Field};
use super::select::Select;
use super::value;
use crate::model::key::{Profile, Project};
use crate::model::whatsapp_log::{Column, Relation};
use crate::model::{Instant, WhatsAppLog, wire};

/// The longest values that can be indexed, in bytes. A number may be one of edna's addresses with a plus sign.
const MAX_NUMBER_BYTES: (usize, &str) = (1025, "at most 1025 bytes long");
const MAX_STATUS_BYTES: (usize, &str) = (256, "at most 256 bytes long");
/// OneUptime's own limit, in characters (docs/oneuptime.md 2.2).
const MAX_WHATSAPP_MESSAGE_ID_CHARS: (usize, &str) = (100, "at most 100 characters long");

/// Why a row is rejected. Names the field, never its value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RowError {
    #[error(transparent)]
    NotAnObject(#[from] wire::NotAnObject),
    #[error("the field '{0}' is missing")]
    Missing(&'static str),
    #[error("the field '{0}' occurs twice")]
    Twice(&'static str),
    #[error("the field '{0}' must be {1}")]
    Wrong(&'static str, &'static str),
    #[error("the field '{0}' and what it leads to name two different ids")]
    TwoIds(&'static str),
    #[error("the field 'projectId' names another project")]
    OtherProject,
    #[error("the field 'deletedAt' says that it was deleted")]
    Deleted,
}

/// A row, and the number of its fields that OneUptime does not document.
pub struct Parsed {
    pub log: WhatsAppLog,
    pub unknown_fields: usize,
}

/// Parses a row of a project, with plain values or with values that carry their types.
pub fn parse(text: &str, project_id: &str) -> Result<Parsed, RowError> {
    let fields = wire::object(text)?;
    let mut reader = RowReader { seen: HashSet::new(), project_id, row: Row::default(), unknown_fields: 0 };
    for (name, raw) in fields.0 {
        reader.field(&name, raw.get())?;
    }
    Ok(Parsed { log: reader.row.finish()?, unknown_fields: reader.unknown_fields })
}

/// Renders a row in the live form, with everything that is stored of it.
pub fn render(log: &WhatsAppLog, project_id: &str) -> String {
    let project = Project { id: project_id.to_owned(), name: String::new() };
    let mut line = String::with_capacity(1024);
    Select::everything().push(&mut line, log, &project, Profile::Live);
    line
}

/// The fields of a row that have been read so far.
#[derive(Default)]
struct Row {
    id: Option<Uuid>,
    created_at: Option<Instant>,
    updated_at: Option<Instant>,
    version: Option<i64>,
    to_number: Option<String>,
    from_number: Option<String>,
    message_text: Option<String>,
    status_message: Option<String>,
    whatsapp_message_id: Option<String>,
    status: Option<String>,
    cost: Option<i64>,
    related: [Option<Uuid>; Relation::COUNT],
}

impl Row {
    fn finish(self) -> Result<WhatsAppLog, RowError> {
        let created_at = self.created_at.ok_or(RowError::Missing("createdAt"))?;
        Ok(WhatsAppLog {
            id: self.id.ok_or(RowError::Missing("_id"))?,
            created_at,
            updated_at: self.updated_at.unwrap_or(created_at),
            version: self.version.unwrap_or(1),
            to_number: self.to_number.ok_or(RowError::Missing("toNumber"))?,
            from_number: self.from_number,
            message_text: self.message_text,
            status_message: self.status_message,
            whatsapp_message_id: self.whatsapp_message_id,
            status: self.status.ok_or(RowError::Missing("status"))?,
            cost_in_usd_cents: self.cost.unwrap_or(0),
            related: self.related,
        })
    }
}

/// Reads the fields of a row.
struct RowReader<'a> {
    seen: HashSet<&'static str>,
    project_id: &'a str,
    row: Row,
    unknown_fields: usize,
}

impl RowReader<'_> {
    fn field(&mut self, name: &str, raw: &str) -> Result<(), RowError> {
        let Some((name, known)) = FIELDS.iter().find(|(known, _)| *known == name) else {
            self.unknown_fields += usize::from(raw != "null");
            return Ok(());
        };
        if !self.seen.insert(name) {
            return Err(RowError::Twice(name));
        }
        match known {
            _ if raw == "null" => Ok(()),
            Field::Column(column) => self.column(name, *column, raw),
            Field::ProjectId => self.project(name, raw),
            Field::Project => self.project(name, inner_id(name, raw)?),
            Field::Related(relation) => self.related(name, *relation, inner_id(name, raw)?),
            Field::DeletedAt => Err(RowError::Deleted),
            Field::Hidden => {
                self.unknown_fields += 1;
                Ok(())
            }
        }
    }

    fn project(&self, name: &'static str, raw: &str) -> Result<(), RowError> {
        if id(name, raw)?.to_string() == self.project_id { Ok(()) } else { Err(RowError::OtherProject) }
    }

    fn related(&mut self, name: &'static str, relation: Relation, raw: &str) -> Result<(), RowError> {
        let id = id(name, raw)?;
        match self.row.related[relation as usize].replace(id) {
            Some(known) if known != id => Err(RowError::TwoIds(name)),
            _ => Ok(()),
        }
    }

    fn column(&mut self, name: &'static str, column: Column, raw: &str) -> Result<(), RowError> {
        let row = &mut self.row;
        match column {
            Column::Id => row.id = Some(id(name, raw)?),
            Column::CreatedAt => row.created_at = Some(date(name, raw)?),
            Column::UpdatedAt => row.updated_at = Some(date(name, raw)?),
            Column::Version => row.version = Some(integer(name, raw)?),
            Column::Cost => row.cost = Some(integer(name, raw)?),
            Column::ToNumber => row.to_number = Some(bounded(name, raw, MAX_NUMBER_BYTES)?),
            Column::FromNumber => row.from_number = Some(bounded(name, raw, MAX_NUMBER_BYTES)?),
            Column::MessageText => row.message_text = Some(text(name, raw)?),
            // Unlimited: a message's can be longer than OneUptime allows, and an exported row must be importable.
            Column::StatusMessage => row.status_message = Some(text(name, raw)?),
            Column::WhatsAppMessageId => {
                let (max, sentence) = MAX_WHATSAPP_MESSAGE_ID_CHARS;
                let id = text(name, raw)?;
                if id.chars().nth(max).is_some() {
                    return Err(RowError::Wrong(name, sentence));
                }
                row.whatsapp_message_id = Some(id);
            }
            Column::Status => {
                let status = bounded(name, raw, MAX_STATUS_BYTES)?;
                if status.is_empty() {
                    return Err(RowError::Wrong(name, "a text that is not empty"));
                }
                row.status = Some(status);
            }
            Column::Related(relation) => self.related(name, relation, raw)?,
        }
        Ok(())
    }
}

/// The `_id` of a related object.
fn inner_id<'a>(name: &'static str, raw: &'a str) -> Result<&'a str, RowError> {
    let fields = value::object(raw).unwrap_or_default();
    let id = fields.iter().find(|(name, _)| name == "_id").map(|(_, raw)| raw.get());
    id.ok_or(RowError::Wrong(name, "an object with an _id"))
}

fn text(name: &'static str, raw: &str) -> Result<String, RowError> {
    value::text(raw).ok_or(RowError::Wrong(name, "a text"))
}

fn bounded(name: &'static str, raw: &str, (max, sentence): (usize, &'static str)) -> Result<String, RowError> {
    let text = text(name, raw)?;
    if text.len() > max { Err(RowError::Wrong(name, sentence)) } else { Ok(text) }
}

fn id(name: &'static str, raw: &str) -> Result<Uuid, RowError> {
    value::text(raw).and_then(|text| value::id(&text)).ok_or(RowError::Wrong(name, "a UUID"))
}

fn date(name: &'static str, raw: &str) -> Result<Instant, RowError> {
    value::text(raw).and_then(|text| value::instant(&text)).ok_or(RowError::Wrong(name, "an ISO 8601 date"))
}

fn integer(name: &'static str, raw: &str) -> Result<i64, RowError> {
    value::text(raw).and_then(|text| wire::integer(&text).ok()).ok_or(RowError::Wrong(name, "an integer of 64 bits"))
}
