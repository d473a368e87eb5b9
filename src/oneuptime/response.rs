//! The rows of a response, and the rest of a long one, which is read from the store at the pace of its client; knows no
//! request.

use uuid::Uuid;

use super::select::{Select, push_id_alone};
use crate::model::key::{Profile, Project};
use crate::model::{LogQuery, WhatsAppLog};
use crate::store::whatsapp_logs::page;
use crate::store::{Budget, Reader, Store, StoreError};
use crate::web::answer::RemainingParts;

/// How rows are rendered.
#[derive(Clone)]
pub struct Rendering {
    pub select: Select,
    pub project: Project,
    pub profile: Profile,
}

impl Rendering {
    /// Renders rows, separated by commas.
    pub fn of_rows(&self, rows: &[WhatsAppLog], budget: &Budget) -> Result<String, StoreError> {
        let mut text = String::new();
        for log in rows {
            budget.check()?;
            if !text.is_empty() {
                text.push(',');
            }
            self.select.push(&mut text, log, &self.project, self.profile);
        }
        Ok(text)
    }

    /// The same if only ids are selected.
    pub fn of_ids(ids: &[Uuid]) -> String {
        let mut text = String::new();
        for id in ids {
            if !text.is_empty() {
                text.push(',');
            }
            push_id_alone(&mut text, *id);
        }
        text
    }
}

/// The rows of a page that are not read yet. No connection or transaction is held while the client reads.
pub struct UnreadRows {
    pub store: Store,
    pub reader: Reader,
    pub query: LogQuery,
    pub rows: Rendering,
    pub ids: Vec<Uuid>,
    /// The end of the response body.
    pub after: String,
}

impl RemainingParts for UnreadRows {
    type Error = StoreError;

    async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.ids.is_empty() {
            return Ok(None);
        }
        let (query, rows, ids) = (self.query.clone(), self.rows.clone(), self.ids.clone());
        let work = move |connection: &mut _, budget: &Budget| {
            let (found, read) = page::next(connection, &query, &ids)?;
            Ok((rows.of_rows(&found, budget)?, read))
        };
        let (part, read) = self.store.query(&self.reader, work).await?;
        self.ids.drain(..read);
        Ok(Some(if part.is_empty() { Vec::new() } else { format!(",{part}").into_bytes() }))
    }

    fn end(self) -> String {
        self.after
    }
}
