//! One message with everything that is known of it; knows no page.

use super::reveal::ShownPerson;
use super::{ViewError, Viewer};
use crate::model::audit::{Action, AuditRecord};
use crate::model::trail::Trail;
use crate::model::{Grants, Instant, Item, Property, Sight};
use crate::store::messages::{self, trail};

/// A message as a user sees it.
pub struct ShownMessage {
    pub trail: Trail,
    /// Whether it is masked.
    pub is_masked: bool,
    pub revealed_until: Option<Instant>,
}

impl Viewer {
    /// A message. Recorded before it is returned.
    pub async fn message(&self, id: i64) -> Result<ShownMessage, ViewError> {
        let shown = self.shown_person(id).await?;
        let trail = self.trails(vec![id], shown.grants.clone()).await?.pop().ok_or(ViewError::NotFound)?;
        let mut record = self.record(Action::Message);
        record.message = Some(id);
        self.record_person(&mut record, &shown)?;
        record.rows = Some(1);
        self.write(record).await?;
        Ok(ShownMessage { trail, is_masked: shown.grants.sight == Sight::Masked, revealed_until: shown.revealed_until })
    }

    pub(super) async fn trails(&self, ids: Vec<i64>, grants: Grants) -> Result<Vec<Trail>, ViewError> {
        let (tenant, ids) = (self.tenant(), ids.into_iter().collect());
        let load = move |connection: &mut _, _: &_| trail::load_all(connection, tenant, (&ids, &grants));
        Ok(self.query(load).await?.into_values().collect())
    }

    /// The same in the order of their times: feeds of several sources give ids that need not have it.
    pub(super) async fn trails_by_time(&self, ids: Vec<i64>, grants: Grants) -> Result<Vec<Trail>, ViewError> {
        let mut trails = self.trails(ids, grants).await?;
        trails.sort_by_key(|trail| (trail.item.instant(Property::SentOrReceivedAt), trail.item.message_id()));
        Ok(trails)
    }

    /// Adds to a record whose messages are shown, and whether they are masked.
    pub(super) fn record_person(&self, record: &mut AuditRecord, shown: &ShownPerson) -> Result<(), ViewError> {
        record.name_addresses(shown.person.addresses.iter().map(String::as_str), &*self.key()?);
        record.unmasked = shown.grants.sight == Sight::Whole;
        Ok(())
    }

    /// Which of some messages this user may see, as they are, for addresses masked by the caller.
    pub(super) async fn visible_items(&self, ids: &[i64]) -> Result<Vec<Item>, ViewError> {
        let (tenant, grants) = (self.tenant(), self.user.grants.clone());
        let ids = ids.iter().copied().collect();
        let load = move |connection: &mut _, _: &_| {
            let found = messages::load(connection, tenant, &ids)?;
            let items = found.into_values().map(|stored| (*stored.item).clone());
            Ok(items.filter(|item| grants.sees_message_of(item.integer(Property::SubjectId))).collect())
        };
        Ok(self.query(load).await?)
    }
}
