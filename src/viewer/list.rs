//! A list of messages by filters; knows no address of a page.

use std::sync::Arc;

use super::{ViewError, Viewer};
use crate::model::audit::{Action, filters};
use crate::model::message_query::WalkPosition;
use crate::model::{Item, MessageFilters};
use crate::store::subjects;

/// How many messages a list has.
pub const PAGE: i64 = 50;

/// A page of a list, the newest message first.
pub struct List {
    /// Masked.
    pub items: Vec<Item>,
    /// Where the list goes on.
    pub next: Option<WalkPosition>,
    /// Whether the page was cut because looking for more would have taken too long.
    pub is_cut: bool,
    /// The phone numbers for which the international form was found instead of what was typed.
    pub international: Vec<String>,
}

impl Viewer {
    /// The messages that filters select, from a position on. Recorded before they are returned.
    pub async fn list(&self, filters: MessageFilters, from: Option<WalkPosition>) -> Result<List, ViewError> {
        let (tenant, wanted) = (self.tenant(), filters.subject_ids.clone());
        let exist = move |connection: &mut _, _: &_| subjects::all_exist(connection, tenant, &wanted);
        if !self.query(exist).await? {
            return Err(ViewError::NoSuchSubject);
        }
        let mut query = self.messages(filters, (true, PAGE), &self.user.grants)?;
        query.position = from;
        let query = Arc::new(query);
        let walked = self.walk(Arc::clone(&query)).await?;
        let mut record = self.record(Action::List);
        record.rows = Some(walked.items.len() as u64);
        filters::of_messages(&query, &mut record, &*self.key()?);
        self.write(record).await?;
        Ok(List {
            items: walked.items,
            next: walked.next,
            is_cut: !walked.complete,
            international: walked.international,
        })
    }
}
