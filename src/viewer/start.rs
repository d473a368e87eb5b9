//! What the start page shows: the counts of two days, and the people whom a user has looked at last; knows no page.

use std::sync::Arc;
use std::time::Instant as Monotonic;

use super::{ViewError, Viewer};
use crate::model::audit::{Action, AuditRecord, Filter};
use crate::model::history::Window;
use crate::model::{Instant, Item, Property, mask};
use crate::store::StoreError;
use crate::store::audit::{self, EntryFilter};
use crate::store::messages::counts::{self, WindowCounts};

/// How many people are listed.
const PEOPLE: usize = 5;

/// How many of a user's last entries are looked through for people.
const ENTRIES: i64 = 200;

/// The counts of a day.
pub struct Day {
    pub window: Window,
    pub counts: Arc<WindowCounts>,
}

/// A person whom the user has looked at.
pub struct RecentPerson {
    /// The message that names the person.
    pub message: i64,
    /// Masked.
    pub address: String,
    pub channel_type: String,
    pub looked_at: Instant,
}

impl Viewer {
    /// The counts of a day, and of the day before. Those that take long are cached for all users who may
    /// see the same. Recorded before they are returned.
    pub async fn counts(&self, [today, yesterday]: [Window; 2]) -> Result<Vec<Day>, ViewError> {
        let first = yesterday.from;
        let (today, yesterday) = tokio::try_join!(self.counts_of(today), self.counts_of(yesterday))?;
        let days = vec![today, yesterday];
        let mut record = self.record(Action::Summary);
        record.rows = Some(days.iter().flat_map(|day| day.counts.counts.values()).sum());
        record.filter = Filter::default().with("from", first.iso());
        self.write(record).await?;
        Ok(days)
    }

    async fn counts_of(&self, window: Window) -> Result<Day, StoreError> {
        let (tenant, grants, at) = (self.tenant(), self.user.grants.clone(), self.now);
        let key = (tenant, grants.senders.clone(), window);
        let count = self.query(move |connection: &mut _, budget: &_| {
            let began = Monotonic::now();
            let counts = counts::of_window(connection, tenant, (&grants, window), budget)?;
            Ok((Arc::new(WindowCounts { counts, at }), began.elapsed()))
        });
        let counts = self.app.counts.get(key, Box::pin(count)).await?.ok_or(StoreError::Busy)?;
        Ok(Day { window, counts })
    }

    /// The people whom this user has looked at last, as far as their messages are still there. Recorded before they are returned.
    pub async fn recent_people(&self) -> Result<Vec<RecentPerson>, ViewError> {
        let (tenant, filter) = (self.tenant(), EntryFilter { user: Some(self.user.id), ..EntryFilter::default() });
        let load = move |connection: &mut _, _: &_| audit::last(connection, tenant, &filter, ENTRIES);
        let mut looks: Vec<(i64, Instant, Vec<String>)> = Vec::new();
        for entry in self.query(load).await? {
            let records: Vec<AuditRecord> = serde_json::from_str(&entry.records).unwrap_or_default();
            for record in records.into_iter().filter(|record| record.action == Action::Conversation) {
                let Some(message) = record.message else { continue };
                let is_known = looks.iter().any(|(_, _, addresses)| *addresses == record.addresses);
                if !is_known && looks.len() < PEOPLE {
                    looks.push((message, entry.recorded_at, record.addresses));
                }
            }
        }
        let ids: Vec<i64> = looks.iter().map(|(id, ..)| *id).collect();
        let items = self.visible_items(&ids).await?;
        let person = |(id, looked_at, _): (i64, Instant, Vec<String>)| {
            let item: &Item = items.iter().find(|item| item.message_id() == id)?;
            Some(RecentPerson {
                message: id,
                address: mask::address(item.text(Property::Address)?),
                channel_type: item.text(Property::ChannelType)?.to_owned(),
                looked_at,
            })
        };
        let people: Vec<RecentPerson> = looks.into_iter().filter_map(person).collect();
        if !people.is_empty() {
            let mut record = self.record(Action::RecentPeople);
            record.rows = Some(people.len() as u64);
            self.write(record).await?;
        }
        Ok(people)
    }
}
