//! What the target lacks of what is no message: subjects, keys, pulls, pending messages, other events, imported rows;
//! knows no SQL.

use std::collections::BTreeSet;

use super::Transfer;
use crate::model::WhatsAppLog;
use crate::model::subject::Subject;
use crate::store::messages::pending;
use crate::store::messages::raw::{self, Wanted};
use crate::store::whatsapp_logs::RowSource;
use crate::store::{Connection, StoreError, api_keys, pulls, subjects, users, whatsapp_logs};

impl Transfer<'_> {
    /// A phrase for each kind of which something is missing.
    pub(super) async fn missing_rest(&self) -> Result<Vec<String>, StoreError> {
        let missing = [
            (self.missing_subjects().await?, "subjects"),
            (self.missing_keys().await?, "keys or their revocations"),
            (self.missing_users().await?, "users or their changes"),
            (self.missing_pulls().await?, "pulls"),
            (self.missing_pending().await?, "pending messages"),
            (self.missing_other_events().await?, "other events"),
            (self.missing_logs().await?, "imported rows"),
        ];
        let phrase = |(count, what): (usize, &str)| (count > 0).then(|| format!("{count} {what}"));
        Ok(missing.into_iter().filter_map(phrase).collect())
    }

    async fn missing_subjects(&self) -> Result<usize, StoreError> {
        let tenant = self.tenant;
        let all = self.from.read_primary(move |connection| subjects::all(connection, tenant)).await?;
        let known = self.to.read_primary(move |connection| subjects::all(connection, tenant)).await?;
        // A subject that was learned may have been learned from a later message.
        let is_known = |subject: &&(_, Option<i64>)| known.iter().any(|other| is_same(subject, other));
        Ok(all.iter().filter(|subject| !is_known(subject)).count())
    }

    async fn missing_keys(&self) -> Result<usize, StoreError> {
        let tenant = self.tenant;
        let all = self.from.read_primary(move |connection| api_keys::rows(connection, tenant)).await?;
        let known = self.to.read_primary(move |connection| api_keys::rows(connection, tenant)).await?;
        Ok(all.iter().filter(|key| !known.iter().any(|other| key.is_covered_by(other))).count())
    }

    async fn missing_users(&self) -> Result<usize, StoreError> {
        let tenant = self.tenant;
        let all = self.from.read_primary(move |connection| users::rows(connection, tenant)).await?;
        let known = self.to.read_primary(move |connection| users::rows(connection, tenant)).await?;
        Ok(all.iter().filter(|user| !known.iter().any(|other| user.is_covered_by(other))).count())
    }

    async fn missing_pulls(&self) -> Result<usize, StoreError> {
        let tenant = self.tenant;
        let all = self.from.read_primary(move |connection| pulls::all(connection, tenant)).await?;
        let known = self.to.read_primary(move |connection| pulls::all(connection, tenant)).await?;
        let is_known = |(upstream, progress): &&(String, pulls::PullProgress)| {
            known.iter().any(|(other, further)| other == upstream && further.has_reached(progress))
        };
        Ok(all.iter().filter(|pull| !is_known(pull)).count())
    }

    /// A message that is pending in the source may have its channel in the target.
    async fn missing_pending(&self) -> Result<usize, StoreError> {
        let (tenant, mut missing) = (self.tenant, 0);
        self.each_page_of_pending(async |page| {
            let count = move |connection: &mut Connection| {
                let ids = page.iter().map(|stored| stored.message.message_id()).collect();
                let known = raw::content(connection, tenant, &Wanted::Ids(ids))?;
                let mut missing = 0;
                for stored in page {
                    let is_known = known.messages.contains_key(&stored.message.message_id())
                        || pending::is_pending(connection, tenant, &stored.message)?;
                    missing += usize::from(!is_known);
                }
                Ok(missing)
            };
            missing += self.to.read_primary(count).await?;
            Ok(())
        })
        .await?;
        Ok(missing)
    }

    async fn missing_other_events(&self) -> Result<usize, StoreError> {
        let (tenant, mut missing) = (self.tenant, 0);
        self.each_page_of_other_events(async |page| {
            let digests: BTreeSet<String> = page.into_iter().map(|(digest, ..)| digest).collect();
            let count = digests.len();
            let known = self.to.read_primary(move |connection| pending::known_events(connection, tenant, &digests));
            missing += count - known.await?.len();
            Ok(())
        })
        .await?;
        Ok(missing)
    }

    async fn missing_logs(&self) -> Result<usize, StoreError> {
        let (tenant, mut missing) = (self.tenant, 0);
        self.each_page_of_imported_logs(async |page| {
            let ids = page.iter().map(|log| log.id).collect();
            let known = self.to.read_primary(move |connection| whatsapp_logs::load(connection, tenant, &ids)).await?;
            // Of two copies of a row, the target keeps the newer one.
            let is_known = |log: &&WhatsAppLog| match known.get(&log.id) {
                None => false,
                Some(row) => match &row.source {
                    RowSource::Message => false,
                    RowSource::Import => row.log >= **log,
                    RowSource::MessageWithCopy(copy) => **copy >= **log,
                },
            };
            missing += page.iter().filter(|log| !is_known(log)).count();
            Ok(())
        })
        .await?;
        Ok(missing)
    }
}

/// Whether two stores have the same subject: equal if it was added by hand.
fn is_same(one: &(Subject, Option<i64>), other: &(Subject, Option<i64>)) -> bool {
    if one.1.is_none() { one == other } else { one.0.id == other.0.id }
}
